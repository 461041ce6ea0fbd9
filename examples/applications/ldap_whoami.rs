//! Who an LDAP server takes the owner of a client certificate for: StartTLS, SASL EXTERNAL, "Who am I?".
//!
//! ```text
//! cargo run -p applications --example ldap_whoami -- ldap.example:389 --ca ca.pem \
//!     --cert station.pem --key station.key
//! dn:uid=station-7,ou=stations,dc=example
//! ```
//!
//! 1. StartTLS in plain text ([RFC 4511 section 4.14]). What the server says until then counts for
//!    nothing else, and bytes behind its answer are an error.
//! 2. The handshake, with the certificate if the server asks for one.
//! 3. SASL EXTERNAL ([RFC 4513 section 5.2.3]): the server takes the client for the one that the
//!    certificate names. Without a certificate the client stays anonymous.
//! 4. "Who am I?" ([RFC 4532]).
//!
//! The server's side in OpenLDAP:
//!
//! ```text
//! TLSCertificateFile ..., TLSCertificateKeyFile ..., TLSCACertificateFile ...
//! TLSVerifyClient try        # or demand; with never it does not ask for a certificate
//! authz-regexp "^cn=([^,]*)$" "uid=$1,ou=stations,dc=example"
//! ```
//!
//! [RFC 4511 section 4.14]: https://www.rfc-editor.org/rfc/rfc4511#section-4.14
//! [RFC 4513 section 5.2.3]: https://www.rfc-editor.org/rfc/rfc4513#section-5.2.3
//! [RFC 4532]: https://www.rfc-editor.org/rfc/rfc4532

use anyhow::{Context, Result};
use applications::client::ClientArguments;
use applications::report::Report;
use applications::timed::Timed;
use applications::wrap::wrap;
use bytes::BytesMut;
use clap::Parser;
use ldap3_proto::LdapCodec;
use ldap3_proto::proto::{
    LdapBindCred, LdapBindRequest, LdapExtendedRequest, LdapMsg, LdapOp, LdapResult,
    LdapResultCode, OID_WHOAMI, SaslCredentials,
};
use premaster::session::CertificateAnswer;
use premaster::{SessionInfo, Stream, server_name};
use std::io::{self, ErrorKind, Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;
use tokio_util::codec::{Decoder, Encoder};

/// Asks an LDAP server who it takes a client certificate's owner for.
///
/// The answer on standard output is an authorization identity, such as
/// dn:uid=station,dc=example, or anonymous. A server that only asks for a
/// certificate serves a client without one, as anonymous. The exit status is 1
/// after a failure, with the reason on standard error.
///
/// RSA key transport has no forward secrecy: anyone who obtains the server's key
/// later can decrypt every recorded connection.
#[derive(Parser)]
#[command(name = "ldap_whoami", verbatim_doc_comment)]
struct Arguments {
    /// The server
    #[arg(value_name = "HOST:PORT")]
    server: String,

    /// The name that the server's certificate must be valid for
    /// [default: HOST]
    #[arg(long, verbatim_doc_comment)]
    name: Option<String>,

    #[command(flatten)]
    client: ClientArguments,

    /// Report on standard error what was agreed
    #[arg(short, long)]
    verbose: bool,
}

/// The longest wait for the server.
const IDLE: Duration = Duration::from_secs(10);

/// How long everything may take.
const DEADLINE: Duration = Duration::from_secs(30);

/// The longest message from the server, in bytes, and how deep its elements may be nested.
const MAX_MESSAGE: usize = 16 * 1024;
const MAX_DEPTH: usize = 8;

/// StartTLS, [RFC 4511 section 4.14.1](https://www.rfc-editor.org/rfc/rfc4511#section-4.14.1).
const OID_START_TLS: &str = "1.3.6.1.4.1.1466.20037";

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("{}", wrap(&format!("error: {error:#}")));
            ExitCode::FAILURE
        }
    }
}

/// Returns false if the failure has been reported.
fn run(arguments: &Arguments) -> Result<bool> {
    let host = arguments.server.rsplit_once(':').map_or("", |(host, _)| host);
    let name = arguments.name.as_deref().unwrap_or(host);
    let name = server_name(name).with_context(|| format!("the server's name {name}"))?;
    let config = Arc::new(arguments.client.config()?.build()?);
    let socket = dial(&arguments.server)
        .with_context(|| format!("cannot connect to {}", arguments.server))?;

    let (mut session, mut identity) = (None, String::new());
    let result = start_tls(&socket)
        .and_then(|transport| Stream::client(config, name, transport).map_err(io::Error::other))
        .and_then(|stream| who_am_i(stream, &mut session))
        .map(|found| identity = found);
    if arguments.verbose || result.is_err() {
        let report = Report::new(arguments.server.clone(), session.as_ref(), &result);
        eprintln!("{}", wrap(&report.to_text()));
    }
    if result.is_ok() {
        if arguments.client.has_certificate() && !session.as_ref().is_some_and(was_sent) {
            eprintln!("The server did not ask for the certificate, or lists other CAs.");
        }
        println!("{}", identity.escape_debug());
    }
    Ok(result.is_ok())
}

/// Connects to the first of the server's addresses that answers.
fn dial(server: &str) -> io::Result<TcpStream> {
    let mut failure = ErrorKind::NotFound.into();
    for address in server.to_socket_addrs()? {
        match TcpStream::connect_timeout(&address, IDLE) {
            Ok(socket) => return Ok(socket),
            Err(error) => failure = error,
        }
    }
    Err(failure)
}

/// Asks for TLS. The next bytes on the transport are the handshake's.
fn start_tls(socket: &TcpStream) -> io::Result<Timed<'_>> {
    let mut ldap = Ldap::over(Timed::new(socket, IDLE, DEADLINE)?);
    ldap.extended("StartTLS", OID_START_TLS)?;
    if !ldap.received.is_empty() {
        return Err(io::Error::other(
            "plain text follows the server's go-ahead for TLS; someone on the way may have added \
             it, so that it passes for the server's (CVE-2011-0411)",
        ));
    }
    Ok(ldap.stream)
}

fn who_am_i(
    mut stream: Stream<Timed<'_>>,
    session: &mut Option<SessionInfo>,
) -> io::Result<String> {
    stream.complete_handshake()?;
    *session = stream.connection().session().cloned();
    // What the server said in plain text is gone with the old value; messages are numbered anew.
    let mut ldap = Ldap::over(stream);
    if session.as_ref().is_some_and(was_sent) {
        ldap.bind_by_certificate()?;
    }
    let identity = ldap.extended("\"Who am I?\"", OID_WHOAMI)?;
    // The server may close as soon as it reads UnbindRequest.
    let _ = ldap.send(LdapOp::UnbindRequest).and_then(|()| ldap.stream.close());
    // RFC 4532 section 2.2: an empty identity is the anonymous one.
    match String::from_utf8(identity) {
        Ok(identity) if identity.is_empty() => Ok("anonymous".to_owned()),
        Ok(identity) => Ok(identity),
        Err(_) => Err(io::Error::other(
            "the server's identity for this client is not UTF-8",
        )),
    }
}

fn was_sent(session: &SessionInfo) -> bool {
    session.requested_certificate().is_some_and(|requested| {
        matches!(
            requested.answer(),
            CertificateAnswer::Sent(_) | CertificateAnswer::SentRegardless(_)
        )
    })
}

/// A client's side of LDAP, with one request at a time.
struct Ldap<S> {
    stream: S,
    codec: LdapCodec,
    received: BytesMut,
    last_id: i32,
}

impl<S: Read + Write> Ldap<S> {
    fn over(stream: S) -> Self {
        Self {
            stream,
            codec: LdapCodec::new(Some(MAX_MESSAGE), Some(MAX_DEPTH)),
            received: BytesMut::new(),
            last_id: 0,
        }
    }

    /// SASL EXTERNAL, with no other identity than the certificate's.
    fn bind_by_certificate(&mut self) -> io::Result<()> {
        let answer = self.ask(LdapOp::BindRequest(LdapBindRequest {
            version: 3,
            dn: String::new(),
            cred: LdapBindCred::SASL(SaslCredentials {
                mechanism: "EXTERNAL".to_owned(),
                credentials: Vec::new(),
            }),
        }))?;
        match answer {
            LdapOp::BindResponse(answer) => check("SASL EXTERNAL", &answer.res),
            _ => Err(io::Error::other(
                "the server answers SASL EXTERNAL with another operation",
            )),
        }
    }

    /// An extended operation without a value: the value of the answer.
    fn extended(&mut self, what: &str, oid: &str) -> io::Result<Vec<u8>> {
        let answer = self.ask(LdapOp::ExtendedRequest(LdapExtendedRequest {
            name: oid.to_owned(),
            value: None,
        }))?;
        let LdapOp::ExtendedResponse(answer) = answer else {
            let error = format!("the server answers {what} with another operation");
            return Err(io::Error::other(error));
        };
        check(what, &answer.res)?;
        Ok(answer.value.unwrap_or_else(Vec::new))
    }

    fn ask(&mut self, operation: LdapOp) -> io::Result<LdapOp> {
        self.send(operation)?;
        let mut room = [0; 4096];
        loop {
            match self.codec.decode(&mut self.received) {
                Ok(None) => {}
                Ok(Some(answer)) if answer.msgid == self.last_id => return Ok(answer.op),
                // RFC 4511 section 4.4.1: the server's notice of disconnection, with message ID 0.
                Ok(Some(LdapMsg {
                    msgid: 0,
                    op: LdapOp::ExtendedResponse(notice),
                    ..
                })) => check("the connection", &notice.res)?,
                Ok(Some(_)) => {
                    return Err(io::Error::other(
                        "the server sends a message nobody asked for",
                    ));
                }
                Err(_) => {
                    return Err(io::Error::other(
                        "the server's answer is not an LDAP message, or it is too long",
                    ));
                }
            }
            match self.stream.read(&mut room)? {
                0 => {
                    let error = "the server closed the connection before it answered";
                    return Err(io::Error::new(ErrorKind::UnexpectedEof, error));
                }
                count => self.received.extend_from_slice(&room[..count]),
            }
        }
    }

    fn send(&mut self, operation: LdapOp) -> io::Result<()> {
        self.last_id += 1;
        let mut message = BytesMut::new();
        self.codec.encode(LdapMsg::new(self.last_id, operation), &mut message)?;
        self.stream.write_all(&message)?;
        self.stream.flush()
    }
}

/// An error unless the server did it.
fn check(what: &str, result: &LdapResult) -> io::Result<()> {
    if result.code == LdapResultCode::Success {
        return Ok(());
    }
    let text: String = result.message.chars().take(MAX_QUOTE).collect();
    Err(io::Error::other(format!(
        "the server refuses {what}: {:?}, {text:?}",
        result.code
    )))
}

/// How much of the server's words an error repeats, in characters.
const MAX_QUOTE: usize = 200;
