//! What is printed: rows of figures, as a Markdown table.

use crate::peer::Peer;
use crate::turns::Series;

/// The columns. A share is premaster's figure as a multiple of the peer's.
pub fn header() -> Vec<String> {
    let names = ["work", "side", "premaster"].map(String::from);
    let times = Peer::ALL.map(|peer| peer.name().into());
    let shares = Peer::ALL.map(|peer| format!("/ {}", peer.short_name()));
    names.into_iter().chain(times).chain(shares).collect()
}

/// How many columns of the table are text.
pub const TEXT_COLUMNS: usize = 2;

/// What stands where there is nothing to measure.
const NOTHING: &str = "–";

/// The cells of a row.
pub type Row = Vec<String>;

/// premaster and its peers at the same work.
pub fn comparison<'a>(
    work: &str,
    side: &str,
    premaster: &Series,
    peer: impl Fn(Peer) -> Option<&'a Series>,
) -> Row {
    row(work, side, microseconds(premaster), premaster, peer)
}

/// A part of premaster's work, done by its peers alone; the shares are those of premaster's whole
/// work.
pub fn part<'a>(
    work: &str,
    side: &str,
    premaster: &Series,
    peer: impl Fn(Peer) -> Option<&'a Series>,
) -> Row {
    row(work, side, NOTHING.into(), premaster, peer)
}

/// A number of bytes of premaster's.
pub fn bytes(work: &str, side: &str, count: usize) -> Row {
    row(work, side, count.to_string(), &Series::default(), |_| None)
}

fn row<'a>(
    work: &str,
    side: &str,
    own: String,
    premaster: &Series,
    peer: impl Fn(Peer) -> Option<&'a Series>,
) -> Row {
    let peers = Peer::ALL.map(peer);
    let times = peers.map(|peer| or_nothing(peer.map(microseconds)));
    let shares = peers.map(|peer| or_nothing(peer.map(|peer| share(premaster.ratio_to(peer)))));
    let mut row = vec![work.into(), side.into(), own];
    row.extend(times);
    row.extend(shares);
    row
}

fn or_nothing(cell: Option<String>) -> String {
    cell.unwrap_or_else(|| NOTHING.into())
}

/// The median, to three digits or the microsecond.
fn microseconds(series: &Series) -> String {
    format_microseconds(series.median())
}

/// Three digits, or whole microseconds.
pub fn format_microseconds(time: f64) -> String {
    let decimals = match time {
        ..1.0 => 3,
        ..10.0 => 2,
        ..100.0 => 1,
        _ => 0,
    };
    format!("{time:.decimals$}")
}

fn share(ratio: f64) -> String {
    format!("{ratio:.2}")
}

/// A table whose first columns are text; the others are numbers.
pub fn markdown(header: &[String], text_columns: usize, rows: &[Row]) -> String {
    let widths: Vec<usize> = (0..header.len())
        .map(|column| {
            let cells = rows.iter().map(|row| row[column].chars().count());
            cells.fold(header[column].chars().count(), usize::max)
        })
        .collect();
    let is_text = |column| column < text_columns;
    let line = |cells: &[String]| {
        let cells = cells.iter().zip(&widths).enumerate();
        let padded = cells.map(|(column, (cell, &width))| {
            if is_text(column) {
                format!(" {cell:<width$} |")
            } else {
                format!(" {cell:>width$} |")
            }
        });
        format!("|{}\n", padded.collect::<String>())
    };
    let rules = widths.iter().enumerate();
    let rule: String = rules
        .map(|(column, width)| {
            if is_text(column) {
                format!("{}|", "-".repeat(width + 2))
            } else {
                format!("{}:|", "-".repeat(width + 1))
            }
        })
        .collect();
    let body: String = rows.iter().map(|row| line(row)).collect();
    format!("{}|{rule}\n{body}", line(header))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn series(values: &[f64]) -> Series {
        values.iter().copied().collect()
    }

    #[test]
    fn every_row_has_a_cell_in_every_column() {
        let premaster = series(&[2.0]);
        for row in [
            comparison("work", "client", &premaster, |_| None),
            part("work", "client", &premaster, |_| None),
            bytes("work", "client", 1),
        ] {
            assert_eq!(row.len(), header().len());
        }
    }

    #[test]
    fn a_comparison_has_the_times_and_the_shares() {
        let (openssl, ring) = (series(&[8.0]), series(&[16.0]));
        let row = comparison("work", "client", &series(&[12.0]), |peer| match peer {
            Peer::OpenSsl30 => Some(&openssl),
            Peer::RustlsRing => Some(&ring),
            _ => None,
        });
        let times = ["12.0", "8.00", "–", "–", "16.0", "–", "–"];
        let shares = ["1.50", "–", "–", "0.75", "–", "–"];
        assert_eq!(row[2..], [&times[..], &shares[..]].concat());
    }

    #[test]
    fn a_part_has_the_shares_of_the_whole() {
        let rust_crypto = series(&[4.0]);
        let row = part("work", "server", &series(&[6.0]), |peer| {
            (peer == Peer::RustCrypto).then_some(&rust_crypto)
        });
        assert_eq!([&row[2], &row[8], &row[14]], ["–", "4.00", "1.50"]);
    }

    #[test]
    fn bytes_have_no_peers() {
        assert_eq!(bytes("work", "client", 3072)[2..4], ["3072", "–"]);
    }

    #[test]
    fn times_keep_three_digits() {
        let written = |time| microseconds(&series(&[time]));
        assert_eq!(written(0.10749), "0.107");
        assert_eq!(written(1.0), "1.00");
        assert_eq!(written(43.21), "43.2");
        assert_eq!(written(10_480.6), "10481");
    }

    #[test]
    fn columns_are_aligned() {
        let rows = [
            vec!["a".into(), "1.00".into()],
            vec!["long".into(), "–".into()],
        ];
        let expected = "\
| work | time |
|------|-----:|
| a    | 1.00 |
| long |    – |
";
        assert_eq!(
            markdown(&["work", "time"].map(Into::into), 1, &rows),
            expected
        );
    }

    #[test]
    fn a_header_may_be_the_widest_cell() {
        let rows = [vec!["a".into(), "1".into()]];
        let expected = "\
| works | times |
|-------|------:|
| a     |     1 |
";
        assert_eq!(
            markdown(&["works", "times"].map(Into::into), 1, &rows),
            expected
        );
    }
}
