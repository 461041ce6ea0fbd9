//! premaster: `TLS_RSA_WITH_*`.

use crate::certificates::Credentials;
use crate::common::Cipher;
use crate::contender::{Batch, Contender, Taken};
use crate::support::{Side, handshake};
use premaster::protocol::EncryptThenMac;
use premaster::session::{NotResumed, Resumption};
use premaster::{CertifiedKey, CipherSuite, ClientConfig, ClientConfigBuilder, Connection, Event};
use premaster::{RootStore, ServerConfig, ServerConfigBuilder, Tickets};
use std::sync::Arc;
use std::time::Duration;

/// Longer than any run.
const TICKET_KEY_PERIOD: Duration = Duration::from_secs(60 * 60);

/// Handshakes of one kind.
pub struct PremasterPair {
    client: Arc<ClientConfig>,
    server: Arc<ServerConfig>,
    kind: Resumption,
}

impl PremasterPair {
    /// Every handshake in full.
    pub fn full(credentials: &Credentials, cipher: Cipher) -> Self {
        Self::new(
            client(credentials, cipher).session_store(None),
            server(credentials, cipher).session_store(None),
        )
    }

    /// Every handshake resumes by the ID of a session that the server keeps; it issues no ticket.
    pub fn by_session_id(credentials: &Credentials, cipher: Cipher) -> Self {
        Self::new(client(credentials, cipher), server(credentials, cipher))
            .resuming(Resumption::SessionId)
    }

    /// Every handshake resumes by the same ticket; the server keeps no session.
    pub fn by_ticket(credentials: &Credentials, cipher: Cipher) -> Self {
        let server = server_with_tickets(credentials, cipher);
        Self::new(client(credentials, cipher), server).resuming(Resumption::Ticket)
    }

    /// Every handshake resumes by the ticket that the last one brought.
    pub fn by_ticket_renewed(credentials: &Credentials, cipher: Cipher) -> Self {
        let server = server_with_tickets(credentials, cipher).renew_tickets();
        Self::new(client(credentials, cipher), server).resuming(Resumption::Ticket)
    }

    fn new(client: ClientConfigBuilder, server: ServerConfigBuilder) -> Self {
        Self {
            client: Arc::new(client.build().unwrap()),
            server: Arc::new(server.build().unwrap()),
            kind: Resumption::Full(NotResumed::NothingOffered),
        }
    }

    /// Does the full handshake that leaves the client with a session to resume.
    fn resuming(self, kind: Resumption) -> Self {
        self.connect(|_, call| call());
        Self { kind, ..self }
    }

    /// Does a handshake, each call of a side made by `within`.
    pub fn connect(&self, within: impl FnMut(Side, &mut dyn FnMut())) -> (Connection, Connection) {
        let (client, server) = handshake(&self.client, &self.server, within);
        for connection in [&client, &server] {
            assert_eq!(connection.session().unwrap().resumption(), self.kind);
        }
        (client, server)
    }
}

impl Contender for PremasterPair {
    fn run(&mut self) -> Taken {
        let mut taken = Taken::default();
        self.connect(|side, call| taken.by(side, call));
        taken
    }
}

/// Records from a client to a server: encrypted into the output, decrypted where they lie.
pub struct PremasterLink {
    client: Connection,
    server: Connection,
    batch: Batch,
    record: Vec<u8>,
    wire: Vec<u8>,
    answers: Vec<u8>,
}

impl PremasterLink {
    pub fn new(credentials: &Credentials, cipher: Cipher, batch: Batch) -> Self {
        let pair = PremasterPair::full(credentials, cipher);
        let (client, server) = pair.connect(|_, call| call());
        Self {
            client,
            server,
            batch,
            record: vec![0x5a; batch.length],
            wire: Vec::new(),
            answers: Vec::new(),
        }
    }

    fn send(&mut self) {
        for _ in 0..self.batch.records {
            self.client.send(&self.record, &mut self.wire).unwrap();
        }
    }

    /// The number of records.
    fn receive(&mut self) -> usize {
        let mut rest = &mut self.wire[..];
        let mut records = 0;
        while !rest.is_empty() {
            let received = self.server.receive(rest, &mut self.answers).unwrap();
            let consumed = received.consumed;
            assert!(matches!(received.event, Event::ApplicationData(_)));
            rest = &mut rest[consumed..];
            records += 1;
        }
        records
    }
}

impl Contender for PremasterLink {
    fn run(&mut self) -> Taken {
        let mut taken = Taken::default();
        self.wire.clear();
        taken.by(Side::Client, || self.send());
        let received = taken.by(Side::Server, || self.receive());
        assert_eq!(received, self.batch.records);
        taken
    }
}

pub fn client(credentials: &Credentials, cipher: Cipher) -> ClientConfigBuilder {
    let roots = RootStore::from_pem(&credentials.root).unwrap();
    ClientConfig::builder(roots)
        .suites(&[suite(cipher)])
        .encrypt_then_mac(encrypt_then_mac(cipher))
}

pub fn server(credentials: &Credentials, cipher: Cipher) -> ServerConfigBuilder {
    let certified = CertifiedKey::from_pem(&credentials.certificate, credentials.key).unwrap();
    ServerConfig::builder(Arc::new(certified))
        .suites(&[suite(cipher)])
        .encrypt_then_mac(encrypt_then_mac(cipher))
}

fn server_with_tickets(credentials: &Credentials, cipher: Cipher) -> ServerConfigBuilder {
    let tickets = Tickets::rotating(TICKET_KEY_PERIOD);
    server(credentials, cipher).session_store(None).tickets(Some(Arc::new(tickets)))
}

fn suite(cipher: Cipher) -> CipherSuite {
    match cipher {
        Cipher::Aes128Sha256 => CipherSuite::TLS_RSA_WITH_AES_128_GCM_SHA256,
        Cipher::Aes256Sha384 => CipherSuite::TLS_RSA_WITH_AES_256_GCM_SHA384,
        Cipher::Aes128Cbc | Cipher::Aes128CbcEtm => CipherSuite::TLS_RSA_WITH_AES_128_CBC_SHA,
    }
}

fn encrypt_then_mac(cipher: Cipher) -> EncryptThenMac {
    if cipher == Cipher::Aes128Cbc {
        EncryptThenMac::Off
    } else {
        EncryptThenMac::Required
    }
}
