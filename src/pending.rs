//! Pauses of the handshake: the questions for the caller, and the caller's answers.

mod answer;
mod batch;
mod detached;
mod session;

pub use answer::{Answer, Verified};
pub(crate) use answer::{AnswerKind, PauseId};
pub use batch::DecryptBatch;
pub use detached::CertificateQuestion;
pub use session::FindSession;

use crate::crypto::hash::SignatureHash;
use crate::crypto::key_id::{KeyId, key_rng};
use crate::crypto::private_key::{PrivateKey, RawDecryption};
#[cfg(feature = "getrandom")]
use crate::crypto::rng::{SystemRandom, drawing};
use crate::crypto::rsa::signature_hash;
use crate::enums::SignatureScheme;
use crate::error::{CertificateError, LocalError, Misuse};
use crate::verify::{CertificatePolicy, Stapled};
use answer::{Length, Verifier};
use core::fmt;
use pki_types::{CertificateDer, ServerName, UnixTime};
use rand_core::TryCryptoRng;
use std::sync::Arc;

/// The question that a paused handshake waits for.
///
/// A handshake pauses only where the configuration requires it. Until
/// [`Connection::resume`](crate::Connection::resume) receives the answer, the connection consumes
/// no input.
#[derive(Debug)]
#[non_exhaustive]
pub enum Pending<'a> {
    /// A client asks its caller to verify the server's certificate.
    VerifyCertificate(VerifyCertificate<'a>),
    /// A server asks its caller to decrypt the pre-master secret.
    DecryptPreMasterSecret(DecryptPreMasterSecret),
    /// A client asks its caller to sign CertificateVerify.
    SignCertificateVerify(SignCertificateVerify),
    /// A server asks its caller for the session that a client offers.
    FindSession(FindSession),
}

impl Pending<'_> {
    /// Checks that `answer` belongs to this question, and not to another one or another connection.
    pub(crate) fn belongs(&self, answer: &Answer) -> Result<(), Misuse> {
        let belongs = match (self, &answer.0) {
            (Self::VerifyCertificate(pending), AnswerKind::Certificate { id, verdict }) => {
                let for_this_chain = match verdict {
                    Ok(verified) => verified.is_for(pending.id),
                    Err(_) => true,
                };
                pending.id == *id && for_this_chain
            }
            (Self::DecryptPreMasterSecret(job), AnswerKind::PreMasterSecret { id, .. }) => {
                job.id == *id
            }
            (Self::SignCertificateVerify(job), AnswerKind::Signature { id, .. }) => job.id == *id,
            (Self::FindSession(job), AnswerKind::Session { id, .. }) => job.id == *id,
            (
                Self::VerifyCertificate(_)
                | Self::DecryptPreMasterSecret(_)
                | Self::SignCertificateVerify(_)
                | Self::FindSession(_),
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

/// The server's certificate chain, to be verified by the caller.
#[derive(Clone, Copy, Debug)]
pub struct VerifyCertificate<'a> {
    pub(crate) id: PauseId,
    pub(crate) chain: &'a [CertificateDer<'static>],
    pub(crate) server_name: &'a ServerName<'static>,
    pub(crate) ocsp_response: Option<&'a [u8]>,
    pub(crate) resumed: Option<ResumedChain>,
}

/// What the full handshake established about a chain.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ResumedChain {
    pub(crate) ocsp_verified: bool,
}

impl<'a> VerifyCertificate<'a> {
    /// Returns the chain as received, the leaf first. It is never empty.
    #[must_use]
    pub fn chain(&self) -> &'a [CertificateDer<'static>] {
        self.chain
    }

    /// Returns the server name that was passed to
    /// [`Connection::client`](crate::Connection::client).
    #[must_use]
    pub fn server_name(&self) -> &'a ServerName<'static> {
        self.server_name
    }

    /// Returns the stapled OCSP response, in DER and not verified.
    #[must_use]
    pub fn ocsp_response(&self) -> Option<&'a [u8]> {
        self.ocsp_response
    }

    /// Returns true if a session is resumed. The chain is then the one from its full handshake, in
    /// which the server proved that it has the private key; the server does not send it again.
    #[must_use]
    pub fn is_resumed(&self) -> bool {
        self.resumed.is_some()
    }

    /// Verifies the chain, the name and the key usage exactly as a configuration with this policy
    /// does. The common name is not checked.
    ///
    /// If the policy requires an OCSP response, the configuration must request one with
    /// [`request_ocsp_response`](crate::ClientConfigBuilder::request_ocsp_response). A resumed
    /// session carries no response; it passes if the response was verified in the full handshake.
    ///
    /// # Errors
    ///
    /// The [`CertificateError`] with which the handshake would have failed.
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
        let presented = policy.admit(self.chain)?;
        let chain = presented.chain()?;
        let peer = policy.verify_server(&chain, self.server_name, stapled, now)?;
        Ok(Verified(Verifier::Policy {
            id: self.id,
            peer: Box::new(peer),
        }))
    }

    /// Creates the answer: accept the certificate, or fail with this error. Use
    /// [`CertificateFault::Refused`](crate::error::CertificateFault::Refused) for reasons of the
    /// application.
    #[must_use]
    pub fn answer(&self, verdict: Result<Verified, CertificateError>) -> Answer {
        let id = self.id;
        Answer(AnswerKind::Certificate { id, verdict })
    }
}

/// A job to decrypt one pre-master secret, on any thread, process or machine that has the private
/// key.
///
/// The job holds no secret. The random fallback of
/// [RFC 5246 section 7.4.7.1](https://www.rfc-editor.org/rfc/rfc5246#section-7.4.7.1) is drawn
/// before the job is created, so the peer cannot see whether an answer was a failure. Without an
/// answer the handshake does not continue.
///
/// To decrypt several jobs together, see [`DecryptBatch`].
#[derive(Clone)]
pub struct DecryptPreMasterSecret {
    pub(crate) id: PauseId,
    pub(crate) key_id: KeyId,
    pub(crate) ciphertext: Arc<Vec<u8>>,
}

impl DecryptPreMasterSecret {
    /// Returns the identifier of the required key, which is the key of the server's certificate.
    #[must_use]
    pub fn key_id(&self) -> KeyId {
        self.key_id
    }

    /// Returns the ciphertext, a big-endian integer as long as the modulus and below it. If the
    /// client sent anything else, another number is in its place.
    #[must_use]
    pub fn ciphertext(&self) -> &[u8] {
        &self.ciphertext
    }

    /// Decrypts with `key`, which uses the operating system's randomness for blinding. If the key
    /// fails or is not the required one, this is [`answer`](Self::answer) with `None`.
    #[cfg(feature = "getrandom")]
    #[must_use]
    pub fn decrypt(self, key: &dyn PrivateKey) -> Answer {
        self.decrypt_with_rng(key, drawing(&SystemRandom))
    }

    /// Decrypts with `key`, which uses `rng` for blinding; otherwise like `decrypt`, which requires
    /// the feature `getrandom`.
    #[must_use]
    pub fn decrypt_with_rng(self, key: &dyn PrivateKey, rng: impl TryCryptoRng) -> Answer {
        let raw = if self.key_id == key.key_id() {
            RawDecryption::by(key, &self.ciphertext, &mut key_rng(rng))
        } else {
            RawDecryption::failed()
        };
        self.answer_with(raw)
    }

    /// Creates the answer from what a key returned.
    pub(crate) fn answer_with(self, raw: RawDecryption) -> Answer {
        Answer(AnswerKind::PreMasterSecret { id: self.id, raw })
    }

    /// Creates the answer from the raw result `ciphertext^d mod n`, which has as many bytes as the
    /// modulus.
    ///
    /// **The padding must still be in place.** A key store that removes the padding reveals by its
    /// answer whether the padding was correct: the padding oracle that RSA key transport must
    /// avoid. Pass `None` if the key store failed; the handshake then continues and fails at the
    /// client's Finished.
    #[must_use]
    pub fn answer(self, raw: Option<Vec<u8>>) -> Answer {
        let raw = match raw {
            Some(integer) => RawDecryption::returned(integer),
            None => RawDecryption::failed(),
        };
        self.answer_with(raw)
    }
}

/// Shows the length of the ciphertext.
impl fmt::Debug for DecryptPreMasterSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DecryptPreMasterSecret")
            .field("id", &self.id)
            .field("key_id", &self.key_id)
            .field("ciphertext", &Length(&self.ciphertext))
            .finish()
    }
}

/// A job to sign a client's CertificateVerify, on any thread, process or machine that has the
/// private key.
///
/// The job holds no secret, only the handshake messages so far. Without an answer the handshake
/// does not continue.
#[derive(Clone)]
pub struct SignCertificateVerify {
    pub(crate) id: PauseId,
    key_id: KeyId,
    scheme: SignatureScheme,
    /// The hash of the scheme.
    hash: SignatureHash,
    pub(crate) message: Arc<Vec<u8>>,
}

impl SignCertificateVerify {
    /// Creates the job to sign `message` with `scheme`, which is for RSA keys.
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
                "CertificateVerify with a scheme that is not for RSA keys",
            ))?,
            message,
        })
    }

    /// Returns the identifier of the required key, which is the key of the client's certificate.
    #[must_use]
    pub fn key_id(&self) -> KeyId {
        self.key_id
    }

    /// Returns the signature scheme, which names the hash and the padding.
    #[must_use]
    pub fn scheme(&self) -> SignatureScheme {
        self.scheme
    }

    /// Returns the message to sign, not hashed: the handshake messages so far
    /// ([RFC 5246 section 7.4.8](https://www.rfc-editor.org/rfc/rfc5246#section-7.4.8)).
    #[must_use]
    pub fn message(&self) -> &[u8] {
        &self.message
    }

    /// Returns the hash of the message under [`scheme`](Self::scheme), for signers that accept only
    /// a hash.
    #[must_use]
    pub fn digest(&self) -> Vec<u8> {
        self.hash.of(&[&self.message])
    }

    /// Signs with `key`, which uses the operating system's randomness for blinding and for the salt
    /// of PSS. If the key fails or is not the required one, this is [`answer`](Self::answer) with
    /// `None`.
    #[cfg(feature = "getrandom")]
    #[must_use]
    pub fn sign(self, key: &dyn PrivateKey) -> Answer {
        self.sign_with_rng(key, drawing(&SystemRandom))
    }

    /// Signs with `key`, which uses `rng` for blinding and for the salt of PSS; otherwise like
    /// `sign`, which requires the feature `getrandom`.
    #[must_use]
    pub fn sign_with_rng(self, key: &dyn PrivateKey, rng: impl TryCryptoRng) -> Answer {
        let mut rng = key_rng(rng);
        let signature = if self.key_id == key.key_id() {
            key.sign(self.scheme, &self.message, &mut rng).ok()
        } else {
            None
        };
        self.answer(signature)
    }

    /// Creates the answer from the signature, which is as long as the modulus. Pass `None` if the
    /// signer failed. `None`, and a signature that does not verify under the certificate's key, end
    /// the handshake with [`LocalError::Signing`](crate::error::LocalError::Signing).
    #[must_use]
    pub fn answer(self, signature: Option<Vec<u8>>) -> Answer {
        Answer(AnswerKind::Signature {
            id: self.id,
            signature,
        })
    }
}

/// Shows the length of the handshake messages, which may hold a certificate's names.
impl fmt::Debug for SignCertificateVerify {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SignCertificateVerify")
            .field("id", &self.id)
            .field("key_id", &self.key_id)
            .field("scheme", &self.scheme)
            .field("message", &Length(&self.message))
            .finish()
    }
}

/// The work that answers a question with what the configuration has, on any thread.
#[cfg(feature = "tokio")]
pub(crate) type Work = Box<dyn FnOnce() -> Answer + Send>;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::key_id::KeyRng;
    use crate::crypto::rsa::RsaKey;
    use crate::error::{CertificateFault, KeyError};
    use crate::verify::RootStore;
    use core::convert::Infallible;
    use pki_types::pem::PemObject;
    use rand_core::TryRng;

    /// For operations whose results are not checked.
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

    /// The key's result in an answer.
    fn result(answer: &Answer) -> Option<&[u8]> {
        match &answer.0 {
            AnswerKind::PreMasterSecret { raw, .. } => Some(&raw.0),
            AnswerKind::Signature { signature, .. } => signature.as_deref(),
            AnswerKind::Certificate { .. } | AnswerKind::Session { .. } => None,
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
        let store: Arc<dyn crate::resumption::SessionStore> =
            Arc::new(crate::resumption::MemoryStore::new(1));
        let find = || FindSession {
            id: PauseId::next(),
            session_id: [1; 32],
            now: UnixTime::now(),
            store: store.clone(),
        };
        let (verifies, decrypts, signs, finds) = (
            [verify(), verify()],
            [decrypt(), decrypt()],
            [sign(), sign()],
            [find(), find()],
        );
        let questions: Vec<Pending<'_>> = core::iter::empty()
            .chain(verifies.map(Pending::VerifyCertificate))
            .chain(decrypts.clone().map(Pending::DecryptPreMasterSecret))
            .chain(signs.clone().map(Pending::SignCertificateVerify))
            .chain(finds.clone().map(Pending::FindSession))
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
            .chain(finds.map(FindSession::look_up))
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

    /// A policy's verdict on one connection's chain is refused on another connection.
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
    fn a_key_that_is_not_the_required_one_gives_nothing() {
        let (key, other) = (Echo(KEY), Echo(OTHER_KEY));
        let job = decryption(KEY, &[7; 4]);
        let answer = job.clone().decrypt_with_rng(&key, Zeros);
        assert_eq!(result(&answer), Some(&[7; 4][..]));
        let answer = job.clone().decrypt_with_rng(&other, Zeros);
        assert_eq!(result(&answer), Some(&[][..]));
        assert_eq!(result(&job.answer(None)), Some(&[][..]));

        let job = signing(SignatureScheme::RSA_PKCS1_SHA256);
        let answer = job.clone().sign_with_rng(&key, Zeros);
        assert_eq!(result(&answer), Some(&b"messages"[..]));
        assert_eq!(result(&job.sign_with_rng(&other, Zeros)), None);
    }

    #[test]
    fn a_batch_cuts_what_a_key_returns_as_it_put_it_together() {
        let mut batch = DecryptBatch::new();
        assert!(batch.decrypt_with_rng(|_| Some(&Echo(KEY)), Zeros).is_empty());
        for _ in 0..2 {
            let jobs = [
                decryption(KEY, &[1; 4]),
                decryption(OTHER_KEY, &[4; 4]),
                decryption(KEY, &[2; 4]),
                decryption(OTHER_KEY, &[5; 8]),
                decryption(KEY, &[3; 8]),
            ];
            for (job, tag) in jobs.clone().into_iter().zip(0..) {
                batch.push(job, tag);
            }
            let both = [Echo(KEY), Echo(OTHER_KEY)];
            let key = |id| both.iter().find(|key| key.0 == id).map(|key| key as &dyn PrivateKey);
            let answers = batch.decrypt_with_rng(key, Zeros);
            assert!(batch.is_empty());
            assert_eq!(answers.len(), jobs.len());
            for ((expected, job), (tag, answer)) in jobs.into_iter().enumerate().zip(answers) {
                assert_eq!(tag, expected);
                assert_eq!(result(&answer), Some(job.ciphertext()));
                let question = Pending::DecryptPreMasterSecret(job);
                assert_eq!(question.belongs(&answer), Ok(()));
            }
        }
        // What is never validly padded.
        batch.push(decryption(KEY, &[7; 4]), 0);
        let answers = batch.decrypt_with_rng(|_| Some(&Echo(OTHER_KEY)), Zeros);
        let results: Vec<_> = answers.iter().map(|(_, answer)| result(answer)).collect();
        assert_eq!(results, [Some(&[0; 4][..])]);
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
        let answer = job.decrypt_with_rng(&key, Zeros);
        assert_eq!(result(&answer).map(<[u8]>::len), Some(256));
    }
}
