//! RSA: the check of the padding, and the private operation by what is raised and by the exponents.

use crate::dudect::{Case, Class};
use premaster::fuzzing::timing::{RsaEngine, RsaNumbers, unpad};
use rand_chacha::ChaCha12Rng;
use rand_chacha::rand_core::Rng;

pub fn cases() -> Vec<Case> {
    let mut cases = paddings();
    for bits in [2048, 3072, 4096] {
        let count = RsaEngine::all(&numbers(bits, Exponents::Random)).len();
        for engine in 0..count {
            let name = |what: &str| format!("RSA-{bits}, engine {} of {count}: {what}", engine + 1);
            cases.push(bases(name("bases"), bits, engine));
            cases.push(exponents(name("exponents"), bits, engine));
        }
    }
    cases
}

/// A flaw of a decrypted message.
type Flaw = fn(&mut [u8], &mut ChaCha12Rng);

/// Good messages and those with a flaw.
fn paddings() -> Vec<Case> {
    let flaws: [(&str, Flaw); 5] = [
        ("first byte", |message, _| message[0] = 1),
        ("block type", |message, _| message[1] = 1),
        ("no zero after the padding", |message, _| {
            message[256 - 49] = 1
        }),
        ("a zero in the padding", |message, rng| {
            message[2 + rng.next_u32() as usize % 200] = 0;
        }),
        ("version", |message, _| message[256 - 48] = 2),
    ];
    let random: (&str, Flaw) = ("all", |message, rng| rng.fill_bytes(message));
    flaws
        .into_iter()
        .chain([random])
        .map(|(flaw, spoil)| {
            let prepare = move |class, rng: &mut ChaCha12Rng| {
                let mut message = message(rng);
                if class == Class::B {
                    spoil(&mut message, rng);
                }
                message
            };
            Case::new(
                format!("pre-master secret: {flaw}"),
                1,
                prepare,
                |message| unpad(message, [5; 48]),
            )
        })
        .collect()
}

/// `00 02 PS 00 version random`.
fn message(rng: &mut ChaCha12Rng) -> Vec<u8> {
    let mut message = vec![0; 256];
    rng.fill_bytes(&mut message);
    message.iter_mut().for_each(|byte| *byte |= 1);
    message[..2].copy_from_slice(&[0, 2]);
    message[256 - 49..256 - 46].copy_from_slice(&[0, 3, 3]);
    message
}

/// Small numbers and those of all lengths.
fn bases(name: String, bits: usize, index: usize) -> Case {
    let engine = RsaEngine::all(&numbers(bits, Exponents::Random)).swap_remove(index);
    let prepare = move |class, rng: &mut ChaCha12Rng| match class {
        Class::A => small(bits / 64),
        Class::B => {
            let mut number = random(bits / 64, rng);
            // Below any modulus of this length.
            number[bits / 64 - 1] >>= 2;
            number
        }
    };
    Case::new(name, effort(bits), prepare, move |number| {
        engine.raise(number)
    })
}

/// Exponents of a single one bit and random ones.
fn exponents(name: String, bits: usize, index: usize) -> Case {
    let engine = |exponents| RsaEngine::all(&numbers(bits, exponents)).swap_remove(index);
    let engines = [engine(Exponents::Sparse), engine(Exponents::Random)];
    let prepare = move |class, rng: &mut ChaCha12Rng| {
        let mut number = random(bits / 64, rng);
        number[bits / 64 - 1] >>= 2;
        (usize::from(class == Class::B), number)
    };
    Case::new(name, effort(bits), prepare, move |(engine, number)| {
        engines[*engine].raise(number);
    })
}

/// Some microseconds an operation, with fewer than a hundred thousand samples.
fn effort(bits: usize) -> usize {
    match bits {
        2048 => 20,
        3072 => 50,
        _ => 100,
    }
}

#[derive(Clone, Copy)]
enum Exponents {
    Sparse,
    Random,
}

/// Odd moduli with the highest bit set, always the same ones.
fn numbers(bits: usize, exponents: Exponents) -> RsaNumbers {
    use rand_chacha::rand_core::SeedableRng;
    let rng = &mut ChaCha12Rng::seed_from_u64(2);
    let words = bits / 128;
    let mut modulus = || {
        let mut modulus = random(words, rng);
        modulus[0] |= 1;
        modulus[words - 1] |= 3 << 62;
        modulus
    };
    let (p, q) = (modulus(), modulus());
    let mut below = |exponents| match exponents {
        Exponents::Sparse => small(words),
        Exponents::Random => {
            let mut number = random(words, rng);
            number[words - 1] >>= 1;
            number
        }
    };
    RsaNumbers {
        dp: below(exponents),
        dq: below(exponents),
        q_inverse: below(Exponents::Random),
        p,
        q,
    }
}

/// The number two.
fn small(words: usize) -> Vec<u64> {
    let mut number = vec![0; words];
    number[0] = 2;
    number
}

fn random(words: usize, rng: &mut ChaCha12Rng) -> Vec<u64> {
    (0..words).map(|_| rng.next_u64()).collect()
}
