//! Any bytes as a session from a server's store or a client's: no panic, and what decodes encodes
//! to the same bytes.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|stored: &[u8]| {
    premaster::fuzzing::decode_session(stored);
});
