//! What a peer may send without saying anything: each budget at its limit, one over it, and spread
//! over the life of a connection.

use premaster::error::PeerError;
use premaster_testing::forger::{Forger, Sender, established};
use premaster_testing::pair::{End, Pair};
use premaster_testing::wire::{
    ALERT, APPLICATION_DATA, CLIENT_HELLO, HANDSHAKE, HELLO_REQUEST, hello, message,
};

const EMPTY: (u8, &[u8]) = (APPLICATION_DATA, &[]);
const DATA: (u8, &[u8]) = (APPLICATION_DATA, b"data");
/// user_canceled, on which nothing is done.
const WARNING: (u8, &[u8]) = (ALERT, &[1, 90]);

/// One end of an established connection, and the peer's records for it.
struct Flooded {
    end: End,
    forger: Forger,
    sender: Sender,
    /// The number of the peer's next record.
    sequence: u64,
}

impl Flooded {
    fn by(sender: Sender) -> Self {
        let (Pair { client, server }, forger) = established();
        Self {
            end: match sender {
                Sender::Client => server,
                Sender::Server => client,
            },
            forger,
            sender,
            sequence: 1,
        }
    }

    fn receive(&mut self, (typ, content): (u8, &[u8])) -> Result<(), premaster::Error> {
        let record = self.forger.seal(self.sender, self.sequence, typ, content);
        self.sequence += 1;
        self.end.take(&record)
    }

    #[track_caller]
    fn accepts(&mut self, records: &[(u8, &[u8])], times: usize) {
        for _ in 0..times {
            for record in records {
                self.receive(*record).unwrap();
            }
        }
    }

    #[track_caller]
    fn refuses(mut self, record: (u8, &[u8]), error: PeerError) {
        assert_eq!(self.receive(record), Err(error.into()));
    }
}

/// The two requests for another handshake, each by who makes it.
fn requests() -> [(Sender, Vec<u8>); 2] {
    let hello = message(CLIENT_HELLO, &hello().client_body());
    [
        (Sender::Server, message(HELLO_REQUEST, &[])),
        (Sender::Client, hello),
    ]
}

#[test]
fn a_budget_ends_one_over_its_limit() {
    for (sender, request) in requests() {
        for (record, most, error) in [
            (WARNING, 4, PeerError::TooManyWarnings),
            (EMPTY, 32, PeerError::TooManyEmptyRecords),
            (
                (HANDSHAKE, &request[..]),
                4,
                PeerError::TooManyRenegotiations,
            ),
        ] {
            let mut flooded = Flooded::by(sender);
            flooded.accepts(&[record], most);
            // Data renews it in full.
            flooded.accepts(&[DATA], 1);
            flooded.accepts(&[record], most);
            flooded.refuses(record, error);
        }
    }
}

#[test]
fn what_is_spread_between_data_is_no_flood() {
    for (sender, request) in requests() {
        let mut flooded = Flooded::by(sender);
        flooded.accepts(&[WARNING, EMPTY, (HANDSHAKE, &request), DATA], 100);
        assert_eq!(flooded.end.received, b"data".repeat(100));
    }
}

/// A server asks for another handshake before each byte of its data.
#[test]
fn a_hello_request_before_each_byte_ends_nothing() {
    let request = message(HELLO_REQUEST, &[]);
    let data = b"01234567890123456789";
    let mut flooded = Flooded::by(Sender::Server);
    for byte in data {
        flooded.accepts(&[(HANDSHAKE, &request), (APPLICATION_DATA, &[*byte])], 1);
    }
    assert_eq!(flooded.end.received, data);
    flooded.receive((ALERT, &[1, 0])).unwrap();
    assert_eq!(flooded.end.events.last().unwrap(), "PeerClosed");
}

/// One kind of record does not renew the budget of another.
#[test]
fn only_data_renews_a_budget() {
    for (sender, request) in requests() {
        let request = (HANDSHAKE, &request[..]);
        let mut flooded = Flooded::by(sender);
        flooded.accepts(&[WARNING, request, EMPTY], 4);
        flooded.accepts(&[EMPTY], 28);
        flooded.refuses(EMPTY, PeerError::TooManyEmptyRecords);

        let mut flooded = Flooded::by(sender);
        flooded.accepts(&[WARNING, EMPTY, request], 4);
        flooded.refuses(WARNING, PeerError::TooManyWarnings);

        let mut flooded = Flooded::by(sender);
        flooded.accepts(&[WARNING, EMPTY, request], 4);
        flooded.refuses(request, PeerError::TooManyRenegotiations);
    }
}
