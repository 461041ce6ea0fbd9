//! The two pauses: a certificate that the caller judges, a pre-master secret that is decrypted
//! elsewhere.

mod common;

use common::pair::{ALL_CHUNKS, Chunks};
use common::{
    NAME, certified, client_builder, now, pair, pki, rng, roots, server_builder,
    server_builder_with,
};
use premaster::{
    CertificateError, CertifiedKey, ClientConfig, ClientConfigBuilder, DecryptPreMasterSecret,
    Error, Misuse, Verified,
};
use std::sync::Arc;
use x509_cert::ext::pkix::KeyUsages;

fn caller_verifies() -> ClientConfigBuilder {
    ClientConfig::builder_with_caller_verification()
        .random(rng(1))
        .time(now)
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
        let answer = pending.answer(pending.verify(&roots(), now()));
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
    let answer = vouched
        .client
        .question()
        .answer(Ok(Verified::dangerous_on_my_own_authority()));
    vouched.client.resume(answer).unwrap();
    vouched.established();

    let mut refused = pair(caller_verifies(), server_builder());
    refused.run(Chunks::Whole).unwrap();
    let error = Error::from(CertificateError::Refused);
    let answer = refused
        .client
        .question()
        .answer(Err(CertificateError::Refused));
    assert_eq!(refused.client.resume(answer), Err(error.clone()));
    let alert = std::mem::take(&mut refused.client.outgoing);
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

        let job = pair.server.job();
        let answer =
            std::thread::spawn(move || job.decrypt(certified(2048).key().unwrap(), rng(5)))
                .join()
                .unwrap();
        pair.server.resume(answer).unwrap();
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
        let job = pair.server.job();
        let raw = raw(&job);
        let answer = job.answer(match result {
            "raw" => Some(raw),
            "short" => Some(raw[208..].to_vec()),
            "long" => Some([&[0][..], &raw].concat()),
            _ => None,
        });
        let resumed = pair.server.resume(answer);
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
    assert_eq!(one.server.resume(other.server.job().answer(None)), wrong);

    // The right one is still welcome, once.
    let answer = |job: DecryptPreMasterSecret| job.decrypt(certified(2048).key().unwrap(), rng(5));
    let (first, again) = (answer(one.server.job()), answer(one.server.job()));
    one.server.resume(first).unwrap();
    assert_eq!(one.server.resume(again), Err(Misuse::NothingPending.into()));
    one.established();
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
    let verdict = || other.client.question().verify(&roots(), now());
    let answer = other.client.question().answer(verdict());
    assert_eq!(one.client.resume(answer), wrong);
    let answer = one.client.question().answer(verdict());
    assert_eq!(one.client.resume(answer), wrong);

    let answer = one
        .client
        .question()
        .answer(one.client.question().verify(&roots(), now()));
    one.client.resume(answer).unwrap();
    one.established();
}

/// Whoever vouches for a peer does not vouch for a key that must not encrypt.
#[test]
fn a_certificate_that_is_vouched_for_must_still_serve() {
    let key = pki::key("rsa-2048");
    let mut signs_only = pki::server(&key);
    signs_only.key_usage = Some(KeyUsages::DigitalSignature.into());
    let server = server_builder_with(signs_only.certified(&key));
    let mut pair = pair(caller_verifies(), server);
    pair.run(Chunks::Whole).unwrap();
    let answer = pair
        .client
        .question()
        .answer(Ok(Verified::dangerous_on_my_own_authority()));
    let wanted = "keyEncipherment";
    assert_eq!(
        pair.client.resume(answer),
        Err(CertificateError::KeyUsage { wanted }.into())
    );
}

/// A chain that is too long reaches nobody's judgement.
#[test]
fn long_chains_are_not_handed_out() {
    let certificate = certified(2048).chain()[0].clone();
    let chain = vec![certificate; 11];
    let key = pki::private_key(&pki::key("rsa-2048"));
    let long = Arc::new(CertifiedKey::from_der(chain, &key).unwrap());
    let mut pair = pair(caller_verifies(), server_builder_with(long));
    assert_eq!(
        pair.run(Chunks::Whole),
        Err(CertificateError::TooComplex.into())
    );
}

#[test]
fn a_pause_ends_with_its_connection() {
    let mut pair = pair(client_builder(), server_builder().offload_decryption());
    pair.run(Chunks::Whole).unwrap();
    let job = pair.server.job();
    pair.server.close();
    assert!(pair.server.connection.pending().is_none());
    assert_eq!(
        pair.server.resume(job.answer(None)),
        Err(Misuse::Closed.into())
    );
}
