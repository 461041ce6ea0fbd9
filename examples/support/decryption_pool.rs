//! A few threads that decrypt pre-master secrets for many connections, several at once.
//!
//! ```text
//! connection --submit-->+                       +--> worker: gathers a batch, decrypts it, answers
//! connection --submit-->+--> a bounded queue ---+
//! connection --submit-->+                       +--> worker: decrypts its batch meanwhile
//! ```
//!
//! One worker at a time gathers: it takes questions from the queue until the batch is full, the
//! oldest has waited long enough, or one comes for another key, which begins the next batch.
//! A full queue refuses. The workers end when all connections are gone.

use getrandom::SysRng;
use premaster::private_key::{DecryptBatch, DecryptPreMasterSecret};
use premaster::{Answer, KeyId, PrivateKey};
use std::collections::BTreeMap;
use std::io;
use std::sync::mpsc::{self, Receiver, SyncSender};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// The keys, by their SPKI fingerprints.
pub type Keys = BTreeMap<KeyId, Arc<dyn PrivateKey>>;

/// How jobs become batches.
#[derive(Clone, Copy, Debug)]
pub struct Batching {
    /// The most jobs in a batch.
    pub size: usize,
    /// How long the first job of a batch waits for others, the time in the queue included.
    pub wait: Duration,
    /// How many jobs the queue has room for.
    pub queue: usize,
}

/// Creates a pool: the queue for the connections, and the worker that each thread runs a copy of.
pub fn decryption_pool(keys: Keys, batching: Batching) -> (Queue, Worker) {
    let (sender, receiver) = mpsc::sync_channel(batching.queue);
    let gatherer = Gatherer {
        batching,
        questions: receiver,
        next: None,
    };
    let worker = Worker {
        keys: Arc::new(keys),
        gatherer: Arc::new(Mutex::new(gatherer)),
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
    gatherer: Arc<Mutex<Gatherer>>,
}

impl Worker {
    /// Decrypts batches until all connections are gone. `tell` receives, for each batch, how long
    /// its jobs have waited.
    pub fn run(&self, tell: impl Fn(&[Duration])) {
        let mut batch = Batch::default();
        while self.gather(&mut batch) {
            self.answer(&mut batch, &tell);
        }
    }

    /// Waits for its turn to gather, and then for a batch.
    fn gather(&self, batch: &mut Batch) -> bool {
        self.gatherer.lock().unwrap_or_else(PoisonError::into_inner).gather(batch)
    }

    /// Decrypts and answers. A batch whose key is unknown is left unanswered.
    fn answer(&self, batch: &mut Batch, tell: impl Fn(&[Duration])) {
        let key = batch.jobs.key_id().and_then(|id| self.keys.get(&id));
        let Some(key) = key else {
            *batch = Batch::default();
            return;
        };
        let tickets = std::mem::take(&mut batch.tickets);
        let queued: Vec<_> = tickets.iter().map(|one| one.asked.elapsed()).collect();
        tell(&queued);
        let batch_size = tickets.len();
        let answers = batch.jobs.decrypt(key, SysRng);
        for ((ticket, answer), queued) in tickets.into_iter().zip(answers).zip(queued) {
            // A connection that has failed meanwhile does not wait any more.
            let _ = ticket.reply.send(Reply {
                answer,
                queued,
                batch_size,
            });
        }
    }
}

/// Jobs for one key, and their tickets in the same order.
#[derive(Default)]
struct Batch {
    jobs: DecryptBatch,
    tickets: Vec<Ticket>,
}

impl Batch {
    /// Adds a question. A question for another key is returned.
    fn push(&mut self, Question { job, ticket }: Question) -> Result<(), Question> {
        match self.jobs.push(job) {
            Ok(()) => {
                self.tickets.push(ticket);
                Ok(())
            }
            Err(job) => Err(Question { job, ticket }),
        }
    }
}

/// The end of the queue.
struct Gatherer {
    batching: Batching,
    questions: Receiver<Question>,
    /// The question that begins the next batch: it is for another key than those before it.
    next: Option<Question>,
}

impl Gatherer {
    /// Fills an empty batch. Returns false if all connections are gone.
    fn gather(&mut self, batch: &mut Batch) -> bool {
        let first = self.next.take().or_else(|| self.questions.recv().ok());
        let Some(first) = first else {
            return false;
        };
        let deadline = first.ticket.asked + self.batching.wait;
        self.next = batch.push(first).err();
        while self.next.is_none() && batch.tickets.len() < self.batching.size {
            let left = deadline.saturating_duration_since(Instant::now());
            // What is in the queue already comes at once, also when no time is left.
            let Ok(question) = self.questions.recv_timeout(left) else {
                break;
            };
            self.next = batch.push(question).err();
        }
        true
    }
}
