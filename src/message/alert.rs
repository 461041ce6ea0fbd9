//! Alerts ([RFC 5246 section 7.2](https://www.rfc-editor.org/rfc/rfc5246#section-7.2)).

use crate::codec::Reader;
use crate::enums::{AlertDescription, AlertLevel};
use crate::error::DecodeError;

/// An alert, which is the whole content of its record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Alert {
    pub(crate) level: AlertLevel,
    pub(crate) description: AlertDescription,
}

impl Alert {
    pub(crate) fn fatal(description: AlertDescription) -> Self {
        Self {
            level: AlertLevel::FATAL,
            description,
        }
    }

    pub(crate) fn warning(description: AlertDescription) -> Self {
        Self {
            level: AlertLevel::WARNING,
            description,
        }
    }

    pub(crate) fn encode(self) -> [u8; 2] {
        [self.level.0, self.description.0]
    }

    /// Decodes exactly one complete alert. RFC 5246 allows alerts to be fragmented and coalesced like
    /// other messages, but implementations do not do it, and
    /// [RFC 8446 section 5.1](https://www.rfc-editor.org/rfc/rfc8446#section-5.1) forbids it.
    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(bytes);
        let alert = Self {
            level: AlertLevel(reader.u8()?),
            description: AlertDescription(reader.u8()?),
        };
        reader.finish()?;
        Ok(alert)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_level_is_in_front_of_the_description() {
        let fatal = Alert::fatal(AlertDescription::HANDSHAKE_FAILURE);
        assert_eq!(fatal.encode(), [2, 40]);
        let warning = Alert::warning(AlertDescription::CLOSE_NOTIFY);
        assert_eq!(warning.encode(), [1, 0]);
    }

    #[test]
    fn round_trips_and_takes_nothing_else() {
        let alert = Alert::fatal(AlertDescription(200));
        assert_eq!(Alert::decode(&alert.encode()), Ok(alert));
        assert_eq!(Alert::decode(&[2]), Err(DecodeError::Truncated));
        assert_eq!(Alert::decode(&[2, 0, 2]), Err(DecodeError::TrailingData));
    }
}
