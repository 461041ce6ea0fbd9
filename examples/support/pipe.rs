//! Standard input to the peer and the peer to standard output, both at once, without async.
//!
//! ```text
//! standard input -> read_stdin --+                +--> standard output
//!                                +--> Driver -----+
//!         socket -> read_peer  --+                +--> write_peer -> socket
//! ```
//!
//! Three threads move bytes; the caller's own drives the [`Connection`], which does no I/O, and
//! never waits for the socket. If it did, two sides that write at the same time would each wait
//! for the other to read. Memory stays bounded all the same: standard input is read again only
//! when the socket has taken what it gave before, and the socket only as fast as standard output
//! takes what came.

use premaster::{Connection, Event};
use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender, SyncSender};
use std::thread;
use std::time::Duration;

/// How much is read at once, and how many such pieces may wait for the driver.
const PIECE: usize = 64 * 1024;
const PIECES: usize = 4;

/// What the driver reacts to.
enum Input {
    Stdin(Vec<u8>),
    StdinEnd(io::Result<()>),
    Peer(Vec<u8>),
    PeerEnd(io::Result<()>),
    /// The socket takes nothing more. Why is in what it still gives: an alert, or its end.
    Unwritable,
}

/// What the driver has for the socket.
struct Output {
    records: Vec<u8>,
    /// Whether standard input may be read again when this has been written.
    then_read_stdin: bool,
}

/// Runs a client's connection until the peer closes it, and answers its close.
///
/// `hello` is the output that the connection started with. When standard input ends, so does this
/// side, with close_notify; what the peer still sends is received until it closes too, which some
/// peers do at once: RFC 5246 lets them discard what they had not sent yet. A peer that this side
/// waits for may be silent for `patience`.
pub fn pipe(
    connection: &mut Connection,
    hello: Vec<u8>,
    socket: &TcpStream,
    patience: Duration,
) -> io::Result<()> {
    socket.set_read_timeout(None)?;
    socket.set_write_timeout(Some(patience))?;
    let (inbox_sender, inbox) = mpsc::sync_channel(PIECES);
    let (output, output_receiver) = mpsc::channel();
    let (may_read_sender, may_read) = mpsc::sync_channel(1);

    let sender = inbox_sender.clone();
    thread::spawn(move || read_stdin(&may_read, &sender));
    let (sender, from) = (inbox_sender.clone(), socket.try_clone()?);
    thread::spawn(move || read_peer(from, &sender));
    let to = socket.try_clone()?;
    let writer =
        thread::spawn(move || write_peer(to, &output_receiver, &may_read_sender, &inbox_sender));

    let mut driver = Driver {
        connection,
        incoming: Vec::new(),
        outgoing: hello,
        output,
        waits_for_peer: true,
        held: None,
    };
    let result = driver.run(&inbox, patience);
    // The last alert is still to be written; the writing thread ends when nobody has more for it.
    drop((driver, inbox));
    let _ = writer.join();
    result
}

/// Reads a piece each time it may.
fn read_stdin(may_read: &Receiver<()>, inbox: &SyncSender<Input>) {
    let mut room = vec![0; PIECE];
    while may_read.recv().is_ok() {
        let input = match read_piece(&mut io::stdin(), &mut room) {
            Ok([]) => Input::StdinEnd(Ok(())),
            Ok(piece) => Input::Stdin(piece.to_vec()),
            Err(error) => Input::StdinEnd(Err(error)),
        };
        if inbox.send(input).is_err() {
            return;
        }
    }
}

/// Reads until the transport ends, or nobody listens.
fn read_peer(mut socket: TcpStream, inbox: &SyncSender<Input>) {
    let mut room = vec![0; PIECE];
    loop {
        let input = match read_piece(&mut socket, &mut room) {
            Ok([]) => Input::PeerEnd(Ok(())),
            Ok(piece) => Input::Peer(piece.to_vec()),
            Err(error) => Input::PeerEnd(Err(error)),
        };
        let ended = matches!(input, Input::PeerEnd(_));
        if inbox.send(input).is_err() || ended {
            return;
        }
    }
}

/// What there is to read, nothing at the end.
fn read_piece<'r>(from: &mut impl Read, room: &'r mut [u8]) -> io::Result<&'r [u8]> {
    loop {
        match from.read(room) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            result => return result.map(|count| &room[..count]),
        }
    }
}

/// Writes until the driver is gone, or the socket takes no more.
fn write_peer(
    mut socket: TcpStream,
    output: &Receiver<Output>,
    may_read: &SyncSender<()>,
    inbox: &SyncSender<Input>,
) {
    for Output {
        records,
        then_read_stdin,
    } in output
    {
        if socket.write_all(&records).is_err() {
            let _ = inbox.send(Input::Unwritable);
            return;
        }
        if then_read_stdin {
            let _ = may_read.send(());
        }
    }
}

/// Where the connection's bytes come together.
struct Driver<'c> {
    connection: &'c mut Connection,
    /// From the peer, still to be received.
    incoming: Vec<u8>,
    outgoing: Vec<u8>,
    output: Sender<Output>,
    /// Whether it is the peer's turn, so that its silence is a failure: in the handshake and after
    /// this side's close.
    waits_for_peer: bool,
    /// What came from standard input while the server renegotiates: nothing is sent until it is done.
    held: Option<Input>,
}

/// Whether there is more to come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Flow {
    Continue,
    Closed,
}

impl Driver<'_> {
    fn run(&mut self, inbox: &Receiver<Input>, patience: Duration) -> io::Result<()> {
        self.hand_over(false);
        loop {
            let input = if self.waits_for_peer {
                inbox.recv_timeout(patience)
            } else {
                inbox.recv().map_err(RecvTimeoutError::from)
            };
            let input = input.map_err(|_| io::Error::from(io::ErrorKind::TimedOut))?;
            let flow = self.handle(input);
            // On an error this is the alert.
            self.hand_over(false);
            if flow? == Flow::Closed {
                return Ok(());
            }
        }
    }

    fn handle(&mut self, input: Input) -> io::Result<Flow> {
        match input {
            // Nothing is read from it before the first handshake is complete.
            input @ (Input::Stdin(_) | Input::StdinEnd(Ok(())))
                if !self.connection.is_established() =>
            {
                self.held = Some(input);
            }
            Input::Stdin(data) => {
                self.connection.send(&data, &mut self.outgoing).map_err(io::Error::other)?;
                self.hand_over(true);
            }
            Input::StdinEnd(result) => {
                result?;
                self.connection.close(&mut self.outgoing);
                self.waits_for_peer = true;
            }
            Input::Peer(bytes) => {
                self.incoming.extend_from_slice(&bytes);
                return self.receive();
            }
            Input::PeerEnd(result) => {
                // A server that refuses the hello may reset the connection. The library's error tells
                // the moment.
                let in_handshake = self.connection.session().is_none();
                if let Err(error) = result
                    && (error.kind() != io::ErrorKind::ConnectionReset || !in_handshake)
                {
                    return Err(error);
                }
                self.connection.receive_eof().map_err(io::Error::other)?;
                return Ok(Flow::Closed);
            }
            Input::Unwritable => self.waits_for_peer = true,
        }
        Ok(Flow::Continue)
    }

    /// Receives every whole record that has come.
    fn receive(&mut self) -> io::Result<Flow> {
        let mut start = 0;
        let flow = loop {
            let received = self
                .connection
                .receive(&mut self.incoming[start..], &mut self.outgoing)
                .map_err(io::Error::other)?;
            start += received.consumed;
            match received.event {
                Event::HandshakeComplete => {
                    self.waits_for_peer = false;
                    let session = self.connection.session();
                    if session.is_some_and(|session| session.renegotiations() > 0) {
                        if let Some(input) = self.held.take() {
                            self.handle(input)?;
                        }
                    } else {
                        self.hand_over(true);
                    }
                }
                Event::ApplicationData(data) => io::stdout().write_all(data).map_err(of_stdout)?,
                Event::PeerClosed => {
                    self.connection.close(&mut self.outgoing);
                    break Flow::Closed;
                }
                // This client's configuration makes it wait for nothing but bytes.
                _ => break Flow::Continue,
            }
        };
        self.incoming.drain(..start);
        io::stdout().flush().map_err(of_stdout)?;
        Ok(flow)
    }

    /// Gives what is outgoing to the writing thread. If that has ended, so will the reading one.
    fn hand_over(&mut self, then_read_stdin: bool) {
        if !self.outgoing.is_empty() || then_read_stdin {
            let _ = self.output.send(Output {
                records: std::mem::take(&mut self.outgoing),
                then_read_stdin,
            });
        }
    }
}

/// Tells a failure of standard output from one of the socket.
fn of_stdout(error: io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("standard output: {error}"))
}
