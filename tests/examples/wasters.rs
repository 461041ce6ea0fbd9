//! Peers that waste a server's time, and the honest clients that are served meanwhile.

use crate::{PATIENCE, address_of, data, json, offload_server, serve};
use premaster::{ClientConfig, RootStore, Stream};
use premaster_testing::program::{Program, is_ci};
use premaster_testing::wire::hello;
use socket2::{Domain, Socket, Type};
use std::fs;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

/// A connection from one of the loopback addresses.
fn connect(address: &str, from: u8) -> io::Result<TcpStream> {
    let address: SocketAddr = address.parse().unwrap();
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
    let from = SocketAddr::from((Ipv4Addr::new(127, 0, 0, from), 0));
    socket.bind(&from.into())?;
    socket.connect(&address.into())?;
    Ok(socket.into())
}

/// So many connections from each of these addresses in turns, or as many as this process may have.
fn connections(address: &str, count: usize, from: &[u8]) -> Vec<TcpStream> {
    let mut peers = Vec::new();
    for from in from.iter().cycle().take(count) {
        match connect(address, *from) {
            Ok(peer) => peers.push(peer),
            Err(error) => {
                assert!(peers.len() > 700, "{error}");
                // Room for the honest ones.
                peers.truncate(peers.len() - 100);
                break;
            }
        }
    }
    peers
}

/// An honest client's stream.
fn honest(address: &str, from: u8) -> Stream<TcpStream> {
    let roots = RootStore::from_pem(&fs::read(data("leaf-2048.pem")).unwrap()).unwrap();
    let config = Arc::new(ClientConfig::builder(roots).build().unwrap());
    let transport = connect(address, from).unwrap();
    transport.set_read_timeout(Some(PATIENCE)).unwrap();
    Stream::client(config, "localhost".try_into().unwrap(), transport).unwrap()
}

/// Honest clients, some at a time, all of which are served.
fn served(address: &str, from: &[u8]) {
    thread::scope(|scope| {
        for from in from {
            scope.spawn(move || {
                for _ in 0..2 {
                    let mut stream = honest(address, *from);
                    stream.write_all(b"GET / HTTP/1.0\r\n\r\n").unwrap();
                    let mut answer = String::new();
                    stream.read_to_string(&mut answer).unwrap();
                    assert!(!answer.is_empty());
                }
            });
        }
    });
}

/// How many peers there are: all of them in CI, where the server bears as many as it does by default,
/// and elsewhere a tenth, for a server that bears a tenth.
struct Siege {
    silent: usize,
    stopped: usize,
    dripping: usize,
    server: Vec<&'static str>,
}

impl Siege {
    fn new() -> Self {
        let (part, limits) = if is_ci() {
            (1, &[][..])
        } else {
            (10, &["--handshakes", "40", "--per-address", "8"][..])
        };
        Self {
            silent: 2000 / part,
            stopped: 2000 / part,
            dripping: 300 / part,
            server: [&LONG, limits].concat(),
        }
    }

    /// Keeps honest clients waiting if it can, in all the ways, from these addresses.
    fn lay(&self, address: &str, from: &[u8]) {
        let silent = connections(address, self.silent, from);
        served(address, &[1, 1, 201, 202]);
        drop(silent);

        let mut stopped = connections(address, self.stopped, from);
        for peer in &mut stopped {
            // One that was cut does not take it.
            let _ = peer.write_all(&hello().client());
        }
        served(address, &[1, 1, 201, 202]);
        drop(stopped);

        let mut dripping = connections(address, self.dripping, from);
        let done = AtomicBool::new(false);
        thread::scope(|scope| {
            scope.spawn(|| {
                for byte in hello().client() {
                    for peer in &mut dripping {
                        let _ = peer.write_all(&[byte]);
                    }
                    if done.load(Ordering::Relaxed) {
                        return;
                    }
                    thread::sleep(Duration::from_millis(100));
                }
            });
            served(address, &[1, 1, 201, 202]);
            done.store(true, Ordering::Relaxed);
        });
    }
}

/// The last bytes of many addresses.
const MANY: [u8; 200] = {
    let mut many = [0; 200];
    let mut index = 0;
    while index < many.len() {
        many[index] = index as u8 + 1;
        index += 1;
    }
    many
};

/// Its peers could hold it up for longer than this test has patience.
const LONG: [&str; 4] = ["--handshake-timeout", "100", "--handshake-chance", "0.3"];

#[test]
fn wasters_do_not_keep_honest_clients_from_the_server() {
    let siege = Siege::new();
    let (_server, address) = serve(&siege.server);
    siege.lay(&address, &[1]);
    siege.lay(&address, &MANY);
}

#[test]
fn wasters_do_not_keep_honest_clients_from_the_offloading_server() {
    let siege = Siege::new();
    let mut server = offload_server(&siege.server);
    let address = address_of(&mut server);
    siege.lay(&address, &MANY);
}

#[test]
fn a_peer_that_is_too_slow_is_cut_and_told_of() {
    let (mut server, address) = serve(&["--handshake-timeout", "0.1", "--json"]);
    for said in [&b""[..], &hello().client()] {
        let mut peer = connect(&address, 1).unwrap();
        peer.set_read_timeout(Some(PATIENCE)).unwrap();
        peer.write_all(said).unwrap();
        peer.read_to_end(&mut Vec::new()).unwrap();
        let told = json(&server.read_line())["error"].to_string();
        let (silent, awaited) = if said.is_empty() {
            ("the peer did not send a byte; ", "client_hello")
        } else {
            ("server_hello_done was sent, ", "client_key_exchange")
        };
        for part in [
            "by its deadline: ",
            silent,
            &format!("{awaited} was awaited"),
        ] {
            assert!(told.contains(part), "{told}");
        }
    }
}

#[test]
fn who_does_nothing_in_its_place_loses_it() {
    let (_server, address) = serve(&["--connections", "1", "--idle-timeout", "0.1"]);
    let mut idle = honest(&address, 1);
    idle.complete_handshake().unwrap();
    served(&address, &[2]);
    assert!(idle.read(&mut [0]).is_err());
}

#[test]
fn an_address_has_no_more_than_its_places() {
    let limits = ["--connections", "3", "--per-address", "2"];
    let (_server, address) = serve(&[&limits[..], &["--reply", "echo"]].concat());
    let talk = |stream: &mut Stream<TcpStream>| {
        stream.write_all(b"x")?;
        stream.read_exact(&mut [0])
    };
    let mut first = [(); 2].map(|()| honest(&address, 1));
    for stream in &mut first {
        talk(stream).unwrap();
    }
    // Its handshake is done, but it has to wait, and the one after it does not.
    let mut third = honest(&address, 1);
    third.write_all(b"x").unwrap();
    talk(&mut honest(&address, 2)).unwrap();
    let soon = Some(Duration::from_millis(50));
    third.transport().set_read_timeout(soon).unwrap();
    let error = third.read(&mut [0]).unwrap_err();
    assert!(matches!(
        error.kind(),
        ErrorKind::WouldBlock | ErrorKind::TimedOut
    ));
    third.transport().set_read_timeout(Some(PATIENCE)).unwrap();
    drop(first);
    third.read_exact(&mut [0]).unwrap();
}

#[test]
fn limits_that_do_not_work_are_refused() {
    for usage in [
        ["--handshake-timeout", "0"],
        ["--handshake-timeout", "1e9"],
        ["--idle-timeout", "soon"],
        ["--per-address", "0"],
    ] {
        let ended =
            Program::start(premaster_testing::program::example("server").args(usage)).wait();
        assert_eq!(ended.status.code(), Some(2), "{ended:?}");
        assert!(ended.stdout.is_empty(), "{ended:?}");
    }
}
