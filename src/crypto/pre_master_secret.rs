//! The pre-master secret, which the RSA key transport encrypts and decrypts.

use core::fmt;
use zeroize::Zeroize;

/// Length of the pre-master secret.
pub(crate) const PRE_MASTER_SECRET: usize = 48;

/// The 48 bytes that the client makes up and sends encrypted
/// ([RFC 5246 section 7.4.7.1](https://www.rfc-editor.org/rfc/rfc5246#section-7.4.7.1)):
/// `{ client_version, random[46] }`. Wiped when dropped.
#[derive(Clone)]
pub(crate) struct PreMasterSecret(pub(crate) [u8; PRE_MASTER_SECRET]);

impl Drop for PreMasterSecret {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl fmt::Debug for PreMasterSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}
