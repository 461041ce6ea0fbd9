//! Futures dropped at any await point, thousands of times: nothing is lost and nothing comes twice.

use crate::common::{acceptor_of, connector_of};
use crate::rough::Rough;
use premaster::private_key::DecryptPreMasterSecret;
use premaster::tokio::{Answerer, Answering, TlsAcceptor, TlsConnector, TlsStream};
use premaster_testing::{certified, client_builder, name, rng, server_builder};
use rand_chacha::ChaCha12Rng;
use rand_chacha::rand_core::Rng;
use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Poll;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, duplex, split};

/// Polls a future at most so many times, and drops it.
async fn at_most<F: Future>(polls: u32, future: F) -> Option<F::Output> {
    let mut future = pin!(future);
    let mut left = polls;
    poll_fn(|context| {
        if left == 0 {
            return Poll::Ready(None);
        }
        left -= 1;
        let result = future.as_mut().poll(context).map(Some);
        if result.is_pending() && left == 0 {
            // Dropped in this very poll.
            return Poll::Ready(None);
        }
        result
    })
    .await
}

/// Makes futures, and drops most of them.
struct Impatient {
    rng: ChaCha12Rng,
    dropped: usize,
}

impl Impatient {
    fn new(seed: u64) -> Self {
        Self {
            rng: rng(seed),
            dropped: 0,
        }
    }

    fn below(&mut self, bound: usize) -> usize {
        self.rng.next_u32() as usize % bound
    }

    async fn attempt<F: Future>(&mut self, future: F) -> Option<F::Output> {
        // Now and then it is patient, so that those with several await points end.
        let polls = match self.below(8) {
            0 => 100,
            some => some as u32 / 2,
        };
        let result = at_most(polls, future).await;
        if result.is_none() {
            self.dropped += 1;
            // Others may go on.
            tokio::task::yield_now().await;
        }
        result
    }
}

/// A byte of the data in one direction.
fn byte(seed: u64, index: usize) -> u8 {
    (index as u64 * 31 + (index as u64 >> 7) + seed) as u8
}

/// Writes so many bytes, a different slice at each attempt, and shuts down.
async fn write_all(
    stream: &mut (impl AsyncWrite + Unpin),
    length: usize,
    seed: u64,
    impatient: &mut Impatient,
) {
    let data: Vec<u8> = (0..length).map(|index| byte(seed, index)).collect();
    let mut sent = 0;
    while sent < length {
        let most = (length - sent).min(1 << impatient.below(15));
        let slice = &data[sent..sent + most];
        if let Some(result) = impatient.attempt(stream.write(slice)).await {
            sent += result.unwrap();
        }
        if impatient.below(4) == 0
            && let Some(result) = impatient.attempt(stream.flush()).await
        {
            result.unwrap();
        }
    }
    loop {
        if let Some(result) = impatient.attempt(stream.shutdown()).await {
            return result.unwrap();
        }
    }
}

/// Reads to the end, and checks each byte.
async fn read_all(
    stream: &mut (impl AsyncRead + Unpin),
    length: usize,
    seed: u64,
    impatient: &mut Impatient,
) {
    let mut received = 0;
    let mut buffer = vec![0; 20_000];
    loop {
        let width = 1 + impatient.below(14);
        let most = 1 + impatient.below(1 << width);
        let Some(result) = impatient.attempt(stream.read(&mut buffer[..most])).await else {
            continue;
        };
        let count = result.unwrap();
        for (index, &found) in buffer[..count].iter().enumerate() {
            assert_eq!(
                found,
                byte(seed, received + index),
                "at {}",
                received + index
            );
        }
        received += count;
        if count == 0 {
            assert_eq!(received, length);
            return;
        }
    }
}

/// Decrypts after a while.
struct Later;

impl Answerer for Later {
    fn decrypt(&self, job: DecryptPreMasterSecret) -> Answering<'_> {
        Box::pin(async move {
            tokio::time::sleep(Duration::from_millis(7)).await;
            Ok(job.decrypt_with_rng(certified(2048).key().unwrap(), rng(5)))
        })
    }
}

/// What is sent over transports of this seed; little if they have room for one byte.
fn length(seed: u64) -> usize {
    [200, 2_000, 15_000, 30_000][seed as usize / 100 % 4]
}

type Transport = Rough<tokio::io::DuplexStream>;

/// Transports that are seldom ready, and move bytes in pieces.
fn transports(seed: u64) -> (Transport, Transport) {
    let room = [1, 100, 5_000, 1 << 17][seed as usize / 100 % 4];
    let (client, server) = duplex(room);
    let [(client, client_script), (server, server_script)] = [client, server].map(Rough::new);
    client_script.script().moody = Some(rng(seed));
    server_script.script().moody = Some(rng(seed + 1));
    (client, server)
}

/// A handshake that is awaited by reference, again and again.
async fn shake<F>(mut handshake: F, impatient: &mut Impatient) -> TlsStream<Transport>
where
    F: Future<Output = std::io::Result<TlsStream<Transport>>> + Unpin,
{
    loop {
        if let Some(result) = impatient.attempt(&mut handshake).await {
            return result.unwrap();
        }
    }
}

fn sides() -> (TlsConnector, TlsAcceptor) {
    (
        connector_of(client_builder()),
        acceptor_of(server_builder().offload_decryption()).answerer(Arc::new(Later)),
    )
}

#[tokio::test(start_paused = true)]
async fn nothing_is_lost_and_nothing_comes_twice() {
    let (connector, acceptor) = sides();
    let mut dropped = 0;
    for seed in 0..32 {
        let seed = seed * 100;
        let (client, server) = transports(seed);
        let length = length(seed);
        let (connect, accept) = (connector.connect(name(), client), acceptor.accept(server));
        // In turns: a request, and then the answer.
        let client = async {
            let mut impatient = Impatient::new(seed + 2);
            let mut stream = shake(connect, &mut impatient).await;
            write_all(&mut stream, length, seed, &mut impatient).await;
            read_all(&mut stream, length / 2, seed + 1, &mut impatient).await;
            impatient.dropped
        };
        let server = async {
            let mut impatient = Impatient::new(seed + 3);
            let mut stream = shake(accept, &mut impatient).await;
            read_all(&mut stream, length, seed, &mut impatient).await;
            write_all(&mut stream, length / 2, seed + 1, &mut impatient).await;
            impatient.dropped
        };
        let (client, server) = tokio::join!(client, server);
        dropped += client + server;
    }
    assert!(dropped > 4_000, "{dropped}");
}

#[tokio::test(start_paused = true)]
async fn both_directions_at_once_lose_nothing() {
    let (connector, acceptor) = sides();
    let dropped = Arc::new(AtomicUsize::new(0));
    for seed in 0..24 {
        let seed = seed * 100;
        let (client, server) = transports(seed);
        let length = length(seed);
        let (connect, accept) = (connector.connect(name(), client), acceptor.accept(server));
        let mut impatient = [Impatient::new(seed + 2), Impatient::new(seed + 3)];
        let [first, second] = &mut impatient;
        let (client, server) = tokio::join!(shake(connect, first), shake(accept, second));
        let mut tasks = Vec::new();
        for (stream, own, other) in [(client, seed, seed + 1), (server, seed + 1, seed)] {
            let (mut reader, mut writer) = split(stream);
            let count = dropped.clone();
            tasks.push(tokio::spawn(async move {
                let mut impatient = Impatient::new(seed + 4 + own);
                write_all(&mut writer, length, own, &mut impatient).await;
                count.fetch_add(impatient.dropped, Ordering::Relaxed);
            }));
            let count = dropped.clone();
            tasks.push(tokio::spawn(async move {
                let mut impatient = Impatient::new(seed + 6 + own);
                read_all(&mut reader, length, other, &mut impatient).await;
                count.fetch_add(impatient.dropped, Ordering::Relaxed);
            }));
        }
        for task in tasks {
            task.await.unwrap();
        }
    }
    let dropped = dropped.load(Ordering::Relaxed);
    assert!(dropped > 1_500, "{dropped}");
}

/// A handshake that is dropped at any poll leaves nothing behind: the other side ends, too.
#[tokio::test(start_paused = true)]
async fn a_handshake_that_is_dropped_ends_the_other() {
    let (connector, acceptor) = sides();
    let mut dropped = 0;
    for polls in 0..40 {
        for client_is_dropped in [false, true] {
            let (client, server) = transports(200);
            let (connect, accept) = (connector.connect(name(), client), acceptor.accept(server));
            let (gone, other) = if client_is_dropped {
                let (client, server) = tokio::join!(at_most(polls, connect), accept);
                (client.is_none(), server.map(drop))
            } else {
                let (server, client) = tokio::join!(at_most(polls, accept), connect);
                (server.is_none(), client.map(drop))
            };
            dropped += usize::from(gone);
            // A side that has all it needs does not see it; every other one does.
            if let Err(error) = other {
                assert!(gone, "{error}");
            }
        }
    }
    assert!(dropped > 20, "{dropped}");
}
