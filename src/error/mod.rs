//! What can go wrong, and which alert tells the peer.
//!
//! Every error but [`Error::Misuse`] is final: the connection that returned it returns it again.

#[macro_use]
mod declare;

mod certificate;
mod config;
mod decode;
mod incompatible;
mod local;
mod misuse;
mod ocsp;
mod peer;
mod tests;
mod text;

pub use certificate::{CertificateError, CertificateFault, CertificateId};
pub use config::ConfigError;
pub use decode::DecodeError;
pub use incompatible::Incompatible;
pub use local::{KeyError, LocalError};
pub use misuse::Misuse;
pub use ocsp::OcspFault;
pub use peer::PeerError;
pub use text::{Excerpt, ProtocolList, SuiteList};

use crate::enums::AlertDescription;
use crate::waiver::Waiver;

/// Why a connection failed, or why a call on it was refused.
///
/// When a [`Connection`](crate::Connection) method returns an error, the alert that belongs to it
/// is already in the outgoing buffer; see [`Error::alert`]. Everything but [`Error::Misuse`] ends
/// the connection, and every later call returns the same value.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A message could not be parsed.
    #[error("{message} does not parse: {error}")]
    Decode {
        /// The message, by its name in RFC 5246.
        message: &'static str,
        /// What was wrong with its bytes.
        error: DecodeError,
    },
    /// The peer broke a rule of the protocol.
    #[error("the peer misbehaved: {0}")]
    Peer(PeerError),
    /// Both sides behave, but have nothing in common.
    #[error(transparent)]
    Incompatible(#[from] Incompatible),
    /// The peer's certificate was not accepted.
    #[error("the peer's certificate was not accepted: {0}")]
    Certificate(CertificateError),
    /// The peer ended the connection with a fatal alert, or closed it before the handshake was over.
    #[error("the peer sent the alert {0}")]
    AlertReceived(AlertDescription),
    /// The transport ended without a close_notify: what was received may be cut short
    /// ([RFC 5246 section 7.2.1](https://www.rfc-editor.org/rfc/rfc5246#section-7.2.1)).
    #[error("the transport ended without close_notify; data may be missing")]
    Truncated,
    /// Something on this side failed, through no fault of the peer.
    #[error(transparent)]
    Local(#[from] LocalError),
    /// The caller asked for something that the connection cannot do now. The connection goes on.
    #[error(transparent)]
    Misuse(#[from] Misuse),
}

impl Error {
    /// The fatal alert that tells the peer, or `None` where the peer is told nothing: it spoke
    /// last, it is gone, or the error is the caller's.
    ///
    /// After this side's close_notify nothing goes out, so the alert of an error behind it is not
    /// sent.
    ///
    /// The alerts are those of [RFC 5246 section 7.2.2](https://www.rfc-editor.org/rfc/rfc5246#section-7.2.2).
    #[must_use]
    pub fn alert(&self) -> Option<AlertDescription> {
        match self {
            Self::Decode { error, .. } => Some(error.alert()),
            Self::Peer(error) => Some(error.alert()),
            Self::Incompatible(error) => Some(error.alert()),
            Self::Certificate(error) => Some(error.alert()),
            Self::Local(error) => Some(error.alert()),
            Self::AlertReceived(_) | Self::Truncated | Self::Misuse(_) => None,
        }
    }

    /// The setting that would accept what the peer offers, where one exists.
    #[must_use]
    pub fn setting(&self) -> Option<&'static str> {
        match self {
            Self::Incompatible(incompatible) => incompatible.setting(),
            Self::Certificate(error) => error.waiver().map(Waiver::setting),
            Self::Decode { .. }
            | Self::Peer(_)
            | Self::AlertReceived(_)
            | Self::Truncated
            | Self::Local(_)
            | Self::Misuse(_) => None,
        }
    }
}

impl DecodeError {
    /// Names the message that did not parse.
    pub(crate) fn of(self, message: &'static str) -> Error {
        Error::Decode {
            message,
            error: self,
        }
    }
}

// By hand: what `From` is derived for becomes the error's source, and its text would come twice.
impl From<PeerError> for Error {
    fn from(error: PeerError) -> Self {
        Self::Peer(error)
    }
}

impl From<CertificateError> for Error {
    fn from(error: CertificateError) -> Self {
        Self::Certificate(error)
    }
}

impl From<CertificateFault> for Error {
    fn from(fault: CertificateFault) -> Self {
        Self::Certificate(fault.into())
    }
}
