//! The contents of a session, and its serialized form.
//!
//! The bytes begin with the version of their layout, and only this crate reads them. Bytes that do
//! not decode completely count as no session; the reason is not reported.

use super::store::StoredSession;
use crate::codec::{LengthPrefix, Reader, Writer};
use crate::crypto::hash::fingerprint;
use crate::crypto::suite::Suite;
use crate::enums::{CipherSuite, MaxFragmentLength};
use crate::error::DecodeError;
use crate::keys::{MASTER_SECRET, MasterSecret};
use crate::waiver::Waivers;
use core::time::Duration;
use pki_types::{CertificateDer, ServerName, UnixTime};
use zeroize::Zeroizing;

/// The first byte of a session, which identifies the layout. Sessions with another layout are not
/// found.
const LAYOUT: u8 = 2;

/// The longest session that is stored. Only a peer with a huge certificate chain makes a longer
/// one; its connections always use full handshakes.
const MAX_LENGTH: usize = 1 << 14;

/// The maximum difference between the clocks of servers that share sessions, in seconds.
const MAX_CLOCK_SKEW: u64 = 60;

/// A hash of the verification settings and the identity with which a session was made. A session is
/// resumed only if both are unchanged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TrustContext([u8; Self::LENGTH]);

impl TrustContext {
    const LENGTH: usize = 32;

    /// Hashes all parts, with their boundaries.
    pub(crate) fn of(parts: &[&[u8]]) -> Self {
        Self(fingerprint(parts.iter().copied()))
    }
}

/// The period in which a session may be resumed, in seconds since 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Validity {
    pub(crate) created: u64,
    pub(crate) expires: u64,
}

impl Validity {
    /// The period of a session that is made at `now`. It lasts `lifetime` seconds, but at most
    /// until the session's certificates expire, at `certificates_expire`.
    pub(crate) fn starting(now: UnixTime, lifetime: u32, certificates_expire: u64) -> Self {
        let created = now.as_secs();
        Self {
            created,
            expires: created.saturating_add(lifetime.into()).min(certificates_expire),
        }
    }

    /// Returns true if `now` is in the period, with an allowance for clocks that differ.
    pub(crate) fn includes(&self, now: UnixTime) -> bool {
        let now = now.as_secs();
        self.created.saturating_sub(MAX_CLOCK_SKEW) <= now && now < self.expires
    }

    /// Ends the period at most `lifetime` seconds after `now`; 0 means that the lifetime is
    /// unknown.
    pub(crate) fn shorten(&mut self, now: UnixTime, lifetime: u32) {
        if lifetime != 0 {
            let end = now.as_secs().saturating_add(lifetime.into());
            self.expires = self.expires.min(end);
        }
    }

    /// The seconds that remain at `now`, at most `u32::MAX`, which is 136 years.
    pub(crate) fn remaining(&self, now: UnixTime) -> u32 {
        let remaining = self.expires.saturating_sub(now.as_secs());
        u32::try_from(remaining).unwrap_or(u32::MAX)
    }

    fn expires_at(&self) -> UnixTime {
        UnixTime::since_unix_epoch(Duration::from_secs(self.expires))
    }
}

/// The parameters of a handshake that both sides store in order to resume its session.
#[derive(Debug)]
pub(crate) struct Session {
    pub(crate) suite: &'static Suite,
    pub(crate) master_secret: MasterSecret,
    pub(crate) extended_master_secret: bool,
    /// "The negotiated length applies for the duration of the session including session
    /// resumptions" ([RFC 6066 section 4](https://www.rfc-editor.org/rfc/rfc6066#section-4)).
    pub(crate) max_fragment_length: Option<MaxFragmentLength>,
    pub(crate) server_name: Option<ServerName<'static>>,
    pub(crate) peer_certificates: Box<[CertificateDer<'static>]>,
    /// The waivers that were needed for them.
    pub(crate) waivers: Waivers,
    /// True if an OCSP response with status "good" was verified for the first of them.
    pub(crate) ocsp_verified: bool,
    pub(crate) trust: TrustContext,
    pub(crate) validity: Validity,
}

/// The identifier with which a client offers a session.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Handle {
    /// The server's session ID, 1 to 32 bytes.
    Id(Box<[u8]>),
    /// A ticket, which only the server can decrypt.
    Ticket(Box<[u8]>),
}

impl Session {
    /// Encodes a server's session; `None` if it is too long to be stored.
    pub(crate) fn encode(&self) -> Option<StoredSession> {
        self.encode_with(None)
    }

    /// Decodes a server's session; `None` if the bytes are not one.
    pub(crate) fn decode(bytes: &[u8]) -> Option<Self> {
        match decode(bytes).ok()? {
            (session, None) => Some(session),
            (_, Some(_)) => None,
        }
    }

    /// Encodes a client's session with its handle; `None` if it is too long to be stored.
    pub(crate) fn encode_with_handle(&self, handle: &Handle) -> Option<StoredSession> {
        self.encode_with(Some(handle))
    }

    /// Decodes a client's session; `None` if the bytes are not one.
    pub(crate) fn decode_with_handle(bytes: &[u8]) -> Option<(Self, Handle)> {
        match decode(bytes).ok()? {
            // A server always presents a certificate.
            (session, _) if session.peer_certificates.is_empty() => None,
            (session, Some(handle)) => Some((session, handle)),
            (_, None) => None,
        }
    }

    fn encode_with(&self, handle: Option<&Handle>) -> Option<StoredSession> {
        // A missing name is encoded as an empty one, which no server has.
        let server_name = match &self.server_name {
            Some(name) => name.to_str(),
            None => "".into(),
        };
        let server_name = &*server_name;
        // Allocated once: a buffer that grows leaves a copy of the secret behind.
        let length = self.encoded_length(server_name, handle);
        if length > MAX_LENGTH {
            return None;
        }
        let mut out = Writer::with_capacity(length);
        out.push(LAYOUT);
        out.extend_from_slice(&self.suite.id.0.to_be_bytes());
        out.push(u8::from(self.extended_master_secret));
        out.push(self.max_fragment_length.map_or(0, |length| length.0));
        out.extend_from_slice(&self.waivers.to_bits().to_be_bytes());
        out.push(u8::from(self.ocsp_verified));
        out.extend_from_slice(&self.validity.created.to_be_bytes());
        out.extend_from_slice(&self.validity.expires.to_be_bytes());
        out.extend_from_slice(&self.trust.0);
        out.extend_from_slice(self.master_secret.as_bytes());
        out.vector(LengthPrefix::U16, |out| {
            out.extend_from_slice(server_name.as_bytes());
        });
        out.vector(LengthPrefix::U16, |out| {
            for certificate in &self.peer_certificates {
                out.vector(LengthPrefix::U16, |out| {
                    out.extend_from_slice(certificate);
                });
            }
        });
        let (kind, handle) = parts(handle);
        out.push(kind);
        out.vector(LengthPrefix::U16, |out| {
            out.extend_from_slice(handle);
        });
        let out = out.finish().ok()?;
        debug_assert_eq!(out.len(), length);
        Some(StoredSession::new(out, self.validity.expires_at()))
    }

    fn encoded_length(&self, server_name: &str, handle: Option<&Handle>) -> usize {
        let certificates = self.peer_certificates.iter();
        let (_, handle) = parts(handle);
        FIXED_LENGTH
            + server_name.len()
            + certificates.map(|certificate| 2 + certificate.len()).sum::<usize>()
            + handle.len()
    }
}

/// The length of the fields with a fixed length, and of the length prefixes of the others.
const FIXED_LENGTH: usize =
    1 + 2 + 1 + 1 + 2 + 1 + 8 + 8 + TrustContext::LENGTH + MASTER_SECRET + 2 + 2 + 1 + 2;

/// The number of a handle's kind, and the handle's bytes.
fn parts(handle: Option<&Handle>) -> (u8, &[u8]) {
    match handle {
        None => (0, &[]),
        Some(Handle::Id(id)) => (1, id),
        Some(Handle::Ticket(ticket)) => (2, ticket),
    }
}

fn decode(bytes: &[u8]) -> Result<(Session, Option<Handle>), DecodeError> {
    let mut reader = Reader::new(bytes);
    if bytes.len() > MAX_LENGTH || reader.u8()? != LAYOUT {
        return Err(DecodeError::BadLength);
    }
    let suite = Suite::of(CipherSuite(reader.u16()?)).ok_or(DecodeError::BadLength)?;
    let extended_master_secret = decode_flag(&mut reader)?;
    let max_fragment_length = match reader.u8()? {
        0 => None,
        length => Some(MaxFragmentLength(length)),
    };
    if max_fragment_length.is_some_and(|length| length.bytes().is_none()) {
        return Err(DecodeError::BadLength);
    }
    let waivers = Waivers::from_bits(reader.u16()?).ok_or(DecodeError::BadLength)?;
    let ocsp_verified = decode_flag(&mut reader)?;
    let validity = Validity {
        created: reader.array().map(u64::from_be_bytes)?,
        expires: reader.array().map(u64::from_be_bytes)?,
    };
    let trust = TrustContext(reader.array()?);
    let master_secret = Zeroizing::new(reader.array::<MASTER_SECRET>()?);
    let server_name = match reader.vector16()?.remainder() {
        [] => None,
        name => Some(decode_server_name(name)?),
    };
    let mut list = reader.vector16()?;
    let mut peer_certificates = Vec::new();
    while !list.is_empty() {
        let certificate = list.vector16()?.remainder().to_vec();
        peer_certificates.push(CertificateDer::from(certificate));
    }
    let kind = reader.u8()?;
    let handle = reader.vector16()?.remainder();
    let handle = match (kind, handle.len()) {
        (0, 0) => None,
        (1, 1..=32) => Some(Handle::Id(handle.into())),
        (2, 1..) => Some(Handle::Ticket(handle.into())),
        _ => return Err(DecodeError::BadLength),
    };
    reader.finish()?;
    let session = Session {
        suite,
        master_secret: MasterSecret::from_bytes(suite.prf, &master_secret),
        extended_master_secret,
        max_fragment_length,
        server_name,
        peer_certificates: peer_certificates.into(),
        waivers,
        ocsp_verified,
        trust,
        validity,
    };
    Ok((session, handle))
}

fn decode_flag(reader: &mut Reader<'_>) -> Result<bool, DecodeError> {
    match reader.u8()? {
        0 => Ok(false),
        1 => Ok(true),
        _ => Err(DecodeError::BadLength),
    }
}

/// Decodes a name, which must be in the form in which names are encoded.
fn decode_server_name(name: &[u8]) -> Result<ServerName<'static>, DecodeError> {
    let name = core::str::from_utf8(name).map_err(|_| DecodeError::BadLength)?;
    ServerName::try_from(name)
        .ok()
        .filter(|server_name| server_name.to_str() == name)
        .map(|server_name| server_name.to_owned())
        .ok_or(DecodeError::BadLength)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::waiver::Waiver;

    fn session() -> Session {
        let suite = Suite::of(CipherSuite::TLS_RSA_WITH_AES_128_GCM_SHA256).unwrap();
        Session {
            suite,
            master_secret: MasterSecret::from_bytes(suite.prf, &[7; MASTER_SECRET]),
            extended_master_secret: true,
            max_fragment_length: Some(MaxFragmentLength::L1024),
            server_name: Some("plc.example".try_into().unwrap()),
            peer_certificates: [vec![1, 2, 3], vec![4]].map(CertificateDer::from).into(),
            waivers: Waivers::from_iter([Waiver::CommonName]),
            ocsp_verified: true,
            trust: TrustContext::of(&[b"test"]),
            validity: Validity {
                created: 1000,
                expires: 2000,
            },
        }
    }

    fn assert_same(one: &Session, other: &Session) {
        // The master secret prints redacted.
        assert_eq!(one.master_secret.as_bytes(), other.master_secret.as_bytes());
        assert_eq!(format!("{one:?}"), format!("{other:?}"));
    }

    #[test]
    fn sessions_round_trip_for_their_own_side_only() {
        let bare = Session {
            max_fragment_length: None,
            server_name: None,
            peer_certificates: Box::default(),
            ..session()
        };
        let address = Session {
            server_name: Some("192.0.2.1".try_into().unwrap()),
            ..session()
        };
        for session in [session(), bare, address] {
            let stored = session.encode().unwrap();
            assert_same(&Session::decode(stored.as_bytes()).unwrap(), &session);
            assert!(Session::decode_with_handle(stored.as_bytes()).is_none());
            assert_eq!(stored.expires().as_secs(), 2000);
            for handle in [
                Handle::Id([5; 32].into()),
                Handle::Ticket(vec![6; 200].into()),
            ] {
                let stored = session.encode_with_handle(&handle).unwrap();
                assert!(Session::decode(stored.as_bytes()).is_none());
                let decoded = Session::decode_with_handle(stored.as_bytes());
                // A server always presents a certificate.
                assert_eq!(decoded.is_none(), session.peer_certificates.is_empty());
                if let Some((decoded, its)) = decoded {
                    assert_same(&decoded, &session);
                    assert_eq!(its, handle);
                }
            }
        }
    }

    #[test]
    fn damaged_bytes_are_no_session() {
        let handle = Handle::Id([5; 32].into());
        let stored = session().encode_with_handle(&handle).unwrap();
        let bytes = stored.as_bytes();
        for length in 0..bytes.len() {
            assert!(Session::decode_with_handle(&bytes[..length]).is_none());
        }
        assert!(Session::decode_with_handle(&[bytes, &[0]].concat()).is_none());
        // Layout, suite, flag, fragment length, waivers, OCSP, first letter of the name, kind of handle.
        let name = FIXED_LENGTH - 5;
        let kind = bytes.len() - 35;
        for (at, value) in [
            (0, 1),
            (2, 0),
            (3, 2),
            (4, 5),
            (5, 0xff),
            (7, 2),
            (name, b' '),
            (kind, 3),
        ] {
            let mut damaged = bytes.to_vec();
            damaged[at] = value;
            assert!(Session::decode_with_handle(&damaged).is_none(), "{at}");
        }
    }

    #[test]
    fn a_name_has_one_form() {
        let address = Session {
            server_name: Some("d::".try_into().unwrap()),
            ..session()
        };
        let mut bytes = address.encode().unwrap().as_bytes().to_vec();
        let name = FIXED_LENGTH - 5;
        assert_eq!(bytes[name - 2..name + 3], *b"\0\x03d::");
        bytes.splice(name - 1..name + 1, *b"\x040D");
        assert!(Session::decode(&bytes).is_none());
    }

    #[test]
    fn a_session_too_long_to_be_kept_is_not() {
        let mut session = session();
        session.peer_certificates = Box::new([CertificateDer::from(vec![0; MAX_LENGTH])]);
        assert!(session.encode().is_none());
    }

    #[test]
    fn validity_ends_with_the_lifetime_or_the_certificates() {
        let at = |seconds| UnixTime::since_unix_epoch(Duration::from_secs(seconds));
        let validity = Validity::starting(at(1000), 100, u64::MAX);
        for (seconds, valid) in [(939, false), (940, true), (1099, true), (1100, false)] {
            assert_eq!(validity.includes(at(seconds)), valid, "{seconds}");
        }
        assert_eq!(validity.remaining(at(1040)), 60);
        assert_eq!(validity.remaining(at(1140)), 0);
        assert!(!Validity::starting(at(1000), 100, 1050).includes(at(1050)));
        assert_eq!(Validity::starting(at(9), 9, 4).remaining(at(9)), 0);
    }

    #[test]
    fn trust_is_every_part_and_where_it_ends() {
        let contexts = [
            TrustContext::of(&[]),
            TrustContext::of(&[b""]),
            TrustContext::of(&[b"ab"]),
            TrustContext::of(&[b"a", b"b"]),
            TrustContext::of(&[b"b", b"a"]),
        ];
        for (index, context) in contexts.iter().enumerate() {
            assert!(!contexts[index + 1..].contains(context));
        }
    }
}
