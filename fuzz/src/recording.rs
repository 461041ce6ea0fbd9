//! A real connection's bytes in both directions.

use crate::endpoint::{Attempt, Role, answer, start};
use crate::setting::{Earlier, Setting};
use crate::store::Store;
use premaster::session::Resumption;
use premaster::{Connection, Event};
use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex};

/// What each side sends to the other after the handshake, in one record.
pub(crate) const DATA: &[u8] = b"application data";

/// Type of a change_cipher_spec record.
pub(crate) const CHANGE_CIPHER_SPEC: u8 = 20;

/// Type of a handshake record.
pub(crate) const HANDSHAKE: u8 = 22;

/// Type of a NewSessionTicket message.
const NEW_SESSION_TICKET: u8 = 4;

/// What is before the ticket: the message's header, the lifetime and the ticket's length.
const BEFORE_TICKET: usize = 4 + 4 + 2;

/// One record, unprotected or protected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    pub typ: u8,
    pub version: u16,
    pub content: Vec<u8>,
}

impl Record {
    /// Cuts whole records off the front of `bytes`.
    pub fn split(mut bytes: &[u8]) -> Vec<Self> {
        let mut records = Vec::new();
        while let Some(([typ, v0, v1, l0, l1], rest)) = bytes.split_first_chunk() {
            let length = usize::from(u16::from_be_bytes([*l0, *l1]));
            let Some((content, rest)) = rest.split_at_checked(length) else {
                break;
            };
            records.push(Self {
                typ: *typ,
                version: u16::from_be_bytes([*v0, *v1]),
                content: content.to_vec(),
            });
            bytes = rest;
        }
        records
    }

    /// The bytes of all these records.
    pub fn join(records: &[Self]) -> Vec<u8> {
        let mut bytes = Vec::new();
        for record in records {
            bytes.push(record.typ);
            bytes.extend_from_slice(&record.version.to_be_bytes());
            bytes.extend_from_slice(&(record.content.len() as u16).to_be_bytes());
            bytes.extend_from_slice(&record.content);
        }
        bytes
    }
}

/// A handshake, [`DATA`] and a close_notify, each way.
pub struct Recording {
    client: Side,
    server: Side,
}

/// What a recording has of one side.
struct Side {
    /// What its store held at the start.
    store: Arc<Store>,
    /// What it received.
    received: Vec<u8>,
    /// How its keys were established.
    resumption: Resumption,
}

impl Recording {
    /// The recording of this setting, made when it is first asked for.
    pub fn of(setting: Setting) -> Arc<Self> {
        static MADE: LazyLock<Mutex<HashMap<Setting, Arc<Recording>>>> =
            LazyLock::new(Mutex::default);
        let mut made = MADE.lock().unwrap();
        let recording = made.entry(setting);
        recording.or_insert_with(|| Arc::new(Self::make(setting))).clone()
    }

    /// The records that a connection of this role receives.
    pub fn sent_to(&self, role: Role) -> Vec<Record> {
        Record::split(&self.side(role).received)
    }

    /// The unprotected handshake messages that a connection of this role receives.
    pub fn messages_to(&self, role: Role) -> Vec<Vec<u8>> {
        let records = self.sent_to(role).into_iter();
        let clear = records.take_while(|record| record.typ == HANDSHAKE);
        let bytes: Vec<u8> = clear.flat_map(|record| record.content).collect();
        let mut rest = &bytes[..];
        let mut messages = Vec::new();
        while let Some([_, length @ ..]) = rest.first_chunk::<4>() {
            let length = length.iter().fold(0, |sum, byte| sum << 8 | usize::from(*byte));
            let (message, after) = rest.split_at(4 + length);
            messages.push(message.to_vec());
            rest = after;
        }
        messages
    }

    /// The ticket that the client was given.
    pub fn ticket(&self) -> Option<Vec<u8>> {
        let messages = self.messages_to(Role::Client);
        let message = messages.iter().find(|m| m[0] == NEW_SESSION_TICKET)?;
        Some(message[BEFORE_TICKET..].to_vec())
    }

    /// The session that the store of this role held at the start, as bytes.
    pub fn session(&self, role: Role) -> Option<Vec<u8>> {
        self.side(role).store.sessions().pop()
    }

    /// How a connection of this role establishes its keys.
    pub fn resumption(&self, role: Role) -> Resumption {
        self.side(role).resumption
    }

    /// A store as that of this role was at the start.
    pub(crate) fn store(&self, role: Role) -> Arc<Store> {
        self.side(role).store.copy()
    }

    fn side(&self, role: Role) -> &Side {
        match role {
            Role::Client => &self.client,
            Role::Server => &self.server,
        }
    }

    fn make(setting: Setting) -> Self {
        let (client_store, mut server_store) = (Arc::default(), Arc::default());
        if setting.earlier != Earlier::None {
            Pair::connect(setting, Attempt::Earlier, &client_store, &server_store);
        }
        if setting.earlier == Earlier::LostByServer {
            server_store = Arc::default();
        }
        let (client_kept, server_kept) = (client_store.copy(), server_store.copy());
        let mut pair = Pair::connect(setting, Attempt::Recorded, &client_store, &server_store);
        pair.send_data_and_close();
        Self {
            client: Side {
                store: client_kept,
                received: pair.to_client,
                resumption: pair.client.session().unwrap().resumption(),
            },
            server: Side {
                store: server_kept,
                received: pair.to_server,
                resumption: pair.server.session().unwrap().resumption(),
            },
        }
    }
}

/// Two connections with each other, and all that they have sent.
struct Pair {
    client: Connection,
    server: Connection,
    to_client: Vec<u8>,
    to_server: Vec<u8>,
}

impl Pair {
    /// A handshake.
    fn connect(
        setting: Setting,
        attempt: Attempt,
        client_store: &Arc<Store>,
        server_store: &Arc<Store>,
    ) -> Self {
        let (mut to_server, mut to_client) = (Vec::new(), Vec::new());
        let (client, server) = (Role::Client, Role::Server);
        let mut client = start(client, setting, attempt, client_store, &mut to_server);
        let mut server = start(server, setting, attempt, server_store, &mut to_client);
        let (mut server_read, mut client_read) = (0, 0);
        for _ in 0..2 {
            server_read += take(&mut server, &to_server[server_read..], &mut to_client);
            client_read += take(&mut client, &to_client[client_read..], &mut to_server);
        }
        Self {
            client,
            server,
            to_client,
            to_server,
        }
    }

    fn send_data_and_close(&mut self) {
        for (connection, outgoing) in [
            (&mut self.client, &mut self.to_server),
            (&mut self.server, &mut self.to_client),
        ] {
            connection.send(DATA, outgoing).unwrap();
            connection.close(outgoing);
        }
    }
}

/// Has a connection take in a whole flight, and returns its length.
fn take(connection: &mut Connection, flight: &[u8], outgoing: &mut Vec<u8>) -> usize {
    let mut incoming = flight.to_vec();
    let mut taken = 0;
    while taken < flight.len() || connection.pending().is_some() {
        let received = connection.receive(&mut incoming[taken..], outgoing).unwrap();
        let consumed = received.consumed;
        if let Event::Paused = received.event {
            answer(connection, outgoing).unwrap();
        }
        taken += consumed;
    }
    taken
}
