//! A stream in two halves, for two tasks.

use crate::common::{acceptor_of, connector_of, established, established_over, inner, pattern};
use premaster::Error;
use premaster::error::{Misuse, PeerError};
use premaster::protocol::{AlertDescription, Renegotiation};
use premaster::tokio::{ReadHalf, TlsStream, WriteHalf};
use premaster_testing::forger::{Forger, Sender, established as forged};
use premaster_testing::pair::{End, Pair};
use premaster_testing::wire::{ALERT, APPLICATION_DATA, HANDSHAKE};
use premaster_testing::{alert_received, client_builder, name, rng, server_builder};
use rand_chacha::rand_core::Rng;
use std::future::poll_fn;
use std::io::{ErrorKind, IoSlice};
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;
use tokio::io::{
    AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufWriter, DuplexStream, duplex,
    split as split_transport,
};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{sleep, timeout};

const LENGTH: usize = 500_000;

/// Writes on one task and reads on another one, until the peer closes.
async fn talk<R, W>(
    (mut reader, mut writer): (ReadHalf<R, W>, WriteHalf<W>),
    data: Vec<u8>,
) -> (ReadHalf<R, W>, WriteHalf<W>, Vec<u8>)
where
    R: AsyncRead + Unpin + Send + 'static,
    W: AsyncWrite + Unpin + Send + 'static,
{
    let writing = tokio::spawn(async move {
        writer.write_all(&data).await.unwrap();
        writer.flush().await.unwrap();
        writer.shutdown().await.unwrap();
        writer
    });
    let mut received = Vec::new();
    reader.read_to_end(&mut received).await.unwrap();
    (reader, writing.await.unwrap(), received)
}

/// Both ends talk at once.
async fn exchange<R, W, T, V>(
    client: (ReadHalf<R, W>, WriteHalf<W>),
    server: (ReadHalf<T, V>, WriteHalf<V>),
) -> (ReadHalf<R, W>, WriteHalf<W>)
where
    R: AsyncRead + Unpin + Send + 'static,
    W: AsyncWrite + Unpin + Send + 'static,
    T: AsyncRead + Unpin + Send + 'static,
    V: AsyncWrite + Unpin + Send + 'static,
{
    let client = tokio::spawn(talk(client, pattern(LENGTH)));
    let (_, _, to_server) = talk(server, pattern(LENGTH - 7)).await;
    let (reader, writer, to_client) = client.await.unwrap();
    assert!(to_server == pattern(LENGTH) && to_client == pattern(LENGTH - 7));
    (reader, writer)
}

#[tokio::test]
async fn two_tasks_exchange_data_over_any_transport() {
    for room in [100, 64 * 1024] {
        let (client, server) = established(room).await;
        let client = client.split_with(split_transport).unwrap();
        let (reader, writer) = exchange(client, server.split().unwrap()).await;
        let whole = reader.reunite(writer, |reading, writing| reading.unsplit(writing));
        assert!(whole.unwrap().connection().session().is_some());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_tasks_exchange_data_over_tcp() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let transport = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
    let (accepted, _) = listener.accept().await.unwrap();
    let (client, server) = established_over(transport, accepted).await;
    let client = client.split_with(TcpStream::into_split).unwrap();
    let server = server.split_with(TcpStream::into_split).unwrap();
    let (reader, writer) = exchange(client, server).await;
    assert!(reader.get_ref().local_addr().is_ok());
    let whole = reader.reunite(writer, |reading, writing| reading.reunite(writing).unwrap());
    let mut stream = whole.unwrap();
    assert_eq!(stream.read(&mut [0]).await.unwrap(), 0);
    assert_eq!(
        stream.write(b"late").await.unwrap_err().kind(),
        ErrorKind::NotConnected
    );
}

#[tokio::test]
async fn one_byte_at_a_time() {
    let (client, server) = established(1).await;
    let (mut reader, mut writer) = client.split().unwrap();
    let (mut from_client, mut to_client) = server.split().unwrap();
    let server = tokio::spawn(async move {
        let mut request = [0; 1000];
        from_client.read_exact(&mut request).await.unwrap();
        to_client.write_all(&request).await.unwrap();
        to_client.shutdown().await.unwrap();
    });
    writer.write_all(&pattern(1000)).await.unwrap();
    let mut answer = Vec::new();
    // Nobody flushes: the read does.
    reader.read_to_end(&mut answer).await.unwrap();
    assert_eq!(answer, pattern(1000));
    server.await.unwrap();
}

#[tokio::test]
async fn nothing_is_lost_when_a_stream_is_split_and_reunited() {
    let (mut client, mut server) = established(64 * 1024).await;
    client.write_all(b"one two three").await.unwrap();
    let mut word = [0; 3];
    server.read_exact(&mut word).await.unwrap();
    let (mut reader, mut writer) = server.split().unwrap();
    reader.read_exact(&mut [0; 1]).await.unwrap();
    let pieces = [&b"ans"[..], b"wer"].map(IoSlice::new);
    assert!(writer.is_write_vectored());
    assert_eq!(writer.write_vectored(&pieces).await.unwrap(), 6);
    writer.send_close_notify().await.unwrap();
    let mut server = reader.reunite(writer, |transport, _| transport).unwrap();
    server.read_exact(&mut word).await.unwrap();
    assert_eq!(&word, b"two");
    assert_eq!(
        server.write(b"late").await.unwrap_err().kind(),
        ErrorKind::NotConnected
    );
    let mut answer = Vec::new();
    client.read_to_end(&mut answer).await.unwrap();
    assert_eq!(answer, b"answer");
    client.shutdown().await.unwrap();
    let mut rest = Vec::new();
    server.read_to_end(&mut rest).await.unwrap();
    assert_eq!(rest, b" three");
}

#[tokio::test]
async fn halves_of_different_streams_do_not_fit() {
    let (client, server) = established(64 * 1024).await;
    let (reader, writer) = client.split().unwrap();
    let (mut other, _writer) = server.split().unwrap();
    let misfits = other.reunite(writer, |transport, _| transport).unwrap_err();
    other = *misfits.receiver;
    let mut client = reader.reunite(*misfits.sender, |transport, _| transport).unwrap();
    client.write_all(b"fits").await.unwrap();
    let mut data = [0; 4];
    other.read_exact(&mut data).await.unwrap();
    assert_eq!(&data, b"fits");
}

#[tokio::test]
async fn a_stream_that_may_renegotiate_is_given_back_whole() {
    let client = client_builder().accept_renegotiation(Renegotiation::SameCertificate);
    let connector = connector_of(client);
    let (client, server) = duplex(64 * 1024);
    let acceptor = acceptor_of(server_builder());
    let (client, server) = tokio::join!(connector.connect(name(), client), acceptor.accept(server));
    let refused = client.unwrap().split().unwrap_err();
    assert_eq!(refused.error, Misuse::MayRenegotiate.into());
    let mut client = refused.whole;
    client.write_all(b"goes on").await.unwrap();
    let mut data = [0; 7];
    server.unwrap().read_exact(&mut data).await.unwrap();
    assert_eq!(&data, b"goes on");
}

/// A client in halves over a transport with so much room, and its server by hand.
struct Scene {
    reader: ReadHalf<tokio::io::ReadHalf<DuplexStream>, tokio::io::WriteHalf<DuplexStream>>,
    writer: WriteHalf<tokio::io::WriteHalf<DuplexStream>>,
    wire: DuplexStream,
    server: End,
    forger: Forger,
}

impl Scene {
    fn new(room: usize) -> Self {
        let (pair, forger) = forged();
        Self::of(pair, forger, room)
    }

    fn of(Pair { client, server }: Pair, forger: Forger, room: usize) -> Self {
        let (transport, wire) = duplex(room);
        let stream = TlsStream::from_parts(client.connection, transport, &[]);
        let (reader, writer) = stream.split_with(split_transport).unwrap();
        Self {
            reader,
            writer,
            wire,
            server,
            forger,
        }
    }

    async fn say(&mut self, sequence: u64, typ: u8, content: &[u8]) {
        let record = self.forger.seal(Sender::Server, sequence, typ, content);
        self.wire.write_all(&record).await.unwrap();
    }

    /// The server receives what has been written within a second.
    async fn hear(&mut self) -> Result<(), Error> {
        let mut bytes = [0; 100];
        while let Ok(count) = timeout(Duration::from_secs(1), self.wire.read(&mut bytes)).await {
            self.server.take(&bytes[..count.unwrap()])?;
        }
        Ok(())
    }
}

#[tokio::test(start_paused = true)]
async fn an_idle_writer_leaves_no_alert_unsent() {
    let mut scene = Scene::new(10_000);
    scene.say(1, 24, &[1]).await;
    for _ in 0..2 {
        let error = scene.reader.read(&mut [0; 9]).await.unwrap_err();
        assert!(matches!(
            inner(&error),
            Error::Peer(PeerError::UnexpectedRecord(_))
        ));
        let error = scene.writer.write(b"late").await.unwrap_err();
        assert!(matches!(
            inner(&error),
            Error::Peer(PeerError::UnexpectedRecord(_))
        ));
    }
    let alert = alert_received(scene.hear().await);
    assert_eq!(alert, AlertDescription::UNEXPECTED_MESSAGE);
}

/// What did not fit when the writing task accepted it, the reading task passes on as there is room.
#[tokio::test(start_paused = true)]
async fn a_reader_passes_on_what_an_idle_writer_left_behind() {
    let mut scene = Scene::new(50);
    assert_eq!(scene.writer.write(&[7; 300]).await.unwrap(), 300);
    let mut reader = scene.reader;
    let reading = tokio::spawn(async move { reader.read(&mut [0; 9]).await.unwrap() });
    // The reader waits for the transport by now.
    sleep(Duration::from_secs(1)).await;
    let mut received = [0; 500];
    while scene.server.received.len() < 300 {
        let count = scene.wire.read(&mut received).await.unwrap();
        scene.server.take(&received[..count]).unwrap();
    }
    let data = scene.forger.seal(Sender::Server, 1, APPLICATION_DATA, b"x");
    scene.wire.write_all(&data).await.unwrap();
    assert_eq!(reading.await.unwrap(), 1);
}

/// The peer reads nothing, so a write waits; a read goes on, and its reply follows.
#[tokio::test(start_paused = true)]
async fn a_reader_does_not_wait_for_a_writer_that_is_stuck() {
    let mut scene = Scene::new(200);
    let mut writer = scene.writer;
    let writing = tokio::spawn(async move {
        writer.write_all(&[7; 200_000]).await.unwrap();
        writer.flush().await.unwrap();
        writer
    });
    sleep(Duration::from_secs(1)).await;
    let request = scene.forger.seal(Sender::Server, 1, HANDSHAKE, &[0; 4]);
    let data = scene.forger.seal(Sender::Server, 2, APPLICATION_DATA, b"x");
    scene.wire.write_all(&[request, data].concat()).await.unwrap();
    assert_eq!(scene.reader.read(&mut [0; 9]).await.unwrap(), 1);
    assert!(!writing.is_finished());
    let mut wire = Vec::new();
    let mut bytes = [0; 1000];
    while let Ok(count) = timeout(Duration::from_secs(1), scene.wire.read(&mut bytes)).await {
        wire.extend_from_slice(&bytes[..count.unwrap()]);
    }
    scene.writer = writing.await.unwrap();
    let types = premaster_testing::wire::records(&wire).into_iter().map(|record| record[0]);
    assert_eq!(types.filter(|typ| *typ == ALERT).count(), 1);
    scene.server.take(&wire).unwrap();
    assert_eq!(scene.server.received.len(), 200_000);
}

#[tokio::test(start_paused = true)]
async fn the_peers_close_is_answered_by_the_reader_where_that_is_set() {
    let client = client_builder().close_with_peer();
    let stopped =
        premaster_testing::forger::Stopped::before_client_flight(client, server_builder());
    let (pair, forger) = stopped.establish();
    let mut scene = Scene::of(pair, forger, 10_000);
    scene.say(1, ALERT, &[1, 0]).await;
    for _ in 0..2 {
        assert_eq!(scene.reader.read(&mut [0]).await.unwrap(), 0);
    }
    scene.hear().await.unwrap();
    assert_eq!(scene.server.events.last().unwrap(), "PeerClosed");
    let late = scene.writer.write(b"late").await.unwrap_err();
    assert_eq!(inner(&late), &Misuse::Closed.into());
    scene.writer.shutdown().await.unwrap();
}

/// A peer that closed and is gone need not wait for the answer.
#[tokio::test]
async fn a_failed_answer_to_the_peers_close_is_no_error() {
    let mut scene = Scene::new(10_000);
    scene.say(1, ALERT, &[1, 0]).await;
    assert_eq!(scene.reader.read(&mut [0]).await.unwrap(), 0);
    drop(scene.wire);
    scene.writer.shutdown().await.unwrap();
}

#[tokio::test]
async fn a_transport_that_ends_stops_both() {
    let mut scene = Scene::new(10_000);
    scene.wire.shutdown().await.unwrap();
    for _ in 0..2 {
        let error = scene.reader.read(&mut [0]).await.unwrap_err();
        assert_eq!(
            (error.kind(), inner(&error)),
            (ErrorKind::UnexpectedEof, &Error::Truncated)
        );
        let error = scene.writer.write(b"late").await.unwrap_err();
        assert_eq!(inner(&error), &Error::Truncated);
    }
}

/// A transport that holds back what it is given: the reading task has it flushed, too.
#[tokio::test]
async fn a_buffered_transport_is_flushed() {
    let (client, server) = duplex(64 * 1024);
    let (client, server) = established_over(BufWriter::new(client), BufWriter::new(server)).await;
    let (mut reader, mut writer) = client.split().unwrap();
    let (mut from_client, mut to_client) = server.split().unwrap();
    let server = tokio::spawn(async move {
        let mut request = [0; 7];
        from_client.read_exact(&mut request).await.unwrap();
        to_client.write_all(&request).await.unwrap();
        to_client.flush().await.unwrap();
    });
    writer.write_all(b"request").await.unwrap();
    let mut answer = [0; 7];
    reader.read_exact(&mut answer).await.unwrap();
    assert_eq!(&answer, b"request");
    server.await.unwrap();
}

/// Futures of both halves are dropped after any number of polls. Nothing is lost or sent twice.
#[tokio::test(start_paused = true)]
async fn dropped_futures_lose_nothing() {
    for seed in 0..40 {
        let mut rng = rng(seed);
        let (client, server) = established(1 + rng.next_u32() as usize % 300).await;
        let server = tokio::spawn(async move {
            let (mut reader, mut writer) = server.split().unwrap();
            tokio::io::copy(&mut reader, &mut writer).await.unwrap();
            writer.shutdown().await.unwrap();
        });
        let (mut reader, mut writer) = client.split().unwrap();
        let data = pattern(5000);
        let sent = data.clone();
        let mut patience = premaster_testing::rng(seed + 1000);
        let writing = tokio::spawn(async move {
            let mut rest = &sent[..];
            while !rest.is_empty() {
                let length = rest.len().min(1 + patience.next_u32() as usize % 900);
                if let Some(count) =
                    a_few_polls(patience.next_u32() % 3, writer.write(&rest[..length])).await
                {
                    rest = &rest[count.unwrap()..];
                }
                tokio::task::yield_now().await;
            }
            while a_few_polls(patience.next_u32() % 3, writer.shutdown()).await.is_none() {
                tokio::task::yield_now().await;
            }
        });
        let mut received = Vec::new();
        loop {
            let mut bytes = vec![0; 1 + rng.next_u32() as usize % 500];
            match a_few_polls(rng.next_u32() % 3, reader.read(&mut bytes)).await {
                Some(Ok(0)) => break,
                Some(count) => received.extend_from_slice(&bytes[..count.unwrap()]),
                None => tokio::task::yield_now().await,
            }
        }
        assert!(received == data, "{seed}");
        writing.await.unwrap();
        server.await.unwrap();
    }
}

/// The result of a future that is dropped when it is not ready after so many polls and one.
async fn a_few_polls<T>(mut polls: u32, future: impl Future<Output = T>) -> Option<T> {
    let mut future = pin!(future);
    poll_fn(|context| match future.as_mut().poll(context) {
        Poll::Ready(value) => Poll::Ready(Some(value)),
        Poll::Pending if polls == 0 => Poll::Ready(None),
        Poll::Pending => {
            polls -= 1;
            Poll::Pending
        }
    })
    .await
}

#[tokio::test]
async fn halves_can_go_to_other_tasks() {
    fn is_send<T: Send + Unpin + 'static>(_: &T) {}
    let scene = Scene::new(1);
    is_send(&scene.reader);
    is_send(&scene.writer);
}
