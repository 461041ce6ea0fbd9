//! The outcome of a connection, as a line of text or as a line of JSON.

use super::json;
use premaster::certificate::PeerCertificate;
use premaster::error::{Excerpt, HandshakeTimedOut};
use premaster::protocol::{AlertDescription, ProtocolVersion};
use premaster::session::{CertificateAnswer, NotResumed, RequestedCertificate, Resumption};
use premaster::{Error, SessionInfo};
use std::fmt::{self, Display, Formatter};
use std::io::{self, Write};
use std::net::IpAddr;
use std::time::Duration;

/// The only version of this library.
pub const VERSION: ProtocolVersion = ProtocolVersion::TLS_1_2;

/// The outcome of one connection.
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

    /// Names the program's flag that would have made the connection succeed, if there is one.
    pub fn naming_flags(mut self, flag: fn(&Error) -> Option<String>) -> Self {
        if let Some(failure) = &mut self.failure {
            failure.flag = failure.error.as_ref().and_then(flag);
        }
        self
    }

    /// Returns true if the peer closed the transport without sending a byte, as the probes of load
    /// balancers do.
    pub fn is_silent(&self) -> bool {
        let error = self.failure.as_ref().and_then(|failure| failure.error.as_ref());
        error.is_some_and(Error::peer_was_silent)
    }

    /// `peer: suite, facts` or `peer: failed: cause; flag; alert`.
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

    /// A JSON object with the same keys for every connection.
    pub fn to_json(&self) -> String {
        let session = self.session.as_ref();
        let failure = self.failure.as_ref();
        let certificate = session.and_then(SessionInfo::peer_certificate);
        let requested = session.and_then(SessionInfo::requested_certificate);
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
            (
                "encrypt_then_mac",
                session.map(|s| yes_or_no(s.encrypt_then_mac()).to_owned()),
            ),
            ("alpn", session.and_then(alpn)),
            ("server_name", session.and_then(server_name)),
            (
                "peer_certificate",
                certificate.as_ref().map(PeerCertificate::subject),
            ),
            ("peer_names", certificate.as_ref().map(names)),
            ("ocsp_response", session.and_then(ocsp_response)),
            ("certificate_requested", requested.map(authorities)),
            ("certificate_sent", requested.and_then(sent)),
            ("certificate_withheld", requested.and_then(withheld)),
            (
                "waivers",
                certificate.and(session).map(|s| s.waivers().to_string()),
            ),
            (
                "secure_renegotiation",
                session.map(|s| yes_or_no(s.secure_renegotiation()).to_owned()),
            ),
            (
                "max_plaintext_sent",
                session.map(|s| s.max_plaintext_sent().to_string()),
            ),
            (
                "max_plaintext_received",
                session.map(|s| s.max_plaintext_received().to_string()),
            ),
            (
                "alert_sent",
                failure.and_then(|f| f.alert_sent).map(|a| a.to_string()),
            ),
            (
                "alert_received",
                failure.and_then(|f| f.alert_received).map(|a| a.to_string()),
            ),
            ("error", failure.map(|f| f.cause.clone())),
            (
                "setting",
                failure.and_then(|f| f.setting).map(str::to_owned),
            ),
            ("flag", failure.and_then(|f| f.flag.clone())),
        ])
    }
}

/// What was agreed, in one line.
pub fn agreed(session: &SessionInfo) -> String {
    let reason = not_resumed(session).map(|reason| format!(" ({reason})"));
    format!(
        "{VERSION}, {}, resumed: {}{}, extended master secret: {}, encrypt-then-MAC: {}, \
         ALPN: {}, server name: {}, \
         secure renegotiation: {}, max plaintext: {} sent, {} received, peer certificate: {}{}",
        session.cipher_suite(),
        resumed_by(session),
        reason.unwrap_or_default(),
        yes_or_no(session.extended_master_secret()),
        yes_or_no(session.encrypt_then_mac()),
        alpn(session).as_deref().unwrap_or("none"),
        server_name(session).as_deref().unwrap_or("none"),
        yes_or_no(session.secure_renegotiation()),
        session.max_plaintext_sent(),
        session.max_plaintext_received(),
        certificate(session),
        session.requested_certificate().map(client_certificate).unwrap_or_default(),
    )
}

/// The server's request for the client's certificate, and the answer.
fn client_certificate(requested: &RequestedCertificate) -> String {
    let answer = match requested.answer() {
        CertificateAnswer::Sent(sent) => format!("sent {}", sent.subject()),
        CertificateAnswer::SentRegardless(sent) => {
            format!(
                "sent {}, although not from a CA of the server",
                sent.subject()
            )
        }
        CertificateAnswer::Withheld(reason) => {
            let configured = list(requested.configured(), requested.total_configured());
            let configured = configured.unwrap_or_else(|| "nothing".to_owned());
            format!("not sent: {reason}; there is {configured}")
        }
        _ => "unknown".to_owned(),
    };
    format!(
        ", client certificate: requested from {}; {answer}",
        authorities(requested)
    )
}

/// The CAs that the server lists.
fn authorities(requested: &RequestedCertificate) -> String {
    let names = list(requested.authorities(), requested.total_authorities());
    names.unwrap_or_else(|| "any CA".to_owned())
}

/// The first of some names, and the number of the others.
fn list(shown: &[Excerpt], total: usize) -> Option<String> {
    let names = shown.iter().map(Excerpt::as_str).collect::<Vec<_>>().join("; ");
    match total.saturating_sub(shown.len()) {
        _ if shown.is_empty() => None,
        0 => Some(names),
        others => Some(format!("{names}; and {others} more")),
    }
}

/// The certificate that was sent.
fn sent(requested: &RequestedCertificate) -> Option<String> {
    match requested.answer() {
        CertificateAnswer::Sent(sent) | CertificateAnswer::SentRegardless(sent) => {
            Some(sent.subject().to_string())
        }
        _ => None,
    }
}

/// Why no certificate was sent.
fn withheld(requested: &RequestedCertificate) -> Option<String> {
    match requested.answer() {
        CertificateAnswer::Withheld(reason) => Some(reason.to_string()),
        _ => None,
    }
}

/// The peer's certificate, and the waivers that it needed.
fn certificate(session: &SessionInfo) -> String {
    let Some(certificate) = session.peer_certificate() else {
        return "none".to_owned();
    };
    let response = ocsp_response(session).map(|length| format!(", OCSP response: {length}"));
    format!(
        "{}{}, waivers: {}",
        identity(&certificate),
        response.unwrap_or_default(),
        session.waivers(),
    )
}

/// The identity in a certificate: the subject, and the names of subjectAltName.
pub fn identity(certificate: &PeerCertificate<'_>) -> String {
    let names = names(certificate);
    let names = if names.is_empty() { "no names" } else { &names };
    // What a peer wrote is escaped, so that it does nothing to a terminal.
    let (subject, names) = (certificate.subject(), names.escape_debug());
    format!("{} ({names})", subject.escape_debug())
}

/// The DNS names and IP addresses that a certificate is for.
fn names(certificate: &PeerCertificate<'_>) -> String {
    let dns_names = certificate.dns_names().into_iter().map(str::to_owned);
    let addresses = certificate.ip_addresses();
    let addresses = addresses.iter().map(IpAddr::to_string);
    dns_names.chain(addresses).collect::<Vec<_>>().join(", ")
}

fn ocsp_response(session: &SessionInfo) -> Option<String> {
    let response = session.ocsp_response()?;
    Some(format!("{} bytes", response.len()))
}

/// How an earlier session was resumed.
fn resumed_by(session: &SessionInfo) -> &'static str {
    match session.resumption() {
        Resumption::Full(_) => "no",
        Resumption::SessionId => "id",
        Resumption::Ticket => "ticket",
    }
}

/// Why no session was resumed.
fn not_resumed(session: &SessionInfo) -> Option<NotResumed> {
    match session.resumption() {
        Resumption::Full(reason) => Some(reason),
        Resumption::SessionId | Resumption::Ticket => None,
    }
}

fn alpn(session: &SessionInfo) -> Option<String> {
    session.alpn_protocol().map(|name| String::from_utf8_lossy(name).into_owned())
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

/// A duration in milliseconds, to print.
pub struct Milliseconds(pub Duration);

impl Display for Milliseconds {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.pad(&format!("{:.2} ms", self.0.as_secs_f64() * 1000.0))
    }
}

/// A fact, to print.
pub fn yes_or_no(flag: bool) -> &'static str {
    if flag { "yes" } else { "no" }
}

/// Why a connection failed. A clean close, with a close_notify from each side, is not a failure.
struct Failure {
    cause: String,
    alert_sent: Option<AlertDescription>,
    alert_received: Option<AlertDescription>,
    /// What would accept the peer, by its name in the library.
    setting: Option<&'static str>,
    error: Option<Error>,
    /// The setting by its name on the command line.
    flag: Option<String>,
}

impl Failure {
    fn of(error: &io::Error) -> Self {
        let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<Error>());
        let is_late = error.get_ref().is_some_and(|inner| inner.is::<HandshakeTimedOut>());
        Self {
            cause: match error.kind() {
                // It says itself what was awaited.
                _ if is_late => error.to_string(),
                // What a socket's timeout is called differs between systems.
                io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => {
                    "timeout: the peer did not respond".to_owned()
                }
                _ => error.to_string(),
            },
            alert_sent: inner.and_then(Error::alert),
            alert_received: inner.and_then(Error::alert_received),
            setting: inner.and_then(Error::setting),
            error: inner.cloned(),
            flag: None,
        }
    }

    /// The cause itself names the alert that was received, and the setting that would accept the
    /// peer.
    fn to_text(&self) -> String {
        let mut text = format!("failed: {}", self.cause);
        if let Some(flag) = &self.flag {
            text += &format!("; flag: {flag}");
        }
        if let Some(alert) = self.alert_sent {
            text += &format!("; alert sent: {alert}");
        }
        text
    }
}
