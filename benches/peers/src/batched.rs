//! premaster's server when it decrypts the secrets of several handshakes together.

use crate::certificates::Credentials;
use crate::common::{Cipher, name};
use crate::contender::{Contender, Taken};
use crate::premaster_pair::{client, server};
use crate::support::Side;
use premaster::private_key::DecryptBatch;
use premaster::{CertifiedKey, ClientConfig, Connection, Event, Pending, ServerConfig};
use std::sync::Arc;

/// Handshakes that pause for the private key together. What a side took is its share of one handshake.
pub struct PremasterBatch {
    client: Arc<ClientConfig>,
    server: Arc<ServerConfig>,
    certified: CertifiedKey,
    size: usize,
}

impl PremasterBatch {
    pub fn new(credentials: &Credentials, cipher: Cipher, size: usize) -> Self {
        let client = client(credentials, cipher).session_store(None);
        let server = server(credentials, cipher).session_store(None).offload_decryption();
        Self {
            client: Arc::new(client.build().unwrap()),
            server: Arc::new(server.build().unwrap()),
            certified: CertifiedKey::from_pem(&credentials.certificate, credentials.key).unwrap(),
            size,
        }
    }

    /// Decrypts for all servers in one call.
    fn decrypt(&self, handshakes: &mut [Handshake]) {
        let mut batch = DecryptBatch::new();
        for (index, handshake) in handshakes.iter().enumerate() {
            let Some(Pending::DecryptPreMasterSecret(job)) = handshake.server.pending() else {
                panic!("the secret is not pending");
            };
            batch.push(job, index);
        }
        let key = self.certified.key().map(|key| &**key);
        for (index, answer) in batch.decrypt(|_| key) {
            let Handshake {
                server, to_client, ..
            } = &mut handshakes[index];
            server.resume(answer, to_client).unwrap();
        }
    }
}

impl Contender for PremasterBatch {
    fn run(&mut self) -> Taken {
        let mut taken = Taken::default();
        let mut handshakes: Vec<Handshake> = (0..self.size)
            .map(|_| Handshake::start(&self.client, &self.server, &mut taken))
            .collect();
        taken.by(Side::Server, || self.decrypt(&mut handshakes));
        for handshake in &mut handshakes {
            handshake.finish(&mut taken);
        }
        let count = u32::try_from(self.size).unwrap();
        Taken {
            client: taken.client / count,
            server: taken.server / count,
        }
    }
}

/// One handshake, both sides.
struct Handshake {
    client: Connection,
    server: Connection,
    to_client: Vec<u8>,
    to_server: Vec<u8>,
}

impl Handshake {
    /// Goes on until the server awaits the secret.
    fn start(client: &Arc<ClientConfig>, server: &Arc<ServerConfig>, taken: &mut Taken) -> Self {
        let mut to_server = Vec::with_capacity(16 * 1024);
        let client = taken.by(Side::Client, || {
            Connection::client(client.clone(), name(), &mut to_server).unwrap()
        });
        let server = taken.by(Side::Server, || Connection::server(server.clone()));
        let mut handshake = Self {
            client,
            server,
            to_client: Vec::with_capacity(16 * 1024),
            to_server,
        };
        for _ in 0..2 {
            handshake.deliver(Side::Server, taken);
            handshake.deliver(Side::Client, taken);
        }
        handshake
    }

    fn finish(&mut self, taken: &mut Taken) {
        self.deliver(Side::Server, taken);
        self.deliver(Side::Client, taken);
        for side in [&self.client, &self.server] {
            assert!(side.session().is_some());
        }
    }

    /// Gives a side what it has not seen yet.
    fn deliver(&mut self, side: Side, taken: &mut Taken) {
        let (connection, incoming, outgoing) = match side {
            Side::Client => (&mut self.client, &mut self.to_client, &mut self.to_server),
            Side::Server => (&mut self.server, &mut self.to_server, &mut self.to_client),
        };
        taken.by(side, || {
            loop {
                let received = connection.receive(incoming, outgoing).unwrap();
                let consumed = received.consumed;
                let waits = !matches!(received.event, Event::HandshakeComplete);
                incoming.drain(..consumed);
                if waits {
                    return;
                }
            }
        });
    }
}
