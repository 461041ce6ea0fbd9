//! OpenSSL's `s_client` and `s_server`.

use crate::facts::{EXPORTED, Facts, LABEL, PROTOCOL, always_told, told};
use crate::files::Files;
use crate::peer::{CONNECTIONS, ClientCertificate, Extension, Missing, Offer, Peer, Settings};
use premaster::CipherSuite;
use premaster::protocol::AlertDescription;
use premaster_testing::NAME;
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
            .args(offer(settings.offer));
        if settings.client_certificate != ClientCertificate::None {
            command.arg("-cert").arg(files.client_certificate());
            command.arg("-key").arg(files.client_key());
        }
        if settings.sessions.is_some_and(|sessions| sessions.reconnect) {
            command.arg("-reconnect");
        }
        match settings.extension {
            None => {}
            Some(Extension::MaxFragmentLength) => {
                command.args(["-maxfraglen", "512"]);
            }
            Some(Extension::OcspResponse) => {
                command.arg("-status");
            }
            Some(other @ Extension::RecordSizeLimit) => panic!("{}", other.name()),
        }
        both_sides(&mut command, settings, files);
        // The end of its input closes the connection, in spite of -quiet; its content is never a
        // command.
        command.args(["-nocommands", "-no_ign_eof"]);
        command
    }

    fn server_command(&self, port: u16, settings: Settings, files: &Files) -> Command {
        let mut command = Command::new(PROGRAM);
        command
            .arg("s_server")
            .args(["-accept", &format!("127.0.0.1:{port}")])
            .arg("-cert")
            .arg(files.server_certificate())
            .arg("-key")
            .arg(files.server_key())
            .args(offer(settings.offer));
        let connections = settings.sessions.map_or(1, |_| CONNECTIONS);
        command.args(["-naccept", &connections.to_string()]);
        let verify = match settings.client_certificate {
            ClientCertificate::None => None,
            ClientCertificate::Requested => Some("-verify"),
            ClientCertificate::Required => Some("-Verify"),
        };
        if let Some(verify) = verify {
            command.args([verify, "1", "-verify_return_error"]);
            command.arg("-CAfile").arg(files.root_certificate());
        }
        match settings.extension {
            None | Some(Extension::MaxFragmentLength) => {}
            Some(Extension::OcspResponse) => {
                command.arg("-status_file").arg(files.ocsp_response());
            }
            Some(other @ Extension::RecordSizeLimit) => panic!("{}", other.name()),
        }
        both_sides(&mut command, settings, files);
        command
    }

    fn server_echoes(&self) -> bool {
        false
    }

    fn server_ends(&self) -> bool {
        true
    }

    fn client_connections(&self) -> usize {
        // The first one and five more.
        6
    }

    fn client_facts(&self, printed: &str) -> Vec<Facts> {
        let connections = printed.split("CONNECTED(").skip(1);
        connections.map(client_facts).collect()
    }

    fn server_facts(&self, printed: &str) -> Vec<Facts> {
        let connections = printed.split_inclusive("CONNECTION CLOSED\n");
        connections
            .filter(|connection| connection.ends_with("CONNECTION CLOSED\n"))
            .map(server_facts)
            .collect()
    }

    fn client_extensions(&self) -> &'static [Extension] {
        &[Extension::MaxFragmentLength, Extension::OcspResponse]
    }

    fn server_extensions(&self) -> &'static [Extension] {
        &[Extension::MaxFragmentLength, Extension::OcspResponse]
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

/// What its client and its server are told in the same way.
fn both_sides(command: &mut Command, settings: Settings, files: &Files) {
    if matches!(settings.offer, Offer::MacThenEncrypt(_)) {
        command.env("OPENSSL_CONF", files.openssl_without_etm());
    }
    if let Some(sessions) = settings.sessions {
        command.args(["-alpn", PROTOCOL, "-keymatexport", LABEL]);
        command.args(["-keymatexportlen", &EXPORTED.to_string()]);
        if !sessions.tickets {
            command.arg("-no_ticket");
        }
        if !sessions.extended_master_secret {
            command.env("OPENSSL_CONF", files.openssl_without_ems());
        }
    } else if settings.extension != Some(Extension::OcspResponse) {
        // Its output is for the connection's data alone.
        command.arg("-quiet");
    }
}

fn client_facts(printed: &str) -> Facts {
    Facts {
        resumed: told(printed, "Reused, ").is_some(),
        protocol: always_told(printed, "ALPN protocol: "),
        exported: always_told(printed, "Keying material: ").to_lowercase(),
        extended_master_secret: Some(always_told(printed, "Extended master secret: ") == "yes"),
        tls_unique: None,
        tls_server_end_point: None,
    }
}

fn server_facts(printed: &str) -> Facts {
    Facts {
        resumed: told(printed, "Reused session-id").is_some(),
        protocol: always_told(printed, "ALPN protocols selected: "),
        exported: always_told(printed, "Keying material: ").to_lowercase(),
        extended_master_secret: None,
        tls_unique: None,
        tls_server_end_point: None,
    }
}

fn offer(offer: Offer) -> Vec<&'static str> {
    match offer {
        Offer::Defaults => vec![],
        Offer::Suite(suite) | Offer::MacThenEncrypt(suite) => {
            vec!["-tls1_2", "-cipher", cipher(suite)]
        }
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
        CipherSuite::TLS_RSA_WITH_AES_128_CCM => "AES128-CCM",
        CipherSuite::TLS_RSA_WITH_AES_256_CCM => "AES256-CCM",
        // The default level refuses a tag of 64 bits.
        CipherSuite::TLS_RSA_WITH_AES_128_CCM_8 => "AES128-CCM8:@SECLEVEL=0",
        CipherSuite::TLS_RSA_WITH_AES_256_CCM_8 => "AES256-CCM8:@SECLEVEL=0",
        CipherSuite::TLS_RSA_WITH_AES_128_CBC_SHA => "AES128-SHA",
        CipherSuite::TLS_RSA_WITH_AES_256_CBC_SHA => "AES256-SHA",
        CipherSuite::TLS_RSA_WITH_AES_128_CBC_SHA256 => "AES128-SHA256",
        CipherSuite::TLS_RSA_WITH_AES_256_CBC_SHA256 => "AES256-SHA256",
        other => panic!("{other}"),
    }
}
