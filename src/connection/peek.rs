//! A look at a ClientHello before there is a connection.

use crate::enums::{CipherSuite, HandshakeType, ProtocolVersion};
use crate::error::{DecodeError, Error, PeerError};
use crate::message::extension::Extensions;
use crate::message::{HANDSHAKE_HEADER, HandshakeBody, HandshakeMessage, hello};
use crate::record::{Fragment, HEADER, MAX_PLAINTEXT, fragments};
use pki_types::DnsName;

/// The most records that a ClientHello is collected from. Whoever looks at each byte that arrives
/// would otherwise do much work for a client that sends them one by one, each in its own record.
const MAX_RECORDS: usize = 1 << 12;

/// The length of the shortest body: version, random, an empty session ID, one suite and one
/// compression method.
const MIN_BODY: usize = 2 + 32 + 1 + (2 + 2) + (1 + 1);

/// The offers in a ClientHello that decide who serves the client.
///
/// [`peek`](Self::peek) reads them without a connection and consumes nothing, so that one port can
/// serve clients with this crate and others with another TLS library.
///
/// ```
/// use premaster::{CipherSuite, ClientHello, Peeked};
/// use std::io::{self, Read};
/// use std::net::TcpStream;
///
/// /// Returns true if the other library can serve the client, which it can with `suites`. Reads as
/// /// much as it takes to decide; pass `received` on to whoever serves the client.
/// fn other_can_serve(
///     suites: &[CipherSuite],
///     transport: &mut TcpStream,
///     received: &mut Vec<u8>,
/// ) -> io::Result<bool> {
///     loop {
///         match ClientHello::peek(received) {
///             Ok(Peeked::NeedData { more }) => {
///                 let length = received.len();
///                 received.resize(length + more, 0);
///                 transport.read_exact(&mut received[length..])?;
///             }
///             Ok(Peeked::Hello(hello)) => {
///                 return Ok(hello.cipher_suites().iter().any(|suite| suites.contains(suite)));
///             }
///             // Not TLS, or broken: a connection of this crate answers with the right alert.
///             Err(_) => return Ok(false),
///         }
///     }
/// }
/// ```
///
/// The example `dual_stack` does it with rustls.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientHello {
    client_version: ProtocolVersion,
    supported_versions: Option<Vec<ProtocolVersion>>,
    cipher_suites: Vec<CipherSuite>,
    server_name: Option<DnsName<'static>>,
    alpn_protocols: Vec<Vec<u8>>,
}

/// The result of [`ClientHello::peek`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Peeked {
    /// The ClientHello is complete.
    Hello(ClientHello),
    /// The bytes are the beginning of a ClientHello.
    NeedData {
        /// How many more bytes are needed at least; never zero. No byte beyond the ClientHello is
        /// counted, so this many can be awaited.
        more: usize,
    },
}

impl ClientHello {
    /// Reads the ClientHello at the front of `received`, the first bytes of a connection, from one or
    /// several records. What follows it is ignored. Nothing is consumed.
    ///
    /// An incomplete ClientHello is not decoded, so call again when
    /// [`more`](Peeked::NeedData::more) bytes have arrived, and not for each byte.
    ///
    /// # Errors
    ///
    /// [`Error::Peer`] if the bytes are not the records of a ClientHello, or it is longer than RFC
    /// 5246 allows, and [`Error::Decode`] if it cannot be parsed or comes in more than 4096 records.
    /// Pass the bytes to a [`Connection`](crate::Connection): it answers with the alert, and its
    /// error says more, for example which protocol the bytes seem to be.
    pub fn peek(received: &[u8]) -> Result<Peeked, Error> {
        let length = match find_end(received)? {
            Progress::Complete { length } => length,
            Progress::Missing { more } => return Ok(Peeked::NeedData { more }),
        };
        let mut bytes = Vec::with_capacity(length);
        for fragment in fragments(received) {
            let Fragment { content, .. } = fragment?;
            bytes.extend(content.iter().take(length - bytes.len()));
            if bytes.len() == length {
                break;
            }
        }
        let message = HandshakeMessage {
            typ: HandshakeType::CLIENT_HELLO,
            bytes: &bytes,
        };
        Self::of(&message.decode()?).map(Peeked::Hello)
    }

    fn of(hello: &hello::ClientHello<'_>) -> Result<Self, Error> {
        let none = Extensions::default();
        let extensions = hello.extensions.as_ref().unwrap_or(&none);
        let decode = |error: DecodeError| error.of(hello::ClientHello::NAME);
        let name = extensions.server_name().map_err(decode)?;
        let name = name.and_then(|name| DnsName::try_from(name).ok());
        let protocols = extensions.alpn().map_err(decode)?.unwrap_or_default();
        Ok(Self {
            client_version: hello.client_version,
            // An extension of TLS 1.3, which a server of TLS 1.2 ignores where it cannot read it.
            supported_versions: extensions.supported_versions().ok().flatten(),
            cipher_suites: hello.cipher_suites.clone(),
            server_name: name.map(|name| name.to_owned()),
            alpn_protocols: protocols.into_iter().map(<[u8]>::to_vec).collect(),
        })
    }

    /// Returns the version field, which is TLS 1.2 also for clients that offer TLS 1.3.
    #[must_use]
    pub fn client_version(&self) -> ProtocolVersion {
        self.client_version
    }

    /// Returns the versions that the client offers: those of supported_versions
    /// ([RFC 8446 section 4.2.1](https://www.rfc-editor.org/rfc/rfc8446#section-4.2.1)), most
    /// preferred first and with reserved values, or [`client_version`](Self::client_version) alone,
    /// which stands for itself and the versions before it.
    #[must_use]
    pub fn versions(&self) -> &[ProtocolVersion] {
        match &self.supported_versions {
            Some(versions) => versions,
            None => core::slice::from_ref(&self.client_version),
        }
    }

    /// Returns the cipher suites, most preferred first, with signalling and reserved values.
    #[must_use]
    pub fn cipher_suites(&self) -> &[CipherSuite] {
        &self.cipher_suites
    }

    /// Returns true if TLS_FALLBACK_SCSV is among the suites: the client's first attempt, with newer
    /// versions or suites, failed
    /// ([RFC 7507](https://www.rfc-editor.org/rfc/rfc7507)). A server that would have accepted that
    /// attempt must refuse this one with the alert inappropriate_fallback: an attacker made the
    /// first one fail.
    #[must_use]
    pub fn is_fallback(&self) -> bool {
        self.cipher_suites.contains(&CipherSuite::TLS_FALLBACK_SCSV)
    }

    /// Returns the server name, or `None` if the client sent none, an IP address, or a name that is
    /// not valid in DNS ([RFC 6066 section 3](https://www.rfc-editor.org/rfc/rfc6066#section-3)).
    #[must_use]
    pub fn server_name(&self) -> Option<&DnsName<'_>> {
        self.server_name.as_ref()
    }

    /// Returns the application protocols (ALPN), most preferred first; empty if the client offers
    /// none.
    #[must_use]
    pub fn alpn_protocols(&self) -> &[Vec<u8>] {
        &self.alpn_protocols
    }
}

/// How much of a ClientHello is there.
enum Progress {
    /// All of it, as a message of this length with its header.
    Complete {
        length: usize,
    },
    Missing {
        more: usize,
    },
}

/// Finds the end of the ClientHello, without a copy of its parts.
fn find_end(received: &[u8]) -> Result<Progress, Error> {
    let mut header = [0; HANDSHAKE_HEADER];
    let mut joined = 0;
    for (fragment, number) in fragments(received).zip(1..) {
        let fragment = fragment?;
        if number > MAX_RECORDS {
            return Err(DecodeError::BadLength.of("client_hello in more than 4096 records"));
        }
        let empty = header.iter_mut().skip(joined);
        empty.zip(fragment.content).for_each(|(to, from)| *to = *from);
        joined += fragment.content.len();
        let end = end(header, joined)?;
        if joined >= end && end > HANDSHAKE_HEADER {
            return Ok(Progress::Complete { length: end });
        }
        if fragment.header_missing + fragment.content_missing > 0 {
            let more = missing(&fragment, end - joined);
            return Ok(Progress::Missing { more });
        }
    }
    Err(DecodeError::Truncated.of(hello::ClientHello::NAME))
}

/// Returns the length of the message of which this many bytes are there, and the header is this as
/// far as it is there; or the length of the header, if it is not.
fn end(header: [u8; HANDSHAKE_HEADER], joined: usize) -> Result<usize, Error> {
    let [typ, high, middle, low] = header;
    let typ = HandshakeType(typ);
    if joined == 0 {
        return Ok(HANDSHAKE_HEADER);
    }
    let most = hello::ClientHello::longest(typ).ok_or(PeerError::UnexpectedMessage {
        received: typ,
        awaited: hello::ClientHello::NAME,
    })?;
    if joined < HANDSHAKE_HEADER {
        return Ok(HANDSHAKE_HEADER);
    }
    let length = usize::from(high) << 16 | usize::from(middle) << 8 | usize::from(low);
    if length > most {
        return Err(PeerError::MessageTooLong {
            message: typ,
            length,
            most,
        }
        .into());
    }
    if length < MIN_BODY {
        return Err(DecodeError::Truncated.of(hello::ClientHello::NAME));
    }
    Ok(HANDSHAKE_HEADER + length)
}

/// Returns how many bytes must follow at least, for `content` more bytes of the message.
fn missing(last: &Fragment<'_>, content: usize) -> usize {
    let beyond = content.saturating_sub(last.content_missing);
    last.header_missing + content + beyond.div_ceil(MAX_PLAINTEXT) * HEADER
}
