//! The public [`Connection`]: the only module that sees both the record layer and the handshake. It
//! carries out the actions that the handshake's states request.

mod act;
mod end;
mod event;
mod output;
mod peek;
mod receive;
mod split;
#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;

use crate::config::{ClientConfig, ServerConfig};
use crate::enums::{AlertDescription, ContentType, HandshakeType, ProtocolVersion};
use crate::error::{Error, Misuse};
use crate::handshake::{Actions, ChannelBinding, Handshake, SessionInfo};
use crate::keys::Joiner;
#[cfg(feature = "tokio")]
use crate::pending::Work;
use crate::pending::{Answer, Pending};
pub(crate) use crate::record::MAX_PLAINTEXT;
pub use crate::record::RECORD_OVERHEAD;
use crate::record::{
    HEADER, MAX_CIPHERTEXT, RecordReader, RecordWriter, VersionRule, record_length,
};
use crate::resumption::SessionInUse;
use core::net::SocketAddr;
pub use event::{Event, Received};
use output::Output;
pub use peek::{ClientHello, Peeked};
use pki_types::ServerName;
pub use split::{ReceiveHalf, ReuniteError, SendHalf, SplitError};
use std::sync::Arc;

/// The longest record that RFC 5246 allows with any cipher suite, its header included: 5 + 2^14 +
/// 2048 bytes ([RFC 5246 section 6.2.3](https://www.rfc-editor.org/rfc/rfc5246#section-6.2.3)). An
/// input buffer of this size always holds a complete record. The connection refuses a record that
/// is longer than its own cipher and limits allow.
pub const MAX_RECORD_LENGTH: usize = HEADER + MAX_CIPHERTEXT;

/// One TLS connection, client or server, without its transport.
///
/// Bytes from the peer go into [`receive`](Self::receive). Bytes for the peer come out of each
/// method that has an `outgoing`, appended to it. The connection does no I/O and stores no received
/// application data, so it never blocks, and back-pressure is up to the caller.
///
/// When a method returns an error, the alert for the peer is already in `outgoing` and should still
/// be sent. Every error except [`Error::Misuse`] is final: later calls return it again.
/// [`Error::Misuse`] leaves the connection unchanged.
///
/// ```
/// use premaster::{Connection, Event};
/// # fn example(connection: &mut Connection, incoming: &mut Vec<u8>, outgoing: &mut Vec<u8>)
/// # -> Result<(), premaster::Error> {
/// let mut start = 0;
/// loop {
///     let received = connection.receive(&mut incoming[start..], outgoing)?;
///     start += received.consumed;
///     match received.event {
///         Event::ApplicationData(data) => println!("{} bytes", data.len()),
///         Event::HandshakeComplete => connection.send(b"hello", outgoing)?,
///         // Answer `connection.pending()`.
///         Event::Paused => break,
///         // Send what is outgoing, then append more to `incoming`, or end.
///         _ => break,
///     }
/// }
/// incoming.drain(..start);
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Connection {
    handshake: Handshake,
    joiner: Joiner,
    reader: RecordReader,
    output: Output,
    session: Option<Box<SessionInfo>>,
    session_in_use: Option<SessionInUse>,
    close_sent: bool,
    close_received: bool,
    /// The peer's close_notify also ends this side's sending.
    close_with_peer: bool,
    /// Warning alerts since the last application data.
    warnings: u8,
    /// This side's last handshake message.
    sent: Option<HandshakeType>,
    /// True once a byte of the peer's has arrived.
    heard: bool,
    /// The most bytes that the caller's input buffer holds.
    input_capacity: usize,
}

impl Connection {
    /// Starts a client connection to the server with this name and appends the ClientHello to
    /// `outgoing`.
    ///
    /// [`server_name`](crate::server_name()) makes the name from a text. The server's certificate
    /// must be valid for it. A DNS name is also sent as server_name
    /// ([RFC 6066 section 3](https://www.rfc-editor.org/rfc/rfc6066#section-3)). If the
    /// configuration's store holds a session for the name, the client offers to resume it. Use
    /// [`client_at`](Self::client_at) if several servers share the name but not their sessions.
    ///
    /// # Errors
    ///
    /// [`LocalError::RandomUnavailable`](crate::error::LocalError::RandomUnavailable).
    pub fn client(
        config: Arc<ClientConfig>,
        server_name: ServerName<'static>,
        outgoing: &mut Vec<u8>,
    ) -> Result<Self, Error> {
        Self::start_client(config, server_name, None, outgoing)
    }

    /// Starts a client connection to the server at `address`, and offers only a session that was
    /// made with the server at this address. Use it if several servers share one name but not their
    /// sessions. The address has no other effect.
    ///
    /// # Errors
    ///
    /// The errors of [`client`](Self::client).
    pub fn client_at(
        config: Arc<ClientConfig>,
        server_name: ServerName<'static>,
        address: SocketAddr,
        outgoing: &mut Vec<u8>,
    ) -> Result<Self, Error> {
        Self::start_client(config, server_name, Some(address), outgoing)
    }

    fn start_client(
        config: Arc<ClientConfig>,
        server_name: ServerName<'static>,
        address: Option<SocketAddr>,
        outgoing: &mut Vec<u8>,
    ) -> Result<Self, Error> {
        let mut actions = Actions::default();
        let close_with_peer = config.common.close_with_peer;
        let handshake = Handshake::client(config, server_name, address, &mut actions)?;
        // Servers that do not speak TLS 1.2 answer a record of TLS 1.0 better, if only with an
        // alert; "no single value will guarantee interoperability" (appendix E.1).
        let mut connection = Self::new(handshake, ProtocolVersion::TLS_1_0, close_with_peer);
        connection.apply(actions, outgoing)?;
        Ok(connection)
    }

    /// Starts a server connection, which awaits a ClientHello.
    #[must_use]
    pub fn server(config: Arc<ServerConfig>) -> Self {
        let close_with_peer = config.common.close_with_peer;
        let handshake = Handshake::server(config);
        Self::new(handshake, ProtocolVersion::TLS_1_2, close_with_peer)
    }

    fn new(handshake: Handshake, record_version: ProtocolVersion, close_with_peer: bool) -> Self {
        Self {
            handshake,
            joiner: Joiner::default(),
            reader: RecordReader::new(VersionRule::AnyTls),
            output: Output::Records(RecordWriter::new(record_version)),
            session: None,
            session_in_use: None,
            close_sent: false,
            close_received: false,
            close_with_peer,
            warnings: 0,
            sent: None,
            heard: false,
            input_capacity: usize::MAX,
        }
    }

    /// Processes complete records from the front of `incoming` until there is an event to report.
    ///
    /// Records are decrypted in place. Application data is a slice of `incoming` and does not
    /// borrow the connection, so the caller may [`send`](Self::send) while it holds the data. Each
    /// call returns one event; call again until it is [`Event::NeedData`]. Replies to the peer are
    /// appended to `outgoing`.
    ///
    /// Pass the bytes that were not consumed again, followed by new ones. One record needs up to
    /// [`MAX_RECORD_LENGTH`] bytes; [the front page](crate#buffers) says when less will do.
    ///
    /// # Errors
    ///
    /// Any [`Error`]; the connection has then failed. [`Misuse::Closed`] after a handshake that the
    /// caller gave up with [`close`](Self::close). [`Misuse::BufferTooSmall`] leaves the connection
    /// unchanged.
    pub fn receive<'b>(
        &mut self,
        incoming: &'b mut [u8],
        outgoing: &mut Vec<u8>,
    ) -> Result<Received<'b>, Error> {
        self.check_not_failed()?;
        self.heard |= !incoming.is_empty();
        let (input, length, written) = (incoming.as_ptr().addr(), incoming.len(), outgoing.len());
        let mut rest = incoming;
        let event =
            self.process(&mut rest, outgoing).map_err(|error| self.fail(error, outgoing))?;
        let consumed = length - rest.len();
        let needed = record_length(rest);
        // What was consumed or written has to be told first; the next call is for this record alone.
        let untouched = consumed == 0 && outgoing.len() == written;
        if matches!(event, Event::NeedData) && untouched && needed > self.input_capacity {
            return Err(Misuse::BufferTooSmall {
                record: needed,
                capacity: self.input_capacity,
            }
            .into());
        }
        Received::new(event, input, consumed, needed)
            .map_err(|error| self.fail(error.into(), outgoing))
    }

    /// Declares how many bytes the caller's input buffer can hold, for callers whose buffer does not
    /// grow. By default no capacity is declared.
    ///
    /// A record that is longer cannot be received: without a declaration,
    /// [`receive`](Self::receive) would return [`Event::NeedData`] for ever. With it,
    /// [`receive`](Self::receive) returns [`Misuse::BufferTooSmall`] once the record's header is
    /// there, and the connection is unchanged: provide a larger buffer, declare it, and call again.
    pub fn set_input_capacity(&mut self, bytes: usize) {
        self.input_capacity = bytes;
    }

    /// Encrypts `plaintext` and appends it to `outgoing`, in records of at most
    /// [`SessionInfo::max_plaintext_sent`] bytes. An empty `plaintext` appends nothing.
    ///
    /// # Errors
    ///
    /// [`Misuse::HandshakeIncomplete`] before the handshake is complete, and while one is under way
    /// that the server asked for
    /// ([`accept_renegotiation`](crate::ClientConfigBuilder::accept_renegotiation)); [`Misuse::Closed`] after
    /// this side closed, which includes the answer to the peer's close_notify with
    /// [`close_with_peer`](crate::ServerConfigBuilder::close_with_peer); the connection can still be used.
    /// [`LocalError::KeyExhausted`](crate::error::LocalError::KeyExhausted) after 2^64 records; the
    /// connection has then failed.
    pub fn send(&mut self, plaintext: &[u8], outgoing: &mut Vec<u8>) -> Result<(), Error> {
        self.check_not_failed()?;
        if self.close_sent {
            return Err(Misuse::Closed.into());
        }
        if !self.handshake.is_established() {
            return Err(Misuse::HandshakeIncomplete.into());
        }
        self.output
            .writer()
            .and_then(|writer| writer.write(ContentType::APPLICATION_DATA, plaintext, outgoing))
            .map_err(|error| self.fail(error.into(), outgoing))
    }

    /// Closes the sending direction with close_notify. Further calls do nothing. Call it when there
    /// is nothing more to send, also after [`Event::PeerClosed`]; dropping a connection sends
    /// nothing.
    ///
    /// Data that the peer sends before its own close_notify can still be received; a peer that
    /// follows RFC 5246 to the letter sends none. An incomplete handshake is aborted with
    /// user_canceled, and nothing can be received after that.
    pub fn close(&mut self, outgoing: &mut Vec<u8>) {
        if self.close_sent || self.handshake.failure().is_some() {
            return;
        }
        if self.handshake.is_established() {
            self.handshake.stop_renegotiating();
            self.send_close_notify(outgoing);
        } else {
            // "This alert should be followed by a close_notify."
            self.send_warning(AlertDescription::USER_CANCELED, outgoing);
            self.send_close_notify(outgoing);
            self.forget(Misuse::Closed.into());
        }
    }

    /// Reports that the transport has ended. Call it only after [`receive`](Self::receive) has
    /// processed all input and returned [`Event::NeedData`].
    ///
    /// # Errors
    ///
    /// [`Error::HungUp`] if the handshake is not complete; see [`Error::peer_was_silent`] for a peer
    /// that sent nothing at all. [`Error::Truncated`] after the handshake, if the peer did not send
    /// close_notify: an attacker may have cut the connection, and the received data may be incomplete
    /// ([RFC 5246 section 7.2.1](https://www.rfc-editor.org/rfc/rfc5246#section-7.2.1)). Many peers
    /// close the transport without close_notify; only the application protocol can tell whether its
    /// data is complete. On a failed connection, its error.
    pub fn receive_eof(&mut self) -> Result<(), Error> {
        match self.handshake.failure() {
            // This side gave up the handshake and expects the end.
            Some(Error::Misuse(Misuse::Closed)) => Ok(()),
            Some(error) => Err(error.clone()),
            None if self.close_received => Ok(()),
            None => {
                let error = self.transport_ended();
                // "If the ticket is accepted by the server but the handshake fails, the client SHOULD
                // delete the ticket." Whatever made the server close would do so again.
                if self.handshake.is_incomplete_client() {
                    self.forget_session();
                }
                self.forget(error.clone());
                Err(error)
            }
        }
    }

    /// Returns the question that the caller must answer before the handshake can continue, or
    /// `None`.
    #[must_use]
    pub fn pending(&self) -> Option<Pending<'_>> {
        self.handshake.pending()
    }

    /// Answers the pending question. Call [`receive`](Self::receive) afterwards, even without new
    /// input.
    ///
    /// # Errors
    ///
    /// [`Misuse::NothingPending`] and [`Misuse::WrongAnswer`] leave the pause unchanged. After the
    /// others the connection has failed: [`Error::Certificate`] if the answer refuses the
    /// certificate or the certificate's key cannot be used,
    /// [`LocalError::Signing`](crate::error::LocalError::Signing) if the signature is missing or
    /// wrong, and any error in a message that waited for the answer.
    pub fn resume(&mut self, answer: Answer, outgoing: &mut Vec<u8>) -> Result<(), Error> {
        self.check_not_failed()?;
        let mut actions = Actions::default();
        match self.handshake.resume(answer, &mut actions) {
            Err(Error::Misuse(misuse)) => return Err(misuse.into()),
            result => result.and_then(|()| self.apply(actions, outgoing)),
        }
        .map(|_| ())
        .map_err(|error| self.fail(error, outgoing))
    }

    /// Returns what the handshake agreed on, or `None` until it is complete.
    #[must_use]
    pub fn session(&self) -> Option<&SessionInfo> {
        self.session.as_deref()
    }

    /// Derives keying material for another protocol into `out`. Both sides derive the same bytes
    /// ([RFC 5705](https://www.rfc-editor.org/rfc/rfc5705)).
    ///
    /// `label` identifies the use; it is registered with IANA or starts with `EXPERIMENTAL`. No
    /// context and an empty context give different results. `out` may have any length.
    ///
    /// # Errors
    ///
    /// [`Misuse::HandshakeIncomplete`] before the handshake is complete,
    /// [`Misuse::NoExtendedMasterSecret`] on a connection without it, [`Misuse::ReservedLabel`] for
    /// a label that TLS itself uses, [`Misuse::ContextTooLong`] over 65535 bytes. These leave `out`
    /// unchanged, and the connection can still be used. On a failed connection, its error.
    pub fn export_keying_material(
        &self,
        label: &[u8],
        context: Option<&[u8]>,
        out: &mut [u8],
    ) -> Result<(), Error> {
        self.check_not_failed()?;
        self.handshake.export_keying_material(label, context, out).map_err(Error::from)
    }

    /// Exports keying material even if the connection does not use the extended master secret;
    /// otherwise like [`export_keying_material`](Self::export_keying_material).
    ///
    /// **Another connection may have the same keying material:** without the extended master
    /// secret, an attacker who is the server of one connection and the client of another can give
    /// both the same keys
    /// ([RFC 7627 section 5.4](https://www.rfc-editor.org/rfc/rfc7627#section-5.4)). Never use the
    /// result for authentication.
    ///
    /// # Errors
    ///
    /// The errors of [`export_keying_material`](Self::export_keying_material), except
    /// [`Misuse::NoExtendedMasterSecret`].
    pub fn dangerous_export_without_extended_master_secret(
        &self,
        label: &[u8],
        context: Option<&[u8]>,
        out: &mut [u8],
    ) -> Result<(), Error> {
        self.check_not_failed()?;
        self.handshake.export_keying_material_unbound(label, context, out).map_err(Error::from)
    }

    /// Returns a channel binding, which ties an authentication in the application protocol to this
    /// connection.
    ///
    /// # Errors
    ///
    /// [`Misuse::HandshakeIncomplete`] before the handshake is complete,
    /// [`Misuse::NoExtendedMasterSecret`] for `tls-unique` without it, [`Misuse::NoEndPointHash`]
    /// for `tls-server-end-point` if it is not defined for the server's certificate. The connection
    /// can still be used. On a failed connection, its error.
    pub fn channel_binding(&self, binding: ChannelBinding) -> Result<Vec<u8>, Error> {
        self.check_not_failed()?;
        let session = self.session().ok_or(Misuse::HandshakeIncomplete)?;
        self.handshake.channel_binding(binding, session).map_err(Error::from)
    }

    /// Returns true while application data can be sent and received: the handshake is complete, and
    /// none is under way that the server asked for.
    #[must_use]
    pub fn is_established(&self) -> bool {
        self.handshake.is_established()
    }

    /// Returns true if every later call returns an error.
    #[cfg(feature = "tokio")]
    pub(crate) fn has_failed(&self) -> bool {
        self.handshake.failure().is_some()
    }

    /// Returns the work that answers the pending question, if the configuration has what it takes.
    #[cfg(feature = "tokio")]
    pub(crate) fn pending_work(&self) -> Option<Work> {
        self.handshake.pending_work()
    }

    fn check_not_failed(&self) -> Result<(), Error> {
        match self.handshake.failure() {
            Some(error) => Err(error.clone()),
            None => Ok(()),
        }
    }
}
