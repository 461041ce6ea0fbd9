//! The verification of the peer's Finished, and the proof of it.

use crate::crypto::hash::HashValue;
use crate::error::PeerError;
use crate::keys::{MasterSecret, Side, VerifyData};
use crate::message::finished::Finished;
use subtle::ConstantTimeEq;

/// Proof that the peer's Finished was verified. Only [`FinishedVerified::check`] makes one. This
/// file must hold no other code, because code in this file could make another.
#[derive(Debug)]
pub(super) struct FinishedVerified(VerifyData);

impl FinishedVerified {
    /// Compares the peer's verify_data with the expected value, in constant time.
    ///
    /// "Recipients of Finished messages MUST verify that the contents are correct."
    /// ([RFC 5246 section 7.4.9](https://www.rfc-editor.org/rfc/rfc5246#section-7.4.9))
    pub(super) fn check(
        finished: &Finished,
        sender: Side,
        master_secret: &MasterSecret,
        transcript: &HashValue,
    ) -> Result<Self, PeerError> {
        let expected = master_secret.verify_data(sender, transcript);
        if finished.verify_data.ct_eq(&expected.0).into() {
            Ok(Self(expected))
        } else {
            Err(PeerError::BadFinished)
        }
    }

    /// The verify_data of the peer's Finished.
    pub(super) fn into_verify_data(self) -> VerifyData {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::hash::HashAlgorithm;
    use crate::keys::MASTER_SECRET;

    #[test]
    fn nothing_but_the_right_verify_data_is_a_proof() {
        let hash = HashAlgorithm::Sha256;
        let master_secret = MasterSecret::from_bytes(hash, &[7; MASTER_SECRET]);
        let transcript = HashValue::new(&[1; 32]);
        let check = |verify_data, sender, transcript: &HashValue| {
            let finished = Finished { verify_data };
            FinishedVerified::check(&finished, sender, &master_secret, transcript)
                .map(|verified| verified.into_verify_data().0)
        };
        for sender in [Side::Client, Side::Server] {
            let right = master_secret.verify_data(sender, &transcript).0;
            assert_eq!(check(right, sender, &transcript), Ok(right));
            for bit in 0..8 * right.len() {
                let mut wrong = right;
                wrong[bit / 8] ^= 1 << (bit % 8);
                let checked = check(wrong, sender, &transcript);
                assert_eq!(checked, Err(PeerError::BadFinished), "{bit}");
            }
            // Neither the other side's nor another handshake's is accepted.
            let reflected = check(right, sender.peer(), &transcript);
            assert_eq!(reflected, Err(PeerError::BadFinished));
            let elsewhere = check(right, sender, &HashValue::new(&[2; 32]));
            assert_eq!(elsewhere, Err(PeerError::BadFinished));
        }
    }
}
