//! A client on a complete connection, and a server that asks for another handshake or says anything
//! else, all under the keys of the connection.

use premaster::protocol::Renegotiation as Permission;
use premaster::{CipherSuite, Error};
use premaster_testing::by_hand::{Renegotiation, ServerByHand, flight, request, server_hello};
use premaster_testing::wire::{HANDSHAKE, HELLO_REQUEST, message, record};
use premaster_testing::{NAME, certified, client_builder};

const SUITE: CipherSuite = CipherSuite::TLS_RSA_WITH_AES_128_GCM_SHA256;

/// The most steps of an input.
const STEPS: usize = 40;

/// Does what the bytes say, one step after the other, until the client refuses one.
///
/// | byte | the server |
/// |---|---|
/// | 0 | asks for a handshake |
/// | 1 | sends the right ServerHello, Certificate and ServerHelloDone |
/// | 2 | does so with a CertificateRequest |
/// | 3 | sends a ServerHello that continues another connection |
/// | 4 | takes the client's flight, and completes the handshake |
/// | any other | sends a record of type 20 to 23 with as many of the next bytes as the next one says |
///
/// The client renegotiates no more often than the server completed a handshake, and repeats its error.
pub fn renegotiate(input: &[u8]) {
    let mut server = connected();
    let mut completed = 0;
    let mut rest = input;
    for _ in 0..STEPS {
        let Some((step, after)) = rest.split_first() else {
            break;
        };
        rest = after;
        let said = match step {
            0 => server.send(HANDSHAKE, &message(HELLO_REQUEST, &[])),
            1 => say(&mut server, &[]),
            2 => say(&mut server, &[request()]),
            3 => {
                let other = server_hello(SUITE, &[0; 24]).server();
                server.say_after_hello(&[other])
            }
            4 => server.try_complete().map(|done| completed += u8::from(done)),
            typ => {
                let (length, after) = rest.split_first().unwrap_or((&0, &[]));
                let length = usize::from(*length).min(after.len());
                let (content, after) = after.split_at(length);
                rest = after;
                match 20 + typ % 4 {
                    HANDSHAKE => server.say_after_hello(&[record(HANDSHAKE, content)]),
                    typ => server.send(typ, content),
                }
            }
        };
        if let Err(error) = said {
            check_failed(server, &error);
            return;
        }
        if let Some(session) = server.client.connection.session() {
            assert_eq!(session.renegotiations(), completed);
        }
    }
}

fn check_failed(mut server: Renegotiation, error: &Error) {
    let client = &mut server.client;
    let again = client.connection.receive(&mut [], &mut client.outgoing).map(|_| ());
    assert_eq!(again.as_ref(), Err(error));
    assert!(!client.connection.is_established());
}

fn connected() -> Renegotiation {
    let client = client_builder()
        .suites(&[SUITE])
        .certificate(certified(2048))
        .accept_renegotiation(Permission::SameCertificate);
    let mut server = ServerByHand::meet(client, NAME);
    server.say(&flight(&server_hello(SUITE, &[]), &[])).unwrap();
    server.complete_to_renegotiate()
}

fn say(server: &mut Renegotiation, between: &[Vec<u8>]) -> Result<(), Error> {
    let hello = server_hello(SUITE, &server.verify_data.concat());
    server.say_after_hello(&flight(&hello, between))
}
