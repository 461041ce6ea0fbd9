//! What `{:?}` shows of each public type: neither application data nor a secret.
//!
//! The public types are read from the source, so that a new one without an entry here fails.

use premaster::certificate::{
    CertificateSet, CertificatesByName, ClientAuthorities, Crls, Verified, Waiver, Waivers,
};
use premaster::error::{
    CertificateError, CertificateFault, CertificateWithheld, DecodeError, FileContents, FileItem,
    ForeignProtocol, HandshakeTimedOut, Incompatible, KeyAlgorithm, KeyEncryption, KeyError,
    LocalError, Misuse, OcspFault, PeerError, PemFault,
};
use premaster::private_key::DecryptBatch;
use premaster::protocol::{
    AlertDescription, AlertLevel, ClientCertificateType, CompressionMethod, ContentType,
    EncryptThenMac, ExtendedMasterSecret, ExtensionType, HandshakeType, MaxFragmentLength,
    Preference, ProtocolVersion, Renegotiation, SecureRenegotiation, SignatureScheme,
};
use premaster::session::{ChannelBinding, NotResumed, StoredSession, TicketKey, TicketKeySet};
use premaster::{
    CertificatePolicy, CertifiedKey, ClientAuth, ClientConfig, ClientHello, ConfigError,
    Connection, Error, Event, KeyLog, MemoryStore, Peeked, Pending, PrivateKey, ServerConfig,
    SessionStore, Stream, Tickets,
};
use premaster_testing::pair::Chunks;
use premaster_testing::pki;
use premaster_testing::scene::Scene;
use premaster_testing::{
    Pair, certified, client_builder, client_certified, name, now, pair, rng, roots, server_builder,
    stapling,
};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Debug;
use std::io::{self, Cursor, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Instant;

/// Names that no value has, or only values of a type that this crate does not declare.
const TRAITS: [&str; 6] = [
    "KeyLog",
    "KeyRng",
    "PrivateKey",
    "ResolveCertificate",
    "SessionStore",
    "Timeouts",
];

// Each without a word that a field's name may have.
const DATA: &[u8] = b"GET /9f3b71d2?q=0.41&token=k5v";
const TICKET_SECRET: [u8; 32] = *b"Uu5gY0oV7hJ2kQ9sX4bN1mC8zR6tW3pE";
const STORED: &[u8] = b"a7Xq-41k9-Zp03-w8Lm-66Td-Rb2v";
const PRE_MASTER_SECRET: &[u8] = b"0002Yt5c1Hn8Jd4Gk7Ls2Fq9Wz3Vx";
const SIGNED: &[u8] = b"Mv8Bx2Nc6Kz4Lj0Hg7Fd5Sa1Pq3W";

/// How many bytes of a secret must not be printed in a row.
const TELLING: usize = 8;

/// All that `{:?}`, `{:#?}` and `{:x?}` print of a value, without blanks.
fn printed(value: &dyn Debug) -> String {
    let mut text = format!("{value:?} {value:#?} {value:x?}").to_lowercase();
    text.retain(|character| !character.is_whitespace());
    text
}

/// The forms in which bytes can be printed: as text, as a list, as digits or as a number.
fn forms(bytes: &[u8]) -> Vec<String> {
    let list = |text: fn(&u8) -> String| bytes.iter().map(text).collect::<Vec<_>>();
    let number = u64::from_be_bytes(bytes.try_into().unwrap());
    let mut forms = vec![
        list(|byte| byte.to_string()).join(","),
        list(|byte| format!("{byte:x}")).join(","),
        list(|byte| format!("{byte:02x}")).concat(),
        list(|byte| format!("0x{byte:02x}")).join(","),
        number.to_string(),
        format!("{number:x}"),
        number.swap_bytes().to_string(),
        format!("{:x}", number.swap_bytes()),
    ];
    if let Ok(text) = std::str::from_utf8(bytes) {
        let mut text = text.to_lowercase();
        text.retain(|character| !character.is_whitespace());
        forms.push(text);
    }
    forms
}

/// A secret, and the forms that a part of it can have in a text.
struct Secret {
    what: &'static str,
    forms: Vec<String>,
}

impl Secret {
    fn new(what: &'static str, bytes: &[u8]) -> Self {
        let (parts, _) = bytes.as_chunks::<TELLING>();
        let forms = parts.iter().flat_map(|part| forms(part)).collect();
        Self { what, forms }
    }
}

/// Returns the secret of which the text shows a part.
fn shown(text: &str, secrets: &[Secret]) -> Option<&'static str> {
    let shows = |secret: &&Secret| secret.forms.iter().any(|form| text.contains(form));
    secrets.iter().find(shows).map(|secret| secret.what)
}

#[derive(Default)]
struct Lines(Mutex<Vec<String>>);

impl KeyLog for Lines {
    fn log(&self, line: &str) {
        self.0.lock().unwrap().push(line.to_owned());
    }
}

impl Lines {
    /// The master secret of the first line.
    fn master_secret(&self) -> Vec<u8> {
        let lines = self.0.lock().unwrap();
        let digits = lines.first().unwrap().split(' ').next_back().unwrap();
        let bytes = digits.as_bytes().chunks(2);
        bytes
            .map(|two| u8::from_str_radix(std::str::from_utf8(two).unwrap(), 16).unwrap())
            .collect()
    }
}

/// Gives what the peer sent, then nothing.
struct Wire(Cursor<Vec<u8>>);

impl Read for Wire {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        self.0.read(out)
    }
}

impl Write for Wire {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        Ok(data.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Debug for Wire {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Wire")
    }
}

/// What each type prints, by the type's name.
#[derive(Default)]
struct Printed(BTreeMap<&'static str, String>);

impl Printed {
    fn add(&mut self, name: &'static str, value: &dyn Debug) {
        self.0.entry(name).or_default().push_str(&printed(value));
    }
}

/// Some bytes of each private part of a key, which follow its public exponent in PKCS #8.
fn private_parts(name: &str) -> Vec<u8> {
    let der = pki::private_key(&pki::key(name));
    let der = der.secret_der();
    let exponent = der.windows(5).position(|bytes| bytes == [2, 3, 1, 0, 1]).unwrap();
    // The private exponent is as long as the modulus, the others are half as long.
    der[exponent + 5 + 16..]
        .chunks(128)
        .flat_map(|part| &part[..part.len().min(16)])
        .copied()
        .collect()
}

/// A client and a server that have paused in all places, and a server that has received data.
fn walk() -> (Printed, [Secret; 8]) {
    let mut printed = Printed::default();
    let log = Arc::new(Lines::default());
    let ticket_key = [&[7; 16][..], &TICKET_SECRET].concat().try_into().unwrap();
    let ticket_key = TicketKey::from_bytes(&ticket_key);
    let keys = TicketKeySet::new(ticket_key.clone()).previous(ticket_key.clone());
    let tickets = Arc::new(Tickets::shared(keys.clone()));
    printed.add("TicketKey", &ticket_key);
    printed.add("TicketKeySet", &keys);
    printed.add("Tickets", &tickets);

    let store = MemoryStore::new(8);
    let session = StoredSession::new(STORED.to_vec(), now());
    printed.add("StoredSession", &session);
    store.put(b"key", session, now());
    printed.add("MemoryStore", &store);

    let policy = CertificatePolicy::new(roots());
    printed.add("RootStore", &roots());
    printed.add("Crls", &Crls::new());
    printed.add("CertificatePolicy", &policy);
    let auth = ClientAuth::Require(policy);
    printed.add("ClientAuth", &auth);
    printed.add("ClientAuthorities", &ClientAuthorities::FromRoots);

    let client_builder = || {
        let client = ClientConfig::builder_with_caller_verification();
        let client = client.rng(rng(1)).time_provider(now).key_log(log.clone());
        client.certificate(client_certified()).offload_signing()
    };
    let server_builder = || {
        let server = server_builder().client_auth(auth.clone()).key_log(log.clone());
        server.tickets(Some(tickets.clone())).offload_decryption()
    };
    printed.add("ClientConfigBuilder", &client_builder());
    printed.add("ServerConfigBuilder", &server_builder());
    let client_config: Arc<ClientConfig> = Arc::new(client_builder().build().unwrap());
    let server_config: Arc<ServerConfig> = Arc::new(server_builder().build().unwrap());
    printed.add("ClientConfig", &client_config);
    printed.add("ServerConfig", &server_config);

    let hello = {
        let mut outgoing = Vec::new();
        Connection::client(client_config.clone(), name(), &mut outgoing).unwrap();
        ClientHello::peek(&outgoing).unwrap()
    };
    printed.add("Peeked", &hello);
    let Peeked::Hello(hello) = hello else {
        panic!("{hello:?}");
    };
    printed.add("ClientHello", &hello);

    let mut pair = Pair::new(client_config, server_config, name());
    let mut to_server = pair.client.outgoing.clone();
    walk_pauses(&mut pair, &mut to_server, &mut printed);
    for end in [&pair.client, &pair.server] {
        let session = end.connection.session().unwrap();
        printed.add("Connection", &end.connection);
        printed.add("SessionInfo", session);
        printed.add("Resumption", &session.resumption());
        printed.add("PeerCertificate", &session.peer_certificate());
    }
    let session = pair.client.connection.session().unwrap();
    let asked = session.requested_certificate().unwrap();
    printed.add("RequestedCertificate", asked);
    printed.add("CertificateAnswer", asked.answer());

    let mut wire = Vec::new();
    pair.client.connection.send(DATA, &mut wire).unwrap();
    to_server.extend(&wire);
    let received = pair.server.connection.receive(&mut wire, &mut Vec::new()).unwrap();
    printed.add("Received", &received);
    printed.add("Event", &received.event);
    assert!(matches!(received.event, Event::ApplicationData(data) if data == DATA));

    walk_lookup(&mut printed);
    walk_halves(pair, &mut printed);
    walk_stream(&mut printed);
    walk_certificates(&mut printed);
    walk_errors(&mut printed);
    walk_numbers(&mut printed);
    let secrets = [
        ("data", DATA),
        ("master secret", &log.master_secret()),
        ("ticket key", &TICKET_SECRET),
        ("stored session", STORED),
        ("pre-master secret", PRE_MASTER_SECRET),
        ("signature", SIGNED),
        ("server's key", &private_parts("rsa-2048")),
        ("client's key", &private_parts("rsa-2048-client")),
    ]
    .map(|(what, bytes)| Secret::new(what, bytes));
    (printed, secrets)
}

/// The question for a session, and its answer.
fn walk_lookup(printed: &mut Printed) {
    let scene = Scene::by_id();
    scene.meet();
    let mut pair = pair(scene.client(), scene.server().offload_session_lookup());
    pair.run(Chunks::Whole).unwrap();
    let Some(Pending::FindSession(job)) = pair.server.connection.pending() else {
        panic!("no question");
    };
    printed.add("FindSession", &job);
    printed.add("Pending", &pair.server.connection.pending());
    let session = StoredSession::new(STORED.to_vec(), now());
    printed.add("Answer", &job.answer(Some(session)));
}

/// The handshake, with each question and answer on the way.
fn walk_pauses(pair: &mut Pair, to_server: &mut Vec<u8>, printed: &mut Printed) {
    pair.run(Chunks::Whole).unwrap();
    let question = pair.client.question();
    printed.add("VerifyCertificate", &question);
    printed.add("CertificateQuestion", &question.detach());
    printed.add("Pending", &pair.client.connection.pending());
    let verified = question.verify(&roots().into(), now()).unwrap();
    printed.add("Verified", &verified);
    printed.add("Verified", &Verified::dangerous_without_verification());
    let answer = question.answer(Ok(verified));
    printed.add("Answer", &answer);
    pair.client.resume(answer).unwrap();

    let job = pair.client.signing_job();
    printed.add("SignCertificateVerify", &job);
    printed.add("Pending", &Pending::SignCertificateVerify(job.clone()));
    printed.add("Answer", &job.clone().answer(Some(SIGNED.to_vec())));
    let key = client_certified();
    let answer = job.sign_with_rng(key.key().unwrap(), rng(3));
    pair.client.resume(answer).unwrap();
    to_server.extend(&pair.client.outgoing);
    pair.run(Chunks::Whole).unwrap();

    let job = pair.server.job();
    printed.add("DecryptPreMasterSecret", &job);
    printed.add("Pending", &Pending::DecryptPreMasterSecret(job.clone()));
    printed.add(
        "Answer",
        &job.clone().answer(Some(PRE_MASTER_SECRET.to_vec())),
    );
    let mut batch = DecryptBatch::new();
    batch.push(job.clone(), ());
    printed.add("DecryptBatch", &batch);
    let key = certified(2048);
    pair.server.resume(job.decrypt_with_rng(key.key().unwrap(), rng(3))).unwrap();
    pair.run(Chunks::Whole).unwrap();
}

/// A connection in halves, which fit to no others, and one that cannot be split.
fn walk_halves(established: Pair, printed: &mut Printed) {
    let (sender, _) = established.client.connection.split().unwrap();
    let (_, receiver) = established.server.connection.split().unwrap();
    printed.add("SendHalf", &sender);
    printed.add("ReceiveHalf", &receiver);
    let misfits = Connection::reunite(sender, receiver, &mut Vec::new()).unwrap_err();
    printed.add("ReuniteError", &misfits);
    let transport = std::fs::File::open(premaster_testing::data("rsa-2048.key")).unwrap();
    let stream = Stream::from_parts(
        pair(client_builder(), server_builder()).established().client.connection,
        transport,
        &[],
    );
    printed.add("SharedTransport", stream.split().unwrap().0.transport());
    let incomplete = pair(client_builder(), server_builder()).client.connection;
    printed.add("SplitError", &incomplete.split().unwrap_err());
}

/// A stream whose caller has taken one byte of what was received.
fn walk_stream(printed: &mut Printed) {
    let mut recorded = pair(client_builder(), server_builder());
    let mut wire = Vec::new();
    for _ in 0..2 {
        let to_server = std::mem::take(&mut recorded.client.outgoing);
        recorded.server.take(&to_server).unwrap();
        wire.extend(to_server);
        let to_client = std::mem::take(&mut recorded.server.outgoing);
        recorded.client.take(&to_client).unwrap();
    }
    recorded.client.send(DATA);
    wire.extend(&recorded.client.outgoing);
    // A server with the randomness of the recorded one sends what that sent.
    let config = Arc::new(server_builder().build().unwrap());
    let mut stream = Stream::server(config, Wire(Cursor::new(wire)));
    let mut first = [0];
    stream.read_exact(&mut first).unwrap();
    assert_eq!(first[0], DATA[0]);
    stream.write_all(DATA).unwrap();
    printed.add("Stream", &stream);
    let (reader, writer) = stream.split_with(|wire| (wire, Wire(Cursor::default()))).unwrap();
    printed.add("StreamReader", &reader);
    printed.add("StreamWriter", &writer);
    let stream = reader.reunite(writer, |wire, _| wire).unwrap();
    printed.add("StreamParts", &stream.into_parts());
    printed.add("HandshakeTimedOut", &timed_out());
}

fn timed_out() -> HandshakeTimedOut {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let transport = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let mut stream = Stream::server(Arc::new(server_builder().build().unwrap()), transport);
    stream.set_handshake_deadline(Some(Instant::now()));
    let error = stream.complete_handshake().unwrap_err();
    error.get_ref().unwrap().downcast_ref::<HandshakeTimedOut>().unwrap().clone()
}

fn walk_certificates(printed: &mut Printed) {
    let certified: Arc<CertifiedKey> = certified(2048);
    let set = CertificateSet::new(certified.clone());
    printed.add("CertifiedKey", &certified);
    printed.add("CertificateSet", &set);
    printed.add("CertificatesByName", &CertificatesByName::new(set));
    printed.add("KeyId", &certified.key().unwrap().key_id());
    let key = premaster::RsaKey::from_der(&pki::private_key(&pki::key("rsa-2048"))).unwrap();
    printed.add("RsaKey", &key);
    let as_trait: &dyn PrivateKey = &key;
    printed.add("RsaKey", &as_trait);
    let expired = || premaster::pki_types::UnixTime::since_unix_epoch(std::time::Duration::MAX);
    let warnings = stapling(b"no response").time_provider(expired).warnings();
    let warning = warnings.first().unwrap();
    printed.add("CertificateWarning", warning);
    printed.add("CertificateFlaw", warning.flaw());
    printed.add("CertificateId", warning.certificate());
    printed.add("Excerpt", warning.certificate().subject());
    printed.add("Waiver", &Waiver::ALL);
    printed.add("Waivers", &Waiver::ALL.iter().copied().collect::<Waivers>());
}

fn walk_errors(printed: &mut Printed) {
    let refused: CertificateError = CertificateFault::Refused.into();
    printed.add("CertificateFault", refused.fault());
    printed.add("CertificateError", &refused);
    printed.add("CertificateWithheld", &CertificateWithheld::Sha1);
    printed.add("DecodeError", &DecodeError::Truncated);
    printed.add("Incompatible", &Incompatible::NoSecureRenegotiation);
    printed.add("KeyError", &KeyError);
    printed.add("LocalError", &LocalError::KeyExhausted);
    printed.add("Misuse", &Misuse::Closed);
    printed.add("OcspFault", &OcspFault::Malformed);
    printed.add("PeerError", &PeerError::BadRecord);
    printed.add("Error", &Error::Certificate(refused));
    printed.add("ForeignProtocol", &ForeignProtocol::ALL);
    let name = premaster::server_name("https://bmc").unwrap_err();
    printed.add("ServerNameFault", &name.fault());
    printed.add("ServerNameError", &name);
    let mut silent = pair(client_builder(), server_builder());
    let Err(Error::HungUp(moment)) = silent.client.connection.receive_eof() else {
        panic!("the handshake is not complete");
    };
    printed.add("Told", &moment.told());
    printed.add("Moment", &moment);
    printed.add("PemFault", &PemFault::NoEnd);
    printed.add("KeyAlgorithm", &KeyAlgorithm::Ec);
    printed.add("KeyEncryption", &KeyEncryption::Pkcs8);
    printed.add("FileItem", &FileItem::ALL);
    printed.add(
        "FileContents",
        &FileContents::from_iter([FileItem::PrivateKey]),
    );
    // A key where it does not belong, whole and cut.
    let pem = std::fs::read(premaster_testing::data("rsa-2048.key")).unwrap();
    let der = pki::private_key(&pki::key("rsa-2048"));
    for file in [
        &pem[..],
        &pem[..pem.len() - 40],
        der.secret_der(),
        &der.secret_der()[..900],
    ] {
        let error: ConfigError =
            CertifiedKey::from_bytes(file, &file[..file.len() / 2]).unwrap_err();
        printed.add("ConfigError", &error);
    }
    let mut pair = pair(
        client_builder().alpn_protocols(&[b"h2"]),
        server_builder().alpn_protocols(&[b"http/1.1"]),
    );
    let Err(Error::Incompatible(error)) = pair.run(Chunks::Whole) else {
        panic!("no common protocol");
    };
    if let Incompatible::NoCommonProtocol { offered, .. } = error {
        printed.add("ProtocolList", &offered);
    }
    let suites = premaster_testing::pair(
        client_builder().suites(&[premaster_testing::AES_128]),
        server_builder().suites(&[premaster_testing::AES_256]),
    )
    .run(Chunks::Whole);
    if let Err(Error::Incompatible(Incompatible::NoCommonSuite { offered, .. })) = suites {
        printed.add("SuiteList", &offered);
    }
}

/// Types that are numbers or choices, which hold nothing.
fn walk_numbers(printed: &mut Printed) {
    printed.add("AlertDescription", &AlertDescription::CLOSE_NOTIFY);
    printed.add("AlertLevel", &AlertLevel::FATAL);
    printed.add("ChannelBinding", &ChannelBinding::TlsUnique);
    printed.add("CipherSuite", &premaster_testing::AES_128);
    printed.add("ClientCertificateType", &ClientCertificateType::RSA_SIGN);
    printed.add("CompressionMethod", &CompressionMethod::NULL);
    printed.add("ContentType", &ContentType::ALERT);
    printed.add("EncryptThenMac", &EncryptThenMac::Off);
    printed.add("ExtendedMasterSecret", &ExtendedMasterSecret::Off);
    printed.add("ExtensionType", &ExtensionType::SERVER_NAME);
    printed.add("HandshakeType", &HandshakeType::FINISHED);
    printed.add("MaxFragmentLength", &MaxFragmentLength::L512);
    printed.add("NotResumed", &NotResumed::Unknown);
    printed.add("Preference", &Preference::Client);
    printed.add("ProtocolVersion", &ProtocolVersion::TLS_1_2);
    printed.add("Renegotiation", &Renegotiation::SameName);
    printed.add("SecureRenegotiation", &SecureRenegotiation::Required);
    printed.add("SignatureScheme", &SignatureScheme::RSA_PKCS1_SHA256);
}

/// The names of public types and traits in a file that declares or passes them on.
fn names(source: &str) -> BTreeSet<String> {
    let code: Vec<_> = source.lines().filter(|line| !line.trim().starts_with("//")).collect();
    let code = code.join(" ");
    let mut names = BTreeSet::new();
    for (start, _) in code.match_indices("pub use ") {
        let item = &code[start + "pub use ".len()..];
        let item = &item[..item.find(';').unwrap()];
        let list = match item.split_once('{') {
            Some((_, list)) => list.trim_end_matches('}'),
            None => item.rsplit("::").next().unwrap(),
        };
        names.extend(list.split(',').map(|name| name.trim().to_owned()));
    }
    for word in ["pub struct ", "pub enum "] {
        names.extend(code.match_indices(word).map(|(start, _)| {
            let rest = code[start + word.len()..].chars();
            rest.take_while(|character| character.is_alphanumeric()).collect()
        }));
    }
    // Functions, crates and constants have no `Debug` of their own.
    names.retain(|name| name.starts_with(char::is_uppercase) && name.contains(char::is_lowercase));
    names
}

fn source(file: &str) -> String {
    let path = premaster_testing::repository().join("src").join(file);
    std::fs::read_to_string(path).unwrap()
}

#[test]
fn no_public_type_prints_data_or_secrets() {
    let (printed, secrets) = walk();
    for (name, text) in &printed.0 {
        assert!(!text.is_empty(), "{name}");
        assert_eq!(shown(text, &secrets), None, "{name} prints {text}");
    }
}

#[test]
fn every_public_type_is_among_them() {
    let root = source("lib.rs");
    let modules: Vec<_> = root.lines().filter(|line| line.starts_with("pub mod ")).collect();
    let elsewhere: Vec<_> = modules.iter().filter(|line| line.ends_with(';')).collect();
    assert_eq!(elsewhere, [&"pub mod error;", &"pub mod fuzzing;"]);
    let mut expected = names(&root);
    expected.extend(names(&source("error/mod.rs")));
    for name in TRAITS {
        assert!(expected.remove(name), "{name} is not public");
    }
    let (printed, _) = walk();
    let printed: BTreeSet<String> = printed.0.into_keys().map(str::to_owned).collect();
    assert!(expected.len() > 70);
    assert_eq!(printed, expected);
}

#[test]
fn what_is_printed_is_found() {
    let secrets = [Secret::new("secret", DATA)];
    let limbs: Vec<u64> = {
        let (limbs, _) = DATA.as_chunks();
        limbs.iter().map(|limb| u64::from_be_bytes(*limb)).collect()
    };
    let text = std::str::from_utf8(DATA).unwrap();
    let values: [&dyn Debug; 4] = [&DATA, &limbs, &text, &(1, Some(&DATA[3..19]))];
    for value in &values[..3] {
        assert_eq!(shown(&printed(value), &secrets), Some("secret"));
    }
    // Some bytes in a row, inside of something else.
    assert_eq!(shown(&printed(&values[3]), &secrets), Some("secret"));
    assert_eq!(shown(&printed(&"[redacted]"), &secrets), None);
}
