//! We are the client, the program is the server.

use crate::exchange::{
    Echo, LONG, SHORT, echo, expect_close, expect_failure, expect_success, greet, hang_up,
};
use crate::files::{Files, OCSP_RESPONSE};
use crate::peer::{Extension, Missing, Offer, Peer, Settings, Tls, connect, connect_to};
use crate::suites::encrypts_first;
use crate::{SIGNATURE_SCHEMES, SUITES, Trials};
use premaster::error::{Moment, Told};
use premaster::protocol::MaxFragmentLength;
use premaster::{CipherSuite, ClientConfigBuilder, Error};
use premaster_testing::client_builder;
use premaster_testing::program::Program;
use std::process::Command;

pub fn add_trials(peer: &'static dyn Peer, trials: &mut Trials) {
    let program = peer.server();
    let at = format!("{}::client", peer.name());

    for suite in SUITES {
        trials.add(program, format!("{at}::mebibyte::{suite}"), move |files| {
            mebibyte(peer, files, suite, Offer::Suite(suite));
        });
    }
    trials.add(program, format!("{at}::defaults"), |files| {
        session(peer, files, Settings::offer(Offer::Defaults));
    });
    for scheme in SIGNATURE_SCHEMES {
        let settings = Settings::offer(Offer::Signature(scheme)).with_client_certificate();
        trials.add(
            program,
            format!("{at}::certificate::{scheme}"),
            move |files| {
                session(peer, files, settings);
            },
        );
    }
    let requested = Settings::offer(Offer::Defaults).with_requested_certificate();
    trials.add(
        program,
        format!("{at}::certificate::requested"),
        move |files| {
            session(peer, files, requested);
        },
    );
    trials.add(
        program,
        format!("{at}::certificate::declined"),
        move |files| {
            session_of(peer, files, requested, client_builder());
        },
    );
    trials.add(program, format!("{at}::certificate::chosen"), |files| {
        certificate_chosen(peer, files);
    });
    for &extension in peer.server_extensions() {
        let name = format!("{at}::extension::{}", extension.name());
        trials.add(program, name, move |files| {
            granted(peer, files, extension);
        });
    }
    for (name, settings, missing) in [
        (
            "certificate::missing",
            Settings::offer(Offer::Defaults).with_client_certificate(),
            Missing::Certificate,
        ),
        (
            "only_ephemeral_keys",
            Settings::offer(Offer::Ephemeral),
            Missing::Suite,
        ),
        // TLS 1.1 has no AEAD suites.
        ("only_tls11", Settings::offer(Offer::Tls11), Missing::Suite),
        (
            "only_tls13",
            Settings::offer(Offer::Tls13),
            Missing::Version,
        ),
    ] {
        trials.add(program, format!("{at}::{name}"), move |files| {
            refused(peer, files, settings, missing);
        });
    }
}

pub fn mebibyte(peer: &dyn Peer, files: &Files, suite: CipherSuite, offer: Offer) {
    let client = client_builder().suites(&[suite]);
    let (mut stream, mut program) = connect(peer, Settings::offer(offer), files, client);
    echo(&mut stream, &mut program, who_echoes(peer), LONG);
    let session = stream.connection().session().unwrap();
    assert_eq!(session.cipher_suite(), suite);
    assert_eq!(session.encrypt_then_mac(), encrypts_first(suite, offer));
    assert!(session.secure_renegotiation());
    close(peer, &mut stream, program);
}

/// A short connection, our certificate at hand for a server that asks for it.
fn session(peer: &dyn Peer, files: &Files, settings: Settings) {
    let config = client_builder().certificate(files.client.clone());
    session_of(peer, files, settings, config);
}

fn session_of(peer: &dyn Peer, files: &Files, settings: Settings, config: ClientConfigBuilder) {
    session_with(
        peer,
        |port| peer.server_command(port, settings, files),
        config,
    );
}

/// A short connection with this server of the peer's.
pub fn session_with(
    peer: &dyn Peer,
    command: impl Fn(u16) -> Command,
    config: ClientConfigBuilder,
) -> Tls {
    let (mut stream, mut program) = connect_to(command, config);
    echo(&mut stream, &mut program, who_echoes(peer), SHORT);
    close(peer, &mut stream, program);
    stream
}

/// The server accepts a certificate from the CA that it names; ours has another one before it.
fn certificate_chosen(peer: &dyn Peer, files: &Files) {
    let settings = Settings::offer(Offer::Defaults).with_client_certificate();
    let config =
        client_builder().certificate(files.foreign.clone()).certificate(files.client.clone());
    session_of(peer, files, settings, config);
}

/// We ask, and the server grants it.
#[track_caller]
fn granted(peer: &dyn Peer, files: &Files, extension: Extension) {
    /// In bytes, for what the server sends.
    const RECORD_SIZE_LIMIT: u16 = 600;

    let config = match extension {
        Extension::MaxFragmentLength => {
            client_builder().max_fragment_length(MaxFragmentLength::L512)
        }
        Extension::RecordSizeLimit => client_builder().record_size_limit(RECORD_SIZE_LIMIT),
        Extension::OcspResponse => client_builder().request_ocsp_response(),
    };
    let settings = Settings::offer(Offer::Suite(SUITES[0])).with_extension(extension);
    let (mut stream, mut program) = connect(peer, settings, files, config);
    match extension {
        Extension::OcspResponse => {
            greet(&mut stream, &mut program, who_echoes(peer));
        }
        Extension::MaxFragmentLength | Extension::RecordSizeLimit => {
            echo(&mut stream, &mut program, who_echoes(peer), SHORT);
        }
    }
    let session = stream.connection().session().unwrap();
    let lengths = (
        session.max_plaintext_sent(),
        session.max_plaintext_received(),
    );
    match extension {
        Extension::MaxFragmentLength => assert_eq!(lengths, (512, 512)),
        Extension::RecordSizeLimit => assert_eq!(lengths, (1 << 14, RECORD_SIZE_LIMIT.into())),
        Extension::OcspResponse => {
            assert_eq!(session.ocsp_response(), Some(&OCSP_RESPONSE[..]));
        }
    }
    close(peer, &mut stream, program);
}

/// The server requires what we do not have, and sends an alert.
#[track_caller]
fn refused(peer: &dyn Peer, files: &Files, settings: Settings, missing: Missing) {
    let (mut stream, _program) = connect(peer, settings, files, client_builder());
    let alert = peer.refusal(missing);
    let failure = expect_failure(&mut stream);
    assert_eq!(failure.alert_received(), Some(alert), "{failure}");
    let Error::AlertReceived { moment, .. } = &failure else {
        panic!("{failure}");
    };
    let told = moment.as_ref().and_then(Moment::told);
    let withheld = matches!(told, Some(Told::NoCertificate { .. }));
    assert_eq!(
        withheld,
        matches!(missing, Missing::Certificate),
        "{failure}"
    );
}

pub fn who_echoes(peer: &dyn Peer) -> Echo {
    if peer.server_echoes() {
        Echo::Program
    } else {
        Echo::Us
    }
}

/// We close, and the server agrees that this was the end.
fn close(peer: &dyn Peer, stream: &mut Tls, program: Program) {
    stream.close().unwrap();
    expect_close(stream);
    hang_up(stream);
    if peer.server_ends() {
        expect_success(program);
    }
}
