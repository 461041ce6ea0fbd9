//! The header of a record, with which TLSPlaintext, TLSCompressed and TLSCiphertext begin.

use crate::codec::Reader;
use crate::enums::{ContentType, ProtocolVersion};
use crate::error::{DecodeError, LocalError};

/// Length of a record's header: type, version, length.
pub(crate) const HEADER: usize = 5;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct RecordHeader {
    pub(super) typ: ContentType,
    pub(super) version: ProtocolVersion,
    /// Length of the fragment behind the header.
    pub(super) length: u16,
}

impl RecordHeader {
    /// Creates the header of a fragment that is `length` bytes long.
    pub(super) fn new(
        typ: ContentType,
        version: ProtocolVersion,
        length: usize,
    ) -> Result<Self, LocalError> {
        let length = u16::try_from(length)
            .map_err(|_| LocalError::Internal("a fragment is too long for its length field"))?;
        Ok(Self {
            typ,
            version,
            length,
        })
    }

    pub(super) fn to_bytes(self) -> [u8; HEADER] {
        let [major, minor] = self.version.to_bytes();
        let [high, low] = self.length.to_be_bytes();
        [self.typ.0, major, minor, high, low]
    }

    /// Returns the number of bytes that input with this beginning needs, at least, to hold a record:
    /// the length of the record, or of a header if even that is incomplete.
    pub(super) fn record_length(input: &[u8]) -> usize {
        match Self::decode(&mut Reader::new(input)) {
            Ok(header) => HEADER + usize::from(header.length),
            Err(_) => HEADER,
        }
    }

    pub(super) fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            typ: ContentType(reader.u8()?),
            version: ProtocolVersion(reader.u16()?),
            length: reader.u16()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_survives_a_round_trip() {
        let header = RecordHeader::new(ContentType::ALERT, ProtocolVersion::TLS_1_1, 0x0102);
        let header = header.unwrap();
        assert_eq!(header.to_bytes(), [21, 3, 2, 1, 2]);
        assert_eq!(
            RecordHeader::decode(&mut Reader::new(&header.to_bytes())),
            Ok(header)
        );
        assert_eq!(
            RecordHeader::decode(&mut Reader::new(&[21, 3, 2, 1])),
            Err(DecodeError::Truncated)
        );
    }

    #[test]
    fn a_record_needs_its_header_then_what_that_announces() {
        let record = [22, 3, 3, 1, 2, 0];
        for input in [&[][..], &record[..1], &record[..4]] {
            assert_eq!(RecordHeader::record_length(input), HEADER);
        }
        for input in [&record[..5], &record] {
            assert_eq!(RecordHeader::record_length(input), HEADER + 0x0102);
        }
    }

    #[test]
    fn a_length_is_never_cut() {
        let new = |length| RecordHeader::new(ContentType::ALERT, ProtocolVersion::TLS_1_2, length);
        assert_eq!(new(0xffff).unwrap().length, 0xffff);
        assert!(matches!(new(0x1_0000), Err(LocalError::Internal(_))));
    }
}
