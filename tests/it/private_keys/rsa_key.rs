//! `RsaKey` against the `rsa` crate: its results, what it draws for them, and what it refuses.

use premaster::error::{FileItem, KeyAlgorithm, KeyError, LocalError, PemFault};
use premaster::pki_types::PrivateKeyDer;
use premaster::protocol::SignatureScheme;
use premaster::rand_core::utils::next_word_via_fill;
use premaster::rand_core::{TryCryptoRng, TryRng};
use premaster::{ConfigError, PrivateKey, RsaKey};
use premaster_testing::{data, pki, rng};
use rand_chacha::ChaCha12Rng;
use rsa::pkcs1::der::asn1::UintRef;
use rsa::pkcs1::der::{Decode, Encode};
use rsa::pkcs1::{EncodeRsaPrivateKey, RsaPrivateKeyRef};
use rsa::pkcs8::{EncodePrivateKey, LineEnding};
use rsa::traits::PublicKeyParts;
use rsa::{BoxedUint, Pkcs1v15Sign, PrivateKey as RsaPrivateKey, Pss, PublicKey as RsaPublicKey};
use sha2::{Digest, Sha256, Sha384, Sha512};

/// For blinding, of each use of the key.
const SEED: usize = 32;

/// Each with the length of its hash, which is that of PSS's salt.
const SCHEMES: [(SignatureScheme, usize); 6] = [
    (SignatureScheme::RSA_PKCS1_SHA256, 32),
    (SignatureScheme::RSA_PKCS1_SHA384, 48),
    (SignatureScheme::RSA_PKCS1_SHA512, 64),
    (SignatureScheme::RSA_PSS_RSAE_SHA256, 32),
    (SignatureScheme::RSA_PSS_RSAE_SHA384, 48),
    (SignatureScheme::RSA_PSS_RSAE_SHA512, 64),
];

fn is_pss(scheme: SignatureScheme) -> bool {
    scheme.0 >> 8 == 8
}

/// Randomness that counts what is drawn, and fails once it is more than there is.
struct Counting {
    rng: ChaCha12Rng,
    drawn: usize,
    left: usize,
}

impl Counting {
    fn up_to(left: usize) -> Self {
        Self {
            rng: rng(6),
            drawn: 0,
            left,
        }
    }

    fn endless() -> Self {
        Self::up_to(usize::MAX)
    }

    /// What was drawn since the last time.
    fn count(&mut self) -> usize {
        std::mem::take(&mut self.drawn)
    }
}

impl TryRng for Counting {
    type Error = LocalError;

    fn try_next_u32(&mut self) -> Result<u32, LocalError> {
        next_word_via_fill(self)
    }

    fn try_next_u64(&mut self) -> Result<u64, LocalError> {
        next_word_via_fill(self)
    }

    fn try_fill_bytes(&mut self, out: &mut [u8]) -> Result<(), LocalError> {
        let left = self.left.checked_sub(out.len());
        self.left = left.ok_or(LocalError::RandomUnavailable)?;
        self.drawn += out.len();
        let Ok(()) = self.rng.try_fill_bytes(out);
        Ok(())
    }
}

impl TryCryptoRng for Counting {}

/// A key in both forms.
struct Both {
    own: RsaKey,
    theirs: RsaPrivateKey,
}

impl Both {
    fn of(theirs: RsaPrivateKey) -> Self {
        Self {
            own: RsaKey::from_der(&pki::private_key(&theirs)).unwrap(),
            theirs,
        }
    }

    /// One of tests/data, or one whose length OpenSSL does not make.
    fn of_length(bits: usize) -> Self {
        Self::of(match bits {
            2048 | 2056 | 3072 | 4096 => pki::key(&format!("rsa-{bits}")),
            _ => RsaPrivateKey::new(&mut rng(2), bits).unwrap(),
        })
    }

    fn public(&self) -> RsaPublicKey {
        self.theirs.to_public_key()
    }

    fn length(&self) -> usize {
        self.theirs.size()
    }

    fn number(&self, bytes: &[u8]) -> BoxedUint {
        BoxedUint::from_be_slice(bytes, self.theirs.n_bits_precision()).unwrap()
    }

    /// As many bytes as the modulus has.
    fn bytes(&self, number: &BoxedUint) -> Vec<u8> {
        let bytes = number.to_be_bytes();
        bytes[bytes.len() - self.length()..].to_vec()
    }

    /// A number below the modulus, another one for each index, with a leading zero byte or two.
    fn plaintext(&self, index: u8) -> Vec<u8> {
        let mut bytes: Vec<u8> = (0..self.length())
            .map(|at| (at as u8).wrapping_mul(index.wrapping_add(3)) ^ index)
            .collect();
        bytes[..1 + usize::from(index % 2)].fill(0);
        bytes
    }

    /// `m^e mod n`.
    fn encrypt(&self, plaintext: &[u8]) -> Vec<u8> {
        let number = self.number(plaintext);
        self.bytes(&rsa::hazmat::rsa_encrypt(&self.theirs, &number).unwrap())
    }

    fn decrypt(&self, ciphertexts: &[u8]) -> Vec<u8> {
        let mut integers = vec![0; ciphertexts.len()];
        let rng = &mut Counting::endless();
        self.own.decrypt(ciphertexts, &mut integers, rng).unwrap();
        integers
    }

    fn sign(&self, scheme: SignatureScheme, message: &[u8]) -> Vec<u8> {
        let rng = &mut Counting::endless();
        self.own.sign(scheme, message, rng).unwrap()
    }

    /// Whether the `rsa` crate finds the signature good.
    fn verifies(&self, scheme: SignatureScheme, message: &[u8], signature: &[u8]) -> bool {
        let key = self.public();
        let [hash256, hash384, hash512] = [
            Sha256::digest(message).to_vec(),
            Sha384::digest(message).to_vec(),
            Sha512::digest(message).to_vec(),
        ];
        match scheme {
            SignatureScheme::RSA_PKCS1_SHA256 => {
                key.verify(Pkcs1v15Sign::new::<Sha256>(), &hash256, signature)
            }
            SignatureScheme::RSA_PKCS1_SHA384 => {
                key.verify(Pkcs1v15Sign::new::<Sha384>(), &hash384, signature)
            }
            SignatureScheme::RSA_PKCS1_SHA512 => {
                key.verify(Pkcs1v15Sign::new::<Sha512>(), &hash512, signature)
            }
            SignatureScheme::RSA_PSS_RSAE_SHA256 => {
                key.verify(Pss::<Sha256>::new(), &hash256, signature)
            }
            SignatureScheme::RSA_PSS_RSAE_SHA384 => {
                key.verify(Pss::<Sha384>::new(), &hash384, signature)
            }
            SignatureScheme::RSA_PSS_RSAE_SHA512 => {
                key.verify(Pss::<Sha512>::new(), &hash512, signature)
            }
            other => panic!("{other:?}"),
        }
        .is_ok()
    }
}

/// More often than blinding factors live.
#[test]
fn every_result_is_right_however_often_the_key_is_used() {
    for (bits, uses) in [(2048, 110), (2056, 110), (3072, 110), (4096, 3), (2049, 3)] {
        let key = Both::of_length(bits);
        assert_eq!(key.own.modulus_length(), bits.div_ceil(8));
        for index in 0..uses {
            let plaintext = key.plaintext(index);
            let decrypted = key.decrypt(&key.encrypt(&plaintext));
            assert_eq!(decrypted, plaintext, "{bits} bits, use {index}");
        }
    }
}

#[test]
fn results_are_those_of_the_rsa_crate() {
    for bits in [2048, 2056, 3072] {
        let key = Both::of_length(bits);
        let small = |number: u8| {
            let mut bytes = vec![0; key.length()];
            *bytes.last_mut().unwrap() = number;
            bytes
        };
        let largest = key.theirs.n().as_ref().wrapping_sub(BoxedUint::one());
        for ciphertext in [
            small(0),
            small(1),
            small(2),
            key.plaintext(7),
            key.bytes(&largest),
        ] {
            let none = None::<&mut ChaCha12Rng>;
            let number = key.number(&ciphertext);
            let expected = rsa::hazmat::rsa_decrypt(none, &key.theirs, &number).unwrap();
            assert_eq!(key.decrypt(&ciphertext), key.bytes(&expected), "{bits}");
        }
    }
}

#[test]
fn threads_use_one_key_at_the_same_time() {
    let key = Both::of_length(2048);
    let work = |thread: u8| {
        for round in 0..16 {
            let plaintext = key.plaintext(16 * thread + round);
            assert_eq!(key.decrypt(&key.encrypt(&plaintext)), plaintext);
        }
        let scheme = SignatureScheme::RSA_PSS_RSAE_SHA256;
        assert!(key.verifies(scheme, &[thread], &key.sign(scheme, &[thread])));
    };
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..8).map(|index| scope.spawn(move || work(index))).collect();
        threads.into_iter().for_each(|thread| thread.join().unwrap());
    });
}

/// What else is drawn from a configuration's randomness does not depend on the key's past.
#[test]
fn each_use_draws_as_much() {
    let key = Both::of_length(2048);
    let rng = &mut Counting::endless();
    let modulus = key.bytes(key.theirs.n().as_ref());
    // Past the life of the first blinding factors and of the next ones.
    for index in 0..70 {
        let ciphertexts = [key.encrypt(&key.plaintext(index)), modulus.clone()].concat();
        for count in [1, 2] {
            let length = count * key.length();
            let mut integers = vec![0; length];
            let ciphertexts = &ciphertexts[..length];
            key.own.decrypt(ciphertexts, &mut integers, rng).unwrap();
            assert_eq!(rng.count(), count * SEED, "use {index}");
        }
    }
    for (scheme, hash) in SCHEMES {
        let salt = if is_pss(scheme) { hash } else { 0 };
        for _ in 0..2 {
            key.own.sign(scheme, b"message", rng).unwrap();
            assert_eq!(rng.count(), salt + SEED, "{scheme:?}");
        }
    }
}

#[test]
fn without_randomness_nothing_is_computed() {
    let key = Both::of_length(2048);
    let ciphertext = key.encrypt(&key.plaintext(1));
    // Also when factors from an earlier use are there.
    for _ in 0..2 {
        let mut integer = vec![0; key.length()];
        let rng = &mut Counting::up_to(SEED - 1);
        assert_eq!(
            key.own.decrypt(&ciphertext, &mut integer, rng),
            Err(KeyError)
        );
        assert_eq!(integer, vec![0; key.length()]);
        for (scheme, hash) in SCHEMES {
            let enough = SEED + if is_pss(scheme) { hash } else { 0 };
            let sign = |left| key.own.sign(scheme, b"message", &mut Counting::up_to(left));
            assert_eq!(sign(0), Err(KeyError));
            assert_eq!(sign(enough - 1), Err(KeyError));
            assert!(sign(enough).is_ok());
        }
    }
    // In the middle of several.
    let (ciphertexts, mut integers) = (ciphertext.repeat(2), vec![0; 2 * key.length()]);
    let rng = &mut Counting::up_to(SEED);
    let decrypted = key.own.decrypt(&ciphertexts, &mut integers, rng);
    assert_eq!(decrypted, Err(KeyError));
}

#[test]
fn the_slices_are_whole_numbers_of_the_modulus_s_length() {
    let key = Both::of_length(2056);
    let k = key.length();
    for (ciphertexts, integers) in [
        (k, 0),
        (0, k),
        (k - 1, k - 1),
        (k + 1, k + 1),
        (k, k - 1),
        (k, 2 * k),
        (2 * k, k),
        (2 * k - 1, 2 * k - 1),
    ] {
        let mut out = vec![0; integers];
        let rng = &mut Counting::endless();
        let decrypted = key.own.decrypt(&vec![1; ciphertexts], &mut out, rng);
        assert_eq!(decrypted, Err(KeyError), "{ciphertexts}, {integers}");
        assert_eq!((out, rng.count()), (vec![0; integers], 0));
    }
    // No ciphertext at all is not an error.
    let decrypted = key.own.decrypt(&[], &mut [], &mut Counting::endless());
    assert_eq!(decrypted, Ok(()));
}

#[test]
fn several_are_decrypted_as_one_by_one_whatever_is_among_them() {
    let key = Both::of_length(2048);
    let plaintexts: Vec<_> = (0..40).map(|index| key.plaintext(index)).collect();
    let good: Vec<_> = plaintexts.iter().map(|plain| key.encrypt(plain)).collect();
    for count in [1, 2, 7, 8, 40] {
        let decrypted = key.decrypt(&good[..count].concat());
        assert_eq!(decrypted, plaintexts[..count].concat());
    }
    // What is not below the modulus is the encryption of nothing.
    let modulus = key.bytes(key.theirs.n().as_ref());
    let zeros = vec![0; key.length()];
    for bad in [&modulus, &vec![0xff; key.length()]] {
        for place in 0..3 {
            let mut mixed = good[..3].to_vec();
            let mut expected = plaintexts[..3].to_vec();
            mixed[place] = bad.clone();
            expected[place] = zeros.clone();
            assert_eq!(key.decrypt(&mixed.concat()), expected.concat());
        }
    }
}

#[test]
fn signatures_are_good_in_all_six_schemes_at_every_length() {
    // Where the modulus has a bit more than whole bytes, EM of PSS has a byte less than it.
    for bits in [2048, 2049, 2052, 2056, 3072] {
        let key = Both::of_length(bits);
        for (scheme, _) in SCHEMES {
            let message = b"the handshake's messages";
            let signature = key.sign(scheme, message);
            assert_eq!(signature.len(), key.length());
            let case = format!("{bits} bits, {scheme:?}");
            assert!(key.verifies(scheme, message, &signature), "{case}");
            assert!(!key.verifies(scheme, b"other", &signature), "{case}");
            // The salt of PSS is drawn each time.
            let mut rng = Counting::endless();
            let [first, second] = [(); 2].map(|()| key.own.sign(scheme, message, &mut rng));
            assert_eq!(first == second, !is_pss(scheme), "{case}");
        }
    }
}

#[test]
fn other_schemes_are_not_signed_with() {
    let key = Both::of_length(2048);
    // With a key that may only sign, with MD5 and SHA-1, and with other keys.
    for scheme in [0x0809, 0x080a, 0x080b, 0xff01, 0x0403, 0x0807, 0] {
        let rng = &mut Counting::endless();
        let signed = key.own.sign(SignatureScheme(scheme), b"message", rng);
        assert_eq!((signed, rng.count()), (Err(KeyError), 0), "{scheme:04x}");
    }
}

#[test]
fn a_key_is_read_from_pem_and_what_is_none_is_named() {
    let pem = |name: &str| std::fs::read(data(name)).unwrap();
    let (first, second) = (pem("rsa-2048.key"), pem("rsa-3072.key"));
    let certificate = pem("leaf-2048.pem");
    for text in [
        first.clone(),
        [&first[..], &second].concat(),
        [&certificate[..], &first].concat(),
    ] {
        let key = RsaKey::from_pem(&text).unwrap();
        assert_eq!(key.modulus_length(), 256);
        assert_eq!(format!("{key:?}"), "[redacted]");
    }
    let size = |bits| {
        let key = RsaPrivateKey::new_unchecked(&mut rng(0), bits).unwrap();
        key.to_pkcs8_pem(LineEnding::LF).unwrap().as_bytes().to_vec()
    };
    let bits = 2047;
    let none = |items: &[FileItem]| ConfigError::NoKey {
        found: items.iter().copied().collect(),
    };
    let not_rsa = ConfigError::NotRsa {
        algorithm: KeyAlgorithm::Ec,
    };
    for (text, error) in [
        (vec![], none(&[])),
        (certificate, none(&[FileItem::Certificate])),
        (
            b"-----BEGIN PRIVATE KEY-----\n!".to_vec(),
            ConfigError::BadPem {
                line: 1,
                fault: PemFault::NoEnd,
            },
        ),
        (pem("ec-p256.key"), not_rsa),
        (pem("rsa-1024.key"), ConfigError::KeySize { bits: 1024 }),
        (size(bits), ConfigError::KeySize { bits }),
        (
            b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n".to_vec(),
            ConfigError::BadKey,
        ),
    ] {
        assert_eq!(RsaKey::from_pem(&text).unwrap_err(), error);
    }
    let sec1 = PrivateKeyDer::Sec1(vec![0x30, 0].into());
    assert_eq!(RsaKey::from_der(&sec1).unwrap_err(), not_rsa);
}

/// What an encoding holds for the CRT could be wrong on purpose, to have results give away a prime.
#[test]
fn numbers_for_the_crt_are_computed_and_not_believed() {
    let key = Both::of_length(2048);
    let der = key.theirs.to_pkcs1_der().unwrap();
    let good = RsaPrivateKeyRef::from_der(der.as_bytes()).unwrap();
    let wrong = UintRef::new(&[5]).unwrap();
    let [mut exponent1, mut exponent2, mut coefficient] = [(); 3].map(|()| good.clone());
    exponent1.exponent1 = wrong;
    exponent2.exponent2 = wrong;
    coefficient.coefficient = wrong;
    let plaintext = key.plaintext(3);
    let ciphertext = key.encrypt(&plaintext);
    for numbers in [exponent1, exponent2, coefficient] {
        let der = PrivateKeyDer::Pkcs1(numbers.to_der().unwrap().into());
        let changed = Both {
            own: RsaKey::from_der(&der).unwrap(),
            theirs: key.theirs.clone(),
        };
        assert_eq!(changed.decrypt(&ciphertext), plaintext);
    }
}
