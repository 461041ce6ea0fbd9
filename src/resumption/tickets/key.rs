//! The keys with which session tickets are sealed: encrypted and authenticated.

use crate::crypto::rng::RandomSource;
use crate::crypto::sealing::{SALT, SEALING_KEY, SealingKey};
use crate::error::LocalError;
use core::fmt;
use std::sync::Arc;
use zeroize::Zeroizing;

/// A key that encrypts session tickets. **Anyone who has it can decrypt every connection on which
/// such a ticket was issued or used.**
///
/// Each ticket carries the key's name, by which servers find the key. The key is wiped when the
/// last clone is dropped; its `Debug` output shows only the name.
#[derive(Clone)]
pub struct TicketKey(Arc<SealingKey>);

impl TicketKey {
    /// Creates a key from 48 random bytes: a name of 16, then a secret of 32. The caller should
    /// wipe its copy.
    #[must_use]
    pub fn from_bytes(bytes: &[u8; 48]) -> Self {
        Self(Arc::new(SealingKey::from_bytes(bytes)))
    }

    /// Generates a key.
    pub(super) fn draw(random: &dyn RandomSource) -> Result<Self, LocalError> {
        let mut bytes = Zeroizing::new([0; SEALING_KEY]);
        random.fill(bytes.as_mut_slice())?;
        Ok(Self::from_bytes(&bytes))
    }

    /// Returns true if the ticket carries this key's name.
    pub(super) fn is_named_in(&self, ticket: &[u8]) -> bool {
        ticket.starts_with(self.0.name())
    }

    /// Seals `plaintext` into a ticket.
    pub(super) fn seal(
        &self,
        plaintext: &[u8],
        random: &dyn RandomSource,
    ) -> Result<Vec<u8>, LocalError> {
        let mut salt = [0; SALT];
        random.fill(&mut salt)?;
        // The longest session is 2^14 bytes; GCM allows nearly 2^36.
        self.0
            .seal(salt, plaintext)
            .map_err(|_| LocalError::Internal("a session is longer than a ticket can be"))
    }

    /// Opens a ticket that this key sealed.
    pub(super) fn open(&self, ticket: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        self.0.open(ticket)
    }

    /// Lets a test see whether the key is wiped.
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

/// The ticket keys that several servers share. The current key encrypts and decrypts tickets; the
/// others only decrypt.
///
/// Servers do not change keys at the same moment, so a rotation takes three steps. Finish each step
/// on all servers before the next one; then no server receives a ticket that it cannot decrypt:
///
/// 1. `TicketKeySet::new(old).next(new)`: every server can decrypt tickets under the new key.
/// 2. `TicketKeySet::new(new).previous(old)`: tickets are encrypted under the new key.
/// 3. `TicketKeySet::new(new)`, once the last ticket under the old key has expired.
///
/// To resume each other's sessions, the servers also need the same certificate and the same policy
/// for client certificates.
///
/// Rotate the keys regularly: a leaked ticket key, like a leaked RSA key, exposes past connections.
#[derive(Clone, Debug)]
pub struct TicketKeySet {
    pub(super) current: TicketKey,
    pub(super) previous: Option<TicketKey>,
    pub(super) next: Option<TicketKey>,
}

impl TicketKeySet {
    /// Creates a set with only a current key, which encrypts and decrypts.
    #[must_use]
    pub fn new(current: TicketKey) -> Self {
        Self {
            current,
            previous: None,
            next: None,
        }
    }

    /// Adds the previous key, whose tickets can still be decrypted.
    #[must_use]
    pub fn previous(self, key: TicketKey) -> Self {
        Self {
            previous: Some(key),
            ..self
        }
    }

    /// Adds the next key, with which other servers may already encrypt tickets.
    #[must_use]
    pub fn next(self, key: TicketKey) -> Self {
        Self {
            next: Some(key),
            ..self
        }
    }
}
