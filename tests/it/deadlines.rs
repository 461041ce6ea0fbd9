//! The deadline of a handshake over a blocking transport.

use premaster::error::HandshakeTimedOut;
use premaster::protocol::HandshakeType;
use premaster::{Stream, Timeouts};
use premaster_testing::pair::End;
use premaster_testing::{client_builder, name, pair, server_builder};
use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::rc::Rc;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);

/// What the deadline's error has inside.
#[track_caller]
fn timed_out(result: io::Result<()>) -> HandshakeTimedOut {
    let error = result.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TimedOut);
    error.downcast().unwrap()
}

/// A transport whose other end is a server in memory, which answers byte by byte, and which notes the
/// timeout of each call.
struct Noting {
    server: RefCell<End>,
    to_client: VecDeque<u8>,
    own: Rc<[Cell<Option<Duration>>; 2]>,
    noted: Rc<RefCell<Vec<[Option<Duration>; 2]>>>,
    /// Whether a write is taken.
    open: Rc<Cell<bool>>,
}

impl Noting {
    fn new(read: Option<Duration>, write: Option<Duration>) -> Self {
        Self {
            server: RefCell::new(pair(client_builder(), server_builder()).server),
            to_client: VecDeque::new(),
            own: Rc::new([Cell::new(read), Cell::new(write)]),
            noted: Rc::default(),
            open: Rc::new(Cell::new(true)),
        }
    }

    fn note(&self) {
        self.noted.borrow_mut().push([self.own[0].get(), self.own[1].get()]);
    }
}

impl Read for Noting {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        self.note();
        self.to_client.extend(self.server.borrow_mut().outgoing.drain(..));
        let Some(byte) = self.to_client.pop_front() else {
            return Err(ErrorKind::WouldBlock.into());
        };
        out[0] = byte;
        Ok(1)
    }
}

impl Write for Noting {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        self.note();
        if !self.open.get() {
            return Err(ErrorKind::WouldBlock.into());
        }
        self.server.borrow_mut().take(data).unwrap();
        Ok(data.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Timeouts for Noting {
    fn read_timeout(&self) -> io::Result<Option<Duration>> {
        Ok(self.own[0].get())
    }

    fn set_read_timeout(&self, timeout: Option<Duration>) -> io::Result<()> {
        self.own[0].set(timeout);
        Ok(())
    }

    fn write_timeout(&self) -> io::Result<Option<Duration>> {
        Ok(self.own[1].get())
    }

    fn set_write_timeout(&self, timeout: Option<Duration>) -> io::Result<()> {
        self.own[1].set(timeout);
        Ok(())
    }
}

fn client<S: Read + Write>(transport: S) -> Stream<S> {
    let config = Arc::new(client_builder().build().unwrap());
    Stream::client(config, name(), transport).unwrap()
}

#[test]
fn each_call_has_the_time_that_is_left_and_then_the_transport_its_own() {
    let transport = Noting::new(Some(HOUR), None);
    let (noted, own) = (Rc::clone(&transport.noted), Rc::clone(&transport.own));
    let mut stream = client(transport);
    stream.set_handshake_deadline(Some(Instant::now() + MINUTE));
    stream.complete_handshake().unwrap();
    assert_eq!([own[0].get(), own[1].get()], [Some(HOUR), None]);

    let calls = noted.take();
    let mut left = MINUTE + Duration::from_secs(1);
    let mut reads = 0;
    for [read, write] in calls {
        // Each call shortens its own direction; the other one stays as it was.
        let now = if write.is_none() { read } else { write }.unwrap();
        assert!(now <= left, "{now:?} of {left:?}");
        reads += usize::from(write.is_none());
        left = now;
    }
    assert!(reads > 100, "{reads}");

    // The deadline has no part in what comes after the handshake.
    let error = stream.read(&mut [0]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::WouldBlock);
    assert_eq!(noted.take(), [[Some(HOUR), None]]);
}

#[test]
fn a_shorter_timeout_of_the_transport_stays() {
    let second = Some(Duration::from_secs(1));
    let transport = Noting::new(second, second);
    let noted = Rc::clone(&transport.noted);
    let mut stream = client(transport);
    stream.set_handshake_deadline(Some(Instant::now() + MINUTE));
    stream.complete_handshake().unwrap();
    assert!(noted.borrow().iter().all(|&call| call == [second, second]));
}

#[test]
fn after_the_deadline_nothing_is_read_and_a_later_one_goes_on() {
    let transport = Noting::new(None, None);
    let noted = Rc::clone(&transport.noted);
    let mut stream = client(transport);
    stream.set_handshake_deadline(Some(Instant::now()));
    for _ in 0..2 {
        let error = timed_out(stream.complete_handshake());
        let moment = error.moment().unwrap();
        assert_eq!(moment.awaited(), "server_hello");
        assert_eq!(moment.sent(), Some(HandshakeType::CLIENT_HELLO));
        assert!(error.peer_was_silent());
        assert_eq!(
            error.to_string(),
            "the handshake was not complete by its deadline: the peer did not send a byte; \
             client_hello was sent, server_hello was awaited"
        );
    }
    // Reads and writes that complete the handshake first are bound by it as well.
    timed_out(stream.read(&mut [0]).map(|_| ()));
    timed_out(stream.write(b"data").map(|_| ()));
    assert!(noted.borrow().is_empty());
    stream.set_handshake_deadline(Some(Instant::now() + MINUTE));
    stream.complete_handshake().unwrap();
}

#[test]
fn a_last_flight_that_is_not_read_is_late_too() {
    let transport = Noting::new(None, None);
    let open = Rc::clone(&transport.open);
    // The client of an abbreviated handshake has the last word.
    let config = Arc::new(client_builder().build().unwrap());
    let server = Arc::new(server_builder().build().unwrap());
    let connect = |transport: Noting| {
        *transport.server.borrow_mut() =
            End::new(premaster::Connection::server(server.clone()), Vec::new());
        Stream::client(config.clone(), name(), transport).unwrap()
    };
    connect(Noting::new(None, None)).complete_handshake().unwrap();
    let mut stream = connect(transport);
    stream.set_handshake_deadline(Some(Instant::now() + MINUTE));
    stream.flush().unwrap();
    open.set(false);
    let error = stream.complete_handshake().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::WouldBlock);
    assert!(stream.connection().session().unwrap().resumption().is_resumed());

    stream.set_handshake_deadline(Some(Instant::now()));
    let error = timed_out(stream.flush());
    assert_eq!(error.moment(), None);
    assert!(error.to_string().ends_with("the peer did not read the last flight"));
    // A read, with nothing to read, tells it as well.
    timed_out(stream.read(&mut [0]).map(|_| ()));
}

/// A peer that sends a byte every millisecond, of a hello that never ends.
struct Dripping {
    sent: usize,
    transport: Noting,
}

impl Read for Dripping {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        thread::sleep(Duration::from_millis(1));
        let beginning = [22, 3, 3, 0x40, 0, 1, 0, 0x3f, 0xfc];
        out[0] = beginning.get(self.sent).copied().unwrap_or(3);
        self.sent += 1;
        Ok(1)
    }
}

impl Write for Dripping {
    fn write(&mut self, _: &[u8]) -> io::Result<usize> {
        Err(ErrorKind::WouldBlock.into())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Timeouts for Dripping {
    fn read_timeout(&self) -> io::Result<Option<Duration>> {
        self.transport.read_timeout()
    }

    fn set_read_timeout(&self, timeout: Option<Duration>) -> io::Result<()> {
        self.transport.set_read_timeout(timeout)
    }

    fn write_timeout(&self) -> io::Result<Option<Duration>> {
        self.transport.write_timeout()
    }

    fn set_write_timeout(&self, timeout: Option<Duration>) -> io::Result<()> {
        self.transport.set_write_timeout(timeout)
    }
}

#[test]
fn a_peer_that_drips_does_not_outlast_the_deadline() {
    let config = Arc::new(server_builder().build().unwrap());
    let transport = Noting::new(Some(HOUR), Some(HOUR));
    let mut stream = Stream::server(config, Dripping { sent: 0, transport });
    stream.set_handshake_deadline(Some(Instant::now() + Duration::from_millis(30)));
    let error = timed_out(stream.complete_handshake());
    assert_eq!(error.moment().unwrap().awaited(), "client_hello");
    assert!(!error.peer_was_silent());
}

/// Two ends of a TCP connection.
fn connected() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let peer = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    (listener.accept().unwrap().0, peer)
}

#[test]
fn a_silent_peer_and_one_that_does_not_read_do_not_outlast_it_over_tcp() {
    let soon = || Some(Instant::now() + Duration::from_millis(50));
    let (transport, _silent) = connected();
    let config = Arc::new(server_builder().build().unwrap());
    let mut stream = Stream::server(config, &transport);
    stream.set_handshake_deadline(soon());
    assert!(timed_out(stream.complete_handshake()).peer_was_silent());
    assert_eq!(transport.read_timeout().unwrap(), None);
    assert_eq!(transport.write_timeout().unwrap(), None);

    let (mut transport, _does_not_read) = connected();
    transport.set_nonblocking(true).unwrap();
    while transport.write(&[0; 4096]).is_ok() {}
    transport.set_nonblocking(false).unwrap();
    let mut stream = client(&transport);
    stream.set_handshake_deadline(soon());
    timed_out(stream.complete_handshake());
    assert_eq!(transport.write_timeout().unwrap(), None);
}
