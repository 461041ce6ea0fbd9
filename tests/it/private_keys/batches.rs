//! Pre-master secrets of several connections, decrypted together.

use super::own::{Call, Mood, OwnKey};
use premaster::error::PeerError;
use premaster::private_key::DecryptBatch;
use premaster::protocol::AlertDescription;
use premaster::{Answer, CertifiedKey, Error, KeyId, PrivateKey, ServerConfig};
use premaster_testing::pair::{Chunks, Pair};
use premaster_testing::wire::{ALERT, record, said};
use premaster_testing::{certified, client_builder, name, pki, rng, server_builder_with};
use rand_chacha::ChaCha12Rng;
use rsa::BoxedUint;
use std::collections::{BTreeMap, BTreeSet};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

type Batch = DecryptBatch<Pair>;

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

/// The jobs of paused connections; the connection is the tag.
fn fill(batch: &mut Batch, pairs: Vec<Pair>) {
    for pair in pairs {
        batch.push(pair.server.job(), pair);
    }
}

#[track_caller]
fn assert_complete(answers: Vec<(Pair, Answer)>) {
    for (mut pair, answer) in answers {
        pair.server.resume(answer).unwrap();
        pair.established();
    }
}

/// The client's Finished does not verify, and nothing else is said.
#[track_caller]
fn assert_refused(answers: Vec<(Pair, Answer)>) {
    for (mut pair, answer) in answers {
        let error = Error::from(PeerError::BadRecord);
        assert_eq!(pair.server.resume(answer), Err(error));
        let alert = AlertDescription::BAD_RECORD_MAC.0;
        assert_eq!(said(&mut pair.server), [record(ALERT, &[2, alert])]);
    }
}

fn key_of(certified: &CertifiedKey) -> &dyn PrivateKey {
    certified.key().unwrap()
}

/// One batch for all the rounds, and at last more than blinding factors live.
#[test]
fn batches_of_any_size_complete_their_handshakes() {
    let server = server(2048);
    let certified = certified(2048);
    let mut batch = Batch::new();
    for size in [1, 2, 7, 8, 40] {
        assert!(batch.is_empty());
        assert_eq!((batch.len(), batch.jobs().count()), (0, 0));
        let pairs = paused(&server, size);
        let ciphertexts = pairs.iter().map(|pair| pair.server.job().ciphertext().to_vec());
        let ciphertexts: Vec<_> = ciphertexts.collect();
        fill(&mut batch, pairs);
        assert_eq!((batch.len(), batch.is_empty()), (size, false));
        for ((job, pair), ciphertext) in batch.jobs().zip(ciphertexts) {
            assert_eq!(job.ciphertext(), ciphertext);
            assert_eq!(pair.server.job().ciphertext(), ciphertext);
        }
        let answers = batch.decrypt_with_rng(|_| Some(key_of(&certified)), rng(5));
        assert_eq!(answers.len(), size);
        assert_complete(answers);
    }
}

#[test]
fn the_key_is_called_once_for_all() {
    let key = OwnKey::new("rsa-2056", Mood::Good);
    let pairs = paused(&server(2056), 3);
    let jobs = pairs.iter().map(|pair| pair.server.job());
    let ciphertexts: Vec<u8> = jobs.flat_map(|job| job.ciphertext().to_vec()).collect();
    assert_eq!(ciphertexts.len(), 3 * 257);
    let mut batch = Batch::default();
    fill(&mut batch, pairs);
    let answers = batch.decrypt_with_rng(|_| Some(&key), rng(5));
    assert_eq!(key.calls(), [Call::Decrypt(ciphertexts)]);
    assert_complete(answers);
}

/// Of all kinds: in this process, elsewhere, failing, and unknown.
#[test]
fn a_batch_holds_the_jobs_of_several_keys() {
    let mut batch = DecryptBatch::new();
    let servers = [2048, 2056, 3072, 4096].map(|bits| (bits, server(bits)));
    for _ in 0..2 {
        for (bits, server) in &servers {
            let pair = paused(server, 1).remove(0);
            batch.push(pair.server.job(), (*bits, pair));
        }
    }
    let elsewhere = OwnKey::new("rsa-2056", Mood::Good);
    let failing = OwnKey::new("rsa-4096", Mood::Fails);
    let keys: [Arc<dyn PrivateKey>; 3] = [
        certified(2048).key().unwrap().clone(),
        elsewhere.clone(),
        failing.clone(),
    ];
    let keys: BTreeMap<_, _> = keys.into_iter().map(|key| (key.key_id(), key)).collect();
    let mut asked = Vec::<KeyId>::new();
    let key_of = |id| {
        asked.push(id);
        keys.get(&id).map(Arc::as_ref)
    };
    let answers = batch.decrypt_with_rng(key_of, rng(5));
    asked.sort_unstable();
    let mut all = servers.each_ref().map(|(bits, _)| certified(*bits).key_id());
    all.sort_unstable();
    assert_eq!(asked, all);
    assert_eq!((elsewhere.calls().len(), failing.calls().len()), (1, 1));
    let order: Vec<_> = answers.iter().map(|((bits, _), _)| *bits).collect();
    assert_eq!(order, [2048, 2056, 3072, 4096].repeat(2));
    for ((bits, pair), answer) in answers {
        match bits {
            2048 | 2056 => assert_complete(vec![(pair, answer)]),
            _ => assert_refused(vec![(pair, answer)]),
        }
    }
}

#[test]
fn keys_of_this_process_are_right_together() {
    let lengths = [2048, 2056, 3072];
    let certified = lengths.map(certified);
    let mut batch = Batch::new();
    for (bits, count) in lengths.into_iter().zip([3, 1, 2]) {
        fill(&mut batch, paused(&server(bits), count));
    }
    let key_of = |id| {
        let certified = certified.iter().find(|certified| certified.key_id() == id)?;
        certified.key().map(Arc::as_ref)
    };
    let answers = batch.decrypt_with_rng(key_of, rng(5));
    assert_eq!(answers.len(), 6);
    assert_complete(answers);
}

#[test]
fn an_empty_batch_has_no_answers_and_asks_nobody() {
    let key = OwnKey::new("rsa-2048", Mood::Good);
    let mut batch = Batch::new();
    for _ in 0..2 {
        assert!(batch.decrypt_with_rng(|_| unreachable!(), rng(5)).is_empty());
    }
    fill(&mut batch, paused(&server(2048), 1));
    assert_complete(batch.decrypt_with_rng(|_| Some(&key), rng(5)));
}

/// The batch is of use again afterwards, for any key.
#[test]
fn a_key_that_fails_fails_every_handshake_in_the_usual_way() {
    let mut batch = Batch::new();
    let usable = certified(3072);
    for (key, calls) in [
        (OwnKey::new("rsa-2048", Mood::Fails), 1),
        (OwnKey::new("rsa-2048", Mood::Garbage), 1),
        // Not the wanted ones.
        (OwnKey::new("rsa-2048-ca", Mood::Good), 0),
        (OwnKey::new("rsa-3072", Mood::Good), 0),
    ] {
        fill(&mut batch, paused(&server(2048), 3));
        let answers = batch.decrypt_with_rng(|_| Some(&key), rng(5));
        assert_eq!(key.calls().len(), calls);
        assert_eq!((answers.len(), batch.len()), (3, 0));
        assert_refused(answers);

        fill(&mut batch, paused(&server(3072), 2));
        assert_complete(batch.decrypt_with_rng(|_| Some(key_of(&usable)), rng(5)));
    }
    // In this process, too.
    fill(&mut batch, paused(&server(2048), 1));
    assert_refused(batch.decrypt_with_rng(|_| Some(key_of(&usable)), rng(5)));
    fill(&mut batch, paused(&server(2048), 1));
    assert_refused(batch.decrypt_with_rng(|_| None, rng(5)));
}

#[test]
fn what_a_key_leaves_out_fails_and_the_others_do_not() {
    let mut batch = Batch::new();
    fill(&mut batch, paused(&server(2048), 5));
    let key = OwnKey::new("rsa-2048", Mood::LeavesOut);
    let answers = batch.decrypt_with_rng(|_| Some(&key), rng(5));
    for (index, answer) in answers.into_iter().enumerate() {
        match index % 2 {
            0 => assert_complete(vec![answer]),
            _ => assert_refused(vec![answer]),
        }
    }
}

/// Somebody who waits no longer does not hold up the others.
#[test]
fn connections_may_end_while_their_jobs_are_in_a_batch() {
    let mut pairs = paused(&server(2048), 3);
    let mut batch = DecryptBatch::new();
    for (index, pair) in pairs.iter().enumerate() {
        batch.push(pair.server.job(), index);
    }
    pairs[1].server.close();
    let key = certified(2048);
    for (index, answer) in batch.decrypt_with_rng(|_| Some(key_of(&key)), rng(5)) {
        let resumed = pairs[index].server.resume(answer);
        let closed = Err(premaster::error::Misuse::Closed.into());
        assert_eq!(resumed, if index == 1 { closed } else { Ok(()) });
    }
    pairs.remove(1);
    pairs.into_iter().for_each(|pair| drop(pair.established()));
}

#[test]
fn batches_travel_to_other_threads() {
    #[track_caller]
    fn assert_send<T: Send + 'static>(_: &T) {}
    let mut batch = Batch::new();
    assert_send(&batch);
    fill(&mut batch, paused(&server(2048), 2));
    let key: Arc<dyn PrivateKey> = certified(2048).key().unwrap().clone();
    let work = move || batch.decrypt_with_rng(|_| Some(&key), rng(5));
    assert_complete(std::thread::spawn(work).join().unwrap());
}

#[test]
fn what_was_decrypted_does_not_print() {
    let mut batch = DecryptBatch::new();
    let pair = paused(&server(2048), 1).remove(0);
    batch.push(pair.server.job(), "a tag");
    let ciphertext = pair.server.job().ciphertext().to_vec();
    let number = BoxedUint::from_be_slice(&ciphertext, 2048).unwrap();
    let none = None::<&mut ChaCha12Rng>;
    let raw = rsa::hazmat::rsa_decrypt(none, &pki::key("rsa-2048"), &number).unwrap();
    let as_list = format!("{:?}", &raw.to_be_bytes()[248..]);
    let needle = as_list.trim_matches(['[', ']']);
    let key = certified(2048);
    let answers = batch.decrypt_with_rng(|_| Some(key_of(&key)), rng(5));
    for printed in [format!("{batch:?}"), format!("{answers:?}")] {
        assert!(!printed.contains(needle), "{printed}");
    }
    let printed = format!("{answers:?}");
    assert!(
        printed.contains("[redacted]") && printed.contains("a tag"),
        "{printed}"
    );
}

/// After a panic that is caught, the jobs are still there.
#[test]
fn a_key_that_panics_leaves_the_batch_as_it_was() {
    let certified = certified(2048);
    let mut batch = Batch::new();
    fill(&mut batch, paused(&server(2048), 2));
    let panicking = OwnKey::new("rsa-2048", Mood::Panics);
    let call = AssertUnwindSafe(|| batch.decrypt_with_rng(|_| Some(&panicking), rng(1)));
    assert!(catch_unwind(call).is_err());
    assert_eq!(batch.len(), 2);
    assert_complete(batch.decrypt_with_rng(|_| Some(key_of(&certified)), rng(1)));
}
