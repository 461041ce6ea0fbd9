//! Records of the CBC suites, for the fuzz target that opens them beside a plain reference.

use crate::crypto::cipher::{AuthenticatedHeader, Cipher, MacOrder, WriteKeys};
use crate::crypto::rng::RandomSource;
use crate::crypto::suite::Suite;
use crate::enums::{CipherSuite, ContentType, ProtocolVersion};
use crate::error::LocalError;
use core::fmt;

/// The keys of one direction on one engine.
pub struct CbcEngine(Cipher);

impl fmt::Debug for CbcEngine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

/// What an IV is made of matters to nobody who opens the record.
struct Zeros;

impl RandomSource for Zeros {
    fn fill(&self, out: &mut [u8]) -> Result<(), LocalError> {
        out.fill(0);
        Ok(())
    }
}

impl CbcEngine {
    /// Returns the keys on each engine of this processor, that of the crates first; nothing unless
    /// the suite has CBC and the keys are as long as its own.
    #[must_use]
    pub fn all(
        suite: CipherSuite,
        encrypt_then_mac: bool,
        mac_key: &[u8],
        key: &[u8],
    ) -> Vec<Self> {
        let order = if encrypt_then_mac {
            MacOrder::EncryptThenMac
        } else {
            MacOrder::MacThenEncrypt
        };
        let keys = WriteKeys {
            mac_key,
            key,
            iv: &[],
        };
        let cipher = Suite::of(suite).map(|suite| Cipher::new(suite, keys, order, &Zeros));
        let Some(Ok(Cipher::Cbc(cbc))) = cipher else {
            return Vec::new();
        };
        let engines = cbc.engines(key).into_iter();
        engines.map(|cbc| Self(Cipher::Cbc(Box::new(cbc)))).collect()
    }

    /// Returns the fragment of application data with this sequence number.
    ///
    /// # Panics
    ///
    /// If the plaintext is longer than a record can be.
    #[must_use]
    pub fn seal(&self, sequence: u64, plaintext: &[u8]) -> Vec<u8> {
        let mut fragment = Vec::new();
        let sealed = self.0.seal(header(sequence), plaintext, &mut fragment);
        assert_eq!(sealed, Ok(()));
        fragment
    }

    /// Returns the plaintext, or nothing if there is any flaw.
    #[must_use]
    pub fn open<'f>(&self, sequence: u64, fragment: &'f mut [u8]) -> Option<&'f [u8]> {
        self.0.open(header(sequence), fragment).ok().map(|text| &*text)
    }
}

fn header(sequence: u64) -> AuthenticatedHeader {
    AuthenticatedHeader {
        sequence,
        typ: ContentType::APPLICATION_DATA,
        version: ProtocolVersion::TLS_1_2,
    }
}
