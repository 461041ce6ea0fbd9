//! What the two halves of a connection leave for each other.

use crate::connection::output::Replies;
use crate::error::Error;
use crate::resumption::SessionInUse;
use core::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The shared state of two halves. A record costs each half one look at its flag; the lock is taken
/// only where a flag is set, which is at an alert and at the end.
#[derive(Debug)]
pub(super) struct Link {
    /// The receiver has left something for the sender.
    sender_is_due: AtomicBool,
    /// The sender has failed.
    sender_failed: AtomicBool,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    replies: Replies,
    /// The error of the half that failed first.
    failure: Option<Error>,
    /// A failure of either half removes this session.
    session: Option<SessionInUse>,
}

impl State {
    /// Takes note of a failure, and returns the session that it invalidates.
    fn fail(&mut self, error: &Error, session: Session) -> Option<SessionInUse> {
        self.failure.get_or_insert_with(|| error.clone());
        match session {
            Session::Forget => self.session.take(),
            Session::Keep => None,
        }
    }
}

/// "the session identifier MUST be invalidated, preventing the failed session from being used to
/// establish new connections." The store is the caller's code, so nothing is locked here.
fn forget(session: Option<SessionInUse>) {
    if let Some(session) = session {
        session.forget();
    }
}

/// What a failure means for the session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Session {
    /// It must not be resumed.
    Forget,
    Keep,
}

impl Link {
    pub(super) fn new(session: Option<SessionInUse>) -> Self {
        Self {
            sender_is_due: AtomicBool::new(false),
            sender_failed: AtomicBool::new(false),
            state: Mutex::new(State {
                replies: Replies::default(),
                failure: None,
                session,
            }),
        }
    }

    pub(super) fn sender_is_due(&self) -> bool {
        self.sender_is_due.load(Ordering::Acquire)
    }

    /// Leaves alerts, the receiver's failure, or both at once for the sender: behind a fatal alert it
    /// must not send.
    pub(super) fn leave(&self, replies: Option<Replies>, failure: Option<(&Error, Session)>) {
        let mut state = self.lock();
        let mut forgotten = None;
        let mut news = replies.is_some();
        for alert in replies.into_iter().flat_map(Replies::alerts) {
            state.replies.add(alert);
        }
        if let Some((error, session)) = failure {
            news |= state.failure.is_none();
            forgotten = state.fail(error, session);
        }
        if news {
            self.sender_is_due.store(true, Ordering::Release);
        }
        drop(state);
        forget(forgotten);
    }

    /// Takes what the receiver has left: alerts to send, and the error with which it failed.
    pub(super) fn take(&self) -> (Replies, Option<Error>) {
        let mut state = self.lock();
        self.sender_is_due.store(false, Ordering::Release);
        (core::mem::take(&mut state.replies), state.failure.clone())
    }

    /// Leaves the sender's failure for the receiver.
    pub(super) fn sender_failed(&self, error: &Error) {
        let mut state = self.lock();
        let forgotten = state.fail(error, Session::Forget);
        self.sender_failed.store(true, Ordering::Release);
        drop(state);
        forget(forgotten);
    }

    /// Returns the error with which the sender failed.
    pub(super) fn sender_failure(&self) -> Option<Error> {
        if self.sender_failed.load(Ordering::Acquire) {
            self.lock().failure.clone()
        } else {
            None
        }
    }

    pub(super) fn take_session(&self) -> Option<SessionInUse> {
        self.lock().session.take()
    }

    /// Nothing panics under the lock.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
