//! What the applications share.
