//! Data from the peer as errors show it: bounded, and printable on any terminal.

use crate::enums::CipherSuite;
use core::fmt::{self, Write};
use pki_types::UnixTime;
use time::OffsetDateTime;

/// The first bytes of a serial number.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Serial(Box<[u8]>);

impl Serial {
    const SHOWN: usize = 32;

    pub(super) fn new(serial: &[u8]) -> Self {
        Self(serial.iter().copied().take(Self::SHOWN).collect())
    }

    pub(super) fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for Serial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut bytes = self.as_bytes().iter();
        bytes.try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// A hash in hexadecimal.
pub(super) fn hex(hash: &[u8; 32]) -> String {
    hash.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Text from the peer, cut to 96 bytes, with non-printable characters escaped.
#[derive(Clone, PartialEq, Eq)]
pub struct Excerpt(Box<str>);

impl Excerpt {
    const LENGTH: usize = 96;

    /// What an empty list is.
    pub(crate) const NOTHING: &str = "nothing";

    /// Marks text that was cut off.
    const CUT: &str = "...";

    pub(crate) fn new(text: impl fmt::Display) -> Self {
        let mut printable = Printable(String::new());
        if write!(printable, "{text}").is_err() {
            printable.0.push_str(Self::CUT);
        }
        Self(printable.0.into())
    }

    /// Joins several texts with commas. An empty list is [`NOTHING`](Self::NOTHING).
    pub(crate) fn list<T: fmt::Display>(texts: impl IntoIterator<Item = T>) -> Self {
        let mut printable = Printable(String::new());
        for text in texts {
            let separator = if printable.0.is_empty() { "" } else { ", " };
            if write!(printable, "{separator}{text}").is_err() {
                printable.0.push_str(Self::CUT);
                break;
            }
        }
        if printable.0.is_empty() {
            return Self::new(Self::NOTHING);
        }
        Self(printable.0.into())
    }

    /// Returns the text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Makes text printable while it is written, and fails when it becomes too long.
struct Printable(String);

impl Printable {
    fn append(&mut self, character: char) -> fmt::Result {
        let length = self.0.len() + character.len_utf8();
        if length > Excerpt::LENGTH - Excerpt::CUT.len() {
            return Err(fmt::Error);
        }
        self.0.push(character);
        Ok(())
    }
}

impl Write for Printable {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        text.chars().try_for_each(|character| match character {
            ' '..='~' => self.append(character),
            other => other.escape_debug().try_for_each(|escaped| self.append(escaped)),
        })
    }
}

impl fmt::Display for Excerpt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Excerpt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{self}\"")
    }
}

/// A list of application protocols in the order offered: the names that fit into 32 bytes, and the
/// total number.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct ProtocolList {
    text: [u8; Self::SHOWN],
    length: u8,
    shown: u16,
    total: u16,
}

impl ProtocolList {
    const SHOWN: usize = 32;

    pub(crate) fn new<'a>(names: impl IntoIterator<Item = &'a [u8]>) -> Self {
        let mut list = Self {
            text: [0; Self::SHOWN],
            length: 0,
            shown: 0,
            total: 0,
        };
        for name in names {
            if list.shown == list.total {
                list.show(name);
            }
            list.total = list.total.saturating_add(1);
        }
        list
    }

    /// Appends a name if all of it fits.
    fn show(&mut self, name: &[u8]) {
        let separator: &[u8] = if self.length == 0 { b"" } else { b", " };
        let start = usize::from(self.length);
        let end = start + separator.len() + name.len();
        let (Some(room), Ok(length)) = (self.text.get_mut(start..end), u8::try_from(end)) else {
            return;
        };
        let (before, after) = room.split_at_mut(separator.len());
        before.copy_from_slice(separator);
        after.copy_from_slice(name);
        self.length = length;
        self.shown += 1;
    }

    /// Returns the number of protocols in the complete list.
    #[must_use]
    pub fn total(&self) -> usize {
        usize::from(self.total)
    }
}

impl fmt::Display for ProtocolList {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for byte in self.text.iter().take(usize::from(self.length)) {
            write!(f, "{}", byte.escape_ascii())?;
        }
        match (self.shown, self.total - self.shown) {
            (0, 0) => f.write_str("none"),
            (_, 0) => Ok(()),
            (0, hidden) => write!(f, "{hidden} too long to show"),
            (_, more) => write!(f, " and {more} more"),
        }
    }
}

impl fmt::Debug for ProtocolList {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A list of cipher suites in the order offered: the first sixteen, and the total number.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct SuiteList {
    suites: [CipherSuite; Self::SHOWN],
    total: usize,
}

impl SuiteList {
    const SHOWN: usize = 16;

    pub(crate) fn new(offered: &[CipherSuite]) -> Self {
        let mut suites = [CipherSuite(0); Self::SHOWN];
        for (slot, suite) in suites.iter_mut().zip(offered) {
            *slot = *suite;
        }
        Self {
            suites,
            total: offered.len(),
        }
    }

    /// Returns the first suites of the list, at most sixteen.
    #[must_use]
    pub fn suites(&self) -> &[CipherSuite] {
        match self.suites.split_at_checked(self.total) {
            Some((all, _)) => all,
            // The list is longer than what is kept.
            None => &self.suites,
        }
    }

    /// Returns the number of suites in the complete list.
    #[must_use]
    pub fn total(&self) -> usize {
        self.total
    }
}

impl fmt::Display for SuiteList {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.total == 0 {
            return f.write_str("none");
        }
        for (index, suite) in self.suites().iter().enumerate() {
            if index > 0 {
                f.write_str(", ")?;
            }
            write!(f, "{suite}")?;
        }
        match self.total - self.suites().len() {
            0 => Ok(()),
            more => write!(f, " and {more} more"),
        }
    }
}

impl fmt::Debug for SuiteList {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Formats a time as RFC 3339 in UTC; after the year 9999, as seconds since 1970.
pub(super) fn date(time: &UnixTime) -> Excerpt {
    let seconds = time.as_secs();
    let date = i64::try_from(seconds)
        .ok()
        .and_then(|seconds| OffsetDateTime::from_unix_timestamp(seconds).ok())
        // Another crate may have enabled the `large-dates` feature of `time`.
        .filter(|date| date.year() <= 9999);
    let Some(date) = date else {
        return Excerpt::new(seconds);
    };
    let (year, month, day) = date.to_calendar_date();
    let (hour, minute, second) = date.to_hms();
    let month = u8::from(month);
    Excerpt::new(format_args!(
        "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::CertificateId;
    use core::time::Duration;

    #[test]
    fn an_excerpt_is_printable_and_bounded() {
        assert_eq!(
            Excerpt::new("CN=plc 7, O=Werk").as_str(),
            "CN=plc 7, O=Werk"
        );
        assert_eq!(
            Excerpt::new("a\n\u{1b}[31m\u{202e}").as_str(),
            "a\\n\\u{1b}[31m\\u{202e}"
        );
        let quoted = r#"it's "a" \b"#;
        assert_eq!(Excerpt::new(quoted).as_str(), quoted);
        let exact = "x".repeat(93);
        assert_eq!(Excerpt::new(&exact).as_str(), exact);
        let cut = Excerpt::new("y".repeat(5000));
        assert_eq!(cut.as_str(), format!("{}...", "y".repeat(93)));
        for length in 80..100 {
            let excerpt = Excerpt::new(format!("{}\u{e9}\u{7}\u{7}", "z".repeat(length)));
            assert!((80..=96).contains(&excerpt.as_str().len()), "{length}");
        }
    }

    #[test]
    fn a_serial_number_is_shown_up_to_32_bytes() {
        for (serial, shown) in [
            (vec![], String::new()),
            (vec![0], "00".to_owned()),
            (vec![0, 0xab, 1], "00ab01".to_owned()),
            (vec![0x11; 32], "11".repeat(32)),
            (vec![0x11; 33], "11".repeat(32)),
        ] {
            let id = CertificateId::new(3, Excerpt::new("CN=x"), &serial, [0; 32], [0; 32]);
            assert_eq!(id.serial(), &serial[..serial.len().min(32)]);
            let text = format!("certificate 3 (CN=x, serial {shown})");
            assert_eq!(id.to_string(), text);
        }
    }

    #[test]
    fn a_list_is_cut_like_a_text() {
        assert_eq!(Excerpt::list::<&str>([]).as_str(), "nothing");
        assert_eq!(Excerpt::list(["a"]).as_str(), "a");
        assert_eq!(Excerpt::list(["a", "b c", "d"]).as_str(), "a, b c, d");
        let long = Excerpt::list(["x"; 100]);
        assert_eq!(long.as_str(), format!("{}...", "x, ".repeat(31)));
        // No more items are formatted than can be shown.
        let made = core::cell::Cell::new(0);
        Excerpt::list((0..1000).map(|_| {
            made.set(made.get() + 1);
            "0123456789"
        }));
        assert!(made.get() < 12);
    }

    #[test]
    fn a_list_of_suites_prints_short() {
        // Numbers without names.
        let suites: Vec<_> = (0xff00..0xff12).map(CipherSuite).collect();
        assert_eq!(SuiteList::new(&[]).to_string(), "none");
        assert_eq!(SuiteList::new(&suites[..2]).to_string(), "0xff00, 0xff01");
        let printed = SuiteList::new(&suites).to_string();
        assert!(printed.ends_with("0xff0f and 2 more"), "{printed}");
        assert_eq!(SuiteList::new(&suites).suites().len(), 16);
    }

    #[test]
    fn a_list_of_protocols_prints_short() {
        let print = |names: &[&'static [u8]]| ProtocolList::new(names.iter().copied()).to_string();
        assert_eq!(print(&[]), "none");
        assert_eq!(print(&[b"http/1.1", b"\xff"]), "http/1.1, \\xff");
        assert_eq!(
            print(&[b"ocpp2.0.1", &[b'x'; 22], b"a"]),
            "ocpp2.0.1 and 2 more"
        );
        assert_eq!(print(&[&[b'x'; 33]]), "1 too long to show");
    }

    #[test]
    fn a_date_is_shown_up_to_the_year_9999() {
        for (seconds, shown) in [
            (0, "1970-01-01T00:00:00Z"),
            (951_782_399, "2000-02-28T23:59:59Z"),
            (951_782_400, "2000-02-29T00:00:00Z"),
            (1_800_000_000, "2027-01-15T08:00:00Z"),
            (4_107_542_400, "2100-03-01T00:00:00Z"),
            (253_402_300_799, "9999-12-31T23:59:59Z"),
            (253_402_300_800, "253402300800"),
            (u64::MAX, "18446744073709551615"),
        ] {
            let time = UnixTime::since_unix_epoch(Duration::from_secs(seconds));
            assert_eq!(date(&time).as_str(), shown);
        }
    }
}
