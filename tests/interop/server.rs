//! We are the server, the program is the client.

use crate::exchange::{
    Echo, LONG, SHORT, deliver, echo, expect_close, expect_failure, expect_success,
    expect_truncation, greet, hang_up,
};
use crate::files::{Files, OCSP_RESPONSE};
use crate::openssl::OpenSsl;
use crate::peer::{Extension, Offer, Peer, RECORD_SIZE_LIMIT, Settings, Tls, accept, accept_from};
use crate::suites::encrypts_first;
use crate::{SIGNATURE_SCHEMES, SUITES, Trials};
use premaster::error::Incompatible;
use premaster::protocol::{ProtocolVersion, SignatureScheme};
use premaster::{CipherSuite, ClientAuth, Error, ServerConfigBuilder};
use premaster_testing::program::Program;
use premaster_testing::{NAME, roots, server_builder_with};
use std::process::Command;

pub fn add_trials(peer: &'static dyn Peer, trials: &mut Trials) {
    let program = peer.client();
    let at = format!("{}::server", peer.name());

    for suite in SUITES {
        trials.add(program, format!("{at}::mebibyte::{suite}"), move |files| {
            mebibyte(peer, files, suite, Offer::Suite(suite));
        });
    }
    trials.add(program, format!("{at}::defaults"), |files| {
        defaults(peer, files);
    });
    trials.add(program, format!("{at}::we_close_first"), |files| {
        we_close_first(peer, files);
    });
    for scheme in SIGNATURE_SCHEMES {
        let offer = Offer::Signature(scheme);
        trials.add(
            program,
            format!("{at}::certificate::{scheme}"),
            move |files| {
                certificate(peer, files, offer, ClientAuth::Require(roots().into()));
            },
        );
    }
    trials.add(program, format!("{at}::certificate::requested"), |files| {
        certificate(
            peer,
            files,
            Offer::Defaults,
            ClientAuth::Request(roots().into()),
        );
    });
    trials.add(program, format!("{at}::certificate::declined"), |files| {
        certificate_declined(peer, files);
    });
    trials.add(program, format!("{at}::certificate::missing"), |files| {
        certificate_missing(peer, files);
    });
    for &extension in peer.client_extensions() {
        let name = format!("{at}::extension::{}", extension.name());
        trials.add(program, name, move |files| match extension {
            Extension::OcspResponse => ocsp_response(peer, files),
            limit => record_limit(peer, files, limit),
        });
    }
    trials.add(program, format!("{at}::only_ephemeral_keys"), |files| {
        no_common_suite(peer, files);
    });
    trials.add(program, format!("{at}::only_tls13"), |files| {
        only_tls13(peer, files);
    });
    trials.add(program, format!("{at}::only_tls11"), |files| {
        only_tls11(peer, files);
    });
}

/// OpenSSL's client presents whatever certificate it has for an algorithm that is listed.
pub fn add_openssl_trials(trials: &mut Trials) {
    trials.add(
        OpenSsl.client(),
        "openssl::server::certificate::of_another_type".to_owned(),
        certificate_of_another_type,
    );
}

/// Our server, with a certificate that is valid by the client's clock.
pub fn our_server(files: &Files) -> ServerConfigBuilder {
    server_builder_with(files.server.clone())
}

pub fn mebibyte(peer: &dyn Peer, files: &Files, suite: CipherSuite, offer: Offer) {
    let server = our_server(files).suites(&[suite]);
    let (mut stream, mut program) = accept(peer, Settings::offer(offer), files, server);
    echo(&mut stream, &mut program, Echo::Us, LONG);
    let session = stream.connection().session().unwrap();
    assert_eq!(session.cipher_suite(), suite);
    assert_eq!(session.encrypt_then_mac(), encrypts_first(suite, offer));
    assert!(session.secure_renegotiation());
    let_close(&mut stream, program);
}

/// A hello for TLS 1.3, full of extensions that nobody here knows, is answered with TLS 1.2 and the
/// first suite of ours.
fn defaults(peer: &dyn Peer, files: &Files) {
    let stream = session(
        peer,
        files,
        Settings::offer(Offer::Defaults),
        our_server(files),
    );
    let session = stream.connection().session().unwrap();
    assert_eq!(
        session.cipher_suite(),
        CipherSuite::TLS_RSA_WITH_AES_256_GCM_SHA384
    );
    assert_eq!(session.server_name().unwrap().to_str(), NAME);
}

fn certificate(peer: &dyn Peer, files: &Files, offer: Offer, mode: ClientAuth) {
    let settings = Settings::offer(offer).with_client_certificate();
    let stream = session(peer, files, settings, our_server(files).client_auth(mode));
    let session = stream.connection().session().unwrap();
    // What stands behind it is up to the client: OpenSSL adds the root.
    assert_eq!(session.peer_certificates()[0], files.client.chain()[0]);
}

/// A client whose key is for ECDSA goes on without a certificate, unless the list of algorithms
/// invites it.
fn certificate_of_another_type(files: &Files) {
    let (certificate, key) = (files.path("elliptic.pem"), files.path("elliptic.key"));
    let mut make = Command::new(OpenSsl.client());
    make.args(["req", "-x509", "-nodes", "-subj", "/CN=Elliptic Client"])
        .args(["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"])
        .arg("-keyout")
        .arg(&key)
        .arg("-out")
        .arg(&certificate);
    let ended = make.output().unwrap();
    assert!(ended.status.success(), "{ended:?}");

    let command = |port| {
        let settings = Settings::offer(Offer::Defaults);
        let mut command = OpenSsl.client_command(port, settings, files);
        command.arg("-cert").arg(&certificate).arg("-key").arg(&key);
        command
    };
    let config = || our_server(files).client_auth(ClientAuth::Request(roots().into()));
    let stream = session_with(command, config());
    let session = stream.connection().session().unwrap();
    assert!(session.peer_certificates().is_empty());

    let listed = [
        SignatureScheme::RSA_PKCS1_SHA256,
        SignatureScheme::ECDSA_SHA256,
    ];
    let inviting = config().client_signature_algorithms(&listed);
    let (mut stream, program) = accept_from(command, inviting);
    let error = expect_failure(&mut stream);
    assert!(matches!(error, Error::Certificate(_)), "{error:?}");
    hang_up(&stream);
    assert!(!program.wait().status.success());
}

fn certificate_declined(peer: &dyn Peer, files: &Files) {
    let config = our_server(files).client_auth(ClientAuth::Request(roots().into()));
    let stream = session(peer, files, Settings::offer(Offer::Defaults), config);
    let session = stream.connection().session().unwrap();
    assert!(session.peer_certificates().is_empty());
}

/// The client asks for short records, and gets them.
fn record_limit(peer: &dyn Peer, files: &Files, extension: Extension) {
    let settings = Settings::offer(Offer::Suite(SUITES[0])).with_extension(extension);
    let (mut stream, mut program) = accept(peer, settings, files, our_server(files));
    deliver(&mut stream, &mut program);
    // Short: what does not fit into one record, GnuTLS's client drops.
    greet(&mut stream, &mut program, Echo::Us);
    let_close(&mut stream, program);
    let session = stream.connection().session().unwrap();
    let lengths = (
        session.max_plaintext_sent(),
        session.max_plaintext_received(),
    );
    match extension {
        Extension::MaxFragmentLength => assert_eq!(lengths, (512, 512)),
        _ => assert_eq!(lengths, (RECORD_SIZE_LIMIT, 1 << 14)),
    }
}

fn ocsp_response(peer: &dyn Peer, files: &Files) {
    let config = our_server(files);
    files.server.staple(Some(&OCSP_RESPONSE)).unwrap();
    let settings = Settings::offer(Offer::Suite(SUITES[0])).with_extension(Extension::OcspResponse);
    let (mut stream, mut program) = accept(peer, settings, files, config);
    let printed = greet(&mut stream, &mut program, Echo::Us);
    assert!(
        printed.contains("OCSP Response Status: trylater"),
        "{printed}"
    );
    let_close(&mut stream, program);
}

/// A short connection.
fn session(peer: &dyn Peer, files: &Files, settings: Settings, config: ServerConfigBuilder) -> Tls {
    session_with(|port| peer.client_command(port, settings, files), config)
}

/// A short connection with this client.
pub fn session_with(command: impl FnOnce(u16) -> Command, config: ServerConfigBuilder) -> Tls {
    let (mut stream, mut program) = accept_from(command, config);
    echo(&mut stream, &mut program, Echo::Us, SHORT);
    let_close(&mut stream, program);
    stream
}

/// The client closes when its input ends.
fn let_close(stream: &mut Tls, mut program: Program) {
    program.close_stdin();
    expect_close(stream);
    hang_up(stream);
    expect_success(program);
}

/// A client that hangs up instead of answering may have cut what it sent.
fn we_close_first(peer: &dyn Peer, files: &Files) {
    let settings = Settings::offer(Offer::Defaults);
    let (mut stream, mut program) = accept(peer, settings, files, our_server(files));
    echo(&mut stream, &mut program, Echo::Us, SHORT);
    stream.close().unwrap();
    if peer.client_answers_close() {
        expect_close(&mut stream)
    } else {
        expect_truncation(&mut stream)
    }
    hang_up(&stream);
    expect_success(program);
}

fn certificate_missing(peer: &dyn Peer, files: &Files) {
    let config = our_server(files).client_auth(ClientAuth::Require(roots().into()));
    let error = failure(peer, files, Offer::Defaults, config);
    assert_eq!(error, Incompatible::NoClientCertificate.into());
}

fn no_common_suite(peer: &dyn Peer, files: &Files) {
    let error = failure(peer, files, Offer::Ephemeral, our_server(files));
    assert!(
        matches!(
            error,
            Error::Incompatible(Incompatible::NoCommonSuite { .. })
        ),
        "{error:?}"
    );
}

fn only_tls13(peer: &dyn Peer, files: &Files) {
    let error = failure(peer, files, Offer::Tls13, our_server(files));
    let offered = ProtocolVersion::TLS_1_3;
    assert_eq!(error, Incompatible::NewerVersion { offered }.into());
}

fn only_tls11(peer: &dyn Peer, files: &Files) {
    let error = failure(peer, files, Offer::Tls11, our_server(files));
    let offered = ProtocolVersion::TLS_1_1;
    assert_eq!(error, Incompatible::Version { offered }.into());
}

/// The error with which a handshake fails, after the client has reported its alert.
#[track_caller]
fn failure(peer: &dyn Peer, files: &Files, offer: Offer, config: ServerConfigBuilder) -> Error {
    let (mut stream, program) = accept(peer, Settings::offer(offer), files, config);
    let error = expect_failure(&mut stream);
    hang_up(&stream);
    let ended = program.wait();
    assert!(!ended.status.success(), "{ended:?}");
    let report = peer.report(error.alert().unwrap());
    assert!(ended.stderr.contains(&report), "{ended:?}");
    error
}
