//! Any steps of a server on a complete connection whose client lets it renegotiate: no panic, and no
//! handshake but with the server of the one before.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| premaster_fuzz::renegotiate(input));
