//! The tasks that wait for a stream: one that reads and one that writes.

use core::task::{Context, Waker};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Wake;

/// The direction in which a task uses the stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    Reader,
    Writer,
}

/// The wakers of both tasks. The transport has one waker, which wakes both.
///
/// A transport keeps one waker for each direction. The reading task also writes, to pass on what a
/// writer left behind or an alert, and a writing task reads during a renegotiation. With wakers of
/// their own, each would take the other's place, who then sleeps for ever.
#[derive(Debug, Default)]
pub(super) struct Waiting(Mutex<Tasks>);

#[derive(Debug, Default)]
struct Tasks {
    reader: Option<Waker>,
    writer: Option<Waker>,
}

impl Tasks {
    fn of(&mut self, side: Side) -> &mut Option<Waker> {
        match side {
            Side::Reader => &mut self.reader,
            Side::Writer => &mut self.writer,
        }
    }
}

impl Waiting {
    /// Takes note of the task, before the transport is asked.
    pub(super) fn register(&self, side: Side, context: &Context<'_>) {
        let mut tasks = self.lock();
        let task = tasks.of(side);
        if !task.as_ref().is_some_and(|task| task.will_wake(context.waker())) {
            *task = Some(context.waker().clone());
        }
    }

    /// The task does not wait any more.
    pub(super) fn clear(&self, side: Side) {
        let task = self.lock().of(side).take();
        drop(task);
    }

    /// Wakes the task of one direction, if it waits.
    pub(super) fn wake_one(&self, side: Side) {
        let task = self.lock().of(side).take();
        if let Some(task) = task {
            task.wake();
        }
    }

    /// A panic behind the lock leaves the wakers as they are.
    fn lock(&self) -> MutexGuard<'_, Tasks> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Wake for Waiting {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.wake_one(Side::Reader);
        self.wake_one(Side::Writer);
    }
}
