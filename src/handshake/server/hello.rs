//! ClientHello and the server's reply, in a full handshake or to resume a session
//! ([RFC 5246 section 7.4.1](https://www.rfc-editor.org/rfc/rfc5246#section-7.4.1)).

use super::State;
use super::certificate::ExpectCertificate;
use super::extensions::{Accepted, ClientOffer, check_version, choose_suite};
use super::finish::{Completion, NewHandle, new_session_ticket};
use super::key_exchange::ExpectClientKeyExchange;
use super::lookup::{Found, FoundBy, Lookup, check_extended_master_secret, find_session, job};
use super::negotiation::Negotiation;
use crate::config::{ClientAuth, ExtendedMasterSecret, ServerConfig};
use crate::enums::{ClientCertificateType, CompressionMethod, HandshakeType, ProtocolVersion};
use crate::error::{Error, LocalError, PeerError};
use crate::handshake::action::{Action, Actions};
use crate::handshake::agreed::Agreed;
use crate::handshake::finish::{ExpectChangeCipherSpec, KeysReady};
use crate::handshake::hello::{agree_encrypt_then_mac, draw};
use crate::handshake::incoming::Incoming;
use crate::handshake::limits::RecordLimits;
use crate::handshake::session_info::Resumption;
use crate::keys::{Keep, Randoms, Side, Transcript};
use crate::message::certificate::CertificateRequest;
use crate::message::extension::Extensions;
use crate::message::hello::{ClientHello, Random, ServerHello, SessionId};
use crate::message::{HandshakeBody, HandshakeMessage, ServerHelloDone};
use crate::pending::{FindSession, Pending};
use crate::resumption::{SealedBy, StoredSession};
use std::sync::Arc;

/// Nothing has been received.
#[derive(Debug)]
pub(crate) struct ExpectClientHello {
    pub(super) config: Arc<ServerConfig>,
}

impl ExpectClientHello {
    pub(super) fn handle(
        self,
        incoming: Incoming<'_>,
        actions: &mut Actions,
    ) -> Result<State, Error> {
        let (message, hello) = incoming.expect::<ClientHello<'_>>()?;
        reply(self.config, message, &hello, Lookup::Due, actions)
    }
}

/// A ClientHello offers a session, for which the caller is asked.
#[derive(Debug)]
pub(crate) struct ExpectSession {
    config: Arc<ServerConfig>,
    /// The ClientHello, header and body.
    hello: Box<[u8]>,
    job: FindSession,
}

impl ExpectSession {
    pub(super) fn pending(&self) -> Pending<'_> {
        Pending::FindSession(self.job.clone())
    }

    /// Goes on with what the caller has found.
    pub(super) fn on_session(
        self,
        session: Option<StoredSession>,
        actions: &mut Actions,
    ) -> Result<State, Error> {
        let message = HandshakeMessage {
            typ: HandshakeType::CLIENT_HELLO,
            bytes: &self.hello,
        };
        let hello = message.decode()?;
        reply(self.config, message, &hello, Lookup::Done(session), actions)
    }
}

/// Replies to a ClientHello, or asks for the session that it offers.
fn reply(
    config: Arc<ServerConfig>,
    message: HandshakeMessage<'_>,
    hello: &ClientHello<'_>,
    lookup: Lookup,
    actions: &mut Actions,
) -> Result<State, Error> {
    check_version(hello)?;
    // "This vector MUST contain, and all implementations MUST support,
    // CompressionMethod.null." It may contain others.
    if !hello.compression_methods.contains(&CompressionMethod::NULL) {
        return Err(PeerError::NoNullCompression.into());
    }
    let none = Extensions::default();
    let offer = ClientOffer::read(hello, hello.extensions.as_ref().unwrap_or(&none))?;
    if matches!(lookup, Lookup::Due)
        && let Some(job) = job(&config, hello, &offer)
    {
        return Ok(State::Session(Box::new(ExpectSession {
            hello: message.bytes.into(),
            config,
            job,
        })));
    }
    let accepted = Accepted::of(&offer, &config)?;
    let selected = config.select_certificate(accepted.server_name.as_ref())?;

    let found = match find_session(&config, hello, &offer, &accepted, selected.trust, lookup) {
        Ok(found) => check_extended_master_secret(found, &offer, &config)?,
        Err(reason) => Err(reason),
    };
    let suite = match &found {
        Ok(found) => found.session.suite,
        Err(_) => choose_suite(&config, &hello.cipher_suites, offer.encrypt_then_mac)?,
    };
    let encrypt_then_mac = agree_encrypt_then_mac(
        config.common.encrypt_then_mac,
        suite,
        offer.encrypt_then_mac,
    )?;
    let randoms = Randoms {
        client: hello.random.0,
        server: draw(&config.common)?,
    };
    let keep = match config.client_auth {
        ClientAuth::Request(_) | ClientAuth::Require(_) if found.is_err() => Keep::Messages,
        _ => Keep::HashOnly,
    };
    let mut transcript = Transcript::new(suite.prf, keep);
    transcript.add(message.bytes);
    let negotiation = Negotiation {
        client_version: hello.client_version,
        server_name: accepted.server_name,
        names_signature_algorithms: offer.names_signature_algorithms,
        selected,
        agreed: Agreed {
            suite,
            randoms,
            extended_master_secret: accepted.extended_master_secret,
            encrypt_then_mac,
            secure_renegotiation: offer.secure_renegotiation,
            alpn_protocol: accepted.alpn_protocol,
            limits: accepted.limits,
            resumption: match &found {
                Ok(found) => found.by.resumption(),
                Err(reason) => Resumption::Full(*reason),
            },
        },
        transcript,
        config,
    };
    match found {
        Ok(found) => resume(negotiation, found, hello.session_id, actions),
        Err(_) => send_flight(negotiation, &offer, actions),
    }
}

/// Sends ServerHello, Certificate, CertificateStatus, CertificateRequest and ServerHelloDone.
fn send_flight(
    mut negotiation: Negotiation,
    offer: &ClientOffer<'_>,
    actions: &mut Actions,
) -> Result<State, Error> {
    let handle = match (
        &negotiation.config.tickets,
        &negotiation.config.common.session_store,
    ) {
        // The client could not resume the session, and a store or a ticket would be for nothing.
        _ if !is_resumable(&negotiation) => NewHandle::None,
        (Some(_), _) if offer.session_ticket.is_some() => NewHandle::Ticket,
        (_, Some(_)) => NewHandle::SessionId(SessionId::new(draw(&negotiation.config.common)?)),
        (_, None) => NewHandle::None,
    };
    let mut extensions = Extensions::new();
    let certificate = negotiation.selected.certificate.clone();
    // A server "MAY use the information contained in the extension to guide its selection of an
    // appropriate certificate [...]. In this event, the server SHALL include an extension of type
    // "server_name"". A certificate without the name was not selected by it.
    if negotiation.server_name.as_ref().is_some_and(|name| certificate.has_name(name)) {
        extensions.push_server_name_ack();
    }
    let status = if offer.ocsp_response {
        certificate.certificate_status()
    } else {
        None
    };
    if status.is_some() {
        extensions.push_status_request_ack();
    }
    // "If a server is planning on issuing a session ticket to a client that does not present
    // one, it SHOULD include an empty Session ID in the ServerHello."
    let (session_id, ticket) = match handle {
        NewHandle::SessionId(id) => (id, false),
        NewHandle::Ticket => (SessionId::default(), true),
        NewHandle::None => (SessionId::default(), false),
    };
    send_hello(&mut negotiation, session_id, extensions, ticket, actions)?;

    let message = certificate.certificate_message.to_vec();
    actions.send(message, &mut negotiation.transcript);
    if let Some(status) = status {
        actions.send(status.to_vec(), &mut negotiation.transcript);
    }
    let requested = !matches!(negotiation.config.client_auth, ClientAuth::None);
    if requested {
        let request = certificate_request(&negotiation).encode()?;
        actions.send(request, &mut negotiation.transcript);
    }
    actions.send(ServerHelloDone.encode()?, &mut negotiation.transcript);

    let exchange = ExpectClientKeyExchange {
        negotiation,
        handle,
        client: None,
    };
    Ok(if requested {
        State::Certificate(Box::new(ExpectCertificate(exchange)))
    } else {
        State::ClientKeyExchange(Box::new(exchange))
    })
}

/// Returns true if this server would resume the session that the handshake makes: one with the
/// extended master secret, or one without it where the configuration permits that.
fn is_resumable(negotiation: &Negotiation) -> bool {
    let common = &negotiation.config.common;
    match common.extended_master_secret {
        ExtendedMasterSecret::Off => true,
        ExtendedMasterSecret::Optional | ExtendedMasterSecret::Required => {
            negotiation.agreed.extended_master_secret
                || common.resume_without_extended_master_secret
        }
    }
}

fn certificate_request(negotiation: &Negotiation) -> CertificateRequest<'_> {
    let request = &negotiation.config.client_certificate_request;
    let authorities = request.authorities.iter();
    CertificateRequest {
        certificate_types: vec![ClientCertificateType::RSA_SIGN],
        supported_signature_algorithms: negotiation.client_signature_algorithms().collect(),
        certificate_authorities: authorities.map(Vec::as_slice).collect(),
    }
}

/// Sends ServerHello, NewSessionTicket, ChangeCipherSpec and Finished, with the keys of the resumed
/// session.
///
/// "When resuming a session, the server MUST NOT include a server_name extension in the server
/// hello."
fn resume(
    mut negotiation: Negotiation,
    found: Found,
    session_id: SessionId,
    actions: &mut Actions,
) -> Result<State, Error> {
    let Found { session, by } = found;
    let ticket = match by {
        FoundBy::SessionId(in_use) => {
            actions.push(Action::UseSession(in_use));
            false
        }
        // A ticket under the next key is newer than any that this server could issue.
        FoundBy::Ticket(SealedBy::Next) => false,
        FoundBy::Ticket(SealedBy::Current) => negotiation.config.renew_tickets,
        FoundBy::Ticket(SealedBy::Other) => true,
    };
    let environment = &negotiation.config.common.environment;
    negotiation.agreed.log_key(environment, &session.master_secret);

    send_hello(
        &mut negotiation,
        session_id,
        Extensions::new(),
        ticket,
        actions,
    )?;
    if ticket {
        let message = new_session_ticket(&negotiation.config, &session)?;
        actions.send(message, &mut negotiation.transcript);
    }
    let Negotiation {
        config,
        selected,
        agreed,
        transcript,
        ..
    } = negotiation;
    let random = config.common.random();
    let keys = KeysReady::finish_first(Side::Server, agreed, transcript, session, random, actions)?;
    Ok(State::ChangeCipherSpec(Box::new(ExpectChangeCipherSpec {
        keys,
        completion: Completion {
            config,
            handle: NewHandle::None,
            certificate: selected.certificate,
        },
    })))
}

/// Sends ServerHello, with these extensions and those that every handshake has.
fn send_hello(
    negotiation: &mut Negotiation,
    session_id: SessionId,
    mut extensions: Extensions<'static>,
    ticket: bool,
    actions: &mut Actions,
) -> Result<(), LocalError> {
    match negotiation.agreed.limits {
        RecordLimits::Protocol => {}
        RecordLimits::Fragments { length, .. } => extensions.push_max_fragment_length(length),
        RecordLimits::Records { received, .. } => extensions.push_record_size_limit(received),
    }
    if let Some(protocol) = &negotiation.agreed.alpn_protocol {
        extensions.push_alpn(core::slice::from_ref(protocol));
    }
    if negotiation.agreed.encrypt_then_mac {
        extensions.push_encrypt_then_mac();
    }
    if negotiation.agreed.extended_master_secret {
        extensions.push_extended_master_secret();
    }
    if ticket {
        extensions.push_session_ticket(&[]);
    }
    if negotiation.agreed.secure_renegotiation {
        extensions.push_renegotiation_info(&[]);
    }
    let hello = ServerHello {
        server_version: ProtocolVersion::TLS_1_2,
        random: Random(negotiation.agreed.randoms.server),
        session_id,
        cipher_suite: negotiation.agreed.suite.id,
        compression_method: CompressionMethod::NULL,
        extensions: (!extensions.is_empty()).then_some(extensions),
    };
    actions.push(Action::VersionAgreed);
    actions.send(hello.encode()?, &mut negotiation.transcript);
    negotiation.agreed.limits.apply_at_once(actions);
    Ok(())
}
