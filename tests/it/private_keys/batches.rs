//! Pre-master secrets of several connections, decrypted together.

use super::own::{Call, Mood, OwnKey};
use premaster::error::PeerError;
use premaster::private_key::DecryptBatch;
use premaster::protocol::AlertDescription;
use premaster::{Answer, Error, PrivateKey, ServerConfig};
use premaster_testing::pair::{Chunks, Pair};
use premaster_testing::wire::{ALERT, record, said};
use premaster_testing::{certified, client_builder, name, pki, rng, server_builder_with};
use rand_chacha::ChaCha12Rng;
use rsa::BoxedUint;
use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

fn server(bits: usize) -> Arc<ServerConfig> {
    let builder = server_builder_with(certified(bits)).offload_decryption();
    Arc::new(builder.build().unwrap())
}

/// Connections that wait for their pre-master secrets, each with another one.
#[track_caller]
fn paused(server: &Arc<ServerConfig>, count: usize) -> Vec<Pair> {
    let pause = |seed| {
        let client = client_builder().rng(rng(seed)).build().unwrap();
        let mut pair = Pair::new(Arc::new(client), server.clone(), name());
        pair.run(Chunks::Whole).unwrap();
        pair
    };
    let pairs: Vec<_> = (100..).take(count).map(pause).collect();
    let ciphertexts = pairs.iter().map(|pair| pair.server.job().ciphertext().to_vec());
    assert_eq!(ciphertexts.collect::<BTreeSet<_>>().len(), count);
    pairs
}

fn fill(batch: &mut DecryptBatch, pairs: &[Pair]) {
    for pair in pairs {
        batch.push(pair.server.job()).unwrap();
    }
}

/// One answer after the other, each to its own connection.
#[track_caller]
fn assert_complete(pairs: Vec<Pair>, answers: Vec<Answer>) {
    assert_eq!(answers.len(), pairs.len());
    for (mut pair, answer) in pairs.into_iter().zip(answers) {
        pair.server.resume(answer).unwrap();
        pair.established();
    }
}

/// The client's Finished does not verify, and nothing else is said.
#[track_caller]
fn assert_refused(pair: &mut Pair, answer: Answer) {
    let error = Error::from(PeerError::BadRecord);
    assert_eq!(pair.server.resume(answer), Err(error));
    let alert = AlertDescription::BAD_RECORD_MAC.0;
    assert_eq!(said(&mut pair.server), [record(ALERT, &[2, alert])]);
}

/// One batch for all the rounds, and at last more than blinding factors live.
#[test]
fn batches_of_any_size_complete_their_handshakes() {
    let server = server(2048);
    let certified = certified(2048);
    let mut batch = DecryptBatch::new();
    for size in [1, 2, 7, 8, 40] {
        assert!(batch.is_empty());
        assert_eq!((batch.len(), batch.key_id()), (0, None));
        let pairs = paused(&server, size);
        for (index, pair) in pairs.iter().enumerate() {
            batch.push(pair.server.job()).unwrap();
            assert!(!batch.is_empty());
            let expected = (index + 1, Some(certified.key_id()));
            assert_eq!((batch.len(), batch.key_id()), expected);
        }
        let answers = batch.decrypt(certified.key().unwrap(), rng(5));
        assert_complete(pairs, answers);
    }
}

#[test]
fn the_key_is_called_once_for_all() {
    let key = OwnKey::new("rsa-2056", Mood::Good);
    let pairs = paused(&server(2056), 3);
    let mut batch = DecryptBatch::default();
    fill(&mut batch, &pairs);
    let jobs = pairs.iter().map(|pair| pair.server.job());
    let ciphertexts: Vec<u8> = jobs.flat_map(|job| job.ciphertext().to_vec()).collect();
    assert_eq!(ciphertexts.len(), 3 * 257);
    let answers = batch.decrypt(&key, rng(5));
    assert_eq!(key.calls(), [Call::Decrypt(ciphertexts)]);
    assert_complete(pairs, answers);
}

#[test]
fn a_job_for_another_key_goes_into_another_batch() {
    let (mut one, mut other) = (DecryptBatch::new(), DecryptBatch::new());
    let (mut of_one, mut of_other) = (Vec::new(), Vec::new());
    let (server_of_one, server_of_other) = (server(2048), server(3072));
    for _ in 0..2 {
        let pair = paused(&server_of_one, 1).remove(0);
        one.push(pair.server.job()).unwrap();
        of_one.push(pair);

        let pair = paused(&server_of_other, 1).remove(0);
        let ciphertext = pair.server.job().ciphertext().to_vec();
        let job = one.push(pair.server.job()).unwrap_err();
        assert_eq!(job.ciphertext(), ciphertext);
        other.push(job).unwrap();
        of_other.push(pair);
    }
    assert_eq!((one.len(), other.len()), (2, 2));
    for (mut batch, bits, pairs) in [(one, 2048, of_one), (other, 3072, of_other)] {
        assert_eq!(batch.key_id(), Some(certified(bits).key_id()));
        let answers = batch.decrypt(certified(bits).key().unwrap(), rng(5));
        assert_complete(pairs, answers);
    }
}

#[test]
fn an_empty_batch_has_no_answers_and_asks_nobody() {
    let key = OwnKey::new("rsa-2048", Mood::Good);
    let mut batch = DecryptBatch::new();
    for _ in 0..2 {
        assert!(batch.decrypt(&key, rng(5)).is_empty());
    }
    assert_eq!(key.calls(), []);
    let pairs = paused(&server(2048), 1);
    fill(&mut batch, &pairs);
    let answers = batch.decrypt(&key, rng(5));
    assert_complete(pairs, answers);
}

/// The batch is of use again afterwards, for any key.
#[test]
fn a_key_that_fails_fails_every_handshake_in_the_usual_way() {
    let mut batch = DecryptBatch::new();
    for (key, calls) in [
        (OwnKey::new("rsa-2048", Mood::Fails), 1),
        (OwnKey::new("rsa-2048", Mood::Garbage), 1),
        // Not the wanted ones.
        (OwnKey::new("rsa-2048-ca", Mood::Good), 0),
        (OwnKey::new("rsa-3072", Mood::Good), 0),
    ] {
        let mut pairs = paused(&server(2048), 3);
        fill(&mut batch, &pairs);
        let answers = batch.decrypt(&key, rng(5));
        assert_eq!(key.calls().len(), calls);
        assert_eq!((answers.len(), batch.len(), batch.key_id()), (3, 0, None));
        for (pair, answer) in pairs.iter_mut().zip(answers) {
            assert_refused(pair, answer);
        }

        let pairs = paused(&server(3072), 2);
        fill(&mut batch, &pairs);
        let answers = batch.decrypt(certified(3072).key().unwrap(), rng(5));
        assert_complete(pairs, answers);
    }
}

#[test]
fn what_a_key_leaves_out_fails_and_the_others_do_not() {
    let mut pairs = paused(&server(2048), 5);
    let mut batch = DecryptBatch::new();
    fill(&mut batch, &pairs);
    let key = OwnKey::new("rsa-2048", Mood::LeavesOut);
    let answers = batch.decrypt(&key, rng(5));
    for (index, (mut pair, answer)) in pairs.drain(..).zip(answers).enumerate() {
        match index % 2 {
            0 => assert_complete(vec![pair], vec![answer]),
            _ => assert_refused(&mut pair, answer),
        }
    }
}

/// Somebody who waits no longer does not hold up the others.
#[test]
fn connections_may_end_while_their_jobs_are_in_a_batch() {
    let mut pairs = paused(&server(2048), 3);
    let mut batch = DecryptBatch::new();
    fill(&mut batch, &pairs);
    pairs[1].server.close();
    let key = certified(2048);
    let mut answers = batch.decrypt(key.key().unwrap(), rng(5));
    let (mut closed, late) = (pairs.remove(1), answers.remove(1));
    let closed = closed.server.resume(late);
    assert_eq!(closed, Err(premaster::error::Misuse::Closed.into()));
    assert_complete(pairs, answers);
}

#[test]
fn batches_travel_to_other_threads() {
    #[track_caller]
    fn assert_send<T: Send + 'static>(_: &T) {}
    let pairs = paused(&server(2048), 2);
    let mut batch = DecryptBatch::new();
    assert_send(&batch);
    fill(&mut batch, &pairs);
    let key: Arc<dyn PrivateKey> = certified(2048).key().unwrap().clone();
    let work = move || batch.decrypt(&key, rng(5));
    assert_complete(pairs, std::thread::spawn(work).join().unwrap());
}

#[test]
fn what_was_decrypted_does_not_print() {
    let pairs = paused(&server(2048), 1);
    let mut batch = DecryptBatch::new();
    fill(&mut batch, &pairs);
    let ciphertext = pairs[0].server.job().ciphertext().to_vec();
    let number = BoxedUint::from_be_slice(&ciphertext, 2048).unwrap();
    let none = None::<&mut ChaCha12Rng>;
    let raw = rsa::hazmat::rsa_decrypt(none, &pki::key("rsa-2048"), &number).unwrap();
    let as_list = format!("{:?}", &raw.to_be_bytes()[248..]);
    let needle = as_list.trim_matches(['[', ']']);
    let answers = batch.decrypt(certified(2048).key().unwrap(), rng(5));
    for printed in [format!("{batch:?}"), format!("{answers:?}")] {
        assert!(!printed.contains(needle), "{printed}");
    }
    assert!(format!("{answers:?}").contains("[redacted]"));
}

/// After a panic that is caught, the jobs are still there.
#[test]
fn a_key_that_panics_leaves_the_batch_as_it_was() {
    let (certified, pairs) = (certified(2048), paused(&server(2048), 2));
    let key = certified.key().unwrap();
    let mut batch = DecryptBatch::new();
    fill(&mut batch, &pairs);
    let panicking = OwnKey::new("rsa-2048", Mood::Panics);
    let call = AssertUnwindSafe(|| batch.decrypt(&panicking, rng(1)));
    assert!(catch_unwind(call).is_err());
    assert_eq!((batch.len(), batch.key_id()), (2, Some(key.key_id())));
    assert_complete(pairs, batch.decrypt(key, rng(1)));
}
