//! CAs: certificates selected by the CA names that the other side lists, and chains whose CAs have
//! keys on elliptic curves. Also signatures with SHA-1, by both sides.

use crate::files::{Files, other_root};
use crate::openssl::OpenSsl;
use crate::peer::{Offer, Peer, Settings};
use crate::{Trials, client, server};
use premaster::protocol::SignatureScheme;
use premaster::{ClientAuth, ClientConfig, RootStore, ServerConfigBuilder};
use premaster_testing::pki::{self, Authority, Key, Spec};
use premaster_testing::{client_builder, lasting, now, rng, roots};
use std::path::PathBuf;
use std::process::Command;

/// Without this OpenSSL neither creates nor accepts signatures with SHA-1.
const LOWEST_LEVEL: [&str; 2] = ["-cipher", "kRSA+AESGCM:@SECLEVEL=0"];

pub fn add_trials(trials: &mut Trials) {
    for curve in [Curve::P256, Curve::P384] {
        for (role, test) in [
            ("client", their_server_of as fn(&Files, Curve)),
            ("server", their_client_of),
        ] {
            let name = format!("openssl::{role}::authority::{}", curve.name());
            trials.add(OpenSsl.server(), name, move |files| test(files, curve));
        }
    }
    for (name, test) in [
        (
            "client::certificate::sha1",
            we_prove_with_sha1 as fn(&Files),
        ),
        ("server::certificate::sha1", they_prove_with_sha1),
        ("server::certificate::chosen", they_choose),
    ] {
        trials.add(OpenSsl.client(), format!("openssl::{name}"), test);
    }
}

/// Of the keys of CAs.
#[derive(Clone, Copy)]
enum Curve {
    P256,
    P384,
}

/// A certificate, whose intermediate CA has to be sent with it, and the root.
struct Issued {
    own: PathBuf,
    intermediate: PathBuf,
    roots: RootStore,
}

impl Curve {
    fn name(self) -> &'static str {
        match self {
            Self::P256 => "p256",
            Self::P384 => "p384",
        }
    }

    fn key(self, number: u8) -> Key {
        match self {
            Self::P256 => pki::p256(number),
            Self::P384 => pki::p384(number),
        }
    }

    /// Issues a certificate; `name` tells the files of the tests apart.
    fn issue(self, own: Spec, name: &str, files: &Files) -> Issued {
        let root = Authority::new("CN=EC Root", self.key(1));
        let intermediate = Authority::new("CN=EC Intermediate", self.key(2));
        let certificate = |authority: &Authority| Spec {
            subject: authority.name,
            public_key: authority.key.public_key(),
            ..lasting::root().issued_by(&root)
        };
        let mut roots = RootStore::new();
        roots.add(&certificate(&root).build()).unwrap();
        let write = |part: &str, spec: &Spec| {
            let file = format!("{name}-{}-{part}.pem", self.name());
            files.write(&file, lasting::pem(spec).as_bytes())
        };
        Issued {
            own: write("own", &own.issued_by(&intermediate)),
            intermediate: write("intermediate", &certificate(&intermediate)),
            roots,
        }
    }
}

impl Issued {
    /// Makes OpenSSL present it, instead of the certificate that was configured before.
    fn show(&self, command: &mut Command) {
        command.arg("-cert").arg(&self.own);
        command.arg("-cert_chain").arg(&self.intermediate);
    }
}

fn their_server_of(files: &Files, curve: Curve) {
    let issued = curve.issue(lasting::server(), "server", files);
    let config = ClientConfig::builder(issued.roots.clone());
    let command = |port| {
        let mut command = OpenSsl.server_command(port, Settings::offer(Offer::Defaults), files);
        issued.show(&mut command);
        command
    };
    let stream = client::session_with(&OpenSsl, command, config.rng(rng(1)).time_provider(now));
    let session = stream.connection().session().unwrap();
    assert_eq!(session.peer_certificates().len(), 2);
}

fn their_client_of(files: &Files, curve: Curve) {
    let issued = curve.issue(lasting::client(), "client", files);
    let config = requiring(files, issued.roots.clone());
    let command = |port| {
        let settings = Settings::offer(Offer::Defaults).with_client_certificate();
        let mut command = OpenSsl.client_command(port, settings, files);
        issued.show(&mut command);
        command
    };
    let stream = server::session_with(command, config);
    let session = stream.connection().session().unwrap();
    assert_eq!(session.peer_certificates().len(), 2);
}

fn requiring(files: &Files, roots: RootStore) -> ServerConfigBuilder {
    server::our_server(files).client_auth(ClientAuth::Require(roots.into()))
}

fn sha1_alone() -> Settings {
    let offer = Offer::Signature(SignatureScheme::RSA_PKCS1_SHA1);
    Settings::offer(offer).with_client_certificate()
}

fn we_prove_with_sha1(files: &Files) {
    let config = client_builder().certificate(files.client.clone()).sign_with_sha1();
    let command = |port| {
        let mut command = OpenSsl.server_command(port, sha1_alone(), files);
        command.args(LOWEST_LEVEL);
        command
    };
    client::session_with(&OpenSsl, command, config);
}

fn they_prove_with_sha1(files: &Files) {
    let config =
        requiring(files, roots()).client_signature_algorithms(&[SignatureScheme::RSA_PKCS1_SHA1]);
    let command = |port| {
        let mut command = OpenSsl.client_command(port, sha1_alone(), files);
        command.args(LOWEST_LEVEL);
        command
    };
    let stream = server::session_with(command, config);
    let session = stream.connection().session().unwrap();
    assert_eq!(session.peer_certificates(), files.client.chain());
}

/// OpenSSL's client has two certificates, and matches the CAs only in its strict mode.
fn they_choose(files: &Files) {
    let command = |port| {
        let mut command = OpenSsl.client_command(port, Settings::offer(Offer::Defaults), files);
        command.arg("-strict");
        for certificate in [files.foreign_certificate(), files.client_certificate()] {
            command.arg("-xcert").arg(certificate);
            command.arg("-xkey").arg(files.client_key());
        }
        command
    };
    let mut other_roots = RootStore::new();
    let root = other_root().certificate().build();
    other_roots.add(&root).unwrap();
    for (roots, expected) in [(roots(), &files.client), (other_roots, &files.foreign)] {
        let stream = server::session_with(command, requiring(files, roots));
        let session = stream.connection().session().unwrap();
        assert_eq!(session.peer_certificates(), expected.chain());
    }
}
