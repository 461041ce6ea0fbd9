//! Both sides, as a program uses them.

use crate::common::{acceptor, connector, established, established_over, inner, pattern};
use premaster::Error;
use premaster::tokio::TlsStream;
use premaster_testing::name;
use std::io::{ErrorKind, IoSlice};
use tokio::io::{AsyncReadExt, AsyncWrite, AsyncWriteExt, copy_bidirectional, duplex, split};
use tokio::net::{TcpListener, TcpStream};

#[tokio::test]
async fn data_both_ways_over_tcp_and_a_clean_end() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let server = tokio::spawn(async move {
        let (transport, _) = listener.accept().await.unwrap();
        let mut stream = acceptor().accept(transport).await.unwrap();
        let mut request = vec![0; 100_000];
        stream.read_exact(&mut request).await.unwrap();
        stream.write_all(&request).await.unwrap();
        assert_eq!(stream.read(&mut [0]).await.unwrap(), 0);
        stream.write_all(b"last").await.unwrap();
        stream.shutdown().await.unwrap();
        let late = stream.write(b"late").await.unwrap_err();
        assert_eq!(late.kind(), ErrorKind::NotConnected);
    });
    let transport = TcpStream::connect(address).await.unwrap();
    let mut stream = connector().connect(name(), transport).await.unwrap();
    let data = pattern(100_000);
    stream.write_all(&data).await.unwrap();
    stream.shutdown().await.unwrap();
    let mut answer = vec![0; data.len()];
    // Through a window that never fits a record.
    for piece in answer.chunks_mut(333) {
        stream.read_exact(piece).await.unwrap();
    }
    assert_eq!(answer, data);
    let mut rest = Vec::new();
    stream.read_to_end(&mut rest).await.unwrap();
    assert_eq!(rest, b"last");
    server.await.unwrap();
}

#[tokio::test]
async fn one_byte_at_a_time() {
    let (mut client, mut server) = established(1).await;
    let data = pattern(1000);
    let server = tokio::spawn(async move {
        let mut request = vec![0; 1000];
        server.read_exact(&mut request).await.unwrap();
        server.write_all(&request).await.unwrap();
        server.shutdown().await.unwrap();
        assert_eq!(server.read(&mut [0]).await.unwrap(), 0);
    });
    client.write_all(&data).await.unwrap();
    let mut answer = Vec::new();
    // A flush, or a read, passes on the rest.
    client.read_to_end(&mut answer).await.unwrap();
    assert_eq!(answer, data);
    client.shutdown().await.unwrap();
    server.await.unwrap();
}

#[tokio::test]
async fn both_directions_at_once_by_two_tasks() {
    async fn exchange(stream: TlsStream<tokio::io::DuplexStream>, data: Vec<u8>) -> Vec<u8> {
        let (mut reader, mut writer) = split(stream);
        let writing = tokio::spawn(async move {
            writer.write_all(&data).await.unwrap();
            writer.shutdown().await.unwrap();
        });
        let mut received = Vec::new();
        reader.read_to_end(&mut received).await.unwrap();
        writing.await.unwrap();
        received
    }
    for (room, length) in [(100, 20_000), (64 * 1024, 300_000)] {
        let (client, server) = established(room).await;
        let (to_server, to_client) = (pattern(length), pattern(length - 7));
        let client = tokio::spawn(exchange(client, to_server.clone()));
        let received = exchange(server, to_client.clone()).await;
        assert!(received == to_server);
        assert!(client.await.unwrap() == to_client);
    }
}

#[tokio::test]
async fn pieces_are_written_as_one() {
    let (mut client, mut server) = established(64 * 1024).await;
    let pieces = [b"GET ".as_slice(), b"/", b" HTTP/1.0\r\n\r\n"].map(IoSlice::new);
    assert!(client.is_write_vectored());
    assert_eq!(client.write_vectored(&pieces).await.unwrap(), 18);
    let mut request = [0; 100];
    // One record, so one read.
    assert_eq!(server.read(&mut request).await.unwrap(), 18);
    assert_eq!(&request[..18], b"GET / HTTP/1.0\r\n\r\n");
}

#[tokio::test]
async fn the_transport_is_given_back() {
    let (client, server) = established(1000).await;
    let server = tokio::spawn(async move {
        let mut server = server;
        assert_eq!(server.read(&mut [0]).await.unwrap(), 0);
        let (mut transport, received) = server.close().await.unwrap();
        assert!(received.is_empty());
        transport.write_all(b"plain").await.unwrap();
    });
    let (mut transport, mut received) = client.close().await.unwrap();
    server.await.unwrap();
    transport.read_to_end(&mut received).await.unwrap();
    assert_eq!(received, b"plain");
}

#[tokio::test]
async fn a_proxy_passes_on_half_a_close() {
    let (client, mut left) = established(1000).await;
    let (mut right, mut server) = established(1000).await;
    let proxy = tokio::spawn(async move { copy_bidirectional(&mut left, &mut right).await });
    let server = tokio::spawn(async move {
        let mut request = Vec::new();
        server.read_to_end(&mut request).await.unwrap();
        server.write_all(&request).await.unwrap();
        server.shutdown().await.unwrap();
    });
    let mut client = client;
    client.write_all(b"the whole request").await.unwrap();
    client.shutdown().await.unwrap();
    let mut answer = Vec::new();
    client.read_to_end(&mut answer).await.unwrap();
    assert_eq!(answer, b"the whole request");
    server.await.unwrap();
    assert_eq!(proxy.await.unwrap().unwrap(), (17, 17));
}

#[tokio::test]
async fn a_transport_that_just_ends_is_told_apart() {
    let (mut client, mut server) = established(1000).await;
    server.write_all(b"half of it").await.unwrap();
    drop(server);
    let mut answer = Vec::new();
    let error = client.read_to_end(&mut answer).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::UnexpectedEof);
    assert_eq!(inner(&error), &Error::Truncated);
    assert_eq!(answer, b"half of it");
}

#[tokio::test]
async fn a_failed_handshake_gives_the_transport_back() {
    let (client, server) = duplex(10_000);
    let other = "other.example".try_into().unwrap();
    let client = connector().connect(other, client).into_fallible();
    let server = acceptor().accept(server).into_fallible();
    let (client, server) = tokio::join!(client, server);
    let (error, _) = client.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidData);
    let (error, _) = server.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ConnectionAborted);
}

#[tokio::test]
async fn a_stream_can_be_shared_and_sent() {
    fn check<T: Send + Sync + Unpin + 'static>(_: &T) {}
    let (client, server) = duplex(10_000);
    let (connect, accept) = (
        connector().connect(name(), client),
        acceptor().accept(server),
    );
    check(&connect);
    check(&accept);
    let (client, server) = tokio::join!(connect, accept);
    check(&client.unwrap());
    check(&server.unwrap());
    let _ = established_over::<tokio::io::DuplexStream, tokio::io::DuplexStream>;
}
