//! The AlgorithmIdentifiers of RSA signatures that may leave out the NULL of their parameters.

use crate::verify::der::{SEQUENCE, element, only_element, sequence};
use pki_types::{AlgorithmIdentifier, alg_id};

/// rsaEncryption and what is below it with it, 1.2.840.113549.1.1.
const PKCS_1: &[u8] = b"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01";
const NULL: &[u8] = b"\x05\x00";

/// sha1WithRSAEncryption, sha256WithRSAEncryption and its longer siblings, by the last byte of their
/// identifiers.
const PKCS_1_SIGNATURES: [u8; 4] = [0x05, 0x0b, 0x0c, 0x0d];
const PSS: u8 = 0x0a;

/// For each hash function of PSS: its object identifier, and the length of the salt, which is that
/// of the hash.
const PSS_HASHES: [(&[u8], u8, AlgorithmIdentifier); 3] = [
    (SHA256, 32, alg_id::RSA_PSS_SHA256),
    (SHA384, 48, alg_id::RSA_PSS_SHA384),
    (SHA512, 64, alg_id::RSA_PSS_SHA512),
];
const SHA256: &[u8] = b"\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x01";
const SHA384: &[u8] = b"\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x02";
const SHA512: &[u8] = b"\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x03";
/// id-mgf1.
const MGF_1: &[u8] = b"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x08";

/// The DER of this AlgorithmIdentifier with its NULLs, if it is one of a signature whose parameters
/// or hash functions' parameters are absent; the argument is the content of its DER.
///
/// "Implementations MUST accept the parameters being absent as well as present"
/// ([RFC 4055 section 5](https://www.rfc-editor.org/rfc/rfc4055#section-5)); and for the hash
/// functions "All implementations MUST accept both NULL and absent parameters as legal and
/// equivalent encodings" ([section 2.1](https://www.rfc-editor.org/rfc/rfc4055#section-2.1)).
pub(super) fn with_null(content: &[u8]) -> Option<Vec<u8>> {
    match content.strip_prefix(PKCS_1)? {
        [last] if PKCS_1_SIGNATURES.contains(last) => Some(sequence(&[content, NULL])),
        [PSS, ..] => PSS_HASHES.iter().find_map(|(hash, salt, id)| {
            let mut nulls = [(&b""[..], NULL), (NULL, b""), (b"", b"")].into_iter();
            let is_it = |(own, mask): (&[u8], &[u8])| content == pss(hash, own, mask, *salt);
            nulls.any(is_it).then(|| sequence(&[id]))
        }),
        _ => None,
    }
}

/// The content of the AlgorithmIdentifier of a certificate's signature.
pub(super) fn of_certificate(certificate: &[u8]) -> Option<&[u8]> {
    let mut parts = only_element(certificate)?.content_of(SEQUENCE)?;
    parts.next()?.ok()?;
    let algorithm = parts.next()?.ok()?;
    (algorithm.tag == SEQUENCE).then_some(algorithm.content)
}

/// The content of an AlgorithmIdentifier of PSS with these parameters of the hash function, for the
/// message and for the mask.
fn pss(hash: &[u8], own: &[u8], mask: &[u8], salt: u8) -> Vec<u8> {
    let parameters = sequence(&[
        &element(0xa0, &[&sequence(&[hash, own])]),
        &element(0xa1, &[&sequence(&[MGF_1, &sequence(&[hash, mask])])]),
        &element(0xa2, &[&[2, 1, salt]]),
    ]);
    [PKCS_1, &[PSS], &*parameters].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn absent_parameters_are_null() {
        let sha1 = [PKCS_1, &[0x05], NULL].concat();
        for id in [
            &*alg_id::RSA_PKCS1_SHA256,
            &*alg_id::RSA_PKCS1_SHA384,
            &*alg_id::RSA_PKCS1_SHA512,
            &sha1,
        ] {
            let absent = id.strip_suffix(NULL).unwrap();
            assert_eq!(with_null(absent), Some(sequence(&[id])));
            assert_eq!(with_null(id), None);
            assert_eq!(with_null(&[id, NULL].concat()), None);
            assert_eq!(with_null(&[absent, b"\x05\x01\x00"].concat()), None);
        }
        for (hash, salt, id) in &PSS_HASHES {
            assert_eq!(pss(hash, NULL, NULL, *salt), **id);
            assert_eq!(with_null(id), None);
            for (own, mask) in [(&b""[..], &b""[..]), (NULL, b""), (b"", NULL)] {
                let absent = pss(hash, own, mask, *salt);
                assert_eq!(with_null(&absent), Some(sequence(&[id])));
                assert_eq!(with_null(&pss(hash, own, mask, 20)), None);
            }
        }
    }

    #[test]
    fn other_algorithms_stay_as_they_are() {
        for id in [
            alg_id::ECDSA_SHA256,
            alg_id::RSA_ENCRYPTION,
            alg_id::ED25519,
        ] {
            assert_eq!(with_null(&id), None);
        }
        // MD5, SHA-224, rsaEncryption without its NULL, which it must have, and PSS without any.
        for last in [0x04, 0x0e, 0x01, PSS] {
            assert_eq!(with_null(&[PKCS_1, &[last]].concat()), None, "{last:#x}");
        }
        assert_eq!(with_null(&[]), None);
    }
}
