//! The suites that are used only if they are named: CBC with both orders of MAC, and CCM.

use crate::client::session_with;
use crate::files::Files;
use crate::openssl::OpenSsl;
use crate::peer::{Offer, Peer, Settings};
use crate::{NAMED_SUITES, Trials, client, server};
use premaster::CipherSuite;
use premaster_testing::client_builder;

pub fn add_trials(peer: &'static dyn Peer, trials: &mut Trials) {
    for suite in NAMED_SUITES {
        let offers = [Offer::Suite(suite), Offer::MacThenEncrypt(suite)];
        let count = if is_cbc(suite) { 2 } else { 1 };
        for (offer, order) in offers.into_iter().zip(["", "::mac_then_encrypt"]).take(count) {
            let name = format!("{}::client::mebibyte::{suite}{order}", peer.name());
            trials.add(peer.server(), name, move |files| {
                client::mebibyte(peer, files, suite, offer);
            });
            let name = format!("{}::server::mebibyte::{suite}{order}", peer.name());
            trials.add(peer.client(), name, move |files| {
                server::mebibyte(peer, files, suite, offer);
            });
        }
    }
}

pub fn add_openssl_trials(trials: &mut Trials) {
    let name = "openssl::client::old_server".to_owned();
    trials.add(OpenSsl.server(), name, old_server);
}

pub fn is_cbc(suite: CipherSuite) -> bool {
    suite.to_string().contains("_CBC_")
}

/// What a connection with this offer of the peer's comes to, our side having the defaults.
pub fn encrypts_first(suite: CipherSuite, offer: Offer) -> bool {
    is_cbc(suite) && !matches!(offer, Offer::MacThenEncrypt(_))
}

/// A server that prefers CBC over what else it has, as servers did that were set up long ago.
fn old_server(files: &Files) {
    let preferred = CipherSuite::TLS_RSA_WITH_AES_128_CBC_SHA;
    let settings = Settings::offer(Offer::MacThenEncrypt(preferred));
    let command = |port| {
        let mut command = OpenSsl.server_command(port, settings, files);
        command.args([
            "-serverpref",
            "-cipher",
            "AES128-SHA:AES256-SHA:AES256-GCM-SHA384",
        ]);
        command
    };
    let stream = session_with(&OpenSsl, command, client_builder().legacy_cbc());
    let session = stream.connection().session().unwrap();
    assert_eq!(session.cipher_suite(), preferred);
    assert!(!session.encrypt_then_mac());
}
