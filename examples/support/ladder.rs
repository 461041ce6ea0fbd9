//! A connection as a ladder between client and server, each step explained.

use super::report::{VERSION, yes_or_no};
use super::wire::{Direction, Record};
use premaster::{ContentType, HandshakeType, SessionInfo};
use std::fmt::{self, Display, Formatter};
use std::time::Duration;

/// What passed between the two, seen from the client.
pub struct Ladder {
    pub session: SessionInfo,
    pub records: Vec<Record>,
    /// How many of the records were the handshake; the others are data and the close.
    pub handshake_steps: usize,
    pub client_says: &'static str,
    pub server_says: &'static str,
}

impl Display for Ladder {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "Bytes are those of the TLS record; times are the client's, and what arrives together \
             takes no\ntime of its own.\n"
        )?;
        writeln!(
            f,
            "    {:18}  {:18}  {:>6}  {:>9}  {:>9}",
            "step", "client      server", "bytes", "took", "at"
        )?;
        let (handshake, rest) = self.records.split_at(self.handshake_steps);
        let mut steps = Steps::default();
        for record in handshake {
            self.write_step(f, &mut steps, record)?;
        }
        writeln!(
            f,
            "\nThe handshake took {} and {} bytes to the server, {} to the client. Both sides \
             hold the\nsame keys, which nobody else can know without the server's private key.\n",
            Milliseconds(steps.before),
            total(handshake, Direction::ToServer),
            total(handshake, Direction::ToClient),
        )?;
        for record in rest {
            self.write_step(f, &mut steps, record)?;
        }
        writeln!(
            f,
            "\nA clean close: each side knows that it has everything that the other said."
        )
    }
}

/// How far the ladder has come.
#[derive(Default)]
struct Steps {
    count: usize,
    before: Duration,
}

impl Ladder {
    fn write_step(&self, f: &mut Formatter<'_>, steps: &mut Steps, record: &Record) -> fmt::Result {
        let (name, purpose) = explain(record);
        let arrow = match record.direction {
            Direction::ToServer => "|--------------->|",
            Direction::ToClient => "|<---------------|",
        };
        steps.count += 1;
        writeln!(
            f,
            "{:2}  {name:18}  {arrow}  {:>6}  {:>9}  {:>9}",
            steps.count,
            record.length,
            Milliseconds(record.at.saturating_sub(steps.before)).to_string(),
            Milliseconds(record.at).to_string(),
        )?;
        steps.before = record.at;
        writeln!(f, "    {purpose}")?;
        match self.outcome(record) {
            Some(outcome) => writeln!(f, "    {outcome}"),
            None => Ok(()),
        }
    }

    /// What is settled with this step.
    fn outcome(&self, record: &Record) -> Option<String> {
        let session = &self.session;
        match (record.content_type, record.handshake_type) {
            (_, Some(HandshakeType::SERVER_HELLO)) => Some(format!(
                "Agreed: {VERSION}, {}, secure renegotiation: {}.",
                session.cipher_suite(),
                yes_or_no(session.secure_renegotiation()),
            )),
            (_, Some(HandshakeType::CERTIFICATE)) => session.server_name().map(|name| {
                format!(
                    "Verified: it is valid for {} and leads to a root that the client trusts.",
                    name.to_str()
                )
            }),
            (ContentType::APPLICATION_DATA, _) => {
                let (who, says) = match record.direction {
                    Direction::ToServer => ("client", self.client_says),
                    Direction::ToClient => ("server", self.server_says),
                };
                let more = record.length.saturating_sub(says.len());
                Some(format!(
                    "The {who} says: {says:?} ({} bytes, and {more} of header, nonce and tag).",
                    says.len()
                ))
            }
            _ => None,
        }
    }
}

/// A record's name in RFC 5246 and, in a sentence, what it is for.
fn explain(record: &Record) -> (&'static str, &'static str) {
    use Direction::{ToClient, ToServer};
    let Some(handshake_type) = record.handshake_type else {
        return match (record.content_type, record.direction) {
            (ContentType::CHANGE_CIPHER_SPEC, ToServer) => (
                "ChangeCipherSpec",
                "Everything that the client sends after this is encrypted.",
            ),
            (ContentType::CHANGE_CIPHER_SPEC, ToClient) => (
                "ChangeCipherSpec",
                "Everything that the server sends after this is encrypted.",
            ),
            (ContentType::APPLICATION_DATA, _) => (
                "application data",
                "Encrypted, and protected against any change on the way.",
            ),
            (ContentType::ALERT, ToServer) => {
                ("Alert", "close_notify: the client has nothing more to say.")
            }
            (ContentType::ALERT, ToClient) => (
                "Alert",
                "close_notify: the server has nothing more to say either.",
            ),
            _ => ("another record", "It has no place here."),
        };
    };
    match (handshake_type, record.direction) {
        (HandshakeType::CLIENT_HELLO, _) => (
            "ClientHello",
            "The client says what it can do and whom it wants, and adds 32 random bytes.",
        ),
        (HandshakeType::SERVER_HELLO, _) => (
            "ServerHello",
            "The server chooses from that, and adds 32 random bytes of its own.",
        ),
        (HandshakeType::CERTIFICATE, _) => (
            "Certificate",
            "The server shows who it is, and the public half of its RSA key.",
        ),
        (HandshakeType::SERVER_HELLO_DONE, _) => (
            "ServerHelloDone",
            "The server has said its part; it is the client's turn.",
        ),
        (HandshakeType::CLIENT_KEY_EXCHANGE, _) => (
            "ClientKeyExchange",
            "The client draws the secret that all keys come from, and encrypts it to the RSA key.",
        ),
        (HandshakeType::FINISHED, ToServer) => (
            "Finished",
            "The client proves that it has the keys and that nobody changed the handshake.",
        ),
        (HandshakeType::FINISHED, ToClient) => (
            "Finished",
            "The server proves the same, and so that it holds the private key.",
        ),
        _ => ("another message", "It has no place here."),
    }
}

/// The bytes that went one way.
fn total(records: &[Record], direction: Direction) -> usize {
    records
        .iter()
        .filter(|record| record.direction == direction)
        .map(|record| record.length)
        .sum()
}

struct Milliseconds(Duration);

impl Display for Milliseconds {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{:.2} ms", self.0.as_secs_f64() * 1000.0)
    }
}
