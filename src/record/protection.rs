//! Record protection
//! ([RFC 5246 section 6.2.3](https://www.rfc-editor.org/rfc/rfc5246#section-6.2.3)): a cipher, and
//! the sequence numbers of the records that it seals or opens.

use super::RecordHeader;
use crate::crypto::cipher::{AuthenticatedHeader, Cipher, CipherError};
use crate::enums::{ContentType, ProtocolVersion};
use crate::error::{Error, LocalError, PeerError};

/// The sequence number of the next record, or `None` once all are used.
///
/// "Sequence numbers are of type uint64 and may not exceed 2^64-1. Sequence numbers do not wrap."
#[derive(Clone, Copy, Debug)]
struct Sequence(Option<u64>);

impl Sequence {
    fn take(&mut self) -> Result<u64, LocalError> {
        let current = self.0.ok_or(LocalError::KeyExhausted)?;
        self.0 = current.checked_add(1);
        Ok(current)
    }
}

/// One direction's cipher and sequence number.
#[derive(Debug)]
pub(super) struct Protection {
    cipher: Cipher,
    sequence: Sequence,
}

impl Protection {
    pub(super) fn new(cipher: Cipher) -> Self {
        Self {
            cipher,
            sequence: Sequence(Some(0)),
        }
    }

    /// The most bytes by which a protected fragment is longer than its plaintext.
    pub(super) fn max_overhead(&self) -> usize {
        self.cipher.max_overhead()
    }

    /// The length of the fragment that [`seal`](Self::seal) makes of a plaintext of this length.
    pub(super) fn fragment_length(&self, plaintext: usize) -> usize {
        self.cipher.fragment_length(plaintext)
    }

    /// Appends `plaintext`, at most 2^14 bytes, as one protected record. Leaves `out` unchanged on
    /// an error.
    pub(super) fn seal(
        &mut self,
        typ: ContentType,
        plaintext: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<(), LocalError> {
        let authenticated = self.next(typ)?;
        let length = self.fragment_length(plaintext.len());
        let header = RecordHeader::new(typ, authenticated.version, length)?;
        let start = out.len();
        out.extend_from_slice(&header.to_bytes());
        self.cipher.seal(authenticated, plaintext, out).map_err(|CipherError| {
            out.truncate(start);
            LocalError::Internal("a plaintext could not be sealed")
        })
    }

    /// Decrypts a record's fragment in place and returns its plaintext.
    ///
    /// Every flaw is one error: "If the decryption fails, a fatal bad_record_mac alert MUST be
    /// generated."
    pub(super) fn open<'f>(
        &mut self,
        typ: ContentType,
        fragment: &'f mut [u8],
    ) -> Result<&'f mut [u8], Error> {
        let authenticated = self.next(typ)?;
        self.cipher.largest_plaintext(fragment.len()).ok_or(PeerError::BadRecord)?;
        self.cipher
            .open(authenticated, fragment)
            .map_err(|CipherError| PeerError::BadRecord.into())
    }

    /// Uses up all sequence numbers.
    #[cfg(test)]
    pub(super) fn exhaust(&mut self) {
        self.sequence = Sequence(None);
    }

    /// Returns the authenticated header of the next record, and uses up its sequence number.
    fn next(&mut self, typ: ContentType) -> Result<AuthenticatedHeader, LocalError> {
        Ok(AuthenticatedHeader {
            sequence: self.sequence.take()?,
            typ,
            version: ProtocolVersion::TLS_1_2,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::suite::Suite;
    use crate::enums::CipherSuite;
    use crate::record::{HEADER, testing};

    fn pair() -> (Protection, Protection) {
        pair_of(Suite::of(CipherSuite::TLS_RSA_WITH_AES_128_GCM_SHA256).unwrap())
    }

    fn pair_of(suite: &Suite) -> (Protection, Protection) {
        let cipher = testing::cipher(suite);
        (Protection::new(cipher.clone()), Protection::new(cipher))
    }

    #[test]
    fn the_explicit_nonce_is_the_sequence_number() {
        let (mut sealer, mut opener) = pair();
        for sequence in 0u64..3 {
            let mut out = Vec::new();
            sealer.seal(ContentType::APPLICATION_DATA, b"data", &mut out).unwrap();
            assert_eq!(out[..HEADER], [23, 3, 3, 0, 28]);
            assert_eq!(out[HEADER..HEADER + 8], sequence.to_be_bytes());
            let plaintext = opener.open(ContentType::APPLICATION_DATA, &mut out[HEADER..]).unwrap();
            assert_eq!(plaintext, b"data");
        }
    }

    #[test]
    fn the_last_sequence_number_is_used_and_never_wraps() {
        let (mut sealer, mut opener) = pair();
        sealer.sequence = Sequence(Some(u64::MAX));
        opener.sequence = Sequence(Some(u64::MAX));
        let mut out = Vec::new();
        sealer.seal(ContentType::ALERT, &[1, 0], &mut out).unwrap();
        opener.open(ContentType::ALERT, &mut out[HEADER..]).unwrap();
        let length = out.len();
        assert_eq!(
            sealer.seal(ContentType::ALERT, &[1, 0], &mut out),
            Err(LocalError::KeyExhausted)
        );
        assert_eq!(out.len(), length);
        assert_eq!(
            opener.open(ContentType::ALERT, &mut out[HEADER..]),
            Err(Error::Local(LocalError::KeyExhausted))
        );
    }

    #[test]
    fn every_flaw_is_the_same_error() {
        for suite in Suite::all() {
            assert_each_flaw_is_the_same_error(suite);
        }
    }

    fn assert_each_flaw_is_the_same_error(suite: &Suite) {
        let sealed = {
            let mut out = Vec::new();
            let (mut sealer, _) = pair_of(suite);
            sealer.seal(ContentType::APPLICATION_DATA, b"some data", &mut out).unwrap();
            out.split_off(HEADER)
        };
        let open =
            |typ, mut fragment: Vec<u8>| pair_of(suite).1.open(typ, &mut fragment).map(|_| ());
        let bad = Err(Error::Peer(PeerError::BadRecord));
        for at in 0..sealed.len() {
            let mut fragment = sealed.clone();
            fragment[at] ^= 1;
            assert_eq!(open(ContentType::APPLICATION_DATA, fragment), bad);
        }
        for length in 0..sealed.len() {
            assert_eq!(
                open(ContentType::APPLICATION_DATA, sealed[..length].to_vec()),
                bad
            );
        }
        assert_eq!(open(ContentType::ALERT, sealed.clone()), bad);
        assert!(open(ContentType::APPLICATION_DATA, sealed).is_ok());
    }
}
