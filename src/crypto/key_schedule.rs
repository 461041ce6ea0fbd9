//! From the pre-master secret to the keys
//! ([RFC 5246 sections 8.1](https://www.rfc-editor.org/rfc/rfc5246#section-8.1) and
//! [6.3](https://www.rfc-editor.org/rfc/rfc5246#section-6.3)), the verify_data of Finished, and
//! keying material for others ([RFC 5705](https://www.rfc-editor.org/rfc/rfc5705)).

use super::hash::{HashAlgorithm, HashValue};
use super::prf::PrfKey;
use super::suite::Suite;
use core::fmt;
use zeroize::{Zeroize, Zeroizing};

/// Length of the pre-master secret and of the master secret.
pub(crate) const SECRET: usize = 48;

/// Room for the longest key block: two 48-byte MAC keys, two 32-byte keys and two 16-byte IVs.
const MAX_KEY_BLOCK: usize = 2 * (48 + 32 + 16);

/// Length of verify_data, the same for every suite of this crate.
pub(crate) const VERIFY_DATA: usize = 12;

/// What Finished must say; it tells something of the master secret until it has been sent.
#[derive(Clone)]
pub(crate) struct VerifyData(pub(crate) [u8; VERIFY_DATA]);

impl fmt::Debug for VerifyData {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

/// The 48 bytes that the client makes up and sends encrypted
/// ([RFC 5246 section 7.4.7.1](https://www.rfc-editor.org/rfc/rfc5246#section-7.4.7.1)):
/// `{ client_version, random[46] }`.
#[derive(Clone)]
pub(crate) struct PreMasterSecret(pub(crate) [u8; SECRET]);

impl Drop for PreMasterSecret {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl fmt::Debug for PreMasterSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

/// The two hello randoms, in the order in which the key schedule wants them each time.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Randoms {
    pub(crate) client: [u8; 32],
    pub(crate) server: [u8; 32],
}

/// The secret that everything else is derived from, ready for the PRF. Boxed: it goes from state to
/// state, and a value that moves leaves its bytes behind where it was.
#[derive(Clone)]
pub(crate) struct MasterSecret(Box<Prepared>);

/// A master secret and its HMAC key schedule.
#[derive(Clone)]
struct Prepared {
    secret: [u8; SECRET],
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

    /// `PRF(pre_master_secret, "extended master secret", session_hash)[0..47]`, where the session
    /// hash covers everything up to ClientKeyExchange, and so both certificates
    /// ([RFC 7627 section 4](https://www.rfc-editor.org/rfc/rfc7627#section-4)).
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
        let mut secret = Zeroizing::new([0; SECRET]);
        PrfKey::new(hash, &pre_master_secret.0).derive(label, seed, secret.as_mut());
        Self::from_bytes(hash, &secret)
    }

    /// The master secret of a session that is resumed.
    pub(crate) fn from_bytes(hash: HashAlgorithm, secret: &[u8; SECRET]) -> Self {
        Self(Box::new(Prepared {
            secret: *secret,
            prf: PrfKey::new(hash, secret),
        }))
    }

    /// The bytes, for a key log and for a session that is kept.
    pub(crate) fn as_bytes(&self) -> &[u8; SECRET] {
        &self.0.secret
    }

    /// `PRF(master_secret, "key expansion", server_random + client_random)`, as long as the suite
    /// needs it.
    pub(crate) fn key_block(&self, suite: &Suite, randoms: &Randoms) -> KeyBlock {
        let mut block = KeyBlock {
            bytes: [0; MAX_KEY_BLOCK],
            mac_key_length: suite.mac_key_length,
            enc_key_length: suite.enc_key_length,
            fixed_iv_length: suite.fixed_iv_length,
        };
        let length = block.length();
        self.0.prf.derive(
            b"key expansion",
            &[&randoms.server, &randoms.client],
            block.bytes.get_mut(..length).unwrap_or_default(),
        );
        block
    }

    /// `PRF(master_secret, "client finished", Hash(handshake_messages))[0..11]`.
    pub(crate) fn client_verify_data(&self, transcript: &HashValue) -> VerifyData {
        self.verify_data(b"client finished", transcript)
    }

    /// `PRF(master_secret, "server finished", Hash(handshake_messages))[0..11]`.
    pub(crate) fn server_verify_data(&self, transcript: &HashValue) -> VerifyData {
        self.verify_data(b"server finished", transcript)
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

    fn verify_data(&self, label: &[u8], transcript: &HashValue) -> VerifyData {
        let mut verify_data = VerifyData([0; VERIFY_DATA]);
        self.0
            .prf
            .derive(label, &[transcript.as_bytes()], &mut verify_data.0);
        verify_data
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

/// The key block and where its six parts lie.
pub(crate) struct KeyBlock {
    bytes: [u8; MAX_KEY_BLOCK],
    mac_key_length: usize,
    enc_key_length: usize,
    fixed_iv_length: usize,
}

/// One side's part of the key block.
#[derive(Clone, Copy)]
pub(crate) struct WriteKeys<'a> {
    /// Empty for an AEAD suite.
    pub(crate) mac_key: &'a [u8],
    pub(crate) key: &'a [u8],
    pub(crate) iv: &'a [u8],
}

impl KeyBlock {
    fn length(&self) -> usize {
        2 * (self.mac_key_length + self.enc_key_length + self.fixed_iv_length)
    }

    /// The client's and the server's keys, cut in the order that section 6.3 gives:
    /// client_write_MAC_key, server_write_MAC_key, client_write_key, server_write_key,
    /// client_write_IV, server_write_IV.
    pub(crate) fn partition(&self) -> (WriteKeys<'_>, WriteKeys<'_>) {
        let mut rest = &self.bytes[..];
        let mut cut = |length: usize| {
            let (part, after) = rest.split_at_checked(length).unwrap_or((rest, &[]));
            rest = after;
            part
        };
        let (client_mac_key, server_mac_key) = (cut(self.mac_key_length), cut(self.mac_key_length));
        let (client_key, server_key) = (cut(self.enc_key_length), cut(self.enc_key_length));
        let (client_iv, server_iv) = (cut(self.fixed_iv_length), cut(self.fixed_iv_length));
        (
            WriteKeys {
                mac_key: client_mac_key,
                key: client_key,
                iv: client_iv,
            },
            WriteKeys {
                mac_key: server_mac_key,
                key: server_key,
                iv: server_iv,
            },
        )
    }
}

impl Drop for KeyBlock {
    fn drop(&mut self) {
        self.bytes.zeroize();
    }
}

impl fmt::Debug for KeyBlock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

impl fmt::Debug for WriteKeys<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}
