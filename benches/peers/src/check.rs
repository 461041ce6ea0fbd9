//! The targets, and whether premaster meets them.

use crate::table::{Row, markdown};
use crate::tier::Tier;

/// A figure and its largest allowed value.
pub struct Requirement {
    name: String,
    measured: Amount,
    limit: Amount,
    /// The lowest tier of processors on which it holds.
    tier: Tier,
}

/// What a requirement is about.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
enum Amount {
    /// A time as a multiple of another.
    Ratio(f64),
    Bytes(usize),
}

impl Amount {
    fn written(self) -> String {
        match self {
            Self::Ratio(ratio) => format!("{ratio:.3}"),
            Self::Bytes(bytes) => bytes.to_string(),
        }
    }
}

impl Requirement {
    /// Of a time as a multiple of another.
    pub fn ratio(name: String, measured: f64, limit: f64) -> Self {
        Self {
            name,
            measured: Amount::Ratio(measured),
            limit: Amount::Ratio(limit),
            tier: Tier::Portable,
        }
    }

    /// Of a number of bytes.
    pub fn bytes(name: String, measured: usize, limit: usize) -> Self {
        Self {
            name,
            measured: Amount::Bytes(measured),
            limit: Amount::Bytes(limit),
            tier: Tier::Portable,
        }
    }

    /// This requirement for processors of this tier and those above it.
    pub fn only_on(self, tier: Tier) -> Self {
        Self { tier, ..self }
    }

    fn applies(&self) -> bool {
        Tier::here() >= self.tier
    }

    /// Not a number fulfils no requirement.
    fn is_fulfilled(&self) -> bool {
        self.measured <= self.limit
    }

    fn row(&self) -> Row {
        let fulfilled = match (self.applies(), self.is_fulfilled()) {
            (false, _) => "not on this processor",
            (true, true) => "yes",
            (true, false) => "no",
        };
        vec![
            self.name.clone(),
            fulfilled.into(),
            self.measured.written(),
            self.limit.written(),
        ]
    }
}

/// Every requirement in a table.
pub fn table(requirements: &[Requirement]) -> String {
    let rows: Vec<Row> = requirements.iter().map(Requirement::row).collect();
    markdown(
        &["requirement", "fulfilled", "measured", "limit"].map(Into::into),
        2,
        &rows,
    )
}

/// A line for each requirement that is not fulfilled.
pub fn shortfalls(requirements: &[Requirement]) -> Vec<String> {
    let is_short =
        |requirement: &&Requirement| requirement.applies() && !requirement.is_fulfilled();
    requirements
        .iter()
        .filter(is_short)
        .map(|requirement| {
            let measured = requirement.measured.written();
            let limit = requirement.limit.written();
            format!(
                "falls short: {}: {measured}, limit {limit}",
                requirement.name
            )
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ratio(measured: f64, limit: f64) -> Requirement {
        Requirement::ratio("a handshake".into(), measured, limit)
    }

    #[test]
    fn the_limit_itself_is_fulfilled() {
        assert!(ratio(0.999, 1.0).is_fulfilled());
        assert!(ratio(1.0, 1.0).is_fulfilled());
        assert!(!ratio(1.001, 1.0).is_fulfilled());
        assert!(Requirement::bytes("heap".into(), 3072, 3072).is_fulfilled());
        assert!(!Requirement::bytes("heap".into(), 3073, 3072).is_fulfilled());
    }

    #[test]
    fn no_number_fulfils_nothing() {
        assert!(!ratio(f64::NAN, 1.0).is_fulfilled());
    }

    #[test]
    fn only_what_falls_short_is_named_with_figure_and_limit() {
        let requirements = [
            ratio(0.5, 1.0),
            ratio(1.25, 1.0),
            Requirement::bytes("heap".into(), 4000, 3072),
        ];
        assert_eq!(
            shortfalls(&requirements),
            [
                "falls short: a handshake: 1.250, limit 1.000",
                "falls short: heap: 4000, limit 3072",
            ]
        );
        assert!(shortfalls(&requirements[..1]).is_empty());
    }

    #[test]
    fn the_table_has_every_requirement() {
        let expected = "\
| requirement | fulfilled | measured | limit |
|-------------|-----------|---------:|------:|
| a handshake | yes       |    0.500 | 1.000 |
| heap        | no        |     4000 |  3072 |
";
        let heap = Requirement::bytes("heap".into(), 4000, 3072);
        assert_eq!(table(&[ratio(0.5, 1.0), heap]), expected);
    }
}
