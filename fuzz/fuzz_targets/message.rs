//! Any bytes as a handshake message of any type, its first byte, and as an alert: no panic, and
//! what decodes encodes to the same bytes.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    if let [typ, body @ ..] = input {
        premaster::fuzzing::decode_handshake_message(*typ, body);
        premaster::fuzzing::decode_alert(body);
    }
});
