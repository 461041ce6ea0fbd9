//! The checks of a certificate that a policy can waive, each by its own setting.

use core::fmt;

/// A check of a peer's certificate that a
/// [`CertificatePolicy`](crate::CertificatePolicy) can do without.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Waiver {
    /// The chain is not asked for: the certificate is one that is known.
    PinnedCertificate,
    /// The chain is not asked for: the certificate's key is one that is known.
    PinnedPublicKey,
    /// The certificate has no subjectAltName, and its subject's common name is the name.
    CommonName,
    /// The certificate does not have the name that was asked for.
    AnyName,
    /// The certificate is of X.509 version 1, which knows no extensions.
    Version1,
    /// A signature of the chain is over a SHA-1 hash.
    Sha1Signature,
    /// An RSA key of the chain has 1024 bits or more, but not 2048.
    ShortRsaKey,
    /// The chain is not valid at the time, but was or will be within the tolerance.
    OutsideValidity,
    /// keyUsage does not allow the server's key to encrypt.
    MissingKeyEncipherment,
}

impl Waiver {
    /// All of them.
    pub const ALL: &'static [Self] = &[
        Self::PinnedCertificate,
        Self::PinnedPublicKey,
        Self::CommonName,
        Self::AnyName,
        Self::Version1,
        Self::Sha1Signature,
        Self::ShortRsaKey,
        Self::OutsideValidity,
        Self::MissingKeyEncipherment,
    ];

    /// The method that sets it.
    #[must_use]
    pub fn setting(self) -> &'static str {
        match self {
            Self::PinnedCertificate => "CertificatePolicy::pin_certificate",
            Self::PinnedPublicKey => "CertificatePolicy::pin_public_key",
            Self::CommonName => "CertificatePolicy::accept_common_name",
            Self::AnyName => "CertificatePolicy::accept_any_name",
            Self::Version1 => "CertificatePolicy::accept_version_1",
            Self::Sha1Signature => "CertificatePolicy::accept_sha1_signatures",
            Self::ShortRsaKey => "CertificatePolicy::accept_short_rsa_keys",
            Self::OutsideValidity => "CertificatePolicy::accept_outside_validity",
            Self::MissingKeyEncipherment => "CertificatePolicy::accept_missing_key_encipherment",
        }
    }

    const fn bit(self) -> u16 {
        match self {
            Self::PinnedCertificate => 1,
            Self::PinnedPublicKey => 1 << 1,
            Self::CommonName => 1 << 2,
            Self::AnyName => 1 << 3,
            Self::Version1 => 1 << 4,
            Self::Sha1Signature => 1 << 5,
            Self::ShortRsaKey => 1 << 6,
            Self::OutsideValidity => 1 << 7,
            Self::MissingKeyEncipherment => 1 << 8,
        }
    }
}

impl fmt::Display for Waiver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::PinnedCertificate => "pinned certificate",
            Self::PinnedPublicKey => "pinned public key",
            Self::CommonName => "common name",
            Self::AnyName => "any name",
            Self::Version1 => "X.509 version 1",
            Self::Sha1Signature => "SHA-1 signature",
            Self::ShortRsaKey => "short RSA key",
            Self::OutsideValidity => "outside validity",
            Self::MissingKeyEncipherment => "missing keyEncipherment",
        })
    }
}

/// A set of [`Waiver`]s.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub struct Waivers(u16);

impl Waivers {
    /// Whether the set has this one.
    #[must_use]
    pub fn contains(self, waiver: Waiver) -> bool {
        self.0 & waiver.bit() != 0
    }

    /// Whether the set has none.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Those in the set.
    pub fn iter(self) -> impl Iterator<Item = Waiver> {
        let all = Waiver::ALL.iter().copied();
        all.filter(move |waiver| self.contains(*waiver))
    }

    pub(crate) fn insert(&mut self, waiver: Waiver) {
        self.0 |= waiver.bit();
    }

    /// The set as a stored session has it.
    pub(crate) fn to_bits(self) -> u16 {
        self.0
    }

    /// The set of these bits, if each is a waiver's.
    pub(crate) fn from_bits(bits: u16) -> Option<Self> {
        let known: Self = Waiver::ALL.iter().copied().collect();
        (bits & !known.0 == 0).then_some(Self(bits))
    }
}

impl Extend<Waiver> for Waivers {
    fn extend<I: IntoIterator<Item = Waiver>>(&mut self, waivers: I) {
        waivers.into_iter().for_each(|waiver| self.insert(waiver));
    }
}

impl FromIterator<Waiver> for Waivers {
    fn from_iter<I: IntoIterator<Item = Waiver>>(waivers: I) -> Self {
        let mut set = Self::default();
        set.extend(waivers);
        set
    }
}

impl fmt::Display for Waivers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_empty() {
            return f.write_str("none");
        }
        for (index, waiver) in self.iter().enumerate() {
            let separator = if index == 0 { "" } else { ", " };
            write!(f, "{separator}{waiver}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Waivers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_has_what_was_put_in_and_nothing_else() {
        let mut seen = Waivers::default();
        assert_eq!(seen.to_string(), "none");
        for &waiver in Waiver::ALL {
            assert!(!seen.contains(waiver));
            seen.insert(waiver);
            assert_eq!(Waivers::from_iter([waiver]).iter().count(), 1);
            assert_eq!(Waivers::from_bits(seen.to_bits()), Some(seen));
        }
        assert!(seen.iter().eq(Waiver::ALL.iter().copied()));
        assert_eq!(Waivers::from_bits(seen.to_bits() + 1), None);
        let two = Waivers::from_iter([Waiver::Version1, Waiver::CommonName]);
        assert_eq!(two.to_string(), "common name, X.509 version 1");
    }
}
