//! The answers to the questions of a paused handshake.

use crate::crypto::private_key::RawDecryption;
use crate::error::CertificateError;
use crate::resumption::StoredSession;
use crate::verify::VerifiedPeer;
use core::fmt;
use core::sync::atomic::{AtomicU64, Ordering};

/// Proof that a certificate chain was verified.
///
/// [`VerifyCertificate::verify`](crate::certificate::VerifyCertificate::verify) creates it, for one
/// connection only.
/// [`Verified::dangerous_without_verification`] creates it without verification.
#[derive(Debug)]
pub struct Verified(pub(super) Verifier);

/// Who verified a chain.
#[derive(Debug)]
pub(super) enum Verifier {
    Policy {
        /// The pause whose chain was verified.
        id: PauseId,
        peer: Box<VerifiedPeer>,
    },
    Caller,
}

impl Verified {
    /// Accepts a chain that this crate has not verified.
    ///
    /// **The caller alone is then responsible for the identity of the peer.** Call it only after
    /// comparing the certificate with a known one, or after another verifier accepted it. The key
    /// must still be RSA, have a supported length, and be usable for encryption.
    #[must_use]
    pub fn dangerous_without_verification() -> Self {
        Self(Verifier::Caller)
    }

    pub(super) fn is_for(&self, id: PauseId) -> bool {
        match &self.0 {
            Verifier::Policy { id: own, .. } => *own == id,
            Verifier::Caller => true,
        }
    }

    /// Returns the peer that a policy accepted, or `None` if the caller alone is responsible for
    /// it.
    pub(crate) fn into_verified_peer(self) -> Option<VerifiedPeer> {
        match self.0 {
            Verifier::Policy { peer, .. } => Some(*peer),
            Verifier::Caller => None,
        }
    }
}

/// The caller's answer to a [`Pending`](crate::Pending) question, created by the question's methods.
#[derive(Debug)]
pub struct Answer(pub(crate) AnswerKind);

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
    Session {
        id: PauseId,
        session: Option<StoredSession>,
    },
}

impl fmt::Debug for AnswerKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut show = |name, id: &PauseId, content: (&str, &dyn fmt::Debug)| {
            f.debug_struct(name).field("id", id).field(content.0, content.1).finish()
        };
        match self {
            Self::Certificate { id, verdict } => show("Certificate", id, ("verdict", verdict)),
            Self::PreMasterSecret { id, raw } => show("PreMasterSecret", id, ("raw", raw)),
            Self::Signature { id, signature } => {
                let length = signature.as_deref().map(Length);
                show("Signature", id, ("signature", &length))
            }
            Self::Session { id, session } => show("Session", id, ("session", session)),
        }
    }
}

/// Identifies the pause of a question and its answer; unique in the process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PauseId(u64);

impl PauseId {
    pub(crate) fn next() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        Self(NEXT.fetch_add(1, Ordering::Relaxed))
    }
}

/// Bytes that print as their number.
pub(super) struct Length<'a>(pub(super) &'a [u8]);

impl fmt::Debug for Length<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bytes", self.0.len())
    }
}
