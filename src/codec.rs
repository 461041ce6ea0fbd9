//! The presentation language of [RFC 5246 section 4](https://www.rfc-editor.org/rfc/rfc5246#section-4):
//! big-endian integers and length-prefixed vectors, read from a borrowed slice and appended to a
//! growing one.
//!
//! A [`Reader`] is bounded by the vector that it was cut from, and only [`Reader::finish`] ends it
//! without an error, so extra bytes are never overlooked.

use crate::error::{DecodeError, LocalError};

/// Reads fields in order from a borrowed slice.
#[derive(Debug)]
pub(crate) struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// Takes the next `length` bytes.
    pub(crate) fn take(&mut self, length: usize) -> Result<&'a [u8], DecodeError> {
        let (taken, rest) = self.rest.split_at_checked(length).ok_or(DecodeError::Truncated)?;
        self.rest = rest;
        Ok(taken)
    }

    /// Takes the next `N` bytes as an array.
    pub(crate) fn array<const N: usize>(&mut self) -> Result<[u8; N], DecodeError> {
        let (taken, rest) = self.rest.split_first_chunk::<N>().ok_or(DecodeError::Truncated)?;
        self.rest = rest;
        Ok(*taken)
    }

    pub(crate) fn u8(&mut self) -> Result<u8, DecodeError> {
        self.array::<1>().map(|[byte]| byte)
    }

    pub(crate) fn u16(&mut self) -> Result<u16, DecodeError> {
        self.array().map(u16::from_be_bytes)
    }

    pub(crate) fn u24(&mut self) -> Result<usize, DecodeError> {
        self.array().map(u24_to_usize)
    }

    /// Cuts out a vector with a one-byte length.
    pub(crate) fn vector8(&mut self) -> Result<Reader<'a>, DecodeError> {
        let length = self.u8()?;
        self.take(usize::from(length)).map(Reader::new)
    }

    /// Cuts out a vector with a two-byte length.
    pub(crate) fn vector16(&mut self) -> Result<Reader<'a>, DecodeError> {
        let length = self.u16()?;
        self.take(usize::from(length)).map(Reader::new)
    }

    /// Cuts out a vector with a three-byte length.
    pub(crate) fn vector24(&mut self) -> Result<Reader<'a>, DecodeError> {
        let length = self.u24()?;
        self.take(length).map(Reader::new)
    }

    /// Takes all remaining bytes.
    pub(crate) fn remainder(&mut self) -> &'a [u8] {
        core::mem::take(&mut self.rest)
    }

    /// Reads the remaining bytes as two-byte numbers.
    pub(crate) fn u16s(self) -> Result<impl Iterator<Item = u16>, DecodeError> {
        match self.rest.as_chunks() {
            (numbers, []) => Ok(numbers.iter().copied().map(u16::from_be_bytes)),
            _ => Err(DecodeError::BadLength),
        }
    }

    /// Ends the reading. Fails if bytes remain.
    pub(crate) fn finish(self) -> Result<(), DecodeError> {
        if self.is_empty() {
            Ok(())
        } else {
            Err(DecodeError::TrailingData)
        }
    }
}

/// Converts three big-endian bytes to a number.
pub(crate) fn u24_to_usize([high, middle, low]: [u8; 3]) -> usize {
    (usize::from(high) << 16) | (usize::from(middle) << 8) | usize::from(low)
}

/// The width of a vector's length field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LengthPrefix {
    U8,
    U16,
    U24,
}

impl LengthPrefix {
    fn width(self) -> usize {
        match self {
            Self::U8 => 1,
            Self::U16 => 2,
            Self::U24 => 3,
        }
    }

    /// Returns the greatest length in bytes that the field can hold.
    pub(crate) fn max(self) -> usize {
        (1 << (8 * self.width())) - 1
    }
}

/// Appends fields in order to a buffer of its own.
///
/// Only [`finish`](Self::finish) fails: if content is too long for its length field, everything is
/// discarded. Nothing is ever cut.
#[derive(Default)]
pub(crate) struct Writer {
    bytes: Vec<u8>,
    outgrown: bool,
}

impl From<Vec<u8>> for Writer {
    /// Creates a writer that appends to these bytes.
    fn from(bytes: Vec<u8>) -> Self {
        Self {
            bytes,
            outgrown: false,
        }
    }
}

impl Writer {
    pub(crate) fn with_capacity(length: usize) -> Self {
        Self::from(Vec::with_capacity(length))
    }

    pub(crate) fn push(&mut self, byte: u8) {
        self.bytes.push(byte);
    }

    pub(crate) fn extend_from_slice(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    pub(crate) fn extend(&mut self, bytes: impl IntoIterator<Item = u8>) {
        self.bytes.extend(bytes);
    }

    /// Appends a vector: its length field, then what `content` writes.
    pub(crate) fn vector(&mut self, prefix: LengthPrefix, content: impl FnOnce(&mut Self)) {
        let width = prefix.width();
        let start = self.bytes.len() + width;
        self.bytes.resize(start, 0);
        content(self);
        let length = self.bytes.len() - start;
        if length > prefix.max() {
            self.outgrow();
        }
        // The length field, filled from its last byte.
        let field = self.bytes.iter_mut().take(start).rev().take(width);
        for (to, from) in field.zip(length.to_le_bytes()) {
            *to = from;
        }
    }

    /// Marks the content as too long for a length field.
    pub(crate) fn outgrow(&mut self) {
        self.outgrown = true;
    }

    /// Ends the writing and returns the bytes.
    ///
    /// Content that could be too long (names, chains, ciphertexts) is checked when a configuration is
    /// built, so a failure is an internal error.
    pub(crate) fn finish(self) -> Result<Vec<u8>, LocalError> {
        if self.outgrown {
            return Err(LocalError::Internal(
                "a vector is too long for its length field",
            ));
        }
        Ok(self.bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_integers_and_vectors_in_order() {
        let mut reader = Reader::new(&[1, 0, 2, 0, 0, 3, 1, 9, 0, 1, 8, 0, 0, 1, 7]);
        assert_eq!(reader.u8(), Ok(1));
        assert_eq!(reader.u16(), Ok(2));
        assert_eq!(reader.u24(), Ok(3));
        assert_eq!(reader.vector8().unwrap().remainder(), [9]);
        assert_eq!(reader.vector16().unwrap().remainder(), [8]);
        assert_eq!(reader.vector24().unwrap().remainder(), [7]);
        assert_eq!(reader.finish(), Ok(()));
    }

    #[test]
    fn a_short_field_and_a_left_over_byte_are_errors() {
        assert_eq!(Reader::new(&[0]).u16(), Err(DecodeError::Truncated));
        assert_eq!(
            Reader::new(&[2, 0]).vector8().map(|mut v| v.remainder()),
            Err(DecodeError::Truncated)
        );
        assert_eq!(Reader::new(&[0]).finish(), Err(DecodeError::TrailingData));
    }

    #[test]
    fn lists_of_integers_are_read_whole() {
        let read = |list| Ok(Reader::new(list).u16s()?.collect());
        assert_eq!(read(&[]), Ok(vec![]));
        assert_eq!(read(&[1, 2, 3, 4]), Ok(vec![0x0102, 0x0304]));
        assert_eq!(read(&[1, 2, 3]), Err(DecodeError::BadLength));
    }

    #[test]
    fn lengths_are_filled_in_after_the_content() {
        let mut out = Writer::from(vec![0xff]);
        out.vector(LengthPrefix::U24, |out| {
            out.vector(LengthPrefix::U16, |out| {
                out.vector(LengthPrefix::U8, |out| out.push(5));
            });
        });
        assert_eq!(out.finish().unwrap(), [0xff, 0, 0, 4, 0, 2, 1, 5]);
    }

    #[test]
    fn a_vector_is_whole_or_not_written() {
        for (prefix, field) in [
            (LengthPrefix::U8, &[0xff][..]),
            (LengthPrefix::U16, &[0xff, 0xff]),
            (LengthPrefix::U24, &[0xff, 0xff, 0xff]),
        ] {
            let write = |length| {
                let mut out = Writer::default();
                out.vector(LengthPrefix::U24, |out| {
                    out.vector(prefix, |out| out.extend(core::iter::repeat_n(7, length)));
                });
                out.finish()
            };
            let most = prefix.max();
            if prefix != LengthPrefix::U24 {
                let written = write(most).unwrap();
                assert_eq!(written.len(), 3 + field.len() + most);
                assert!(written[3..].starts_with(field));
            }
            assert!(matches!(write(most + 1), Err(LocalError::Internal(_))));
        }
    }
}
