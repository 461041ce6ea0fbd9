//! The client's handshake, as in RFC 5246 figures 1 and 2.
//!
//! ```text
//! start                              -> ClientHello
//! ExpectServerHello                  <- ServerHello
//!
//! full handshake (figure 1):
//! ExpectCertificate                  <- Certificate
//! ExpectCertificateStatus            <- CertificateStatus (if announced, and then optional)
//! ExpectCertificateVerdict              (from the policy, or from the caller, if so configured)
//! ExpectServerHelloDone              <- CertificateRequest (optional), ServerHelloDone
//!                                    -> Certificate (if requested), ClientKeyExchange
//! ExpectSignature                       (with a certificate; from its key, or from the caller, if
//!                                       so configured)
//!                                    -> CertificateVerify (with a certificate),
//!                                       ChangeCipherSpec, Finished
//! ExpectNewSessionTicket             <- NewSessionTicket (if announced)
//! ExpectChangeCipherSpec             <- ChangeCipherSpec
//! ExpectFinished                     <- Finished
//!
//! resumed session (figure 2):
//! ExpectResumptionVerdict               (from the policy, or from the caller, if so configured)
//! ExpectNewSessionTicket             <- NewSessionTicket (if announced)
//! ExpectChangeCipherSpec             <- ChangeCipherSpec
//! ExpectFinished                     <- Finished
//!                                    -> ChangeCipherSpec, Finished
//! ```
//!
//! The states for a verdict and a signature are always entered. If the configuration can answer, it
//! answers at once, and the connection never sees the state.
//!
//! There is never a ServerKeyExchange: the server's certificate holds the key.

mod certificate;
mod extensions;
mod finish;
mod hello;
mod key_exchange;
mod negotiation;
mod offer;
mod own_certificate;

pub(super) use hello::{renegotiate, start};

use super::action::Actions;
use super::finish::{ExpectChangeCipherSpec, ExpectFinished};
use super::incoming::Incoming;
use super::session_info::RequestedCertificate;
use super::step::Step;
use crate::enums::HandshakeType;
use crate::error::{Error, LocalError, Told};
use crate::message::certificate::{Certificate, CertificateRequest, CertificateStatus};
use crate::message::finished::Finished;
use crate::message::hello::ServerHello;
use crate::message::ticket::NewSessionTicket;
use crate::message::{HandshakeBody, ServerHelloDone};
#[cfg(feature = "tokio")]
use crate::pending::Work;
use crate::pending::{Answer, AnswerKind, Pending};
use certificate::{
    ExpectCertificate, ExpectCertificateStatus, ExpectCertificateVerdict, ExpectResumptionVerdict,
};
use finish::{Completion, ExpectNewSessionTicket};
use hello::ExpectServerHello;
use key_exchange::{ExpectServerHelloDone, ExpectSignature};

/// The states of the client. Each is named for the message, or the answer, that it awaits.
#[derive(Debug)]
pub(super) enum State {
    ServerHello(Box<ExpectServerHello>),
    Certificate(Box<ExpectCertificate>),
    CertificateStatus(Box<ExpectCertificateStatus>),
    CertificateVerdict(Box<ExpectCertificateVerdict>),
    ServerHelloDone(Box<ExpectServerHelloDone>),
    Signature(Box<ExpectSignature>),
    ResumptionVerdict(Box<ExpectResumptionVerdict>),
    NewSessionTicket(Box<ExpectNewSessionTicket>),
    ChangeCipherSpec(Box<ExpectChangeCipherSpec<Completion>>),
    Finished(Box<ExpectFinished<Completion>>),
}

impl State {
    pub(super) fn handle(
        self,
        incoming: Incoming<'_>,
        actions: &mut Actions,
    ) -> Result<Step<Self>, Error> {
        match self {
            Self::ServerHello(state) => state.handle(incoming, actions),
            Self::Certificate(state) => state.handle(incoming, actions),
            Self::CertificateStatus(state) => state.handle(incoming, actions),
            Self::CertificateVerdict(_) | Self::ResumptionVerdict(_) => {
                Err(incoming.unexpected(self.awaited()))
            }
            Self::ServerHelloDone(state) => state.handle(incoming, actions),
            Self::Signature(_) => Err(incoming.unexpected(self.awaited())),
            Self::NewSessionTicket(state) => state.handle(incoming),
            Self::ChangeCipherSpec(state) => state.handle(incoming, actions).map(Self::Finished),
            Self::Finished(state) => {
                return state.handle(incoming, actions).map(Step::Established);
            }
        }
        .map(Step::Next)
    }

    /// The longest body that a message of this type can have, if the state takes one.
    pub(super) fn due(&self, typ: HandshakeType) -> Option<usize> {
        let end_of_flight =
            || CertificateRequest::longest(typ).or_else(|| ServerHelloDone::longest(typ));
        match self {
            Self::ServerHello(_) => ServerHello::longest(typ),
            Self::Certificate(_) => Certificate::longest(typ),
            Self::CertificateStatus(_) => CertificateStatus::longest(typ).or_else(end_of_flight),
            Self::ServerHelloDone(_) => end_of_flight(),
            Self::NewSessionTicket(_) => NewSessionTicket::longest(typ),
            Self::Finished(_) => Finished::longest(typ),
            Self::CertificateVerdict(_)
            | Self::Signature(_)
            | Self::ResumptionVerdict(_)
            | Self::ChangeCipherSpec(_) => None,
        }
    }

    /// The question that the caller must answer before the handshake can go on.
    pub(super) fn pending(&self) -> Option<Pending<'_>> {
        match self {
            Self::CertificateVerdict(state) => Some(state.pending()),
            Self::ResumptionVerdict(state) => Some(state.pending()),
            Self::Signature(state) => Some(state.pending()),
            Self::ServerHello(_)
            | Self::Certificate(_)
            | Self::CertificateStatus(_)
            | Self::ServerHelloDone(_)
            | Self::NewSessionTicket(_)
            | Self::ChangeCipherSpec(_)
            | Self::Finished(_) => None,
        }
    }

    /// The work that answers the pending question, if the configuration has what it takes.
    #[cfg(feature = "tokio")]
    pub(super) fn pending_work(&self) -> Option<Work> {
        match self {
            Self::Signature(state) => state.work(),
            _ => None,
        }
    }

    /// Takes the answer to the pending question.
    pub(super) fn resume(self, answer: Answer, actions: &mut Actions) -> Result<Self, Error> {
        match (self, answer.0) {
            (Self::CertificateVerdict(state), AnswerKind::Certificate { verdict, .. }) => {
                state.on_verdict(verdict?, actions)
            }
            (Self::ResumptionVerdict(state), AnswerKind::Certificate { verdict, .. }) => {
                Ok(state.accept(verdict?.into_verified_peer()))
            }
            (Self::Signature(state), AnswerKind::Signature { signature, .. }) => {
                state.on_signature(signature.ok_or(LocalError::Signing), actions)
            }
            _ => Err(LocalError::Internal("the answer belongs to another state").into()),
        }
    }

    /// What the state awaits: a message by its name in RFC 5246, or the caller's answer.
    pub(super) fn awaited(&self) -> &'static str {
        match self {
            Self::ServerHello(_) => "server_hello",
            Self::Certificate(_) => "certificate",
            Self::CertificateStatus(_) => "certificate_status",
            Self::CertificateVerdict(_) | Self::ResumptionVerdict(_) => "the caller's verdict",
            Self::ServerHelloDone(state) => state.awaited(),
            Self::Signature(_) => "the caller's signature",
            Self::NewSessionTicket(_) => "new_session_ticket",
            Self::ChangeCipherSpec(_) => "change_cipher_spec",
            Self::Finished(_) => "finished",
        }
    }

    /// What the server may have refused if it ends the handshake here: the offer, or the answer to
    /// its request for a certificate.
    pub(super) fn told(&self) -> Option<Told> {
        let completion = match self {
            Self::ServerHello(state) => return Some(state.told()),
            Self::NewSessionTicket(state) => state.completion(),
            Self::ChangeCipherSpec(state) => &state.completion,
            Self::Finished(state) => &state.completion,
            Self::Certificate(_)
            | Self::CertificateStatus(_)
            | Self::CertificateVerdict(_)
            | Self::ServerHelloDone(_)
            | Self::Signature(_)
            | Self::ResumptionVerdict(_) => return None,
        };
        completion.requested_certificate.as_deref().map(RequestedCertificate::told)
    }

    /// Returns true if the server uses its new keys.
    pub(super) fn server_has_changed_keys(&self) -> bool {
        matches!(self, Self::Finished(_))
    }

    /// Returns true if the ServerHello has not been received.
    pub(super) fn awaits_server_hello(&self) -> bool {
        matches!(self, Self::ServerHello(_))
    }
}
