//! What users of other adapters have complained about, one test each.

use crate::common::{
    acceptor, acceptor_of, connector, established, established_over, inner, pattern,
};
use crate::rough::{Gate, Rough};
use premaster::Error;
use premaster::error::HandshakeTimedOut;
use premaster::error::PeerError;
use premaster::protocol::AlertDescription;
use premaster_testing::wire::record;
use premaster_testing::{name, server_builder};
use std::future::poll_fn;
use std::io::{ErrorKind, IoSlice};
use std::pin::{Pin, pin};
use std::task::Poll;
use std::time::Duration;
use tokio::io::{
    AsyncReadExt, AsyncWrite, AsyncWriteExt, BufWriter, ReadBuf, copy_bidirectional, duplex, split,
};
use tokio::time::{Instant, timeout};

const LONG: Duration = Duration::from_secs(5);

/// tokio-rustls 112: the last flight stayed in the `BufWriter`, because the handshake forgot between
/// two polls that it had to be flushed.
#[tokio::test(start_paused = true)]
async fn flush_state_is_kept_in_a_handshake_over_a_buf_writer() {
    for seed in 0..20 {
        let (client, server) = duplex(1000);
        let [(client, client_script), (server, server_script)] = [client, server].map(Rough::new);
        client_script.script().moody = Some(premaster_testing::rng(seed));
        server_script.script().moody = Some(premaster_testing::rng(100 + seed));
        let [client, server] = [client, server].map(BufWriter::new);
        let (mut client, mut server) =
            timeout(LONG, established_over(client, server)).await.unwrap();
        for script in [&client_script, &server_script] {
            assert_eq!(script.script().unflushed, 0, "seed {seed}");
        }
        // A request in the buffer goes out with the read of the answer.
        client.write_all(b"ping").await.unwrap();
        let echo = async {
            let mut request = [0; 4];
            server.read_exact(&mut request).await.unwrap();
            server.write_all(&request).await.unwrap();
            server.flush().await.unwrap();
        };
        let mut answer = [0; 4];
        let both = async { tokio::join!(echo, client.read_exact(&mut answer)) };
        timeout(LONG, both).await.unwrap().1.unwrap();
        assert_eq!(&answer, b"ping");
    }
}

/// Data that was accepted is sent when the transport has room again, though nobody flushes and the
/// writer has gone: the task that reads does it.
#[tokio::test(start_paused = true)]
async fn data_accepted_by_a_write_is_sent_by_a_task_that_reads() {
    for reads_first in [false, true] {
        let (client, server) = duplex(100_000);
        let (client, script) = Rough::new(client);
        let (client, mut server) = established_over(client, server).await;
        let (mut reader, mut writer) = split(client);
        let read = || {
            let mut answer = [0; 4];
            tokio::spawn(async move { reader.read_exact(&mut answer).await.map(|_| answer) })
        };
        script.script().room = Some(7);
        let reading = if reads_first {
            let reading = read();
            tokio::task::yield_now().await;
            writer.write_all(b"ping").await.unwrap();
            reading
        } else {
            writer.write_all(b"ping").await.unwrap();
            read()
        };
        let mut request = [0; 4];
        assert!(timeout(LONG, server.read_exact(&mut request)).await.is_err());
        script.script().open();
        timeout(LONG, server.read_exact(&mut request)).await.unwrap().unwrap();
        server.write_all(&request).await.unwrap();
        let answer = timeout(LONG, reading).await.unwrap().unwrap().unwrap();
        assert_eq!(&answer, b"ping");
    }
}

/// While a writer waits for room, a reader that writes does not take its place with the transport.
#[tokio::test(start_paused = true)]
async fn a_reader_that_writes_does_not_keep_the_writer_asleep() {
    let (client, server) = duplex(1_000_000);
    let (client, script) = Rough::new(client);
    let (client, mut server) = established_over(client, server).await;
    let (mut reader, mut writer) = split(client);
    script.script().room = Some(10);
    let data = pattern(200_000);
    let expected = data.clone();
    let writing = tokio::spawn(async move {
        writer.write_all(&data).await.unwrap();
        writer.flush().await.unwrap();
    });
    tokio::task::yield_now().await;
    let reading = tokio::spawn(async move {
        let mut answer = [0; 4];
        reader.read_exact(&mut answer).await.unwrap();
    });
    tokio::task::yield_now().await;
    script.script().open();
    timeout(LONG, writing).await.unwrap().unwrap();
    let mut received = vec![0; expected.len()];
    timeout(LONG, server.read_exact(&mut received)).await.unwrap().unwrap();
    assert!(received == expected);
    server.write_all(b"done").await.unwrap();
    timeout(LONG, reading).await.unwrap().unwrap();
}

/// A write that was not ready has accepted nothing, so the next one may have other data.
#[tokio::test]
async fn another_buffer_may_come_with_the_next_try() {
    let (client, server) = duplex(100_000);
    let (client, script) = Rough::new(client);
    let (mut client, mut server) = established_over(client, server).await;
    script.script().room = Some(3);
    client.write_all(b"first ").await.unwrap();
    poll_fn(|context| {
        for other in [b"never".as_slice(), b"at all", &[7; 50_000]] {
            assert!(Pin::new(&mut client).poll_write(context, other).is_pending());
        }
        Poll::Ready(())
    })
    .await;
    script.script().open();
    client.write_all(b"second").await.unwrap();
    client.flush().await.unwrap();
    let mut received = [0; 12];
    server.read_exact(&mut received).await.unwrap();
    assert_eq!(&received, b"first second");
}

/// A read that is dropped in the middle of a record's header, or of the record, loses nothing.
#[tokio::test]
async fn a_cancelled_read_keeps_part_of_a_header() {
    let (mut client, server) = established(100_000).await;
    let mut parts = server.into_parts();
    parts.connection.send(b"whole", &mut parts.outgoing).unwrap();
    let mut transport = parts.transport;
    for &byte in &parts.outgoing {
        {
            let mut buffer = [0; 5];
            let mut read = pin!(client.read(&mut buffer));
            let once = poll_fn(|context| Poll::Ready(read.as_mut().poll(context).is_pending()));
            assert!(once.await);
        }
        transport.write_all(&[byte]).await.unwrap();
    }
    let mut buffer = [0; 5];
    assert_eq!(client.read(&mut buffer).await.unwrap(), 5);
    assert_eq!(&buffer, b"whole");
}

/// The alert of a failed handshake is sent in whole before the error is given out, also if the
/// transport is full for a while.
#[tokio::test(start_paused = true)]
async fn an_alert_is_sent_in_whole_when_the_handshake_fails() {
    let (mut client, server) = duplex(10_000);
    let (server, script) = Rough::new(server);
    script.script().room = Some(3);
    let accepting = tokio::spawn(acceptor().accept(server).into_fallible());
    client.write_all(&record(23, b"not a handshake")).await.unwrap();
    let mut alert = [0; 7];
    assert!(timeout(LONG, client.read_exact(&mut alert)).await.is_err());
    assert!(!accepting.is_finished());
    script.script().open();
    let (error, server) = timeout(LONG, accepting).await.unwrap().unwrap().unwrap_err();
    assert!(matches!(
        inner(&error),
        Error::Peer(PeerError::UnexpectedRecord(_))
    ));
    assert_eq!(script.script().unflushed, 0);
    drop(server);
    let mut rest = Vec::new();
    client.read_to_end(&mut rest).await.unwrap();
    // The first three bytes were read above: 21, 3, 3.
    assert_eq!(rest, [0, 2, 2, 10]);

    // A transport that stays full holds it up to the deadline, and the error is the first one.
    let (mut client, server) = duplex(10_000);
    let (server, script) = Rough::new(server);
    script.script().room = Some(3);
    client.write_all(&record(23, b"not a handshake")).await.unwrap();
    let begun = Instant::now();
    let error = acceptor().accept(server).await.unwrap_err();
    assert!(matches!(
        inner(&error),
        Error::Peer(PeerError::UnexpectedRecord(_))
    ));
    assert_eq!(begun.elapsed().as_secs(), 10);
}

/// After a failure, the alert goes out when the transport has room again.
#[tokio::test]
async fn an_alert_of_an_established_connection_is_sent_by_a_shutdown() {
    let (client, server) = established(100_000).await;
    let parts = server.into_parts();
    let (transport, script) = Rough::new(parts.transport);
    let mut server =
        premaster::tokio::TlsStream::from_parts(parts.connection, transport, &parts.received);
    let mut client = client.into_parts();
    client.transport.write_all(&record(23, &[0; 40])).await.unwrap();
    script.script().room = Some(3);
    for _ in 0..2 {
        let error = server.read(&mut [0]).await.unwrap_err();
        assert_eq!(inner(&error), &Error::Peer(PeerError::BadRecord));
    }
    script.script().open();
    server.shutdown().await.unwrap();
    let mut incoming = Vec::new();
    client.transport.read_to_end(&mut incoming).await.unwrap();
    let received = client.connection.receive(&mut incoming, &mut Vec::new());
    let Err(Error::AlertReceived { alert, .. }) = received else {
        panic!("{received:?}");
    };
    assert_eq!(alert, AlertDescription::BAD_RECORD_MAC);
}

/// A close_notify is flushed, and can be sent without an end of TCP.
#[tokio::test(start_paused = true)]
async fn a_close_notify_is_flushed_and_need_not_end_the_transport() {
    let (client, server) = duplex(10_000);
    let (client, script) = Rough::new(client);
    let (mut client, mut server) = established_over(BufWriter::new(client), server).await;
    client.send_close_notify().await.unwrap();
    assert_eq!(script.script().unflushed, 0);
    assert_eq!(script.script().shutdowns, 0);
    assert_eq!(server.read(&mut [0]).await.unwrap(), 0);
    server.write_all(b"the last word").await.unwrap();
    let mut word = [0; 13];
    client.read_exact(&mut word).await.unwrap();
    assert_eq!(&word, b"the last word");

    // Both sides close, and one goes on with the bare transport at once.
    let server = tokio::spawn(async move {
        let (mut transport, received) = server.close().await.unwrap();
        assert!(received.is_empty());
        transport.write_all(b"220 plain").await.unwrap();
        transport
    });
    assert_eq!(client.read(&mut [0]).await.unwrap(), 0);
    let _transport = server.await.unwrap();
    let (mut transport, received) = client.close().await.unwrap();
    assert_eq!(script.script().shutdowns, 0);
    let mut plain = vec![0; 9 - received.len()];
    transport.read_exact(&mut plain).await.unwrap();
    assert_eq!([received, plain].concat(), b"220 plain");

    // What comes with the peer's close_notify is given back, and data before it is not waited for.
    let (client, server) = established(10_000).await;
    let mut parts = server.into_parts();
    parts.connection.send(b"unread", &mut parts.outgoing).unwrap();
    parts.connection.close(&mut parts.outgoing);
    parts.outgoing.extend_from_slice(b"plain");
    parts.transport.write_all(&parts.outgoing).await.unwrap();
    let (_, received) = client.close().await.unwrap();
    assert_eq!(received, b"plain");

    // A close waits for a peer that does not close, as long as its caller does.
    let (client, _server) = established(10_000).await;
    assert!(timeout(LONG, client.close()).await.is_err());
    // A transport that ends instead is told.
    let (client, server) = established(10_000).await;
    let (mut transport, _) = server.into_inner();
    transport.shutdown().await.unwrap();
    let error = client.close().await.unwrap_err();
    assert_eq!(inner(&error), &Error::Truncated);
}

/// Each direction of a proxy ends by itself, unless the setting says that both do.
#[tokio::test]
async fn half_a_close_passes_a_proxy_as_the_setting_says() {
    for with_peer in [false, true] {
        let (mut client, mut left) = established(1000).await;
        let mut config = server_builder();
        if with_peer {
            config = config.close_with_peer();
        }
        let (right, server) = duplex(1000);
        let (right, server) = tokio::join!(
            connector().connect(name(), right),
            acceptor_of(config).accept(server)
        );
        let (mut right, mut server) = (right.unwrap(), server.unwrap());
        let proxy = tokio::spawn(async move { copy_bidirectional(&mut left, &mut right).await });
        client.write_all(b"request").await.unwrap();
        client.shutdown().await.unwrap();
        let mut request = Vec::new();
        server.read_to_end(&mut request).await.unwrap();
        assert_eq!(request, b"request");
        let answered = server.write_all(b"answer").await;
        server.shutdown().await.unwrap();
        let mut answer = Vec::new();
        client.read_to_end(&mut answer).await.unwrap();
        if with_peer {
            assert_eq!(answered.unwrap_err().kind(), ErrorKind::NotConnected);
            assert_eq!(answer, b"");
        } else {
            answered.unwrap();
            assert_eq!(answer, b"answer");
        }
        let copied = (7, u64::try_from(answer.len()).unwrap());
        assert_eq!(proxy.await.unwrap().unwrap(), copied);
    }
}

/// An end of the transport without close_notify is an error, and in the handshake another one.
#[tokio::test]
async fn an_end_without_close_notify_is_told_apart() {
    let (mut client, server) = established(1000).await;
    drop(server);
    let error = client.read(&mut [0]).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::UnexpectedEof);
    assert_eq!(inner(&error), &Error::Truncated);

    let (client, server) = duplex(1000);
    drop(client);
    let error = acceptor().accept(server).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::UnexpectedEof);
    assert!(inner(&error).peer_was_silent());

    // A reset in the handshake keeps its kind.
    let (client, server) = duplex(1000);
    let (server, script) = Rough::new(server);
    script.script().reads = Gate::Broken(ErrorKind::ConnectionReset);
    let error = acceptor().accept(server).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ConnectionReset);
    assert!(matches!(inner(&error), Error::HungUp(_)));
    drop(client);
}

/// A peer that sends data and its close_notify and is gone: both are read, and the answer that cannot
/// be sent is no error, neither of the reads nor of the shutdown.
#[tokio::test]
async fn an_answer_to_a_close_that_cannot_be_sent_spoils_no_read() {
    for with_peer in [false, true] {
        let mut config = server_builder();
        if with_peer {
            config = config.close_with_peer();
        }
        let (client, server) = duplex(10_000);
        let (server, script) = Rough::new(server);
        let (client, server) = tokio::join!(
            connector().connect(name(), client),
            acceptor_of(config).accept(server)
        );
        let (mut client, mut server) = (client.unwrap(), server.unwrap());
        client.write_all(b"good").await.unwrap();
        client.shutdown().await.unwrap();
        script.script().writes = Gate::Broken(ErrorKind::BrokenPipe);
        let mut request = Vec::new();
        server.read_to_end(&mut request).await.unwrap();
        assert_eq!(request, b"good");
        server.shutdown().await.unwrap();
        assert_eq!(script.script().shutdowns, 1);
    }

    // Data that is lost is an error.
    let (client, server) = duplex(10_000);
    let (server, script) = Rough::new(server);
    let (mut client, mut server) = established_over(client, server).await;
    client.shutdown().await.unwrap();
    script.script().room = Some(0);
    server.write_all(b"lost").await.unwrap();
    script.script().room = None;
    script.script().writes = Gate::Broken(ErrorKind::BrokenPipe);
    assert_eq!(server.read(&mut [0]).await.unwrap(), 0);
    assert_eq!(
        server.shutdown().await.unwrap_err().kind(),
        ErrorKind::BrokenPipe
    );
}

/// The error of a failed handshake is the first one, whatever the transport says about its alert.
#[tokio::test]
async fn a_failed_handshake_reports_its_first_error() {
    let (mut client, server) = duplex(10_000);
    let (server, script) = Rough::new(server);
    script.script().writes = Gate::Broken(ErrorKind::BrokenPipe);
    client.write_all(&record(23, b"not a handshake")).await.unwrap();
    let (error, mut server) = acceptor().accept(server).into_fallible().await.unwrap_err();
    assert!(matches!(
        inner(&error),
        Error::Peer(PeerError::UnexpectedRecord(_))
    ));
    // Nobody has shut the transport down; the caller may say something else over it.
    assert_eq!(script.script().shutdowns, 0);
    script.script().open();
    server.write_all(b"HTTP/1.1 400 Bad Request\r\n").await.unwrap();
}

/// Several pieces go out as one, in one write of the transport; see also `pieces_are_written_as_one`.
#[tokio::test]
async fn vectored_writes_reach_the_transport_together() {
    let (client, server) = duplex(200_000);
    let (client, script) = Rough::new(client);
    let (mut client, mut server) = established_over(client, server).await;
    assert!(client.is_write_vectored());
    let body = pattern(100_000);
    let mut pieces = vec![IoSlice::new(b"head"); 10];
    pieces.push(IoSlice::new(&body));
    let before = script.script().writes_seen;
    // 64 KiB is the most at once.
    assert_eq!(client.write_vectored(&pieces).await.unwrap(), 65536);
    assert_eq!(script.script().writes_seen, before + 1);
    let mut received = vec![0; 65536];
    server.read_exact(&mut received).await.unwrap();
    let sent = [b"head".repeat(10), body].concat();
    assert!(received == sent[..65536]);
}

/// Handshakes have a deadline, without which silent and dripping peers stay for ever.
#[tokio::test(start_paused = true)]
async fn handshakes_have_a_deadline() {
    let begun = Instant::now();
    let (_client, server) = duplex(1000);
    let (error, _) = acceptor().accept(server).into_fallible().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TimedOut);
    let inner: &HandshakeTimedOut = error.get_ref().unwrap().downcast_ref().unwrap();
    assert_eq!(begun.elapsed(), Duration::from_secs(10));
    assert!(!inner.was_paused());
    assert_eq!(
        error.to_string(),
        "the handshake was not complete by its deadline: the peer did not send a byte; \
         client_hello was awaited"
    );

    // It is for the whole handshake: a byte each second does not prolong it.
    let (mut client, server) = duplex(1000);
    let dripping = tokio::spawn(async move {
        for &byte in record(22, &[1, 0, 1, 0]).iter().cycle() {
            if client.write_all(&[byte]).await.is_err() {
                return;
            }
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
    });
    let begun = Instant::now();
    let error = acceptor().deadline(Duration::from_secs(3)).accept(server).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TimedOut);
    assert_eq!(begun.elapsed().as_secs(), 3);
    dripping.await.unwrap();

    let (client, _server) = duplex(1000);
    let begun = Instant::now();
    let error = connector().connect(name(), client).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TimedOut);
    assert_eq!(begun.elapsed().as_secs(), 10);

    // Without one it is up to the caller; and no clock can tell a deadline in an age of ages.
    let (client, server) = duplex(1000);
    let accepting = acceptor().without_deadline().accept(server);
    assert!(timeout(Duration::from_secs(3600), accepting).await.is_err());
    let connecting = connector().deadline(Duration::MAX).connect(name(), client);
    assert!(connecting.await.is_err());
}

/// Nothing is left uninitialised where a stream reads into memory of its caller's.
#[tokio::test]
async fn a_read_fills_what_there_is() {
    use tokio::io::AsyncRead;
    let (mut client, mut server) = established(100_000).await;
    for part in [b"ab".as_slice(), b"cd", b"efgh"] {
        server.write_all(part).await.unwrap();
    }
    let mut memory = [0; 7];
    let mut out = ReadBuf::new(&mut memory);
    out.put_slice(b"_");
    poll_fn(|context| Pin::new(&mut client).poll_read(context, &mut out)).await.unwrap();
    // Three records at once, the last one in part.
    assert_eq!(out.filled(), b"_abcdef");
    poll_fn(|context| Pin::new(&mut client).poll_read(context, &mut out)).await.unwrap();
    assert_eq!(out.filled(), b"_abcdef");
    let mut rest = [0; 9];
    assert_eq!(client.read(&mut rest).await.unwrap(), 2);
    assert_eq!(&rest[..2], b"gh");
}
