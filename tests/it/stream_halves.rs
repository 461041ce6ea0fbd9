//! The blocking adapter in two halves, over loopback TCP and over transports that stand still.

use premaster::error::{Misuse, PeerError};
use premaster::protocol::{AlertDescription, Renegotiation};
use premaster::{Error, ServerConfigBuilder, SharedTransport, Stream, StreamReader, StreamWriter};
use premaster_testing::forger::{Forger, Sender, Stopped};
use premaster_testing::pair::{End, Pair};
use premaster_testing::wire::{ALERT, APPLICATION_DATA, HANDSHAKE, records};
use premaster_testing::{alert_received, client_builder, name, server_builder};
use std::collections::BTreeSet;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{self, Receiver, SyncSender};
use std::sync::{Arc, Mutex};
use std::time::Duration;

const TIMEOUT: Option<Duration> = Some(Duration::from_secs(20));

/// A client's and a server's stream over loopback, the handshake complete.
fn loopback(server: ServerConfigBuilder) -> [Stream<TcpStream>; 2] {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let transport = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let (accepted, _) = listener.accept().unwrap();
    for transport in [&transport, &accepted] {
        transport.set_read_timeout(TIMEOUT).unwrap();
        transport.set_write_timeout(TIMEOUT).unwrap();
    }
    let config = Arc::new(client_builder().build().unwrap());
    let mut client = Stream::client(config, name(), transport).unwrap();
    let config = Arc::new(server.build().unwrap());
    let server = std::thread::spawn(move || {
        let mut server = Stream::server(config, accepted);
        server.complete_handshake().unwrap();
        server
    });
    client.complete_handshake().unwrap();
    [client, server.join().unwrap()]
}

fn inner(error: &io::Error) -> &Error {
    error.get_ref().unwrap().downcast_ref().unwrap()
}

const BYTES: usize = 1_500_000;

/// The bytes that a side sends.
fn content(seed: u8) -> Vec<u8> {
    (0..BYTES).map(|index| (index >> 5) as u8 ^ seed).collect()
}

type Shared = SharedTransport<TcpStream>;

/// Sends on one thread and reads on another one until the peer closes.
fn talk(stream: Stream<TcpStream>, seed: u8) -> (Stream<Shared>, Vec<u8>) {
    let (mut reader, mut writer) = stream.split().unwrap();
    assert!(reader.receiver().session().is_some());
    let sending = std::thread::spawn(move || {
        for piece in content(seed).chunks(100_003) {
            writer.write_all(piece).unwrap();
        }
        writer.flush().unwrap();
        writer.close().unwrap();
        writer
    });
    let mut received = Vec::new();
    reader.read_to_end(&mut received).unwrap();
    let whole = reader.reunite(sending.join().unwrap(), |transport, _| transport);
    (whole.unwrap(), received)
}

#[test]
fn each_side_reads_and_writes_on_threads_of_their_own() {
    let [client, server] = loopback(server_builder());
    let server = std::thread::spawn(move || talk(server, 1));
    let (mut client, to_client) = talk(client, 2);
    let (mut server, to_server) = server.join().unwrap();
    assert!(to_client == content(1) && to_server == content(2));
    for stream in [&mut client, &mut server] {
        assert_eq!(stream.read(&mut [0]).unwrap(), 0);
        let late = stream.write(b"late").unwrap_err();
        assert_eq!(late.kind(), ErrorKind::NotConnected);
        assert!(stream.transport().peer_addr().is_ok());
    }
}

/// What one half gets stays with the whole, and the other way around.
#[test]
fn nothing_is_lost_when_a_stream_is_split_and_reunited() {
    let [mut client, mut server] = loopback(server_builder());
    client.write_all(b"one two three four").unwrap();
    let mut word = [0; 3];
    server.read_exact(&mut word).unwrap();
    let (mut reader, mut writer) = server.split().unwrap();
    let mut next = [0; 5];
    reader.read_exact(&mut next).unwrap();
    assert_eq!((&word, &next), (b"one", b" two "));
    writer.write_all(b"answer").unwrap();
    let mut server = reader.reunite(writer, |transport, _| transport).unwrap();
    client.close().unwrap();
    let mut rest = String::new();
    server.read_to_string(&mut rest).unwrap();
    assert_eq!(rest, "three four");
    // A transport that is split twice.
    let (mut reader, mut writer) = server.split_with(|shared| (shared.clone(), shared)).unwrap();
    assert_eq!(reader.read(&mut word).unwrap(), 0);
    writer.write_all(b"ed").unwrap();
    writer.close().unwrap();
    let mut answer = String::new();
    client.read_to_string(&mut answer).unwrap();
    assert_eq!(answer, "answered");
}

#[test]
fn halves_of_different_streams_do_not_fit() {
    let [client, mut server] = loopback(server_builder());
    let (reader, writer) = client.split().unwrap();
    let [other, _] = loopback(server_builder());
    let (other, _) = other.split().unwrap();
    let misfits = other.reunite(writer, |transport, _| transport).unwrap_err();
    let mut client = reader.reunite(*misfits.sender, |transport, _| transport).unwrap();
    client.write_all(b"fits").unwrap();
    let mut data = [0; 4];
    server.read_exact(&mut data).unwrap();
    assert_eq!(&data, b"fits");
}

/// Reads what is sent over a channel. Its end is the end of the transport.
struct FromPeer {
    channel: Receiver<Vec<u8>>,
    rest: Vec<u8>,
}

impl Read for FromPeer {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if self.rest.is_empty() {
            self.rest = self.channel.recv().unwrap_or_default();
        }
        let count = self.rest.len().min(out.len());
        out[..count].copy_from_slice(&self.rest[..count]);
        self.rest.drain(..count);
        Ok(count)
    }
}

/// Passes on what is written, each write when the peer has taken the one before, and fails as often
/// as it is told.
struct ToPeer {
    channel: SyncSender<Vec<u8>>,
    failures: Arc<Mutex<usize>>,
    on_write: OnWrite,
}

/// Told that a write begins, once.
type OnWrite = Arc<Mutex<Option<mpsc::Sender<()>>>>;

impl Write for ToPeer {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        {
            let mut failures = self.failures.lock().unwrap();
            if *failures > 0 {
                *failures -= 1;
                return Err(ErrorKind::WouldBlock.into());
            }
        }
        if let Some(begun) = self.on_write.lock().unwrap().take() {
            begun.send(()).unwrap();
        }
        self.channel.send(data.to_vec()).map_err(|_| ErrorKind::BrokenPipe)?;
        Ok(data.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A client in halves, and its server by hand.
struct Scene {
    reader: StreamReader<FromPeer, ToPeer>,
    writer: StreamWriter<ToPeer>,
    to_client: mpsc::Sender<Vec<u8>>,
    from_client: Receiver<Vec<u8>>,
    failures: Arc<Mutex<usize>>,
    on_write: OnWrite,
    server: End,
    forger: Forger,
}

/// A transport of two parts.
struct Both {
    from_peer: FromPeer,
    to_peer: ToPeer,
}

impl Read for Both {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        self.from_peer.read(out)
    }
}

impl Write for Both {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        self.to_peer.write(data)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.to_peer.flush()
    }
}

impl Scene {
    /// Over a transport that takes `room` writes before the peer reads.
    fn new(room: usize, close_with_peer: bool) -> Self {
        let client = client_builder();
        let client = if close_with_peer {
            client.close_with_peer()
        } else {
            client
        };
        let (Pair { client, server }, forger) =
            Stopped::before_client_flight(client, server_builder()).establish();
        let (to_client, channel) = mpsc::channel();
        let from_peer = FromPeer {
            channel,
            rest: Vec::new(),
        };
        let (channel, from_client) = mpsc::sync_channel(room);
        let failures = Arc::new(Mutex::new(0));
        let on_write = OnWrite::default();
        let to_peer = ToPeer {
            channel,
            failures: failures.clone(),
            on_write: on_write.clone(),
        };
        let stream = Stream::from_parts(client.connection, Both { from_peer, to_peer }, &[]);
        let (reader, writer) = stream.split_with(|both| (both.from_peer, both.to_peer)).unwrap();
        Self {
            reader,
            writer,
            to_client,
            from_client,
            failures,
            on_write,
            server,
            forger,
        }
    }

    /// The server's record of this number arrives.
    fn say(&self, sequence: u64, typ: u8, content: &[u8]) {
        self.to_client.send(self.forger.seal(Sender::Server, sequence, typ, content)).unwrap();
    }

    /// The server receives what the client has written so far.
    fn hear(&mut self) -> Result<(), Error> {
        let wire: Vec<u8> = self.from_client.try_iter().flatten().collect();
        self.server.take(&wire)
    }
}

#[test]
fn an_idle_writer_leaves_no_alert_unsent() {
    let mut scene = Scene::new(9, false);
    scene.say(1, HANDSHAKE, &[0; 4]);
    scene.say(2, APPLICATION_DATA, b"x");
    assert_eq!(scene.reader.read(&mut [0; 9]).unwrap(), 1);
    // The refusal of another handshake, a warning.
    assert_eq!(scene.from_client.try_recv().unwrap()[0], ALERT);
    let mut scene = Scene::new(9, false);
    scene.say(1, 24, &[1]);
    for _ in 0..2 {
        let error = scene.reader.read(&mut [0; 9]).unwrap_err();
        assert!(matches!(
            inner(&error),
            Error::Peer(PeerError::UnexpectedRecord(_))
        ));
        let error = scene.writer.write(b"late").unwrap_err();
        assert!(matches!(
            inner(&error),
            Error::Peer(PeerError::UnexpectedRecord(_))
        ));
    }
    let alert = alert_received(scene.hear());
    assert_eq!(alert, AlertDescription::UNEXPECTED_MESSAGE);
}

/// The reader goes on with what it has, and the writer sends the reply when it can.
#[test]
fn a_reader_does_not_wait_for_a_writer_that_is_stuck() {
    let mut scene = Scene::new(1, false);
    // The next write has to wait for the peer.
    scene.writer.write_all(b"first").unwrap();
    let (begun, begins) = mpsc::channel();
    *scene.on_write.lock().unwrap() = Some(begun);
    let mut writer = scene.writer;
    let writing = std::thread::spawn(move || writer.write_all(b"stuck"));
    begins.recv().unwrap();
    let requests = [(1, HANDSHAKE, &[0; 4][..]), (2, APPLICATION_DATA, b"x")];
    for (sequence, typ, content) in requests {
        scene.to_client.send(scene.forger.seal(Sender::Server, sequence, typ, content)).unwrap();
    }
    assert_eq!(scene.reader.read(&mut [0; 9]).unwrap(), 1);
    let records = [(); 3].map(|()| scene.from_client.recv().unwrap()[0]);
    assert_eq!(records, [APPLICATION_DATA, APPLICATION_DATA, ALERT]);
    writing.join().unwrap().unwrap();
}

/// Each thinks that the other one replies: that must not be, whatever they do at the same time.
#[test]
fn a_reply_is_not_left_to_each_other() {
    let mut scene = Scene::new(9, false);
    for turn in 0..500 {
        let request = scene.forger.seal(Sender::Server, 1 + 2 * turn, HANDSHAKE, &[0; 4]);
        let data = scene.forger.seal(Sender::Server, 2 + 2 * turn, APPLICATION_DATA, b"x");
        scene.to_client.send([request, data].concat()).unwrap();
        std::thread::scope(|scope| {
            scope.spawn(|| scene.writer.write_all(b"y").unwrap());
            scope.spawn(|| assert_eq!(scene.reader.read(&mut [0; 9]).unwrap(), 1));
        });
        let wire: Vec<u8> = scene.from_client.try_iter().flatten().collect();
        let types = records(&wire).iter().map(|record| record[0]).collect::<BTreeSet<_>>();
        assert_eq!(types, BTreeSet::from([ALERT, APPLICATION_DATA]), "{turn}");
    }
}

#[test]
fn a_reply_that_the_transport_refuses_is_tried_again() {
    for writer_first in [false, true] {
        let mut scene = Scene::new(9, false);
        *scene.failures.lock().unwrap() = 1;
        let request = scene.forger.seal(Sender::Server, 1, HANDSHAKE, &[0; 4]);
        let data = scene.forger.seal(Sender::Server, 2, APPLICATION_DATA, b"x");
        scene.to_client.send([request, data].concat()).unwrap();
        assert_eq!(scene.reader.read(&mut [0; 9]).unwrap(), 1);
        assert!(scene.from_client.try_recv().is_err());
        if writer_first {
            scene.writer.flush().unwrap();
        } else {
            scene.say(3, APPLICATION_DATA, b"y");
            assert_eq!(scene.reader.read(&mut [0; 9]).unwrap(), 1);
        }
        assert_eq!(scene.from_client.try_recv().unwrap()[0], ALERT);
        assert!(scene.from_client.try_recv().is_err());
    }
}

#[test]
fn the_peers_close_is_answered_by_the_reader_where_that_is_set() {
    let mut scene = Scene::new(9, true);
    scene.say(1, ALERT, &[1, 0]);
    for _ in 0..2 {
        assert_eq!(scene.reader.read(&mut [0]).unwrap(), 0);
    }
    scene.hear().unwrap();
    assert_eq!(scene.server.events.last().unwrap(), "PeerClosed");
    let late = scene.writer.write(b"late").unwrap_err();
    assert_eq!(inner(&late), &Misuse::Closed.into());
    scene.writer.close().unwrap();
    assert!(scene.from_client.try_recv().is_err());
}

#[test]
fn a_transport_that_ends_stops_both() {
    let mut scene = Scene::new(9, false);
    drop(scene.to_client);
    for _ in 0..2 {
        let error = scene.reader.read(&mut [0]).unwrap_err();
        assert_eq!(
            (error.kind(), inner(&error)),
            (ErrorKind::UnexpectedEof, &Error::Truncated)
        );
        assert_eq!(scene.reader.read(&mut []).unwrap(), 0);
        let error = scene.writer.write(b"late").unwrap_err();
        assert_eq!(inner(&error), &Error::Truncated);
    }
    assert!(scene.from_client.try_recv().is_err());
}

#[test]
fn a_failed_write_is_the_writers() {
    let mut scene = Scene::new(9, false);
    *scene.failures.lock().unwrap() = 2;
    // The first is accepted and kept; the second finds it there.
    assert_eq!(scene.writer.write(b"kept").unwrap(), 4);
    assert_eq!(
        scene.writer.write(b"refused").unwrap_err().kind(),
        ErrorKind::WouldBlock
    );
    scene.writer.write_all(b"sent").unwrap();
    scene.hear().unwrap();
    assert_eq!(scene.server.received, b"keptsent");
    drop(scene.from_client);
    let _ = scene.writer.write(b"lost");
    assert_eq!(
        scene.writer.flush().unwrap_err().kind(),
        ErrorKind::BrokenPipe
    );
    scene
        .to_client
        .send(scene.forger.seal(Sender::Server, 1, APPLICATION_DATA, b"x"))
        .unwrap();
    assert_eq!(scene.reader.read(&mut [0; 9]).unwrap(), 1);
}

/// The stream, which goes on.
#[test]
fn a_stream_that_cannot_be_split_is_given_back() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let transport = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let client = client_builder().accept_renegotiation(Renegotiation::SameCertificate);
    let config = Arc::new(client.build().unwrap());
    let stream = Stream::client(config, name(), transport).unwrap();
    let refused = stream.split().unwrap_err();
    assert_eq!(refused.error, Misuse::HandshakeIncomplete.into());

    let server = std::thread::spawn(move || {
        let config = Arc::new(server_builder().build().unwrap());
        let mut stream = Stream::server(config, listener.accept().unwrap().0);
        stream.write_all(b"data").unwrap();
        stream.close().unwrap();
    });
    let mut stream = refused.whole;
    let mut data = [0; 2];
    stream.read_exact(&mut data).unwrap();
    // It holds what is left of the data.
    let refused = stream.split().unwrap_err();
    assert_eq!(refused.error, Misuse::MayRenegotiate.into());
    let mut rest = Vec::new();
    { refused.whole }.read_to_end(&mut rest).unwrap();
    assert_eq!(rest, b"ta");
    server.join().unwrap();
}

#[test]
fn halves_can_go_to_other_threads() {
    fn is_send<T: Send + 'static>(_: &T) {}
    let scene = Scene::new(1, false);
    is_send(&scene.reader);
    is_send(&scene.writer);
}
