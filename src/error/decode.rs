//! Why a message cannot be parsed.

use crate::enums::ExtensionType;

errors! {
    /// Why a message cannot be parsed.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub enum DecodeError {
        /// The message, or a vector in it, ends before its last field does.
        #[error("it ends in the middle of a field")]
        #[alert(DECODE_ERROR)]
        Truncated,
        /// There are extra bytes after the last field.
        #[error("it has extra bytes after its last field")]
        #[alert(DECODE_ERROR)]
        TrailingData,
        /// A vector is empty, but must not be.
        #[error("a list or field in it is empty, but must not be")]
        #[alert(DECODE_ERROR)]
        EmptyVector,
        /// The length of a vector exceeds its maximum, or is not a multiple of its element's.
        #[error("a list or field in it has an invalid length")]
        #[alert(DECODE_ERROR)]
        BadLength,
        /// The message has content of a type that was not requested.
        #[error("it has content of a type that was not requested")]
        #[alert(ILLEGAL_PARAMETER)]
        UnknownType,
        /// An extension occurs twice.
        #[error("extension {0} occurs twice")]
        #[alert(ILLEGAL_PARAMETER)]
        DuplicateExtension(ExtensionType),
        /// The server_name extension has more than one host_name.
        #[error("its server_name has more than one host_name")]
        #[alert(ILLEGAL_PARAMETER)]
        DuplicateHostName,
    }
}
