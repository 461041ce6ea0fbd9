//! The certificate checks that a policy can waive, each with its own setting.

use core::fmt;

/// Declares the waivers as a table with a row for each: its documentation, its name, its bit in a
/// stored session, its text, and the method that sets it.
macro_rules! waivers {
    (
        $(#[doc = $doc:literal])*
        #[derive($($derive:ident),+)]
        pub enum Waiver {
            $(
                $(#[doc = $waiver_doc:literal])*
                $waiver:ident = bit $bit:literal, $words:literal, CertificatePolicy::$method:ident;
            )+
        }
    ) => {
        $(#[doc = $doc])*
        #[derive($($derive),+)]
        #[non_exhaustive]
        pub enum Waiver {
            $(
                $(#[doc = $waiver_doc])*
                $waiver,
            )+
        }

        impl Waiver {
            /// All waivers.
            pub const ALL: &'static [Self] = &[$(Self::$waiver),+];

            /// Returns the method of [`CertificatePolicy`](crate::CertificatePolicy) that sets the
            /// waiver.
            #[must_use]
            pub fn setting(self) -> &'static str {
                match self {
                    $(Self::$waiver => concat!("CertificatePolicy::", stringify!($method)),)+
                }
            }

            const fn bit(self) -> u16 {
                match self {
                    $(Self::$waiver => 1 << $bit,)+
                }
            }
        }

        impl fmt::Display for Waiver {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(match self {
                    $(Self::$waiver => $words,)+
                })
            }
        }

        #[cfg(test)]
        mod settings {
            use crate::verify::CertificatePolicy;

            /// Does not compile if one does not exist.
            #[test]
            fn all_exist() {
                let _ = ($(CertificatePolicy::$method),+);
            }
        }
    };
}

waivers! {
    /// A check of the peer's certificate that a
    /// [`CertificatePolicy`](crate::CertificatePolicy) can waive.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub enum Waiver {
        /// The chain is not verified, because the certificate is pinned.
        PinnedCertificate = bit 0, "pinned certificate", CertificatePolicy::pin_certificate;
        /// The chain is not verified, because the certificate's public key is pinned.
        PinnedPublicKey = bit 1, "pinned public key", CertificatePolicy::pin_public_key;
        /// The subjectAltName of the certificate has no dNSName, and the common name in its subject is
        /// the server name.
        CommonName = bit 2, "common name", CertificatePolicy::accept_common_name;
        /// The certificate is not valid for the server name.
        AnyName = bit 3, "any name", CertificatePolicy::accept_any_name;
        /// The leaf is an X.509 version 1 certificate, which has no extensions.
        Version1 = bit 4, "X.509 version 1", CertificatePolicy::accept_version_1;
        /// A signature in the chain uses SHA-1.
        Sha1Signature = bit 5, "SHA-1 signature", CertificatePolicy::accept_sha1_signatures;
        /// An RSA key in the chain has 1024 to 2047 bits.
        ShortRsaKey = bit 6, "short RSA key", CertificatePolicy::accept_short_rsa_keys;
        /// The chain has expired or is not yet valid, but by no more than the tolerance.
        OutsideValidity = bit 7, "outside validity", CertificatePolicy::accept_outside_validity;
        /// The keyUsage of the server's certificate lacks keyEncipherment.
        MissingKeyEncipherment = bit 8, "missing keyEncipherment",
            CertificatePolicy::accept_missing_key_encipherment;
        /// The extendedKeyUsage of the peer's certificate does not include the peer's role.
        ExtendedKeyUsage = bit 9, "other extendedKeyUsage",
            CertificatePolicy::accept_other_extended_key_usage;
        /// The peer sent more than ten certificates.
        LongChain = bit 10, "long chain", CertificatePolicy::accept_long_chain;
    }
}

/// A set of [`Waiver`]s.
///
/// ```
/// use premaster::certificate::{Waiver, Waivers};
///
/// let needed: Waivers = [Waiver::CommonName, Waiver::Sha1Signature].into_iter().collect();
/// assert!(needed.contains(Waiver::CommonName));
/// for waiver in needed.iter() {
///     println!("needed {waiver}, by {}", waiver.setting());
/// }
/// ```
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub struct Waivers(u16);

impl Waivers {
    /// Returns true if the set contains `waiver`.
    #[must_use]
    pub fn contains(self, waiver: Waiver) -> bool {
        self.0 & waiver.bit() != 0
    }

    /// Returns true if the set is empty.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Returns an iterator over the waivers in the set.
    pub fn iter(self) -> impl Iterator<Item = Waiver> {
        let all = Waiver::ALL.iter().copied();
        all.filter(move |waiver| self.contains(*waiver))
    }

    pub(crate) fn insert(&mut self, waiver: Waiver) {
        self.0 |= waiver.bit();
    }

    /// Returns the bits that a stored session has for the set.
    pub(crate) fn to_bits(self) -> u16 {
        self.0
    }

    /// Returns the set with these bits, or `None` if one of them is not a waiver's.
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

    #[test]
    fn a_waiver_has_its_bit_its_words_and_its_setting() {
        let rows = Waiver::ALL.iter().map(|waiver| {
            let setting = waiver.setting().strip_prefix("CertificatePolicy::");
            (waiver.bit(), waiver.to_string(), setting.unwrap())
        });
        let expected = [
            (1, "pinned certificate", "pin_certificate"),
            (2, "pinned public key", "pin_public_key"),
            (4, "common name", "accept_common_name"),
            (8, "any name", "accept_any_name"),
            (16, "X.509 version 1", "accept_version_1"),
            (32, "SHA-1 signature", "accept_sha1_signatures"),
            (64, "short RSA key", "accept_short_rsa_keys"),
            (128, "outside validity", "accept_outside_validity"),
            (
                256,
                "missing keyEncipherment",
                "accept_missing_key_encipherment",
            ),
            (
                512,
                "other extendedKeyUsage",
                "accept_other_extended_key_usage",
            ),
            (1024, "long chain", "accept_long_chain"),
        ];
        let expected = expected.map(|(bit, words, setting)| (bit, words.to_owned(), setting));
        assert!(rows.eq(expected));
    }
}
