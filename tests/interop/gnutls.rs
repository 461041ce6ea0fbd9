//! GnuTLS's `gnutls-cli` and `gnutls-serv`.

use crate::common::NAME;
use crate::files::Files;
use crate::peer::{Missing, Offer, Peer, Settings};
use premaster::{AlertDescription, CipherSuite};
use std::process::Command;

/// Has no option that says where to listen.
pub const SERVER: &str = "gnutls-serv";

pub struct GnuTls;

impl Peer for GnuTls {
    fn name(&self) -> &'static str {
        "gnutls"
    }

    fn client(&self) -> &'static str {
        "gnutls-cli"
    }

    fn server(&self) -> &'static str {
        SERVER
    }

    fn client_command(&self, port: u16, settings: Settings, files: &Files) -> Command {
        let mut command = Command::new(self.client());
        command
            .args(["--port", &port.to_string()])
            .args(["--sni-hostname", NAME, "--verify-hostname", NAME])
            .arg("--x509cafile")
            .arg(files.root_certificate())
            // Standard output is for the connection's data alone.
            .arg("--logfile=/dev/stderr")
            .args(["--priority", &priority(settings.offer)])
            .arg("127.0.0.1");
        if settings.client_certificate {
            command
                .arg("--x509certfile")
                .arg(files.client_certificate());
            command.arg("--x509keyfile").arg(files.client_key());
        }
        command
    }

    fn server_command(&self, port: u16, settings: Settings, files: &Files) -> Command {
        let mut command = Command::new(self.server());
        command
            .arg("--echo")
            .args(["--port", &port.to_string()])
            .arg("--x509certfile")
            .arg(files.server_certificate())
            .arg("--x509keyfile")
            .arg(files.server_key())
            .args(["--priority", &priority(settings.offer)]);
        if settings.client_certificate {
            command.args(["--require-client-cert", "--verify-client-cert"]);
            command.arg("--x509cafile").arg(files.root_certificate());
        } else {
            command.arg("--disable-client-cert");
        }
        command
    }

    fn server_echoes(&self) -> bool {
        true
    }

    fn server_ends(&self) -> bool {
        false
    }

    fn client_answers_close(&self) -> bool {
        false
    }

    fn refusal(&self, missing: Missing) -> AlertDescription {
        match missing {
            Missing::Suite | Missing::Version => AlertDescription::HANDSHAKE_FAILURE,
            // As it does to its own client.
            Missing::Certificate => AlertDescription::DECODE_ERROR,
        }
    }

    fn report(&self, alert: AlertDescription) -> String {
        format!("Received alert [{}]", alert.0)
    }
}

fn priority(offer: Offer) -> String {
    const RSA: &str = "NONE:+VERS-TLS1.2:+RSA:+AEAD:+COMP-NULL:+CTYPE-X509";
    match offer {
        Offer::Defaults => "NORMAL".into(),
        Offer::Suite(suite) => format!("{RSA}:{}:+SIGN-ALL", cipher(suite)),
        Offer::Signature(scheme) => {
            let name = scheme.name().unwrap().to_uppercase().replace('_', "-");
            let name = name.replace("PKCS1-", "");
            format!("{RSA}:+AES-256-GCM:+SIGN-{name}")
        }
        Offer::Ephemeral => "NORMAL:-VERS-ALL:+VERS-TLS1.2:-KX-ALL:+ECDHE-RSA".into(),
        Offer::Tls11 => "NORMAL:-VERS-ALL:+VERS-TLS1.1".into(),
        Offer::Tls13 => "NORMAL:-VERS-ALL:+VERS-TLS1.3".into(),
    }
}

fn cipher(suite: CipherSuite) -> &'static str {
    match suite {
        CipherSuite::TLS_RSA_WITH_AES_128_GCM_SHA256 => "+AES-128-GCM",
        CipherSuite::TLS_RSA_WITH_AES_256_GCM_SHA384 => "+AES-256-GCM",
        other => panic!("{other}"),
    }
}
