//! The caller's input buffer: where data lies in it, how much is needed, and one that is too small.

use premaster::error::Misuse;
use premaster::protocol::MaxFragmentLength;
use premaster::{
    ClientConfigBuilder, Error, Event, MAX_RECORD_LENGTH, RECORD_OVERHEAD, ServerConfigBuilder,
};
use premaster_testing::pair::{Chunks, End};
use premaster_testing::wire::{HANDSHAKE, record};
use premaster_testing::{all_suites, client_builder, pair, server_builder};

/// What a record of AES-GCM adds, less than with other ciphers.
const GCM_OVERHEAD: usize = 5 + 8 + 16;

#[test]
fn data_is_where_its_range_says() {
    for suite in all_suites() {
        let suites = [suite];
        let client = client_builder().suites(&suites);
        let mut pair = pair(client, server_builder().suites(&suites)).established();
        let mut wire = Vec::new();
        for data in [&b"one"[..], &[7; 16384], b"three"] {
            pair.client.connection.send(data, &mut wire).unwrap();
        }
        let mut start = 0;
        for data in [&b"one"[..], &[7; 16384], b"three"] {
            let input = &mut wire[start..];
            let received = pair.server.connection.receive(input, &mut Vec::new()).unwrap();
            let (range, consumed) = (received.data_range().unwrap(), received.consumed);
            assert_eq!(received.needed(), None);
            assert!(range.end <= consumed && consumed <= range.len() + RECORD_OVERHEAD);
            assert_eq!(&input[range], data);
            start += consumed;
        }
        let rest = &mut wire[start..];
        let received = pair.server.connection.receive(rest, &mut Vec::new()).unwrap();
        assert_eq!((received.data_range(), received.needed()), (None, Some(5)));
    }
}

/// The bytes that are needed are those of the record, and one byte less is too few.
#[test]
fn what_is_needed_is_enough_and_no_more() {
    let mut pair = pair(client_builder(), server_builder());
    for _ in 0..2 {
        feed_as_needed(&mut pair.client.outgoing, &mut pair.server);
        feed_as_needed(&mut pair.server.outgoing, &mut pair.client);
    }
    pair.client.send(&[7; 20_000]);
    feed_as_needed(&mut pair.client.outgoing, &mut pair.server);
    assert_eq!(pair.server.received, [7; 20_000]);
}

/// Gives an end only as many bytes as it says that it needs.
#[track_caller]
fn feed_as_needed(from: &mut Vec<u8>, to: &mut End) {
    let mut input = Vec::new();
    let mut rest = from.drain(..);
    loop {
        let received = to.connection.receive(&mut input, &mut to.outgoing).unwrap();
        let (consumed, needed) = (received.consumed, received.needed());
        if let Event::ApplicationData(data) = received.event {
            to.received.extend_from_slice(data);
        }
        input.drain(..consumed);
        let Some(needed) = needed else { continue };
        assert!(needed > input.len() && needed <= MAX_RECORD_LENGTH);
        // One byte less changes nothing.
        let fewer = needed - 1 - input.len();
        input.extend(rest.by_ref().take(fewer));
        let Some(last) = rest.next() else { break };
        let received = to.connection.receive(&mut input, &mut to.outgoing).unwrap();
        assert_eq!(received.consumed, 0);
        assert!(received.needed() >= Some(needed));
        input.push(last);
    }
    assert!(input.is_empty());
}

/// Receives through a buffer of a fixed length, which is declared.
struct Fixed {
    buffer: Vec<u8>,
    filled: usize,
}

impl Fixed {
    fn new(end: &mut End, length: usize) -> Self {
        end.connection.set_input_capacity(length);
        Self {
            buffer: vec![0; length],
            filled: 0,
        }
    }

    fn take(&mut self, bytes: &mut Vec<u8>, end: &mut End) -> Result<(), Error> {
        loop {
            let count = bytes.len().min(self.buffer.len() - self.filled);
            self.buffer[self.filled..][..count].copy_from_slice(&bytes[..count]);
            bytes.drain(..count);
            self.filled += count;
            let input = &mut self.buffer[..self.filled];
            let received = end.connection.receive(input, &mut end.outgoing)?;
            let (range, consumed) = (received.data_range(), received.consumed);
            let waits = received.needed().is_some();
            if let Some(range) = range {
                end.received.extend_from_slice(&self.buffer[range]);
            }
            self.buffer.copy_within(consumed..self.filled, 0);
            self.filled -= consumed;
            if waits && consumed == 0 && bytes.is_empty() {
                return Ok(());
            }
        }
    }
}

#[track_caller]
fn exchange(
    client: ClientConfigBuilder,
    server: ServerConfigBuilder,
    length: usize,
) -> Result<(), Error> {
    let mut pair = pair(client, server);
    let mut buffers = [&mut pair.client, &mut pair.server].map(|end| Fixed::new(end, length));
    for _ in 0..2 {
        buffers[1].take(&mut pair.client.outgoing, &mut pair.server)?;
        buffers[0].take(&mut pair.server.outgoing, &mut pair.client)?;
    }
    pair.client.send(&[7; 5000]);
    pair.server.send(&[8; 5000]);
    buffers[1].take(&mut pair.client.outgoing, &mut pair.server)?;
    buffers[0].take(&mut pair.server.outgoing, &mut pair.client)?;
    assert_eq!(pair.server.received, [7; 5000]);
    assert_eq!(pair.client.received, [8; 5000]);
    Ok(())
}

#[test]
fn a_fragment_length_bounds_the_handshake_too() {
    for (length, bytes) in [
        (MaxFragmentLength::L512, 512),
        (MaxFragmentLength::L1024, 1024),
    ] {
        let client = || client_builder().max_fragment_length(length);
        assert_eq!(
            exchange(client(), server_builder(), bytes + RECORD_OVERHEAD),
            Ok(())
        );
        // Full records of application data show that less will do only where they are shorter.
        let refused = exchange(client(), server_builder(), bytes + GCM_OVERHEAD - 1);
        let too_small = Misuse::BufferTooSmall {
            record: bytes + GCM_OVERHEAD,
            capacity: bytes + GCM_OVERHEAD - 1,
        };
        assert_eq!(refused, Err(too_small.into()));
    }
    assert_eq!(
        exchange(client_builder(), server_builder(), MAX_RECORD_LENGTH),
        Ok(())
    );
    let full = (1 << 14) + RECORD_OVERHEAD;
    assert_eq!(exchange(client_builder(), server_builder(), full), Ok(()));
}

/// A record_size_limit does not bound what is not encrypted: the certificate comes in one record.
#[test]
fn a_buffer_that_is_too_small_can_be_replaced() {
    let client = client_builder().record_size_limit(64);
    let mut pair = pair(client, server_builder().record_size_limit(64));
    let capacity = 64 + RECORD_OVERHEAD;
    pair.client.connection.set_input_capacity(capacity);
    pair.server.take(&std::mem::take(&mut pair.client.outgoing)).unwrap();
    let flight = std::mem::take(&mut pair.server.outgoing);
    // The server may put its whole flight into one record.
    let content: Vec<u8> = premaster_testing::wire::records(&flight)
        .iter()
        .flat_map(|record| record[5..].to_vec())
        .collect();
    let mut input = record(HANDSHAKE, &content);
    let too_small = Misuse::BufferTooSmall {
        record: input.len(),
        capacity,
    };
    for _ in 0..2 {
        // Its header is enough to see it.
        let mut header = input[..5].to_vec();
        let received = pair.client.connection.receive(&mut header, &mut pair.client.outgoing);
        assert_eq!(received.map(drop), Err(too_small.into()));
    }
    assert!(pair.client.outgoing.is_empty());
    pair.client.connection.set_input_capacity(input.len());
    pair.client.take(&std::mem::take(&mut input)).unwrap();
    pair.run(Chunks::Whole).unwrap();
    // After the handshake, the limit holds.
    pair.client.connection.set_input_capacity(capacity);
    pair.exchange(&[7; 1000], &[8; 1000], Chunks::Whole);
}

/// What was consumed before the record is told first.
#[test]
fn an_error_never_hides_what_was_consumed() {
    let mut pair = pair(client_builder(), server_builder()).established();
    pair.server.connection.set_input_capacity(100);
    let mut wire = Vec::new();
    pair.client.connection.send(b"short", &mut wire).unwrap();
    let first = wire.len();
    pair.client.connection.send(&[7; 200], &mut wire).unwrap();
    let mut outgoing = Vec::new();
    let server = &mut pair.server.connection;
    let received = server.receive(&mut wire[..100], &mut outgoing).unwrap();
    assert_eq!(received.consumed, first);
    assert!(matches!(received.event, Event::ApplicationData(b) if b == b"short"));
    let too_small = Misuse::BufferTooSmall {
        record: 200 + GCM_OVERHEAD,
        capacity: 100,
    };
    let received = server.receive(&mut wire[first..100], &mut outgoing);
    assert_eq!(received.map(drop), Err(too_small.into()));
    // A whole record is received, however long: then the buffer did hold it.
    let received = server.receive(&mut wire[first..], &mut outgoing).unwrap();
    assert_eq!(received.data_range().map(|range| range.len()), Some(200));
}

/// Bytes that break the protocol are refused as such, whatever length they seem to announce.
#[test]
fn a_bad_header_is_not_a_small_buffer() {
    let mut server = pair(client_builder(), server_builder()).server.connection;
    server.set_input_capacity(100);
    let mut input = b"GET / HTTP/1.1\r\n".to_vec();
    let received = server.receive(&mut input, &mut Vec::new());
    assert!(!matches!(received, Ok(_) | Err(Error::Misuse(_))));
}
