//! RSA key transport against the attacks on it: whatever is wrong with an encrypted pre-master
//! secret, the server does the same and says the same.

use premaster::error::PeerError;
use premaster::private_key::{DecryptBatch, DecryptPreMasterSecret};
use premaster::{Answer, Error, KeyId, PrivateKey, RsaKey, ServerConfigBuilder};
use premaster_testing::forger::{Forger, Sender};
use premaster_testing::pair::{End, Pair};
use premaster_testing::wire::{
    CHANGE_CIPHER_SPEC, CLIENT_KEY_EXCHANGE, Hello, handshake, hello, hello_with, record, records,
    vector,
};
use premaster_testing::{certified, client_builder, pair, pki, rng, server_builder_with};
use rand_chacha::ChaCha12Rng;
use rsa::traits::PublicKeyParts;
use rsa::{BoxedUint, PublicKey as RsaPublicKey};
use sha2::{Digest, Sha256};
use std::sync::Arc;
use x509_cert::der::Encode;

/// A client written by hand: it knows what it encrypted.
struct Client {
    key: RsaPublicKey,
    hello: Hello,
    bits: usize,
    /// Whether it offers the extended master secret, which the server then uses.
    extended: bool,
}

/// How a handshake ended: the server's error, if any, and every byte that it sent.
#[derive(Debug, PartialEq, Eq)]
struct Outcome {
    result: Result<(), Error>,
    sent: Vec<u8>,
}

impl Client {
    fn new(bits: usize) -> Self {
        let key = pki::key(&format!("rsa-{bits}")).to_public_key();
        Self {
            key,
            hello: hello(),
            bits,
            extended: false,
        }
    }

    /// A client with the extended master secret.
    fn extended(bits: usize) -> Self {
        Self {
            hello: hello_with(&[(23, &[])]),
            extended: true,
            ..Self::new(bits)
        }
    }

    fn modulus_length(&self) -> usize {
        self.key.size()
    }

    /// An encoded message as long as the modulus.
    fn encoded_message(&self, pre_master_secret: &[u8]) -> Vec<u8> {
        encoded_message(self.modulus_length(), pre_master_secret)
    }

    /// `em^e mod n`, as long as the modulus.
    fn encrypt(&self, em: &[u8]) -> Vec<u8> {
        let em = BoxedUint::from_be_slice(em, self.key.n_bits_precision()).unwrap();
        let ciphertext = rsa::hazmat::rsa_encrypt(&self.key, &em).unwrap();
        let bytes = ciphertext.to_be_bytes();
        bytes[bytes.len() - self.modulus_length()..].to_vec()
    }

    /// Runs a handshake with this ciphertext and keys from this pre-master secret.
    fn handshake(&self, ciphertext: &[u8], pre_master_secret: &[u8]) -> Outcome {
        let server = server_builder_with(certified(self.bits));
        let mut attempt = self.attempt(server, ciphertext, pre_master_secret);
        attempt.send_key_exchange();
        attempt.finish()
    }

    /// The outcome of a handshake whose decryption is outside the connection.
    fn handshake_decrypted_by(
        &self,
        decrypt: &dyn Fn(DecryptPreMasterSecret) -> Answer,
        ciphertext: &[u8],
        pre_master_secret: &[u8],
    ) -> Outcome {
        let mut attempt = self.paused(ciphertext, pre_master_secret);
        let answer = decrypt(attempt.server.job());
        attempt.resume(answer);
        attempt.finish()
    }

    /// The same up to the pause.
    fn paused(&self, ciphertext: &[u8], pre_master_secret: &[u8]) -> Attempt {
        let server = server_builder_with(certified(self.bits)).offload_decryption();
        let mut attempt = self.attempt(server, ciphertext, pre_master_secret);
        attempt.send_key_exchange();
        attempt
    }

    /// Exchanges hellos, and prepares the rest.
    fn attempt(
        &self,
        server: ServerConfigBuilder,
        ciphertext: &[u8],
        pre_master_secret: &[u8],
    ) -> Attempt {
        let Pair { mut server, .. } = pair(client_builder(), server);
        let hello = self.hello.client();
        server.take(&hello).unwrap();
        let flight = std::mem::take(&mut server.outgoing);
        let key_exchange = handshake(CLIENT_KEY_EXCHANGE, &vector(2, ciphertext));

        let messages = [&hello, &flight, &key_exchange]
            .iter()
            .flat_map(|stream| records(stream))
            .flat_map(|record| record[5..].to_vec())
            .collect::<Vec<u8>>();
        let forger = if self.extended {
            Forger::from_extended_master_secret(pre_master_secret, &messages, &hello, &flight)
        } else {
            Forger::from_pre_master_secret(pre_master_secret, &hello, &flight)
        };
        Attempt {
            server,
            key_exchange,
            finished: forger.sealed_finished(Sender::Client, &messages),
        }
    }

    /// Ciphertexts that are flawed, or encrypt what is.
    fn flaws(&self) -> Vec<(&'static str, Vec<u8>)> {
        let secret = pre_master_secret();
        let good = self.encoded_message(&secret);
        let k = good.len();
        let with = |at: usize, value: u8| {
            let mut em = good.clone();
            em[at] = value;
            self.encrypt(&em)
        };
        let of = |secret: &[u8]| self.encrypt(&self.encoded_message(secret));
        let mut flaws = vec![
            ("the first byte is not 0", with(0, 1)),
            ("block type 1", with(1, 1)),
            ("block type 0", with(1, 0)),
            ("a zero at the start of PS", with(2, 0)),
            ("a zero in the eighth byte of PS", with(9, 0)),
            ("a zero in the middle of PS", with(k / 2, 0)),
            ("a zero at the end of PS", with(k - 50, 0)),
            ("no separator", with(k - 49, 1)),
            ("the major version is wrong", with(k - 48, 2)),
            ("the minor version is wrong", with(k - 47, 2)),
            ("47 bytes", of(&secret[1..])),
            ("49 bytes", of(&[&[3][..], &secret].concat())),
            ("no bytes", of(&[])),
            ("all zeros", self.encrypt(&vec![0; k])),
            ("the ciphertext is 0", vec![0; k]),
            ("the ciphertext is 1", [vec![0; k - 1], vec![1]].concat()),
        ];
        flaws.extend(self.inadmissible());
        flaws
    }

    /// Ciphertexts that are none: of another length than the modulus, or not below it.
    fn inadmissible(&self) -> Vec<(&'static str, Vec<u8>)> {
        let good = self.encrypt(&self.encoded_message(&pre_master_secret()));
        let k = good.len();
        let modulus = self.key.n_bytes().to_vec();
        let mut above_modulus = modulus.clone();
        *above_modulus.last_mut().unwrap() += 1;
        let leading_zero = self.good_ciphertext_where(|ciphertext| ciphertext[0] == 0);
        let small = self.good_ciphertext_where(|ciphertext| ciphertext[0] < !modulus[0]);
        let sum = |left: &[u8], right: &[u8]| {
            let number = |bytes| BoxedUint::from_be_slice(bytes, self.key.n_bits_precision());
            let sum = number(left).unwrap().wrapping_add(number(right).unwrap());
            let bytes = sum.to_be_bytes();
            bytes[bytes.len() - k..].to_vec()
        };
        vec![
            ("the ciphertext is the modulus", modulus.clone()),
            ("the ciphertext is above the modulus", above_modulus),
            ("the modulus is added to it", sum(&small, &modulus)),
            ("the ciphertext is all ones", vec![0xff; k]),
            ("the ciphertext is short", good[1..].to_vec()),
            ("its leading zero is missing", leading_zero[1..].to_vec()),
            ("the ciphertext is long", [&[0][..], &good].concat()),
            ("it is twice as long", [vec![0; k], good].concat()),
            ("the ciphertext is empty", vec![]),
        ]
    }

    /// One of a good message, which is like this.
    fn good_ciphertext_where(&self, fits: impl Fn(&[u8]) -> bool) -> Vec<u8> {
        let good = self.encoded_message(&pre_master_secret());
        let paddings = (1..=0xff).flat_map(|high| (1..=0xff).map(move |low| [high, low]));
        paddings
            .map(|padding| {
                let mut em = good.clone();
                em[2..4].copy_from_slice(&padding);
                self.encrypt(&em)
            })
            .find(|ciphertext| fits(ciphertext))
            .unwrap()
    }

    fn private_key(&self) -> Arc<dyn PrivateKey> {
        certified(self.bits).key().unwrap().clone()
    }
}

/// A handshake whose server has the ClientHello, and what the client says next.
struct Attempt {
    server: End,
    key_exchange: Vec<u8>,
    finished: Vec<u8>,
}

impl Attempt {
    #[track_caller]
    fn send_key_exchange(&mut self) {
        self.server.take(&self.key_exchange).unwrap();
        assert!(self.server.outgoing.is_empty());
    }

    #[track_caller]
    fn resume(&mut self, answer: Answer) {
        assert_eq!(self.server.resume(answer), Ok(()));
        assert!(self.server.outgoing.is_empty());
    }

    /// One call a record: nothing may show before Finished.
    #[track_caller]
    fn finish(mut self) -> Outcome {
        let changed = self.server.take(&record(CHANGE_CIPHER_SPEC, &[1]));
        assert_eq!((changed, self.server.outgoing.len()), (Ok(()), 0));
        Outcome {
            result: self.server.take(&self.finished),
            sent: self.server.outgoing,
        }
    }
}

/// `00 02 PS 00 pre_master_secret`, so many bytes.
fn encoded_message(length: usize, pre_master_secret: &[u8]) -> Vec<u8> {
    let mut em = vec![0xa5; length - pre_master_secret.len()];
    em[0] = 0;
    em[1] = 2;
    *em.last_mut().unwrap() = 0;
    em.extend(pre_master_secret);
    em
}

/// `{ 3, 3, random[46] }`.
fn pre_master_secret() -> Vec<u8> {
    let mut secret = vec![3, 3];
    secret.extend((0..46).map(|i| i ^ 0x5a));
    secret
}

#[test]
fn a_good_pre_master_secret_completes_the_handshake() {
    for bits in [2048, 2056, 3072, 4096] {
        for client in [Client::new(bits), Client::extended(bits)] {
            let secret = pre_master_secret();
            let ciphertext = client.encrypt(&client.encoded_message(&secret));
            let outcome = client.handshake(&ciphertext, &secret);
            assert_eq!(outcome.result, Ok(()), "{bits}, {}", client.extended);
            // ChangeCipherSpec and Finished.
            assert_eq!(records(&outcome.sent).len(), 2);
        }
    }
}

#[test]
fn the_version_is_the_offered_one_and_not_the_agreed_one() {
    for mut client in [Client::new(2048), Client::extended(2048)] {
        client.hello.version = 0x0304;
        for (version, good) in [([3, 4], true), ([3, 3], false)] {
            let mut secret = pre_master_secret();
            secret[..2].copy_from_slice(&version);
            let ciphertext = client.encrypt(&client.encoded_message(&secret));
            assert_eq!(client.handshake(&ciphertext, &secret).result.is_ok(), good);
        }
    }
}

/// The clients that the flaws are tried with.
fn clients() -> [Client; 3] {
    [Client::new(2048), Client::new(2056), Client::extended(2048)]
}

/// `c^d mod n` by the `rsa` crate with a key of tests/data, as long as its modulus.
fn raw_result(key: &str, ciphertext: &[u8]) -> Vec<u8> {
    let key = pki::key(key);
    let number = BoxedUint::from_be_slice_vartime(ciphertext).rem(key.n());
    let none = None::<&mut ChaCha12Rng>;
    let result = rsa::hazmat::rsa_decrypt(none, &key, &number).unwrap();
    let bytes = result.to_be_bytes();
    bytes[bytes.len() - key.size()..].to_vec()
}

/// What comes of every flaw.
fn failure() -> Outcome {
    Outcome {
        result: Err(PeerError::BadRecord.into()),
        sent: record(21, &[2, 20]),
    }
}

/// Inline, at the pause with this crate's key, and with somebody who returns the bare result.
#[test]
fn every_flaw_looks_the_same() {
    let secret = pre_master_secret();
    for client in clients() {
        let key = client.private_key();
        let by_key = |job: DecryptPreMasterSecret| job.decrypt_with_rng(&key, rng(5));
        let by_hand = |job: DecryptPreMasterSecret| {
            let raw = raw_result(&format!("rsa-{}", client.bits), job.ciphertext());
            job.answer(Some(raw))
        };
        let everywhere = |ciphertext: &[u8]| {
            [
                client.handshake(ciphertext, &secret),
                client.handshake_decrypted_by(&by_key, ciphertext, &secret),
                client.handshake_decrypted_by(&by_hand, ciphertext, &secret),
            ]
        };
        for (flaw, ciphertext) in client.flaws() {
            for outcome in everywhere(&ciphertext) {
                assert_eq!(outcome, failure(), "{flaw}, {}", client.extended);
            }
        }
        // The control: without a flaw the same client is let in.
        let good = client.encrypt(&client.encoded_message(&secret));
        for outcome in everywhere(&good) {
            assert_eq!(outcome.result, Ok(()));
        }
    }
}

#[test]
fn flaws_look_the_same_among_others_and_do_not_harm_them() {
    let secret = pre_master_secret();
    for client in clients() {
        let good = client.encrypt(&client.encoded_message(&secret));
        let mut batch = DecryptBatch::new();
        let flawed = client.flaws().into_iter().map(|(flaw, flawed)| (Some(flaw), flawed));
        let attempts = flawed.flat_map(|one| [one, (None, good.clone())]);
        for (flaw, ciphertext) in attempts {
            let attempt = client.paused(&ciphertext, &secret);
            batch.push(attempt.server.job(), (flaw, attempt));
        }
        let (count, key) = (batch.len(), client.private_key());
        let answers = batch.decrypt_with_rng(|_| Some(&key), rng(5));
        assert_eq!(answers.len(), count);
        for ((flaw, mut attempt), answer) in answers {
            attempt.resume(answer);
            let outcome = attempt.finish();
            match flaw {
                Some(flaw) => assert_eq!(outcome, failure(), "{flaw}"),
                None => assert_eq!(outcome.result, Ok(())),
            }
        }
    }
}

/// What the handshake goes on with after a flaw is nothing that somebody could know.
#[test]
fn the_fallback_is_no_constant_and_nothing_of_what_was_decrypted() {
    for client in [Client::new(2048), Client::extended(2048)] {
        let secret = pre_master_secret();
        let mut wrong_version = secret.clone();
        wrong_version[1] = 2;
        let ciphertext = client.encrypt(&client.encoded_message(&wrong_version));
        let versioned = |version: [u8; 2]| [&version[..], &secret[2..]].concat();
        for known in [
            versioned([3, 2]),
            versioned([3, 3]),
            versioned([0, 0]),
            vec![0; 48],
            [&[3, 3][..], &[0; 46]].concat(),
            vec![0xff; 48],
        ] {
            assert_eq!(client.handshake(&ciphertext, &known), failure());
        }
    }
}

/// A key always receives a number below its modulus, so that it has no reason to refuse.
#[test]
fn what_is_to_be_decrypted_is_a_number_below_the_modulus_whatever_was_sent() {
    let secret = pre_master_secret();
    for client in clients() {
        let info = pki::public_key(&client.key).to_der().unwrap();
        let key_id = KeyId::from_bytes(Sha256::digest(info).into());
        let modulus = client.key.n_bytes();
        let inadmissible = client.inadmissible();
        for (flaw, sent) in client.flaws() {
            let job = client.paused(&sent, &secret).server.job();
            assert_eq!(job.key_id(), key_id);
            assert_eq!(job.ciphertext().len(), modulus.len(), "{flaw}");
            assert!(job.ciphertext() < &modulus[..], "{flaw}");
            let admitted = !inadmissible.iter().any(|(other, _)| *other == flaw);
            assert_eq!(job.ciphertext() == sent, admitted, "{flaw}");
        }
        let good_message = client.encoded_message(&secret);
        let by_magic = |job: DecryptPreMasterSecret| job.answer(Some(good_message.clone()));
        for (flaw, sent) in inadmissible {
            let outcome = client.handshake_decrypted_by(&by_magic, &sent, &secret);
            assert_eq!(outcome, failure(), "{flaw}");
        }
        let good = client.encrypt(&good_message);
        let outcome = client.handshake_decrypted_by(&by_magic, &good, &secret);
        assert_eq!(outcome.result, Ok(()));
    }
}

/// Of the same length and of another.
#[test]
fn the_result_of_another_key_is_one_more_flaw() {
    let secret = pre_master_secret();
    for client in [Client::new(2048), Client::extended(2048)] {
        let good = client.encrypt(&client.encoded_message(&secret));
        for name in ["rsa-2048-ca", "rsa-3072"] {
            let key = RsaKey::from_der(&pki::private_key(&pki::key(name))).unwrap();
            let by_key = |job: DecryptPreMasterSecret| job.decrypt_with_rng(&key, rng(5));
            let by_hand = |job: DecryptPreMasterSecret| {
                let raw = raw_result(name, job.ciphertext());
                job.answer(Some(raw))
            };
            for outcome in [
                client.handshake_decrypted_by(&by_key, &good, &secret),
                client.handshake_decrypted_by(&by_hand, &good, &secret),
            ] {
                assert_eq!(outcome, failure(), "{name}");
            }
        }
    }
}

/// Its form may be good all the same, or somebody has taken the padding off.
#[test]
fn a_result_of_another_length_is_one_more_flaw() {
    let secret = pre_master_secret();
    for client in [Client::new(2048), Client::extended(2048)] {
        let k = client.modulus_length();
        let whole = client.encoded_message(&secret);
        let good = client.encrypt(&whole);
        let answered = |raw: Option<Vec<u8>>| {
            let by_hand = |job: DecryptPreMasterSecret| job.answer(raw.clone());
            client.handshake_decrypted_by(&by_hand, &good, &secret)
        };
        for length in [59, k - 1, k + 1, 2 * k] {
            let other = encoded_message(length, &secret);
            assert_eq!(answered(Some(other)), failure(), "{length}");
        }
        let longer = [&[0][..], &whole].concat();
        for other in [secret.clone(), whole[1..].to_vec(), longer, vec![]] {
            assert_eq!(answered(Some(other)), failure());
        }
        assert_eq!(answered(None), failure());
        assert_eq!(answered(Some(whole)).result, Ok(()));
    }
}
