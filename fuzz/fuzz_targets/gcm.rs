//! Any key, nonce, additional data and text through AES-GCM: every engine of this processor does what
//! the `aes-gcm` crate does, and leaves a forgery as it was.
#![no_main]

use libfuzzer_sys::fuzz_target;
use premaster_fuzz::Sealed;

fuzz_target!(|input: &[u8]| {
    if let Some(sealed) = Sealed::decode(input) {
        premaster::fuzzing::aes_gcm(
            sealed.key,
            sealed.nonce,
            sealed.additional_data,
            sealed.text,
        );
    }
});
