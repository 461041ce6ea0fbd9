//! The rest of the server's first flight, and the client's reply up to its ChangeCipherSpec: the
//! client's certificate, the key exchange, and the proof that the client has its certificate's key
//! ([RFC 5246 sections 7.4.4 to 7.4.8](https://www.rfc-editor.org/rfc/rfc5246#section-7.4.4)).

use super::State;
use super::finish::{Completion, ServerFlight};
use super::negotiation::Negotiation;
use super::own_certificate::ClientCertificate;
use crate::config::{CertifiedKey, ClientConfig};
use crate::crypto::pre_master_secret::{PRE_MASTER_SECRET, PreMasterSecret};
use crate::enums::{HandshakeType, ProtocolVersion, SignatureScheme};
use crate::error::{Error, LocalError};
use crate::handshake::action::Actions;
use crate::handshake::finish::KeysReady;
use crate::handshake::incoming::Incoming;
use crate::handshake::session_info::RequestedCertificate;
use crate::keys::{MasterSecret, Side};
use crate::message::certificate::{Certificate, CertificateRequest};
use crate::message::key_exchange::{CertificateVerify, ClientKeyExchange};
use crate::message::{HandshakeBody, ServerHelloDone};
#[cfg(feature = "tokio")]
use crate::pending::Work;
use crate::pending::{Pending, SignCertificateVerify};
use crate::verify::VerifiedPeer;
use std::sync::Arc;

/// The server is accepted, and its key is known.
#[derive(Debug)]
pub(crate) struct ExpectServerHelloDone {
    pub(super) negotiation: Negotiation,
    pub(super) server: VerifiedPeer,
    pub(super) ocsp_response: Option<Box<[u8]>>,
    pub(super) client_certificate: ClientCertificate,
}

impl ExpectServerHelloDone {
    pub(super) fn handle(
        mut self,
        incoming: Incoming<'_>,
        actions: &mut Actions,
    ) -> Result<State, Error> {
        let requested = !matches!(self.client_certificate, ClientCertificate::NotRequested);
        match incoming {
            Incoming::Handshake(message)
                if message.typ == HandshakeType::CERTIFICATE_REQUEST && !requested =>
            {
                let request: CertificateRequest<'_> = message.decode()?;
                let config = &self.negotiation.config;
                self.client_certificate = ClientCertificate::choose(config, &request);
                self.negotiation.transcript.add(message.bytes);
                Ok(State::ServerHelloDone(Box::new(self)))
            }
            Incoming::Handshake(message) if message.typ == HandshakeType::SERVER_HELLO_DONE => {
                let ServerHelloDone = message.decode()?;
                self.negotiation.transcript.add(message.bytes);
                self.send_flight(actions)
            }
            Incoming::Handshake(_) | Incoming::ChangeCipherSpec(_) => {
                Err(incoming.unexpected(self.awaited()))
            }
        }
    }

    pub(super) fn awaited(&self) -> &'static str {
        match self.client_certificate {
            ClientCertificate::NotRequested => "certificate_request or server_hello_done",
            ClientCertificate::NoneSuitable(_) | ClientCertificate::Suitable(..) => {
                "server_hello_done"
            }
        }
    }

    /// Sends Certificate, if requested, ClientKeyExchange, and, unless a signature is needed first,
    /// the rest of the flight.
    fn send_flight(mut self, actions: &mut Actions) -> Result<State, Error> {
        let negotiation = &mut self.negotiation;
        match &self.client_certificate {
            ClientCertificate::NotRequested => {}
            ClientCertificate::NoneSuitable(_) => {
                let empty = Certificate {
                    certificate_list: Vec::new(),
                };
                actions.send(empty.encode()?, &mut negotiation.transcript);
            }
            ClientCertificate::Suitable(_, certified, _) => {
                let message = certified.certificate_message.to_vec();
                actions.send(message, &mut negotiation.transcript);
            }
        }

        let common = &negotiation.config.common;
        let pre_master_secret = draw_pre_master_secret(&negotiation.config)?;
        let server_key = &self.server.key;
        let encrypted = server_key.encrypt(&pre_master_secret, common.random())?;
        let key_exchange = ClientKeyExchange {
            encrypted_pre_master_secret: &encrypted,
        };
        actions.send(key_exchange.encode()?, &mut negotiation.transcript);
        let signing = self.client_certificate.signing();
        let exchanged = KeyExchanged {
            master_secret: negotiation.agreed.master_secret(
                &pre_master_secret,
                &negotiation.transcript,
                &common.environment,
            ),
            negotiation: self.negotiation,
            server: self.server,
            ocsp_response: self.ocsp_response,
            requested_certificate: self.client_certificate.into_requested(),
        };
        match signing {
            None => exchanged.send_finished(actions),
            Some((certified, scheme)) => {
                ExpectSignature::new(exchanged, certified, scheme)?.sign_or_pause(actions)
            }
        }
    }
}

/// "The version number in the PreMasterSecret is the version offered by the client in the
/// ClientHello.client_version, not the version negotiated for the connection", then "46
/// securely-generated random bytes".
fn draw_pre_master_secret(config: &ClientConfig) -> Result<PreMasterSecret, LocalError> {
    let mut pre_master_secret = PreMasterSecret([0; PRE_MASTER_SECRET]);
    let [major, minor, random @ ..] = &mut pre_master_secret.0;
    [*major, *minor] = ProtocolVersion::TLS_1_2.to_bytes();
    config.common.random().fill(random)?;
    Ok(pre_master_secret)
}

/// The flight is sent up to ClientKeyExchange, and the master secret is derived.
#[derive(Debug)]
struct KeyExchanged {
    negotiation: Negotiation,
    server: VerifiedPeer,
    ocsp_response: Option<Box<[u8]>>,
    requested_certificate: Option<Box<RequestedCertificate>>,
    master_secret: MasterSecret,
}

impl KeyExchanged {
    /// Sends ChangeCipherSpec and Finished.
    fn send_finished(self, actions: &mut Actions) -> Result<State, Error> {
        let Negotiation {
            config,
            server_name,
            store_key,
            session_id,
            agreed,
            previous,
            new_session_ticket,
            transcript,
            ..
        } = self.negotiation;
        let verified_by_caller = self.server.by_caller;
        let session = agreed.new_session(
            &config.common,
            self.master_secret,
            Some(server_name),
            config.trust,
            Some(self.server),
        );
        let random = config.common.random();
        let keys =
            KeysReady::finish_first(Side::Client, agreed, transcript, session, random, actions)?;
        let flight = ServerFlight {
            new_session_ticket,
            keys,
            completion: Completion {
                config,
                store_key,
                session_id,
                previous,
                ocsp_response: self.ocsp_response,
                verified_by_caller,
                requested_certificate: self.requested_certificate,
                ticket: None,
            },
        };
        Ok(flight.next_state())
    }
}

/// The certificate's key, in the configuration or with the caller, must sign the handshake messages
/// so far.
#[derive(Debug)]
pub(crate) struct ExpectSignature {
    exchanged: KeyExchanged,
    certified: Arc<CertifiedKey>,
    job: SignCertificateVerify,
}

impl ExpectSignature {
    /// Prepares the messages so far for signing.
    fn new(
        mut exchanged: KeyExchanged,
        certified: Arc<CertifiedKey>,
        scheme: SignatureScheme,
    ) -> Result<Self, LocalError> {
        let messages = exchanged.negotiation.transcript.take_messages()?;
        let job = SignCertificateVerify::new(certified.key_id(), scheme, Arc::new(messages))?;
        Ok(Self {
            exchanged,
            certified,
            job,
        })
    }

    /// Signs at once, or pauses if the configuration offloads signing.
    fn sign_or_pause(self, actions: &mut Actions) -> Result<State, Error> {
        let config = &self.exchanged.negotiation.config;
        if config.offload_signing {
            return Ok(State::Signature(Box::new(self)));
        }
        let (scheme, message) = (self.job.scheme(), &self.job.message);
        let signature = self.certified.sign(scheme, message, config.common.random());
        self.on_signature(signature, actions)
    }

    pub(super) fn pending(&self) -> Pending<'_> {
        Pending::SignCertificateVerify(self.job.clone())
    }

    /// The signing with the configuration's own key, if it has one.
    #[cfg(feature = "tokio")]
    pub(super) fn work(&self) -> Option<Work> {
        self.certified.key()?;
        let config = Arc::clone(&self.exchanged.negotiation.config);
        let certified = Arc::clone(&self.certified);
        let job = self.job.clone();
        Some(Box::new(move || {
            let random = config.common.random();
            let signature = certified.sign(job.scheme(), &job.message, random).ok();
            job.answer(signature)
        }))
    }

    /// Sends CertificateVerify, ChangeCipherSpec and Finished.
    ///
    /// The signature is verified before it is sent: a wrong one, from a key store that
    /// miscalculated, could reveal the key.
    pub(super) fn on_signature(
        mut self,
        signature: Result<Vec<u8>, LocalError>,
        actions: &mut Actions,
    ) -> Result<State, Error> {
        let signature = signature?;
        let (scheme, message) = (self.job.scheme(), &self.job.message);
        let key = &self.certified.public_key;
        if !key.verifies(scheme, message, &signature) {
            return Err(LocalError::Signing.into());
        }
        let verify = CertificateVerify {
            algorithm: scheme,
            signature: &signature,
        };
        let transcript = &mut self.exchanged.negotiation.transcript;
        actions.send(verify.encode()?, transcript);
        self.exchanged.send_finished(actions)
    }
}
