//! The errors of a connection and of a transport, as [`io::Error`].

use super::buffers::Overrun;
use crate::error::{Error, Misuse};
use std::io;

/// Wraps an error of the connection, which becomes the inner error.
pub(super) fn io_error(error: impl Into<Error>) -> io::Error {
    let error = error.into();
    let kind = match &error {
        Error::HungUp(_) | Error::Truncated => io::ErrorKind::UnexpectedEof,
        Error::AlertReceived { .. } => io::ErrorKind::ConnectionAborted,
        // Not `WouldBlock`: waiting for the transport would not end a pause.
        Error::Misuse(Misuse::Paused) => io::ErrorKind::Other,
        Error::Misuse(_) => io::ErrorKind::NotConnected,
        Error::Decode { .. }
        | Error::Peer(_)
        | Error::Incompatible(_)
        | Error::Certificate(_)
        | Error::Local(_) => io::ErrorKind::InvalidData,
    };
    io::Error::new(kind, error)
}

/// The error of a transport that breaks its contract.
pub(super) fn overrun(Overrun: Overrun) -> io::Error {
    io::Error::other("the transport reported that it moved more bytes than it was given")
}

pub(super) fn is_reset(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::ConnectionReset
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::{CertificateFault, DecodeError, LocalError, PeerError};

    #[test]
    fn each_error_has_its_kind_and_is_inside() {
        use io::ErrorKind::*;
        for (error, kind) in [
            (Error::Truncated, UnexpectedEof),
            (
                Error::AlertReceived {
                    alert: crate::enums::AlertDescription(40),
                    moment: None,
                },
                ConnectionAborted,
            ),
            (Misuse::Paused.into(), Other),
            (Misuse::Closed.into(), NotConnected),
            (DecodeError::Truncated.of("alert"), InvalidData),
            (PeerError::BadRecord.into(), InvalidData),
            (
                Error::Certificate(CertificateFault::Refused.into()),
                InvalidData,
            ),
            (LocalError::KeyExhausted.into(), InvalidData),
        ] {
            let wrapped = io_error(error.clone());
            assert_eq!(wrapped.kind(), kind, "{error}");
            let inner = wrapped.into_inner().unwrap();
            assert_eq!(inner.downcast_ref(), Some(&error));
        }
    }
}
