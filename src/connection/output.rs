//! Where a connection's own records go.

use crate::enums::{AlertDescription, AlertLevel, ContentType, ProtocolVersion};
use crate::error::LocalError;
use crate::message::alert::Alert;
use crate::record::RecordWriter;

/// The sending direction, as the connection has it.
#[derive(Debug)]
pub(super) enum Output {
    /// The connection is whole and writes records.
    Records(RecordWriter),
    /// The connection is a receiver: a sender of its own writes the records, alerts among them.
    Replies(Replies),
}

/// The alerts that a receiver leaves for its sender: at most one warning, and the last word. A
/// peer that asks for another handshake more often than the sender answers is answered once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Replies {
    warning: Option<Alert>,
    /// close_notify, or a fatal alert.
    last: Option<Alert>,
}

impl Output {
    /// The output of a connection that sends nothing more.
    pub(super) fn closed() -> Self {
        Self::Records(RecordWriter::new(ProtocolVersion::TLS_1_2))
    }

    /// Returns the writer of records.
    pub(super) fn writer(&mut self) -> Result<&mut RecordWriter, LocalError> {
        match self {
            Self::Records(writer) => Ok(writer),
            Self::Replies(_) => Err(LocalError::Internal("a receiver wrote a record")),
        }
    }

    /// Sends an alert.
    ///
    /// One that the key can no longer protect is not sent: nothing else could carry it, and the
    /// connection ends in any case.
    pub(super) fn alert(&mut self, alert: Alert, outgoing: &mut Vec<u8>) {
        match self {
            Self::Records(writer) => {
                let _ = writer.write(ContentType::ALERT, &alert.encode(), outgoing);
            }
            Self::Replies(replies) => replies.add(alert),
        }
    }

    /// Forgets the key. What waits for the sender still goes out, under the sender's.
    pub(super) fn forget_key(&mut self) {
        if let Self::Records(_) = self {
            *self = Self::closed();
        }
    }

    /// Takes what a receiver has left for its sender, if anything.
    pub(super) fn take_replies(&mut self) -> Option<Replies> {
        match self {
            Self::Replies(replies) if *replies != Replies::default() => {
                Some(core::mem::take(replies))
            }
            Self::Records(_) | Self::Replies(_) => None,
        }
    }
}

impl Replies {
    /// Adds an alert. After the last word there is no other.
    pub(super) fn add(&mut self, alert: Alert) {
        match (alert.level, alert.description) {
            (AlertLevel::FATAL, _) | (_, AlertDescription::CLOSE_NOTIFY) => {
                self.last.get_or_insert(alert);
            }
            _ => self.warning = Some(alert),
        }
    }

    /// Returns the alerts in the order in which they go out.
    pub(super) fn alerts(self) -> impl Iterator<Item = Alert> {
        self.warning.into_iter().chain(self.last)
    }
}
