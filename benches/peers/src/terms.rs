//! What every library is given: the server's name and the suite.

/// The name that each client asks for, and that the server's certificate is valid for.
pub const NAME: &str = "localhost";

/// The cipher and the hash of each library's suite.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cipher {
    Aes128Sha256,
    Aes256Sha384,
    /// AES_128_CBC_SHA, its MAC encrypted with the plaintext.
    Aes128Cbc,
    /// AES_128_CBC_SHA with a MAC over the ciphertext.
    Aes128CbcEtm,
}

impl Cipher {
    /// Those that everybody has.
    pub const AEAD: [Self; 2] = [Self::Aes128Sha256, Self::Aes256Sha384];

    /// Those for old peers, which rustls has not.
    pub const CBC: [Self; 2] = [Self::Aes128Cbc, Self::Aes128CbcEtm];

    pub fn name(self) -> &'static str {
        match self {
            Self::Aes128Sha256 => "AES-128",
            Self::Aes256Sha384 => "AES-256",
            Self::Aes128Cbc => "AES-128-CBC",
            Self::Aes128CbcEtm => "AES-128-CBC, encrypt-then-MAC",
        }
    }
}
