//! What every library is given: the server's name and the suite.

/// The name that each client asks for, and that the server's certificate is valid for.
pub const NAME: &str = "localhost";

/// The cipher and the hash of each library's suite.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cipher {
    Aes128Sha256,
    Aes256Sha384,
}

impl Cipher {
    pub const ALL: [Self; 2] = [Self::Aes128Sha256, Self::Aes256Sha384];

    pub fn name(self) -> &'static str {
        match self {
            Self::Aes128Sha256 => "AES-128",
            Self::Aes256Sha384 => "AES-256",
        }
    }
}
