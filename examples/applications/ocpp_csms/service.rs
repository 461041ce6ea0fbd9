//! A connection's way: TLS, the request that makes it a WebSocket, the station's calls, the close.

use crate::desk::Desk;
use crate::presence::{Full, Place, Presence};
use crate::station::{self, Holder, Refusal, Register, Station};
use applications::report::{Report, print_line};
use applications::wrap::wrap;
use futures_util::{SinkExt, StreamExt};
use premaster::SessionInfo;
use premaster::session::Resumption;
use premaster::tokio::TlsAcceptor;
use std::fmt::{self, Display, Formatter};
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::{OwnedSemaphorePermit, watch};
use tokio::time::{Instant, timeout, timeout_at};
use tokio_tungstenite::tungstenite::handshake::server::{ErrorResponse, Request, Response};
use tokio_tungstenite::tungstenite::http::header::SEC_WEBSOCKET_PROTOCOL;
use tokio_tungstenite::tungstenite::http::{HeaderValue, StatusCode};
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, WebSocketConfig};
use tokio_tungstenite::tungstenite::{Error as WebSocketError, Message};
use tokio_tungstenite::{WebSocketStream, accept_hdr_async_with_config};

/// "The exact OCPP version MUST be specified in the Sec-Websocket-Protocol field" (OCPP 2.0.1 part
/// 4, section 3.1.2).
const SUBPROTOCOL: &str = "ocpp2.0.1";

/// How long a station may take to read an answer.
const WRITING: Duration = Duration::from_secs(30);

/// How long a station may take to close.
const CLOSING: Duration = Duration::from_secs(2);

/// How much of a connection is read at once, in bytes. A message is rarely longer, and every
/// station that is connected costs this much twice.
const READ_BUFFER: usize = 4 * 1024;

/// What a station may do, and for how long.
pub struct Limits {
    pub path: String,
    pub heartbeat: Duration,
    pub idle: Duration,
    pub handshake: Duration,
    pub max_message: usize,
    pub max_stations: usize,
}

/// What every connection is served with.
pub struct Service {
    acceptor: TlsAcceptor,
    register: Register,
    organization: Option<String>,
    presence: Arc<Presence>,
    limits: Limits,
    verbose: bool,
}

/// A station that has been admitted.
struct Admitted {
    station: Station,
    place: Place,
}

/// How the station's calls came to an end.
enum End {
    /// The station closed.
    Closed,
    /// A newer connection of this station has taken its place.
    Replaced,
    Idle(Duration),
    /// The server is to stop.
    Stopped,
    /// It did not read its answer.
    Stuck,
    Binary,
    Failed(WebSocketError),
}

impl Service {
    pub fn new(
        acceptor: TlsAcceptor,
        register: Register,
        organization: Option<String>,
        limits: Limits,
        verbose: bool,
    ) -> Self {
        Self {
            acceptor,
            register,
            organization,
            presence: Presence::new(limits.max_stations),
            limits,
            verbose,
        }
    }

    /// Serves one connection, and prints what becomes of it. The door is open for the next one as
    /// soon as this station is admitted.
    pub async fn serve(
        &self,
        socket: TcpStream,
        peer: SocketAddr,
        door: OwnedSemaphorePermit,
        stopped: watch::Receiver<bool>,
    ) {
        let deadline = Instant::now() + self.limits.handshake;
        // Small messages go out at once. Where that cannot be set, they go out later.
        let _ = socket.set_nodelay(true);
        let stream = match self.acceptor.accept(socket).await {
            Ok(stream) => stream,
            Err(error) => return self.report_failure(peer, &Err(error)),
        };
        let Some(session) = stream.connection().session().cloned() else {
            return;
        };
        match Holder::of(&session, self.organization.as_deref()) {
            Ok(holder) => {
                let visit = Visit {
                    service: self,
                    peer,
                    agreed: agreed(&session),
                    holder,
                };
                visit.run(stream, door, deadline, stopped).await;
            }
            Err(reason) => {
                print_line(&wrap(&format!("{peer}: refused: {reason}")));
                let _ = timeout(CLOSING, stream.close()).await;
            }
        }
    }

    fn report_failure(&self, peer: SocketAddr, result: &io::Result<()>) {
        let report = Report::new(peer.to_string(), None, result);
        if self.verbose || !report.is_silent() {
            print_line(&wrap(&report.to_text()));
        }
    }
}

/// One connection whose TLS handshake is complete.
struct Visit<'s> {
    service: &'s Service,
    peer: SocketAddr,
    /// What the TLS handshake agreed.
    agreed: String,
    holder: Holder,
}

impl Visit<'_> {
    /// Over any transport: the stream knows nothing of TLS here.
    async fn run<S: AsyncRead + AsyncWrite + Unpin>(
        &self,
        mut stream: S,
        door: OwnedSemaphorePermit,
        deadline: Instant,
        stopped: watch::Receiver<bool>,
    ) {
        if let Some((socket, admitted)) = self.admit(&mut stream, deadline).await {
            drop(door);
            self.host(socket, admitted, stopped).await;
        }
        // The answer to a refused request is in this, too.
        let _ = timeout(CLOSING, stream.shutdown()).await;
    }

    /// The request, and its answer: a WebSocket, or an HTTP status and why.
    #[expect(clippy::result_large_err, reason = "the callback's type")]
    async fn admit<'t, S: AsyncRead + AsyncWrite + Unpin>(
        &self,
        stream: &'t mut S,
        deadline: Instant,
    ) -> Option<(WebSocketStream<&'t mut S>, Admitted)> {
        let mut decision = None;
        let callback = |request: &Request, response: Response| {
            let (answer, decided) = self.decide(request, response);
            decision = Some(decided);
            answer
        };
        let config = WebSocketConfig::default()
            .read_buffer_size(READ_BUFFER)
            .write_buffer_size(0)
            .max_message_size(Some(self.service.limits.max_message))
            .max_frame_size(Some(self.service.limits.max_message));
        let accepting = accept_hdr_async_with_config(stream, callback, Some(config));
        let accepted = timeout_at(deadline, accepting).await;
        match (accepted, decision) {
            (Ok(Ok(socket)), Some(Ok(admitted))) => Some((socket, admitted)),
            (Ok(Ok(mut socket)), Some(Err(reason))) => {
                // The handshake without a subprotocol was completed only to be closed.
                self.print(&format!("refused: {reason}"));
                let reason = "only ocpp2.0.1 is spoken here";
                close(&mut socket, CloseCode::Protocol, reason).await;
                None
            }
            (_, Some(Err(reason))) => {
                self.print(&format!("refused: {reason}"));
                None
            }
            (Ok(Err(error)), _) => {
                self.print(&format!("failed: no WebSocket: {error}"));
                None
            }
            (Err(_), _) => {
                let time = self.service.limits.handshake;
                self.print(&format!("failed: not admitted within {time:?}"));
                None
            }
            (Ok(Ok(_)), None) => None,
        }
    }

    /// The answer to a request, and what is decided: a station, or why it is refused.
    fn decide(
        &self,
        request: &Request,
        mut response: Response,
    ) -> (Result<Response, ErrorResponse>, Result<Admitted, String>) {
        let refuse = |status, reason: String| (Err(refusal(status)), Err(reason));
        let (path, limits) = (request.uri().path(), &self.service.limits);
        let register = &self.service.register;
        let station = match station::identify(path, &limits.path, register, &self.holder) {
            Ok(station) => station,
            Err(Refusal::Unknown(reason)) => return refuse(StatusCode::NOT_FOUND, reason),
            Err(Refusal::NotItsCertificate(reason)) => {
                return refuse(StatusCode::FORBIDDEN, reason);
            }
        };
        if !offers(request, SUBPROTOCOL) {
            // A server that supports none of the subprotocols completes the handshake without one,
            // and then closes (part 4, on the server's response).
            let reason = format!("station {} does not offer {SUBPROTOCOL}", station.identity);
            return (Ok(response), Err(reason));
        }
        let place = match self.service.presence.enter(&station.identity) {
            Ok(place) => place,
            Err(Full) => {
                let reason = format!("all places are taken; station {}", station.identity);
                return refuse(StatusCode::SERVICE_UNAVAILABLE, reason);
            }
        };
        let protocol = HeaderValue::from_static(SUBPROTOCOL);
        response.headers_mut().insert(SEC_WEBSOCKET_PROTOCOL, protocol);
        (Ok(response), Ok(Admitted { station, place }))
    }

    /// Answers the station's calls, one after the other, until the connection ends.
    async fn host<S: AsyncRead + AsyncWrite + Unpin>(
        &self,
        mut socket: WebSocketStream<S>,
        admitted: Admitted,
        stopped: watch::Receiver<bool>,
    ) {
        let Admitted { station, mut place } = admitted;
        let name = &station.identity;
        print_line(&wrap(&format!(
            "{name}: connected from {}, {}",
            self.peer, self.agreed
        )));
        let end = self.answer_each(&mut socket, &station, &mut place, stopped).await;
        print_line(&wrap(&format!("{name}: {end}")));
        if let Some((code, reason)) = end.close() {
            close(&mut socket, code, reason).await;
        }
    }

    async fn answer_each<S: AsyncRead + AsyncWrite + Unpin>(
        &self,
        socket: &mut WebSocketStream<S>,
        station: &Station,
        place: &mut Place,
        mut stopped: watch::Receiver<bool>,
    ) -> End {
        let limits = &self.service.limits;
        let mut desk = Desk::new(station, limits.heartbeat);
        loop {
            let message = tokio::select! {
                biased;
                _ = stopped.wait_for(|stopped| *stopped) => return End::Stopped,
                () = place.replaced() => return End::Replaced,
                message = timeout(limits.idle, socket.next()) => message,
            };
            let text = match message {
                Err(_) => return End::Idle(limits.idle),
                Ok(None) => return End::Closed,
                Ok(Some(Err(WebSocketError::ConnectionClosed))) => return End::Closed,
                Ok(Some(Err(error))) => return End::Failed(error),
                Ok(Some(Ok(Message::Text(text)))) => text,
                Ok(Some(Ok(Message::Binary(_)))) => return End::Binary,
                // Pings have been answered.
                Ok(Some(Ok(_))) => continue,
            };
            let outcome = desk.handle(&text);
            if let Some(note) = outcome.note
                && (self.service.verbose || !outcome.is_routine)
            {
                print_line(&wrap(&format!("{}: {note}", station.identity)));
            }
            if let Some(answer) = outcome.answer {
                match timeout(WRITING, socket.send(Message::text(answer))).await {
                    Ok(Ok(())) => {}
                    Ok(Err(error)) => return End::Failed(error),
                    Err(_) => return End::Stuck,
                }
            }
        }
    }

    fn print(&self, text: &str) {
        print_line(&wrap(&format!("{}: {text}", self.peer)));
    }
}

/// The response to a request that makes no WebSocket.
fn refusal(status: StatusCode) -> ErrorResponse {
    let mut response = ErrorResponse::new(None);
    *response.status_mut() = status;
    response
}

/// Returns true if the client offers the subprotocol.
fn offers(request: &Request, subprotocol: &str) -> bool {
    let offers = request.headers().get_all(SEC_WEBSOCKET_PROTOCOL);
    let mut names =
        offers.iter().filter_map(|value| value.to_str().ok()).flat_map(|v| v.split(','));
    names.any(|name| name.trim() == subprotocol)
}

/// Sends a close frame, and waits a while for the station's.
async fn close<S: AsyncRead + AsyncWrite + Unpin>(
    socket: &mut WebSocketStream<S>,
    code: CloseCode,
    reason: &'static str,
) {
    let frame = CloseFrame {
        code,
        reason: reason.into(),
    };
    let closing = async {
        if socket.close(Some(frame)).await.is_ok() {
            while let Some(Ok(_)) = socket.next().await {}
        }
    };
    // A station that does not answer is not waited for.
    let _ = timeout(CLOSING, closing).await;
}

/// What the TLS handshake agreed, in short.
fn agreed(session: &SessionInfo) -> String {
    let resumed = match session.resumption() {
        Resumption::Full(reason) => format!("no ({reason})"),
        Resumption::SessionId => "id".to_owned(),
        Resumption::Ticket => "ticket".to_owned(),
    };
    format!("{}, resumed: {resumed}", session.cipher_suite())
}

impl End {
    /// What tells the station, if the WebSocket is open still.
    fn close(&self) -> Option<(CloseCode, &'static str)> {
        match self {
            Self::Closed => None,
            Self::Replaced => Some((CloseCode::Policy, "replaced by a newer connection")),
            Self::Idle(_) => Some((CloseCode::Policy, "idle for too long")),
            Self::Stopped => Some((CloseCode::Away, "the server stops")),
            Self::Stuck => None,
            Self::Binary => Some((CloseCode::Unsupported, "messages must be text")),
            Self::Failed(WebSocketError::Capacity(_)) => {
                Some((CloseCode::Size, "the message is too long"))
            }
            Self::Failed(WebSocketError::Protocol(_)) => {
                Some((CloseCode::Protocol, "not a WebSocket frame"))
            }
            Self::Failed(WebSocketError::Utf8(_)) => Some((CloseCode::Invalid, "not UTF-8")),
            Self::Failed(_) => None,
        }
    }
}

impl Display for End {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Closed => f.write_str("closed by the station"),
            Self::Replaced => f.write_str("replaced by a newer connection"),
            Self::Idle(time) => write!(f, "closed, because it sent nothing for {time:?}"),
            Self::Stopped => f.write_str("closed, because the server stops"),
            Self::Stuck => write!(f, "dropped, because it did not read for {WRITING:?}"),
            Self::Binary => f.write_str("closed, because it sent a binary message"),
            Self::Failed(error) => write!(f, "failed: {error}"),
        }
    }
}
