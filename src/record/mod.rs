//! The record layer ([RFC 5246 section 6.2](https://www.rfc-editor.org/rfc/rfc5246#section-6.2)):
//! headers and their limits, one direction each way, over buffers that belong to the caller.

mod protection;
mod read;
mod write;

use protection::OVERHEAD;
pub(crate) use read::{RecordReader, VersionRule};
pub(crate) use write::RecordWriter;

use crate::codec::Reader;
use crate::enums::{ContentType, ProtocolVersion};
use crate::error::DecodeError;

/// Length of a record's header: type, version, length.
pub(crate) const HEADER: usize = 5;

/// The most plaintext in a record: "The length MUST NOT exceed 2^14."
pub(crate) const MAX_PLAINTEXT: usize = 1 << 14;

/// The most bytes after the header of a protected record. "The length MUST NOT exceed 2^14 + 2048",
/// and AES-GCM always adds the same: a longer record holds too much plaintext.
pub(crate) const MAX_CIPHERTEXT: usize = MAX_PLAINTEXT + OVERHEAD;

/// A record's header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct RecordHeader {
    pub(crate) typ: ContentType,
    pub(crate) version: ProtocolVersion,
    pub(crate) length: u16,
}

impl RecordHeader {
    pub(crate) fn to_bytes(self) -> [u8; HEADER] {
        let [major, minor] = self.version.to_bytes();
        let [high, low] = self.length.to_be_bytes();
        [self.typ.0, major, minor, high, low]
    }

    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            typ: ContentType(reader.u8()?),
            version: ProtocolVersion(reader.u16()?),
            length: reader.u16()?,
        })
    }
}
