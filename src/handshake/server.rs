//! The server's handshake, after RFC 5246 figure 1.
//!
//! ```text
//! ExpectClientHello                  <- ClientHello
//!                                    -> ServerHello, Certificate,
//!                                       CertificateRequest (if configured), ServerHelloDone
//! ExpectCertificate                  <- Certificate (if requested, possibly empty)
//! ExpectClientKeyExchange            <- ClientKeyExchange
//! ExpectPreMasterSecret                 (decrypted elsewhere, if so configured)
//! ExpectCertificateVerify            <- CertificateVerify (after a certificate)
//! ExpectChangeCipherSpec             <- ChangeCipherSpec
//! ExpectFinished                     <- Finished
//!                                    -> ChangeCipherSpec, Finished
//! ```

use super::transcript::{HelloTranscript, Keep, Transcript};
use super::{
    Action, Actions, Incoming, SessionInfo, State as HandshakeState, TrafficKeys,
    check_verify_data, expect, log_key, unexpected,
};
use crate::config::{ClientAuth, SIGNATURE_SCHEMES, ServerConfig, SuitePreference};
use crate::crypto::aead::AeadKey;
use crate::crypto::key_schedule::{MasterSecret, PreMasterSecret, Randoms};
use crate::crypto::pkcs1::select_pre_master_secret;
use crate::crypto::rsa::{PublicKey, RawDecryption};
use crate::crypto::suite::Suite;
use crate::enums::{
    CipherSuite, ClientCertificateType, CompressionMethod, ExtensionType, HandshakeType,
    ProtocolVersion,
};
use crate::error::{DecodeError, Error, Incompatible, Misuse, PeerError, SuiteList};
use crate::message::certificate::{Certificate, CertificateRequest};
use crate::message::extension::Extensions;
use crate::message::finished::Finished;
use crate::message::hello::{ClientHello, Random, ServerHello, SessionId};
use crate::message::key_exchange::{CertificateVerify, ClientKeyExchange};
use crate::message::{HandshakeBody, ServerHelloDone};
use crate::pending::{Answer, AnswerKind, DecryptPreMasterSecret, PauseId, Pending};
use crate::verify::{check_chain_length, verify_client};
use pki_types::{CertificateDer, DnsName, ServerName};
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
            Self::Finished(state) => state.handle(incoming, actions),
        }
        .map(HandshakeState::from)
    }

    pub(super) fn pending(&self) -> Option<Pending<'_>> {
        match self {
            Self::PreMasterSecret(state) => Some(state.pending()),
            _ => None,
        }
    }

    pub(super) fn resume(self, answer: Answer) -> Result<HandshakeState, Error> {
        match self {
            Self::PreMasterSecret(state) => state.resume(answer).map(HandshakeState::from),
            _ => Err(Misuse::NothingPending.into()),
        }
    }
}

/// The next state, or none once the handshake is complete.
type Next = Option<State>;

impl From<Next> for HandshakeState {
    fn from(next: Next) -> Self {
        next.map_or(Self::Established, Self::Server)
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
    fn handle(self, incoming: Incoming<'_>, actions: &mut Actions) -> Result<Next, Error> {
        let message = expect(incoming, HandshakeType::CLIENT_HELLO, "client_hello")?;
        let hello: ClientHello<'_> = message.decode()?;

        // "If a TLS server ... receives a ClientHello containing a version number greater than the
        // highest version supported by the server, it MUST reply according to the highest version
        // supported by the server" (appendix E.1). TLS 1.3's extensions are not looked at.
        if hello.client_version < ProtocolVersion::TLS_1_2 {
            return Err(Incompatible::Version {
                offered: hello.client_version,
            }
            .into());
        }
        // "This vector MUST contain, and all implementations MUST support,
        // CompressionMethod.null." Others may stand beside it.
        if !hello.compression_methods.contains(&CompressionMethod::NULL) {
            return Err(PeerError::NoNullCompression.into());
        }
        let asked = Asked::read(&hello)?;
        let suite = choose_suite(&self.config, &hello.cipher_suites)?;

        let mut random = [0; 32];
        self.config.environment.random.fill(&mut random)?;
        let mut hellos = HelloTranscript::default();
        hellos.add(message.bytes);
        let session = Session {
            client_version: hello.client_version,
            suite,
            randoms: Randoms {
                client: hello.random.0,
                server: random,
            },
            server_name: asked.server_name,
            secure_renegotiation: asked.secure_renegotiation,
            transcript: hellos.hash_with(
                suite.prf,
                match self.config.client_auth {
                    ClientAuth::None => Keep::HashOnly,
                    ClientAuth::Request(_) | ClientAuth::Require(_) => Keep::Messages,
                },
            ),
            config: self.config,
        };
        Ok(Some(session.send_flight(actions)))
    }
}

/// What the extensions of a ClientHello ask for.
struct Asked {
    server_name: Option<DnsName<'static>>,
    secure_renegotiation: bool,
}

impl Asked {
    fn read(hello: &ClientHello<'_>) -> Result<Self, Error> {
        let none = Extensions::default();
        let extensions = hello.extensions.as_ref().unwrap_or(&none);
        let decode = |error: DecodeError| error.of(ClientHello::NAME);

        let server_name = match extensions.server_name().map_err(decode)? {
            None => None,
            // "represented as a byte string using ASCII encoding without a trailing dot".
            Some(name) if !name.is_ascii() || name.contains(&0) => {
                return Err(PeerError::IllegalExtension(ExtensionType::SERVER_NAME).into());
            }
            // An address, or a name that DNS does not allow or that has the dot, is nobody's we
            // know: not used, and so not acknowledged.
            Some(name) if name.ends_with(b".") => None,
            Some(name) => DnsName::try_from(name).ok().map(|name| name.to_owned()),
        };
        // The server signs nothing, but what is sent has to be well-formed.
        extensions.signature_algorithms().map_err(decode)?;

        // "the server MUST check if it includes the TLS_EMPTY_RENEGOTIATION_INFO_SCSV SCSV", and
        // of the extension "MUST then verify that the length of the "renegotiated_connection" field
        // is zero, and if it is not, MUST abort the handshake" (RFC 5746 section 3.6).
        let signalled = hello
            .cipher_suites
            .contains(&CipherSuite::TLS_EMPTY_RENEGOTIATION_INFO_SCSV);
        let secure_renegotiation = match extensions.renegotiation_info().map_err(decode)? {
            None => signalled,
            Some([]) => true,
            Some(_) => return Err(PeerError::RenegotiationInfoNotEmpty.into()),
        };
        Ok(Self {
            server_name,
            secure_renegotiation,
        })
    }
}

/// The first suite of one side's list that stands in the other's.
fn choose_suite(
    config: &ServerConfig,
    offered: &[CipherSuite],
) -> Result<&'static Suite, Incompatible> {
    let acceptable = &config.suites;
    let chosen = match config.suite_preference {
        SuitePreference::Server => acceptable.iter().find(|suite| offered.contains(&suite.id)),
        SuitePreference::Client => offered
            .iter()
            .find_map(|id| acceptable.iter().find(|suite| suite.id == *id)),
    };
    chosen.copied().ok_or_else(|| {
        let acceptable: Vec<_> = acceptable.iter().map(|suite| suite.id).collect();
        Incompatible::NoCommonSuite {
            offered: SuiteList::new(offered),
            acceptable: SuiteList::new(&acceptable),
        }
    })
}

/// What the hellos settled, carried to the end of the handshake.
#[derive(Debug)]
struct Session {
    config: Arc<ServerConfig>,
    /// As offered, not as agreed: the pre-master secret repeats it.
    client_version: ProtocolVersion,
    suite: &'static Suite,
    randoms: Randoms,
    server_name: Option<DnsName<'static>>,
    secure_renegotiation: bool,
    transcript: Transcript,
}

impl Session {
    /// ServerHello, Certificate, CertificateRequest, ServerHelloDone.
    fn send_flight(mut self, actions: &mut Actions) -> State {
        actions.push(Action::VersionAgreed);

        let mut extensions = Extensions::default();
        if self.server_name.is_some() {
            extensions.push_server_name_ack();
        }
        if self.secure_renegotiation {
            extensions.push_renegotiation_info();
        }
        let hello = ServerHello {
            server_version: ProtocolVersion::TLS_1_2,
            random: Random(self.randoms.server),
            session_id: SessionId::default(),
            cipher_suite: self.suite.id,
            compression_method: CompressionMethod::NULL,
            extensions: (!extensions.is_empty()).then_some(extensions),
        };
        actions.send(hello.encode(), &mut self.transcript);
        let certificate = self.config.certificate.certificate_message.to_vec();
        actions.send(certificate, &mut self.transcript);

        let requested = !matches!(self.config.client_auth, ClientAuth::None);
        if requested {
            let request = CertificateRequest {
                certificate_types: vec![ClientCertificateType::RSA_SIGN],
                supported_signature_algorithms: SIGNATURE_SCHEMES.to_vec(),
                certificate_authorities: Vec::new(),
            };
            actions.send(request.encode(), &mut self.transcript);
        }
        actions.send(ServerHelloDone.encode(), &mut self.transcript);

        if requested {
            State::Certificate(Box::new(ExpectCertificate { session: self }))
        } else {
            State::ClientKeyExchange(Box::new(ExpectClientKeyExchange {
                session: self,
                client: None,
            }))
        }
    }
}

/// A client certificate was requested.
#[derive(Debug)]
pub(super) struct ExpectCertificate {
    session: Session,
}

impl ExpectCertificate {
    fn handle(mut self, incoming: Incoming<'_>) -> Result<Next, Error> {
        let message = expect(incoming, HandshakeType::CERTIFICATE, "certificate")?;
        let certificate: Certificate<'_> = message.decode()?;
        check_chain_length(&certificate.certificate_list)?;
        self.session.transcript.add(message.bytes);
        let config = &self.session.config;

        let client = match &config.client_auth {
            // "If the client does not send any certificates, the server MAY at its discretion
            // either continue the handshake without client authentication, or respond with a fatal
            // handshake_failure alert."
            ClientAuth::Require(_) if certificate.certificate_list.is_empty() => {
                return Err(Incompatible::NoClientCertificate.into());
            }
            ClientAuth::Request(roots) | ClientAuth::Require(roots)
                if !certificate.certificate_list.is_empty() =>
            {
                let now = (config.environment.time)();
                let key = verify_client(&certificate.certificate_list, roots, now)?;
                let chain = certificate.into_owned();
                Some(Client { chain, key })
            }
            ClientAuth::None | ClientAuth::Request(_) | ClientAuth::Require(_) => None,
        };
        Ok(Some(State::ClientKeyExchange(Box::new(
            ExpectClientKeyExchange {
                session: self.session,
                client,
            },
        ))))
    }
}

/// A client that showed a certificate, its key still to be proven.
#[derive(Debug)]
struct Client {
    chain: Box<[CertificateDer<'static>]>,
    key: PublicKey,
}

/// The server's flight is answered by the key.
#[derive(Debug)]
pub(super) struct ExpectClientKeyExchange {
    session: Session,
    client: Option<Client>,
}

impl ExpectClientKeyExchange {
    fn handle(mut self, incoming: Incoming<'_>) -> Result<Next, Error> {
        let message = expect(
            incoming,
            HandshakeType::CLIENT_KEY_EXCHANGE,
            "client_key_exchange",
        )?;
        let key_exchange: ClientKeyExchange<'_> = message.decode()?;
        self.session.transcript.add(message.bytes);
        let config = &self.session.config;
        let ciphertext = key_exchange.encrypted_pre_master_secret;

        // Drawn before the decryption and every time, so that nothing is drawn because of what was
        // found.
        let mut fallback = PreMasterSecret([0; 48]);
        config.environment.random.fill(&mut fallback.0)?;
        if config.offload_decryption {
            let job = DecryptPreMasterSecret {
                id: PauseId::next(),
                ciphertext: ciphertext.into(),
            };
            return Ok(Some(State::PreMasterSecret(Box::new(
                ExpectPreMasterSecret {
                    exchange: self,
                    fallback,
                    job,
                },
            ))));
        }
        let raw = config
            .certificate
            .key()
            .decrypt_raw(ciphertext, config.environment.random.as_ref());
        self.decrypted(&raw, &fallback)
    }

    /// Goes on with the pre-master secret that came, or with the fallback, and knows not which.
    fn decrypted(self, raw: &RawDecryption, fallback: &PreMasterSecret) -> Result<Next, Error> {
        let session = &self.session;
        // A result from outside may have any length.
        let modulus_length = session.config.certificate.key().modulus_length();
        let whole = Choice::from(u8::from(raw.encoded_message.len() == modulus_length));
        let pre_master_secret = select_pre_master_secret(
            &raw.encoded_message,
            raw.usable & whole,
            session.client_version,
            fallback,
        );
        let master_secret =
            MasterSecret::derive(session.suite.prf, &pre_master_secret, &session.randoms);
        log_key(
            &session.config.environment,
            &session.randoms,
            &master_secret,
        );

        Ok(Some(match self.client {
            None => expect_change_cipher_spec(self.session, master_secret, Box::default())?,
            Some(client) => State::CertificateVerify(Box::new(ExpectCertificateVerify {
                session: self.session,
                client,
                master_secret,
            })),
        }))
    }
}

/// The encrypted pre-master secret is with the caller.
#[derive(Debug)]
pub(super) struct ExpectPreMasterSecret {
    exchange: ExpectClientKeyExchange,
    fallback: PreMasterSecret,
    job: DecryptPreMasterSecret,
}

impl ExpectPreMasterSecret {
    fn pending(&self) -> Pending<'_> {
        Pending::DecryptPreMasterSecret(self.job.clone())
    }

    fn resume(self, answer: Answer) -> Result<Next, Error> {
        match answer.0 {
            AnswerKind::PreMasterSecret { raw, .. } => {
                self.exchange.decrypted(&raw, &self.fallback)
            }
            AnswerKind::Certificate { .. } => Err(Misuse::WrongAnswer.into()),
        }
    }
}

/// The client showed a certificate and must prove that it holds the key.
#[derive(Debug)]
pub(super) struct ExpectCertificateVerify {
    session: Session,
    client: Client,
    master_secret: MasterSecret,
}

impl ExpectCertificateVerify {
    fn handle(mut self, incoming: Incoming<'_>) -> Result<Next, Error> {
        let message = expect(
            incoming,
            HandshakeType::CERTIFICATE_VERIFY,
            "certificate_verify",
        )?;
        let verify: CertificateVerify<'_> = message.decode()?;
        // "The hash and signature algorithms used in the signature MUST be one of those present in
        // the supported_signature_algorithms field of the CertificateRequest message."
        if !SIGNATURE_SCHEMES.contains(&verify.algorithm) {
            return Err(PeerError::UnofferedSignatureScheme(verify.algorithm).into());
        }
        let signed = self.session.transcript.take_messages();
        if !self
            .client
            .key
            .verifies(verify.algorithm, &signed, verify.signature)
        {
            return Err(PeerError::BadCertificateVerify.into());
        }
        self.session.transcript.add(message.bytes);
        expect_change_cipher_spec(self.session, self.master_secret, self.client.chain).map(Some)
    }
}

/// Derives the keys and waits for the client to change to them.
fn expect_change_cipher_spec(
    session: Session,
    master_secret: MasterSecret,
    peer_certificates: Box<[CertificateDer<'static>]>,
) -> Result<State, Error> {
    let keys = TrafficKeys::derive(&master_secret, session.suite, &session.randoms)?;
    Ok(State::ChangeCipherSpec(Box::new(ExpectChangeCipherSpec {
        client_write_key: keys.client,
        finished: ExpectFinished {
            server_write_key: keys.server,
            master_secret,
            transcript: session.transcript,
            session: Box::new(SessionInfo {
                cipher_suite: session.suite.id,
                server_name: session.server_name.map(ServerName::DnsName),
                peer_certificates,
                secure_renegotiation: session.secure_renegotiation,
            }),
        },
    })))
}

/// The keys are derived.
#[derive(Debug)]
pub(super) struct ExpectChangeCipherSpec {
    client_write_key: AeadKey,
    finished: ExpectFinished,
}

impl ExpectChangeCipherSpec {
    fn handle(self, incoming: Incoming<'_>, actions: &mut Actions) -> Result<Next, Error> {
        let Incoming::ChangeCipherSpec(_aligned) = incoming else {
            return Err(unexpected(incoming, "change_cipher_spec"));
        };
        actions.push(Action::InstallReadKey(self.client_write_key));
        Ok(Some(State::Finished(Box::new(self.finished))))
    }
}

/// The client's keys are in use.
#[derive(Debug)]
pub(super) struct ExpectFinished {
    server_write_key: AeadKey,
    master_secret: MasterSecret,
    transcript: Transcript,
    session: Box<SessionInfo>,
}

impl ExpectFinished {
    fn handle(mut self, incoming: Incoming<'_>, actions: &mut Actions) -> Result<Next, Error> {
        let message = expect(incoming, HandshakeType::FINISHED, "finished")?;
        let finished: Finished = message.decode()?;
        let expected = self
            .master_secret
            .client_verify_data(&self.transcript.current());
        check_verify_data(&finished.verify_data, &expected)?;
        self.transcript.add(message.bytes);

        actions.push(Action::SendChangeCipherSpec);
        actions.push(Action::InstallWriteKey(self.server_write_key));
        let finished = Finished {
            verify_data: self
                .master_secret
                .server_verify_data(&self.transcript.finish())
                .0,
        };
        actions.push(Action::SendHandshake(finished.encode()));
        actions.push(Action::Complete(self.session));
        Ok(None)
    }
}
