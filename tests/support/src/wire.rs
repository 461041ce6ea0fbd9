//! The wire by hand: records and messages as bytes.

use crate::pair::End;

pub const CHANGE_CIPHER_SPEC: u8 = 20;
pub const ALERT: u8 = 21;
pub const HANDSHAKE: u8 = 22;
pub const APPLICATION_DATA: u8 = 23;

pub const HELLO_REQUEST: u8 = 0;
pub const CLIENT_HELLO: u8 = 1;
pub const SERVER_HELLO: u8 = 2;
pub const NEW_SESSION_TICKET: u8 = 4;
pub const CERTIFICATE: u8 = 11;
pub const SERVER_KEY_EXCHANGE: u8 = 12;
pub const CERTIFICATE_REQUEST: u8 = 13;
pub const SERVER_HELLO_DONE: u8 = 14;
pub const CERTIFICATE_VERIFY: u8 = 15;
pub const CLIENT_KEY_EXCHANGE: u8 = 16;
pub const FINISHED: u8 = 20;

pub const SERVER_NAME: u16 = 0;
pub const ENCRYPT_THEN_MAC: u16 = 22;
pub const EXTENDED_MASTER_SECRET: u16 = 23;
pub const SESSION_TICKET: u16 = 35;
pub const RENEGOTIATION_INFO: u16 = 0xff01;

/// A record of TLS 1.2.
pub fn record(typ: u8, content: &[u8]) -> Vec<u8> {
    record_of_version(typ, 0x0303, content)
}

pub fn record_of_version(typ: u8, version: u16, content: &[u8]) -> Vec<u8> {
    let mut out = vec![typ];
    out.extend(version.to_be_bytes());
    out.extend((content.len() as u16).to_be_bytes());
    out.extend(content);
    out
}

/// A handshake message with its header.
pub fn message(typ: u8, body: &[u8]) -> Vec<u8> {
    let mut out = vec![typ];
    out.extend(&(body.len() as u32).to_be_bytes()[1..]);
    out.extend(body);
    out
}

/// A handshake message in a record of its own.
pub fn handshake(typ: u8, body: &[u8]) -> Vec<u8> {
    record(HANDSHAKE, &message(typ, body))
}

/// Cuts a stream into its records, headers included.
pub fn records(stream: &[u8]) -> Vec<Vec<u8>> {
    let mut rest = stream;
    let mut records = Vec::new();
    while !rest.is_empty() {
        let length = 5 + usize::from(u16::from_be_bytes([rest[3], rest[4]]));
        let (record, after) = rest.split_at(length);
        records.push(record.to_vec());
        rest = after;
    }
    records
}

/// The type of the handshake message in an unprotected record.
#[track_caller]
pub fn message_type(record: &[u8]) -> u8 {
    assert_eq!(record[0], HANDSHAKE);
    record[5]
}

/// A vector with a length of `width` bytes.
pub fn vector(width: usize, content: &[u8]) -> Vec<u8> {
    let mut out = content.len().to_be_bytes()[8 - width..].to_vec();
    out.extend(content);
    out
}

/// The content of the vector at the front, with a length of `width` bytes, and what follows it.
pub fn split_vector(width: usize, bytes: &[u8]) -> (&[u8], &[u8]) {
    let (length, rest) = bytes.split_at(width);
    let length = length.iter().fold(0, |length, byte| length << 8 | usize::from(*byte));
    rest.split_at(length)
}

/// A Certificate message's body.
pub fn certificate_body(chain: &[&[u8]]) -> Vec<u8> {
    let list: Vec<u8> = chain.iter().flat_map(|der| vector(3, der)).collect();
    vector(3, &list)
}

/// A hello of either side, every field free.
#[derive(Clone)]
pub struct Hello {
    pub version: u16,
    pub session_id: Vec<u8>,
    /// A client's list, or a server's one.
    pub suites: Vec<u16>,
    /// A client's list, or a server's one.
    pub compressions: Vec<u8>,
    pub extensions: Option<Vec<(u16, Vec<u8>)>>,
}

pub fn hello() -> Hello {
    Hello {
        version: 0x0303,
        session_id: vec![],
        suites: vec![0x009c],
        compressions: vec![0],
        extensions: None,
    }
}

impl Hello {
    /// Reads a ClientHello out of its record, but for the random.
    #[track_caller]
    pub fn read_client(record: &[u8]) -> Self {
        assert_eq!(message_type(record), CLIENT_HELLO);
        // Behind the headers of record and message.
        let (fixed, rest) = record[9..].split_at(34);
        let (session_id, rest) = split_vector(1, rest);
        let (suites, rest) = split_vector(2, rest);
        let (compressions, _) = split_vector(1, rest);
        let number = |bytes: &[u8]| u16::from_be_bytes([bytes[0], bytes[1]]);
        Self {
            version: number(fixed),
            session_id: session_id.to_vec(),
            suites: suites.chunks(2).map(number).collect(),
            compressions: compressions.to_vec(),
            extensions: extensions(record),
        }
    }

    /// The hello without an extension.
    pub fn without(mut self, typ: u16) -> Self {
        let extensions = self.extensions.iter_mut();
        extensions.for_each(|list| list.retain(|(of, _)| *of != typ));
        self
    }

    /// The hello with an extension, in place of one of the same type.
    pub fn with(self, typ: u16, content: &[u8]) -> Self {
        let mut hello = self.without(typ);
        let extensions = hello.extensions.get_or_insert_default();
        extensions.push((typ, content.to_vec()));
        hello
    }

    pub fn client_body(&self) -> Vec<u8> {
        let suites: Vec<u8> = self.suites.iter().flat_map(|id| id.to_be_bytes()).collect();
        let mut out = self.head();
        out.extend(vector(2, &suites));
        out.extend(vector(1, &self.compressions));
        out.extend(self.extension_block());
        out
    }

    pub fn client(&self) -> Vec<u8> {
        handshake(CLIENT_HELLO, &self.client_body())
    }

    pub fn server(&self) -> Vec<u8> {
        let mut out = self.head();
        out.extend(self.suites[0].to_be_bytes());
        out.push(self.compressions[0]);
        out.extend(self.extension_block());
        handshake(SERVER_HELLO, &out)
    }

    fn head(&self) -> Vec<u8> {
        let mut out = self.version.to_be_bytes().to_vec();
        out.extend([7; 32]);
        out.extend(vector(1, &self.session_id));
        out
    }

    fn extension_block(&self) -> Vec<u8> {
        let Some(extensions) = &self.extensions else {
            return Vec::new();
        };
        let mut block = Vec::new();
        for (typ, content) in extensions {
            block.extend(typ.to_be_bytes());
            block.extend(vector(2, content));
        }
        vector(2, &block)
    }
}

/// The bytes that hexadecimal digits stand for.
pub fn unhex(text: &str) -> Vec<u8> {
    (0..text.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap())
        .collect()
}

/// Takes what an end has to say, in records.
pub fn said(end: &mut End) -> Vec<Vec<u8>> {
    records(&std::mem::take(&mut end.outgoing))
}

/// What unprotected handshake records hold, one after the other.
pub fn messages(records: &[Vec<u8>]) -> Vec<u8> {
    records
        .iter()
        .take_while(|record| record[0] == HANDSHAKE)
        .flat_map(|record| record[5..].to_vec())
        .collect()
}

/// The handshake messages of a flight that is not protected: their types and bodies.
pub fn handshake_messages(flight: &[Vec<u8>]) -> Vec<(u8, Vec<u8>)> {
    let bytes = messages(flight);
    let mut rest = &bytes[..];
    let mut found = Vec::new();
    while let [typ, after @ ..] = rest {
        let (body, after) = split_vector(3, after);
        found.push((*typ, body.to_vec()));
        rest = after;
    }
    found
}

/// The body of the message of this type in a flight.
pub fn body_of(flight: &[Vec<u8>], typ: u8) -> Option<Vec<u8>> {
    let mut messages = handshake_messages(flight).into_iter();
    messages.find_map(|(of, body)| (of == typ).then_some(body))
}

/// Types and contents of the extensions of a hello of either side, in its order; `None` without a
/// block.
#[track_caller]
pub fn extensions(hello: &[u8]) -> Option<Vec<(u16, Vec<u8>)>> {
    // Behind the headers of record and message, the version and the random.
    let (session_id, rest) = split_vector(1, &hello[43..]);
    assert!(session_id.len() <= 32);
    let rest = match message_type(hello) {
        CLIENT_HELLO => {
            let (_suites, rest) = split_vector(2, rest);
            let (_compressions, rest) = split_vector(1, rest);
            rest
        }
        SERVER_HELLO => &rest[3..],
        other => panic!("{other} is no hello"),
    };
    if rest.is_empty() {
        return None;
    }
    let (mut block, behind) = split_vector(2, rest);
    assert!(behind.is_empty());
    let mut found = Vec::new();
    while !block.is_empty() {
        let (content, rest) = split_vector(2, &block[2..]);
        let typ = u16::from_be_bytes([block[0], block[1]]);
        found.push((typ, content.to_vec()));
        block = rest;
    }
    Some(found)
}

/// The hello with these extensions.
pub fn hello_with(extensions: &[(u16, &[u8])]) -> Hello {
    let owned = extensions.iter().map(|(typ, content)| (*typ, content.to_vec()));
    Hello {
        extensions: Some(owned.collect()),
        ..hello()
    }
}
