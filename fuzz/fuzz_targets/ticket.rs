//! Any bytes as a session ticket: only tickets that the keys sealed open, and they hold a session.
#![no_main]

use libfuzzer_sys::fuzz_target;
use premaster::Tickets;
use premaster_fuzz::{now, recorded_tickets, tickets};
use std::sync::LazyLock;

static KEYS: LazyLock<Tickets> = LazyLock::new(tickets);
static SEALED: LazyLock<[Vec<u8>; 2]> = LazyLock::new(recorded_tickets);

fuzz_target!(|ticket: &[u8]| {
    let opened = premaster::fuzzing::open_ticket(&KEYS, ticket, now());
    let sealed = SEALED.iter().any(|sealed| sealed == ticket);
    assert_eq!(opened, sealed);
});
