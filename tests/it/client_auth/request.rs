//! CertificateRequest as a server sends it.

use super::{
    DEFAULT_ALGORITHMS, SHA1, both_roots, certified_chain, hello, hello_without_algorithms,
    other_root, requiring, requiring_of_anybody,
};
use premaster::certificate::ClientAuthorities;
use premaster::protocol::SignatureScheme;
use premaster::{CertificatePolicy, ClientAuth, RootStore, ServerConfigBuilder};
use premaster_testing::by_hand::{ClientByHand, Request};
use premaster_testing::pair::ALL_CHUNKS;
use premaster_testing::pki::{self, der};
use premaster_testing::{client_builder, client_certified, pair, roots, server_builder};

/// What a server asks a client for that knows all algorithms.
fn request(server: ServerConfigBuilder) -> Option<Request> {
    ClientByHand::new(server, &hello()).request()
}

fn algorithms(server: ServerConfigBuilder) -> Vec<u16> {
    request(server).unwrap().algorithms
}

/// A request to a client that does not list its signature algorithms.
fn algorithms_for_the_silent(server: ServerConfigBuilder) -> Vec<u16> {
    let visited = ClientByHand::new(server, &hello_without_algorithms());
    visited.request().unwrap().algorithms
}

fn authorities(server: ServerConfigBuilder) -> Vec<Vec<u8>> {
    request(server).unwrap().authorities
}

fn listing(algorithms: &[u16]) -> ServerConfigBuilder {
    let schemes: Vec<_> = algorithms.iter().copied().map(SignatureScheme).collect();
    requiring(roots()).client_signature_algorithms(&schemes)
}

#[test]
fn by_default_it_names_rsa_the_better_algorithms_and_the_roots() {
    let expected = Request {
        types: vec![1],
        algorithms: DEFAULT_ALGORITHMS.to_vec(),
        authorities: vec![der::name("CN=Test Root")],
    };
    assert_eq!(request(requiring(roots())), Some(expected.clone()));
    let requesting = server_builder().client_auth(ClientAuth::Request(roots().into()));
    assert_eq!(request(requesting), Some(expected));
    assert_eq!(request(server_builder()), None);
}

#[test]
fn algorithms_are_those_that_are_configured_in_that_order() {
    let longest = [0x0601; 32];
    for configured in [
        &[0x0401][..],
        &[0x0501, 0x0804, 0x0403],
        &[SHA1],
        &[0x0806, SHA1, 0x0401],
        &longest,
    ] {
        assert_eq!(algorithms(listing(configured)), configured);
    }
}

/// "If the client does not send the signature_algorithms extension, the server MUST [...] behave as
/// if the client had sent the value {sha1,rsa}" holds where it is configured, and nowhere else.
#[test]
fn sha1_is_listed_for_clients_without_algorithms_where_that_is_configured() {
    let lenient =
        |server: ServerConfigBuilder| server.sha1_for_clients_without_signature_algorithms();
    let default = || requiring(roots());
    assert_eq!(algorithms_for_the_silent(default()), DEFAULT_ALGORITHMS);
    assert_eq!(algorithms(lenient(default())), DEFAULT_ALGORITHMS);
    assert_eq!(
        algorithms_for_the_silent(lenient(default())),
        [&DEFAULT_ALGORITHMS[..], &[SHA1]].concat()
    );
    // Not twice.
    let listed = [SHA1, 0x0401];
    assert_eq!(algorithms_for_the_silent(lenient(listing(&listed))), listed);
}

#[test]
fn every_root_is_named_once() {
    let mut many = both_roots();
    many.add(&pki::root().build()).unwrap();
    many.add(&other_root().certificate().build()).unwrap();
    let mut named = authorities(requiring(many));
    named.sort();
    let mut expected = ["CN=Test Root", "CN=Other Root"].map(der::name);
    expected.sort();
    assert_eq!(named, expected);
}

#[test]
fn a_policy_of_pins_names_nobody() {
    let pinned = CertificatePolicy::new(RootStore::new());
    let pinned = pinned.pin_public_key(client_certified().key_id());
    assert!(authorities(requiring(pinned)).is_empty());
}

#[test]
fn authorities_are_those_that_are_configured_in_that_order() {
    // Whatever the server is told to name.
    let names = vec![der::name("CN=B,O=Werk"), der::name("CN=A"), vec![0]];
    for configured in [names, vec![]] {
        let server =
            requiring(roots()).client_authorities(ClientAuthorities::Names(configured.clone()));
        assert_eq!(authorities(server), configured);
    }
    assert!(authorities(requiring_of_anybody(both_roots())).is_empty());
    // They are no reason to ask.
    let names = ClientAuthorities::Names(vec![der::name("CN=A")]);
    assert_eq!(request(server_builder().client_authorities(names)), None);
}

/// The longest message that can be configured fills several records.
#[test]
fn a_client_finds_its_authority_among_as_many_as_fit() {
    let root = der::name("CN=Test Root");
    let filler = vec![0x30; 65_279 - 2 - (2 + root.len())];
    let names = vec![filler, root];
    for chunks in ALL_CHUNKS {
        let server = requiring(roots()).client_authorities(ClientAuthorities::Names(names.clone()));
        let client = client_builder().certificate(client_certified());
        let mut pair = pair(client, server);
        pair.run(chunks).unwrap();
        let session = pair.server.connection.session().unwrap();
        assert_eq!(session.peer_certificates(), client_certified().chain());
    }
}

/// The policy decides, not the names that help clients to choose.
#[test]
fn whom_the_server_names_is_not_whom_it_accepts() {
    let key = pki::key("rsa-2048-client");
    let chain = [pki::client(&key).issued_by(&other_root())];
    let foreign = certified_chain(&chain, "rsa-2048-client");
    let named = vec![der::name("CN=Other Root")];
    let server =
        requiring(both_roots()).client_authorities(ClientAuthorities::Names(named.clone()));
    let pair = pair(client_builder().certificate(foreign.clone()), server).established();
    let session = pair.server.connection.session().unwrap();
    assert_eq!(session.peer_certificates(), foreign.chain());

    let server = requiring(roots()).client_authorities(ClientAuthorities::Names(named));
    let mut visited = ClientByHand::new(server, &hello());
    visited.send_certificates(foreign.chain()).unwrap_err();
}
