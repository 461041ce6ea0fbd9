//! Hello extensions ([RFC 5246 section 7.4.1.4](https://www.rfc-editor.org/rfc/rfc5246#section-7.4.1.4)):
//! the block, which preserves unknown extensions, and the [`contents`] of the extensions that this
//! crate uses.

mod contents;

use super::USUAL_LENGTH;
use crate::codec::{LengthPrefix, Reader, Writer};
use crate::enums::ExtensionType;
use crate::error::DecodeError;
use std::borrow::Cow;

/// The extension block of a hello, stored as bytes and read on demand.
///
/// Decoding checks the framing of every extension, and that no type occurs twice. The content of
/// extensions that are not read, such as GREASE values, is not checked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Extensions<'a> {
    bytes: Cow<'a, [u8]>,
    /// True if an extension was left out because it is too long for its length field.
    outgrown: bool,
}

impl<'a> Extensions<'a> {
    /// Creates an empty block with capacity for the usual extensions.
    pub(crate) fn new() -> Self {
        Self {
            bytes: Cow::Owned(Vec::with_capacity(USUAL_LENGTH)),
            outgrown: false,
        }
    }

    pub(crate) fn encode(&self, out: &mut Writer) {
        if self.outgrown {
            out.outgrow();
        }
        out.vector(LengthPrefix::U16, |out| {
            out.extend_from_slice(&self.bytes);
        });
    }

    pub(crate) fn decode(reader: &mut Reader<'a>) -> Result<Self, DecodeError> {
        let bytes = reader.vector16()?.remainder();
        let mut types = Vec::new();
        let mut rest = Reader::new(bytes);
        while !rest.is_empty() {
            types.push(ExtensionType(rest.u16()?));
            rest.vector16()?;
        }
        // "There MUST NOT be more than one extension of the same type."
        types.sort_unstable();
        for (one, next) in types.iter().zip(types.iter().skip(1)) {
            if one == next {
                return Err(DecodeError::DuplicateExtension(*one));
            }
        }
        Ok(Self {
            bytes: Cow::Borrowed(bytes),
            outgrown: false,
        })
    }

    /// Returns the type and content of each extension, in the order on the wire.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (ExtensionType, &[u8])> {
        let mut rest = Reader::new(&self.bytes);
        core::iter::from_fn(move || {
            let typ = ExtensionType(rest.u16().ok()?);
            Some((typ, rest.vector16().ok()?.remainder()))
        })
    }

    /// Decodes the content of an extension with `decode`, which must read every byte.
    fn find<'s, T>(
        &'s self,
        typ: ExtensionType,
        decode: impl FnOnce(&mut Reader<'s>) -> Result<T, DecodeError>,
    ) -> Result<Option<T>, DecodeError> {
        let Some((_, content)) = self.iter().find(|(found, _)| *found == typ) else {
            return Ok(None);
        };
        let mut reader = Reader::new(content);
        let decoded = decode(&mut reader)?;
        reader.finish()?;
        Ok(Some(decoded))
    }

    /// Returns true if an extension without content is present. Fails if it has content.
    fn find_empty(&self, typ: ExtensionType) -> Result<bool, DecodeError> {
        self.find(typ, |_| Ok(())).map(|found| found.is_some())
    }

    fn push(&mut self, typ: ExtensionType, content: impl FnOnce(&mut Writer)) {
        let mut out = Writer::from(core::mem::take(&mut self.bytes).into_owned());
        out.extend_from_slice(&typ.0.to_be_bytes());
        out.vector(LengthPrefix::U16, content);
        match out.finish() {
            Ok(bytes) => self.bytes = Cow::Owned(bytes),
            Err(_) => self.outgrown = true,
        }
    }

    fn push_empty(&mut self, typ: ExtensionType) {
        self.push(typ, |_| {});
    }

    /// Appends an extension of any type and content: one already encoded, or a GREASE value that the
    /// peer must ignore ([RFC 8701 section 3.1](https://www.rfc-editor.org/rfc/rfc8701#section-3.1)).
    pub(crate) fn push_raw(&mut self, typ: ExtensionType, content: &[u8]) {
        self.push(typ, |out| out.extend_from_slice(content));
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::LocalError;

    fn decode(block: &[u8]) -> Result<Extensions<'_>, DecodeError> {
        let mut reader = Reader::new(block);
        let extensions = Extensions::decode(&mut reader)?;
        reader.finish()?;
        Ok(extensions)
    }

    fn encode(extensions: &Extensions<'_>) -> Result<Vec<u8>, LocalError> {
        let mut out = Writer::default();
        extensions.encode(&mut out);
        out.finish()
    }

    fn block(extensions: &[(u16, &[u8])]) -> Vec<u8> {
        let mut built = Extensions::default();
        for (typ, content) in extensions {
            built.push_raw(ExtensionType(*typ), content);
        }
        encode(&built).unwrap()
    }

    #[test]
    fn unknown_and_grease_extensions_survive() {
        let bytes = block(&[(0x1a1a, &[]), (43, &[2, 3, 4]), (0xfafa, &[0])]);
        let extensions = decode(&bytes).unwrap();
        assert_eq!(encode(&extensions).unwrap(), bytes);
        assert!(extensions.iter().eq([
            (ExtensionType(0x1a1a), &[][..]),
            (ExtensionType(43), &[2, 3, 4]),
            (ExtensionType(0xfafa), &[0]),
        ]));
        assert_eq!(extensions.server_name(), Ok(None));
    }

    #[test]
    fn extensions_that_are_too_long_are_not_encoded() {
        let mut extensions = Extensions::default();
        extensions.push_raw(ExtensionType(9), &[0; 0xffff - 4]);
        assert_eq!(encode(&extensions).unwrap().len(), 2 + 0xffff);
        let mut two = extensions.clone();
        two.push_raw(ExtensionType(10), &[]);
        extensions.push_raw(ExtensionType(10), &[0; 0x1_0000]);
        for extensions in [two, extensions] {
            assert!(matches!(encode(&extensions), Err(LocalError::Internal(_))));
        }
    }

    #[test]
    fn framing_and_duplicates_are_checked_for_all() {
        let twice = block(&[(9, &[]), (5, &[1]), (9, &[2])]);
        assert_eq!(
            decode(&twice),
            Err(DecodeError::DuplicateExtension(ExtensionType(9)))
        );
        for broken in [&[0, 1, 0][..], &[0, 3, 0, 0, 0], &[0, 5, 0, 0, 0, 2, 1]] {
            assert_eq!(decode(broken), Err(DecodeError::Truncated));
        }
    }
}
