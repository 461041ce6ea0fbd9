//! Any bytes as a handshake message of any type, its first byte, and as an alert: no panic, and
//! what decodes encodes to the same bytes. And as the first bytes of a connection: whatever is
//! needed for a ClientHello is more than there is, and any beginning of it needs more, too.
#![no_main]

use libfuzzer_sys::fuzz_target;
use premaster::{ClientHello, Peeked};

fuzz_target!(|input: &[u8]| {
    if let [typ, body @ ..] = input {
        premaster::fuzzing::decode_handshake_message(*typ, body);
        premaster::fuzzing::decode_alert(body);
    }
    let peeked = ClientHello::peek(input);
    if let Some((_, beginning)) = input.split_last() {
        match (ClientHello::peek(beginning), peeked) {
            (Ok(Peeked::NeedData { more }), Ok(Peeked::NeedData { more: left })) => {
                assert!(more > 0 && left > 0);
                // One byte fewer is missing, or headers of more records than could be known.
                assert!(left + 1 >= more);
            }
            (Ok(Peeked::NeedData { more }), Ok(Peeked::Hello(_))) => assert_eq!(more, 1),
            (Ok(Peeked::NeedData { .. }), Err(_)) => {}
            (result, peeked) => assert_eq!(result, peeked),
        }
    }
});
