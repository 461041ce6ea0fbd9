//! How many connections a server has at one time, and how it ends.

use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, Shutdown, SocketAddr, TcpStream};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Gives a bounded number of connections a place, and tells when the server is to stop.
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
    /// How many of them each address has.
    of_address: HashMap<IpAddr, usize>,
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

    /// Returns a place, or `None` if all are taken, or as many as one address may have.
    pub fn enter(self: &Arc<Self>, address: IpAddr, per_address: usize) -> Option<Place> {
        let mut state = self.lock();
        let of_address = state.of_address.get(&address).copied().unwrap_or_default();
        if state.connections == self.places || of_address >= per_address {
            return None;
        }
        state.of_address.insert(address, of_address + 1);
        state.connections += 1;
        state.given += 1;
        Some(Place {
            gate: Arc::clone(self),
            number: state.given,
            address,
        })
    }

    /// Returns true once the server is to stop.
    pub fn is_closed(&self) -> bool {
        self.lock().deadline.is_some()
    }

    /// Returns true once the server is to stop and the connections in progress have had their time.
    pub fn is_over(&self) -> bool {
        self.lock().deadline.is_some_and(|deadline| deadline <= Instant::now())
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
    address: IpAddr,
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
        if let Some(count) = state.of_address.get_mut(&self.address) {
            *count -= 1;
            if *count == 0 {
                state.of_address.remove(&self.address);
            }
        }
        self.gate.changed.notify_all();
    }
}
