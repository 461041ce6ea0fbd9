//! Signers, and servers without the key.

use super::*;
use crate::remote_key::RemoteKey;
use crate::wire::{Operation, Request};
use premaster::private_key::DecryptBatch;
use premaster::protocol::SignatureScheme;
use premaster::{CertifiedKey, ClientAuth, KeyId};
use premaster_testing::{client_certified, rng, roots, server_builder};
use std::fs::Permissions;
use std::io::ErrorKind;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::time::Instant;

/// A signer with this key, which it is given over a pipe.
#[track_caller]
fn signer(socket: &str, key: &str) -> Program {
    let mut command = example("remote_key");
    command.args(["signer", "--until-eof", "--key", "-", "--socket", socket]);
    let mut signer = Program::start(&mut command);
    signer.write(&fs::read(data(key)).unwrap());
    assert_eq!(signer.read_line(), format!("LISTENING {socket}"));
    signer
}

/// A server with the certificate for localhost whose key is at that signer.
fn server(socket: &str, options: &[&str]) -> (Program, String) {
    let mut command = example("remote_key");
    command
        .args(["server", "--until-eof", "--listen", "127.0.0.1:0"])
        .args(["--cert", &data("leaf-2048.pem"), "--socket", socket])
        .args(options);
    let mut server = Program::start(&mut command);
    let address = address_of(&mut server);
    (server, address)
}

/// A directory as signers require it.
fn private_directory(test: &str) -> Directory {
    let directory = Directory::create(test);
    fs::set_permissions(directory.root(), Permissions::from_mode(0o700)).unwrap();
    directory
}

#[test]
fn everything_is_shown() {
    let ended = Program::start(&mut example("remote_key")).wait();
    let exchange = [
        "   client: a full handshake in ",
        "   server: asked the signer to decrypt 256 bytes with key ",
        "   signer: decrypted 1 in ",
        "   client: received \"I am process ",
    ];
    let without_signer = [
        "   server: the signer failed to decrypt: ",
        "   client: the server sent the alert bad_record_mac",
    ];
    let parts = [
        &["no forward secrecy", "1  A key", "2  The signer runs"][..],
        &["3  A server runs", "certificate.pem, signer."],
        &exchange,
        &["4  A server runs"],
        &exchange,
        &["5  The signer was killed"],
        &without_signer,
        &without_signer,
        &["6  A new signer runs"],
        &exchange,
        &exchange,
        &["have stopped as requested."],
    ];
    assert_shows(&ended, &parts.concat());
    assert!(ended.stderr.is_empty(), "{ended:?}");
}

/// The server has the certificate and the socket; there is no file with the key.
#[test]
fn a_server_works_without_the_key_while_there_is_a_signer() {
    let directory = private_directory("signer");
    let socket = directory.path("signer");
    let first = signer(&socket, "rsa-2048.key");
    let mode = fs::metadata(&socket).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let servers = [&[][..], &["--pause"]].map(|options| server(&socket, options));
    let all_work = || {
        for (server, address) in &servers {
            let expected = format!(
                "I am process {}; my private key is in another process.\n",
                server.id()
            );
            assert_eq!(hear(address).unwrap(), expected);
        }
    };
    all_work();

    terminate(&first);
    assert_eq!(first.wait().status.code(), Some(0));
    assert_eq!(fs::read_dir(directory.root()).unwrap().count(), 0);
    for (_, address) in &servers {
        let error = hear(address).unwrap_err().downcast::<Error>().unwrap();
        let alert = AlertDescription::BAD_RECORD_MAC;
        assert_eq!(error.alert_received(), Some(alert));
    }
    // One with another key is as good as none.
    let other = signer(&socket, "rsa-2048-client.key");
    assert!(hear(&servers[0].1).is_err());
    drop(other);

    let mut second = signer(&socket, "rsa-2048.key");
    all_work();
    second.close_stdin();
    assert_eq!(second.wait().status.code(), Some(0));
    for (mut server, _) in servers {
        server.close_stdin();
        assert_eq!(server.wait().status.code(), Some(0));
    }
    assert_eq!(fs::read_dir(directory.root()).unwrap().count(), 0);
}

/// The key of this certificate, at that signer.
fn remote_key(socket: &str, of: &CertifiedKey) -> Arc<RemoteKey> {
    Arc::new(RemoteKey::at(socket.into(), of.key_id(), |_| ()))
}

#[test]
fn a_signer_decrypts_several_at_once() {
    let directory = private_directory("batch");
    let socket = directory.path("signer");
    let _signer = signer(&socket, "rsa-2048.key");
    let mut batch = DecryptBatch::new();
    for _ in 0..3 {
        let server = server_builder_with(certified(2048)).offload_decryption();
        let mut pair = pair(client_builder(), server);
        pair.run(Chunks::Whole).unwrap();
        batch.push(pair.server.job(), pair);
    }
    let key = remote_key(&socket, &certified(2048));
    let answers = batch.decrypt_with_rng(|_| Some(&key), rng(3));
    assert_eq!(answers.len(), 3);
    for (mut pair, answer) in answers {
        pair.server.resume(answer).unwrap();
        pair.established();
    }
}

#[test]
fn a_client_signs_by_a_signer() {
    let directory = private_directory("sign");
    let socket = directory.path("signer");
    let _signer = signer(&socket, "rsa-2048-client.key");
    let local = client_certified();
    let chain = local.chain().to_vec();
    let certified = CertifiedKey::with_key(chain, remote_key(&socket, &local)).unwrap();
    let client = client_builder().certificate(Arc::new(certified));
    let server = server_builder().client_auth(ClientAuth::Require(roots().into()));
    let pair = pair(client, server).established();
    let session = pair.server.connection.session().unwrap();
    assert_eq!(session.peer_certificates(), local.chain());
}

#[test]
fn a_signer_refuses_what_it_cannot_do_and_goes_on() {
    let directory = private_directory("refuse");
    let socket = directory.path("signer");
    let _signer = signer(&socket, "rsa-2048.key");
    let own = certified(2048).key_id();
    let request = |key_id: KeyId, operation, data: &[u8]| {
        let request = Request {
            key_id,
            operation,
            data,
        };
        request.encode()
    };
    let other = KeyId::from_bytes([7; 32]);
    let no_scheme = Operation::Sign(SignatureScheme(0));
    let unknown = [&[9], &request(own, Operation::Decrypt, &[0; 256])[1..]].concat();
    for (request, answer) in [
        (
            &request(other, Operation::Decrypt, &[0; 256]),
            Some(&[1][..]),
        ),
        (&request(own, Operation::Decrypt, &[0; 255]), Some(&[2])),
        (&request(own, no_scheme, b"message"), Some(&[2])),
        (&unknown, None),
        (&vec![], None),
        (&vec![0; 1 << 20], None),
    ] {
        let mut stream = UnixStream::connect(&socket).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        // One that is too long is not read to its end.
        let _ = wire::write(&mut stream, request);
        let read = match wire::read(&mut stream) {
            Err(error) if error.kind() == ErrorKind::ConnectionReset => None,
            read => read.unwrap(),
        };
        assert_eq!(read.as_deref().map(|read| &read[..]), answer);
    }
    // Zero, and what is not below the modulus, is not the encryption of anything: it stays zero.
    let neither = [[0; 256], [0xff; 256]].concat();
    let raw = remote_key(&socket, &certified(2048)).decrypt_raw(&neither);
    assert_eq!(*raw.unwrap(), [0; 512]);
}

#[test]
fn a_signer_that_hung_up_is_asked_again_once() {
    let directory = private_directory("again");
    let socket = directory.path("signer");
    let listener = UnixListener::bind(&socket).unwrap();
    let signer = thread::spawn(move || {
        for answers in [true, false] {
            let (mut stream, _) = listener.accept().unwrap();
            wire::read(&mut stream).unwrap().unwrap();
            if answers {
                let answer = wire::encode_answer(&Ok(vec![7; 256].into()));
                wire::write(&mut stream, &answer).unwrap();
            }
        }
    });
    let key = remote_key(&socket, &certified(2048));
    assert_eq!(*key.decrypt_raw(&[0; 256]).unwrap(), [7; 256]);
    assert!(key.decrypt_raw(&[0; 256]).is_err());
    // It does not wait for ever for one that was not made.
    drop(UnixStream::connect(&socket));
    signer.join().unwrap();
}

#[test]
fn a_signer_that_is_silent_or_gone_is_not_waited_for() {
    let directory = private_directory("silent");
    let silent = directory.path("silent");
    let _listener = UnixListener::bind(&silent).unwrap();
    let start = Instant::now();
    for socket in [silent, directory.path("none")] {
        let key = remote_key(&socket, &certified(2048));
        assert!(key.decrypt_raw(&[0; 256]).is_err());
        assert!(key.decrypt_raw(&vec![0; wire::MAX_DATA + 1]).is_err());
    }
    assert!(start.elapsed() < PATIENCE);
}

#[test]
fn a_signer_does_not_start_where_others_are() {
    let directory = private_directory("place");
    let [socket, file, key] = ["signer", "file", "key"].map(|name| directory.path(name));
    let _first = signer(&socket, "rsa-2048.key");
    fs::write(&file, "content").unwrap();
    fs::copy(data("rsa-2048.key"), &key).unwrap();
    for (socket, directory_mode, key_mode, cause) in [
        (&socket, 0o700, 0o600, "in use"),
        (&file, 0o700, 0o600, "in use"),
        (&directory.path("new"), 0o710, 0o600, "mode 0710"),
        (&directory.path("new"), 0o700, 0o640, "mode 0640"),
        (&directory.path("no such/new"), 0o700, 0o600, "No such"),
    ] {
        for (path, mode) in [(&directory.path("."), directory_mode), (&key, key_mode)] {
            fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
        }
        let mut command = example("remote_key");
        command.args(["signer", "--key", &key, "--socket", socket]);
        let ended = Program::start(&mut command).wait();
        assert_eq!(ended.status.code(), Some(1), "{ended:?}");
        let told = entries(&ended.stderr).join("\n");
        assert!(told.contains(cause), "{cause}: {ended:?}");
    }
    assert_eq!(fs::read_to_string(&file).unwrap(), "content");
    let first = remote_key(&socket, &certified(2048));
    assert!(first.decrypt_raw(&[0; 256]).is_ok());
}
