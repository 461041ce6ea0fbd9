//! An answerer that decrypts for several connections together.
//!
//! ```text
//! handshake --decrypt-->+                 +--> worker: takes a batch, decrypts it, answers
//! handshake --decrypt-->+--> a queue -----+
//! handshake --decrypt-->+                 +--> worker: decrypts its batch meanwhile
//! ```
//!
//! A worker is a blocking task that lasts as long as there are jobs. It never waits for more: a batch
//! of any size costs no more for each job than a job alone, and what comes meanwhile is the next
//! batch. The queue needs no bound of its own, since a handshake has one job in it at most.

use super::answer::{Answerer, Answering};
use super::threads::cores;
use crate::crypto::key_id::KeyId;
use crate::crypto::private_key::PrivateKey;
use crate::pending::{Answer, DecryptBatch, DecryptPreMasterSecret};
use core::fmt;
use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::panicking;
use tokio::runtime::Handle;
use tokio::sync::oneshot;

/// The most jobs of a batch unless another number is set. More gain nothing with an
/// [`RsaKey`](crate::RsaKey).
const BATCH: usize = 8;

/// An [`Answerer`] of servers that decrypts the pre-master secrets of several connections with one
/// call of the key, on a bounded number of threads.
///
/// A batch costs less than its jobs one by one with an [`RsaKey`](crate::RsaKey) on a processor with
/// AVX-512, and with keys elsewhere that gain from batches; see
/// [`DecryptBatch`]. Jobs are answered in the order in which they come. The
/// job of a handshake that has ended meanwhile is left out, unless it has begun.
///
/// ```
/// use premaster::tokio::{BatchDecryption, TlsAcceptor};
/// use premaster::{ConfigError, PrivateKey, RsaKey, CertifiedKey, ServerConfig};
/// use std::sync::Arc;
///
/// fn acceptor(chain: &[u8], key: &[u8]) -> Result<TlsAcceptor, ConfigError> {
///     let key: Arc<dyn PrivateKey> = Arc::new(RsaKey::from_pem(key)?);
///     let certified = CertifiedKey::with_key(premaster::certificate::certificates_from_bytes(chain)?, key.clone())?;
///     let config = ServerConfig::builder(Arc::new(certified)).offload_decryption().build()?;
///     Ok(TlsAcceptor::from(Arc::new(config)).answerer(Arc::new(BatchDecryption::new([key]))))
/// }
/// ```
#[derive(Clone)]
pub struct BatchDecryption {
    keys: Arc<BTreeMap<KeyId, Arc<dyn PrivateKey>>>,
    threads: usize,
    batch: usize,
    queue: Arc<Mutex<Queue>>,
}

#[derive(Default)]
struct Queue {
    jobs: VecDeque<Job>,
    workers: usize,
}

/// A job and the handshake that waits for it.
struct Job {
    job: DecryptPreMasterSecret,
    handshake: oneshot::Sender<Answer>,
}

impl BatchDecryption {
    /// Creates an answerer with the keys of the server's certificates. It uses as many threads as the
    /// machine has cores, and batches of eight.
    #[must_use]
    pub fn new(keys: impl IntoIterator<Item = Arc<dyn PrivateKey>>) -> Self {
        let keys = keys.into_iter().map(|key| (key.key_id(), key));
        Self {
            keys: Arc::new(keys.collect()),
            threads: cores(),
            batch: BATCH,
            queue: Arc::default(),
        }
    }

    /// Sets how many threads decrypt at the same time, at least one.
    #[must_use]
    pub fn threads(mut self, threads: usize) -> Self {
        self.threads = threads.max(1);
        self
    }

    /// Sets how many jobs a batch has at most, at least one. Set it higher for a key that is asked
    /// over a network.
    #[must_use]
    pub fn batch(mut self, jobs: usize) -> Self {
        self.batch = jobs.max(1);
        self
    }

    fn submit(&self, job: Job) -> io::Result<()> {
        let runtime = Handle::try_current().map_err(io::Error::other)?;
        self.lock().jobs.push_back(job);
        self.hire(&runtime);
        Ok(())
    }

    /// Adds a worker, if there may be another one.
    fn hire(&self, runtime: &Handle) {
        let mut queue = self.lock();
        if queue.workers == self.threads || queue.jobs.is_empty() {
            return;
        }
        queue.workers += 1;
        drop(queue);
        let worker = Worker {
            answerer: self.clone(),
            counted: true,
        };
        runtime.spawn_blocking(|| worker.run());
    }

    /// A panic behind the lock leaves the queue as it is.
    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Answerer for BatchDecryption {
    fn decrypt(&self, job: DecryptPreMasterSecret) -> Answering<'_> {
        Box::pin(async move {
            if !self.keys.contains_key(&job.key_id()) {
                let text = "no key for the server's certificate was given to BatchDecryption";
                return Err(io::Error::new(io::ErrorKind::NotFound, text));
            }
            let (handshake, answer) = oneshot::channel();
            self.submit(Job { job, handshake })?;
            answer.await.map_err(|_| io::Error::other("the private key panicked"))
        })
    }
}

impl fmt::Debug for BatchDecryption {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BatchDecryption")
            .field("keys", &self.keys.keys())
            .field("threads", &self.threads)
            .field("batch", &self.batch)
            .field("waiting", &self.lock().jobs.len())
            .finish()
    }
}

/// One of the threads.
struct Worker {
    answerer: BatchDecryption,
    /// Whether the queue counts it.
    counted: bool,
}

impl Worker {
    /// Decrypts batches until no job is left.
    fn run(mut self) {
        let mut batch = DecryptBatch::new();
        while self.gather(&mut batch) {
            let keys = &self.answerer.keys;
            for (handshake, answer) in batch.decrypt(|id| keys.get(&id).map(Arc::as_ref)) {
                // A handshake that has ended meanwhile does not wait any more.
                let _ = handshake.send(answer);
            }
        }
    }

    /// Takes the jobs that wait, up to a batch. Returns false if there are none; the worker is then
    /// not counted any more, and the next job brings another one.
    fn gather(&mut self, batch: &mut DecryptBatch<oneshot::Sender<Answer>>) -> bool {
        let mut queue = self.answerer.lock();
        while batch.len() < self.answerer.batch
            && let Some(Job { job, handshake }) = queue.jobs.pop_front()
        {
            if !handshake.is_closed() {
                batch.push(job, handshake);
            }
        }
        if batch.is_empty() {
            queue.workers -= 1;
            self.counted = false;
        }
        !batch.is_empty()
    }
}

/// A worker is counted no more if its key panicked, or if its runtime ended before it began. In the
/// first case another one takes its place.
impl Drop for Worker {
    fn drop(&mut self) {
        if !self.counted {
            return;
        }
        self.answerer.lock().workers -= 1;
        if panicking()
            && let Ok(runtime) = Handle::try_current()
        {
            self.answerer.hire(&runtime);
        }
    }
}
