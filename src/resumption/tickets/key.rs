//! The keys that session tickets are sealed with.

use crate::crypto::rng::RandomSource;
use crate::crypto::sealing::{SALT, SEALING_KEY, SealingKey};
use crate::error::LocalError;
use core::fmt;
use std::sync::Arc;
use zeroize::Zeroizing;

/// A key that seals session tickets. **Whoever has it reads every connection that a ticket of it
/// resumes or was issued on.**
///
/// Its name travels in each ticket and tells the servers which key opens it. Wiped when the last
/// clone is dropped; only the name prints.
#[derive(Clone)]
pub struct TicketKey(Arc<SealingKey>);

impl TicketKey {
    /// Takes 48 bytes that were drawn at random: 16 of name, then 32 of secret. What is left of
    /// them is for the caller to wipe.
    #[must_use]
    pub fn from_bytes(bytes: &[u8; 48]) -> Self {
        Self(Arc::new(SealingKey::from_bytes(bytes)))
    }

    /// Draws a key that nobody else knows.
    pub(super) fn draw(random: &dyn RandomSource) -> Result<Self, LocalError> {
        let mut bytes = Zeroizing::new([0; SEALING_KEY]);
        random.fill(bytes.as_mut_slice())?;
        Ok(Self::from_bytes(&bytes))
    }

    /// Whether the ticket says that this key sealed it.
    pub(super) fn is_named_in(&self, ticket: &[u8]) -> bool {
        ticket.starts_with(self.0.name())
    }

    /// A ticket with `plaintext` in it.
    pub(super) fn seal(
        &self,
        plaintext: &[u8],
        random: &dyn RandomSource,
    ) -> Result<Vec<u8>, LocalError> {
        let mut salt = [0; SALT];
        random.fill(&mut salt)?;
        // The longest session is 2^14 bytes, the longest text of GCM nearly 2^36.
        self.0
            .seal(salt, plaintext)
            .map_err(|_| LocalError::Internal("a session is longer than a ticket can be"))
    }

    /// What is in a ticket that this key sealed.
    pub(super) fn open(&self, ticket: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        self.0.open(ticket)
    }

    /// Sees whether the key is wiped.
    #[cfg(test)]
    pub(super) fn downgrade(&self) -> std::sync::Weak<SealingKey> {
        Arc::downgrade(&self.0)
    }
}

impl fmt::Debug for TicketKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TicketKey")
            .field("name", &format_args!("{:02x?}", self.0.name()))
            .finish_non_exhaustive()
    }
}

/// The keys that the servers of a fleet share: the current one seals and opens, the others only
/// open.
///
/// A fleet does not change its keys at one moment, so a change takes three steps, each of them
/// finished on all servers before the next one begins. In this way no server meets a ticket that
/// it cannot open:
///
/// 1. `TicketKeySet::new(old).next(new)`: all can open what will come.
/// 2. `TicketKeySet::new(new).previous(old)`: tickets are sealed with the new key.
/// 3. `TicketKeySet::new(new)`, when the last ticket of the old key has expired.
///
/// Shared keys are not all: a session is resumed only by a server that shows the same certificate
/// and has the same policy for client certificates.
///
/// The keys should change regularly: with RSA key transport and tickets alike, a key that gets out
/// gives away the past.
#[derive(Clone, Debug)]
pub struct TicketKeySet {
    pub(super) current: TicketKey,
    pub(super) previous: Option<TicketKey>,
    pub(super) next: Option<TicketKey>,
}

impl TicketKeySet {
    /// A key that seals and opens, and no others.
    #[must_use]
    pub fn new(current: TicketKey) -> Self {
        Self {
            current,
            previous: None,
            next: None,
        }
    }

    /// With the key that sealed before: its tickets still open.
    #[must_use]
    pub fn previous(self, key: TicketKey) -> Self {
        Self {
            previous: Some(key),
            ..self
        }
    }

    /// With the key that will seal: what other servers seal with it already opens.
    #[must_use]
    pub fn next(self, key: TicketKey) -> Self {
        Self {
            next: Some(key),
            ..self
        }
    }
}
