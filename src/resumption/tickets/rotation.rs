//! The choice of the keys that seal and open at a given time, and their rotation.

use super::key::{TicketKey, TicketKeySet};
use core::time::Duration;
use pki_types::UnixTime;

/// The key with which a ticket was sealed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SealedBy {
    /// The key that seals now.
    Current,
    /// A key that sealed before: the client should get a new ticket.
    Other,
    /// A key that will seal later: the ticket is newer than any that this server could issue.
    Next,
}

/// The keys in use, and their rotation.
pub(super) struct Keys {
    /// `None` only until a key is generated.
    pub(super) current: Option<TicketKey>,
    pub(super) previous: Option<TicketKey>,
    pub(super) next: Option<TicketKey>,
    /// `None` for keys that the caller supplied.
    rotation: Option<Rotation>,
}

/// The rotation of generated keys. Times are in seconds.
struct Rotation {
    period: u64,
    /// The start of the current key's period.
    start: u64,
}

/// The position of a time relative to the current key's periods.
enum PeriodPosition {
    /// In its first period, or less than a period before it, because a clock may have been set
    /// back.
    InPeriod,
    /// In its second period, in which it still opens tickets.
    InNextPeriod,
    /// Outside both periods.
    Outside,
}

impl Rotation {
    fn place(&self, now: u64) -> PeriodPosition {
        let distance = now.abs_diff(self.start);
        if distance < self.period {
            PeriodPosition::InPeriod
        } else if now > self.start && distance < self.period.saturating_mul(2) {
            PeriodPosition::InNextPeriod
        } else {
            PeriodPosition::Outside
        }
    }
}

impl Keys {
    /// Keys that rotate automatically with this period, of at least a second. None is generated
    /// yet.
    pub(super) fn rotating(period: Duration) -> Self {
        Self {
            current: None,
            previous: None,
            next: None,
            rotation: Some(Rotation {
                period: period.as_secs().max(1),
                start: 0,
            }),
        }
    }

    /// Returns true if the next key should be generated.
    fn lacks_next(&self) -> bool {
        self.rotation.is_some() && self.next.is_none()
    }

    /// The key that seals, or `None` if a key must be generated first.
    pub(super) fn sealing_key(&mut self, now: UnixTime) -> Option<TicketKey> {
        self.turn_over(now);
        if self.lacks_next() {
            return None;
        }
        self.current.clone()
    }

    /// Takes a generated key as the next one, unless another thread was faster or the generator
    /// failed.
    pub(super) fn offer_next(&mut self, drawn: Option<TicketKey>, now: UnixTime) {
        if self.lacks_next() {
            self.next = drawn;
        }
        self.turn_over(now);
    }

    /// Lets the next key take over when it is due, and wipes keys that have expired. It needs no
    /// randomness: without a next key, the current one remains in use until its end.
    pub(super) fn turn_over(&mut self, now: UnixTime) {
        let Some(rotation) = &mut self.rotation else {
            return;
        };
        let now = now.as_secs();
        let position = match self.current {
            Some(_) => rotation.place(now),
            None => PeriodPosition::Outside,
        };
        match position {
            PeriodPosition::InPeriod => {}
            PeriodPosition::InNextPeriod => {
                self.previous = None;
                if let Some(next) = self.next.take() {
                    self.previous = self.current.replace(next);
                    // Not `now`: the previous key's second period has begun already.
                    rotation.start = rotation.start.saturating_add(rotation.period);
                }
            }
            PeriodPosition::Outside => {
                self.previous = None;
                self.current = self.next.take();
                rotation.start = now;
            }
        }
    }

    /// The key whose name the ticket begins with.
    pub(super) fn named_in(&self, ticket: &[u8]) -> Option<(TicketKey, SealedBy)> {
        [
            (&self.current, SealedBy::Current),
            (&self.previous, SealedBy::Other),
            (&self.next, SealedBy::Next),
        ]
        .into_iter()
        .filter_map(|(key, by)| Some((key.as_ref()?, by)))
        .find(|(key, _)| key.is_named_in(ticket))
        .map(|(key, by)| (key.clone(), by))
    }
}

impl From<TicketKeySet> for Keys {
    fn from(keys: TicketKeySet) -> Self {
        Self {
            current: Some(keys.current),
            previous: keys.previous,
            next: keys.next,
            rotation: None,
        }
    }
}
