//! A server that asks for another handshake, while its client reads and writes.

use crate::rough::{Gate, Rough};
use premaster::ClientConfigBuilder;
use premaster::protocol::Renegotiation as Permission;
use premaster::tokio::TlsStream;
use premaster_testing::by_hand::{Renegotiation, ServerByHand, flight, server_hello};
use premaster_testing::forger::Sender;
use premaster_testing::wire::{APPLICATION_DATA, HANDSHAKE, HELLO_REQUEST, message, records};
use premaster_testing::{AES_128, NAME, client_builder};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex, split};
use tokio::time::timeout;

const LONG: Duration = Duration::from_secs(5);

/// A complete connection; two of them are the same to the last bit.
fn connected(client: ClientConfigBuilder) -> Renegotiation {
    let mut server = ServerByHand::meet(client.suites(&[AES_128]), NAME);
    server.say(&flight(&server_hello(AES_128, &[]), &[])).unwrap();
    server.complete_to_renegotiate()
}

fn permitting() -> Renegotiation {
    connected(client_builder().accept_renegotiation(Permission::SameCertificate))
}

/// All that arrives in a while.
async fn arrived(wire: &mut DuplexStream) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut buffer = [0; 4096];
    while let Ok(count) = timeout(LONG, wire.read(&mut buffer)).await {
        bytes.extend_from_slice(&buffer[..count.unwrap()]);
    }
    bytes
}

/// A write waits for the end of the handshake, whether a task that reads drives it, or the write
/// itself.
#[tokio::test(start_paused = true)]
async fn a_write_waits_for_another_handshake() {
    for with_reader in [false, true] {
        let mut server = permitting();
        server.ask();
        let both = server.verify_data.concat();
        server.say(&flight(&server_hello(AES_128, &both), &[])).unwrap();
        server.complete();
        let (request, answer) = server.said.split_first().unwrap();

        let (transport, mut wire) = duplex(100_000);
        let stream = TlsStream::from_parts(permitting().client.connection, transport, &[]);
        let (mut reader, mut writer) = split(stream);
        wire.write_all(request).await.unwrap();
        let mut data = [0; 5];
        let reading = if with_reader {
            tokio::spawn(async move {
                reader.read_exact(&mut data).await.unwrap();
                (reader, data)
            })
        } else {
            // The request was read, and whoever read it has gone.
            assert!(timeout(LONG, reader.read(&mut data)).await.is_err());
            tokio::spawn(async move { (reader, data) })
        };
        let hello = arrived(&mut wire).await;
        assert_eq!(records(&hello).len(), 1);
        let writing = tokio::spawn(async move {
            writer.write_all(b"after").await.unwrap();
            writer
        });
        assert!(arrived(&mut wire).await.is_empty());
        for record in answer {
            wire.write_all(record).await.unwrap();
        }
        let _writer = timeout(LONG, writing).await.unwrap().unwrap();
        let sent = arrived(&mut wire).await;
        let last = records(&sent).pop().unwrap();
        assert_eq!(last[0], APPLICATION_DATA);
        assert_eq!(server.keys.open(Sender::Client, 1, &last), b"after");

        wire.write_all(&server.keys.seal(Sender::Server, 1, APPLICATION_DATA, b"reply"))
            .await
            .unwrap();
        let (mut reader, mut data) = timeout(LONG, reading).await.unwrap().unwrap();
        if !with_reader {
            timeout(LONG, reader.read_exact(&mut data)).await.unwrap().unwrap();
        }
        assert_eq!(&data, b"reply");
    }
}

/// A server that asks again and again and reads no refusal: what it sends is read no more, instead of
/// kept answers without a bound.
#[tokio::test(start_paused = true)]
async fn refusals_that_nobody_reads_are_bounded() {
    const REQUESTS: usize = 6_000;
    // no_renegotiation under AES-GCM.
    const REFUSAL: usize = 5 + 8 + 2 + 16;

    let server = connected(client_builder());
    let Renegotiation { client, keys, .. } = server;
    let (transport, mut wire) = duplex(1 << 20);
    let (transport, script) = Rough::new(transport);
    let mut stream = TlsStream::from_parts(client.connection, transport, &[]);
    script.script().writes = Gate::Shut;
    let request = message(HELLO_REQUEST, &[]);
    for index in 0..REQUESTS as u64 {
        let request = keys.seal(Sender::Server, 1 + 2 * index, HANDSHAKE, &request);
        wire.write_all(&request).await.unwrap();
        let data = keys.seal(Sender::Server, 2 + 2 * index, APPLICATION_DATA, b".");
        wire.write_all(&data).await.unwrap();
    }
    let mut received = 0;
    let mut buffer = [0; 4096];
    while let Ok(count) = timeout(LONG, stream.read(&mut buffer)).await {
        received += count.unwrap();
    }
    // Up to the bound, and what one buffer of input holds beyond it.
    let most = (128 * 1024 + 18 * 1024) / REFUSAL;
    assert!(
        (most / 2..most).contains(&received),
        "{received} of {REQUESTS}"
    );
    script.script().open();
    let mut rest = vec![0; REQUESTS - received];
    let refusals = async {
        let mut refusals = vec![0; REFUSAL * REQUESTS];
        wire.read_exact(&mut refusals).await.unwrap();
    };
    let (read, ()) = timeout(LONG, async {
        tokio::join!(stream.read_exact(&mut rest), refusals)
    })
    .await
    .unwrap();
    read.unwrap();
}
