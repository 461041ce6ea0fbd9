//! What a cipher is keyed with.

use core::fmt;

/// One side's part of the key block
/// ([RFC 5246 section 6.3](https://www.rfc-editor.org/rfc/rfc5246#section-6.3)).
#[derive(Clone, Copy)]
pub(crate) struct WriteKeys<'a> {
    /// Empty for an AEAD suite.
    pub(crate) mac_key: &'a [u8],
    pub(crate) key: &'a [u8],
    pub(crate) iv: &'a [u8],
}

impl fmt::Debug for WriteKeys<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}
