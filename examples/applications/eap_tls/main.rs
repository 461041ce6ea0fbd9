//! EAP-TLS, the peer's side ([RFC 5216](https://www.rfc-editor.org/rfc/rfc5216)), with a RADIUS server:
//! what a station and its access point do before the station is let into a network.
//!
//! ```text
//! export RADIUS_SECRET=between-us
//! cargo run -p applications --example eap_tls -- radius.example:1812 --name radius.example \
//!     --ca ca.pem --cert station.pem --key station.key --identity station
//! ```
//!
//! TLS has no socket here: its bytes travel as fragments in EAP packets, which travel in RADIUS
//! attributes, and each side speaks only when it is asked. That is what a [`Connection`] without I/O is
//! for: [`peer::Peer`] gives it a flight, takes the next one, and cuts it up.
//!
//! ```text
//! Connection <- flights -> peer::Peer <- EAP packets -> radius::AccessPoint <- UDP -> the server
//! ```
//!
//! At the end both sides derive the same key from the handshake, and the server gives the access point
//! its copy. This program is both, so it compares them: equal keys show that the handshake and the key
//! export agree with the server's.
//!
//! A server needs a suite with RSA key transport at TLS 1.2, the extended master secret, and in
//! FreeRADIUS's `tls-config`:
//!
//! ```text
//! cipher_list = "AES128-GCM-SHA256"
//! tls_max_version = "1.2"
//! ```
//!
//! [`Connection`]: premaster::Connection

mod peer;
mod radius;

use anyhow::{Context, Result, anyhow, bail};
use applications::client::ClientArguments;
use applications::report::Report;
use applications::wrap::wrap;
use clap::Parser;
use peer::{Peer, Step};
use premaster::server_name;
use radius::{AccessPoint, MppeKeys, Verdict};
use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, ToSocketAddrs, UdpSocket};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

/// Authenticates to a RADIUS server with EAP-TLS, as a station and its access
/// point.
///
/// The exit status is 0 if the server accepts the station, and the keys that it
/// gives the access point are those that the station derives; 1 if not, with the
/// reason on standard error; 2 for a wrong argument.
///
/// RADIUS protects little: use it on a network of its own or through a tunnel.
/// RSA key transport has no forward secrecy: anyone who obtains the server's key
/// later can compute the keys of every recorded conversation.
#[derive(Parser)]
#[command(name = "eap_tls", verbatim_doc_comment)]
struct Arguments {
    /// The RADIUS server
    #[arg(value_name = "HOST:PORT")]
    server: String,

    /// The name that the server's certificate must be valid for
    #[arg(long)]
    name: String,

    #[command(flatten)]
    client: ClientArguments,

    /// Who the station says it is, outside TLS
    #[arg(long, value_name = "TEXT", default_value = "anonymous", value_parser = identity)]
    identity: String,

    /// A file with the secret that this client shares with the server
    /// [default: the environment variable RADIUS_SECRET]
    #[arg(long, value_name = "FILE", verbatim_doc_comment)]
    secret_file: Option<std::path::PathBuf>,

    /// The most bytes of TLS in one EAP packet
    #[arg(long, value_name = "N", default_value_t = 1024,
        value_parser = clap::value_parser!(u16).range(64..=3000))]
    fragment: u16,
}

/// How long everything may take.
const DEADLINE: Duration = Duration::from_secs(30);

/// The most EAP packets. A flight of 16 KiB in pieces of 100 bytes takes as many.
const MAX_ROUNDS: usize = 200;

/// What EAP's, its type's and its flags' bytes add to a fragment: code, identifier, length, type,
/// flags, TLS length.
const EAP_HEADER: u32 = 10;

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(told) => {
            println!("{}", wrap(&told));
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("{}", wrap(&format!("error: {error:#}")));
            ExitCode::FAILURE
        }
    }
}

/// What came out of it.
fn run(arguments: &Arguments) -> Result<String> {
    let name = server_name(&arguments.name).context("--name")?;
    let config = Arc::new(arguments.client.config()?.build()?);
    let socket =
        dial(&arguments.server).with_context(|| format!("cannot reach {}", arguments.server))?;
    let mut access_point = AccessPoint::new(
        socket,
        secret(arguments)?,
        arguments.identity.clone(),
        u32::from(arguments.fragment) + EAP_HEADER,
        Instant::now() + DEADLINE,
    );
    let fragment = usize::from(arguments.fragment);
    let mut peer = Peer::new(arguments.identity.clone(), config, name, fragment);

    let outcome = converse(&mut peer, &mut access_point);
    // EAP has only a failure without a reason. TLS may have one.
    let in_tls = peer.error().map_or(Ok(()), |error| Err(io::Error::other(error.clone())));
    let session = peer.connection().and_then(|connection| connection.session());
    let report = Report::new(arguments.server.clone(), session, &in_tls).to_text();
    let keys = outcome.map_err(|error| {
        if in_tls.is_err() {
            anyhow!("{error:#}; {report}")
        } else {
            error
        }
    })?;
    compare(&peer, &keys)?;
    let (sent, received) = peer.fragments();
    Ok(format!(
        "{report}\nEAP-TLS: accepted; {sent} fragments sent, {received} received; the server's \
         MS-MPPE keys are the station's"
    ))
}

/// Carries EAP packets back and forth until the server has decided: the access point's keys.
fn converse(peer: &mut Peer, access_point: &mut AccessPoint) -> Result<MppeKeys> {
    let mut packet = peer.identity()?;
    for _ in 0..MAX_ROUNDS {
        let answer = access_point.exchange(&packet)?;
        let step = match (answer.verdict, &answer.eap[..]) {
            // A server that does not know what to do with the station need not say it in EAP.
            (Verdict::Reject, []) => Step::Failed,
            (_, eap) => peer.handle(eap)?,
        };
        match (answer.verdict, step) {
            (Verdict::Challenge, Step::Respond(response)) => packet = response,
            (Verdict::Accept, Step::Succeeded) => return Ok(answer.keys),
            (Verdict::Reject, _) => bail!("the server rejects the station"),
            // RFC 3579 section 2.6.3: such packets contradict themselves.
            _ => bail!("the server's verdict in RADIUS is not that in EAP"),
        }
    }
    bail!("the server has not decided after {MAX_ROUNDS} EAP packets")
}

/// Compares the halves of the station's key with what the server gave the access point.
fn compare(peer: &Peer, keys: &MppeKeys) -> Result<()> {
    let (receive, send) = match (&keys.receive, &keys.send) {
        (Some(receive), Some(send)) => (receive, send),
        _ => bail!("the server gives the access point no MS-MPPE keys"),
    };
    let own = peer.keys()?;
    let (for_receive, for_send) = own.msk.split_at(32);
    let equal = for_receive.ct_eq(receive) & for_send.ct_eq(send);
    if bool::from(equal) {
        Ok(())
    } else {
        Err(anyhow!(
            "the server's MS-MPPE keys are not those that the station derives"
        ))
    }
}

/// A socket that is connected to the first of the server's addresses.
fn dial(server: &str) -> io::Result<UdpSocket> {
    let address = server.to_socket_addrs()?.next().ok_or(io::ErrorKind::NotFound)?;
    let socket = match address {
        SocketAddr::V4(_) => UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)),
        SocketAddr::V6(_) => UdpSocket::bind((Ipv6Addr::UNSPECIFIED, 0)),
    }?;
    socket.connect(address)?;
    Ok(socket)
}

fn secret(arguments: &Arguments) -> Result<Zeroizing<Vec<u8>>> {
    let Some(file) = &arguments.secret_file else {
        let secret = std::env::var("RADIUS_SECRET");
        let secret = secret.context("no --secret-file, and RADIUS_SECRET is not set")?;
        return Ok(Zeroizing::new(secret.into_bytes()));
    };
    let mut secret = Zeroizing::new(std::fs::read(file).context(file.display().to_string())?);
    while secret.pop_if(|last| last.is_ascii_whitespace()).is_some() {}
    Ok(secret)
}

/// Parses `--identity`: what fits into a User-Name.
fn identity(text: &str) -> Result<String, &'static str> {
    if (1..=253).contains(&text.len()) {
        Ok(text.to_owned())
    } else {
        Err("not 1 to 253 bytes")
    }
}
