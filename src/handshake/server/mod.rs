//! The server's handshake, as in RFC 5246 figures 1 and 2.
//!
//! ```text
//! ExpectClientHello                  <- ClientHello
//! ExpectSession                         (from the caller, if so configured and a session ID is offered)
//!
//! full handshake (figure 1):
//!                                    -> ServerHello, Certificate,
//!                                       CertificateStatus (if asked for and configured),
//!                                       CertificateRequest (if configured), ServerHelloDone
//! ExpectCertificate                  <- Certificate (if requested, possibly empty)
//! ExpectClientKeyExchange            <- ClientKeyExchange
//! ExpectPreMasterSecret                 (from the certificate's key, or from the caller, if so
//!                                       configured)
//! ExpectCertificateVerify            <- CertificateVerify (after a certificate)
//! ExpectChangeCipherSpec             <- ChangeCipherSpec
//! ExpectFinished                     <- Finished
//!                                    -> NewSessionTicket (if announced), ChangeCipherSpec, Finished
//!
//! resumed session (figure 2):
//!                                    -> ServerHello, NewSessionTicket (if announced),
//!                                       ChangeCipherSpec, Finished
//! ExpectChangeCipherSpec             <- ChangeCipherSpec
//! ExpectFinished                     <- Finished
//! ```
//!
//! ExpectPreMasterSecret is always entered. If the configuration has the key, it decrypts at once,
//! and the connection never sees the state.
//!
//! There is never a ServerKeyExchange: the certificate holds the key.

mod certificate;
mod certificate_verify;
mod extensions;
mod finish;
mod hello;
mod key_exchange;
mod lookup;
mod negotiation;

use super::action::Actions;
use super::finish::{ExpectChangeCipherSpec, ExpectFinished, Finish};
use super::incoming::Incoming;
use super::step::Step;
use crate::config::{CertifiedKey, ClientAuth, ServerConfig};
use crate::enums::HandshakeType;
use crate::error::{Error, LocalError, Told};
use crate::message::HandshakeBody;
use crate::message::certificate::Certificate;
use crate::message::finished::Finished;
use crate::message::hello::ClientHello;
use crate::message::key_exchange::{CertificateVerify, ClientKeyExchange};
#[cfg(feature = "tokio")]
use crate::pending::Work;
use crate::pending::{Answer, AnswerKind, Pending};
use certificate::ExpectCertificate;
use certificate_verify::ExpectCertificateVerify;
use finish::Completion;
use hello::{ExpectClientHello, ExpectSession};
use key_exchange::{ExpectClientKeyExchange, ExpectPreMasterSecret};
use std::sync::Arc;

/// The states of the server. Each is named for the message, or the answer, that it awaits.
#[derive(Debug)]
pub(super) enum State {
    ClientHello(ExpectClientHello),
    Session(Box<ExpectSession>),
    Certificate(Box<ExpectCertificate>),
    ClientKeyExchange(Box<ExpectClientKeyExchange>),
    PreMasterSecret(Box<ExpectPreMasterSecret>),
    CertificateVerify(Box<ExpectCertificateVerify>),
    ChangeCipherSpec(Box<ExpectChangeCipherSpec<Completion>>),
    Finished(Box<ExpectFinished<Completion>>),
}

/// Starts a handshake, which awaits the ClientHello.
pub(super) fn start(config: Arc<ServerConfig>) -> State {
    State::ClientHello(ExpectClientHello { config })
}

impl State {
    pub(super) fn handle(
        self,
        incoming: Incoming<'_>,
        actions: &mut Actions,
    ) -> Result<Step<Self>, Error> {
        match self {
            Self::ClientHello(state) => state.handle(incoming, actions),
            Self::Certificate(state) => state.handle(incoming),
            Self::ClientKeyExchange(state) => state.handle(incoming),
            Self::Session(_) | Self::PreMasterSecret(_) => Err(incoming.unexpected(self.awaited())),
            Self::CertificateVerify(state) => state.handle(incoming),
            Self::ChangeCipherSpec(state) => state.handle(incoming, actions).map(Self::Finished),
            Self::Finished(state) => {
                return state.handle(incoming, actions).map(Step::Established);
            }
        }
        .map(Step::Next)
    }

    /// The longest body that a message of this type can have, if the state takes one.
    pub(super) fn due(&self, typ: HandshakeType) -> Option<usize> {
        match self {
            Self::ClientHello(_) => ClientHello::longest(typ),
            Self::Certificate(_) => Certificate::longest(typ),
            Self::ClientKeyExchange(_) => ClientKeyExchange::longest(typ),
            Self::CertificateVerify(_) => CertificateVerify::longest(typ),
            Self::Finished(_) => Finished::longest(typ),
            Self::Session(_) | Self::PreMasterSecret(_) | Self::ChangeCipherSpec(_) => None,
        }
    }

    /// The question that the caller must answer before the handshake can go on.
    pub(super) fn pending(&self) -> Option<Pending<'_>> {
        match self {
            Self::PreMasterSecret(state) => Some(state.pending()),
            Self::Session(state) => Some(state.pending()),
            Self::ClientHello(_)
            | Self::Certificate(_)
            | Self::ClientKeyExchange(_)
            | Self::CertificateVerify(_)
            | Self::ChangeCipherSpec(_)
            | Self::Finished(_) => None,
        }
    }

    /// The work that answers the pending question, if the configuration has what it takes.
    #[cfg(feature = "tokio")]
    pub(super) fn pending_work(&self) -> Option<Work> {
        match self {
            Self::PreMasterSecret(state) => state.work(),
            _ => None,
        }
    }

    /// Takes the answer to the pending question.
    pub(super) fn resume(self, answer: Answer, actions: &mut Actions) -> Result<Self, Error> {
        match (self, answer.0) {
            (Self::PreMasterSecret(state), AnswerKind::PreMasterSecret { raw, .. }) => {
                state.on_decryption(&raw)
            }
            (Self::Session(state), AnswerKind::Session { session, .. }) => {
                state.on_session(session, actions)
            }
            _ => Err(LocalError::Internal("the answer belongs to another state").into()),
        }
    }

    /// What the state awaits: a message by its name in RFC 5246, or the caller's answer.
    pub(super) fn awaited(&self) -> &'static str {
        match self {
            Self::ClientHello(_) => "client_hello",
            Self::Session(_) => "the session that the client offers",
            Self::Certificate(_) => "certificate",
            Self::ClientKeyExchange(_) => "client_key_exchange",
            Self::PreMasterSecret(_) => "the decrypted pre-master secret",
            Self::CertificateVerify(_) => "certificate_verify",
            Self::ChangeCipherSpec(_) => "change_cipher_spec",
            Self::Finished(_) => "finished",
        }
    }

    /// What the client may have refused if it ends the handshake here: the certificate, unless a
    /// session is resumed, or the request for the client's.
    pub(super) fn told(&self) -> Option<Told> {
        let told = |config: &ServerConfig, certificate: &CertifiedKey| Told::Certificate {
            subject: certificate.subject().clone(),
            certificates: certificate.chain().len(),
            requested: !matches!(config.client_auth, ClientAuth::None),
        };
        let at_end = |finish: &Finish, completion: &Completion| {
            let is_full = !finish.agreed.resumption.is_resumed();
            is_full.then(|| told(&completion.config, &completion.certificate))
        };
        let negotiation = match self {
            Self::ClientHello(_) | Self::Session(_) => return None,
            Self::Certificate(state) => &state.0.negotiation,
            Self::ClientKeyExchange(state) => &state.negotiation,
            Self::PreMasterSecret(state) => &state.exchange.negotiation,
            Self::CertificateVerify(state) => &state.exchanged.negotiation,
            Self::ChangeCipherSpec(state) => return at_end(&state.keys.finish, &state.completion),
            Self::Finished(state) => return at_end(&state.finish, &state.completion),
        };
        Some(told(&negotiation.config, &negotiation.selected.certificate))
    }
}
