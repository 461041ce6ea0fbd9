//! RSA with AVX-512 IFMA.

mod private;
mod product;

pub(super) use private::{Key, prepare, private};
