//! A TCP connection as a capture file, in the classic pcap format.

use std::net::Ipv4Addr;

/// The server's port.
pub const PORT: u16 = 4433;

/// Bytes that one side sent in one go.
pub struct Flight {
    pub sender: Sender,
    pub bytes: Vec<u8>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sender {
    Client,
    Server,
}

/// What one end sends with, and how far it has come.
struct Endpoint {
    address: Ipv4Addr,
    port: u16,
    sequence: u32,
}

const SYN: u8 = 0x02;
const PUSH: u8 = 0x08;
const ACK: u8 = 0x10;

/// So much of a flight goes into one packet that records are cut, as on a real network.
const SEGMENT: usize = 1400;

pub fn capture(flights: &[Flight]) -> Vec<u8> {
    let mut client = Endpoint {
        address: Ipv4Addr::new(192, 0, 2, 1),
        port: 50_000,
        sequence: 0,
    };
    let mut server = Endpoint {
        address: Ipv4Addr::new(192, 0, 2, 2),
        port: PORT,
        sequence: 0,
    };
    let mut file = file_header();
    put_packet(&mut file, &mut client, &server, SYN, &[]);
    put_packet(&mut file, &mut server, &client, SYN | ACK, &[]);
    put_packet(&mut file, &mut client, &server, ACK, &[]);
    for flight in flights {
        let (from, to) = match flight.sender {
            Sender::Client => (&mut client, &server),
            Sender::Server => (&mut server, &client),
        };
        for segment in flight.bytes.chunks(SEGMENT) {
            put_packet(&mut file, from, to, PUSH | ACK, segment);
        }
    }
    file
}

fn file_header() -> Vec<u8> {
    const MAGIC: u32 = 0xa1b2_c3d4;
    const VERSION: [u16; 2] = [2, 4];
    const SNAP_LENGTH: u32 = 65_535;
    /// Packets begin with their IP header.
    const LINKTYPE_RAW: u32 = 101;

    let mut header = MAGIC.to_be_bytes().to_vec();
    header.extend(VERSION.map(u16::to_be_bytes).as_flattened());
    // Two reserved fields.
    header.extend([0; 8]);
    header.extend(SNAP_LENGTH.to_be_bytes());
    header.extend(LINKTYPE_RAW.to_be_bytes());
    header
}

/// Appends a packet. Checksums are left out: tshark does not check them.
fn put_packet(file: &mut Vec<u8>, from: &mut Endpoint, to: &Endpoint, flags: u8, payload: &[u8]) {
    const IP_HEADER: u16 = 20;
    const TCP_HEADER: u16 = 20;

    let length = IP_HEADER + TCP_HEADER + u16::try_from(payload.len()).unwrap();

    // The record's header: the time, which is nobody's business, and the length, captured and sent.
    file.extend([0; 8]);
    file.extend(u32::from(length).to_be_bytes());
    file.extend(u32::from(length).to_be_bytes());

    // IPv4: version and header length, length, don't fragment, time to live, TCP.
    file.extend([0x45, 0]);
    file.extend(length.to_be_bytes());
    file.extend([0, 0, 0x40, 0, 64, 6, 0, 0]);
    file.extend(from.address.octets());
    file.extend(to.address.octets());

    // TCP: ports, numbers, header length in words, flags, window, no urgent data.
    file.extend(from.port.to_be_bytes());
    file.extend(to.port.to_be_bytes());
    file.extend(from.sequence.to_be_bytes());
    file.extend(to.sequence.to_be_bytes());
    file.extend([0x50, flags, 0xff, 0xff, 0, 0, 0, 0]);
    file.extend(payload);

    // A SYN takes one number, data one a byte.
    from.sequence += u32::from(flags & SYN != 0) + u32::try_from(payload.len()).unwrap();
}
