//! The two hashes that a suite's PRF and transcript use, and those of signatures.

use sha1::Sha1;
use sha2::{Digest, Sha256, Sha384, Sha512};

/// The hash of a suite ([RFC 5288 section 3](https://www.rfc-editor.org/rfc/rfc5288#section-3)).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum HashAlgorithm {
    Sha256,
    Sha384,
}

/// A running hash.
#[derive(Clone, Debug)]
pub(crate) enum Hasher {
    Sha256(Sha256),
    Sha384(Sha384),
}

impl Hasher {
    pub(crate) fn new(algorithm: HashAlgorithm) -> Self {
        match algorithm {
            HashAlgorithm::Sha256 => Self::Sha256(Sha256::new()),
            HashAlgorithm::Sha384 => Self::Sha384(Sha384::new()),
        }
    }

    pub(crate) fn update(&mut self, bytes: &[u8]) {
        match self {
            Self::Sha256(hasher) => hasher.update(bytes),
            Self::Sha384(hasher) => hasher.update(bytes),
        }
    }

    pub(crate) fn finish(self) -> HashValue {
        match self {
            Self::Sha256(hasher) => HashValue::new(&hasher.finalize()),
            Self::Sha384(hasher) => HashValue::new(&hasher.finalize()),
        }
    }
}

/// A finished hash of 32 or 48 bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct HashValue {
    bytes: [u8; 48],
    length: usize,
}

impl HashValue {
    pub(crate) fn new(value: &[u8]) -> Self {
        let mut bytes = [0; 48];
        for (to, from) in bytes.iter_mut().zip(value) {
            *to = *from;
        }
        Self {
            bytes,
            length: value.len(),
        }
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        self.bytes.get(..self.length).unwrap_or(&self.bytes)
    }
}

/// A hash that signatures are made of. SHA-1 is for those who ask for it.
#[derive(Clone, Copy, Debug)]
pub(crate) enum SignatureHash {
    Sha1,
    Sha256,
    Sha384,
    Sha512,
}

impl SignatureHash {
    /// The hash of the parts, one behind the other.
    pub(crate) fn of(self, parts: &[&[u8]]) -> Vec<u8> {
        fn digest<D: Digest>(parts: &[&[u8]]) -> Vec<u8> {
            let mut hasher = D::new();
            for part in parts {
                hasher.update(part);
            }
            hasher.finalize().to_vec()
        }
        match self {
            Self::Sha1 => digest::<Sha1>(parts),
            Self::Sha256 => digest::<Sha256>(parts),
            Self::Sha384 => digest::<Sha384>(parts),
            Self::Sha512 => digest::<Sha512>(parts),
        }
    }

    /// How many bytes it has.
    pub(crate) fn length(self) -> usize {
        match self {
            Self::Sha1 => 20,
            Self::Sha256 => 32,
            Self::Sha384 => 48,
            Self::Sha512 => 64,
        }
    }
}

/// The SHA-256 of several parts, each of which counts for itself: its length goes in front of it.
pub(crate) fn fingerprint<'a>(parts: impl IntoIterator<Item = &'a [u8]>) -> [u8; 32] {
    let mut hasher = Sha256::new();
    for part in parts {
        let length = u64::try_from(part.len()).unwrap_or(u64::MAX);
        hasher.update(length.to_be_bytes());
        hasher.update(part);
    }
    hasher.finalize().into()
}
