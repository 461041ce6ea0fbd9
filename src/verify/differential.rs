//! The comparison of the search for a path with that of `rustls-webpki` alone, for the fuzz target
//! and the tests.
#![cfg(any(test, fuzzing))]

use super::certificate::Usage;
use super::chain::{Chain, Link};
use super::path::Search;
use super::purpose::{PurposeCheck, Role};
use super::roots::RootStore;
use super::search_error::SearchError;
use super::signatures::{SignatureRules, as_dyn};
use pki_types::{CertificateDer, UnixTime};
use webpki::{EndEntityCert, Error, VerifiedPath};

/// Searches for a path of this chain, and lets `rustls-webpki` search for it over the received
/// bytes.
///
/// # Panics
///
/// If one of them accepts the chain and the other does not, and no rule of this crate is the reason.
pub(crate) fn compare_with_webpki(
    chain: &Chain<'_>,
    roots: &RootStore,
    is_server: bool,
    now: UnixTime,
) {
    let role = if is_server {
        Role::Server
    } else {
        Role::Client
    };
    let search = Search {
        chain,
        roots,
        revocation: None,
        role,
        now,
    };
    let rewritten = chain.links().filter_map(|link| link.form().rewritten());
    let rules = SignatureRules::default().with_rewritten(rewritten);
    let own = search.now(chain.leaf().form(), &rules).map(|_| ());
    let plain = by_webpki(chain, roots, role, now);
    match (&own, &plain) {
        (Ok(()), Ok(())) | (Err(_), Err(_)) => {}
        (Ok(()), Err(error)) => {
            let otherwise = chain.links().any(|link| is_shown_otherwise(link, roots));
            assert!(otherwise, "accepted, but for webpki {error:?}");
        }
        (Err(error), Ok(())) => {
            let is_own = matches!(
                error,
                SearchError::Policies | SearchError::NameConstraints | SearchError::Malformed
            );
            let asked = chain.links().any(|link| asks_for_more(link, roots));
            assert!(is_own && asked, "refused, but not by webpki: {error:?}");
        }
    }
}

/// Returns true if `rustls-webpki` is shown the certificate, or a root above it, in another form.
fn is_shown_otherwise(link: &Link<'_>, roots: &RootStore) -> bool {
    let mut above = roots.named(link.issuer_canonical());
    link.form().rewritten().is_some()
        || above.any(|root| {
            let received = root.shown_as(root.subject_der());
            root.shown_as(link.shown_issuer()).map(|anchor| anchor.subject)
                != received.map(|anchor| anchor.subject)
                || root.own_constraints().is_some()
        })
}

/// Returns true if the certificate, or a root above it, has an extension that this crate checks.
fn asks_for_more(link: &Link<'_>, roots: &RootStore) -> bool {
    link.decides_policies()
        || link.own_constraints().is_some()
        || roots.named(link.issuer_canonical()).any(|root| root.own_constraints().is_some())
}

/// The search of `rustls-webpki` over the received bytes, in which each CA may sign certificates.
fn by_webpki(chain: &Chain<'_>, roots: &RootStore, role: Role, now: UnixTime) -> Result<(), Error> {
    let received: Vec<_> = chain.received().map(CertificateDer::from).collect();
    let (leaf, others) = received.split_first().ok_or(Error::BadDer)?;
    let rules = SignatureRules::default();
    let algorithms = rules.algorithms();
    let check = |path: &VerifiedPath<'_>| {
        path.intermediate_certificates().try_for_each(|above| {
            let der = above.der();
            let mut links = chain.links().map(Link::certificate);
            let link = links.find(|certificate| *certificate.der() == *der);
            let may_issue = link.ok_or(Error::BadDer)?.require_key_usage(Usage::KeyCertSign);
            may_issue.map_err(|_| Error::EndEntityUsedAsCa)
        })
    };
    let own = EndEntityCert::try_from(leaf)?;
    own.verify_for_usage(
        &as_dyn(&algorithms),
        roots.anchors(),
        others,
        now,
        PurposeCheck::new(role, &rules),
        None,
        Some(&check),
    )
    .map(|_| ())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verify::testing::{
        NOW, Spec, at, authority, ca, key_usage, roots, server, server_by_authority,
        unknown_critical,
    };
    use x509_cert::ext::pkix::KeyUsages;

    #[test]
    fn the_search_is_that_of_webpki_where_no_rule_is_added() {
        let with = |extensions: Vec<_>| Spec {
            extensions,
            ..authority()
        };
        let chains: [&[Spec]; 8] = [
            &[server()],
            &[server().version_1()],
            &[server_by_authority(), authority()],
            &[server_by_authority(), server(), authority(), authority()],
            &[server_by_authority()],
            &[server_by_authority(), with(vec![ca(), unknown_critical()])],
            &[server_by_authority(), with(vec![])],
            &[
                server_by_authority(),
                with(vec![ca(), key_usage(KeyUsages::CRLSign)]),
            ],
        ];
        for chain in chains {
            let received: Vec<_> = chain.iter().map(Spec::build).collect();
            let chain = Chain::read(&received).unwrap();
            for is_server in [true, false] {
                compare_with_webpki(&chain, &roots(), is_server, at(NOW));
            }
        }
    }
}
