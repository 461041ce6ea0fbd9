//! The client's handshake, after RFC 5246 figures 1 and 2.
//!
//! ```text
//! start                              -> ClientHello
//! ExpectServerHello                  <- ServerHello
//!
//! in full:
//! ExpectCertificate                  <- Certificate
//! ExpectCertificateStatus            <- CertificateStatus (if announced, and then optional)
//! ExpectCertificateVerdict              (the caller decides, if so configured)
//! ExpectServerHelloDone              <- CertificateRequest (optional), ServerHelloDone
//!                                    -> Certificate (if requested), ClientKeyExchange,
//!                                       CertificateVerify (with a certificate),
//!                                       ChangeCipherSpec, Finished
//! ExpectSignature                       (within that flight, signed elsewhere, if so configured)
//! ExpectNewSessionTicket             <- NewSessionTicket (if announced)
//! ExpectChangeCipherSpec             <- ChangeCipherSpec
//! ExpectFinished                     <- Finished
//!
//! a session resumed:
//! ExpectCertificateVerdict              (the caller decides, if so configured)
//! ExpectNewSessionTicket             <- NewSessionTicket (if announced)
//! ExpectChangeCipherSpec             <- ChangeCipherSpec
//! ExpectFinished                     <- Finished
//!                                    -> ChangeCipherSpec, Finished
//! ```
//!
//! There is never a ServerKeyExchange: the server's certificate holds the key.

mod hello;
mod offer;

use super::established::Established;
use super::{
    Action, Actions, Incoming, NotResumed, RecordLimits, Resumption, SessionInfo,
    State as HandshakeState, check_verify_data, derive_master_secret, expect, log_key, unexpected,
};
use crate::config::{CertifiedKey, ClientConfig, SIGNATURE_SCHEMES, ServerVerification};
use crate::crypto::aead::AeadKey;
use crate::crypto::pre_master_secret::PreMasterSecret;
use crate::crypto::suite::Suite;
use crate::enums::{
    CipherSuite, ClientCertificateType, CompressionMethod, HandshakeType, ProtocolVersion,
    SignatureScheme,
};
use crate::error::{DecodeError, Error, Incompatible, LocalError, Misuse, PeerError};
use crate::keys::{Keep, MasterSecret, Randoms, Side, TrafficKeys, Transcript, VerifyData};
use crate::message::certificate::{Certificate, CertificateRequest, CertificateStatus};
use crate::message::finished::Finished;
use crate::message::hello::{ClientHello, Random, ServerHello, SessionId};
use crate::message::key_exchange::{CertificateVerify, ClientKeyExchange};
use crate::message::ticket::NewSessionTicket;
use crate::message::{HandshakeBody, HandshakeMessage, ServerHelloDone};
use crate::pending::{
    Answer, AnswerKind, PauseId, Pending, ResumedChain, SignCertificateVerify, VerifyCertificate,
};
use crate::resumption::{Handle, Session, SessionInUse, Validity};
use crate::verify::{Stapled, Vouched, check_chain_length, require_common_name, server_key};
use core::net::SocketAddr;
use hello::{Answers, grease, hello_extensions};
use offer::{Offer, find_session, store_key};
use pki_types::{CertificateDer, ServerName};
use std::sync::Arc;

/// What the client waits for.
#[derive(Debug)]
pub(super) enum State {
    ServerHello(Box<ExpectServerHello>),
    Certificate(Box<ExpectCertificate>),
    CertificateStatus(Box<ExpectCertificateStatus>),
    CertificateVerdict(Box<ExpectCertificateVerdict>),
    ServerHelloDone(Box<ExpectServerHelloDone>),
    Signature(Box<ExpectSignature>),
    NewSessionTicket(Box<ExpectNewSessionTicket>),
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
            Self::CertificateStatus(state) => state.handle(incoming, actions),
            Self::CertificateVerdict(_) => Err(unexpected(incoming, "the caller's verdict")),
            Self::ServerHelloDone(state) => state.handle(incoming, actions),
            Self::Signature(_) => Err(unexpected(incoming, "the caller's signature")),
            Self::NewSessionTicket(state) => state.handle(incoming),
            Self::ChangeCipherSpec(state) => state.handle(incoming, actions),
            Self::Finished(state) => return state.handle(incoming, actions),
        }
        .map(HandshakeState::Client)
    }

    pub(super) fn pending(&self) -> Option<Pending<'_>> {
        match self {
            Self::CertificateVerdict(state) => Some(state.pending()),
            Self::Signature(state) => Some(state.pending()),
            _ => None,
        }
    }

    pub(super) fn resume(
        self,
        answer: Answer,
        actions: &mut Actions,
    ) -> Result<HandshakeState, Error> {
        match self {
            Self::CertificateVerdict(state) => state.resume(answer, actions),
            Self::Signature(state) => state.resume(answer, actions),
            _ => Err(Misuse::NothingPending.into()),
        }
        .map(HandshakeState::Client)
    }
}

/// Sends the ClientHello, which offers the session that is kept for the server.
pub(super) fn start(
    config: Arc<ClientConfig>,
    server_name: ServerName<'static>,
    address: Option<SocketAddr>,
    actions: &mut Actions,
) -> Result<State, Error> {
    let mut random = [0; 32];
    config.common.random().fill(&mut random)?;
    let store_key = store_key(&server_name, address);
    let offer = find_session(&config, &server_name, &store_key);
    let session_id = match &offer {
        Ok(offer) => offer.session_id(),
        Err(_) => SessionId::default(),
    };

    let mut cipher_suites: Vec<_> = config.common.suites.iter().map(|suite| suite.id).collect();
    let ticket = offer.as_ref().ok().and_then(Offer::ticket);
    let mut extensions = hello_extensions(&config, &server_name, ticket.unwrap_or_default());
    // "when a client intends to resume a session and sets ClientHello.client_version to the protocol
    // version negotiated for that session, it MUST NOT include TLS_FALLBACK_SCSV"
    // (RFC 7507 section 4).
    if config.after_fallback && offer.is_err() {
        cipher_suites.push(CipherSuite::TLS_FALLBACK_SCSV);
    }
    if config.grease {
        (cipher_suites, extensions) = grease(&config, cipher_suites, extensions)?;
    }
    let hello = ClientHello {
        client_version: ProtocolVersion::TLS_1_2,
        random: Random(random),
        session_id,
        cipher_suites,
        compression_methods: vec![CompressionMethod::NULL],
        extensions: Some(extensions),
    };
    let message = hello.encode();
    let client_hello = message.as_slice().into();
    if offer.is_ok()
        && let Some(store) = &config.common.session_store
    {
        actions.push(Action::UseSession(SessionInUse::new(store, &store_key)));
    }
    actions.push(Action::SendHandshake(message));
    Ok(State::ServerHello(Box::new(ExpectServerHello {
        config,
        server_name,
        store_key,
        client_random: random,
        session_id,
        offer,
        client_hello,
    })))
}

/// The ClientHello is sent.
#[derive(Debug)]
pub(super) struct ExpectServerHello {
    config: Arc<ClientConfig>,
    server_name: ServerName<'static>,
    store_key: Box<[u8]>,
    client_random: [u8; 32],
    session_id: SessionId,
    offer: Result<Offer, NotResumed>,
    /// The message, to be hashed as the suite says.
    client_hello: Box<[u8]>,
}

impl ExpectServerHello {
    fn handle(self, incoming: Incoming<'_>, actions: &mut Actions) -> Result<State, Error> {
        let message = expect(incoming, HandshakeType::SERVER_HELLO, "server_hello")?;
        let hello: ServerHello<'_> = message.decode()?;

        if hello.server_version != ProtocolVersion::TLS_1_2 {
            return Err(Incompatible::Version {
                offered: hello.server_version,
            }
            .into());
        }
        self.check_downgrade(&hello.random)?;
        let suite = self
            .config
            .common
            .suite(hello.cipher_suite)
            .ok_or(PeerError::UnofferedSuite(hello.cipher_suite))?;
        if hello.compression_method != CompressionMethod::NULL {
            return Err(PeerError::UnofferedCompression(hello.compression_method).into());
        }
        let answers = Answers::read(&hello, &self.config, &self.server_name)?;

        actions.push(Action::VersionAgreed);
        let resumed = !hello.session_id.is_empty() && hello.session_id == self.session_id;
        let (not_resumed, offer) = match self.offer {
            Ok(offer) if resumed => (NotResumed::Declined, Some(offer)),
            Ok(_) => (NotResumed::Declined, None),
            Err(reason) => (reason, None),
        };
        let session = offer.as_ref().map(|offer| &offer.session);
        let limits = answers.record_limits(&self.config, session)?;
        limits.apply_at_once(actions);
        let keep = match *self.config.certificates {
            [_, ..] if offer.is_none() => Keep::Messages,
            _ => Keep::HashOnly,
        };
        let mut transcript = Transcript::new(suite.prf, keep);
        transcript.add(&self.client_hello);
        transcript.add(message.bytes);
        let negotiation = Negotiation {
            suite,
            randoms: Randoms {
                client: self.client_random,
                server: hello.random.0,
            },
            transcript,
            server_name: self.server_name,
            store_key: self.store_key,
            session_id: hello.session_id,
            not_resumed,
            answers,
            limits,
            config: self.config,
        };
        match offer {
            None => Ok(State::Certificate(Box::new(ExpectCertificate {
                negotiation,
            }))),
            Some(offer) => negotiation.resume(offer),
        }
    }

    /// "TLS 1.3 clients receiving a ServerHello indicating TLS 1.2 or below MUST check that the last
    /// 8 bytes are not equal to either of these values"
    /// ([RFC 8446 section 4.1.3](https://www.rfc-editor.org/rfc/rfc8446#section-4.1.3)). A client
    /// is one if its caller tried a newer version before; to all others the values say nothing.
    fn check_downgrade(&self, random: &Random) -> Result<(), PeerError> {
        match random.0.last_chunk() {
            Some(b"DOWNGRD\x01" | b"DOWNGRD\x00") if self.config.after_fallback => {
                Err(PeerError::Downgraded)
            }
            _ => Ok(()),
        }
    }
}

/// What the hellos settled, carried to the end of the handshake.
#[derive(Debug)]
struct Negotiation {
    config: Arc<ClientConfig>,
    server_name: ServerName<'static>,
    store_key: Box<[u8]>,
    suite: &'static Suite,
    randoms: Randoms,
    session_id: SessionId,
    not_resumed: NotResumed,
    answers: Answers,
    limits: RecordLimits,
    transcript: Transcript,
}

impl Negotiation {
    /// Goes on with the keys of an earlier session.
    fn resume(self, offer: Offer) -> Result<State, Error> {
        let resumption = offer.resumption();
        let session = offer.session;
        // "the value from the state of the session being resumed" (section 7.4.1.3).
        if self.suite.id != session.suite.id {
            return Err(PeerError::ResumedWithOtherSuite(self.suite.id).into());
        }
        // "If the original session did not use the "extended_master_secret" extension but the new
        // ServerHello contains the extension, the client MUST abort the handshake. If the original
        // session used the extension but the new ServerHello does not contain the extension, the
        // client MUST abort the handshake."
        if self.answers.extended_master_secret != session.extended_master_secret {
            return Err(PeerError::ExtendedMasterSecretChanged.into());
        }
        let environment = &self.config.common.environment;
        log_key(environment, &self.randoms, &session.master_secret);
        let keys = TrafficKeys::derive(&session.master_secret, self.suite, &self.randoms)?;
        let flight = ServerFlight {
            server_write_key: keys.server_write,
            closing: Closing {
                session,
                ocsp_response: None,
                ticket: None,
                resumption,
                own: OwnFinished::Due(keys.client_write),
                negotiation: self,
            },
        };
        Ok(match flight.closing.negotiation.config.verification {
            ServerVerification::Policy(_) => flight.expect(),
            ServerVerification::Caller => ask_caller(Case::Resumed(Box::new(flight))),
        })
    }
}

/// The server as it showed itself.
#[derive(Debug)]
struct Server {
    chain: Box<[CertificateDer<'static>]>,
    ocsp_response: Option<Box<[u8]>>,
}

/// A full handshake is agreed.
#[derive(Debug)]
pub(super) struct ExpectCertificate {
    negotiation: Negotiation,
}

impl ExpectCertificate {
    fn handle(mut self, incoming: Incoming<'_>) -> Result<State, Error> {
        let message = expect(incoming, HandshakeType::CERTIFICATE, "certificate")?;
        let certificate: Certificate<'_> = message.decode()?;
        // Only a client may send an empty chain (sections 7.4.2 and 7.4.6).
        if certificate.certificate_list.is_empty() {
            return Err(DecodeError::EmptyVector.of(Certificate::NAME));
        }
        check_chain_length(&certificate.certificate_list)?;
        self.negotiation.transcript.add(message.bytes);
        let server = Server {
            chain: certificate.into_owned(),
            ocsp_response: None,
        };
        match self.negotiation.answers.certificate_status {
            true => Ok(State::CertificateStatus(Box::new(
                ExpectCertificateStatus {
                    negotiation: self.negotiation,
                    server,
                },
            ))),
            false => self.negotiation.verify(server),
        }
    }
}

/// The server announced CertificateStatus.
#[derive(Debug)]
pub(super) struct ExpectCertificateStatus {
    negotiation: Negotiation,
    server: Server,
}

impl ExpectCertificateStatus {
    fn handle(mut self, incoming: Incoming<'_>, actions: &mut Actions) -> Result<State, Error> {
        let message = match incoming {
            Incoming::Handshake(message) => message,
            Incoming::ChangeCipherSpec(_) => {
                return Err(unexpected(incoming, "certificate_status"));
            }
        };
        if message.typ == HandshakeType::CERTIFICATE_STATUS {
            let status: CertificateStatus<'_> = message.decode()?;
            self.server.ocsp_response = Some(status.ocsp_response.into());
            self.negotiation.transcript.add(message.bytes);
            return self.negotiation.verify(self.server);
        }
        // A server may announce the message and not send it (RFC 6066 section 8): this is the one
        // after it.
        match self.negotiation.verify(self.server)? {
            State::CertificateVerdict(mut state) => {
                state.defer(message);
                Ok(State::CertificateVerdict(state))
            }
            State::ServerHelloDone(state) => state.handle(incoming, actions),
            _ => Err(unexpected(incoming, "certificate_status")),
        }
    }
}

impl Negotiation {
    /// Verifies the server, or has the caller do it.
    fn verify(self, server: Server) -> Result<State, Error> {
        let config = &self.config;
        match &config.verification {
            ServerVerification::Policy(policy) => {
                let now = config.common.now();
                let name = &self.server_name;
                let stapled = Stapled::Response(server.ocsp_response.as_deref());
                let vouched = policy.verify_server(&server.chain, name, stapled, now)?;
                if config.require_common_name {
                    require_common_name(&server.chain, name)?;
                }
                Ok(self.verified(server, vouched))
            }
            ServerVerification::Caller => Ok(ask_caller(Case::Full {
                negotiation: Box::new(self),
                server,
                deferred: None,
            })),
        }
    }

    /// Somebody vouches for the chain: its key is the one to encrypt to.
    fn verified(self, server: Server, vouched: Vouched) -> State {
        let server = Server {
            chain: vouched.verified(server.chain),
            ..server
        };
        State::ServerHelloDone(Box::new(ExpectServerHelloDone {
            negotiation: self,
            server,
            vouched,
            client_certificate: ClientCertificate::NotRequested,
        }))
    }
}

/// The chain is with the caller.
#[derive(Debug)]
pub(super) struct ExpectCertificateVerdict {
    id: PauseId,
    case: Case,
}

/// Where the chain is from.
#[derive(Debug)]
enum Case {
    Full {
        negotiation: Box<Negotiation>,
        server: Server,
        /// A message that came behind the chain and is looked at when the caller has decided.
        deferred: Option<(HandshakeType, Box<[u8]>)>,
    },
    /// The session that is resumed.
    Resumed(Box<ServerFlight>),
}

fn ask_caller(case: Case) -> State {
    let id = PauseId::next();
    State::CertificateVerdict(Box::new(ExpectCertificateVerdict { id, case }))
}

impl ExpectCertificateVerdict {
    fn pending(&self) -> Pending<'_> {
        let id = self.id;
        Pending::VerifyCertificate(match &self.case {
            Case::Full {
                negotiation,
                server,
                ..
            } => VerifyCertificate {
                id,
                chain: &server.chain,
                server_name: &negotiation.server_name,
                ocsp_response: server.ocsp_response.as_deref(),
                resumed: None,
            },
            Case::Resumed(flight) => VerifyCertificate {
                id,
                chain: &flight.closing.session.peer_certificates,
                server_name: &flight.closing.negotiation.server_name,
                ocsp_response: None,
                resumed: Some(ResumedChain {
                    ocsp_verified: flight.closing.session.ocsp_verified,
                }),
            },
        })
    }

    fn defer(&mut self, message: HandshakeMessage<'_>) {
        if let Case::Full { deferred, .. } = &mut self.case {
            *deferred = Some((message.typ, message.bytes.into()));
        }
    }

    fn resume(self, answer: Answer, actions: &mut Actions) -> Result<State, Error> {
        let verified = match answer.0 {
            AnswerKind::Certificate { verdict, .. } => verdict?,
            AnswerKind::PreMasterSecret { .. } | AnswerKind::Signature { .. } => {
                return Err(Misuse::WrongAnswer.into());
            }
        };
        match self.case {
            Case::Resumed(mut flight) => {
                if let Some(vouched) = verified.into_vouched() {
                    let waivers = &mut flight.closing.session.waivers;
                    waivers.extend(vouched.waivers.iter());
                }
                Ok(flight.expect())
            }
            Case::Full {
                negotiation,
                server,
                deferred,
            } => {
                let vouched = match verified.into_vouched() {
                    Some(vouched) => vouched,
                    None => server_key(&server.chain)?,
                };
                match (negotiation.verified(server, vouched), &deferred) {
                    (State::ServerHelloDone(state), Some((typ, bytes))) => {
                        let message = HandshakeMessage { typ: *typ, bytes };
                        state.handle(Incoming::Handshake(message), actions)
                    }
                    (state, _) => Ok(state),
                }
            }
        }
    }
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
    negotiation: Negotiation,
    server: Server,
    vouched: Vouched,
    client_certificate: ClientCertificate,
}

impl ExpectServerHelloDone {
    fn handle(mut self, incoming: Incoming<'_>, actions: &mut Actions) -> Result<State, Error> {
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
                self.client_certificate = self.negotiation.choose_certificate(&request);
                self.negotiation.transcript.add(message.bytes);
                Ok(State::ServerHelloDone(Box::new(self)))
            }
            Incoming::Handshake(message) if message.typ == HandshakeType::SERVER_HELLO_DONE => {
                let ServerHelloDone = message.decode()?;
                self.negotiation.transcript.add(message.bytes);
                self.send_flight(actions)
            }
            _ => Err(unexpected(incoming, awaited)),
        }
    }

    /// Certificate and ClientKeyExchange, and what is left of the flight.
    fn send_flight(mut self, actions: &mut Actions) -> Result<State, Error> {
        let negotiation = &mut self.negotiation;
        let random = negotiation.config.common.random();
        match &self.client_certificate {
            ClientCertificate::NotRequested => {}
            ClientCertificate::NoneSuitable => {
                let empty = Certificate {
                    certificate_list: Vec::new(),
                };
                actions.send(empty.encode(), &mut negotiation.transcript);
            }
            ClientCertificate::Suitable(certified, _) => {
                let message = certified.certificate_message.to_vec();
                actions.send(message, &mut negotiation.transcript);
            }
        }

        let pre_master_secret = draw_pre_master_secret(&negotiation.config)?;
        let encrypted = self.vouched.key.encrypt(&pre_master_secret, random)?;
        let key_exchange = ClientKeyExchange {
            encrypted_pre_master_secret: &encrypted,
        };
        actions.send(key_exchange.encode(), &mut negotiation.transcript);
        let keyed = Keyed {
            master_secret: negotiation.master_secret(&pre_master_secret),
            negotiation: self.negotiation,
            server: self.server,
            vouched: self.vouched,
        };
        match self.client_certificate {
            ClientCertificate::NotRequested | ClientCertificate::NoneSuitable => {
                keyed.send_finished(actions)
            }
            ClientCertificate::Suitable(certified, scheme) => {
                keyed.prove(Proof { certified, scheme }, actions)
            }
        }
    }
}

/// A full handshake whose master secret is known.
#[derive(Debug)]
struct Keyed {
    negotiation: Negotiation,
    server: Server,
    vouched: Vouched,
    master_secret: MasterSecret,
}

/// The key that CertificateVerify proves, and how.
#[derive(Debug)]
struct Proof {
    certified: Arc<CertifiedKey>,
    scheme: SignatureScheme,
}

impl Keyed {
    /// Signs the handshake so far, or has the caller do it.
    fn prove(mut self, proof: Proof, actions: &mut Actions) -> Result<State, Error> {
        let message = self.negotiation.transcript.take_messages()?;
        let config = &self.negotiation.config;
        if config.offload_signing {
            let job = SignCertificateVerify {
                id: PauseId::next(),
                key_id: proof.certified.key_id(),
                scheme: proof.scheme,
                message: message.into(),
            };
            return Ok(State::Signature(Box::new(ExpectSignature {
                keyed: self,
                proof,
                job,
            })));
        }
        let random = config.common.random();
        let signature = proof.certified.sign(proof.scheme, &message, random)?;
        self.send_certificate_verify(&proof, &message, &signature, actions)
    }

    /// CertificateVerify, ChangeCipherSpec, Finished.
    ///
    /// A signature that is not good does not leave: made by a key store that miscalculated, it could
    /// give away the key.
    fn send_certificate_verify(
        mut self,
        proof: &Proof,
        message: &[u8],
        signature: &[u8],
        actions: &mut Actions,
    ) -> Result<State, Error> {
        let key = &proof.certified.public_key;
        if !key.verifies(proof.scheme, message, signature) {
            return Err(LocalError::Signing.into());
        }
        let verify = CertificateVerify {
            algorithm: proof.scheme,
            signature,
        };
        actions.send(verify.encode(), &mut self.negotiation.transcript);
        self.send_finished(actions)
    }

    /// ChangeCipherSpec, Finished.
    fn send_finished(self, actions: &mut Actions) -> Result<State, Error> {
        let Self {
            mut negotiation,
            server: Server {
                chain,
                ocsp_response,
            },
            vouched,
            master_secret,
        } = self;
        let keys = TrafficKeys::derive(&master_secret, negotiation.suite, &negotiation.randoms)?;
        actions.push(Action::ChangeWriteKey(keys.client_write));
        let verify_data =
            master_secret.verify_data(Side::Client, &negotiation.transcript.current());
        let finished = Finished {
            verify_data: verify_data.0,
        };
        actions.send(finished.encode(), &mut negotiation.transcript);

        let flight = ServerFlight {
            server_write_key: keys.server_write,
            closing: Closing {
                session: negotiation.session(master_secret, chain, &vouched),
                ocsp_response,
                ticket: None,
                resumption: Resumption::Full(negotiation.not_resumed),
                own: OwnFinished::Sent(verify_data),
                negotiation,
            },
        };
        Ok(flight.expect())
    }
}

/// What CertificateVerify signs is with the caller.
#[derive(Debug)]
pub(super) struct ExpectSignature {
    keyed: Keyed,
    proof: Proof,
    job: SignCertificateVerify,
}

impl ExpectSignature {
    fn pending(&self) -> Pending<'_> {
        Pending::SignCertificateVerify(self.job.clone())
    }

    fn resume(self, answer: Answer, actions: &mut Actions) -> Result<State, Error> {
        match answer.0 {
            AnswerKind::Signature { signature, .. } => {
                let signature = signature.ok_or(LocalError::Signing)?;
                let message = &self.job.message;
                self.keyed
                    .send_certificate_verify(&self.proof, message, &signature, actions)
            }
            AnswerKind::Certificate { .. } | AnswerKind::PreMasterSecret { .. } => {
                Err(Misuse::WrongAnswer.into())
            }
        }
    }
}

impl Negotiation {
    fn master_secret(&self, pre_master_secret: &PreMasterSecret) -> MasterSecret {
        derive_master_secret(
            pre_master_secret,
            self.suite,
            &self.randoms,
            self.answers.extended_master_secret,
            &self.transcript,
            &self.config.common.environment,
        )
    }

    /// The session that the full handshake makes.
    fn session(
        &self,
        master_secret: MasterSecret,
        peer_certificates: Box<[CertificateDer<'static>]>,
        vouched: &Vouched,
    ) -> Session {
        let common = &self.config.common;
        let lifetime = common.session_lifetime;
        Session {
            suite: self.suite,
            master_secret,
            extended_master_secret: self.answers.extended_master_secret,
            max_fragment_length: self.limits.max_fragment_length(),
            server_name: Some(self.server_name.clone()),
            peer_certificates,
            waivers: vouched.waivers,
            ocsp_verified: vouched.ocsp_verified,
            trust: self.config.trust,
            validity: Validity::starting(common.now(), lifetime, vouched.expires),
        }
    }

    /// The first configured certificate from one of the server's authorities, if the server takes RSA
    /// signatures of an algorithm that is made here.
    ///
    /// "If the certificate_authorities list in the certificate request message was non-empty, one of
    /// the certificates in the certificate chain SHOULD be issued by one of the listed CAs." Of several,
    /// one goes first whose chain is signed with the server's algorithms, as RFC 5246 demands; where
    /// there is only another, it is for the server to judge it, as in
    /// [RFC 8446 section 4.4.2.2](https://www.rfc-editor.org/rfc/rfc8446#section-4.4.2.2).
    fn choose_certificate(&self, request: &CertificateRequest<'_>) -> ClientCertificate {
        let takes_rsa = request
            .certificate_types
            .contains(&ClientCertificateType::RSA_SIGN);
        let sha1 = SignatureScheme::RSA_PKCS1_SHA1;
        let scheme = SIGNATURE_SCHEMES
            .iter()
            .chain(self.config.sign_with_sha1.then_some(&sha1))
            .find(|scheme| request.supported_signature_algorithms.contains(scheme));
        let certificates = self.config.certificates.iter();
        let mut issued = certificates
            .filter(|certified| certified.is_issued_by(&request.certificate_authorities))
            .peekable();
        let any = issued.peek().copied();
        let signed = |certified: &&Arc<CertifiedKey>| {
            certified.is_signed_with(&request.supported_signature_algorithms)
        };
        let certified = issued.find(signed).or(any);
        match (certified, scheme) {
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
    config.common.random().fill(random)?;
    Ok(pre_master_secret)
}

/// The keys are derived, and the server's last flight is due.
#[derive(Debug)]
struct ServerFlight {
    server_write_key: AeadKey,
    closing: Closing,
}

impl ServerFlight {
    fn expect(self) -> State {
        match self.closing.negotiation.answers.new_session_ticket {
            true => State::NewSessionTicket(Box::new(ExpectNewSessionTicket(self))),
            false => State::ChangeCipherSpec(Box::new(ExpectChangeCipherSpec(self))),
        }
    }
}

/// What is left to do and to know until the handshake is complete.
#[derive(Debug)]
struct Closing {
    negotiation: Negotiation,
    session: Session,
    ocsp_response: Option<Box<[u8]>>,
    ticket: Option<Ticket>,
    resumption: Resumption,
    own: OwnFinished,
}

/// A ticket that came in this handshake.
#[derive(Debug)]
struct Ticket {
    /// In seconds, 0 where the server does not say.
    lifetime_hint: u32,
    ticket: Box<[u8]>,
}

/// The client's own Finished.
#[derive(Debug)]
enum OwnFinished {
    /// Full handshake: it is sent, and was the first of the two.
    Sent(VerifyData),
    /// Session resumed: it answers the server's, with this key.
    Due(AeadKey),
}

/// The server announced a ticket.
#[derive(Debug)]
pub(super) struct ExpectNewSessionTicket(ServerFlight);

impl ExpectNewSessionTicket {
    fn handle(mut self, incoming: Incoming<'_>) -> Result<State, Error> {
        // "This message MUST be sent if the server included a SessionTicket extension in the
        // ServerHello."
        let typ = HandshakeType::NEW_SESSION_TICKET;
        let message = expect(incoming, typ, "new_session_ticket")?;
        let ticket: NewSessionTicket<'_> = message.decode()?;
        let closing = &mut self.0.closing;
        closing.negotiation.transcript.add(message.bytes);
        // "If the server determines that it does not want to include a ticket after it has included
        // the SessionTicket extension in the ServerHello, then it sends a zero-length ticket".
        closing.ticket = (!ticket.ticket.is_empty()).then(|| Ticket {
            lifetime_hint: ticket.ticket_lifetime_hint,
            ticket: ticket.ticket.into(),
        });
        Ok(State::ChangeCipherSpec(Box::new(ExpectChangeCipherSpec(
            self.0,
        ))))
    }
}

/// The server has nothing more to say in clear.
#[derive(Debug)]
pub(super) struct ExpectChangeCipherSpec(ServerFlight);

impl ExpectChangeCipherSpec {
    fn handle(self, incoming: Incoming<'_>, actions: &mut Actions) -> Result<State, Error> {
        let Incoming::ChangeCipherSpec(_aligned) = incoming else {
            return Err(unexpected(incoming, "change_cipher_spec"));
        };
        let ServerFlight {
            server_write_key,
            closing,
        } = self.0;
        let limits = closing.negotiation.limits;
        limits.change_read_key(server_write_key, actions);
        Ok(State::Finished(Box::new(ExpectFinished(closing))))
    }
}

/// The server's keys are in use.
#[derive(Debug)]
pub(super) struct ExpectFinished(Closing);

impl ExpectFinished {
    fn handle(
        self,
        incoming: Incoming<'_>,
        actions: &mut Actions,
    ) -> Result<HandshakeState, Error> {
        let message = expect(incoming, HandshakeType::FINISHED, "finished")?;
        let finished: Finished = message.decode()?;
        let Closing {
            mut negotiation,
            mut session,
            ocsp_response,
            ticket,
            resumption,
            own,
        } = self.0;
        let transcript = negotiation.transcript.current();
        let expected = session.master_secret.verify_data(Side::Server, &transcript);
        check_verify_data(&finished.verify_data, &expected)?;

        negotiation.keep(&mut session, resumption, ticket, actions);
        let master_secret = &session.master_secret;
        let tls_unique = match own {
            OwnFinished::Sent(verify_data) => verify_data,
            OwnFinished::Due(client_write_key) => {
                negotiation.transcript.add(message.bytes);
                actions.push(Action::ChangeWriteKey(client_write_key));
                let transcript = negotiation.transcript.finish();
                let finished = Finished {
                    verify_data: master_secret.verify_data(Side::Client, &transcript).0,
                };
                actions.push(Action::SendHandshake(finished.encode()));
                expected
            }
        };
        let established = Established::new(
            master_secret,
            session.suite.prf,
            negotiation.randoms,
            session.extended_master_secret,
            tls_unique,
            None,
        );
        actions.push(Action::Complete(Box::new(SessionInfo {
            cipher_suite: session.suite.id,
            server_name: session.server_name,
            peer_certificates: session.peer_certificates,
            waivers: session.waivers,
            ocsp_response,
            resumption,
            extended_master_secret: session.extended_master_secret,
            secure_renegotiation: negotiation.answers.secure_renegotiation,
            alpn_protocol: negotiation.answers.alpn_protocol,
            largest_record_sent: negotiation.limits.sent(),
            largest_record_received: negotiation.limits.received(),
        })));
        Ok(HandshakeState::Established(Box::new(established)))
    }
}

impl Negotiation {
    /// Keeps the session for the next connection, if the server gave a handle to it. One that the
    /// server declined, without giving another in its place, is of no use any more.
    fn keep(
        &self,
        session: &mut Session,
        resumption: Resumption,
        ticket: Option<Ticket>,
        actions: &mut Actions,
    ) {
        let Some(store) = &self.config.common.session_store else {
            return;
        };
        let now = self.config.common.now();
        let handle = match ticket {
            Some(ticket) => {
                session.validity.shorten(now, ticket.lifetime_hint);
                Some(Handle::Ticket(ticket.ticket))
            }
            None if resumption.is_resumed() || self.session_id.is_empty() => None,
            None => Some(Handle::Id(self.session_id.as_bytes().into())),
        };
        let stored = handle.and_then(|handle| session.encode_with_handle(&handle));
        match stored {
            // Another connection of the session may have failed meanwhile.
            Some(_) if resumption.is_resumed() && store.get(&self.store_key, now).is_none() => {}
            Some(stored) => {
                store.put(&self.store_key, stored, now);
                actions.push(Action::UseSession(SessionInUse::new(
                    store,
                    &self.store_key,
                )));
            }
            None if resumption == Resumption::Full(NotResumed::Declined) => {
                store.remove(&self.store_key);
            }
            None => {}
        }
    }
}
