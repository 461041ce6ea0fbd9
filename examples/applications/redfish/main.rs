//! A reader of a BMC: the service root of Redfish, and a collection with all its pages.
//!
//! ```text
//! cargo run -p applications --example redfish -- https://BMC --pin SHA256 \
//!     --user NAME --password-file FILE
//! ```
//!
//! `connector` is what hyper-util's client needs to connect with this library; it can be copied.
//! `reader` bounds what is read, and `origin` keeps it to the one BMC.

mod connector;
mod credentials;
mod origin;
mod reader;

use anyhow::{Context, Result, anyhow, bail, ensure};
use applications::cli::{exit_code, or_usage_error, print_warnings, suite};
use applications::report::print_line;
use applications::session_file::SessionFile;
use applications::trust::{self, TrustArguments, WaiverArguments};
use applications::wrap::wrap;
use clap::Parser;
use connector::Connector;
use credentials::CredentialArguments;
use hyper::http::uri::PathAndQuery;
use origin::Origin;
use premaster::{CipherSuite, ClientConfig};
use reader::{Counts, Limits, Reader};
use serde_json::{Map, Value};
use std::collections::HashSet;
use std::io;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;
use tokio::runtime::Builder;
use tokio::time::timeout;

/// Reads a BMC over Redfish: its service root, and the pages of a collection.
///
/// Prints the collection's members, each connection with what TLS agreed, and how
/// many connections were made and sessions resumed. Links are followed to the BMC
/// itself only. The exit status is 0 if everything was read, 1 if not.
///
/// RSA key transport has no forward secrecy: anyone who obtains the BMC's key later
/// can decrypt every recorded connection, and the password in it.
#[derive(Parser)]
#[command(name = "redfish", verbatim_doc_comment)]
struct Arguments {
    /// The BMC, as https://host or https://host:port
    #[arg(value_name = "URL")]
    origin: Origin,

    #[command(flatten)]
    trust: TrustArguments,

    #[command(flatten)]
    credentials: CredentialArguments,

    /// A collection that the service root links to, as Systems, Chassis or
    /// Managers; or the path of one
    #[arg(
        long,
        value_name = "NAME",
        default_value = "Systems",
        verbatim_doc_comment
    )]
    collection: String,

    /// Read each member too: its name, power state and health
    #[arg(long)]
    members: bool,

    /// Cipher suites, IANA names, comma-separated, preferred first
    /// [default: all]
    #[arg(long, value_name = "SUITE,..", value_parser = suite, value_delimiter = ',', verbatim_doc_comment)]
    suites: Option<Vec<CipherSuite>>,

    /// Accept a BMC that does not support secure renegotiation (RFC 5746)
    #[arg(long)]
    no_secure_renegotiation: bool,

    /// Keep the TLS session in this file, for the next run to resume
    ///
    /// The file holds the master secret in clear: anyone who reads it can
    /// decrypt the connections. It is created with mode 0600.
    #[arg(long, value_name = "FILE", verbatim_doc_comment)]
    session_file: Option<PathBuf>,

    /// The most requests
    #[arg(long, value_name = "N", default_value_t = 200)]
    max_requests: u32,

    /// The most bytes of all answers together
    #[arg(long, value_name = "N", default_value_t = 16 * 1024 * 1024)]
    max_bytes: usize,

    /// How long connecting, and each answer, may take, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 20)]
    timeout: u64,

    /// How long everything together may take, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 300)]
    deadline: u64,

    #[command(flatten)]
    waivers: WaiverArguments,
}

/// Where every BMC has its service root (DMTF DSP0266, "Redfish Specification").
const ROOT: PathAndQuery = PathAndQuery::from_static("/redfish/v1/");

/// A property's length that is printed, in characters.
const SHOWN: usize = 60;

fn main() -> ExitCode {
    exit_code(run(&Arguments::parse()))
}

fn run(arguments: &Arguments) -> Result<()> {
    let name = or_usage_error::<Arguments, _>(arguments.origin.name(), arguments.origin.host());
    let credentials = arguments.credentials.header();
    let credentials = credentials.map_err(|error| format!("{error:#}"));
    let credentials = or_usage_error::<Arguments, _>(credentials, "credentials");
    let patience = Duration::from_secs(arguments.timeout);
    let config = Arc::new(config(arguments));
    let connector = Connector::new(arguments.origin.clone(), name, config, patience);
    let limits = Limits {
        time: patience,
        requests: arguments.max_requests,
        bytes: arguments.max_bytes,
    };
    let deadline = Duration::from_secs(arguments.deadline);

    // One request after the other has no use for more threads; and see `Reader` about the order.
    let runtime = Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let mut reader = Reader::new(connector, arguments.origin.clone(), credentials, limits);
        let result = timeout(deadline, read(arguments, &mut reader)).await;
        // What was read is told also when the rest could not be.
        print_counts(&reader.close().await);
        let result = result.unwrap_or_else(|_| bail!("not done within {deadline:?}"));
        result.map_err(naming_flag)
    })
}

fn config(arguments: &Arguments) -> ClientConfig {
    let policy = arguments.waivers.apply(arguments.trust.policy::<Arguments>());
    let mut builder = ClientConfig::builder(policy);
    if let Some(suites) = &arguments.suites {
        builder = builder.suites(suites);
    }
    if arguments.no_secure_renegotiation {
        builder = builder.secure_renegotiation(premaster::protocol::SecureRenegotiation::Optional);
    }
    if let Some(file) = &arguments.session_file {
        let store = or_usage_error::<Arguments, _>(SessionFile::open(file), file.display());
        builder = builder.session_store(Some(store));
    }
    print_warnings(&builder.warnings(), false);
    or_usage_error::<Arguments, _>(builder.build(), "invalid settings")
}

async fn read(arguments: &Arguments, reader: &mut Reader) -> Result<()> {
    let origin = &arguments.origin;
    let root = reader.get_public(&ROOT).await?;
    print_line(&wrap(&format!(
        "Redfish {}, product {}, UUID {}",
        property(&root, "RedfishVersion"),
        property(&root, "Product"),
        property(&root, "UUID"),
    )));
    let first = if arguments.collection.starts_with('/') {
        arguments.collection.clone()
    } else {
        let name = &arguments.collection;
        link(&root, name).with_context(|| format!("the service root has no {name}"))?
    };
    let members = read_pages(origin, reader, &first).await?;
    for member in &members {
        if arguments.members {
            let document = reader.get(&origin.follow(member)?).await?;
            print_line(&wrap(&format!(
                "{}: {}, power {}, health {}",
                member.escape_debug(),
                property(&document, "Name"),
                property(&document, "PowerState"),
                health(&document),
            )));
        } else {
            print_line(&wrap(&member.escape_debug().to_string()));
        }
    }
    Ok(())
}

/// The links to all members of the collection, whose pages form a chain.
async fn read_pages(origin: &Origin, reader: &mut Reader, first: &str) -> Result<Vec<String>> {
    let mut members = Vec::new();
    let mut seen = HashSet::new();
    let mut next = Some(first.to_owned());
    while let Some(page) = next {
        let path = origin.follow(&page)?;
        ensure!(
            seen.insert(path.clone()),
            "{path}: the pages go round in a circle"
        );
        let document = reader.get(&path).await?;
        let listed = document.get("Members").and_then(Value::as_array);
        let listed = listed.with_context(|| format!("{path}: not a collection"))?;
        for member in listed {
            let id = member.get("@odata.id").and_then(Value::as_str);
            members
                .push(id.with_context(|| format!("{path}: a member without a link"))?.to_owned());
        }
        // DSP0266 names it with the prefix; OData's own name has none, and some services use that.
        let link = ["Members@odata.nextLink", "@odata.nextLink"]
            .iter()
            .find_map(|name| document.get(*name));
        next = link.and_then(Value::as_str).map(str::to_owned);
    }
    print_line(&format!(
        "{} members on {} pages",
        members.len(),
        seen.len()
    ));
    Ok(members)
}

/// The link of a property that is an object with one.
fn link(document: &Map<String, Value>, name: &str) -> Option<String> {
    document.get(name)?.get("@odata.id")?.as_str().map(str::to_owned)
}

/// A property that is text, to print. A BMC's text does nothing to a terminal.
fn property(document: &Map<String, Value>, name: &str) -> String {
    let text = document.get(name).and_then(Value::as_str).unwrap_or("unknown");
    shown(text)
}

fn health(document: &Map<String, Value>) -> String {
    let health = document.get("Status").and_then(|status| status.get("Health"));
    shown(health.and_then(Value::as_str).unwrap_or("unknown"))
}

fn shown(text: &str) -> String {
    text.chars().take(SHOWN).collect::<String>().escape_debug().to_string()
}

fn print_counts(counts: &Counts) {
    let answers: u32 = counts.connections.values().sum();
    print_line(&wrap(&format!(
        "requests: {}, answers: {answers}, bytes: {}, connections: {}, resumed: {}",
        counts.requests,
        counts.bytes,
        counts.connections.len(),
        counts.resumed,
    )));
}

/// The error, and the flag that would have made the connection succeed, if there is one.
fn naming_flag(error: anyhow::Error) -> anyhow::Error {
    let tls = error.chain().find_map(|cause| {
        let cause = cause.downcast_ref::<io::Error>()?;
        cause.get_ref()?.downcast_ref::<premaster::Error>()
    });
    match tls.and_then(trust::flag) {
        Some(flag) => anyhow!("{error:#}; flag: {flag}"),
        None => error,
    }
}
