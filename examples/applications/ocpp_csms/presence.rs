//! The stations that are connected: a bounded number, and each one once.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::oneshot;

/// Who is connected.
pub struct Presence {
    most: usize,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// By identity.
    present: HashMap<String, Present>,
    /// How many places have been given so far.
    given: u64,
}

struct Present {
    number: u64,
    /// Tells the connection that a newer one has taken its place.
    replace: oneshot::Sender<()>,
}

/// All places are taken.
#[derive(Debug)]
pub struct Full;

impl Presence {
    pub fn new(most: usize) -> Arc<Self> {
        Arc::new(Self {
            most,
            state: Mutex::default(),
        })
    }

    /// Gives the station a place. If it has one already, the connection that holds it is told to
    /// end: a station whose network failed comes back long before its old connection is known to be
    /// dead. So it also gets in when all places are taken.
    pub fn enter(self: &Arc<Self>, identity: &str) -> Result<Place, Full> {
        let mut state = self.lock();
        if state.present.len() >= self.most && !state.present.contains_key(identity) {
            return Err(Full);
        }
        state.given += 1;
        let number = state.given;
        let (replace, replaced) = oneshot::channel();
        let former = state.present.insert(identity.to_owned(), Present { number, replace });
        if let Some(former) = former {
            // It fails if that connection is ending already.
            let _ = former.replace.send(());
        }
        Ok(Place {
            presence: Arc::clone(self),
            identity: identity.to_owned(),
            number,
            replaced,
        })
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A station's place, free again when dropped.
pub struct Place {
    presence: Arc<Presence>,
    identity: String,
    number: u64,
    replaced: oneshot::Receiver<()>,
}

impl Place {
    /// Waits until a newer connection has taken the place. Cancel-safe.
    pub async fn replaced(&mut self) {
        // The other end is dropped only by this place, or after it has told.
        let _ = (&mut self.replaced).await;
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut state = self.presence.lock();
        let own = |present: &Present| present.number == self.number;
        if state.present.get(&self.identity).is_some_and(own) {
            state.present.remove(&self.identity);
        }
    }
}
