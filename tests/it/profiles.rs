//! The presets, each by what it changes on the wire. What a preset sets is set otherwise before it
//! wherever the default alone would do the same.

use premaster::certificate::ClientAuthorities;
use premaster::error::{CertificateFault, Incompatible};
use premaster::protocol::{ExtendedMasterSecret, SecureRenegotiation};
use premaster::session::{NotResumed, Resumption};
use premaster::{
    CertifiedKey, CipherSuite, ClientAuth, ClientConfigBuilder, Error, MemoryStore,
    ServerConfigBuilder, SessionStore, Tickets,
};
use premaster_testing::pair::{Chunks, Pair};
use premaster_testing::pki::{self, Spec};
use premaster_testing::wire::{
    CERTIFICATE_REQUEST, EXTENDED_MASTER_SECRET, HANDSHAKE, Hello, NEW_SESSION_TICKET,
    RENEGOTIATION_INFO, SESSION_TICKET, extensions, hello, hello_with, message_type, said,
    split_vector,
};
use premaster_testing::{
    AES_128, AES_256, CBC_SUITES, client_builder, client_certified, fault, name, pair, roots,
    server_builder, server_builder_with,
};
use std::sync::Arc;
use std::time::Duration;

const IN_FULL: Resumption = Resumption::Full(NotResumed::NothingOffered);

fn store() -> Option<Arc<dyn SessionStore>> {
    Some(Arc::new(MemoryStore::new(8)))
}

fn tickets() -> Option<Arc<Tickets>> {
    Some(Arc::new(Tickets::rotating(Duration::from_secs(3600))))
}

/// The ClientHello of a client with these settings, in its record.
fn client_hello(client: ClientConfigBuilder) -> Vec<u8> {
    said(&mut pair(client, server_builder()).client).concat()
}

/// The suites of a client's hello, in its order.
fn offered(client: ClientConfigBuilder) -> Vec<CipherSuite> {
    let suites = Hello::read_client(&client_hello(client)).suites;
    suites.into_iter().map(CipherSuite).collect()
}

/// The suite that a server with these settings chooses.
fn chosen(server: ServerConfigBuilder, offered: &[CipherSuite]) -> CipherSuite {
    let pair = pair(client_builder().suites(offered), server).established();
    pair.server.connection.session().unwrap().cipher_suite()
}

/// A server with these settings takes both suites and prefers the stronger one.
#[track_caller]
fn assert_chooses_among_both(server: impl Fn() -> ServerConfigBuilder) {
    for (offered, expected) in [
        (&[AES_256, AES_128][..], AES_256),
        (&[AES_128, AES_256], AES_256),
        (&[AES_256], AES_256),
        (&[AES_128], AES_128),
    ] {
        assert_eq!(chosen(server(), offered), expected, "{offered:?}");
    }
}

/// How a handshake of these settings ends.
#[track_caller]
fn outcome(client: ClientConfigBuilder, server: ServerConfigBuilder) -> Result<(), Error> {
    let mut pair = pair(client, server);
    pair.run(Chunks::Whole)?;
    assert!(pair.client.connection.session().is_some());
    Ok(())
}

/// The answer of a client with these settings to a ServerHello.
fn judge_server_hello(client: ClientConfigBuilder, hello: &Hello) -> Result<(), Error> {
    pair(client, server_builder()).client.take(&hello.server())
}

/// The answer of a server with these settings to a ClientHello.
fn judge_client_hello(server: ServerConfigBuilder, hello: &Hello) -> Result<(), Error> {
    pair(client_builder(), server).server.take(&hello.client())
}

/// What the client tells of two connections with the same configurations, one after the other.
fn two_connections(client: ClientConfigBuilder, server: ServerConfigBuilder) -> [Resumption; 2] {
    let client = Arc::new(client.build().unwrap());
    let server = Arc::new(server.build().unwrap());
    [(); 2].map(|()| {
        let pair = Pair::new(client.clone(), server.clone(), name()).established();
        pair.client.connection.session().unwrap().resumption()
    })
}

/// The server's messages in clear, in records of their own.
#[track_caller]
fn server_messages(client: ClientConfigBuilder, server: ServerConfigBuilder) -> Vec<Vec<u8>> {
    let mut pair = pair(client, server);
    let mut records = Vec::new();
    for _ in 0..2 {
        pair.server.take(&said(&mut pair.client).concat()).unwrap();
        let flight = said(&mut pair.server);
        pair.client.take(&flight.concat()).unwrap();
        let in_clear = flight.into_iter().take_while(|it| it[0] == HANDSHAKE);
        records.extend(in_clear);
    }
    assert!(pair.client.connection.session().is_some());
    records
}

fn has_message(records: &[Vec<u8>], typ: u8) -> bool {
    records.iter().any(|it| message_type(it) == typ)
}

/// The session ID of a hello of either side.
fn session_id(hello: &[u8]) -> &[u8] {
    split_vector(1, &hello[43..]).0
}

fn has_extension(hello: &[u8], typ: u16) -> bool {
    let extensions = extensions(hello).unwrap_or_default();
    extensions.iter().any(|(found, _)| *found == typ)
}

/// A server whose certificate has its name as the common name too.
fn server_with_common_name() -> ServerConfigBuilder {
    let key = pki::key("rsa-2048");
    let spec = Spec {
        subject: "CN=server.example",
        ..pki::server(&key)
    };
    server_builder_with(spec.certified(&key))
}

/// A client's chain that leads to no root of the tests.
fn stranger() -> Arc<CertifiedKey> {
    let key = pki::key("rsa-2048-client");
    let spec = Spec {
        issuer: "CN=Stranger",
        ..pki::client(&key)
    };
    spec.certified(&key)
}

/// A server of stations that trusts the test root.
fn management_system() -> ServerConfigBuilder {
    server_builder().ocpp_2_0_1(roots())
}

#[test]
fn a_station_offers_both_suites_the_stronger_one_first() {
    let station = client_builder().suites(&[AES_128]).ocpp_2_0_1();
    assert_eq!(offered(station), [AES_256, AES_128]);
}

#[test]
fn a_station_wants_its_management_system_by_the_common_name() {
    let station = || client_builder().ocpp_2_0_1();
    let fault = fault(outcome(station(), server_builder()));
    assert!(matches!(fault, CertificateFault::CommonNameMismatch { .. }));
    assert_eq!(outcome(client_builder(), server_builder()), Ok(()));
    assert_eq!(outcome(station(), server_with_common_name()), Ok(()));
}

#[test]
fn a_client_of_controllers_offers_both_suites_the_stronger_one_first() {
    let client = client_builder().suites(&[AES_128]).bmc_gcm();
    assert_eq!(offered(client), [AES_256, AES_128]);
}

#[test]
fn a_client_of_controllers_takes_one_without_secure_renegotiation() {
    let old = hello();
    assert_eq!(
        judge_server_hello(client_builder(), &old),
        Err(Incompatible::NoSecureRenegotiation.into())
    );
    assert_eq!(judge_server_hello(client_builder().bmc_gcm(), &old), Ok(()));
}

#[test]
fn a_client_of_controllers_resumes_without_the_extended_master_secret() {
    let controller = || server_builder().extended_master_secret(ExtendedMasterSecret::Off);
    let withheld = Resumption::Full(NotResumed::ExtendedMasterSecret);
    assert_eq!(
        two_connections(client_builder(), controller()),
        [IN_FULL, withheld]
    );
    assert_eq!(
        two_connections(client_builder().bmc_gcm(), controller()),
        [IN_FULL, Resumption::SessionId]
    );
}

/// Every suite of an old device, behind those that are better.
#[test]
fn a_client_of_old_devices_offers_cbc_behind_gcm_and_takes_what_they_lack() {
    let offered = offered(client_builder().legacy_cbc());
    assert_eq!(offered[..2], [AES_256, AES_128]);
    assert!(offered[2..].iter().eq(CBC_SUITES.iter().rev()));
    let old = Hello {
        suites: vec![CBC_SUITES[0].0],
        ..hello()
    };
    assert_eq!(
        judge_server_hello(client_builder().legacy_cbc(), &old),
        Ok(())
    );
    let device = || {
        let server = server_builder().suites(&CBC_SUITES);
        server.extended_master_secret(ExtendedMasterSecret::Off)
    };
    assert_eq!(
        two_connections(client_builder().legacy_cbc(), device()),
        [IN_FULL, Resumption::SessionId]
    );
}

#[test]
fn a_server_of_old_devices_takes_cbc_only_from_those_that_have_nothing_else() {
    for suite in CBC_SUITES {
        assert_eq!(chosen(server_builder().legacy_cbc(), &[suite]), suite);
        assert_eq!(
            chosen(server_builder().legacy_cbc(), &[suite, AES_128]),
            AES_128
        );
    }
    let device = || {
        let client = client_builder().suites(&CBC_SUITES);
        client.extended_master_secret(ExtendedMasterSecret::Off)
    };
    assert_eq!(
        two_connections(device(), server_builder().legacy_cbc()),
        [IN_FULL, Resumption::SessionId]
    );
}

#[test]
fn a_strict_client_refuses_a_server_without_the_extended_master_secret() {
    let without = server_builder().extended_master_secret(ExtendedMasterSecret::Off);
    assert_eq!(
        outcome(client_builder().strict(), without),
        Err(Incompatible::NoExtendedMasterSecret.into())
    );
    assert_eq!(outcome(client_builder().strict(), server_builder()), Ok(()));
}

#[test]
fn a_strict_client_refuses_a_server_without_secure_renegotiation() {
    let lenient = || client_builder().secure_renegotiation(SecureRenegotiation::Optional);
    let without = hello_with(&[(EXTENDED_MASTER_SECRET, &[])]);
    assert_eq!(judge_server_hello(lenient(), &without), Ok(()));
    assert_eq!(
        judge_server_hello(lenient().strict(), &without),
        Err(Incompatible::NoSecureRenegotiation.into())
    );
    let with = without.with(RENEGOTIATION_INFO, &[0]);
    assert_eq!(judge_server_hello(lenient().strict(), &with), Ok(()));
}

#[test]
fn a_strict_client_keeps_no_session() {
    let strict = client_builder().session_store(store()).strict();
    assert_eq!(two_connections(strict, server_builder()), [IN_FULL; 2]);
}

/// Not even when it is given a store to keep them in.
#[test]
fn a_strict_client_asks_for_no_ticket() {
    let asks = |client| has_extension(&client_hello(client), SESSION_TICKET);
    assert!(asks(client_builder()));
    assert!(!asks(client_builder().strict()));
    assert!(!asks(client_builder().strict().session_store(store())));
}

#[test]
fn a_management_system_takes_both_suites_and_prefers_the_stronger_one() {
    assert_chooses_among_both(|| server_builder().suites(&[AES_128]).ocpp_2_0_1(roots()));
}

#[test]
fn a_management_system_asks_for_a_certificate_and_goes_on_without() {
    let messages = server_messages(client_builder(), server_builder());
    assert!(!has_message(&messages, CERTIFICATE_REQUEST));
    let messages = server_messages(client_builder(), management_system());
    assert!(has_message(&messages, CERTIFICATE_REQUEST));
}

#[test]
fn a_management_system_refuses_a_station_that_its_roots_do_not_know() {
    let station = client_builder().certificate(stranger());
    // Otherwise the station knows that it need not show what it has.
    let server = management_system().client_authorities(ClientAuthorities::None);
    let fault = fault(outcome(station, server));
    assert!(matches!(fault, CertificateFault::UnknownIssuer { .. }));
}

#[test]
fn a_management_system_tells_the_certificate_of_a_station() {
    let station = client_builder().certificate(client_certified());
    let pair = pair(station, management_system()).established();
    let session = pair.server.connection.session().unwrap();
    assert_eq!(session.peer_certificates(), client_certified().chain());
}

#[test]
fn a_server_of_controllers_takes_both_suites_and_prefers_the_stronger_one() {
    assert_chooses_among_both(|| server_builder().suites(&[AES_128]).bmc_gcm());
}

#[test]
fn a_server_of_controllers_resumes_without_the_extended_master_secret() {
    let controller = || client_builder().extended_master_secret(ExtendedMasterSecret::Off);
    assert_eq!(
        two_connections(controller(), server_builder()),
        [IN_FULL, IN_FULL]
    );
    assert_eq!(
        two_connections(controller(), server_builder().bmc_gcm()),
        [IN_FULL, Resumption::SessionId]
    );
}

#[test]
fn a_strict_server_refuses_a_client_without_the_extended_master_secret() {
    let without = hello_with(&[(RENEGOTIATION_INFO, &[0])]);
    assert_eq!(judge_client_hello(server_builder(), &without), Ok(()));
    assert_eq!(
        judge_client_hello(server_builder().strict(), &without),
        Err(Incompatible::NoExtendedMasterSecret.into())
    );
}

#[test]
fn a_strict_server_refuses_a_client_without_secure_renegotiation() {
    let strict = || server_builder().strict();
    let without = hello_with(&[(EXTENDED_MASTER_SECRET, &[])]);
    assert_eq!(judge_client_hello(server_builder(), &without), Ok(()));
    assert_eq!(
        judge_client_hello(strict(), &without),
        Err(Incompatible::NoSecureRenegotiation.into())
    );
    let with = without.with(RENEGOTIATION_INFO, &[0]);
    assert_eq!(judge_client_hello(strict(), &with), Ok(()));
}

#[test]
fn a_strict_server_gives_out_no_session() {
    let gives = || server_builder().session_store(store()).tickets(tickets());
    let messages = server_messages(client_builder(), gives());
    assert!(has_extension(&messages[0], SESSION_TICKET));
    assert!(has_message(&messages, NEW_SESSION_TICKET));

    let messages = server_messages(client_builder(), gives().strict());
    assert!(session_id(&messages[0]).is_empty());
    assert!(!has_extension(&messages[0], SESSION_TICKET));
    assert!(!has_message(&messages, NEW_SESSION_TICKET));
    assert_eq!(
        two_connections(client_builder(), gives().strict()),
        [IN_FULL; 2]
    );
}

#[test]
fn a_client_is_set_otherwise_after_its_preset() {
    let station = client_builder().ocpp_2_0_1().suites(&[AES_128]);
    assert_eq!(offered(station), [AES_128]);
    let controller = client_builder().bmc_gcm().secure_renegotiation(SecureRenegotiation::Required);
    assert_eq!(
        judge_server_hello(controller, &hello()),
        Err(Incompatible::NoSecureRenegotiation.into())
    );
    let strict = client_builder().strict().session_store(store());
    assert_eq!(
        two_connections(strict, server_builder()),
        [IN_FULL, Resumption::SessionId]
    );
}

#[test]
fn a_server_is_set_otherwise_after_its_preset() {
    let asks_nobody = management_system().client_auth(ClientAuth::None);
    let messages = server_messages(client_builder(), asks_nobody);
    assert!(!has_message(&messages, CERTIFICATE_REQUEST));
    let weaker = server_builder().bmc_gcm().suites(&[AES_128]);
    assert_eq!(chosen(weaker, &[AES_256, AES_128]), AES_128);
    let strict = server_builder().strict().tickets(tickets());
    assert_eq!(
        two_connections(client_builder(), strict),
        [IN_FULL, Resumption::Ticket]
    );
}
