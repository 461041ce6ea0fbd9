//! The three modes with every kind of client, however sessions are kept, keys made and bytes
//! delivered; and what the client's next connection comes to.

use super::foreign_certified;
use premaster::certificate::ClientAuthorities;
use premaster::error::{CertificateFault, Incompatible};
use premaster::protocol::{AlertDescription, ExtendedMasterSecret, MaxFragmentLength};
use premaster::session::NotResumed;
use premaster::{ClientAuth, ClientConfigBuilder, Error, ServerConfigBuilder};
use premaster_testing::pair::{ALL_CHUNKS, Chunks};
use premaster_testing::scene::{NOTHING_OFFERED, Scene, declined, outcome};
use premaster_testing::wire::{
    ALERT, CERTIFICATE_REQUEST, CERTIFICATE_VERIFY, handshake_messages, record, records, said,
};
use premaster_testing::{Pair, client_certified, pair, roots};

#[derive(Clone, Copy, Debug)]
enum Mode {
    None,
    Request,
    Require,
}

/// What the client has.
#[derive(Clone, Copy, Debug)]
enum Has {
    Nothing,
    Fitting,
    /// A certificate from a CA that the server does not name.
    Unfitting,
    /// A certificate from such a CA, to a server that names none.
    Unknown,
}

/// How it ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    /// The server goes on, and knows nothing of the client.
    Anonymous,
    /// The server knows the client by its certificate.
    Known,
    /// The server refuses a client without a certificate.
    Missing,
    /// The server refuses the certificate.
    Refused,
}

const TABLE: [(Mode, Has, End); 12] = [
    (Mode::None, Has::Nothing, End::Anonymous),
    (Mode::None, Has::Fitting, End::Anonymous),
    (Mode::None, Has::Unfitting, End::Anonymous),
    (Mode::None, Has::Unknown, End::Anonymous),
    (Mode::Request, Has::Nothing, End::Anonymous),
    (Mode::Request, Has::Fitting, End::Known),
    (Mode::Request, Has::Unfitting, End::Anonymous),
    (Mode::Request, Has::Unknown, End::Refused),
    (Mode::Require, Has::Nothing, End::Missing),
    (Mode::Require, Has::Fitting, End::Known),
    (Mode::Require, Has::Unfitting, End::Missing),
    (Mode::Require, Has::Unknown, End::Refused),
];

/// What client authentication goes together with.
struct Setting {
    scene: Scene,
    extended_master_secret: ExtendedMasterSecret,
    /// Short enough to cut every certificate.
    fragments: Option<MaxFragmentLength>,
    chunks: Chunks,
}

impl Setting {
    fn client(&self, has: Has) -> ClientConfigBuilder {
        let client = self.scene.client().extended_master_secret(self.extended_master_secret);
        let client = match self.fragments {
            Some(length) => client.max_fragment_length(length),
            None => client,
        };
        match has {
            Has::Nothing => client,
            Has::Fitting => client.certificate(client_certified()),
            Has::Unfitting | Has::Unknown => client.certificate(foreign_certified()),
        }
    }

    fn server(&self, mode: Mode, has: Has) -> ServerConfigBuilder {
        let server =
            self.scene.server().extended_master_secret(self.extended_master_secret).client_auth(
                match mode {
                    Mode::None => ClientAuth::None,
                    Mode::Request => ClientAuth::Request(roots().into()),
                    Mode::Require => ClientAuth::Require(roots().into()),
                },
            );
        match has {
            Has::Nothing | Has::Fitting | Has::Unfitting => server,
            Has::Unknown => server.client_authorities(ClientAuthorities::None),
        }
    }

    fn pair(&self, mode: Mode, has: Has) -> Pair {
        pair(self.client(has), self.server(mode, has))
    }

    #[track_caller]
    fn check(&self, (mode, has, end): (Mode, Has, End)) {
        for expected in [NOTHING_OFFERED, self.scene.resumed] {
            let mut pair = self.pair(mode, has);
            let result = pair.run(self.chunks);
            match end {
                End::Anonymous | End::Known => {
                    result.unwrap();
                    assert_eq!(outcome(&pair), expected);
                    check_known(&pair, end);
                    pair.exchange(b"who am I", b"I know", self.chunks);
                    pair.close(self.chunks);
                }
                End::Missing => self.check_dropped(
                    &mut pair,
                    result,
                    &Incompatible::NoClientCertificate.into(),
                    AlertDescription::HANDSHAKE_FAILURE,
                ),
                End::Refused => {
                    let error = result.clone().unwrap_err();
                    let Error::Certificate(refused) = &error else {
                        panic!("{error:?}");
                    };
                    let fault = refused.fault();
                    assert!(matches!(fault, CertificateFault::UnknownIssuer { .. }));
                    self.check_dropped(&mut pair, result, &error, AlertDescription::UNKNOWN_CA);
                }
            }
        }
    }

    /// The server tells the client by this alert and by nothing else, and neither of them keeps
    /// anything.
    #[track_caller]
    fn check_dropped(
        &self,
        pair: &mut Pair,
        result: Result<(), Error>,
        error: &Error,
        alert: AlertDescription,
    ) {
        assert_eq!(result.as_ref(), Err(error));
        let told = std::mem::take(&mut pair.server.outgoing);
        assert_eq!(told, record(ALERT, &[2, alert.0]));
        assert_eq!(
            premaster_testing::alert_received(pair.client.take(&told)),
            alert
        );
        for end in [&pair.client, &pair.server] {
            assert!(end.connection.session().is_none());
            assert!(end.events.is_empty());
        }
        assert!(self.scene.client_store.is_empty() && self.scene.server_store.is_empty());
    }
}

/// The server knows the client, or does not.
#[track_caller]
fn check_known(pair: &Pair, end: End) {
    let session = pair.server.connection.session().unwrap();
    match end {
        End::Known => {
            assert_eq!(session.peer_certificates(), client_certified().chain());
            let certificate = session.peer_certificate().unwrap();
            assert_eq!(certificate.common_name().as_deref(), Some("Test Client"));
        }
        _ => {
            assert!(session.peer_certificates().is_empty());
            assert!(session.peer_certificate().is_none());
        }
    }
    assert!(session.waivers().is_empty());
}

#[test]
fn every_mode_with_every_client() {
    let secrets = [ExtendedMasterSecret::Optional, ExtendedMasterSecret::Off];
    for row in TABLE {
        for extended_master_secret in secrets {
            for fragments in [None, Some(MaxFragmentLength::L512)] {
                for chunks in ALL_CHUNKS {
                    for scene in Scene::both() {
                        let setting = Setting {
                            scene,
                            extended_master_secret,
                            fragments,
                            chunks,
                        };
                        setting.check(row);
                    }
                }
            }
        }
    }
}

/// A setting with nothing special about it.
fn plain(scene: Scene) -> Setting {
    Setting {
        scene,
        extended_master_secret: ExtendedMasterSecret::Optional,
        fragments: None,
        chunks: Chunks::Whole,
    }
}

#[test]
fn nobody_is_asked_unless_it_is_configured_and_never_when_a_session_is_resumed() {
    for scene in Scene::both() {
        let setting = plain(scene);
        for (mode, asked) in [
            (Mode::None, false),
            (Mode::Request, true),
            (Mode::Request, false),
        ] {
            let mut pair = setting.pair(mode, Has::Fitting);
            let hello = said(&mut pair.client).concat();
            pair.server.take(&hello).unwrap();
            let flight = records(&pair.server.outgoing);
            let messages = handshake_messages(&flight);
            let asks = messages.iter().any(|(typ, _)| *typ == CERTIFICATE_REQUEST);
            assert_eq!(asks, asked);
            pair.established();
        }
    }
}

#[test]
fn short_records_cut_the_messages_of_client_authentication() {
    let [scene, _] = Scene::both();
    let setting = Setting {
        fragments: Some(MaxFragmentLength::L512),
        ..plain(scene)
    };
    let mut pair = setting.pair(Mode::Require, Has::Fitting);
    let hello = said(&mut pair.client).concat();
    pair.server.take(&hello).unwrap();
    let flight = said(&mut pair.server).concat();
    pair.client.take(&flight).unwrap();
    let flight = records(&pair.client.outgoing);
    let messages = handshake_messages(&flight);
    assert!(messages.iter().any(|(_, body)| body.len() > 512));
    assert!(messages.iter().any(|(typ, _)| *typ == CERTIFICATE_VERIFY));
    assert!(flight.iter().all(|record| record.len() <= 5 + 512));
    pair.established();
}

/// The session was made when nobody had to show a certificate.
#[test]
fn a_session_without_a_certificate_is_lost_where_one_is_required() {
    for scene in Scene::both() {
        let setting = plain(scene);
        setting.pair(Mode::Request, Has::Nothing).established();
        assert!(!setting.scene.client_store.is_empty());

        let mut pair = setting.pair(Mode::Require, Has::Nothing);
        let missing = Error::from(Incompatible::NoClientCertificate);
        assert_eq!(pair.run(Chunks::Whole), Err(missing));
        let alert = std::mem::take(&mut pair.server.outgoing);
        assert_eq!(alert, record(ALERT, &[2, 40]));
        pair.client.take(&alert).unwrap_err();
        assert!(setting.scene.client_store.is_empty());
        let pair = setting.pair(Mode::Request, Has::Nothing).established();
        assert_eq!(outcome(&pair), NOTHING_OFFERED);
    }
}

/// A server that has come to require certificates gets one from a client that was not asked before.
#[test]
fn a_session_without_a_certificate_gives_way_to_one_with() {
    for scene in Scene::both() {
        let setting = plain(scene);
        setting.pair(Mode::None, Has::Fitting).established();
        let pair = setting.pair(Mode::Require, Has::Fitting).established();
        assert_eq!(outcome(&pair), declined(NotResumed::Trust));
        check_known(&pair, End::Known);
        let pair = setting.pair(Mode::Require, Has::Fitting).established();
        assert_eq!(outcome(&pair), setting.scene.resumed);
        check_known(&pair, End::Known);
    }
}
