//! The record layer ([RFC 5246 section 6.2](https://www.rfc-editor.org/rfc/rfc5246#section-6.2)),
//! over buffers that belong to the caller.
//!
//! | section | subject | where |
//! |---|---|---|
//! | 6.2.1 | fragmentation: headers and limits, one type for each direction | `header`, `write`, `read` |
//! | 6.2.2 | compression: the null method, which changes nothing | |
//! | 6.2.3 | protection: sequence numbers, and a cipher that does the rest | `protection` |
//!
//! A cipher tells how much it adds; no module here depends on what a fragment is made of.

mod header;
mod peek;
mod protection;
mod read;
mod write;

pub(crate) use header::HEADER;
use header::RecordHeader;
pub(crate) use peek::{Fragment, fragments};
pub(crate) use read::{RecordReader, VersionRule};
pub(crate) use write::RecordWriter;

use crate::error::LocalError;

/// The most plaintext in a record (section 6.2.1): "The length MUST NOT exceed 2^14."
pub(crate) const MAX_PLAINTEXT: usize = 1 << 14;

/// The longest fragment of a protected record with any cipher (section 6.2.3): "The length MUST NOT
/// exceed 2^14 + 2048."
pub(crate) const MAX_CIPHERTEXT: usize = MAX_PLAINTEXT + 2048;

/// The most bytes that a record of any cipher suite of this crate adds to its plaintext: its header,
/// and with CBC and HMAC-SHA-256 the IV, the MAC and the longest padding, which a peer may choose
/// ([RFC 5246 section 6.2.3.2](https://www.rfc-editor.org/rfc/rfc5246#section-6.2.3.2)). AES-GCM adds
/// 29 bytes.
///
/// A record of `n` bytes of plaintext, sent or received, has at most `n + RECORD_OVERHEAD` bytes.
pub const RECORD_OVERHEAD: usize = HEADER + 16 + 32 + 256;

/// Returns the number of bytes that input with this beginning needs, at least, to hold a record:
/// the length of the record, or of a header if even that is incomplete.
pub(crate) fn record_length(input: &[u8]) -> usize {
    RecordHeader::record_length(input)
}

/// The most plaintext in a record of one direction: [`MAX_PLAINTEXT`], or less if the peers agreed
/// on less. Never zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct PlaintextLimit(usize);

impl PlaintextLimit {
    const PROTOCOL: Self = Self(MAX_PLAINTEXT);

    fn new(length: usize) -> Result<Self, LocalError> {
        match length {
            1..=MAX_PLAINTEXT => Ok(Self(length)),
            _ => Err(LocalError::Internal(
                "a plaintext limit is zero or above 2^14",
            )),
        }
    }
}

#[cfg(test)]
mod testing {
    use crate::crypto::cipher::{Cipher, MacOrder, WriteKeys};
    use crate::crypto::rng::testing::Fixed;
    use crate::crypto::suite::Suite;

    /// The cipher of a suite, always with the same key.
    pub(super) fn cipher(suite: &Suite) -> Cipher {
        let keys = WriteKeys {
            mac_key: &[5; 48][..suite.mac_key_length],
            key: &[7; 32][..suite.enc_key_length],
            iv: &[8; 16][..suite.fixed_iv_length],
        };
        Cipher::new(suite, keys, MacOrder::MacThenEncrypt, &Fixed(9)).unwrap()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::suite::Suite;

    #[test]
    fn no_cipher_adds_more_than_the_protocol_allows() {
        for suite in Suite::all() {
            let cipher = testing::cipher(suite);
            assert!(MAX_PLAINTEXT + cipher.max_overhead() <= MAX_CIPHERTEXT);
        }
    }

    #[test]
    fn the_overhead_is_that_of_the_suite_that_adds_most() {
        let overheads = Suite::all().map(|suite| HEADER + testing::cipher(suite).max_overhead());
        assert_eq!(overheads.max(), Some(RECORD_OVERHEAD));
    }

    #[test]
    fn a_limit_is_from_one_byte_to_the_protocols_most() {
        for length in [1, 64, MAX_PLAINTEXT] {
            assert_eq!(PlaintextLimit::new(length), Ok(PlaintextLimit(length)));
        }
        for length in [0, MAX_PLAINTEXT + 1] {
            assert!(matches!(
                PlaintextLimit::new(length),
                Err(LocalError::Internal(_))
            ));
        }
    }
}
