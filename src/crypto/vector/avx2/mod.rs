//! RSA with AVX2: the private operation.

mod private;
mod product;

#[cfg(test)]
pub(super) use private::check_products;
pub(super) use private::{Key, prepare, private};
