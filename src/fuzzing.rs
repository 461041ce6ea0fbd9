//! Access to crate internals for the fuzz targets and for the bench of constant time; compiled only
//! with `--cfg fuzzing`.

pub mod cbc;
pub mod timing;

use crate::codec::{Reader, Writer};
use crate::crypto::cipher::{CipherError, FuzzedGcmKey};
use crate::enums::HandshakeType;
use crate::error::{CertificateError, DecodeError};
use crate::message::alert::Alert;
use crate::message::certificate::{Certificate, CertificateRequest, CertificateStatus};
use crate::message::extension::Extensions;
use crate::message::finished::Finished;
use crate::message::hello::{ClientHello, ServerHello};
use crate::message::key_exchange::{CertificateVerify, ClientKeyExchange};
use crate::message::ticket::NewSessionTicket;
use crate::message::{HandshakeBody, HelloRequest, ServerHelloDone};
use crate::resumption::{Session, StoredSession, Tickets};
use crate::verify::{self, CertificatePolicy, Chain, PeerCertificate, RootStore, Stapled};
use crate::verify::{VerifiedPeer, canonical_name};
use crate::waiver::Waivers;
use pki_types::{CertificateDer, ServerName, UnixTime};

/// Decodes `body` as the handshake message of this type, and ignores unknown types.
///
/// # Panics
///
/// If the message decodes but does not encode to the same bytes.
pub fn decode_handshake_message(typ: u8, body: &[u8]) {
    match HandshakeType(typ) {
        HandshakeType::HELLO_REQUEST => round_trip::<HelloRequest>(body, |_| {}),
        HandshakeType::CLIENT_HELLO => round_trip(body, |hello: &ClientHello<'_>| {
            read_extensions(hello.extensions.as_ref());
        }),
        HandshakeType::SERVER_HELLO => round_trip(body, |hello: &ServerHello<'_>| {
            read_extensions(hello.extensions.as_ref());
        }),
        HandshakeType::NEW_SESSION_TICKET => round_trip::<NewSessionTicket<'_>>(body, |_| {}),
        HandshakeType::CERTIFICATE => round_trip::<Certificate<'_>>(body, |_| {}),
        HandshakeType::CERTIFICATE_REQUEST => round_trip::<CertificateRequest<'_>>(body, |_| {}),
        HandshakeType::SERVER_HELLO_DONE => round_trip::<ServerHelloDone>(body, |_| {}),
        HandshakeType::CERTIFICATE_VERIFY => round_trip::<CertificateVerify<'_>>(body, |_| {}),
        HandshakeType::CLIENT_KEY_EXCHANGE => round_trip::<ClientKeyExchange<'_>>(body, |_| {}),
        HandshakeType::FINISHED => round_trip::<Finished>(body, |_| {}),
        HandshakeType::CERTIFICATE_STATUS => round_trip::<CertificateStatus<'_>>(body, |_| {}),
        _ => {}
    }
}

/// Decodes `content` as the content of an alert record.
///
/// # Panics
///
/// If the alert decodes but does not encode to the same bytes.
pub fn decode_alert(content: &[u8]) {
    if let Ok(alert) = Alert::decode(content) {
        assert_eq!(alert.encode(), content);
    }
}

/// Returns true if `bytes` decode as a session from the store of a server or of a client.
///
/// # Panics
///
/// If they decode as both, or do not encode to the same bytes.
pub fn decode_session(bytes: &[u8]) -> bool {
    let encoded = match (Session::decode(bytes), Session::decode_with_handle(bytes)) {
        (None, None) => return false,
        (Some(session), None) => session.encode(),
        (None, Some((session, handle))) => session.encode_with_handle(&handle),
        (Some(_), Some(_)) => None,
    };
    let encoded = encoded.as_ref().map(StoredSession::as_bytes);
    assert_eq!(encoded, Some(bytes));
    true
}

/// Returns true if one of the keys opens `ticket`.
///
/// # Panics
///
/// If its content is not a session.
pub fn open_ticket(tickets: &Tickets, ticket: &[u8], now: UnixTime) -> bool {
    match tickets.open(ticket, now) {
        None => false,
        Some(opened) => {
            assert!(decode_session(&opened.plaintext));
            true
        }
    }
}

/// Seals a text with AES-GCM on each engine of this processor, opens it, and opens a forgery. Does
/// nothing with a key that is neither 16 nor 32 bytes.
///
/// # Panics
///
/// If the engines differ from the `aes-gcm` crate, or a forgery is opened or changed.
pub fn aes_gcm(key: &[u8], nonce: [u8; 12], additional_data: &[u8], text: &[u8]) {
    let mut expected = None;
    for engine in FuzzedGcmKey::engines(key) {
        let mut sealed = Vec::new();
        assert_eq!(
            engine.encrypt(nonce, additional_data, text, &mut sealed),
            Ok(())
        );
        assert_eq!(expected.get_or_insert_with(|| sealed.clone()), &sealed);
        let Some((ciphertext, tag)) = sealed.split_last_chunk_mut() else {
            continue;
        };
        let before = ciphertext.to_vec();
        let forged = tag.map(|byte| byte ^ 0x10);
        let opened = engine.decrypt(nonce, additional_data, ciphertext, forged);
        assert_eq!(opened, Err(CipherError));
        assert_eq!(*ciphertext, before);
        assert_eq!(
            engine.decrypt(nonce, additional_data, ciphertext, *tag),
            Ok(())
        );
        assert_eq!(*ciphertext, *text);
    }
}

/// A peer that a policy accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Accepted {
    /// The waivers that were used to accept it.
    pub waivers: Waivers,
    /// The leaf, then the path towards the root.
    pub chain: Box<[CertificateDer<'static>]>,
}

impl From<VerifiedPeer> for Accepted {
    fn from(peer: VerifiedPeer) -> Self {
        Self {
            waivers: peer.waivers,
            chain: peer.chain,
        }
    }
}

/// Verifies a server's chain, as a client does in a full handshake.
///
/// # Errors
///
/// The error with which the handshake would fail.
pub fn verify_server(
    policy: &CertificatePolicy,
    chain: &[CertificateDer<'_>],
    server_name: &ServerName<'_>,
    ocsp_response: Option<&[u8]>,
    now: UnixTime,
) -> Result<Accepted, CertificateError> {
    let presented = policy.admit(chain)?;
    let chain = presented.chain()?;
    let stapled = Stapled::Response(ocsp_response);
    let peer = policy.verify_server(&chain, server_name, stapled, now)?;
    Ok(peer.into())
}

/// Verifies a client's chain, as a server does.
///
/// # Errors
///
/// The error with which the handshake would fail.
pub fn verify_client(
    policy: &CertificatePolicy,
    chain: &[CertificateDer<'_>],
    now: UnixTime,
) -> Result<Accepted, CertificateError> {
    let presented = policy.admit(chain)?;
    let peer = policy.verify_client(&presented.chain()?, now)?;
    Ok(peer.into())
}

/// Compares the search for a path of this chain with that of `rustls-webpki`.
///
/// # Panics
///
/// If their verdicts differ, and no rule of this crate is the reason.
pub fn compare_with_webpki(
    roots: &RootStore,
    chain: &[CertificateDer<'_>],
    is_server: bool,
    now: UnixTime,
) {
    if let Ok(chain) = Chain::read(chain) {
        verify::compare_with_webpki(&chain, roots, is_server, now);
    }
}

/// Returns true if the issuer of one certificate is the subject of the other.
pub fn is_named_as_issuer(below: &PeerCertificate<'_>, above: &PeerCertificate<'_>) -> bool {
    let (issuer, subject) = (below.issuer_der(), above.subject_der());
    issuer == subject
        || canonical_name(issuer)
            .is_some_and(|issuer| canonical_name(subject).is_some_and(|subject| issuer == subject))
}

/// Parses a certificate as [`SessionInfo`](crate::SessionInfo) does, or returns `None`.
pub fn peer_certificate(certificate: &[u8]) -> Option<PeerCertificate<'_>> {
    PeerCertificate::parse(certificate).ok()
}

/// Decodes `body`; if that succeeds, checks that it encodes to the same bytes, and calls `read`.
fn round_trip<'a, T: HandshakeBody<'a>>(body: &'a [u8], read: impl FnOnce(&T)) {
    let mut reader = Reader::new(body);
    let decoded = T::decode_body(&mut reader).and_then(|message| {
        reader.finish()?;
        Ok::<T, DecodeError>(message)
    });
    if let Ok(message) = decoded {
        let mut encoded = Writer::default();
        message.encode_body(&mut encoded);
        assert_eq!(encoded.finish().as_deref(), Ok(body));
        read(&message);
    }
}

/// Reads every extension that either side reads.
fn read_extensions(extensions: Option<&Extensions<'_>>) {
    let Some(extensions) = extensions else {
        return;
    };
    let _ = extensions.server_name();
    let _ = extensions.server_name_ack();
    let _ = extensions.max_fragment_length();
    let _ = extensions.asks_for_ocsp();
    let _ = extensions.status_request_ack();
    let _ = extensions.signature_algorithms();
    let _ = extensions.alpn();
    let _ = extensions.encrypt_then_mac();
    let _ = extensions.extended_master_secret();
    let _ = extensions.record_size_limit();
    let _ = extensions.session_ticket();
    let _ = extensions.session_ticket_ack();
    let _ = extensions.renegotiation_info();
}
