//! What passes between a [`RemoteKey`](super::key::RemoteKey) and its signer: one request, one
//! answer, and so on.
//!
//! Each is a length, four bytes in network order, and as many bytes:
//!
//! ```text
//! request: operation (1), key id (32), scheme (2), data
//!          operation 1 decrypts; the scheme is 0, the data is concatenated ciphertexts
//!          operation 2 signs; the data is the message
//! answer:  status (1), data
//!          status 0: done; the data is the raw RSA results, as long as the ciphertexts, or the
//!          signature
//!          status 1: the signer has another key; status 2: the key does not support this
//! ```

use premaster::KeyId;
use premaster::protocol::SignatureScheme;
use std::io::{self, ErrorKind, Read, Write};
use zeroize::Zeroizing;

/// The most data in a request or an answer: 512 ciphertexts of a 2048-bit key, or a handshake with
/// two long chains to be signed.
pub const MAX_DATA: usize = 128 * 1024;

/// The most that comes before the data.
const MAX_HEAD: usize = 1 + 32 + 2;

/// The operation of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    Decrypt,
    Sign(SignatureScheme),
}

#[derive(Debug)]
pub struct Request<'a> {
    pub key_id: KeyId,
    pub operation: Operation,
    pub data: &'a [u8],
}

impl<'a> Request<'a> {
    pub fn encode(&self) -> Vec<u8> {
        let (operation, SignatureScheme(scheme)) = match self.operation {
            Operation::Decrypt => (1, SignatureScheme(0)),
            Operation::Sign(scheme) => (2, scheme),
        };
        let key_id = self.key_id.as_bytes();
        [&[operation], &key_id[..], &scheme.to_be_bytes(), self.data].concat()
    }

    /// Returns `None` if the bytes are not a request.
    pub fn decode(bytes: &'a [u8]) -> Option<Self> {
        let (operation, rest) = bytes.split_first()?;
        let (key_id, rest) = rest.split_first_chunk()?;
        let (scheme, data) = rest.split_first_chunk()?;
        let operation = match (operation, u16::from_be_bytes(*scheme)) {
            (1, 0) => Operation::Decrypt,
            (2, scheme) => Operation::Sign(SignatureScheme(scheme)),
            _ => return None,
        };
        Some(Self {
            key_id: KeyId::from_bytes(*key_id),
            operation,
            data,
        })
    }
}

/// The answer to a request. The integers of a decryption are secret.
pub type Answer = Result<Zeroizing<Vec<u8>>, Refusal>;

/// Why the signer refused. It depends on the request alone, never on what is inside a
/// ciphertext.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    OtherKey = 1,
    Unusable = 2,
}

pub fn encode_answer(answer: &Answer) -> Zeroizing<Vec<u8>> {
    Zeroizing::new(match answer {
        Ok(data) => [&[0], &data[..]].concat(),
        Err(refusal) => vec![*refusal as u8],
    })
}

/// Returns `None` if the bytes are not an answer.
pub fn decode_answer(bytes: &[u8]) -> Option<Answer> {
    match bytes {
        [0, data @ ..] => Some(Ok(Zeroizing::new(data.to_vec()))),
        [1] => Some(Err(Refusal::OtherKey)),
        [2] => Some(Err(Refusal::Unusable)),
        _ => None,
    }
}

/// Writes a request or an answer.
pub fn write(stream: &mut impl Write, bytes: &[u8]) -> io::Result<()> {
    let length = u32::try_from(bytes.len()).map_err(io::Error::other)?;
    // At once: the reader is woken once.
    let framed = Zeroizing::new([&length.to_be_bytes(), bytes].concat());
    stream.write_all(&framed)
}

/// Reads a request or an answer; `None` at the end.
pub fn read(stream: &mut impl Read) -> io::Result<Option<Zeroizing<Vec<u8>>>> {
    let mut length = [0; 4];
    match stream.read_exact(&mut length) {
        Err(error) if error.kind() == ErrorKind::UnexpectedEof => return Ok(None),
        other => other?,
    }
    let length = u32::from_be_bytes(length) as usize;
    if length > MAX_HEAD + MAX_DATA {
        return Err(io::Error::new(ErrorKind::InvalidData, "too long"));
    }
    let mut bytes = Zeroizing::new(vec![0; length]);
    stream.read_exact(&mut bytes)?;
    Ok(Some(bytes))
}
