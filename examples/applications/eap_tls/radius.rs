//! RADIUS as an access point speaks it with its server: EAP in both directions
//! ([RFC 2865](https://www.rfc-editor.org/rfc/rfc2865),
//! [RFC 3579](https://www.rfc-editor.org/rfc/rfc3579)).
//!
//! RADIUS rests on MD5 and a shared secret. Use it on a network of its own or through a tunnel: what it
//! carries here, EAP-TLS, protects itself.

use hmac::{Hmac, KeyInit, Mac};
use md5::{Digest, Md5};
use std::io::{self, ErrorKind};
use std::net::UdpSocket;
use std::time::{Duration, Instant};
use zeroize::Zeroizing;

const ACCESS_REQUEST: u8 = 1;
const ACCESS_ACCEPT: u8 = 2;
const ACCESS_REJECT: u8 = 3;
const ACCESS_CHALLENGE: u8 = 11;

const USER_NAME: u8 = 1;
const FRAMED_MTU: u8 = 12;
const STATE: u8 = 24;
const VENDOR_SPECIFIC: u8 = 26;
const NAS_IDENTIFIER: u8 = 32;
const EAP_MESSAGE: u8 = 79;
const MESSAGE_AUTHENTICATOR: u8 = 80;

/// [RFC 2548 section 2.4](https://www.rfc-editor.org/rfc/rfc2548#section-2.4).
const MICROSOFT: [u8; 4] = 311_u32.to_be_bytes();
const MS_MPPE_SEND_KEY: u8 = 16;
const MS_MPPE_RECV_KEY: u8 = 17;

/// A packet's code, identifier, length and authenticator.
const HEADER: usize = 20;

/// RFC 2865 section 3: "The maximum length is 4096".
const MAX_PACKET: usize = 4096;

/// The most bytes of an attribute's value.
const MAX_VALUE: usize = 253;

/// How long an answer may take before the request is sent again.
const PATIENCE: Duration = Duration::from_secs(1);

/// How often a request is sent.
const ATTEMPTS: u32 = 4;

/// What the server came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    Challenge,
    Accept,
    Reject,
}

/// A server's answer, whose authenticity has been checked.
pub struct Answer {
    pub verdict: Verdict,
    /// The EAP packet in it, if there is one.
    pub eap: Vec<u8>,
    pub keys: MppeKeys,
}

/// The keys for the access point, if the answer has them.
#[derive(Default)]
pub struct MppeKeys {
    pub receive: Option<Zeroizing<Vec<u8>>>,
    pub send: Option<Zeroizing<Vec<u8>>>,
}

/// The access point's end of one conversation.
pub struct AccessPoint {
    /// Connected to the server: packets from elsewhere do not arrive.
    socket: UdpSocket,
    secret: Zeroizing<Vec<u8>>,
    user: String,
    framed_mtu: u32,
    identifier: u8,
    /// What the server must be told to find its place again.
    state: Option<Vec<u8>>,
    deadline: Instant,
}

impl AccessPoint {
    /// All exchanges together end at `deadline`. The server keeps its EAP packets to `framed_mtu` bytes.
    pub fn new(
        socket: UdpSocket,
        secret: Zeroizing<Vec<u8>>,
        user: String,
        framed_mtu: u32,
        deadline: Instant,
    ) -> Self {
        Self {
            socket,
            secret,
            user,
            framed_mtu,
            identifier: 0,
            state: None,
            deadline,
        }
    }

    /// Sends an EAP packet and waits for the answer. Packets that are not the server's are ignored.
    pub fn exchange(&mut self, eap: &[u8]) -> io::Result<Answer> {
        let mut authenticator = [0; 16];
        getrandom::fill(&mut authenticator).map_err(io::Error::other)?;
        let request = self.request(eap, authenticator)?;
        let mut room = [0; MAX_PACKET];
        for _ in 0..ATTEMPTS {
            self.socket.send(&request)?;
            let until = self.deadline.min(Instant::now() + PATIENCE);
            loop {
                let left = until.saturating_duration_since(Instant::now());
                if left.is_zero() {
                    break;
                }
                self.socket.set_read_timeout(Some(left))?;
                let count = match self.socket.recv(&mut room) {
                    Ok(count) => count,
                    Err(error) if is_timeout(&error) => break,
                    Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                    Err(error) => return Err(error),
                };
                if let Some(answer) = self.read(&room[..count], authenticator) {
                    self.identifier = self.identifier.wrapping_add(1);
                    return Ok(answer);
                }
            }
        }
        Err(io::Error::new(
            ErrorKind::TimedOut,
            "no authentic answer from the server; the shared secret may be wrong, or the server does \
             not have this client",
        ))
    }

    fn request(&self, eap: &[u8], authenticator: [u8; 16]) -> io::Result<Vec<u8>> {
        let mut packet = vec![ACCESS_REQUEST, self.identifier, 0, 0];
        packet.extend_from_slice(&authenticator);
        // First, where a forger can put nothing before it (CVE-2024-3596).
        attribute(&mut packet, MESSAGE_AUTHENTICATOR, &[0; 16])?;
        attribute(&mut packet, USER_NAME, self.user.as_bytes())?;
        attribute(&mut packet, NAS_IDENTIFIER, b"eap_tls")?;
        attribute(&mut packet, FRAMED_MTU, &self.framed_mtu.to_be_bytes())?;
        for piece in eap.chunks(MAX_VALUE) {
            attribute(&mut packet, EAP_MESSAGE, piece)?;
        }
        if let Some(state) = &self.state {
            attribute(&mut packet, STATE, state)?;
        }
        let length = u16::try_from(packet.len()).ok().filter(|length| *length <= 4096);
        let length = length.ok_or_else(|| io::Error::other("the RADIUS packet is too long"))?;
        packet[2..4].copy_from_slice(&length.to_be_bytes());
        let code = hmac_md5(&self.secret, &packet)?.finalize().into_bytes();
        packet[HEADER + 2..HEADER + 18].copy_from_slice(&code);
        Ok(packet)
    }

    /// Reads an answer to the request with this authenticator; `None` if it is not the server's, or
    /// malformed.
    fn read(&mut self, packet: &[u8], authenticator: [u8; 16]) -> Option<Answer> {
        let packet = Packet::read(packet)?;
        if packet.identifier != self.identifier
            || !packet.is_authentic(&self.secret, authenticator)?
        {
            return None;
        }
        let verdict = match packet.code {
            ACCESS_ACCEPT => Verdict::Accept,
            ACCESS_REJECT => Verdict::Reject,
            ACCESS_CHALLENGE => Verdict::Challenge,
            _ => return None,
        };
        let mut eap = Vec::new();
        let mut keys = MppeKeys::default();
        for attribute in packet.attributes() {
            match attribute.kind {
                EAP_MESSAGE => eap.extend_from_slice(attribute.value),
                STATE => self.state = Some(attribute.value.to_vec()),
                VENDOR_SPECIFIC => {
                    let Some((kind, value)) = microsofts(attribute.value) else {
                        continue;
                    };
                    let key = match kind {
                        MS_MPPE_SEND_KEY => &mut keys.send,
                        MS_MPPE_RECV_KEY => &mut keys.receive,
                        _ => continue,
                    };
                    *key = Some(decrypt(value, &self.secret, authenticator)?);
                }
                _ => {}
            }
        }
        Some(Answer { verdict, eap, keys })
    }
}

fn is_timeout(error: &io::Error) -> bool {
    // A server that does not listen may be about to.
    matches!(
        error.kind(),
        ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::ConnectionRefused
    )
}

fn attribute(packet: &mut Vec<u8>, kind: u8, value: &[u8]) -> io::Result<()> {
    let too_long = || io::Error::other("an attribute is longer than 253 bytes");
    let length = u8::try_from(value.len() + 2).map_err(|_| too_long())?;
    packet.extend_from_slice(&[kind, length]);
    packet.extend_from_slice(value);
    Ok(())
}

fn hmac_md5(secret: &[u8], packet: &[u8]) -> io::Result<Hmac<Md5>> {
    let mac = Hmac::<Md5>::new_from_slice(secret).map_err(io::Error::other)?;
    Ok(mac.chain_update(packet))
}

/// A packet with whole attributes.
struct Packet<'p> {
    code: u8,
    identifier: u8,
    bytes: &'p [u8],
}

/// Where an attribute begins in its packet, and what it is.
struct Attribute<'p> {
    at: usize,
    kind: u8,
    value: &'p [u8],
}

impl<'p> Packet<'p> {
    fn read(datagram: &'p [u8]) -> Option<Self> {
        let (&[code, identifier, high, low], _) = datagram.split_first_chunk()?;
        // RFC 2865 section 3: what is behind the length is padding, and a packet that is shorter than
        // its length is discarded.
        let bytes = datagram.get(..usize::from(u16::from_be_bytes([high, low])))?;
        let packet = Self {
            code,
            identifier,
            bytes,
        };
        let end = packet.attributes().last().map_or(HEADER, |last| last.at + 2 + last.value.len());
        (bytes.len() >= HEADER && end == bytes.len()).then_some(packet)
    }

    /// The attributes up to one that is malformed.
    fn attributes(&self) -> impl Iterator<Item = Attribute<'p>> + use<'p> {
        let bytes = self.bytes;
        let mut at = HEADER;
        std::iter::from_fn(move || {
            let (&[kind, length], _) = bytes.get(at..)?.split_first_chunk()?;
            let value = bytes.get(at + 2..at + usize::from(length))?;
            let attribute = Attribute { at, kind, value };
            at += usize::from(length);
            Some(attribute)
        })
    }

    /// Checks both authenticators. RFC 3579 section 3.1: Message-Authenticator "MUST be used to protect
    /// all" packets with EAP in them; here, all packets.
    fn is_authentic(&self, secret: &[u8], request: [u8; 16]) -> Option<bool> {
        let mut codes = self.attributes().filter(|a| a.kind == MESSAGE_AUTHENTICATOR);
        let (code, None) = (codes.next()?, codes.next()) else {
            return None;
        };
        let mut packet = self.bytes.to_vec();
        let received = packet.get(4..HEADER)?.to_vec();
        packet.get_mut(4..HEADER)?.copy_from_slice(&request);
        let expected = Md5::new().chain_update(&packet).chain_update(secret).finalize();
        packet.get_mut(code.at + 2..code.at + 2 + code.value.len())?.fill(0);
        let by_code = hmac_md5(secret, &packet).ok()?.verify_slice(code.value).is_ok();
        let by_hash = bool::from(subtle::ConstantTimeEq::ct_eq(&expected[..], &received[..]));
        Some(by_code && by_hash)
    }
}

/// The kind and the value of an attribute of Microsoft's.
fn microsofts(value: &[u8]) -> Option<(u8, &[u8])> {
    let (vendor, rest) = value.split_first_chunk()?;
    let (&[kind, length], value) = rest.split_first_chunk()?;
    (*vendor == MICROSOFT && usize::from(length) == rest.len()).then_some((kind, value))
}

/// Decrypts a key by [RFC 2548 section 2.4.2](https://www.rfc-editor.org/rfc/rfc2548#section-2.4.2):
/// each block of 16 bytes is hidden by the MD5 of the secret and the block before it.
fn decrypt(value: &[u8], secret: &[u8], request: [u8; 16]) -> Option<Zeroizing<Vec<u8>>> {
    let (salt, hidden) = value.split_first_chunk::<2>()?;
    let (blocks, []) = hidden.as_chunks::<16>() else {
        return None;
    };
    let mut mask = Md5::new().chain_update(secret).chain_update(request).chain_update(salt);
    let mut plain = Zeroizing::new(Vec::with_capacity(hidden.len()));
    for block in blocks {
        let bytes = block.iter().zip(mask.finalize()).map(|(hidden, mask)| hidden ^ mask);
        plain.extend(bytes);
        mask = Md5::new().chain_update(secret).chain_update(block);
    }
    let (&length, key) = plain.split_first()?;
    key.get(..usize::from(length)).map(|key| Zeroizing::new(key.to_vec()))
}
