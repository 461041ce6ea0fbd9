//! The rules that a connection keeps with any input.
//!
//! It consumes no more than it received, and always makes progress. It ends with one error, which
//! it repeats without sending more. It completes the handshake only if the peer's messages are the
//! recorded ones, resumes a session if the recorded connection did, and then returns the recorded
//! data and nothing else. When it fails, its session is removed from the store.

use crate::endpoint::{Attempt, Role, answer, start};
use crate::recording::{CHANGE_CIPHER_SPEC, DATA, HANDSHAKE, Record, Recording};
use crate::setting::Setting;
use crate::store::Store;
use premaster::error::Misuse;
use premaster::protocol::AlertDescription;
use premaster::session::Resumption;
use premaster::{Connection, Error, Event};
use premaster_testing::by_hand::without_hello_requests;
use std::sync::Arc;

/// More than a connection ever sends without application data of its own.
const MAX_OUTGOING: usize = 8 * 1024;

/// A connection, and what has passed.
struct Driven<'r> {
    role: Role,
    connection: Connection,
    /// Where it keeps its sessions.
    store: Arc<Store>,
    /// What happens with a real peer.
    recording: &'r Recording,
    /// Everything that was given, as it was before it was decrypted.
    given: Vec<u8>,
    /// How much of it is done with.
    consumed: usize,
    /// What is not done with.
    incoming: Vec<u8>,
    outgoing: Vec<u8>,
    /// Application data.
    data: Vec<u8>,
    closed: bool,
}

/// Gives `bytes` to a connection, in pieces of these lengths, and checks what it does. If it ends
/// as the recorded one did, returns how its keys were established.
pub(crate) fn drive(
    role: Role,
    setting: Setting,
    recording: &Recording,
    bytes: &[u8],
    pieces: [u8; 4],
) -> Option<Resumption> {
    let store = recording.store(role);
    let mut outgoing = Vec::new();
    let connection = start(role, setting, Attempt::Recorded, &store, &mut outgoing);
    let mut driven = Driven {
        role,
        connection,
        store,
        recording,
        given: Vec::new(),
        consumed: 0,
        incoming: Vec::new(),
        outgoing,
        data: Vec::new(),
        closed: false,
    };
    let mut rest = bytes;
    for length in pieces.into_iter().cycle() {
        if rest.is_empty() {
            break;
        }
        let length = match usize::from(length) {
            0 => rest.len(),
            length => length.min(rest.len()),
        };
        let (piece, after) = rest.split_at(length);
        rest = after;
        if let Err(error) = driven.take(piece) {
            driven.check_forgotten(&error);
            driven.check_failed(&error);
            return None;
        }
    }
    driven.check_end()
}

impl Driven<'_> {
    /// Takes in a piece until more is needed.
    fn take(&mut self, piece: &[u8]) -> Result<(), Error> {
        self.given.extend_from_slice(piece);
        self.incoming.extend_from_slice(piece);
        loop {
            let available = self.incoming.len();
            let received = self.connection.receive(&mut self.incoming, &mut self.outgoing)?;
            let consumed = received.consumed;
            assert!(consumed <= available);
            assert!(self.outgoing.len() <= MAX_OUTGOING);
            match received.event {
                Event::NeedData => {
                    self.consume(consumed);
                    return Ok(());
                }
                Event::PeerClosed => {
                    self.consume(consumed);
                    self.closed = true;
                    return Ok(());
                }
                Event::HandshakeComplete => {
                    assert_ne!(consumed, 0);
                    self.consume(consumed);
                    self.check_complete();
                }
                Event::ApplicationData(data) => {
                    assert!(!data.is_empty());
                    self.data.extend_from_slice(data);
                    assert!(DATA.starts_with(&self.data));
                    self.consume(consumed);
                }
                Event::Paused => {
                    self.consume(consumed);
                    answer(&mut self.connection, &mut self.outgoing)?;
                }
                other => panic!("{other:?}"),
            }
        }
    }

    fn consume(&mut self, consumed: usize) {
        self.incoming.drain(..consumed);
        self.consumed += consumed;
    }

    fn check_complete(&self) {
        let session = self.connection.session().unwrap();
        assert_eq!(session.resumption(), self.recording.resumption(self.role));
        let given = Record::split(&self.given[..self.consumed]);
        let recorded = self.recording.sent_to(self.role);
        assert_eq!(Messages::of(&given), Messages::of(&recorded));
    }

    /// "the session identifier MUST be invalidated, preventing the failed session from being used
    /// to establish new connections." A client has settled on a session with its ClientHello, a
    /// server at the latest when the handshake is complete. A close is not a failure.
    fn check_forgotten(&self, error: &Error) {
        let settled = self.role == Role::Client || self.connection.session().is_some();
        if settled && error.alert_received() != Some(AlertDescription::CLOSE_NOTIFY) {
            assert!(self.store.is_empty());
        }
    }

    fn check_failed(mut self, error: &Error) {
        assert!(!matches!(error, Error::Misuse(_)));
        assert!(self.connection.pending().is_none());
        let length = self.outgoing.len();
        assert!(length <= MAX_OUTGOING);
        let again = self.connection.receive(&mut self.incoming, &mut self.outgoing);
        assert_eq!(again.unwrap_err(), *error);
        let sent = self.connection.send(DATA, &mut self.outgoing);
        assert_eq!(sent.as_ref(), Err(error));
        assert_eq!(self.connection.receive_eof().as_ref(), Err(error));
        self.connection.close(&mut self.outgoing);
        assert_eq!(self.outgoing.len(), length);
    }

    fn check_end(mut self) -> Option<Resumption> {
        if self.closed {
            assert_eq!(self.data, DATA);
            assert_eq!(self.connection.receive_eof(), Ok(()));
            // This direction is still open.
            let length = self.outgoing.len();
            self.connection.send(DATA, &mut self.outgoing).unwrap();
            assert!(self.outgoing.len() > length);
            self.connection.close(&mut self.outgoing);
            let late = self.connection.send(DATA, &mut self.outgoing);
            assert_eq!(late, Err(Misuse::Closed.into()));
            self.connection.session().map(|s| s.resumption())
        } else {
            let is_complete = self.connection.session().is_some();
            let error = self.connection.receive_eof().unwrap_err();
            match error {
                Error::Truncated => assert!(is_complete),
                Error::HungUp(_) => assert!(!is_complete),
                _ => panic!("{error}"),
            }
            self.check_failed(&error);
            None
        }
    }
}

/// The peer's part of a handshake, however it was cut into records.
#[derive(Debug, PartialEq, Eq)]
struct Messages {
    unprotected: Vec<u8>,
    /// After the ChangeCipherSpec: Finished.
    protected: Vec<u8>,
}

impl Messages {
    fn of(records: &[Record]) -> Self {
        let mut parts = records.splitn(2, |record| record.typ == CHANGE_CIPHER_SPEC);
        let mut next = || -> Vec<u8> {
            let records = parts.next().unwrap_or_default();
            let handshake = records.iter().filter(|record| record.typ == HANDSHAKE);
            handshake.flat_map(|record| &record.content).copied().collect()
        };
        Self {
            unprotected: without_hello_requests(&next()),
            protected: next(),
        }
    }
}
