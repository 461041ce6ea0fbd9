//! A client's certificate is judged by the same rules, for what a client does.

use super::scene::sha256;
use premaster::certificate::ClientAuthorities;
use premaster::protocol::AlertDescription as Alert;
use premaster::{CertificatePolicy, ClientAuth};
use premaster_testing::pair::Chunks;
use premaster_testing::pki::{self, NOW, Spec};
use premaster_testing::wire::{record, said};
use premaster_testing::{client_builder, pair, roots, server_builder};
use x509_cert::ext::pkix::KeyUsages;

#[test]
fn a_clients_certificate_is_judged_as_well() {
    let key = pki::key("rsa-2048-client");
    let good = || pki::client(&key);
    let rows = [
        (
            Spec {
                not_after: NOW - 1,
                ..good()
            },
            Alert::CERTIFICATE_EXPIRED,
            "it expired on 2027-01-15T07:59:59Z; the current time is 2027-01-15T08:00:00Z \
             (CertificatePolicy::accept_outside_validity would accept it)",
        ),
        (
            Spec {
                issuer: "CN=Stranger",
                ..good()
            },
            Alert::UNKNOWN_CA,
            "its issuer, CN=Stranger, is not a configured root, and no certificate in the chain leads to one \
             (CN=Stranger as a root, or {pin} would accept it)",
        ),
        (
            Spec {
                extended_key_usage: Some(vec![pki::SERVER_AUTH]),
                ..good()
            },
            Alert::UNSUPPORTED_CERTIFICATE,
            "its extendedKeyUsage allows serverAuth; clientAuth is required \
             (CertificatePolicy::accept_other_extended_key_usage would accept it)",
        ),
        (
            Spec {
                key_usage: Some(KeyUsages::KeyEncipherment.into()),
                ..good()
            },
            Alert::UNSUPPORTED_CERTIFICATE,
            "its keyUsage allows Key Encipherment; digitalSignature is required",
        ),
    ];
    for (spec, alert, fault) in rows {
        // That a key may not encrypt is nothing to a client's.
        for policy in [
            CertificatePolicy::new(roots()),
            CertificatePolicy::new(roots()).accept_missing_key_encipherment(),
        ] {
            let mut pair = pair(
                client_builder().certificate(spec.certified(&key)),
                // A client of ours shows no certificate of a CA that is not named.
                server_builder()
                    .client_auth(ClientAuth::Request(policy))
                    .client_authorities(ClientAuthorities::None),
            );
            let error = pair.run(Chunks::Whole).unwrap_err();
            let id = "certificate 0 (CN=Test Client, serial 2a)";
            let sha256 = sha256(&spec.build()).map(|byte| format!("{byte:02x}")).concat();
            let pin = format!("CertificatePolicy::pin_certificate with SHA-256 {sha256}");
            let fault = fault.replace("{pin}", &pin);
            let text = format!("the peer's certificate was not accepted: {id}: {fault}");
            assert_eq!(error.to_string(), text);
            let told = said(&mut pair.server).pop().unwrap();
            assert_eq!(told, record(21, &[2, alert.0]));
        }
    }
}
