//! What the benches share: a handshake in memory, and two measurements compared side by side.
//!
//! The absolute figures of two runs differ by more than what is looked for here. A comparison
//! therefore takes many short measurements of both in turns, and the median of the ratios.

#![allow(dead_code, reason = "each bench uses its own part")]

mod clock;
pub mod heap;
pub mod records;

pub use clock::{Side, time};

use crate::common;
use premaster::{Answer, ClientConfig, Connection, Event, ServerConfig};
use std::sync::Arc;
use std::time::Duration;

/// Room for any flight of a handshake, so that no call has to grow a buffer.
const FLIGHT: usize = 16 * 1024;

/// ClientHello, the server's flight, the client's, and the server's Finished, each call of a side
/// made by `within`. No side pauses.
pub fn handshake(
    client: &Arc<ClientConfig>,
    server: &Arc<ServerConfig>,
    within: impl FnMut(Side, &mut dyn FnMut()),
) -> (Connection, Connection) {
    watched_handshake(client, server, within, |_, _| None)
}

/// A handshake in which, after each call, `reached` sees the connection and answers what is
/// pending.
pub fn watched_handshake(
    client: &Arc<ClientConfig>,
    server: &Arc<ServerConfig>,
    mut within: impl FnMut(Side, &mut dyn FnMut()),
    mut reached: impl FnMut(Side, &Connection) -> Option<Answer>,
) -> (Connection, Connection) {
    let mut to_server = Vec::with_capacity(FLIGHT);
    let mut to_client = Vec::with_capacity(FLIGHT);
    let (mut started, mut accepted) = (None, None);
    within(Side::Client, &mut || {
        started = Connection::client(client.clone(), common::name(), &mut to_server).ok();
    });
    within(Side::Server, &mut || {
        accepted = Some(Connection::server(server.clone()));
    });
    let (mut client, mut server) = (started.unwrap(), accepted.unwrap());
    reached(Side::Client, &client);
    reached(Side::Server, &server);
    for side in [Side::Server, Side::Client, Side::Server, Side::Client] {
        let (connection, incoming, outgoing) = match side {
            Side::Client => (&mut client, &mut to_client, &mut to_server),
            Side::Server => (&mut server, &mut to_server, &mut to_client),
        };
        let mut answer = None;
        while !incoming.is_empty() || answer.is_some() {
            within(side, &mut || {
                take(connection, incoming, outgoing, answer.take());
            });
            answer = reached(side, connection);
            assert!(incoming.is_empty() || answer.is_some());
        }
    }
    assert!(client.session().is_some() && server.session().is_some());
    (client, server)
}

/// Gives a side the answer to its pause, if there was one, and has it take in what has come, up to
/// its end or to the next pause.
fn take(
    connection: &mut Connection,
    incoming: &mut Vec<u8>,
    outgoing: &mut Vec<u8>,
    answer: Option<Answer>,
) {
    if let Some(answer) = answer {
        connection.resume(answer, outgoing).unwrap();
    }
    loop {
        let received = connection.receive(incoming, outgoing).unwrap();
        let consumed = received.consumed;
        let done = match received.event {
            Event::HandshakeComplete => false,
            Event::NeedData | Event::Paused => true,
            other => panic!("{other:?}"),
        };
        incoming.drain(..consumed);
        if done {
            return;
        }
    }
}

/// The median of `measured / reference` over rounds in which each is measured once.
///
/// Every other round measures them in the other order, so that neither is always the one that runs
/// in the other's wake.
pub fn median_ratio(
    rounds: usize,
    mut measured: impl FnMut() -> Duration,
    mut reference: impl FnMut() -> Duration,
) -> f64 {
    let mut ratios: Vec<f64> = (0..rounds)
        .map(|round| {
            let (measured, reference) = if round % 2 == 0 {
                let measured = measured();
                (measured, reference())
            } else {
                let reference = reference();
                (measured(), reference)
            };
            measured.as_secs_f64() / reference.as_secs_f64()
        })
        .collect();
    ratios.sort_by(f64::total_cmp);
    ratios[rounds / 2]
}

/// Returns true for `cargo bench`, and false for `cargo test`, which runs every bench once.
pub fn is_bench_run() -> bool {
    std::env::args().any(|argument| argument == "--bench")
}
