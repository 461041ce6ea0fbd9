//! Files in the formats that people have, what the programs warn of, and what they tell of the
//! client's certificate.

use super::authentication::{all, refused, served, server, stranger, visit};
use super::*;
use premaster_testing::NAME;
use premaster_testing::lasting;
use premaster_testing::pki::{Authority, Spec, crl, to_pem};
use x509_cert::ext::pkix::KeyUsages;

#[test]
fn files_are_taken_in_every_format() {
    let directory = Directory::create("formats");
    let (own, root) = (lasting::server().build(), lasting::root().build());
    let chain = to_pem("CERTIFICATE", &root) + &to_pem("CERTIFICATE", &own);
    let key = fs::read_to_string(premaster_testing::data("rsa-2048.key")).unwrap();
    let windows = |text: &str| format!("\u{feff}{}", text.replace('\n', "\r\n"));
    let mut list = crl(&Authority::root());
    list.this_update = lasting::server().not_before;
    list.next_update = Some(lasting::server().not_after);
    let list = directory.write("list.crl", list.build());
    for (cert, key, root) in [
        (chain.clone().into_bytes(), key.clone(), root.to_vec()),
        (
            windows(&chain).into(),
            windows(&key),
            windows(&to_pem("CERTIFICATE", &root)).into(),
        ),
        (
            own.to_vec(),
            key.clone(),
            to_pem("TRUSTED CERTIFICATE", &root).into(),
        ),
    ] {
        let cert = directory.write("server.cert", cert);
        let key = directory.write("server.key", key);
        let root = directory.write("root.ca", root);
        let (_server, address) = server(&["--cert", &cert, "--key", &key]);
        served(visit(&address, NAME, &["--ca", &root, "--crl", &list]));
    }
}

#[test]
fn a_file_that_is_something_else_is_named_with_what_it_has() {
    let directory = Directory::create("wrong-files");
    let cert = directory.certificate("cert", &lasting::server());
    let key = data("rsa-2048.key");
    let empty = directory.write("empty", b"");
    for (pair, told) in [
        (
            [&key, &key],
            format!("{key}: there is no certificate; the file has a private key"),
        ),
        (
            [&cert, &cert],
            format!("{cert}: there is no private key; the file has a certificate"),
        ),
        (
            [&empty, &key],
            format!("{empty}: there is no certificate; the file has nothing"),
        ),
        (
            [&cert, &data("ec-p256.key")],
            format!(
                "{}: found an EC key; RSA key transport needs an RSA key",
                data("ec-p256.key")
            ),
        ),
        (
            [&cert, &data("files/encrypted-pbkdf2.key")],
            format!(
                "{}: the private key is encrypted",
                data("files/encrypted-pbkdf2.key")
            ),
        ),
        (
            [&cert, &data("rsa-2048-ca.key")],
            "the private key belongs to no certificate of the chain".to_owned(),
        ),
    ] {
        let pair = ["--cert", pair[0], "--key", pair[1]];
        let ended = Program::start(example("server").args(pair)).wait();
        assert_eq!(ended.status.code(), Some(2));
        let printed = entries(&ended.stderr).join("\n");
        assert!(printed.contains(&told), "{told}: {ended:?}");
    }
}

/// A certificate that clients refuse, for three reasons.
fn flawed() -> Spec {
    Spec {
        not_after: lasting::server().not_before + 1,
        key_usage: Some(KeyUsages::DigitalSignature.into()),
        dns: vec![],
        ip: vec![],
        ..lasting::server()
    }
}

#[test]
fn the_programs_warn_of_certificates_that_peers_refuse() {
    let directory = Directory::create("warnings");
    let flawed = directory.server(&flawed());
    let mut command = example("server");
    command.args(["--listen", "127.0.0.1:0", "--once"]).args(&flawed);
    let mut server = Program::start(&mut command);
    let address = address_of(&mut server);
    let right = directory.client(&lasting::server());
    let right = &[&right[..2], &["--key".to_owned(), data("rsa-2048.key")]].concat();
    let trust = ["--ca", &directory.test_root(), "--get", "/"];
    let ended = client(&address, &all(&[right], &trust), b"");
    let mut lines = ended.stderr.lines();
    assert_eq!(
        lines.next(),
        Some("warning: certificate 0 (CN=Test Server, serial 2a):")
    );
    let flaw = "  its extendedKeyUsage lacks clientAuth; it has serverAuth";
    assert_eq!(lines.next(), Some(flaw));
    let warned = server.wait().stderr;
    let subject = "warning: certificate 0 (CN=Test Server, serial 2a):";
    assert_eq!(
        entries(&warned),
        [
            subject,
            "  its keyUsage lacks keyEncipherment; it has Digital Signature",
            subject,
            "  its subjectAltName has no DNS name and no IP address; most clients ignore its common name",
            subject,
            "  it expired on 2020-01-01T00:00:01Z",
        ]
    );
}

#[test]
fn a_client_tells_why_it_sent_no_certificate() {
    let directory = Directory::create("withheld");
    let own = directory.server(&lasting::server());
    let root = directory.test_root();
    let other = lasting::client().issued_by(&stranger());
    let other = directory.pair("other", &other, "rsa-2048-client");
    let right = directory.client(&lasting::client());
    let ask = |mode| ["--client-auth", mode, "--client-ca", &root];
    let trust = ["--ca", &root];

    let (_server, address) = server(&all(&[&own], &ask("request")));
    let told = served(visit(&address, NAME, &all(&[&other], &trust)));
    assert_eq!(told["certificate_requested"], "CN=Test Root");
    assert_eq!(told["certificate_sent"], Value::Null);
    let reason = told["certificate_withheld"].as_str().unwrap();
    assert!(
        reason.starts_with("none is from a CA that the server lists"),
        "{reason}"
    );
    let told = served(visit(&address, NAME, &all(&[&right], &trust)));
    assert_eq!(told["certificate_sent"], "CN=Test Client");
    assert_eq!(told["certificate_withheld"], Value::Null);
    let verbose = ["--ca", &root, "--name", NAME, "--get", "/", "-v"];
    let text = client_named(&address, &all(&[&other], &verbose));
    assert!(
        text.ends_with(
            ", client certificate: requested from CN=Test Root; not sent: none is from a CA that \
             the server lists (ClientConfigBuilder::ignore_requested_authorities would send one); \
             there is CN=Test Client"
        ),
        "{text}"
    );

    let (_server, address) = server(&all(&[&own], &ask("require")));
    let told = refused(visit(&address, NAME, &all(&[&other], &trust)));
    assert_eq!(told["flag"], "--ignore-requested-authorities");
    assert_eq!(
        told["setting"],
        "ClientConfigBuilder::ignore_requested_authorities"
    );
    assert_eq!(told["alert_received"], "handshake_failure");
    let told = refused(visit(&address, NAME, &trust));
    assert_eq!(told["flag"], "--cert");
    // It is sent then, and the server's own error is the next.
    let regardless = ["--ca", &root, "--ignore-requested-authorities"];
    let told = refused(visit(&address, NAME, &all(&[&other], &regardless)));
    assert_eq!(told["alert_received"], "unknown_ca");
}

/// A client's report.
fn client_named(address: &str, arguments: &[&str]) -> String {
    let ended = Program::start(example("client").arg(address).args(arguments)).wait();
    entries(&ended.stderr).join("\n")
}
