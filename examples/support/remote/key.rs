//! The server's end: a private key in another process.

use super::wire::{self, MAX_DATA, Operation, Refusal, Request};
use premaster::error::KeyError;
use premaster::private_key::KeyRng;
use premaster::protocol::SignatureScheme;
use premaster::{KeyId, PrivateKey};
use std::io::{self, ErrorKind};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use zeroize::Zeroizing;

/// A private key that a signer holds, behind a Unix socket.
///
/// Threads may use it at the same time; each use has a connection to itself, and a few of them are
/// kept for the next use. After a restart of the signer it reconnects. Without a signer each
/// handshake fails at once.
pub struct RemoteKey {
    id: KeyId,
    signer: PathBuf,
    /// Connections that are not in use.
    idle: Mutex<Vec<UnixStream>>,
    /// Receives a line for each request: what passed and how long it took, or why it failed.
    log: fn(&str),
}

impl RemoteKey {
    /// How many connections are kept.
    const MAX_IDLE: usize = 8;

    /// How long the signer may take to take a request, and to answer it.
    const PATIENCE: Duration = Duration::from_secs(2);

    /// The key with this SPKI fingerprint, at the signer on this socket. Connects when it is
    /// needed.
    pub fn at(signer: PathBuf, id: KeyId, log: fn(&str)) -> Self {
        Self {
            id,
            signer,
            idle: Mutex::default(),
            log,
        }
    }

    /// Has concatenated ciphertexts decrypted, and returns the raw RSA results, with their padding.
    pub fn decrypt_raw(&self, ciphertexts: &[u8]) -> io::Result<Zeroizing<Vec<u8>>> {
        let integers = self.ask(Operation::Decrypt, ciphertexts)?;
        if integers.len() == ciphertexts.len() {
            Ok(integers)
        } else {
            Err(ErrorKind::InvalidData.into())
        }
    }

    fn ask(&self, operation: Operation, data: &[u8]) -> io::Result<Zeroizing<Vec<u8>>> {
        let request = Request {
            key_id: self.id,
            operation,
            data,
        };
        let start = Instant::now();
        let result = self.exchange(&request);
        let took = start.elapsed().as_secs_f64() * 1000.0;
        let what = match operation {
            Operation::Decrypt => "decrypt",
            Operation::Sign(_) => "sign",
        };
        (self.log)(&match &result {
            Ok(answer) => format!(
                "asked the signer to {what} {} bytes with key {:.16}..: {} bytes in {took:.2} ms",
                data.len(),
                self.id.to_string(),
                answer.len(),
            ),
            Err(error) => format!("the signer failed to {what}: {error}"),
        });
        result
    }

    fn exchange(&self, request: &Request<'_>) -> io::Result<Zeroizing<Vec<u8>>> {
        if request.data.len() > MAX_DATA {
            return Err(io::Error::other("the request is too long"));
        }
        let answer = self.exchange_bytes(&request.encode())?;
        match wire::decode_answer(&answer) {
            Some(Ok(data)) => Ok(data),
            Some(Err(Refusal::OtherKey)) => Err(io::Error::other("it has another key")),
            Some(Err(Refusal::Unusable)) => Err(io::Error::other("its key does not support this")),
            None => Err(ErrorKind::InvalidData.into()),
        }
    }

    /// Asks over a kept connection or, if there is none or it broke, over a new one.
    fn exchange_bytes(&self, request: &[u8]) -> io::Result<Zeroizing<Vec<u8>>> {
        let kept = self.idle().pop();
        if let Some(connection) = kept {
            match self.exchange_over(connection, request) {
                // The signer ended meanwhile, and another may be there.
                Err(error) if is_broken(&error) => self.idle().clear(),
                result => return result,
            }
        }
        self.exchange_over(self.connect()?, request)
    }

    fn exchange_over(
        &self,
        mut connection: UnixStream,
        request: &[u8],
    ) -> io::Result<Zeroizing<Vec<u8>>> {
        wire::write(&mut connection, request)?;
        let answer = wire::read(&mut connection)?.ok_or(ErrorKind::UnexpectedEof)?;
        let mut idle = self.idle();
        if idle.len() < Self::MAX_IDLE {
            idle.push(connection);
        }
        Ok(answer)
    }

    /// There is no timeout for this: a Unix socket accepts or refuses a connection at once, as long
    /// as the signer's backlog has room.
    fn connect(&self) -> io::Result<UnixStream> {
        let connection = UnixStream::connect(&self.signer)?;
        connection.set_read_timeout(Some(Self::PATIENCE))?;
        connection.set_write_timeout(Some(Self::PATIENCE))?;
        Ok(connection)
    }

    fn idle(&self) -> MutexGuard<'_, Vec<UnixStream>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Returns true if the signer closed the connection.
fn is_broken(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::UnexpectedEof | ErrorKind::BrokenPipe | ErrorKind::ConnectionReset
    )
}

/// The signer blinds, so it draws the randomness itself.
impl PrivateKey for RemoteKey {
    fn key_id(&self) -> KeyId {
        self.id
    }

    fn decrypt(
        &self,
        ciphertexts: &[u8],
        integers: &mut [u8],
        _rng: &mut KeyRng<'_>,
    ) -> Result<(), KeyError> {
        let results = self.decrypt_raw(ciphertexts).map_err(|_| KeyError)?;
        integers.copy_from_slice(&results);
        Ok(())
    }

    fn sign(
        &self,
        scheme: SignatureScheme,
        message: &[u8],
        _rng: &mut KeyRng<'_>,
    ) -> Result<Vec<u8>, KeyError> {
        let signature = self.ask(Operation::Sign(scheme), message);
        Ok(signature.map_err(|_| KeyError)?.to_vec())
    }
}
