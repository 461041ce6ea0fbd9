//! Any chain, under any policy, verified by either side.
#![no_main]

use libfuzzer_sys::fuzz_target;
use premaster_fuzz::{Case, judge};

fuzz_target!(|case: Case<'_>| {
    let _ = judge(&case);
});
