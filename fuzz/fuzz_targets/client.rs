//! A client that is sent a server's bytes, made up or changed.
#![no_main]

use libfuzzer_sys::fuzz_target;
use premaster_fuzz::{Input, Role, run};

fuzz_target!(|input: Input<'_>| {
    run(Role::Client, &input);
});
