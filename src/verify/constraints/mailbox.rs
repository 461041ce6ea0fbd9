//! Mailboxes, and the constraints on them
//! ([RFC 5280 section 4.2.1.10](https://www.rfc-editor.org/rfc/rfc5280#section-4.2.1.10)).

/// A mailbox whose parts can be compared as they are: without quotes and without an address
/// literal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Mailbox {
    local: Box<[u8]>,
    host: Box<[u8]>,
}

/// The base of a constraint on mailboxes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Base {
    /// "To indicate a particular mailbox, the constraint is the complete mail address."
    Mailbox(Mailbox),
    /// "To indicate all Internet mail addresses on a particular host, the constraint is specified
    /// as the host name."
    Host(Box<[u8]>),
    /// "To specify any address within a domain, the constraint is specified with a leading period":
    /// the domain without it.
    Domain(Box<[u8]>),
}

impl Mailbox {
    /// Reads an address; `None` if it cannot be compared.
    pub(super) fn read(address: &[u8]) -> Option<Self> {
        let at = address.iter().position(|byte| *byte == b'@')?;
        let (local, host) = (address.get(..at)?, address.get(at + 1..)?);
        (is_local_part(local) && is_host(host)).then(|| Self {
            local: local.into(),
            host: host.into(),
        })
    }
}

impl Base {
    /// Reads a constraint; `None` if no mailbox can be compared with it.
    pub(super) fn read(base: &[u8]) -> Option<Self> {
        if base.contains(&b'@') {
            return Mailbox::read(base).map(Self::Mailbox);
        }
        match base.strip_prefix(b".") {
            Some(domain) => is_host(domain).then(|| Self::Domain(domain.into())),
            None => is_host(base).then(|| Self::Host(base.into())),
        }
    }

    /// Hosts compare without their case, local parts with it
    /// ([RFC 5280 section 7.5](https://www.rfc-editor.org/rfc/rfc5280#section-7.5)).
    pub(super) fn matches(&self, mailbox: &Mailbox) -> bool {
        match self {
            Self::Mailbox(own) => {
                own.local == mailbox.local && own.host.eq_ignore_ascii_case(&mailbox.host)
            }
            Self::Host(host) => host.eq_ignore_ascii_case(&mailbox.host),
            Self::Domain(domain) => {
                let rest = mailbox.host.len().checked_sub(domain.len());
                let split = rest.and_then(|at| mailbox.host.split_at_checked(at));
                split.is_some_and(|(labels, end)| {
                    labels.ends_with(b".") && end.eq_ignore_ascii_case(domain)
                })
            }
        }
    }
}

/// A `Dot-string` of [RFC 5321 section 4.1.2](https://www.rfc-editor.org/rfc/rfc5321#section-4.1.2).
fn is_local_part(local: &[u8]) -> bool {
    let is_atom = |byte: &u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~".contains(byte);
    local.split(|byte| *byte == b'.').all(|atom| !atom.is_empty() && atom.iter().all(is_atom))
}

/// A host name of labels of up to 63 letters, digits, hyphens and underscores.
fn is_host(host: &[u8]) -> bool {
    let is_letter = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    host.split(|byte| *byte == b'.')
        .all(|label| (1..=63).contains(&label.len()) && label.iter().all(is_letter))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_constraint_is_a_mailbox_a_host_or_a_domain() {
        for (base, address, matches) in [
            ("ops@Plant.example", "ops@plant.EXAMPLE", true),
            ("ops@plant.example", "Ops@plant.example", false),
            ("ops@plant.example", "ops@a.plant.example", false),
            ("plant.example", "any.body@PLANT.example", true),
            ("plant.example", "ops@a.plant.example", false),
            ("plant.example", "ops@otherplant.example", false),
            (".plant.example", "ops@a.b.Plant.example", true),
            (".plant.example", "ops@plant.example", false),
            (".plant.example", "ops@otherplant.example", false),
            (".example", "a+b@x_1.example", true),
        ] {
            let base_read = Base::read(base.as_bytes()).unwrap();
            let mailbox = Mailbox::read(address.as_bytes()).unwrap();
            assert_eq!(base_read.matches(&mailbox), matches, "{base} {address}");
        }
    }

    #[test]
    fn what_cannot_be_compared_is_not_read() {
        let long = format!("a@{}.example", "x".repeat(64));
        for address in [
            "",
            "plant.example",
            "@plant.example",
            "ops@",
            "a@b@plant.example",
            "\"a@b\"@plant.example",
            "\"ops\"@plant.example",
            "ops@[192.0.2.1]",
            "ops@plant.example.",
            "ops@.example",
            "ops@a..example",
            "o ps@plant.example",
            ".ops@plant.example",
            "ops@pl\u{e4}nt.example",
            "ops@plant.example\0",
            &long,
        ] {
            assert_eq!(Mailbox::read(address.as_bytes()), None, "{address:?}");
        }
        for base in [
            "",
            ".",
            "..example",
            "a@b@plant.example",
            "*.example",
            "plant.example.",
        ] {
            assert_eq!(Base::read(base.as_bytes()), None, "{base:?}");
        }
    }
}
