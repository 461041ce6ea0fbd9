//! What the outside programs read: certificates and keys as files.

use premaster::CertifiedKey;
use premaster_testing::pki::{self, Authority};
use premaster_testing::{Directory, data, lasting};
use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

/// An OCSP response without a status: the responder says "try later"
/// ([RFC 6960 section 4.2.1](https://www.rfc-editor.org/rfc/rfc6960#section-4.2.1)).
pub const OCSP_RESPONSE: [u8; 5] = [0x30, 3, 0x0a, 1, 3];

/// Settings of OpenSSL that have no option on its command line.
fn openssl_without(option: &str) -> String {
    format!(
        "\
openssl_conf = all
[all]
ssl_conf = ssl
[ssl]
system_default = defaults
[defaults]
Options = -{option}
"
    )
}

/// A directory of its own, and the identities in it.
pub struct Files {
    directory: Directory,
    pub server: Arc<CertifiedKey>,
    pub client: Arc<CertifiedKey>,
    /// The client with the same key under a certificate of the other root's.
    pub foreign: Arc<CertifiedKey>,
}

impl Files {
    pub fn create() -> Self {
        let directory = Directory::create("interop");
        let (server, client) = (lasting::server(), lasting::client());
        let foreign = lasting::client().issued_by(&other_root());
        let client_key = pki::key("rsa-2048-client");
        let files = Self {
            directory,
            server: server.certified(&pki::key("rsa-2048")),
            client: client.certified(&client_key),
            foreign: foreign.certified(&client_key),
        };
        for (name, spec) in [
            ("root.pem", lasting::root()),
            ("server.pem", server),
            ("client.pem", client),
            ("foreign.pem", foreign),
        ] {
            files.write(name, lasting::pem(&spec).as_bytes());
        }
        files.write("response.der", &OCSP_RESPONSE);
        for (name, option) in [
            ("without-ems.cnf", "ExtendedMasterSecret"),
            ("without-etm.cnf", "EncryptThenMac"),
        ] {
            files.write(name, openssl_without(option).as_bytes());
        }
        files
    }

    pub fn root_certificate(&self) -> PathBuf {
        self.path("root.pem")
    }

    pub fn server_certificate(&self) -> PathBuf {
        self.path("server.pem")
    }

    pub fn client_certificate(&self) -> PathBuf {
        self.path("client.pem")
    }

    pub fn foreign_certificate(&self) -> PathBuf {
        self.path("foreign.pem")
    }

    /// Of the root that the server's and the client's certificate are from.
    pub fn root_key(&self) -> PathBuf {
        data("rsa-2048-ca.key")
    }

    pub fn server_key(&self) -> PathBuf {
        data("rsa-2048.key")
    }

    pub fn client_key(&self) -> PathBuf {
        data("rsa-2048-client.key")
    }

    pub fn ocsp_response(&self) -> PathBuf {
        self.path("response.der")
    }

    /// A configuration of OpenSSL's.
    pub fn openssl_without_ems(&self) -> PathBuf {
        self.path("without-ems.cnf")
    }

    /// A configuration of OpenSSL's.
    pub fn openssl_without_etm(&self) -> PathBuf {
        self.path("without-etm.cnf")
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.directory.root().join(name)
    }

    /// Writes a file, in one step for whoever reads one of this name: trials run side by side.
    pub fn write(&self, name: &str, content: &[u8]) -> PathBuf {
        static WRITTEN: AtomicU32 = AtomicU32::new(0);
        let number = WRITTEN.fetch_add(1, Ordering::Relaxed);
        let path = self.directory.root().join(name);
        let written = self.directory.write(&format!("{name}.{number}"), content);
        fs::rename(written, &path).unwrap();
        path
    }
}

/// A root that only those know who are told.
pub fn other_root() -> Authority {
    Authority::new("CN=Other Root", pki::key("rsa-3072"))
}
