//! A token, and the key in it.

use anyhow::{Context, Result, anyhow, bail, ensure};
use applications::private::check_is_private;
use clap::{Args, ValueEnum};
use cryptoki::context::{CInitializeArgs, CInitializeFlags, Pkcs11};
use cryptoki::error::{Error as TokenError, RvError};
use cryptoki::mechanism::rsa::{PkcsMgfType, PkcsPssParams};
use cryptoki::mechanism::{Mechanism, MechanismType};
use cryptoki::object::{Attribute, AttributeType, KeyType, ObjectClass, ObjectHandle};
use cryptoki::session::{Session, UserType};
use cryptoki::slot::Slot;
use cryptoki::types::AuthPin;
use premaster::KeyId;
use premaster::protocol::SignatureScheme;
use rsa::pkcs8::EncodePublicKey;
use rsa::traits::PublicKeyParts;
use rsa::{BoxedUint, PublicKey};
use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use zeroize::Zeroizing;

/// Which key, and how to get at it.
#[derive(Args)]
pub struct TokenArguments {
    /// The PKCS #11 module: the vendor's shared library
    #[arg(long, value_name = "FILE")]
    module: PathBuf,

    /// The token's label
    #[arg(long, value_name = "LABEL")]
    token: String,

    /// The private key's label (CKA_LABEL)
    #[arg(long, value_name = "LABEL")]
    key: String,

    /// A file whose first line is the user's PIN; only its owner may have
    /// access [default: the environment variable PKCS11_PIN]
    #[arg(long, value_name = "FILE", verbatim_doc_comment)]
    pin_file: Option<PathBuf>,

    /// How many sessions to have with the token, each on a thread of its own
    #[arg(long, value_name = "N", default_value = "4", value_parser = clap::value_parser!(u8).range(1..=64))]
    threads: u8,

    /// How many operations may wait for a session; more fail at once
    #[arg(long, value_name = "N", default_value_t = 64)]
    queue: u16,
}

impl TokenArguments {
    pub fn threads(&self) -> usize {
        usize::from(self.threads)
    }

    pub fn queue(&self) -> usize {
        usize::from(self.queue)
    }
}

/// The operation of the token that a server uses as `c^d mod n`.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum RawBy {
    /// C_Decrypt, of a key with CKA_DECRYPT
    Decrypt,
    /// C_Sign, of a key with CKA_SIGN: the number is the same
    Sign,
}

impl RawBy {
    fn name(self) -> &'static str {
        match self {
            Self::Decrypt => "decryption",
            Self::Sign => "signatures",
        }
    }
}

/// The environment variable with the PIN.
const PIN_VARIABLE: &str = "PKCS11_PIN";

/// The longest PIN that is read, in bytes.
const MAX_PIN: u64 = 256;

/// A token with one of its keys, from which every thread opens a session for itself.
pub struct Token {
    context: Pkcs11,
    slot: Slot,
    pin: AuthPin,
    key_label: String,
    raw_by: RawBy,
    /// Once the token has refused the PIN, it is not tried again: a few attempts lock a token.
    pin_refused: AtomicBool,
}

impl Token {
    /// Loads the module and looks for the token.
    pub fn find(arguments: &TokenArguments, raw_by: RawBy) -> Result<Self> {
        let pin = read_pin(arguments.pin_file.as_deref())?;
        let context = Pkcs11::new(&arguments.module)
            .map_err(told)
            .with_context(|| format!("cannot load {}", arguments.module.display()))?;
        context
            .initialize(CInitializeArgs::new(CInitializeFlags::OS_LOCKING_OK))
            .map_err(told)
            .context("the module cannot be used by several threads")?;
        Ok(Self {
            slot: slot(&context, &arguments.token)?,
            context,
            pin,
            key_label: arguments.key.clone(),
            raw_by,
            pin_refused: AtomicBool::new(false),
        })
    }

    /// Checks that the token has the mechanism which a server needs.
    pub fn check_raw(&self) -> Result<()> {
        let info = self.context.get_mechanism_info(self.slot, MechanismType::RSA_X_509);
        let supported = info.is_ok_and(|info| match self.raw_by {
            RawBy::Decrypt => info.decrypt(),
            RawBy::Sign => info.sign(),
        });
        ensure!(
            supported,
            "the token does not have CKM_RSA_X_509 for {}, so a server's key cannot be in it",
            self.raw_by.name()
        );
        Ok(())
    }

    /// Opens a session and finds the key.
    pub fn open(&self) -> Result<TokenSession> {
        ensure!(
            !self.pin_refused.load(Ordering::Relaxed),
            "the token has refused the PIN, which is not tried again"
        );
        let session = self.context.open_ro_session(self.slot).map_err(told)?;
        match session.login(UserType::User, Some(&self.pin)) {
            // A login is for all sessions of the process.
            Ok(()) | Err(TokenError::Pkcs11(RvError::UserAlreadyLoggedIn, _)) => {}
            Err(error) => {
                if is_about_pin(&error) {
                    self.pin_refused.store(true, Ordering::Relaxed);
                }
                return Err(told(error)).context("cannot log in");
            }
        }
        let keys = session.find_objects(&[
            Attribute::Class(ObjectClass::PRIVATE_KEY),
            Attribute::KeyType(KeyType::RSA),
            Attribute::Label(self.key_label.clone().into_bytes()),
        ]);
        let keys = keys.map_err(told)?;
        let key = match keys[..] {
            [key] => key,
            [] => bail!(
                "the token has no private RSA key with the label {:?}",
                self.key_label
            ),
            _ => bail!(
                "the token has several private RSA keys with the label {:?}",
                self.key_label
            ),
        };
        Ok(TokenSession {
            session,
            key,
            raw_by: self.raw_by,
        })
    }
}

/// The only token with this label.
fn slot(context: &Pkcs11, label: &str) -> Result<Slot> {
    let mut found = None;
    for slot in context.get_slots_with_token().map_err(told)? {
        // A reader whose card is broken is not the one.
        let Ok(info) = context.get_token_info(slot) else {
            continue;
        };
        if info.label() == label && found.replace(slot).is_some() {
            bail!("there are several tokens with the label {label:?}");
        }
    }
    found.with_context(|| format!("there is no token with the label {label:?}"))
}

fn read_pin(file: Option<&Path>) -> Result<AuthPin> {
    let Some(path) = file else {
        let pin = std::env::var(PIN_VARIABLE);
        let pin = pin.with_context(|| format!("no --pin-file, and no {PIN_VARIABLE}"))?;
        return Ok(AuthPin::from(pin));
    };
    let read = || -> Result<AuthPin> {
        let file = File::open(path)?;
        check_is_private(&file.metadata()?)?;
        let mut line = Zeroizing::new(String::with_capacity(MAX_PIN as usize));
        BufReader::new(file.take(MAX_PIN)).read_line(&mut line)?;
        Ok(AuthPin::from(
            line.trim_end_matches(['\r', '\n']).to_owned(),
        ))
    };
    read().with_context(|| path.display().to_string())
}

/// The error in few words: the function of PKCS #11, and the code that it returned.
pub fn told(error: TokenError) -> anyhow::Error {
    match error {
        TokenError::Pkcs11(code, function) => anyhow!("C_{function:?}: {code:?}"),
        other => anyhow!(other),
    }
}

fn is_about_pin(error: &TokenError) -> bool {
    matches!(
        error,
        TokenError::Pkcs11(
            RvError::PinIncorrect
                | RvError::PinInvalid
                | RvError::PinLenRange
                | RvError::PinExpired
                | RvError::PinLocked,
            _
        )
    )
}

/// A session with the token, for one thread at a time.
pub struct TokenSession {
    session: Session,
    key: ObjectHandle,
    raw_by: RawBy,
}

impl TokenSession {
    /// Checks that the key belongs to the certificate with this SPKI fingerprint, and returns its
    /// public half.
    pub fn check_key(&self, expected: KeyId) -> Result<PublicKey> {
        let wanted = [AttributeType::Modulus, AttributeType::PublicExponent];
        let (mut modulus, mut exponent) = (None, None);
        for attribute in self.session.get_attributes(self.key, &wanted).map_err(told)? {
            match attribute {
                Attribute::Modulus(bytes) => modulus = Some(bytes),
                Attribute::PublicExponent(bytes) => exponent = Some(bytes),
                _ => {}
            }
        }
        let modulus = modulus.context("the token does not tell the key's modulus")?;
        // A private key in a token need not have it, and nearly all keys have this one.
        let exponent = exponent.unwrap_or_else(|| vec![1, 0, 1]);
        let modulus = BoxedUint::from_be_slice_vartime(&modulus);
        let exponent = BoxedUint::from_be_slice_vartime(&exponent);
        let key = PublicKey::new(modulus, exponent)?;
        let spki = key.to_public_key_der()?;
        ensure!(
            KeyId::of_spki(spki.as_bytes()) == expected,
            "the key in the token is not that of the certificate"
        );
        Ok(key)
    }

    /// Checks that the raw operation is one: that a number comes back whole, whatever its padding.
    ///
    /// The number begins with two zero bytes, which no padding does. A token that removes a padding
    /// fails here, and so does one that removes leading zeros.
    pub fn check_raw(&self, key: &PublicKey) -> Result<()> {
        let length = key.size();
        let mut number = vec![0x5a; length];
        number[..2].fill(0);
        let ciphertext = rsa::hazmat::rsa_encrypt(
            key,
            &BoxedUint::from_be_slice(&number, key.n().bits_precision())?,
        )?
        .to_be_bytes();
        let ciphertext = &ciphertext[ciphertext.len().saturating_sub(length)..];
        let result = self.raw(ciphertext);
        let result = result.map_err(told).context("the token cannot decrypt without padding")?;
        ensure!(
            result == number,
            "the token does not return the decrypted number as it is: {} bytes of {length}",
            result.len()
        );
        Ok(())
    }

    /// Computes `c^d mod n`.
    pub fn raw(&self, ciphertext: &[u8]) -> Result<Vec<u8>, TokenError> {
        let mechanism = Mechanism::RsaX509;
        match self.raw_by {
            RawBy::Decrypt => self.session.decrypt(&mechanism, self.key, ciphertext),
            RawBy::Sign => self.session.sign(&mechanism, self.key, ciphertext),
        }
    }

    /// Signs a hash with the padding of the scheme.
    pub fn sign(&self, scheme: SignatureScheme, digest: &[u8]) -> Result<Vec<u8>> {
        let (mechanism, data) = match scheme {
            SignatureScheme::RSA_PKCS1_SHA256 => pkcs1(&SHA256_INFO, digest),
            SignatureScheme::RSA_PKCS1_SHA384 => pkcs1(&SHA384_INFO, digest),
            SignatureScheme::RSA_PKCS1_SHA512 => pkcs1(&SHA512_INFO, digest),
            SignatureScheme::RSA_PKCS1_SHA1 => pkcs1(&SHA1_INFO, digest),
            SignatureScheme::RSA_PSS_RSAE_SHA256 => {
                pss(MechanismType::SHA256, PkcsMgfType::MGF1_SHA256, digest)?
            }
            SignatureScheme::RSA_PSS_RSAE_SHA384 => {
                pss(MechanismType::SHA384, PkcsMgfType::MGF1_SHA384, digest)?
            }
            SignatureScheme::RSA_PSS_RSAE_SHA512 => {
                pss(MechanismType::SHA512, PkcsMgfType::MGF1_SHA512, digest)?
            }
            other => bail!("no mechanism for the signature scheme {other}"),
        };
        self.session.sign(&mechanism, self.key, &data).map_err(told)
    }
}

/// The beginnings of a DigestInfo in DER
/// ([RFC 8017 section 9.2, note 1](https://www.rfc-editor.org/rfc/rfc8017#section-9.2)).
const SHA1_INFO: [u8; 15] = [
    0x30, 0x21, 0x30, 0x09, 0x06, 0x05, 0x2b, 0x0e, 0x03, 0x02, 0x1a, 0x05, 0x00, 0x04, 0x14,
];
const SHA256_INFO: [u8; 19] = sha2_info(1, 32);
const SHA384_INFO: [u8; 19] = sha2_info(2, 48);
const SHA512_INFO: [u8; 19] = sha2_info(3, 64);

/// For the hash with this last arc below 2.16.840.1.101.3.4.2, of so many bytes.
const fn sha2_info(arc: u8, length: u8) -> [u8; 19] {
    [
        0x30,
        17 + length,
        0x30,
        0x0d,
        0x06,
        0x09,
        0x60,
        0x86,
        0x48,
        0x01,
        0x65,
        0x03,
        0x04,
        0x02,
        arc,
        0x05,
        0x00,
        0x04,
        length,
    ]
}

/// `CKM_RSA_PKCS` pads, but does not say which hash it is: that is the caller's.
fn pkcs1(info: &[u8], digest: &[u8]) -> (Mechanism<'static>, Vec<u8>) {
    (Mechanism::RsaPkcs, [info, digest].concat())
}

/// With a salt as long as the hash
/// ([RFC 8446 section 4.2.3](https://www.rfc-editor.org/rfc/rfc8446#section-4.2.3)).
fn pss(
    hash_alg: MechanismType,
    mgf: PkcsMgfType,
    digest: &[u8],
) -> Result<(Mechanism<'static>, Vec<u8>)> {
    let parameters = PkcsPssParams {
        hash_alg,
        mgf,
        s_len: u64::try_from(digest.len())?.into(),
    };
    Ok((Mechanism::RsaPkcsPss(parameters), digest.to_vec()))
}
