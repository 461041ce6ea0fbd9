//! The key block, partitioned into the keys that protect each direction's records
//! ([RFC 5246 section 6.3](https://www.rfc-editor.org/rfc/rfc5246#section-6.3)).

use super::{MasterSecret, Randoms};
use crate::codec::Reader;
use crate::crypto::cipher::{Cipher, MacOrder, WriteKeys};
use crate::crypto::rng::RandomSource;
use crate::crypto::suite::Suite;
use crate::error::LocalError;
use core::fmt;
use zeroize::Zeroize;

/// The length of the longest key block: two 48-byte MAC keys, two 32-byte keys and two 16-byte IVs.
const MAX_KEY_BLOCK: usize = 2 * (48 + 32 + 16);

/// The keys of the two directions. Each is used from its sender's ChangeCipherSpec on.
#[derive(Debug)]
pub(crate) struct TrafficKeys {
    pub(crate) client_write: Cipher,
    pub(crate) server_write: Cipher,
}

impl TrafficKeys {
    pub(crate) fn derive(
        master_secret: &MasterSecret,
        suite: &Suite,
        randoms: &Randoms,
        order: MacOrder,
        random: &dyn RandomSource,
    ) -> Result<Self, LocalError> {
        let key_block = KeyBlock::derive(master_secret, suite, randoms)?;
        let (client, server) = key_block.partition()?;
        Ok(Self {
            client_write: Cipher::new(suite, client, order, random)?,
            server_write: Cipher::new(suite, server, order, random)?,
        })
    }
}

/// The key block, and the lengths of its six parts.
pub(super) struct KeyBlock {
    bytes: [u8; MAX_KEY_BLOCK],
    mac_key_length: usize,
    enc_key_length: usize,
    fixed_iv_length: usize,
}

impl KeyBlock {
    /// Derives the key block, as long as the suite requires.
    pub(super) fn derive(
        master_secret: &MasterSecret,
        suite: &Suite,
        randoms: &Randoms,
    ) -> Result<Self, LocalError> {
        let Suite {
            mac_key_length,
            enc_key_length,
            fixed_iv_length,
            ..
        } = *suite;
        let mut block = Self {
            bytes: [0; MAX_KEY_BLOCK],
            mac_key_length,
            enc_key_length,
            fixed_iv_length,
        };
        let length = 2 * (mac_key_length + enc_key_length + fixed_iv_length);
        let needed = block.bytes.get_mut(..length);
        let needed = needed.ok_or(LocalError::Internal("the suite's key block is too long"))?;
        master_secret.expand(randoms, needed);
        Ok(block)
    }

    /// The client's and the server's keys, in the order of section 6.3: client_write_MAC_key,
    /// server_write_MAC_key, client_write_key, server_write_key, client_write_IV, server_write_IV.
    pub(super) fn partition(&self) -> Result<(WriteKeys<'_>, WriteKeys<'_>), LocalError> {
        let mut block = Reader::new(&self.bytes);
        let mut cut = |length| {
            let part = block.take(length);
            part.map_err(|_| LocalError::Internal("the key block is shorter than its parts"))
        };
        let client_mac_key = cut(self.mac_key_length)?;
        let server_mac_key = cut(self.mac_key_length)?;
        let client_key = cut(self.enc_key_length)?;
        let server_key = cut(self.enc_key_length)?;
        let client_iv = cut(self.fixed_iv_length)?;
        let server_iv = cut(self.fixed_iv_length)?;
        let client = WriteKeys {
            mac_key: client_mac_key,
            key: client_key,
            iv: client_iv,
        };
        let server = WriteKeys {
            mac_key: server_mac_key,
            key: server_key,
            iv: server_iv,
        };
        Ok((client, server))
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::hash::HashAlgorithm;
    use crate::crypto::rng::testing::{Broken, Fixed};
    use crate::enums::CipherSuite;
    use crate::keys::MASTER_SECRET;

    const RANDOMS: Randoms = Randoms {
        client: [1; 32],
        server: [2; 32],
    };

    /// A suite with the PRF and cipher of AES-128-GCM, and lengths of its own.
    fn suite(mac_key_length: usize, enc_key_length: usize, fixed_iv_length: usize) -> Suite {
        let gcm = Suite::of(CipherSuite::TLS_RSA_WITH_AES_128_GCM_SHA256).unwrap();
        Suite {
            id: gcm.id,
            prf: gcm.prf,
            bulk: gcm.bulk,
            mac_key_length,
            enc_key_length,
            fixed_iv_length,
        }
    }

    fn master_secret() -> MasterSecret {
        MasterSecret::from_bytes(HashAlgorithm::Sha256, &[3; MASTER_SECRET])
    }

    #[test]
    fn the_parts_lie_in_the_order_of_the_rfc() {
        let block = KeyBlock::derive(&master_secret(), &suite(32, 16, 12), &RANDOMS).unwrap();
        let (client, server) = block.partition().unwrap();
        for side in [client, server] {
            let lengths = (side.mac_key.len(), side.key.len(), side.iv.len());
            assert_eq!(lengths, (32, 16, 12));
        }
        let macs = [client.mac_key, server.mac_key].concat();
        let keys = [client.key, server.key].concat();
        let ivs = [client.iv, server.iv].concat();
        assert_eq!([macs, keys, ivs].concat(), block.bytes[..120]);
        assert_eq!(format!("{block:?} {client:?}"), "[redacted] [redacted]");
    }

    fn derive(suite: &Suite, random: &dyn RandomSource) -> Result<TrafficKeys, LocalError> {
        let order = MacOrder::MacThenEncrypt;
        TrafficKeys::derive(&master_secret(), suite, &RANDOMS, order, random)
    }

    /// The key of CBC's IVs is all that is drawn.
    #[test]
    fn only_cbc_needs_randomness() {
        for suite in Suite::all() {
            let unavailable = matches!(derive(suite, &Broken), Err(LocalError::RandomUnavailable));
            assert_eq!(unavailable, suite.is_cbc());
            assert!(derive(suite, &Fixed(1)).is_ok());
        }
    }

    #[test]
    fn a_cipher_takes_no_keys_of_other_lengths() {
        for lengths in [(32, 16, 4), (0, 32, 4), (0, 16, 12)] {
            let suite = suite(lengths.0, lengths.1, lengths.2);
            assert!(matches!(
                derive(&suite, &Fixed(1)),
                Err(LocalError::Internal(_))
            ));
        }
        assert!(derive(&suite(0, 16, 4), &Fixed(1)).is_ok());
    }

    #[test]
    fn a_key_block_that_does_not_fit_is_refused() {
        let longest = KeyBlock::derive(&master_secret(), &suite(48, 32, 16), &RANDOMS);
        assert!(longest.unwrap().partition().is_ok());
        let longer = KeyBlock::derive(&master_secret(), &suite(48, 32, 17), &RANDOMS);
        assert!(matches!(longer, Err(LocalError::Internal(_))));
    }
}
