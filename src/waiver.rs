//! The checks of a certificate that a policy can waive, each by its own setting.

use core::fmt;

/// Declares the waivers as a table with a row for each: its documentation, its name, its bit in a
/// stored session, its words, and the method that sets it.
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
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$waiver),+];

            /// The method that sets it.
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

            /// Does not compile if one is gone.
            #[test]
            fn all_exist() {
                let _ = ($(CertificatePolicy::$method),+);
            }
        }
    };
}

waivers! {
    /// A check of a peer's certificate that a
    /// [`CertificatePolicy`](crate::CertificatePolicy) can do without.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub enum Waiver {
        /// The chain is not asked for: the certificate is one that is known.
        PinnedCertificate = bit 0, "pinned certificate", CertificatePolicy::pin_certificate;
        /// The chain is not asked for: the certificate's key is one that is known.
        PinnedPublicKey = bit 1, "pinned public key", CertificatePolicy::pin_public_key;
        /// The certificate has no subjectAltName, and its subject's common name is the name.
        CommonName = bit 2, "common name", CertificatePolicy::accept_common_name;
        /// The certificate does not have the name that was asked for.
        AnyName = bit 3, "any name", CertificatePolicy::accept_any_name;
        /// The certificate is of X.509 version 1, which knows no extensions.
        Version1 = bit 4, "X.509 version 1", CertificatePolicy::accept_version_1;
        /// A signature of the chain is over a SHA-1 hash.
        Sha1Signature = bit 5, "SHA-1 signature", CertificatePolicy::accept_sha1_signatures;
        /// An RSA key of the chain has 1024 bits or more, but not 2048.
        ShortRsaKey = bit 6, "short RSA key", CertificatePolicy::accept_short_rsa_keys;
        /// The chain is not valid at the time, but was or will be within the tolerance.
        OutsideValidity = bit 7, "outside validity", CertificatePolicy::accept_outside_validity;
        /// keyUsage does not allow the server's key to encrypt.
        MissingKeyEncipherment = bit 8, "missing keyEncipherment",
            CertificatePolicy::accept_missing_key_encipherment;
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
        ];
        let expected = expected.map(|(bit, words, setting)| (bit, words.to_owned(), setting));
        assert!(rows.eq(expected));
    }
}
