//! The public [`Connection`]: the one place that sees the record layer and the handshake, and
//! carries out between them what the handshake's states ask for.

mod act;
mod end;
mod event;
mod receive;
#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;

use crate::config::{ClientConfig, ServerConfig};
use crate::enums::{AlertDescription, ContentType, ProtocolVersion};
use crate::error::{Error, Misuse};
use crate::handshake::{Actions, ChannelBinding, Handshake, SessionInfo};
use crate::keys::Joiner;
use crate::pending::{Answer, Pending};
pub(crate) use crate::record::MAX_PLAINTEXT;
use crate::record::{HEADER, MAX_CIPHERTEXT, RecordReader, RecordWriter, VersionRule};
use crate::resumption::SessionInUse;
use core::net::SocketAddr;
pub use event::{Event, Received};
use pki_types::ServerName;
use std::sync::Arc;

/// The longest record that a peer may send with any cipher suite, header included: 5 + 2^14 + 2048
/// bytes ([RFC 5246 section 6.2.3](https://www.rfc-editor.org/rfc/rfc5246#section-6.2.3)). An input
/// buffer of this size always holds a whole record.
pub const MAX_RECORD_LENGTH: usize = HEADER + MAX_CIPHERTEXT;

/// One TLS connection, client or server, without its transport.
///
/// Bytes from the peer go into [`receive`](Self::receive), bytes for the peer come out of every
/// method that has an `outgoing`, appended to it. The connection does no I/O and holds no received
/// application data, so it waits for nothing and back-pressure is the caller's own.
///
/// When a method returns an error, the alert that tells the peer is already in `outgoing` and
/// should still be sent. Every error but [`Error::Misuse`] is final: later calls return the same
/// again. After [`Error::Misuse`] the connection is as it was.
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
    writer: RecordWriter,
    session: Option<Box<SessionInfo>>,
    session_in_use: Option<SessionInUse>,
    close_sent: bool,
    close_received: bool,
    warnings: u8,
}

impl Connection {
    /// Starts a client's connection to the server of this name; the ClientHello is in `outgoing`.
    ///
    /// The name is what the server's certificate must be valid for; a DNS name is also sent
    /// ([RFC 6066 section 3](https://www.rfc-editor.org/rfc/rfc6066#section-3)). The session that the
    /// configuration keeps for the name, if there is one, is offered to be resumed; several servers
    /// behind one name are told apart by [`client_at`](Self::client_at).
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

    /// Starts a client's connection to the server at `address`: only a session that was made there
    /// is resumed. For names behind which there are servers that do not share their sessions.
    ///
    /// # Errors
    ///
    /// As those of [`client`](Self::client).
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
        let handshake = Handshake::client(config, server_name, address, &mut actions)?;
        // Servers that do not speak TLS 1.2 answer a record of TLS 1.0 better, if only with an
        // alert; "no single value will guarantee interoperability" (appendix E.1).
        let mut connection = Self::new(handshake, ProtocolVersion::TLS_1_0);
        connection.apply(actions, outgoing)?;
        Ok(connection)
    }

    /// Starts a server's connection, which waits for a ClientHello.
    #[must_use]
    pub fn server(config: Arc<ServerConfig>) -> Self {
        Self::new(Handshake::server(config), ProtocolVersion::TLS_1_2)
    }

    fn new(handshake: Handshake, record_version: ProtocolVersion) -> Self {
        Self {
            handshake,
            joiner: Joiner::default(),
            reader: RecordReader::new(VersionRule::AnyTls),
            writer: RecordWriter::new(record_version),
            session: None,
            session_in_use: None,
            close_sent: false,
            close_received: false,
            warnings: 0,
        }
    }

    /// Takes whole records from the front of `incoming` until something happens.
    ///
    /// Records are decrypted where they lie. Application data is a slice of `incoming` and does
    /// not borrow the connection, so it may be answered with [`send`](Self::send) while it is
    /// held. At most one event is returned a call; call again until it is
    /// [`Event::NeedData`]. Whatever has to be answered is appended to `outgoing`.
    ///
    /// The bytes that were not consumed must be given again, with more behind them; up to
    /// [`MAX_RECORD_LENGTH`] bytes are needed for one record.
    ///
    /// # Errors
    ///
    /// Any but those of a configuration. The connection is over, as it is with [`Misuse::Closed`]
    /// after a handshake that the caller gave up with [`close`](Self::close).
    pub fn receive<'b>(
        &mut self,
        incoming: &'b mut [u8],
        outgoing: &mut Vec<u8>,
    ) -> Result<Received<'b>, Error> {
        self.check_not_failed()?;
        let length = incoming.len();
        let mut rest = incoming;
        let event =
            self.process(&mut rest, outgoing).map_err(|error| self.fail(error, outgoing))?;
        Ok(Received {
            consumed: length - rest.len(),
            event,
        })
    }

    /// Encrypts `plaintext` into `outgoing`, in records of at most 2^14 bytes or what
    /// [`SessionInfo::max_plaintext_sent`] says. Nothing is sent for no plaintext.
    ///
    /// # Errors
    ///
    /// [`Misuse::HandshakeIncomplete`] before the handshake is complete, [`Misuse::Closed`] after
    /// either side closed: the connection goes on.
    /// [`LocalError::KeyExhausted`](crate::error::LocalError::KeyExhausted) after 2^64 records: it is over.
    pub fn send(&mut self, plaintext: &[u8], outgoing: &mut Vec<u8>) -> Result<(), Error> {
        self.check_not_failed()?;
        if self.close_sent || self.close_received {
            return Err(Misuse::Closed.into());
        }
        if !self.handshake.is_established() {
            return Err(Misuse::HandshakeIncomplete.into());
        }
        self.writer
            .write(ContentType::APPLICATION_DATA, plaintext, outgoing)
            .map_err(|error| self.fail(error.into(), outgoing))
    }

    /// Closes the sending direction with close_notify; more than once does nothing more.
    ///
    /// What the peer sent before it saw that can still be received, up to its own close_notify.
    /// A handshake that is not complete is given up with user_canceled, and nothing more is
    /// received.
    pub fn close(&mut self, outgoing: &mut Vec<u8>) {
        if self.close_sent || self.handshake.failure().is_some() {
            return;
        }
        if self.handshake.is_established() {
            self.send_close_notify(outgoing);
        } else {
            // "This alert should be followed by a close_notify."
            self.send_warning(AlertDescription::USER_CANCELED, outgoing);
            self.send_close_notify(outgoing);
            self.forget(Misuse::Closed.into());
        }
    }

    /// Says that the transport has ended; nothing more will be received. Call it only when
    /// [`receive`](Self::receive) has had everything that came and wants more.
    ///
    /// # Errors
    ///
    /// [`Error::Truncated`] if the peer did not close the connection first: an attacker may have
    /// cut it, and what was received may be incomplete
    /// ([RFC 5246 section 7.2.1](https://www.rfc-editor.org/rfc/rfc5246#section-7.2.1)). Many
    /// peers just hang up; whether that matters is known to the protocol above.
    pub fn receive_eof(&mut self) -> Result<(), Error> {
        match self.handshake.failure() {
            // Given up by this side: the end is what it wanted.
            Some(Error::Misuse(Misuse::Closed)) => Ok(()),
            Some(error) => Err(error.clone()),
            None if self.close_received => Ok(()),
            None => {
                // "If the ticket is accepted by the server but the handshake fails, the client SHOULD
                // delete the ticket." What made the server hang up would do so again.
                if self.handshake.is_incomplete_client() {
                    self.forget_session();
                }
                self.forget(Error::Truncated);
                Err(Error::Truncated)
            }
        }
    }

    /// What the caller must answer before the connection goes on; `None` if nothing.
    #[must_use]
    pub fn pending(&self) -> Option<Pending<'_>> {
        self.handshake.pending()
    }

    /// Answers what is pending. Afterwards [`receive`](Self::receive) goes on, also without new
    /// input.
    ///
    /// # Errors
    ///
    /// [`Misuse::NothingPending`] or [`Misuse::WrongAnswer`], after which the pause is as it was;
    /// [`Error::Certificate`] if the answer refuses the certificate or its key cannot be used,
    /// [`LocalError::Signing`](crate::error::LocalError::Signing) if the signature is not good, and whatever
    /// is wrong with a message that waited for a verdict: the connection is over.
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

    /// What was agreed, once the handshake is complete.
    #[must_use]
    pub fn session(&self) -> Option<&SessionInfo> {
        self.session.as_deref()
    }

    /// Fills `out` with keying material for another protocol, the same on both sides
    /// ([RFC 5705](https://www.rfc-editor.org/rfc/rfc5705)).
    ///
    /// `label` says what it is for and is registered with IANA or starts with `EXPERIMENTAL`; no
    /// context and an empty one give different results. `out` may have any length.
    ///
    /// # Errors
    ///
    /// [`Misuse::HandshakeIncomplete`] before the handshake is complete,
    /// [`Misuse::NoExtendedMasterSecret`] for a connection without it, [`Misuse::ReservedLabel`] for
    /// a label that TLS uses itself, [`Misuse::ContextTooLong`] over 65535 bytes: `out` is as it was
    /// and the connection goes on. After it failed, its error.
    pub fn export_keying_material(
        &self,
        label: &[u8],
        context: Option<&[u8]>,
        out: &mut [u8],
    ) -> Result<(), Error> {
        self.check_not_failed()?;
        self.handshake.export_keying_material(label, context, out).map_err(Error::from)
    }

    /// The same for a connection that may be without the extended master secret.
    ///
    /// **The result may be shared with another connection:** without the extended master secret,
    /// somebody in the middle who is the server of one connection and the client of another can
    /// give both the same keys
    /// ([RFC 7627 section 5.4](https://www.rfc-editor.org/rfc/rfc7627#section-5.4)). Never
    /// authenticate with it.
    ///
    /// # Errors
    ///
    /// As those of [`export_keying_material`](Self::export_keying_material), but
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

    /// What binds an authentication in the protocol above to this connection.
    ///
    /// # Errors
    ///
    /// [`Misuse::HandshakeIncomplete`] before the handshake is complete,
    /// [`Misuse::NoExtendedMasterSecret`] for `tls-unique` without it, [`Misuse::NoEndPointHash`]
    /// for `tls-server-end-point` where it is not defined: the connection goes on. After it failed,
    /// its error.
    pub fn channel_binding(&self, binding: ChannelBinding) -> Result<Vec<u8>, Error> {
        self.check_not_failed()?;
        let session = self.session().ok_or(Misuse::HandshakeIncomplete)?;
        self.handshake.channel_binding(binding, session).map_err(Error::from)
    }

    fn check_not_failed(&self) -> Result<(), Error> {
        match self.handshake.failure() {
            Some(error) => Err(error.clone()),
            None => Ok(()),
        }
    }
}
