//! The transcript: the hash of the handshake messages so far
//! ([RFC 5246 section 7.4.9](https://www.rfc-editor.org/rfc/rfc5246#section-7.4.9)).

use crate::crypto::hash::{HashAlgorithm, HashValue, Hasher};
use crate::error::LocalError;

/// Tells whether the messages are kept in addition to their hash. CertificateVerify signs the
/// messages with a hash that is chosen later.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Keep {
    Messages,
    HashOnly,
}

/// The running hash of the handshake messages, and the messages themselves if they may have to be
/// signed.
#[derive(Debug)]
pub(crate) struct Transcript {
    hasher: Hasher,
    messages: Option<Vec<u8>>,
}

impl Transcript {
    pub(crate) fn new(algorithm: HashAlgorithm, keep: Keep) -> Self {
        Self {
            hasher: Hasher::new(algorithm),
            messages: match keep {
                Keep::Messages => Some(Vec::new()),
                Keep::HashOnly => None,
            },
        }
    }

    /// Adds a message, including its header.
    pub(crate) fn add(&mut self, message: &[u8]) {
        self.hasher.update(message);
        if let Some(messages) = &mut self.messages {
            messages.extend_from_slice(message);
        }
    }

    /// Returns the messages so far and keeps no more of them.
    ///
    /// # Errors
    ///
    /// [`LocalError::Internal`] if they were not kept or are taken already: nothing else may be
    /// signed in their place.
    pub(crate) fn take_messages(&mut self) -> Result<Vec<u8>, LocalError> {
        let messages = self.messages.take();
        messages.ok_or(LocalError::Internal("the messages to sign were not kept"))
    }

    /// The hash of the messages so far.
    pub(crate) fn current(&self) -> HashValue {
        self.hasher.clone().finish()
    }

    /// The hash of all messages of the handshake.
    pub(crate) fn finish(self) -> HashValue {
        self.hasher.finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hash(message: &[u8]) -> HashValue {
        let mut hasher = Hasher::new(HashAlgorithm::Sha384);
        hasher.update(message);
        hasher.finish()
    }

    #[test]
    fn messages_are_hashed_and_kept_until_they_are_taken() {
        let mut transcript = Transcript::new(HashAlgorithm::Sha384, Keep::Messages);
        transcript.add(b"one");
        transcript.add(b"two");
        assert_eq!(transcript.current(), hash(b"onetwo"));
        assert_eq!(transcript.take_messages(), Ok(b"onetwo".to_vec()));
        transcript.add(b"three");
        assert_eq!(transcript.finish(), hash(b"onetwothree"));
    }

    #[test]
    fn messages_that_were_not_kept_cannot_be_taken() {
        let mut transcript = Transcript::new(HashAlgorithm::Sha256, Keep::HashOnly);
        transcript.add(b"one");
        let not_kept = LocalError::Internal("the messages to sign were not kept");
        assert_eq!(transcript.take_messages(), Err(not_kept));
        let mut transcript = Transcript::new(HashAlgorithm::Sha256, Keep::Messages);
        assert_eq!(transcript.take_messages(), Ok(Vec::new()));
        assert_eq!(transcript.take_messages(), Err(not_kept));
    }
}
