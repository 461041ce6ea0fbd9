//! Every combination of how sessions are kept, of the extended master secret, of client
//! authentication and of chunks: which handshake runs.

use ExtendedMasterSecret::{Off, Optional, Required};
use premaster::error::PeerError;
use premaster::pki_types::CertificateDer;
use premaster::protocol::{AlertDescription, ExtendedMasterSecret};
use premaster::session::NotResumed;
use premaster::{ClientAuth, ClientConfigBuilder, Error, ServerConfigBuilder};
use premaster_testing::pair::{Chunks, End};
use premaster_testing::scene::{
    BY_ID, BY_TICKET, NOTHING_OFFERED, Outcome, Scene, declined, outcome, withheld,
};
use premaster_testing::wire::{EXTENDED_MASTER_SECRET, Hello, SESSION_TICKET, records, said};
use premaster_testing::{
    Pair, certified, client_builder, client_certified, name, pair, roots, server_builder,
};
use std::sync::Arc;

/// What the server keeps sessions in.
#[derive(Clone, Copy, Debug)]
enum Kept {
    InStore,
    InTickets,
    InBoth,
    Nowhere,
}

const KEPT: [Kept; 4] = [Kept::InStore, Kept::InTickets, Kept::InBoth, Kept::Nowhere];

/// The policies of the client and of the server.
type Policies = (ExtendedMasterSecret, ExtendedMasterSecret);

/// How two policies go together in a second connection.
struct Row {
    first: Policies,
    second: Policies,
    /// In the order of [`KEPT`].
    outcomes: [Outcome; 4],
    why: &'static str,
}

const WITHHELD: Outcome = withheld(NotResumed::ExtendedMasterSecret);
const DECLINED: Outcome = declined(NotResumed::ExtendedMasterSecret);

/// In the first three columns a session is made that could be resumed, if the server would resume
/// it: a server that has both gives a ticket. In the last one there is no handle to the session, and so the client keeps none.
const TABLE: [Row; 10] = [
    Row {
        first: (Optional, Optional),
        second: (Optional, Optional),
        outcomes: [BY_ID, BY_TICKET, BY_TICKET, NOTHING_OFFERED],
        why: "both sides use it, as they did",
    },
    Row {
        first: (Required, Required),
        second: (Required, Required),
        outcomes: [BY_ID, BY_TICKET, BY_TICKET, NOTHING_OFFERED],
        why: "the session has what is required",
    },
    Row {
        first: (Off, Off),
        second: (Off, Off),
        outcomes: [BY_ID, BY_TICKET, BY_TICKET, NOTHING_OFFERED],
        why: "both sides are told to do without, resumption included",
    },
    Row {
        first: (Optional, Off),
        second: (Optional, Off),
        outcomes: [WITHHELD, WITHHELD, WITHHELD, NOTHING_OFFERED],
        why: "a client SHOULD NOT offer a session that was made without",
    },
    Row {
        first: (Off, Optional),
        second: (Off, Optional),
        outcomes: [NOTHING_OFFERED; 4],
        why: "a server gives no handle to a session that it SHOULD NOT resume",
    },
    Row {
        first: (Optional, Optional),
        second: (Off, Optional),
        outcomes: [WITHHELD, WITHHELD, WITHHELD, NOTHING_OFFERED],
        why: "a client that offers such a session MUST send the extension",
    },
    Row {
        first: (Optional, Optional),
        second: (Optional, Off),
        outcomes: [DECLINED, DECLINED, DECLINED, NOTHING_OFFERED],
        why: "the server cannot answer the extension and so not resume the session",
    },
    Row {
        first: (Off, Optional),
        second: (Optional, Optional),
        outcomes: [NOTHING_OFFERED; 4],
        why: "the client was without, and was given nothing to resume",
    },
    Row {
        first: (Optional, Off),
        second: (Optional, Optional),
        outcomes: [WITHHELD, WITHHELD, WITHHELD, NOTHING_OFFERED],
        why: "the server was without, and the client knows it of the session",
    },
    Row {
        first: (Off, Off),
        second: (Off, Optional),
        outcomes: [DECLINED, DECLINED, DECLINED, NOTHING_OFFERED],
        why: "the server was without, and the client still is",
    },
];

/// What the two connections of a combination have in common.
struct Combination {
    scene: Scene,
    kept: Kept,
    client_certificate_required: bool,
    chunks: Chunks,
}

impl Combination {
    fn client(&self, policy: ExtendedMasterSecret) -> ClientConfigBuilder {
        self.scene.client().certificate(client_certified()).extended_master_secret(policy)
    }

    fn server(&self, policy: ExtendedMasterSecret) -> ServerConfigBuilder {
        let server = self.scene.server().extended_master_secret(policy);
        let server = match self.kept {
            Kept::InStore => server.tickets(None),
            Kept::InTickets => server.session_store(None),
            Kept::InBoth => server,
            Kept::Nowhere => server.session_store(None).tickets(None),
        };
        server.client_auth(if self.client_certificate_required {
            ClientAuth::Require(roots().into())
        } else {
            ClientAuth::None
        })
    }

    #[track_caller]
    fn connect(&self, (client, server): Policies) -> Connected {
        let mut pair = pair(self.client(client), self.server(server));
        pair.run(self.chunks).unwrap();
        for end in [&pair.client, &pair.server] {
            assert_eq!(end.events, ["HandshakeComplete"]);
        }
        let [client_keys, server_keys] =
            [&self.scene.client_keys, &self.scene.server_keys].map(|log| log.line());
        assert_eq!(client_keys, server_keys);
        let connected = Connected {
            outcome: outcome(&pair),
            client_random: client_keys[14..78].to_owned(),
            master_secret: client_keys[79..].to_owned(),
            protected: exchange(&mut pair, self.chunks),
        };
        self.check_certificates(&pair);
        connected
    }

    /// Each side knows the other by its certificate, of this handshake or of the session's.
    #[track_caller]
    fn check_certificates(&self, pair: &Pair) {
        let known = |end: &End| -> Vec<CertificateDer<'static>> {
            end.connection.session().unwrap().peer_certificates().to_vec()
        };
        assert_eq!(known(&pair.client), certified(2048).chain());
        if self.client_certificate_required {
            assert_eq!(known(&pair.server), client_certified().chain());
        } else {
            assert_eq!(known(&pair.server), []);
        }
    }
}

/// What is left of a connection.
struct Connected {
    outcome: Outcome,
    client_random: String,
    master_secret: String,
    /// The first record of the client's data, the same data each time.
    protected: Vec<u8>,
}

/// Data both ways; gives back the client's record.
#[track_caller]
fn exchange(pair: &mut Pair, chunks: Chunks) -> Vec<u8> {
    pair.client.send(b"attack at dawn");
    pair.server.send(b"at noon");
    let protected = pair.client.outgoing.clone();
    assert_eq!(records(&protected).len(), 1);
    pair.run(chunks).unwrap();
    assert_eq!(pair.server.received, b"attack at dawn");
    assert_eq!(pair.client.received, b"at noon");
    protected
}

#[test]
fn every_combination_resumes_or_does_not_as_the_table_says() {
    for (number, row) in TABLE.iter().enumerate() {
        for (kept, expected) in KEPT.into_iter().zip(row.outcomes) {
            let mut ways = vec![
                (false, Chunks::Whole),
                (true, Chunks::Whole),
                (false, Chunks::Random(1)),
                (true, Chunks::Random(2)),
            ];
            // Byte by byte takes long.
            if number == 0 {
                ways.push((true, Chunks::OneByte));
            }
            for (client_certificate_required, chunks) in ways {
                let combination = Combination {
                    scene: Scene::by_ticket(),
                    kept,
                    client_certificate_required,
                    chunks,
                };
                let case = format!(
                    "{:?}, then {:?}, kept {kept:?}, client certificate {client_certificate_required}, {chunks:?}: {}",
                    row.first, row.second, row.why
                );
                check(&combination, row, expected, &case);
            }
        }
    }
}

#[track_caller]
fn check(combination: &Combination, row: &Row, expected: Outcome, case: &str) {
    let first = combination.connect(row.first);
    assert_eq!(first.outcome, NOTHING_OFFERED, "{case}");
    let second = combination.connect(row.second);
    assert_eq!(second.outcome, expected, "{case}");

    let (client, server) = second.outcome;
    assert_eq!(client.is_resumed(), server.is_resumed(), "{case}");
    let same_secret = first.master_secret == second.master_secret;
    assert_eq!(client.is_resumed(), same_secret, "{case}");
    assert_ne!(first.client_random, second.client_random, "{case}");
    assert_ne!(first.protected, second.protected, "{case}");
}

#[test]
fn nothing_has_to_be_configured_to_resume_by_session_id() {
    let client = Arc::new(client_builder().build().unwrap());
    let server = Arc::new(server_builder().build().unwrap());
    let meet = || outcome(&Pair::new(client.clone(), server.clone(), name()).established());
    assert_eq!(meet(), NOTHING_OFFERED);
    for _ in 0..3 {
        assert_eq!(meet(), BY_ID);
    }
}

/// "when a client intends to resume a session [...] it MUST NOT include TLS_FALLBACK_SCSV".
#[test]
fn a_session_is_offered_without_the_fallback_signal() {
    const TLS_FALLBACK_SCSV: u16 = 0x5600;
    for scene in Scene::both() {
        for offers in [false, true] {
            let mut pair = pair(scene.client().fallback_scsv(), scene.server());
            let hello = Hello::read_client(&said(&mut pair.client)[0]);
            assert_eq!(hello.session_id.is_empty(), !offers);
            assert_eq!(hello.suites.contains(&TLS_FALLBACK_SCSV), !offers);
            drop(pair);
            scene.meet();
        }
    }
}

/// "If the original session used the "extended_master_secret" extension but the new ClientHello does
/// not contain it, the server MUST abort the abbreviated handshake."
#[test]
fn a_session_with_the_extended_master_secret_is_not_offered_without() {
    for scene in Scene::both() {
        scene.meet();
        let mut pair = scene.pair();
        let hello = Hello::read_client(&said(&mut pair.client)[0]).without(EXTENDED_MASTER_SECRET);
        let error = Error::from(PeerError::ExtendedMasterSecretChanged);
        assert_eq!(pair.server.take(&hello.client()), Err(error));
        assert_eq!(
            premaster_testing::alert_received(pair.client.take(&pair.server.outgoing)),
            AlertDescription::HANDSHAKE_FAILURE
        );
        assert!(scene.client_store.is_empty() && scene.server_store.is_empty());
        // A full handshake may go without: a session that nobody knows says nothing.
        let mut unknown = hello.with(SESSION_TICKET, &[7; 200]);
        unknown.session_id = vec![7; 32];
        let Pair { mut server, .. } = scene.pair();
        server.take(&unknown.client()).unwrap();
    }
}

/// "CLIENT_RANDOM", the client's random of this connection, and the session's master secret.
#[test]
fn the_key_log_has_a_line_of_its_own_for_each_resumption() {
    for scene in Scene::both() {
        let mut lines = Vec::new();
        for _ in 0..3 {
            let mut pair = scene.pair();
            let random: String =
                pair.client.outgoing[11..43].iter().map(|byte| format!("{byte:02x}")).collect();
            pair.run(Chunks::Whole).unwrap();
            for line in [scene.client_keys.line(), scene.server_keys.line()] {
                let fields: Vec<String> = line.split(' ').map(str::to_owned).collect();
                assert_eq!(fields[..2], ["CLIENT_RANDOM".to_owned(), random.clone()]);
                assert_eq!(fields.len(), 3);
                lines.push(fields);
            }
        }
        let secrets = lines.iter().map(|fields| &fields[2]);
        assert!(secrets.clone().all(|secret| *secret == lines[0][2]));
        assert_ne!(lines[0][1], lines[2][1]);
        assert_ne!(lines[2][1], lines[4][1]);
    }
}
