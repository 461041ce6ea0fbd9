//! Calls that are not possible in the current state of a connection.

errors! {
    /// A call that is not possible in the current state of the connection, which it leaves unchanged.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub enum Misuse {
        /// The call requires a complete handshake.
        #[error("the handshake is not complete")]
        HandshakeIncomplete,
        /// The connection was closed, by this side or by the peer.
        #[error("the connection is closed")]
        Closed,
        /// The handshake is not paused, so there is nothing to answer.
        #[error("the handshake is not paused, so there is nothing to answer")]
        NothingPending,
        /// The answer belongs to another pause or another connection.
        #[error("the answer belongs to another pause or another connection")]
        WrongAnswer,
        /// The next record is longer than the input buffer, as
        /// [`Connection::set_input_capacity`](crate::Connection::set_input_capacity) declared it. It
        /// can be received once a longer buffer is declared.
        #[error("the next record has {record} bytes, and the input buffer holds {capacity}")]
        BufferTooSmall {
            /// The length of the record with its header, in bytes.
            record: usize,
            /// The declared capacity, in bytes.
            capacity: usize,
        },
        /// The connection may still renegotiate, as
        /// [`accept_renegotiation`](crate::ClientConfigBuilder::accept_renegotiation) permits, which
        /// takes both of its directions: it cannot be split.
        #[error("the connection may renegotiate, so it cannot be split")]
        MayRenegotiate,
        /// A [`Stream`](crate::Stream) was read or written while its handshake is paused.
        #[error("the handshake is paused and waits for an answer")]
        Paused,
        /// The connection does not use the extended master secret, without which derived keys are
        /// not bound to the two ends of one connection
        /// ([RFC 7627 section 5.4](https://www.rfc-editor.org/rfc/rfc7627#section-5.4)). Keying material
        /// is still available from
        /// [`Connection::dangerous_export_without_extended_master_secret`](crate::Connection::dangerous_export_without_extended_master_secret).
        #[error("the connection does not use the extended master secret")]
        NoExtendedMasterSecret,
        /// The label for keying material is one that TLS itself uses
        /// ([RFC 5705 section 4](https://www.rfc-editor.org/rfc/rfc5705#section-4)).
        #[error("the label is reserved for TLS")]
        ReservedLabel,
        /// The context for keying material is longer than 65535 bytes.
        #[error("the context is longer than 65535 bytes")]
        ContextTooLong,
        /// The signature algorithm of the server's certificate has no hash for which
        /// tls-server-end-point is defined, or there is no certificate
        /// ([RFC 5929 section 4.1](https://www.rfc-editor.org/rfc/rfc5929#section-4.1)).
        #[error("tls-server-end-point is not defined for the server's certificate")]
        NoEndPointHash,
    }
}
