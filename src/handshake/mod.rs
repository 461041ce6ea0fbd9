//! The handshake's state machines
//! ([RFC 5246 section 7](https://www.rfc-editor.org/rfc/rfc5246#section-7)).
//!
//! A state takes one message and returns the next state, or the established connection. It requests
//! everything that has to happen on the wire as [`Actions`], which the connection carries out in
//! order. States never see a record or a buffer of the caller's.
//!
//! The states of the two roles are in [`client`] and [`server`], one file for each flight. They
//! share the modules beside them and import nothing from this file, which drives them.

mod action;
mod agreed;
mod client;
mod established;
mod finish;
mod hello;
mod incoming;
mod key_log;
mod limits;
mod renegotiation;
mod server;
mod session_info;
mod step;
mod verified;

pub(crate) use action::{Action, Actions};
pub use established::ChannelBinding;
pub(crate) use incoming::Incoming;
pub use session_info::{
    CertificateAnswer, NotResumed, RequestedCertificate, Resumption, SessionInfo,
};

use crate::config::{ClientConfig, ServerConfig};
use crate::enums::{AlertDescription, HandshakeType};
use crate::error::{Details, Error, Misuse, Moment, Peer, PeerError};
use crate::message::hello::ClientHello;
use crate::message::{BodyLimit, HandshakeBody, HandshakeMessage, HelloRequest};
#[cfg(feature = "tokio")]
use crate::pending::Work;
use crate::pending::{Answer, Pending};
use core::net::SocketAddr;
use established::Established;
use pki_types::ServerName;
use renegotiation::{MAX_DATA_BEFORE_KEYS, Renegotiable};
use std::sync::Arc;
use step::Step;

/// The most requests for another handshake without application data between them.
///
/// Each refusal makes this side send a record. A server may ask again before each of its answers, so
/// data clears the count; without data, an honest peer stops after the first refusal.
const MAX_RENEGOTIATION_REQUESTS: u8 = 4;

/// A state of either role, or one of the two final states.
#[derive(Debug)]
enum State {
    Client(client::State),
    Server(server::State),
    Established(Box<Established>),
    Failed(Error),
}

impl State {
    /// The state after a step of one role, whose states are wrapped by `role`.
    fn after<S>(step: Step<S>, role: impl FnOnce(S) -> Self) -> Self {
        match step {
            Step::Next(state) => role(state),
            Step::Established(established) => Self::Established(established),
        }
    }
}

/// The handshake of one connection, and what remains of it afterwards.
#[derive(Debug)]
pub(crate) struct Handshake {
    state: State,
    /// The message by which the peer would request another handshake.
    renegotiation_request: HandshakeType,
    /// Requests since the last application data.
    renegotiation_requests: u8,
    /// The longest body of a message that is accepted, in bytes.
    max_message: usize,
    /// The handshake before, while another one is under way: its keys hold until the new ones do.
    before: Option<Before>,
}

/// A completed handshake, while another one on the same connection is under way.
#[derive(Debug)]
struct Before {
    established: Box<Established>,
    /// The bytes of application data since then.
    data: usize,
}

impl Handshake {
    /// Starts a client's handshake; sending its ClientHello is the first action.
    pub(crate) fn client(
        config: Arc<ClientConfig>,
        server_name: ServerName<'static>,
        address: Option<SocketAddr>,
        actions: &mut Actions,
    ) -> Result<Self, Error> {
        Ok(Self {
            max_message: config.common.max_handshake_message,
            state: State::Client(client::start(config, server_name, address, actions)?),
            renegotiation_request: HandshakeType::HELLO_REQUEST,
            renegotiation_requests: 0,
            before: None,
        })
    }

    pub(crate) fn server(config: Arc<ServerConfig>) -> Self {
        Self {
            max_message: config.common.max_handshake_message,
            state: State::Server(server::start(config)),
            renegotiation_request: HandshakeType::CLIENT_HELLO,
            renegotiation_requests: 0,
            before: None,
        }
    }

    /// How long a message of this type may be here; `None` if it is not due, so that
    /// [`handle`](Self::handle) refuses it, whatever it holds.
    pub(crate) fn due(&self, typ: HandshakeType) -> Option<BodyLimit> {
        let request = || match self.renegotiation_request {
            HandshakeType::HELLO_REQUEST => HelloRequest::longest(typ),
            _ => ClientHello::longest(typ),
        };
        let defined = match &self.state {
            State::Client(state) => state.due(typ).or_else(request),
            State::Server(state) => state.due(typ),
            State::Established(_) => request(),
            State::Failed(_) => None,
        };
        defined.map(|defined| BodyLimit {
            defined,
            configured: self.max_message,
        })
    }

    /// Takes one message and goes to the next state. After an error, the connection calls
    /// [`fail`](Self::fail) with what every later call returns.
    pub(crate) fn handle(
        &mut self,
        incoming: Incoming<'_>,
        actions: &mut Actions,
    ) -> Result<(), Error> {
        if let Incoming::Handshake(message) = incoming
            && self.is_renegotiation_request(message)
        {
            return self.on_renegotiation_request(message, actions);
        }
        self.advance(|state| match state {
            State::Client(state) => {
                let step = state.handle(incoming, actions)?;
                Ok(State::after(step, State::Client))
            }
            State::Server(state) => {
                let step = state.handle(incoming, actions)?;
                Ok(State::after(step, State::Server))
            }
            State::Established(_) => Err(incoming.unexpected("nothing more")),
            State::Failed(error) => Err(error),
        })?;
        if self.is_established() {
            self.before = None;
        }
        Ok(())
    }

    /// The question that the caller must answer before the handshake can go on.
    pub(crate) fn pending(&self) -> Option<Pending<'_>> {
        match &self.state {
            State::Client(state) => state.pending(),
            State::Server(state) => state.pending(),
            State::Established(_) | State::Failed(_) => None,
        }
    }

    /// The work that answers the pending question, if the configuration has what it takes.
    #[cfg(feature = "tokio")]
    pub(crate) fn pending_work(&self) -> Option<Work> {
        match &self.state {
            State::Client(state) => state.pending_work(),
            State::Server(state) => state.pending_work(),
            State::Established(_) | State::Failed(_) => None,
        }
    }

    /// Takes the caller's answer. An answer to another question changes nothing.
    pub(crate) fn resume(&mut self, answer: Answer, actions: &mut Actions) -> Result<(), Error> {
        self.pending().ok_or(Misuse::NothingPending)?.belongs(&answer)?;
        self.advance(|state| match state {
            State::Client(state) => state.resume(answer, actions).map(State::Client),
            State::Server(state) => state.resume(answer, actions).map(State::Server),
            State::Established(_) => Err(Misuse::NothingPending.into()),
            State::Failed(error) => Err(error),
        })
    }

    /// Makes every later call return `error`.
    pub(crate) fn fail(&mut self, error: Error) {
        self.state = State::Failed(error);
        self.before = None;
    }

    /// The moment of the handshake, for an error with which the peer ends it, or `None` once it is
    /// complete. `sent` is this side's last message; `silent` is true if the peer has sent nothing.
    pub(crate) fn moment(&self, sent: Option<HandshakeType>, silent: bool) -> Option<Moment> {
        let (peer, awaited, told) = match &self.state {
            State::Client(state) => (Peer::Server, state.awaited(), state.told()),
            State::Server(state) => (Peer::Client, state.awaited(), state.told()),
            State::Established(_) | State::Failed(_) => return None,
        };
        Some(Moment::new(Details {
            peer,
            sent,
            awaited,
            silent,
            told,
        }))
    }

    /// The error with which the connection failed, if it did.
    pub(crate) fn failure(&self) -> Option<&Error> {
        match &self.state {
            State::Failed(error) => Some(error),
            State::Client(_) | State::Server(_) | State::Established(_) => None,
        }
    }

    pub(crate) fn is_established(&self) -> bool {
        matches!(self.state, State::Established(_))
    }

    /// Derives keying material, once the handshake is complete and if it used the extended master
    /// secret.
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

    /// Derives keying material even if the handshake did not use the extended master secret.
    pub(crate) fn export_keying_material_unbound(
        &self,
        label: &[u8],
        context: Option<&[u8]>,
        out: &mut [u8],
    ) -> Result<(), Misuse> {
        self.established()?.export_keying_material(label, context, out)
    }

    pub(crate) fn channel_binding(
        &self,
        binding: ChannelBinding,
        session: &SessionInfo,
    ) -> Result<Vec<u8>, Misuse> {
        self.established()?.channel_binding(binding, session)
    }

    /// The handshake whose keys are in use: during a renegotiation the one before.
    fn established(&self) -> Result<&Established, Misuse> {
        match (&self.state, &self.before) {
            (State::Established(established), _) => Ok(established),
            (State::Client(_), Some(before)) => Ok(&before.established),
            (State::Client(_) | State::Server(_) | State::Failed(_), _) => {
                Err(Misuse::HandshakeIncomplete)
            }
        }
    }

    /// Returns true for a client's handshake that is neither complete nor failed.
    pub(crate) fn is_incomplete_client(&self) -> bool {
        matches!(self.state, State::Client(_))
    }

    /// Returns true for a client that has not received the ServerHello.
    pub(crate) fn awaits_server_hello(&self) -> bool {
        matches!(&self.state, State::Client(state) if state.awaits_server_hello())
    }

    /// Returns true for a client whose connection is complete and renegotiates.
    pub(crate) fn is_renegotiating(&self) -> bool {
        self.before.is_some()
    }

    /// Returns true if the peer may send application data: once the handshake is complete, and during
    /// a renegotiation up to the peer's new keys, which are not verified yet.
    pub(crate) fn takes_application_data(&self) -> bool {
        match (&self.state, &self.before) {
            (State::Established(_), _) => true,
            (State::Client(state), Some(_)) => !state.server_has_changed_keys(),
            (State::Client(_) | State::Server(_) | State::Failed(_), _) => false,
        }
    }

    /// Takes note of application data, not empty. It clears the count of requests for another
    /// handshake: a peer that sends data is no flood. During a renegotiation its amount is limited.
    pub(crate) fn application_data_received(&mut self, length: usize) -> Result<(), PeerError> {
        self.renegotiation_requests = 0;
        if let Some(before) = &mut self.before {
            before.data += length;
            if before.data > MAX_DATA_BEFORE_KEYS {
                return Err(PeerError::TooMuchDataBeforeKeys);
            }
        }
        Ok(())
    }

    /// Returns true for a client whose connection is complete, and which would let the server
    /// renegotiate.
    pub(crate) fn may_renegotiate(&self) -> bool {
        matches!(&self.state, State::Established(established) if established.may_renegotiate())
    }

    /// From here on a request for another handshake is refused: this side sends nothing more.
    pub(crate) fn stop_renegotiating(&mut self) {
        if let State::Established(established) = &mut self.state {
            established.take_renegotiable();
        }
    }

    fn advance(&mut self, step: impl FnOnce(State) -> Result<State, Error>) -> Result<(), Error> {
        // A state that fails is consumed; this placeholder remains until `fail` sets the error.
        let held = State::Failed(Misuse::Closed.into());
        self.state = step(core::mem::replace(&mut self.state, held))?;
        Ok(())
    }

    /// Returns true for a HelloRequest at any time, and for a ClientHello once the handshake is
    /// complete.
    fn is_renegotiation_request(&self, message: HandshakeMessage<'_>) -> bool {
        message.typ == self.renegotiation_request
            && match self.state {
                State::Client(_) | State::Established(_) => true,
                State::Server(_) | State::Failed(_) => false,
            }
    }

    /// "This message will be ignored by the client if the client is currently negotiating a
    /// session." Afterwards a client begins another handshake if it may. Otherwise the reply is a
    /// no_renegotiation alert, as it always is to a client's hello (sections 7.4.1.1 and 7.2.2). The
    /// number of requests is limited, and none becomes part of a transcript.
    fn on_renegotiation_request(
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
        if let State::Established(established) = &mut self.state {
            match established.take_renegotiable() {
                Some(renegotiable) => return self.renegotiate(*renegotiable, actions),
                None => actions.push(Action::SendWarning(AlertDescription::NO_RENEGOTIATION)),
            }
        }
        Ok(())
    }

    fn renegotiate(
        &mut self,
        renegotiable: Renegotiable,
        actions: &mut Actions,
    ) -> Result<(), Error> {
        let next = State::Client(client::renegotiate(renegotiable, actions)?);
        if let State::Established(established) = core::mem::replace(&mut self.state, next) {
            self.before = Some(Before {
                established,
                data: 0,
            });
        }
        Ok(())
    }
}
