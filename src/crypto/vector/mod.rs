//! Kernels in vector instructions for x86-64: RSA, AES-GCM, and AES-CBC with SHA-1. They take bytes
//! and numbers, and know nothing of TLS.
//!
//! A processor belongs to a [`Tier`]. What an engine of this room does not support, and every other
//! processor, is left to the portable crates:
//!
//! | Tier | RSA | AES-GCM |
//! |---|---|---|
//! | `Avx512`: Ice Lake, Zen 4 and later | IFMA, private and public, to 4096 bits | VAES-512 |
//! | `Vaes256`: Alder Lake, Zen 3 | as `Avx2` | VAES-256 |
//! | `Avx2`: Haswell, Zen and later | private operation, to 4096 bits | as `AesNi` |
//! | `AesNi`: Sandy Bridge and later | | AES-NI with PCLMULQDQ |
//!
//! Where the processor has the instructions of SHA, too, AES-CBC encryption and SHA-1 run side by side
//! from `AesNi` up.
//!
//! Longer RSA keys, and those that are not of two balanced primes, are left to the portable crates.
//! A size between those of 2048, 3072 and 4096 bits takes the time of the next.
//!
//! An engine is chosen once, when a key is made. Its kernels are safe functions with
//! `#[target_feature]`; only the call into them needs a proof, and all such calls are in
//! `boundary`.
//!
//! Numbers are little-endian words of 64 bits. Time and memory accesses depend on the lengths of
//! numbers alone.

#![allow(
    clippy::indexing_slicing,
    clippy::as_conversions,
    clippy::needless_range_loop,
    reason = "indices are counters over arrays of fixed length; conversions keep all bits or mask them"
)]

mod aes;
mod avx2;
mod batch;
#[allow(unsafe_code, reason = "the calls into functions with target features")]
mod boundary;
mod cbc_sha1;
mod cpu;
mod crt;
mod gcm;
mod ifma;
mod private;
mod public;
#[cfg(test)]
mod samples;
mod words;

pub(crate) use cbc_sha1::{Cbc, CbcSha1Kernel, Sha1};
pub(crate) use cpu::Tier;
pub(crate) use crt::CrtNumbers;
pub(crate) use gcm::GcmKernel;
pub(crate) use private::{PrivateJob, PrivateKernel, run};
pub(crate) use public::{PublicKernel, Residue};
