//! AES-GCM: where a forged tag differs, and what a text and a key are.

use crate::dudect::{Case, Class};
use premaster::fuzzing::timing::GcmEngine;
use rand_chacha::rand_core::Rng;

/// A record whose time is mostly that of the tag, and a longer one.
const LENGTHS: [usize; 2] = [64, 1024];

const NONCE: [u8; 12] = [9; 12];
const HEADER: [u8; 13] = [3; 13];

pub fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for bits in [128, 256] {
        let count = GcmEngine::all(&vec![7; bits / 8]).len();
        for engine in 0..count {
            let name =
                |what: &str| format!("AES-{bits}-GCM, engine {} of {count}: {what}", engine + 1);
            for length in LENGTHS {
                cases.push(forged_tags(
                    name(&format!("forged tags, {length} B")),
                    bits,
                    engine,
                    length,
                ));
            }
            cases.push(texts(name("texts"), bits, engine));
        }
    }
    cases
}

fn engine(bits: usize, index: usize) -> GcmEngine {
    GcmEngine::all(&vec![7; bits / 8]).swap_remove(index)
}

/// Tags that are wrong in the first byte or in the last.
fn forged_tags(name: String, bits: usize, index: usize, length: usize) -> Case {
    let (sealer, opener) = (engine(bits, index), engine(bits, index));
    let prepare = move |class, rng: &mut rand_chacha::ChaCha12Rng| {
        let mut text = vec![0; length];
        rng.fill_bytes(&mut text);
        let mut sealed = Vec::new();
        sealer.seal(NONCE, &HEADER, &text, &mut sealed);
        let (text, tag) = sealed.split_last_chunk::<16>().unwrap();
        let mut tag = *tag;
        tag[if class == Class::A { 0 } else { 15 }] ^= 0x80;
        (text.to_vec(), tag)
    };
    Case::new(name, 1, prepare, move |(text, tag)| {
        assert!(!opener.open(NONCE, &HEADER, text, *tag));
    })
}

/// Texts of zeros and random ones.
fn texts(name: String, bits: usize, index: usize) -> Case {
    let engine = engine(bits, index);
    let prepare = |class, rng: &mut rand_chacha::ChaCha12Rng| {
        let mut text = vec![0; 256];
        rng.fill_bytes(&mut text);
        if class == Class::A {
            text.fill(0);
        }
        (text, Vec::with_capacity(512))
    };
    Case::new(name, 1, prepare, move |(text, out)| {
        engine.seal(NONCE, &HEADER, text, out)
    })
}
