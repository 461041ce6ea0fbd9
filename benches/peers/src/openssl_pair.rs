//! OpenSSL's libssl, held to TLS 1.2: `TLS_RSA_WITH_*`.

use crate::certificates::Credentials;
use crate::common::{Cipher, NAME};
use crate::contender::{Batch, Contender, Taken};
use crate::support::Side;
use openssl::pkey::PKey;
use openssl::ssl::{Error, ErrorCode, ShutdownState, Ssl, SslContext, SslContextBuilder};
use openssl::ssl::{SslMethod, SslMode, SslOptions, SslSession, SslSessionCacheMode};
use openssl::ssl::{SslStream, SslVerifyMode, SslVersion};
use openssl::x509::X509;
use openssl::x509::store::X509StoreBuilder;
use std::io::{self, Read, Write};

/// What tells a server's sessions from those of other servers with the same cache.
const SESSION_ID_CONTEXT: &[u8] = b"peers";

/// `SSL_OP_NO_ENCRYPT_THEN_MAC`, which the `openssl` crate does not name.
const NO_ENCRYPT_THEN_MAC: SslOptions = SslOptions::from_bits_retain(1 << 19);

/// Room for any flight of a handshake, so that no call has to grow a buffer.
const FLIGHT: usize = 16 * 1024;

/// Handshakes of one kind.
pub struct OpenSslPair {
    client: SslContext,
    server: SslContext,
    cipher: Cipher,
    /// The session that every handshake resumes; without it, every handshake is full.
    session: Option<SslSession>,
}

impl OpenSslPair {
    /// Every handshake in full.
    pub fn full(credentials: &Credentials, cipher: Cipher) -> Self {
        let mut server = server(credentials, cipher);
        server.set_session_cache_mode(SslSessionCacheMode::OFF);
        server.set_options(SslOptions::NO_TICKET);
        Self::new(credentials, cipher, server)
    }

    /// Every handshake resumes by the ID of a session that the server keeps; it issues no ticket.
    pub fn by_session_id(credentials: &Credentials, cipher: Cipher) -> Self {
        let mut server = server(credentials, cipher);
        server.set_session_cache_mode(SslSessionCacheMode::SERVER);
        server.set_options(SslOptions::NO_TICKET);
        Self::new(credentials, cipher, server).resuming()
    }

    /// Every handshake resumes by the same ticket; the server keeps no session.
    pub fn by_ticket(credentials: &Credentials, cipher: Cipher) -> Self {
        let mut server = server(credentials, cipher);
        server.set_session_cache_mode(SslSessionCacheMode::OFF);
        Self::new(credentials, cipher, server).resuming()
    }

    fn new(credentials: &Credentials, cipher: Cipher, server: SslContextBuilder) -> Self {
        Self {
            client: client(credentials, cipher),
            server: server.build(),
            cipher,
            session: None,
        }
    }

    /// Does the full handshake that leaves the client with a session to resume.
    fn resuming(self) -> Self {
        let (client, server) = self.connect(&mut Taken::default());
        let session = client.ssl().session().map(ToOwned::to_owned);
        assert!(session.is_some());
        close(client, server);
        Self { session, ..self }
    }

    /// Does a handshake and adds what it took.
    fn connect(&self, taken: &mut Taken) -> (SslStream<Wire>, SslStream<Wire>) {
        let [client_wire, server_wire] = [Wire::new(), Wire::new()];
        let mut client = taken.by(Side::Client, || {
            let mut client = SslStream::new(self.start_client(), client_wire).unwrap();
            proceed(client.connect());
            client
        });
        let mut server = taken.by(Side::Server, || {
            SslStream::new(Ssl::new(&self.server).unwrap(), server_wire).unwrap()
        });
        for _ in 0..2 {
            deliver(&mut client, &mut server);
            taken.by(Side::Server, || proceed(server.accept()));
            deliver(&mut server, &mut client);
            taken.by(Side::Client, || proceed(client.connect()));
        }
        for side in [&client, &server] {
            let ssl = side.ssl();
            assert!(ssl.is_init_finished());
            assert_eq!(ssl.session_reused(), self.session.is_some());
            assert_eq!(ssl.version2(), Some(SslVersion::TLS1_2));
            assert_eq!(ssl.current_cipher().unwrap().name(), suite(self.cipher));
        }
        (client, server)
    }

    fn start_client(&self) -> Ssl {
        let mut ssl = Ssl::new(&self.client).unwrap();
        ssl.set_hostname(NAME).unwrap();
        ssl.param_mut().set_host(NAME).unwrap();
        if let Some(session) = &self.session {
            // SAFETY: the session is of a connection of the same context.
            unsafe { ssl.set_session(session) }.unwrap();
        }
        ssl
    }
}

impl Contender for OpenSslPair {
    fn run(&mut self) -> Taken {
        let mut taken = Taken::default();
        let (client, server) = self.connect(&mut taken);
        close(client, server);
        taken
    }
}

/// Records from a client to a server, through `SSL_write` and `SSL_read`.
pub struct OpenSslLink {
    client: SslStream<Wire>,
    server: SslStream<Wire>,
    batch: Batch,
    record: Vec<u8>,
    plaintext: Vec<u8>,
}

impl OpenSslLink {
    pub fn new(credentials: &Credentials, cipher: Cipher, batch: Batch) -> Self {
        let pair = OpenSslPair::full(credentials, cipher);
        let (client, server) = pair.connect(&mut Taken::default());
        Self {
            client,
            server,
            batch,
            record: vec![0x5a; batch.length],
            plaintext: vec![0; batch.length],
        }
    }

    fn send(&mut self) {
        for _ in 0..self.batch.records {
            let sent = self.client.ssl_write(&self.record).unwrap();
            assert_eq!(sent, self.record.len());
        }
    }

    fn receive(&mut self) {
        for _ in 0..self.batch.records {
            let received = self.server.ssl_read(&mut self.plaintext).unwrap();
            assert_eq!(received, self.plaintext.len());
        }
    }
}

impl Contender for OpenSslLink {
    fn run(&mut self) -> Taken {
        let mut taken = Taken::default();
        taken.by(Side::Client, || self.send());
        deliver(&mut self.client, &mut self.server);
        taken.by(Side::Server, || self.receive());
        taken
    }
}

/// A side's transport in memory.
struct Wire {
    incoming: Vec<u8>,
    /// How much of it has been read.
    read: usize,
    outgoing: Vec<u8>,
}

impl Wire {
    fn new() -> Self {
        Self {
            incoming: Vec::with_capacity(FLIGHT),
            read: 0,
            outgoing: Vec::with_capacity(FLIGHT),
        }
    }
}

impl Read for Wire {
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        let rest = &self.incoming[self.read..];
        if rest.is_empty() {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        let count = rest.len().min(room.len());
        room[..count].copy_from_slice(&rest[..count]);
        self.read += count;
        Ok(count)
    }
}

impl Write for Wire {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        self.outgoing.write(data)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Gives one side what the other has written.
fn deliver(from: &mut SslStream<Wire>, to: &mut SslStream<Wire>) {
    let (from, to) = (from.get_mut(), to.get_mut());
    assert_eq!(to.read, to.incoming.len());
    std::mem::swap(&mut from.outgoing, &mut to.incoming);
    to.read = 0;
    from.outgoing.clear();
}

/// Accepts that a handshake is complete, or waits for the peer.
fn proceed(result: Result<(), Error>) {
    if let Err(error) = result {
        assert_eq!(error.code(), ErrorCode::WANT_READ, "{error}");
    }
}

/// Lets go of both sides as if each had said that it closes; without that, OpenSSL would give up
/// their session.
fn close(mut client: SslStream<Wire>, mut server: SslStream<Wire>) {
    for side in [&mut client, &mut server] {
        side.set_shutdown(ShutdownState::SENT | ShutdownState::RECEIVED);
    }
}

fn client(credentials: &Credentials, cipher: Cipher) -> SslContext {
    let mut roots = X509StoreBuilder::new().unwrap();
    let root = X509::from_pem(&credentials.root).unwrap();
    roots.add_cert(root).unwrap();
    let mut builder = context(SslMethod::tls_client(), cipher);
    builder.set_cert_store(roots.build());
    builder.set_verify(SslVerifyMode::PEER);
    builder.build()
}

fn server(credentials: &Credentials, cipher: Cipher) -> SslContextBuilder {
    let mut builder = context(SslMethod::tls_server(), cipher);
    let certificate = X509::from_pem(&credentials.certificate).unwrap();
    builder.set_certificate(&certificate).unwrap();
    let key = PKey::private_key_from_pem(credentials.key).unwrap();
    builder.set_private_key(&key).unwrap();
    // The certificate is the whole chain; nothing is to be looked for in every handshake.
    builder.set_mode(SslMode::NO_AUTO_CHAIN);
    builder.set_session_id_context(SESSION_ID_CONTEXT).unwrap();
    builder
}

/// What both sides have in common.
fn context(method: SslMethod, cipher: Cipher) -> SslContextBuilder {
    let version = Some(SslVersion::TLS1_2);
    let mut builder = SslContext::builder(method).unwrap();
    builder.set_min_proto_version(version).unwrap();
    builder.set_max_proto_version(version).unwrap();
    builder.set_cipher_list(suite(cipher)).unwrap();
    if cipher == Cipher::Aes128Cbc {
        builder.set_options(NO_ENCRYPT_THEN_MAC);
    }
    builder
}

/// OpenSSL's name of `TLS_RSA_WITH_*`.
fn suite(cipher: Cipher) -> &'static str {
    match cipher {
        Cipher::Aes128Sha256 => "AES128-GCM-SHA256",
        Cipher::Aes256Sha384 => "AES256-GCM-SHA384",
        Cipher::Aes128Cbc | Cipher::Aes128CbcEtm => "AES128-SHA",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::certificates::KeyLength;

    /// Header, IV, and either 64 bytes with a MAC of 20 and padding, or 64 with padding and then the
    /// MAC.
    #[test]
    fn records_of_cbc_have_the_length_of_their_order() {
        let credentials = Credentials::new(KeyLength::Rsa2048);
        let batch = Batch {
            records: 1,
            length: 64,
        };
        for (cipher, length) in [
            (Cipher::Aes128Cbc, 5 + 16 + 96),
            (Cipher::Aes128CbcEtm, 5 + 16 + 80 + 20),
        ] {
            let mut link = OpenSslLink::new(&credentials, cipher, batch);
            link.send();
            assert_eq!(
                link.client.get_ref().outgoing.len(),
                length,
                "{}",
                cipher.name()
            );
        }
    }
}
