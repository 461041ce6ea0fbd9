//! The tiers of processors, and what the build permits of them.
//!
//! `RUSTFLAGS='--cfg premaster_vector="avx2"'` holds a whole build to a tier and those below it, for
//! benches and for tests on a processor that has more; `"none"` leaves everything to the portable
//! crates, as does a build with debug assertions that names no tier. A value that is not listed here
//! is a compile error.

/// A class of processors, from the lowest up. An engine belongs to one tier.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Tier {
    /// AES-NI and PCLMULQDQ, with AVX.
    AesNi,
    /// AVX2 and BMI2.
    Avx2,
    /// VAES and VPCLMULQDQ on 256 bits.
    Vaes256,
    /// AVX-512 with IFMA, VAES and VPCLMULQDQ.
    Avx512,
}

impl Tier {
    /// All tiers, the widest first.
    pub(crate) const ALL: [Self; 4] = [Self::Avx512, Self::Vaes256, Self::Avx2, Self::AesNi];

    /// Returns the tiers that this build permits, the widest first. Whether this processor has them
    /// is for the tokens of `boundary` to say.
    pub(crate) fn permitted() -> impl Iterator<Item = Self> {
        Self::ALL.into_iter().filter(|tier| Some(*tier) <= CEILING)
    }
}

/// The highest tier of this build. Without optimisation each vector instruction is a call, so a build
/// for debugging leaves everything to the portable crates, which it may have optimised.
const CEILING: Option<Tier> = if cfg!(premaster_vector = "none") {
    None
} else if cfg!(premaster_vector = "aes-ni") {
    Some(Tier::AesNi)
} else if cfg!(premaster_vector = "avx2") {
    Some(Tier::Avx2)
} else if cfg!(premaster_vector = "vaes256") {
    Some(Tier::Vaes256)
} else if cfg!(all(debug_assertions, not(premaster_vector = "avx512"))) {
    None
} else {
    Some(Tier::Avx512)
};

#[cfg(all(
    premaster_vector,
    not(any(
        premaster_vector = "none",
        premaster_vector = "aes-ni",
        premaster_vector = "avx2",
        premaster_vector = "vaes256",
        premaster_vector = "avx512"
    ))
))]
compile_error!("premaster_vector is one of none, aes-ni, avx2, vaes256, avx512");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_build_permits_all_tiers_up_to_its_ceiling() {
        assert!(Tier::ALL.is_sorted_by(|wide, narrow| wide > narrow));
        let permitted: Vec<_> = Tier::permitted().collect();
        assert_eq!(permitted.first().copied(), CEILING);
        assert!(Tier::ALL.ends_with(&permitted));
    }
}
