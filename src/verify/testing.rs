//! Certificates for the unit tests of this room: three fixed keys, a fixed time.
#![cfg(test)]

use super::chain::Chain;
use super::der::sequence;
use super::path::Search;
use super::purpose::Role;
use super::revocation::Crls;
use super::roots::RootStore;
use core::str::FromStr;
use core::time::Duration;
use pki_types::{CertificateDer, ServerName, UnixTime, alg_id};
use rsa::pkcs1v15::Pkcs1v15Sign;
use rsa::pkcs8::{DecodePrivateKey, EncodePublicKey};
use rsa::{PrivateKey as RsaPrivateKey, PublicKey as RsaPublicKey};
use sha2::{Digest, Sha256};
use x509_cert::der::Encode;
use x509_cert::der::asn1::{Ia5String, OctetString, UtcTime};
use x509_cert::der::oid::{AssociatedOid, ObjectIdentifier};
use x509_cert::ext::Extension;
use x509_cert::ext::pkix::name::GeneralName;
use x509_cert::ext::pkix::{BasicConstraints, KeyUsage, KeyUsages, SubjectAltName};
use x509_cert::name::Name;

pub(super) const NOW: u64 = 1_800_000_000;
pub(super) const DAY: u64 = 86_400;
pub(super) const ROOT: &str = "CN=Root";
pub(super) const AUTHORITY: &str = "CN=Authority";

pub(super) fn at(seconds: u64) -> UnixTime {
    UnixTime::since_unix_epoch(Duration::from_secs(seconds))
}

pub(super) fn server_name() -> ServerName<'static> {
    "server.example".try_into().unwrap()
}

/// One of the keys.
#[derive(Clone, Copy)]
pub(super) enum Key {
    Root,
    Authority,
    Server,
}

impl Key {
    pub(super) fn private(self) -> RsaPrivateKey {
        let pem = match self {
            Self::Root => include_str!("../../tests/data/rsa-2048-ca.key"),
            Self::Authority => include_str!("../../tests/data/rsa-2048-client.key"),
            Self::Server => include_str!("../../tests/data/rsa-2048.key"),
        };
        RsaPrivateKey::from_pkcs8_pem(pem).unwrap()
    }

    /// The signed bytes, the AlgorithmIdentifier and the signature, concatenated.
    pub(super) fn sign(self, signed: &[u8]) -> Vec<u8> {
        let digest = Sha256::digest(signed);
        let signature = self.private().sign(Pkcs1v15Sign::new::<Sha256>(), &digest);
        let signature = signature.unwrap();
        [signed, &algorithm(), &bit_string(&signature)].concat()
    }
}

/// A certificate, each field to be changed.
#[derive(Clone)]
pub(super) struct Spec {
    pub(super) version_1: bool,
    pub(super) serial: u8,
    pub(super) subject: &'static str,
    pub(super) issuer: &'static str,
    pub(super) not_before: u64,
    pub(super) not_after: u64,
    pub(super) key: Key,
    pub(super) issuer_key: Key,
    pub(super) extensions: Vec<Extension>,
}

/// A good server certificate from the root.
pub(super) fn server() -> Spec {
    let name = GeneralName::DnsName(Ia5String::new("server.example").unwrap());
    Spec {
        version_1: false,
        serial: 42,
        subject: "CN=server.example",
        issuer: ROOT,
        not_before: NOW - DAY,
        not_after: NOW + DAY,
        key: Key::Server,
        issuer_key: Key::Root,
        extensions: vec![
            key_usage(KeyUsages::KeyEncipherment),
            extension(&SubjectAltName(vec![name])),
        ],
    }
}

/// A good CA certificate from the root.
pub(super) fn authority() -> Spec {
    Spec {
        serial: 7,
        subject: AUTHORITY,
        key: Key::Authority,
        extensions: vec![
            ca(),
            extension(&KeyUsage(KeyUsages::KeyCertSign | KeyUsages::CRLSign)),
        ],
        ..server()
    }
}

/// A good server certificate from that CA.
pub(super) fn server_by_authority() -> Spec {
    Spec {
        issuer: AUTHORITY,
        issuer_key: Key::Authority,
        ..server()
    }
}

pub(super) fn ca() -> Extension {
    extension(&BasicConstraints {
        ca: true,
        path_len_constraint: None,
    })
}

pub(super) fn key_usage(usage: KeyUsages) -> Extension {
    extension(&KeyUsage(usage.into()))
}

pub(super) fn extension<T: AssociatedOid + Encode>(value: &T) -> Extension {
    Extension {
        extn_id: T::OID,
        critical: true,
        extn_value: OctetString::new(value.to_der().unwrap()).unwrap(),
    }
}

/// A critical extension that is not known.
pub(super) fn unknown_critical() -> Extension {
    Extension {
        extn_id: ObjectIdentifier::new_unwrap("1.3.6.1.4.1.55555.1"),
        critical: true,
        extn_value: OctetString::new([5, 0]).unwrap(),
    }
}

impl Spec {
    pub(super) fn build(&self) -> CertificateDer<'static> {
        let version: &[u8] = if self.version_1 {
            &[]
        } else {
            &[0xa0, 3, 2, 1, 2]
        };
        let extensions = if self.extensions.is_empty() {
            vec![]
        } else {
            tagged(0xa3, &self.extensions.to_der().unwrap())
        };
        let validity = sequence(&[&time(self.not_before), &time(self.not_after)]);
        let signed = sequence(&[
            version,
            &[2, 1, self.serial],
            &algorithm(),
            &name(self.issuer),
            &validity,
            &name(self.subject),
            &public_key_info(self.key),
            &extensions,
        ]);
        sequence(&[&self.issuer_key.sign(&signed)]).into()
    }

    /// Of version 1, which has no extensions.
    pub(super) fn version_1(self) -> Self {
        Self {
            version_1: true,
            extensions: vec![],
            ..self
        }
    }
}

/// The root.
pub(super) fn root() -> Spec {
    Spec {
        subject: ROOT,
        key: Key::Root,
        ..authority()
    }
}

/// A store with the root.
pub(super) fn roots() -> RootStore {
    let mut roots = RootStore::new();
    roots.add(&root().build()).unwrap();
    roots
}

/// A CRL of the root that lists these serial numbers, current until the next day.
pub(super) fn lists(revoked: &[u8]) -> Crls {
    let day_before = time(NOW - DAY);
    let entries: Vec<_> =
        revoked.iter().map(|serial| sequence(&[&[2, 1, *serial], &day_before])).collect();
    let entries = if entries.is_empty() {
        vec![]
    } else {
        sequence(&[&entries.concat()])
    };
    let version_2 = [2, 1, 1];
    let crl_number = sequence(&[b"\x06\x03\x55\x1d\x14", b"\x04\x03\x02\x01\x01"]);
    let signed = sequence(&[
        &version_2,
        &algorithm(),
        &name(ROOT),
        &day_before,
        &time(NOW + DAY),
        &entries,
        &tagged(0xa0, &sequence(&[&crl_number])),
    ]);
    let mut lists = Crls::new();
    lists.add(&sequence(&[&Key::Root.sign(&signed)])).unwrap();
    lists
}

/// A search for a server in this chain.
pub(super) fn search<'c>(chain: &'c Chain<'c>, roots: &'c RootStore) -> Search<'c> {
    Search {
        chain,
        roots,
        revocation: None,
        role: Role::Server,
        now: at(NOW),
    }
}

pub(super) fn name(text: &str) -> Vec<u8> {
    Name::from_str(text).unwrap().to_der().unwrap()
}

pub(super) fn time(seconds: u64) -> Vec<u8> {
    let time = UtcTime::from_unix_duration(Duration::from_secs(seconds));
    time.unwrap().to_der().unwrap()
}

pub(super) fn public_key_info(key: Key) -> Vec<u8> {
    let key = RsaPublicKey::from(&key.private());
    key.to_public_key_der().unwrap().into_vec()
}

pub(super) fn algorithm() -> Vec<u8> {
    sequence(&[alg_id::RSA_PKCS1_SHA256.as_ref()])
}

/// A SEQUENCE under another tag.
pub(super) fn tagged(tag: u8, content: &[u8]) -> Vec<u8> {
    let mut der = sequence(&[content]);
    der[0] = tag;
    der
}

pub(super) fn bit_string(bytes: &[u8]) -> Vec<u8> {
    tagged(3, &[&[0], bytes].concat())
}
