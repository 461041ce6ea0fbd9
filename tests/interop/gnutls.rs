//! GnuTLS's `gnutls-cli` and `gnutls-serv`.

use crate::facts::{EXPORTED, Facts, LABEL, PROTOCOL, always_told, told};
use crate::files::Files;
use crate::peer::{
    ClientCertificate, Extension, Missing, Offer, Peer, RECORD_SIZE_LIMIT, Settings,
};
use premaster::CipherSuite;
use premaster::protocol::AlertDescription;
use premaster_testing::NAME;
use std::process::Command;

/// Has no option for the address to listen on.
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
            .arg("127.0.0.1");
        if settings.client_certificate != ClientCertificate::None {
            command.arg("--x509certfile").arg(files.client_certificate());
            command.arg("--x509keyfile").arg(files.client_key());
        }
        if let Some(sessions) = settings.sessions {
            // Prints the channel bindings.
            command.arg("--verbose");
            if sessions.reconnect {
                command.arg("--resume");
            }
        }
        if settings.extension == Some(Extension::RecordSizeLimit) {
            // It asks for that maximum fragment length too, which a server ignores.
            command.args(["--recordsize", &RECORD_SIZE_LIMIT.to_string()]);
        }
        both_sides(&mut command, settings);
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
            .arg(files.server_key());
        match settings.client_certificate {
            ClientCertificate::None => {
                command.arg("--disable-client-cert");
            }
            asked => {
                command.arg("--verify-client-cert");
                command.arg("--x509cafile").arg(files.root_certificate());
                if asked == ClientCertificate::Required {
                    command.arg("--require-client-cert");
                }
            }
        }
        if settings.extension == Some(Extension::OcspResponse) {
            command.arg("--ocsp-response").arg(files.ocsp_response());
            command.arg("--ignore-ocsp-response-errors");
        }
        both_sides(&mut command, settings);
        command
    }

    fn server_echoes(&self) -> bool {
        true
    }

    fn server_ends(&self) -> bool {
        false
    }

    fn client_connections(&self) -> usize {
        2
    }

    fn client_facts(&self, printed: &str) -> Vec<Facts> {
        let connections = printed.split("Connecting to '").skip(1);
        connections
            .map(|printed| Facts {
                tls_server_end_point: Some(binding(printed, "tls-server-end-point")),
                ..facts(printed)
            })
            .collect()
    }

    fn server_facts(&self, printed: &str) -> Vec<Facts> {
        let connections = printed.split("* Accepted connection from").skip(1);
        connections
            .map(|printed| {
                let facts = facts(printed);
                Facts {
                    // It does not know its own certificate any more when it has resumed.
                    tls_server_end_point: (!facts.resumed)
                        .then(|| binding(printed, "tls-server-end-point")),
                    ..facts
                }
            })
            .collect()
    }

    fn client_extensions(&self) -> &'static [Extension] {
        &[Extension::RecordSizeLimit]
    }

    fn server_extensions(&self) -> &'static [Extension] {
        // It agrees to a maximum fragment length, and then sends longer records.
        &[Extension::RecordSizeLimit, Extension::OcspResponse]
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

/// What its client and its server are told in the same way.
fn both_sides(command: &mut Command, settings: Settings) {
    let mut priority = priority(settings.offer);
    if let Some(sessions) = settings.sessions {
        command.args(["--alpn", PROTOCOL, "--keymatexport", LABEL]);
        command.args(["--keymatexportsize", &EXPORTED.to_string()]);
        if !sessions.tickets {
            priority.push_str(":%NO_TICKETS");
        }
        if !sessions.extended_master_secret {
            priority.push_str(":%NO_SESSION_HASH");
        }
    }
    command.args(["--priority", &priority]);
}

/// What it prints of every connection.
fn facts(printed: &str) -> Facts {
    let extended_master_secret =
        always_told(printed, "- Options:").contains("extended master secret");
    Facts {
        resumed: told(printed, "*** This is a resumed session").is_some(),
        protocol: always_told(printed, "- Application protocol: "),
        exported: always_told(printed, "- Key material: "),
        extended_master_secret: Some(extended_master_secret),
        // It tells one without the extended master secret too, which is not unique.
        tls_unique: extended_master_secret.then(|| binding(printed, "tls-unique")),
        tls_server_end_point: None,
    }
}

fn binding(printed: &str, name: &str) -> String {
    always_told(printed, &format!("- '{name}': "))
}

fn priority(offer: Offer) -> String {
    const BASE: &str = "NONE:+VERS-TLS1.2:+RSA:+COMP-NULL:+CTYPE-X509";
    const RSA: &str = "NONE:+VERS-TLS1.2:+RSA:+AEAD:+COMP-NULL:+CTYPE-X509";
    match offer {
        Offer::Defaults => "NORMAL".into(),
        Offer::Suite(suite) => format!("{BASE}:{}:+SIGN-ALL", cipher(suite)),
        Offer::MacThenEncrypt(suite) => format!("{BASE}:{}:+SIGN-ALL:%NO_ETM", cipher(suite)),
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
        CipherSuite::TLS_RSA_WITH_AES_128_GCM_SHA256 => "+AEAD:+AES-128-GCM",
        CipherSuite::TLS_RSA_WITH_AES_256_GCM_SHA384 => "+AEAD:+AES-256-GCM",
        CipherSuite::TLS_RSA_WITH_AES_128_CCM => "+AEAD:+AES-128-CCM",
        CipherSuite::TLS_RSA_WITH_AES_256_CCM => "+AEAD:+AES-256-CCM",
        CipherSuite::TLS_RSA_WITH_AES_128_CCM_8 => "+AEAD:+AES-128-CCM-8",
        CipherSuite::TLS_RSA_WITH_AES_256_CCM_8 => "+AEAD:+AES-256-CCM-8",
        CipherSuite::TLS_RSA_WITH_AES_128_CBC_SHA => "+SHA1:+AES-128-CBC",
        CipherSuite::TLS_RSA_WITH_AES_256_CBC_SHA => "+SHA1:+AES-256-CBC",
        CipherSuite::TLS_RSA_WITH_AES_128_CBC_SHA256 => "+SHA256:+AES-128-CBC",
        CipherSuite::TLS_RSA_WITH_AES_256_CBC_SHA256 => "+SHA256:+AES-256-CBC",
        other => panic!("{other}"),
    }
}
