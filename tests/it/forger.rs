//! The tests' own forger: under every suite its records are those that both sides expect.

use premaster_testing::by_hand::ServerByHand;
use premaster_testing::forger::{Sender, Stopped};
use premaster_testing::wire::{
    APPLICATION_DATA, CERTIFICATE, Hello, RENEGOTIATION_INFO, SERVER_HELLO_DONE, certificate_body,
    handshake, hello_with,
};
use premaster_testing::{NAME, all_suites, certified, client_builder, server_builder};

#[test]
fn it_speaks_for_either_side() {
    for suite in all_suites() {
        let stopped = Stopped::with_suite(suite, client_builder(), server_builder());
        let (mut pair, forger) = stopped.establish();
        for (sender, end) in [
            (Sender::Client, &mut pair.server),
            (Sender::Server, &mut pair.client),
        ] {
            let record = forger.seal(sender, 1, APPLICATION_DATA, b"forged");
            end.take(&record).unwrap();
            assert_eq!(end.received, b"forged", "{suite}");
        }
    }
}

#[test]
fn a_server_by_hand_completes_a_handshake() {
    for suite in all_suites() {
        let client = client_builder().suites(&[suite]);
        let mut server = ServerByHand::meet(client, NAME);
        let hello = Hello {
            suites: vec![suite.0],
            ..hello_with(&[(RENEGOTIATION_INFO, &[0])])
        };
        let chain = certificate_body(&[&certified(2048).chain()[0]]);
        let flight = [
            hello.server(),
            handshake(CERTIFICATE, &chain),
            handshake(SERVER_HELLO_DONE, &[]),
        ];
        server.say(&flight).unwrap();
        let (client, _) = server.complete();
        let session = client.connection.session().unwrap();
        assert_eq!(session.cipher_suite(), suite);
    }
}
