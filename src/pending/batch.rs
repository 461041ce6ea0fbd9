//! Decryption jobs of several connections, and of several keys, as one.

use super::{Answer, AnswerKind, DecryptPreMasterSecret};
use crate::crypto::key_id::{KeyId, KeyRng, key_rng};
use crate::crypto::private_key::{PrivateKey, RawDecryption};
#[cfg(feature = "getrandom")]
use crate::crypto::rng::{SystemRandom, drawing};
use crate::crypto::rsa::{Decryption, decrypt_together};
use crate::error::KeyError;
use rand_core::TryCryptoRng;
use std::collections::BTreeMap;
use zeroize::Zeroizing;

/// A batch of pre-master secrets from several connections, to be decrypted together.
///
/// Each job has a tag, which returns with its answer: whatever the caller needs to find the
/// connection again. The jobs may be for several keys.
///
/// A batch costs less than its jobs one by one with an [`RsaKey`](crate::RsaKey) on a processor with
/// AVX-512, and with keys elsewhere that gain from batches: accelerators, HSMs, and machines a round
/// trip away. **A batch of any size costs an `RsaKey` no more for each job than a job alone, so no
/// timer is needed:** a thread takes what is waiting and decrypts that; what arrives meanwhile is
/// the next batch. Eight jobs gain no less than any larger number.
///
/// ```
/// use premaster::private_key::{DecryptBatch, DecryptPreMasterSecret};
/// use premaster::{Answer, PrivateKey};
/// use std::sync::mpsc::{Receiver, Sender};
///
/// /// Decrypts for all connections. Each job comes with the channel of its connection.
/// fn decrypt_all(jobs: &Receiver<(DecryptPreMasterSecret, Sender<Answer>)>, key: &dyn PrivateKey) {
///     let mut batch = DecryptBatch::new();
///     while let Ok((job, connection)) = jobs.recv() {
///         batch.push(job, connection);
///         for (job, connection) in jobs.try_iter().take(7) {
///             batch.push(job, connection);
///         }
///         for (connection, answer) in batch.decrypt(|_| Some(key)) {
///             // A connection that has ended does not wait any more.
///             let _ = connection.send(answer);
///         }
///     }
/// }
/// ```
///
/// A batch can be filled again after each use, and keeps its memory. It holds no secret.
#[derive(Debug)]
pub struct DecryptBatch<T = ()> {
    jobs: Vec<(DecryptPreMasterSecret, T)>,
}

impl<T> Default for DecryptBatch<T> {
    fn default() -> Self {
        Self { jobs: Vec::new() }
    }
}

impl<T> DecryptBatch<T> {
    /// Creates an empty batch.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a job, for any key, and the tag that returns with its answer.
    pub fn push(&mut self, job: DecryptPreMasterSecret, tag: T) {
        self.jobs.push((job, tag));
    }

    /// Returns the number of jobs.
    #[must_use]
    pub fn len(&self) -> usize {
        self.jobs.len()
    }

    /// Returns true if the batch holds no jobs.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.jobs.is_empty()
    }

    /// Returns the jobs with their tags, in the order in which they were added.
    pub fn jobs(&self) -> impl Iterator<Item = &(DecryptPreMasterSecret, T)> {
        self.jobs.iter()
    }

    /// Decrypts all jobs, empties the batch, and returns the answers with their tags, in the order
    /// in which the jobs were added. The operating system's randomness is used for blinding.
    ///
    /// `keys` returns the key for an identifier and is called once for each that the jobs require.
    /// With one key, `|_| Some(&key)` will do, because a key that is not the required one is not
    /// used. The jobs of all [`RsaKey`](crate::RsaKey)s are decrypted together; any other key is
    /// called once, with all its ciphertexts.
    ///
    /// If there is no key, or it fails, the answer is as [`DecryptPreMasterSecret::answer`] with
    /// `None`: the handshake goes on, and fails at the client's Finished. What others of the batch
    /// sent makes no difference to an answer.
    ///
    /// ```
    /// use premaster::private_key::DecryptBatch;
    /// use premaster::{Answer, KeyId, PrivateKey};
    /// use std::collections::BTreeMap;
    /// use std::sync::Arc;
    ///
    /// /// A connection is known by its number here.
    /// fn answers(
    ///     batch: &mut DecryptBatch<u64>,
    ///     keys: &BTreeMap<KeyId, Arc<dyn PrivateKey>>,
    /// ) -> Vec<(u64, Answer)> {
    ///     batch.decrypt(|id| keys.get(&id).map(Arc::as_ref))
    /// }
    /// ```
    #[cfg(feature = "getrandom")]
    #[must_use]
    pub fn decrypt<'k>(
        &mut self,
        keys: impl FnMut(KeyId) -> Option<&'k dyn PrivateKey>,
    ) -> Vec<(T, Answer)> {
        self.decrypt_with_rng(keys, drawing(&SystemRandom))
    }

    /// Decrypts all jobs, with blinding from `rng`; otherwise like `decrypt`, which requires the
    /// feature `getrandom`.
    #[must_use]
    pub fn decrypt_with_rng<'k>(
        &mut self,
        keys: impl FnMut(KeyId) -> Option<&'k dyn PrivateKey>,
        rng: impl TryCryptoRng,
    ) -> Vec<(T, Answer)> {
        let mut integers: Vec<_> = self
            .jobs
            .iter()
            .map(|(job, _)| Zeroizing::new(vec![0; job.ciphertext.len()]))
            .collect();
        let jobs = self.jobs.iter().map(|(job, _)| job).zip(&mut integers);
        decrypt(by_key(jobs), keys, &mut key_rng(rng));
        self.jobs
            .drain(..)
            .zip(integers)
            .map(|((job, tag), integer)| {
                let raw = RawDecryption(integer);
                let answer = AnswerKind::PreMasterSecret { id: job.id, raw };
                (tag, Answer(answer))
            })
            .collect()
    }
}

/// A ciphertext, and where its result goes, which is zero.
type Job<'a> = (&'a [u8], &'a mut [u8]);

/// The jobs of each key, in their order.
fn by_key<'a>(
    jobs: impl Iterator<Item = (&'a DecryptPreMasterSecret, &'a mut Zeroizing<Vec<u8>>)>,
) -> BTreeMap<KeyId, Vec<Job<'a>>> {
    let mut by_key = BTreeMap::<KeyId, Vec<_>>::new();
    for (job, integer) in jobs {
        let job_of_key = (job.ciphertext(), integer.as_mut_slice());
        by_key.entry(job.key_id).or_default().push(job_of_key);
    }
    by_key
}

/// Decrypts the jobs of all keys. A result that there is not remains zero, which is never validly
/// padded.
fn decrypt<'k>(
    jobs: BTreeMap<KeyId, Vec<Job<'_>>>,
    mut keys: impl FnMut(KeyId) -> Option<&'k dyn PrivateKey>,
    rng: &mut KeyRng<'_>,
) {
    let mut here = Vec::new();
    for (id, jobs) in jobs {
        let Some(key) = keys(id).filter(|key| key.key_id() == id) else {
            continue;
        };
        match key.as_rsa_key().filter(|key| key.key_id() == id) {
            Some(key) => here.extend(jobs.into_iter().map(|(ciphertext, integer)| Decryption {
                key,
                ciphertext,
                integer,
            })),
            None => decrypt_by(key, jobs, rng),
        }
    }
    // Nothing is written if it fails.
    let _: Result<(), KeyError> = decrypt_together(&mut here, rng);
}

/// Decrypts the jobs of one key by one call of it.
fn decrypt_by(key: &dyn PrivateKey, jobs: Vec<Job<'_>>, rng: &mut KeyRng<'_>) {
    let ciphertexts: Vec<_> = jobs.iter().map(|(ciphertext, _)| *ciphertext).collect();
    let ciphertexts = ciphertexts.concat();
    let mut results = Zeroizing::new(vec![0; ciphertexts.len()]);
    if key.decrypt(&ciphertexts, &mut results, rng).is_err() {
        return;
    }
    let mut results = results.as_slice();
    for (_, integer) in jobs {
        if let Some((result, others)) = results.split_at_checked(integer.len()) {
            integer.copy_from_slice(result);
            results = others;
        }
    }
}
