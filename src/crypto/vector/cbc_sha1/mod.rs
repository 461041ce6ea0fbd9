//! AES-CBC encryption and SHA-1 side by side.
//!
//! Each of the two is one chain of dependent instructions, which leaves the processor idle most of the
//! time. A block of SHA-1 has as many bytes as four of AES, and four times twenty rounds, so a *unit*
//! of both is
//!
//! ```text
//! rounds   0 ..     20 ..    40 ..    60 ..
//! SHA-1    twenty   twenty   twenty   twenty
//! AES      block 0  block 1  block 2  block 3
//! ```
//!
//! Neither waits for the other, and twenty rounds and a block are few enough instructions for the
//! processor to have both in flight. The pair takes hardly longer than AES alone.
//!
//! What is hashed and what is encrypted are separate arguments: MAC-then-encrypt hashes its plaintext,
//! some bytes ahead of what is encrypted.
//!
//! | File | What it has |
//! |---|---|
//! | `kernel` | the key: what the rest of the crate calls |
//! | `pass` | the pass over the units |

mod kernel;
pub(super) mod pass;

pub(crate) use kernel::CbcSha1Kernel;
pub(crate) use pass::{Cbc, Sha1};
