//! RSA with AVX-512 IFMA: the private operation, and arithmetic modulo a public modulus.

mod private;
mod product;
mod public;

#[cfg(test)]
pub(super) use private::check_products;
pub(super) use private::{Key, LIMBS, Parts, prepare, private};
pub(super) use public::{Key as PublicKey, Residue, Work, compute, prepare as prepare_public};
