//! A client and a server in memory, their bytes delivered whole, one at a time, or in random
//! pieces.

use super::rng;
use premaster::certificate::VerifyCertificate;
use premaster::pki_types::ServerName;
use premaster::private_key::{DecryptPreMasterSecret, SignCertificateVerify};
use premaster::{Answer, ClientConfig, Connection, Error, Event, Pending, ServerConfig};
use rand_chacha::ChaCha12Rng;
use rand_chacha::rand_core::Rng;
use std::sync::Arc;

/// How bytes are delivered.
#[derive(Clone, Copy, Debug)]
pub enum Chunks {
    Whole,
    OneByte,
    Random(u64),
}

pub const ALL_CHUNKS: [Chunks; 4] = [
    Chunks::Whole,
    Chunks::OneByte,
    Chunks::Random(1),
    Chunks::Random(2),
];

/// One end: a connection, what has arrived for it, and what it sends.
pub struct End {
    pub connection: Connection,
    pub incoming: Vec<u8>,
    pub outgoing: Vec<u8>,
    /// All application data received so far.
    pub received: Vec<u8>,
    /// Events in order, application data as its length.
    pub events: Vec<String>,
}

impl End {
    pub fn new(connection: Connection, outgoing: Vec<u8>) -> Self {
        Self {
            connection,
            incoming: Vec::new(),
            outgoing,
            received: Vec::new(),
            events: Vec::new(),
        }
    }

    /// Receives `bytes` and everything that waits, until there is nothing more to do.
    pub fn take(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.incoming.extend_from_slice(bytes);
        loop {
            let result = self.connection.receive(&mut self.incoming, &mut self.outgoing)?;
            let consumed = result.consumed;
            let event = format!("{:?}", result.event);
            let done = match result.event {
                Event::NeedData | Event::Paused | Event::PeerClosed => true,
                Event::ApplicationData(data) => {
                    self.received.extend_from_slice(data);
                    false
                }
                _ => false,
            };
            self.incoming.drain(..consumed);
            if event != "NeedData" {
                self.events.push(event);
            }
            if done {
                return Ok(());
            }
        }
    }

    /// What a client asks its caller about the server's certificate.
    #[track_caller]
    pub fn question(&self) -> VerifyCertificate<'_> {
        match self.connection.pending() {
            Some(Pending::VerifyCertificate(question)) => question,
            other => panic!("{other:?}"),
        }
    }

    /// The pre-master secret that a server asks its caller to decrypt.
    #[track_caller]
    pub fn job(&self) -> DecryptPreMasterSecret {
        match self.connection.pending() {
            Some(Pending::DecryptPreMasterSecret(job)) => job,
            other => panic!("{other:?}"),
        }
    }

    /// The CertificateVerify that a client asks its caller to sign.
    #[track_caller]
    pub fn signing_job(&self) -> SignCertificateVerify {
        match self.connection.pending() {
            Some(Pending::SignCertificateVerify(job)) => job,
            other => panic!("{other:?}"),
        }
    }

    /// Answers what is pending, and takes in what has waited for it.
    pub fn resume(&mut self, answer: Answer) -> Result<(), Error> {
        self.connection.resume(answer, &mut self.outgoing)?;
        self.take(&[])
    }

    #[track_caller]
    pub fn send(&mut self, data: &[u8]) {
        self.connection.send(data, &mut self.outgoing).unwrap();
    }

    pub fn close(&mut self) {
        self.connection.close(&mut self.outgoing);
    }
}

pub struct Pair {
    pub client: End,
    pub server: End,
}

impl Pair {
    #[track_caller]
    pub fn new(
        client: Arc<ClientConfig>,
        server: Arc<ServerConfig>,
        name: ServerName<'static>,
    ) -> Self {
        let mut outgoing = Vec::new();
        let client = Connection::client(client, name, &mut outgoing).unwrap();
        let server = Connection::server(server);
        Self {
            client: End::new(client, outgoing),
            server: End::new(server, Vec::new()),
        }
    }

    /// Delivers bytes both ways until neither side sends anything.
    pub fn run(&mut self, chunks: Chunks) -> Result<(), Error> {
        let mut rng = rng(match chunks {
            Chunks::Random(seed) => seed,
            Chunks::Whole | Chunks::OneByte => 0,
        });
        while !self.client.outgoing.is_empty() || !self.server.outgoing.is_empty() {
            deliver(&mut self.client, &mut self.server, chunks, &mut rng)?;
            deliver(&mut self.server, &mut self.client, chunks, &mut rng)?;
        }
        Ok(())
    }

    /// A pair whose handshake is complete.
    #[track_caller]
    pub fn established(mut self) -> Self {
        self.run(Chunks::Whole).unwrap();
        assert!(self.client.connection.session().is_some());
        assert!(self.server.connection.session().is_some());
        self
    }

    /// Data both ways over an established pair that has received none.
    #[track_caller]
    pub fn exchange(&mut self, to_server: &[u8], to_client: &[u8], chunks: Chunks) {
        self.client.send(to_server);
        self.server.send(to_client);
        self.run(chunks).unwrap();
        assert_eq!(self.server.received, to_server);
        assert_eq!(self.client.received, to_client);
    }

    /// A close by the client, and then by the server.
    #[track_caller]
    pub fn close(&mut self, chunks: Chunks) {
        self.client.close();
        self.run(chunks).unwrap();
        self.server.close();
        self.run(chunks).unwrap();
        for end in [&mut self.client, &mut self.server] {
            assert_eq!(end.events.last().unwrap(), "PeerClosed");
            assert_eq!(end.connection.receive_eof(), Ok(()));
        }
    }
}

fn deliver(
    from: &mut End,
    to: &mut End,
    chunks: Chunks,
    rng: &mut ChaCha12Rng,
) -> Result<(), Error> {
    let bytes = std::mem::take(&mut from.outgoing);
    let mut rest = &bytes[..];
    while !rest.is_empty() {
        let length = match chunks {
            Chunks::Whole => rest.len(),
            Chunks::OneByte => 1,
            Chunks::Random(_) => 1 + rng.next_u32() as usize % rest.len().min(300),
        };
        let (chunk, after) = rest.split_at(length);
        to.take(chunk)?;
        rest = after;
    }
    Ok(())
}
