//! The outer elements of DER, as far as they tell what it is. Whoever uses an item parses it whole.

/// Universal tags.
pub(super) const INTEGER: u8 = 0x02;
pub(super) const BIT_STRING: u8 = 0x03;
pub(super) const OCTET_STRING: u8 = 0x04;
pub(super) const OBJECT_IDENTIFIER: u8 = 0x06;
pub(super) const UTC_TIME: u8 = 0x17;
pub(super) const GENERALIZED_TIME: u8 = 0x18;
pub(super) const SEQUENCE: u8 = 0x30;
pub(super) const SET: u8 = 0x31;
/// `[0]` and `[1]`, constructed.
pub(super) const CONTEXT_0: u8 = 0xa0;
pub(super) const CONTEXT_1: u8 = 0xa1;

/// One element.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Element<'a> {
    pub(super) tag: u8,
    pub(super) contents: &'a [u8],
    /// The element with its tag and length.
    pub(super) whole: &'a [u8],
}

/// Iterates over the elements of some bytes, up to the first that is cut off or has no definite
/// length.
#[derive(Clone, Debug)]
pub(super) struct Elements<'a>(pub(super) &'a [u8]);

impl<'a> Elements<'a> {
    /// The next element, if it has this tag; otherwise it stays.
    pub(super) fn next_of(&mut self, tag: u8) -> Option<Element<'a>> {
        let mut ahead = self.clone();
        let element = ahead.next().filter(|element| element.tag == tag)?;
        *self = ahead;
        Some(element)
    }
}

impl<'a> Iterator for Elements<'a> {
    type Item = Element<'a>;

    fn next(&mut self) -> Option<Element<'a>> {
        let (tag, rest) = self.0.split_first()?;
        // A tag of several bytes does not occur here.
        if tag & 0x1f == 0x1f {
            return None;
        }
        let (length, rest) = length(rest)?;
        let (contents, rest) = rest.split_at_checked(length)?;
        let (whole, _) = self.0.split_at_checked(self.0.len() - rest.len())?;
        self.0 = rest;
        Some(Element {
            tag: *tag,
            contents,
            whole,
        })
    }
}

/// A definite length, and what follows it.
fn length(bytes: &[u8]) -> Option<(usize, &[u8])> {
    let (first, rest) = bytes.split_first()?;
    match first {
        0..=0x7f => Some((usize::from(*first), rest)),
        0x81..=0x84 => {
            let (bytes, rest) = rest.split_at_checked(usize::from(first & 0x0f))?;
            let length = bytes.iter().fold(0_u32, |length, byte| length << 8 | u32::from(*byte));
            Some((usize::try_from(length).ok()?, rest))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_end_where_one_is_cut_off() {
        let elements = |bytes| Elements(bytes).map(|element| element.contents.len());
        let count = |bytes| elements(bytes).collect::<Vec<_>>();
        assert_eq!(count(&[]), [0; 0]);
        assert_eq!(count(&[2, 1, 7, 4, 0]), [1, 0]);
        assert_eq!(count(&[2, 1, 7, 4, 1]), [1]);
        assert_eq!(count(&[4, 0x81, 1, 9]), [1]);
        assert_eq!(count(&[4, 0x84, 0, 0, 0, 1, 9]), [1]);
        for cut in [
            &[4][..],
            &[4, 0x80, 0, 0],
            &[4, 0x85, 0, 0, 0, 0, 0],
            &[4, 0x84, 0xff, 0xff, 0xff, 0xff],
            &[0x1f, 1, 1],
        ] {
            assert_eq!(count(cut), [0; 0], "{cut:?}");
        }
    }
}
