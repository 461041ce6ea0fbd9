//! Records going out.

use super::protection::{OVERHEAD, Protection};
use super::{HEADER, MAX_PLAINTEXT, RecordHeader};
use crate::crypto::aead::AeadKey;
use crate::enums::{ContentType, ProtocolVersion};
use crate::error::LocalError;

/// The sending direction.
#[derive(Debug)]
pub(crate) struct RecordWriter {
    protection: Option<Protection>,
    /// The version that unprotected records carry.
    version: ProtocolVersion,
    /// The most plaintext in a record.
    max_plaintext: usize,
}

impl RecordWriter {
    pub(crate) fn new(version: ProtocolVersion) -> Self {
        Self {
            protection: None,
            version,
            max_plaintext: MAX_PLAINTEXT,
        }
    }

    /// From the next record on, TLS 1.2 is what the header says.
    pub(crate) fn use_tls12(&mut self) {
        self.version = ProtocolVersion::TLS_1_2;
    }

    /// From the next record on, everything is protected with `key`.
    pub(crate) fn install(&mut self, key: AeadKey) {
        self.protection = Some(Protection::new(key));
    }

    /// From the next record on, `length` bytes of plaintext are the most, 2^14 at most and not zero.
    pub(crate) fn limit(&mut self, length: usize) {
        self.max_plaintext = length;
    }

    /// Appends `content` in as few records as hold it; nothing for no content.
    ///
    /// Protected content is encrypted straight into `out`. On error `out` ends with the last whole
    /// record.
    pub(crate) fn write(
        &mut self,
        typ: ContentType,
        content: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<(), LocalError> {
        let records = content.len().div_ceil(self.max_plaintext);
        out.reserve(content.len() + records * (HEADER + OVERHEAD));
        for fragment in content.chunks(self.max_plaintext) {
            match &mut self.protection {
                Some(protection) => protection.seal(typ, fragment, out)?,
                None => {
                    let header = RecordHeader {
                        typ,
                        version: self.version,
                        // A chunk is at most 2^14.
                        length: u16::try_from(fragment.len()).unwrap_or(u16::MAX),
                    };
                    out.extend_from_slice(&header.to_bytes());
                    out.extend_from_slice(fragment);
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_is_cut_at_the_limit() {
        let mut writer = RecordWriter::new(ProtocolVersion::TLS_1_0);
        let mut out = Vec::new();
        writer.write(ContentType::HANDSHAKE, &[], &mut out).unwrap();
        assert!(out.is_empty());
        writer
            .write(ContentType::HANDSHAKE, &[9; MAX_PLAINTEXT + 1], &mut out)
            .unwrap();
        assert_eq!(out[..HEADER], [22, 3, 1, 0x40, 0]);
        writer.use_tls12();
        assert_eq!(out[HEADER + MAX_PLAINTEXT..], [22, 3, 1, 0, 1, 9]);
        writer.write(ContentType::ALERT, &[1, 0], &mut out).unwrap();
        assert_eq!(out[out.len() - 7..], [21, 3, 3, 0, 2, 1, 0]);
    }
}
