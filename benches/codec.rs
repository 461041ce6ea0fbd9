//! Messages to bytes and back, and records to messages.
//!
//! The codec is not public. Its rooms import no others, which tests/import_rules checks, so they
//! are compiled into this bench as they are: the codec's share of a whole connection is too small
//! to measure there. Only records go through one, a server's: it refuses a hello without a suite of
//! its own when it has read all of it, before anything is drawn or hashed.

#[path = "../src/codec.rs"]
#[allow(dead_code, unused_imports, reason = "the bench uses its own part")]
mod codec;
#[path = "../src/enums/mod.rs"]
#[allow(dead_code, unused_imports, reason = "the bench uses its own part")]
mod enums;
#[path = "../src/error/mod.rs"]
#[allow(dead_code, unused_imports, reason = "the bench uses its own part")]
mod error;
#[path = "../src/message/mod.rs"]
#[allow(dead_code, unused_imports, reason = "the bench uses its own part")]
mod message;
#[path = "../src/waiver.rs"]
#[allow(dead_code, unused_imports, reason = "the bench uses its own part")]
mod waiver;

// The tests of `error` and `waiver`, which are compiled with them, look for the settings that they
// name.
#[cfg(test)]
mod config {
    pub use premaster::certificate::CertificateSet;
    pub use premaster::{ClientConfigBuilder, ServerConfigBuilder};
}
#[cfg(test)]
mod verify {
    pub use premaster::CertificatePolicy;
    pub use premaster::certificate::Crls;
}

use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, Criterion, Throughput};
use enums::{CipherSuite, CompressionMethod, ExtensionType, HandshakeType};
use enums::{ProtocolVersion, SignatureScheme};
use error::{DecodeError, Error};
use message::certificate::{Certificate, encode_certificate};
use message::extension::Extensions;
use message::hello::{ClientHello, Random, ServerHello, SessionId};
use message::{HandshakeBody, HandshakeMessage};
use premaster::Connection;
use premaster_benches::common::{NAME, pki, server_builder, wire};
use std::hint::black_box;
use std::sync::Arc;
use std::time::Duration;

/// The suites of a client's default configuration.
const SUITES: [CipherSuite; 2] = [
    CipherSuite::TLS_RSA_WITH_AES_256_GCM_SHA384,
    CipherSuite::TLS_RSA_WITH_AES_128_GCM_SHA256,
];

/// Suites that a server does not support: TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256.
const UNACCEPTABLE: [CipherSuite; 1] = [CipherSuite(0xc02f)];

/// How many empty extensions make 1 and 16 KiB.
const MANY: [usize; 2] = [1024 / 4, 16 * 1024 / 4];

/// How much of a message is in each of its records.
const FRAGMENTS: [usize; 3] = [16 * 1024, 64, 1];

type Group<'c> = BenchmarkGroup<'c, WallTime>;

/// A client's hello with the extensions of its default configuration.
fn client_hello(cipher_suites: &[CipherSuite]) -> ClientHello<'static> {
    let mut extensions = Extensions::new();
    extensions.push_server_name(NAME);
    extensions.push_signature_algorithms(&[
        SignatureScheme::RSA_PSS_RSAE_SHA256,
        SignatureScheme::RSA_PSS_RSAE_SHA384,
        SignatureScheme::RSA_PSS_RSAE_SHA512,
        SignatureScheme::RSA_PKCS1_SHA256,
        SignatureScheme::RSA_PKCS1_SHA384,
        SignatureScheme::RSA_PKCS1_SHA512,
    ]);
    extensions.push_extended_master_secret();
    extensions.push_session_ticket(&[]);
    extensions.push_renegotiation_info(&[]);
    ClientHello {
        client_version: ProtocolVersion::TLS_1_2,
        random: Random([7; 32]),
        session_id: SessionId::default(),
        cipher_suites: cipher_suites.to_vec(),
        compression_methods: vec![CompressionMethod::NULL],
        extensions: Some(extensions),
    }
}

/// A client's hello with so many unknown extensions more, in no order of their types.
fn client_hello_with_unknown(
    cipher_suites: &[CipherSuite],
    count: usize,
    content: &[u8],
) -> Vec<u8> {
    let mut hello = client_hello(cipher_suites);
    let extensions = hello.extensions.get_or_insert_default();
    for number in 0..count {
        // An odd factor gives each number a type of its own, none of them assigned.
        let typ = 0x4000 + (number * 5387) % 0x4000;
        extensions.push_raw(ExtensionType(typ as u16), content);
    }
    hello.encode().unwrap()
}

/// The server's answer to it in a full handshake without a ticket.
fn server_hello() -> ServerHello<'static> {
    let mut extensions = Extensions::new();
    extensions.push_server_name_ack();
    extensions.push_extended_master_secret();
    extensions.push_renegotiation_info(&[]);
    ServerHello {
        server_version: ProtocolVersion::TLS_1_2,
        random: Random([8; 32]),
        session_id: SessionId::new([9; 32]),
        cipher_suite: SUITES[0],
        compression_method: CompressionMethod::NULL,
        extensions: Some(extensions),
    }
}

fn client_hellos(group: &mut Group<'_>) {
    let hello = client_hello(&SUITES).encode().unwrap();
    encode(group, "ClientHello", || {
        client_hello(&SUITES).encode().unwrap()
    });
    decode(group, "ClientHello", &hello, decode_client_hello);
    for count in MANY {
        let mut hello = client_hello_with_unknown(&SUITES, count, &[]);
        let name = format!("ClientHello with {count} unknown extensions");
        decode(group, &name, &hello, decode_client_hello);
        // The last extension is made longer than the block that it is in.
        *hello.last_mut().unwrap() = 1;
        decode(group, &format!("malformed {name}"), &hello, |message| {
            let refusal = message.decode::<ClientHello<'_>>().unwrap_err();
            assert!(matches!(refusal, Error::Decode { .. }));
        });
    }
}

fn server_flights(group: &mut Group<'_>) {
    encode(group, "ServerHello", || server_hello().encode().unwrap());
    let hello = server_hello().encode().unwrap();
    decode(group, "ServerHello", &hello, |message| {
        black_box(message.decode::<ServerHello<'_>>().unwrap());
    });
    let certificate = pki::server(&pki::key("rsa-2048")).build();
    for length in [1, 3] {
        let chain = encode_certificate(&vec![certificate.clone(); length]).unwrap();
        let name = format!("Certificate with a chain of {length}");
        decode(group, &name, &chain, |message| {
            black_box(message.decode::<Certificate<'_>>().unwrap().into_owned());
        });
    }
}

/// Reads a hello and every extension that a server looks for.
fn decode_client_hello(message: HandshakeMessage<'_>) {
    let read = |extensions: &Extensions<'_>| {
        black_box(extensions.signature_algorithms()?);
        black_box(extensions.server_name()?);
        black_box(extensions.renegotiation_info()?);
        black_box(extensions.extended_master_secret()?);
        black_box(extensions.alpn()?);
        black_box(extensions.max_fragment_length()?);
        black_box(extensions.record_size_limit()?);
        black_box(extensions.asks_for_ocsp()?);
        black_box(extensions.session_ticket()?);
        Ok::<(), DecodeError>(())
    };
    let hello: ClientHello<'_> = message.decode().unwrap();
    read(hello.extensions.as_ref().unwrap()).unwrap();
}

/// A hello of 16 KiB that is nearly all one extension, to a server that refuses it, in records of
/// several lengths.
fn records(group: &mut Group<'_>) {
    let config = Arc::new(server_builder().build().unwrap());
    let hello = client_hello_with_unknown(&UNACCEPTABLE, 1, &[0; 16 * 1024]);
    let mut outgoing = Vec::new();
    for length in FRAGMENTS {
        let fragments = hello.chunks(length);
        let mut records: Vec<u8> =
            fragments.flat_map(|fragment| wire::record(wire::HANDSHAKE, fragment)).collect();
        group.throughput(Throughput::Bytes(hello.len() as u64));
        group.bench_function(format!("join/records of {length}"), |bencher| {
            bencher.iter(|| {
                outgoing.clear();
                let mut server = Connection::server(config.clone());
                let refusal = server.receive(&mut records, &mut outgoing).unwrap_err();
                assert!(matches!(refusal, premaster::Error::Incompatible(_)));
            });
        });
    }
}

fn encode(group: &mut Group<'_>, name: &str, encode: impl Fn() -> Vec<u8>) {
    group.throughput(Throughput::Bytes(encode().len() as u64));
    group.bench_function(format!("encode/{name}"), |bencher| bencher.iter(&encode));
}

fn decode(group: &mut Group<'_>, name: &str, bytes: &[u8], decode: impl Fn(HandshakeMessage<'_>)) {
    let typ = HandshakeType(bytes[0]);
    group.throughput(Throughput::Bytes(bytes.len() as u64));
    group.bench_function(format!("decode/{name}"), |bencher| {
        bencher.iter(|| decode(black_box(HandshakeMessage { typ, bytes })));
    });
}

fn main() {
    let mut criterion = Criterion::default()
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(2))
        .configure_from_args();
    let mut group = criterion.benchmark_group("codec");
    client_hellos(&mut group);
    server_flights(&mut group);
    records(&mut group);
    group.finish();
    criterion.final_summary();
}
