//! The two pauses: a certificate that the caller judges, a pre-master secret that is decrypted
//! elsewhere.

mod common;

use common::pair::{ALL_CHUNKS, Chunks, Pair};
use common::{NAME, certified, client_builder, now, pair, rng, roots, server_builder};
use premaster::{
    Answer, CertificateError, ClientConfig, ClientConfigBuilder, DecryptPreMasterSecret, Error,
    Misuse, Pending, Verified,
};

fn caller_verifies() -> ClientConfigBuilder {
    ClientConfig::builder_with_caller_verification()
        .random(rng(1))
        .time(now)
}

fn job(pair: &Pair) -> DecryptPreMasterSecret {
    match pair.server.connection.pending() {
        Some(Pending::DecryptPreMasterSecret(job)) => job,
        other => panic!("{other:?}"),
    }
}

fn resume_server(pair: &mut Pair, answer: Answer) -> Result<(), Error> {
    let server = &mut pair.server;
    server.connection.resume(answer, &mut server.outgoing)?;
    server.take(&[])
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

        let Some(Pending::VerifyCertificate(pending)) = client.connection.pending() else {
            panic!("nothing pending");
        };
        assert_eq!(pending.server_name().to_str(), NAME);
        assert_eq!(pending.chain(), certified(2048).chain());
        let verdict = pending.verify(&roots(), now());
        client
            .connection
            .resume(Answer::certificate(verdict), &mut client.outgoing)
            .unwrap();
        client.take(&[]).unwrap();
        pair.run(chunks).unwrap();
        assert!(pair.server.connection.session().is_some());
        assert!(pair.client.connection.session().is_some());
    }
}

#[test]
fn the_caller_may_vouch_or_refuse() {
    let mut vouched = pair(caller_verifies(), server_builder());
    vouched.run(Chunks::Whole).unwrap();
    let client = &mut vouched.client;
    let verdict = Ok(Verified::dangerous_on_my_own_authority());
    client
        .connection
        .resume(Answer::certificate(verdict), &mut client.outgoing)
        .unwrap();
    client.take(&[]).unwrap();
    vouched.established();

    let mut refused = pair(caller_verifies(), server_builder());
    refused.run(Chunks::Whole).unwrap();
    let client = &mut refused.client;
    let error = Error::from(CertificateError::Refused);
    assert_eq!(
        client.connection.resume(
            Answer::certificate(Err(CertificateError::Refused)),
            &mut client.outgoing
        ),
        Err(error.clone())
    );
    let alert = std::mem::take(&mut client.outgoing);
    assert_eq!(
        refused.server.take(&alert),
        Err(Error::AlertReceived(error.alert().unwrap()))
    );
}

#[test]
fn the_pre_master_secret_is_decrypted_elsewhere() {
    for chunks in ALL_CHUNKS {
        let mut pair = pair(client_builder(), server_builder().offload_decryption());
        pair.run(chunks).unwrap();
        assert_eq!(pair.server.events.last().unwrap(), "Paused");
        let waiting = pair.server.incoming.clone();
        pair.server.take(&[]).unwrap();
        assert_eq!(pair.server.incoming, waiting);

        let job = job(&pair);
        let answer = std::thread::spawn(move || job.decrypt(certified(2048).key(), rng(5)))
            .join()
            .unwrap();
        resume_server(&mut pair, answer).unwrap();
        pair.run(chunks).unwrap();
        assert!(pair.client.connection.session().is_some());
    }
}

#[test]
fn a_raw_result_from_outside_does_as_well_and_a_failure_looks_like_a_bad_secret() {
    let key = common::pki::key("rsa-2048");
    let raw = |job: &DecryptPreMasterSecret| {
        let ciphertext = rsa::BoxedUint::from_be_slice(job.ciphertext(), 2048).unwrap();
        let none = None::<&mut rand_chacha::ChaCha12Rng>;
        let plaintext = rsa::hazmat::rsa_decrypt(none, &key, &ciphertext).unwrap();
        plaintext.to_be_bytes().to_vec()
    };
    for (result, good) in [
        ("raw", true),
        ("short", false),
        ("long", false),
        ("none", false),
    ] {
        let mut pair = pair(client_builder(), server_builder().offload_decryption());
        pair.run(Chunks::Whole).unwrap();
        let job = job(&pair);
        let raw = raw(&job);
        let answer = job.answer(match result {
            "raw" => Some(raw),
            "short" => Some(raw[208..].to_vec()),
            "long" => Some([&[0][..], &raw].concat()),
            _ => None,
        });
        let resumed = resume_server(&mut pair, answer);
        match good {
            true => assert_eq!(resumed, Ok(())),
            false => assert_eq!(
                resumed,
                Err(premaster::PeerError::BadRecord.into()),
                "{result}"
            ),
        }
    }
}

#[test]
fn an_answer_fits_only_its_own_question() {
    let pause = || {
        let mut pair = pair(client_builder(), server_builder().offload_decryption());
        pair.run(Chunks::Whole).unwrap();
        pair
    };
    let (mut one, other) = (pause(), pause());
    let wrong = Err(Error::from(Misuse::WrongAnswer));
    let verdict = Answer::certificate(Ok(Verified::dangerous_on_my_own_authority()));
    assert_eq!(resume_server(&mut one, verdict), wrong);
    assert_eq!(resume_server(&mut one, job(&other).answer(None)), wrong);

    // The right one is still welcome, once.
    let answer = |job: DecryptPreMasterSecret| job.decrypt(certified(2048).key(), rng(5));
    let (first, again) = (answer(job(&one)), answer(job(&one)));
    resume_server(&mut one, first).unwrap();
    assert_eq!(
        resume_server(&mut one, again),
        Err(Misuse::NothingPending.into())
    );
    one.established();
}
