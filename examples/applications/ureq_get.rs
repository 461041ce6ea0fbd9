//! An HTTPS client for servers that have RSA key transport alone: `ureq` over this library.
//!
//! ```text
//! cargo run -p applications --example ureq_get -- --ca root.pem https://192.0.2.7/redfish/v1/
//! ```
//!
//! The reusable part is [`PremasterConnector`], a link in `ureq`'s chain of connectors. Everything else of
//! `ureq` stays as it is: the agent keeps connections open and uses them again, and where the server has
//! closed one meanwhile, the next resumes its session, which the configuration keeps. `ureq`'s traits
//! for transports are in its module `unversioned`: a new minor version may change them.

use anyhow::{Context, Result};
use applications::cli::{exit_code, or_usage_error};
use applications::trust::{TrustArguments, WaiverArguments};
use clap::{Parser, ValueEnum};
use premaster::pki_types::ServerName;
use premaster::session::Resumption;
use premaster::{ClientConfig, Stream};
use std::fmt;
use std::io::{self, Read, Write};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use ureq::unversioned::resolver::DefaultResolver;
use ureq::unversioned::transport::time::{Duration as MaybeDuration, Instant as MaybeInstant};
use ureq::unversioned::transport::{
    Buffers, ConnectionDetails, Connector, Either, LazyBuffers, NextTimeout, TcpConnector,
    Transport, TransportAdapter,
};
use ureq::{Agent, Timeout};

/// Gets pages over TLS 1.2 with RSA key transport, and prints them.
///
/// Connections are kept and used again. At the end, standard error has how many
/// there were and how many resumed a session.
///
/// RSA key transport has no forward secrecy: anyone who obtains the server's key
/// later can decrypt every recorded connection.
#[derive(Parser)]
#[command(name = "ureq_get", verbatim_doc_comment)]
struct Arguments {
    /// The pages, https:// and in this order
    #[arg(required = true, value_name = "URL")]
    urls: Vec<String>,

    #[command(flatten)]
    trust: TrustArguments,

    /// Settings for a kind of server; the default requires what a well-kept
    /// server has
    #[arg(long, value_enum, value_name = "NAME", verbatim_doc_comment)]
    profile: Option<Profile>,

    /// How long a connection may take, its handshake included
    #[arg(long, value_name = "SECONDS", default_value_t = 10)]
    connect_timeout: u32,

    /// How long a page may take, its connection included
    #[arg(long, value_name = "SECONDS", default_value_t = 60)]
    timeout: u32,

    #[command(flatten)]
    waivers: WaiverArguments,
}

#[derive(Clone, Copy, ValueEnum)]
enum Profile {
    /// Old devices: no secure renegotiation or EMS required
    #[value(name = "bmc_gcm")]
    BmcGcm,
    /// Old devices: CBC suites behind AES-GCM
    #[value(name = "legacy_cbc")]
    LegacyCbc,
}

/// The longest page that is printed, in bytes.
const MAX_PAGE: u64 = 64 << 20;

/// How long the close_notify of a connection may take.
const CLOSE: Duration = Duration::from_secs(1);

fn main() -> ExitCode {
    exit_code(run(&Arguments::parse()))
}

fn run(arguments: &Arguments) -> Result<()> {
    let policy = arguments.waivers.apply(arguments.trust.policy::<Arguments>());
    let builder = ClientConfig::builder(policy);
    let builder = match arguments.profile {
        None => builder,
        Some(Profile::BmcGcm) => builder.bmc_gcm(),
        Some(Profile::LegacyCbc) => builder.legacy_cbc(),
    };
    let config = or_usage_error::<Arguments, _>(builder.build(), "invalid settings");
    let counters = Arc::new(Counters::default());
    let agent = agent(arguments, Arc::new(config), Arc::clone(&counters));
    let result = arguments.urls.iter().try_for_each(|url| {
        let page = get(&agent, url).with_context(|| url.clone())?;
        io::stdout().write_all(&page).context("standard output")
    });
    eprintln!("{counters}");
    result
}

fn get(agent: &Agent, url: &str) -> Result<Vec<u8>, ureq::Error> {
    let mut response = agent.get(url).call()?;
    response.body_mut().with_config().limit(MAX_PAGE).read_to_vec()
}

/// An agent whose connections are made by this library alone.
fn agent(arguments: &Arguments, config: Arc<ClientConfig>, counters: Arc<Counters>) -> Agent {
    let seconds = |count: u32| Some(Duration::from_secs(count.into()));
    let settings = Agent::config_builder()
        .https_only(true)
        // What is asked is on this network; the environment may speak of a proxy for others.
        .proxy(None)
        .timeout_connect(seconds(arguments.connect_timeout))
        .timeout_global(seconds(arguments.timeout))
        .build();
    let connector =
        ().chain(TcpConnector::default()).chain(PremasterConnector { config, counters });
    Agent::with_parts(settings, connector, DefaultResolver::default())
}

/// What the connector has done.
#[derive(Default)]
struct Counters {
    connections: AtomicU64,
    resumed: AtomicU64,
}

impl fmt::Display for Counters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "connections: {}, sessions resumed: {}",
            self.connections.load(Ordering::Relaxed),
            self.resumed.load(Ordering::Relaxed)
        )
    }
}

/// Puts TLS over the transport that the connectors in front of it have made, if the address is
/// `https://`.
struct PremasterConnector {
    config: Arc<ClientConfig>,
    counters: Arc<Counters>,
}

impl<In: Transport> Connector<In> for PremasterConnector {
    type Out = Either<In, PremasterTransport>;

    fn connect(
        &self,
        details: &ConnectionDetails<'_>,
        chained: Option<In>,
    ) -> Result<Option<Self::Out>, ureq::Error> {
        let Some(transport) = chained else {
            return Ok(None);
        };
        if !details.needs_tls() || transport.is_tls() {
            return Ok(Some(Either::A(transport)));
        }
        let host = details.uri.host().unwrap_or_default();
        let host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
        let name = ServerName::try_from(host).map_err(io::Error::other)?;

        let clock = Arc::clone(&details.current_time);
        let mut transport = TransportAdapter::new(transport.boxed(), clock);
        transport.set_timeout(left(details));
        let stream = Stream::client(Arc::clone(&self.config), name, transport);
        let mut stream = stream.map_err(io::Error::other)?;
        stream.complete_handshake()?;

        self.counters.connections.fetch_add(1, Ordering::Relaxed);
        let session = stream.connection().session();
        if session.is_some_and(|session| !matches!(session.resumption(), Resumption::Full(_))) {
            self.counters.resumed.fetch_add(1, Ordering::Relaxed);
        }
        let settings = details.config;
        Ok(Some(Either::B(PremasterTransport {
            buffers: LazyBuffers::new(settings.input_buffer_size(), settings.output_buffer_size()),
            stream,
        })))
    }
}

impl fmt::Debug for PremasterConnector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PremasterConnector").field("config", &self.config).finish()
    }
}

/// What the connectors before have left of the time for the connection. The adapter deducts what passes
/// from here on, so that it bounds the whole handshake and not only each read.
fn left(details: &ConnectionDetails<'_>) -> NextTimeout {
    let mut timeout = details.timeout;
    if let (MaybeDuration::Exact(all), MaybeInstant::Exact(start), MaybeInstant::Exact(now)) =
        (timeout.after, details.now, (details.current_time)())
    {
        let passed = now.saturating_duration_since(start);
        timeout.after = MaybeDuration::Exact(all.saturating_sub(passed));
    }
    timeout
}

/// A connection by this library, as `ureq` uses it.
struct PremasterTransport {
    buffers: LazyBuffers,
    stream: Stream<TransportAdapter>,
}

impl Transport for PremasterTransport {
    fn buffers(&mut self) -> &mut dyn Buffers {
        &mut self.buffers
    }

    fn transmit_output(&mut self, amount: usize, timeout: NextTimeout) -> Result<(), ureq::Error> {
        self.stream.transport_mut().set_timeout(timeout);
        let output = self.buffers.output().get(..amount);
        let output = output.ok_or_else(|| io::Error::from(io::ErrorKind::InvalidInput))?;
        self.stream.write_all(output)?;
        self.stream.flush()?;
        Ok(())
    }

    /// A server that ends without a close_notify is an error here, so that a page is never taken for
    /// whole when somebody has cut it short.
    fn await_input(&mut self, timeout: NextTimeout) -> Result<bool, ureq::Error> {
        self.stream.transport_mut().set_timeout(timeout);
        let count = self.stream.read(self.buffers.input_append_buf())?;
        self.buffers.input_appended(count);
        Ok(count > 0)
    }

    /// Bytes that have come since the last answer are the server's close_notify, or nothing that was
    /// asked for.
    fn is_open(&mut self) -> bool {
        self.stream.transport_mut().get_mut().is_open()
    }

    fn is_tls(&self) -> bool {
        true
    }
}

impl fmt::Debug for PremasterTransport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PremasterTransport").field("stream", self.stream.connection()).finish()
    }
}

/// Closes properly when the agent has no more use for the connection.
impl Drop for PremasterTransport {
    fn drop(&mut self) {
        self.stream.transport_mut().set_timeout(NextTimeout {
            after: MaybeDuration::Exact(CLOSE),
            reason: Timeout::Global,
            ..NextTimeout::default()
        });
        // Nobody is left to hear of a failure.
        let _ = self.stream.close();
    }
}
