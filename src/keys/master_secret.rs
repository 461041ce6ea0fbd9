//! The master secret, and what is derived from it: the key block
//! ([RFC 5246 sections 8.1](https://www.rfc-editor.org/rfc/rfc5246#section-8.1) and
//! [6.3](https://www.rfc-editor.org/rfc/rfc5246#section-6.3)), the verify_data of Finished
//! ([section 7.4.9](https://www.rfc-editor.org/rfc/rfc5246#section-7.4.9)), and keying material for
//! other protocols ([RFC 5705](https://www.rfc-editor.org/rfc/rfc5705)).

use super::Side;
use crate::crypto::hash::{HashAlgorithm, HashValue};
use crate::crypto::pre_master_secret::PreMasterSecret;
use crate::crypto::prf::PrfKey;
use crate::message::finished::VERIFY_DATA;
use core::fmt;
use zeroize::{Zeroize, Zeroizing};

/// The length of the master secret in bytes.
pub(crate) const MASTER_SECRET: usize = 48;

/// The verify_data of a Finished. It is redacted: until it is sent, it must remain secret.
#[derive(Clone)]
pub(crate) struct VerifyData(pub(crate) [u8; VERIFY_DATA]);

impl fmt::Debug for VerifyData {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

/// The two hello randoms.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Randoms {
    pub(crate) client: [u8; 32],
    pub(crate) server: [u8; 32],
}

/// The master secret, with its HMAC key schedule. It is boxed: it moves from state to state, and a
/// value that moves leaves a copy of its bytes behind.
#[derive(Clone)]
pub(crate) struct MasterSecret(Box<Prepared>);

/// A master secret and its HMAC key schedule.
#[derive(Clone)]
struct Prepared {
    secret: [u8; MASTER_SECRET],
    prf: PrfKey,
}

impl MasterSecret {
    /// `PRF(pre_master_secret, "master secret", ClientHello.random + ServerHello.random)[0..47]`.
    pub(crate) fn derive(
        hash: HashAlgorithm,
        pre_master_secret: &PreMasterSecret,
        randoms: &Randoms,
    ) -> Self {
        Self::from_pre_master_secret(
            hash,
            pre_master_secret,
            b"master secret",
            &[&randoms.client, &randoms.server],
        )
    }

    /// `PRF(pre_master_secret, "extended master secret", session_hash)[0..47]`
    /// ([RFC 7627 section 4](https://www.rfc-editor.org/rfc/rfc7627#section-4)), where
    /// "session_hash = Hash(handshake_messages) where "handshake_messages" refers to all handshake
    /// messages sent or received, starting at the ClientHello up to and including the
    /// ClientKeyExchange message"
    /// ([section 3](https://www.rfc-editor.org/rfc/rfc7627#section-3)), and so to both certificates.
    pub(crate) fn derive_extended(
        hash: HashAlgorithm,
        pre_master_secret: &PreMasterSecret,
        session_hash: &HashValue,
    ) -> Self {
        Self::from_pre_master_secret(
            hash,
            pre_master_secret,
            b"extended master secret",
            &[session_hash.as_bytes()],
        )
    }

    fn from_pre_master_secret(
        hash: HashAlgorithm,
        pre_master_secret: &PreMasterSecret,
        label: &[u8],
        seed: &[&[u8]],
    ) -> Self {
        let mut secret = Zeroizing::new([0; MASTER_SECRET]);
        PrfKey::new(hash, &pre_master_secret.0).derive(label, seed, secret.as_mut());
        Self::from_bytes(hash, &secret)
    }

    /// The master secret of a stored session.
    pub(crate) fn from_bytes(hash: HashAlgorithm, secret: &[u8; MASTER_SECRET]) -> Self {
        Self(Box::new(Prepared {
            secret: *secret,
            prf: PrfKey::new(hash, secret),
        }))
    }

    /// The bytes, for a key log and for a stored session.
    pub(crate) fn as_bytes(&self) -> &[u8; MASTER_SECRET] {
        &self.0.secret
    }

    /// Fills `key_block` with `PRF(master_secret, "key expansion", server_random + client_random)`.
    pub(super) fn expand(&self, randoms: &Randoms, key_block: &mut [u8]) {
        let seed: [&[u8]; 2] = [&randoms.server, &randoms.client];
        self.0.prf.derive(b"key expansion", &seed, key_block);
    }

    /// The verify_data of one side's Finished:
    /// `PRF(master_secret, finished_label, Hash(handshake_messages))[0..11]`.
    pub(crate) fn verify_data(&self, sender: Side, transcript: &HashValue) -> VerifyData {
        let finished_label: &[u8] = match sender {
            Side::Client => b"client finished",
            Side::Server => b"server finished",
        };
        let mut verify_data = VerifyData([0; VERIFY_DATA]);
        let seed = [transcript.as_bytes()];
        self.0.prf.derive(finished_label, &seed, &mut verify_data.0);
        verify_data
    }

    /// Fills `out` with keying material for another protocol
    /// ([RFC 5705 section 4](https://www.rfc-editor.org/rfc/rfc5705#section-4)):
    /// `PRF(master_secret, label, client_random + server_random [+ context_length + context])`.
    pub(crate) fn export(
        &self,
        label: &[u8],
        randoms: &Randoms,
        context: Option<(u16, &[u8])>,
        out: &mut [u8],
    ) {
        let Randoms { client, server } = randoms;
        match context {
            None => self.0.prf.derive(label, &[client, server], out),
            Some((length, context)) => {
                let seed: [&[u8]; 4] = [client, server, &length.to_be_bytes(), context];
                self.0.prf.derive(label, &seed, out);
            }
        }
    }
}

impl Drop for Prepared {
    fn drop(&mut self) {
        self.secret.zeroize();
    }
}

impl fmt::Debug for MasterSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_do_not_print() {
        let master_secret = MasterSecret::from_bytes(HashAlgorithm::Sha256, &[7; MASTER_SECRET]);
        assert_eq!(format!("{master_secret:?}"), "[redacted]");
        let hash = HashValue::new(&[1; 32]);
        let verify_data = master_secret.verify_data(Side::Client, &hash);
        assert_eq!(format!("{verify_data:?}"), "[redacted]");
    }

    #[test]
    fn each_side_has_its_own_verify_data() {
        let master_secret = MasterSecret::from_bytes(HashAlgorithm::Sha384, &[7; MASTER_SECRET]);
        let hash = HashValue::new(&[1; 48]);
        let of = |side: Side| master_secret.verify_data(side, &hash).0;
        assert_ne!(of(Side::Client), of(Side::Client.peer()));
        assert_eq!(of(Side::Client), of(Side::Server.peer()));
    }
}
