//! The handshake between this crate's two sides, in memory.

use premaster::{CertifiedKey, ClientAuth};
use premaster_testing::pair::{ALL_CHUNKS, Chunks};
use premaster_testing::wire::{HANDSHAKE, record, records};
use premaster_testing::{
    NAME, Pair, SUITES, certified, client_builder, client_certified, pair, pki, roots,
    server_builder, server_builder_with,
};
use std::sync::Arc;

/// Data both ways, short and long, then a close by the client.
#[track_caller]
fn exchange_and_close(pair: &mut Pair, chunks: Chunks) {
    let long: Vec<u8> = (0..40_000u32).map(|i| i as u8).collect();
    pair.client.send(b"ping");
    pair.client.send(&long);
    pair.server.send(b"pong");
    pair.run(chunks).unwrap();
    assert_eq!(pair.server.received, [b"ping", &long[..]].concat());
    assert_eq!(pair.client.received, b"pong");
    pair.close(chunks);
}

#[test]
fn every_suite_and_key_length_in_every_chunking() {
    for suite in SUITES {
        for bits in [2048, 2056, 3072, 4096] {
            for chunks in ALL_CHUNKS {
                let mut pair = pair(
                    client_builder().suites(&[suite]),
                    server_builder_with(certified(bits)),
                );
                pair.run(chunks).unwrap();
                for end in [&pair.client, &pair.server] {
                    assert_eq!(
                        end.events,
                        ["HandshakeComplete"],
                        "{suite} {bits} {chunks:?}"
                    );
                    let session = end.connection.session().unwrap();
                    assert_eq!(session.cipher_suite(), suite);
                    assert_eq!(session.server_name().unwrap().to_str(), NAME);
                    assert!(session.secure_renegotiation());
                }
                exchange_and_close(&mut pair, chunks);
            }
        }
    }
}

/// Client authentication itself is tested in `client_auth`; here, that much data follows it.
#[test]
fn long_data_after_client_authentication_in_every_chunking() {
    for (mode, with_certificate) in [
        (ClientAuth::Request(roots().into()), false),
        (ClientAuth::Request(roots().into()), true),
        (ClientAuth::Require(roots().into()), true),
    ] {
        for chunks in ALL_CHUNKS {
            let client = if with_certificate {
                client_builder().certificate(client_certified())
            } else {
                client_builder()
            };
            let mut pair = pair(client, server_builder().client_auth(mode.clone()));
            pair.run(chunks).unwrap();
            let session = pair.server.connection.session().unwrap();
            assert_eq!(
                session.peer_certificates().len(),
                usize::from(with_certificate)
            );
            exchange_and_close(&mut pair, chunks);
        }
    }
}

/// The same handshake messages in records of at most `size` bytes, whole messages and parts of
/// them together where they fit. Records behind a change of keys stay as they are.
fn reframed(stream: &[u8], size: usize) -> Vec<u8> {
    let records = records(stream);
    let plain = records.iter().take_while(|record| record[0] == HANDSHAKE).count();
    let messages: Vec<u8> =
        records[..plain].iter().flat_map(|record| record[5..].to_vec()).collect();
    let mut out: Vec<u8> =
        messages.chunks(size).flat_map(|content| record(HANDSHAKE, content)).collect();
    out.extend(records[plain..].concat());
    out
}

#[test]
fn messages_split_over_and_coalesced_into_records() {
    for size in [1, 2, 3, 4, 5, 100, 1 << 14] {
        let mut pair = pair(
            client_builder().certificate(client_certified()),
            server_builder().client_auth(ClientAuth::Require(roots().into())),
        );
        for _ in 0..2 {
            let to_server = std::mem::take(&mut pair.client.outgoing);
            pair.server.take(&reframed(&to_server, size)).unwrap();
            let to_client = std::mem::take(&mut pair.server.outgoing);
            pair.client.take(&reframed(&to_client, size)).unwrap();
        }
        exchange_and_close(&mut pair, Chunks::Whole);
    }
}

#[test]
fn a_message_longer_than_a_record_is_sent_in_several() {
    let key = pki::key("rsa-2048");
    let mut long = pki::server(&key);
    // The names of one certificate alone are more than a record holds.
    let names: Vec<String> = (0..1500).map(|i| format!("host-{i}.plant.example")).collect();
    long.dns = names.iter().map(|name| &*name.clone().leak()).collect();
    long.dns.push(NAME);
    let chain = vec![long.build()];
    assert!(chain[0].len() > 1 << 15);
    let certified = Arc::new(CertifiedKey::from_der(chain, &pki::private_key(&key)).unwrap());
    for chunks in [Chunks::Whole, Chunks::Random(3)] {
        let mut pair = pair(client_builder(), server_builder_with(certified.clone()));
        pair.run(chunks).unwrap();
        exchange_and_close(&mut pair, chunks);
    }
}
