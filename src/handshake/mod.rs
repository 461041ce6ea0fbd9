//! The handshake's state machines ([RFC 5246 section 7](https://www.rfc-editor.org/rfc/rfc5246#section-7)).
//!
//! A state takes one message and returns the next state; what has to happen on the wire it asks for
//! as [`Actions`], which the connection carries out in order. States never see a record or a buffer
//! of the caller's.

mod client;
mod established;
mod limits;
mod server;
mod session_info;

pub use established::ChannelBinding;
pub use session_info::{NotResumed, Resumption, SessionInfo};

use crate::config::{ClientConfig, Environment, ServerConfig};
use crate::crypto::aead::AeadKey;
use crate::crypto::pre_master_secret::PreMasterSecret;
use crate::crypto::suite::Suite;
use crate::enums::{AlertDescription, ContentType, HandshakeType};
use crate::error::{Error, Misuse, PeerError};
use crate::keys::{Aligned, MasterSecret, Randoms, Transcript, VerifyData};
use crate::message::finished::VERIFY_DATA;
use crate::message::{HandshakeMessage, HelloRequest};
use crate::pending::{Answer, Pending};
pub(crate) use crate::resumption::SessionInUse;
use core::fmt::Write;
use core::net::SocketAddr;
use established::Established;
use limits::RecordLimits;
use pki_types::ServerName;
use std::sync::Arc;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

/// How often the peer may ask for another handshake before it is dropped.
///
/// Each refusal is a record that the peer makes this side send; an honest peer takes the first no.
const MAX_RENEGOTIATION_REQUESTS: u8 = 4;

/// What a state machine is given.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Incoming<'a> {
    Handshake(HandshakeMessage<'a>),
    /// The peer changes its keys, at a place where that is possible.
    ChangeCipherSpec(Aligned),
}

/// What a state asks of the connection.
#[derive(Debug)]
pub(crate) enum Action {
    /// Send one handshake message, header included.
    SendHandshake(Vec<u8>),
    /// Send ChangeCipherSpec, and protect what is sent from here on.
    ChangeWriteKey(AeadKey),
    /// Expect what comes from here on to be protected, in records of at most this much plaintext.
    ChangeReadKey(AeadKey, usize),
    SendWarning(AlertDescription),
    /// TLS 1.2 is agreed: from here on every record says so.
    VersionAgreed,
    /// Send no more plaintext than this in a record.
    LimitSent(usize),
    /// Accept no more plaintext than this in a record.
    LimitReceived(usize),
    /// From here on, a failure of the connection is one of this session.
    UseSession(SessionInUse),
    Complete(Box<SessionInfo>),
}

/// What the states ask for, in order.
#[derive(Debug, Default)]
pub(crate) struct Actions(Vec<Action>);

impl Actions {
    fn push(&mut self, action: Action) {
        self.0.push(action);
    }

    /// Sends a handshake message and adds it to `transcript`.
    fn send(&mut self, message: Vec<u8>, transcript: &mut Transcript) {
        transcript.add(&message);
        self.push(Action::SendHandshake(message));
    }

    pub(crate) fn into_iter(self) -> impl Iterator<Item = Action> {
        self.0.into_iter()
    }
}

/// A state of either role, or the end of the road.
#[derive(Debug)]
enum State {
    Client(client::State),
    Server(server::State),
    Established(Box<Established>),
    Failed(Error),
}

/// The handshake of one connection, and what is left of it afterwards.
#[derive(Debug)]
pub(crate) struct Handshake {
    state: State,
    /// The message with which the peer would ask for another handshake.
    renegotiation_request: HandshakeType,
    renegotiation_requests: u8,
}

impl Handshake {
    /// A client's handshake; its ClientHello is the first action.
    pub(crate) fn client(
        config: Arc<ClientConfig>,
        server_name: ServerName<'static>,
        address: Option<SocketAddr>,
        actions: &mut Actions,
    ) -> Result<Self, Error> {
        Ok(Self {
            state: State::Client(client::start(config, server_name, address, actions)?),
            renegotiation_request: HandshakeType::HELLO_REQUEST,
            renegotiation_requests: 0,
        })
    }

    pub(crate) fn server(config: Arc<ServerConfig>) -> Self {
        Self {
            state: State::Server(server::start(config)),
            renegotiation_request: HandshakeType::CLIENT_HELLO,
            renegotiation_requests: 0,
        }
    }

    /// Takes one message and goes to the next state. After an error the connection says with
    /// [`fail`](Self::fail) what every later call returns.
    pub(crate) fn handle(
        &mut self,
        incoming: Incoming<'_>,
        actions: &mut Actions,
    ) -> Result<(), Error> {
        if let Incoming::Handshake(message) = incoming
            && self.is_renegotiation_request(message)
        {
            return self.refuse_renegotiation(message, actions);
        }
        self.advance(|state| match state {
            State::Client(state) => state.handle(incoming, actions),
            State::Server(state) => state.handle(incoming, actions),
            State::Established(_) => Err(unexpected(incoming, "nothing more")),
            State::Failed(error) => Err(error),
        })
    }

    /// What the caller must answer before the handshake can go on.
    pub(crate) fn pending(&self) -> Option<Pending<'_>> {
        match &self.state {
            State::Client(state) => state.pending(),
            State::Server(state) => state.pending(),
            State::Established(_) | State::Failed(_) => None,
        }
    }

    /// Takes the caller's answer. A wrong one changes nothing.
    pub(crate) fn resume(&mut self, answer: Answer, actions: &mut Actions) -> Result<(), Error> {
        self.pending()
            .ok_or(Misuse::NothingPending)?
            .belongs(&answer)?;
        self.advance(|state| match state {
            State::Client(state) => state.resume(answer, actions),
            State::Server(state) => state.resume(answer),
            State::Established(_) => Err(Misuse::NothingPending.into()),
            State::Failed(error) => Err(error),
        })
    }

    /// From now on every call returns `error`.
    pub(crate) fn fail(&mut self, error: Error) {
        self.state = State::Failed(error);
    }

    /// The error that ended the connection, if one did.
    pub(crate) fn failure(&self) -> Option<&Error> {
        match &self.state {
            State::Failed(error) => Some(error),
            State::Client(_) | State::Server(_) | State::Established(_) => None,
        }
    }

    pub(crate) fn is_established(&self) -> bool {
        matches!(self.state, State::Established(_))
    }

    /// Derives keying material, once the handshake is complete.
    pub(crate) fn export_keying_material(
        &self,
        label: &[u8],
        context: Option<&[u8]>,
        out: &mut [u8],
    ) -> Result<(), Misuse> {
        let established = self.established()?;
        established.require_extended_master_secret()?;
        established.export_keying_material(label, context, out)
    }

    /// The same, also where nothing binds it to the two sides.
    pub(crate) fn export_keying_material_unbound(
        &self,
        label: &[u8],
        context: Option<&[u8]>,
        out: &mut [u8],
    ) -> Result<(), Misuse> {
        self.established()?
            .export_keying_material(label, context, out)
    }

    pub(crate) fn channel_binding(
        &self,
        binding: ChannelBinding,
        session: &SessionInfo,
    ) -> Result<Vec<u8>, Misuse> {
        self.established()?.channel_binding(binding, session)
    }

    fn established(&self) -> Result<&Established, Misuse> {
        match &self.state {
            State::Established(established) => Ok(established),
            State::Client(_) | State::Server(_) | State::Failed(_) => {
                Err(Misuse::HandshakeIncomplete)
            }
        }
    }

    /// Whether this is a client's handshake that is neither complete nor over.
    pub(crate) fn is_incomplete_client(&self) -> bool {
        matches!(self.state, State::Client(_))
    }

    /// Whether the peer's version is still unknown to this client.
    pub(crate) fn awaits_server_hello(&self) -> bool {
        matches!(self.state, State::Client(client::State::ServerHello(_)))
    }

    fn advance(&mut self, step: impl FnOnce(State) -> Result<State, Error>) -> Result<(), Error> {
        // A state that failed is gone; this one goes nowhere until the error is set.
        let held = State::Failed(Misuse::Closed.into());
        self.state = step(core::mem::replace(&mut self.state, held))?;
        Ok(())
    }

    /// A HelloRequest at any time, or a ClientHello once the handshake is over.
    fn is_renegotiation_request(&self, message: HandshakeMessage<'_>) -> bool {
        message.typ == self.renegotiation_request
            && match self.state {
                State::Client(_) | State::Established(_) => true,
                State::Server(_) | State::Failed(_) => false,
            }
    }

    /// "This message will be ignored by the client if the client is currently negotiating a
    /// session." Afterwards a no_renegotiation alert answers it, as it answers a client's hello
    /// (sections 7.4.1.1 and 7.2.2). Both are bounded in number, and neither message becomes part
    /// of the transcript.
    fn refuse_renegotiation(
        &mut self,
        message: HandshakeMessage<'_>,
        actions: &mut Actions,
    ) -> Result<(), Error> {
        if message.typ == HandshakeType::HELLO_REQUEST {
            message.decode::<HelloRequest>()?;
        }
        self.renegotiation_requests += 1;
        if self.renegotiation_requests > MAX_RENEGOTIATION_REQUESTS {
            return Err(PeerError::TooManyRenegotiations.into());
        }
        if self.is_established() {
            actions.push(Action::SendWarning(AlertDescription::NO_RENEGOTIATION));
        }
        Ok(())
    }
}

/// The error for something that came where `awaited` was due.
fn unexpected(incoming: Incoming<'_>, awaited: &'static str) -> Error {
    match incoming {
        Incoming::Handshake(message) => PeerError::UnexpectedMessage {
            received: message.typ,
            awaited,
        },
        Incoming::ChangeCipherSpec(_) => {
            PeerError::UnexpectedRecord(ContentType::CHANGE_CIPHER_SPEC)
        }
    }
    .into()
}

/// The handshake message of this type, or the error that something else came.
fn expect<'a>(
    incoming: Incoming<'a>,
    typ: HandshakeType,
    awaited: &'static str,
) -> Result<HandshakeMessage<'a>, Error> {
    match incoming {
        Incoming::Handshake(message) if message.typ == typ => Ok(message),
        Incoming::Handshake(_) | Incoming::ChangeCipherSpec(_) => {
            Err(unexpected(incoming, awaited))
        }
    }
}

/// The master secret of a full handshake, extended or not, and logged. The transcript ends with
/// ClientKeyExchange: "session_hash = Hash(handshake_messages) where "handshake_messages" refers to
/// all handshake messages sent or received, starting at the ClientHello up to and including the
/// ClientKeyExchange message"
/// ([RFC 7627 section 3](https://www.rfc-editor.org/rfc/rfc7627#section-3)).
fn derive_master_secret(
    pre_master_secret: &PreMasterSecret,
    suite: &Suite,
    randoms: &Randoms,
    extended: bool,
    transcript: &Transcript,
    environment: &Environment,
) -> MasterSecret {
    let master_secret = match extended {
        true => MasterSecret::derive_extended(suite.prf, pre_master_secret, &transcript.current()),
        false => MasterSecret::derive(suite.prf, pre_master_secret, randoms),
    };
    log_key(environment, randoms, &master_secret);
    master_secret
}

/// Whether the peer's verify_data is the expected one, in constant time.
fn check_verify_data(received: &[u8; VERIFY_DATA], expected: &VerifyData) -> Result<(), PeerError> {
    match received.ct_eq(&expected.0).into() {
        true => Ok(()),
        false => Err(PeerError::BadFinished),
    }
}

/// Writes the connection's line to the key log, where there is one.
fn log_key(environment: &Environment, randoms: &Randoms, master_secret: &MasterSecret) {
    let Some(key_log) = &environment.key_log else {
        return;
    };
    let mut line = Zeroizing::new(String::with_capacity(2 * (32 + 48) + 16));
    line.push_str("CLIENT_RANDOM ");
    for byte in randoms.client {
        // Writing to a string does not fail.
        let _ = write!(line, "{byte:02x}");
    }
    line.push(' ');
    for byte in master_secret.as_bytes() {
        let _ = write!(line, "{byte:02x}");
    }
    key_log.log(&line);
}
