//! Pauses: what a connection hands out for the caller to answer, and what comes back.

use crate::crypto::private_key::{KeyId, PrivateKey, RawDecryption, key_rng};
use crate::crypto::rsa::signature_digest;
use crate::enums::SignatureScheme;
use crate::error::{CertificateError, Misuse};
use crate::verify::{CertificatePolicy, Stapled, Vouched};
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
                let is_for_it = |verified: &Verified| verified.is_for(pending.id);
                pending.id == *id && verdict.as_ref().map_or(true, is_for_it)
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
        match belongs {
            true => Ok(()),
            false => Err(Misuse::WrongAnswer),
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
        let vouched = policy.verify_server(self.chain, self.server_name, stapled, now)?;
        Ok(Verified(Authority::Policy {
            id: self.id,
            vouched: Box::new(vouched),
        }))
    }

    /// Answers: go on, or fail with this error. A caller with reasons of its own says
    /// [`CertificateFault::Refused`](crate::CertificateFault::Refused).
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
        let raw = match self.key_id == key.key_id() {
            true => RawDecryption::by(key, &self.ciphertext, &mut key_rng(rng)),
            false => RawDecryption::default(),
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
        let raw = RawDecryption(Zeroizing::new(raw.unwrap_or_default()));
        Answer(AnswerKind::PreMasterSecret { id: self.id, raw })
    }
}

/// Pre-master secrets of several connections, to be decrypted by one call of their key.
///
/// For keys whose cost for several is less than the sum: vectorised engines, accelerators, and
/// machines that are a round trip away. It can be filled again after each use, and keeps its room.
#[derive(Debug, Default)]
pub struct DecryptBatch {
    ids: Vec<PauseId>,
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
        self.ids.push(job.id);
        self.ciphertexts.extend_from_slice(&job.ciphertext);
        Ok(())
    }

    /// How many jobs there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.ids.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ids.is_empty()
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
            && key
                .decrypt(&self.ciphertexts, &mut self.integers, &mut key_rng(rng))
                .is_ok();
        self.ciphertexts.clear();
        self.key_id = None;
        // All are as long as the key's modulus.
        let length = (self.integers.len() / self.ids.len().max(1)).max(1);
        let answers = core::iter::zip(self.ids.drain(..), self.integers.chunks_exact(length))
            .map(|(id, integer)| {
                let integer = usable.then(|| Zeroizing::new(integer.to_vec()));
                let raw = RawDecryption(integer.unwrap_or_default());
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
    pub(crate) key_id: KeyId,
    pub(crate) scheme: SignatureScheme,
    pub(crate) message: Arc<Vec<u8>>,
}

impl SignCertificateVerify {
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
        signature_digest(self.scheme, &self.message)
    }

    /// Signs with a key; `rng` is for blinding and for the salt of PSS. If the key fails, or is
    /// another than is wanted, the answer is that of [`answer`](Self::answer) with `None`.
    #[must_use]
    pub fn sign(self, key: &dyn PrivateKey, rng: impl TryCryptoRng) -> Answer {
        let mut rng = key_rng(rng);
        let signature = match self.key_id == key.key_id() {
            true => key.sign(self.scheme, &self.message, &mut rng).ok(),
            false => None,
        };
        self.answer(signature)
    }

    /// Answers with the signature, as long as the modulus. One that is not the certificate's key's,
    /// and `None`, which is for a signer that failed, end the handshake with
    /// [`LocalError::Signing`](crate::LocalError::Signing).
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
/// grounds and says so with [`Verified::dangerous_on_my_own_authority`].
#[derive(Debug)]
pub struct Verified(Authority);

/// On whose word a chain is believed.
#[derive(Debug)]
enum Authority {
    Policy {
        /// Of the pause whose chain was verified.
        id: PauseId,
        vouched: Box<Vouched>,
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
    pub fn dangerous_on_my_own_authority() -> Self {
        Self(Authority::Caller)
    }

    fn is_for(&self, id: PauseId) -> bool {
        match &self.0 {
            Authority::Policy { id: own, .. } => *own == id,
            Authority::Caller => true,
        }
    }

    /// What the policy found; nothing where the caller alone vouches.
    pub(crate) fn into_vouched(self) -> Option<Vouched> {
        match self.0 {
            Authority::Policy { vouched, .. } => Some(*vouched),
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
