//! Certificates of both sides, and which of them are accepted.

use super::*;
use premaster::certificate::Waiver;
use premaster_testing::NAME;
use premaster_testing::lasting;
use premaster_testing::pki::{
    Algorithm, Authority, CLIENT_AUTH, Hash, Spec, crl, key, public_key, to_pem,
};
use x509_cert::ext::pkix::KeyUsages;

/// A running server that tells of its connections in JSON, and where it listens.
pub(super) fn server(arguments: &[&str]) -> (Program, String) {
    let mut command = example("server");
    command.args(["--listen", "127.0.0.1:0", "--json"]);
    let mut server = Program::start(command.args(arguments));
    let address = address_of(&mut server);
    (server, address)
}

/// What a client came to that fetched a page from the server of this name.
pub(super) fn visit(address: &str, name: &str, arguments: &[&str]) -> (Ended, Value) {
    let mut command = example("client");
    command.args([address, "--name", name, "--get", "/", "--json"]);
    let ended = Program::start(command.args(arguments)).wait();
    let told = json(ended.stderr.trim_end());
    (ended, told)
}

/// A client's report of a failure.
#[track_caller]
pub(super) fn refused((ended, told): (Ended, Value)) -> Value {
    assert_eq!(ended.status.code(), Some(1), "{ended:?}");
    told
}

/// A client's report of a page.
#[track_caller]
pub(super) fn served((ended, told): (Ended, Value)) -> Value {
    assert!(ended.status.success(), "{ended:?}");
    told
}

/// Arguments of several sources, one behind the other.
pub(super) fn all<'a>(owned: &[&'a [String]], others: &[&'a str]) -> Vec<&'a str> {
    let owned = owned.iter().copied().flatten().map(String::as_str);
    owned.chain(others.iter().copied()).collect()
}

/// A CA that nobody trusts.
pub(super) fn stranger() -> Authority {
    Authority::new("CN=Other Root", key("rsa-3072"))
}

#[test]
fn the_handshake_is_shown_with_the_steps_of_a_client_s_certificate() {
    let options = ["--client-auth", "--resume"];
    let ended = Program::start(example("handshake").args(options)).wait();
    assert_shows(
        &ended,
        &[
            "and so were the client's",
            " 3  Certificate         |<-",
            " 4  CertificateRequest  |<-",
            " 5  ServerHelloDone     |<-",
            " 6  Certificate         |--",
            "in clear",
            " 7  ClientKeyExchange   |--",
            " 8  CertificateVerify   |--",
            "authenticated the client as CN=client.localhost (client.localhost).",
            " 9  ChangeCipherSpec    |--",
            "12  Finished            |<-",
            "resumes the session",
            " 6  Finished            |--",
            "is still authenticated as CN=client.localhost (client.localhost).",
            "Saved: 6 of 12 messages, ",
        ],
    );
}

#[test]
fn a_client_is_asked_who_it_is_as_the_server_says() {
    let directory = Directory::create("client-auth");
    let own = directory.server(&lasting::server());
    let client = directory.client(&lasting::client());
    let root = directory.test_root();
    let asked = ["--client-ca", &root];
    for (mode, trust, asks, wants) in [
        ("none", &[][..], false, false),
        ("request", &asked, true, false),
        ("require", &asked, true, true),
    ] {
        let mode = [&["--client-auth", mode], trust].concat();
        let (mut server, address) = server(&all(&[&own], &mode));
        let trust = ["--ca", &root, "--reconnect", "1"];
        let mut command = example("client");
        command.args([&address, "--name", NAME, "--json"]);
        let ended = Program::start(command.args(all(&[&client], &trust))).wait();
        assert_eq!(resumed(&ended), ["no", "ticket"]);
        for _ in 0..2 {
            let told = json(&server.read_line());
            let [subject, names, waivers] = if asks {
                ["CN=Test Client", "client.example", "none"].map(Value::from)
            } else {
                [Value::Null, Value::Null, Value::Null]
            };
            assert_eq!(told["peer_certificate"], subject, "{mode:?}");
            assert_eq!(told["peer_names"], names);
            assert_eq!(told["waivers"], waivers);
        }

        let without = visit(&address, NAME, &["--ca", &root]);
        let told = json(&server.read_line());
        assert_eq!(told["peer_certificate"], Value::Null);
        if wants {
            assert_eq!(refused(without)["alert_received"], "handshake_failure");
            assert_eq!(told["setting"], "ServerConfigBuilder::client_auth");
        } else {
            served(without);
        }
    }
}

#[test]
fn a_client_shows_the_certificate_that_the_server_takes() {
    let directory = Directory::create("client-chooses");
    let own = directory.server(&lasting::server());
    let root = directory.test_root();
    let other = lasting::client().issued_by(&stranger());
    let other = directory.pair("other", &other, "rsa-2048-client");
    let right = directory.client(&lasting::client());
    let require = ["--client-auth", "require", "--client-ca", &root];
    let (mut server, address) = server(&all(&[&own], &require));
    let trust = ["--ca", &root];
    served(visit(&address, NAME, &all(&[&other, &right], &trust)));
    let told = json(&server.read_line());
    assert_eq!(told["peer_certificate"], "CN=Test Client");
    refused(visit(&address, NAME, &all(&[&other], &trust)));
}

#[test]
fn a_client_is_named_the_authorities_that_the_server_is_told_to() {
    let directory = Directory::create("client-authorities");
    let own = directory.server(&lasting::server());
    let client = directory.client(&lasting::client());
    let root = directory.test_root();
    let ask = ["--client-auth", "require", "--client-ca", &root];
    for (names, named) in [
        (&[][..], "CN=Test Root"),
        (&["--client-authorities", "roots"], "CN=Test Root"),
        (&["--client-authorities", "none"], "any CA"),
    ] {
        let (_server, address) = server(&all(&[&own], &[&ask, names].concat()));
        let told = served(visit(&address, NAME, &all(&[&client], &["--ca", &root])));
        assert_eq!(told["certificate_requested"], named);
    }
}

#[test]
fn a_client_signs_with_what_the_server_takes() {
    let directory = Directory::create("client-sigalgs");
    let own = directory.server(&lasting::server());
    let client = directory.client(&lasting::client());
    let root = directory.test_root();
    for (algorithms, flag, is_served) in [
        ("rsa_pkcs1_sha512,rsa_pkcs1_sha256", None, true),
        ("rsa_pkcs1_sha1", None, false),
        ("rsa_pkcs1_sha1", Some("--sign-with-sha1"), true),
    ] {
        let asked = ["--client-ca", &root, "--client-sigalgs", algorithms];
        let asked = [&["--client-auth", "require"], &asked[..]].concat();
        let (_server, address) = server(&all(&[&own], &asked));
        let trust = [&["--ca", &root], flag.as_slice()].concat();
        let (ended, _) = visit(&address, NAME, &all(&[&client], &trust));
        assert_eq!(ended.status.success(), is_served, "{algorithms} {flag:?}");
    }
}

#[test]
fn a_client_is_shown_the_certificate_for_the_name_that_it_asks_for() {
    let directory = Directory::create("names");
    let first = Spec {
        subject: "CN=First",
        dns: vec!["one.example"],
        ..lasting::server()
    };
    let second = Spec {
        subject: "CN=Second",
        dns: vec!["*.two.example", "one.example"],
        public_key: public_key(key("rsa-3072").as_public_key()),
        ..lasting::server()
    };
    let third = Spec {
        subject: "CN=Third",
        ..second.clone()
    };
    let first = directory.pair("first", &first, "rsa-2048");
    let second = directory.pair("second", &second, "rsa-3072");
    let third = directory.pair("third", &third, "rsa-3072");
    let root = directory.test_root();
    let trust = ["--ca", &root];
    for unknown in ["default", "alert"] {
        let unknown_name = ["--unknown-name", unknown];
        let (mut server, address) = server(&all(&[&first, &second, &third], &unknown_name));
        for (name, subject) in [
            ("one.example", "CN=First"),
            ("A.two.example", "CN=Second"),
            // An address is not asked for.
            ("127.0.0.1", "CN=First"),
        ] {
            let told = served(visit(&address, name, &trust));
            assert_eq!(told["peer_certificate"], subject, "{name}");
            server.read_line();
        }
        let any_name = ["--ca", &root, "--accept-any-name"];
        let elsewhere = visit(&address, "three.example", &any_name);
        let at_server = json(&server.read_line());
        if unknown == "default" {
            assert_eq!(served(elsewhere)["peer_certificate"], "CN=First");
        } else {
            assert_eq!(refused(elsewhere)["alert_received"], "unrecognized_name");
            assert_eq!(at_server["setting"], "CertificateSet::refuse_unknown_names");
        }
    }
}

/// The test root's OCSP response about this certificate, for as long as the certificate lasts.
#[cfg(all(unix, feature = "ocsp"))]
fn lasting_ocsp(spec: &Spec, status: premaster_testing::pki::Status) -> Vec<u8> {
    let response = premaster_testing::pki::SingleResponse {
        status,
        this_update: spec.not_before,
        next_update: Some(spec.not_after),
        ..premaster_testing::pki::single_response(spec)
    };
    let ocsp = premaster_testing::pki::Ocsp {
        produced_at: spec.not_before,
        responses: vec![response],
        ..premaster_testing::pki::ocsp(spec)
    };
    ocsp.build()
}

#[cfg(all(unix, feature = "ocsp"))]
#[test]
fn an_ocsp_response_is_stapled_shown_and_wanted() {
    let directory = Directory::create("staple");
    let spec = lasting::server();
    let own = directory.server(&spec);
    let root = directory.test_root();
    let wanted = ["--ca", &root, "--require-staple"];
    let (_without, address) = server(&all(&[&own], &[]));
    let told = refused(visit(&address, NAME, &wanted));
    assert_eq!(told["alert_sent"], "bad_certificate_status_response");
    let cause = told["error"].as_str().unwrap();
    assert!(
        cause.contains("the required OCSP check failed: the server sent no response"),
        "{cause}"
    );

    let good = lasting_ocsp(&spec, premaster_testing::pki::Status::Good);
    let staple = directory.write("staple", &good);
    let (server, address) = server(&all(&[&own], &["--staple", &staple]));
    let told = served(visit(&address, NAME, &wanted));
    assert_eq!(told["ocsp_response"], format!("{} bytes", good.len()));
    let told = served(visit(&address, NAME, &["--ca", &root]));
    assert_eq!(told["ocsp_response"], Value::Null);

    let revoked = premaster_testing::pki::Status::Revoked {
        at: spec.not_before,
        reason: None,
    };
    fs::write(&staple, lasting_ocsp(&spec, revoked)).unwrap();
    hang_up(&server);
    let told = (0..200).find_map(|_| {
        let (ended, told) = visit(&address, NAME, &wanted);
        (!ended.status.success()).then_some(told)
    });
    assert_eq!(told.unwrap()["alert_sent"], "certificate_revoked");
}

#[test]
fn a_certificate_on_a_revocation_list_is_refused() {
    let directory = Directory::create("crl");
    let spec = lasting::server();
    let (_server, address) = server(&all(&[&directory.server(&spec)], &[]));
    let root = directory.test_root();
    let mut list = crl(&Authority::root());
    list.this_update = spec.not_before;
    list.next_update = Some(spec.not_after);
    for (list, is_revoked) in [(list.clone(), false), (list.revoking(&spec), true)] {
        let der = list.build();
        let pem = to_pem("X509 CRL", &der);
        for file in [
            directory.write("pem", pem.as_bytes()),
            directory.write("der", &der),
        ] {
            let visited = visit(&address, NAME, &["--ca", &root, "--crl", &file]);
            if is_revoked {
                assert_eq!(refused(visited)["alert_sent"], "certificate_revoked");
            } else {
                served(visited);
            }
        }
    }
}

/// A server's certificate that is refused, and by which flag it is accepted.
struct Waived {
    waiver: Waiver,
    certificate: Spec,
    /// Which the client knows, besides the test root.
    root: Authority,
    /// How often the server sends it.
    copies: usize,
    /// Also where it is refused.
    always: Vec<&'static str>,
    flag: Vec<String>,
}

/// A certificate that the flag alone makes accepted.
fn waived(waiver: Waiver, flag: &str, certificate: Spec) -> Waived {
    Waived {
        waiver,
        certificate,
        root: Authority::root(),
        copies: 1,
        always: vec![],
        flag: flag.split(' ').map(str::to_owned).collect(),
    }
}

/// One that leads to no root, with the hash that is pinned of it.
fn pinned(waiver: Waiver, pin: impl Fn(&Spec) -> String) -> Waived {
    let certificate = lasting::server().issued_by(&stranger());
    let flag = format!("--pin {}", pin(&certificate));
    waived(waiver, &flag, certificate)
}

fn waived_by_each_waiver() -> Vec<Waived> {
    let server = lasting::server;
    let named = || Spec {
        subject: "CN=server.example",
        dns: vec![],
        ip: vec![],
        ..server()
    };
    let other_name = Spec {
        dns: vec!["other.example"],
        ..server()
    };
    let sha1 = Spec {
        algorithm: Some(Algorithm::RSA_PKCS1_SHA1),
        ..server()
    };
    let short = Authority::new("CN=Short Root", key("rsa-1024"));
    let expired = Spec {
        not_after: server().not_before + 1,
        ..server()
    };
    let signing = Spec {
        key_usage: Some(KeyUsages::DigitalSignature.into()),
        ..server()
    };
    let for_clients = Spec {
        extended_key_usage: Some(vec![CLIENT_AUTH]),
        ..server()
    };
    vec![
        pinned(Waiver::PinnedCertificate, |spec| {
            let digits = |byte: &u8| format!("{byte:02X}");
            let hash = Hash::Sha256.digest(&spec.build());
            hash.iter().map(digits).collect::<Vec<_>>().join(":")
        }),
        pinned(Waiver::PinnedPublicKey, |_| {
            let key_id = certified(2048).key_id();
            key_id.to_string()
        }),
        waived(Waiver::CommonName, "--accept-common-name", named()),
        waived(Waiver::AnyName, "--accept-any-name", other_name),
        Waived {
            always: vec!["--accept-common-name"],
            ..waived(Waiver::Version1, "--accept-version-1", named().version_1())
        },
        waived(Waiver::Sha1Signature, "--accept-sha1-signatures", sha1),
        Waived {
            certificate: server().issued_by(&short),
            root: short,
            ..waived(Waiver::ShortRsaKey, "--accept-short-rsa-keys", server())
        },
        waived(
            Waiver::OutsideValidity,
            "--accept-outside-validity 4000000000",
            expired,
        ),
        waived(
            Waiver::MissingKeyEncipherment,
            "--accept-missing-key-encipherment",
            signing,
        ),
        waived(
            Waiver::ExtendedKeyUsage,
            "--accept-other-extended-key-usage",
            for_clients,
        ),
        Waived {
            copies: 11,
            ..waived(Waiver::LongChain, "--accept-long-chain 11", server())
        },
    ]
}

#[test]
fn each_waiver_has_its_flag_which_the_error_names() {
    let directory = Directory::create("waivers");
    for case in waived_by_each_waiver() {
        let own = directory.server(&case.certificate);
        let chain = fs::read(&own[1]).unwrap().repeat(case.copies);
        fs::write(&own[1], chain).unwrap();
        let (_server, address) = server(&all(&[&own], &[]));
        let root = Spec {
            not_before: lasting::root().not_before,
            not_after: lasting::root().not_after,
            ..case.root.certificate().issued_by(&case.root)
        };
        let root = directory.certificate("root", &root);
        let trust = [&["--ca", &root], &case.always[..]].concat();
        let told = refused(visit(&address, NAME, &trust));
        let flag: Vec<_> = told["flag"].as_str().unwrap().split(' ').map(str::to_owned).collect();
        assert_eq!(flag[0], case.flag[0], "{told}");

        // A pin is named whole.
        let is_pin = case.waiver == Waiver::PinnedCertificate;
        let flag = if is_pin { flag } else { case.flag };
        let told = served(visit(&address, NAME, &all(&[&flag], &trust)));
        let waivers = told["waivers"].as_str().unwrap();
        let waiver = case.waiver.to_string();
        assert!(waivers.split(", ").any(|used| used == waiver), "{waivers}");
    }
}

#[test]
fn no_waiver_is_without_a_flag() {
    let cases = waived_by_each_waiver();
    for waiver in Waiver::ALL {
        assert!(cases.iter().any(|case| case.waiver == *waiver), "{waiver}");
    }
}

#[test]
fn a_pin_is_all_that_a_client_needs() {
    let directory = Directory::create("pin");
    let (_server, address) = server(&all(&[&directory.server(&lasting::server())], &[]));
    let pin = certified(2048).key_id().to_string();
    let told = served(visit(&address, NAME, &["--pin", &pin]));
    assert_eq!(told["waivers"], "pinned public key");
    for wrong in ["", &pin[1..], &format!("{pin}00"), &"+1".repeat(32)] {
        let ended = client(&address, &["--pin", wrong], b"");
        assert_eq!(ended.status.code(), Some(2), "{ended:?}");
    }
}

#[test]
fn a_refused_certificate_is_told_of_whole() {
    let directory = Directory::create("told");
    let own = Spec {
        ip: vec![],
        ..lasting::server()
    };
    let (_server, address) = server(&all(&[&directory.server(&own)], &[]));
    let arguments = ["--ca", &directory.test_root(), "--get", "/"];
    let ended = client(&address, &arguments, b"");
    let sha256 = Hash::Sha256.digest(&own.build());
    let sha256: String = sha256.iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(
        entries(&ended.stderr),
        [format!(
            "{address}: failed: the peer's certificate was not accepted: \
             certificate 0 (CN=Test Server, serial 2a): \
             it is not valid for localhost; it has server.example \
             (another server name, one that it has, \
             or CertificatePolicy::pin_certificate with SHA-256 {sha256} \
             and accept_any_name but no roots, or CertificatePolicy::accept_any_name \
             would accept it); flag: --accept-any-name; alert sent: bad_certificate"
        )]
    );
}

#[test]
fn settings_that_do_not_fit_are_refused() {
    let directory = Directory::create("misfits");
    let root = directory.test_root();
    let own = directory.server(&lasting::server());
    let nameless = Spec {
        dns: vec![],
        ..lasting::server()
    };
    let nameless = directory.pair("nameless", &nameless, "rsa-2048");
    let ask = ["--client-auth", "request", "--client-ca"];
    for usage in [
        vec!["--client-auth", "require"],
        vec!["--client-ca", &root],
        vec!["--client-sigalgs", "rsa_pkcs1_sha256"],
        vec!["--client-authorities", "none"],
        [&ask, &["no such file"][..]].concat(),
        [&ask, &[&*root, "--client-sigalgs", "rsa_md5"][..]].concat(),
        [&ask, &[&*root, "--client-sigalgs", "ecdsa_sha256"][..]].concat(),
        all(&[&own, &own[..2]], &[]),
        all(&[&own, &nameless], &[]),
        vec!["--staple", "no such file"],
        vec!["--staple", "/dev/null"],
        vec!["--unknown-name", "refuse"],
    ] {
        let ended = Program::start(example("server").args(&usage)).wait();
        assert_eq!(ended.status.code(), Some(2), "{usage:?}: {ended:?}");
    }
}
