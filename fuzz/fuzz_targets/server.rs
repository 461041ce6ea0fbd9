//! A server that receives a client's bytes, invented or edited.
#![no_main]

use libfuzzer_sys::fuzz_target;
use premaster_fuzz::{Input, Role, run};

fuzz_target!(|input: Input<'_>| {
    run(Role::Server, &input);
});
