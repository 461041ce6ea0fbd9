//! ClientHello and ServerHello, which lead to a full handshake or resume a session
//! ([RFC 5246 section 7.4.1](https://www.rfc-editor.org/rfc/rfc5246#section-7.4.1)).

use super::State;
use super::certificate::{ExpectCertificate, ExpectResumptionVerdict};
use super::extensions::{Answers, grease, hello_extensions};
use super::finish::{Completion, ServerFlight};
use super::negotiation::Negotiation;
use super::offer::{Offer, find_session, store_key};
use crate::config::ClientConfig;
use crate::enums::{CipherSuite, CompressionMethod, ProtocolVersion};
use crate::error::{Error, Excerpt, Incompatible, PeerError, ProtocolList, SuiteList, Told};
use crate::handshake::action::{Action, Actions};
use crate::handshake::agreed::Agreed;
use crate::handshake::finish::KeysReady;
use crate::handshake::hello::draw;
use crate::handshake::incoming::Incoming;
use crate::handshake::renegotiation::{Previous, Renegotiable};
use crate::handshake::session_info::{NotResumed, Resumption};
use crate::keys::{Keep, Randoms, Side, Transcript};
use crate::message::HandshakeBody;
use crate::message::hello::{ClientHello, Random, ServerHello, SessionId};
use crate::resumption::SessionInUse;
use core::net::SocketAddr;
use pki_types::ServerName;
use std::sync::Arc;

/// Sends the ClientHello, which offers the session that is stored for the server.
pub(in crate::handshake) fn start(
    config: Arc<ClientConfig>,
    server_name: ServerName<'static>,
    address: Option<SocketAddr>,
    actions: &mut Actions,
) -> Result<State, Error> {
    let store_key = store_key(&server_name, address);
    send_hello(config, server_name, store_key, None, actions)
}

/// Sends the ClientHello of another handshake on the same connection.
pub(in crate::handshake) fn renegotiate(
    renegotiable: Renegotiable,
    actions: &mut Actions,
) -> Result<State, Error> {
    let Renegotiable {
        config,
        server_name,
        store_key,
        previous,
    } = renegotiable;
    send_hello(
        config,
        server_name,
        store_key,
        Some(Box::new(previous)),
        actions,
    )
}

fn send_hello(
    config: Arc<ClientConfig>,
    server_name: ServerName<'static>,
    store_key: Box<[u8]>,
    previous: Option<Box<Previous>>,
    actions: &mut Actions,
) -> Result<State, Error> {
    let client_random = draw(&config.common)?;
    let offer = match &previous {
        // The server probably asks in order to see a certificate, and OpenSSL's would resume the session
        // instead.
        Some(previous) if !previous.certificate_requested && !config.certificates.is_empty() => {
            Err(NotResumed::NothingOffered)
        }
        Some(_) | None => find_session(&config, &server_name, &store_key),
    };
    let (session_id, ticket) = match &offer {
        Ok(offer) => (offer.session_id, offer.ticket()),
        Err(_) => (SessionId::default(), None),
    };

    let mut cipher_suites: Vec<_> = config.common.suites.iter().map(|suite| suite.id).collect();
    let mut extensions = hello_extensions(&config, &server_name, ticket, previous.as_deref());
    // "when a client intends to resume a session and sets ClientHello.client_version to the protocol
    // version negotiated for that session, it MUST NOT include TLS_FALLBACK_SCSV"
    // (RFC 7507 section 4).
    if config.fallback_scsv && offer.is_err() && previous.is_none() {
        cipher_suites.push(CipherSuite::TLS_FALLBACK_SCSV);
    }
    if config.grease {
        (cipher_suites, extensions) = grease(&config, cipher_suites, extensions)?;
    }
    let hello = ClientHello {
        client_version: ProtocolVersion::TLS_1_2,
        random: Random(client_random),
        session_id,
        cipher_suites,
        compression_methods: vec![CompressionMethod::NULL],
        extensions: Some(extensions),
    };
    let message = hello.encode()?;
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
        client_random,
        session_id,
        offer,
        previous,
        client_hello,
    })))
}

/// The ClientHello is sent.
#[derive(Debug)]
pub(crate) struct ExpectServerHello {
    config: Arc<ClientConfig>,
    server_name: ServerName<'static>,
    store_key: Box<[u8]>,
    client_random: [u8; 32],
    session_id: SessionId,
    offer: Result<Offer, NotResumed>,
    previous: Option<Box<Previous>>,
    /// The message, to be hashed once the suite is known.
    client_hello: Box<[u8]>,
}

impl ExpectServerHello {
    pub(super) fn handle(
        self,
        incoming: Incoming<'_>,
        actions: &mut Actions,
    ) -> Result<State, Error> {
        let (message, hello) = incoming.expect::<ServerHello<'_>>()?;
        let config = &self.config;

        if hello.server_version != ProtocolVersion::TLS_1_2 {
            return Err(Incompatible::Version {
                offered: hello.server_version,
            }
            .into());
        }
        self.check_downgrade(&hello.random)?;
        let suite = config
            .common
            .suite(hello.cipher_suite)
            .ok_or(PeerError::UnofferedSuite(hello.cipher_suite))?;
        if hello.compression_method != CompressionMethod::NULL {
            return Err(PeerError::UnofferedCompression(hello.compression_method).into());
        }
        let previous = self.previous.as_deref();
        let answers = Answers::read(&hello, suite, config, &self.server_name, previous)?;

        actions.push(Action::VersionAgreed);
        let resumed = !hello.session_id.is_empty() && hello.session_id == self.session_id;
        let (resumption, offer) = match self.offer {
            Ok(offer) if resumed => (offer.resumption(), Some(offer)),
            Ok(_) => (Resumption::Full(NotResumed::Declined), None),
            Err(reason) => (Resumption::Full(reason), None),
        };
        let session = offer.as_ref().map(|offer| &offer.session);
        let limits = answers.record_limits(config, session)?;
        limits.apply_at_once(actions);
        let keep = match *config.certificates {
            [_, ..] if offer.is_none() => Keep::Messages,
            _ => Keep::HashOnly,
        };
        let mut transcript = Transcript::new(suite.prf, keep);
        transcript.add(&self.client_hello);
        transcript.add(message.bytes);
        let negotiation = Negotiation {
            config: self.config,
            server_name: self.server_name,
            store_key: self.store_key,
            session_id: hello.session_id,
            agreed: Agreed {
                suite,
                randoms: Randoms {
                    client: self.client_random,
                    server: hello.random.0,
                },
                extended_master_secret: answers.extended_master_secret,
                encrypt_then_mac: answers.encrypt_then_mac,
                secure_renegotiation: answers.secure_renegotiation,
                alpn_protocol: answers.alpn_protocol,
                limits,
                resumption,
            },
            previous: self.previous,
            certificate_status: answers.certificate_status,
            new_session_ticket: answers.new_session_ticket,
            transcript,
        };
        match offer {
            None => Ok(State::Certificate(Box::new(ExpectCertificate {
                negotiation,
            }))),
            Some(offer) => resume(negotiation, offer),
        }
    }

    /// The offer that awaits the server's choice.
    pub(super) fn told(&self) -> Told {
        let common = &self.config.common;
        let suites: Vec<_> = common.suites.iter().map(|suite| suite.id).collect();
        let protocols = common.alpn_protocols.iter();
        Told::Offer {
            suites: SuiteList::new(&suites),
            server_name: Excerpt::new(self.server_name.to_str()),
            protocols: ProtocolList::new(protocols.map(|name| &**name)),
        }
    }

    /// "TLS 1.3 clients receiving a ServerHello indicating TLS 1.2 or below MUST check that the
    /// last 8 bytes are not equal to either of these values"
    /// ([RFC 8446 section 4.1.3](https://www.rfc-editor.org/rfc/rfc8446#section-4.1.3)). This
    /// client counts as one if its caller tried a newer version before; otherwise the values have
    /// no meaning.
    fn check_downgrade(&self, random: &Random) -> Result<(), PeerError> {
        match random.0.last_chunk() {
            Some(b"DOWNGRD\x01" | b"DOWNGRD\x00") if self.config.fallback_scsv => {
                Err(PeerError::Downgraded)
            }
            _ => Ok(()),
        }
    }
}

/// Goes on with the keys of the resumed session.
fn resume(negotiation: Negotiation, offer: Offer) -> Result<State, Error> {
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
    } = negotiation;
    let session = offer.session;
    if let Some(previous) = &previous {
        previous.check_leaf(&session.peer_certificates)?;
    }
    // "the value from the state of the session being resumed" (section 7.4.1.3).
    if agreed.suite.id != session.suite.id {
        return Err(PeerError::ResumedWithOtherSuite(agreed.suite.id).into());
    }
    // "If the original session did not use the "extended_master_secret" extension but the new
    // ServerHello contains the extension, the client MUST abort the handshake. If the original
    // session used the extension but the new ServerHello does not contain the extension, the
    // client MUST abort the handshake."
    if agreed.extended_master_secret != session.extended_master_secret {
        return Err(PeerError::ExtendedMasterSecretChanged.into());
    }
    agreed.log_key(&config.common.environment, &session.master_secret);
    let random = config.common.random();
    let flight = ServerFlight {
        new_session_ticket,
        keys: KeysReady::finish_second(Side::Client, agreed, transcript, session, random)?,
        completion: Completion {
            config,
            store_key,
            session_id,
            previous,
            ocsp_response: None,
            verified_by_caller: false,
            requested_certificate: None,
            ticket: None,
        },
    };
    Ok(ExpectResumptionVerdict::new(server_name, flight).accept_or_pause())
}
