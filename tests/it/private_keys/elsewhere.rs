//! Keys that are only where the pauses are answered, and keys that are not the wanted ones.

use super::own::{Call, Mood, OwnKey};
use premaster::error::{LocalError, PeerError};
use premaster::private_key::DecryptBatch;
use premaster::rand_core::Rng;
use premaster::{
    CertifiedKey, ClientAuth, ClientConfigBuilder, Error, PrivateKey, ServerConfigBuilder,
};
use premaster_testing::pair::Chunks;
use premaster_testing::{
    Pair, certified, client_builder, client_certified, pair, rng, roots, server_builder,
    server_builder_with,
};
use std::sync::Arc;

fn keyless(certified: &CertifiedKey) -> Arc<CertifiedKey> {
    let chain = certified.chain().to_vec();
    Arc::new(CertifiedKey::without_key(chain).unwrap())
}

fn keyless_server() -> ServerConfigBuilder {
    server_builder_with(keyless(&certified(2048))).offload_decryption()
}

fn keyless_client() -> ClientConfigBuilder {
    let certificate = keyless(&client_certified());
    client_builder().certificate(certificate).offload_signing()
}

/// A server that waits for its pre-master secret.
fn paused_server() -> Pair {
    let mut pair = pair(client_builder(), keyless_server());
    pair.run(Chunks::Whole).unwrap();
    pair
}

/// A client that waits for its signature.
fn paused_client() -> Pair {
    let server = server_builder().client_auth(ClientAuth::Require(roots().into()));
    let mut pair = pair(keyless_client(), server);
    pair.run(Chunks::Whole).unwrap();
    pair
}

#[test]
fn without_keys_both_sides_do_what_their_pauses_allow() {
    let client_key = OwnKey::new("rsa-2048-client", Mood::Good);
    let server_key = OwnKey::new("rsa-2048", Mood::Good);
    let server = keyless_server().client_auth(ClientAuth::Require(roots().into()));
    let mut pair = pair(keyless_client(), server);
    pair.run(Chunks::Whole).unwrap();

    let job = pair.client.signing_job();
    let asked = Call::Sign(job.scheme(), job.message().to_vec());
    pair.client.resume(job.sign_with_rng(&client_key, rng(5))).unwrap();
    assert_eq!(client_key.calls(), [asked]);
    pair.run(Chunks::Whole).unwrap();

    let job = pair.server.job();
    let asked = Call::Decrypt(job.ciphertext().to_vec());
    pair.server.resume(job.decrypt_with_rng(&server_key, rng(5))).unwrap();
    assert_eq!(server_key.calls(), [asked]);
    pair.established();
}

/// With a key in the configuration it pauses too, and the key is not used.
#[test]
fn a_configured_key_is_not_used_where_its_work_is_done_elsewhere() {
    let (client_key, server_key) = (
        OwnKey::new("rsa-2048-client", Mood::Good),
        OwnKey::new("rsa-2048", Mood::Good),
    );
    let with_key = |certified: Arc<CertifiedKey>, key: &Arc<OwnKey>| {
        let chain = certified.chain().to_vec();
        Arc::new(CertifiedKey::with_key(chain, key.clone()).unwrap())
    };
    let client =
        client_builder().certificate(with_key(client_certified(), &client_key)).offload_signing();
    let server = server_builder_with(with_key(certified(2048), &server_key))
        .client_auth(ClientAuth::Require(roots().into()))
        .offload_decryption();
    let mut pair = pair(client, server);
    pair.run(Chunks::Whole).unwrap();
    let answer = pair.client.signing_job().sign_with_rng(client_certified().key().unwrap(), rng(5));
    pair.client.resume(answer).unwrap();
    pair.run(Chunks::Whole).unwrap();
    let answer = pair.server.job().decrypt_with_rng(certified(2048).key().unwrap(), rng(5));
    pair.server.resume(answer).unwrap();
    pair.established();
    assert_eq!((client_key.calls(), server_key.calls()), (vec![], vec![]));
}

#[test]
fn a_key_that_is_not_wanted_is_not_asked() {
    // Of the same length and of another.
    for name in ["rsa-2048-ca", "rsa-3072"] {
        let key = OwnKey::new(name, Mood::Good);
        let mut pair = paused_server();
        let job = pair.server.job();
        assert_ne!(job.key_id(), key.key_id());
        let resumed = pair.server.resume(job.decrypt_with_rng(&key, rng(5)));
        assert_eq!(resumed, Err(PeerError::BadRecord.into()));

        let mut pair = paused_client();
        let job = pair.client.signing_job();
        let resumed = pair.client.resume(job.sign_with_rng(&key, rng(5)));
        assert_eq!(resumed, Err(LocalError::Signing.into()));
        assert_eq!(key.calls(), []);
    }
}

#[test]
fn a_key_that_fails_at_a_pause_fails_as_it_does_inline() {
    for mood in [Mood::Fails, Mood::Garbage] {
        let mut pair = paused_server();
        let key = OwnKey::new("rsa-2048", mood);
        let answer = pair.server.job().decrypt_with_rng(&key, rng(5));
        let expected = Error::from(PeerError::BadRecord);
        assert_eq!(pair.server.resume(answer), Err(expected));
        assert_eq!(key.calls().len(), 1);

        let mut pair = paused_client();
        let key = OwnKey::new("rsa-2048-client", mood);
        let answer = pair.client.signing_job().sign_with_rng(&key, rng(5));
        let expected = Error::from(LocalError::Signing);
        assert_eq!(pair.client.resume(answer), Err(expected));
        assert_eq!(key.calls().len(), 1);
    }
}

#[test]
fn a_key_at_a_pause_draws_from_the_callers_randomness() {
    let mut first = [0; 16];
    rng(5).fill_bytes(&mut first);
    let key = OwnKey::new("rsa-2048", Mood::Good);
    let _ = paused_server().server.job().decrypt_with_rng(&key, rng(5));
    let mut batch = DecryptBatch::new();
    batch.push(paused_server().server.job(), ());
    let _ = batch.decrypt_with_rng(|_| Some(&key), rng(5));
    assert_eq!(key.drawn(), [first, first]);
    let key = OwnKey::new("rsa-2048-client", Mood::Good);
    let _ = paused_client().client.signing_job().sign_with_rng(&key, rng(5));
    assert_eq!(key.drawn(), [first]);
}

/// Without a generator of the caller's: the keys draw from the operating system.
#[cfg(feature = "getrandom")]
#[test]
fn jobs_draw_from_the_operating_system() {
    let mut pair = paused_server();
    let answer = pair.server.job().decrypt(certified(2048).key().unwrap());
    pair.server.resume(answer).unwrap();
    pair.run(Chunks::Whole).unwrap();
    assert!(pair.client.connection.session().is_some());

    let mut pair = paused_server();
    let mut batch = DecryptBatch::new();
    batch.push(pair.server.job(), ());
    let certified = certified(2048);
    let key = certified.key().unwrap();
    for ((), answer) in batch.decrypt(|_| Some(&**key)) {
        pair.server.resume(answer).unwrap();
    }
    pair.run(Chunks::Whole).unwrap();
    assert!(pair.client.connection.session().is_some());

    let mut pair = paused_client();
    let answer = pair.client.signing_job().sign(client_certified().key().unwrap());
    pair.client.resume(answer).unwrap();
    pair.run(Chunks::Whole).unwrap();
    assert!(pair.server.connection.session().is_some());
    // A key that is not the required one gives no signature.
    let mut pair = paused_client();
    let answer = pair.client.signing_job().sign(key);
    assert_eq!(pair.client.resume(answer), Err(LocalError::Signing.into()));
}
