//! The handshake messages so far, hashed as they pass
//! ([RFC 5246 section 7.4.9](https://www.rfc-editor.org/rfc/rfc5246#section-7.4.9)).

use crate::crypto::hash::{HashAlgorithm, HashValue, Hasher};

/// Whether the messages themselves are kept for CertificateVerify, which signs them with a hash
/// that is chosen later.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Keep {
    Messages,
    HashOnly,
}

/// The running hash of the handshake, and the messages where they may have to be signed.
#[derive(Debug)]
pub(crate) struct Transcript {
    hasher: Hasher,
    messages: Option<Vec<u8>>,
}

impl Transcript {
    pub(crate) fn new(algorithm: HashAlgorithm, keep: Keep) -> Self {
        Self {
            hasher: Hasher::new(algorithm),
            messages: (keep == Keep::Messages).then(Vec::new),
        }
    }

    pub(crate) fn add(&mut self, message: &[u8]) {
        self.hasher.update(message);
        if let Some(messages) = &mut self.messages {
            messages.extend_from_slice(message);
        }
    }

    /// Gives back the messages so far and keeps no more of them; empty if they were not kept.
    pub(crate) fn take_messages(&mut self) -> Vec<u8> {
        self.messages.take().unwrap_or_default()
    }

    /// The hash so far, while the handshake goes on.
    pub(crate) fn current(&self) -> HashValue {
        self.hasher.clone().finish()
    }

    /// The hash of the whole handshake.
    pub(crate) fn finish(self) -> HashValue {
        self.hasher.finish()
    }
}
