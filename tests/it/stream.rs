//! The blocking adapter, over loopback TCP and over transports that misbehave.

use premaster::error::{CertificateFault, Misuse};
use premaster::protocol::AlertDescription;
use premaster::{ClientConfig, Connection, Error, Pending, ServerConfig, Stream};
use premaster_testing::pair::End;
use premaster_testing::wire::record;
use premaster_testing::{client_builder, name, rng, roots, server_builder};
use std::collections::VecDeque;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

const TIMEOUT: Option<Duration> = Some(Duration::from_secs(20));

/// A server on a thread of its own, and a transport that leads to it.
fn serve<T: Send + 'static>(
    work: impl FnOnce(Stream<TcpStream>) -> T + Send + 'static,
) -> (TcpStream, JoinHandle<T>) {
    serve_with(Arc::new(server_builder().build().unwrap()), work)
}

fn serve_with<T: Send + 'static>(
    config: Arc<ServerConfig>,
    work: impl FnOnce(Stream<TcpStream>) -> T + Send + 'static,
) -> (TcpStream, JoinHandle<T>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let transport = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    transport.set_read_timeout(TIMEOUT).unwrap();
    let server = std::thread::spawn(move || {
        let (transport, _) = listener.accept().unwrap();
        transport.set_read_timeout(TIMEOUT).unwrap();
        work(Stream::server(config, transport))
    });
    (transport, server)
}

fn client<S: Read + Write>(transport: S) -> Stream<S> {
    let config = Arc::new(client_builder().build().unwrap());
    Stream::client(config, name(), transport).unwrap()
}

/// The connection's error inside an I/O error.
fn inner(error: &io::Error) -> &Error {
    error.get_ref().unwrap().downcast_ref().unwrap()
}

#[test]
fn data_both_ways_and_a_clean_close() {
    let (transport, server) = serve(|mut stream| {
        let mut request = vec![0; 100_000];
        stream.read_exact(&mut request).unwrap();
        stream.write_all(&request).unwrap();
        // The client closes first; the answer can still be finished.
        for _ in 0..2 {
            assert_eq!(stream.read(&mut [0]).unwrap(), 0);
            stream.write_all(b"last").unwrap();
        }
        stream.close().unwrap();
        stream.close().unwrap();
        assert_eq!(
            stream.write(b"late").unwrap_err().kind(),
            ErrorKind::NotConnected
        );
        request
    });
    let mut stream = client(transport);
    let data: Vec<u8> = (0..100_000u32).map(|i| (i >> 3) as u8).collect();
    stream.write_all(&data).unwrap();
    let mut answer = vec![0; data.len()];
    // Through a window that never fits a record.
    for piece in answer.chunks_mut(333) {
        stream.read_exact(piece).unwrap();
    }
    assert_eq!(answer, data);
    assert!(stream.connection().session().is_some());
    stream.close().unwrap();
    assert_eq!(stream.read(&mut []).unwrap(), 0);
    let mut rest = Vec::new();
    stream.read_to_end(&mut rest).unwrap();
    assert_eq!(rest, b"lastlast");
    assert_eq!(server.join().unwrap(), data);
}

#[test]
fn a_server_that_closes_with_its_peer_sends_nothing_more() {
    let config = server_builder().close_with_peer().build().unwrap();
    let (transport, server) = serve_with(Arc::new(config), |mut stream| {
        assert_eq!(stream.read(&mut [0]).unwrap(), 0);
        let late = stream.write(b"late").unwrap_err();
        assert_eq!(late.kind(), ErrorKind::NotConnected);
    });
    let mut stream = client(transport);
    stream.complete_handshake().unwrap();
    stream.close().unwrap();
    assert_eq!(stream.read(&mut [0]).unwrap(), 0);
    server.join().unwrap();
}

#[test]
fn a_session_is_resumed_at_its_own_address() {
    let server_config = Arc::new(server_builder().build().unwrap());
    let client_config = Arc::new(client_builder().build().unwrap());
    let connect = |address: [u8; 4]| {
        let work = |mut stream: Stream<TcpStream>| stream.complete_handshake().unwrap();
        let (transport, server) = serve_with(server_config.clone(), work);
        let address = (address, 4433).into();
        let mut stream =
            Stream::client_at(client_config.clone(), name(), address, transport).unwrap();
        stream.complete_handshake().unwrap();
        server.join().unwrap();
        let session = stream.connection().session().unwrap();
        session.resumption().is_resumed()
    };
    assert!(!connect([192, 0, 2, 1]));
    assert!(connect([192, 0, 2, 1]));
    assert!(!connect([192, 0, 2, 2]));
}

#[test]
fn a_transport_that_just_ends_is_truncation() {
    let (transport, server) = serve(|mut stream| {
        stream.write_all(b"half of it").unwrap();
    });
    let mut stream = client(transport);
    let mut answer = Vec::new();
    let error = stream.read_to_end(&mut answer).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::UnexpectedEof);
    assert_eq!(inner(&error), &Error::Truncated);
    assert_eq!(answer, b"half of it");
    server.join().unwrap();
}

#[test]
fn both_sides_learn_why_a_handshake_failed() {
    let (transport, server) = serve(|mut stream| stream.complete_handshake().unwrap_err());
    let config = Arc::new(client_builder().build().unwrap());
    let other = "other.example".try_into().unwrap();
    let mut stream = Stream::client(config, other, transport).unwrap();
    let error = stream.complete_handshake().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidData);
    let fault = premaster_testing::fault(Err(inner(&error).clone()));
    assert!(matches!(fault, CertificateFault::NameMismatch { .. }));
    assert_eq!(inner(&stream.write(b"data").unwrap_err()), inner(&error));
    let error = server.join().unwrap();
    assert_eq!(error.kind(), ErrorKind::ConnectionAborted);
    assert_eq!(
        inner(&error).alert_received(),
        Some(AlertDescription::BAD_CERTIFICATE)
    );
}

#[test]
fn a_pause_is_answered_and_the_handshake_goes_on() {
    let (transport, server) = serve(|mut stream| stream.write_all(b"welcome"));
    let config = ClientConfig::builder_with_caller_verification().rng(rng(1)).build();
    let mut stream = Stream::client(Arc::new(config.unwrap()), name(), transport).unwrap();
    for _ in 0..2 {
        let error = stream.complete_handshake().unwrap_err();
        // No timeout, although the transport has one.
        assert_eq!(error.kind(), ErrorKind::Other);
        assert_eq!(inner(&error), &Misuse::Paused.into());
    }
    let Some(Pending::VerifyCertificate(pending)) = stream.pending() else {
        panic!("nothing pending");
    };
    let answer = pending.answer(pending.verify(&roots().into(), premaster_testing::now()));
    stream.resume(answer).unwrap();
    let mut answer = [0; 7];
    stream.read_exact(&mut answer).unwrap();
    assert_eq!(&answer, b"welcome");
    server.join().unwrap().unwrap();
}

const SHORT: Option<Duration> = Some(Duration::from_millis(2));

/// Two ends of a loopback connection; reads of the first one time out soon.
fn impatient() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let near = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let (far, _) = listener.accept().unwrap();
    near.set_read_timeout(SHORT).unwrap();
    far.set_read_timeout(TIMEOUT).unwrap();
    (near, far)
}

/// The timeout of a transport, as the operating system reports it, with nothing of TLS inside.
#[track_caller]
fn assert_timeout<T: std::fmt::Debug>(result: io::Result<T>) {
    let error = result.unwrap_err();
    let kinds = [ErrorKind::WouldBlock, ErrorKind::TimedOut];
    assert!(kinds.contains(&error.kind()), "{error:?}");
    assert!(error.get_ref().is_none(), "{error:?}");
    assert!(error.raw_os_error().is_some(), "{error:?}");
}

/// Waits until what was written to the other end is there to be read.
fn arrived(near: &TcpStream) {
    near.set_read_timeout(TIMEOUT).unwrap();
    assert!(near.peek(&mut [0]).unwrap() > 0);
    near.set_read_timeout(SHORT).unwrap();
}

/// Reads what the client has written, has the server take it in, and writes its answer.
fn answer(near: &TcpStream, far: &mut TcpStream, server: &mut End) {
    let mut input = vec![0; 1 << 14];
    let count = far.read(&mut input).unwrap();
    server.take(&input[..count]).unwrap();
    far.write_all(&std::mem::take(&mut server.outgoing)).unwrap();
    arrived(near);
}

#[test]
fn a_timeout_is_the_transports_and_the_next_call_goes_on() {
    let (near, mut far) = impatient();
    let mut server = premaster_testing::pair(client_builder(), server_builder()).server;
    let mut stream = client(near);
    for _ in 0..2 {
        // In the handshake, before the first answer and after it.
        assert_timeout(stream.complete_handshake());
        assert_timeout(stream.read(&mut [0]));
        answer(stream.transport(), &mut far, &mut server);
    }
    stream.complete_handshake().unwrap();
    assert_timeout(stream.read(&mut [0; 10]));

    // In a header, and in the middle of a record.
    server.send(b"slowly");
    let record = std::mem::take(&mut server.outgoing);
    let mut rest = &record[..];
    for count in [3, 10] {
        let (part, after) = rest.split_at(count);
        far.write_all(part).unwrap();
        rest = after;
        assert_timeout(stream.read(&mut [0; 10]));
    }
    far.write_all(rest).unwrap();
    arrived(stream.transport());
    let mut data = [0; 6];
    stream.read_exact(&mut data).unwrap();
    assert_eq!(&data, b"slowly");

    // The timeout can be changed on the way.
    stream.transport_mut().set_read_timeout(TIMEOUT).unwrap();
    assert_eq!(stream.transport().read_timeout().unwrap(), TIMEOUT);
    server.send(b"later");
    far.write_all(&server.outgoing).unwrap();
    stream.read_exact(&mut data[..5]).unwrap();
    assert_eq!(&data[..5], b"later");
}

/// A pause is told apart from a timeout on one and the same transport.
#[test]
fn a_pause_is_not_a_timeout() {
    let (near, mut far) = impatient();
    let mut server = premaster_testing::pair(client_builder(), server_builder()).server;
    let config = ClientConfig::builder_with_caller_verification().rng(rng(1)).build();
    let mut stream = Stream::client(Arc::new(config.unwrap()), name(), near).unwrap();
    assert_timeout(stream.complete_handshake());
    assert!(stream.pending().is_none());
    answer(stream.transport(), &mut far, &mut server);
    let error = stream.complete_handshake().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Other);
    assert_eq!(inner(&error), &Misuse::Paused.into());
    let Some(Pending::VerifyCertificate(pending)) = stream.pending() else {
        panic!("nothing pending");
    };
    let verdict = pending.verify(&roots().into(), premaster_testing::now());
    stream.resume(pending.answer(verdict)).unwrap();
    assert_timeout(stream.complete_handshake());
}

/// The first bytes are read without a stream, and what is left of a stream is used without one.
#[test]
fn a_stream_is_made_of_parts_and_taken_apart() {
    let (near, mut far) = impatient();
    near.set_read_timeout(TIMEOUT).unwrap();
    let config = Arc::new(server_builder().build().unwrap());
    let server = std::thread::spawn(move || {
        let mut first = [0; 100];
        far.read_exact(&mut first).unwrap();
        let mut stream = Stream::from_parts(Connection::server(config), far, &first);
        let mut byte = [0];
        stream.read_exact(&mut byte).unwrap();
        assert_eq!(&byte, b"a");
        let mut parts = stream.into_parts();
        assert_eq!(parts.plaintext, b"bc");
        assert!(parts.outgoing.is_empty());
        parts.connection.send(&parts.plaintext, &mut parts.outgoing).unwrap();
        parts.connection.close(&mut parts.outgoing);
        parts.transport.write_all(&parts.outgoing).unwrap();
    });
    let mut stream = client(near);
    stream.write_all(b"abc").unwrap();
    let mut data = Vec::new();
    stream.read_to_end(&mut data).unwrap();
    assert_eq!(data, b"bc");
    server.join().unwrap();
}

/// A connection whose handshake was made without a stream continues in one.
#[test]
fn a_stream_begins_in_the_middle_of_a_connection() {
    let mut pair = premaster_testing::pair(client_builder(), server_builder()).established();
    pair.server.send(b"hello");
    let received = std::mem::take(&mut pair.server.outgoing);
    let memory = Memory::default();
    let mut stream = Stream::from_parts(pair.client.connection, memory.clone(), &received[..7]);
    memory.0.lock().unwrap().to_client.extend(&received[7..]);
    let mut data = [0; 5];
    stream.read_exact(&mut data).unwrap();
    assert_eq!(&data, b"hello");
    stream.write_all(b"and back").unwrap();
    memory.deliver(&mut pair.server);
    assert_eq!(pair.server.received, b"and back");

    // What the transport did not accept is among the parts.
    memory.fail_writes(Some(ErrorKind::WouldBlock));
    assert_eq!(stream.write(b"unsent").unwrap(), 6);
    let parts = stream.into_parts();
    pair.server.take(&parts.outgoing).unwrap();
    assert_eq!(pair.server.received, b"and backunsent");
}

/// A transport that gives and takes a few bytes at a time and, every other time, is interrupted or
/// not ready.
struct Reluctant<S> {
    inner: S,
    mood: ErrorKind,
    reads: usize,
    writes: usize,
}

impl<S> Reluctant<S> {
    fn new(inner: S, mood: ErrorKind) -> Self {
        Self {
            inner,
            mood,
            reads: 0,
            writes: 0,
        }
    }
}

/// Whether a call goes through, the calls before it having been counted.
fn willing(calls: &mut usize, mood: ErrorKind) -> io::Result<()> {
    *calls += 1;
    match *calls % 2 {
        0 => Ok(()),
        _ => Err(mood.into()),
    }
}

impl<S: Read> Read for Reluctant<S> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        willing(&mut self.reads, self.mood)?;
        let length = out.len().min(700);
        self.inner.read(&mut out[..length])
    }
}

impl<S: Write> Write for Reluctant<S> {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        willing(&mut self.writes, self.mood)?;
        self.inner.write(&data[..data.len().min(100)])
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

/// Nothing is lost and nothing comes twice, whatever the transport's mood.
#[test]
fn transports_may_be_slow_interrupted_and_not_ready() {
    for mood in [ErrorKind::Interrupted, ErrorKind::WouldBlock] {
        let (transport, server) = serve(|mut stream| {
            let mut request = [0; 1000];
            stream.read_exact(&mut request).unwrap();
            stream.write_all(&request).unwrap();
            stream.close().unwrap();
        });
        // What is not ready to be written may not keep the reading for long either.
        let soon = Some(Duration::from_millis(5));
        transport.set_read_timeout(soon).unwrap();
        let mut stream = client(Reluctant::new(transport, mood));
        let data: Vec<u8> = (0..1000u32).map(|i| i as u8).collect();
        let mut written = 0;
        let mut answer = Vec::new();
        let mut buffer = [0; 90];
        for _ in 0..10_000 {
            let result = if written < data.len() {
                stream.write(&data[written..]).map(|count| {
                    written += count;
                    None
                })
            } else {
                stream.flush().and_then(|()| stream.read(&mut buffer)).map(Some)
            };
            match result {
                Ok(Some(0)) => break,
                Ok(Some(count)) => answer.extend_from_slice(&buffer[..count]),
                Ok(None) => {}
                Err(error) => assert_eq!(error.kind(), ErrorKind::WouldBlock),
            }
        }
        assert_eq!(answer, data, "{mood}");
        server.join().unwrap();
    }
}

/// A transport in memory whose writes can be made to fail.
#[derive(Clone, Default)]
struct Memory(Arc<Mutex<Pipes>>);

#[derive(Default)]
struct Pipes {
    to_server: Vec<u8>,
    to_client: VecDeque<u8>,
    write_fails: Option<ErrorKind>,
    writes: usize,
}

impl Read for Memory {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let mut pipes = self.0.lock().unwrap();
        if pipes.to_client.is_empty() {
            Err(ErrorKind::WouldBlock.into())
        } else {
            pipes.to_client.read(out)
        }
    }
}

impl Write for Memory {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        let mut pipes = self.0.lock().unwrap();
        if let Some(kind) = pipes.write_fails {
            return Err(kind.into());
        }
        pipes.writes += 1;
        let taken = &data[..data.len().min(1000)];
        pipes.to_server.extend_from_slice(taken);
        Ok(taken.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Memory {
    fn fail_writes(&self, kind: Option<ErrorKind>) {
        self.0.lock().unwrap().write_fails = kind;
    }

    /// Has the server take in what was written, and say what it has to say.
    fn deliver(&self, server: &mut End) {
        let mut pipes = self.0.lock().unwrap();
        server.take(&std::mem::take(&mut pipes.to_server)).unwrap();
        pipes.to_client.extend(server.outgoing.drain(..));
    }
}

/// A client's stream over memory, its handshake complete, and the server's end.
#[track_caller]
fn in_memory() -> (Stream<Memory>, End, Memory) {
    let memory = Memory::default();
    let mut stream = client(memory.clone());
    let mut server = premaster_testing::pair(client_builder(), server_builder()).server;
    for _ in 0..2 {
        let error = stream.complete_handshake().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::WouldBlock);
        memory.deliver(&mut server);
    }
    stream.complete_handshake().unwrap();
    (stream, server, memory)
}

#[test]
fn what_the_peer_said_is_read_though_nothing_can_be_written() {
    let (mut stream, mut server, memory) = in_memory();
    server.send(b"413 too large");
    server.close();
    memory.deliver(&mut server);
    memory.fail_writes(Some(ErrorKind::BrokenPipe));
    let mut room = [0; 5];
    assert_eq!(stream.read(&mut room).unwrap(), 5);
    // The failure shows at the write that follows the one it hit.
    let failed = (0..2).find_map(|_| stream.write(b"more").err()).unwrap();
    assert_eq!(failed.kind(), ErrorKind::BrokenPipe);
    let mut rest = Vec::new();
    stream.read_to_end(&mut rest).unwrap();
    assert_eq!([&room[..], &rest].concat(), b"413 too large");
}

#[test]
fn the_peers_alert_is_read_though_the_flight_cannot_be_written() {
    let memory = Memory::default();
    let alert = record(21, &[2, 40]);
    memory.0.lock().unwrap().to_client.extend(alert);
    memory.fail_writes(Some(ErrorKind::BrokenPipe));
    let error = client(memory).complete_handshake().unwrap_err();
    assert_eq!(
        inner(&error).alert_received(),
        Some(AlertDescription::HANDSHAKE_FAILURE)
    );
    // With nothing to read, the failed write is what is told.
    let memory = Memory::default();
    memory.fail_writes(Some(ErrorKind::BrokenPipe));
    let error = client(memory).complete_handshake().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::BrokenPipe);
}

/// A transport that takes everything and gives nothing: its peer closes it, or resets it.
struct Gone(Option<ErrorKind>);

impl Read for Gone {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        self.0.map_or(Ok(0), |kind| Err(kind.into()))
    }
}

impl Write for Gone {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        Ok(data.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_peer_that_hangs_up_in_the_handshake_is_told_by_kind_and_inside() {
    for (reset, kind) in [
        (None, ErrorKind::UnexpectedEof),
        (Some(ErrorKind::ConnectionReset), ErrorKind::ConnectionReset),
    ] {
        let config = Arc::new(server_builder().build().unwrap());
        let error = Stream::server(config, Gone(reset)).complete_handshake().unwrap_err();
        assert_eq!(error.kind(), kind);
        assert!(inner(&error).peer_was_silent());
        let mut stream = client(Gone(reset));
        let error = stream.complete_handshake().unwrap_err();
        assert_eq!(error.kind(), kind);
        assert!(matches!(inner(&error), Error::HungUp(_)), "{error}");
        assert!(stream.write(b"data").is_err());
    }
    // Another failure of the transport is its own.
    let error = client(Gone(Some(ErrorKind::TimedOut))).complete_handshake().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TimedOut);
    assert!(error.get_ref().is_none());
}

/// Two sides that write more than the transport holds must both go on reading.
#[test]
fn a_transport_that_is_full_does_not_stop_the_reading() {
    let (mut stream, mut server, memory) = in_memory();
    memory.fail_writes(Some(ErrorKind::WouldBlock));
    assert_eq!(stream.write(b"waits").unwrap(), 5);
    server.send(b"hello");
    memory.deliver(&mut server);
    let mut room = [0; 10];
    assert_eq!(stream.read(&mut room).unwrap(), 5);
    // What is kept is bounded: nothing more is taken before it has gone.
    let error = stream.write(b"more").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::WouldBlock);
    memory.fail_writes(None);
    stream.write_all(b" and more").unwrap();
    memory.deliver(&mut server);
    assert_eq!(server.received, b"waits and more");
}

#[test]
fn what_a_write_took_is_sent_once_whatever_the_transport_says() {
    for kind in [ErrorKind::TimedOut, ErrorKind::WouldBlock, ErrorKind::Other] {
        let (mut stream, mut server, memory) = in_memory();
        memory.fail_writes(Some(kind));
        let mut left = 2;
        while let Err(error) = stream.write_all(b"pay 10;") {
            assert_eq!(error.kind(), kind);
            left -= 1;
            assert!(left > 0);
        }
        assert_eq!(stream.flush().unwrap_err().kind(), kind);
        memory.fail_writes(None);
        stream.flush().unwrap();
        memory.deliver(&mut server);
        assert_eq!(server.received, b"pay 10;");
    }
}

#[test]
fn a_long_write_takes_a_bounded_piece_and_each_byte_goes_once() {
    let (mut stream, mut server, memory) = in_memory();
    let data = vec![7; 1 << 20];
    assert_eq!(stream.write(&data).unwrap(), 1 << 16);
    stream.write_all(&data[1 << 16..]).unwrap();
    let writes = memory.0.lock().unwrap().writes;
    assert!(writes < data.len() / 1000 * 11 / 10, "{writes}");
    memory.deliver(&mut server);
    assert_eq!(server.received, data);
}

#[test]
fn a_transport_that_takes_nothing_is_an_error() {
    struct Full;
    impl Read for Full {
        fn read(&mut self, _out: &mut [u8]) -> io::Result<usize> {
            Ok(0)
        }
    }
    impl Write for Full {
        fn write(&mut self, _data: &[u8]) -> io::Result<usize> {
            Ok(0)
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let error = client(Full).complete_handshake().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::WriteZero);
}
