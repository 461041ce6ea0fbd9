//! A peer's chain, in which each certificate is parsed once a handshake.
//!
//! A certificate is identified by its position in the chain and not by its bytes, because a peer
//! may send one twice.

use super::certificate::PeerCertificate;
pub(super) use super::link::Link;
use super::link::show_links;
use super::mended::mend;
use super::search_error::SearchError;
use crate::crypto::hash::sha256;
use crate::error::{CertificateError, CertificateFault};
use pki_types::CertificateDer;
use webpki::EndEntityCert;

/// The maximum number of certificates in a peer's chain. The longest path has 7 below the root; the
/// rest is for unrelated certificates.
pub(super) const MAX_CHAIN: u8 = 10;

/// The maximum number that a policy can set. A Certificate message has at most 64 KiB.
pub(crate) const MAX_LONG_CHAIN: u8 = 100;

/// Refuses a chain with more than `most` certificates, before any of it is stored or parsed.
pub(crate) fn check_chain_length(
    received: &[CertificateDer<'_>],
    most: u8,
) -> Result<(), CertificateError> {
    let (found, most) = (received.len(), usize::from(most));
    if found > most {
        let fault = CertificateFault::TooManyCertificates { found, most };
        return Err(CertificateError::new(fault, None));
    }
    Ok(())
}

/// The certificates of a peer as received, parsed.
#[derive(Debug)]
pub(crate) struct Chain<'a> {
    leaf: Link<'a>,
    /// The certificates after the leaf, as received.
    others: Vec<Other<'a>>,
}

/// A certificate after the leaf.
#[derive(Debug)]
struct Other<'a> {
    received: &'a [u8],
    /// `None` if it cannot be parsed. That is not fatal, because peers also send certificates that
    /// are on no path; a path that needs it is refused.
    link: Option<Link<'a>>,
}

/// A certificate that may be an intermediate of a path.
#[derive(Clone, Copy, Debug)]
pub(super) struct Candidate<'c> {
    /// The bytes that `rustls-webpki` is shown.
    pub(super) shown: &'c [u8],
    /// `None` if it cannot be parsed; no path may then need it.
    pub(super) link: Option<&'c Link<'c>>,
}

impl<'c> Candidate<'c> {
    pub(super) fn of(link: &'c Link<'c>) -> Self {
        Self {
            shown: link.form().der(),
            link: Some(link),
        }
    }
}

impl<'a> Chain<'a> {
    /// Parses a chain, which begins with the leaf.
    ///
    /// Fails with [`CertificateFault::Malformed`] if the leaf is missing or cannot be parsed.
    pub(crate) fn read(received: &'a [CertificateDer<'_>]) -> Result<Self, CertificateError> {
        Self::read_with(received, None)
    }

    /// Parses a chain whose leaf, if it is pinned and not in DER, was mended.
    pub(super) fn read_with(
        received: &'a [CertificateDer<'_>],
        mended: Option<&'a [u8]>,
    ) -> Result<Self, CertificateError> {
        let (leaf_received, others) = received.split_first().ok_or(CertificateFault::Malformed)?;
        let other = |(index, received): (usize, &'a CertificateDer<'_>)| Other {
            received,
            link: Link::read(index + 1, received).ok(),
        };
        let leaf = match mended {
            None => Link::read(0, leaf_received)
                .map_err(|fault| malformed_leaf(leaf_received, fault))?,
            Some(mended) => Link::read_mended(0, leaf_received, mended)?,
        };
        let mut chain = Self {
            leaf,
            others: others.iter().enumerate().map(other).collect(),
        };
        let readable = chain.others.iter_mut().filter_map(|other| other.link.as_mut());
        show_links(&mut chain.leaf, &mut readable.collect::<Vec<_>>());
        Ok(chain)
    }

    /// The leaf: the peer's own certificate.
    pub(super) fn leaf(&self) -> &Link<'a> {
        &self.leaf
    }

    /// The bytes of the leaf as received.
    pub(super) fn leaf_received(&self) -> &'a [u8] {
        self.leaf.received()
    }

    /// Adds to the error that the leaf is malformed that a pin would help, if it can be mended.
    pub(super) fn advise_to_mend(&self, error: CertificateError) -> CertificateError {
        let of_leaf = error.certificate().is_some_and(|id| id.position() == 0);
        let is_it = of_leaf && *error.fault() == CertificateFault::Malformed;
        if is_it && !self.leaf.is_mended() && mended_leaf(self.leaf.received()).is_some() {
            error.with_pin(sha256(self.leaf.received()))
        } else {
            error
        }
    }

    /// The number of certificates received.
    pub(super) fn received_count(&self) -> usize {
        1 + self.others.len()
    }

    /// All certificates as received.
    pub(super) fn received(&self) -> impl Iterator<Item = &'a [u8]> {
        let others = self.others.iter().map(|other| other.received);
        [self.leaf.received()].into_iter().chain(others)
    }

    /// The certificates that could be parsed, beginning with the leaf.
    pub(super) fn links(&self) -> impl Iterator<Item = &Link<'a>> {
        let others = self.others.iter().filter_map(|other| other.link.as_ref());
        [&self.leaf].into_iter().chain(others)
    }

    /// All certificates after the leaf, including those that could not be parsed.
    pub(super) fn candidates(&self) -> impl Iterator<Item = Candidate<'_>> {
        self.others.iter().map(|other| match &other.link {
            Some(link) => Candidate::of(link),
            None => Candidate {
                shown: other.received,
                link: None,
            },
        })
    }
}

/// The leaf in DER, if it or its key cannot be read as it is, but can when it is mended.
pub(super) fn mended_leaf(received: &[u8]) -> Option<Vec<u8>> {
    let has_key = |key| !matches!(key, Err(CertificateFault::Malformed));
    let is_read = |der: &[u8]| {
        let shown = CertificateDer::from(der);
        let shown = EndEntityCert::try_from(&shown).map_err(SearchError::from);
        !matches!(shown, Err(SearchError::Malformed))
    };
    let key = PeerCertificate::parse(received).and_then(|leaf| leaf.public_key(true));
    if has_key(key) && is_read(received) {
        return None;
    }
    let mended = mend(received)?;
    let certificate = PeerCertificate::parse(&mended).ok()?;
    (has_key(certificate.pinned_public_key(true)) && is_read(&mended)).then_some(mended)
}

/// The error for a leaf that cannot be parsed as it is.
fn malformed_leaf(received: &[u8], fault: CertificateFault) -> CertificateError {
    let Some(mended) = mended_leaf(received) else {
        return CertificateError::new(fault, None);
    };
    let id = PeerCertificate::parse(&mended).map(|leaf| leaf.id(0, received));
    CertificateError::new(fault, id.ok()).with_pin(sha256(received))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verify::testing::{authority, server_by_authority};

    #[track_caller]
    fn refused(received: &[CertificateDer<'_>]) -> CertificateFault {
        let error = Chain::read(received).unwrap_err();
        assert!(error.certificate().is_none());
        error.fault().clone()
    }

    #[test]
    fn a_chain_has_one_to_ten_certificates() {
        let leaf = server_by_authority().build();
        assert_eq!(refused(&[]), CertificateFault::Malformed);
        let most = vec![leaf; usize::from(MAX_CHAIN)];
        assert_eq!(Chain::read(&most).unwrap().links().count(), 10);
        check_chain_length(&most, MAX_CHAIN).unwrap();
        check_chain_length(&most, MAX_LONG_CHAIN).unwrap();
        let error = check_chain_length(&most, MAX_CHAIN - 1).unwrap_err();
        let too_many = CertificateFault::TooManyCertificates { found: 10, most: 9 };
        assert_eq!(*error.fault(), too_many);
    }

    #[test]
    fn only_the_leaf_has_to_be_readable() {
        let (leaf, authority) = (server_by_authority().build(), authority().build());
        let trailing = CertificateDer::from([&*authority, &[0]].concat());
        assert_eq!(
            refused(&[trailing.clone(), leaf.clone()]),
            CertificateFault::Malformed
        );

        let received = [leaf.clone(), trailing.clone(), authority.clone()];
        let chain = Chain::read(&received).unwrap();
        assert_eq!(chain.received_count(), 3);
        assert!(chain.received().eq(received.iter().map(AsRef::as_ref)));
        let positions: Vec<_> = chain.links().map(|link| link.id().position()).collect();
        assert_eq!(positions, [0, 2]);
        let [unreadable, readable] = chain.candidates().collect::<Vec<_>>()[..] else {
            panic!()
        };
        assert_eq!(unreadable.shown, &*trailing);
        assert!(unreadable.link.is_none());
        assert_eq!(readable.shown, &*authority);
        assert_eq!(readable.link.unwrap().id().position(), 2);
    }

    #[test]
    fn equal_certificates_keep_their_places() {
        let leaf = server_by_authority().build();
        let received = [leaf.clone(), leaf.clone(), leaf];
        let chain = Chain::read(&received).unwrap();
        for (position, link) in chain.links().enumerate() {
            assert_eq!(link.id().position(), position);
            assert!(core::ptr::eq(
                link.certificate().der(),
                &*received[position]
            ));
        }
    }
}
