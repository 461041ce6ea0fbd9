//! A few threads that decrypt pre-master secrets for many connections, several at once.
//!
//! ```text
//! connection --submit-->+                       +--> worker: takes a batch, decrypts it, answers
//! connection --submit-->+--> a bounded queue ---+
//! connection --submit-->+                       +--> worker: decrypts its batch meanwhile
//! ```
//!
//! A worker takes the jobs that wait, of whatever keys, up to the most that a batch may have. It
//! never waits for more: a batch of any size costs no more for each job than a job alone, and what
//! comes meanwhile is the next batch. A full queue refuses. The workers end when all connections are
//! gone.

use premaster::private_key::{DecryptBatch, DecryptPreMasterSecret};
use premaster::{Answer, KeyId, PrivateKey};
use std::collections::BTreeMap;
use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{self, Receiver, SyncSender};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// The keys, by their SPKI fingerprints.
pub type Keys = BTreeMap<KeyId, Arc<dyn PrivateKey>>;

/// Creates a pool: the queue for the connections, with room for so many jobs, and the worker that
/// each thread runs a copy of.
pub fn decryption_pool(keys: Keys, room: usize) -> (Queue, Worker) {
    let (sender, receiver) = mpsc::sync_channel(room);
    let worker = Worker {
        keys: Arc::new(keys),
        questions: Arc::new(Mutex::new(receiver)),
        most: Arc::new(AtomicUsize::new(1)),
    };
    (Queue(sender), worker)
}

/// The queue to which connections submit their jobs.
pub struct Queue(SyncSender<Question>);

struct Question {
    job: DecryptPreMasterSecret,
    ticket: Ticket,
}

/// The connection that asks, and since when.
struct Ticket {
    asked: Instant,
    reply: SyncSender<Reply>,
}

/// The answer, and how it was made.
#[derive(Debug)]
pub struct Reply {
    pub answer: Answer,
    /// How long the job waited until its batch was decrypted.
    pub queued: Duration,
    /// How many jobs were decrypted together.
    pub batch_size: usize,
}

impl Queue {
    /// Submits a job. It is refused if the queue is full.
    pub fn submit(&self, job: DecryptPreMasterSecret) -> io::Result<Submitted> {
        let asked = Instant::now();
        let (reply, replies) = mpsc::sync_channel(1);
        let ticket = Ticket { asked, reply };
        let sent = self.0.try_send(Question { job, ticket });
        sent.map_err(|_| io::Error::other("the decryption queue is full or closed"))?;
        Ok(Submitted { asked, replies })
    }
}

/// A job that is in the queue or beyond.
pub struct Submitted {
    asked: Instant,
    replies: Receiver<Reply>,
}

impl Submitted {
    /// Waits for the reply, and returns it with the time since it was submitted.
    pub fn wait(self, patience: Duration) -> io::Result<(Reply, Duration)> {
        let reply = self.replies.recv_timeout(patience);
        let reply =
            reply.map_err(|_| io::Error::other("the decryption failed or took too long"))?;
        Ok((reply, self.asked.elapsed()))
    }
}

/// What a thread of the pool runs.
#[derive(Clone)]
pub struct Worker {
    keys: Arc<Keys>,
    questions: Arc<Mutex<Receiver<Question>>>,
    most: Arc<AtomicUsize>,
}

/// What a worker tells of a batch.
pub struct Decrypted<'b> {
    /// How long each of its jobs waited.
    pub queued: &'b [Duration],
    /// How long the decryption of all took.
    pub took: Duration,
}

impl Worker {
    /// Sets how many jobs a batch of this worker, and of its copies, has at most; at first it is one.
    pub fn limit(&self, most: usize) {
        self.most.store(most, Ordering::Relaxed);
    }

    /// Decrypts batches until all connections are gone, and tells of each.
    pub fn run(&self, tell: impl Fn(Decrypted<'_>)) {
        let mut batch = DecryptBatch::new();
        while self.gather(&mut batch) {
            self.answer(&mut batch, &tell);
        }
    }

    /// Waits for its turn, and then for a job, and takes all that wait. Returns false if all
    /// connections are gone.
    fn gather(&self, batch: &mut DecryptBatch<Ticket>) -> bool {
        let questions = self.questions.lock().unwrap_or_else(PoisonError::into_inner);
        let Ok(Question { job, ticket }) = questions.recv() else {
            return false;
        };
        batch.push(job, ticket);
        let others = self.most.load(Ordering::Relaxed).saturating_sub(1);
        for Question { job, ticket } in questions.try_iter().take(others) {
            batch.push(job, ticket);
        }
        true
    }

    fn answer(&self, batch: &mut DecryptBatch<Ticket>, tell: impl Fn(Decrypted<'_>)) {
        let queued: Vec<_> = batch.jobs().map(|(_, ticket)| ticket.asked.elapsed()).collect();
        let start = Instant::now();
        let answers = batch.decrypt(|id| self.keys.get(&id).map(Arc::as_ref));
        tell(Decrypted {
            queued: &queued,
            took: start.elapsed(),
        });
        let batch_size = answers.len();
        for ((ticket, answer), queued) in answers.into_iter().zip(queued) {
            // A connection that has failed meanwhile does not wait any more.
            let _ = ticket.reply.send(Reply {
                answer,
                queued,
                batch_size,
            });
        }
    }
}
