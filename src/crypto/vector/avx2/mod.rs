//! RSA with AVX2: the private operation.

mod private;
mod product;

pub(super) use private::{Key, prepare, private};
