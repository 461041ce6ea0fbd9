//! Which key seals and which ones open at this moment, and when they change.

use super::key::{TicketKey, TicketKeySet};
use core::time::Duration;
use pki_types::UnixTime;

/// Which key a ticket was sealed with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SealedBy {
    /// The one that seals.
    Current,
    /// One that sealed before: the client is due another ticket.
    Other,
    /// One that will seal: the ticket is newer than any that could be given for it.
    Next,
}

/// The keys of this moment, and when they change.
pub(super) struct Keys {
    /// Missing only until one is drawn.
    pub(super) current: Option<TicketKey>,
    pub(super) previous: Option<TicketKey>,
    pub(super) next: Option<TicketKey>,
    /// Missing for keys from outside.
    rotation: Option<Rotation>,
}

/// The period of keys that change by themselves. In seconds.
struct Rotation {
    period: u64,
    /// When the current key's period began.
    start: u64,
}

/// Where a moment lies, as the current key sees it.
enum Moment {
    /// In its period, or so little before that a clock may have been set back.
    InPeriod,
    /// In the period after, in which it opens what it sealed.
    InNextPeriod,
    /// Beyond both.
    Outside,
}

impl Rotation {
    fn place(&self, now: u64) -> Moment {
        let distance = now.abs_diff(self.start);
        if distance < self.period {
            Moment::InPeriod
        } else if now > self.start && distance < self.period.saturating_mul(2) {
            Moment::InNextPeriod
        } else {
            Moment::Outside
        }
    }
}

impl Keys {
    /// Keys that change by themselves once in this period, of at least a second; none is drawn yet.
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

    /// Whether a key should be drawn to be the next one.
    fn wants_next(&self) -> bool {
        self.rotation.is_some() && self.next.is_none()
    }

    /// The key that seals, if no key is missing.
    pub(super) fn sealing_key(&mut self, now: UnixTime) -> Option<TicketKey> {
        self.turn_over(now);
        if self.wants_next() {
            return None;
        }
        self.current.clone()
    }

    /// Takes a key that was drawn to be the next one, unless another thread was faster or the
    /// generator failed.
    pub(super) fn offer_next(&mut self, drawn: Option<TicketKey>, now: UnixTime) {
        if self.wants_next() {
            self.next = drawn;
        }
        self.turn_over(now);
    }

    /// Lets the next key take over if it is time, and wipes keys that have outlived theirs. Needs
    /// no randomness: without a next key, the current one goes on as long as it lives.
    pub(super) fn turn_over(&mut self, now: UnixTime) {
        let Some(rotation) = &mut self.rotation else {
            return;
        };
        let now = now.as_secs();
        let moment = match self.current {
            Some(_) => rotation.place(now),
            None => Moment::Outside,
        };
        match moment {
            Moment::InPeriod => {}
            Moment::InNextPeriod => {
                self.previous = None;
                if let Some(next) = self.next.take() {
                    self.previous = self.current.replace(next);
                    // Not `now`: the previous key's second period has begun already.
                    rotation.start = rotation.start.saturating_add(rotation.period);
                }
            }
            Moment::Outside => {
                self.previous = None;
                self.current = self.next.take();
                rotation.start = now;
            }
        }
    }

    /// The key whose name a ticket begins with.
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
