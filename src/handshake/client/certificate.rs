//! The server's certificate, and the decision to accept it
//! ([RFC 5246 section 7.4.2](https://www.rfc-editor.org/rfc/rfc5246#section-7.4.2), and
//! [RFC 6066 section 8](https://www.rfc-editor.org/rfc/rfc6066#section-8)).

use super::State;
use super::finish::ServerFlight;
use super::key_exchange::ExpectServerHelloDone;
use super::negotiation::Negotiation;
use super::own_certificate::ClientCertificate;
use crate::config::ServerVerification;
use crate::enums::HandshakeType;
use crate::error::{DecodeError, Error};
use crate::handshake::action::Actions;
use crate::handshake::incoming::Incoming;
use crate::message::certificate::{Certificate, CertificateStatus};
use crate::message::{HandshakeBody, HandshakeMessage};
use crate::pending::{PauseId, Pending, ResumedChain, Verified, VerifyCertificate};
use crate::verify::{
    MAX_LONG_CHAIN, Stapled, VerifiedPeer, check_chain_length, require_common_name, server_key,
};
use pki_types::{CertificateDer, ServerName};

/// The chain that the server presented, and its OCSP response.
#[derive(Debug)]
pub(super) struct PresentedChain {
    chain: Box<[CertificateDer<'static>]>,
    ocsp_response: Option<Box<[u8]>>,
}

/// The hellos agreed on a full handshake.
#[derive(Debug)]
pub(crate) struct ExpectCertificate {
    pub(super) negotiation: Negotiation,
}

impl ExpectCertificate {
    pub(super) fn handle(
        mut self,
        incoming: Incoming<'_>,
        actions: &mut Actions,
    ) -> Result<State, Error> {
        let (message, certificate) = incoming.expect::<Certificate<'_>>()?;
        // Only a client may send an empty chain (sections 7.4.2 and 7.4.6).
        if certificate.certificate_list.is_empty() {
            return Err(DecodeError::EmptyVector.of(Certificate::NAME));
        }
        let most = match &self.negotiation.config.verification {
            ServerVerification::Policy(policy) => policy.max_certificates(),
            ServerVerification::Caller => MAX_LONG_CHAIN,
        };
        check_chain_length(&certificate.certificate_list, most)?;
        if let Some(previous) = &self.negotiation.previous {
            previous.check_leaf(&certificate.certificate_list)?;
        }
        self.negotiation.transcript.add(message.bytes);
        let presented = PresentedChain {
            chain: certificate.into_owned(),
            ocsp_response: None,
        };
        if self.negotiation.certificate_status {
            Ok(State::CertificateStatus(Box::new(
                ExpectCertificateStatus {
                    negotiation: self.negotiation,
                    presented,
                },
            )))
        } else {
            ExpectCertificateVerdict::new(self.negotiation, presented, None)
                .verify_or_pause(actions)
        }
    }
}

/// The server announced CertificateStatus.
#[derive(Debug)]
pub(crate) struct ExpectCertificateStatus {
    negotiation: Negotiation,
    presented: PresentedChain,
}

impl ExpectCertificateStatus {
    pub(super) fn handle(
        mut self,
        incoming: Incoming<'_>,
        actions: &mut Actions,
    ) -> Result<State, Error> {
        let message = match incoming {
            Incoming::Handshake(message) => message,
            Incoming::ChangeCipherSpec(_) => {
                return Err(incoming.unexpected(CertificateStatus::NAME));
            }
        };
        let following = if message.typ == HandshakeType::CERTIFICATE_STATUS {
            let status: CertificateStatus<'_> = message.decode()?;
            self.presented.ocsp_response = Some(status.ocsp_response.into());
            self.negotiation.transcript.add(message.bytes);
            None
        } else {
            // A server may announce CertificateStatus and not send it (RFC 6066 section 8): this
            // is the message after it.
            Some(message)
        };
        ExpectCertificateVerdict::new(self.negotiation, self.presented, following)
            .verify_or_pause(actions)
    }
}

/// The policy, or the caller, must accept or refuse the server's chain.
#[derive(Debug)]
pub(crate) struct ExpectCertificateVerdict {
    id: PauseId,
    negotiation: Negotiation,
    presented: PresentedChain,
    /// A message that arrived after the chain and is processed after the verdict.
    following: Option<(HandshakeType, Box<[u8]>)>,
}

impl ExpectCertificateVerdict {
    fn new(
        negotiation: Negotiation,
        presented: PresentedChain,
        following: Option<HandshakeMessage<'_>>,
    ) -> Self {
        Self {
            id: PauseId::next(),
            negotiation,
            presented,
            following: following.map(|message| (message.typ, message.bytes.into())),
        }
    }

    /// Verifies the chain at once if the configuration has a policy; otherwise the handshake
    /// pauses.
    fn verify_or_pause(self, actions: &mut Actions) -> Result<State, Error> {
        let config = &self.negotiation.config;
        let policy = match &config.verification {
            ServerVerification::Policy(policy) => policy,
            ServerVerification::Caller => return Ok(State::CertificateVerdict(Box::new(self))),
        };
        let presented = policy.admit(&self.presented.chain)?;
        let chain = presented.chain()?;
        let name = &self.negotiation.server_name;
        let stapled = Stapled::Response(self.presented.ocsp_response.as_deref());
        let peer = policy.verify_server(&chain, name, stapled, config.common.now())?;
        if config.require_common_name {
            require_common_name(&chain, name)?;
        }
        self.accept(peer, actions)
    }

    pub(super) fn pending(&self) -> Pending<'_> {
        Pending::VerifyCertificate(VerifyCertificate {
            id: self.id,
            chain: &self.presented.chain,
            server_name: &self.negotiation.server_name,
            ocsp_response: self.presented.ocsp_response.as_deref(),
            resumed: None,
        })
    }

    /// Goes on with a chain that the caller verified, or accepted without verification.
    pub(super) fn on_verdict(
        self,
        verified: Verified,
        actions: &mut Actions,
    ) -> Result<State, Error> {
        let peer = match verified.into_verified_peer() {
            Some(peer) => peer,
            None => server_key(&self.presented.chain)?,
        };
        self.accept(peer, actions)
    }

    /// Accepts the server: the pre-master secret will be encrypted to its key.
    fn accept(self, peer: VerifiedPeer, actions: &mut Actions) -> Result<State, Error> {
        let state = ExpectServerHelloDone {
            negotiation: self.negotiation,
            server: peer,
            ocsp_response: self.presented.ocsp_response,
            client_certificate: ClientCertificate::NotRequested,
        };
        match &self.following {
            None => Ok(State::ServerHelloDone(Box::new(state))),
            Some((typ, bytes)) => {
                let message = HandshakeMessage { typ: *typ, bytes };
                state.handle(Incoming::Handshake(message), actions)
            }
        }
    }
}

/// The caller must accept or refuse the chain of the resumed session, unless a policy accepted it
/// before.
#[derive(Debug)]
pub(crate) struct ExpectResumptionVerdict {
    id: PauseId,
    server_name: ServerName<'static>,
    flight: ServerFlight,
}

impl ExpectResumptionVerdict {
    pub(super) fn new(server_name: ServerName<'static>, flight: ServerFlight) -> Self {
        Self {
            id: PauseId::next(),
            server_name,
            flight,
        }
    }

    /// Accepts the chain at once if the configuration has a policy: the session's full handshake
    /// satisfied this policy, or the session would not have been offered. Otherwise the handshake
    /// pauses.
    pub(super) fn accept_or_pause(self) -> State {
        match self.flight.completion.config.verification {
            ServerVerification::Policy(_) => self.accept(None),
            ServerVerification::Caller => State::ResumptionVerdict(Box::new(self)),
        }
    }

    pub(super) fn pending(&self) -> Pending<'_> {
        let session = &self.flight.keys.finish.session;
        Pending::VerifyCertificate(VerifyCertificate {
            id: self.id,
            chain: &session.peer_certificates,
            server_name: &self.server_name,
            ocsp_response: None,
            resumed: Some(ResumedChain {
                ocsp_verified: session.ocsp_verified,
            }),
        })
    }

    /// Goes on, adding the waivers needed this time to those of the full handshake.
    pub(super) fn accept(mut self, peer: Option<VerifiedPeer>) -> State {
        let completion = &mut self.flight.completion;
        completion.verified_by_caller = match completion.config.verification {
            ServerVerification::Policy(_) => false,
            ServerVerification::Caller => peer.is_none(),
        };
        if let Some(peer) = peer {
            let waivers = &mut self.flight.keys.finish.session.waivers;
            waivers.extend(peer.waivers.iter());
        }
        self.flight.next_state()
    }
}
