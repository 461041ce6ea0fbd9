//! The name constraints that `rustls-webpki` does not compare: those on directory names and on
//! mailboxes ([RFC 5280 section 4.2.1.10](https://www.rfc-editor.org/rfc/rfc5280#section-4.2.1.10)).
//! It refuses every path below a CA that has one.

mod mailbox;

use super::certificate::PeerCertificate;
use super::der::{Element, Reader, SEQUENCE, element, only_element};
use super::name::{CanonicalName, mailboxes_in};
use super::search_error::SearchError;
use core::cell::Cell;
use mailbox::{Base, Mailbox};

const PERMITTED: u8 = 0xa0;
const EXCLUDED: u8 = 0xa1;
/// The tags of `rfc822Name` and `directoryName` in a GeneralName.
const MAILBOX: u8 = 0x81;
const DIRECTORY: u8 = 0xa4;

/// The maximum number of comparisons of a name with a constraint in one search.
const MAX_COMPARISONS: usize = 10_000;

/// The constraints of one CA on directory names and mailboxes.
#[derive(Clone, Debug, Default)]
pub(super) struct NameConstraints {
    permitted: Subtrees,
    excluded: Subtrees,
}

#[derive(Clone, Debug, Default)]
struct Subtrees {
    directories: Vec<CanonicalName>,
    /// `None` stands for a constraint with which no mailbox can be compared.
    mailboxes: Vec<Option<Base>>,
}

/// The constraints of one CA, by who checks them.
#[derive(Clone, Debug)]
pub(super) struct Split {
    pub(super) own: NameConstraints,
    /// The content of a NameConstraints with the other constraints; empty without any.
    pub(super) others: Vec<u8>,
}

/// Takes the constraints on directory names and mailboxes out of the content of a NameConstraints.
/// `None` if there are none, or if it is not in DER: `rustls-webpki` then refuses it.
pub(super) fn split(content: &[u8]) -> Option<Split> {
    let mut own = NameConstraints::default();
    let mut others = Vec::new();
    let mut last = None;
    for list in Reader::new(content) {
        let list = list.ok()?;
        let subtrees = match list.tag {
            PERMITTED if last.is_none() => &mut own.permitted,
            EXCLUDED if last != Some(EXCLUDED) => &mut own.excluded,
            _ => return None,
        };
        last = Some(list.tag);
        let left = subtrees.take(list)?;
        if !left.is_empty() {
            others.extend_from_slice(&element(list.tag, &[&left]));
        }
    }
    (!own.permitted.is_empty() || !own.excluded.is_empty()).then_some(Split { own, others })
}

impl Subtrees {
    /// Takes them from GeneralSubtrees and returns the others. "the minimum MUST be zero, and maximum
    /// MUST be absent": neither is in DER.
    fn take(&mut self, list: Element<'_>) -> Option<Vec<u8>> {
        let mut others = Vec::new();
        for subtree in Reader::new(list.content) {
            let subtree = subtree.ok()?;
            let base = only_element(subtree.content).filter(|_| subtree.tag == SEQUENCE)?;
            match base.tag {
                DIRECTORY => self.directories.push(CanonicalName::of(base.content)),
                MAILBOX => self.mailboxes.push(Base::read(base.content)),
                _ => others.extend_from_slice(subtree.der),
            }
        }
        Some(others)
    }

    fn is_empty(&self) -> bool {
        self.directories.is_empty() && self.mailboxes.is_empty()
    }
}

/// The directory names and mailboxes of a certificate to which constraints apply.
#[derive(Debug)]
pub(super) struct ConstrainedNames {
    directories: Vec<CanonicalName>,
    /// `None` stands for an address that cannot be compared.
    mailboxes: Vec<Option<Mailbox>>,
}

impl ConstrainedNames {
    /// "Restrictions of the form directoryName MUST be applied to the subject field in the
    /// certificate (when the certificate includes a non-empty subject field) and to any names of
    /// type directoryName in the subjectAltName extension." "When constraints are imposed on the
    /// rfc822Name name form, but the certificate does not include a subject alternative name, the
    /// rfc822Name constraint MUST be applied to the attribute of type emailAddress in the subject
    /// distinguished name".
    ///
    /// `None` if the names cannot be read.
    pub(super) fn of(certificate: &PeerCertificate<'_>, subject: &CanonicalName) -> Option<Self> {
        let mut names = Self {
            directories: Vec::new(),
            mailboxes: Vec::new(),
        };
        if !subject.is_empty() {
            names.directories.push(subject.clone());
        }
        match certificate.alternative_names_der().ok()? {
            Some(der) => {
                for name in only_element(der)?.content_of(SEQUENCE)? {
                    let name = name.ok()?;
                    match name.tag {
                        DIRECTORY => names.directories.push(CanonicalName::of(name.content)),
                        MAILBOX => names.mailboxes.push(Mailbox::read(name.content)),
                        _ => {}
                    }
                }
            }
            None => {
                let addresses = mailboxes_in(certificate.subject_der())?;
                let read = |address: Option<String>| Mailbox::read(address?.as_bytes());
                names.mailboxes.extend(addresses.into_iter().map(read));
            }
        }
        Some(names)
    }
}

/// Counts the comparisons of a search.
#[derive(Debug)]
pub(super) struct Comparisons(Cell<usize>);

impl Comparisons {
    pub(super) fn new() -> Self {
        Self(Cell::new(MAX_COMPARISONS))
    }

    fn count(&self, names: usize, bases: usize) -> Result<(), SearchError> {
        let left = self.0.get().checked_sub(names.saturating_mul(bases));
        self.0.set(left.map_or(0, |left| left));
        left.map(|_| ()).ok_or(SearchError::TooMuchWork)
    }
}

impl NameConstraints {
    /// Refuses names of a certificate below this CA that it does not permit, or that it excludes.
    pub(super) fn require(
        &self,
        names: &ConstrainedNames,
        comparisons: &Comparisons,
    ) -> Result<(), SearchError> {
        for (permits, subtrees) in [(true, &self.permitted), (false, &self.excluded)] {
            comparisons.count(names.directories.len(), subtrees.directories.len())?;
            comparisons.count(names.mailboxes.len(), subtrees.mailboxes.len())?;
            let directories_fit = names.directories.iter().all(|name| {
                fits(permits, &subtrees.directories, |base| {
                    within(name, base, permits)
                })
            });
            let mailboxes_fit = names.mailboxes.iter().all(|mailbox| {
                fits(permits, &subtrees.mailboxes, |base| match (base, mailbox) {
                    (Some(base), Some(mailbox)) => base.matches(mailbox),
                    _ => !permits,
                })
            });
            if !(directories_fit && mailboxes_fit) {
                return Err(SearchError::NameConstraints);
            }
        }
        Ok(())
    }
}

/// Of the permitted subtrees, where there are any of the name's kind, one has to match; of the
/// excluded none.
fn fits<B>(permits: bool, bases: &[B], matches: impl Fn(&B) -> bool) -> bool {
    bases.is_empty() || bases.iter().any(matches) == permits
}

/// Returns true if a name is within a permitted subtree for sure, or may be within an excluded one.
fn within(name: &CanonicalName, base: &CanonicalName, permits: bool) -> bool {
    let may_be = !(permits || name.is_complete() && base.is_complete());
    may_be || name.is_within(base)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verify::der::sequence;
    use crate::verify::testing::name;

    const HOST: u8 = 0x82;

    fn subtree(tag: u8, base: &[u8]) -> Vec<u8> {
        sequence(&[&element(tag, &[base])])
    }

    fn list(tag: u8, subtrees: &[Vec<u8>]) -> Vec<u8> {
        element(tag, &[&subtrees.concat()])
    }

    #[test]
    fn the_others_keep_their_bytes_and_their_order() {
        let werk = || subtree(DIRECTORY, &name("O=Werk"));
        let (host, mailbox) = (
            || subtree(HOST, b"a.example"),
            subtree(MAILBOX, b"a.example"),
        );
        let permitted = |subtrees: &[Vec<u8>]| list(PERMITTED, subtrees);
        let excluded = |subtrees: &[Vec<u8>]| list(EXCLUDED, subtrees);
        let hosts = [permitted(&[host()]), excluded(&[host()])].concat();
        let all = [
            permitted(&[werk(), host()]),
            excluded(&[host(), mailbox.clone()]),
        ]
        .concat();
        assert_eq!(split(&all).unwrap().others, hosts);
        assert_eq!(split(&permitted(&[werk()])).unwrap().others, b"");
        assert_eq!(split(&excluded(&[mailbox])).unwrap().others, b"");

        let maximum = sequence(&[&element(DIRECTORY, &[&name("O=Werk")]), b"\x81\x01\x00"]);
        for left_to_webpki in [
            vec![],
            hosts.clone(),
            permitted(&[maximum]),
            [excluded(&[werk()]), permitted(&[werk()])].concat(),
            [permitted(&[werk()]), permitted(&[werk()])].concat(),
            [excluded(&[werk()]), excluded(&[werk()])].concat(),
            list(0xa2, &[werk()]),
            [permitted(&[werk()]), vec![0xa1]].concat(),
            permitted(&[element(DIRECTORY, &[&name("O=Werk")])]),
        ] {
            assert!(split(&left_to_webpki).is_none(), "{left_to_webpki:02x?}");
        }
    }

    #[test]
    fn comparisons_are_counted_up_to_a_limit() {
        let names = ConstrainedNames {
            directories: vec![CanonicalName::of(&name("CN=a,O=Werk")); 100],
            mailboxes: vec![],
        };
        let other = CanonicalName::of(&name("O=Other"));
        let constraints = |bases| NameConstraints {
            excluded: Subtrees {
                directories: vec![other.clone(); bases],
                mailboxes: vec![],
            },
            ..NameConstraints::default()
        };
        let comparisons = Comparisons::new();
        assert_eq!(constraints(99).require(&names, &comparisons), Ok(()));
        assert_eq!(constraints(1).require(&names, &comparisons), Ok(()));
        let one_over = constraints(1).require(&names, &comparisons);
        assert_eq!(one_over, Err(SearchError::TooMuchWork));
        let refused = constraints(101).require(&names, &Comparisons::new());
        assert_eq!(refused, Err(SearchError::TooMuchWork));
    }
}
