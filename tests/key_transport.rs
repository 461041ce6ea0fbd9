//! RSA key transport against the attacks on it: whatever is wrong with an encrypted pre-master
//! secret, the server does the same and says the same.

mod common;

use common::pair::{End, Pair};
use common::wire::{
    CHANGE_CIPHER_SPEC, CLIENT_KEY_EXCHANGE, FINISHED, Forger, HANDSHAKE, Hello, Sender, handshake,
    hello, hello_with, message, record, records, vector,
};
use common::{certified, client_builder, pair, pki, server_builder_with};
use premaster::{Error, PeerError};
use rsa::traits::PublicKeyParts;
use rsa::{BoxedUint, RsaPublicKey};
use sha2::{Digest, Sha256};

const CLIENT_RANDOM: [u8; 32] = [7; 32];

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

    /// The same with the extended master secret.
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

    /// `00 02 PS 00 pre_master_secret`.
    fn encoded_message(&self, pre_master_secret: &[u8]) -> Vec<u8> {
        let mut em = vec![0xa5; self.modulus_length() - pre_master_secret.len()];
        em[0] = 0;
        em[1] = 2;
        *em.last_mut().unwrap() = 0;
        em.extend(pre_master_secret);
        em
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
        let Pair { mut server, .. } =
            pair(client_builder(), server_builder_with(certified(self.bits)));
        let hello = self.hello.client();
        server.take(&hello).unwrap();
        let flight = std::mem::take(&mut server.outgoing);
        let key_exchange = handshake(CLIENT_KEY_EXCHANGE, &vector(2, ciphertext));

        let server_random = &records(&flight)[0][11..43];
        let messages = [&hello, &flight, &key_exchange]
            .iter()
            .flat_map(|stream| records(stream))
            .flat_map(|record| record[5..].to_vec())
            .collect::<Vec<u8>>();
        let forger = match self.extended {
            true => Forger::from_extended_master_secret(
                pre_master_secret,
                &messages,
                &CLIENT_RANDOM,
                server_random,
            ),
            false => {
                Forger::from_pre_master_secret(pre_master_secret, &CLIENT_RANDOM, server_random)
            }
        };
        let verify_data = forger.verify_data(b"client finished", &Sha256::digest(&messages));
        let finished = forger.seal(
            Sender::Client,
            0,
            HANDSHAKE,
            &message(FINISHED, &verify_data),
        );

        let End {
            mut connection,
            mut outgoing,
            ..
        } = server;
        // One call a record: nothing may show before Finished.
        let mut result = Ok(());
        for mut bytes in [key_exchange, record(CHANGE_CIPHER_SPEC, &[1]), finished] {
            assert_eq!((&result, outgoing.len()), (&Ok(()), 0));
            result = connection.receive(&mut bytes, &mut outgoing).map(|_| ());
        }
        Outcome {
            result,
            sent: outgoing,
        }
    }
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

#[test]
fn every_flaw_looks_the_same() {
    for client in [Client::new(2048), Client::new(2056), Client::extended(2048)] {
        let secret = pre_master_secret();
        let good = client.encoded_message(&secret);
        let k = good.len();
        let with = |at: usize, value: u8| {
            let mut em = good.clone();
            em[at] = value;
            client.encrypt(&em)
        };
        let modulus = client.key.n_bytes();
        let mut above_modulus = modulus.to_vec();
        *above_modulus.last_mut().unwrap() += 1;
        let good_ciphertext = client.encrypt(&good);

        let flaws: Vec<(&str, Vec<u8>)> = vec![
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
            (
                "47 bytes",
                client.encrypt(&client.encoded_message(&secret[1..])),
            ),
            (
                "49 bytes",
                client.encrypt(&client.encoded_message(&[&[3][..], &secret].concat())),
            ),
            ("no bytes", client.encrypt(&client.encoded_message(&[]))),
            ("all zeros", client.encrypt(&vec![0; k])),
            ("the ciphertext is 0", vec![0; k]),
            ("the ciphertext is 1", [vec![0; k - 1], vec![1]].concat()),
            ("the ciphertext is the modulus", modulus.to_vec()),
            ("the ciphertext is above the modulus", above_modulus),
            ("the ciphertext is all ones", vec![0xff; k]),
            ("the ciphertext is short", good_ciphertext[1..].to_vec()),
            (
                "the ciphertext is long",
                [&[0][..], &good_ciphertext].concat(),
            ),
            ("the ciphertext is empty", vec![]),
        ];
        let expected = Outcome {
            result: Err(PeerError::BadRecord.into()),
            sent: record(21, &[2, 20]),
        };
        for (flaw, ciphertext) in flaws {
            let outcome = client.handshake(&ciphertext, &secret);
            assert_eq!(outcome, expected, "{flaw}, {}", client.extended);
        }
        // The control: without a flaw the same client is let in.
        assert_eq!(client.handshake(&good_ciphertext, &secret).result, Ok(()));
    }
}
