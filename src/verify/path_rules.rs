//! The checks of a path that this crate makes itself: `rustls-webpki` does not make them, or not as
//! RFC 5280 says.

use super::certificate::Usage;
use super::certificate_policies::{PathCertificate, require_policies};
use super::chain::Link;
use super::constraints::{Comparisons, NameConstraints};
use super::roots::Root;
use super::search_error::SearchError;

/// Refuses a path from the leaf over these CAs, beginning with its issuer, to a root.
///
/// Its signatures, dates and purposes have been checked, and so have the extensions that the forms
/// of its certificates show.
pub(super) fn check_path<'c>(
    leaf: &'c Link<'c>,
    authorities: &[&'c Link<'c>],
    root: Root<'_>,
    comparisons: &Comparisons,
) -> Result<(), SearchError> {
    for authority in authorities {
        // `rustls-webpki` does not check keyUsage.
        let may_issue = authority.certificate().require_key_usage(Usage::KeyCertSign);
        may_issue.map_err(|_| SearchError::NotACa)?;
    }
    require_path_lengths(authorities)?;
    require_names(leaf, authorities, root, comparisons)?;
    require_path_policies(leaf, authorities)
}

/// pathLenConstraint "gives the maximum number of non-self-issued intermediate certificates that may
/// follow this certificate in a valid certification path"
/// ([RFC 5280 section 4.2.1.9](https://www.rfc-editor.org/rfc/rfc5280#section-4.2.1.9)).
fn require_path_lengths(authorities: &[&Link<'_>]) -> Result<(), SearchError> {
    let mut below: u32 = 0;
    for authority in authorities {
        if authority.own_path_length().is_some_and(|most| below > most) {
            return Err(SearchError::PathLength);
        }
        below = below.saturating_add(u32::from(!authority.is_self_issued()));
    }
    Ok(())
}

/// Checks the name constraints of each CA and of the root against all certificates below: those on
/// directory names and mailboxes. "If certificate i is self-issued and it is not the final
/// certificate in the path, skip this step for certificate i"
/// ([RFC 5280 section 6.1.3](https://www.rfc-editor.org/rfc/rfc5280#section-6.1.3)).
fn require_names<'c>(
    leaf: &'c Link<'c>,
    authorities: &[&'c Link<'c>],
    root: Root<'_>,
    comparisons: &Comparisons,
) -> Result<(), SearchError> {
    let require = |constraints: &NameConstraints, below: &[&Link<'_>]| {
        let below = below.iter().filter(|authority| !authority.is_self_issued());
        for link in [&leaf].into_iter().chain(below) {
            let names = link.constrained_names().ok_or(SearchError::Malformed)?;
            constraints.require(names, comparisons)?;
        }
        Ok(())
    };
    for (index, authority) in authorities.iter().enumerate() {
        if let Some(constraints) = authority.own_constraints() {
            require(constraints, authorities.get(..index).unwrap_or(authorities))?;
        }
    }
    match root.own_constraints() {
        Some(constraints) => require(constraints, authorities),
        None => Ok(()),
    }
}

/// Checks the policies of a path in which they can refuse it.
fn require_path_policies<'c>(
    leaf: &'c Link<'c>,
    authorities: &[&'c Link<'c>],
) -> Result<(), SearchError> {
    let from_leaf = || [&leaf].into_iter().chain(authorities);
    if !from_leaf().any(|link| link.decides_policies()) {
        return Ok(());
    }
    let path = from_leaf().map(|link| {
        Some(PathCertificate {
            extensions: link.policies()?,
            is_self_issued: link.is_self_issued(),
        })
    });
    let path: Option<Vec<_>> = path.collect();
    let mut path = path.ok_or(SearchError::Malformed)?;
    path.reverse();
    require_policies(&path)
}
