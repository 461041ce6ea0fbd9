//! Any batch of ciphertexts through RSA: the engine that a key chose does what the `rsa` crate does.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| premaster_fuzz::decrypt_batch(input));
