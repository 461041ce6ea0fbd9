//! A key of one's own in a configuration: what it is asked, and what comes of what it answers.

use premaster::error::{KeyError, LocalError, PeerError};
use premaster::private_key::KeyRng;
use premaster::protocol::{AlertDescription, SignatureScheme};
use premaster::rand_core::Rng;
use premaster::{
    CertifiedKey, ClientAuth, ClientConfigBuilder, Error, KeyId, PrivateKey, RsaKey,
    ServerConfigBuilder,
};
use premaster_testing::forger::Stopped;
use premaster_testing::pair::End;
use premaster_testing::wire::{
    ALERT, CERTIFICATE, CERTIFICATE_VERIFY, CLIENT_KEY_EXCHANGE, message_type, messages, record,
    said, split_vector,
};
use premaster_testing::{
    certified, client_builder, client_certified, pair, pki, rng, roots, server_builder,
    server_builder_with,
};
use std::sync::{Arc, Mutex};

/// What a key was asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Call {
    Decrypt(Vec<u8>),
    Sign(SignatureScheme, Vec<u8>),
}

/// What a key does with what it computes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mood {
    Good,
    /// It computes everything, and then returns an error.
    Fails,
    /// It returns no error.
    Garbage,
    /// It leaves every second number uncomputed.
    LeavesOut,
    Panics,
}

/// A key that is not this crate's, and remembers what it was asked.
pub struct OwnKey {
    key: RsaKey,
    mood: Mood,
    calls: Mutex<Vec<Call>>,
    drawn: Mutex<Vec<[u8; 16]>>,
}

impl OwnKey {
    /// With a key of tests/data.
    pub fn new(name: &str, mood: Mood) -> Arc<Self> {
        Arc::new(Self {
            key: RsaKey::from_der(&pki::private_key(&pki::key(name))).unwrap(),
            mood,
            calls: Mutex::default(),
            drawn: Mutex::default(),
        })
    }

    /// What it was asked since the last time.
    pub fn calls(&self) -> Vec<Call> {
        std::mem::take(&mut self.calls.lock().unwrap())
    }

    /// What it drew at each call since the last time.
    pub fn drawn(&self) -> Vec<[u8; 16]> {
        std::mem::take(&mut self.drawn.lock().unwrap())
    }

    fn remember(&self, call: Call, rng: &mut KeyRng<'_>) {
        let mut drawn = [0; 16];
        rng.try_fill_bytes(&mut drawn).unwrap();
        self.drawn.lock().unwrap().push(drawn);
        self.calls.lock().unwrap().push(call);
    }
}

impl PrivateKey for OwnKey {
    fn key_id(&self) -> KeyId {
        self.key.key_id()
    }

    fn decrypt(
        &self,
        ciphertexts: &[u8],
        integers: &mut [u8],
        rng: &mut KeyRng<'_>,
    ) -> Result<(), KeyError> {
        self.remember(Call::Decrypt(ciphertexts.to_vec()), rng);
        let length = self.key.modulus_length();
        assert_eq!(ciphertexts.len() % length, 0);
        assert_eq!(integers, vec![0; ciphertexts.len()]);
        match self.mood {
            Mood::Garbage => {
                integers.fill(0x5a);
                return Ok(());
            }
            Mood::Panics => panic!("as it was told"),
            Mood::Good | Mood::Fails | Mood::LeavesOut => {}
        }
        self.key.decrypt(ciphertexts, integers, rng)?;
        match self.mood {
            Mood::Fails => return Err(KeyError),
            Mood::LeavesOut => {
                integers.chunks_mut(length).skip(1).step_by(2).for_each(|integer| integer.fill(0))
            }
            Mood::Good | Mood::Garbage | Mood::Panics => {}
        }
        Ok(())
    }

    fn sign(
        &self,
        scheme: SignatureScheme,
        message: &[u8],
        rng: &mut KeyRng<'_>,
    ) -> Result<Vec<u8>, KeyError> {
        self.remember(Call::Sign(scheme, message.to_vec()), rng);
        match self.mood {
            Mood::Fails => Err(KeyError),
            Mood::Garbage => Ok(vec![0x5a; self.key.modulus_length()]),
            Mood::Panics => panic!("as it was told"),
            Mood::Good | Mood::LeavesOut => self.key.sign(scheme, message, rng),
        }
    }
}

/// A server that shows the certificate of `rsa-2048` and has this key.
fn server_with(key: Arc<dyn PrivateKey>) -> ServerConfigBuilder {
    let chain = certified(2048).chain().to_vec();
    server_builder_with(Arc::new(CertifiedKey::with_key(chain, key).unwrap()))
}

/// A client that shows its certificate and has this key.
fn client_with(key: Arc<dyn PrivateKey>) -> ClientConfigBuilder {
    let chain = client_certified().chain().to_vec();
    client_builder().certificate(Arc::new(CertifiedKey::with_key(chain, key).unwrap()))
}

fn asking_server() -> ServerConfigBuilder {
    server_builder().client_auth(ClientAuth::Require(roots().into()))
}

/// The encrypted pre-master secret in a record with the ClientKeyExchange.
#[track_caller]
pub fn ciphertext(key_exchange: &[u8]) -> Vec<u8> {
    assert_eq!(message_type(key_exchange), CLIENT_KEY_EXCHANGE);
    split_vector(2, &key_exchange[9..]).0.to_vec()
}

#[test]
fn a_server_has_its_key_decrypt_what_the_client_sent_once() {
    let key = OwnKey::new("rsa-2048", Mood::Good);
    let stopped = Stopped::before_client_flight(client_builder(), server_with(key.clone()));
    assert_eq!(key.calls(), []);
    let sent = ciphertext(&stopped.client_flight[0]);
    stopped.establish();
    assert_eq!(key.calls(), [Call::Decrypt(sent)]);
}

#[test]
fn a_client_has_its_key_sign_the_handshake_once() {
    let key = OwnKey::new("rsa-2048-client", Mood::Good);
    let mut pair = pair(client_with(key.clone()), asking_server());
    let hello = said(&mut pair.client);
    pair.server.take(&hello.concat()).unwrap();
    let flight = said(&mut pair.server);
    pair.client.take(&flight.concat()).unwrap();
    let answer = said(&mut pair.client);
    let types = [CERTIFICATE, CLIENT_KEY_EXCHANGE, CERTIFICATE_VERIFY];
    for (record, typ) in answer.iter().zip(types) {
        assert_eq!(message_type(record), typ);
    }
    let signed = messages(&[&hello[..], &flight, &answer[..2]].concat());
    let scheme = SignatureScheme::RSA_PSS_RSAE_SHA256;
    assert_eq!(key.calls(), [Call::Sign(scheme, signed)]);
    pair.server.take(&answer.concat()).unwrap();
    let session = pair.established().server.connection.session().cloned();
    assert_eq!(
        session.unwrap().peer_certificates(),
        client_certified().chain()
    );
}

/// The randomness of the tests' configurations is known.
#[test]
fn a_key_draws_from_the_configurations_randomness() {
    let server_key = OwnKey::new("rsa-2048", Mood::Good);
    let client_key = OwnKey::new("rsa-2048-client", Mood::Good);
    let server = server_with(server_key.clone()).client_auth(ClientAuth::Require(roots().into()));
    pair(client_with(client_key.clone()), server).established();
    for (key, seed) in [(client_key, 1), (server_key, 2)] {
        let mut stream = [0; 1024];
        rng(seed).fill_bytes(&mut stream);
        let [drawn] = key.drawn()[..] else {
            panic!("asked more than once");
        };
        assert!(stream.windows(drawn.len()).any(|window| window == drawn));
    }
}

/// Takes in one record after the other, of which the last one is refused.
#[track_caller]
fn refused_at_last(server: &mut End, records: &[Vec<u8>]) -> Error {
    let (last, before) = records.split_last().unwrap();
    for record in before {
        assert_eq!(server.take(record), Ok(()));
        assert!(server.outgoing.is_empty());
    }
    server.take(last).unwrap_err()
}

/// What the peer sees of a server's key that is of no use is what it sees of a bad ciphertext.
#[test]
fn a_servers_key_that_fails_shows_at_finished_alone() {
    for mood in [Mood::Fails, Mood::Garbage] {
        let key = OwnKey::new("rsa-2048", mood);
        let mut stopped = Stopped::before_client_flight(client_builder(), server_with(key.clone()));
        let error = refused_at_last(&mut stopped.pair.server, &stopped.client_flight);
        assert_eq!(key.calls().len(), 1);
        assert_eq!(error, PeerError::BadRecord.into(), "{mood:?}");
        let alert = AlertDescription::BAD_RECORD_MAC.0;
        assert_eq!(said(&mut stopped.pair.server), [record(ALERT, &[2, alert])]);
    }
}

#[test]
fn a_clients_key_that_fails_ends_the_handshake_before_anything_is_proven() {
    for mood in [Mood::Fails, Mood::Garbage] {
        let key = OwnKey::new("rsa-2048-client", mood);
        let mut pair = pair(client_with(key.clone()), asking_server());
        let hello = said(&mut pair.client).concat();
        pair.server.take(&hello).unwrap();
        let flight = said(&mut pair.server).concat();
        let error = Error::from(LocalError::Signing);
        assert_eq!(pair.client.take(&flight), Err(error), "{mood:?}");
        assert_eq!(key.calls().len(), 1);
        let alert = AlertDescription::INTERNAL_ERROR;
        let told = said(&mut pair.client);
        assert_eq!(told, [record(ALERT, &[2, alert.0])]);
        let received = pair.server.take(&told.concat());
        assert_eq!(premaster_testing::alert_received(received), alert);
    }
}

#[test]
fn a_key_behind_pointers_is_the_same_key() {
    let own = OwnKey::new("rsa-2048", Mood::Good);
    let pointer: Arc<dyn PrivateKey> = Arc::new(own.clone() as Arc<dyn PrivateKey>);
    pair(client_builder(), server_with(pointer)).established();
    assert_eq!(own.calls().len(), 1);
    let own = OwnKey::new("rsa-2048-client", Mood::Good);
    let pointer: Arc<dyn PrivateKey> = Arc::new(own.clone() as Arc<dyn PrivateKey>);
    pair(client_with(pointer), asking_server()).established();
    assert_eq!(own.calls().len(), 1);
}
