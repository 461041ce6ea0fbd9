//! Distinguished names: as text, and in the form in which they are compared.

mod canonical;
mod prepare;
mod text;

pub(crate) use canonical::canonical_name;
pub(super) use canonical::{CanonicalName, mailboxes_in};
pub(super) use prepare::text_of;
pub(crate) use text::NameText;
pub(super) use text::Text;
