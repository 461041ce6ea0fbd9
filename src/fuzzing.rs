//! What the fuzz targets need of the crate's inside; there only with `--cfg fuzzing`.

use crate::codec::Reader;
use crate::enums::HandshakeType;
use crate::error::DecodeError;
use crate::message::alert::Alert;
use crate::message::certificate::{Certificate, CertificateRequest};
use crate::message::extension::Extensions;
use crate::message::finished::Finished;
use crate::message::hello::{ClientHello, ServerHello};
use crate::message::key_exchange::{CertificateVerify, ClientKeyExchange};
use crate::message::{HandshakeBody, HelloRequest, ServerHelloDone};

/// Decodes `body` as the handshake message of this type, if there is one.
///
/// # Panics
///
/// If it decodes but does not encode to the same bytes.
pub fn decode_handshake_message(typ: u8, body: &[u8]) {
    match HandshakeType(typ) {
        HandshakeType::HELLO_REQUEST => round_trip::<HelloRequest>(body, |_| {}),
        HandshakeType::CLIENT_HELLO => round_trip(body, |hello: &ClientHello<'_>| {
            read_extensions(hello.extensions.as_ref());
        }),
        HandshakeType::SERVER_HELLO => round_trip(body, |hello: &ServerHello<'_>| {
            read_extensions(hello.extensions.as_ref());
        }),
        HandshakeType::CERTIFICATE => round_trip::<Certificate<'_>>(body, |_| {}),
        HandshakeType::CERTIFICATE_REQUEST => round_trip::<CertificateRequest<'_>>(body, |_| {}),
        HandshakeType::SERVER_HELLO_DONE => round_trip::<ServerHelloDone>(body, |_| {}),
        HandshakeType::CERTIFICATE_VERIFY => round_trip::<CertificateVerify<'_>>(body, |_| {}),
        HandshakeType::CLIENT_KEY_EXCHANGE => round_trip::<ClientKeyExchange<'_>>(body, |_| {}),
        HandshakeType::FINISHED => round_trip::<Finished>(body, |_| {}),
        _ => {}
    }
}

/// Decodes `content` as an alert record's.
///
/// # Panics
///
/// If it decodes but does not encode to the same bytes.
pub fn decode_alert(content: &[u8]) {
    if let Ok(alert) = Alert::decode(content) {
        assert_eq!(alert.encode(), content);
    }
}

/// Shows `read` the message that `body` holds, if it holds one, after encoding it again.
fn round_trip<'a, T: HandshakeBody<'a>>(body: &'a [u8], read: impl FnOnce(&T)) {
    let mut reader = Reader::new(body);
    let decoded = T::decode_body(&mut reader).and_then(|message| {
        reader.finish()?;
        Ok::<T, DecodeError>(message)
    });
    if let Ok(message) = decoded {
        let mut encoded = Vec::new();
        message.encode_body(&mut encoded);
        assert_eq!(encoded, body);
        read(&message);
    }
}

/// Reads every extension that either side asks for.
fn read_extensions(extensions: Option<&Extensions<'_>>) {
    let Some(extensions) = extensions else {
        return;
    };
    let _ = extensions.server_name();
    let _ = extensions.server_name_ack();
    let _ = extensions.signature_algorithms();
    let _ = extensions.renegotiation_info();
}
