//! Sent records ([RFC 5246 section 6.2.1](https://www.rfc-editor.org/rfc/rfc5246#section-6.2.1)).

use super::protection::Protection;
use super::{HEADER, PlaintextLimit, RecordHeader};
use crate::crypto::cipher::Cipher;
use crate::enums::{ContentType, ProtocolVersion};
use crate::error::LocalError;

/// The sending direction.
#[derive(Debug)]
pub(crate) struct RecordWriter {
    protection: Option<Protection>,
    /// The version that unprotected records carry.
    version: ProtocolVersion,
    limit: PlaintextLimit,
}

impl RecordWriter {
    pub(crate) fn new(version: ProtocolVersion) -> Self {
        Self {
            protection: None,
            version,
            limit: PlaintextLimit::PROTOCOL,
        }
    }

    /// From the next record on, the header carries TLS 1.2.
    pub(crate) fn use_tls12(&mut self) {
        self.version = ProtocolVersion::TLS_1_2;
    }

    /// From the next record on, everything is protected with `cipher`.
    pub(crate) fn install(&mut self, cipher: Cipher) {
        self.protection = Some(Protection::new(cipher));
    }

    /// From the next record on, a record holds at most `length` bytes of plaintext.
    pub(crate) fn limit(&mut self, length: usize) -> Result<(), LocalError> {
        self.limit = PlaintextLimit::new(length)?;
        Ok(())
    }

    /// Appends `content` in as few records as possible; empty content appends nothing.
    ///
    /// "The record layer fragments information blocks into TLSPlaintext records carrying data in
    /// chunks of 2^14 bytes or less." Protected content is encrypted straight into `out`. On error
    /// `out` ends with the last complete record.
    pub(crate) fn write(
        &mut self,
        typ: ContentType,
        content: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<(), LocalError> {
        // A division takes a noticeable part of the time of a short record.
        let (full, last) = if content.len() <= self.limit.0 {
            (0, content.len())
        } else {
            (content.len() / self.limit.0, content.len() % self.limit.0)
        };
        let mut length = full * self.record_length(self.limit.0);
        if last > 0 {
            length += self.record_length(last);
        }
        out.reserve(length);
        for plaintext in content.chunks(self.limit.0) {
            match &mut self.protection {
                None => {
                    let header = RecordHeader::new(typ, self.version, plaintext.len())?;
                    out.extend_from_slice(&header.to_bytes());
                    out.extend_from_slice(plaintext);
                }
                Some(protection) => protection.seal(typ, plaintext, out)?,
            }
        }
        Ok(())
    }

    /// Uses up all sequence numbers of the key.
    #[cfg(test)]
    pub(crate) fn exhaust(&mut self) {
        self.protection.as_mut().unwrap().exhaust();
    }

    /// The length of the record with a plaintext of this length.
    fn record_length(&self, plaintext: usize) -> usize {
        HEADER
            + match &self.protection {
                None => plaintext,
                Some(protection) => protection.fragment_length(plaintext),
            }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::suite::Suite;
    use crate::record::{MAX_PLAINTEXT, testing};

    #[test]
    fn content_is_cut_at_the_limit() {
        let mut writer = RecordWriter::new(ProtocolVersion::TLS_1_0);
        let mut out = Vec::new();
        writer.write(ContentType::HANDSHAKE, &[], &mut out).unwrap();
        assert!(out.is_empty());
        writer.write(ContentType::HANDSHAKE, &[9; MAX_PLAINTEXT + 1], &mut out).unwrap();
        assert_eq!(out[..HEADER], [22, 3, 1, 0x40, 0]);
        writer.use_tls12();
        assert_eq!(out[HEADER + MAX_PLAINTEXT..], [22, 3, 1, 0, 1, 9]);
        writer.write(ContentType::ALERT, &[1, 0], &mut out).unwrap();
        assert_eq!(out[out.len() - 7..], [21, 3, 3, 0, 2, 1, 0]);
    }

    #[test]
    fn room_is_made_once_for_all_records() {
        for suite in Suite::all() {
            let mut writer = RecordWriter::new(ProtocolVersion::TLS_1_2);
            let cipher = testing::cipher(suite);
            let fragments = [100, 100, 50].map(|plaintext| cipher.fragment_length(plaintext));
            writer.install(cipher);
            writer.limit(100).unwrap();
            let mut out = Vec::new();
            writer.write(ContentType::APPLICATION_DATA, &[9; 250], &mut out).unwrap();
            assert_eq!(out.len(), 3 * HEADER + fragments.iter().sum::<usize>());
            assert_eq!(out.capacity(), out.len());
            let mut rest = &out[..];
            for fragment in fragments {
                assert_eq!(rest[..3], [23, 3, 3]);
                assert_eq!(
                    rest[3..HEADER],
                    u16::try_from(fragment).unwrap().to_be_bytes()
                );
                rest = &rest[HEADER + fragment..];
            }
        }
    }

    #[test]
    fn a_limit_that_no_record_can_keep_changes_nothing() {
        let mut writer = RecordWriter::new(ProtocolVersion::TLS_1_2);
        writer.limit(1).unwrap();
        for length in [0, MAX_PLAINTEXT + 1] {
            assert!(writer.limit(length).is_err());
        }
        let mut out = Vec::new();
        writer.write(ContentType::ALERT, &[1, 0], &mut out).unwrap();
        assert_eq!(out, [21, 3, 3, 0, 1, 1, 21, 3, 3, 0, 1, 0]);
    }
}
