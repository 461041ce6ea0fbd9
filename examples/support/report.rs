//! What a connection came to, as a line to read or as a line of JSON.

use super::json;
use premaster::{AlertDescription, Error, NotResumed, ProtocolVersion, Resumption, SessionInfo};
use std::fmt::{self, Display, Formatter};
use std::io::{self, Write};
use std::time::Duration;

/// The only version there is.
pub const VERSION: ProtocolVersion = ProtocolVersion::TLS_1_2;

/// One connection, when it has ended.
pub struct Report {
    peer: String,
    session: Option<SessionInfo>,
    failure: Option<Failure>,
}

impl Report {
    pub fn new(peer: String, session: Option<&SessionInfo>, result: &io::Result<()>) -> Self {
        Self {
            peer,
            session: session.cloned(),
            failure: result.as_ref().err().map(Failure::of),
        }
    }

    /// `peer: suite, facts` or `peer: failed: cause; alerts`.
    pub fn to_text(&self) -> String {
        let mut parts = Vec::new();
        if let Some(session) = &self.session {
            parts.push(agreed(session));
        }
        if let Some(failure) = &self.failure {
            parts.push(failure.to_text());
        }
        format!("{}: {}", self.peer, parts.join("; "))
    }

    /// An object with the same keys for every connection.
    pub fn to_json(&self) -> String {
        let session = self.session.as_ref();
        let failure = self.failure.as_ref();
        json::object(&[
            ("peer", Some(self.peer.clone())),
            ("suite", session.map(|s| s.cipher_suite().to_string())),
            ("resumed", Some(session.map_or("no", resumed_by).to_owned())),
            (
                "not_resumed",
                session.and_then(not_resumed).map(|n| n.to_string()),
            ),
            (
                "extended_master_secret",
                session.map(|s| yes_or_no(s.extended_master_secret()).to_owned()),
            ),
            ("alpn", session.and_then(alpn)),
            ("server_name", session.and_then(server_name)),
            (
                "secure_renegotiation",
                session.map(|s| yes_or_no(s.secure_renegotiation()).to_owned()),
            ),
            (
                "largest_record_sent",
                session.map(|s| s.largest_record_sent().to_string()),
            ),
            (
                "largest_record_received",
                session.map(|s| s.largest_record_received().to_string()),
            ),
            (
                "alert_sent",
                failure.and_then(|f| f.alert_sent).map(|a| a.to_string()),
            ),
            (
                "alert_received",
                failure
                    .and_then(|f| f.alert_received)
                    .map(|a| a.to_string()),
            ),
            ("error", failure.map(|f| f.cause.clone())),
            (
                "setting",
                failure.and_then(|f| f.setting).map(str::to_owned),
            ),
        ])
    }
}

/// What was agreed, on one line.
pub fn agreed(session: &SessionInfo) -> String {
    let reason = not_resumed(session).map(|reason| format!(" ({reason})"));
    format!(
        "{VERSION}, {}, resumed: {}{}, extended master secret: {}, ALPN: {}, server name: {}, \
         secure renegotiation: {}, largest records: {} sent, {} received",
        session.cipher_suite(),
        resumed_by(session),
        reason.unwrap_or_default(),
        yes_or_no(session.extended_master_secret()),
        alpn(session).as_deref().unwrap_or("none"),
        server_name(session).as_deref().unwrap_or("none"),
        yes_or_no(session.secure_renegotiation()),
        session.largest_record_sent(),
        session.largest_record_received(),
    )
}

/// By what an earlier session was resumed.
fn resumed_by(session: &SessionInfo) -> &'static str {
    match session.resumption() {
        Resumption::Full(_) => "no",
        Resumption::SessionId => "id",
        Resumption::Ticket => "ticket",
    }
}

/// Why none was.
fn not_resumed(session: &SessionInfo) -> Option<NotResumed> {
    match session.resumption() {
        Resumption::Full(reason) => Some(reason),
        Resumption::SessionId | Resumption::Ticket => None,
    }
}

fn alpn(session: &SessionInfo) -> Option<String> {
    session
        .alpn_protocol()
        .map(|name| String::from_utf8_lossy(name).into_owned())
}

fn server_name(session: &SessionInfo) -> Option<String> {
    session.server_name().map(|name| name.to_str().into_owned())
}

/// Writes a whole line at once, so that those of several threads do not mix.
pub fn print_line(line: &str) {
    let mut out = io::stdout().lock();
    // Without a reader the program goes on all the same.
    let _ = writeln!(out, "{line}").and_then(|()| out.flush());
}

/// How a time is told.
pub struct Milliseconds(pub Duration);

impl Display for Milliseconds {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.pad(&format!("{:.2} ms", self.0.as_secs_f64() * 1000.0))
    }
}

/// How a fact is told.
pub fn yes_or_no(flag: bool) -> &'static str {
    match flag {
        true => "yes",
        false => "no",
    }
}

/// Why a connection failed. A clean close with its two close_notify is no failure.
struct Failure {
    cause: String,
    alert_sent: Option<AlertDescription>,
    alert_received: Option<AlertDescription>,
    /// What would accept the peer, by its name in the library.
    setting: Option<&'static str>,
}

impl Failure {
    fn of(error: &io::Error) -> Self {
        let inner = error.get_ref().and_then(|inner| inner.downcast_ref());
        Self {
            cause: match error.kind() {
                // What a socket's timeout is called differs between systems.
                io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => {
                    "the peer was silent for too long".to_owned()
                }
                _ => error.to_string(),
            },
            alert_sent: inner.and_then(Error::alert),
            alert_received: match inner {
                Some(Error::AlertReceived(alert)) => Some(*alert),
                _ => None,
            },
            setting: inner.and_then(Error::setting),
        }
    }

    /// The cause says by itself which alert came and which setting would accept the peer.
    fn to_text(&self) -> String {
        match self.alert_sent {
            Some(alert) => format!("failed: {}; alert sent: {alert}", self.cause),
            None => format!("failed: {}", self.cause),
        }
    }
}
