//! Records of CBC suites with the MAC under the encryption: where a flaw is, and how long the padding.
//!
//! A record is received by a server in the middle of a connection, whose session is resumed each time, as
//! a flawed record ends the connection. All records of a case are of one length.

use crate::dudect::{Case, Class};
use premaster::protocol::EncryptThenMac;
use premaster::session::{TicketKey, TicketKeySet};
use premaster::{CipherSuite, ClientConfig, Connection, ServerConfig, Tickets};
use premaster_testing::forger::{Forger, LastKey, Sender};
use premaster_testing::pair::Pair;
use premaster_testing::wire::{APPLICATION_DATA, records, said};
use premaster_testing::{client_builder, name, server_builder};
use std::sync::Arc;

/// The length of what is encrypted.
const TEXT: usize = 512;

const SUITES: [CipherSuite; 2] = [
    CipherSuite::TLS_RSA_WITH_AES_128_CBC_SHA,
    CipherSuite::TLS_RSA_WITH_AES_256_CBC_SHA256,
];

pub fn cases() -> Vec<Case> {
    let mut cases = vec![longer()];
    for suite in SUITES {
        cases.extend(FLAWS.map(|flaws| refusals(suite, flaws)));
    }
    cases
}

/// The flaws of the two classes.
#[derive(Clone, Copy)]
struct Flaws {
    name: &'static str,
    /// The text of each class ends with this padding before it is spoilt.
    padding: [u8; 2],
    /// Spoils the text, in which the MAC has this length.
    spoil: fn(&mut [u8], Class, mac: usize),
}

const FLAWS: [Flaws; 4] = [
    // What Lucky Thirteen told apart: little to hash before a long padding, much before a wrong one.
    Flaws {
        name: "wrong MAC before a long padding or a short one",
        padding: [255, 0],
        spoil: |text, _, _| text[0] ^= 1,
    },
    Flaws {
        name: "wrong padding or wrong MAC",
        padding: [255, 255],
        spoil: |text, class, _| text[if class == Class::A { TEXT - 2 } else { 0 }] ^= 1,
    },
    Flaws {
        name: "first byte of the padding or the last",
        padding: [255, 255],
        spoil: |text, class, _| {
            text[if class == Class::A {
                TEXT - 256
            } else {
                TEXT - 2
            }] ^= 1;
        },
    },
    Flaws {
        name: "first byte of the MAC or the last",
        padding: [0, 0],
        spoil: |text, class, mac| {
            text[if class == Class::A {
                TEXT - 1 - mac
            } else {
                TEXT - 2
            }] ^= 1;
        },
    },
];

fn refusals(suite: CipherSuite, flaws: Flaws) -> Case {
    let victims = Victims::new(suite);
    let name = format!(
        "{}: {}",
        suite.to_string().trim_start_matches("TLS_RSA_WITH_"),
        flaws.name
    );
    let prepare = move |class: Class, _: &mut _| {
        let (server, forger) = victims.next();
        let padding = flaws.padding[usize::from(class == Class::B)];
        let mac = forger.unpadded(Sender::Client, 1, APPLICATION_DATA, &[]).len();
        let content = vec![0x5a; TEXT - mac - usize::from(padding) - 1];
        let mut text = forger.unpadded(Sender::Client, 1, APPLICATION_DATA, &content);
        text.resize(TEXT, padding);
        (flaws.spoil)(&mut text, class, mac);
        victim(
            server,
            forger.encrypted(Sender::Client, 1, APPLICATION_DATA, &text),
        )
    };
    Case::new(name, 2, prepare, Victim::refuses)
}

/// A record that is longer by what SHA-1 hashes at once.
fn longer() -> Case {
    let victims = Victims::new(SUITES[0]);
    let prepare = move |class, _: &mut _| {
        let (server, forger) = victims.next();
        let text = vec![0x5a; TEXT + if class == Class::A { 0 } else { 64 }];
        victim(
            server,
            forger.encrypted(Sender::Client, 1, APPLICATION_DATA, &text),
        )
    };
    let name = "control: records that differ by one block of the hash";
    Case::new(name, 2, prepare, Victim::refuses).leaking(30_000)
}

/// A server, and the record that ends its connection.
struct Victim {
    server: Connection,
    record: Vec<u8>,
    answer: Vec<u8>,
}

fn victim(server: Connection, record: Vec<u8>) -> Victim {
    Victim {
        server,
        record,
        answer: Vec::with_capacity(256),
    }
}

impl Victim {
    fn refuses(&mut self) {
        assert!(self.server.receive(&mut self.record, &mut self.answer).is_err());
    }
}

/// Servers in the middle of a connection.
struct Victims {
    client: Arc<ClientConfig>,
    server: Arc<ServerConfig>,
    key_log: Arc<LastKey>,
}

impl Victims {
    fn new(suite: CipherSuite) -> Self {
        let key_log = Arc::new(LastKey::default());
        let order = EncryptThenMac::Off;
        let client = client_builder().suites(&[suite]).encrypt_then_mac(order);
        // A flawed record ends the session of an ID, and not that of a ticket.
        let tickets = Tickets::shared(TicketKeySet::new(TicketKey::from_bytes(&[7; 48])));
        let server = server_builder()
            .suites(&[suite])
            .encrypt_then_mac(order)
            .tickets(Some(Arc::new(tickets)));
        let victims = Self {
            client: Arc::new(client.key_log(key_log.clone()).build().unwrap()),
            server: Arc::new(server.build().unwrap()),
            key_log,
        };
        Pair::new(victims.client.clone(), victims.server.clone(), name()).established();
        victims
    }

    fn next(&self) -> (Connection, Forger) {
        let mut pair = Pair::new(self.client.clone(), self.server.clone(), name());
        let hello = said(&mut pair.client).concat();
        pair.server.take(&hello).unwrap();
        let flight = std::mem::take(&mut pair.server.outgoing);
        pair.client.take(&flight).unwrap();
        let finished = std::mem::take(&mut pair.client.outgoing);
        pair.server.take(&finished).unwrap();
        assert!(pair.server.connection.session().unwrap().resumption().is_resumed());
        let forger = Forger::new(&self.key_log, &records(&flight)[0]);
        (pair.server.connection, forger)
    }
}
