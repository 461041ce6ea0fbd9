//! PEM text ([RFC 7468](https://www.rfc-editor.org/rfc/rfc7468)), as lenient about white space and
//! the text around sections as files require: byte order marks, any line ends, spaces and tabs at
//! both ends of a line, and the attributes that `openssl pkcs12` prints.

use crate::error::{ConfigError, FileItem, PemFault};
use base64ct::{Base64Unpadded, Encoding};
use zeroize::Zeroizing;

const BEGIN: &[u8] = b"-----BEGIN";
const END: &[u8] = b"-----END";
const DASHES: &[u8] = b"-----";
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// One section.
pub(super) struct Section<'a> {
    pub(super) label: &'a [u8],
    /// The lines between BEGIN and END, without headers.
    body: Lines<'a>,
    /// The number of the BEGIN line.
    line: usize,
    /// The headers tell that the content is encrypted
    /// ([RFC 1421 section 4.6.1.1](https://www.rfc-editor.org/rfc/rfc1421#section-4.6.1.1)).
    pub(super) is_encrypted: bool,
}

impl Section<'_> {
    /// Decodes the content, in constant time.
    pub(super) fn decode(&self) -> Result<Zeroizing<Vec<u8>>, ConfigError> {
        // Reserved whole, so that no part of a key stays behind in memory that was given back.
        let mut text = Zeroizing::new(Vec::with_capacity(self.body.text.len()));
        for line in self.body.clone() {
            text.extend(line.iter().filter(|byte| !byte.is_ascii_whitespace()));
        }
        let padding = text.iter().rev().take(2).take_while(|byte| **byte == b'=').count();
        let unpadded = text.len() - padding;
        text.truncate(unpadded);
        let mut der = Zeroizing::new(vec![0; text.len() / 4 * 3 + 3]);
        let length = match Base64Unpadded::decode(&*text, &mut der) {
            Ok(decoded) => decoded.len(),
            Err(_) => {
                return Err(ConfigError::BadPem {
                    line: self.line,
                    fault: PemFault::Base64,
                });
            }
        };
        der.truncate(length);
        Ok(der)
    }
}

/// Returns true if a line begins a PEM section, or seems to.
pub(crate) fn has_section(bytes: &[u8]) -> bool {
    lines(bytes).any(|line| line.starts_with(BEGIN))
}

/// What a file without any item is.
pub(super) fn nature(bytes: &[u8]) -> Option<FileItem> {
    if bytes.is_empty() {
        return None;
    }
    if bytes.starts_with(b"\xff\xfe") || bytes.starts_with(b"\xfe\xff") {
        return Some(FileItem::Utf16);
    }
    let is_text = core::str::from_utf8(bytes).is_ok_and(|text| !text.contains('\0'));
    Some(if is_text {
        FileItem::PlainText
    } else {
        FileItem::Binary
    })
}

/// The sections of a text, up to the first fault.
pub(super) fn sections(bytes: &[u8]) -> impl Iterator<Item = Result<Section<'_>, ConfigError>> {
    let mut lines = lines(bytes);
    let mut failed = false;
    core::iter::from_fn(move || {
        if failed {
            return None;
        }
        let section = next_section(&mut lines).transpose();
        failed = matches!(section, Some(Err(_)));
        section
    })
}

fn next_section<'a>(lines: &mut Lines<'a>) -> Result<Option<Section<'a>>, ConfigError> {
    let Some(begin) = lines.find(|line| line.starts_with(BEGIN)) else {
        return Ok(None);
    };
    let number = lines.number;
    let bad = |line, fault| ConfigError::BadPem { line, fault };
    let label = label(begin, BEGIN).ok_or(bad(number, PemFault::Begin))?;
    let mut section = Section {
        label,
        body: lines.clone(),
        line: number,
        is_encrypted: false,
    };
    let mut has_content = false;
    loop {
        let before = lines.clone();
        let line = lines.next().ok_or(bad(number, PemFault::NoEnd))?;
        if line.starts_with(BEGIN) {
            return Err(bad(number, PemFault::NoEnd));
        }
        if line.starts_with(END) {
            if self::label(line, END) != Some(label) {
                return Err(bad(lines.number, PemFault::End));
            }
            section.body = section.body.up_to(&before);
            return Ok(Some(section));
        }
        // A header, such as "Proc-Type: 4,ENCRYPTED".
        if line.contains(&b':') && !has_content {
            section.is_encrypted |= line.starts_with(b"Proc-Type:") && line.ends_with(b"ENCRYPTED");
            section.body = lines.clone();
        } else {
            has_content |= !line.is_empty();
        }
    }
}

/// The label of a line such as `-----BEGIN CERTIFICATE-----`.
fn label<'a>(line: &'a [u8], keyword: &[u8]) -> Option<&'a [u8]> {
    let label = line.strip_prefix(keyword)?.strip_prefix(b" ")?.strip_suffix(DASHES)?;
    let is_label = |byte: &u8| matches!(byte, b' '..=b'~') && *byte != b'-';
    (!label.is_empty() && label.iter().all(is_label)).then(|| label.trim_ascii())
}

/// The lines of a text, without their ends, the white space at both ends, and byte order marks.
#[derive(Clone)]
struct Lines<'a> {
    text: &'a [u8],
    /// The number of the line that was returned last.
    number: usize,
}

fn lines(text: &[u8]) -> Lines<'_> {
    Lines { text, number: 0 }
}

impl<'a> Lines<'a> {
    /// These lines up to those that are left in `rest`, which must be a later state of them.
    fn up_to(self, rest: &Self) -> Self {
        let length = self.text.len().saturating_sub(rest.text.len());
        let text = self.text.split_at_checked(length).map_or(self.text, |(text, _)| text);
        Self { text, ..self }
    }
}

impl<'a> Iterator for Lines<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        if self.text.is_empty() {
            return None;
        }
        let end = self.text.iter().position(|byte| matches!(byte, b'\n' | b'\r'));
        let (line, rest) = match end {
            None => (self.text, &[][..]),
            Some(end) => self.text.split_at_checked(end)?,
        };
        // "\r\n" is one line end.
        let after = rest.strip_prefix(b"\r\n").or_else(|| rest.split_first().map(|(_, rest)| rest));
        self.text = after.unwrap_or(&[]);
        self.number += 1;
        // Files that were joined have marks in the middle.
        let line = line.strip_prefix(BYTE_ORDER_MARK).unwrap_or(line);
        Some(line.trim_ascii())
    }
}
