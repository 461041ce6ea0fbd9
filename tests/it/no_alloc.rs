//! An established connection allocates nothing for a record, in either direction; and whether a
//! pre-master secret is good does not show in what is allocated.

use crate::allocations::cost;
use premaster::protocol::{EncryptThenMac, ExtendedMasterSecret, MaxFragmentLength};
use premaster::{ClientConfigBuilder, Connection, Event, ServerConfigBuilder};
use premaster_testing::forger::Stopped;
use premaster_testing::{
    all_suites, client_builder, pair, pki, server_builder, server_builder_with,
};

fn allocations(work: impl FnOnce()) -> usize {
    cost(work).allocations
}

/// Sends `data` one way over a wire that is kept and reused.
#[track_caller]
fn transfer(from: &mut Connection, to: &mut Connection, data: &[u8], wire: &mut Vec<u8>) {
    wire.clear();
    from.send(data, wire).unwrap();
    let mut received = 0;
    let mut start = 0;
    let mut answer = Vec::new();
    loop {
        let result = to.receive(&mut wire[start..], &mut answer).unwrap();
        start += result.consumed;
        match result.event {
            Event::ApplicationData(plaintext) => received += plaintext.len(),
            Event::NeedData => break,
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(received, data.len());
}

#[test]
fn records_cost_no_allocation_in_the_steady_state() {
    assert_eq!(allocations(|| drop(vec![0; 10])), 1, "the counter counts");
    for suite in all_suites() {
        for order in [EncryptThenMac::Off, EncryptThenMac::Optional] {
            let client = client_builder().suites(&[suite]).encrypt_then_mac(order);
            assert_allocates_nothing(client, server_builder().suites(&[suite]));
        }
    }
}

#[test]
fn nor_do_records_that_are_kept_short() {
    for length in [MaxFragmentLength::L512, MaxFragmentLength::L4096] {
        let client = client_builder().max_fragment_length(length);
        assert_allocates_nothing(client, server_builder());
    }
    let client = client_builder().record_size_limit(64);
    assert_allocates_nothing(client, server_builder().record_size_limit(1000));
}

/// Data goes both ways between two such sides, more than a record holds.
#[track_caller]
fn assert_allocates_nothing(client: ClientConfigBuilder, server: ServerConfigBuilder) {
    let mut pair = pair(client, server).established();
    let (client, server) = (&mut pair.client.connection, &mut pair.server.connection);
    let data = vec![7; 40_000];
    let mut wire = Vec::new();
    // The wire grows to what it ever needs.
    transfer(client, server, &data, &mut wire);
    transfer(server, client, &data, &mut wire);
    for length in [1, 100, 1 << 14, 40_000] {
        for _ in 0..3 {
            let count = allocations(|| {
                transfer(client, server, &data[..length], &mut wire);
                transfer(server, client, &data[..length], &mut wire);
            });
            assert_eq!(count, 0, "{length} bytes");
        }
    }
}

#[test]
fn a_bad_pre_master_secret_allocates_like_a_good_one() {
    for policy in [ExtendedMasterSecret::Off, ExtendedMasterSecret::Required] {
        assert_allocates_alike(policy);
    }
}

/// The ClientKeyExchange costs a server as much, whatever is in it.
#[track_caller]
fn assert_allocates_alike(policy: ExtendedMasterSecret) {
    // Nobody else uses its blinding factors.
    let key = pki::key("rsa-2048");
    let certified = pki::server(&key).certified(&key);
    let count = |change: &dyn Fn(&mut [u8])| {
        let mut stopped = Stopped::before_client_flight(
            client_builder().extended_master_secret(policy),
            server_builder_with(certified.clone()),
        );
        let key_exchange = &mut stopped.client_flight[0];
        // Behind the headers of record and message and the length.
        change(&mut key_exchange[11..]);
        let (server, mut answer) = (&mut stopped.pair.server.connection, Vec::new());
        allocations(|| {
            let received = server.receive(key_exchange, &mut answer).unwrap();
            assert_eq!(received.consumed, 5 + 4 + 2 + 256);
        })
    };
    let with_new_factors = count(&|_| {});
    let good = count(&|_| {});
    assert!(0 < good && good < with_new_factors);
    assert_eq!(
        count(&|ciphertext| ciphertext[100] ^= 1),
        good,
        "bad padding"
    );
    assert_eq!(count(&|ciphertext| ciphertext.fill(0)), good, "zero");
    assert_eq!(
        count(&|ciphertext| ciphertext.fill(0xff)),
        good,
        "not below the modulus"
    );
}
