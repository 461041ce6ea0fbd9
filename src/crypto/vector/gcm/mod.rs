//! AES-GCM ([SP 800-38D](https://csrc.nist.gov/pubs/sp/800/38/d/final)) with 128 or 256-bit keys
//! and nonces of 96 bits: counter mode and GHASH in one pass over the text.
//!
//! A *turn* is as many blocks as one pass of the loop takes: 16 with VAES, 8 with AES-NI. Its
//! counters go through AES in `REGISTERS` registers of `LANES` blocks, and GHASH of a turn is one
//! sum of products with one reduction (aggregated reduction):
//!
//! ```text
//! hash' = (hash + C1) H^16 + C2 H^15 + .. + C16 H          VAES-512: | C1 C2 C3 C4 | C5 .. C8 | ..
//!                                                          VAES-256: | C1 C2 | C3 C4 | ..
//! ```
//!
//! AES and carry-less multiplication have units of their own or a long latency, so the two run side
//! by side: a round for all registers of a turn, then the products of one register. Sealing
//! multiplies the ciphertext of the turn before, opening that of the turn itself:
//!
//! ```text
//! round        1     2     3     ..   n                1     2
//! AES          T2    T2    T2         T2, output       T3    T3
//! GHASH, seal  T1a   T1b   T1c        reduction        T2a   T2b
//! GHASH, open  T2a   T2b   T2c        reduction        T3a   T3b
//! ```
//!
//! What is left after the last turn goes register by register, to be reduced together with the
//! block of lengths.
//!
//! | File | What it has |
//! |---|---|
//! | `kernel` | the key and its engine: what the rest of the crate calls |
//! | `v512`, `v256`, `v128` | the vocabulary of each register width |
//! | `pass` | the pass itself, in that vocabulary |
//! | `frame` | nonce, additional data, lengths, tag |
//! | `key` | key schedule and powers of H |
//! | `ghash` | the field |

pub(super) mod frame;
mod ghash;
mod kernel;
pub(super) mod key;
mod pass;
pub(super) mod v128;
pub(super) mod v256;
pub(super) mod v512;

#[cfg(test)]
mod tests;

pub(crate) use kernel::GcmKernel;
