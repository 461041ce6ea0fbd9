//! premaster: `TLS_RSA_WITH_*`.

use crate::common::{self, Cipher};
use crate::contender::{Contender, Taken};
use crate::support::handshake;
use premaster::{CertifiedKey, CipherSuite, ClientConfig, ClientConfigBuilder, NotResumed};
use premaster::{Resumption, RootStore, ServerConfig, ServerConfigBuilder, Tickets};
use std::sync::Arc;
use std::time::Duration;

/// Longer than any run.
const TICKET_KEY_PERIOD: Duration = Duration::from_secs(60 * 60);

pub struct PremasterPair {
    client: Arc<ClientConfig>,
    server: Arc<ServerConfig>,
    kind: Resumption,
}

impl PremasterPair {
    /// Every handshake in full.
    pub fn full(cipher: Cipher) -> Self {
        Self::new(
            client(cipher).session_store(None),
            server(cipher).session_store(None),
        )
    }

    /// Every handshake resumes by the ID of a session that the server keeps; it issues no ticket.
    pub fn by_session_id(cipher: Cipher) -> Self {
        Self::new(client(cipher), server(cipher)).resuming(Resumption::SessionId)
    }

    /// Every handshake resumes by the same ticket; the server keeps no session.
    pub fn by_ticket(cipher: Cipher) -> Self {
        Self::new(client(cipher), server_with_tickets(cipher)).resuming(Resumption::Ticket)
    }

    /// Every handshake resumes by the ticket that the last one brought.
    pub fn by_ticket_renewed(cipher: Cipher) -> Self {
        Self::new(client(cipher), server_with_tickets(cipher).renew_tickets())
            .resuming(Resumption::Ticket)
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
        self.handshake();
        Self { kind, ..self }
    }
}

impl Contender for PremasterPair {
    fn handshake(&self) -> Taken {
        let mut taken = Taken::default();
        let (client, server) = handshake(&self.client, &self.server, |side, call| {
            taken.by(side, call);
        });
        for connection in [client, server] {
            assert_eq!(connection.session().unwrap().resumption(), self.kind);
        }
        taken
    }
}

fn client(cipher: Cipher) -> ClientConfigBuilder {
    let roots = RootStore::from_pem(common::CERTIFICATE).unwrap();
    ClientConfig::builder(roots).suites(&[suite(cipher)])
}

fn server(cipher: Cipher) -> ServerConfigBuilder {
    let certified = CertifiedKey::from_pem(common::CERTIFICATE, common::KEY).unwrap();
    ServerConfig::builder(Arc::new(certified)).suites(&[suite(cipher)])
}

fn server_with_tickets(cipher: Cipher) -> ServerConfigBuilder {
    let tickets = Tickets::rotating(TICKET_KEY_PERIOD);
    server(cipher)
        .session_store(None)
        .tickets(Some(Arc::new(tickets)))
}

fn suite(cipher: Cipher) -> CipherSuite {
    match cipher {
        Cipher::Aes128Sha256 => CipherSuite::TLS_RSA_WITH_AES_128_GCM_SHA256,
        Cipher::Aes256Sha384 => CipherSuite::TLS_RSA_WITH_AES_256_GCM_SHA384,
    }
}
