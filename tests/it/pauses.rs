//! The pauses: a certificate that the caller judges, a pre-master secret that is decrypted
//! elsewhere, and a proof that is signed elsewhere.

use premaster::certificate::Verified;
use premaster::error::{CertificateFault, LocalError, Misuse};
use premaster::private_key::{DecryptPreMasterSecret, SignCertificateVerify};
use premaster::protocol::{AlertDescription, ExtendedMasterSecret, SignatureScheme};
use premaster::session::Resumption;
use premaster::{
    Answer, ClientAuth, ClientConfig, ClientConfigBuilder, Error, KeyId, Pending, ServerConfig,
    ServerConfigBuilder, Stream,
};
use premaster_testing::forger::Stopped;
use premaster_testing::pair::{ALL_CHUNKS, Chunks, End};
use premaster_testing::wire::{
    ALERT, CERTIFICATE, CERTIFICATE_REQUEST, CERTIFICATE_VERIFY, CHANGE_CIPHER_SPEC,
    CLIENT_KEY_EXCHANGE, SERVER_HELLO_DONE, certificate_body, handshake, hello_with, message_type,
    messages, record, said, vector,
};
use premaster_testing::{
    NAME, Pair, certified, client_builder, client_certified, fault, name, now, pair, pki, rng,
    roots, server_builder, server_builder_with,
};
use rsa::{Pkcs1v15Sign, Pss};
use sha2::{Digest, Sha256, Sha384, Sha512};
use std::io::{ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::time::Duration;
use x509_cert::der::Encode;
use x509_cert::ext::pkix::KeyUsages;

fn caller_verifies() -> ClientConfigBuilder {
    ClientConfig::builder_with_caller_verification().rng(rng(1)).time_provider(now)
}

fn decrypts_elsewhere() -> ServerConfigBuilder {
    server_builder().offload_decryption()
}

fn signs_elsewhere() -> ClientConfigBuilder {
    client_builder().certificate(client_certified()).offload_signing()
}

fn asks_for_certificate() -> ServerConfigBuilder {
    server_builder().client_auth(ClientAuth::Require(roots().into()))
}

/// The right answer to what is pending.
#[track_caller]
fn answer(end: &End) -> Answer {
    match end.connection.pending() {
        Some(Pending::VerifyCertificate(question)) => {
            question.answer(question.verify(&roots().into(), now()))
        }
        Some(Pending::DecryptPreMasterSecret(job)) => {
            job.decrypt_with_rng(certified(2048).key().unwrap(), rng(5))
        }
        Some(Pending::SignCertificateVerify(job)) => {
            job.sign_with_rng(client_certified().key().unwrap(), rng(5))
        }
        other => panic!("{other:?}"),
    }
}

/// Each of the pauses, by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Pause {
    Certificate,
    PreMasterSecret,
    Signature,
}

const PAUSES: [Pause; 3] = [Pause::Certificate, Pause::PreMasterSecret, Pause::Signature];

impl Pause {
    /// A pair that has come to it.
    #[track_caller]
    fn pair(self) -> Pair {
        let (client, server) = match self {
            Self::Certificate => (caller_verifies(), server_builder()),
            Self::PreMasterSecret => (client_builder(), decrypts_elsewhere()),
            Self::Signature => (signs_elsewhere(), asks_for_certificate()),
        };
        let mut pair = pair(client, server);
        pair.run(Chunks::Whole).unwrap();
        assert_eq!(Self::of(self.end(&mut pair)), Some(self));
        pair
    }

    /// The side that pauses.
    fn end(self, pair: &mut Pair) -> &mut End {
        match self {
            Self::Certificate | Self::Signature => &mut pair.client,
            Self::PreMasterSecret => &mut pair.server,
        }
    }

    /// The one that a connection has come to.
    fn of(end: &End) -> Option<Self> {
        end.connection.pending().map(|pending| match pending {
            Pending::VerifyCertificate(_) => Self::Certificate,
            Pending::DecryptPreMasterSecret(_) => Self::PreMasterSecret,
            Pending::SignCertificateVerify(_) => Self::Signature,
            other => panic!("{other:?}"),
        })
    }
}

#[test]
fn the_caller_judges_the_certificate() {
    for chunks in ALL_CHUNKS {
        let mut pair = pair(caller_verifies(), server_builder());
        pair.run(chunks).unwrap();
        let client = &mut pair.client;
        assert_eq!(client.events.last().unwrap(), "Paused");
        let waiting = client.incoming.clone();

        // Nothing is taken in until the answer is there.
        client.take(&[]).unwrap();
        assert_eq!(client.incoming, waiting);
        assert!(client.outgoing.is_empty());

        let pending = pair.client.question();
        assert_eq!(pending.server_name().to_str(), NAME);
        assert_eq!(pending.chain(), certified(2048).chain());
        let answer = pending.answer(pending.verify(&roots().into(), now()));
        pair.client.resume(answer).unwrap();
        pair.run(chunks).unwrap();
        assert!(pair.server.connection.session().is_some());
        assert!(pair.client.connection.session().is_some());
    }
}

#[test]
fn the_caller_may_vouch_or_refuse() {
    let mut vouched = pair(caller_verifies(), server_builder());
    vouched.run(Chunks::Whole).unwrap();
    let answer = vouched.client.question().answer(Ok(Verified::dangerous_without_verification()));
    vouched.client.resume(answer).unwrap();
    vouched.established();

    let mut refused = pair(caller_verifies(), server_builder());
    refused.run(Chunks::Whole).unwrap();
    let error = Error::from(CertificateFault::Refused);
    let answer = refused.client.question().answer(Err(CertificateFault::Refused.into()));
    assert_eq!(refused.client.resume(answer), Err(error.clone()));
    let alert = std::mem::take(&mut refused.client.outgoing);
    let told = premaster_testing::alert_received(refused.server.take(&alert));
    assert_eq!(Some(told), error.alert());
}

#[test]
fn the_pre_master_secret_is_decrypted_elsewhere() {
    for chunks in ALL_CHUNKS {
        let mut pair = pair(client_builder(), decrypts_elsewhere());
        pair.run(chunks).unwrap();
        assert_eq!(pair.server.events.last().unwrap(), "Paused");
        let waiting = pair.server.incoming.clone();
        pair.server.take(&[]).unwrap();
        assert_eq!(pair.server.incoming, waiting);

        let job = pair.server.job();
        let answer = std::thread::spawn(move || {
            job.decrypt_with_rng(certified(2048).key().unwrap(), rng(5))
        })
        .join()
        .unwrap();
        pair.server.resume(answer).unwrap();
        pair.run(chunks).unwrap();
        assert!(pair.client.connection.session().is_some());
    }
}

/// Neither another connection's, nor one to another kind of question.
#[test]
fn an_answer_fits_only_its_own_question() {
    for pause in PAUSES {
        let mut pair = pause.pair();
        for other in PAUSES {
            let wrong = answer(other.end(&mut other.pair()));
            let end = pause.end(&mut pair);
            let before = format!("{:?}", end.connection);
            let refused = end.resume(wrong);
            assert_eq!(refused, Err(Misuse::WrongAnswer.into()), "{pause:?}");
            assert_eq!(format!("{:?}", end.connection), before);
            assert!(end.outgoing.is_empty());
        }
        // The right one is still welcome, once.
        let end = pause.end(&mut pair);
        let [first, again] = [answer(end), answer(end)];
        end.resume(first).unwrap();
        assert_eq!(end.resume(again), Err(Misuse::NothingPending.into()));
        pair.established();
    }
}

#[test]
fn a_question_is_asked_until_it_is_answered() {
    for pause in PAUSES {
        let mut pair = pause.pair();
        let end = pause.end(&mut pair);
        let question = format!("{:?}", end.connection.pending());
        // What would end the connection is not looked at, and stays where it is.
        let waiting = [&end.incoming[..], &record(99, b"?")].concat();
        end.incoming.clear();
        end.take(&waiting).unwrap();
        assert_eq!(end.incoming, waiting);
        assert_eq!(end.events.last().unwrap(), "Paused");
        assert!(end.outgoing.is_empty());
        end.incoming.truncate(waiting.len() - 6);

        assert_eq!(format!("{:?}", end.connection.pending()), question);
        let answer = answer(end);
        end.resume(answer).unwrap();
        pair.established();
    }
}

/// Another connection's verdict would have this one encrypt to a key that nobody verified.
#[test]
fn a_verdict_fits_only_its_own_certificate() {
    let pause = |bits| {
        let mut pair = pair(caller_verifies(), server_builder_with(certified(bits)));
        pair.run(Chunks::Whole).unwrap();
        pair
    };
    let (mut one, other) = (pause(2048), pause(3072));
    let wrong = Err(Error::from(Misuse::WrongAnswer));
    let verdict = || other.client.question().verify(&roots().into(), now());
    let answer = other.client.question().answer(verdict());
    assert_eq!(one.client.resume(answer), wrong);
    let answer = one.client.question().answer(verdict());
    assert_eq!(one.client.resume(answer), wrong);

    let answer = one.client.question().answer(one.client.question().verify(&roots().into(), now()));
    one.client.resume(answer).unwrap();
    one.established();
}

/// A caller's verdict on a peer does not waive the check that its key may encrypt.
#[test]
fn a_certificate_that_is_vouched_for_must_still_serve() {
    let key = pki::key("rsa-2048");
    let mut signs_only = pki::server(&key);
    signs_only.key_usage = Some(KeyUsages::DigitalSignature.into());
    let server = server_builder_with(signs_only.certified(&key));
    let mut pair = pair(caller_verifies(), server);
    pair.run(Chunks::Whole).unwrap();
    let answer = pair.client.question().answer(Ok(Verified::dangerous_without_verification()));
    assert!(matches!(
        fault(pair.client.resume(answer)),
        CertificateFault::KeyUsage {
            wanted: "keyEncipherment",
            ..
        }
    ));
}

/// A chain that is too long reaches nobody's judgement.
#[test]
fn a_pause_ends_with_its_connection() {
    for pause in PAUSES {
        let mut pair = pause.pair();
        let end = pause.end(&mut pair);
        let late = answer(end);
        end.close();
        assert!(end.connection.pending().is_none());
        // user_canceled and close_notify.
        let told = said(end);
        assert_eq!(told, [record(ALERT, &[1, 90]), record(ALERT, &[1, 0])]);
        assert_eq!(end.resume(late), Err(Misuse::Closed.into()));
        assert!(end.outgoing.is_empty());

        // The transport ends, and nobody is left to be answered.
        let mut pair = pause.pair();
        let end = pause.end(&mut pair);
        let late = answer(end);
        let hung_up = end.connection.receive_eof();
        let Err(Error::HungUp(moment)) = &hung_up else {
            panic!("{hung_up:?}");
        };
        assert!(!moment.peer_was_silent());
        assert!(end.connection.pending().is_none());
        assert_eq!(end.resume(late), hung_up);
    }
}

/// They go to other threads and come back.
#[test]
fn jobs_and_answers_belong_to_no_thread() {
    #[track_caller]
    fn assert_free<T: Send + 'static>() {}
    assert_free::<DecryptPreMasterSecret>();
    assert_free::<SignCertificateVerify>();
    assert_free::<Answer>();
}

#[test]
fn the_proof_is_signed_elsewhere() {
    for chunks in ALL_CHUNKS {
        let mut pair = pair(signs_elsewhere(), asks_for_certificate());
        pair.run(chunks).unwrap();
        assert_eq!(pair.client.events, ["Paused"]);
        assert!(pair.server.connection.session().is_none());

        let job = pair.client.signing_job();
        let sign = move || job.sign_with_rng(client_certified().key().unwrap(), rng(5));
        let answer = std::thread::spawn(sign).join().unwrap();
        pair.client.resume(answer).unwrap();
        pair.run(chunks).unwrap();
        assert!(pair.client.connection.session().is_some());
        let session = pair.server.connection.session().unwrap();
        assert_eq!(session.peer_certificates(), client_certified().chain());
    }
}

#[test]
fn what_comes_before_the_proof_need_not_wait_for_it() {
    for delivered in [true, false] {
        let stopped = Stopped::before_client_flight(signs_elsewhere(), asks_for_certificate());
        let types = stopped.client_flight.iter().map(|record| message_type(record));
        assert!(types.eq([CERTIFICATE, CLIENT_KEY_EXCHANGE]));
        let mut flight = stopped.client_flight;
        let mut pair = stopped.pair;
        if delivered {
            pair.server.take(&flight.concat()).unwrap();
            flight.clear();
        }
        let answer = answer(&pair.client);
        pair.client.resume(answer).unwrap();
        let rest = said(&mut pair.client);
        assert_eq!(message_type(&rest[0]), CERTIFICATE_VERIFY);
        assert_eq!(rest[1], record(CHANGE_CIPHER_SPEC, &[1]));
        assert_eq!(rest.len(), 3);
        flight.extend(rest);
        pair.server.take(&flight.concat()).unwrap();
        pair.established();
    }
}

/// A server by hand, before which a client shows its certificate.
struct AskingServer {
    client: End,
    /// The records with the handshake messages so far.
    transcript: Vec<Vec<u8>>,
}

impl AskingServer {
    /// It has said its hello with these extensions, and its certificate.
    fn new(client: ClientConfigBuilder, extensions: &[(u16, &[u8])]) -> Self {
        let Pair { mut client, .. } = pair(client, server_builder());
        let mut asking = Self {
            transcript: said(&mut client),
            client,
        };
        let renegotiation_info = (0xff01, &[0][..]);
        let hello = hello_with(&[&[renegotiation_info], extensions].concat());
        let chain = certificate_body(&[&certified(2048).chain()[0]]);
        asking.say(&[hello.server(), handshake(CERTIFICATE, &chain)]);
        asking
    }

    fn say(&mut self, records: &[Vec<u8>]) {
        self.client.take(&records.concat()).unwrap();
        self.transcript.extend_from_slice(records);
    }

    /// Asks for a certificate with an RSA key and for a signature of one of these schemes.
    fn ask(&mut self, schemes: &[SignatureScheme]) {
        let schemes: Vec<u8> = schemes.iter().flat_map(|id| id.0.to_be_bytes()).collect();
        let body = [vector(1, &[1]), vector(2, &schemes), vector(2, &[])].concat();
        let done = handshake(SERVER_HELLO_DONE, &[]);
        self.say(&[handshake(CERTIFICATE_REQUEST, &body), done]);
    }

    /// What the client sends next.
    fn hear(&mut self) -> Vec<Vec<u8>> {
        let records = said(&mut self.client);
        self.transcript.extend_from_slice(&records);
        records
    }
}

const SCHEMES: [SignatureScheme; 6] = [
    SignatureScheme::RSA_PSS_RSAE_SHA256,
    SignatureScheme::RSA_PSS_RSAE_SHA384,
    SignatureScheme::RSA_PSS_RSAE_SHA512,
    SignatureScheme::RSA_PKCS1_SHA256,
    SignatureScheme::RSA_PKCS1_SHA384,
    SignatureScheme::RSA_PKCS1_SHA512,
];

/// The digest that a scheme signs, and a signature of it by the `rsa` crate.
fn signed_by_hand(key: &str, scheme: SignatureScheme, message: &[u8]) -> (Vec<u8>, Vec<u8>) {
    fn sign<D: Digest>(
        key: &str,
        padding: impl rsa::traits::SignatureScheme,
        message: &[u8],
    ) -> (Vec<u8>, Vec<u8>) {
        let digest = D::digest(message).to_vec();
        let signed = pki::key(key).sign_with_rng(&mut rng(8), padding, &digest);
        (digest, signed.unwrap())
    }
    match scheme {
        SignatureScheme::RSA_PSS_RSAE_SHA256 => sign::<Sha256>(key, Pss::<Sha256>::new(), message),
        SignatureScheme::RSA_PSS_RSAE_SHA384 => sign::<Sha384>(key, Pss::<Sha384>::new(), message),
        SignatureScheme::RSA_PSS_RSAE_SHA512 => sign::<Sha512>(key, Pss::<Sha512>::new(), message),
        SignatureScheme::RSA_PKCS1_SHA256 => {
            sign::<Sha256>(key, Pkcs1v15Sign::new::<Sha256>(), message)
        }
        SignatureScheme::RSA_PKCS1_SHA384 => {
            sign::<Sha384>(key, Pkcs1v15Sign::new::<Sha384>(), message)
        }
        SignatureScheme::RSA_PKCS1_SHA512 => {
            sign::<Sha512>(key, Pkcs1v15Sign::new::<Sha512>(), message)
        }
        other => panic!("{other:?}"),
    }
}

/// Of [`client_certified`], in tests/data.
const CLIENT_KEY: &str = "rsa-2048-client";

#[test]
fn a_signing_job_holds_what_a_signer_needs_and_any_signer_will_do() {
    let certificate = pki::client(&pki::key(CLIENT_KEY)).certificate();
    let info = certificate.tbs_certificate().subject_public_key_info();
    let key_id = KeyId::from_bytes(Sha256::digest(info.to_der().unwrap()).into());
    for scheme in SCHEMES {
        let mut server = AskingServer::new(signs_elsewhere(), &[]);
        // Others that the client does not make stand before it: with SHA-1, and of ECDSA.
        let unknown = [0x0201, 0x0403].map(SignatureScheme);
        server.ask(&[&unknown[..], &[scheme]].concat());
        let flight = server.hear();
        assert_eq!(flight.len(), 2);

        let job = server.client.signing_job();
        assert_eq!((job.key_id(), job.scheme()), (key_id, scheme));
        assert_eq!(job.message(), messages(&server.transcript));
        let (digest, signature) = signed_by_hand(CLIENT_KEY, scheme, job.message());
        assert_eq!(job.digest(), digest);
        server.client.resume(job.answer(Some(signature.clone()))).unwrap();
        let body = [&scheme.0.to_be_bytes()[..], &vector(2, &signature)].concat();
        assert_eq!(server.hear()[0], handshake(CERTIFICATE_VERIFY, &body));
    }
}

/// The client ends the handshake, and the server sees no CertificateVerify.
#[track_caller]
fn assert_not_sent(pair: Pair, case: &str, answer: impl FnOnce(SignCertificateVerify) -> Answer) {
    let Pair {
        mut client,
        mut server,
    } = pair;
    let error = Error::from(LocalError::Signing);
    let answer = answer(client.signing_job());
    assert_eq!(client.resume(answer), Err(error.clone()), "{case}");
    let told = said(&mut client);
    let alert = AlertDescription::INTERNAL_ERROR;
    assert_eq!(told, [record(ALERT, &[2, alert.0])], "{case}");
    let received = server.take(&told.concat());
    assert_eq!(premaster_testing::alert_received(received), alert);
    assert!(client.connection.pending().is_none());
    assert_eq!(client.take(&[]), Err(error));
}

/// It could give away the key.
#[test]
fn a_signature_that_is_not_good_does_not_leave() {
    let pair = || Pause::Signature.pair();
    assert_not_sent(pair(), "none", |job| job.answer(None));
    assert_not_sent(pair(), "another key", |job| {
        job.sign_with_rng(certified(2048).key().unwrap(), rng(5))
    });
    type Signature = fn(&SignCertificateVerify) -> (Vec<u8>, Vec<u8>);
    let others: [(&str, Signature); 3] = [
        ("another key's", |job| {
            signed_by_hand("rsa-2048", job.scheme(), job.message())
        }),
        ("of another message", |job| {
            let message = [job.message(), &[0]].concat();
            signed_by_hand(CLIENT_KEY, job.scheme(), &message)
        }),
        ("of the digest in place of the message", |job| {
            signed_by_hand(CLIENT_KEY, job.scheme(), &job.digest())
        }),
    ];
    for (case, signed) in others {
        assert_not_sent(pair(), case, |job| {
            let (_, other) = signed(&job);
            job.answer(Some(other))
        });
    }
    for scheme in &SCHEMES[1..] {
        assert_not_sent(pair(), &format!("{scheme:?}"), |job| {
            assert_ne!(job.scheme(), *scheme);
            let (_, other) = signed_by_hand(CLIENT_KEY, *scheme, job.message());
            job.answer(Some(other))
        });
    }
}

/// With a key whose modulus is not a whole number of words, numbers have room to be too long.
#[test]
fn a_signature_that_is_changed_does_not_leave() {
    let key = pki::key("rsa-2056");
    let certificate = pki::client(&key).certified(&key);
    let pair = || {
        let client = client_builder().certificate(certificate.clone()).offload_signing();
        let mut pair = pair(client, asks_for_certificate());
        pair.run(Chunks::Whole).unwrap();
        pair
    };
    let good = |job: &SignCertificateVerify| {
        let (_, signature) = signed_by_hand("rsa-2056", job.scheme(), job.message());
        signature
    };
    type Change = fn(&mut Vec<u8>);
    let changes: [(&str, Change); 7] = [
        ("a byte less in front", |signature| {
            signature.remove(0);
        }),
        ("a byte less behind", |signature| {
            signature.pop();
        }),
        ("a byte more in front", |signature| signature.insert(0, 0)),
        ("a byte more behind", |signature| signature.push(0)),
        ("another bit", |signature| signature[200] ^= 4),
        ("zeros", |signature| signature.fill(0)),
        ("nothing", Vec::clear),
    ];
    for (case, change) in changes {
        assert_not_sent(pair(), case, |job| {
            let mut changed = good(&job);
            change(&mut changed);
            job.answer(Some(changed))
        });
    }
    // The control: unchanged it is good.
    let mut pair = pair();
    let job = pair.client.signing_job();
    let unchanged = good(&job);
    pair.client.resume(job.answer(Some(unchanged))).unwrap();
    pair.established();
}

#[test]
fn without_a_proof_there_is_no_pause() {
    // The server does not ask.
    let pair = pair(signs_elsewhere(), server_builder()).established();
    assert_eq!(pair.client.events, ["HandshakeComplete"]);

    // It takes none of the client's schemes.
    let mut server = AskingServer::new(signs_elsewhere(), &[]);
    server.ask(&[0x0201, 0x0403, 0x0809].map(SignatureScheme));
    assert!(server.client.events.is_empty());
    let flight = server.hear();
    assert_eq!(flight[0], handshake(CERTIFICATE, &certificate_body(&[])));
    assert_eq!(message_type(&flight[1]), CLIENT_KEY_EXCHANGE);
    assert_eq!(flight[2], record(CHANGE_CIPHER_SPEC, &[1]));

    // The client has no certificate to prove.
    let client = client_builder().offload_signing();
    let server = server_builder().client_auth(ClientAuth::Request(roots().into()));
    let pair = premaster_testing::pair(client, server).established();
    assert_eq!(pair.client.events, ["HandshakeComplete"]);
}

#[test]
fn there_is_nothing_to_sign_when_a_session_is_resumed() {
    let client = Arc::new(signs_elsewhere().build().unwrap());
    let server = Arc::new(asks_for_certificate().build().unwrap());
    let mut first = Pair::new(client.clone(), server.clone(), name());
    first.run(Chunks::Whole).unwrap();
    let answer = answer(&first.client);
    first.client.resume(answer).unwrap();
    first.established();

    for chunks in ALL_CHUNKS {
        let mut pair = Pair::new(client.clone(), server.clone(), name());
        pair.run(chunks).unwrap();
        assert_eq!(pair.client.events, ["HandshakeComplete"]);
        let session = pair.server.connection.session().unwrap();
        assert_eq!(session.resumption(), Resumption::SessionId);
        assert_eq!(session.peer_certificates(), client_certified().chain());
    }
}

/// "a server MAY choose not to send a "CertificateStatus" message" that it announced: what comes in
/// its place is looked at twice, and signed once.
#[test]
fn an_ocsp_response_that_does_not_come_leaves_no_gap_in_what_is_signed() {
    let status_request = (5, &[][..]);
    let signs = |client: ClientConfigBuilder| {
        client.request_ocsp_response().certificate(client_certified()).offload_signing()
    };
    for (client, judged) in [(client_builder(), false), (caller_verifies(), true)] {
        let mut server = AskingServer::new(signs(client), &[status_request]);
        server.ask(&SCHEMES);
        if judged {
            let verdict = answer(&server.client);
            server.client.resume(verdict).unwrap();
        }
        assert_eq!(server.hear().len(), 2);
        let job = server.client.signing_job();
        assert_eq!(job.message(), messages(&server.transcript));
    }
}

#[test]
fn all_pauses_come_in_one_handshake_and_are_answered_in_any_order() {
    use ExtendedMasterSecret::{Off, Required};
    for (extended, policy) in [(false, Off), (true, Required)] {
        for chunks in ALL_CHUNKS {
            for server_first in [false, true] {
                let client = caller_verifies().certificate(client_certified()).offload_signing();
                let server = asks_for_certificate().offload_decryption();
                let mut pair = pair(
                    client.extended_master_secret(policy),
                    server.extended_master_secret(policy),
                );
                pair.run(chunks).unwrap();
                assert_eq!(Pause::of(&pair.client), Some(Pause::Certificate));
                assert_eq!(Pause::of(&pair.server), None);
                let [verdict, late] = [(); 2].map(|()| answer(&pair.client));
                pair.client.resume(verdict).unwrap();

                // The key exchange reaches the server, and its proof is not signed yet.
                pair.run(chunks).unwrap();
                assert_eq!(Pause::of(&pair.client), Some(Pause::Signature));
                assert_eq!(Pause::of(&pair.server), Some(Pause::PreMasterSecret));
                let wrong = Err(Error::from(Misuse::WrongAnswer));
                assert_eq!(pair.client.resume(late), wrong);
                let mut ends = [&mut pair.client, &mut pair.server];
                if server_first {
                    ends.reverse();
                }
                for end in ends {
                    let answer = answer(end);
                    end.resume(answer).unwrap();
                }
                pair.run(chunks).unwrap();
                for end in [&pair.client, &pair.server] {
                    let session = end.connection.session().unwrap();
                    assert_eq!(session.extended_master_secret(), extended);
                }
            }
        }
    }
}

const TIMEOUT: Option<Duration> = Some(Duration::from_secs(20));

/// The handshake goes on until the pause, and no further.
#[track_caller]
fn assert_unanswered(stream: &mut Stream<TcpStream>) {
    for _ in 0..2 {
        for result in [
            stream.complete_handshake(),
            stream.write(b"early").map(drop),
            stream.read(&mut [0]).map(drop),
        ] {
            let error = result.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Other);
            let inner = error.get_ref().unwrap().downcast_ref::<Error>();
            assert_eq!(inner, Some(&Misuse::Paused.into()));
        }
    }
}

#[test]
fn streams_pause_on_both_sides() {
    let client: Arc<ClientConfig> = Arc::new(signs_elsewhere().build().unwrap());
    let server: Arc<ServerConfig> =
        Arc::new(asks_for_certificate().offload_decryption().build().unwrap());
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let transport = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    transport.set_read_timeout(TIMEOUT).unwrap();
    let server = std::thread::spawn(move || {
        let (transport, _) = listener.accept().unwrap();
        transport.set_read_timeout(TIMEOUT).unwrap();
        let mut stream = Stream::server(server, transport);
        assert_unanswered(&mut stream);
        let Some(Pending::DecryptPreMasterSecret(job)) = stream.pending() else {
            panic!("nothing to decrypt");
        };
        let answer = job.decrypt_with_rng(certified(2048).key().unwrap(), rng(5));
        stream.resume(answer).unwrap();
        stream.write_all(b"welcome").unwrap();
    });
    let mut stream = Stream::client(client, name(), transport).unwrap();
    assert_unanswered(&mut stream);
    let Some(Pending::SignCertificateVerify(job)) = stream.pending() else {
        panic!("nothing to sign");
    };
    let answer = job.sign_with_rng(client_certified().key().unwrap(), rng(5));
    stream.resume(answer).unwrap();
    let mut welcome = [0; 7];
    stream.read_exact(&mut welcome).unwrap();
    assert_eq!(&welcome, b"welcome");
    server.join().unwrap();
}
