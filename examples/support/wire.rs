//! A transport that notes the type, size and time of each record that passes.

use premaster::protocol::{ContentType, HandshakeType};
use std::io::{self, Read, Write};
use std::time::{Duration, Instant};

/// The direction of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    ToServer,
    ToClient,
}

/// One record, as seen on the wire.
#[derive(Clone, Copy, Debug)]
pub struct Record {
    pub direction: Direction,
    pub content_type: ContentType,
    /// The handshake message inside, if it is one: both sides send each in a record of its own.
    pub handshake_type: Option<HandshakeType>,
    /// Its bytes on the wire, header included.
    pub length: usize,
    /// When all of it had passed, since the tap was made.
    pub at: Duration,
}

/// A client's transport that notes what passes.
pub struct Tap<S> {
    transport: S,
    start: Instant,
    to_server: Splitter,
    to_client: Splitter,
    records: Vec<Record>,
}

impl<S> Tap<S> {
    pub fn new(transport: S) -> Self {
        Self {
            transport,
            start: Instant::now(),
            to_server: Splitter::default(),
            to_client: Splitter::default(),
            records: Vec::new(),
        }
    }

    /// Every record so far, in the order in which the client sent or received them.
    pub fn records(&self) -> &[Record] {
        &self.records
    }

    fn note(&mut self, direction: Direction, bytes: &[u8]) {
        let at = self.start.elapsed();
        let splitter = match direction {
            Direction::ToServer => &mut self.to_server,
            Direction::ToClient => &mut self.to_client,
        };
        splitter.partial.extend_from_slice(bytes);
        while let Some(record) = splitter.next_record(direction, at) {
            self.records.push(record);
        }
    }
}

impl<S: Read> Read for Tap<S> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.transport.read(buffer)?;
        self.note(Direction::ToClient, &buffer[..count]);
        Ok(count)
    }
}

impl<S: Write> Write for Tap<S> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = self.transport.write(bytes)?;
        self.note(Direction::ToServer, &bytes[..count]);
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.transport.flush()
    }
}

/// Splits one direction's bytes into records.
#[derive(Default)]
struct Splitter {
    /// The start of a record whose end has not passed yet.
    partial: Vec<u8>,
    /// Whether ChangeCipherSpec has passed.
    encrypted: bool,
}

impl Splitter {
    /// Type, version and length come before a record's content.
    const HEADER: usize = 5;

    fn next_record(&mut self, direction: Direction, at: Duration) -> Option<Record> {
        let [content_type, _, _, high, low, content @ ..] = &self.partial[..] else {
            return None;
        };
        let content_length = usize::from(u16::from_be_bytes([*high, *low]));
        let content = content.get(..content_length)?;
        let content_type = ContentType(*content_type);
        let handshake_type = match content_type {
            // Nobody here renegotiates, so that no other message is ever encrypted.
            ContentType::HANDSHAKE if self.encrypted => Some(HandshakeType::FINISHED),
            ContentType::HANDSHAKE => content.first().copied().map(HandshakeType),
            _ => None,
        };
        self.encrypted |= content_type == ContentType::CHANGE_CIPHER_SPEC;
        let length = Self::HEADER + content_length;
        self.partial.drain(..length);
        Some(Record {
            direction,
            content_type,
            handshake_type,
            length,
            at,
        })
    }
}
