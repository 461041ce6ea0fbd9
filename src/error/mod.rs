//! Errors, and the alert that each sends to the peer.
//!
//! Every error except [`Error::Misuse`] is final: the connection that returned it returns it again.

#[macro_use]
mod declare;

mod certificate;
mod config;
mod decode;
mod files;
mod foreign;
mod incompatible;
mod local;
mod misuse;
mod moment;
mod ocsp;
mod peer;
mod server_name;
mod tests;
mod text;
mod timed_out;
mod warning;
mod withheld;

pub use certificate::{CertificateError, CertificateFault, CertificateId};
pub use config::ConfigError;
pub use decode::DecodeError;
pub use files::{FileContents, FileItem, KeyAlgorithm, KeyEncryption, PemFault};
pub use foreign::ForeignProtocol;
pub use incompatible::Incompatible;
pub use local::{KeyError, LocalError};
pub use misuse::Misuse;
pub(crate) use moment::{Details, Peer};
pub use moment::{Moment, Told};
pub use ocsp::OcspFault;
pub use peer::PeerError;
pub use server_name::{ServerNameError, ServerNameFault};
pub use text::{Excerpt, ProtocolList, SuiteList};
pub use timed_out::HandshakeTimedOut;
pub use warning::{CertificateFlaw, CertificateWarning};
pub use withheld::CertificateWithheld;

use crate::enums::AlertDescription;
use moment::{AlertText, HungUpText};

/// Why a connection failed, or why a call on it was refused.
///
/// When a [`Connection`](crate::Connection) method returns an error, the alert that belongs to it
/// is already in the outgoing buffer; see [`Error::alert`]. Every error except [`Error::Misuse`]
/// ends the connection, and every later call returns it again.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A message could not be parsed.
    #[error("cannot parse {message}: {error}")]
    Decode {
        /// The message, by its name in RFC 5246.
        message: &'static str,
        /// Why it could not be parsed.
        error: DecodeError,
    },
    /// The peer violated the protocol.
    #[error("the peer violated the protocol: {0}")]
    Peer(PeerError),
    /// Both sides follow the protocol, but have no common parameters.
    #[error(transparent)]
    Incompatible(#[from] Incompatible),
    /// The peer's certificate was not accepted.
    #[error("the peer's certificate was not accepted: {0}")]
    Certificate(CertificateError),
    /// The peer ended the connection with a fatal alert, or with close_notify before the handshake
    /// was complete.
    #[error("{}", AlertText(*alert, moment.as_ref()))]
    AlertReceived {
        /// The alert.
        alert: AlertDescription,
        /// What this side had sent and what it awaited; `None` once the handshake is complete.
        moment: Option<Moment>,
    },
    /// The transport ended before the handshake was complete. No application data is missing,
    /// because none was exchanged.
    ///
    /// [`peer_was_silent`](Self::peer_was_silent) tells a peer that connected and said nothing, as
    /// the probes of load balancers do.
    #[error("{}", HungUpText(.0))]
    HungUp(Moment),
    /// The transport ended after the handshake and without close_notify, so received data may be
    /// incomplete
    /// ([RFC 5246 section 7.2.1](https://www.rfc-editor.org/rfc/rfc5246#section-7.2.1)).
    #[error("the transport ended without close_notify; received data may be incomplete")]
    Truncated,
    /// An operation on this side failed. The peer did not cause it.
    #[error(transparent)]
    Local(#[from] LocalError),
    /// The call is not possible in the connection's current state. The connection is unchanged.
    #[error(transparent)]
    Misuse(#[from] Misuse),
}

impl Error {
    /// Returns the fatal alert for this error, or `None` if no alert is sent: the peer has ended the
    /// connection, the transport has ended, or the error is the caller's.
    ///
    /// After this side's close_notify no alert is sent, although this method still returns one.
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
            Self::AlertReceived { .. } | Self::HungUp(_) | Self::Truncated | Self::Misuse(_) => {
                None
            }
        }
    }

    /// Returns the alert with which the peer ended the connection, or `None` if it sent none.
    #[must_use]
    pub fn alert_received(&self) -> Option<AlertDescription> {
        match self {
            Self::AlertReceived { alert, .. } => Some(*alert),
            _ => None,
        }
    }

    /// Returns true if the transport ended before a single byte of the peer's had arrived.
    ///
    /// On a server this is a client that connects and hangs up, such as the probe of a load balancer
    /// or a port scanner. A server need not log it.
    #[must_use]
    pub fn peer_was_silent(&self) -> bool {
        matches!(self, Self::HungUp(moment) if moment.peer_was_silent())
    }

    /// Returns what is worth checking after the peer ended the handshake with an alert, or hung up:
    /// short texts, the likeliest cause first. None of it is known to be the cause. The error's own
    /// text has them, too.
    #[must_use]
    pub fn worth_checking(&self) -> &'static [&'static str] {
        match self {
            Self::AlertReceived {
                alert,
                moment: Some(moment),
            } => moment.causes(Some(*alert)),
            Self::HungUp(moment) => moment.causes(None),
            _ => &[],
        }
    }

    /// Returns the setting that would accept the peer's offer or certificate, or send this side's
    /// certificate, if there is one.
    #[must_use]
    pub fn setting(&self) -> Option<&'static str> {
        match self {
            Self::Incompatible(incompatible) => incompatible.setting(),
            Self::Certificate(error) => error.setting(),
            Self::AlertReceived { moment, .. } => moment.as_ref().and_then(Moment::setting),
            Self::HungUp(moment) => moment.setting(),
            Self::Peer(error) => error.setting(),
            Self::Decode { .. } | Self::Truncated | Self::Local(_) | Self::Misuse(_) => None,
        }
    }
}

impl DecodeError {
    /// Adds the name of the message that could not be parsed.
    pub(crate) fn of(self, message: &'static str) -> Error {
        Error::Decode {
            message,
            error: self,
        }
    }
}

// By hand: a derived `From` makes the inner error the source, and a report would print its text
// twice.
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
