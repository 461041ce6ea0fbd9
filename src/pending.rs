//! Pauses: what a connection hands out for the caller to answer, and what comes back.

use crate::crypto::hash::SignatureHash;
use crate::crypto::private_key::{KeyId, PrivateKey, RawDecryption, key_rng};
use crate::crypto::rsa::signature_hash;
use crate::enums::SignatureScheme;
use crate::error::{CertificateError, LocalError, Misuse};
use crate::verify::{CertificatePolicy, Chain, Stapled, VerifiedPeer};
use core::sync::atomic::{AtomicU64, Ordering};
use pki_types::{CertificateDer, ServerName, UnixTime};
use rand_core::TryCryptoRng;
use std::sync::Arc;
use zeroize::{Zeroize, Zeroizing};

/// What a paused connection waits for.
///
/// Only what the configuration asked for pauses. Until the answer is given to
/// [`Connection::resume`](crate::Connection::resume), the connection takes in nothing; without one
/// it never goes on.
#[derive(Debug)]
#[non_exhaustive]
pub enum Pending<'a> {
    /// A client must decide whether to believe the server's certificate.
    VerifyCertificate(VerifyCertificate<'a>),
    /// A server must have the pre-master secret decrypted.
    DecryptPreMasterSecret(DecryptPreMasterSecret),
    /// A client must have the proof that it holds its certificate's key signed.
    SignCertificateVerify(SignCertificateVerify),
}

impl Pending<'_> {
    /// Whether `answer` is one to this question, and not to another or another connection's.
    pub(crate) fn belongs(&self, answer: &Answer) -> Result<(), Misuse> {
        let belongs = match (self, &answer.0) {
            (Self::VerifyCertificate(pending), AnswerKind::Certificate { id, verdict }) => {
                let for_another = match verdict {
                    Ok(verified) => !verified.is_for(pending.id),
                    Err(_) => false,
                };
                pending.id == *id && !for_another
            }
            (Self::DecryptPreMasterSecret(job), AnswerKind::PreMasterSecret { id, .. }) => {
                job.id == *id
            }
            (Self::SignCertificateVerify(job), AnswerKind::Signature { id, .. }) => job.id == *id,
            (
                Self::VerifyCertificate(_)
                | Self::DecryptPreMasterSecret(_)
                | Self::SignCertificateVerify(_),
                _,
            ) => false,
        };
        if belongs {
            Ok(())
        } else {
            Err(Misuse::WrongAnswer)
        }
    }
}

/// The server's certificate, waiting for the caller's word.
#[derive(Clone, Copy, Debug)]
pub struct VerifyCertificate<'a> {
    pub(crate) id: PauseId,
    pub(crate) chain: &'a [CertificateDer<'static>],
    pub(crate) server_name: &'a ServerName<'static>,
    pub(crate) ocsp_response: Option<&'a [u8]>,
    pub(crate) resumed: Option<ResumedChain>,
}

/// What is known of a chain from its full handshake.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ResumedChain {
    pub(crate) ocsp_verified: bool,
}

impl<'a> VerifyCertificate<'a> {
    /// The chain as it came, the server's own certificate first, never empty.
    #[must_use]
    pub fn chain(&self) -> &'a [CertificateDer<'static>] {
        self.chain
    }

    /// The name that the connection was made for.
    #[must_use]
    pub fn server_name(&self) -> &'a ServerName<'static> {
        self.server_name
    }

    /// The OCSP response that came with the chain, in DER and not verified.
    #[must_use]
    pub fn ocsp_response(&self) -> Option<&'a [u8]> {
        self.ocsp_response
    }

    /// Whether a session is resumed. The chain is then that of its full handshake, in which the
    /// server proved that it holds the key; it does not come again.
    #[must_use]
    pub fn is_resumed(&self) -> bool {
        self.resumed.is_some()
    }

    /// Verifies the chain, name and key usage just as a configuration with this policy would. An
    /// OCSP response that the policy requires has to be asked for with
    /// [`request_ocsp_response`](crate::ClientConfigBuilder::request_ocsp_response); in a resumed
    /// session it does not come again, and has to have been verified in the full handshake.
    ///
    /// # Errors
    ///
    /// The [`CertificateError`] that the handshake would have failed with.
    pub fn verify(
        &self,
        policy: &CertificatePolicy,
        now: UnixTime,
    ) -> Result<Verified, CertificateError> {
        let stapled = match self.resumed {
            Some(ResumedChain { ocsp_verified }) => Stapled::Resumed {
                verified: ocsp_verified,
            },
            None => Stapled::Response(self.ocsp_response),
        };
        let chain = Chain::read(self.chain)?;
        let peer = policy.verify_server(&chain, self.server_name, stapled, now)?;
        Ok(Verified(Authority::Policy {
            id: self.id,
            peer: Box::new(peer),
        }))
    }

    /// Answers: go on, or fail with this error. A caller with reasons of its own says
    /// [`CertificateFault::Refused`](crate::error::CertificateFault::Refused).
    #[must_use]
    pub fn answer(&self, verdict: Result<Verified, CertificateError>) -> Answer {
        let id = self.id;
        Answer(AnswerKind::Certificate { id, verdict })
    }
}

/// A pre-master secret to be decrypted, on another thread or by whatever has the key.
///
/// The job can go anywhere; it holds nothing secret. The fallback of
/// [RFC 5246 section 7.4.7.1](https://www.rfc-editor.org/rfc/rfc5246#section-7.4.7.1) was drawn
/// before the job came into being, so an answer cannot fail in a way that the peer can see. Without
/// an answer the connection never goes on.
///
/// Several jobs are best decrypted together: see [`DecryptBatch`].
#[derive(Clone, Debug)]
pub struct DecryptPreMasterSecret {
    pub(crate) id: PauseId,
    pub(crate) key_id: KeyId,
    pub(crate) ciphertext: Arc<Vec<u8>>,
}

impl DecryptPreMasterSecret {
    /// Which key is wanted: that of the certificate which the server showed.
    #[must_use]
    pub fn key_id(&self) -> KeyId {
        self.key_id
    }

    /// The ciphertext as a big-endian integer, as long as the modulus and below it, whatever the
    /// client sent: in place of something else there stands another number.
    #[must_use]
    pub fn ciphertext(&self) -> &[u8] {
        &self.ciphertext
    }

    /// Decrypts with a key; `rng` is for blinding. If the key fails, or is another than is wanted,
    /// the answer is that of [`answer`](Self::answer) with `None`.
    #[must_use]
    pub fn decrypt(self, key: &dyn PrivateKey, rng: impl TryCryptoRng) -> Answer {
        let raw = if self.key_id == key.key_id() {
            RawDecryption::by(key, &self.ciphertext, &mut key_rng(rng))
        } else {
            RawDecryption::failed()
        };
        Answer(AnswerKind::PreMasterSecret { id: self.id, raw })
    }

    /// Answers with the raw result `ciphertext^d mod n`, as many bytes as the modulus has.
    ///
    /// **It must not have been unpadded:** a key store that removes the padding itself says by its
    /// answer whether it was good, which is the oracle that this exchange must not have.
    /// `None` is for a key store that failed; the handshake goes on and the client's Finished does
    /// not verify.
    #[must_use]
    pub fn answer(self, raw: Option<Vec<u8>>) -> Answer {
        let raw = match raw {
            Some(integer) => RawDecryption::returned(integer),
            None => RawDecryption::failed(),
        };
        Answer(AnswerKind::PreMasterSecret { id: self.id, raw })
    }
}

/// Pre-master secrets of several connections, to be decrypted by one call of their key.
///
/// For keys whose cost for several is less than the sum: vectorised engines, accelerators, and
/// machines that are a round trip away. It can be filled again after each use, and keeps its room.
#[derive(Debug, Default)]
pub struct DecryptBatch {
    /// Of each job, in their order: its pause, and the length of its ciphertext.
    jobs: Vec<(PauseId, usize)>,
    key_id: Option<KeyId>,
    ciphertexts: Vec<u8>,
    integers: Zeroizing<Vec<u8>>,
}

impl DecryptBatch {
    /// An empty batch.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a job to the batch.
    ///
    /// # Errors
    ///
    /// The job, if it wants another key than those before it.
    pub fn push(&mut self, job: DecryptPreMasterSecret) -> Result<(), DecryptPreMasterSecret> {
        if self.key_id.is_some_and(|key_id| key_id != job.key_id) {
            return Err(job);
        }
        self.key_id = Some(job.key_id);
        self.jobs.push((job.id, job.ciphertext.len()));
        self.ciphertexts.extend_from_slice(&job.ciphertext);
        Ok(())
    }

    /// How many jobs there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.jobs.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.jobs.is_empty()
    }

    /// Which key the jobs want; `None` for an empty batch.
    #[must_use]
    pub fn key_id(&self) -> Option<KeyId> {
        self.key_id
    }

    /// Decrypts them all and empties the batch; the answers are in the order of the jobs. `rng` is
    /// for blinding.
    ///
    /// If the key fails, or is another than is wanted, each answer is that of
    /// [`DecryptPreMasterSecret::answer`] with `None`.
    #[must_use]
    pub fn decrypt(&mut self, key: &dyn PrivateKey, rng: impl TryCryptoRng) -> Vec<Answer> {
        self.integers.zeroize();
        self.integers.resize(self.ciphertexts.len(), 0);
        let usable = self.key_id == Some(key.key_id())
            && key.decrypt(&self.ciphertexts, &mut self.integers, &mut key_rng(rng)).is_ok();
        self.ciphertexts.clear();
        self.key_id = None;
        let mut integers = if usable {
            self.integers.as_slice()
        } else {
            &[]
        };
        let answers = self
            .jobs
            .drain(..)
            .map(|(id, length)| {
                let raw = match integers.split_at_checked(length) {
                    Some((integer, others)) => {
                        integers = others;
                        RawDecryption::returned(integer.to_vec())
                    }
                    None => RawDecryption::failed(),
                };
                Answer(AnswerKind::PreMasterSecret { id, raw })
            })
            .collect();
        self.integers.zeroize();
        answers
    }
}

/// What a client signs to prove that it holds its certificate's key, on another thread or by
/// whatever has the key.
///
/// The job can go anywhere; it holds nothing secret, only what both sides have sent so far. Without
/// an answer the connection never goes on.
#[derive(Clone, Debug)]
pub struct SignCertificateVerify {
    pub(crate) id: PauseId,
    key_id: KeyId,
    scheme: SignatureScheme,
    /// That of the scheme.
    hash: SignatureHash,
    pub(crate) message: Arc<Vec<u8>>,
}

impl SignCertificateVerify {
    /// Asks for the signature of `message` with a scheme that an RSA key can sign with.
    pub(crate) fn new(
        key_id: KeyId,
        scheme: SignatureScheme,
        message: Arc<Vec<u8>>,
    ) -> Result<Self, LocalError> {
        let hash = signature_hash(scheme);
        Ok(Self {
            id: PauseId::next(),
            key_id,
            scheme,
            hash: hash.ok_or(LocalError::Internal(
                "a proof with a scheme that is not RSA's",
            ))?,
            message,
        })
    }

    /// Which key is wanted: that of the certificate which the client shows.
    #[must_use]
    pub fn key_id(&self) -> KeyId {
        self.key_id
    }

    /// How to hash and to pad.
    #[must_use]
    pub fn scheme(&self) -> SignatureScheme {
        self.scheme
    }

    /// What is to be signed, not hashed yet: the handshake's messages
    /// ([RFC 5246 section 7.4.8](https://www.rfc-editor.org/rfc/rfc5246#section-7.4.8)).
    #[must_use]
    pub fn message(&self) -> &[u8] {
        &self.message
    }

    /// The message's hash as [`scheme`](Self::scheme) wants it, for signers that take no message.
    #[must_use]
    pub fn digest(&self) -> Vec<u8> {
        self.hash.of(&[&self.message])
    }

    /// Signs with a key; `rng` is for blinding and for the salt of PSS. If the key fails, or is
    /// another than is wanted, the answer is that of [`answer`](Self::answer) with `None`.
    #[must_use]
    pub fn sign(self, key: &dyn PrivateKey, rng: impl TryCryptoRng) -> Answer {
        let mut rng = key_rng(rng);
        let signature = if self.key_id == key.key_id() {
            key.sign(self.scheme, &self.message, &mut rng).ok()
        } else {
            None
        };
        self.answer(signature)
    }

    /// Answers with the signature, as long as the modulus. One that is not the certificate's key's,
    /// and `None`, which is for a signer that failed, end the handshake with
    /// [`LocalError::Signing`](crate::error::LocalError::Signing).
    #[must_use]
    pub fn answer(self, signature: Option<Vec<u8>>) -> Answer {
        Answer(AnswerKind::Signature {
            id: self.id,
            signature,
        })
    }
}

/// Proof that somebody vouches for a certificate chain.
///
/// Made by [`VerifyCertificate::verify`], for that connection alone, or by a caller who has other
/// grounds and says so with [`Verified::dangerous_without_verification`].
#[derive(Debug)]
pub struct Verified(Authority);

/// On whose word a chain is believed.
#[derive(Debug)]
enum Authority {
    Policy {
        /// Of the pause whose chain was verified.
        id: PauseId,
        peer: Box<VerifiedPeer>,
    },
    Caller,
}

impl Verified {
    /// Vouches for a chain that this crate has not verified.
    ///
    /// **Whoever calls this decides alone that the connection has the right peer.** Call it only
    /// after comparing the certificate with one that is already known, or after another verifier
    /// accepted it. The key still has to be RSA, of an accepted length and usable for encryption.
    #[must_use]
    pub fn dangerous_without_verification() -> Self {
        Self(Authority::Caller)
    }

    fn is_for(&self, id: PauseId) -> bool {
        match &self.0 {
            Authority::Policy { id: own, .. } => *own == id,
            Authority::Caller => true,
        }
    }

    /// The peer that a policy accepted; `None` where the caller alone vouches for it.
    pub(crate) fn into_verified_peer(self) -> Option<VerifiedPeer> {
        match self.0 {
            Authority::Policy { peer, .. } => Some(*peer),
            Authority::Caller => None,
        }
    }
}

/// The caller's answer to a [`Pending`], made by what is pending.
#[derive(Debug)]
pub struct Answer(pub(crate) AnswerKind);

#[derive(Debug)]
pub(crate) enum AnswerKind {
    Certificate {
        id: PauseId,
        verdict: Result<Verified, CertificateError>,
    },
    PreMasterSecret {
        id: PauseId,
        raw: RawDecryption,
    },
    Signature {
        id: PauseId,
        signature: Option<Vec<u8>>,
    },
}

/// Which pause a question and its answer belong to; never the same twice in a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PauseId(u64);

impl PauseId {
    pub(crate) fn next() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        Self(NEXT.fetch_add(1, Ordering::Relaxed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::private_key::KeyRng;
    use crate::crypto::rsa::RsaKey;
    use crate::error::{CertificateFault, KeyError};
    use crate::verify::RootStore;
    use core::convert::Infallible;
    use pki_types::pem::PemObject;
    use rand_core::TryRng;

    /// For operations whose results are not looked at.
    struct Zeros;

    impl TryRng for Zeros {
        type Error = Infallible;

        fn try_next_u32(&mut self) -> Result<u32, Infallible> {
            Ok(0)
        }

        fn try_next_u64(&mut self) -> Result<u64, Infallible> {
            Ok(0)
        }

        fn try_fill_bytes(&mut self, out: &mut [u8]) -> Result<(), Infallible> {
            out.fill(0);
            Ok(())
        }
    }

    impl TryCryptoRng for Zeros {}

    /// Returns what it is given, and signs with the message itself.
    struct Echo(KeyId);

    impl PrivateKey for Echo {
        fn key_id(&self) -> KeyId {
            self.0
        }

        fn decrypt(
            &self,
            ciphertexts: &[u8],
            integers: &mut [u8],
            _: &mut KeyRng<'_>,
        ) -> Result<(), KeyError> {
            integers.copy_from_slice(ciphertexts);
            Ok(())
        }

        fn sign(
            &self,
            _: SignatureScheme,
            message: &[u8],
            _: &mut KeyRng<'_>,
        ) -> Result<Vec<u8>, KeyError> {
            Ok(message.to_vec())
        }
    }

    const KEY: KeyId = KeyId::from_bytes([1; 32]);
    const OTHER_KEY: KeyId = KeyId::from_bytes([2; 32]);

    fn decryption(key_id: KeyId, ciphertext: &[u8]) -> DecryptPreMasterSecret {
        DecryptPreMasterSecret {
            id: PauseId::next(),
            key_id,
            ciphertext: Arc::new(ciphertext.to_vec()),
        }
    }

    fn signing(scheme: SignatureScheme) -> SignCertificateVerify {
        SignCertificateVerify::new(KEY, scheme, Arc::new(b"messages".to_vec())).unwrap()
    }

    /// What an answer brings of a key's result.
    fn result(answer: &Answer) -> Option<&[u8]> {
        match &answer.0 {
            AnswerKind::PreMasterSecret { raw, .. } => Some(&raw.0),
            AnswerKind::Signature { signature, .. } => signature.as_deref(),
            AnswerKind::Certificate { .. } => None,
        }
    }

    #[test]
    fn an_answer_belongs_to_its_own_question_alone() {
        let name = "localhost".try_into().unwrap();
        let verify = || VerifyCertificate {
            id: PauseId::next(),
            chain: &[],
            server_name: &name,
            ocsp_response: None,
            resumed: None,
        };
        let decrypt = || decryption(KEY, &[1; 4]);
        let sign = || signing(SignatureScheme::RSA_PKCS1_SHA256);
        let (verifies, decrypts, signs) = (
            [verify(), verify()],
            [decrypt(), decrypt()],
            [sign(), sign()],
        );
        let questions: Vec<Pending<'_>> = core::iter::empty()
            .chain(verifies.map(Pending::VerifyCertificate))
            .chain(decrypts.clone().map(Pending::DecryptPreMasterSecret))
            .chain(signs.clone().map(Pending::SignCertificateVerify))
            .collect();
        let verdict = Ok(Verified::dangerous_without_verification());
        let answers = [
            verifies[0].answer(verdict),
            verifies[1].answer(Err(CertificateFault::Refused.into())),
        ];
        let answers: Vec<_> = answers
            .into_iter()
            .chain(decrypts.map(|job| job.answer(None)))
            .chain(signs.map(|job| job.answer(None)))
            .collect();
        for (asked, question) in questions.iter().enumerate() {
            for (answered, answer) in answers.iter().enumerate() {
                let expected = if asked == answered {
                    Ok(())
                } else {
                    Err(Misuse::WrongAnswer)
                };
                assert_eq!(question.belongs(answer), expected, "{asked} {answered}");
            }
        }
    }

    /// What a policy said of one connection's chain is no word on another's.
    #[test]
    fn a_verdict_is_for_the_chain_that_was_verified() {
        let pem = include_bytes!("../tests/data/leaf-2048.pem");
        let chain = [CertificateDer::from_pem_slice(pem).unwrap()];
        let mut roots = RootStore::new();
        roots.add(&chain[0]).unwrap();
        let policy = CertificatePolicy::new(roots);
        let name = "localhost".try_into().unwrap();
        let [own, other] = [(); 2].map(|()| VerifyCertificate {
            id: PauseId::next(),
            chain: &chain,
            server_name: &name,
            ocsp_response: None,
            resumed: None,
        });
        let verify = |pending: VerifyCertificate<'_>| pending.verify(&policy, UnixTime::now());
        let question = Pending::VerifyCertificate(own);
        let answer = own.answer(verify(own));
        assert_eq!(question.belongs(&answer), Ok(()));
        let answer = own.answer(verify(other));
        assert_eq!(question.belongs(&answer), Err(Misuse::WrongAnswer));
        let answer = own.answer(Ok(Verified::dangerous_without_verification()));
        assert_eq!(question.belongs(&answer), Ok(()));
    }

    #[test]
    fn a_key_that_is_not_the_one_that_is_wanted_gives_nothing() {
        let (key, other) = (Echo(KEY), Echo(OTHER_KEY));
        let job = decryption(KEY, &[7; 4]);
        let answer = job.clone().decrypt(&key, Zeros);
        assert_eq!(result(&answer), Some(&[7; 4][..]));
        let answer = job.clone().decrypt(&other, Zeros);
        assert_eq!(result(&answer), Some(&[][..]));
        assert_eq!(result(&job.answer(None)), Some(&[][..]));

        let job = signing(SignatureScheme::RSA_PKCS1_SHA256);
        let answer = job.clone().sign(&key, Zeros);
        assert_eq!(result(&answer), Some(&b"messages"[..]));
        assert_eq!(result(&job.sign(&other, Zeros)), None);
    }

    #[test]
    fn a_batch_cuts_what_the_key_returns_as_it_put_it_together() {
        let mut batch = DecryptBatch::new();
        assert!(batch.decrypt(&Echo(KEY), Zeros).is_empty());
        for _ in 0..2 {
            let jobs = [3, 4, 5].map(|byte| decryption(KEY, &[byte; 4]));
            for job in jobs.clone() {
                batch.push(job).unwrap();
            }
            assert!(batch.push(decryption(OTHER_KEY, &[9; 4])).is_err());
            assert_eq!((batch.len(), batch.key_id()), (3, Some(KEY)));
            let answers = batch.decrypt(&Echo(KEY), Zeros);
            assert!(batch.is_empty() && batch.key_id().is_none());
            assert_eq!(answers.len(), 3);
            for (job, answer) in jobs.into_iter().zip(&answers) {
                assert_eq!(result(answer), Some(job.ciphertext()));
                let question = Pending::DecryptPreMasterSecret(job);
                assert_eq!(question.belongs(answer), Ok(()));
            }
        }
        batch.push(decryption(KEY, &[7; 4])).unwrap();
        let answers = batch.decrypt(&Echo(OTHER_KEY), Zeros);
        let results: Vec<_> = answers.iter().map(result).collect();
        assert_eq!(results, [Some(&[][..])]);
    }

    #[test]
    fn a_proof_is_made_with_a_scheme_for_rsa_keys_and_has_its_hash() {
        for (scheme, length) in [
            (SignatureScheme::RSA_PKCS1_SHA1, 20),
            (SignatureScheme::RSA_PKCS1_SHA256, 32),
            (SignatureScheme::RSA_PSS_RSAE_SHA384, 48),
            (SignatureScheme::RSA_PKCS1_SHA512, 64),
        ] {
            assert_eq!(signing(scheme).digest().len(), length);
        }
        for scheme in [SignatureScheme::ECDSA_SHA256, SignatureScheme(0x0202)] {
            let job = SignCertificateVerify::new(KEY, scheme, Arc::new(b"messages".to_vec()));
            assert!(matches!(job, Err(LocalError::Internal(_))));
        }
    }

    #[test]
    fn a_key_of_this_process_serves() {
        let pem = include_bytes!("../tests/data/rsa-2048.key");
        let key = RsaKey::from_pem(pem).unwrap();
        let job = decryption(key.key_id(), &[7; 256]);
        let answer = job.decrypt(&key, Zeros);
        assert_eq!(result(&answer).map(<[u8]>::len), Some(256));
    }
}
