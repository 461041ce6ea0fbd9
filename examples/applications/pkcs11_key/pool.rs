//! A few threads, each with a session of its own, that do the key's work for many connections.
//!
//! The queue in front of them is bounded, and a full one refuses at once: a token that is slow must
//! not collect jobs of connections which have long given up.
//!
//! Dropping the pool waits until its threads have closed their sessions: a module that is unloaded at the
//! end of the process while a thread is in it makes the process crash.

use super::token::{Token, TokenSession, told};
use anyhow::{Context, Result};
use cryptoki::error::{Error as TokenError, RvError};
use premaster::private_key::{DecryptPreMasterSecret, SignCertificateVerify};
use premaster::{Answer, Pending, Stream};
use std::io::{self, Read, Write};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, SyncSender};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::thread::{self, JoinHandle};
use std::time::Instant;

/// The threads, and the queue to which connections give their jobs.
pub struct Pool {
    /// `None` once the threads are to end.
    queue: Option<SyncSender<Question>>,
    threads: Vec<JoinHandle<()>>,
}

struct Question {
    job: Job,
    reply: SyncSender<io::Result<Answer>>,
    /// Dead when the connection has gone.
    asker: Weak<()>,
}

enum Job {
    Decrypt(DecryptPreMasterSecret),
    Sign(SignCertificateVerify),
}

impl Pool {
    /// Opens the sessions, the first of which is given, and starts their threads.
    pub fn start(token: Token, first: TokenSession, threads: usize, room: usize) -> Result<Self> {
        let mut sessions = vec![first];
        while sessions.len() < threads {
            let session = token.open();
            let number = sessions.len() + 1;
            sessions.push(session.with_context(|| format!("session {number} of {threads}"))?);
        }
        let (sender, receiver) = mpsc::sync_channel(room);
        let token = Arc::new(token);
        let questions = Arc::new(Mutex::new(receiver));
        let mut pool = Self {
            queue: Some(sender),
            threads: Vec::new(),
        };
        for session in sessions {
            let worker = Worker {
                token: Arc::clone(&token),
                session: Some(session),
                questions: Arc::clone(&questions),
            };
            let thread = thread::Builder::new().name("token".into());
            pool.threads.push(thread.spawn(move || worker.run())?);
        }
        Ok(pool)
    }

    /// Completes the handshake of a server or a client, and answers its pauses.
    ///
    /// # Errors
    ///
    /// Those of the connection; also if the queue is full, if the token failed, or if it has not
    /// answered by the deadline. The handshake is then over: the transport is to be closed.
    pub fn complete_handshake<S: Read + Write>(
        &self,
        stream: &mut Stream<S>,
        deadline: Instant,
    ) -> io::Result<()> {
        loop {
            let result = stream.complete_handshake();
            let job = match stream.pending() {
                Some(Pending::DecryptPreMasterSecret(job)) => Job::Decrypt(job),
                Some(Pending::SignCertificateVerify(job)) => Job::Sign(job),
                _ => return result,
            };
            stream.resume(self.ask(job, deadline)?)?;
        }
    }

    fn ask(&self, job: Job, deadline: Instant) -> io::Result<Answer> {
        let (reply, replies) = mpsc::sync_channel(1);
        let here = Arc::new(());
        let asker = Arc::downgrade(&here);
        let question = Question { job, reply, asker };
        let queued = self.queue.as_ref().map(|queue| queue.try_send(question));
        if !matches!(queued, Some(Ok(()))) {
            return Err(io::Error::other("too many connections wait for the token"));
        }
        let left = deadline.saturating_duration_since(Instant::now());
        replies.recv_timeout(left).unwrap_or_else(|error| {
            Err(io::Error::other(match error {
                RecvTimeoutError::Timeout => "the token has not answered in time",
                RecvTimeoutError::Disconnected => "the token's thread has ended",
            }))
        })
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        self.queue = None;
        for thread in self.threads.drain(..) {
            // One that panicked has printed why.
            let _ = thread.join();
        }
    }
}

/// A thread with a session.
struct Worker {
    token: Arc<Token>,
    /// `None` after a failure. The next job opens another.
    session: Option<TokenSession>,
    questions: Arc<Mutex<Receiver<Question>>>,
}

impl Worker {
    fn run(mut self) {
        while let Some(question) = self.next() {
            // Its connection has given up.
            if question.asker.strong_count() == 0 {
                continue;
            }
            let answer = self.answer(question.job);
            // If it has given up meanwhile, the answer is for nobody.
            let _ = question.reply.send(answer);
        }
    }

    /// Waits for its turn, and then for a job. `None` when the pool has gone.
    fn next(&self) -> Option<Question> {
        let questions = self.questions.lock().unwrap_or_else(PoisonError::into_inner);
        questions.recv().ok()
    }

    fn answer(&mut self, job: Job) -> io::Result<Answer> {
        let answer = self.try_to_answer(job);
        if answer.is_err() {
            self.session = None;
        }
        answer.map_err(|error| io::Error::other(format!("the token failed: {error:#}")))
    }

    fn try_to_answer(&mut self, job: Job) -> Result<Answer> {
        let session = match self.session.take() {
            Some(session) => session,
            None => self.token.open()?,
        };
        let session = self.session.insert(session);
        match job {
            Job::Decrypt(job) => {
                let raw = match session.raw(job.ciphertext()) {
                    Ok(raw) => Some(raw),
                    // What only this ciphertext is the cause of is no failure of the token. The
                    // handshake goes on to fail at Finished, as with any wrong ciphertext.
                    Err(error) if is_about_ciphertext(&error) => None,
                    // It has done nothing with the padding, so it can tell nothing of it.
                    Err(error) => return Err(told(error)),
                };
                Ok(job.answer(raw))
            }
            Job::Sign(job) => {
                let signature = session.sign(job.scheme(), &job.digest())?;
                Ok(job.answer(Some(signature)))
            }
        }
    }
}

fn is_about_ciphertext(error: &TokenError) -> bool {
    matches!(
        error,
        TokenError::Pkcs11(
            RvError::EncryptedDataInvalid
                | RvError::EncryptedDataLenRange
                | RvError::DataInvalid
                | RvError::DataLenRange,
            _
        )
    )
}
