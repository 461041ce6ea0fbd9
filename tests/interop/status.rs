//! Whether a certificate is still good: OCSP responses and CRLs that OpenSSL makes, verified
//! by us; and a response of ours, verified by GnuTLS.
//!
//! The programs have a clock of their own, and so our side has the same.

use crate::client::session_with;
use crate::exchange::{expect_failure, expect_success, hang_up};
use crate::files::Files;
use crate::gnutls::GnuTls;
use crate::openssl::OpenSsl;
use crate::peer::{Offer, Peer, Settings, accept_from, connect_to};
use crate::{Trials, server};
use premaster::certificate::Crls;
use premaster::error::CertificateFault;
use premaster::pki_types::UnixTime;
use premaster::protocol::AlertDescription;
use premaster::{CertificatePolicy, ClientConfig, Error};
use premaster_testing::pki::{self, Ocsp, SingleResponse};
use premaster_testing::program::Program;
use premaster_testing::{lasting, rng, roots, server_builder_with};
use std::fs;
use std::path::PathBuf;
use std::process::Command;

/// The status of the server's certificate, as a CA states it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Status {
    Good,
    Revoked,
}

pub fn add_trials(trials: &mut Trials) {
    for status in [Status::Good, Status::Revoked] {
        for (program, name, test) in [
            (
                OpenSsl.server(),
                "openssl::client::staple",
                their_staple as fn(&Files, Status),
            ),
            (
                OpenSsl.server(),
                "openssl::client::revocation_list",
                their_revocation_list,
            ),
            (GnuTls.client(), "gnutls::server::staple", our_staple),
        ] {
            let name = format!("{name}::{}", status.name());
            trials.add(program, name, move |files| test(files, status));
        }
    }
}

impl Status {
    fn name(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Revoked => "revoked",
        }
    }

    /// The line of an OpenSSL CA's index about the server's certificate, which has the serial
    /// number 42: its status, its end, when it was revoked, the number, its file, and its subject.
    fn index(self) -> &'static str {
        match self {
            Self::Good => "V\t21191231000000Z\t\t2A\tunknown\t/CN=Test Server\n",
            Self::Revoked => "R\t21191231000000Z\t200101000000Z\t2A\tunknown\t/CN=Test Server\n",
        }
    }
}

/// OpenSSL's CA: what it knows of the server's certificate.
struct TheirAuthority<'a> {
    files: &'a Files,
    /// Tells the files of the tests apart.
    name: String,
}

impl<'a> TheirAuthority<'a> {
    fn new(files: &'a Files, test: &str, status: Status) -> Self {
        let name = format!("{test}-{}", status.name());
        files.write(&format!("{name}.index"), status.index().as_bytes());
        Self { files, name }
    }

    fn path(&self, extension: &str) -> PathBuf {
        self.files.path(&format!("{}.{extension}", self.name))
    }

    /// An OCSP response about the server's certificate.
    fn ocsp_response(&self) -> PathBuf {
        let (root, response) = (self.files.root_certificate(), self.path("der"));
        let mut openssl = Command::new(OpenSsl.server());
        openssl.args(["ocsp", "-ndays", "30", "-index"]).arg(self.path("index"));
        for option in ["-CA", "-rsigner", "-issuer"] {
            openssl.arg(option).arg(&root);
        }
        openssl.arg("-rkey").arg(self.files.root_key());
        openssl.arg("-cert").arg(self.files.server_certificate());
        openssl.arg("-respout").arg(&response);
        expect_success(Program::start(&mut openssl));
        response
    }

    /// A CRL, in PEM.
    fn revocation_list(&self) -> Vec<u8> {
        let settings = format!(
            "[ca]\ndefault_ca = own\n[own]\ndatabase = {}\ncrlnumber = {}\ndefault_md = sha256\n",
            self.path("index").display(),
            self.path("number").display(),
        );
        let file = |extension: &str, content: &str| {
            let name = format!("{}.{extension}", self.name);
            self.files.write(&name, content.as_bytes())
        };
        file("number", "01\n");
        let list = self.path("crl");
        let mut openssl = Command::new(OpenSsl.server());
        openssl.args(["ca", "-gencrl", "-crldays", "30", "-config"]);
        openssl.arg(file("cnf", &settings));
        openssl.arg("-cert").arg(self.files.root_certificate());
        openssl.arg("-keyfile").arg(self.files.root_key());
        openssl.arg("-out").arg(&list);
        expect_success(Program::start(&mut openssl));
        fs::read(list).unwrap()
    }
}

fn their_staple(files: &Files, status: Status) {
    let response = TheirAuthority::new(files, "staple", status).ocsp_response();
    let command = |port| {
        let mut command = OpenSsl.server_command(port, Settings::offer(Offer::Defaults), files);
        command.arg("-status_file").arg(&response);
        command
    };
    judge(
        CertificatePolicy::new(roots()).require_ocsp_response(),
        command,
        status,
    );
}

fn their_revocation_list(files: &Files, status: Status) {
    let list = TheirAuthority::new(files, "list", status).revocation_list();
    let lists = Crls::from_pem(&list).unwrap();
    let command = |port| OpenSsl.server_command(port, Settings::offer(Offer::Defaults), files);
    judge(CertificatePolicy::new(roots()).crls(lists), command, status);
}

/// A client with this policy accepts the server, or sends the alert.
#[track_caller]
fn judge(policy: CertificatePolicy, command: impl Fn(u16) -> Command, status: Status) {
    let config = ClientConfig::builder(policy).rng(rng(1)).time_provider(UnixTime::now);
    match status {
        Status::Good => {
            let stream = session_with(&OpenSsl, command, config);
            let session = stream.connection().session().unwrap();
            assert!(session.waivers().is_empty());
        }
        Status::Revoked => {
            let (mut stream, program) = connect_to(command, config);
            let error = expect_failure(&mut stream);
            let Error::Certificate(refused) = &error else {
                panic!("{error:?}");
            };
            assert_eq!(*refused.fault(), CertificateFault::Revoked);
            hang_up(&stream);
            let ended = program.wait();
            let report = OpenSsl.report(error.alert().unwrap());
            assert!(ended.stderr.contains(&report), "{ended:?}");
        }
    }
}

/// GnuTLS's client requests a response by default, and accepts it.
fn our_staple(files: &Files, status: Status) {
    let certificate = lasting::server();
    let certified = certificate.certified(&pki::key("rsa-2048"));
    let good = pki::single_response(&certificate);
    let response = SingleResponse {
        status: match status {
            Status::Good => pki::Status::Good,
            Status::Revoked => pki::Status::Revoked {
                at: certificate.not_before,
                reason: None,
            },
        },
        this_update: certificate.not_before,
        next_update: Some(certificate.not_after),
        ..good
    };
    let response = Ocsp {
        produced_at: certificate.not_before,
        responses: vec![response],
        ..pki::ocsp(&certificate)
    };
    certified.staple(Some(&response.build())).unwrap();
    let command = |port| GnuTls.client_command(port, Settings::offer(Offer::Defaults), files);
    let config = server_builder_with(certified);
    match status {
        Status::Good => {
            server::session_with(command, config);
        }
        Status::Revoked => {
            let (mut stream, program) = accept_from(command, config);
            let bad = AlertDescription::BAD_CERTIFICATE;
            let failure = expect_failure(&mut stream);
            assert_eq!(failure.alert_received(), Some(bad), "{failure}");
            hang_up(&stream);
            let ended = program.wait();
            assert!(ended.stderr.contains("revoked via OCSP"), "{ended:?}");
        }
    }
}
