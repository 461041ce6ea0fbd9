//! Where roots come from: PEM, Mozilla, the operating system.

use premaster::error::{FileContents, FileItem, PemFault};
use premaster::{ConfigError, RootStore};
use premaster_testing::{client_builder, pki, server_builder};

fn root_pem() -> String {
    pki::to_pem("CERTIFICATE", &pki::root().build())
}

#[test]
fn roots_are_read_from_pem_among_other_things() {
    let other = pki::to_pem("X509 CRL", &[0x30, 0]);
    let text = format!("Subject: CN=Test Root\n{}{other}{}", root_pem(), root_pem());
    assert!(!RootStore::from_pem(text.as_bytes()).unwrap().is_empty());
    let none = |items: &[FileItem]| ConfigError::NoCertificateFound {
        found: FileContents::from_iter(items.iter().copied()),
    };
    for (text, error) in [
        (String::new(), none(&[])),
        ("no PEM".to_owned(), none(&[FileItem::PlainText])),
        (other, none(&[FileItem::Crl])),
        (
            root_pem() + &pki::to_pem("CERTIFICATE", &[0x30, 0]),
            ConfigError::BadItem {
                position: 2,
                item: FileItem::Certificate,
            },
        ),
        (
            "-----BEGIN CERTIFICATE-----\n!".to_owned(),
            ConfigError::BadPem {
                line: 1,
                fault: PemFault::NoEnd,
            },
        ),
    ] {
        assert_eq!(
            RootStore::from_pem(text.as_bytes()).unwrap_err(),
            error,
            "{text}"
        );
    }
}

/// Nobody in the real world vouches for the tests' server.
#[cfg(feature = "webpki-roots")]
#[test]
fn mozillas_roots_are_many_and_not_the_tests() {
    use premaster::ClientConfig;
    use premaster::error::CertificateFault;
    use premaster_testing::name;
    use premaster_testing::pair::{Chunks, Pair};
    use std::sync::Arc;
    let client =
        ClientConfig::builder(RootStore::mozilla()).time_provider(premaster_testing::now).build();
    let server = Arc::new(server_builder().build().unwrap());
    let mut pair = Pair::new(Arc::new(client.unwrap()), server, name());
    let fault = premaster_testing::fault(pair.run(Chunks::Whole));
    assert!(matches!(fault, CertificateFault::UnknownIssuer { .. }));
}

#[cfg(feature = "rustls-native-certs")]
mod platform {
    use super::*;
    use premaster::ClientConfig;
    use premaster_testing::name;
    use premaster_testing::pair::Pair;
    use std::process::Command;
    use std::sync::Arc;

    /// Runs one of the ignored tests below in a process whose roots are in this file.
    #[track_caller]
    fn run_with_roots(test: &str, text: &str) {
        let file =
            std::env::temp_dir().join(format!("premaster-{test}-{}.pem", std::process::id()));
        std::fs::write(&file, text).unwrap();
        let status = Command::new(std::env::current_exe().unwrap())
            .args(["--ignored", "--exact", &format!("roots::platform::{test}")])
            .env("SSL_CERT_FILE", &file)
            .env_remove("SSL_CERT_DIR")
            .output()
            .unwrap();
        std::fs::remove_file(&file).unwrap();
        let out = String::from_utf8_lossy(&status.stdout);
        assert!(status.status.success() && out.contains("1 passed"), "{out}");
    }

    #[test]
    fn the_platforms_roots_are_those_of_its_file() {
        let unreadable = pki::to_pem("CERTIFICATE", &[0x30, 0]);
        run_with_roots(
            "a_server_of_the_platforms_root",
            &(unreadable + &root_pem()),
        );
        run_with_roots("a_platform_without_roots", "");
    }

    #[test]
    #[ignore = "run by the test above, in a process of its own"]
    fn a_server_of_the_platforms_root() {
        let client = ClientConfig::builder(RootStore::platform().unwrap())
            .time_provider(premaster_testing::now)
            .build();
        let server = Arc::new(server_builder().build().unwrap());
        Pair::new(Arc::new(client.unwrap()), server, name()).established();
    }

    #[test]
    #[ignore = "run by the test above, in a process of its own"]
    fn a_platform_without_roots() {
        assert_eq!(RootStore::platform().unwrap_err(), ConfigError::NoRoots);
    }
}

#[test]
fn the_tests_own_root_is_one() {
    let roots = RootStore::from_pem(root_pem().as_bytes()).unwrap();
    let client = premaster::ClientConfig::builder(roots)
        .rng(premaster_testing::rng(1))
        .time_provider(premaster_testing::now);
    premaster_testing::pair(client, server_builder()).established();
    premaster_testing::pair(client_builder(), server_builder()).established();
}
