//! The suites that are used only if they are named: CBC with both orders of MAC, and CCM.

use premaster::error::{Incompatible, PeerError};
use premaster::protocol::{EncryptThenMac, ExtensionType};
use premaster::session::{NotResumed, Resumption};
use premaster::{CipherSuite, ClientConfigBuilder, ConfigError, Error, ServerConfigBuilder};
use premaster_testing::by_hand::ServerByHand;
use premaster_testing::forger::{Forger, Sender, Stopped};
use premaster_testing::pair::{Chunks, Pair};
use premaster_testing::scene::{NOTHING_OFFERED, Scene, declined, meet, outcome};
use premaster_testing::wire::{
    APPLICATION_DATA, ENCRYPT_THEN_MAC, Hello, RENEGOTIATION_INFO, extensions, hello_with, record,
    said,
};
use premaster_testing::{
    AES_128, CBC_SUITES, CCM_SUITES, NAME, all_suites, client_builder, pair, server_builder,
};

const AES_128_SHA: CipherSuite = CipherSuite::TLS_RSA_WITH_AES_128_CBC_SHA;

const POLICIES: [EncryptThenMac; 2] = [EncryptThenMac::Off, EncryptThenMac::Optional];

fn named() -> impl Iterator<Item = CipherSuite> {
    CCM_SUITES.into_iter().chain(CBC_SUITES)
}

/// Both sides with this one suite.
fn builders(
    suite: CipherSuite,
    policy: EncryptThenMac,
) -> (ClientConfigBuilder, ServerConfigBuilder) {
    (
        client_builder().suites(&[suite]).encrypt_then_mac(policy),
        server_builder().suites(&[suite]).encrypt_then_mac(policy),
    )
}

fn encrypts_first(pair: &Pair) -> [bool; 2] {
    [&pair.client, &pair.server].map(|end| end.connection.session().unwrap().encrypt_then_mac())
}

#[test]
fn each_is_used_with_both_orders() {
    for suite in named() {
        for policy in POLICIES {
            for chunks in [Chunks::Whole, Chunks::Random(1)] {
                let (client, server) = builders(suite, policy);
                let mut pair = pair(client, server);
                pair.run(chunks).unwrap();
                for end in [&pair.client, &pair.server] {
                    assert_eq!(end.connection.session().unwrap().cipher_suite(), suite);
                }
                let expected = CBC_SUITES.contains(&suite) && policy != EncryptThenMac::Off;
                assert_eq!(encrypts_first(&pair), [expected; 2], "{suite}");
                pair.exchange(&[1; 20_000], b"short", chunks);
                pair.close(chunks);
            }
        }
    }
}

#[test]
fn sessions_of_each_are_resumed_by_id_and_by_ticket() {
    for suite in named() {
        for scene in Scene::both() {
            let client = || scene.client().suites(&[suite]);
            let server = || scene.server().suites(&[suite]);
            assert_eq!(meet(client(), server()), NOTHING_OFFERED);
            assert_eq!(meet(client(), server()), scene.resumed, "{suite}");
        }
    }
}

/// The hellos of the new handshake decide, as they do over the keys.
#[test]
fn a_resumed_session_agrees_on_encrypt_then_mac_anew() {
    let scene = Scene::by_id();
    for (policy, expected) in [
        (EncryptThenMac::Off, false),
        (EncryptThenMac::Optional, true),
        (EncryptThenMac::Off, false),
        (EncryptThenMac::Required, true),
    ] {
        let client = scene.client().suites(&[AES_128_SHA]).encrypt_then_mac(policy);
        let server = scene.server().suites(&[AES_128_SHA]);
        let mut pair = pair(client, server).established();
        assert_eq!(encrypts_first(&pair), [expected; 2]);
        pair.exchange(b"to the server", b"to the client", Chunks::Whole);
    }
    let client = scene.client().suites(&[AES_128_SHA]);
    let resumed = pair(client, scene.server().suites(&[AES_128_SHA])).established();
    let session = resumed.client.connection.session().unwrap();
    assert_eq!(session.resumption(), Resumption::SessionId);
}

/// What a hello of this client's says of encrypt-then-MAC.
fn offers(client: ClientConfigBuilder) -> bool {
    let hello = said(&mut pair(client, server_builder()).client).concat();
    assert!(hello.len() < 256, "{}", hello.len());
    extensions(&hello).unwrap().iter().any(|(typ, _)| *typ == ENCRYPT_THEN_MAC)
}

#[test]
fn it_is_offered_where_a_cbc_suite_is() {
    assert!(!offers(client_builder()));
    assert!(!offers(client_builder().suites(&CCM_SUITES)));
    assert!(offers(client_builder().suites(&[AES_128, AES_128_SHA])));
    assert!(offers(client_builder().legacy_cbc()));
    let off = client_builder().legacy_cbc().encrypt_then_mac(EncryptThenMac::Off);
    assert!(!offers(off));
}

/// "it MUST NOT send an encrypt-then-MAC response extension back to the client".
#[test]
fn it_is_not_acknowledged_for_another_suite() {
    let mut pair = pair(client_builder().legacy_cbc(), server_builder().legacy_cbc()).established();
    assert_eq!(encrypts_first(&pair), [false; 2]);
    pair.exchange(b"to the server", b"to the client", Chunks::Whole);

    let mut server = ServerByHand::meet(client_builder().legacy_cbc(), NAME);
    let hello = Hello {
        suites: vec![AES_128.0],
        ..hello_with(&[(RENEGOTIATION_INFO, &[0]), (ENCRYPT_THEN_MAC, &[])])
    };
    let illegal = PeerError::IllegalExtension(ExtensionType::ENCRYPT_THEN_MAC);
    assert_eq!(server.say(&[hello.server()]), Err(illegal.into()));

    let mut server = ServerByHand::meet(client_builder(), NAME);
    let unsolicited = PeerError::UnsolicitedExtension(ExtensionType::ENCRYPT_THEN_MAC);
    assert_eq!(server.say(&[hello.server()]), Err(unsolicited.into()));
}

#[test]
fn a_peer_without_it_is_refused_where_it_is_required() {
    let missing = |suite| Err(Error::from(Incompatible::NoEncryptThenMac { suite }));
    for suite in CBC_SUITES {
        let (client, _) = builders(suite, EncryptThenMac::Required);
        let (_, server) = builders(suite, EncryptThenMac::Off);
        assert_eq!(pair(client, server).run(Chunks::Whole), missing(suite));
        let (client, _) = builders(suite, EncryptThenMac::Off);
        let (_, server) = builders(suite, EncryptThenMac::Required);
        assert_eq!(pair(client, server).run(Chunks::Whole), missing(suite));
    }
    let error = Incompatible::NoEncryptThenMac { suite: AES_128_SHA };
    assert_eq!(error.setting(), Some("encrypt_then_mac"));
    assert!(error.to_string().contains("TLS_RSA_WITH_AES_128_CBC_SHA"));
}

/// A server that requires it passes over the CBC suites of a client that does not offer it.
#[test]
fn a_server_that_requires_it_chooses_another_suite_if_there_is_one() {
    let both = [AES_128_SHA, AES_128];
    let server = || server_builder().suites(&both).encrypt_then_mac(EncryptThenMac::Required);
    for (policy, chosen) in [
        (EncryptThenMac::Off, AES_128),
        (EncryptThenMac::Optional, AES_128_SHA),
    ] {
        let client = client_builder().suites(&both).encrypt_then_mac(policy);
        let pair = pair(client, server()).established();
        assert_eq!(
            pair.client.connection.session().unwrap().cipher_suite(),
            chosen
        );
    }
}

/// A session that would be resumed without it is not, and another suite is chosen.
#[test]
fn a_server_that_requires_it_resumes_no_session_without_it() {
    let scene = Scene::by_id();
    let both = [AES_128_SHA, AES_128];
    let client = || scene.client().suites(&both).encrypt_then_mac(EncryptThenMac::Off);
    let server = || scene.server().suites(&both);
    assert_eq!(meet(client(), server()), NOTHING_OFFERED);
    let strict = server().encrypt_then_mac(EncryptThenMac::Required);
    let pair = pair(client(), strict).established();
    assert_eq!(outcome(&pair), declined(NotResumed::Suite));
    assert_eq!(
        pair.client.connection.session().unwrap().cipher_suite(),
        AES_128
    );
}

#[test]
fn a_peer_that_has_nothing_else_is_named_with_its_suites_and_the_setting() {
    let error = pair(client_builder().suites(&CBC_SUITES), server_builder())
        .run(Chunks::Whole)
        .unwrap_err();
    let text = error.to_string();
    for part in [
        "the client offers TLS_RSA_WITH_AES_128_CBC_SHA, TLS_RSA_WITH_AES_256_CBC_SHA,",
        "ServerConfigBuilder::suites",
    ] {
        assert!(text.contains(part), "{text}");
    }
    let offered = Hello {
        suites: vec![0x000a, 0xc02f, 0x1301, 0x00ff],
        ..hello_with(&[])
    };
    let mut pair = pair(client_builder(), server_builder());
    let text = pair.server.take(&offered.client()).unwrap_err().to_string();
    for name in [
        "TLS_RSA_WITH_3DES_EDE_CBC_SHA",
        "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
        "TLS_AES_128_GCM_SHA256",
    ] {
        assert!(text.contains(name), "{text}");
    }
    let unsupported = client_builder().suites(&[CipherSuite(0x000a)]).build().unwrap_err();
    assert_eq!(
        unsupported,
        ConfigError::UnsupportedSuite(CipherSuite(0x000a))
    );
    assert!(unsupported.to_string().contains("TLS_RSA_WITH_3DES_EDE_CBC_SHA"));
}

/// An established pair of a CBC suite, and its forger.
fn established(suite: CipherSuite, policy: EncryptThenMac) -> (Pair, Forger) {
    let (client, server) = builders(suite, policy);
    Stopped::with_suite(suite, client, server).establish()
}

/// Each text with its shortest padding: the MAC is behind the content, or behind what is encrypted.
fn padded(forger: &Forger, content: &[u8], padding: usize) -> Vec<u8> {
    let mut text = forger.unpadded(Sender::Client, 1, APPLICATION_DATA, content);
    let shortest = 15 - text.len() % 16;
    let length = shortest + 16 * padding;
    text.extend(vec![length as u8; length + 1]);
    text
}

/// Records with every kind of flaw; the first text is right.
fn flawed_records(forger: &Forger, policy: EncryptThenMac) -> Vec<Vec<u8>> {
    let seal = |text: &[u8]| forger.encrypted(Sender::Client, 1, APPLICATION_DATA, text);
    let right = padded(forger, b"some content", 3);
    let at_end = right.len() - 1;
    let changed = |at: usize, bit: u8| {
        let mut text = right.clone();
        text[at] ^= bit;
        seal(&text)
    };
    let mut flawed = vec![
        // The padding: its length, its first and its last byte.
        changed(at_end, 1),
        changed(at_end, 0x80),
        changed(at_end - 1, 1),
        changed(at_end - usize::from(right[at_end]), 1),
        // A padding that is longer than the record.
        seal(&[255; 64]),
        seal(&[64; 64]),
    ];
    if policy == EncryptThenMac::Off {
        // A padding that leaves no room for a MAC, and a right one without a MAC.
        flawed.extend([63, 62, 44, 32, 0].map(|padding| seal(&[padding; 64])));
    }
    let good = seal(&right);
    // What is encrypted and authenticated: IV, first block, last block, and the MAC at the end.
    for at in [
        5,
        20,
        21,
        36,
        good.len() - 17,
        good.len() - 16,
        good.len() - 1,
    ] {
        let mut record = good.clone();
        record[at] ^= 0x10;
        flawed.push(record);
    }
    // Lengths: no whole blocks, too short, and a block less.
    for length in [
        0,
        1,
        15,
        16,
        17,
        32,
        48,
        good.len() - 5 - 16,
        good.len() - 5 - 1,
    ] {
        flawed.push(record(APPLICATION_DATA, &good[5..5 + length]));
    }
    // Another type and another sequence number.
    flawed.push([&[22], &good[1..]].concat());
    flawed.push(forger.seal(Sender::Client, 2, APPLICATION_DATA, b"some content"));
    flawed
}

#[test]
fn every_flaw_of_a_record_is_the_same_error_and_the_same_bytes() {
    for suite in CBC_SUITES {
        for policy in POLICIES {
            let (mut pair, forger) = established(suite, policy);
            let right = padded(&forger, b"some content", 3);
            let record = forger.encrypted(Sender::Client, 1, APPLICATION_DATA, &right);
            pair.server.take(&record).unwrap();
            assert_eq!(pair.server.received, b"some content");

            let mut answers = Vec::new();
            for (number, record) in flawed_records(&forger, policy).into_iter().enumerate() {
                let (mut pair, _) = established(suite, policy);
                let result = pair.server.take(&record);
                assert_eq!(result, Err(PeerError::BadRecord.into()), "{suite} {number}");
                assert!(pair.server.received.is_empty());
                answers.push(pair.server.outgoing);
            }
            answers.dedup();
            assert_eq!(answers.len(), 1);
        }
    }
}

/// "The length MUST NOT exceed 2^14 + 2048": a CBC record is longer than any with an AEAD by its
/// padding.
#[test]
fn the_longest_record_with_the_longest_padding_is_accepted_and_no_longer_one() {
    for suite in CBC_SUITES {
        for policy in POLICIES {
            let (mut pair, forger) = established(suite, policy);
            let content = vec![7; 1 << 14];
            let text = padded(&forger, &content, 15);
            let record = forger.encrypted(Sender::Client, 1, APPLICATION_DATA, &text);
            pair.server.take(&record).unwrap();
            assert_eq!(pair.server.received, content);

            let text = padded(&forger, &[7; (1 << 14) + 16], 15);
            let record = forger.encrypted(Sender::Client, 2, APPLICATION_DATA, &text);
            assert_eq!(
                pair.server.take(&record),
                Err(PeerError::RecordTooLong.into())
            );
        }
    }
}

#[test]
fn a_plaintext_that_padding_hides_until_it_is_decrypted_may_be_too_long() {
    let (mut pair, forger) = established(AES_128_SHA, EncryptThenMac::Off);
    let record = forger.seal(Sender::Client, 1, APPLICATION_DATA, &[7; (1 << 14) + 1]);
    assert_eq!(
        pair.server.take(&record),
        Err(PeerError::RecordTooLong.into())
    );
}

#[test]
fn every_suite_prints_by_its_registered_name() {
    for suite in all_suites() {
        assert_eq!(CipherSuite::from_name(&suite.to_string()), Some(suite));
    }
}
