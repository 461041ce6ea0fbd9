//! CertificateRequest taken apart and put together, and a client made by hand, which says what this
//! crate's never would.

use crate::common::pair::End;
use crate::common::pki::{Algorithm, Key};
use crate::common::wire::{
    ALERT, CERTIFICATE, CERTIFICATE_REQUEST, CERTIFICATE_VERIFY, CHANGE_CIPHER_SPEC, CLIENT_HELLO,
    CLIENT_KEY_EXCHANGE, Hello, certificate_body, handshake, hello_with, message, messages, record,
    said, split_vector, vector,
};
use crate::{DEFAULT_ALGORITHMS, body_of};
use premaster::pki_types::CertificateDer;
use premaster::{AlertDescription, Connection, Error, ServerConfigBuilder};
use std::sync::Arc;

pub const SIGNATURE_ALGORITHMS: u16 = 13;

/// A CertificateRequest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    pub types: Vec<u8>,
    pub algorithms: Vec<u16>,
    /// Distinguished names in DER.
    pub authorities: Vec<Vec<u8>>,
}

impl Request {
    /// Reads the body of the message.
    pub fn read(body: &[u8]) -> Self {
        let (types, rest) = split_vector(1, body);
        let (algorithms, rest) = split_vector(2, rest);
        let (mut names, rest) = split_vector(2, rest);
        assert!(rest.is_empty());
        let mut authorities = Vec::new();
        while !names.is_empty() {
            let (name, after) = split_vector(2, names);
            authorities.push(name.to_vec());
            names = after;
        }
        Self {
            types: types.to_vec(),
            algorithms: numbers(algorithms),
            authorities,
        }
    }

    pub fn body(&self) -> Vec<u8> {
        let names = self.authorities.iter().flat_map(|name| vector(2, name));
        [
            vector(1, &self.types),
            vector(2, &bytes(&self.algorithms)),
            vector(2, &names.collect::<Vec<_>>()),
        ]
        .concat()
    }
}

fn numbers(bytes: &[u8]) -> Vec<u16> {
    let pairs = bytes.chunks_exact(2);
    pairs
        .map(|pair| u16::from_be_bytes([pair[0], pair[1]]))
        .collect()
}

fn bytes(numbers: &[u16]) -> Vec<u8> {
    numbers.iter().flat_map(|n| n.to_be_bytes()).collect()
}

/// The hello of a client that knows all algorithms.
pub fn hello() -> Hello {
    let algorithms = bytes(&DEFAULT_ALGORITHMS);
    hello_with(&[(SIGNATURE_ALGORITHMS, &vector(2, &algorithms))])
}

/// The hello of a client that does not say which algorithms it knows.
pub fn hello_without_algorithms() -> Hello {
    hello_with(&[])
}

/// A server in a full handshake with a client made by hand.
pub struct Visited {
    pub server: End,
    /// What the server said first, in records.
    pub flight: Vec<Vec<u8>>,
    /// The messages of both sides so far.
    transcript: Vec<u8>,
}

impl Visited {
    /// The server's first flight is sent.
    pub fn new(server: ServerConfigBuilder, hello: &Hello) -> Self {
        let config = Arc::new(server.build().unwrap());
        let mut server = End::new(Connection::server(config).unwrap(), Vec::new());
        server.take(&hello.client()).unwrap();
        let flight = said(&mut server);
        let hello = message(CLIENT_HELLO, &hello.client_body());
        let transcript = [hello, messages(&flight)].concat();
        Self {
            server,
            flight,
            transcript,
        }
    }

    /// What the server asks for, if it asks.
    pub fn request(&self) -> Option<Request> {
        let body = body_of(&self.flight, CERTIFICATE_REQUEST)?;
        Some(Request::read(&body))
    }

    pub fn send(&mut self, typ: u8, body: &[u8]) -> Result<(), Error> {
        self.transcript.extend(message(typ, body));
        self.server.take(&handshake(typ, body))
    }

    pub fn send_certificates(&mut self, chain: &[CertificateDer<'_>]) -> Result<(), Error> {
        let chain: Vec<&[u8]> = chain.iter().map(AsRef::as_ref).collect();
        self.send(CERTIFICATE, &certificate_body(&chain))
    }

    /// What it decrypts to shows at Finished alone.
    pub fn send_key_exchange(&mut self) -> Result<(), Error> {
        self.send(CLIENT_KEY_EXCHANGE, &vector(2, &[1; 256]))
    }

    /// Signs what was said so far.
    pub fn sign(&self, key: &Key, algorithm: Algorithm) -> Vec<u8> {
        key.sign(algorithm, &self.transcript)
    }

    pub fn send_proof(&mut self, scheme: u16, signature: &[u8]) -> Result<(), Error> {
        let body = [scheme.to_be_bytes().to_vec(), vector(2, signature)].concat();
        self.send(CERTIFICATE_VERIFY, &body)
    }

    pub fn send_change_cipher_spec(&mut self) -> Result<(), Error> {
        self.server.take(&record(CHANGE_CIPHER_SPEC, &[1]))
    }

    /// The server refused what it was sent, says so by this alert and by nothing else, and takes in
    /// nothing more.
    #[track_caller]
    pub fn assert_refused(&mut self, result: Result<(), Error>, alert: AlertDescription) -> Error {
        let error = result.unwrap_err();
        let told = std::mem::take(&mut self.server.outgoing);
        assert_eq!(told, record(ALERT, &[2, alert.0]), "{error:?}");
        assert_eq!(self.send_change_cipher_spec(), Err(error.clone()));
        assert!(self.server.outgoing.is_empty());
        assert!(self.server.connection.session().is_none());
        error
    }
}
