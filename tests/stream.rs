//! The blocking adapter, over loopback TCP and over transports that misbehave.

mod common;

use common::{client_builder, name, rng, roots, server_builder};
use premaster::{
    AlertDescription, Answer, CertificateError, ClientConfig, Error, Misuse, Pending, Stream,
};
use std::collections::VecDeque;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

const TIMEOUT: Option<Duration> = Some(Duration::from_secs(20));

/// A server on a thread of its own, and a transport that leads to it.
fn serve<T: Send + 'static>(
    work: impl FnOnce(Stream<TcpStream>) -> T + Send + 'static,
) -> (TcpStream, JoinHandle<T>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let transport = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    transport.set_read_timeout(TIMEOUT).unwrap();
    let server = std::thread::spawn(move || {
        let (transport, _) = listener.accept().unwrap();
        transport.set_read_timeout(TIMEOUT).unwrap();
        let config = Arc::new(server_builder().build().unwrap());
        work(Stream::server(config, transport).unwrap())
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
        // The client closes first; its close is answered.
        assert_eq!(stream.read(&mut request).unwrap(), 0);
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
    assert_eq!(stream.read(&mut answer).unwrap(), 0);
    assert_eq!(stream.read(&mut []).unwrap(), 0);
    assert_eq!(server.join().unwrap(), data);
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
    assert_eq!(inner(&error), &CertificateError::NameMismatch.into());
    assert_eq!(inner(&stream.write(b"data").unwrap_err()), inner(&error));
    let error = server.join().unwrap();
    assert_eq!(error.kind(), ErrorKind::ConnectionAborted);
    assert_eq!(
        inner(&error),
        &Error::AlertReceived(AlertDescription::BAD_CERTIFICATE)
    );
}

#[test]
fn a_pause_is_answered_and_the_handshake_goes_on() {
    let (transport, server) = serve(|mut stream| stream.write_all(b"welcome"));
    let config = ClientConfig::builder_with_caller_verification()
        .random(rng(1))
        .build();
    let mut stream = Stream::client(Arc::new(config.unwrap()), name(), transport).unwrap();
    for _ in 0..2 {
        let error = stream.complete_handshake().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::WouldBlock);
        assert_eq!(inner(&error), &Misuse::Unanswered.into());
    }
    let Some(Pending::VerifyCertificate(pending)) = stream.pending() else {
        panic!("nothing pending");
    };
    let verdict = pending.verify(&roots(), common::now());
    stream.resume(Answer::certificate(verdict)).unwrap();
    let mut answer = [0; 7];
    stream.read_exact(&mut answer).unwrap();
    assert_eq!(&answer, b"welcome");
    server.join().unwrap().unwrap();
}

/// A transport that gives and takes a few bytes at a time and, in between, is interrupted or not
/// ready.
struct Reluctant<S> {
    inner: S,
    moods: VecDeque<ErrorKind>,
}

impl<S> Reluctant<S> {
    fn new(inner: S, mood: ErrorKind) -> Self {
        Self {
            inner,
            moods: (0..40).map(|_| mood).collect(),
        }
    }

    fn mood(&mut self) -> io::Result<()> {
        // Every other call goes through.
        match self.moods.len() % 2 {
            1 => {
                self.moods.pop_front();
                Ok(())
            }
            _ => self
                .moods
                .pop_front()
                .map_or(Ok(()), |kind| Err(kind.into())),
        }
    }
}

impl<S: Read> Read for Reluctant<S> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        self.mood()?;
        let length = out.len().min(700);
        self.inner.read(&mut out[..length])
    }
}

impl<S: Write> Write for Reluctant<S> {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        self.mood()?;
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
        let mut stream = client(Reluctant::new(transport, mood));
        let data: Vec<u8> = (0..1000u32).map(|i| i as u8).collect();
        let mut written = 0;
        let mut answer = Vec::new();
        let mut buffer = [0; 90];
        for _ in 0..10_000 {
            let result = match written < data.len() {
                true => stream.write(&data[written..]).map(|count| {
                    written += count;
                    None
                }),
                false => stream
                    .flush()
                    .and_then(|()| stream.read(&mut buffer))
                    .map(Some),
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
