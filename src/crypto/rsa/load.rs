//! The reading of private keys.

use super::RsaKey;
use crate::error::{ConfigError, KeyEncryption};
use crate::pem::{Contents, FoundKey, foreign_algorithm, has_section};
use pki_types::PrivateKeyDer;
use rsa::PrivateKey as RsaPrivateKey;
use rsa::pkcs1::DecodeRsaPrivateKey;
use rsa::pkcs8::DecodePrivateKey;

impl RsaKey {
    /// Reads a PKCS #8 or PKCS #1 key in DER and checks that its numbers are consistent.
    ///
    /// # Errors
    ///
    /// [`ConfigError::BadKey`] if it does not parse or is not consistent,
    /// [`ConfigError::PemInsteadOfDer`], [`ConfigError::NotRsa`] if it is not RSA,
    /// [`ConfigError::KeySize`] if it does not have 2048 to 8192 bits.
    pub fn from_der(der: &PrivateKeyDer<'_>) -> Result<Self, ConfigError> {
        if let Some(algorithm) = foreign_algorithm(der) {
            return Err(ConfigError::NotRsa { algorithm });
        }
        let key = match der {
            PrivateKeyDer::Pkcs1(der) => {
                RsaPrivateKey::from_pkcs1_der(der.secret_pkcs1_der()).map_err(|_| ())
            }
            PrivateKeyDer::Pkcs8(der) => {
                RsaPrivateKey::from_pkcs8_der(der.secret_pkcs8_der()).map_err(|_| ())
            }
            _ => Err(()),
        };
        key.map_err(|()| {
            if has_section(der.secret_der()) {
                ConfigError::PemInsteadOfDer
            } else {
                ConfigError::BadKey
            }
        })
        .and_then(Self::new)
    }

    /// Reads the first private key in a PEM text.
    ///
    /// # Errors
    ///
    /// [`ConfigError::BadPem`], [`ConfigError::NoKey`], [`ConfigError::EncryptedKey`], and the
    /// errors of [`RsaKey::from_der`].
    pub fn from_pem(pem: &[u8]) -> Result<Self, ConfigError> {
        Self::from_contents(Contents::read_pem(pem)?)
    }

    /// Reads the first private key in the contents of a file, in PEM or DER.
    ///
    /// # Errors
    ///
    /// The errors of [`RsaKey::from_pem`].
    pub fn from_bytes(file: &[u8]) -> Result<Self, ConfigError> {
        Self::from_contents(Contents::read(file)?)
    }

    fn from_contents(contents: Contents) -> Result<Self, ConfigError> {
        match contents.private_key()? {
            FoundKey::Plain(key) => Self::from_der(&key),
            FoundKey::Encrypted(_) => Err(ConfigError::EncryptedKey {
                encryption: KeyEncryption::Pkcs8,
            }),
        }
    }
}

#[cfg(feature = "encrypted-keys")]
mod encrypted {
    use super::{ConfigError, Contents, FoundKey, RsaKey};
    use pkcs8::EncryptedPrivateKeyInfoRef;
    use pkcs8::pkcs5::pbes2::{Kdf, Parameters};
    use pkcs8::pkcs5::{EncryptionScheme, Error as Pkcs5Error};
    use pki_types::PrivatePkcs8KeyDer;

    /// The most iterations of PBKDF2: some seconds of work. OpenSSL's default is 2048, and OWASP
    /// advises up to 1.4 million.
    const MAX_ITERATIONS: u32 = 10_000_000;

    /// The most memory for scrypt, in bytes; OpenSSL's default takes 16 MiB.
    const MAX_MEMORY: u64 = 256 << 20;

    /// The most passes of scrypt over its memory; OpenSSL's default is 1.
    const MAX_PARALLELIZATION: u16 = 16;

    impl RsaKey {
        /// Reads the first private key in the contents of a file, in PEM or DER, and decrypts it
        /// with the password. A key that is not encrypted is read as by
        /// [`from_bytes`](Self::from_bytes).
        ///
        /// PBES2 in PKCS #8 ([RFC 8018](https://www.rfc-editor.org/rfc/rfc8018)) is supported, with
        /// AES, and with PBKDF2 or scrypt: what `openssl genpkey`, and `openssl pkcs8 -topk8`
        /// write. The derivation of the key from the password blocks for as long as the file's
        /// parameters require, up to the limits at [`ConfigError::CostlyKeyDerivation`].
        ///
        /// # Errors
        ///
        /// [`ConfigError::WrongPassword`], [`ConfigError::UnsupportedKeyEncryption`],
        /// [`ConfigError::CostlyKeyDerivation`], and the errors of [`RsaKey::from_pem`].
        pub fn from_encrypted(file: &[u8], password: &[u8]) -> Result<Self, ConfigError> {
            match Contents::read(file)?.private_key()? {
                FoundKey::Plain(key) => Self::from_der(&key),
                FoundKey::Encrypted(der) => Self::decrypt_der(&der, password),
            }
        }

        fn decrypt_der(der: &[u8], password: &[u8]) -> Result<Self, ConfigError> {
            let unsupported = ConfigError::UnsupportedKeyEncryption;
            let encrypted = EncryptedPrivateKeyInfoRef::try_from(der).map_err(|_| unsupported)?;
            match &encrypted.encryption_algorithm {
                EncryptionScheme::Pbes2(parameters) => check_cost(parameters)?,
                _ => return Err(unsupported),
            }
            let decrypted = encrypted.decrypt(password).map_err(|error| match error {
                pkcs8::Error::EncryptedPrivateKey(Pkcs5Error::UnsupportedAlgorithm { .. }) => {
                    unsupported
                }
                _ => ConfigError::WrongPassword,
            })?;
            Self::from_der(&PrivatePkcs8KeyDer::from(decrypted.as_bytes()).into())
        }
    }

    /// Refuses parameters with which the derivation would take too long or too much memory.
    fn check_cost(parameters: &Parameters) -> Result<(), ConfigError> {
        let is_affordable = match &parameters.kdf {
            Kdf::Pbkdf2(pbkdf2) => pbkdf2.iteration_count <= MAX_ITERATIONS,
            Kdf::Scrypt(scrypt) => {
                let memory = scrypt.cost_parameter.checked_mul(u64::from(scrypt.block_size));
                let memory = memory.and_then(|blocks| blocks.checked_mul(128));
                memory.is_some_and(|memory| memory <= MAX_MEMORY)
                    && scrypt.parallelization <= MAX_PARALLELIZATION
            }
            _ => return Err(ConfigError::UnsupportedKeyEncryption),
        };
        if !is_affordable {
            return Err(ConfigError::CostlyKeyDerivation);
        }
        Ok(())
    }
}
