//! The processor's vector instructions, as far as this build lets premaster use them.

use std::env;
use std::os::unix::process::CommandExt;
use std::process::Command;

/// What premaster's kernels run on, from the widest down.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Tier {
    Portable,
    AesNi,
    Avx2,
    Vaes256,
    Avx512,
}

impl Tier {
    /// The tier of this processor and this build.
    pub fn here() -> Self {
        Self::of_processor().min(Self::of_build())
    }

    /// True if this build is held to a tier below the widest.
    pub fn is_forced() -> bool {
        Self::of_build() < Self::Avx512
    }

    pub fn name(self) -> &'static str {
        match self {
            Self::Portable => "no vector kernels",
            Self::AesNi => "AES-NI",
            Self::Avx2 => "AVX2 and AES-NI",
            Self::Vaes256 => "AVX2 and VAES with 256 bits",
            Self::Avx512 => "AVX-512 with IFMA and VAES",
        }
    }

    fn of_build() -> Self {
        if cfg!(premaster_vector = "none") {
            Self::Portable
        } else if cfg!(premaster_vector = "aes-ni") {
            Self::AesNi
        } else if cfg!(premaster_vector = "avx2") {
            Self::Avx2
        } else if cfg!(premaster_vector = "vaes256") {
            Self::Vaes256
        } else {
            Self::Avx512
        }
    }

    #[cfg(target_arch = "x86_64")]
    fn of_processor() -> Self {
        let aes = is_x86_feature_detected!("aes") && is_x86_feature_detected!("pclmulqdq");
        let avx2 = is_x86_feature_detected!("avx2") && is_x86_feature_detected!("bmi2");
        let vaes = is_x86_feature_detected!("vaes") && is_x86_feature_detected!("vpclmulqdq");
        let avx512 = is_x86_feature_detected!("avx512ifma")
            && is_x86_feature_detected!("avx512vl")
            && is_x86_feature_detected!("avx512bw")
            && is_x86_feature_detected!("avx512dq");
        match (aes, avx2, vaes, avx512) {
            (false, ..) => Self::Portable,
            (true, false, ..) => Self::AesNi,
            (true, true, false, _) => Self::Avx2,
            (true, true, true, false) => Self::Vaes256,
            (true, true, true, true) => Self::Avx512,
        }
    }

    #[cfg(not(target_arch = "x86_64"))]
    fn of_processor() -> Self {
        Self::Portable
    }

    /// The value of OPENSSL_ia32cap that takes from OpenSSL the instructions above this tier. Its second
    /// number is EBX of CPUID leaf 7 with ECX above it: AVX-512 F, DQ, IFMA, BW and VL are bits 16, 17,
    /// 21, 30 and 31, VAES and VPCLMULQDQ bits 41 and 42; below AVX2 also BMI1, AVX2, BMI2 and ADX, bits
    /// 3, 5, 8 and 19.
    fn openssl_mask(self) -> Option<&'static str> {
        match self {
            Self::Avx512 => None,
            Self::Vaes256 => Some(":~0xc0230000"),
            Self::Avx2 => Some(":~0x600c0230000"),
            Self::AesNi | Self::Portable => Some(":~0x600c02b0128"),
        }
    }
}

/// Starts this program anew with OpenSSL held to the tier of the build, which OpenSSL reads from its
/// environment before `main`. Returns if that is done or not needed.
pub fn hold_openssl() {
    const VARIABLE: &str = "OPENSSL_ia32cap";
    let Some(mask) = Tier::of_build().openssl_mask() else {
        return;
    };
    if env::var_os(VARIABLE).is_some() {
        return;
    }
    let program = env::current_exe().unwrap();
    let error = Command::new(program).args(env::args_os().skip(1)).env(VARIABLE, mask).exec();
    panic!("{error}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_build_does_not_raise_the_processor() {
        assert!(Tier::here() <= Tier::of_build());
        assert!(Tier::here() <= Tier::of_processor());
    }
}
