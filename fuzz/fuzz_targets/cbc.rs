//! Any record of a CBC suite, with any padding and any flaw, in both orders of MAC: it is opened where a
//! plain reference opens it, and what is sealed is the same on every engine of this processor.
#![no_main]

use libfuzzer_sys::fuzz_target;
use premaster_fuzz::CbcRecord;

fuzz_target!(|input: &[u8]| {
    if let Some(record) = CbcRecord::decode(input) {
        record.check();
    }
});
