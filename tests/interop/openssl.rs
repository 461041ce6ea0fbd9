//! OpenSSL's `s_client` and `s_server`.

use crate::common::NAME;
use crate::files::Files;
use crate::peer::{Missing, Offer, Peer, Settings};
use premaster::{AlertDescription, CipherSuite};
use std::process::Command;

const PROGRAM: &str = "openssl";

pub struct OpenSsl;

impl Peer for OpenSsl {
    fn name(&self) -> &'static str {
        "openssl"
    }

    fn client(&self) -> &'static str {
        PROGRAM
    }

    fn server(&self) -> &'static str {
        PROGRAM
    }

    fn client_command(&self, port: u16, settings: Settings, files: &Files) -> Command {
        let mut command = Command::new(PROGRAM);
        command
            .arg("s_client")
            .args(["-connect", &format!("127.0.0.1:{port}")])
            .args(["-servername", NAME, "-verify_hostname", NAME])
            .arg("-CAfile")
            .arg(files.root_certificate())
            .arg("-verify_return_error")
            // The end of its input closes the connection; its content is never a command.
            .args(["-quiet", "-nocommands", "-no_ign_eof"])
            .args(offer(settings.offer));
        if settings.client_certificate {
            command.arg("-cert").arg(files.client_certificate());
            command.arg("-key").arg(files.client_key());
        }
        command
    }

    fn server_command(&self, port: u16, settings: Settings, files: &Files) -> Command {
        let mut command = Command::new(PROGRAM);
        command
            .arg("s_server")
            .args(["-accept", &format!("127.0.0.1:{port}"), "-naccept", "1"])
            .arg("-cert")
            .arg(files.server_certificate())
            .arg("-key")
            .arg(files.server_key())
            .arg("-quiet")
            .args(offer(settings.offer));
        if settings.client_certificate {
            command.args(["-Verify", "1", "-verify_return_error"]);
            command.arg("-CAfile").arg(files.root_certificate());
        }
        command
    }

    fn server_echoes(&self) -> bool {
        false
    }

    fn server_ends(&self) -> bool {
        true
    }

    fn client_answers_close(&self) -> bool {
        true
    }

    fn refusal(&self, missing: Missing) -> AlertDescription {
        match missing {
            Missing::Version => AlertDescription::PROTOCOL_VERSION,
            Missing::Suite | Missing::Certificate => AlertDescription::HANDSHAKE_FAILURE,
        }
    }

    fn report(&self, alert: AlertDescription) -> String {
        format!("SSL alert number {}", alert.0)
    }
}

fn offer(offer: Offer) -> Vec<&'static str> {
    match offer {
        Offer::Defaults => vec![],
        Offer::Suite(suite) => vec!["-tls1_2", "-cipher", cipher(suite)],
        Offer::Signature(scheme) => vec![
            "-tls1_2",
            "-cipher",
            "kRSA+AESGCM",
            "-client_sigalgs",
            scheme.name().unwrap(),
        ],
        Offer::Ephemeral => vec!["-tls1_2", "-cipher", "ECDHE+AESGCM"],
        // TLS 1.1 signs with SHA-1, which the default level forbids.
        Offer::Tls11 => vec!["-tls1_1", "-cipher", "ALL:@SECLEVEL=0"],
        Offer::Tls13 => vec!["-tls1_3"],
    }
}

fn cipher(suite: CipherSuite) -> &'static str {
    match suite {
        CipherSuite::TLS_RSA_WITH_AES_128_GCM_SHA256 => "AES128-GCM-SHA256",
        CipherSuite::TLS_RSA_WITH_AES_256_GCM_SHA384 => "AES256-GCM-SHA384",
        other => panic!("{other}"),
    }
}
