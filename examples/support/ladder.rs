//! A connection as a ladder between client and server, each step explained.

use super::report::{Milliseconds, VERSION, identity, yes_or_no};
use super::wire::{Direction, Record};
use super::wrap::paragraph;
use premaster::SessionInfo;
use premaster::protocol::{ContentType, HandshakeType};
use premaster::session::Resumption;
use std::fmt::{self, Display, Formatter};
use std::time::Duration;

/// What passed between the two, seen from the client.
pub struct Ladder {
    pub session: SessionInfo,
    /// The session as the server sees it.
    pub server_session: SessionInfo,
    pub records: Vec<Record>,
    /// How many of the records were the handshake; the others are data and the close.
    pub handshake_steps: usize,
    pub client_says: &'static str,
    pub server_says: &'static str,
}

impl Ladder {
    /// The records of the handshake, and those after it.
    fn parts(&self) -> (&[Record], &[Record]) {
        self.records.split_at(self.handshake_steps)
    }

    pub fn is_resumed(&self) -> bool {
        self.session.resumption().is_resumed()
    }
}

impl Display for Ladder {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "    {:18}  {:18}  {:>6}  {:>9}  {:>9}",
            "step", "client      server", "bytes", "took", "at"
        )?;
        let (handshake, rest) = self.parts();
        let mut steps = Steps::default();
        for record in handshake {
            self.write_step(f, &mut steps, record)?;
        }
        writeln!(
            f,
            "\nThe handshake took {} and {} bytes to the server, {} to the client.\n{}\n",
            Milliseconds(steps.before),
            total(handshake, Direction::ToServer),
            total(handshake, Direction::ToClient),
            if self.is_resumed() {
                "Both sides have new keys, derived from the session's secret and the new random\n\
                 bytes. Anyone who obtains the server's private key later can decrypt this\n\
                 connection, too."
            } else {
                "Both sides have the same keys. Nobody else can compute them without the\n\
                 server's private key."
            }
        )?;
        for record in rest {
            self.write_step(f, &mut steps, record)?;
        }
        writeln!(
            f,
            "\nA clean close: each side has received all of the other's data."
        )
    }
}

/// What resumption saves.
pub struct Saved<'l> {
    pub full: &'l Ladder,
    pub resumed: &'l Ladder,
}

impl Display for Saved<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let [full, resumed] = [self.full, self.resumed].map(|ladder| ladder.parts().0);
        let bytes = |handshake: &[Record]| handshake.iter().map(|record| record.length).sum();
        let (all, left): (usize, usize) = (bytes(full), bytes(resumed));
        writeln!(
            f,
            "Saved: {} of {} messages, {} of {all} bytes, a round trip,\n\
             and the RSA operations of both sides.",
            full.len().saturating_sub(resumed.len()),
            full.len(),
            all.saturating_sub(left),
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
        let purpose = explain_resumed(record, self.session.resumption()).unwrap_or(purpose);
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
        writeln!(f, "{}", paragraph(purpose, 4))?;
        match self.outcome(record) {
            Some(outcome) => writeln!(f, "{}", paragraph(&outcome, 4)),
            None => Ok(()),
        }
    }

    /// The client that the server authenticated, if it did.
    fn client(&self) -> Option<String> {
        let certificate = self.server_session.peer_certificate()?;
        let client = identity(&certificate);
        Some(if self.is_resumed() {
            format!("The session's client is still authenticated as {client}.")
        } else {
            format!("The server authenticated the client as {client}.")
        })
    }

    /// What is settled with this step.
    fn outcome(&self, record: &Record) -> Option<String> {
        let session = &self.session;
        let to_server = record.direction == Direction::ToServer;
        match (record.content_type, record.handshake_type) {
            (_, Some(HandshakeType::SERVER_HELLO)) => Some(format!(
                "Agreed: {VERSION}, {}, secure renegotiation: {}, extended master secret: {}.",
                session.cipher_suite(),
                yes_or_no(session.secure_renegotiation()),
                yes_or_no(session.extended_master_secret()),
            )),
            (_, Some(HandshakeType::CERTIFICATE)) if !to_server => {
                session.server_name().map(|name| {
                    format!(
                        "Verified: the certificate is valid for {} and leads to a root that the client trusts.",
                        name.to_str()
                    )
                })
            }
            (_, Some(HandshakeType::CERTIFICATE_VERIFY)) => self.client(),
            (_, Some(HandshakeType::FINISHED)) if to_server && self.is_resumed() => self.client(),
            (ContentType::APPLICATION_DATA, _) => {
                let (who, says) = match record.direction {
                    Direction::ToServer => ("client", self.client_says),
                    Direction::ToClient => ("server", self.server_says),
                };
                let more = record.length.saturating_sub(says.len());
                Some(format!(
                    "The {who} sends {says:?} ({} bytes, plus {more} of header, nonce and tag).",
                    says.len()
                ))
            }
            _ => None,
        }
    }
}

/// A record's name in RFC 5246, and its purpose in a sentence.
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
            (ContentType::APPLICATION_DATA, _) => {
                ("application data", "Encrypted and authenticated.")
            }
            (ContentType::ALERT, ToServer) => {
                ("Alert", "close_notify: the client sends nothing more.")
            }
            (ContentType::ALERT, ToClient) => (
                "Alert",
                "close_notify: the server sends nothing more either.",
            ),
            _ => ("another record", "It is not expected here."),
        };
    };
    match (handshake_type, record.direction) {
        (HandshakeType::CLIENT_HELLO, _) => (
            "ClientHello",
            "The client lists what it supports, names the server, and adds 32 random bytes.",
        ),
        (HandshakeType::SERVER_HELLO, _) => (
            "ServerHello",
            "The server selects from the client's list, and adds 32 random bytes of its own.",
        ),
        (HandshakeType::CERTIFICATE, ToClient) => (
            "Certificate",
            "The server presents its certificate, with its public RSA key.",
        ),
        (HandshakeType::CERTIFICATE_REQUEST, _) => (
            "CertificateRequest",
            "The server requests a certificate, and lists the CAs and signature algorithms that it \
             accepts.",
        ),
        (HandshakeType::SERVER_HELLO_DONE, _) => (
            "ServerHelloDone",
            "The server's flight is complete; it is the client's turn.",
        ),
        (HandshakeType::CERTIFICATE, ToServer) => (
            "Certificate",
            "The client presents its certificate, in clear like everything so far.",
        ),
        (HandshakeType::CLIENT_KEY_EXCHANGE, _) => (
            "ClientKeyExchange",
            "The client generates the pre-master secret, from which all keys are derived, and \
             encrypts it with the server's RSA key.",
        ),
        (HandshakeType::CERTIFICATE_VERIFY, _) => (
            "CertificateVerify",
            "The client signs all messages so far, which proves that it has the certificate's \
             private key.",
        ),
        (HandshakeType::NEW_SESSION_TICKET, _) => (
            "NewSessionTicket",
            "The server gives the client the session as a ticket, encrypted with a key of its own.",
        ),
        (HandshakeType::FINISHED, ToServer) => (
            "Finished",
            "The client proves that it has the keys and that nobody changed the handshake.",
        ),
        (HandshakeType::FINISHED, ToClient) => (
            "Finished",
            "The server proves the same, and with it that it has the private key.",
        ),
        _ => ("another message", "It is not expected here."),
    }
}

/// The purpose of a message in a resumed handshake, where it differs.
fn explain_resumed(record: &Record, resumption: Resumption) -> Option<&'static str> {
    match (record.handshake_type?, record.direction, resumption) {
        (_, _, Resumption::Full(_)) => None,
        (HandshakeType::CLIENT_HELLO, _, Resumption::SessionId) => {
            Some("The client sends the same, and the ID of the session that it stored.")
        }
        (HandshakeType::CLIENT_HELLO, _, Resumption::Ticket) => {
            Some("The client sends the same, and the ticket that it stored.")
        }
        (HandshakeType::SERVER_HELLO, _, Resumption::SessionId) => Some(
            "The server found the session, and confirms it with the same ID. It presents no \
             certificate: the session's secret proves that it is the peer of before.",
        ),
        (HandshakeType::SERVER_HELLO, _, Resumption::Ticket) => Some(
            "The server decrypted the ticket, and confirms it with the session ID that the client \
             made up. It presents no certificate: the session's secret proves that it is the \
             peer of before.",
        ),
        (HandshakeType::FINISHED, Direction::ToClient, _) => Some(
            "The server proves that it has the keys and that nobody changed the handshake. It \
             comes first, because the server already has the keys.",
        ),
        (HandshakeType::FINISHED, Direction::ToServer, _) => {
            Some("The client proves the same. It can send data at once, a round trip earlier.")
        }
        _ => None,
    }
}

/// The bytes that went in one direction.
fn total(records: &[Record], direction: Direction) -> usize {
    records
        .iter()
        .filter(|record| record.direction == direction)
        .map(|record| record.length)
        .sum()
}
