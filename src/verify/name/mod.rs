//! Distinguished names: as text, and in the form in which they are compared.

mod canonical;
mod prepare;
mod text;

pub(super) use canonical::CanonicalName;
pub(crate) use canonical::canonical_name;
pub(super) use text::Text;
