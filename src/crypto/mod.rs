//! The cryptography of TLS 1.2 with RSA key transport. It works on bytes and keys, and depends on
//! no message, record or handshake.

pub(crate) mod cipher;
#[cfg(feature = "ecdsa")]
pub(crate) mod ecdsa;
pub(crate) mod hash;
pub(crate) mod key_id;
pub(crate) mod pkcs1;
pub(crate) mod pre_master_secret;
pub(crate) mod prf;
pub(crate) mod private_key;
pub(crate) mod rng;
pub(crate) mod rsa;
pub(crate) mod sealing;
pub(crate) mod suite;
#[cfg(all(feature = "vector", target_arch = "x86_64"))]
pub(crate) mod vector;
pub(crate) mod vectors;
