//! The hashes of a suite's PRF and transcript, and those of signatures.

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
            Self::Sha256(hasher) => HashValue::Sha256(hasher.finalize().into()),
            Self::Sha384(hasher) => HashValue::Sha384(hasher.finalize().into()),
        }
    }
}

/// A finished hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum HashValue {
    Sha256([u8; 32]),
    Sha384([u8; 48]),
}

impl HashValue {
    /// A hash from a test vector.
    #[cfg(test)]
    pub(crate) fn new(value: &[u8]) -> Self {
        match value.len() {
            32 => Self::Sha256(value.try_into().unwrap()),
            _ => Self::Sha384(value.try_into().unwrap()),
        }
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        match self {
            Self::Sha256(bytes) => bytes,
            Self::Sha384(bytes) => bytes,
        }
    }
}

/// The hash of a signature. SHA-1 is used only where a configuration allows it.
#[derive(Clone, Copy, Debug)]
pub(crate) enum SignatureHash {
    Sha1,
    Sha256,
    Sha384,
    Sha512,
}

impl SignatureHash {
    /// Returns the hash of the concatenated parts.
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

    /// Returns its length in bytes.
    pub(crate) fn length(self) -> usize {
        match self {
            Self::Sha1 => 20,
            Self::Sha256 => 32,
            Self::Sha384 => 48,
            Self::Sha512 => 64,
        }
    }
}

/// Returns the SHA-256 of these bytes.
pub(crate) fn sha256(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}

/// Returns the SHA-256 of several parts, each preceded by its length, so that parts cannot shift.
pub(crate) fn fingerprint<'a>(parts: impl IntoIterator<Item = &'a [u8]>) -> [u8; 32] {
    let mut hasher = Sha256::new();
    for part in parts {
        hasher.update(length_in_8_bytes(part));
        hasher.update(part);
    }
    hasher.finalize().into()
}

/// Returns the length in eight big-endian bytes, on machines of every width.
fn length_in_8_bytes(part: &[u8]) -> [u8; 8] {
    let mut bytes = [0; 8];
    let length = part.len().to_be_bytes();
    for (to, from) in bytes.iter_mut().rev().zip(length.iter().rev()) {
        *to = *from;
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fingerprint_is_of_each_part_behind_its_length() {
        let parts = [&[7; 0x0102][..], &[], b"last"];
        let lengths = [0x0102_u64, 0, 4].map(u64::to_be_bytes);
        let mut bytes = Vec::new();
        for (length, part) in lengths.iter().zip(parts) {
            bytes.extend_from_slice(length);
            bytes.extend_from_slice(part);
        }
        assert_eq!(fingerprint(parts)[..], Sha256::digest(bytes)[..]);
    }
}
