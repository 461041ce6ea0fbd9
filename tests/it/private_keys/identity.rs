//! Who a key is: `KeyId`, and a certificate's key that must be the one it names.

use premaster::{CertifiedKey, ConfigError, KeyId, PrivateKey, RsaKey};
use premaster_testing::{certified, pki};
use sha2::{Digest, Sha256};
use std::collections::BTreeSet;
use std::sync::Arc;
use x509_cert::der::Encode;

/// The SHA-256 of what stands in the certificate of the key of this name.
fn spki_hash(name: &str) -> [u8; 32] {
    let certificate = pki::server(&pki::key(name)).certificate();
    let info = certificate.tbs_certificate().subject_public_key_info();
    Sha256::digest(info.to_der().unwrap()).into()
}

fn rsa_key(name: &str) -> RsaKey {
    RsaKey::from_der(&pki::private_key(&pki::key(name))).unwrap()
}

#[test]
fn a_key_is_known_by_the_hash_of_its_public_key_info() {
    let mut ids = BTreeSet::new();
    for bits in [2048, 2056, 3072, 4096] {
        let name = format!("rsa-{bits}");
        let expected = KeyId::from_bytes(spki_hash(&name));
        assert_eq!(rsa_key(&name).key_id(), expected);
        assert_eq!(certified(bits).key_id(), expected);
        assert!(ids.insert(expected));
    }
    assert_eq!(
        KeyId::of_spki(b"abc").as_bytes(),
        &Sha256::digest(b"abc")[..]
    );
}

#[test]
fn an_id_prints_in_hexadecimal() {
    let mut bytes = [0; 32];
    bytes[..3].copy_from_slice(&[0, 0x0f, 0xa0]);
    let id = KeyId::from_bytes(bytes);
    assert_eq!(id.as_bytes(), &bytes);
    let digits = format!("000fa0{}", "00".repeat(29));
    assert_eq!(id.to_string(), digits);
    assert_eq!(format!("{id:?}"), format!("KeyId({digits})"));
    // A key whose place is unknown shows no more than that.
    let key: Arc<dyn PrivateKey> = Arc::new(rsa_key("rsa-2048"));
    let printed = format!("PrivateKey({})", key.key_id());
    assert_eq!(format!("{key:?}"), printed);
}

#[test]
fn a_key_and_its_certificate_are_told_by_their_id() {
    let chain = || certified(2048).chain().to_vec();
    for key in ["rsa-2048-ca", "rsa-3072"] {
        let refused = CertifiedKey::with_key(chain(), Arc::new(rsa_key(key)));
        assert_eq!(refused.unwrap_err(), ConfigError::KeyMismatch);
    }
    // Behind one pointer or several.
    let key = Arc::new(rsa_key("rsa-2048"));
    let anywhere: Arc<dyn PrivateKey> = key.clone();
    for key in [key, Arc::new(anywhere.clone()), anywhere] as [Arc<dyn PrivateKey>; 3] {
        let certified = CertifiedKey::with_key(chain(), key.clone()).unwrap();
        assert_eq!(certified.key_id(), key.key_id());
        assert_eq!(certified.key().unwrap().key_id(), key.key_id());
    }
}

#[test]
fn a_certificate_without_its_key_says_so() {
    let chain = || certified(2048).chain().to_vec();
    let without = CertifiedKey::without_key(chain()).unwrap();
    assert!(without.key().is_none());
    assert_eq!(without.chain(), chain());
    assert_eq!(without.key_id(), certified(2048).key_id());
    let printed = format!("{without:?}");
    assert!(printed.contains("has_key: false"), "{printed}");
    assert!(printed.contains(&without.key_id().to_string()), "{printed}");

    let refused = |chain| CertifiedKey::without_key(chain).unwrap_err();
    assert_eq!(refused(vec![]), ConfigError::NoCertificate);
    assert_eq!(refused(vec![vec![1].into()]), ConfigError::BadCertificate);
    let short = pki::server(&pki::key("rsa-1024")).build();
    assert_eq!(refused(vec![short]), ConfigError::KeySize { bits: 1024 });
    assert_eq!(
        refused(vec![chain().remove(0); 100]),
        ConfigError::ChainTooLong
    );
}

/// "The parameters field MUST have ASN.1 type NULL" (RFC 3279 section 2.3.1), and some leave it out.
#[test]
fn a_key_is_the_same_however_its_certificate_encodes_it() {
    let key = pki::key("rsa-2048");
    let mut spec = pki::server(&key);
    spec.public_key.algorithm.parameters = None;
    let certified = spec.certified(&key);
    assert_eq!(certified.key_id(), rsa_key("rsa-2048").key_id());
}
