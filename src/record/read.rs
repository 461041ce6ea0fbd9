//! Received records
//! ([RFC 5246 section 6.2.1](https://www.rfc-editor.org/rfc/rfc5246#section-6.2.1)).

use super::protection::Protection;
use super::{HEADER, PlaintextLimit, RecordHeader};
use crate::codec::Reader;
use crate::crypto::cipher::Cipher;
use crate::enums::{ContentType, ProtocolVersion};
use crate::error::{Error, ForeignProtocol, LocalError, PeerError};

/// The most empty records without application data between them.
///
/// "Zero-length fragments of Application data MAY be sent as they are potentially useful as a
/// traffic analysis countermeasure": OpenSSL's old countermeasure sent one before each record, so a
/// few are legitimate. An endless row makes this side work for nothing, also if other records that
/// carry no data stand in between.
const MAX_EMPTY_RECORDS: u8 = 32;

/// The versions that a received record may carry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum VersionRule {
    /// {03,XX}, while no version is negotiated. "TLS servers compliant with this specification MUST
    /// accept any value {03,XX} as the record layer version number for ClientHello"
    /// ([RFC 5246 appendix E.1](https://www.rfc-editor.org/rfc/rfc5246#appendix-E.1)). A client
    /// reads the alert with which an older server refuses it.
    AnyTls,
    /// {03,03}, once TLS 1.2 is agreed.
    Tls12,
}

/// One decrypted record: a TLSPlaintext in the buffer that it was received in.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Plaintext<'b> {
    pub(crate) typ: ContentType,
    pub(crate) version: ProtocolVersion,
    pub(crate) content: &'b mut [u8],
}

/// The receiving direction.
#[derive(Debug)]
pub(crate) struct RecordReader {
    protection: Option<Protection>,
    versions: VersionRule,
    limit: PlaintextLimit,
    empty_since_data: u8,
}

impl RecordReader {
    pub(crate) fn new(versions: VersionRule) -> Self {
        Self {
            protection: None,
            versions,
            limit: PlaintextLimit::PROTOCOL,
            empty_since_data: 0,
        }
    }

    /// From the next record on, only TLS 1.2 is accepted.
    pub(crate) fn expect_tls12(&mut self) {
        self.versions = VersionRule::Tls12;
    }

    /// From the next record on, everything is protected with `cipher`.
    pub(crate) fn install(&mut self, cipher: Cipher) {
        self.protection = Some(Protection::new(cipher));
    }

    /// From the next record on, no more than `length` bytes of plaintext are accepted.
    pub(crate) fn limit(&mut self, length: usize) -> Result<(), LocalError> {
        self.limit = PlaintextLimit::new(length)?;
        Ok(())
    }

    /// Removes the record at the front of `incoming` and decrypts it in place; `None` if it is not
    /// complete. A header that breaks a rule is refused before the rest of its record arrives.
    pub(crate) fn read<'b>(
        &mut self,
        incoming: &mut &'b mut [u8],
    ) -> Result<Option<Plaintext<'b>>, Error> {
        let Ok(header) = RecordHeader::decode(&mut Reader::new(incoming)) else {
            return Ok(None);
        };
        self.check(header)?;
        let length = HEADER + usize::from(header.length);
        let Some((_, fragment)) = incoming
            .split_off_mut(..length)
            .and_then(|record| record.split_first_chunk_mut::<HEADER>())
        else {
            return Ok(None);
        };

        let content = match &mut self.protection {
            None => fragment,
            Some(protection) => protection.open(header.typ, fragment)?,
        };
        // Padding can hide until here that the plaintext is too long.
        if content.len() > self.limit.0 {
            return Err(PeerError::RecordTooLong.into());
        }
        self.count_empty(header.typ, content.is_empty())?;
        Ok(Some(Plaintext {
            typ: header.typ,
            version: header.version,
            content,
        }))
    }

    fn check(&self, header: RecordHeader) -> Result<(), PeerError> {
        let accepted = match self.versions {
            VersionRule::AnyTls => header.version.is_tls(),
            // The alert of a client that has not seen the agreed version may carry another one.
            VersionRule::Tls12 if header.typ == ContentType::ALERT && self.protection.is_none() => {
                header.version.is_tls()
            }
            VersionRule::Tls12 => header.version == ProtocolVersion::TLS_1_2,
        };
        if !accepted {
            return Err(
                match (self.versions, ForeignProtocol::of(&header.to_bytes())) {
                    (VersionRule::AnyTls, Some(protocol)) => PeerError::NotTls(protocol),
                    _ => PeerError::RecordVersion(header.version),
                },
            );
        }
        // "If a TLS implementation receives an unexpected record type, it MUST send an
        // unexpected_message alert."
        if header.typ.name().is_none() {
            return Err(PeerError::UnexpectedRecord(header.typ));
        }
        // A record that is too long is refused without decrypting it (RFC 6066 section 4).
        let overhead = match &self.protection {
            None => 0,
            Some(protection) => protection.max_overhead(),
        };
        if usize::from(header.length) > self.limit.0 + overhead {
            return Err(PeerError::RecordTooLong);
        }
        Ok(())
    }

    /// "Implementations MUST NOT send zero-length fragments of Handshake, Alert, or
    /// ChangeCipherSpec content types."
    fn count_empty(&mut self, typ: ContentType, empty: bool) -> Result<(), PeerError> {
        match (typ, empty) {
            (ContentType::APPLICATION_DATA, false) => self.empty_since_data = 0,
            (ContentType::APPLICATION_DATA, true) => {
                self.empty_since_data += 1;
                if self.empty_since_data > MAX_EMPTY_RECORDS {
                    return Err(PeerError::TooManyEmptyRecords);
                }
            }
            (_, false) => {}
            (_, true) => return Err(PeerError::EmptyRecord(typ)),
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::suite::Suite;
    use crate::record::{MAX_PLAINTEXT, RecordWriter, testing};

    /// A record's type, version and content, and how many bytes are left behind it.
    type Read = (u8, u16, Vec<u8>, usize);

    /// What is read first of these bytes.
    fn read_with(reader: &mut RecordReader, record: &[u8]) -> Result<Option<Read>, Error> {
        let mut bytes = record.to_vec();
        let mut rest = &mut bytes[..];
        let read = reader.read(&mut rest)?;
        Ok(read.map(|record| {
            let content = record.content.to_vec();
            (record.typ.0, record.version.0, content, rest.len())
        }))
    }

    fn read(versions: VersionRule, record: &[u8]) -> Result<Option<Read>, Error> {
        read_with(&mut RecordReader::new(versions), record)
    }

    #[test]
    fn a_record_is_taken_only_whole() {
        let record = [22, 3, 1, 0, 2, 7, 8, 99];
        for length in 0..7 {
            assert_eq!(read(VersionRule::AnyTls, &record[..length]), Ok(None));
        }
        assert_eq!(
            read(VersionRule::AnyTls, &record),
            Ok(Some((22, 0x0301, vec![7, 8], 1)))
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
            if accepted {
                assert!(result.unwrap().is_some());
            } else {
                assert_eq!(result, Err(refused.into()));
            }
        }
    }

    /// Only the first record can be of another protocol; later bytes that look like one are damage.
    #[test]
    fn bytes_of_another_protocol_are_named_while_no_version_is_agreed() {
        for (versions, expected) in [
            (
                VersionRule::AnyTls,
                PeerError::NotTls(ForeignProtocol::HttpRequest),
            ),
            (
                VersionRule::Tls12,
                PeerError::RecordVersion(ProtocolVersion(0x4554)),
            ),
        ] {
            assert_eq!(read(versions, b"GET "), Ok(None));
            assert_eq!(read(versions, b"GET /"), Err(expected.into()));
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
    fn what_is_not_whole_is_left_where_it_is() {
        let mut bytes = [22, 3, 3, 0, 2, 7];
        let mut rest = &mut bytes[..];
        let mut reader = RecordReader::new(VersionRule::Tls12);
        assert_eq!(reader.read(&mut rest), Ok(None));
        assert_eq!(rest, [22, 3, 3, 0, 2, 7]);
    }

    /// The cipher determines the longest fragment, and the header is enough to refuse a longer one.
    #[test]
    fn a_protected_record_may_be_longer_by_what_its_cipher_adds() {
        for suite in Suite::all() {
            for limit in [64, 512, MAX_PLAINTEXT] {
                let cipher = testing::cipher(suite);
                let most = limit + cipher.max_overhead();
                let mut reader = RecordReader::new(VersionRule::Tls12);
                reader.install(cipher);
                reader.limit(limit).unwrap();
                for (length, result) in [
                    (most, Ok(None)),
                    (most + 1, Err(PeerError::RecordTooLong.into())),
                ] {
                    let [high, low] = u16::try_from(length).unwrap().to_be_bytes();
                    assert_eq!(read_with(&mut reader, &[23, 3, 3, high, low]), result);
                }
            }
        }
    }

    #[test]
    fn what_a_writer_protects_its_reader_reads() {
        for suite in Suite::all() {
            let mut writer = RecordWriter::new(ProtocolVersion::TLS_1_2);
            writer.install(testing::cipher(suite));
            let mut reader = RecordReader::new(VersionRule::Tls12);
            reader.install(testing::cipher(suite));
            for length in [1, 16, MAX_PLAINTEXT] {
                let content = vec![9; length];
                let mut out = Vec::new();
                writer.write(ContentType::APPLICATION_DATA, &content, &mut out).unwrap();
                let expected = Ok(Some((23, 0x0303, content, 0)));
                assert_eq!(read_with(&mut reader, &out), expected);
            }
        }
    }

    /// It is refused with bad_record_mac, as every record that cannot be opened.
    #[test]
    fn a_protected_record_too_short_for_its_cipher_is_a_bad_record() {
        let suite = Suite::all().next().unwrap();
        let mut reader = RecordReader::new(VersionRule::Tls12);
        reader.install(testing::cipher(suite));
        assert_eq!(
            read_with(&mut reader, &[23, 3, 3, 0, 1, 0]),
            Err(PeerError::BadRecord.into())
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
        let mut read = |record: &[u8]| read_with(&mut reader, record);
        for _ in 0..2 {
            for _ in 0..MAX_EMPTY_RECORDS {
                assert!(read(&[23, 3, 3, 0, 0]).unwrap().is_some());
            }
            assert!(read(&[23, 3, 3, 0, 1, 0]).unwrap().is_some());
        }
        // Only data clears the count.
        for _ in 0..MAX_EMPTY_RECORDS {
            read(&[23, 3, 3, 0, 0]).unwrap();
            for typ in [20, 21, 22] {
                read(&[typ, 3, 3, 0, 1, 0]).unwrap();
            }
        }
        assert_eq!(
            read(&[23, 3, 3, 0, 0]),
            Err(PeerError::TooManyEmptyRecords.into())
        );
    }
}
