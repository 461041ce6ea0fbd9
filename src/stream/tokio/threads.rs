//! Work on tokio's threads for blocking work.

use crate::pending::{Answer, FindSession, Work};
use core::future::Future;
use core::pin::Pin;
use core::task::{Context, Poll};
use std::io;
use std::sync::{Arc, LazyLock};
use std::thread::available_parallelism;
use tokio::sync::Semaphore;
use tokio::task::{JoinHandle, spawn_blocking};

/// A permit for each core: more private keys at work at once make each slower, and leave nothing to
/// the rest of the program.
static CORES: LazyLock<Arc<Semaphore>> = LazyLock::new(|| Arc::new(Semaphore::new(cores())));

/// Permits to wait for a store that blocks. A store that hangs leaves most of the runtime's threads
/// to others.
static STORES: LazyLock<Arc<Semaphore>> = LazyLock::new(|| Arc::new(Semaphore::new(32)));

/// How many threads can compute at once; one if that is unknown.
pub(super) fn cores() -> usize {
    available_parallelism().map_or(1, usize::from)
}

/// Answers with the configuration's own key, as soon as a core is free. Handshakes wait in order.
pub(super) async fn by_own_key(work: Work) -> io::Result<Answer> {
    blocking(&CORES, work).await
}

/// Looks a session up in the configuration's own store, which blocks. Handshakes wait in order.
pub(super) async fn by_own_store(job: FindSession) -> io::Result<Answer> {
    blocking(&STORES, move || job.look_up()).await
}

/// Does blocking work as soon as there is a permit for it.
async fn blocking(
    permits: &Arc<Semaphore>,
    work: impl FnOnce() -> Answer + Send + 'static,
) -> io::Result<Answer> {
    let permit = Arc::clone(permits).acquire_owned().await.map_err(io::Error::other)?;
    let work = spawn_blocking(move || {
        let answer = work();
        drop(permit);
        answer
    });
    Detached(work).await
}

/// A blocking task. Dropping it cancels the task if it has not begun; otherwise the task goes on and
/// its result is lost.
struct Detached<T>(JoinHandle<T>);

impl<T> Future for Detached<T> {
    type Output = io::Result<T>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let result = Pin::new(&mut self.0).poll(context);
        result.map_err(|error| {
            io::Error::other(if error.is_panic() {
                "the work that answers a pause panicked"
            } else {
                "the runtime has ended"
            })
        })
    }
}

impl<T> Drop for Detached<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}
