use super::*;
use crate::crypto::cipher::{Cipher, WriteKeys};
use crate::crypto::rng::testing::Fixed;
use crate::crypto::suite::Suite;
use crate::crypto::vectors::{array, bytes, list, load, text};
use crate::enums::{CipherSuite, ContentType, ProtocolVersion};
use serde_json::Value;

const HEADER: AuthenticatedHeader = AuthenticatedHeader {
    sequence: 7,
    typ: ContentType::APPLICATION_DATA,
    version: ProtocolVersion::TLS_1_2,
};

const ORDERS: [MacOrder; 2] = [MacOrder::MacThenEncrypt, MacOrder::EncryptThenMac];

fn cbc(suite: CipherSuite, keys: WriteKeys<'_>, order: MacOrder) -> Cbc {
    match Cipher::new(Suite::of(suite).unwrap(), keys, order, &Fixed(9)).unwrap() {
        Cipher::Cbc(cbc) => *cbc,
        _ => panic!("{suite}"),
    }
}

/// Every suite, with both orders.
fn ciphers() -> impl Iterator<Item = Cbc> {
    ciphers_and_keys().map(|(cbc, _)| cbc)
}

/// With AES's keys.
fn ciphers_and_keys() -> impl Iterator<Item = (Cbc, &'static [u8])> {
    let suites = Suite::all().filter(|suite| suite.is_cbc());
    suites.flat_map(|suite| {
        let keys = WriteKeys {
            mac_key: &[6; 32][..suite.mac_key_length],
            key: &[7; 32][..suite.enc_key_length],
            iv: &[],
        };
        ORDERS.map(|order| (cbc(suite.id, keys, order), keys.key))
    })
}

/// A fragment that this crate would not make: `text` is encrypted as it is, and the MAC of
/// encrypt-then-MAC is right.
fn encrypted(cbc: &Cbc, header: AuthenticatedHeader, text: &[u8]) -> Vec<u8> {
    let iv = [0x1f; BLOCK];
    let mut fragment = [&iv[..], text].concat();
    cbc.key.encrypt(iv, &mut fragment[BLOCK..]);
    if cbc.order == MacOrder::EncryptThenMac {
        let tag = cbc.encrypted_tag(header, &fragment).unwrap();
        cbc.append(&tag, &mut fragment);
    }
    fragment
}

/// What is encrypted for a plaintext, but for its padding.
fn unpadded(cbc: &Cbc, plaintext: &[u8]) -> Vec<u8> {
    let mut text = plaintext.to_vec();
    if cbc.order == MacOrder::MacThenEncrypt {
        let header = HEADER.with_length(plaintext.len()).unwrap();
        cbc.append(&cbc.mac.tag(&header, plaintext).unwrap(), &mut text);
    }
    text
}

/// Appends a padding of this length to a text that it makes whole blocks of.
fn pad(text: &mut Vec<u8>, padding_length: u8) {
    text.extend(vec![padding_length; usize::from(padding_length) + 1]);
    assert_eq!(text.len() % BLOCK, 0);
}

#[test]
fn records_from_elsewhere() {
    let vectors = load("record_cbc");
    let cases = list(&vectors, "cases");
    assert_eq!(cases.len(), 4 * 2 * 9);
    for case in cases {
        record_from_elsewhere(case);
    }
}

fn record_from_elsewhere(case: &Value) {
    let keys = WriteKeys {
        mac_key: &bytes(case, "mac_key"),
        key: &bytes(case, "key"),
        iv: &[],
    };
    let order = if case["encrypt_then_mac"] == true {
        MacOrder::EncryptThenMac
    } else {
        MacOrder::MacThenEncrypt
    };
    let suite = CipherSuite::from_name(text(case, "suite")).unwrap();
    let cbc = cbc(suite, keys, order);
    let header = AuthenticatedHeader {
        sequence: u64::from_be_bytes(array(case, "sequence")),
        typ: ContentType(u8::try_from(case["type"].as_u64().unwrap()).unwrap()),
        version: ProtocolVersion::TLS_1_2,
    };
    let (plaintext, fragment) = (bytes(case, "plaintext"), bytes(case, "fragment"));
    let opened = cbc.open(header, &mut fragment.clone()).map(|opened| opened.to_vec());
    assert_eq!(opened, Ok(plaintext.clone()));
    let mut sealed = Vec::new();
    cbc.seal_with(header, array(case, "iv"), &plaintext, &mut sealed).unwrap();
    assert_eq!(sealed, fragment);
}

#[test]
fn every_length_of_plaintext_is_sealed_with_the_shortest_padding_and_opened() {
    for cbc in ciphers() {
        for length in 0..=300 {
            let plaintext = vec![0x5a; length];
            let mut fragment = Vec::new();
            cbc.seal(HEADER, &plaintext, &mut fragment).unwrap();
            let beside = BLOCK + cbc.mac_length();
            assert!((1..=BLOCK).contains(&(fragment.len() - length - beside)));
            assert_eq!(fragment.len(), cbc.fragment_length(length));
            assert_eq!(cbc.open(HEADER, &mut fragment).unwrap(), plaintext);
        }
    }
}

/// A build for debugging does without the kernel, but for this.
#[test]
fn every_engine_seals_the_same_bytes() {
    let plaintext: Vec<u8> = (0..=255).cycle().take(1 << 14).collect();
    for (cbc, key) in ciphers_and_keys() {
        let engines = cbc.engines(key);
        for length in (0..=300).chain([1 << 14]) {
            let sealed = engines.iter().map(|cbc| {
                let mut fragment = vec![1, 2, 3];
                cbc.seal(HEADER, &plaintext[..length], &mut fragment).unwrap();
                fragment
            });
            let sealed: Vec<_> = sealed.collect();
            assert!(sealed.windows(2).all(|two| two[0] == two[1]), "{length}");
        }
    }
}

/// "The padding MAY be any length up to 255 bytes, as long as it results in the
/// TLSCiphertext.length being an integral multiple of the block length."
#[test]
fn every_length_of_padding_is_accepted() {
    for cbc in ciphers() {
        for padding_length in 0..=255_u8 {
            let padding = usize::from(padding_length) + 1;
            let kept = if cbc.order == MacOrder::MacThenEncrypt {
                cbc.mac_length()
            } else {
                0
            };
            // The shortest plaintext, and the next ones that fill their blocks.
            let first = (BLOCK - (kept + padding) % BLOCK) % BLOCK;
            for length in [first, first + BLOCK, first + 5 * BLOCK] {
                let plaintext = vec![0x5a; length];
                let mut text = unpadded(&cbc, &plaintext);
                pad(&mut text, padding_length);
                let mut fragment = encrypted(&cbc, HEADER, &text);
                assert!(fragment.len() <= length + cbc.max_overhead());
                assert!(cbc.largest_plaintext(fragment.len()).unwrap() >= length);
                assert_eq!(cbc.open(HEADER, &mut fragment).unwrap(), plaintext);
            }
        }
    }
}

/// Wrong bytes of padding, at every place, and paddings that are longer than the text.
#[test]
fn no_wrong_padding_is_accepted_and_none_leaves_plaintext_behind() {
    for cbc in ciphers() {
        let refused = |text: &[u8]| {
            let mut fragment = encrypted(&cbc, HEADER, text);
            assert_eq!(cbc.open(HEADER, &mut fragment), Err(CipherError));
            let kept = if cbc.order == MacOrder::MacThenEncrypt {
                0
            } else {
                cbc.mac_length()
            };
            assert!(fragment[BLOCK..fragment.len() - kept].iter().all(|byte| *byte == 0));
        };
        for padding_length in [1, 15, 16, 100, 255_u8] {
            let kept = unpadded(&cbc, &[]).len();
            let length = (2 * BLOCK - (kept + usize::from(padding_length) + 1) % BLOCK) % BLOCK;
            let mut text = unpadded(&cbc, &vec![0x5a; length]);
            let end = text.len();
            pad(&mut text, padding_length);
            for at in end..text.len() - 1 {
                text[at] ^= 1;
                refused(&text);
                text[at] ^= 1;
            }
        }
        for padding_length in 0..=255_u8 {
            let room = usize::from(padding_length) + unpadded(&cbc, &[]).len();
            let length = room / BLOCK * BLOCK;
            if length > 0
                && cbc.largest_plaintext(encrypted(&cbc, HEADER, &vec![0; length]).len()).is_some()
            {
                refused(&vec![padding_length; length]);
            }
        }
    }
}

#[test]
fn every_byte_is_protected() {
    for cbc in ciphers() {
        for length in [0, 5, 40] {
            let mut sealed = Vec::new();
            cbc.seal(HEADER, &vec![0x5a; length], &mut sealed).unwrap();
            for at in 0..sealed.len() {
                for bit in [1, 0x80] {
                    let mut fragment = sealed.clone();
                    fragment[at] ^= bit;
                    assert_eq!(cbc.open(HEADER, &mut fragment), Err(CipherError), "{at}");
                }
            }
        }
    }
}

#[test]
fn only_whole_blocks_with_room_for_everything_are_opened() {
    for cbc in ciphers() {
        let mac = cbc.mac_length();
        for length in 0..400 {
            let largest = cbc.largest_plaintext(length);
            let encrypted = length.checked_sub(match cbc.order {
                MacOrder::MacThenEncrypt => BLOCK,
                MacOrder::EncryptThenMac => BLOCK + mac,
            });
            let whole = encrypted.is_some_and(|length| length % BLOCK == 0);
            let expected = length.checked_sub(BLOCK + mac + 1).filter(|_| whole);
            assert_eq!(largest, expected, "{length}");
            if largest.is_none() {
                assert_eq!(cbc.open(HEADER, &mut vec![1; length]), Err(CipherError));
            }
        }
    }
}

#[test]
fn each_record_has_an_iv_of_its_own() {
    for cbc in ciphers() {
        let mut ivs: Vec<Vec<u8>> = Vec::new();
        for sequence in 0..50 {
            let header = AuthenticatedHeader { sequence, ..HEADER };
            let mut sealed = Vec::new();
            cbc.seal(header, b"data", &mut sealed).unwrap();
            ivs.push(sealed[..BLOCK].to_vec());
        }
        ivs.sort();
        ivs.dedup();
        assert_eq!(ivs.len(), 50);
    }
}
