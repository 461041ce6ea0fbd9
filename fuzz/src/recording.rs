//! A real connection's bytes in both directions.

use crate::endpoint::{Role, Setting, answer, start};
use premaster::{Connection, Event};
use std::sync::LazyLock;

/// What each side sends to the other after the handshake, in one record.
pub(crate) const DATA: &[u8] = b"application data";

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
    to_server: Vec<u8>,
    to_client: Vec<u8>,
}

impl Recording {
    pub fn of(setting: Setting) -> &'static Self {
        static PLAIN: LazyLock<Recording> = LazyLock::new(|| Recording::make(Setting::Plain));
        static MUTUAL: LazyLock<Recording> = LazyLock::new(|| Recording::make(Setting::Mutual));
        match setting {
            Setting::Plain => &PLAIN,
            Setting::Mutual => &MUTUAL,
        }
    }

    /// The records that a connection of this role receives.
    pub fn sent_to(&self, role: Role) -> Vec<Record> {
        Record::split(match role {
            Role::Client => &self.to_client,
            Role::Server => &self.to_server,
        })
    }

    fn make(setting: Setting) -> Self {
        let (mut to_server, mut to_client) = (Vec::new(), Vec::new());
        let mut client = start(Role::Client, setting, &mut to_server);
        let mut server = start(Role::Server, setting, &mut to_client);
        let (mut server_read, mut client_read) = (0, 0);
        for _ in 0..2 {
            server_read += take(&mut server, &to_server[server_read..], &mut to_client);
            client_read += take(&mut client, &to_client[client_read..], &mut to_server);
        }
        for (connection, outgoing) in [(&mut client, &mut to_server), (&mut server, &mut to_client)]
        {
            connection.send(DATA, outgoing).unwrap();
            connection.close(outgoing);
        }
        Self {
            to_server,
            to_client,
        }
    }
}

/// Has a connection take in a whole flight, and returns its length.
fn take(connection: &mut Connection, flight: &[u8], outgoing: &mut Vec<u8>) -> usize {
    let mut incoming = flight.to_vec();
    let mut taken = 0;
    while taken < flight.len() || connection.pending().is_some() {
        let received = connection
            .receive(&mut incoming[taken..], outgoing)
            .unwrap();
        let consumed = received.consumed;
        if let Event::Paused = received.event {
            answer(connection, outgoing).unwrap();
        }
        taken += consumed;
    }
    taken
}
