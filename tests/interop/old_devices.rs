//! Certificates as old devices have them: what this crate accepts, OpenSSL accepts as well.

use crate::files::Files;
use crate::openssl::OpenSsl;
use crate::peer::{Offer, Peer, Settings};
use crate::{Trials, client, server};
use premaster::pki_types::CertificateDer;
use premaster::pki_types::pem::PemObject;
use premaster::{CertificatePolicy, ClientConfig, RootStore, ServerConfig};
use premaster_testing::pki::{self, Authority, Spec};
use premaster_testing::{NAME, data, lasting, now, rng, roots};
use sha2::{Digest, Sha256};
use std::path::{Path, PathBuf};
use std::process::Command;

pub fn add_trials(trials: &mut Trials) {
    let program = OpenSsl.client();
    trials.add(
        program,
        "openssl::verify::old_devices".to_owned(),
        they_verify,
    );
    for (name, spec) in OWN {
        let name = format!("openssl::server::old_devices::{name}");
        trials.add(program, name, move |files| they_accept(files, &spec()));
    }
    let program = OpenSsl.server();
    for (name, spec) in OWN {
        let name = format!("openssl::client::old_devices::{name}");
        trials.add(program, name, move |files| we_accept(files, &spec()));
    }
    let name = "openssl::client::old_devices::modulus-without-zero";
    trials.add(program, name.to_owned(), we_accept_a_negative_modulus);
}

/// What a certificate is, and the certificate.
type Named = (&'static str, fn() -> Spec);

/// Certificates over the server's key that are accepted by right or by the waiver for common names.
const OWN: [Named; 3] = [
    ("itself-a-root", itself_a_root),
    ("common-name-t61", common_name_t61),
    ("common-name-bmp", common_name_bmp),
];

/// What `openssl req -x509` makes.
fn itself_a_root() -> Spec {
    let spec = lasting::server();
    Spec {
        ca: Some(true),
        key_usage: None,
        extended_key_usage: None,
        ..spec.clone().issued_by(&Authority::new(spec.subject, pki::key("rsa-2048")))
    }
}

fn common_name_t61() -> Spec {
    with_common_name(0x14, NAME.as_bytes())
}

fn common_name_bmp() -> Spec {
    with_common_name(
        0x1e,
        &NAME.encode_utf16().flat_map(u16::to_be_bytes).collect::<Vec<_>>(),
    )
}

fn with_common_name(tag: u8, value: &[u8]) -> Spec {
    use pki::der;
    let attribute = [der::object_identifier("2.5.4.3"), der::tlv(tag, &[value])].concat();
    let relative = der::tlv(der::SET, &[&der::sequence(&[&attribute])]);
    Spec {
        raw_subject: Some(der::sequence(&[&relative])),
        dns: vec![],
        ip: vec![],
        other_names: vec![pki::uri("urn:plant:7")],
        ..lasting::server()
    }
}

/// The test root, and the certificate as a root of its own if it is self-signed.
fn policy(spec: &Spec) -> CertificatePolicy {
    let mut roots = roots();
    if spec.ca == Some(true) {
        roots.add(&spec.build()).unwrap();
    }
    CertificatePolicy::new(roots).accept_common_name()
}

fn write(files: &Files, spec: &Spec) -> PathBuf {
    let der = spec.build();
    let name: String = Sha256::digest(&der).iter().map(|byte| format!("{byte:02x}")).collect();
    files.write(
        &format!("field-{name}.pem"),
        pki::to_pem("CERTIFICATE", &der).as_bytes(),
    )
}

fn we_accept(files: &Files, spec: &Spec) {
    let certificate = write(files, spec);
    let config = ClientConfig::builder(policy(spec)).rng(rng(1)).time_provider(now);
    let command = |port| {
        let settings = Settings::offer(Offer::Defaults);
        let mut command = OpenSsl.server_command(port, settings, files);
        command.arg("-cert").arg(&certificate);
        command
    };
    client::session_with(&OpenSsl, command, config);
}

fn they_accept(files: &Files, spec: &Spec) {
    let certificate = write(files, spec);
    let config = ServerConfig::builder(spec.certified(&pki::key("rsa-2048")));
    let command = |port| {
        let settings = Settings::offer(Offer::Defaults);
        let mut command = OpenSsl.client_command(port, settings, files);
        if spec.ca == Some(true) {
            command.arg("-CAfile").arg(&certificate);
        }
        command.args(["-verify_hostname", NAME]);
        command
    };
    server::session_with(command, config.rng(rng(2)).time_provider(now));
}

fn field(name: &str) -> PathBuf {
    data("field").join(name)
}

/// OpenSSL's server has the certificate and its key; ours is the client that knows it.
fn we_accept_a_negative_modulus(files: &Files) {
    let file = field("modulus-without-zero.pem");
    let der = CertificateDer::from_pem_slice(&std::fs::read(&file).unwrap()).unwrap();
    let policy = CertificatePolicy::new(RootStore::new())
        .pin_certificate(Sha256::digest(&der).into())
        .accept_any_name();
    let config = ClientConfig::builder(policy).rng(rng(1)).time_provider(now);
    let command = |port| {
        let settings = Settings::offer(Offer::Defaults);
        let mut command = OpenSsl.server_command(port, settings, files);
        command.arg("-cert").arg(&file);
        command.arg("-key").arg(field("server.key"));
        command
    };
    client::session_with(&OpenSsl, command, config);
}

fn they_verify(files: &Files) {
    let ca = field("ca.pem");
    let with = |options: &[&str], anchors: &Path, name: &str, certificate: &Path| {
        let mut command = Command::new("openssl");
        command.arg("verify").args(options).arg(anchors);
        command.args(["-verify_hostname", name]).arg(certificate);
        let output = command.output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{}: {said}", certificate.display());
    };
    let chain = field("chain-of-12.pem");
    let strangers = chain.to_str().unwrap();
    for (options, name, file) in [
        (&["-CAfile"][..], "device.test", "cn-t61.pem"),
        (&["-CAfile"], "a.example.test", "cn-wildcard.pem"),
        (
            &["-untrusted", strangers, "-CAfile"],
            "device.test",
            "chain-of-12.pem",
        ),
    ] {
        with(options, &ca, name, &field(file));
    }
    // Known by itself.
    let pinned = field("modulus-without-zero.pem");
    with(
        &["-partial_chain", "-trusted"],
        &pinned,
        "device.test",
        &pinned,
    );
    let own = write(files, &itself_a_root());
    with(&["-CAfile"], &own, NAME, &own);
    // Without `-purpose` it accepts every extendedKeyUsage.
    let for_clients = Spec {
        extended_key_usage: Some(vec![pki::CLIENT_AUTH]),
        ..lasting::server()
    };
    let for_clients = write(files, &for_clients);
    with(&["-CAfile"], &files.root_certificate(), NAME, &for_clients);
}
