//! What the outside programs read: certificates and keys as files.

use crate::lasting;
use premaster::CertifiedKey;
use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

/// A directory of its own, removed when this is dropped, and the identities in it.
pub struct Files {
    directory: PathBuf,
    pub server: Arc<CertifiedKey>,
    pub client: Arc<CertifiedKey>,
}

impl Files {
    pub fn create() -> Self {
        let directory =
            std::env::temp_dir().join(format!("premaster-interop-{}", std::process::id()));
        fs::create_dir(&directory).unwrap();
        let (server, client) = (lasting::server(), lasting::client());
        let files = Self {
            directory,
            server: server.certified(&crate::common::pki::key("rsa-2048")),
            client: client.certified(&crate::common::pki::key("rsa-2048-client")),
        };
        for (name, spec) in [
            ("root.pem", lasting::root()),
            ("server.pem", server),
            ("client.pem", client),
        ] {
            files.write(name, lasting::pem(&spec).as_bytes());
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

    pub fn server_key(&self) -> PathBuf {
        data("rsa-2048.key")
    }

    pub fn client_key(&self) -> PathBuf {
        data("rsa-2048-client.key")
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.directory.join(name)
    }

    pub fn write(&self, name: &str, content: &[u8]) -> PathBuf {
        let path = self.path(name);
        fs::write(&path, content).unwrap();
        path
    }
}

impl Drop for Files {
    fn drop(&mut self) {
        // What is left over in a temporary directory fails no test.
        let _ = fs::remove_dir_all(&self.directory);
    }
}

fn data(name: &str) -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), "tests", "data", name]
        .iter()
        .collect()
}
