//! A directory of a test's own, for the files that programs from outside are given.

use crate::pki::{Spec, to_pem};
use crate::{data, lasting};
use std::fs;
use std::path::{Path, PathBuf};

/// An empty directory, removed when this is dropped.
pub struct Directory(PathBuf);

impl Directory {
    /// The name is the test's.
    #[track_caller]
    pub fn create(test: &str) -> Self {
        let name = format!("premaster-{test}-{}", std::process::id());
        let path = std::env::temp_dir().join(name);
        fs::create_dir(&path).unwrap();
        Self(path)
    }

    /// Its own path.
    pub fn root(&self) -> &Path {
        &self.0
    }

    /// The path of a file in it, as programs take it.
    pub fn path(&self, name: &str) -> String {
        self.0.join(name).to_str().unwrap().to_owned()
    }

    pub fn write(&self, name: &str, content: impl AsRef<[u8]>) -> String {
        let path = self.path(name);
        fs::write(&path, content).unwrap();
        path
    }

    /// A file with this certificate.
    pub fn certificate(&self, name: &str, spec: &Spec) -> String {
        self.write(name, to_pem("CERTIFICATE", &spec.build()))
    }

    /// The arguments for this certificate and its key, which is one of tests/data.
    pub fn pair(&self, name: &str, spec: &Spec, key: &str) -> [String; 4] {
        let cert = self.certificate(name, spec);
        let key = data(&format!("{key}.key")).to_str().unwrap().to_owned();
        ["--cert".to_owned(), cert, "--key".to_owned(), key]
    }

    /// Those of the server's certificate.
    pub fn server(&self, spec: &Spec) -> [String; 4] {
        self.pair("server", spec, "rsa-2048")
    }

    /// Those of the client's.
    pub fn client(&self, spec: &Spec) -> [String; 4] {
        self.pair("client", spec, "rsa-2048-client")
    }

    /// The test root, with a long life.
    pub fn test_root(&self) -> String {
        self.certificate("root", &lasting::root())
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        // What is left over in a temporary directory fails no test.
        let _ = fs::remove_dir_all(&self.0);
    }
}
