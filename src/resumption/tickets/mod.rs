//! The rotation of ticket keys: which key seals tickets, and which keys open them
//! ([RFC 5077 sections 4](https://www.rfc-editor.org/rfc/rfc5077#section-4) and
//! [5.5](https://www.rfc-editor.org/rfc/rfc5077#section-5.5)).
//!
//! Tickets have the format of [`crate::crypto::sealing`]. Section 4 recommends another one and
//! leaves the choice to the server, because nobody else reads a ticket.

mod key;
mod rotation;

pub use key::{TicketKey, TicketKeySet};
pub(crate) use rotation::SealedBy;

use crate::crypto::rng::RandomSource;
use crate::error::LocalError;
use core::fmt;
use core::time::Duration;
use pki_types::UnixTime;
use rotation::Keys;
use std::sync::{Mutex, MutexGuard, PoisonError};
use zeroize::Zeroizing;

/// The ticket keys of a server, shared by all its connections.
///
/// ```
/// use core::time::Duration;
/// use premaster::session::{TicketKey, TicketKeySet};
/// use premaster::Tickets;
///
/// // Of one server: keys of its own, made anew.
/// let own = Tickets::rotating(Duration::from_secs(12 * 60 * 60));
/// // Of several servers, which get them from elsewhere.
/// let (today, tomorrow) = ([1; 48], [2; 48]);
/// let keys = TicketKeySet::new(TicketKey::from_bytes(&today)).next(TicketKey::from_bytes(&tomorrow));
/// let shared = Tickets::shared(keys);
/// // A day later, yesterday's tickets still open.
/// let keys = TicketKeySet::new(TicketKey::from_bytes(&tomorrow)).previous(TicketKey::from_bytes(&today));
/// shared.replace(keys);
/// ```
pub struct Tickets(Mutex<Keys>);

/// The contents of a ticket, and the key that sealed it.
pub(crate) struct Opened {
    pub(crate) plaintext: Zeroizing<Vec<u8>>,
    pub(crate) by: SealedBy,
}

impl Tickets {
    /// Creates keys that are generated in this process and rotate automatically.
    ///
    /// A key encrypts tickets for one `period`, decrypts them for another one, and is wiped at the
    /// first use after that. A ticket can therefore be decrypted for at least one period. Choose a
    /// period as long as the configuration's
    /// [`session_lifetime`](crate::ServerConfigBuilder::session_lifetime), so that every session
    /// can be resumed for its whole lifetime.
    ///
    /// Periods are whole seconds, at least one, by the configuration's time provider. Setting that
    /// clock back by less than a period extends a key's life by the same amount; setting it back
    /// further discards the key.
    ///
    /// The next key is generated in advance. If the random number generator fails, the next ticket
    /// tries again, and the current key remains in use until its two periods are over.
    #[must_use]
    pub fn rotating(period: Duration) -> Self {
        Self(Mutex::new(Keys::rotating(period)))
    }

    /// Creates ticket keys from a set that several servers may share. Only [`Tickets::replace`]
    /// changes them.
    #[must_use]
    pub fn shared(keys: TicketKeySet) -> Self {
        Self(Mutex::new(keys.into()))
    }

    /// Replaces all keys, immediately and for all connections.
    ///
    /// Automatic rotation stops: the keys are then as if created by [`shared`](Tickets::shared).
    pub fn replace(&self, keys: TicketKeySet) {
        *self.lock() = keys.into();
    }

    /// Seals `plaintext` into a ticket.
    pub(crate) fn seal(
        &self,
        plaintext: &[u8],
        now: UnixTime,
        random: &dyn RandomSource,
    ) -> Result<Vec<u8>, LocalError> {
        self.sealing_key(now, random)?.seal(plaintext, random)
    }

    /// Opens a ticket, if one of the keys sealed it and that key is still in use.
    pub(crate) fn open(&self, ticket: &[u8], now: UnixTime) -> Option<Opened> {
        let (key, by) = self.opening_key(ticket, now)?;
        let plaintext = key.open(ticket)?;
        Some(Opened { plaintext, by })
    }

    /// The key that seals. A missing key, the current or the next one, is generated outside the
    /// lock: no other connection waits for the generator.
    fn sealing_key(
        &self,
        now: UnixTime,
        random: &dyn RandomSource,
    ) -> Result<TicketKey, LocalError> {
        // At the first use both are missing.
        for _ in 0..2 {
            if let Some(key) = self.lock().sealing_key(now) {
                return Ok(key);
            }
            let drawn = TicketKey::draw(random).ok();
            self.lock().offer_next(drawn, now);
        }
        let current = self.lock().current.clone();
        current.ok_or(LocalError::RandomUnavailable)
    }

    /// The key that the ticket names.
    fn opening_key(&self, ticket: &[u8], now: UnixTime) -> Option<(TicketKey, SealedBy)> {
        let mut keys = self.lock();
        keys.turn_over(now);
        keys.named_in(ticket)
    }

    /// A panic behind the lock leaves the keys consistent.
    fn lock(&self) -> MutexGuard<'_, Keys> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Tickets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let keys = self.lock();
        f.debug_struct("Tickets")
            .field("current", &keys.current)
            .field("previous", &keys.previous)
            .field("next", &keys.next)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::sealing::SEALING_KEY;
    use core::sync::atomic::{AtomicU8, Ordering};

    const PERIOD: Duration = Duration::from_secs(100);

    /// Every draw is another byte, repeated.
    #[derive(Default)]
    struct Draws {
        count: AtomicU8,
        /// How many keys can still be drawn; any number unless it is set.
        keys_left: Mutex<Option<u8>>,
    }

    impl Draws {
        fn give_keys(&self, keys: impl Into<Option<u8>>) {
            *self.keys_left.lock().unwrap() = keys.into();
        }
    }

    impl RandomSource for Draws {
        fn fill(&self, out: &mut [u8]) -> Result<(), LocalError> {
            if out.len() == SEALING_KEY
                && let Some(left) = &mut *self.keys_left.lock().unwrap()
            {
                *left = left.checked_sub(1).ok_or(LocalError::RandomUnavailable)?;
            }
            out.fill(self.count.fetch_add(1, Ordering::Relaxed));
            Ok(())
        }
    }

    struct Broken;

    impl RandomSource for Broken {
        fn fill(&self, _: &mut [u8]) -> Result<(), LocalError> {
            Err(LocalError::RandomUnavailable)
        }
    }

    fn at(seconds: u64) -> UnixTime {
        UnixTime::since_unix_epoch(Duration::from_secs(seconds))
    }

    fn key(byte: u8) -> TicketKey {
        TicketKey::from_bytes(&[byte; SEALING_KEY])
    }

    fn seal(tickets: &Tickets, now: u64, random: &Draws) -> Vec<u8> {
        tickets.seal(b"session", at(now), random).unwrap()
    }

    /// Which key opened the ticket, if any did.
    fn opened(tickets: &Tickets, ticket: &[u8], now: u64) -> Option<SealedBy> {
        let opened = tickets.open(ticket, at(now))?;
        assert_eq!(*opened.plaintext, b"session");
        Some(opened.by)
    }

    #[test]
    fn a_key_seals_for_one_period_and_opens_for_another() {
        let (tickets, random) = (Tickets::rotating(PERIOD), Draws::default());
        let first = seal(&tickets, 1000, &random);
        let second = seal(&tickets, 1099, &random);
        assert_eq!(opened(&tickets, &first, 1099), Some(SealedBy::Current));
        assert_eq!(opened(&tickets, &first, 1100), Some(SealedBy::Other));
        let third = seal(&tickets, 1150, &random);
        for (now, by) in [(1199, Some(SealedBy::Other)), (1200, None)] {
            assert_eq!(opened(&tickets, &first, now), by);
            assert_eq!(opened(&tickets, &second, now), by);
        }
        // The third's key began at 1100, not when it was first used.
        assert_eq!(opened(&tickets, &third, 1200), Some(SealedBy::Other));
        assert_eq!(opened(&tickets, &third, 1300), None);
    }

    #[test]
    fn a_key_that_has_outlived_its_time_is_freed() {
        let (tickets, random) = (Tickets::rotating(PERIOD), Draws::default());
        let ticket = seal(&tickets, 1000, &random);
        seal(&tickets, 1000, &random);
        let key = tickets.lock().current.as_ref().unwrap().downgrade();
        assert!(opened(&tickets, &ticket, 1199).is_some());
        assert!(key.upgrade().is_some());
        assert!(opened(&tickets, &ticket, 1200).is_none());
        assert!(key.upgrade().is_none());
    }

    #[test]
    fn periods_without_a_ticket_count() {
        for idle in [200, 250, 1_000_000] {
            let (tickets, random) = (Tickets::rotating(PERIOD), Draws::default());
            let before = [1000, 1000, 1150].map(|now| seal(&tickets, now, &random));
            // The next key is there, so nothing needs to be drawn but the salt.
            seal(&tickets, 1150, &random);
            random.give_keys(0);
            let now = 1100 + idle;
            let after = seal(&tickets, now, &random);
            for ticket in &before {
                assert_eq!(opened(&tickets, ticket, now), None, "{idle}");
            }
            assert_eq!(opened(&tickets, &after, now), Some(SealedBy::Current));
            assert_eq!(
                opened(&tickets, &after, now + 99),
                Some(SealedBy::Current),
                "{idle}"
            );
        }
    }

    #[test]
    fn without_any_key_nothing_is_sealed() {
        let (tickets, random) = (Tickets::rotating(PERIOD), Draws::default());
        let failed = tickets.seal(b"session", at(1000), &Broken);
        assert_eq!(failed, Err(LocalError::RandomUnavailable));
        let ticket = seal(&tickets, 1000, &random);
        assert_eq!(opened(&tickets, &ticket, 1000), Some(SealedBy::Current));
        // A key alone is not enough: each ticket has its salt.
        let failed = tickets.seal(b"session", at(1000), &Broken);
        assert_eq!(failed, Err(LocalError::RandomUnavailable));
    }

    #[test]
    fn without_a_next_key_the_current_one_goes_on_to_its_end() {
        let (tickets, random) = (Tickets::rotating(PERIOD), Draws::default());
        random.give_keys(1);
        let first = seal(&tickets, 1000, &random);
        let late = seal(&tickets, 1199, &random);
        assert_eq!(opened(&tickets, &first, 1199), Some(SealedBy::Current));
        assert_eq!(opened(&tickets, &late, 1199), Some(SealedBy::Current));
        assert_eq!(opened(&tickets, &late, 1200), None);
        assert!(tickets.seal(b"session", at(1200), &random).is_err());
        random.give_keys(None);
        let ticket = seal(&tickets, 1200, &random);
        assert_eq!(opened(&tickets, &ticket, 1200), Some(SealedBy::Current));
    }

    #[test]
    fn a_key_drawn_late_takes_over_at_once() {
        let (tickets, random) = (Tickets::rotating(PERIOD), Draws::default());
        random.give_keys(1);
        let first = seal(&tickets, 1000, &random);
        seal(&tickets, 1150, &random);
        random.give_keys(None);
        let second = seal(&tickets, 1160, &random);
        assert_eq!(opened(&tickets, &second, 1160), Some(SealedBy::Current));
        assert_eq!(opened(&tickets, &first, 1199), Some(SealedBy::Other));
        assert_eq!(opened(&tickets, &first, 1200), None);
    }

    #[test]
    fn a_clock_set_back_prolongs_a_key_by_less_than_a_period() {
        let (tickets, random) = (Tickets::rotating(PERIOD), Draws::default());
        let ticket = seal(&tickets, 1000, &random);
        assert_eq!(opened(&tickets, &ticket, 901), Some(SealedBy::Current));
        assert_eq!(opened(&tickets, &ticket, 900), None);
        assert_eq!(opened(&tickets, &ticket, 1000), None);
        let ticket = seal(&tickets, 900, &random);
        assert_eq!(opened(&tickets, &ticket, 900), Some(SealedBy::Current));
    }

    #[test]
    fn no_time_and_no_period_overflows() {
        for period in [Duration::ZERO, PERIOD, Duration::MAX] {
            let (tickets, random) = (Tickets::rotating(period), Draws::default());
            for now in [0, u64::MAX, 1, u64::MAX - 1, u64::MAX, 0] {
                let ticket = seal(&tickets, now, &random);
                assert_eq!(opened(&tickets, &ticket, now), Some(SealedBy::Current));
            }
        }
    }

    /// Two servers in the three steps of a rotation; each is a step ahead of the other once.
    #[test]
    fn a_fleet_changes_its_key_without_losing_a_ticket() {
        let random = Draws::default();
        let before = || TicketKeySet::new(key(1));
        let prepared = || TicketKeySet::new(key(1)).next(key(2));
        let changed = || TicketKeySet::new(key(2)).previous(key(1));
        let after = || TicketKeySet::new(key(2));
        let (a, b) = (Tickets::shared(before()), Tickets::shared(before()));
        let exchange = |at_b: SealedBy, at_a: SealedBy| {
            for (from, to, by) in [(&a, &b, at_b), (&b, &a, at_a)] {
                let ticket = seal(from, 0, &random);
                assert_eq!(opened(to, &ticket, u64::MAX), Some(by));
                assert_eq!(opened(from, &ticket, 0), Some(SealedBy::Current));
            }
        };
        exchange(SealedBy::Current, SealedBy::Current);
        let old = seal(&a, 0, &random);
        a.replace(prepared());
        exchange(SealedBy::Current, SealedBy::Current);
        b.replace(prepared());
        exchange(SealedBy::Current, SealedBy::Current);
        a.replace(changed());
        exchange(SealedBy::Next, SealedBy::Other);
        b.replace(changed());
        exchange(SealedBy::Current, SealedBy::Current);
        assert_eq!(opened(&b, &old, 0), Some(SealedBy::Other));
        a.replace(after());
        exchange(SealedBy::Current, SealedBy::Current);
        assert_eq!(opened(&a, &old, 0), None);
    }

    #[test]
    fn replacing_keys_ends_their_rotation() {
        let (tickets, random) = (Tickets::rotating(PERIOD), Draws::default());
        let own = [1000, 1000].map(|now| seal(&tickets, now, &random));
        tickets.replace(TicketKeySet::new(key(200)));
        assert_eq!(opened(&tickets, &own[0], 1000), None);
        let ticket = seal(&tickets, 1000, &random);
        assert_eq!(opened(&tickets, &ticket, 9000), Some(SealedBy::Current));
        assert!(tickets.lock().next.is_none());
    }

    #[test]
    fn what_no_key_sealed_does_not_open() {
        let random = Draws::default();
        let tickets = Tickets::shared(TicketKeySet::new(key(1)).next(key(2)).previous(key(3)));
        let foreign = seal(&Tickets::shared(TicketKeySet::new(key(4))), 0, &random);
        assert_eq!(opened(&tickets, &foreign, 0), None);
        let ticket = seal(&tickets, 0, &random);
        // Another of its keys, by name.
        let renamed = [&[2; 16], &ticket[16..]].concat();
        assert_eq!(opened(&tickets, &renamed, 0), None);
        for length in [0, 1, 16, ticket.len() - 1] {
            assert_eq!(opened(&tickets, &ticket[..length], 0), None);
        }
        assert_eq!(opened(&tickets, &ticket, 0), Some(SealedBy::Current));
    }

    /// Replaces the rotating keys while one of them is generated.
    struct Replacing<'a>(&'a Tickets);

    impl RandomSource for Replacing<'_> {
        fn fill(&self, out: &mut [u8]) -> Result<(), LocalError> {
            if out.len() == SEALING_KEY {
                self.0.replace(TicketKeySet::new(key(200)));
            }
            out.fill(1);
            Ok(())
        }
    }

    #[test]
    fn a_key_is_drawn_outside_of_the_lock_and_dropped_if_not_wanted_any_more() {
        let tickets = Tickets::rotating(PERIOD);
        let ticket = tickets.seal(b"session", at(1000), &Replacing(&tickets));
        let other = Tickets::shared(TicketKeySet::new(key(200)));
        assert_eq!(
            opened(&other, &ticket.unwrap(), 1000),
            Some(SealedBy::Current)
        );
        assert!(tickets.lock().next.is_none());
    }

    #[test]
    fn threads_share_keys_while_they_change() {
        let (tickets, random) = (Tickets::rotating(PERIOD), Draws::default());
        let barrier = std::sync::Barrier::new(4);
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for now in (1000..3000).step_by(10) {
                        // The threads of a server share a clock.
                        barrier.wait();
                        tickets.seal(b"session", at(now), &random).unwrap();
                    }
                });
            }
        });
        let ticket = seal(&tickets, 3000, &random);
        assert_eq!(opened(&tickets, &ticket, 3000), Some(SealedBy::Current));
    }

    #[test]
    fn only_names_print() {
        let mut bytes = [0xbb; SEALING_KEY];
        bytes[..16].fill(0xaa);
        let set = TicketKeySet::new(TicketKey::from_bytes(&bytes));
        let tickets = Tickets::shared(set.clone());
        for printed in [format!("{set:?}"), format!("{tickets:?}")] {
            assert!(printed.contains("aa, aa"), "{printed}");
            assert!(
                !printed.contains("bb") && !printed.contains("187"),
                "{printed}"
            );
        }
    }
}
