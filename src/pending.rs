//! Pauses: what a connection hands out for the caller to answer, and what comes back.

use crate::crypto::private_key::{KeyId, PrivateKey, RawDecryption};
use crate::crypto::rng::drawing_from;
use crate::error::{CertificateError, Misuse};
use crate::verify::{RootStore, verify_server};
use core::sync::atomic::{AtomicU64, Ordering};
use pki_types::{CertificateDer, ServerName, UnixTime};
use rand_core::TryCryptoRng;
use std::sync::Arc;
use zeroize::Zeroizing;

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
            (Self::VerifyCertificate(_) | Self::DecryptPreMasterSecret(_), _) => false,
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
    pub(crate) resumed: bool,
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
        self.resumed
    }

    /// Verifies the chain, name and key usage just as a configuration with these roots would.
    ///
    /// # Errors
    ///
    /// The [`CertificateError`] that the handshake would have failed with.
    pub fn verify(&self, roots: &RootStore, now: UnixTime) -> Result<Verified, CertificateError> {
        verify_server(self.chain, self.server_name, roots, now)?;
        Ok(Verified::of(self.id))
    }

    /// Answers: go on, or fail with this error. A caller with reasons of its own says
    /// [`CertificateError::Refused`].
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
#[derive(Clone, Debug)]
pub struct DecryptPreMasterSecret {
    pub(crate) id: PauseId,
    pub(crate) key_id: KeyId,
    pub(crate) ciphertext: Arc<[u8]>,
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
        let mut integer = Zeroizing::new(vec![0; self.ciphertext.len()]);
        let usable = self.key_id == key.key_id()
            && key
                .decrypt(&self.ciphertext, &mut integer, &mut drawing_from(rng))
                .is_ok();
        self.answer_with(usable.then_some(integer))
    }

    /// Answers with the raw result `ciphertext^d mod n`, as many bytes as the modulus has.
    ///
    /// **It must not have been unpadded:** a key store that removes the padding itself says by its
    /// answer whether it was good, which is the oracle that this exchange must not have.
    /// `None` is for a key store that failed; the handshake goes on and the client's Finished does
    /// not verify.
    #[must_use]
    pub fn answer(self, raw: Option<Vec<u8>>) -> Answer {
        self.answer_with(raw.map(Zeroizing::new))
    }

    fn answer_with(self, raw: Option<Zeroizing<Vec<u8>>>) -> Answer {
        let raw = RawDecryption::of(raw);
        Answer(AnswerKind::PreMasterSecret { id: self.id, raw })
    }
}

/// Proof that somebody vouches for a certificate chain.
///
/// Made by [`VerifyCertificate::verify`], for that connection alone, or by a caller who has other
/// grounds and says so with [`Verified::dangerous_on_my_own_authority`].
#[derive(Debug)]
pub struct Verified {
    /// Of the pause whose chain was verified.
    id: Option<PauseId>,
}

impl Verified {
    /// Vouches for a chain that this crate has not verified.
    ///
    /// **Whoever calls this decides alone that the connection has the right peer.** Call it only
    /// after comparing the certificate with one that is already known, or after another verifier
    /// accepted it. The key still has to be RSA, of an accepted length and usable for encryption.
    #[must_use]
    pub fn dangerous_on_my_own_authority() -> Self {
        Self { id: None }
    }

    fn of(id: PauseId) -> Self {
        Self { id: Some(id) }
    }

    fn is_for(&self, id: PauseId) -> bool {
        self.id.is_none_or(|own| own == id)
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
