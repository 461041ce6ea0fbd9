//! Records of application data against the `aes-gcm` crate alone.
//!
//! A batch of records is sent into one buffer and then received from it, the two timed apart, so
//! that what is received is always the next of its connection and nothing has to be copied back.
//! The reference seals and opens the same batch in place, with a record's nonce and additional
//! data. The aim is at least 0.97 of its throughput for records of 16 KiB.

use aes_gcm::aead::AeadInOut;
use aes_gcm::aead::consts::{U12, U16};
use aes_gcm::{Aes128Gcm, Aes256Gcm, KeyInit};
use criterion::{Criterion, Throughput};
use premaster::{CipherSuite, Connection, Event};
use premaster_benches::common;
use premaster_benches::support::records::{TAG, nonce_and_additional_data, records};
use premaster_benches::support::{is_bench_run, median_ratio, time};
use std::time::Duration;

/// Plaintext in each record: the length that the aim is for, and two for information.
const LENGTHS: [usize; 3] = [16 * 1024, 1024, 64];

/// Plaintext in each batch, a multiple of all lengths and little enough to stay in the cache.
const BATCH: usize = 256 * 1024;

/// Enough rounds for a median that repeats to two digits.
const ROUNDS: usize = 400;

/// One way to protect a batch of records and to read it again.
trait Bulk {
    /// Protects a batch.
    fn send(&mut self) -> Duration;

    /// Reads the batch that was sent last.
    fn receive(&mut self) -> Duration;
}

/// Two connections of this crate.
struct Link {
    sender: Connection,
    receiver: Connection,
    record: Vec<u8>,
    wire: Vec<u8>,
    answers: Vec<u8>,
}

impl Link {
    fn new(suite: CipherSuite, length: usize) -> Self {
        let client = common::client_builder().suites(&[suite]);
        let pair = common::pair(client, common::server_builder()).established();
        Self {
            sender: pair.client.connection,
            receiver: pair.server.connection,
            record: vec![0x5a; length],
            wire: Vec::new(),
            answers: Vec::new(),
        }
    }
}

impl Bulk for Link {
    fn send(&mut self) -> Duration {
        self.wire.clear();
        let records = BATCH / self.record.len();
        let (taken, ()) = time(|| {
            for _ in 0..records {
                self.sender.send(&self.record, &mut self.wire).unwrap();
            }
        });
        taken
    }

    fn receive(&mut self) -> Duration {
        let mut rest = &mut self.wire[..];
        let (taken, ()) = time(|| {
            while !rest.is_empty() {
                let received = self.receiver.receive(rest, &mut self.answers).unwrap();
                let consumed = received.consumed;
                assert!(matches!(received.event, Event::ApplicationData(_)));
                rest = &mut rest[consumed..];
            }
        });
        taken
    }
}

/// The cipher alone.
struct Raw<A> {
    cipher: A,
    /// The text that is copied into each record before it is sealed, as by a sender whose caller
    /// keeps the text. If there is none, the record's own bytes are sealed again.
    copied: Option<Vec<u8>>,
    length: usize,
    /// Each record's text with its tag behind it.
    batch: Vec<u8>,
    /// The number of the batch's first record, which is its nonce.
    first: u64,
}

impl<A: KeyInit> Raw<A> {
    fn new(length: usize, copied: Option<Vec<u8>>) -> Self {
        Self {
            cipher: A::new(&Default::default()),
            copied,
            length,
            batch: vec![0x5a; BATCH / length * (length + TAG)],
            first: 0,
        }
    }
}

impl<A> Bulk for Raw<A>
where
    A: AeadInOut<NonceSize = U12, TagSize = U16>,
{
    fn send(&mut self) -> Duration {
        self.first += (BATCH / self.length) as u64;
        let (taken, ()) = time(|| {
            for (number, text, tag) in records(&mut self.batch, self.length, self.first) {
                if let Some(copied) = &self.copied {
                    text.copy_from_slice(copied);
                }
                let (nonce, additional_data) = nonce_and_additional_data(number);
                *tag = self
                    .cipher
                    .encrypt_inout_detached(&nonce.into(), &additional_data, text.into())
                    .unwrap()
                    .into();
            }
        });
        taken
    }

    fn receive(&mut self) -> Duration {
        let (taken, ()) = time(|| {
            for (number, text, tag) in records(&mut self.batch, self.length, self.first) {
                let (nonce, additional_data) = nonce_and_additional_data(number);
                let tag = (*tag).into();
                self.cipher
                    .decrypt_inout_detached(&nonce.into(), &additional_data, text.into(), &tag)
                    .unwrap();
            }
        });
        taken
    }
}

/// One suite and record length, by this crate and by the cipher alone.
struct Case {
    name: String,
    link: Link,
    in_place: Box<dyn Bulk>,
    copying: Box<dyn Bulk>,
}

impl Case {
    fn new<A>(suite: CipherSuite, length: usize) -> Self
    where
        A: AeadInOut<NonceSize = U12, TagSize = U16> + KeyInit + 'static,
    {
        Self {
            name: format!("{suite}/{length}"),
            link: Link::new(suite, length),
            in_place: Box::new(Raw::<A>::new(length, None)),
            copying: Box::new(Raw::<A>::new(length, Some(vec![0x5a; length]))),
        }
    }
}

fn cases() -> Vec<Case> {
    let of_length = |length| {
        [
            Case::new::<Aes128Gcm>(CipherSuite::TLS_RSA_WITH_AES_128_GCM_SHA256, length),
            Case::new::<Aes256Gcm>(CipherSuite::TLS_RSA_WITH_AES_256_GCM_SHA384, length),
        ]
    };
    LENGTHS.into_iter().flat_map(of_length).collect()
}

/// One direction of a batch, the other done out of the time.
type Timed = fn(&mut dyn Bulk) -> Duration;

/// Sends a batch and, out of the time, receives it, so that the connections stay in step.
fn send(bulk: &mut dyn Bulk) -> Duration {
    let taken = bulk.send();
    bulk.receive();
    taken
}

/// Receives a batch that was sent out of the time.
fn receive(bulk: &mut dyn Bulk) -> Duration {
    bulk.send();
    bulk.receive()
}

/// The throughput of each case, by this crate and by the cipher.
fn measure(criterion: &mut Criterion, cases: &mut [Case]) {
    let directions: [(&str, Timed); 2] = [("send", send), ("receive", receive)];
    let mut group = criterion.benchmark_group("bulk");
    group.throughput(Throughput::Bytes(BATCH as u64));
    for case in cases {
        for (direction, timed) in directions {
            for (way, bulk) in [
                ("premaster", &mut case.link as &mut dyn Bulk),
                ("aes-gcm", case.in_place.as_mut()),
            ] {
                let name = format!("{}/{direction}/{way}", case.name);
                group.bench_function(name, |bencher| {
                    bencher.iter_custom(|batches| (0..batches).map(|_| timed(bulk)).sum());
                });
            }
        }
    }
}

/// This crate's throughput as a share of the cipher's.
fn compare(cases: &mut [Case]) {
    println!("\nthroughput as a share of aes-gcm's in place (of a copy and aes-gcm in place)");
    for case in cases {
        let (link, in_place, copying) = (&mut case.link, &mut *case.in_place, &mut *case.copying);
        let sent = median_ratio(ROUNDS, || send(in_place), || send(link));
        let sent_of_copying = median_ratio(ROUNDS, || send(copying), || send(link));
        let received = median_ratio(ROUNDS, || receive(in_place), || receive(link));
        println!("{:40} send    {sent:.3} ({sent_of_copying:.3})", case.name);
        println!("{:40} receive {received:.3}", case.name);
    }
}

fn main() {
    let mut cases = cases();
    let mut criterion = Criterion::default()
        .sample_size(30)
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_secs(2))
        .configure_from_args();
    measure(&mut criterion, &mut cases);
    criterion.final_summary();
    if is_bench_run() {
        compare(&mut cases);
    }
}
