//! OpenLDAP's server.

use crate::files::Files;
use crate::peer::start_server;
use premaster_testing::program::Program;
use std::process::Command;

pub const SLAPD: &str = "slapd";

/// What GnuTLS, on which Debian builds it, is told to speak.
pub const GNUTLS_PRIORITIES: &str = "NORMAL:-VERS-ALL:+VERS-TLS1.2:-KX-ALL:+RSA";

/// Starts it without a database, with this for `TLSVerifyClient`: the program and its port.
///
/// Names in certificates become names in the directory, which must come from the client's
/// certificate alone.
pub fn start(files: &Files, verify_client: &str) -> (Program, u16) {
    let configuration = format!(
        "\
include /etc/ldap/schema/core.schema
TLSCACertificateFile {ca}
TLSCertificateFile {certificate}
TLSCertificateKeyFile {key}
TLSCipherSuite {GNUTLS_PRIORITIES}
TLSVerifyClient {verify_client}
authz-regexp \"^cn=([^,]*)$\" \"uid=$1,ou=stations,dc=example\"
",
        ca = files.root_certificate().display(),
        certificate = files.server_certificate().display(),
        key = files.server_key().display(),
    );
    let name = format!("slapd-{verify_client}.conf");
    let file = files.write(&name, configuration.as_bytes());
    let (program, port, _) = start_server(|port| {
        let mut command = Command::new(SLAPD);
        // With any level of debugging it stays in the foreground.
        command.args(["-d", "0", "-h", &format!("ldap://127.0.0.1:{port}"), "-f"]);
        command.arg(&file);
        command
    });
    (program, port)
}
