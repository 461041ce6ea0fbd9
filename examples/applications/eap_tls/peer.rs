//! The peer's side of EAP-TLS ([RFC 5216](https://www.rfc-editor.org/rfc/rfc5216)): a [`Connection`]
//! whose bytes travel in EAP packets. Nothing here does I/O.

use premaster::pki_types::ServerName;
use premaster::{ClientConfig, Connection, Error, Event};
use std::fmt;
use std::sync::Arc;
use zeroize::Zeroizing;

const REQUEST: u8 = 1;
const RESPONSE: u8 = 2;
const SUCCESS: u8 = 3;
const FAILURE: u8 = 4;

const IDENTITY: u8 = 1;
const NOTIFICATION: u8 = 2;
const NAK: u8 = 3;
const EAP_TLS: u8 = 13;

/// The flags of RFC 5216 section 3.1.
const LENGTH_INCLUDED: u8 = 0x80;
const MORE_FRAGMENTS: u8 = 0x40;
const START: u8 = 0x20;

/// The longest flight that is put together, in bytes. A chain of ten certificates is a quarter of it.
const MAX_FLIGHT: usize = 64 * 1024;

/// Why the conversation cannot go on.
#[derive(Debug)]
pub enum Failure {
    /// What the server sends is not EAP-TLS.
    Malformed(&'static str),
    /// TLS failed.
    Tls(Error),
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed(what) => f.write_str(what),
            Self::Tls(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for Failure {}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Tls(error)
    }
}

/// What to do with a packet of the server's.
#[derive(Debug)]
pub enum Step {
    /// Send this.
    Respond(Vec<u8>),
    Succeeded,
    Failed,
}

/// Keying material of 64 bytes.
pub type Key = Zeroizing<[u8; 64]>;

/// The keys of a conversation that has succeeded.
pub struct Keys {
    /// The master session key, which the access point gets, too.
    pub msk: Key,
    /// The extended one, which nobody else gets.
    pub emsk: Key,
}

pub struct Peer {
    identity: String,
    config: Arc<ClientConfig>,
    name: ServerName<'static>,
    /// The most bytes of TLS in one packet.
    fragment: usize,
    connection: Option<Connection>,
    /// Of the server's flight, as far as it has come, and how long it is going to be.
    incoming: Vec<u8>,
    announced: Option<usize>,
    /// Of our flight, as far as it has not been sent.
    outgoing: Vec<u8>,
    /// Which has been sent as an alert, if there was one to send.
    error: Option<Error>,
    sent: usize,
    received: usize,
}

impl Peer {
    pub fn new(
        identity: String,
        config: Arc<ClientConfig>,
        name: ServerName<'static>,
        fragment: usize,
    ) -> Self {
        Self {
            identity,
            config,
            name,
            fragment,
            connection: None,
            incoming: Vec::new(),
            announced: None,
            outgoing: Vec::new(),
            error: None,
            sent: 0,
            received: 0,
        }
    }

    /// The packet that begins, as an access point asks for it.
    pub fn identity(&self) -> Result<Vec<u8>, Failure> {
        response(0, IDENTITY, self.identity.as_bytes())
    }

    /// The connection, as soon as there is one.
    pub fn connection(&self) -> Option<&Connection> {
        self.connection.as_ref()
    }

    /// Why TLS failed.
    pub fn error(&self) -> Option<&Error> {
        self.error.as_ref()
    }

    /// How many packets with TLS in them were sent and received.
    pub fn fragments(&self) -> (usize, usize) {
        (self.sent, self.received)
    }

    /// Answers a packet. Behind an error there is nothing more to be sent.
    pub fn handle(&mut self, packet: &[u8]) -> Result<Step, Failure> {
        let (&[code, identifier, high, low], _) =
            packet.split_first_chunk().ok_or(Failure::Malformed("an EAP packet is too short"))?;
        let body = packet.get(4..usize::from(u16::from_be_bytes([high, low])));
        let body = body.ok_or(Failure::Malformed("an EAP packet has a wrong length"))?;
        match (code, body) {
            (SUCCESS, []) => self.succeed(),
            (FAILURE, []) => {
                self.fail();
                Ok(Step::Failed)
            }
            (REQUEST, [IDENTITY, ..]) => {
                let identity = self.identity.as_bytes();
                response(identifier, IDENTITY, identity).map(Step::Respond)
            }
            // RFC 3748 section 5.2: it is acknowledged, and changes nothing.
            (REQUEST, [NOTIFICATION, ..]) => {
                response(identifier, NOTIFICATION, &[]).map(Step::Respond)
            }
            (REQUEST, [EAP_TLS, flags, data @ ..]) => {
                let (flags, data) = self.receive(*flags, data)?;
                let flags_and_data = [&[flags], &data[..]].concat();
                response(identifier, EAP_TLS, &flags_and_data).map(Step::Respond)
            }
            // RFC 3748 section 5.3.1: another method is refused in favour of this one, before it has
            // begun.
            (REQUEST, [method @ 4..=u8::MAX, ..])
                if *method != EAP_TLS && self.connection.is_none() =>
            {
                response(identifier, NAK, &[EAP_TLS]).map(Step::Respond)
            }
            _ => Err(Failure::Malformed(
                "the server sends an EAP packet out of place",
            )),
        }
    }

    /// RFC 3748 section 4.2: a success that comes too early is none.
    fn succeed(&self) -> Result<Step, Failure> {
        match &self.connection {
            Some(connection)
                if connection.is_established()
                    && self.outgoing.is_empty()
                    && self.error.is_none() =>
            {
                Ok(Step::Succeeded)
            }
            _ => Err(Failure::Malformed(
                "the server sends EAP-Success in the middle of TLS",
            )),
        }
    }

    /// The server need not say why it fails. Where TLS was when it did is a hint.
    fn fail(&mut self) {
        if let (Some(connection), None) = (&mut self.connection, &self.error) {
            self.error = connection.receive_eof().err().filter(|_| !connection.is_established());
        }
    }

    /// Takes a fragment of the server's: the flags and data of the response.
    fn receive(&mut self, flags: u8, data: &[u8]) -> Result<(u8, Vec<u8>), Failure> {
        if flags & START != 0 {
            if self.connection.is_some() || !data.is_empty() {
                return Err(Failure::Malformed(
                    "the server starts EAP-TLS twice, or with data",
                ));
            }
            let (config, name) = (Arc::clone(&self.config), self.name.clone());
            self.connection = Some(Connection::client(config, name, &mut self.outgoing)?);
            return Ok(self.next_fragment(true));
        }
        let first = self.incoming.is_empty();
        let mut data = data;
        if flags & LENGTH_INCLUDED != 0 {
            let (length, rest) =
                data.split_first_chunk().ok_or(Failure::Malformed("a TLS length is cut off"))?;
            let length = u32::from_be_bytes(*length) as usize;
            if length > MAX_FLIGHT || self.announced.is_some_and(|before| before != length) {
                return Err(Failure::Malformed(
                    "a TLS length is over 64 KiB, or has changed",
                ));
            }
            self.announced = Some(length);
            data = rest;
        }
        // RFC 5216 section 2.1.5: an acknowledgement has no data.
        if first && data.is_empty() && flags & MORE_FRAGMENTS == 0 {
            self.announced = None;
            if self.outgoing.is_empty() {
                return Err(Failure::Malformed(
                    "the server acknowledges what was not sent",
                ));
            }
            return Ok(self.next_fragment(false));
        }
        // RFC 5216 section 2.1.5: only an acknowledgement follows a fragment with more to come.
        if !self.outgoing.is_empty() {
            return Err(Failure::Malformed(
                "the server does not wait for the rest of a flight",
            ));
        }
        self.received += 1;
        self.incoming.extend_from_slice(data);
        let announced = self.announced.unwrap_or(MAX_FLIGHT);
        if self.incoming.len() > announced {
            return Err(Failure::Malformed(
                "the server's flight is longer than its length, or than 64 KiB",
            ));
        }
        if data.is_empty() {
            return Err(Failure::Malformed("the server sends an empty fragment"));
        }
        if flags & MORE_FRAGMENTS != 0 {
            return Ok((0, Vec::new()));
        }
        if self.announced.is_some_and(|announced| self.incoming.len() != announced) {
            return Err(Failure::Malformed(
                "the server's flight is shorter than its length",
            ));
        }
        self.advance_tls()?;
        Ok(self.next_fragment(true))
    }

    /// Gives the connection a whole flight.
    fn advance_tls(&mut self) -> Result<(), Failure> {
        let Some(connection) = &mut self.connection else {
            return Err(Failure::Malformed(
                "the server sends TLS before it starts EAP-TLS",
            ));
        };
        self.announced = None;
        let mut incoming = std::mem::take(&mut self.incoming);
        let (mut at, length) = (0, incoming.len());
        loop {
            // An error leaves its alert in `outgoing`, for the server.
            let received = match connection.receive(&mut incoming[at..], &mut self.outgoing) {
                Ok(received) => received,
                Err(error) => {
                    self.error = Some(error);
                    return Ok(());
                }
            };
            at += received.consumed;
            match received.event {
                Event::HandshakeComplete => {}
                Event::NeedData if at == length => return Ok(()),
                Event::NeedData => return Err(Failure::Malformed("a flight ends inside a record")),
                _ => return Err(Failure::Malformed("the server sends more than a handshake")),
            }
        }
    }

    /// The next fragment of our flight, or an acknowledgement if there is none. The first fragment
    /// of several has the length of all.
    fn next_fragment(&mut self, first: bool) -> (u8, Vec<u8>) {
        let all = self.outgoing.len();
        let rest = self.outgoing.split_off(all.min(self.fragment));
        let piece = std::mem::replace(&mut self.outgoing, rest);
        if !piece.is_empty() {
            self.sent += 1;
        }
        if self.outgoing.is_empty() {
            return (0, piece);
        }
        match u32::try_from(all) {
            Ok(all) if first => {
                let data = [&all.to_be_bytes()[..], &piece].concat();
                (LENGTH_INCLUDED | MORE_FRAGMENTS, data)
            }
            _ => (MORE_FRAGMENTS, piece),
        }
    }

    /// The keys by [RFC 5216 section 2.3](https://www.rfc-editor.org/rfc/rfc5216#section-2.3).
    pub fn keys(&self) -> Result<Keys, Failure> {
        let connection = self.connection.as_ref().ok_or(Failure::Malformed("TLS has not begun"))?;
        let mut material = Zeroizing::new([0; 128]);
        connection.export_keying_material(b"client EAP encryption", None, &mut material[..])?;
        let mut keys = Keys {
            msk: Zeroizing::new([0; 64]),
            emsk: Zeroizing::new([0; 64]),
        };
        let (msk, emsk) = material.split_at(64);
        keys.msk.copy_from_slice(msk);
        keys.emsk.copy_from_slice(emsk);
        Ok(keys)
    }
}

fn response(identifier: u8, kind: u8, data: &[u8]) -> Result<Vec<u8>, Failure> {
    let length = u16::try_from(data.len() + 5);
    let [high, low] =
        length.map_err(|_| Failure::Malformed("an EAP packet would be too long"))?.to_be_bytes();
    Ok([&[RESPONSE, identifier, high, low, kind], data].concat())
}
