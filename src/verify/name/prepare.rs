//! The preparation of the strings in names for their comparison
//! ([RFC 4518](https://www.rfc-editor.org/rfc/rfc4518)), without its large tables.
//!
//! Each character of the repertoire below is prepared as the RFC says. Any other character stands
//! for itself: two strings with such characters are equal here only if they are equal in the RFC,
//! but some that are equal in the RFC differ here.

/// The text of a string type, each character decoded.
pub(super) struct Decoded {
    characters: Vec<char>,
    /// True if the type leaves no doubt about its characters.
    certain: bool,
}

/// A prepared string.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Prepared {
    pub(super) text: String,
    /// True if the string equals another in RFC 4518 exactly if their `text` is equal.
    pub(super) complete: bool,
}

const UTF8_STRING: u8 = 0x0c;
const PRINTABLE_STRING: u8 = 0x13;
const TELETEX_STRING: u8 = 0x14;
const IA5_STRING: u8 = 0x16;
const VISIBLE_STRING: u8 = 0x1a;
const UNIVERSAL_STRING: u8 = 0x1c;
const BMP_STRING: u8 = 0x1e;

impl Decoded {
    pub(super) fn to_text(&self) -> String {
        self.characters.iter().collect()
    }
}

/// The characters of a string with this tag; `None` if the tag is not that of a character string
/// that occurs in names, or the bytes are not such a string.
pub(super) fn decode(tag: u8, bytes: &[u8]) -> Option<Decoded> {
    let characters: Option<Vec<char>> = match tag {
        UTF8_STRING => core::str::from_utf8(bytes).ok().map(|text| text.chars().collect()),
        PRINTABLE_STRING | IA5_STRING | VISIBLE_STRING => {
            bytes.is_ascii().then(|| bytes.iter().copied().map(char::from).collect())
        }
        // Everyone writes Latin-1 where the standard has T.61, whose upper half differs.
        TELETEX_STRING => Some(bytes.iter().copied().map(char::from).collect()),
        BMP_STRING => units(bytes, |[high, low]| {
            u32::from(u16::from_be_bytes([high, low]))
        }),
        UNIVERSAL_STRING => units(bytes, u32::from_be_bytes),
        _ => None,
    };
    Some(Decoded {
        characters: characters?,
        certain: tag != TELETEX_STRING || bytes.is_ascii(),
    })
}

/// The text of a character string with this tag; `None` where [`decode`] has none.
pub(in crate::verify) fn text_of(tag: u8, bytes: &[u8]) -> Option<String> {
    Some(decode(tag, bytes)?.characters.into_iter().collect())
}

/// The characters of an encoding with a fixed number of bytes for each.
fn units<const N: usize>(bytes: &[u8], read: impl Fn([u8; N]) -> u32) -> Option<Vec<char>> {
    let (units, []) = bytes.as_chunks() else {
        return None;
    };
    units.iter().map(|unit| char::from_u32(read(*unit))).collect()
}

/// What becomes of a character, by
/// [RFC 4518 section 2.2](https://www.rfc-editor.org/rfc/rfc4518#section-2.2) and the tables of
/// [RFC 3454](https://www.rfc-editor.org/rfc/rfc3454#appendix-B).
enum Step {
    Nothing,
    Space,
    Folded(char),
    /// `ss`, for a sharp s.
    DoubleS,
    /// The character is not of the repertoire.
    Unknown,
}

fn step(character: char) -> Step {
    match character {
        '\t'..='\r' | '\u{85}' | ' ' | '\u{a0}' | '\u{1680}' | '\u{2000}'..='\u{200a}' => {
            Step::Space
        }
        '\u{2028}' | '\u{2029}' | '\u{202f}' | '\u{205f}' | '\u{3000}' => Step::Space,
        // Controls, the soft hyphen and other characters that cannot be seen.
        '\0'..='\u{1f}' | '\u{7f}'..='\u{9f}' | '\u{ad}' | '\u{200b}'..='\u{200f}' => Step::Nothing,
        '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2063}' | '\u{feff}' => Step::Nothing,
        // ASCII, and with it all that most names have.
        '!'..='~' => Step::Folded(character.to_ascii_lowercase()),
        'ß' => Step::DoubleS,
        'ς' => Step::Folded('σ'),
        // Two letters, one letter and a mark, or another form of a letter, in the other tables.
        'İ' | 'Ĳ' | 'ĳ' | 'Ŀ' | 'ŀ' | 'ŉ' | 'ſ' => Step::Unknown,
        // Letters for Latin, Greek and Cyrillic, composed, and with at most one lower case.
        'À'..='Ö' | 'Ø'..='ö' | 'ø'..='ž' | 'Α'..='Ρ' | 'Σ'..='Ϋ' | 'α'..='ώ' | 'Ѐ'..='џ' =>
        {
            let mut lower = character.to_lowercase();
            match (lower.next(), lower.next()) {
                (Some(folded), None) => Step::Folded(folded),
                _ => Step::Unknown,
            }
        }
        // Kana, ideographs and Hangul, composed and without case.
        'ぁ'..='ゔ' | 'ァ'..='ヺ' | '一'..='龥' | '가'..='힣' => Step::Folded(character),
        _ => Step::Unknown,
    }
}

/// Prepares a string: characters are mapped and their case is folded; white space at both ends is
/// removed, and between words it becomes one space
/// ([RFC 4518 section 2.6.1](https://www.rfc-editor.org/rfc/rfc4518#section-2.6.1)).
pub(super) fn prepare(decoded: &Decoded) -> Prepared {
    let mut text = String::with_capacity(decoded.characters.len());
    let mut complete = decoded.certain;
    let mut space = false;
    for &character in &decoded.characters {
        let step = step(character);
        match step {
            Step::Nothing => continue,
            Step::Space => {
                space = true;
                continue;
            }
            Step::Folded(_) | Step::DoubleS | Step::Unknown => {}
        }
        // "a space is defined to be the SPACE (U+0020) code point followed by no combining marks",
        // and an unknown character may be one. It keeps a space that stands before it.
        let unknown = matches!(step, Step::Unknown);
        if space && (!text.is_empty() || unknown) {
            text.push(' ');
        }
        space = false;
        match step {
            Step::Folded(folded) => text.push(folded),
            Step::DoubleS => text.push_str("ss"),
            Step::Unknown => {
                text.push(character);
                complete = false;
            }
            Step::Nothing | Step::Space => {}
        }
    }
    Prepared { text, complete }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn prepared(text: &str) -> (String, bool) {
        let prepared = prepare(&decode(UTF8_STRING, text.as_bytes()).unwrap());
        (prepared.text, prepared.complete)
    }

    #[test]
    fn case_and_white_space_fold() {
        for (text, folded) in [
            ("", ""),
            ("   ", ""),
            ("Rig CA", "rig ca"),
            ("  Rig \t\u{a0}\u{3000} CA\r\n", "rig ca"),
            ("A\u{ad}CME\0\u{200b} \u{feff} ROOT", "acme root"),
            ("MÜLLER & Söhne", "müller & söhne"),
            ("STRASSE", "strasse"),
            ("Straße", "strasse"),
            ("ΟΔΥΣΣΕΥΣ", "οδυσσευσ"),
            ("οδυσσευς", "οδυσσευσ"),
            ("ЁЛКА", "ёлка"),
            ("株式会社デバイス", "株式会社デバイス"),
            ("한국", "한국"),
        ] {
            assert_eq!(prepared(text), (folded.to_owned(), true), "{text:?}");
        }
    }

    #[test]
    fn what_is_not_known_stands_for_itself() {
        for (text, folded) in [
            ("Acme \u{2013} WERK", "acme \u{2013} werk"),
            // A composed letter, and the letter with its mark.
            ("Cafe\u{301}", "cafe\u{301}"),
            ("a \u{301}", "a \u{301}"),
            (" \u{301}", " \u{301}"),
            ("İzmir", "İzmir"),
            ("ﬁn", "ﬁn"),
            ("Ⅳ", "Ⅳ"),
            ("\u{1f600}", "\u{1f600}"),
            ("\u{fffd}", "\u{fffd}"),
        ] {
            assert_eq!(prepared(text), (folded.to_owned(), false), "{text:?}");
        }
        assert_ne!(prepared("é").0, prepared("e\u{301}").0);
    }

    #[test]
    fn a_prepared_string_is_prepared_already() {
        let all = (0..0x3_0000).filter_map(char::from_u32);
        for character in all {
            let (once, complete) = prepared(&format!("a{character}b {character}"));
            let (twice, again) = prepared(&once);
            assert_eq!((&once, complete), (&twice, again), "{character:?}");
        }
    }

    #[test]
    fn each_string_type_is_decoded() {
        let text = |tag, bytes: &[u8]| -> Option<(String, bool)> {
            let decoded = decode(tag, bytes)?;
            Some((decoded.characters.iter().collect(), decoded.certain))
        };
        for (tag, bytes, characters, certain) in [
            (UTF8_STRING, &b"M\xc3\xbc"[..], "Mü", true),
            (PRINTABLE_STRING, b"M*", "M*", true),
            (IA5_STRING, b"a@b", "a@b", true),
            (VISIBLE_STRING, b"ab", "ab", true),
            (TELETEX_STRING, b"Mu", "Mu", true),
            (TELETEX_STRING, b"M\xfc", "Mü", false),
            (BMP_STRING, b"\0M\0\xfc", "Mü", true),
            (UNIVERSAL_STRING, b"\0\0\0M\0\0\0\xfc", "Mü", true),
        ] {
            let expected = Some((characters.to_owned(), certain));
            assert_eq!(text(tag, bytes), expected, "{tag:#x}");
        }
        for (tag, bytes) in [
            (UTF8_STRING, &b"M\xfc"[..]),
            (PRINTABLE_STRING, b"M\xfc"),
            (IA5_STRING, b"M\xfc"),
            (VISIBLE_STRING, b"M\xfc"),
            (BMP_STRING, b"\0M\0"),
            // A surrogate is not a character of a BMPString.
            (BMP_STRING, b"\xd8\x3d\xde\x00"),
            (UNIVERSAL_STRING, b"\0\0M"),
            (UNIVERSAL_STRING, b"\0\x11\0\0"),
            (0x12, b"1"),
            (0x04, b"M"),
        ] {
            assert_eq!(text(tag, bytes), None, "{tag:#x}");
        }
    }
}
