//! rustls with aws-lc-rs, held to TLS 1.2: `TLS_ECDHE_RSA_WITH_*`.

use crate::common::{self, Cipher};
use crate::contender::{Contender, Taken};
use crate::support::Side;
use rustls::client::{Resumption, Tls12Resumption};
use rustls::crypto::CryptoProvider;
use rustls::crypto::aws_lc_rs::{Ticketer, cipher_suite, default_provider};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{NoServerSessionStorage, ServerSessionMemoryCache};
use rustls::version::TLS12;
use rustls::{ClientConfig, ClientConnection, ConnectionCommon, HandshakeKind, RootCertStore};
use rustls::{ServerConfig, ServerConnection, SideData};
use std::sync::Arc;

/// As many sessions as either side keeps.
const SESSIONS: usize = 256;

/// Room for any flight of a handshake, so that no call has to grow a buffer.
const FLIGHT: usize = 16 * 1024;

pub struct RustlsPair {
    client: Arc<ClientConfig>,
    server: Arc<ServerConfig>,
    kind: HandshakeKind,
}

impl RustlsPair {
    /// Every handshake in full.
    pub fn full(cipher: Cipher) -> Self {
        let mut client = client(cipher);
        client.resumption = Resumption::disabled();
        let mut server = server(cipher);
        server.session_storage = Arc::new(NoServerSessionStorage {});
        Self {
            client: Arc::new(client),
            server: Arc::new(server),
            kind: HandshakeKind::Full,
        }
    }

    /// Every handshake resumes by the ID of a session that the server keeps; it issues no ticket.
    pub fn by_session_id(cipher: Cipher) -> Self {
        let mut server = server(cipher);
        server.session_storage = ServerSessionMemoryCache::new(SESSIONS);
        Self::resuming(cipher, Tls12Resumption::SessionIdOnly, server)
    }

    /// Every handshake resumes by ticket; the server keeps no session.
    pub fn by_ticket(cipher: Cipher) -> Self {
        let mut server = server(cipher);
        server.session_storage = Arc::new(NoServerSessionStorage {});
        server.ticketer = Ticketer::new().unwrap();
        Self::resuming(cipher, Tls12Resumption::SessionIdOrTickets, server)
    }

    /// Does the full handshake that leaves the client with a session to resume.
    fn resuming(cipher: Cipher, resumption: Tls12Resumption, server: ServerConfig) -> Self {
        let mut client = client(cipher);
        client.resumption = Resumption::in_memory_sessions(SESSIONS).tls12_resumption(resumption);
        let mut pair = Self {
            client: Arc::new(client),
            server: Arc::new(server),
            kind: HandshakeKind::Full,
        };
        pair.handshake();
        pair.kind = HandshakeKind::Resumed;
        pair
    }
}

impl Contender for RustlsPair {
    fn handshake(&self) -> Taken {
        let mut taken = Taken::default();
        let mut to_server = Vec::with_capacity(FLIGHT);
        let mut to_client = Vec::with_capacity(FLIGHT);
        let mut client = taken.by(Side::Client, || {
            let mut client = ClientConnection::new(self.client.clone(), common::name()).unwrap();
            write(&mut client, &mut to_server);
            client
        });
        let mut server = taken.by(Side::Server, || {
            ServerConnection::new(self.server.clone()).unwrap()
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
        taken
    }
}

/// Has a side take in a whole flight.
fn take<S: SideData>(
    connection: &mut ConnectionCommon<S>,
    incoming: &mut Vec<u8>,
    outgoing: &mut Vec<u8>,
) {
    let mut unread = incoming.as_slice();
    while !unread.is_empty() {
        connection.read_tls(&mut unread).unwrap();
        connection.process_new_packets().unwrap();
    }
    incoming.clear();
    write(connection, outgoing);
}

fn write<S: SideData>(connection: &mut ConnectionCommon<S>, outgoing: &mut Vec<u8>) {
    while connection.wants_write() {
        connection.write_tls(outgoing).unwrap();
    }
}

fn client(cipher: Cipher) -> ClientConfig {
    let mut roots = RootCertStore::empty();
    roots.add(certificate()).unwrap();
    ClientConfig::builder_with_provider(provider(cipher))
        .with_protocol_versions(&[&TLS12])
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth()
}

fn server(cipher: Cipher) -> ServerConfig {
    let key = PrivateKeyDer::from_pem_slice(common::KEY).unwrap();
    ServerConfig::builder_with_provider(provider(cipher))
        .with_protocol_versions(&[&TLS12])
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate()], key)
        .unwrap()
}

fn certificate() -> CertificateDer<'static> {
    CertificateDer::from_pem_slice(common::CERTIFICATE).unwrap()
}

fn provider(cipher: Cipher) -> Arc<CryptoProvider> {
    let suite = match cipher {
        Cipher::Aes128Sha256 => cipher_suite::TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
        Cipher::Aes256Sha384 => cipher_suite::TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
    };
    Arc::new(CryptoProvider {
        cipher_suites: vec![suite],
        ..default_provider()
    })
}
