//! The end of a server by a signal.

use super::gate::Gate;
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::thread;

/// Closes the gate at SIGTERM or SIGINT.
pub fn stop_on_signal(gate: Arc<Gate>, address: SocketAddr) -> io::Result<()> {
    let mut signals = Signals::new([SIGTERM, SIGINT])?;
    thread::spawn(move || {
        if signals.forever().next().is_some() {
            gate.close(address);
        }
    });
    Ok(())
}
