//! What was wrong with the bytes of a message.

use crate::enums::ExtensionType;

errors! {
    /// What was wrong with the bytes of a message.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub enum DecodeError {
        /// The bytes end before the field does.
        #[error("it ends in the middle of a field")]
        #[alert(DECODE_ERROR)]
        Truncated,
        /// Bytes are left after the last field.
        #[error("bytes are left after its last field")]
        #[alert(DECODE_ERROR)]
        TrailingData,
        /// A vector that must hold something is empty.
        #[error("a vector that must not be empty is")]
        #[alert(DECODE_ERROR)]
        EmptyVector,
        /// A vector's length is not a multiple of its element's, or over its maximum.
        #[error("a vector has a length it cannot have")]
        #[alert(DECODE_ERROR)]
        BadLength,
        /// A field says that what follows is of a type that was not asked for.
        #[error("it holds something of a type that was not asked for")]
        #[alert(ILLEGAL_PARAMETER)]
        UnknownType,
        /// The same extension came twice.
        #[error("extension {0} came twice")]
        #[alert(ILLEGAL_PARAMETER)]
        DuplicateExtension(ExtensionType),
    }
}
