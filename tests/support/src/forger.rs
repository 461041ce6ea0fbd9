//! A forger holds the keys of one connection, of any suite, and writes protected records that this
//! crate never would.

use crate::pair::Pair;
use crate::pki::Hash;
use crate::wire::{
    ENCRYPT_THEN_MAC, FINISHED, HANDSHAKE, extensions, message, messages, record, records,
    split_vector, unhex,
};
use crate::{AES_128, AES_256, client_builder, server_builder};
use aes_gcm::aead::Nonce;
use aes_gcm::aead::array::typenum::Unsigned;
use aes_gcm::aead::consts::{U8, U12, U16};
use aes_gcm::aes::cipher::{BlockCipherDecrypt, BlockCipherEncrypt};
use aes_gcm::aes::{Aes128, Aes256};
use aes_gcm::{AeadInOut, Aes128Gcm, Aes256Gcm, KeyInit};
use ccm::Ccm;
use hmac::{Hmac, Mac};
use premaster::{CipherSuite, ClientConfigBuilder, KeyLog, ServerConfigBuilder};
use sha1::Sha1;
use sha2::{Sha256, Sha384};
use std::sync::{Arc, Mutex};

/// Remembers the last line of the key log.
#[derive(Default)]
pub struct LastKey(Mutex<String>);

impl LastKey {
    pub fn line(&self) -> String {
        self.0.lock().unwrap().clone()
    }
}

impl KeyLog for LastKey {
    fn log(&self, line: &str) {
        *self.0.lock().unwrap() = line.to_owned();
    }
}

#[derive(Clone, Copy)]
pub enum Sender {
    Client,
    Server,
}

impl Sender {
    /// The label of its Finished.
    fn finished_label(self) -> &'static [u8] {
        match self {
            Self::Client => b"client finished",
            Self::Server => b"server finished",
        }
    }
}

/// What a suite computes with.
#[derive(Clone, Copy)]
struct Suite {
    /// Of the PRF and of Finished.
    hash: Hash,
    cipher: Cipher,
}

impl Suite {
    #[track_caller]
    fn of(suite: CipherSuite, encrypt_then_mac: bool) -> Self {
        let cbc = |key, mac| {
            let cbc = CbcHmac {
                key,
                mac,
                encrypt_then_mac,
            };
            (Hash::Sha256, Cipher::Cbc(cbc))
        };
        let (hash, cipher) = match suite {
            AES_128 => (Hash::Sha256, Cipher::Aes128Gcm),
            AES_256 => (Hash::Sha384, Cipher::Aes256Gcm),
            CipherSuite::TLS_RSA_WITH_AES_128_CCM => (Hash::Sha256, Cipher::Aes128Ccm),
            CipherSuite::TLS_RSA_WITH_AES_256_CCM => (Hash::Sha256, Cipher::Aes256Ccm),
            CipherSuite::TLS_RSA_WITH_AES_128_CCM_8 => (Hash::Sha256, Cipher::Aes128Ccm8),
            CipherSuite::TLS_RSA_WITH_AES_256_CCM_8 => (Hash::Sha256, Cipher::Aes256Ccm8),
            CipherSuite::TLS_RSA_WITH_AES_128_CBC_SHA => cbc(16, 20),
            CipherSuite::TLS_RSA_WITH_AES_256_CBC_SHA => cbc(32, 20),
            CipherSuite::TLS_RSA_WITH_AES_128_CBC_SHA256 => cbc(16, 32),
            CipherSuite::TLS_RSA_WITH_AES_256_CBC_SHA256 => cbc(32, 32),
            other => panic!("the forger has not learned {other}"),
        };
        Self { hash, cipher }
    }

    /// The suite that a record with a ServerHello chooses.
    #[track_caller]
    fn chosen(server_hello: &[u8]) -> Self {
        let [server_hello, ..] = &records(server_hello)[..] else {
            panic!("no record");
        };
        let (_session_id, rest) = split_vector(1, &server_hello[43..]);
        let suite = CipherSuite(u16::from_be_bytes([rest[0], rest[1]]));
        let extensions = extensions(server_hello).unwrap_or_default();
        Self::of(
            suite,
            extensions.iter().any(|(typ, _)| *typ == ENCRYPT_THEN_MAC),
        )
    }
}

#[derive(Clone, Copy)]
enum Cipher {
    Aes128Gcm,
    Aes256Gcm,
    Aes128Ccm,
    Aes256Ccm,
    Aes128Ccm8,
    Aes256Ccm8,
    Cbc(CbcHmac),
}

/// The IV of the forger's records, which this crate would not choose.
const IV: [u8; 16] = [0x5c; 16];

/// `GenericBlockCipher`, made block by block.
#[derive(Clone, Copy)]
struct CbcHmac {
    /// Length of the key.
    key: usize,
    /// Length of the MAC and of its key.
    mac: usize,
    encrypt_then_mac: bool,
}

impl CbcHmac {
    fn mac(self, keys: &Keys, parts: &[&[u8]]) -> Vec<u8> {
        fn mac<M: Mac + KeyInit>(key: &[u8], parts: &[&[u8]]) -> Vec<u8> {
            let mut mac = <M as KeyInit>::new_from_slice(key).unwrap();
            parts.iter().for_each(|part| mac.update(part));
            mac.finalize().into_bytes().to_vec()
        }
        match self.mac {
            20 => mac::<Hmac<Sha1>>(&keys.mac, parts),
            _ => mac::<Hmac<Sha256>>(&keys.mac, parts),
        }
    }

    /// What is encrypted, but for the padding.
    fn unpadded(self, keys: &Keys, sequence: u64, typ: u8, content: &[u8]) -> Vec<u8> {
        let mut text = content.to_vec();
        if !self.encrypt_then_mac {
            let covered = protected_with(sequence, typ, content.len());
            text.extend(self.mac(keys, &[&covered, content]));
        }
        text
    }

    /// The fragment of a padded text.
    fn encrypt(self, keys: &Keys, iv: [u8; 16], sequence: u64, typ: u8, text: &[u8]) -> Vec<u8> {
        let mut fragment = iv.to_vec();
        for block in text.chunks(16) {
            let before = &fragment[fragment.len() - 16..];
            let mut mixed: [u8; 16] = std::array::from_fn(|at| block[at] ^ before[at]);
            match self.key {
                16 => Aes128::new_from_slice(&keys.key).unwrap().encrypt_block((&mut mixed).into()),
                _ => Aes256::new_from_slice(&keys.key).unwrap().encrypt_block((&mut mixed).into()),
            }
            fragment.extend(mixed);
        }
        if self.encrypt_then_mac {
            let covered = protected_with(sequence, typ, fragment.len());
            let tag = self.mac(keys, &[&covered, &fragment]);
            fragment.extend(tag);
        }
        fragment
    }

    /// The content of a record, whose MAC is checked.
    #[track_caller]
    fn open(self, keys: &Keys, sequence: u64, record: &[u8]) -> Vec<u8> {
        let mut fragment = &record[5..];
        if self.encrypt_then_mac {
            let (encrypted, tag) = fragment.split_at(fragment.len() - self.mac);
            let covered = protected_with(sequence, record[0], encrypted.len());
            assert_eq!(self.mac(keys, &[&covered, encrypted]), tag);
            fragment = encrypted;
        }
        let mut text = Vec::new();
        for at in (16..fragment.len()).step_by(16) {
            let mut block: [u8; 16] = fragment[at..at + 16].try_into().unwrap();
            match self.key {
                16 => Aes128::new_from_slice(&keys.key).unwrap().decrypt_block((&mut block).into()),
                _ => Aes256::new_from_slice(&keys.key).unwrap().decrypt_block((&mut block).into()),
            }
            text.extend(
                block.iter().zip(&fragment[at - 16..]).map(|(block, before)| block ^ before),
            );
        }
        text.truncate(text.len() - 1 - usize::from(text[text.len() - 1]));
        if !self.encrypt_then_mac {
            let tag = text.split_off(text.len() - self.mac);
            let covered = protected_with(sequence, record[0], text.len());
            assert_eq!(self.mac(keys, &[&covered, &text]), tag);
        }
        text
    }

    fn seal(self, keys: &Keys, iv: [u8; 16], sequence: u64, typ: u8, content: &[u8]) -> Vec<u8> {
        let mut text = self.unpadded(keys, sequence, typ, content);
        let padding = 15 - text.len() % 16;
        text.extend(vec![padding as u8; padding + 1]);
        self.encrypt(keys, iv, sequence, typ, &text)
    }
}

impl Cipher {
    /// How long the MAC key, the key and the IV of one direction are.
    fn lengths(self) -> [usize; 3] {
        match self {
            Self::Aes128Gcm => [0, 16, 4],
            Self::Aes256Gcm => [0, 32, 4],
            Self::Aes128Ccm | Self::Aes128Ccm8 => [0, 16, 4],
            Self::Aes256Ccm | Self::Aes256Ccm8 => [0, 32, 4],
            Self::Cbc(cbc) => [cbc.mac, cbc.key, 0],
        }
    }

    /// What stands in a protected record.
    fn seal(self, keys: &Keys, sequence: u64, typ: u8, content: &[u8]) -> Vec<u8> {
        match self {
            Self::Aes128Gcm => seal_aead::<Aes128Gcm>(keys, sequence, typ, content),
            Self::Aes256Gcm => seal_aead::<Aes256Gcm>(keys, sequence, typ, content),
            Self::Aes128Ccm => seal_aead::<Ccm<Aes128, U16, U12>>(keys, sequence, typ, content),
            Self::Aes256Ccm => seal_aead::<Ccm<Aes256, U16, U12>>(keys, sequence, typ, content),
            Self::Aes128Ccm8 => seal_aead::<Ccm<Aes128, U8, U12>>(keys, sequence, typ, content),
            Self::Aes256Ccm8 => seal_aead::<Ccm<Aes256, U8, U12>>(keys, sequence, typ, content),
            Self::Cbc(cbc) => cbc.seal(keys, IV, sequence, typ, content),
        }
    }

    /// The content of a protected record.
    #[track_caller]
    fn open(self, keys: &Keys, sequence: u64, record: &[u8]) -> Vec<u8> {
        match self {
            Self::Aes128Gcm => open_aead::<Aes128Gcm>(keys, sequence, record),
            Self::Aes256Gcm => open_aead::<Aes256Gcm>(keys, sequence, record),
            Self::Aes128Ccm => open_aead::<Ccm<Aes128, U16, U12>>(keys, sequence, record),
            Self::Aes256Ccm => open_aead::<Ccm<Aes256, U16, U12>>(keys, sequence, record),
            Self::Aes128Ccm8 => open_aead::<Ccm<Aes128, U8, U12>>(keys, sequence, record),
            Self::Aes256Ccm8 => open_aead::<Ccm<Aes256, U8, U12>>(keys, sequence, record),
            Self::Cbc(cbc) => cbc.open(keys, sequence, record),
        }
    }
}

/// `GenericAEADCipher`, with an explicit nonce that this crate would not choose.
fn seal_aead<C: KeyInit + AeadInOut>(
    keys: &Keys,
    sequence: u64,
    typ: u8,
    content: &[u8],
) -> Vec<u8> {
    let explicit = sequence.wrapping_mul(0x0101_0101).to_be_bytes();
    let nonce = Nonce::<C>::try_from(&[&keys.iv[..], &explicit].concat()[..]).unwrap();
    let mut body = content.to_vec();
    let tag = C::new_from_slice(&keys.key)
        .unwrap()
        .encrypt_inout_detached(
            &nonce,
            &protected_with(sequence, typ, content.len()),
            body.as_mut_slice().into(),
        )
        .unwrap();
    [&explicit[..], &body, &tag].concat()
}

/// The content of an AEAD suite's record, with whatever explicit nonce.
#[track_caller]
fn open_aead<C: KeyInit + AeadInOut>(keys: &Keys, sequence: u64, record: &[u8]) -> Vec<u8> {
    let (explicit, rest) = record[5..].split_at(8);
    let (text, tag) = rest.split_at(rest.len() - C::TagSize::USIZE);
    let nonce = Nonce::<C>::try_from(&[&keys.iv[..], explicit].concat()[..]).unwrap();
    let mut text = text.to_vec();
    C::new_from_slice(&keys.key)
        .unwrap()
        .decrypt_inout_detached(
            &nonce,
            &protected_with(sequence, record[0], text.len()),
            text.as_mut_slice().into(),
            tag.try_into().unwrap(),
        )
        .expect("a record under these keys");
    text
}

/// What a record's protection covers besides its content: sequence number, type, version, length.
fn protected_with(sequence: u64, typ: u8, length: usize) -> Vec<u8> {
    let mut out = sequence.to_be_bytes().to_vec();
    out.extend([typ, 3, 3]);
    out.extend((length as u16).to_be_bytes());
    out
}

/// The keys of one direction.
#[derive(Default)]
pub struct Keys {
    /// Empty where the cipher needs none.
    pub mac: Vec<u8>,
    pub key: Vec<u8>,
    /// The part of the nonce that is not in the records.
    pub iv: Vec<u8>,
}

/// The keys of one connection, for writing records in the name of either side.
pub struct Forger {
    pub master_secret: Vec<u8>,
    suite: Suite,
    client: Keys,
    server: Keys,
}

impl Forger {
    /// Takes the master secret from the key log, and the rest from the record with the ServerHello.
    #[track_caller]
    pub fn new(key_log: &LastKey, server_hello: &[u8]) -> Self {
        let line = key_log.line();
        let mut fields = line.split(' ').skip(1).map(unhex);
        let client_random = fields.next().unwrap();
        let master_secret = fields.next().unwrap();
        let suite = Suite::chosen(server_hello);
        Self::from_master_secret(suite, master_secret, &client_random, random(server_hello))
    }

    /// Derives everything as both sides do; the hellos are the records with them.
    #[track_caller]
    pub fn from_pre_master_secret(
        pre_master_secret: &[u8],
        client_hello: &[u8],
        server_hello: &[u8],
    ) -> Self {
        let (client_random, server_random) = (random(client_hello), random(server_hello));
        let suite = Suite::chosen(server_hello);
        let seed = [b"master secret", client_random, server_random].concat();
        let master_secret = prf(suite.hash, pre_master_secret, &seed, 48);
        Self::from_master_secret(suite, master_secret, client_random, server_random)
    }

    /// With the extended master secret; `messages` are those of the handshake, ClientKeyExchange
    /// the last one.
    #[track_caller]
    pub fn from_extended_master_secret(
        pre_master_secret: &[u8],
        messages: &[u8],
        client_hello: &[u8],
        server_hello: &[u8],
    ) -> Self {
        let suite = Suite::chosen(server_hello);
        let session_hash = suite.hash.digest(messages);
        let seed = [&b"extended master secret"[..], &session_hash].concat();
        let master_secret = prf(suite.hash, pre_master_secret, &seed, 48);
        Self::from_master_secret(
            suite,
            master_secret,
            random(client_hello),
            random(server_hello),
        )
    }

    /// Cuts the key block: both MAC keys, both keys, both IVs.
    fn from_master_secret(
        suite: Suite,
        master_secret: Vec<u8>,
        client_random: &[u8],
        server_random: &[u8],
    ) -> Self {
        let seed = [b"key expansion", server_random, client_random].concat();
        let lengths = suite.cipher.lengths();
        let total = 2 * lengths.iter().sum::<usize>();
        let mut block = prf(suite.hash, &master_secret, &seed, total).into_iter();
        let [mut client, mut server] = [Keys::default(), Keys::default()];
        let [mac, key, iv] = lengths;
        for (part, length) in [
            (&mut client.mac, mac),
            (&mut server.mac, mac),
            (&mut client.key, key),
            (&mut server.key, key),
            (&mut client.iv, iv),
            (&mut server.iv, iv),
        ] {
            part.extend(block.by_ref().take(length));
        }
        Self {
            master_secret,
            suite,
            client,
            server,
        }
    }

    pub fn keys(&self, sender: Sender) -> &Keys {
        match sender {
            Sender::Client => &self.client,
            Sender::Server => &self.server,
        }
    }

    /// A protected record with this sequence number.
    pub fn seal(&self, sender: Sender, sequence: u64, typ: u8, content: &[u8]) -> Vec<u8> {
        let keys = self.keys(sender);
        record(typ, &self.suite.cipher.seal(keys, sequence, typ, content))
    }

    /// What a CBC suite encrypts for this content, but for the padding: its MAC is behind it, unless
    /// it is encrypted first.
    #[track_caller]
    pub fn unpadded(&self, sender: Sender, sequence: u64, typ: u8, content: &[u8]) -> Vec<u8> {
        self.cbc().unpadded(self.keys(sender), sequence, typ, content)
    }

    /// A record of a CBC suite whose padded text is this, whole blocks of anything. The MAC over
    /// what is encrypted is right.
    #[track_caller]
    pub fn encrypted(&self, sender: Sender, sequence: u64, typ: u8, text: &[u8]) -> Vec<u8> {
        record(
            typ,
            &self.cbc().encrypt(self.keys(sender), IV, sequence, typ, text),
        )
    }

    #[track_caller]
    fn cbc(&self) -> CbcHmac {
        match self.suite.cipher {
            Cipher::Cbc(cbc) => cbc,
            _ => panic!("not a CBC suite"),
        }
    }

    /// The content of a side's record with this sequence number.
    #[track_caller]
    pub fn open(&self, sender: Sender, sequence: u64, record: &[u8]) -> Vec<u8> {
        self.suite.cipher.open(self.keys(sender), sequence, record)
    }

    /// What a side's Finished holds after these messages.
    pub fn verify_data(&self, sender: Sender, messages: &[u8]) -> Vec<u8> {
        let hash = self.suite.hash.digest(messages);
        self.derive(sender.finished_label(), &hash, 12)
    }

    /// A side's Finished after these messages, not protected.
    pub fn finished(&self, sender: Sender, messages: &[u8]) -> Vec<u8> {
        message(FINISHED, &self.verify_data(sender, messages))
    }

    /// The record with a side's Finished after these messages, its first that is protected.
    pub fn sealed_finished(&self, sender: Sender, messages: &[u8]) -> Vec<u8> {
        self.seal(sender, 0, HANDSHAKE, &self.finished(sender, messages))
    }

    /// That record with the IV of a received one, where the suite has one that the sender chooses
    /// at random.
    pub fn finished_sealed_like(
        &self,
        received: &[u8],
        sender: Sender,
        messages: &[u8],
    ) -> Vec<u8> {
        let Cipher::Cbc(cbc) = self.suite.cipher else {
            return self.sealed_finished(sender, messages);
        };
        let iv = received[5..21].try_into().unwrap();
        let content = self.finished(sender, messages);
        let fragment = cbc.seal(self.keys(sender), iv, 0, HANDSHAKE, &content);
        record(HANDSHAKE, &fragment)
    }

    /// `PRF(master_secret, label, seed)`, this long.
    pub fn derive(&self, label: &[u8], seed: &[u8], length: usize) -> Vec<u8> {
        let label_and_seed = [label, seed].concat();
        prf(
            self.suite.hash,
            &self.master_secret,
            &label_and_seed,
            length,
        )
    }
}

/// The random of a record with a hello of either side.
fn random(hello: &[u8]) -> &[u8] {
    &hello[11..43]
}

/// `P_hash(secret, label + seed)`, the plain way.
fn prf(hash: Hash, secret: &[u8], label_and_seed: &[u8], length: usize) -> Vec<u8> {
    match hash {
        Hash::Sha256 => p_hash::<Hmac<Sha256>>(secret, label_and_seed, length),
        Hash::Sha384 => p_hash::<Hmac<Sha384>>(secret, label_and_seed, length),
        other => panic!("no suite has a PRF with {other:?}"),
    }
}

fn p_hash<M: Mac + KeyInit>(secret: &[u8], label_and_seed: &[u8], length: usize) -> Vec<u8> {
    let hmac = |parts: &[&[u8]]| {
        let mut mac = <M as KeyInit>::new_from_slice(secret).unwrap();
        parts.iter().for_each(|part| mac.update(part));
        mac.finalize().into_bytes().to_vec()
    };
    let mut a = hmac(&[label_and_seed]);
    let mut out = Vec::new();
    while out.len() < length {
        out.extend(hmac(&[&a, label_and_seed]));
        a = hmac(&[&a]);
    }
    out.truncate(length);
    out
}

/// A pair stopped at a point of its handshake, with what has been said so far.
pub struct Stopped {
    pub pair: Pair,
    pub key_log: Arc<LastKey>,
    /// The ClientHello, not in its record.
    pub client_hello: Vec<u8>,
    /// The records of the server's first flight.
    pub server_flight: Vec<Vec<u8>>,
    /// The records of the client's second flight.
    pub client_flight: Vec<Vec<u8>>,
}

impl Stopped {
    /// Runs a pair with TLS_RSA_WITH_AES_128_GCM_SHA256 until the client's second flight is made
    /// and not yet delivered.
    #[track_caller]
    pub fn before_client_flight(client: ClientConfigBuilder, server: ServerConfigBuilder) -> Self {
        Self::with_suite(AES_128, client, server)
    }

    /// Runs a pair with this suite to that point.
    #[track_caller]
    pub fn with_suite(
        suite: CipherSuite,
        client: ClientConfigBuilder,
        server: ServerConfigBuilder,
    ) -> Self {
        let key_log = Arc::new(LastKey::default());
        let client = client.suites(&[suite]).key_log(key_log.clone());
        let server = server.suites(&[suite]);
        let mut pair = crate::pair(client, server);
        let hello = std::mem::take(&mut pair.client.outgoing);
        pair.server.take(&hello).unwrap();
        let server_flight = std::mem::take(&mut pair.server.outgoing);
        pair.client.take(&server_flight).unwrap();
        let client_flight = std::mem::take(&mut pair.client.outgoing);
        Self {
            pair,
            key_log,
            client_hello: messages(&records(&hello)),
            server_flight: records(&server_flight),
            client_flight: records(&client_flight),
        }
    }

    #[track_caller]
    pub fn forger(&self) -> Forger {
        Forger::new(&self.key_log, &self.server_flight[0])
    }

    /// Goes on to the end of the handshake.
    #[track_caller]
    pub fn establish(mut self) -> (Pair, Forger) {
        let forger = self.forger();
        self.pair.server.take(&self.client_flight.concat()).unwrap();
        (self.pair.established(), forger)
    }
}

/// An established pair and the forger of its records.
#[track_caller]
pub fn established() -> (Pair, Forger) {
    Stopped::before_client_flight(client_builder(), server_builder()).establish()
}
