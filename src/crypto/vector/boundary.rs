//! The calls into functions compiled for more than every x86-64 processor has: this crate's only
//! `unsafe` code. A token exists only where detection found each of its features. An entry takes one,
//! through a function compiled for just these features, so the compiler sees if a kernel needs others.

use super::gcm::{frame::Message, frame::Text, key, key::Key, v128, v256, v512};
use super::{aes, avx2, batch, cbc_sha1::pass, crt::CrtNumbers, ifma};

macro_rules! tokens { ($(
    $(#[$doc:meta])* $token:ident = $features:tt { $($(#[$cfg:meta])? fn $name:ident $arguments:tt $(-> $result:ty)? = $kernel:path;)* }
)*) => { $(
    $(#[$doc])*
    #[derive(Clone, Copy, Debug)]
    pub(super) struct $token(());

    impl $token {
        /// Returns the token where this processor has all its features.
        pub(super) fn detect() -> Option<Self> { detected!($features).then_some(Self(())) }
        $($(#[$cfg])? entry!($features $name $arguments ($($result)?) $kernel);)*
    }
)* } }
macro_rules! detected { (($($feature:tt),+)) => { $(is_x86_feature_detected!($feature))&&+ } }
macro_rules! entry { (($($feature:tt),+) $name:ident ($($argument:ident: $type:ty),*) ($($result:ty)?) $kernel:path) => {
    pub(super) fn $name(self, $($argument: $type),*) $(-> $result)? {
        #[target_feature($(enable = $feature),+)]
        fn enter($($argument: $type),*) $(-> $result)? { $kernel($($argument),*) }
        // SAFETY: `self` was made where the processor has the features of `enter`, its one requirement.
        unsafe { enter($($argument),*) }
    }
} }

tokens! {
    /// AVX-512 with 52-bit multiplication.
    Ifma = ("avx512f", "avx512dq", "avx512bw", "avx512vl", "avx512ifma", "bmi2") {
        fn prepare(numbers: &CrtNumbers<'_>) -> Option<ifma::Key> = ifma::prepare;
        fn private(jobs: &mut [batch::Job<'_>]) = batch::run;
        #[cfg(test)] fn check_products(key: &ifma::Key) = ifma::check_products;
        fn prepare_public(n: &[u64]) -> Option<ifma::PublicKey> = ifma::prepare_public;
        fn compute(key: &ifma::PublicKey, work: ifma::Work<'_>) = ifma::compute;
    }
    /// AVX2, and BMI2 for multiplication without flags.
    Avx2 = ("avx2", "bmi2") {
        fn prepare(numbers: &CrtNumbers<'_>) -> Option<avx2::Key> = avx2::prepare;
        fn private(key: &avx2::Key, number: &mut [u64]) = avx2::private;
        #[cfg(test)] fn check_products(key: &avx2::Key) = avx2::check_products;
    }
    /// AES and carry-less multiplication in 512 bits.
    Vaes512 = ("avx512f", "avx512dq", "avx512bw", "avx512vl", "vaes", "vpclmulqdq", "aes", "pclmulqdq") { fn pass(key: &Key, message: &Message<'_>, text: Text<'_>) -> [u8; 16] = v512::pass; }
    /// AES and carry-less multiplication in 256 bits.
    Vaes256 = ("avx2", "vaes", "vpclmulqdq", "aes", "pclmulqdq") { fn pass(key: &Key, message: &Message<'_>, text: Text<'_>) -> [u8; 16] = v256::pass; }
    /// AES and carry-less multiplication in 128 bits.
    AesNi = ("aes", "pclmulqdq", "avx") {
        fn prepare(secret: aes::Secret<'_>, key: &mut Key) = key::prepare;
        fn pass(key: &Key, message: &Message<'_>, text: Text<'_>) -> [u8; 16] = v128::pass;
    }
    /// AES and SHA-1, in 128 bits.
    AesSha = ("aes", "sha", "sse4.1") {
        fn expand(secret: aes::Secret<'_>, keys: &mut aes::RoundKeys) = aes::expand;
        fn encrypt_and_hash(keys: &aes::RoundKeys, cbc: pass::Cbc<'_>, sha1: pass::Sha1<'_>) = pass::encrypt_and_hash;
    }
}
