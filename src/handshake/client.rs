//! The client's handshake, after RFC 5246 figure 1.
//!
//! ```text
//! start                              -> ClientHello
//! ExpectServerHello                  <- ServerHello
//! ExpectCertificate                  <- Certificate
//! ExpectCertificateVerdict              (the caller decides, if so configured)
//! ExpectServerHelloDone              <- CertificateRequest (optional), ServerHelloDone
//!                                    -> Certificate (if requested), ClientKeyExchange,
//!                                       CertificateVerify (with a certificate),
//!                                       ChangeCipherSpec, Finished
//! ExpectChangeCipherSpec             <- ChangeCipherSpec
//! ExpectFinished                     <- Finished
//! ```
//!
//! There is never a ServerKeyExchange: the server's certificate holds the key.

use super::transcript::{HelloTranscript, Keep, Transcript};
use super::{
    Action, Actions, Incoming, SessionInfo, State as HandshakeState, TrafficKeys,
    check_verify_data, expect, log_key, unexpected,
};
use crate::config::{
    CertifiedKey, ClientConfig, SIGNATURE_SCHEMES, SecureRenegotiation, ServerVerification,
};
use crate::crypto::aead::AeadKey;
use crate::crypto::key_schedule::{MasterSecret, PreMasterSecret, Randoms, VerifyData};
use crate::crypto::rsa::PublicKey;
use crate::crypto::suite::Suite;
use crate::enums::{
    ClientCertificateType, CompressionMethod, ExtensionType, HandshakeType, ProtocolVersion,
    SignatureScheme,
};
use crate::error::{DecodeError, Error, Incompatible, Misuse, PeerError};
use crate::message::certificate::{Certificate, CertificateRequest};
use crate::message::extension::Extensions;
use crate::message::finished::Finished;
use crate::message::hello::{ClientHello, Random, ServerHello, SessionId};
use crate::message::key_exchange::{CertificateVerify, ClientKeyExchange};
use crate::message::{HandshakeBody, ServerHelloDone};
use crate::pending::{Answer, AnswerKind, PauseId, Pending, VerifyCertificate};
use crate::verify::{check_chain_length, server_key, verify_server};
use pki_types::{CertificateDer, ServerName};
use std::sync::Arc;

/// What the client waits for.
#[derive(Debug)]
pub(super) enum State {
    ServerHello(Box<ExpectServerHello>),
    Certificate(Box<ExpectCertificate>),
    CertificateVerdict(Box<ExpectCertificateVerdict>),
    ServerHelloDone(Box<ExpectServerHelloDone>),
    ChangeCipherSpec(Box<ExpectChangeCipherSpec>),
    Finished(Box<ExpectFinished>),
}

impl State {
    pub(super) fn handle(
        self,
        incoming: Incoming<'_>,
        actions: &mut Actions,
    ) -> Result<HandshakeState, Error> {
        match self {
            Self::ServerHello(state) => state.handle(incoming, actions),
            Self::Certificate(state) => state.handle(incoming),
            Self::CertificateVerdict(_) => Err(unexpected(incoming, "the caller's verdict")),
            Self::ServerHelloDone(state) => state.handle(incoming, actions),
            Self::ChangeCipherSpec(state) => state.handle(incoming, actions),
            Self::Finished(state) => state.handle(incoming, actions),
        }
        .map(HandshakeState::from)
    }

    pub(super) fn pending(&self) -> Option<Pending<'_>> {
        match self {
            Self::CertificateVerdict(state) => Some(state.pending()),
            _ => None,
        }
    }

    pub(super) fn resume(self, answer: Answer) -> Result<HandshakeState, Error> {
        match self {
            Self::CertificateVerdict(state) => state.resume(answer).map(HandshakeState::from),
            _ => Err(Misuse::NothingPending.into()),
        }
    }
}

/// The next state, or none once the handshake is complete.
type Next = Option<State>;

impl From<Next> for HandshakeState {
    fn from(next: Next) -> Self {
        next.map_or(Self::Established, Self::Client)
    }
}

/// Sends the ClientHello.
pub(super) fn start(
    config: Arc<ClientConfig>,
    server_name: ServerName<'static>,
    actions: &mut Actions,
) -> Result<State, Error> {
    let mut random = [0; 32];
    config.environment.random.fill(&mut random)?;

    let mut extensions = Extensions::default();
    // "Literal IPv4 and IPv6 addresses are not permitted in "HostName"", which is a name "without a
    // trailing dot".
    if let ServerName::DnsName(name) = &server_name {
        let name: &str = name.as_ref();
        extensions.push_server_name(name.strip_suffix('.').unwrap_or(name));
    }
    extensions.push_signature_algorithms(&SIGNATURE_SCHEMES);
    extensions.push_renegotiation_info();

    let hello = ClientHello {
        client_version: ProtocolVersion::TLS_1_2,
        random: Random(random),
        session_id: SessionId::default(),
        cipher_suites: config.suites.iter().map(|suite| suite.id).collect(),
        compression_methods: vec![CompressionMethod::NULL],
        extensions: Some(extensions),
    };
    let message = hello.encode();
    let mut transcript = HelloTranscript::default();
    transcript.add(&message);
    actions.push(Action::SendHandshake(message));
    Ok(State::ServerHello(Box::new(ExpectServerHello {
        config,
        server_name,
        client_random: random,
        transcript,
    })))
}

/// The ClientHello is sent.
#[derive(Debug)]
pub(super) struct ExpectServerHello {
    config: Arc<ClientConfig>,
    server_name: ServerName<'static>,
    client_random: [u8; 32],
    transcript: HelloTranscript,
}

impl ExpectServerHello {
    fn handle(mut self, incoming: Incoming<'_>, actions: &mut Actions) -> Result<Next, Error> {
        let message = expect(incoming, HandshakeType::SERVER_HELLO, "server_hello")?;
        let hello: ServerHello<'_> = message.decode()?;

        if hello.server_version != ProtocolVersion::TLS_1_2 {
            return Err(Incompatible::Version {
                offered: hello.server_version,
            }
            .into());
        }
        let suite = self
            .config
            .suites
            .iter()
            .find(|suite| suite.id == hello.cipher_suite)
            .copied()
            .ok_or(PeerError::UnofferedSuite(hello.cipher_suite))?;
        if hello.compression_method != CompressionMethod::NULL {
            return Err(PeerError::UnofferedCompression(hello.compression_method).into());
        }
        let secure_renegotiation = self.check_extensions(&hello)?;

        actions.push(Action::VersionAgreed);
        self.transcript.add(message.bytes);
        let keep = match self.config.certificate {
            Some(_) => Keep::Messages,
            None => Keep::HashOnly,
        };
        Ok(Some(State::Certificate(Box::new(ExpectCertificate {
            session: Session {
                suite,
                randoms: Randoms {
                    client: self.client_random,
                    server: hello.random.0,
                },
                transcript: self.transcript.hash_with(suite.prf, keep),
                server_name: self.server_name,
                secure_renegotiation,
                config: self.config,
            },
        }))))
    }

    /// "If a client receives an extension type in ServerHello that it did not request in the
    /// associated ClientHello, it MUST abort the handshake with an unsupported_extension fatal
    /// alert." Returns whether the server knows secure renegotiation.
    fn check_extensions(&self, hello: &ServerHello<'_>) -> Result<bool, Error> {
        let none = Extensions::default();
        let extensions = hello.extensions.as_ref().unwrap_or(&none);
        for (typ, _) in extensions.iter() {
            let requested = match typ {
                ExtensionType::SERVER_NAME => matches!(self.server_name, ServerName::DnsName(_)),
                ExtensionType::RENEGOTIATION_INFO => true,
                // signature_algorithms among them: "Servers MUST NOT send this extension."
                _ => false,
            };
            if !requested {
                return Err(PeerError::UnsolicitedExtension(typ).into());
            }
        }
        let decode = |error: DecodeError| error.of(ServerHello::NAME);
        extensions.server_name_ack().map_err(decode)?;
        // "The client MUST then verify that the length of the "renegotiated_connection" field is
        // zero, and if it is not, MUST abort the handshake (by sending a fatal handshake_failure
        // alert)."
        match extensions.renegotiation_info().map_err(decode)? {
            Some([]) => Ok(true),
            Some(_) => Err(PeerError::RenegotiationInfoNotEmpty.into()),
            None => match self.config.secure_renegotiation {
                SecureRenegotiation::Required => Err(Incompatible::NoSecureRenegotiation.into()),
                SecureRenegotiation::Optional => Ok(false),
            },
        }
    }
}

/// What the ServerHello settled, carried to the end of the handshake.
#[derive(Debug)]
struct Session {
    config: Arc<ClientConfig>,
    server_name: ServerName<'static>,
    suite: &'static Suite,
    randoms: Randoms,
    transcript: Transcript,
    secure_renegotiation: bool,
}

/// The suite is agreed.
#[derive(Debug)]
pub(super) struct ExpectCertificate {
    session: Session,
}

impl ExpectCertificate {
    fn handle(mut self, incoming: Incoming<'_>) -> Result<Next, Error> {
        let message = expect(incoming, HandshakeType::CERTIFICATE, "certificate")?;
        let certificate: Certificate<'_> = message.decode()?;
        // Only a client may send an empty chain (sections 7.4.2 and 7.4.6).
        if certificate.certificate_list.is_empty() {
            return Err(DecodeError::EmptyVector.of(Certificate::NAME));
        }
        check_chain_length(&certificate.certificate_list)?;
        self.session.transcript.add(message.bytes);
        let chain = certificate.into_owned();

        match &self.session.config.verification {
            ServerVerification::Roots(roots) => {
                let now = (self.session.config.environment.time)();
                let server_key = verify_server(&chain, &self.session.server_name, roots, now)?;
                Ok(Some(verified(self.session, chain, server_key)))
            }
            ServerVerification::Caller => Ok(Some(State::CertificateVerdict(Box::new(
                ExpectCertificateVerdict {
                    session: self.session,
                    chain,
                    id: PauseId::next(),
                },
            )))),
        }
    }
}

/// The chain is with the caller.
#[derive(Debug)]
pub(super) struct ExpectCertificateVerdict {
    session: Session,
    chain: Box<[CertificateDer<'static>]>,
    id: PauseId,
}

impl ExpectCertificateVerdict {
    fn pending(&self) -> Pending<'_> {
        Pending::VerifyCertificate(VerifyCertificate {
            id: self.id,
            chain: &self.chain,
            server_name: &self.session.server_name,
        })
    }

    fn resume(self, answer: Answer) -> Result<Next, Error> {
        match answer.0 {
            AnswerKind::Certificate { verdict, .. } => {
                verdict?;
                let server_key = server_key(&self.chain)?;
                Ok(Some(verified(self.session, self.chain, server_key)))
            }
            AnswerKind::PreMasterSecret { .. } => Err(Misuse::WrongAnswer.into()),
        }
    }
}

/// Somebody vouches for the chain: its key is the one to encrypt to.
fn verified(
    session: Session,
    chain: Box<[CertificateDer<'static>]>,
    server_key: PublicKey,
) -> State {
    State::ServerHelloDone(Box::new(ExpectServerHelloDone {
        session,
        chain,
        server_key,
        client_certificate: ClientCertificate::NotRequested,
    }))
}

/// What to answer a CertificateRequest with.
#[derive(Debug)]
enum ClientCertificate {
    NotRequested,
    /// "If no suitable certificate is available, the client MUST send a certificate message
    /// containing no certificates."
    NoneSuitable,
    Suitable(Arc<CertifiedKey>, SignatureScheme),
}

/// The server's key is known.
#[derive(Debug)]
pub(super) struct ExpectServerHelloDone {
    session: Session,
    chain: Box<[CertificateDer<'static>]>,
    server_key: PublicKey,
    client_certificate: ClientCertificate,
}

impl ExpectServerHelloDone {
    fn handle(mut self, incoming: Incoming<'_>, actions: &mut Actions) -> Result<Next, Error> {
        let (requested, awaited) = match self.client_certificate {
            ClientCertificate::NotRequested => (false, "certificate_request or server_hello_done"),
            ClientCertificate::NoneSuitable | ClientCertificate::Suitable(..) => {
                (true, "server_hello_done")
            }
        };
        match incoming {
            Incoming::Handshake(message)
                if message.typ == HandshakeType::CERTIFICATE_REQUEST && !requested =>
            {
                let request: CertificateRequest<'_> = message.decode()?;
                self.client_certificate = self.session.choose_certificate(&request);
                self.session.transcript.add(message.bytes);
                Ok(Some(State::ServerHelloDone(Box::new(self))))
            }
            Incoming::Handshake(message) if message.typ == HandshakeType::SERVER_HELLO_DONE => {
                let ServerHelloDone = message.decode()?;
                self.session.transcript.add(message.bytes);
                self.send_flight(actions)
            }
            _ => Err(unexpected(incoming, awaited)),
        }
    }

    /// Certificate, ClientKeyExchange, CertificateVerify, ChangeCipherSpec, Finished.
    fn send_flight(mut self, actions: &mut Actions) -> Result<Next, Error> {
        let session = &mut self.session;
        let environment = &session.config.environment;
        match &self.client_certificate {
            ClientCertificate::NotRequested => {}
            ClientCertificate::NoneSuitable => {
                let empty = Certificate {
                    certificate_list: Vec::new(),
                };
                actions.send(empty.encode(), &mut session.transcript);
            }
            ClientCertificate::Suitable(certified, _) => {
                let message = certified.certificate_message.to_vec();
                actions.send(message, &mut session.transcript);
            }
        }

        let pre_master_secret = draw_pre_master_secret(&session.config)?;
        let encrypted = self
            .server_key
            .encrypt(&pre_master_secret, environment.random.as_ref())?;
        let key_exchange = ClientKeyExchange {
            encrypted_pre_master_secret: &encrypted,
        };
        actions.send(key_exchange.encode(), &mut session.transcript);
        let master_secret =
            MasterSecret::derive(session.suite.prf, &pre_master_secret, &session.randoms);
        log_key(environment, &session.randoms, &master_secret);

        if let ClientCertificate::Suitable(certified, algorithm) = &self.client_certificate {
            let signed = session.transcript.take_messages();
            let signature =
                certified
                    .key()
                    .sign(*algorithm, &signed, environment.random.as_ref())?;
            let verify = CertificateVerify {
                algorithm: *algorithm,
                signature: &signature,
            };
            actions.send(verify.encode(), &mut session.transcript);
        }

        let keys = TrafficKeys::derive(&master_secret, session.suite, &session.randoms)?;
        actions.push(Action::SendChangeCipherSpec);
        actions.push(Action::InstallWriteKey(keys.client));
        let finished = Finished {
            verify_data: master_secret
                .client_verify_data(&session.transcript.current())
                .0,
        };
        actions.send(finished.encode(), &mut session.transcript);

        let expected = master_secret.server_verify_data(&self.session.transcript.finish());
        Ok(Some(State::ChangeCipherSpec(Box::new(
            ExpectChangeCipherSpec {
                server_write_key: keys.server,
                finished: ExpectFinished {
                    expected,
                    session: Box::new(SessionInfo {
                        cipher_suite: self.session.suite.id,
                        server_name: Some(self.session.server_name),
                        peer_certificates: self.chain,
                        secure_renegotiation: self.session.secure_renegotiation,
                    }),
                },
            },
        ))))
    }
}

impl Session {
    /// The configured certificate, if the server takes RSA signatures of an algorithm we make.
    fn choose_certificate(&self, request: &CertificateRequest<'_>) -> ClientCertificate {
        let takes_rsa = request
            .certificate_types
            .contains(&ClientCertificateType::RSA_SIGN);
        let scheme = SIGNATURE_SCHEMES
            .iter()
            .find(|scheme| request.supported_signature_algorithms.contains(scheme));
        match (&self.config.certificate, scheme) {
            (Some(certified), Some(scheme)) if takes_rsa => {
                ClientCertificate::Suitable(certified.clone(), *scheme)
            }
            _ => ClientCertificate::NoneSuitable,
        }
    }
}

/// "The version number in the PreMasterSecret is the version offered by the client in the
/// ClientHello.client_version, not the version negotiated for the connection", then "46
/// securely-generated random bytes".
fn draw_pre_master_secret(config: &ClientConfig) -> Result<PreMasterSecret, Error> {
    let mut pre_master_secret = PreMasterSecret([0; 48]);
    let (version, random) = pre_master_secret.0.split_at_mut(2);
    version.copy_from_slice(&ProtocolVersion::TLS_1_2.to_bytes());
    config.environment.random.fill(random)?;
    Ok(pre_master_secret)
}

/// The client's flight is sent.
#[derive(Debug)]
pub(super) struct ExpectChangeCipherSpec {
    server_write_key: AeadKey,
    finished: ExpectFinished,
}

impl ExpectChangeCipherSpec {
    fn handle(self, incoming: Incoming<'_>, actions: &mut Actions) -> Result<Next, Error> {
        let Incoming::ChangeCipherSpec(_aligned) = incoming else {
            return Err(unexpected(incoming, "change_cipher_spec"));
        };
        actions.push(Action::InstallReadKey(self.server_write_key));
        Ok(Some(State::Finished(Box::new(self.finished))))
    }
}

/// The server's keys are in use.
#[derive(Debug)]
pub(super) struct ExpectFinished {
    expected: VerifyData,
    session: Box<SessionInfo>,
}

impl ExpectFinished {
    fn handle(self, incoming: Incoming<'_>, actions: &mut Actions) -> Result<Next, Error> {
        let message = expect(incoming, HandshakeType::FINISHED, "finished")?;
        let finished: Finished = message.decode()?;
        check_verify_data(&finished.verify_data, &self.expected)?;
        actions.push(Action::Complete(self.session));
        Ok(None)
    }
}
