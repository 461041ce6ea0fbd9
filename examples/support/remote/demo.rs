//! The whole demonstration: a signer, two servers and a client, step by step.

use crate::support::private::PrivateDirectory;
use crate::support::process::Process;
use crate::support::report::{Milliseconds, print_line};
use crate::support::self_signed::{NAME, SelfSigned, self_signed};
use crate::support::socket::prepare;
use crate::support::wrap::wrap;
use anyhow::{Context, Result, bail, ensure};
use premaster::protocol::AlertDescription;
use premaster::{ClientConfig, Error, RootStore, Stream};
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use std::fs;
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::PathBuf;
use std::process::{self, Command};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

/// Runs it. All processes and files are gone when this returns.
pub fn run() -> Result<()> {
    print_line(
        "A TLS server whose private key is in another process, behind a Unix socket.\n\n\
         Warning: RSA key transport has no forward secrecy. Anyone who obtains the\n\
         server's key, at any time, can decrypt every connection that was ever recorded.\n",
    );
    let stage = Stage::set()?;

    let signer = stage.start_signer()?;
    print_line(&format!(
        "2  The signer runs as process {}. It received the key over a pipe; no file\n   \
         holds it.\n",
        signer.id()
    ));

    let by_trait = stage.start_server(&[])?;
    print_line(&format!(
        "3  A server runs as process {} and uses the signer as its `PrivateKey`. It\n   \
         has only the directory with these files: {}.",
        by_trait.process.id(),
        stage.files()?.join(", ")
    ));
    stage.visit(&by_trait, &signer)?;

    let by_pause = stage.start_server(&["--pause"])?;
    print_line(&format!(
        "\n4  A server runs as process {} without a key in its configuration. Its\n   \
         handshakes pause, and it asks the signer.",
        by_pause.process.id(),
    ));
    stage.visit(&by_pause, &signer)?;

    drop(signer);
    print_line(
        "\n5  The signer was killed. Handshakes fail at Finished: the client cannot\n   \
         distinguish this from a wrong pre-master secret.",
    );
    stage.visit_without_signer(&by_trait)?;
    stage.visit_without_signer(&by_pause)?;

    let signer = stage.start_signer()?;
    print_line(&format!(
        "\n6  A new signer runs as process {}. The servers reconnect to it.",
        signer.id()
    ));
    stage.visit(&by_trait, &signer)?;
    stage.visit(&by_pause, &signer)?;

    for process in [by_trait.process, by_pause.process, signer] {
        process.end()?;
    }
    let left = stage.files()?;
    ensure!(left == [CERTIFICATE], "files are left: {left:?}");
    print_line("\nThe servers and the signer have stopped as requested.");
    Ok(())
}

/// The timeout for each read and write.
const PATIENCE: Duration = Duration::from_secs(10);

/// The names of the files.
const CERTIFICATE: &str = "certificate.pem";
const SOCKET: &str = "signer";

/// What the processes need.
struct Stage {
    identity: SelfSigned,
    client: Arc<ClientConfig>,
    directory: PrivateDirectory,
}

impl Stage {
    /// Makes the key, the certificate and the directory.
    fn set() -> Result<Self> {
        let start = Instant::now();
        let identity = self_signed(2048)?;
        print_line(&format!(
            "1  A key and a certificate were created for this run, in {}. The SPKI\n   \
             fingerprint is\n   {}.\n",
            Milliseconds(start.elapsed()),
            identity.certified.key_id(),
        ));
        let path = std::env::temp_dir().join(format!("premaster-{}", process::id()));
        let directory = PrivateDirectory::create(path)?;
        remove_at_signal(directory.path().to_owned())?;
        fs::write(
            directory.path().join(CERTIFICATE),
            &identity.certificate_pem,
        )?;
        let roots = RootStore::from_pem(identity.certificate_pem.as_bytes())?;
        // Every handshake is to be a full one.
        let client = ClientConfig::builder(roots).session_store(None).build()?;
        Ok(Self {
            identity,
            client: Arc::new(client),
            directory,
        })
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn files(&self) -> Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in fs::read_dir(self.directory.path())? {
            names.push(entry?.file_name().to_string_lossy().into_owned());
        }
        names.sort();
        Ok(names)
    }

    /// Starts this program in one of its other roles.
    fn start(&self, role: &str, configure: impl FnOnce(&mut Command)) -> Result<Process> {
        let mut command = Command::new(std::env::current_exe()?);
        command.args([role, "--until-eof", "--socket"]);
        configure(command.arg(self.path(SOCKET)));
        Process::start(&mut command)
    }

    fn start_signer(&self) -> Result<Process> {
        let mut signer = self.start("signer", |command| {
            command.args(["--key", "-"]);
        })?;
        let stdin = signer.stdin()?;
        stdin.write_all(self.identity.key_pem.as_bytes())?;
        stdin.flush()?;
        signer.next_line_after("LISTENING ")?;
        Ok(signer)
    }

    fn start_server(&self, options: &[&str]) -> Result<Server> {
        let process = self.start("server", |command| {
            command.arg("--cert").arg(self.path(CERTIFICATE));
            command.args(["--listen", "127.0.0.1:0", "--wide"]).args(options);
        })?;
        let address = process.next_line_after("LISTENING ")?.parse()?;
        Ok(Server { process, address })
    }

    /// Connects, and prints what each process did.
    fn visit(&self, server: &Server, signer: &Process) -> Result<()> {
        let mut stream = self.connect(server)?;
        let peer = stream.transport().local_addr()?;
        let start = Instant::now();
        stream.complete_handshake()?;
        let took = Milliseconds(start.elapsed());
        let mut answer = String::new();
        Read::by_ref(&mut stream).take(MAX_ANSWER).read_to_string(&mut answer)?;
        let session = stream.connection().session().context("no session")?;
        let suite = session.cipher_suite();

        tell("client", &format!("a full handshake in {took}, {suite}"));
        tell("server", &server.told(peer)?);
        tell("signer", &signer.next_line()?);
        tell("client", &format!("received {:?}", answer.trim_end()));
        Ok(())
    }

    /// Connects to a server whose signer is gone.
    fn visit_without_signer(&self, server: &Server) -> Result<()> {
        let mut stream = self.connect(server)?;
        let peer = stream.transport().local_addr()?;
        let Err(error) = stream.complete_handshake() else {
            bail!("the handshake did not fail");
        };
        let error: Error = error.downcast()?;
        let expected = Some(AlertDescription::BAD_RECORD_MAC);
        ensure!(error.alert_received() == expected, "another error: {error}");

        tell("server", &server.told(peer)?);
        tell("client", &error.to_string());
        Ok(())
    }

    fn connect(&self, server: &Server) -> Result<Stream<TcpStream>> {
        let socket = TcpStream::connect_timeout(&server.address, PATIENCE)?;
        prepare(&socket, PATIENCE)?;
        let client = Arc::clone(&self.client);
        Ok(Stream::client(client, NAME.try_into()?, socket)?)
    }
}

/// More than a server sends.
const MAX_ANSWER: u64 = 100;

/// A server, until it is dropped.
struct Server {
    process: Process,
    address: SocketAddr,
}

impl Server {
    /// The line about its signer that it printed while it served this client.
    fn told(&self, client: SocketAddr) -> Result<String> {
        let told = self.process.next_line()?;
        // The line of the connection itself has what the client knows, too.
        self.process.next_line_after(&format!("{client}: "))?;
        Ok(told)
    }
}

fn tell(who: &str, what: &str) {
    print_line(&wrap(&format!("   {who}: {what}")));
}

/// Leaves no files behind at SIGTERM and SIGINT; the other processes end with this one.
fn remove_at_signal(directory: PathBuf) -> io::Result<()> {
    let mut signals = Signals::new([SIGTERM, SIGINT])?;
    thread::spawn(move || {
        if signals.forever().next().is_some() {
            let _ = fs::remove_dir_all(directory);
            process::exit(1);
        }
    });
    Ok(())
}
