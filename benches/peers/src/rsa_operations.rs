//! The RSA operations that a full handshake cannot do without, alone and with keys that are already
//! parsed.
//!
//! The client's are one PKCS#1 v1.5 encryption to the server's key and one check of a PKCS#1 v1.5
//! signature of the root's over as many bytes as the certificate has. The server's are the private
//! operation without blinding and one public operation, which is the check against faults.

use crate::certificates::{Credentials, ROOT_KEY};
use crate::contender::{Contender, Taken};
use crate::support::Side;
use getrandom::SysRng;
use openssl::encrypt::Encrypter;
use openssl::hash::MessageDigest;
use openssl::pkey::{PKey, Private, Public};
use openssl::rsa::Padding;
use openssl::sign::{Signer, Verifier};
use openssl::x509::X509;
use rsa::hazmat::{rsa_decrypt, rsa_encrypt};
use rsa::pkcs8::DecodePrivateKey;
use rsa::rand_core::UnwrapErr;
use rsa::traits::{PaddingScheme, PublicKeyParts, SignatureScheme};
use rsa::{
    BoxedUint, Pkcs1v15Encrypt, Pkcs1v15Sign, PrivateKey as RsaPrivateKey,
    PublicKey as RsaPublicKey,
};
use sha2::{Digest, Sha256};

/// As long as a pre-master secret.
const SECRET: [u8; 48] = [5; 48];

/// The `rsa` crate's.
pub struct RsaCrate {
    server_key: RsaPrivateKey,
    server_public_key: RsaPublicKey,
    root_public_key: RsaPublicKey,
    signed: Signed,
    encrypted: BoxedUint,
}

impl RsaCrate {
    pub fn new(credentials: &Credentials) -> Self {
        let server_key = private_key(credentials.key);
        let server_public_key = server_key.to_public_key();
        let encrypted = encrypt(&server_public_key);
        let width = server_key.n_bits_precision();
        Self {
            server_key,
            server_public_key,
            root_public_key: private_key(ROOT_KEY).to_public_key(),
            signed: Signed::new(credentials),
            encrypted: BoxedUint::from_be_slice(&encrypted, width).unwrap(),
        }
    }

    fn encrypt_and_verify(&self) {
        encrypt(&self.server_public_key);
        let hash = Sha256::digest(&self.signed.text);
        Pkcs1v15Sign::new::<Sha256>()
            .verify(&self.root_public_key, &hash, &self.signed.signature)
            .unwrap();
    }

    fn decrypt_and_encrypt(&self) {
        let decrypted = rsa_decrypt(None::<&mut SysRng>, &self.server_key, &self.encrypted);
        let encrypted = rsa_encrypt(&self.server_public_key, &decrypted.unwrap());
        assert!(encrypted.unwrap() == self.encrypted);
    }
}

impl Contender for RsaCrate {
    fn run(&mut self) -> Taken {
        let mut taken = Taken::default();
        taken.by(Side::Client, || self.encrypt_and_verify());
        taken.by(Side::Server, || self.decrypt_and_encrypt());
        taken
    }
}

fn private_key(pem: &[u8]) -> RsaPrivateKey {
    RsaPrivateKey::from_pkcs8_pem(str::from_utf8(pem).unwrap()).unwrap()
}

fn encrypt(key: &RsaPublicKey) -> Vec<u8> {
    Pkcs1v15Encrypt.encrypt(&mut UnwrapErr(SysRng), key, &SECRET).unwrap()
}

/// The client's operations by OpenSSL's libcrypto; the server's are not measured.
pub struct LibCrypto {
    server_key: PKey<Public>,
    root_key: PKey<Public>,
    signed: Signed,
    encrypted: Vec<u8>,
}

impl LibCrypto {
    pub fn new(credentials: &Credentials) -> Self {
        let certificate = X509::from_pem(&credentials.certificate).unwrap();
        let root = X509::from_pem(&credentials.root).unwrap();
        let server_key = certificate.public_key().unwrap();
        Self {
            encrypted: vec![0; server_key.size()],
            server_key,
            root_key: root.public_key().unwrap(),
            signed: Signed::new(credentials),
        }
    }

    fn encrypt_and_verify(&mut self) {
        let mut encrypter = Encrypter::new(&self.server_key).unwrap();
        encrypter.set_rsa_padding(Padding::PKCS1).unwrap();
        encrypter.encrypt(&SECRET, &mut self.encrypted).unwrap();
        let mut verifier = Verifier::new(MessageDigest::sha256(), &self.root_key).unwrap();
        let Signed { text, signature } = &self.signed;
        assert!(verifier.verify_oneshot(signature, text).unwrap());
    }
}

impl Contender for LibCrypto {
    fn run(&mut self) -> Taken {
        let mut taken = Taken::default();
        taken.by(Side::Client, || self.encrypt_and_verify());
        taken
    }
}

/// A text with the root's signature.
struct Signed {
    text: Vec<u8>,
    signature: Vec<u8>,
}

impl Signed {
    fn new(credentials: &Credentials) -> Self {
        let certificate = X509::from_pem(&credentials.certificate).unwrap();
        let text = certificate.to_der().unwrap();
        let key: PKey<Private> = PKey::private_key_from_pem(ROOT_KEY).unwrap();
        let mut signer = Signer::new(MessageDigest::sha256(), &key).unwrap();
        let signature = signer.sign_oneshot_to_vec(&text).unwrap();
        Self { text, signature }
    }
}
