//! Records that are looked at and not received: the handshake records at the beginning of a
//! connection.

use super::{HEADER, MAX_PLAINTEXT, RecordHeader};
use crate::codec::Reader;
use crate::enums::ContentType;
use crate::error::PeerError;

/// The content of a handshake record, or as much of it as there is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Fragment<'a> {
    /// Empty where only a part of the header is there.
    pub(crate) content: &'a [u8],
    /// The number of bytes that the header lacks.
    pub(crate) header_missing: usize,
    /// The most bytes of content that this record can have behind what is there.
    pub(crate) content_missing: usize,
}

/// Returns the fragments of the handshake records in `input`. The last one is always incomplete: it
/// shows what is missing, at least of a record that did not begin yet.
///
/// Each is checked as a record that nothing protects and before a version is agreed: its type, its
/// version {03,XX}, and its length. An error ends the fragments.
pub(crate) fn fragments(mut input: &[u8]) -> impl Iterator<Item = Result<Fragment<'_>, PeerError>> {
    let mut ended = false;
    core::iter::from_fn(move || {
        if ended {
            return None;
        }
        let fragment = next(&mut input);
        ended = !matches!(fragment, Ok(fragment) if fragment.is_complete());
        Some(fragment)
    })
}

fn next<'a>(input: &mut &'a [u8]) -> Result<Fragment<'a>, PeerError> {
    // The type alone shows most protocols that are not TLS.
    if let Some(typ) = input.first().copied().map(ContentType)
        && typ != ContentType::HANDSHAKE
    {
        return Err(PeerError::UnexpectedRecord(typ));
    }
    let mut reader = Reader::new(input);
    let Ok(header) = RecordHeader::decode(&mut reader) else {
        return Ok(Fragment {
            content: &[],
            header_missing: HEADER - input.len(),
            content_missing: MAX_PLAINTEXT,
        });
    };
    if !header.version.is_tls() {
        return Err(PeerError::RecordVersion(header.version));
    }
    let length = usize::from(header.length);
    if length > MAX_PLAINTEXT {
        return Err(PeerError::RecordTooLong);
    }
    if length == 0 {
        return Err(PeerError::EmptyRecord(header.typ));
    }
    let rest = reader.remainder();
    let (content, rest) = rest.split_at_checked(length).unwrap_or((rest, &[]));
    *input = rest;
    Ok(Fragment {
        content,
        header_missing: 0,
        content_missing: length - content.len(),
    })
}

impl Fragment<'_> {
    fn is_complete(&self) -> bool {
        self.header_missing == 0 && self.content_missing == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The content of each fragment, and what the last one lacks.
    fn read(input: &[u8]) -> Result<(Vec<&[u8]>, usize, usize), PeerError> {
        let fragments: Vec<_> = fragments(input).collect::<Result<_, _>>()?;
        let last = fragments.last().unwrap();
        let contents = fragments.iter().map(|fragment| fragment.content).collect();
        Ok((contents, last.header_missing, last.content_missing))
    }

    #[test]
    fn the_last_fragment_tells_what_is_missing() {
        let input = [22, 3, 1, 0, 2, 7, 8, 22, 3, 3, 0, 3, 9];
        for (length, contents, header, content) in [
            (0, &[&[][..]][..], 5, MAX_PLAINTEXT),
            (4, &[&[]], 1, MAX_PLAINTEXT),
            (5, &[&[]], 0, 2),
            (6, &[&[7]], 0, 1),
            (7, &[&[7, 8], &[]], 5, MAX_PLAINTEXT),
            (8, &[&[7, 8], &[]], 4, MAX_PLAINTEXT),
            (13, &[&[7, 8], &[9]], 0, 2),
        ] {
            assert_eq!(
                read(&input[..length]),
                Ok((contents.to_vec(), header, content))
            );
        }
    }

    #[test]
    fn headers_are_checked_as_early_as_they_show_it() {
        for (input, error) in [
            (&b"G"[..], PeerError::UnexpectedRecord(ContentType(b'G'))),
            (&[21], PeerError::UnexpectedRecord(ContentType::ALERT)),
            (
                &[22, 2, 0, 0, 1],
                PeerError::RecordVersion(crate::enums::ProtocolVersion(0x0200)),
            ),
            (&[22, 3, 1, 0x40, 1], PeerError::RecordTooLong),
            (
                &[22, 3, 1, 0, 0],
                PeerError::EmptyRecord(ContentType::HANDSHAKE),
            ),
            (
                &[22, 3, 1, 0, 1, 7, 23],
                PeerError::UnexpectedRecord(ContentType::APPLICATION_DATA),
            ),
        ] {
            assert_eq!(read(input), Err(error));
        }
        assert!(read(&[22, 3, 0xff, 0x40, 0]).is_ok());
    }
}
