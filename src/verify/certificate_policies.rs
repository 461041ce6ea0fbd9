//! Certificate policies: the part of
//! [RFC 5280 section 6.1](https://www.rfc-editor.org/rfc/rfc5280#section-6.1) that decides whether
//! a path has a policy where one of its CAs requires it.
//!
//! The initial policy set is any-policy, and nothing is required or inhibited at the start. So the
//! only question to the valid_policy_tree is whether it is empty. A node's expected_policy_set
//! depends on its policy and on the certificate of its depth, but not on its parent: all nodes of
//! one depth with one policy are kept as one. A level then has no more policies than the
//! certificates above it name, and no chain makes the tree grow beyond that.

use super::certificate::PeerCertificate;
use super::der::{INTEGER, OBJECT_IDENTIFIER, Reader, SEQUENCE, only_element, unsigned};
use super::search_error::SearchError;
use std::collections::{BTreeMap, BTreeSet};
use x509_parser::oid_registry::{
    OID_X509_EXT_CERTIFICATE_POLICIES, OID_X509_EXT_INHIBIT_ANY_POLICY,
    OID_X509_EXT_POLICY_CONSTRAINTS, OID_X509_EXT_POLICY_MAPPINGS, Oid,
};
use x509_parser::prelude::X509Extension;

/// anyPolicy, 2.5.29.32.0.
const ANY_POLICY: &[u8] = b"\x55\x1d\x20\x00";
/// id-qt-cps and id-qt-unotice, 1.3.6.1.5.5.7.2.1 and 2.
const QUALIFIERS: [&[u8]; 2] = [
    b"\x2b\x06\x01\x05\x05\x07\x02\x01",
    b"\x2b\x06\x01\x05\x05\x07\x02\x02",
];

/// The extensions that this module knows.
pub(super) const POLICY_EXTENSIONS: [Oid<'static>; 4] = [
    OID_X509_EXT_CERTIFICATE_POLICIES,
    OID_X509_EXT_POLICY_MAPPINGS,
    OID_X509_EXT_POLICY_CONSTRAINTS,
    OID_X509_EXT_INHIBIT_ANY_POLICY,
];

/// Returns true if a path with this extension has to be checked. certificatePolicies and
/// inhibitAnyPolicy that are not critical refuse no path that has neither of the others.
pub(super) fn decides(extension: &X509Extension<'_>) -> bool {
    let oid = &extension.oid;
    *oid == OID_X509_EXT_POLICY_MAPPINGS
        || *oid == OID_X509_EXT_POLICY_CONSTRAINTS
        || (extension.critical && POLICY_EXTENSIONS.contains(oid))
}

/// The object identifier of a policy: the content of its encoding.
type Policy<'a> = &'a [u8];

/// The policy extensions of a certificate.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct PolicyExtensions<'a> {
    /// From certificatePolicies.
    policies: Option<BTreeSet<Policy<'a>>>,
    /// From policyMappings: for each issuerDomainPolicy its subjectDomainPolicies.
    mappings: BTreeMap<Policy<'a>, BTreeSet<Policy<'a>>>,
    /// From policyConstraints.
    require_explicit_policy: Option<usize>,
    inhibit_policy_mapping: Option<usize>,
    /// From inhibitAnyPolicy.
    inhibit_any_policy: Option<usize>,
}

/// A certificate of a path, as far as policies ask for it.
#[derive(Debug)]
pub(super) struct PathCertificate<'a> {
    pub(super) extensions: PolicyExtensions<'a>,
    pub(super) is_self_issued: bool,
}

impl<'a> PolicyExtensions<'a> {
    /// Reads them; `None` if one of them occurs twice, cannot be parsed, or is critical and has a
    /// qualifier that is not known.
    pub(super) fn read(certificate: &PeerCertificate<'a>) -> Option<Self> {
        let mut read = Self::default();
        let mut seen = Vec::new();
        for extension in certificate.parsed().extensions() {
            if !POLICY_EXTENSIONS.contains(&extension.oid) {
                continue;
            }
            if seen.contains(&&extension.oid) {
                return None;
            }
            seen.push(&extension.oid);
            read.add(extension)?;
        }
        Some(read)
    }

    fn add(&mut self, extension: &X509Extension<'a>) -> Option<()> {
        let (oid, value) = (&extension.oid, extension.value);
        if *oid == OID_X509_EXT_CERTIFICATE_POLICIES {
            self.policies = Some(policies(value, extension.critical)?);
        } else if *oid == OID_X509_EXT_POLICY_MAPPINGS {
            self.mappings = mappings(value)?;
        } else if *oid == OID_X509_EXT_POLICY_CONSTRAINTS {
            let constraints = constraints(value)?;
            (self.require_explicit_policy, self.inhibit_policy_mapping) = constraints;
        } else {
            let number = only_element(value).filter(|element| element.tag == INTEGER)?;
            self.inhibit_any_policy = Some(unsigned(number.content)?);
        }
        Some(())
    }
}

/// "certificatePolicies ::= SEQUENCE SIZE (1..MAX) OF PolicyInformation"; "A certificate policy OID
/// MUST NOT appear more than once". Of a critical one "the path validation software MUST be able to
/// interpret this extension (including the optional qualifier), or MUST reject the certificate"
/// ([RFC 5280 section 4.2.1.4](https://www.rfc-editor.org/rfc/rfc5280#section-4.2.1.4)).
fn policies(der: &[u8], critical: bool) -> Option<BTreeSet<Policy<'_>>> {
    let mut policies = BTreeSet::new();
    for information in only_element(der)?.content_of(SEQUENCE)? {
        let mut fields = information.ok()?.content_of(SEQUENCE)?;
        if !policies.insert(identifier(&mut fields)?) {
            return None;
        }
        let Some(qualifiers) = fields.next() else {
            continue;
        };
        for qualifier in qualifiers.ok()?.content_of(SEQUENCE)? {
            let kind = identifier(&mut qualifier.ok()?.content_of(SEQUENCE)?)?;
            if critical && !QUALIFIERS.contains(&kind) {
                return None;
            }
        }
        if fields.next().is_some() {
            return None;
        }
    }
    (!policies.is_empty()).then_some(policies)
}

/// "PolicyMappings ::= SEQUENCE SIZE (1..MAX) OF SEQUENCE { issuerDomainPolicy, subjectDomainPolicy }"
/// ([RFC 5280 section 4.2.1.5](https://www.rfc-editor.org/rfc/rfc5280#section-4.2.1.5)).
fn mappings(der: &[u8]) -> Option<BTreeMap<Policy<'_>, BTreeSet<Policy<'_>>>> {
    let mut mappings = BTreeMap::<_, BTreeSet<_>>::new();
    for mapping in only_element(der)?.content_of(SEQUENCE)? {
        let mut fields = mapping.ok()?.content_of(SEQUENCE)?;
        let (issuer, subject) = (identifier(&mut fields)?, identifier(&mut fields)?);
        if fields.next().is_some() {
            return None;
        }
        mappings.entry(issuer).or_default().insert(subject);
    }
    (!mappings.is_empty()).then_some(mappings)
}

/// requireExplicitPolicy and inhibitPolicyMapping. "the policy constraints extension MUST NOT be an
/// empty sequence"
/// ([RFC 5280 section 4.2.1.11](https://www.rfc-editor.org/rfc/rfc5280#section-4.2.1.11)).
fn constraints(der: &[u8]) -> Option<(Option<usize>, Option<usize>)> {
    let mut fields = only_element(der)?.content_of(SEQUENCE)?;
    let mut next = fields.next();
    let mut numbered = |tag| match next {
        Some(Ok(element)) if element.tag == tag => {
            next = fields.next();
            unsigned(element.content).map(Some)
        }
        _ => Some(None),
    };
    let found = (numbered(0x80)?, numbered(0x81)?);
    (next.is_none() && found != (None, None)).then_some(found)
}

fn identifier<'a>(fields: &mut Reader<'a>) -> Option<Policy<'a>> {
    let element = fields.next()?.ok()?;
    (element.tag == OBJECT_IDENTIFIER && !element.content.is_empty()).then_some(element.content)
}

/// The nodes of one depth of the valid_policy_tree, of which there is at least one.
#[derive(Debug)]
struct Level<'a> {
    /// The values in the expected_policy_sets, anyPolicy left out.
    expected: BTreeSet<Policy<'a>>,
    /// True if there is a node with the policy anyPolicy.
    any: bool,
}

impl<'a> Level<'a> {
    /// The level below, by the policies of its certificate: step (d) of
    /// [section 6.1.3](https://www.rfc-editor.org/rfc/rfc5280#section-6.1.3). `any` tells that the
    /// certificate's anyPolicy counts.
    fn below(self, policies: &BTreeSet<Policy<'a>>, any: bool) -> Option<Self> {
        let any = any && policies.contains(ANY_POLICY);
        let named = policies.iter().copied();
        let mut valid: BTreeSet<_> = named
            .filter(|policy| *policy != ANY_POLICY)
            .filter(|policy| self.any || self.expected.contains(policy))
            .collect();
        if any {
            valid.extend(self.expected);
        }
        Self {
            expected: valid,
            any: any && self.any,
        }
        .or_none()
    }

    /// Puts the mapped policies in the place of those that are mapped, or deletes these where
    /// mapping is inhibited: step (b) of
    /// [section 6.1.4](https://www.rfc-editor.org/rfc/rfc5280#section-6.1.4).
    fn map(
        mut self,
        mappings: &BTreeMap<Policy<'a>, BTreeSet<Policy<'a>>>,
        inhibited: bool,
    ) -> Option<Self> {
        let mut mapped: BTreeSet<Policy<'a>> = BTreeSet::new();
        for (policy, subjects) in mappings {
            let was_valid = self.expected.remove(policy);
            if !inhibited && (was_valid || self.any) {
                mapped.extend(subjects);
            }
        }
        self.expected.extend(mapped);
        self.or_none()
    }

    fn or_none(self) -> Option<Self> {
        (self.any || !self.expected.is_empty()).then_some(self)
    }
}

/// Refuses a path, from the certificate below the root to the leaf, that has no valid policy where
/// one is required, or that maps anyPolicy.
pub(super) fn require_policies(path: &[PathCertificate<'_>]) -> Result<(), SearchError> {
    let Some((leaf, authorities)) = path.split_last() else {
        return Ok(());
    };
    // "If initial-explicit-policy is set, then the initial value is 0, otherwise the initial value
    // is n+1" (section 6.1.2), and so for the other two.
    let start = path.len().saturating_add(1);
    let (mut explicit_policy, mut policy_mapping, mut inhibit_any_policy) = (start, start, start);
    let mut tree = Some(Level {
        expected: BTreeSet::new(),
        any: true,
    });
    for PathCertificate {
        extensions,
        is_self_issued,
    } in authorities
    {
        let any = inhibit_any_policy > 0 || *is_self_issued;
        tree = descend(tree, extensions, any);
        require(explicit_policy > 0 || tree.is_some())?;
        // "If a policy mappings extension is present, verify that the special value anyPolicy does
        // not appear as an issuerDomainPolicy or a subjectDomainPolicy" (section 6.1.4 (a)).
        let mut mappings = extensions.mappings.iter();
        require(
            !mappings
                .any(|(policy, subjects)| *policy == ANY_POLICY || subjects.contains(ANY_POLICY)),
        )?;
        tree = tree.and_then(|level| level.map(&extensions.mappings, policy_mapping == 0));
        if !is_self_issued {
            explicit_policy = explicit_policy.saturating_sub(1);
            policy_mapping = policy_mapping.saturating_sub(1);
            inhibit_any_policy = inhibit_any_policy.saturating_sub(1);
        }
        let lower = |current: usize, to: Option<usize>| to.map_or(current, |to| to.min(current));
        explicit_policy = lower(explicit_policy, extensions.require_explicit_policy);
        policy_mapping = lower(policy_mapping, extensions.inhibit_policy_mapping);
        inhibit_any_policy = lower(inhibit_any_policy, extensions.inhibit_any_policy);
    }
    tree = descend(tree, &leaf.extensions, inhibit_any_policy > 0);
    // Section 6.1.5 (a), (b) and (g).
    let required = explicit_policy <= 1 || leaf.extensions.require_explicit_policy == Some(0);
    require(!required || tree.is_some())
}

/// "If the certificate policies extension is not present, set the valid_policy_tree to NULL."
fn descend<'a>(
    tree: Option<Level<'a>>,
    extensions: &PolicyExtensions<'a>,
    any: bool,
) -> Option<Level<'a>> {
    tree?.below(extensions.policies.as_ref()?, any)
}

fn require(holds: bool) -> Result<(), SearchError> {
    if holds {
        Ok(())
    } else {
        Err(SearchError::Policies)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn oid(last: u8) -> [u8; 2] {
        [0x2a, last]
    }

    /// A certificate with these policies, of which 0 is anyPolicy, and these mappings.
    fn certificate<'a>(
        policies: &[&'a [u8]],
        mappings: &[(&'a [u8], &'a [u8])],
    ) -> PathCertificate<'a> {
        let mut extensions = PolicyExtensions {
            policies: Some(policies.iter().copied().collect()),
            ..PolicyExtensions::default()
        };
        for (issuer, subject) in mappings {
            extensions.mappings.entry(issuer).or_default().insert(subject);
        }
        PathCertificate {
            extensions,
            is_self_issued: false,
        }
    }

    fn requiring(certificate: PathCertificate<'_>, after: usize) -> PathCertificate<'_> {
        PathCertificate {
            extensions: PolicyExtensions {
                require_explicit_policy: Some(after),
                ..certificate.extensions
            },
            ..certificate
        }
    }

    /// Each CA maps each policy to all: a tree with a node for each parent grows by the number of
    /// policies at each depth. This takes no longer than reading the extensions.
    #[test]
    fn no_chain_makes_the_tree_grow() {
        let oids: Vec<_> = (1..=100).map(oid).collect();
        let policies: Vec<&[u8]> = oids.iter().map(|oid| &oid[..]).collect();
        let pairs = policies.iter().flat_map(|one| policies.iter().map(|other| (*one, *other)));
        let pairs: Vec<_> = pairs.collect();
        let mut path: Vec<_> = (0..8).map(|_| certificate(&policies, &pairs)).collect();
        path[0] = requiring(certificate(&policies, &pairs), 0);
        assert_eq!(require_policies(&path), Ok(()));
        let stranger = oid(0);
        path.push(certificate(&[&stranger], &[]));
        assert_eq!(require_policies(&path), Err(SearchError::Policies));
    }

    #[test]
    fn a_self_issued_authority_neither_counts_nor_is_bound() {
        let gold = oid(1);
        let any = certificate(&[ANY_POLICY], &[]);
        let inhibiting = PathCertificate {
            extensions: PolicyExtensions {
                inhibit_any_policy: Some(0),
                ..requiring(certificate(&[&gold], &[]), 0).extensions
            },
            is_self_issued: false,
        };
        let self_issued = PathCertificate {
            is_self_issued: true,
            ..certificate(&[ANY_POLICY], &[])
        };
        let leaf = || certificate(&[&gold], &[]);
        let mut path = [inhibiting, self_issued, leaf()];
        assert_eq!(require_policies(&path), Ok(()));
        path[1] = any;
        assert_eq!(require_policies(&path), Err(SearchError::Policies));
        // One skipped certificate: a self-issued one is not it.
        let none = || PathCertificate {
            extensions: PolicyExtensions::default(),
            is_self_issued: false,
        };
        let later = || requiring(none(), 2);
        let rolled = || PathCertificate {
            is_self_issued: true,
            ..none()
        };
        assert_eq!(require_policies(&[later(), none()]), Ok(()));
        assert_eq!(require_policies(&[later(), rolled(), none()]), Ok(()));
        let refused = require_policies(&[later(), none(), none()]);
        assert_eq!(refused, Err(SearchError::Policies));
    }

    #[test]
    fn what_is_mapped_is_expected_in_its_place() {
        let [gold, silver, bronze] = [1, 2, 3].map(oid);
        let above = || {
            let policies: &[&[u8]] = &[&gold, &silver];
            requiring(
                certificate(policies, &[(&gold, &silver), (&silver, &bronze)]),
                0,
            )
        };
        for (policy, valid) in [(&gold, false), (&silver, true), (&bronze, true)] {
            let path = [above(), certificate(&[policy], &[])];
            assert_eq!(require_policies(&path).is_ok(), valid, "{policy:?}");
        }
        assert_eq!(require_policies(&[]), Ok(()));
    }

    #[test]
    fn a_constraint_is_in_order_and_minimal() {
        for (der, read) in [
            (&b"\x30\x03\x80\x01\x00"[..], Some((Some(0), None))),
            (b"\x30\x03\x81\x01\x05", Some((None, Some(5)))),
            (
                b"\x30\x06\x80\x01\x01\x81\x01\x02",
                Some((Some(1), Some(2))),
            ),
            (b"\x30\x06\x81\x01\x01\x80\x01\x02", None),
            (b"\x30\x06\x80\x01\x01\x80\x01\x02", None),
            (b"\x30\x03\x82\x01\x01", None),
            (b"\x30\x04\x80\x02\x00\x01", None),
            (b"\x30\x03\x80\x01\xff", None),
            (b"\x30\x00", None),
        ] {
            assert_eq!(constraints(der), read, "{der:02x?}");
        }
    }
}
