//! Sessions that are resumed, and sessions that must not be: the program sees what we see.

use crate::client::who_echoes;
use crate::exchange::{Echo, expect_close, expect_failure, expect_success, greet, hang_up};
use crate::facts::{Facts, PROTOCOL};
use crate::files::Files;
use crate::openssl::OpenSsl;
use crate::peer::{CONNECTIONS, Offer, Peer, Sessions, Settings, end, start_client, start_server};
use crate::server::our_server;
use crate::{NAMED_SUITES, Trials};
use premaster::error::PeerError;
use premaster::protocol::ExtendedMasterSecret;
use premaster::session::{NotResumed, Resumption, TicketKey, TicketKeySet};
use premaster::{
    CipherSuite, ClientAuth, ClientConfig, Error, MemoryStore, ServerConfig, SessionStore, Stream,
    Tickets,
};
use premaster_testing::program::Program;
use premaster_testing::{client_builder, name, rng, roots};
use std::process::Command;
use std::sync::Arc;

/// Two sides that meet again, and what the later handshakes come to.
#[derive(Clone, Copy)]
struct Row {
    name: &'static str,
    suite: CipherSuite,
    tickets: TakesTickets,
    extended_master_secret: Ems,
    /// Whether the client has to show a certificate.
    certificate: bool,
    second: Resumption,
    /// All after the second.
    later: Resumption,
}

/// Who takes part in tickets; without them there are session IDs.
#[derive(Clone, Copy, PartialEq, Eq)]
enum TakesTickets {
    Both,
    OnlyWe,
    OnlyThey,
}

/// Who uses the extended master secret.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Ems {
    Both,
    /// They do not, and we resume nothing without it.
    OnlyWe,
    /// They do not, and we are configured to resume all the same.
    OnlyWeLeniently,
    OnlyThey,
    /// We do after the first connection.
    WeBegin,
    /// We do on the first connection only.
    WeStop,
}

/// What most rows have in common.
const RESUMED: Row = Row {
    name: "",
    suite: CipherSuite::TLS_RSA_WITH_AES_128_GCM_SHA256,
    tickets: TakesTickets::Both,
    extended_master_secret: Ems::Both,
    certificate: false,
    second: Resumption::Ticket,
    later: Resumption::Ticket,
};

const RESUMED_BY_ID: Row = Row {
    tickets: TakesTickets::OnlyWe,
    second: Resumption::SessionId,
    later: Resumption::SessionId,
    ..RESUMED
};

const DIFFERS: Resumption = Resumption::Full(NotResumed::ExtendedMasterSecret);

const ROWS: [Row; 13] = [
    Row {
        name: "ticket",
        ..RESUMED
    },
    Row {
        name: "id",
        ..RESUMED_BY_ID
    },
    Row {
        name: "id::without_our_tickets",
        tickets: TakesTickets::OnlyThey,
        ..RESUMED_BY_ID
    },
    Row {
        name: "ticket::certificate",
        certificate: true,
        ..RESUMED
    },
    Row {
        name: "id::certificate",
        certificate: true,
        ..RESUMED_BY_ID
    },
    Row {
        name: "ticket::we_without_ems",
        extended_master_secret: Ems::OnlyThey,
        ..RESUMED
    },
    Row {
        name: "id::we_without_ems",
        extended_master_secret: Ems::OnlyThey,
        ..RESUMED_BY_ID
    },
    Row {
        name: "ticket::they_without_ems::allowed",
        extended_master_secret: Ems::OnlyWeLeniently,
        ..RESUMED
    },
    Row {
        name: "id::they_without_ems::allowed",
        extended_master_secret: Ems::OnlyWeLeniently,
        ..RESUMED_BY_ID
    },
    Row {
        name: "ticket::they_without_ems",
        extended_master_secret: Ems::OnlyWe,
        second: DIFFERS,
        later: DIFFERS,
        ..RESUMED
    },
    Row {
        name: "id::they_without_ems",
        extended_master_secret: Ems::OnlyWe,
        second: DIFFERS,
        later: DIFFERS,
        ..RESUMED_BY_ID
    },
    Row {
        name: "ticket::ems_begins",
        extended_master_secret: Ems::WeBegin,
        second: DIFFERS,
        ..RESUMED
    },
    Row {
        name: "id::ems_stops",
        extended_master_secret: Ems::WeStop,
        second: DIFFERS,
        ..RESUMED_BY_ID
    },
];

pub fn add_trials(peer: &'static dyn Peer, trials: &mut Trials) {
    for row in ROWS {
        add_row(peer, trials, row, row.name);
    }
    for suite in NAMED_SUITES {
        for (row, by) in [(RESUMED, "ticket"), (RESUMED_BY_ID, "id")] {
            add_row(
                peer,
                trials,
                Row { suite, ..row },
                &format!("{by}::{suite}"),
            );
        }
    }
}

fn add_row(peer: &'static dyn Peer, trials: &mut Trials, row: Row, name: &str) {
    let client = format!("{}::client::resumption::{name}", peer.name());
    trials.add(peer.server(), client, move |files| {
        we_come_back(peer, files, row);
    });
    let server = format!("{}::server::resumption::{name}", peer.name());
    trials.add(peer.client(), server, move |files| {
        they_come_back(peer, files, row);
    });
}

/// OpenSSL's client can keep a session in a file, and come back with other settings.
pub fn add_openssl_trials(trials: &mut Trials) {
    let program = OpenSsl.client();
    let at = "openssl::server::resumption::ticket";
    trials.add(program, format!("{at}::they_begin_ems"), they_begin_ems);
    trials.add(program, format!("{at}::they_stop_ems"), they_stop_ems);
}

impl Row {
    fn settings(&self) -> Settings {
        let sessions = Sessions {
            tickets: self.tickets != TakesTickets::OnlyWe,
            extended_master_secret: !matches!(
                self.extended_master_secret,
                Ems::OnlyWe | Ems::OnlyWeLeniently
            ),
            reconnect: true,
        };
        let settings = Settings::offer(Offer::Suite(self.suite)).with_sessions(sessions);
        if self.certificate {
            settings.with_client_certificate()
        } else {
            settings
        }
    }

    fn we_take_tickets(&self) -> bool {
        self.tickets != TakesTickets::OnlyThey
    }

    /// On our first connection and on the others.
    fn our_extended_master_secret(&self) -> [ExtendedMasterSecret; 2] {
        use ExtendedMasterSecret::{Off, Optional};
        match self.extended_master_secret {
            Ems::Both | Ems::OnlyWe | Ems::OnlyWeLeniently => [Optional, Optional],
            Ems::OnlyThey => [Off, Off],
            Ems::WeBegin => [Off, Optional],
            Ems::WeStop => [Optional, Off],
        }
    }

    /// Our clients of the first connection and of the others.
    fn clients(&self, files: &Files) -> [Arc<ClientConfig>; 2] {
        let store: Arc<dyn SessionStore> = Arc::new(MemoryStore::new(1));
        // Each its own: with the same randomness they would make the same secrets.
        let mut seed = 10;
        self.our_extended_master_secret().map(|policy| {
            seed += 1;
            let mut builder = client_builder()
                .rng(rng(seed))
                .suites(&[self.suite])
                .alpn_protocols(&[PROTOCOL.as_bytes()])
                .session_store(Some(store.clone()))
                .session_tickets(self.we_take_tickets())
                .extended_master_secret(policy);
            if self.certificate {
                builder = builder.certificate(files.client.clone());
            }
            if self.extended_master_secret == Ems::OnlyWeLeniently {
                builder = builder.resume_without_extended_master_secret();
            }
            Arc::new(builder.build().unwrap())
        })
    }

    /// Our servers of the first connection and of the others.
    fn servers(&self, files: &Files) -> [Arc<ServerConfig>; 2] {
        let store: Arc<dyn SessionStore> = Arc::new(MemoryStore::new(16));
        let tickets = self.we_take_tickets().then(tickets);
        // Each its own: with the same randomness they would make the same session IDs.
        let mut seed = 20;
        self.our_extended_master_secret().map(|policy| {
            seed += 1;
            let mut builder = our_server(files)
                .rng(rng(seed))
                .suites(&[self.suite])
                .alpn_protocols(&[PROTOCOL.as_bytes()])
                .session_store(Some(store.clone()))
                .tickets(tickets.clone())
                .extended_master_secret(policy);
            if self.certificate {
                builder = builder.client_auth(ClientAuth::Require(roots().into()));
            }
            if self.extended_master_secret == Ems::OnlyWeLeniently {
                builder = builder.resume_without_extended_master_secret();
            }
            Arc::new(builder.build().unwrap())
        })
    }

    /// What the connection of this number has to come to on our server's side: a client without the
    /// extended master secret is given nothing to come back with, unless that is allowed.
    fn expected_by_server(&self, number: usize) -> Resumption {
        match self.extended_master_secret {
            Ems::OnlyWe => Resumption::Full(NotResumed::NothingOffered),
            _ => self.expected(number),
        }
    }

    /// What the connection of this number has to come to on our side.
    fn expected(&self, number: usize) -> Resumption {
        match number {
            0 => Resumption::Full(NotResumed::NothingOffered),
            1 => self.second,
            _ => self.later,
        }
    }
}

fn settings(sessions: Sessions) -> Settings {
    Settings::offer(Offer::Suite(RESUMED.suite)).with_sessions(sessions)
}

fn tickets() -> Arc<Tickets> {
    let key = TicketKey::from_bytes(&[7; 48]);
    Arc::new(Tickets::shared(TicketKeySet::new(key)))
}

/// We are the client of one server again and again.
fn we_come_back(peer: &dyn Peer, files: &Files, row: Row) {
    let configs = row.clients(files);
    let settings = row.settings();
    let (mut program, port, first) =
        start_server(|port| peer.server_command(port, settings, files));
    let mut first = Some(first);
    let mut printed = String::new();
    let mut ours = Vec::new();
    for number in 0..CONNECTIONS {
        let transport = first.take().or_else(|| program.connect(port)).unwrap();
        let config = configs[number.min(1)].clone();
        let mut stream = Stream::client(config, name(), transport).unwrap();
        stream.complete_handshake().unwrap();
        let session = stream.connection().session().unwrap();
        assert_eq!(session.resumption(), row.expected(number), "{number}");
        assert_eq!(session.peer_certificates()[0], files.server.chain()[0]);
        ours.push(Facts::of(stream.connection()));
        printed += &greet(&mut stream, &mut program, who_echoes(peer));
        stream.close().unwrap();
        expect_close(&mut stream);
        hang_up(&stream);
    }
    printed += &end(peer, program).stdout;
    assert_agreed(ours, peer.server_facts(&printed));
}

/// We are the server of one client again and again.
fn they_come_back(peer: &dyn Peer, files: &Files, row: Row) {
    let configs = row.servers(files);
    let settings = row.settings();
    let (mut program, listener) = start_client(|port| peer.client_command(port, settings, files));
    let mut printed = String::new();
    let mut ours = Vec::new();
    let count = peer.client_connections();
    for number in 0..count {
        let config = configs[number.min(1)].clone();
        let mut stream = Stream::server(config, program.accept(&listener));
        stream.complete_handshake().unwrap();
        let session = stream.connection().session().unwrap();
        let resumption = session.resumption();
        assert_eq!(resumption, row.expected_by_server(number), "{number}");
        if row.certificate {
            assert_eq!(session.peer_certificates()[0], files.client.chain()[0]);
        }
        ours.push(Facts::of(stream.connection()));
        if number + 1 == count {
            printed += &greet(&mut stream, &mut program, Echo::Us);
            program.close_stdin();
        }
        expect_close(&mut stream);
        hang_up(&stream);
    }
    assert_agreed(ours, peer.client_facts(&(printed + &all_printed(program))));
}

/// A session without the extended master secret is not resumed by a client that has it: "the server
/// MUST NOT perform the abbreviated handshake"
/// ([RFC 7627 section 5.3](https://www.rfc-editor.org/rfc/rfc7627#section-5.3)).
fn they_begin_ems(files: &Files) {
    const FILE: &str = "without-ems.pem";
    let row = Row {
        extended_master_secret: Ems::OnlyWeLeniently,
        ..RESUMED
    };
    let config = &row.servers(files)[0];
    let first = visit(openssl(files, false, "-sess_out", FILE), config);
    assert_eq!(first, Resumption::Full(NotResumed::NothingOffered));
    let second = visit(openssl(files, true, "-sess_in", FILE), config);
    assert_eq!(second, DIFFERS);
}

/// One with the extended master secret is not resumed by a client that has lost it: "the server
/// MUST abort the abbreviated handshake". After that it is forgotten.
fn they_stop_ems(files: &Files) {
    const FILE: &str = "with-ems.pem";
    let config = &RESUMED.servers(files)[0];
    let first = visit(openssl(files, true, "-sess_out", FILE), config);
    assert_eq!(first, Resumption::Full(NotResumed::NothingOffered));

    let (mut program, listener) = start_client(openssl(files, false, "-sess_in", FILE));
    let mut stream = Stream::server(config.clone(), program.accept(&listener));
    let error = expect_failure(&mut stream);
    assert_eq!(error, Error::Peer(PeerError::ExtendedMasterSecretChanged));
    hang_up(&stream);
    let ended = program.wait();
    let report = OpenSsl.report(error.alert().unwrap());
    assert!(ended.stderr.contains(&report), "{ended:?}");
}

/// A client with this session file.
fn openssl(
    files: &Files,
    extended_master_secret: bool,
    option: &'static str,
    file: &'static str,
) -> impl FnOnce(u16) -> Command {
    let settings = settings(Sessions {
        tickets: true,
        extended_master_secret,
        reconnect: false,
    });
    move |port| {
        let mut command = OpenSsl.client_command(port, settings, files);
        command.arg(option).arg(files.path(file));
        command
    }
}

/// One connection with a client, and what it came to.
fn visit(command: impl FnOnce(u16) -> Command, config: &Arc<ServerConfig>) -> Resumption {
    let (mut program, listener) = start_client(command);
    let mut stream = Stream::server(config.clone(), program.accept(&listener));
    let mut printed = greet(&mut stream, &mut program, Echo::Us);
    program.close_stdin();
    expect_close(&mut stream);
    hang_up(&stream);
    printed += &all_printed(program);
    let ours = vec![Facts::of(stream.connection())];
    assert_agreed(ours, OpenSsl.client_facts(&printed));
    stream.connection().session().unwrap().resumption()
}

/// What a program has printed by its end, on both of its outputs.
fn all_printed(program: Program) -> String {
    let ended = expect_success(program);
    ended.stdout + &ended.stderr
}

/// Each connection is the same to both sides.
#[track_caller]
fn assert_agreed(ours: Vec<Facts>, theirs: Vec<Facts>) {
    assert_eq!(ours.len(), theirs.len());
    for (number, (ours, theirs)) in ours.into_iter().zip(theirs).enumerate() {
        assert_eq!(ours.told_by(&theirs), theirs, "{number}");
    }
}
