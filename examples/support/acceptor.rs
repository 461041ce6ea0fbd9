//! A thread for each connection.

use super::gate::Gate;
use super::socket::hang_up;
use super::wrap::wrap;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

/// How long a peer may take to close its side at the end.
const LINGER: Duration = Duration::from_secs(1);

/// How long to let connections end when there are too many open files or threads.
const PAUSE: Duration = Duration::from_millis(100);

/// Serves each connection in a thread of its own, as many at a time as the gate lets in, until it
/// is closed. On return every one of the threads has ended.
pub fn serve_each(
    listener: TcpListener,
    gate: &Arc<Gate>,
    serve: impl Fn(&TcpStream, SocketAddr) + Sync,
) {
    serve_first(usize::MAX, listener, gate, serve);
}

/// Serves as [`serve_each`] does, but only the first `count` connections.
pub fn serve_first(
    count: usize,
    listener: TcpListener,
    gate: &Arc<Gate>,
    serve: impl Fn(&TcpStream, SocketAddr) + Sync,
) {
    let serve = &serve;
    let mut left = count;
    thread::scope(|scope| {
        while left > 0 {
            let accepted = listener.accept();
            let Some(place) = gate.enter() else { break };
            let served = accepted.and_then(|(socket, peer)| {
                place.is_of(&socket)?;
                thread::Builder::new().spawn_scoped(scope, move || {
                    serve(&socket, peer);
                    hang_up(&socket, LINGER);
                    drop(place);
                })
            });
            match served {
                Ok(_) => left -= 1,
                Err(error) => {
                    eprintln!("{}", wrap(&format!("cannot accept a connection: {error}")));
                    thread::sleep(PAUSE);
                }
            }
        }
        drop(listener);
        gate.wait_until_empty();
    });
}
