//! The handshake between this crate's two sides, in memory.

mod common;

use common::pair::{ALL_CHUNKS, Chunks};
use common::{
    NAME, certified, client_builder, client_certified, pair, roots, server_builder,
    server_builder_with,
};
use premaster::{CipherSuite, ClientAuth};

const SUITES: [CipherSuite; 2] = [
    CipherSuite::TLS_RSA_WITH_AES_128_GCM_SHA256,
    CipherSuite::TLS_RSA_WITH_AES_256_GCM_SHA384,
];

/// Data both ways over an established pair, then a close by the client.
fn exchange_and_close(pair: &mut common::Pair, chunks: Chunks) {
    let long: Vec<u8> = (0..40_000u32).map(|i| i as u8).collect();
    pair.client.send(b"ping");
    pair.client.send(&long);
    pair.server.send(b"pong");
    pair.run(chunks).unwrap();
    assert_eq!(pair.server.received, [b"ping", &long[..]].concat());
    assert_eq!(pair.client.received, b"pong");

    pair.client.close();
    pair.run(chunks).unwrap();
    for end in [&mut pair.client, &mut pair.server] {
        assert_eq!(end.events.last().unwrap(), "PeerClosed");
        assert_eq!(end.connection.receive_eof(), Ok(()));
    }
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

#[test]
fn client_authentication_in_every_mode_and_chunking() {
    for (mode, with_certificate, seen) in [
        (ClientAuth::None, true, 0),
        (ClientAuth::Request(roots()), false, 0),
        (ClientAuth::Request(roots()), true, 1),
        (ClientAuth::Require(roots()), true, 1),
    ] {
        for chunks in ALL_CHUNKS {
            let client = match with_certificate {
                true => client_builder().certificate(client_certified()),
                false => client_builder(),
            };
            let mut pair = pair(client, server_builder().client_auth(mode.clone()));
            pair.run(chunks).unwrap();
            let session = pair.server.connection.session().unwrap();
            assert_eq!(session.peer_certificates().len(), seen);
            exchange_and_close(&mut pair, chunks);
        }
    }
}
