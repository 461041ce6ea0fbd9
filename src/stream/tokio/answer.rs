//! The answers to the pauses of a handshake, as futures.

use super::sessions::AsyncSessions;
use super::threads::{by_own_key, by_own_store};
use crate::connection::Connection;
use crate::error::LocalError;
use crate::pending::{
    Answer, CertificateQuestion, DecryptPreMasterSecret, Pending, SignCertificateVerify,
};
use crate::stream::errors::io_error;
use core::fmt;
use core::future::{Future, ready};
use core::pin::Pin;
use core::task::{Context, Poll};
use std::io;
use std::sync::{Arc, Mutex, PoisonError};

/// The future of an answer to a pause.
pub type Answering<'a> = Pin<Box<dyn Future<Output = io::Result<Answer>> + Send + 'a>>;

/// Answers the pauses of handshakes: with a key in an HSM or on another machine, or a verifier of
/// certificates, asked without blocking the runtime.
///
/// A handshake pauses only where its configuration asks for it, and calls one method:
///
/// | method | configuration |
/// |---|---|
/// | [`decrypt`](Self::decrypt) | [`offload_decryption`](crate::ServerConfigBuilder::offload_decryption) of a server |
/// | [`sign`](Self::sign) | [`offload_signing`](crate::ClientConfigBuilder::offload_signing) of a client |
/// | [`verify`](Self::verify) | [`builder_with_caller_verification`](crate::ClientConfig::builder_with_caller_verification) of a client |
///
/// Implement those that there are; the provided ones fail. Without an `Answerer` the private key of
/// the configuration is used on a thread for blocking work, by as many handshakes at once as the
/// machine has cores. [`BatchDecryption`](super::BatchDecryption) is an `Answerer` that decrypts for
/// several connections together.
///
/// An error ends the handshake, and is what the connector or acceptor returns. **It must not depend
/// on what the peer sent to be decrypted**, or the peer learns something about the padding. The
/// future is dropped with the handshake: by its caller, or by its deadline.
///
/// ```
/// use premaster::private_key::{DecryptPreMasterSecret, KeyId};
/// use premaster::tokio::{Answerer, Answering};
/// use std::io;
///
/// # struct Hsm;
/// # impl Hsm {
/// #     async fn raw(&self, _: KeyId, _: &[u8]) -> io::Result<Vec<u8>> { Ok(Vec::new()) }
/// # }
/// /// The server's key is on another machine.
/// struct RemoteKey(Hsm);
///
/// impl Answerer for RemoteKey {
///     fn decrypt(&self, job: DecryptPreMasterSecret) -> Answering<'_> {
///         Box::pin(async move {
///             let raw = self.0.raw(job.key_id(), job.ciphertext()).await;
///             // A failure of the key goes on like a wrong padding.
///             Ok(job.answer(raw.ok()))
///         })
///     }
/// }
/// ```
pub trait Answerer: Send + Sync + 'static {
    /// Decrypts a pre-master secret for a server.
    fn decrypt(&self, job: DecryptPreMasterSecret) -> Answering<'_> {
        let _ = job;
        unsupported("the Answerer does not decrypt")
    }

    /// Signs CertificateVerify for a client.
    fn sign(&self, job: SignCertificateVerify) -> Answering<'_> {
        let _ = job;
        unsupported("the Answerer does not sign")
    }

    /// Verifies the server's certificate for a client.
    fn verify(&self, question: CertificateQuestion) -> Answering<'_> {
        let _ = question;
        unsupported("the Answerer does not verify certificates")
    }
}

fn unsupported(text: &'static str) -> Answering<'static> {
    Box::pin(ready(Err(io::Error::new(io::ErrorKind::Unsupported, text))))
}

/// Who answers the pauses of one connection, and the answer that is under way.
#[derive(Default)]
pub(super) struct Answers {
    answerer: Option<Arc<dyn Answerer>>,
    sessions: Option<AsyncSessions>,
    /// The lock is never waited for: it makes a future that is only `Send` also `Sync`.
    current: Mutex<Option<Answering<'static>>>,
}

impl Answers {
    pub(super) fn by(answerer: Option<Arc<dyn Answerer>>, sessions: Option<AsyncSessions>) -> Self {
        Self {
            answerer,
            sessions,
            current: Mutex::new(None),
        }
    }

    /// Waits for the answer to the connection's question.
    pub(super) fn poll(
        &mut self,
        connection: &Connection,
        context: &mut Context<'_>,
    ) -> Poll<io::Result<Answer>> {
        let current = self.current.get_mut().unwrap_or_else(PoisonError::into_inner);
        let answering = match current {
            Some(answering) => answering,
            None => current.insert(ask(&self.answerer, &self.sessions, connection)),
        };
        let answer = answering.as_mut().poll(context);
        if answer.is_ready() {
            *current = None;
        }
        answer
    }
}

/// Begins the answer to the connection's question.
fn ask(
    answerer: &Option<Arc<dyn Answerer>>,
    sessions: &Option<AsyncSessions>,
    connection: &Connection,
) -> Answering<'static> {
    match (answerer.clone(), connection.pending()) {
        (_, Some(Pending::FindSession(job))) => match sessions.clone() {
            Some(sessions) => Box::pin(async move {
                let found = sessions.find(&job).await;
                Ok(job.answer(found))
            }),
            None => Box::pin(by_own_store(job)),
        },
        (Some(answerer), Some(Pending::DecryptPreMasterSecret(job))) => {
            Box::pin(async move { answerer.decrypt(job).await })
        }
        (Some(answerer), Some(Pending::SignCertificateVerify(job))) => {
            Box::pin(async move { answerer.sign(job).await })
        }
        (Some(answerer), Some(Pending::VerifyCertificate(question))) => {
            let question = question.detach();
            Box::pin(async move { answerer.verify(question).await })
        }
        (None, Some(_)) => match connection.pending_work() {
            Some(work) => Box::pin(by_own_key(work)),
            None => unsupported("a pause that needs an Answerer, which was not given"),
        },
        (_, None) => Box::pin(ready(Err(io_error(LocalError::Internal(
            "a pause without a question",
        ))))),
    }
}

impl fmt::Debug for Answers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = if self.answerer.is_some() {
            "Answers(Answerer)"
        } else {
            "Answers(own key)"
        };
        f.write_str(text)
    }
}
