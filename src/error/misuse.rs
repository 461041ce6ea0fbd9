//! Calls that the connection cannot serve now.

errors! {
    /// A call that the connection cannot serve now. Nothing changed; the connection goes on.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub enum Misuse {
        /// Something was asked for that needs a complete handshake.
        #[error("the handshake is not complete")]
        HandshakeIncomplete,
        /// The connection was closed, by this side or by the peer.
        #[error("the connection is closed")]
        Closed,
        /// An answer came though nothing is pending.
        #[error("nothing is pending")]
        NothingPending,
        /// The answer does not belong to what is pending: another kind, or another connection's.
        #[error("the answer does not belong to what is pending")]
        WrongAnswer,
        /// A [`Stream`](crate::Stream) was read or written while its connection waits for an answer.
        #[error("the connection waits for an answer")]
        Paused,
        /// Something was to be derived that is bound to nobody without the extended master secret,
        /// which this connection does not have
        /// ([RFC 7627 section 5.4](https://www.rfc-editor.org/rfc/rfc7627#section-5.4)). Keying material
        /// can be had by
        /// [`Connection::dangerous_export_without_extended_master_secret`](crate::Connection::dangerous_export_without_extended_master_secret).
        #[error("the connection has no extended master secret")]
        NoExtendedMasterSecret,
        /// Keying material was asked for with a label that TLS itself uses
        /// ([RFC 5705 section 4](https://www.rfc-editor.org/rfc/rfc5705#section-4)).
        #[error("the label is one of TLS itself")]
        ReservedLabel,
        /// The context of keying material is over 65535 bytes.
        #[error("the context is longer than 65535 bytes")]
        ContextTooLong,
        /// The hash of the server certificate's signature is none that tls-server-end-point is defined
        /// for ([RFC 5929 section 4.1](https://www.rfc-editor.org/rfc/rfc5929#section-4.1)).
        #[error("tls-server-end-point is not defined for the server's certificate")]
        NoEndPointHash,
    }
}
