//! Each side by hand, which sends what this crate never would, against a connection of this crate.

use crate::certified;
use crate::forger::{Forger, LastKey, Sender};
use crate::pair::End;
use crate::pki::{Algorithm, Key};
use crate::wire::{
    ALERT, CERTIFICATE, CERTIFICATE_REQUEST, CERTIFICATE_VERIFY, CHANGE_CIPHER_SPEC,
    CLIENT_KEY_EXCHANGE, EXTENDED_MASTER_SECRET, HANDSHAKE, HELLO_REQUEST, Hello,
    RENEGOTIATION_INFO, SERVER_HELLO_DONE, body_of, certificate_body, handshake, hello_with,
    message, messages, record, records, said, split_vector, vector,
};
use premaster::pki_types::{CertificateDer, ServerName};
use premaster::protocol::AlertDescription;
use premaster::{CipherSuite, ClientConfigBuilder, Connection, Error, ServerConfigBuilder};
use std::sync::Arc;

/// A server by hand in a handshake with one of our clients.
///
/// It needs no key: it learns the client's secrets from the key log, so that any public key can be
/// in its certificate.
pub struct ServerByHand {
    pub client: End,
    key_log: Arc<LastKey>,
    /// The records with the handshake messages so far.
    transcript: Vec<Vec<u8>>,
}

impl ServerByHand {
    /// A client's hello to the server of this name.
    #[track_caller]
    pub fn meet(client: ClientConfigBuilder, name: &str) -> Self {
        let key_log = Arc::new(LastKey::default());
        let config = Arc::new(client.key_log(key_log.clone()).build().unwrap());
        let name = ServerName::try_from(name).unwrap().to_owned();
        let mut outgoing = Vec::new();
        let client = Connection::client(config, name, &mut outgoing).unwrap();
        let mut client = End::new(client, outgoing);
        let transcript = said(&mut client);
        Self {
            client,
            key_log,
            transcript,
        }
    }

    /// Its record.
    pub fn client_hello(&self) -> &[u8] {
        &self.transcript[0]
    }

    /// Sends records with handshake messages.
    pub fn say(&mut self, flight: &[Vec<u8>]) -> Result<(), Error> {
        self.transcript.extend_from_slice(flight);
        self.client.take(&flight.concat())
    }

    /// Receives the client's flight, which must match everything so far, and answers it.
    #[track_caller]
    pub fn complete(self) -> (End, Forger) {
        let key_log = self.key_log.clone();
        self.complete_with(|records| Forger::new(&key_log, &records[1]))
    }

    /// Does so with keys that come from elsewhere: from the records of both sides up to the
    /// client's last before ChangeCipherSpec.
    #[track_caller]
    pub fn complete_with(self, forger: impl FnOnce(&[Vec<u8>]) -> Forger) -> (End, Forger) {
        let completed = self.finish(forger);
        (completed.client, completed.keys)
    }

    /// Completes the handshake, so that another one can follow.
    #[track_caller]
    pub fn complete_to_renegotiate(self) -> Renegotiation {
        let key_log = self.key_log.clone();
        self.finish(|records| Forger::new(&key_log, &records[1]))
    }

    #[track_caller]
    fn finish(mut self, forger: impl FnOnce(&[Vec<u8>]) -> Forger) -> Renegotiation {
        let mut flight = said(&mut self.client);
        let finished = flight.pop().unwrap();
        let change = flight.pop().unwrap();
        assert_eq!(change, record(CHANGE_CIPHER_SPEC, &[1]));
        self.transcript.extend(flight);
        let forger = forger(&self.transcript);

        let mut transcript = messages(&self.transcript);
        assert_eq!(
            finished,
            forger.finished_sealed_like(&finished, Sender::Client, &transcript)
        );
        let client = forger.verify_data(Sender::Client, &transcript);
        transcript.extend(forger.finished(Sender::Client, &transcript));
        let server = forger.verify_data(Sender::Server, &transcript);
        let answer = forger.sealed_finished(Sender::Server, &transcript);
        self.client.take(&[change, answer].concat()).unwrap();
        assert!(self.client.connection.session().is_some());
        Renegotiation {
            client: self.client,
            keys: forger,
            verify_data: [client, server],
            key_log: self.key_log,
            sent: 1,
            heard: 1,
            client_changed: false,
            transcript: Vec::new(),
            said: Vec::new(),
        }
    }
}

/// A server's hello with this renegotiated_connection, and with the extended master secret.
pub fn server_hello(suite: CipherSuite, renegotiated_connection: &[u8]) -> Hello {
    Hello {
        suites: vec![suite.0],
        ..hello_with(&[
            (RENEGOTIATION_INFO, &vector(1, renegotiated_connection)),
            (EXTENDED_MASTER_SECRET, &[]),
        ])
    }
}

/// A server's first flight with the certificate over the key of 2048 bits.
pub fn flight(hello: &Hello, between: &[Vec<u8>]) -> Vec<Vec<u8>> {
    let chain = certificate_body(&[&certified(2048).chain()[0]]);
    let mut flight = vec![hello.server(), handshake(CERTIFICATE, &chain)];
    flight.extend_from_slice(between);
    flight.push(handshake(SERVER_HELLO_DONE, &[]));
    flight
}

/// RSA certificates, one algorithm, no names.
pub fn request() -> Vec<u8> {
    let body = [vector(1, &[1]), vector(2, &[4, 1]), vector(2, &[])].concat();
    handshake(CERTIFICATE_REQUEST, &body)
}

/// A server by hand on a complete connection, which asks for another handshake.
pub struct Renegotiation {
    pub client: End,
    /// The keys that protect both directions.
    pub keys: Forger,
    /// Of the client and of the server, in the handshake before.
    pub verify_data: [Vec<u8>; 2],
    key_log: Arc<LastKey>,
    /// The records of the server and of the client under these keys.
    sent: u64,
    heard: u64,
    /// Whether the client's ChangeCipherSpec was heard, after which its records are under new keys.
    client_changed: bool,
    /// The messages so far, as records without protection.
    transcript: Vec<Vec<u8>>,
    /// What the server has sent, as it is on the wire.
    pub said: Vec<Vec<u8>>,
}

impl Renegotiation {
    /// Sends one protected record.
    pub fn send(&mut self, typ: u8, content: &[u8]) -> Result<(), Error> {
        let record = self.keys.seal(Sender::Server, self.sent, typ, content);
        self.sent += 1;
        self.said.push(record.clone());
        self.client.take(&record)
    }

    /// What the client says next: types and contents of its records, up to its new keys.
    #[track_caller]
    pub fn hear(&mut self) -> Vec<(u8, Vec<u8>)> {
        let mut heard = Vec::new();
        if self.client_changed {
            return heard;
        }
        let mut records = said(&mut self.client).into_iter();
        for record in records.by_ref() {
            let content = self.keys.open(Sender::Client, self.heard, &record);
            self.heard += 1;
            heard.push((record[0], content));
            if record[0] == CHANGE_CIPHER_SPEC {
                self.client_changed = true;
                break;
            }
        }
        // The one under the new keys is looked at later.
        self.client.outgoing = records.collect::<Vec<_>>().concat();
        heard
    }

    /// Asks for a handshake; returns the record with the client's hello, without protection.
    #[track_caller]
    pub fn ask(&mut self) -> Vec<u8> {
        self.send(HANDSHAKE, &message(HELLO_REQUEST, &[])).unwrap();
        let [(HANDSHAKE, hello)] = &self.hear()[..] else {
            panic!("no hello");
        };
        let hello = record(HANDSHAKE, hello);
        self.transcript = vec![hello.clone()];
        hello
    }

    /// Takes the client's hello, if there is one, and then [says](Self::say) this.
    pub fn say_after_hello(&mut self, flight: &[Vec<u8>]) -> Result<(), Error> {
        if let Some((HANDSHAKE, hello)) = self.hear().into_iter().next() {
            self.transcript = vec![record(HANDSHAKE, &hello)];
        }
        self.say(flight)
    }

    /// [Completes](Self::complete) the handshake if the client has sent its flight, and tells.
    pub fn try_complete(&mut self) -> Result<bool, Error> {
        let changes = |record: &Vec<u8>| record[0] == CHANGE_CIPHER_SPEC;
        let ready = !self.client_changed && records(&self.client.outgoing).iter().any(changes);
        if ready {
            self.answer_flight()?;
        }
        Ok(ready)
    }

    /// Sends handshake messages, given as records without protection.
    pub fn say(&mut self, flight: &[Vec<u8>]) -> Result<(), Error> {
        for record in flight {
            self.transcript.push(record.clone());
            self.send(HANDSHAKE, &record[5..])?;
        }
        Ok(())
    }

    /// Resumes the session that the client offered, with this hello, given as a record without
    /// protection.
    #[track_caller]
    pub fn resume(&mut self, hello: &[u8]) {
        self.say(&[hello.to_vec()]).unwrap();
        let mut transcript = without_hello_requests(&messages(&self.transcript));
        let new = Forger::new(&self.key_log, hello);
        self.send(CHANGE_CIPHER_SPEC, &[1]).unwrap();
        let server = new.verify_data(Sender::Server, &transcript);
        self.client.take(&new.sealed_finished(Sender::Server, &transcript)).unwrap();
        transcript.extend(new.finished(Sender::Server, &transcript));
        assert_eq!(self.hear(), [(CHANGE_CIPHER_SPEC, vec![1])]);
        let [finished] = &said(&mut self.client)[..] else {
            panic!("no Finished");
        };
        let expected = new.finished(Sender::Client, &transcript);
        assert_eq!(new.open(Sender::Client, 0, finished), expected);
        let client = new.verify_data(Sender::Client, &transcript);
        (self.keys, self.verify_data) = (new, [client, server]);
        (self.sent, self.heard, self.client_changed) = (1, 1, false);
    }

    /// Receives the client's flight under the old keys up to its ChangeCipherSpec, and its Finished
    /// under the new ones, and answers them. Returns the flight.
    #[track_caller]
    pub fn complete(&mut self) -> Vec<(u8, Vec<u8>)> {
        self.answer_flight().unwrap()
    }

    fn answer_flight(&mut self) -> Result<Vec<(u8, Vec<u8>)>, Error> {
        let (flight, answer) = self.answer();
        self.client.take(&answer)?;
        Ok(flight)
    }

    /// As [`complete`](Self::complete), but the client has still to take the answer: the flight, and
    /// the answer's bytes.
    #[track_caller]
    pub fn answer(&mut self) -> (Vec<(u8, Vec<u8>)>, Vec<u8>) {
        let flight = self.hear();
        let (change, messages_heard) = flight.split_last().unwrap();
        assert_eq!(change, &(CHANGE_CIPHER_SPEC, vec![1]));
        for (typ, content) in messages_heard {
            self.transcript.push(record(*typ, content));
        }
        let new = Forger::new(&self.key_log, &self.transcript[1]);
        let mut transcript = without_hello_requests(&messages(&self.transcript));
        let [finished] = &said(&mut self.client)[..] else {
            panic!("no Finished");
        };
        let expected = new.finished(Sender::Client, &transcript);
        assert_eq!(new.open(Sender::Client, 0, finished), expected);
        let client = new.verify_data(Sender::Client, &transcript);
        transcript.extend(expected);
        let change = self.keys.seal(Sender::Server, self.sent, CHANGE_CIPHER_SPEC, &[1]);
        let server = new.verify_data(Sender::Server, &transcript);
        let answer = [change, new.sealed_finished(Sender::Server, &transcript)].concat();
        self.said.push(answer.clone());
        (self.keys, self.verify_data) = (new, [client, server]);
        (self.sent, self.heard, self.client_changed) = (1, 1, false);
        (flight, answer)
    }
}

/// A HelloRequest is not part of a handshake.
pub fn without_hello_requests(messages: &[u8]) -> Vec<u8> {
    let mut kept = Vec::new();
    let mut rest = messages;
    while let Some([_, l0, l1, l2]) = rest.first_chunk() {
        let length = 4 + u32::from_be_bytes([0, *l0, *l1, *l2]) as usize;
        let (message, after) = rest.split_at(length.min(rest.len()));
        if message != [HELLO_REQUEST, 0, 0, 0] {
            kept.extend_from_slice(message);
        }
        rest = after;
    }
    kept.extend_from_slice(rest);
    kept
}

/// A client by hand in a full handshake with one of our servers.
pub struct ClientByHand {
    pub server: End,
    /// The server's first flight, in records.
    pub flight: Vec<Vec<u8>>,
    /// The records of both sides so far, the client's hello the first.
    transcript: Vec<Vec<u8>>,
}

impl ClientByHand {
    /// The server's first flight is sent.
    #[track_caller]
    pub fn new(server: ServerConfigBuilder, hello: &Hello) -> Self {
        let config = Arc::new(server.build().unwrap());
        let mut server = End::new(Connection::server(config), Vec::new());
        let hello = hello.client();
        server.take(&hello).unwrap();
        let flight = said(&mut server);
        let transcript = [&[hello], &flight[..]].concat();
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
        self.transcript.push(handshake(typ, body));
        self.server.take(&handshake(typ, body))
    }

    pub fn send_certificates(&mut self, chain: &[CertificateDer<'_>]) -> Result<(), Error> {
        let chain: Vec<&[u8]> = chain.iter().map(AsRef::as_ref).collect();
        self.send(CERTIFICATE, &certificate_body(&chain))
    }

    /// What it decrypts to shows only at Finished.
    pub fn send_any_key_exchange(&mut self) -> Result<(), Error> {
        self.send_key_exchange(&[1; 256])
    }

    pub fn send_key_exchange(&mut self, ciphertext: &[u8]) -> Result<(), Error> {
        self.send(CLIENT_KEY_EXCHANGE, &vector(2, ciphertext))
    }

    /// Signs the handshake so far.
    pub fn sign(&self, key: &Key, algorithm: Algorithm) -> Vec<u8> {
        key.sign(algorithm, &messages(&self.transcript))
    }

    pub fn send_proof(&mut self, scheme: u16, signature: &[u8]) -> Result<(), Error> {
        let body = [scheme.to_be_bytes().to_vec(), vector(2, signature)].concat();
        self.send(CERTIFICATE_VERIFY, &body)
    }

    pub fn send_change_cipher_spec(&mut self) -> Result<(), Error> {
        self.server.take(&record(CHANGE_CIPHER_SPEC, &[1]))
    }

    /// The keys that this pre-master secret makes, without the extended master secret.
    #[track_caller]
    pub fn forger(&self, pre_master_secret: &[u8]) -> Forger {
        Forger::from_pre_master_secret(pre_master_secret, &self.transcript[0], &self.flight[0])
    }

    /// Sends Finished with these keys.
    pub fn send_finished(&mut self, forger: &Forger) -> Result<(), Error> {
        let transcript = messages(&self.transcript);
        let finished = forger.sealed_finished(Sender::Client, &transcript);
        self.server.take(&finished)
    }

    /// Checks that the server refused what it received, sent this alert and nothing else, and
    /// accepts nothing more.
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
    #[track_caller]
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
    pairs.map(|pair| u16::from_be_bytes([pair[0], pair[1]])).collect()
}

fn bytes(numbers: &[u16]) -> Vec<u8> {
    numbers.iter().flat_map(|n| n.to_be_bytes()).collect()
}
