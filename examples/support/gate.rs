//! How many connections a server has at one time, and how it ends.

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use std::collections::HashMap;
use std::io;
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

/// Lets a bounded number of connections in, and none once the server is to stop.
pub struct Gate {
    places: usize,
    /// How long connections in progress may go on then.
    grace: Duration,
    state: Mutex<GateState>,
    changed: Condvar,
}

#[derive(Default)]
struct GateState {
    connections: usize,
    /// Those of the connections, by the number of their place.
    sockets: HashMap<u64, TcpStream>,
    /// How many places have been given so far.
    given: u64,
    /// Once the server is to stop: when at the latest.
    deadline: Option<Instant>,
}

impl Gate {
    pub fn new(places: usize, grace: Duration) -> Arc<Self> {
        Arc::new(Self {
            places,
            grace,
            state: Mutex::default(),
            changed: Condvar::new(),
        })
    }

    /// Waits for a place. `None` once the server is to stop.
    pub fn enter(self: &Arc<Self>) -> Option<Place> {
        let mut state = self.lock();
        while state.connections == self.places && state.deadline.is_none() {
            state = self.wait(state, Duration::MAX);
        }
        if state.deadline.is_some() {
            return None;
        }
        state.connections += 1;
        state.given += 1;
        Some(Place {
            gate: Arc::clone(self),
            number: state.given,
        })
    }

    /// Lets nobody in any more, and wakes the thread that waits for connections at `address`.
    pub fn close(&self, address: SocketAddr) {
        self.stop();
        let _ = TcpStream::connect_timeout(&address, self.grace);
    }

    fn stop(&self) {
        self.lock().deadline = Some(Instant::now() + self.grace);
        self.changed.notify_all();
    }

    /// Waits until every connection has ended. If the server is to stop, those that have not when
    /// the time is up hear nothing more, and have as long again to say so before they are cut.
    pub fn wait_until_empty(&self) {
        for how in [Shutdown::Read, Shutdown::Both] {
            if self.is_empty_in_time() {
                return;
            }
            for socket in self.lock().sockets.values() {
                // One that has ended needs no telling.
                let _ = socket.shutdown(how);
            }
            self.stop();
        }
    }

    /// Waits until every connection has ended, or the deadline is over.
    fn is_empty_in_time(&self) -> bool {
        let mut state = self.lock();
        while state.connections > 0 {
            let left = match state.deadline {
                None => Duration::MAX,
                Some(deadline) => deadline.saturating_duration_since(Instant::now()),
            };
            if left.is_zero() {
                return false;
            }
            state = self.wait(state, left);
        }
        true
    }

    fn lock(&self) -> MutexGuard<'_, GateState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait<'g>(
        &self,
        state: MutexGuard<'g, GateState>,
        timeout: Duration,
    ) -> MutexGuard<'g, GateState> {
        self.changed.wait_timeout(state, timeout).unwrap_or_else(PoisonError::into_inner).0
    }
}

/// One connection's place, free again when dropped.
pub struct Place {
    gate: Arc<Gate>,
    number: u64,
}

impl Place {
    /// Says which connection has the place.
    pub fn is_of(&self, socket: &TcpStream) -> io::Result<()> {
        let socket = socket.try_clone()?;
        self.gate.lock().sockets.insert(self.number, socket);
        Ok(())
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut state = self.gate.lock();
        state.connections -= 1;
        state.sockets.remove(&self.number);
        self.gate.changed.notify_all();
    }
}

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
