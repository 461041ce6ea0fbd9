//! The server's handshake, after RFC 5246 figures 1 and 2.
//!
//! ```text
//! ExpectClientHello                  <- ClientHello
//!
//! in full:
//!                                    -> ServerHello, Certificate,
//!                                       CertificateStatus (if asked for and configured),
//!                                       CertificateRequest (if configured), ServerHelloDone
//! ExpectCertificate                  <- Certificate (if requested, possibly empty)
//! ExpectClientKeyExchange            <- ClientKeyExchange
//! ExpectPreMasterSecret                 (decrypted elsewhere, if so configured)
//! ExpectCertificateVerify            <- CertificateVerify (after a certificate)
//! ExpectChangeCipherSpec             <- ChangeCipherSpec
//! ExpectFinished                     <- Finished
//!                                    -> NewSessionTicket (if announced), ChangeCipherSpec, Finished
//!
//! a session resumed:
//!                                    -> ServerHello, NewSessionTicket (if announced),
//!                                       ChangeCipherSpec, Finished
//! ExpectChangeCipherSpec             <- ChangeCipherSpec
//! ExpectFinished                     <- Finished
//! ```

mod hello;
mod lookup;

use super::established::Established;
use super::{
    Action, Actions, Incoming, NotResumed, RecordLimits, Resumption, SessionInfo,
    State as HandshakeState, check_verify_data, derive_master_secret, expect, log_key, unexpected,
};
use crate::config::{ClientAuth, ServerConfig, Shown};
use crate::crypto::aead::AeadKey;
use crate::crypto::pkcs1::select_pre_master_secret;
use crate::crypto::pre_master_secret::PreMasterSecret;
use crate::crypto::private_key::RawDecryption;
use crate::crypto::suite::Suite;
use crate::enums::{
    ClientCertificateType, CompressionMethod, HandshakeType, ProtocolVersion, SignatureScheme,
};
use crate::error::{Error, Incompatible, LocalError, Misuse, PeerError};
use crate::keys::{Keep, MasterSecret, Randoms, Side, TrafficKeys, Transcript, VerifyData};
use crate::message::certificate::{Certificate, CertificateRequest};
use crate::message::extension::Extensions;
use crate::message::finished::Finished;
use crate::message::hello::{ClientHello, Random, ServerHello, SessionId};
use crate::message::key_exchange::{CertificateVerify, ClientKeyExchange};
use crate::message::ticket::NewSessionTicket;
use crate::message::{HandshakeBody, ServerHelloDone};
use crate::pending::{Answer, AnswerKind, DecryptPreMasterSecret, PauseId, Pending};
use crate::resumption::{SealedBy, Session, SessionInUse, Validity};
use crate::verify::{Vouched, check_chain_length};
use hello::{Agreed, Asked, check_version, choose_suite};
use lookup::{Found, FoundBy, check_extended_master_secret, find_session};
use pki_types::{CertificateDer, ServerName};
use std::sync::Arc;
use subtle::Choice;

/// What the server waits for.
#[derive(Debug)]
pub(super) enum State {
    ClientHello(ExpectClientHello),
    Certificate(Box<ExpectCertificate>),
    ClientKeyExchange(Box<ExpectClientKeyExchange>),
    PreMasterSecret(Box<ExpectPreMasterSecret>),
    CertificateVerify(Box<ExpectCertificateVerify>),
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
            Self::ClientHello(state) => state.handle(incoming, actions),
            Self::Certificate(state) => state.handle(incoming),
            Self::ClientKeyExchange(state) => state.handle(incoming),
            Self::PreMasterSecret(_) => {
                Err(unexpected(incoming, "the decrypted pre-master secret"))
            }
            Self::CertificateVerify(state) => state.handle(incoming),
            Self::ChangeCipherSpec(state) => state.handle(incoming, actions),
            Self::Finished(state) => return state.handle(incoming, actions),
        }
        .map(HandshakeState::Server)
    }

    pub(super) fn pending(&self) -> Option<Pending<'_>> {
        match self {
            Self::PreMasterSecret(state) => Some(state.pending()),
            _ => None,
        }
    }

    pub(super) fn resume(self, answer: Answer) -> Result<HandshakeState, Error> {
        match self {
            Self::PreMasterSecret(state) => state.resume(answer).map(HandshakeState::Server),
            _ => Err(Misuse::NothingPending.into()),
        }
    }
}

/// Waits for the ClientHello.
pub(super) fn start(config: Arc<ServerConfig>) -> State {
    State::ClientHello(ExpectClientHello { config })
}

/// Nothing has happened yet.
#[derive(Debug)]
pub(super) struct ExpectClientHello {
    config: Arc<ServerConfig>,
}

impl ExpectClientHello {
    fn handle(self, incoming: Incoming<'_>, actions: &mut Actions) -> Result<State, Error> {
        let message = expect(incoming, HandshakeType::CLIENT_HELLO, "client_hello")?;
        let hello: ClientHello<'_> = message.decode()?;
        check_version(&hello)?;
        // "This vector MUST contain, and all implementations MUST support,
        // CompressionMethod.null." Others may stand beside it.
        if !hello.compression_methods.contains(&CompressionMethod::NULL) {
            return Err(PeerError::NoNullCompression.into());
        }
        let none = Extensions::default();
        let asked = Asked::read(&hello, hello.extensions.as_ref().unwrap_or(&none))?;
        let agreed = Agreed::of(&asked, &self.config)?;
        let shown = self.config.shown(agreed.server_name.as_ref())?;

        let found = match find_session(&self.config, &hello, &asked, &agreed, shown.trust) {
            Ok(found) => check_extended_master_secret(found, &asked, &self.config)?,
            Err(reason) => Err(reason),
        };
        let suite = match &found {
            Ok(found) => found.session.suite,
            Err(_) => choose_suite(&self.config, &hello.cipher_suites)?,
        };
        let mut random = [0; 32];
        self.config.common.random().fill(&mut random)?;
        let keep = match self.config.client_auth {
            ClientAuth::Request(_) | ClientAuth::Require(_) if found.is_err() => Keep::Messages,
            _ => Keep::HashOnly,
        };
        let mut transcript = Transcript::new(suite.prf, keep);
        transcript.add(message.bytes);
        let negotiation = Negotiation {
            client_version: hello.client_version,
            suite,
            randoms: Randoms {
                client: hello.random.0,
                server: random,
            },
            takes_ticket: asked.session_ticket.is_some(),
            agreed,
            shown,
            transcript,
            config: self.config,
        };
        match found {
            Ok(found) => negotiation.resume(found, hello.session_id, actions),
            Err(reason) => negotiation.send_flight(reason, actions),
        }
    }
}

/// What the hellos settled, carried to the end of the handshake.
#[derive(Debug)]
struct Negotiation {
    config: Arc<ServerConfig>,
    /// As offered, not as agreed: the pre-master secret repeats it.
    client_version: ProtocolVersion,
    suite: &'static Suite,
    randoms: Randoms,
    agreed: Agreed,
    shown: Shown,
    /// Whether the client knows what to do with a ticket.
    takes_ticket: bool,
    transcript: Transcript,
}

impl Negotiation {
    /// ServerHello, Certificate, CertificateStatus, CertificateRequest, ServerHelloDone.
    fn send_flight(
        mut self,
        not_resumed: NotResumed,
        actions: &mut Actions,
    ) -> Result<State, Error> {
        let handle = match (&self.config.tickets, &self.config.common.session_store) {
            (Some(_), _) if self.takes_ticket => NewHandle::Ticket,
            (_, Some(_)) => {
                let mut id = [0; 32];
                self.config.common.random().fill(&mut id)?;
                NewHandle::SessionId(SessionId::new(id))
            }
            (_, None) => NewHandle::None,
        };
        let mut extensions = Extensions::new();
        if self.agreed.server_name.is_some() {
            extensions.push_server_name_ack();
        }
        let certificate = self.shown.certificate.clone();
        let status = match self.agreed.asks_for_ocsp {
            true => certificate.certificate_status(),
            false => None,
        };
        if status.is_some() {
            extensions.push_status_request_ack();
        }
        // "If a server is planning on issuing a session ticket to a client that does not present
        // one, it SHOULD include an empty Session ID in the ServerHello."
        let session_id = match handle {
            NewHandle::SessionId(id) => id,
            NewHandle::Ticket | NewHandle::None => SessionId::default(),
        };
        let ticket = matches!(handle, NewHandle::Ticket);
        self.send_hello(session_id, extensions, ticket, actions);

        let message = certificate.certificate_message.to_vec();
        actions.send(message, &mut self.transcript);
        if let Some(status) = status {
            actions.send(status.to_vec(), &mut self.transcript);
        }
        let requested = !matches!(self.config.client_auth, ClientAuth::None);
        if requested {
            let request = self.certificate_request().encode();
            actions.send(request, &mut self.transcript);
        }
        actions.send(ServerHelloDone.encode(), &mut self.transcript);

        let exchange = ExpectClientKeyExchange {
            negotiation: self,
            new_session: NewSession {
                handle,
                not_resumed,
            },
            client: None,
        };
        Ok(match requested {
            true => State::Certificate(Box::new(ExpectCertificate(exchange))),
            false => State::ClientKeyExchange(Box::new(exchange)),
        })
    }

    fn certificate_request(&self) -> CertificateRequest<'_> {
        let request = &self.config.client_certificate_request;
        let authorities = request.authorities.iter();
        CertificateRequest {
            certificate_types: vec![ClientCertificateType::RSA_SIGN],
            supported_signature_algorithms: self.client_signature_algorithms().collect(),
            certificate_authorities: authorities.map(Vec::as_slice).collect(),
        }
    }

    /// What the client may sign with. One without signature_algorithms may, if so configured, do what
    /// its absence stands for: the server is to "behave as if client had sent the value {sha1,rsa}".
    fn client_signature_algorithms(&self) -> impl Iterator<Item = SignatureScheme> {
        let configured = &self.config.client_certificate_request.signature_algorithms;
        let sha1 = SignatureScheme::RSA_PKCS1_SHA1;
        let implied = !self.agreed.names_signature_algorithms
            && self.config.sha1_for_clients_without_signature_algorithms
            && !configured.contains(&sha1);
        configured.iter().copied().chain(implied.then_some(sha1))
    }

    /// ServerHello, NewSessionTicket, ChangeCipherSpec, Finished, with the keys of an earlier
    /// session.
    ///
    /// "When resuming a session, the server MUST NOT include a server_name extension in the server
    /// hello."
    fn resume(
        mut self,
        found: Found,
        session_id: SessionId,
        actions: &mut Actions,
    ) -> Result<State, Error> {
        let Found { session, by } = found;
        let config = self.config.clone();
        let (resumption, ticket) = match by {
            FoundBy::SessionId(in_use) => {
                actions.push(Action::UseSession(in_use));
                (Resumption::SessionId, false)
            }
            FoundBy::Ticket(by) => {
                // Never in exchange for a newer key's.
                let renew = match by {
                    SealedBy::Current => config.renew_tickets,
                    SealedBy::Other => true,
                    SealedBy::Next => false,
                };
                (Resumption::Ticket, renew)
            }
        };
        let keys = TrafficKeys::derive(&session.master_secret, self.suite, &self.randoms)?;
        let environment = &config.common.environment;
        log_key(environment, &self.randoms, &session.master_secret);

        self.send_hello(session_id, Extensions::new(), ticket, actions);
        if ticket {
            let message = new_session_ticket(&config, &session)?;
            actions.send(message, &mut self.transcript);
        }
        actions.push(Action::ChangeWriteKey(keys.server_write));
        let verify_data = session
            .master_secret
            .verify_data(Side::Server, &self.transcript.current());
        let finished = Finished {
            verify_data: verify_data.0,
        };
        actions.send(finished.encode(), &mut self.transcript);
        Ok(State::ChangeCipherSpec(Box::new(ExpectChangeCipherSpec {
            client_write_key: keys.client_write,
            finished: ExpectFinished {
                negotiation: self,
                session,
                own: OwnFinished::Sent {
                    verify_data,
                    resumption,
                },
            },
        })))
    }

    /// ServerHello, with the extensions that every handshake has beside those given.
    fn send_hello(
        &mut self,
        session_id: SessionId,
        mut extensions: Extensions<'static>,
        ticket: bool,
        actions: &mut Actions,
    ) {
        match self.agreed.limits {
            RecordLimits::Protocol => {}
            RecordLimits::Fragments(length) => extensions.push_max_fragment_length(length),
            RecordLimits::Records { received, .. } => extensions.push_record_size_limit(received),
        }
        if let Some(protocol) = &self.agreed.alpn_protocol {
            extensions.push_alpn(core::slice::from_ref(protocol));
        }
        if self.agreed.extended_master_secret {
            extensions.push_extended_master_secret();
        }
        if ticket {
            extensions.push_session_ticket(&[]);
        }
        if self.agreed.secure_renegotiation {
            extensions.push_renegotiation_info();
        }
        let hello = ServerHello {
            server_version: ProtocolVersion::TLS_1_2,
            random: Random(self.randoms.server),
            session_id,
            cipher_suite: self.suite.id,
            compression_method: CompressionMethod::NULL,
            extensions: (!extensions.is_empty()).then_some(extensions),
        };
        actions.push(Action::VersionAgreed);
        actions.send(hello.encode(), &mut self.transcript);
        self.agreed.limits.apply_at_once(actions);
    }
}

/// The session that is being made.
#[derive(Clone, Copy, Debug)]
struct NewSession {
    handle: NewHandle,
    /// Why it is not an earlier one.
    not_resumed: NotResumed,
}

/// By what the client will be able to resume a session.
#[derive(Clone, Copy, Debug)]
enum NewHandle {
    None,
    SessionId(SessionId),
    Ticket,
}

/// The session, sealed for the client to keep. "If the server determines that it does not want to
/// include a ticket after it has included the SessionTicket extension in the ServerHello, then it
/// sends a zero-length ticket": so it is with a session that is too long to be kept.
fn new_session_ticket(config: &ServerConfig, session: &Session) -> Result<Vec<u8>, LocalError> {
    let now = config.common.now();
    let left = session.validity.left(now);
    let ticket = match (&config.tickets, session.encode()) {
        // A lifetime of 0 would say that none is known.
        (Some(tickets), Some(stored)) if left > 0 => {
            tickets.seal(stored.as_bytes(), now, config.common.random())?
        }
        _ => Vec::new(),
    };
    let message = NewSessionTicket {
        ticket_lifetime_hint: left,
        ticket: &ticket,
    };
    Ok(message.encode())
}

/// A client certificate was requested.
#[derive(Debug)]
pub(super) struct ExpectCertificate(ExpectClientKeyExchange);

impl ExpectCertificate {
    fn handle(mut self, incoming: Incoming<'_>) -> Result<State, Error> {
        let message = expect(incoming, HandshakeType::CERTIFICATE, "certificate")?;
        let certificate: Certificate<'_> = message.decode()?;
        check_chain_length(&certificate.certificate_list)?;
        let negotiation = &mut self.0.negotiation;
        negotiation.transcript.add(message.bytes);
        let config = &negotiation.config;

        self.0.client = match &config.client_auth {
            // "If the client does not send any certificates, the server MAY at its discretion
            // either continue the handshake without client authentication, or respond with a fatal
            // handshake_failure alert."
            ClientAuth::Require(_) if certificate.certificate_list.is_empty() => {
                return Err(Incompatible::NoClientCertificate.into());
            }
            ClientAuth::Request(policy) | ClientAuth::Require(policy)
                if !certificate.certificate_list.is_empty() =>
            {
                let now = config.common.now();
                let vouched = policy.verify_client(&certificate.certificate_list, now)?;
                let chain = vouched.verified(certificate.into_owned());
                Some(Client { chain, vouched })
            }
            ClientAuth::None | ClientAuth::Request(_) | ClientAuth::Require(_) => None,
        };
        Ok(State::ClientKeyExchange(Box::new(self.0)))
    }
}

/// A client that showed a certificate, its key still to be proven.
#[derive(Debug)]
struct Client {
    chain: Box<[CertificateDer<'static>]>,
    vouched: Vouched,
}

/// The server's flight is answered by the key.
#[derive(Debug)]
pub(super) struct ExpectClientKeyExchange {
    negotiation: Negotiation,
    new_session: NewSession,
    client: Option<Client>,
}

impl ExpectClientKeyExchange {
    fn handle(mut self, incoming: Incoming<'_>) -> Result<State, Error> {
        let message = expect(
            incoming,
            HandshakeType::CLIENT_KEY_EXCHANGE,
            "client_key_exchange",
        )?;
        let key_exchange: ClientKeyExchange<'_> = message.decode()?;
        self.negotiation.transcript.add(message.bytes);
        let config = &self.negotiation.config;
        let certificate = &self.negotiation.shown.certificate;
        let encrypted = key_exchange.encrypted_pre_master_secret;
        let (ciphertext, admitted) = certificate.public_key.admit(encrypted);

        // Drawn before the decryption and every time, so that nothing is drawn because of what was
        // found.
        let mut secret = PreMasterSecret([0; 48]);
        config.common.random().fill(&mut secret.0)?;
        let fallback = Fallback { secret, admitted };
        if config.offload_decryption {
            let job = DecryptPreMasterSecret {
                id: PauseId::next(),
                key_id: certificate.key_id(),
                ciphertext: ciphertext.into(),
            };
            return Ok(State::PreMasterSecret(Box::new(ExpectPreMasterSecret {
                exchange: self,
                fallback,
                job,
            })));
        }
        let raw = certificate.decrypt(&ciphertext, config.common.random());
        self.decrypted(&raw, &fallback)
    }

    /// Goes on with the pre-master secret that came, or with the fallback, and knows not which.
    fn decrypted(self, raw: &RawDecryption, fallback: &Fallback) -> Result<State, Error> {
        let negotiation = &self.negotiation;
        // A result from outside may have any length, and that of a key which failed has none.
        let length = negotiation.shown.certificate.public_key.length();
        let whole = Choice::from(u8::from(raw.0.len() == length));
        let pre_master_secret = select_pre_master_secret(
            &raw.0,
            fallback.admitted & whole,
            negotiation.client_version,
            &fallback.secret,
        );
        let keyed = Keyed {
            master_secret: negotiation.master_secret(&pre_master_secret),
            negotiation: self.negotiation,
            new_session: self.new_session,
        };
        match self.client {
            None => keyed.expect_change_cipher_spec(None),
            Some(client) => Ok(State::CertificateVerify(Box::new(
                ExpectCertificateVerify { keyed, client },
            ))),
        }
    }
}

impl Negotiation {
    fn master_secret(&self, pre_master_secret: &PreMasterSecret) -> MasterSecret {
        derive_master_secret(
            pre_master_secret,
            self.suite,
            &self.randoms,
            self.agreed.extended_master_secret,
            &self.transcript,
            &self.config.common.environment,
        )
    }
}

/// A full handshake whose master secret is known.
#[derive(Debug)]
struct Keyed {
    negotiation: Negotiation,
    new_session: NewSession,
    master_secret: MasterSecret,
}

/// What the handshake goes on with if the ciphertext was no good.
#[derive(Debug)]
struct Fallback {
    secret: PreMasterSecret,
    /// Whether what was decrypted is what the client sent.
    admitted: Choice,
}

/// The encrypted pre-master secret is with the caller.
#[derive(Debug)]
pub(super) struct ExpectPreMasterSecret {
    exchange: ExpectClientKeyExchange,
    fallback: Fallback,
    job: DecryptPreMasterSecret,
}

impl ExpectPreMasterSecret {
    fn pending(&self) -> Pending<'_> {
        Pending::DecryptPreMasterSecret(self.job.clone())
    }

    fn resume(self, answer: Answer) -> Result<State, Error> {
        match answer.0 {
            AnswerKind::PreMasterSecret { raw, .. } => {
                self.exchange.decrypted(&raw, &self.fallback)
            }
            AnswerKind::Certificate { .. } | AnswerKind::Signature { .. } => {
                Err(Misuse::WrongAnswer.into())
            }
        }
    }
}

/// The client showed a certificate and must prove that it holds the key.
#[derive(Debug)]
pub(super) struct ExpectCertificateVerify {
    keyed: Keyed,
    client: Client,
}

impl ExpectCertificateVerify {
    fn handle(mut self, incoming: Incoming<'_>) -> Result<State, Error> {
        let message = expect(
            incoming,
            HandshakeType::CERTIFICATE_VERIFY,
            "certificate_verify",
        )?;
        let verify: CertificateVerify<'_> = message.decode()?;
        // "The hash and signature algorithms used in the signature MUST be one of those present in
        // the supported_signature_algorithms field of the CertificateRequest message."
        let negotiation = &mut self.keyed.negotiation;
        let mut offered = negotiation.client_signature_algorithms();
        if !offered.any(|scheme| scheme == verify.algorithm) {
            return Err(PeerError::UnofferedSignatureScheme(verify.algorithm).into());
        }
        drop(offered);
        let transcript = &mut negotiation.transcript;
        let signed = transcript.take_messages()?;
        let Vouched { key, .. } = &self.client.vouched;
        if !key.verifies(verify.algorithm, &signed, verify.signature) {
            return Err(PeerError::BadCertificateVerify.into());
        }
        transcript.add(message.bytes);
        self.keyed.expect_change_cipher_spec(Some(self.client))
    }
}

impl Keyed {
    /// Derives the keys and waits for the client to change to them.
    fn expect_change_cipher_spec(self, client: Option<Client>) -> Result<State, Error> {
        let Self {
            negotiation,
            new_session,
            master_secret,
        } = self;
        let keys = TrafficKeys::derive(&master_secret, negotiation.suite, &negotiation.randoms)?;
        let session = negotiation.session(master_secret, client);
        Ok(State::ChangeCipherSpec(Box::new(ExpectChangeCipherSpec {
            client_write_key: keys.client_write,
            finished: ExpectFinished {
                negotiation,
                session,
                own: OwnFinished::Due {
                    server_write_key: keys.server_write,
                    new_session,
                },
            },
        })))
    }
}

impl Negotiation {
    /// The session that the full handshake makes.
    fn session(&self, master_secret: MasterSecret, client: Option<Client>) -> Session {
        let common = &self.config.common;
        let vouched = client.as_ref().map(|client| &client.vouched);
        let certificates_expire = vouched.map(|vouched| vouched.expires);
        let waivers = vouched.map(|vouched| vouched.waivers);
        let server_name = self.agreed.server_name.clone();
        Session {
            suite: self.suite,
            master_secret,
            extended_master_secret: self.agreed.extended_master_secret,
            max_fragment_length: self.agreed.limits.max_fragment_length(),
            server_name: server_name.map(ServerName::DnsName),
            peer_certificates: client.map(|client| client.chain).unwrap_or_default(),
            waivers: waivers.unwrap_or_default(),
            ocsp_verified: false,
            trust: self.shown.trust,
            validity: Validity::starting(
                common.now(),
                common.session_lifetime,
                certificates_expire.unwrap_or(u64::MAX),
            ),
        }
    }
}

/// The keys are derived.
#[derive(Debug)]
pub(super) struct ExpectChangeCipherSpec {
    client_write_key: AeadKey,
    finished: ExpectFinished,
}

impl ExpectChangeCipherSpec {
    fn handle(self, incoming: Incoming<'_>, actions: &mut Actions) -> Result<State, Error> {
        let Incoming::ChangeCipherSpec(_aligned) = incoming else {
            return Err(unexpected(incoming, "change_cipher_spec"));
        };
        let limits = self.finished.negotiation.agreed.limits;
        limits.change_read_key(self.client_write_key, actions);
        Ok(State::Finished(Box::new(self.finished)))
    }
}

/// The client's keys are in use.
#[derive(Debug)]
pub(super) struct ExpectFinished {
    negotiation: Negotiation,
    session: Session,
    own: OwnFinished,
}

/// The server's own Finished.
#[derive(Debug)]
enum OwnFinished {
    /// Full handshake: it answers the client's.
    Due {
        server_write_key: AeadKey,
        new_session: NewSession,
    },
    /// Session resumed: it is sent, and was the first of the two.
    Sent {
        verify_data: VerifyData,
        resumption: Resumption,
    },
}

impl ExpectFinished {
    fn handle(
        self,
        incoming: Incoming<'_>,
        actions: &mut Actions,
    ) -> Result<HandshakeState, Error> {
        let message = expect(incoming, HandshakeType::FINISHED, "finished")?;
        let finished: Finished = message.decode()?;
        let Self {
            mut negotiation,
            session,
            own,
        } = self;
        let master_secret = &session.master_secret;
        let expected = master_secret.verify_data(Side::Client, &negotiation.transcript.current());
        check_verify_data(&finished.verify_data, &expected)?;

        let (tls_unique, resumption) = match own {
            OwnFinished::Sent {
                verify_data,
                resumption,
            } => (verify_data, resumption),
            OwnFinished::Due {
                server_write_key,
                new_session,
            } => {
                negotiation.transcript.add(message.bytes);
                negotiation.hand_out(&session, new_session.handle, actions)?;
                actions.push(Action::ChangeWriteKey(server_write_key));
                let transcript = negotiation.transcript.finish();
                let finished = Finished {
                    verify_data: master_secret.verify_data(Side::Server, &transcript).0,
                };
                actions.push(Action::SendHandshake(finished.encode()));
                (expected, Resumption::Full(new_session.not_resumed))
            }
        };
        let agreed = negotiation.agreed;
        let established = Established::new(
            master_secret,
            session.suite.prf,
            negotiation.randoms,
            agreed.extended_master_secret,
            tls_unique,
            Some(negotiation.shown.certificate),
        );
        actions.push(Action::Complete(Box::new(SessionInfo {
            cipher_suite: session.suite.id,
            server_name: session.server_name,
            peer_certificates: session.peer_certificates,
            waivers: session.waivers,
            ocsp_response: None,
            resumption,
            extended_master_secret: agreed.extended_master_secret,
            secure_renegotiation: agreed.secure_renegotiation,
            alpn_protocol: agreed.alpn_protocol,
            largest_record_sent: agreed.limits.sent(),
            largest_record_received: agreed.limits.received(),
        })));
        Ok(HandshakeState::Established(Box::new(established)))
    }
}

impl Negotiation {
    /// Lets the client resume the session: by a ticket, or by keeping it under its ID.
    fn hand_out(
        &mut self,
        session: &Session,
        handle: NewHandle,
        actions: &mut Actions,
    ) -> Result<(), LocalError> {
        match (handle, &self.config.common.session_store) {
            (NewHandle::Ticket, _) => {
                let message = new_session_ticket(&self.config, session)?;
                actions.send(message, &mut self.transcript);
            }
            (NewHandle::SessionId(id), Some(store)) => {
                if let Some(stored) = session.encode() {
                    store.put(id.as_bytes(), stored, self.config.common.now());
                    actions.push(Action::UseSession(SessionInUse::new(store, id.as_bytes())));
                }
            }
            (NewHandle::SessionId(_), None) | (NewHandle::None, _) => {}
        }
        Ok(())
    }
}
