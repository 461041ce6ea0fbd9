//! rustls, held to TLS 1.2: `TLS_ECDHE_RSA_WITH_*`, as it has no RSA key transport.
//!
//! What is measured is its unbuffered interface, which is the one that writes into the caller's
//! output and decrypts in the caller's input.

use crate::certificates::Credentials;
use crate::common::{self, Cipher};
use crate::contender::{Batch, Contender, Taken};
use crate::support::Side;
use rustls::client::{
    ClientConnectionData, Resumption, Tls12Resumption, UnbufferedClientConnection,
};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{NoServerSessionStorage, ProducesTickets, ServerConnectionData};
use rustls::server::{ServerSessionMemoryCache, UnbufferedServerConnection};
use rustls::unbuffered::{ConnectionState, UnbufferedStatus};
use rustls::version::TLS12;
use rustls::{CipherSuite, ClientConfig, HandshakeKind, RootCertStore, ServerConfig};
use std::sync::Arc;

/// As many sessions as either side keeps.
const SESSIONS: usize = 256;

/// Room for any flight of a handshake.
const FLIGHT: usize = 16 * 1024;

/// Room for what a record has beside its plaintext.
const RECORD_OVERHEAD: usize = 64;

/// Whose cryptography rustls uses.
#[derive(Clone, Copy)]
pub enum Provider {
    AwsLcRs,
    Ring,
}

impl Provider {
    /// The provider with one suite.
    fn with(self, cipher: Cipher) -> Arc<CryptoProvider> {
        let mut provider = match self {
            Self::AwsLcRs => rustls::crypto::aws_lc_rs::default_provider(),
            Self::Ring => rustls::crypto::ring::default_provider(),
        };
        let wanted = match cipher {
            Cipher::Aes128Sha256 => CipherSuite::TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
            Cipher::Aes256Sha384 => CipherSuite::TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
            Cipher::Aes128Cbc | Cipher::Aes128CbcEtm => panic!("rustls has no suite with CBC"),
        };
        provider.cipher_suites.retain(|suite| suite.suite() == wanted);
        Arc::new(provider)
    }

    fn ticketer(self) -> Arc<dyn ProducesTickets> {
        let ticketer = match self {
            Self::AwsLcRs => rustls::crypto::aws_lc_rs::Ticketer::new(),
            Self::Ring => rustls::crypto::ring::Ticketer::new(),
        };
        ticketer.unwrap()
    }
}

/// Handshakes of one kind.
pub struct RustlsPair {
    client: Arc<ClientConfig>,
    server: Arc<ServerConfig>,
    kind: HandshakeKind,
}

impl RustlsPair {
    /// Every handshake in full.
    pub fn full(provider: Provider, credentials: &Credentials, cipher: Cipher) -> Self {
        let mut client = client(provider, credentials, cipher);
        client.resumption = Resumption::disabled();
        let mut server = server(provider, credentials, cipher);
        server.session_storage = Arc::new(NoServerSessionStorage {});
        Self::new(client, server)
    }

    /// Every handshake resumes by the ID of a session that the server keeps; it issues no ticket.
    pub fn by_session_id(provider: Provider, credentials: &Credentials, cipher: Cipher) -> Self {
        let mut client = client(provider, credentials, cipher);
        client.resumption = keeping(Tls12Resumption::SessionIdOnly);
        let mut server = server(provider, credentials, cipher);
        server.session_storage = ServerSessionMemoryCache::new(SESSIONS);
        Self::new(client, server).resuming()
    }

    /// Every handshake resumes by the ticket that the last one brought; the server keeps no
    /// session.
    pub fn by_ticket(provider: Provider, credentials: &Credentials, cipher: Cipher) -> Self {
        let mut client = client(provider, credentials, cipher);
        client.resumption = keeping(Tls12Resumption::SessionIdOrTickets);
        let mut server = server(provider, credentials, cipher);
        server.session_storage = Arc::new(NoServerSessionStorage {});
        server.ticketer = provider.ticketer();
        Self::new(client, server).resuming()
    }

    fn new(client: ClientConfig, server: ServerConfig) -> Self {
        Self {
            client: Arc::new(client),
            server: Arc::new(server),
            kind: HandshakeKind::Full,
        }
    }

    /// Does the full handshake that leaves the client with a session to resume.
    fn resuming(self) -> Self {
        self.connect(&mut Taken::default());
        Self {
            kind: HandshakeKind::Resumed,
            ..self
        }
    }

    /// Does a handshake and adds what it took.
    fn connect(
        &self,
        taken: &mut Taken,
    ) -> (UnbufferedClientConnection, UnbufferedServerConnection) {
        let (mut to_server, mut to_client) = (Wire::new(FLIGHT), Wire::new(FLIGHT));
        let mut client = taken.by(Side::Client, || {
            let config = self.client.clone();
            let mut client = UnbufferedClientConnection::new(config, common::name()).unwrap();
            take(&mut client, &mut Wire::new(0), &mut to_server);
            client
        });
        let mut server = taken.by(Side::Server, || {
            UnbufferedServerConnection::new(self.server.clone()).unwrap()
        });
        for _ in 0..2 {
            taken.by(Side::Server, || {
                take(&mut server, &mut to_server, &mut to_client);
            });
            taken.by(Side::Client, || {
                take(&mut client, &mut to_client, &mut to_server);
            });
        }
        assert!(!client.is_handshaking() && !server.is_handshaking());
        assert_eq!(client.handshake_kind(), Some(self.kind));
        assert_eq!(server.handshake_kind(), Some(self.kind));
        (client, server)
    }
}

impl Contender for RustlsPair {
    fn run(&mut self) -> Taken {
        let mut taken = Taken::default();
        self.connect(&mut taken);
        taken
    }
}

/// Records from a client to a server: encrypted into the output, decrypted where they lie.
pub struct RustlsLink {
    client: UnbufferedClientConnection,
    server: UnbufferedServerConnection,
    batch: Batch,
    record: Vec<u8>,
    wire: Wire,
}

impl RustlsLink {
    pub fn new(
        provider: Provider,
        credentials: &Credentials,
        cipher: Cipher,
        batch: Batch,
    ) -> Self {
        let pair = RustlsPair::full(provider, credentials, cipher);
        let (client, server) = pair.connect(&mut Taken::default());
        Self {
            client,
            server,
            batch,
            record: vec![0x5a; batch.length],
            wire: Wire::new((batch.length + RECORD_OVERHEAD) * batch.records),
        }
    }

    fn send(&mut self) {
        let status = self.client.process_tls_records(&mut []);
        let Ok(ConnectionState::WriteTraffic(mut traffic)) = status.state else {
            panic!("the connection is established");
        };
        for _ in 0..self.batch.records {
            let written = traffic.encrypt(&self.record, self.wire.room());
            self.wire.length += written.unwrap();
        }
    }

    /// The number of records.
    fn receive(&mut self) -> usize {
        let mut rest = self.wire.written();
        let mut records = 0;
        while !rest.is_empty() {
            let UnbufferedStatus { discard, state } = self.server.process_tls_records(rest);
            if let ConnectionState::ReadTraffic(mut traffic) = state.unwrap() {
                while let Some(record) = traffic.next_record() {
                    assert_eq!(record.unwrap().payload.len(), self.record.len());
                    records += 1;
                }
            }
            rest = &mut rest[discard..];
        }
        records
    }
}

impl Contender for RustlsLink {
    fn run(&mut self) -> Taken {
        let mut taken = Taken::default();
        self.wire.length = 0;
        taken.by(Side::Client, || self.send());
        let received = taken.by(Side::Server, || self.receive());
        assert_eq!(received, self.batch.records);
        taken
    }
}

/// What one side has written and the other one is still to read.
struct Wire {
    bytes: Vec<u8>,
    length: usize,
}

impl Wire {
    fn new(room: usize) -> Self {
        Self {
            bytes: vec![0; room],
            length: 0,
        }
    }

    fn written(&mut self) -> &mut [u8] {
        &mut self.bytes[..self.length]
    }

    fn room(&mut self) -> &mut [u8] {
        &mut self.bytes[self.length..]
    }
}

/// What both sides' connections have in common.
trait Unbuffered {
    type Data;

    fn process<'c, 'i>(
        &'c mut self,
        incoming: &'i mut [u8],
    ) -> UnbufferedStatus<'c, 'i, Self::Data>;
}

impl Unbuffered for UnbufferedClientConnection {
    type Data = ClientConnectionData;

    fn process<'c, 'i>(
        &'c mut self,
        incoming: &'i mut [u8],
    ) -> UnbufferedStatus<'c, 'i, Self::Data> {
        self.process_tls_records(incoming)
    }
}

impl Unbuffered for UnbufferedServerConnection {
    type Data = ServerConnectionData;

    fn process<'c, 'i>(
        &'c mut self,
        incoming: &'i mut [u8],
    ) -> UnbufferedStatus<'c, 'i, Self::Data> {
        self.process_tls_records(incoming)
    }
}

/// Has a side take in a whole flight and write its answer.
fn take(connection: &mut impl Unbuffered, incoming: &mut Wire, outgoing: &mut Wire) {
    let mut rest = incoming.written();
    loop {
        let UnbufferedStatus { discard, state } = connection.process(rest);
        match state.unwrap() {
            ConnectionState::EncodeTlsData(mut message) => {
                outgoing.length += message.encode(outgoing.room()).unwrap();
            }
            ConnectionState::TransmitTlsData(flight) => flight.done(),
            ConnectionState::BlockedHandshake | ConnectionState::WriteTraffic(_) => {
                assert_eq!(discard, rest.len());
                break;
            }
            other => panic!("{other:?}"),
        }
        rest = &mut rest[discard..];
    }
    incoming.length = 0;
}

fn keeping(resumption: Tls12Resumption) -> Resumption {
    Resumption::in_memory_sessions(SESSIONS).tls12_resumption(resumption)
}

fn client(provider: Provider, credentials: &Credentials, cipher: Cipher) -> ClientConfig {
    let mut roots = RootCertStore::empty();
    roots.add(certificate(&credentials.root)).unwrap();
    ClientConfig::builder_with_provider(provider.with(cipher))
        .with_protocol_versions(&[&TLS12])
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth()
}

fn server(provider: Provider, credentials: &Credentials, cipher: Cipher) -> ServerConfig {
    let key = PrivateKeyDer::from_pem_slice(credentials.key).unwrap();
    ServerConfig::builder_with_provider(provider.with(cipher))
        .with_protocol_versions(&[&TLS12])
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate(&credentials.certificate)], key)
        .unwrap()
}

fn certificate(pem: &[u8]) -> CertificateDer<'static> {
    CertificateDer::from_pem_slice(pem).unwrap()
}
