//! The input of every cipher, and its error.

use crate::enums::{ContentType, ProtocolVersion};
use crate::error::LocalError;
use core::fmt;

/// Sealing or opening failed. The reason is not told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct CipherError;

/// What a cipher answers to keys that were cut for another one.
pub(super) const DOES_NOT_FIT: LocalError =
    LocalError::Internal("a key block does not fit its suite");

/// One side's part of the key block.
#[derive(Clone, Copy)]
pub(crate) struct WriteKeys<'a> {
    /// Empty for an AEAD suite.
    pub(crate) mac_key: &'a [u8],
    pub(crate) key: &'a [u8],
    pub(crate) iv: &'a [u8],
}

impl fmt::Debug for WriteKeys<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

/// The data that is authenticated with a plaintext but is not part of its fragment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct AuthenticatedHeader {
    /// The sequence number of the record, used for one record only under each key.
    pub(crate) sequence: u64,
    pub(crate) typ: ContentType,
    pub(crate) version: ProtocolVersion,
}

impl AuthenticatedHeader {
    /// `seq_num + TLSCompressed.type + TLSCompressed.version + TLSCompressed.length`: the
    /// additional data of an AEAD, and what a MAC covers before the plaintext.
    pub(super) fn with_length(self, plaintext: usize) -> Result<[u8; 13], CipherError> {
        let length = u16::try_from(plaintext).map_err(|_| CipherError)?;
        let [s0, s1, s2, s3, s4, s5, s6, s7] = self.sequence.to_be_bytes();
        let [major, minor] = self.version.to_bytes();
        let [high, low] = length.to_be_bytes();
        Ok([
            s0, s1, s2, s3, s4, s5, s6, s7, self.typ.0, major, minor, high, low,
        ])
    }
}
