//! The bridge, between programs that cannot speak with each other.

use super::{Device, OLD, PAGE, fits_a_terminal};
use crate::files::Files;
use crate::{Need, Trials};
use premaster::{ClientConfig, RootStore, ServerConfig, Stream};
use premaster_testing::program::{Ended, Program, built};
use premaster_testing::{Directory, NAME, name};
use std::fs;
use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

const EXAMPLE: &str = "examples/bridge";

const CURL: &str = "curl";

pub fn add_trials(trials: &mut Trials) {
    let needs = &[
        Need::Built(EXAMPLE),
        Need::Program("openssl"),
        Need::Program(CURL),
    ];
    let mut add = |name: &str, trial: fn(&Files)| {
        trials.add_with(needs, format!("applications::bridge::{name}"), trial);
    };
    add("help", help);
    add("modern_tls_to_an_old_device", modern_tls_to_an_old_device);
    add("plain_to_an_old_device", plain_to_an_old_device);
    add(
        "old_client_to_a_plain_service",
        old_client_to_a_plain_service,
    );
    add("old_client_to_modern_tls", old_client_to_modern_tls);
    add("cbc_where_it_is_asked_for", cbc_where_it_is_asked_for);
    add("two_hundred_at_once", two_hundred_at_once);
    add("bounds_each_address", bounds_each_address);
    add("plain_only_on_loopback", plain_only_on_loopback);
    add("refuses_another_device", refuses_another_device);
    add("ends_the_silent", ends_the_silent);
    add("serves_past_the_silent", serves_past_the_silent);
    add("ends_the_idle", ends_the_idle);
    add("shows_a_truncation", shows_a_truncation);
    add("lets_connections_end", lets_connections_end);
    add("cuts_when_the_time_is_up", cuts_when_the_time_is_up);
}

fn help(_: &Files) {
    for arguments in [
        &["--help"][..],
        &["to-device", "--help"],
        &["to-service", "--help"],
    ] {
        fits_a_terminal(Command::new(built(EXAMPLE)).args(arguments));
    }
}

/// A running bridge.
struct Bridge {
    program: Program,
    port: u16,
}

impl Bridge {
    #[track_caller]
    fn start(direction: &str, with: impl FnOnce(&mut Command)) -> Self {
        let mut command = Command::new(built(EXAMPLE));
        command.args([direction, "--listen", "127.0.0.1:0"]);
        with(&mut command);
        let mut program = Program::start(&mut command);
        let line = program.read_line();
        let port = line.rsplit_once(':').and_then(|(_, port)| port.parse().ok());
        Self {
            port: port.unwrap_or_else(|| panic!("{line}")),
            program,
        }
    }

    /// To a device on this port.
    #[track_caller]
    fn to_device(device: u16, files: &Files, arguments: &[&str]) -> Self {
        Self::start("to-device", |command| {
            command
                .args([
                    "--device",
                    &format!("127.0.0.1:{device}"),
                    "--name",
                    NAME,
                    "--ca",
                ])
                .arg(files.root_certificate())
                .args(arguments);
        })
    }

    /// To a service on this port.
    #[track_caller]
    fn to_service(service: u16, files: &Files, arguments: &[&str]) -> Self {
        Self::start("to-service", |command| {
            command
                .args(["--service", &format!("127.0.0.1:{service}"), "--cert"])
                .arg(files.server_certificate())
                .arg("--key")
                .arg(files.server_key())
                .args(arguments);
        })
    }

    fn signal(&self, signal: &str) {
        let id = self.program.id().to_string();
        let status = Command::new("kill").args([signal, &id]).status();
        assert!(status.unwrap().success());
    }

    fn connect(&self) -> TcpStream {
        connect(self.port)
    }

    /// Stops it, and returns what it has counted.
    #[track_caller]
    fn stop(self) -> Ended {
        self.signal("-TERM");
        let ended = self.program.wait();
        assert!(ended.status.success(), "{ended:?}");
        ended
    }
}

/// A certificate for modern TLS, and its key.
#[track_caller]
fn modern_identity(directory: &Directory) -> [String; 2] {
    let files = [directory.path("modern.pem"), directory.path("modern.key")];
    let ended = Program::start(
        Command::new("openssl")
            .args([
                "req",
                "-x509",
                "-newkey",
                "ec",
                "-pkeyopt",
                "ec_paramgen_curve:P-256",
            ])
            .args(["-nodes", "-days", "30", "-subj", "/CN=localhost"])
            .args(["-addext", "subjectAltName=DNS:localhost"])
            .args(["-addext", "basicConstraints=critical,CA:FALSE"])
            .args(["-out", &files[0], "-keyout", &files[1]]),
    )
    .wait();
    assert!(ended.status.success(), "{ended:?}");
    files
}

/// What curl gets from this address.
#[track_caller]
fn curl(url: &str, arguments: &[&str]) -> Ended {
    let mut command = Command::new(CURL);
    command.args([
        "--silent",
        "--show-error",
        "--http1.0",
        "--max-time",
        "15",
        "--noproxy",
        "*",
    ]);
    Program::start(command.args(arguments).arg(url)).wait()
}

/// A curl that speaks TLS 1.3 alone cannot reach the device but through the bridge.
fn modern_tls_to_an_old_device(files: &Files) {
    let device = Device::old("bridge-modern", files);
    let [cert, key] = modern_identity(&device.directory);
    let bridge = Bridge::to_device(device.port, files, &["--cert", &cert, "--key", &key]);
    let modern = ["--tlsv1.3", "--cacert", &cert];

    let direct = format!("https://localhost:{}/status", device.port);
    let refused = curl(&direct, &["--tlsv1.3", "--insecure"]);
    assert_eq!(refused.status.code(), Some(35), "{refused:?}");

    let url = format!("https://localhost:{}/status", bridge.port);
    for _ in 0..2 {
        let page = curl(&url, &modern);
        assert_eq!(page.stdout, PAGE, "{page:?}");
    }
    let told = bridge.stop();
    let counted = "accepted: 2, served: 2, failed: 0, device sessions resumed: 1\n";
    assert!(told.stdout.starts_with(counted), "{told:?}");
}

fn plain_to_an_old_device(files: &Files) {
    let device = Device::old("bridge-plain", files);
    let large = vec![b'.'; 3 << 20];
    fs::write(device.directory.root().join("large"), &large).unwrap();
    let mut bridge = Bridge::to_device(device.port, files, &[]);
    let page = curl(&format!("http://127.0.0.1:{}/large", bridge.port), &[]);
    assert!(page.status.success(), "{:?}", page.stderr);
    assert_eq!(page.stdout.as_bytes(), large);
    bridge.signal("-USR1");
    let counted = "accepted: 1, served: 1, failed: 0, device sessions resumed: 0";
    assert_eq!(bridge.program.read_line(), counted);
}

/// Runs OpenSSL's client of old, with this request.
#[track_caller]
fn s_client(port: u16, files: &Files, request: &str) -> Ended {
    let mut client = s_client_with(&OLD, port, files);
    client.write(request.as_bytes());
    client.wait()
}

fn s_client_with(arguments: &[&str], port: u16, files: &Files) -> Program {
    let mut command = Command::new("openssl");
    command
        .args([
            "s_client",
            "-quiet",
            "-verify_return_error",
            "-verify_hostname",
            NAME,
        ])
        .args(["-connect", &format!("127.0.0.1:{port}"), "-CAfile"])
        .arg(files.root_certificate())
        .args(arguments);
    Program::start(&mut command)
}

fn old_client_to_a_plain_service(files: &Files) {
    let service = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let bridge = Bridge::to_service(port_of(&service), files, &[]);
    let serving = thread::spawn(move || {
        let mut socket = accept(&service);
        let mut request = [0; 18];
        socket.read_exact(&mut request).unwrap();
        assert_eq!(&request, b"GET / HTTP/1.0\r\n\r\n");
        write!(socket, "HTTP/1.0 200 OK\r\n\r\n{PAGE}").unwrap();
    });
    let ended = s_client(bridge.port, files, "GET / HTTP/1.0\r\n\r\n");
    assert_eq!(
        ended.stdout,
        format!("HTTP/1.0 200 OK\r\n\r\n{PAGE}"),
        "{ended:?}"
    );
    serving.join().unwrap();
    let told = bridge.stop();
    assert!(
        told.stdout.starts_with("accepted: 1, served: 1, failed: 0"),
        "{told:?}"
    );
}

fn old_client_to_modern_tls(files: &Files) {
    let directory = Directory::create("bridge-service");
    let [cert, key] = modern_identity(&directory);
    let modern = ["-tls1_3", "-cert", &cert, "-key", &key];
    let service = Device::start("bridge-service-files", &modern, |_| {});
    let arguments = ["--service-ca", &cert, "--service-name", "localhost"];
    let bridge = Bridge::to_service(service.port, files, &arguments);
    let ended = s_client(bridge.port, files, "GET /status HTTP/1.0\r\n\r\n");
    assert!(
        ended.stdout.ends_with(&format!("\r\n\r\n{PAGE}")),
        "{ended:?}"
    );
}

/// Old devices and old clients that have nothing but CBC need a setting.
fn cbc_where_it_is_asked_for(files: &Files) {
    let cbc = ["-tls1_2", "-cipher", "AES128-SHA"];
    let device = Device::with(&cbc, "bridge-cbc", files);
    for (arguments, is_served) in [(&[][..], false), (&["--profile", "legacy_cbc"], true)] {
        let bridge = Bridge::to_device(device.port, files, arguments);
        let page = curl(&format!("http://127.0.0.1:{}/status", bridge.port), &[]);
        assert_eq!(page.stdout == PAGE, is_served, "{page:?}");
    }

    let service = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    for (arguments, is_served) in [(&[][..], false), (&["--legacy-cbc"], true)] {
        let bridge = Bridge::to_service(port_of(&service), files, arguments);
        let mut client = s_client_with(&cbc, bridge.port, files);
        if is_served {
            let mut socket = accept(&service);
            socket.write_all(PAGE.as_bytes()).unwrap();
        }
        client.close_stdin();
        let ended = client.wait();
        assert_eq!(ended.stdout == PAGE, is_served, "{ended:?}");
    }
}

/// How long anything may take.
const PATIENCE: Duration = Duration::from_secs(60);

#[track_caller]
fn wait_until(mut done: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !done() {
        assert!(Instant::now() < deadline, "it takes too long");
        thread::sleep(Duration::from_millis(5));
    }
}

#[track_caller]
fn accept(listener: &TcpListener) -> TcpStream {
    listener.set_nonblocking(true).unwrap();
    let mut accepted = None;
    wait_until(|| {
        accepted = listener.accept().ok();
        accepted.is_some()
    });
    let (socket, _) = accepted.unwrap();
    socket.set_nonblocking(false).unwrap();
    limited(socket)
}

#[track_caller]
fn connect(port: u16) -> TcpStream {
    limited(TcpStream::connect((Ipv4Addr::LOCALHOST, port)).unwrap())
}

#[track_caller]
fn limited(socket: TcpStream) -> TcpStream {
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    socket.set_write_timeout(Some(PATIENCE)).unwrap();
    socket
}

fn port_of(listener: &TcpListener) -> u16 {
    listener.local_addr().unwrap().port()
}

fn client_config(files: &Files) -> Arc<ClientConfig> {
    let roots = RootStore::from_pem(&fs::read(files.root_certificate()).unwrap()).unwrap();
    // Each makes a whole handshake.
    Arc::new(ClientConfig::builder(roots).session_store(None).build().unwrap())
}

/// Two hundred clients are served, fifty at a time: the service answers only when fifty are there, and
/// never sees more.
fn two_hundred_at_once(files: &Files) {
    const CLIENTS: usize = 200;
    const BOUND: usize = 50;
    let service = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let arguments = [
        "--connections",
        "50",
        "--queue-timeout",
        "60",
        "--handshake-timeout",
        "60",
    ];
    let bridge = Bridge::to_service(port_of(&service), files, &arguments);
    let config = client_config(files);
    let (arrived, now, most) = (
        AtomicUsize::new(0),
        AtomicUsize::new(0),
        AtomicUsize::new(0),
    );
    thread::scope(|scope| {
        for _ in 0..CLIENTS {
            let (port, config) = (bridge.port, Arc::clone(&config));
            scope.spawn(move || {
                let mut stream = Stream::client(config, name(), connect(port)).unwrap();
                stream.write_all(b"ask").unwrap();
                let mut answer = String::new();
                stream.read_to_string(&mut answer).unwrap();
                assert_eq!(answer, PAGE);
                stream.close().unwrap();
            });
        }
        for _ in 0..CLIENTS {
            let mut socket = accept(&service);
            let (arrived, now, most) = (&arrived, &now, &most);
            scope.spawn(move || {
                most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                socket.read_exact(&mut [0; 3]).unwrap();
                let number = arrived.fetch_add(1, Ordering::SeqCst);
                let needed = (number / BOUND + 1) * BOUND;
                wait_until(|| arrived.load(Ordering::SeqCst) >= needed);
                now.fetch_sub(1, Ordering::SeqCst);
                socket.write_all(PAGE.as_bytes()).unwrap();
            });
        }
    });
    assert_eq!(most.into_inner(), BOUND);
    let told = bridge.stop();
    assert!(
        told.stdout.starts_with("accepted: 200, served: 200, failed: 0"),
        "{told:?}"
    );
    let bytes = format!(
        "bytes forwarded: 600, bytes returned: {}\n",
        200 * PAGE.len()
    );
    assert!(told.stdout.ends_with(&bytes), "{told:?}");
}

/// The third connection of an address that may have two is closed.
fn bounds_each_address(files: &Files) {
    let service = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let arguments = ["--connections", "1", "--per-address", "2"];
    let bridge = Bridge::to_service(port_of(&service), files, &arguments);
    let mut stream = Stream::client(client_config(files), name(), bridge.connect()).unwrap();
    stream.write_all(b"ask").unwrap();
    let _served = accept(&service);
    let waits = bridge.connect();
    let refused = bridge.connect().read(&mut [0]);
    assert!(matches!(refused, Ok(0) | Err(_)), "{refused:?}");
    drop((stream, waits));
    let told = bridge.stop();
    let why = "\n  too many connections of its address: 1\n";
    assert!(told.stdout.contains(why), "{told:?}");
}

fn plain_only_on_loopback(files: &Files) {
    let mut command = Command::new(built(EXAMPLE));
    command
        .args([
            "to-device",
            "--listen",
            "0.0.0.0:0",
            "--device",
            "127.0.0.1:1",
            "--ca",
        ])
        .arg(files.root_certificate());
    let ended = Program::start(&mut command).wait();
    assert_eq!(ended.status.code(), Some(1), "{ended:?}");
    assert!(
        ended.stderr.contains("plain TCP is for the loopback interface alone"),
        "{ended:?}"
    );

    let bridge = Bridge::start("to-service", |command| {
        command
            .args(["--service", "192.0.2.1:80", "--cert"])
            .arg(files.server_certificate())
            .arg("--key")
            .arg(files.server_key());
    });
    let mut stream = Stream::client(client_config(files), name(), bridge.connect()).unwrap();
    stream.complete_handshake().unwrap();
    stream.read(&mut [0]).unwrap_err();
    let told = bridge.stop();
    assert!(
        told.stderr.contains("192.0.2.1:80 is not on this"),
        "{told:?}"
    );
    assert!(
        told.stdout.contains("\n  no connection to the other side: 1\n"),
        "{told:?}"
    );
}

/// Nothing is sent to a device that is not the one with the fingerprint.
fn refuses_another_device(files: &Files) {
    let device = Device::old("bridge-other", files);
    let bridge = Bridge::start("to-device", |command| {
        let address = format!("127.0.0.1:{}", device.port);
        command.args([
            "--device",
            &address,
            "--name",
            NAME,
            "--pin",
            &"0f".repeat(32),
        ]);
    });
    let page = curl(&format!("http://127.0.0.1:{}/status", bridge.port), &[]);
    assert!(!page.status.success(), "{page:?}");
    let told = bridge.stop();
    let why = "\n  the handshake with the other side failed: 1\n";
    assert!(told.stdout.contains(why), "{told:?}");
    assert!(
        told.stdout.contains("\nbytes forwarded: 0, bytes returned: 0\n"),
        "{told:?}"
    );
}

/// A peer that says nothing has one deadline for its whole handshake.
fn ends_the_silent(files: &Files) {
    let bridge = Bridge::to_service(1, files, &["--handshake-timeout", "1"]);
    let end = bridge.connect().read(&mut [0]);
    assert!(matches!(end, Ok(0) | Err(_)), "{end:?}");
    let told = bridge.stop();
    assert!(
        told.stdout.ends_with("\n  a handshake took too long: 1\n"),
        "{told:?}"
    );
}

/// Three hundred that say nothing do not keep out those that do, of which one has a place at a time.
fn serves_past_the_silent(files: &Files) {
    let service = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let arguments = [
        "--connections",
        "1",
        "--handshake-timeout",
        "60",
        "--grace",
        "0",
    ];
    let bridge = Bridge::to_service(port_of(&service), files, &arguments);
    let _silent: Vec<_> = (0..300).map(|_| bridge.connect()).collect();
    for _ in 0..3 {
        let mut stream = Stream::client(client_config(files), name(), bridge.connect()).unwrap();
        stream.complete_handshake().unwrap();
        let mut served = accept(&service);
        served.write_all(PAGE.as_bytes()).unwrap();
        drop(served);
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        assert_eq!(answer, PAGE);
    }
    let told = bridge.stop();
    assert!(
        told.stdout.ends_with("\n  the bridge was stopped: 300\n"),
        "{told:?}"
    );
}

fn ends_the_idle(files: &Files) {
    let service = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let bridge = Bridge::to_service(port_of(&service), files, &["--idle-timeout", "1"]);
    let mut stream = Stream::client(client_config(files), name(), bridge.connect()).unwrap();
    stream.write_all(b"ask").unwrap();
    let mut served = accept(&service);
    served.read_exact(&mut [0; 3]).unwrap();
    let reset = served.read(&mut [0]).unwrap_err();
    assert_eq!(reset.kind(), ErrorKind::ConnectionReset);
    stream.read(&mut [0]).unwrap_err();
    let told = bridge.stop();
    assert!(
        told.stdout.ends_with("\n  nothing moved for too long: 1\n"),
        "{told:?}"
    );
}

/// A device that ends without a close_notify has been cut off, unless the settings say otherwise.
fn shows_a_truncation(files: &Files) {
    let device = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let config = ServerConfig::builder(Arc::clone(&files.server)).build().unwrap();
    let config = Arc::new(config);
    for (arguments, is_clean) in [(&[][..], false), (&["--accept-truncation"], true)] {
        let bridge = Bridge::to_device(port_of(&device), files, arguments);
        let mut client = bridge.connect();
        let socket = accept(&device);
        let mut stream = Stream::server(Arc::clone(&config), socket);
        stream.write_all(PAGE.as_bytes()).unwrap();
        let mut page = vec![0; PAGE.len()];
        client.read_exact(&mut page).unwrap();
        drop(stream);
        let end = client.read(&mut [0]);
        if is_clean {
            assert_eq!(end.unwrap(), 0);
        } else {
            assert_eq!(end.unwrap_err().kind(), ErrorKind::ConnectionReset);
        }
        drop(client);
        let told = bridge.stop();
        let cut = told.stdout.ends_with("\n  a side was cut off: 1\n");
        assert_eq!(cut, !is_clean, "{told:?}");
    }
}

/// After SIGTERM nobody is let in, and who is in may finish.
fn lets_connections_end(files: &Files) {
    let service = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let bridge = Bridge::to_service(port_of(&service), files, &["--grace", "60"]);
    let mut stream = Stream::client(client_config(files), name(), bridge.connect()).unwrap();
    stream.write_all(b"ask").unwrap();
    let mut served = accept(&service);
    bridge.signal("-TERM");
    wait_until(|| TcpStream::connect((Ipv4Addr::LOCALHOST, bridge.port)).is_err());
    served.read_exact(&mut [0; 3]).unwrap();
    served.write_all(PAGE.as_bytes()).unwrap();
    drop(served);
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert_eq!(answer, PAGE);
    stream.close().unwrap();
    let ended = bridge.program.wait();
    assert!(ended.status.success(), "{ended:?}");
    assert!(ended.stdout.contains(", served: 1, "), "{ended:?}");
}

/// A connection that goes on for longer than the grace is cut, and both sides see it.
fn cuts_when_the_time_is_up(files: &Files) {
    let service = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let bridge = Bridge::to_service(port_of(&service), files, &["--grace", "0"]);
    let mut stream = Stream::client(client_config(files), name(), bridge.connect()).unwrap();
    stream.write_all(b"ask").unwrap();
    let mut served = accept(&service);
    served.read_exact(&mut [0; 3]).unwrap();
    let told = bridge.stop();
    assert!(
        told.stdout.ends_with("\n  the bridge was stopped: 1\n"),
        "{told:?}"
    );
    stream.read(&mut [0]).unwrap_err();
    served.read(&mut [0]).unwrap_err();
}
