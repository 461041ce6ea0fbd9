//! Private keys: what the one in this process computes, and others in its place, inline, at a pause
//! and for several connections at once.

mod batches;
mod elsewhere;
mod identity;
mod own;
mod rsa_key;
