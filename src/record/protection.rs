//! Record protection: sequence numbers and the AEAD
//! ([RFC 5246 section 6.2.3.3](https://www.rfc-editor.org/rfc/rfc5246#section-6.2.3.3),
//! [RFC 5288 section 3](https://www.rfc-editor.org/rfc/rfc5288#section-3)).
//!
//! A protected fragment is `explicit nonce | ciphertext | tag`. The explicit nonce that is sent is
//! the sequence number, so it never repeats; the one that is received may be anything.

use super::RecordHeader;
use crate::crypto::aead::{AeadKey, EXPLICIT_NONCE, TAG};
use crate::enums::{ContentType, ProtocolVersion};
use crate::error::{LocalError, PeerError};
use core::ops::Range;

/// What protection adds to a fragment.
pub(super) const OVERHEAD: usize = EXPLICIT_NONCE + TAG;

/// The number of the next record, until there is none.
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

/// One direction's key and record counter.
#[derive(Debug)]
pub(super) struct Protection {
    key: AeadKey,
    sequence: Sequence,
}

impl Protection {
    pub(super) fn new(key: AeadKey) -> Self {
        Self {
            key,
            sequence: Sequence(Some(0)),
        }
    }

    /// Appends `plaintext`, at most 2^14 bytes, as one protected record.
    pub(super) fn seal(
        &mut self,
        typ: ContentType,
        plaintext: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<(), LocalError> {
        let sequence = self.sequence.take()?;
        let explicit_nonce = sequence.to_be_bytes();
        // MAX_CIPHERTEXT fits sixteen bits; a longer plaintext is a fault of the fragmenting.
        let length =
            u16::try_from(plaintext.len() + OVERHEAD).map_err(|_| LocalError::KeyExhausted)?;
        let header = RecordHeader {
            typ,
            version: ProtocolVersion::TLS_1_2,
            length,
        };

        let start = out.len();
        out.extend_from_slice(&header.to_bytes());
        out.extend_from_slice(&explicit_nonce);
        let body = out.len();
        out.resize(body + plaintext.len(), 0);
        let sealed = self.key.seal(
            explicit_nonce,
            &additional_data(sequence, typ, plaintext.len()),
            plaintext,
            out.get_mut(body..).unwrap_or_default(),
        );
        match sealed {
            Ok(tag) => {
                out.extend_from_slice(&tag);
                Ok(())
            }
            Err(_) => {
                out.truncate(start);
                Err(LocalError::KeyExhausted)
            }
        }
    }

    /// Decrypts a record's fragment in place and says where in it the plaintext lies.
    ///
    /// Whatever is wrong with it, the error is the same: "If the decryption fails, a fatal
    /// bad_record_mac alert MUST be generated."
    pub(super) fn open(
        &mut self,
        typ: ContentType,
        fragment: &mut [u8],
    ) -> Result<Range<usize>, crate::error::Error> {
        let sequence = self.sequence.take()?;
        let length = fragment
            .len()
            .checked_sub(OVERHEAD)
            .ok_or(PeerError::BadRecord)?;
        let (explicit_nonce, rest) = fragment
            .split_first_chunk_mut::<EXPLICIT_NONCE>()
            .ok_or(PeerError::BadRecord)?;
        let (ciphertext, tag) = rest
            .split_last_chunk_mut::<TAG>()
            .ok_or(PeerError::BadRecord)?;
        self.key
            .open(
                *explicit_nonce,
                &additional_data(sequence, typ, length),
                ciphertext,
                *tag,
            )
            .map_err(|_| PeerError::BadRecord)?;
        Ok(EXPLICIT_NONCE..EXPLICIT_NONCE + length)
    }
}

/// `seq_num + TLSCompressed.type + TLSCompressed.version + TLSCompressed.length`.
fn additional_data(sequence: u64, typ: ContentType, length: usize) -> [u8; 13] {
    let [s0, s1, s2, s3, s4, s5, s6, s7] = sequence.to_be_bytes();
    let [major, minor] = ProtocolVersion::TLS_1_2.to_bytes();
    let [.., high, low] = length.to_be_bytes();
    [
        s0, s1, s2, s3, s4, s5, s6, s7, typ.0, major, minor, high, low,
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::suite::Suite;
    use crate::crypto::write_keys::WriteKeys;
    use crate::enums::CipherSuite;
    use crate::error::Error;
    use crate::record::HEADER;

    fn pair() -> (Protection, Protection) {
        let suite = Suite::of(CipherSuite::TLS_RSA_WITH_AES_128_GCM_SHA256).unwrap();
        let keys = WriteKeys {
            mac_key: &[],
            key: &[7; 16],
            iv: &[8; 4],
        };
        let key = AeadKey::new(suite, keys).unwrap();
        (Protection::new(key.clone()), Protection::new(key))
    }

    #[test]
    fn the_explicit_nonce_is_the_sequence_number() {
        let (mut sealer, mut opener) = pair();
        for sequence in 0u64..3 {
            let mut out = Vec::new();
            sealer
                .seal(ContentType::APPLICATION_DATA, b"data", &mut out)
                .unwrap();
            assert_eq!(out[..HEADER], [23, 3, 3, 0, 28]);
            assert_eq!(out[HEADER..HEADER + 8], sequence.to_be_bytes());
            let plaintext = opener
                .open(ContentType::APPLICATION_DATA, &mut out[HEADER..])
                .unwrap();
            assert_eq!(&out[HEADER..][plaintext], b"data");
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
        let sealed = {
            let mut out = Vec::new();
            let (mut sealer, _) = pair();
            sealer
                .seal(ContentType::APPLICATION_DATA, b"some data", &mut out)
                .unwrap();
            out.split_off(HEADER)
        };
        let open = |typ, mut fragment: Vec<u8>| pair().1.open(typ, &mut fragment);
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
