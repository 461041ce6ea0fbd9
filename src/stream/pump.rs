//! A [`Connection`] with its buffers and without I/O: [`Pump::receive`] tells what it needs next, and
//! its driver moves the bytes, blocking or not.
//!
//! A driver acts on the step and asks again:
//!
//! | step | the driver |
//! |---|---|
//! | [`Step::NeedWrite`] | writes [`Pump::outgoing`], flushes, and reads if the transport accepts nothing now |
//! | [`Step::NeedRead`] | reads into [`Pump::room`] |
//! | [`Step::Data`] | gives [`Pump::plaintext`] to its caller; nothing more is received before |
//! | [`Step::Paused`] | has its caller answer [`Pump::connection`]'s question |
//! | [`Step::HandshakeComplete`] | continues |
//! | [`Step::Closed`] | stops reading |
//!
//! The last two, a pause and every error may leave something to be written. A transport that can no
//! longer be written to may still hold what the peer sent before: data, its close_notify, or the
//! alert that explains the failure. So a driver reads even after a failed write, unless the output
//! [is full](Pump::is_full).

use super::buffers::{Incoming, Overrun, Queue};
use crate::connection::{Connection, Event, MAX_PLAINTEXT, MAX_RECORD_LENGTH};
use crate::error::{Error, LocalError};
use crate::pending::Answer;

/// The most plaintext that is encrypted at once, which bounds the output that is kept for a
/// transport that accepts nothing.
const MAX_SEND: usize = 4 * MAX_PLAINTEXT;

/// From this length on the output counts as full: the longest of one call of [`Pump::send`], and as much
/// again for replies.
const FULL: usize = 2 * MAX_SEND;

/// From this length on, one of several pieces is encrypted from where it lies; a record for itself
/// costs less than a copy.
#[cfg(any(feature = "tokio", test))]
const LONG: usize = 2048;

/// What a connection needs next, or has ready.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// There is no complete record left, and nothing to be written.
    NeedRead,
    /// There is no complete record left, and there is something to write before waiting for more.
    NeedWrite,
    /// The handshake is complete; reported once.
    HandshakeComplete,
    /// There is application data.
    Data,
    /// The connection waits for an answer.
    Paused,
    /// The peer has closed its direction of the connection.
    Closed,
}

/// A connection with its unread input and its unwritten output.
#[derive(Debug)]
pub(super) struct Pump {
    connection: Connection,
    incoming: Incoming,
    /// Decrypted data that has not been taken yet.
    plaintext: Queue,
    outgoing: Queue,
    /// Whether the transport may hold back bytes that it accepted.
    unflushed: bool,
    /// How many bytes of the output there are up to the end of the last application data.
    unwritten_data: usize,
    /// Whether the peer's close_notify has arrived.
    peer_closed: bool,
}

impl Pump {
    /// Creates the pump of a connection, from the output that is not written yet and the input that
    /// was read already.
    pub(super) fn new(mut connection: Connection, outgoing: Vec<u8>, received: &[u8]) -> Self {
        // Every record fits.
        connection.set_input_capacity(MAX_RECORD_LENGTH);
        Self {
            connection,
            incoming: Incoming::new(received),
            plaintext: Queue::default(),
            outgoing: Queue::from(outgoing),
            unflushed: false,
            unwritten_data: 0,
            peer_closed: false,
        }
    }

    pub(super) fn connection(&self) -> &Connection {
        &self.connection
    }

    /// Reports at most one event of the input, also if the caller has not taken all data, to which
    /// more may be added. A renegotiation bounds how much.
    ///
    /// An error is the connection's; the alert for the peer is then in
    /// [`outgoing`](Self::outgoing).
    pub(super) fn receive(&mut self) -> Result<Step, Error> {
        self.receive_into(|_| 0)
    }

    /// Does so, and offers data to `take` where it was decrypted, unless earlier data waits. `take`
    /// returns how much of it the caller has taken; only the rest is kept for
    /// [`plaintext`](Self::plaintext).
    pub(super) fn receive_into(
        &mut self,
        take: impl FnOnce(&[u8]) -> usize,
    ) -> Result<Step, Error> {
        let unread = self.incoming.unread()?;
        let received = self.connection.receive(unread, self.outgoing.end())?;
        let consumed = received.consumed;
        let step = match received.event {
            Event::ApplicationData(data) => {
                let taken = if self.plaintext.is_empty() {
                    take(data)
                } else {
                    0
                };
                let rest = data
                    .get(taken..)
                    .ok_or(LocalError::Internal("more data was taken than there was"))?;
                self.plaintext.end().extend_from_slice(rest);
                Step::Data
            }
            Event::HandshakeComplete => Step::HandshakeComplete,
            Event::Paused => Step::Paused,
            Event::PeerClosed => {
                self.peer_closed = true;
                Step::Closed
            }
            Event::NeedData => Step::NeedRead,
        };
        self.incoming.consume(consumed);
        if step == Step::NeedRead && self.needs_write() {
            return Ok(Step::NeedWrite);
        }
        Ok(step)
    }

    /// Returns the buffer to read into; never empty after [`Step::NeedRead`] and
    /// [`Step::NeedWrite`].
    pub(super) fn room(&mut self) -> Result<&mut [u8], LocalError> {
        self.incoming.room()
    }

    /// Reports that this many bytes have been read into [`room`](Self::room).
    pub(super) fn read(&mut self, count: usize) -> Result<(), Overrun> {
        self.incoming.fill(count)
    }

    /// Reports that the transport has ended.
    pub(super) fn read_eof(&mut self) -> Result<(), Error> {
        self.connection.receive_eof()
    }

    /// Returns true if there is something to write or to flush.
    pub(super) fn needs_write(&self) -> bool {
        self.unflushed || !self.outgoing.is_empty()
    }

    /// Returns true if nothing should be received before something is written: a peer that asks for
    /// one reply after the other, and reads none, would take memory without a bound.
    pub(super) fn is_full(&self) -> bool {
        self.outgoing.rest().is_ok_and(|rest| rest.len() >= FULL)
    }

    /// Returns the output that is to be written.
    pub(super) fn outgoing(&self) -> Result<&[u8], LocalError> {
        self.outgoing.rest()
    }

    /// Reports that this many bytes of [`outgoing`](Self::outgoing) have been written.
    pub(super) fn wrote(&mut self, count: usize) -> Result<(), Overrun> {
        self.unflushed = true;
        self.unwritten_data = self.unwritten_data.saturating_sub(count);
        self.outgoing.take(count)
    }

    /// Reports that the transport has been flushed.
    pub(super) fn flushed(&mut self) {
        self.unflushed = false;
    }

    /// Returns the application data that the caller has not taken yet.
    pub(super) fn plaintext(&self) -> Result<&[u8], LocalError> {
        self.plaintext.rest()
    }

    /// Reports that the caller has taken this many bytes of [`plaintext`](Self::plaintext).
    pub(super) fn gave(&mut self, count: usize) -> Result<(), Overrun> {
        self.plaintext.take(count)
    }

    /// Encrypts the beginning of `data`, at most 64 KiB, and returns how much it accepted. Returns
    /// `None` and accepts nothing while earlier output is unwritten.
    pub(super) fn send(&mut self, data: &[u8]) -> Result<Option<usize>, Error> {
        if !self.outgoing.is_empty() {
            return Ok(None);
        }
        let taken = sent_at_once(data);
        self.connection.send(taken, self.outgoing.end())?;
        self.unwritten_data = self.outgoing.rest()?.len();
        Ok(Some(taken.len()))
    }

    /// Encrypts the beginning of several pieces as if they were one. Short neighbours share a record.
    #[cfg(any(feature = "tokio", test))]
    pub(super) fn send_pieces<'a>(
        &mut self,
        pieces: impl Iterator<Item = &'a [u8]>,
    ) -> Result<Option<usize>, Error> {
        if !self.outgoing.is_empty() {
            return Ok(None);
        }
        let Self {
            connection,
            outgoing,
            ..
        } = self;
        let accepted = send_pieces(pieces, |data| connection.send(data, outgoing.end()))?;
        self.unwritten_data = self.outgoing.rest()?.len();
        Ok(Some(accepted))
    }

    /// Closes the sending direction.
    pub(super) fn close(&mut self) {
        self.connection.close(self.outgoing.end());
    }

    /// Answers the pending question.
    pub(super) fn resume(&mut self, answer: Answer) -> Result<(), Error> {
        self.connection.resume(answer, self.outgoing.end())
    }

    /// Adds bytes that were read already, however many, to the end of the input.
    #[cfg(feature = "tokio")]
    pub(super) fn add_received(&mut self, bytes: &[u8]) -> Result<(), LocalError> {
        let received = [self.incoming.unread()?, bytes].concat();
        self.incoming = Incoming::new(&received);
        Ok(())
    }

    /// Returns true once [`Step::Closed`] was reported.
    #[cfg(feature = "tokio")]
    pub(super) fn peer_has_closed(&self) -> bool {
        self.peer_closed
    }

    /// Returns true if application data waits to be written.
    #[cfg(feature = "tokio")]
    pub(super) fn has_unwritten_data(&self) -> bool {
        self.unwritten_data > 0
    }

    /// Returns true if nothing waits to be written; it may have to be flushed.
    #[cfg(feature = "tokio")]
    pub(super) fn has_written_all(&self) -> bool {
        self.outgoing.is_empty()
    }

    /// Returns the bytes that were read and not processed.
    pub(super) fn into_unread(self) -> Vec<u8> {
        self.incoming.into_unread()
    }

    /// Makes a pump of its parts.
    pub(super) fn from_parts(parts: Parts) -> Self {
        // It may be data.
        let unwritten_data = parts.outgoing.len();
        let pump = Self::new(parts.connection, parts.outgoing, &parts.received);
        Self {
            plaintext: Queue::from(parts.plaintext),
            unwritten_data,
            ..pump
        }
    }

    /// Takes the pump apart.
    pub(super) fn into_parts(self) -> Parts {
        Parts {
            connection: self.connection,
            received: self.incoming.into_unread(),
            plaintext: self.plaintext.into_rest(),
            outgoing: self.outgoing.into_rest(),
        }
    }
}

/// The beginning of `data` that is encrypted at once.
pub(super) fn sent_at_once(data: &[u8]) -> &[u8] {
    data.split_at_checked(MAX_SEND).map_or(data, |(taken, _)| taken)
}

/// Sends the beginning of several pieces with `send`, and returns how much that is.
#[cfg(any(feature = "tokio", test))]
pub(super) fn send_pieces<'a>(
    pieces: impl Iterator<Item = &'a [u8]>,
    mut send: impl FnMut(&[u8]) -> Result<(), Error>,
) -> Result<usize, Error> {
    let mut accepted = 0;
    let mut short = Vec::new();
    for piece in pieces {
        let room = MAX_SEND - accepted;
        let piece = piece.split_at_checked(room).map_or(piece, |(taken, _)| taken);
        accepted += piece.len();
        if piece.len() < LONG {
            short.extend_from_slice(piece);
        } else {
            send(&short)?;
            short.clear();
            send(piece)?;
        }
    }
    send(&short)?;
    Ok(accepted)
}

/// What a pump consists of.
pub(super) struct Parts {
    pub(super) connection: Connection,
    /// Bytes that were read and not processed.
    pub(super) received: Vec<u8>,
    /// Decrypted data that was not taken.
    pub(super) plaintext: Vec<u8>,
    /// Output that was not written.
    pub(super) outgoing: Vec<u8>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::connection::testing::{
        client, client_builder, judging_client_builder, now, roots, server,
    };
    use crate::error::{Misuse, PeerError};
    use crate::pending::Pending;

    impl Pump {
        /// Receives when the caller has taken what was received before.
        fn step(&mut self) -> Result<Step, Error> {
            if !self.plaintext.is_empty() {
                return Ok(Step::Data);
            }
            self.receive()
        }
    }

    fn client_pump() -> Pump {
        let (connection, outgoing) = client(client_builder());
        Pump::new(connection, outgoing, &[])
    }

    fn server_pump() -> Pump {
        Pump::new(server(), Vec::new(), &[])
    }

    /// Writes at most `count` bytes to the wire, and flushes.
    fn write(pump: &mut Pump, wire: &mut Vec<u8>, count: usize) {
        let outgoing = pump.outgoing().unwrap();
        let count = count.min(outgoing.len());
        wire.extend_from_slice(&outgoing[..count]);
        pump.wrote(count).unwrap();
        pump.flushed();
    }

    /// Reads at most `count` bytes from the wire.
    fn read(pump: &mut Pump, wire: &mut Vec<u8>, count: usize) {
        let room = pump.room().unwrap();
        assert!(!room.is_empty());
        let count = count.min(room.len()).min(wire.len());
        room[..count].copy_from_slice(&wire[..count]);
        wire.drain(..count);
        pump.read(count).unwrap();
    }

    /// Two pumps, and what is on its way between them.
    struct Link {
        client: Pump,
        server: Pump,
        to_client: Vec<u8>,
        to_server: Vec<u8>,
        /// How many bytes a transport moves at once.
        chunk: usize,
    }

    impl Link {
        fn new(client: Pump, chunk: usize) -> Self {
            Self {
                client,
                server: server_pump(),
                to_client: Vec::new(),
                to_server: Vec::new(),
                chunk,
            }
        }

        /// A link whose handshake is complete and whose wire is empty.
        fn established(chunk: usize) -> Self {
            let mut link = Self::new(client_pump(), chunk);
            assert_eq!(link.run_client(), Step::HandshakeComplete);
            assert_eq!(link.run_server(), Step::NeedRead);
            assert!(link.server.connection().session().is_some());
            link
        }

        /// Runs both ends until the client has something or the wire is silent.
        fn run_client(&mut self) -> Step {
            for _ in 0..100_000 {
                let step = self.client.step().unwrap();
                match step {
                    Step::NeedWrite => write(&mut self.client, &mut self.to_server, self.chunk),
                    Step::NeedRead => {
                        self.run_server();
                        if self.to_client.is_empty() {
                            return step;
                        }
                        read(&mut self.client, &mut self.to_client, self.chunk);
                    }
                    _ => return step,
                }
            }
            panic!("no end");
        }

        /// Runs the server until it has something or has read all that there is.
        fn run_server(&mut self) -> Step {
            for _ in 0..100_000 {
                let step = self.server.step().unwrap();
                match step {
                    Step::NeedWrite => write(&mut self.server, &mut self.to_client, self.chunk),
                    Step::NeedRead if !self.to_server.is_empty() => {
                        read(&mut self.server, &mut self.to_server, self.chunk);
                    }
                    Step::HandshakeComplete => {}
                    _ => return step,
                }
            }
            panic!("no end");
        }

        /// Sends from the client, all of it on the wire afterwards.
        fn send(&mut self, data: &[u8]) {
            let mut rest = data;
            while !rest.is_empty() {
                match self.client.send(rest).unwrap() {
                    Some(taken) => rest = &rest[taken..],
                    None => write(&mut self.client, &mut self.to_server, self.chunk),
                }
            }
            while self.client.needs_write() {
                write(&mut self.client, &mut self.to_server, self.chunk);
            }
        }
    }

    #[test]
    fn bytes_may_move_in_pieces_of_any_length() {
        for chunk in [1, 7, 1000, usize::MAX] {
            let mut link = Link::established(chunk);
            let data: Vec<u8> = (0..20_000u32).map(|index| (index >> 3) as u8).collect();
            link.send(&data);
            let mut received = Vec::new();
            while link.run_server() == Step::Data {
                let plaintext = link.server.plaintext().unwrap();
                // The caller takes them in pieces too.
                let count = plaintext.len().min(333);
                received.extend_from_slice(&plaintext[..count]);
                link.server.gave(count).unwrap();
            }
            assert!(received == data, "pieces of {chunk}");
        }
    }

    #[test]
    fn nothing_is_received_before_the_caller_has_taken_what_was() {
        let mut link = Link::established(usize::MAX);
        link.send(b"first");
        link.send(b"second");
        for _ in 0..3 {
            assert_eq!(link.run_server(), Step::Data);
            assert_eq!(link.server.plaintext().unwrap(), b"first");
        }
        link.server.gave(2).unwrap();
        assert_eq!(link.run_server(), Step::Data);
        assert_eq!(link.server.plaintext().unwrap(), b"rst");
        link.server.gave(3).unwrap();
        assert_eq!(link.server.plaintext().unwrap(), b"");
        assert_eq!(link.run_server(), Step::Data);
        assert_eq!(link.server.plaintext().unwrap(), b"second");
    }

    #[test]
    fn nothing_is_encrypted_before_what_was_is_written() {
        let mut link = Link::established(usize::MAX);
        let data = vec![7; MAX_SEND + 1];
        assert_eq!(link.client.send(&data), Ok(Some(MAX_SEND)));
        let length = link.client.outgoing().unwrap().len();
        assert_eq!(link.client.send(&data), Ok(None));
        link.client.wrote(length - 1).unwrap();
        assert_eq!(link.client.send(&data), Ok(None));
        assert_eq!(link.client.outgoing().unwrap().len(), 1);
        link.client.wrote(1).unwrap();
        assert_eq!(link.client.send(&data[MAX_SEND..]), Ok(Some(1)));
    }

    #[test]
    fn what_was_written_is_to_be_flushed() {
        let mut pump = client_pump();
        assert_eq!(pump.step(), Ok(Step::NeedWrite));
        let length = pump.outgoing().unwrap().len();
        pump.wrote(length).unwrap();
        assert_eq!(pump.outgoing(), Ok(&[][..]));
        // As long as the transport holds something back, it may be what the peer waits for.
        assert_eq!(pump.step(), Ok(Step::NeedWrite));
        pump.flushed();
        assert_eq!(pump.step(), Ok(Step::NeedRead));
    }

    #[test]
    fn a_driver_may_read_though_it_cannot_write() {
        let mut link = Link::established(usize::MAX);
        assert_eq!(link.server.send(b"413 too large"), Ok(Some(13)));
        link.server.close();
        assert_eq!(link.client.send(b"never written"), Ok(Some(13)));
        assert_eq!(link.server.step(), Ok(Step::NeedWrite));
        write(&mut link.server, &mut link.to_client, usize::MAX);
        assert_eq!(link.client.step(), Ok(Step::NeedWrite));
        read(&mut link.client, &mut link.to_client, usize::MAX);
        assert_eq!(link.client.step(), Ok(Step::Data));
        assert_eq!(link.client.plaintext().unwrap(), b"413 too large");
        link.client.gave(13).unwrap();
        assert_eq!(link.client.step(), Ok(Step::Closed));
    }

    #[test]
    fn a_pause_lasts_until_it_is_answered() {
        let (connection, outgoing) = client(judging_client_builder());
        let mut link = Link::new(Pump::new(connection, outgoing, &[]), usize::MAX);
        for _ in 0..3 {
            assert_eq!(link.run_client(), Step::Paused);
        }
        assert_eq!(
            link.client.send(b"early"),
            Err(Misuse::HandshakeIncomplete.into())
        );
        let Some(Pending::VerifyCertificate(pending)) = link.client.connection().pending() else {
            panic!("nothing pending");
        };
        let verdict = pending.verify(&roots().into(), now());
        let answer = pending.answer(verdict);
        link.client.resume(answer).unwrap();
        assert_eq!(link.run_client(), Step::HandshakeComplete);
        link.send(b"data");
        assert_eq!(link.run_server(), Step::Data);
    }

    #[test]
    fn an_end_without_a_close_is_truncation() {
        let mut link = Link::established(usize::MAX);
        link.send(b"half of it");
        assert_eq!(link.run_server(), Step::Data);
        assert_eq!(link.server.read_eof(), Err(Error::Truncated));
        // What was received before is still there.
        assert_eq!(link.server.plaintext().unwrap(), b"half of it");
        link.server.gave(10).unwrap();
        assert_eq!(link.server.step(), Err(Error::Truncated));
    }

    #[test]
    fn what_follows_a_close_is_not_received() {
        let mut link = Link::established(usize::MAX);
        link.client.close();
        while link.client.needs_write() {
            write(&mut link.client, &mut link.to_server, usize::MAX);
        }
        link.to_server.extend_from_slice(b"not TLS");
        for _ in 0..2 {
            assert_eq!(link.run_server(), Step::Closed);
        }
        // The answer is up to the caller, and so is when the connection is over.
        assert!(!link.server.needs_write());
        assert_eq!(link.server.send(b"the last word"), Ok(Some(13)));
        link.server.close();
        link.to_client.clear();
        while link.server.needs_write() {
            write(&mut link.server, &mut link.to_client, usize::MAX);
        }
        assert_eq!(link.run_client(), Step::Data);
        link.client.gave(13).unwrap();
        assert_eq!(link.run_client(), Step::Closed);
        assert_eq!(link.server.read_eof(), Ok(()));
        assert_eq!(link.server.into_unread(), b"not TLS");
    }

    #[test]
    fn an_error_leaves_its_alert_to_be_written() {
        let mut pump = server_pump();
        read(&mut pump, &mut vec![24, 3, 3, 0, 1], usize::MAX);
        for _ in 0..2 {
            assert!(matches!(
                pump.step(),
                Err(Error::Peer(PeerError::UnexpectedRecord(_)))
            ));
            // unexpected_message(10)
            assert_eq!(pump.outgoing(), Ok(&[21, 3, 3, 0, 2, 2, 10][..]));
        }
    }

    #[test]
    fn there_is_room_for_any_record_behind_what_was_received() {
        let mut link = Link::established(usize::MAX);
        link.send(&vec![7; MAX_PLAINTEXT]);
        link.send(b"next");
        while link.run_server() == Step::Data {
            let count = link.server.plaintext().unwrap().len();
            link.server.gave(count).unwrap();
        }
        assert_eq!(link.server.room().unwrap().len(), MAX_RECORD_LENGTH);
        read(&mut link.server, &mut vec![23, 3, 3], usize::MAX);
        assert_eq!(link.server.step(), Ok(Step::NeedRead));
        assert_eq!(link.server.room().unwrap().len(), MAX_RECORD_LENGTH - 3);
    }

    #[test]
    fn a_transport_cannot_move_more_than_there_is() {
        let mut pump = client_pump();
        let length = pump.outgoing().unwrap().len();
        for count in [length + 1, usize::MAX] {
            assert_eq!(pump.wrote(count), Err(Overrun));
        }
        assert_eq!(pump.outgoing().unwrap().len(), length);
        for count in [MAX_RECORD_LENGTH + 1, usize::MAX] {
            assert_eq!(pump.read(count), Err(Overrun));
        }
        assert_eq!(pump.gave(1), Err(Overrun));
        assert_eq!(pump.step(), Ok(Step::NeedWrite));
    }

    /// What was read before the pump was made is processed, also if it is more than a record.
    #[test]
    fn a_pump_can_be_taken_apart_and_put_together() {
        let mut link = Link::established(usize::MAX);
        link.send(&vec![1; MAX_PLAINTEXT]);
        link.send(&vec![2; MAX_PLAINTEXT]);
        read(&mut link.server, &mut link.to_server, 1000);
        assert_eq!(link.server.send(b"unwritten"), Ok(Some(9)));
        let outgoing = link.server.outgoing().unwrap().to_vec();
        let mut parts = link.server.into_parts();
        assert_eq!(parts.received.len(), 1000);
        assert_eq!(parts.outgoing, outgoing);
        assert!(parts.plaintext.is_empty());

        parts.received.append(&mut link.to_server);
        let mut pump = Pump::new(parts.connection, parts.outgoing, &parts.received);
        assert_eq!(pump.step(), Ok(Step::Data));
        pump.gave(MAX_PLAINTEXT - 1).unwrap();
        let mut parts = pump.into_parts();
        assert_eq!(parts.plaintext, [1]);
        let mut data = Vec::new();
        let mut pump = Pump::new(parts.connection, Vec::new(), &parts.received);
        while let Ok(Step::Data) = pump.step() {
            data.extend_from_slice(pump.plaintext().unwrap());
            pump.gave(pump.plaintext().unwrap().len()).unwrap();
        }
        parts.plaintext.append(&mut data);
        assert_eq!(parts.plaintext, [&[1][..], &[2; MAX_PLAINTEXT]].concat());
        assert!(!pump.room().unwrap().is_empty());
    }

    #[test]
    fn data_is_taken_where_it_was_decrypted_unless_earlier_data_waits() {
        let mut link = Link::established(usize::MAX);
        link.send(b"first");
        link.send(b"second");
        while !link.to_server.is_empty() {
            read(&mut link.server, &mut link.to_server, usize::MAX);
        }
        let mut taken = Vec::new();
        let step = link.server.receive_into(|data| {
            taken.extend_from_slice(&data[..2]);
            2
        });
        assert_eq!(step, Ok(Step::Data));
        assert_eq!(taken, b"fi");
        assert_eq!(link.server.plaintext().unwrap(), b"rst");
        let step = link.server.receive_into(|_| panic!("out of order"));
        assert_eq!(step, Ok(Step::Data));
        assert_eq!(link.server.plaintext().unwrap(), b"rstsecond");
    }

    #[test]
    fn pieces_go_into_as_few_records_as_their_lengths_suggest() {
        let mut link = Link::established(usize::MAX);
        let long = vec![7; LONG];
        let pieces: [&[u8]; 6] = [b"", b"GET ", b"/", &long, b"tail", b""];
        let taken = link.client.send_pieces(pieces.into_iter());
        assert_eq!(taken, Ok(Some(LONG + 9)));
        assert_eq!(link.client.send_pieces(pieces.into_iter()), Ok(None));
        while link.client.needs_write() {
            write(&mut link.client, &mut link.to_server, usize::MAX);
        }
        for expected in [5, LONG, 4] {
            assert_eq!(link.run_server(), Step::Data);
            let count = link.server.plaintext().unwrap().len();
            assert_eq!(count, expected);
            link.server.gave(count).unwrap();
        }
        assert_eq!(link.client.send_pieces([].into_iter()), Ok(Some(0)));
        // The bound is that of one piece.
        let most = vec![7; MAX_SEND];
        let pieces: [&[u8]; 3] = [b"ab", &most, b"cd"];
        let taken = link.client.send_pieces(pieces.into_iter());
        assert_eq!(taken, Ok(Some(MAX_SEND)));
    }

    #[test]
    fn data_is_not_printed() {
        let mut link = Link::established(usize::MAX);
        link.send(b"secret");
        assert_eq!(link.run_server(), Step::Data);
        let text = format!("{:?}", link.server);
        assert!(text.contains("plaintext: Queue(0..6)"), "{text}");
    }
}
