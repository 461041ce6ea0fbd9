//! The answers to pauses: by the configuration's key, in batches, by hand, and never.

use crate::common::{acceptor_of, connector, connector_of, until};
use premaster::certificate::CertificateQuestion;
use premaster::error::HandshakeTimedOut;
use premaster::error::KeyError;
use premaster::private_key::{DecryptPreMasterSecret, KeyId, KeyRng, SignCertificateVerify};
use premaster::protocol::SignatureScheme;
use premaster::tokio::{Answerer, Answering, BatchDecryption, TlsStream};
use premaster::{
    CertificatePolicy, CertifiedKey, ClientAuth, ClientConfig, PrivateKey, ServerConfigBuilder,
};
use premaster_testing::{
    certified, client_builder, client_certified, name, now, rng, roots, server_builder,
    server_builder_with,
};
use std::io::{self, ErrorKind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

fn key() -> Arc<dyn PrivateKey> {
    certified(2048).key().unwrap().clone()
}

fn without_key() -> ServerConfigBuilder {
    let chain = certified(2048).chain().to_vec();
    server_builder_with(Arc::new(CertifiedKey::without_key(chain).unwrap())).offload_decryption()
}

/// A key whose operations wait until the test opens the gate.
struct Gated {
    key: Arc<dyn PrivateKey>,
    open: Mutex<bool>,
    opened: Condvar,
    /// Decrypted ciphertexts of each call.
    calls: Mutex<Vec<usize>>,
    begun: AtomicUsize,
}

impl Gated {
    fn new(open: bool) -> Arc<Self> {
        Arc::new(Self {
            key: key(),
            open: Mutex::new(open),
            opened: Condvar::new(),
            calls: Mutex::default(),
            begun: AtomicUsize::new(0),
        })
    }

    fn open(&self) {
        *self.open.lock().unwrap() = true;
        self.opened.notify_all();
    }

    async fn begun(&self, calls: usize) {
        until(|| self.begun.load(Ordering::SeqCst) >= calls).await;
    }

    fn server(self: &Arc<Self>) -> ServerConfigBuilder {
        let chain = certified(2048).chain().to_vec();
        let certified = CertifiedKey::with_key(chain, self.clone()).unwrap();
        server_builder_with(Arc::new(certified)).offload_decryption()
    }
}

impl PrivateKey for Gated {
    fn key_id(&self) -> KeyId {
        self.key.key_id()
    }

    fn decrypt(&self, c: &[u8], m: &mut [u8], rng: &mut KeyRng<'_>) -> Result<(), KeyError> {
        self.begun.fetch_add(1, Ordering::SeqCst);
        let open = self.open.lock().unwrap();
        drop(self.opened.wait_while(open, |open| !*open).unwrap());
        self.calls.lock().unwrap().push(c.len() / 256);
        self.key.decrypt(c, m, rng)
    }

    fn sign(
        &self,
        scheme: SignatureScheme,
        message: &[u8],
        rng: &mut KeyRng<'_>,
    ) -> Result<Vec<u8>, KeyError> {
        self.key.sign(scheme, message, rng)
    }
}

/// A client that has sent its request and awaits the echo.
fn visit(transport: DuplexStream) -> JoinHandle<()> {
    tokio::spawn(async move {
        // One of its own: no session of another visit is offered.
        let mut stream = connector().connect(name(), transport).await.unwrap();
        stream.write_all(b"ping").await.unwrap();
        let mut answer = [0; 4];
        stream.read_exact(&mut answer).await.unwrap();
        assert_eq!(&answer, b"ping");
    })
}

async fn echo(mut stream: TlsStream<DuplexStream>) {
    let mut request = [0; 4];
    stream.read_exact(&mut request).await.unwrap();
    stream.write_all(&request).await.unwrap();
    stream.flush().await.unwrap();
}

#[tokio::test]
async fn the_own_key_is_used_on_a_thread_if_pauses_are_asked_for() {
    let key = Gated::new(false);
    let (client, server) = duplex(10_000);
    let client = visit(client);
    let mut accept = acceptor_of(key.server()).accept(server);
    // The runtime has one thread, and it is not the one that waits for the key.
    tokio::select! {
        _ = &mut accept => panic!("without the key"),
        () = key.begun(1) => {}
    }
    key.open();
    echo(accept.await.unwrap()).await;
    client.await.unwrap();
}

#[tokio::test]
async fn the_own_key_signs_for_a_client() {
    let client = client_builder().certificate(client_certified()).offload_signing();
    let server = server_builder().client_auth(ClientAuth::Require(roots().into()));
    let (to_server, to_client) = duplex(10_000);
    let connect = connector_of(client).connect(name(), to_server);
    let (client, server) = tokio::join!(connect, acceptor_of(server).accept(to_client));
    assert!(client.is_ok());
    let server = server.unwrap();
    let session = server.connection().session().unwrap();
    assert!(session.peer_certificate().is_some());
}

/// The panic of a key is that of its job alone.
#[tokio::test]
async fn a_key_that_panics_ends_its_own_handshake() {
    struct Panics(Arc<dyn PrivateKey>, AtomicUsize);

    impl PrivateKey for Panics {
        fn key_id(&self) -> KeyId {
            self.0.key_id()
        }

        fn decrypt(&self, c: &[u8], m: &mut [u8], rng: &mut KeyRng<'_>) -> Result<(), KeyError> {
            assert!(self.1.fetch_add(1, Ordering::SeqCst) > 0, "the first call");
            self.0.decrypt(c, m, rng)
        }

        fn sign(
            &self,
            _: SignatureScheme,
            _: &[u8],
            _: &mut KeyRng<'_>,
        ) -> Result<Vec<u8>, KeyError> {
            unreachable!()
        }
    }

    for batching in [false, true] {
        let key = Arc::new(Panics(key(), AtomicUsize::new(0)));
        let chain = certified(2048).chain().to_vec();
        let certified = CertifiedKey::with_key(chain, key.clone()).unwrap();
        let config = server_builder_with(Arc::new(certified)).offload_decryption();
        let mut acceptor = acceptor_of(config);
        if batching {
            let answerer = BatchDecryption::new([key as Arc<dyn PrivateKey>]);
            acceptor = acceptor.answerer(Arc::new(answerer.threads(1)));
        }
        let (client, server) = duplex(10_000);
        let (connected, accepted) =
            tokio::join!(connector().connect(name(), client), acceptor.accept(server));
        assert_eq!(accepted.unwrap_err().kind(), ErrorKind::Other);
        assert_eq!(connected.unwrap_err().kind(), ErrorKind::ConnectionAborted);

        let (client, server) = duplex(10_000);
        let client = visit(client);
        echo(acceptor.accept(server).await.unwrap()).await;
        client.await.unwrap();
    }
}

#[tokio::test]
async fn a_batch_is_what_has_come_while_the_key_was_busy() {
    let key = Gated::new(false);
    let answerer = BatchDecryption::new([key.clone() as Arc<dyn PrivateKey>]);
    let answerer = answerer.threads(1).batch(3);
    let text = format!("{answerer:?}");
    assert!(text.contains("waiting: 0"), "{text}");
    let acceptor = acceptor_of(without_key()).answerer(Arc::new(answerer.clone()));
    let mut visits = Vec::new();
    for visitor in 0..5 {
        let (client, server) = duplex(10_000);
        visits.push(visit(client));
        let accept = acceptor.accept(server);
        visits.push(tokio::spawn(
            async move { echo(accept.await.unwrap()).await },
        ));
        if visitor == 0 {
            key.begun(1).await;
        }
    }
    until(|| format!("{answerer:?}").contains("waiting: 4")).await;
    key.open();
    for visit in visits {
        visit.await.unwrap();
    }
    assert_eq!(*key.calls.lock().unwrap(), [1, 3, 1]);
}

#[tokio::test]
async fn a_batch_needs_the_right_key() {
    let other: Arc<dyn PrivateKey> = client_certified().key().unwrap().clone();
    let acceptor = acceptor_of(without_key()).answerer(Arc::new(BatchDecryption::new([other])));
    let (client, server) = duplex(10_000);
    let (client, server) =
        tokio::join!(connector().connect(name(), client), acceptor.accept(server));
    assert_eq!(server.unwrap_err().kind(), ErrorKind::NotFound);
    // The server gave up, and said so.
    assert_eq!(client.unwrap_err().kind(), ErrorKind::ConnectionAborted);
}

#[tokio::test]
async fn a_dropped_handshake_cancels_a_job_that_waits() {
    let key = Gated::new(false);
    let answerer = BatchDecryption::new([key.clone() as Arc<dyn PrivateKey>]).threads(1);
    let acceptor = acceptor_of(without_key()).answerer(Arc::new(answerer.clone()));
    let accept = |acceptor: &premaster::tokio::TlsAcceptor| {
        let (client, server) = duplex(10_000);
        let connect = connector().connect(name(), client);
        // It learns that the server has gone.
        let client = tokio::spawn(async move { connect.await.is_ok() });
        (client, tokio::spawn(acceptor.accept(server)))
    };
    let (first_client, first) = accept(&acceptor);
    key.begun(1).await;
    let others: Vec<_> = (0..3).map(|_| accept(&acceptor)).collect();
    until(|| format!("{answerer:?}").contains("waiting: 3")).await;
    // The running one is detached, the waiting ones are cancelled.
    first.abort();
    assert!(first.await.unwrap_err().is_cancelled());
    assert!(!first_client.await.unwrap());
    let mut remaining = Vec::new();
    for (index, (client, server)) in others.into_iter().enumerate() {
        if index == 1 {
            remaining.push((client, server));
        } else {
            server.abort();
            assert!(!client.await.unwrap());
        }
    }
    key.open();
    for (client, server) in remaining {
        assert!(client.await.unwrap());
        server.await.unwrap().unwrap();
    }
    assert_eq!(*key.calls.lock().unwrap(), [1, 1]);
}

/// Without an answerer: more handshakes than cores, of which those that wait are dropped.
#[tokio::test]
async fn a_dropped_handshake_gives_its_turn_to_the_next() {
    let key = Gated::new(false);
    let acceptor = acceptor_of(key.server());
    let cores = std::thread::available_parallelism().unwrap().get();
    let mut handshakes = Vec::new();
    for _ in 0..cores + 2 {
        let (client, server) = duplex(10_000);
        let connect = connector().connect(name(), client);
        let client = tokio::spawn(async move { connect.await.is_ok() });
        handshakes.push((client, tokio::spawn(acceptor.accept(server))));
    }
    // Other tests use the same permits, and give them back.
    key.begun(1).await;
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    for (client, server) in handshakes {
        server.abort();
        assert!(server.await.unwrap_err().is_cancelled());
        assert!(!client.await.unwrap());
    }
    key.open();
    let (client, server) = duplex(10_000);
    let client = visit(client);
    echo(acceptor.accept(server).await.unwrap()).await;
    client.await.unwrap();
    assert!(key.calls.lock().unwrap().len() <= cores + 1);
}

/// A client with all its pauses, by an answerer that takes its time.
#[tokio::test(start_paused = true)]
async fn an_answerer_may_take_its_time() {
    struct Slow(Arc<dyn PrivateKey>);

    impl Answerer for Slow {
        fn sign(&self, job: SignCertificateVerify) -> Answering<'_> {
            Box::pin(async move {
                tokio::time::sleep(Duration::from_secs(2)).await;
                Ok(job.sign_with_rng(&*self.0, rng(7)))
            })
        }

        fn verify(&self, question: CertificateQuestion) -> Answering<'_> {
            Box::pin(async move {
                tokio::time::sleep(Duration::from_secs(3)).await;
                let question = question.question();
                let verdict = question.verify(&CertificatePolicy::new(roots()), now());
                Ok(question.answer(verdict))
            })
        }
    }

    let client = ClientConfig::builder_with_caller_verification()
        .rng(rng(1))
        .time_provider(now)
        .certificate(client_certified())
        .offload_signing()
        .build()
        .unwrap();
    let slow = Slow(client_certified().key().unwrap().clone());
    let connector = premaster::tokio::TlsConnector::from(Arc::new(client)).answerer(Arc::new(slow));
    let server = server_builder().client_auth(ClientAuth::Require(roots().into()));
    let (to_server, to_client) = duplex(10_000);
    let connect = connector.connect(name(), to_server);
    let begun = tokio::time::Instant::now();
    let (client, server) = tokio::join!(connect, acceptor_of(server).accept(to_client));
    let (mut client, server) = (client.unwrap(), tokio::spawn(echo(server.unwrap())));
    assert!(begun.elapsed() >= Duration::from_secs(5));
    client.write_all(b"ping").await.unwrap();
    assert_eq!(client.read_u32().await.unwrap().to_be_bytes(), *b"ping");
    server.await.unwrap();
}

#[tokio::test]
async fn an_answerer_that_fails_ends_the_handshake() {
    struct Fails;

    impl Answerer for Fails {
        fn decrypt(&self, _: DecryptPreMasterSecret) -> Answering<'_> {
            Box::pin(async { Err(io::Error::new(ErrorKind::QuotaExceeded, "full")) })
        }
    }

    struct Nothing;

    impl Answerer for Nothing {}

    let acceptors = [
        (
            acceptor_of(without_key()).answerer(Arc::new(Fails)),
            ErrorKind::QuotaExceeded,
        ),
        (
            acceptor_of(without_key()).answerer(Arc::new(Nothing)),
            ErrorKind::Unsupported,
        ),
        (acceptor_of(without_key()), ErrorKind::Unsupported),
    ];
    for (acceptor, kind) in acceptors {
        let (client, server) = duplex(10_000);
        let (client, server) =
            tokio::join!(connector().connect(name(), client), acceptor.accept(server));
        assert_eq!(server.unwrap_err().kind(), kind);
        assert_eq!(client.unwrap_err().kind(), ErrorKind::ConnectionAborted);
    }
}

#[tokio::test]
async fn an_answer_to_another_question_is_an_error() {
    /// Answers each question with the answer to the one before.
    struct Mixed(Mutex<Option<DecryptPreMasterSecret>>);

    impl Answerer for Mixed {
        fn decrypt(&self, job: DecryptPreMasterSecret) -> Answering<'_> {
            let before = self.0.lock().unwrap().replace(job.clone());
            Box::pin(async move { Ok(before.unwrap_or(job).answer(None)) })
        }
    }

    let acceptor = acceptor_of(without_key()).answerer(Arc::new(Mixed(Mutex::default())));
    for kind in [ErrorKind::InvalidData, ErrorKind::NotConnected] {
        let (client, server) = duplex(10_000);
        let (client, server) =
            tokio::join!(connector().connect(name(), client), acceptor.accept(server));
        assert_eq!(server.unwrap_err().kind(), kind);
        assert!(client.is_err());
    }
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_never_comes_is_told_from_a_silent_peer() {
    /// Keeps the other end, so that its drop can be seen.
    struct Never(Mutex<Option<oneshot::Sender<()>>>);

    impl Answerer for Never {
        fn decrypt(&self, _: DecryptPreMasterSecret) -> Answering<'_> {
            let dropped = self.0.lock().unwrap().take();
            Box::pin(async move {
                let _dropped = dropped;
                std::future::pending().await
            })
        }
    }

    let (sender, receiver) = oneshot::channel();
    let acceptor = acceptor_of(without_key()).answerer(Arc::new(Never(Mutex::new(Some(sender)))));
    let (client, server) = duplex(10_000);
    let client = tokio::spawn(connector().without_deadline().connect(name(), client));
    let error = acceptor.accept(server).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TimedOut);
    let inner: &HandshakeTimedOut = error.get_ref().unwrap().downcast_ref().unwrap();
    assert!(inner.was_paused());
    assert!(receiver.await.is_err());
    let error = client.await.unwrap().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::UnexpectedEof);
}
