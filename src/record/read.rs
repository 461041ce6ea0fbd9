//! Records coming in.

use super::protection::{OVERHEAD, Protection};
use super::{HEADER, MAX_PLAINTEXT, RecordHeader};
use crate::codec::Reader;
use crate::crypto::aead::AeadKey;
use crate::enums::{ContentType, ProtocolVersion};
use crate::error::{Error, PeerError};
use core::ops::Range;

/// How many empty records may come in a row.
///
/// "Zero-length fragments of Application data MAY be sent as they are potentially useful as a
/// traffic analysis countermeasure": OpenSSL's old countermeasure sent one before each record, so a
/// few are honest; an endless row is a peer that wants work done for nothing.
const MAX_EMPTY_RECORDS: u8 = 32;

/// Which versions a record may carry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum VersionRule {
    /// {03,XX}: nothing is negotiated yet. "TLS servers compliant with this specification MUST
    /// accept any value {03,XX} as the record layer version number for ClientHello"
    /// ([RFC 5246 appendix E.1](https://www.rfc-editor.org/rfc/rfc5246#appendix-E.1)); and a client
    /// wants to read the alert with which an older server refuses it.
    AnyTls,
    /// {03,03}, once TLS 1.2 is agreed.
    Tls12,
}

/// One record, deframed and decrypted: its type and where its plaintext lies.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Plaintext {
    pub(crate) typ: ContentType,
    pub(crate) version: ProtocolVersion,
    /// Position of the plaintext in the bytes that were given.
    pub(crate) content: Range<usize>,
    /// Length of the whole record.
    pub(crate) consumed: usize,
}

/// The receiving direction.
#[derive(Debug)]
pub(crate) struct RecordReader {
    protection: Option<Protection>,
    versions: VersionRule,
    /// The most plaintext in a record.
    max_plaintext: usize,
    empty_in_a_row: u8,
}

impl RecordReader {
    pub(crate) fn new(versions: VersionRule) -> Self {
        Self {
            protection: None,
            versions,
            max_plaintext: MAX_PLAINTEXT,
            empty_in_a_row: 0,
        }
    }

    /// From the next record on, only TLS 1.2 is accepted.
    pub(crate) fn expect_tls12(&mut self) {
        self.versions = VersionRule::Tls12;
    }

    /// From the next record on, everything is protected with `key`.
    pub(crate) fn install(&mut self, key: AeadKey) {
        self.protection = Some(Protection::new(key));
    }

    /// From the next record on, no more than `length` bytes of plaintext are accepted, 2^14 at most.
    pub(crate) fn limit(&mut self, length: usize) {
        self.max_plaintext = length;
    }

    /// Takes the record at the front of `incoming`, decrypting it where it lies, or `None` if it
    /// is not all there. A header that breaks a rule is refused before its record has arrived.
    pub(crate) fn read(&mut self, incoming: &mut [u8]) -> Result<Option<Plaintext>, Error> {
        let Ok(header) = RecordHeader::decode(&mut Reader::new(incoming)) else {
            return Ok(None);
        };
        self.check(header)?;
        let consumed = HEADER + usize::from(header.length);
        let Some(fragment) = incoming.get_mut(HEADER..consumed) else {
            return Ok(None);
        };

        let content = match &mut self.protection {
            None => 0..fragment.len(),
            Some(protection) => protection.open(header.typ, fragment)?,
        };
        self.count_empty(header.typ, content.is_empty())?;
        Ok(Some(Plaintext {
            typ: header.typ,
            version: header.version,
            content: HEADER + content.start..HEADER + content.end,
            consumed,
        }))
    }

    fn check(&self, header: RecordHeader) -> Result<(), PeerError> {
        let accepted = match self.versions {
            VersionRule::AnyTls => header.version.is_tls(),
            // A client that gives up before it has seen what was agreed says so in another version.
            VersionRule::Tls12 if header.typ == ContentType::ALERT && self.protection.is_none() => {
                header.version.is_tls()
            }
            VersionRule::Tls12 => header.version == ProtocolVersion::TLS_1_2,
        };
        if !accepted {
            return Err(PeerError::RecordVersion(header.version));
        }
        // "If a TLS implementation receives an unexpected record type, it MUST send an
        // unexpected_message alert."
        if header.typ.name().is_none() {
            return Err(PeerError::UnexpectedRecord(header.typ));
        }
        // What is too long is refused without decrypting it (RFC 6066 section 4).
        let overhead = match self.protection {
            None => 0,
            Some(_) => OVERHEAD,
        };
        if usize::from(header.length) > self.max_plaintext + overhead {
            return Err(PeerError::RecordTooLong);
        }
        Ok(())
    }

    /// "Implementations MUST NOT send zero-length fragments of Handshake, Alert, or
    /// ChangeCipherSpec content types."
    fn count_empty(&mut self, typ: ContentType, empty: bool) -> Result<(), PeerError> {
        if !empty {
            self.empty_in_a_row = 0;
            return Ok(());
        }
        if typ != ContentType::APPLICATION_DATA {
            return Err(PeerError::EmptyRecord(typ));
        }
        self.empty_in_a_row += 1;
        if self.empty_in_a_row > MAX_EMPTY_RECORDS {
            return Err(PeerError::TooManyEmptyRecords);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(versions: VersionRule, record: &[u8]) -> Result<Option<Plaintext>, Error> {
        RecordReader::new(versions).read(&mut record.to_vec())
    }

    #[test]
    fn a_record_is_taken_only_whole() {
        let record = [22, 3, 1, 0, 2, 7, 8, 99];
        for length in 0..7 {
            assert_eq!(read(VersionRule::AnyTls, &record[..length]), Ok(None));
        }
        assert_eq!(
            read(VersionRule::AnyTls, &record),
            Ok(Some(Plaintext {
                typ: ContentType::HANDSHAKE,
                version: ProtocolVersion::TLS_1_0,
                content: 5..7,
                consumed: 7,
            }))
        );
    }

    #[test]
    fn versions_follow_the_rule() {
        for (versions, typ, version, accepted) in [
            (VersionRule::AnyTls, 22, 0x0300, true),
            (VersionRule::AnyTls, 22, 0x03ff, true),
            (VersionRule::AnyTls, 22, 0x0200, false),
            (VersionRule::Tls12, 22, 0x0303, true),
            (VersionRule::Tls12, 22, 0x0301, false),
            (VersionRule::Tls12, 21, 0x0301, true),
            (VersionRule::Tls12, 21, 0x0200, false),
        ] {
            let [major, minor] = u16::to_be_bytes(version);
            let result = read(versions, &[typ, major, minor, 0, 2, 0, 0]);
            let refused = PeerError::RecordVersion(ProtocolVersion(version));
            match accepted {
                true => assert!(result.unwrap().is_some()),
                false => assert_eq!(result, Err(refused.into())),
            }
        }
    }

    #[test]
    fn limits_and_types_are_checked_on_the_header_alone() {
        assert_eq!(read(VersionRule::Tls12, &[22, 3, 3, 0x40, 0]), Ok(None));
        assert_eq!(
            read(VersionRule::Tls12, &[22, 3, 3, 0x40, 1]),
            Err(PeerError::RecordTooLong.into())
        );
        assert_eq!(
            read(VersionRule::Tls12, &[24, 3, 3, 0, 1]),
            Err(PeerError::UnexpectedRecord(ContentType(24)).into())
        );
    }

    #[test]
    fn only_application_data_may_be_empty_and_not_for_ever() {
        for typ in [20, 21, 22] {
            assert_eq!(
                read(VersionRule::Tls12, &[typ, 3, 3, 0, 0]),
                Err(PeerError::EmptyRecord(ContentType(typ)).into())
            );
        }
        let mut reader = RecordReader::new(VersionRule::Tls12);
        let mut read = |record: &[u8]| reader.read(&mut record.to_vec());
        for _ in 0..2 {
            for _ in 0..MAX_EMPTY_RECORDS {
                assert!(read(&[23, 3, 3, 0, 0]).unwrap().is_some());
            }
            assert!(read(&[23, 3, 3, 0, 1, 0]).unwrap().is_some());
        }
        for _ in 0..MAX_EMPTY_RECORDS {
            read(&[23, 3, 3, 0, 0]).unwrap();
        }
        assert_eq!(
            read(&[23, 3, 3, 0, 0]),
            Err(PeerError::TooManyEmptyRecords.into())
        );
    }
}
