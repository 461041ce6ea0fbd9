//! CAs besides the test root, and the chains that they make.

use super::{Key, ROOT, Spec, key, root, rsa};

/// A CA: a name and a key, which the certificates of other CAs bind.
#[derive(Clone)]
pub struct Authority {
    pub name: &'static str,
    pub key: Key,
}

impl Authority {
    pub fn new(name: &'static str, key: impl Into<Key>) -> Self {
        Self {
            name,
            key: key.into(),
        }
    }

    pub fn root() -> Self {
        Self::new(ROOT, key("rsa-2048-ca"))
    }

    /// One of many, with a name and an RSA key of its own.
    pub fn intermediate(number: u64) -> Self {
        let name = format!("CN=Test Intermediate {number}").leak();
        Self::new(name, rsa(2048, number))
    }

    /// A good certificate of this CA, issued by the test root.
    pub fn certificate(&self) -> Spec {
        Spec {
            subject: self.name,
            public_key: self.key.public_key(),
            ..root()
        }
    }
}

impl Spec {
    /// A good certificate of this CA, issued by another one.
    pub fn issued_by(self, issuer: &Authority) -> Self {
        Self {
            issuer: issuer.name,
            issuer_key: issuer.key.clone(),
            ..self
        }
    }
}

/// The leaf and as many intermediates, each issued by the next one and the last by the test root.
pub fn chain(leaf: Spec, intermediates: u64) -> Vec<Spec> {
    let mut chain = Vec::new();
    let mut last = leaf;
    for authority in (1..=intermediates).map(Authority::intermediate) {
        chain.push(last.issued_by(&authority));
        last = authority.certificate();
    }
    chain.push(last);
    chain
}

/// Two CAs that have issued each other's certificates; nobody else has issued either.
pub fn cycle() -> [Spec; 2] {
    let [one, other] = [1, 2].map(Authority::intermediate);
    [
        one.certificate().issued_by(&other),
        other.certificate().issued_by(&one),
    ]
}
