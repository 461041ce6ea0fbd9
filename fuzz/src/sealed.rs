//! What the target for AES-GCM seals.

/// The arguments of a sealing.
#[derive(Debug, PartialEq, Eq)]
pub struct Sealed<'a> {
    pub key: &'a [u8],
    pub nonce: [u8; 12],
    pub additional_data: &'a [u8],
    pub text: &'a [u8],
}

impl<'a> Sealed<'a> {
    /// Takes a key of 16 bytes or, if the first byte is odd, of 32; then the nonce, the additional
    /// data behind its length, and the text.
    pub fn decode(input: &'a [u8]) -> Option<Self> {
        let (form, rest) = input.split_first()?;
        let (key, rest) = rest.split_at_checked(if form % 2 == 0 { 16 } else { 32 })?;
        let (nonce, rest) = rest.split_first_chunk()?;
        let (length, rest) = rest.split_first()?;
        let (additional_data, text) = rest.split_at_checked(usize::from(*length))?;
        Some(Self {
            key,
            nonce: *nonce,
            additional_data,
            text,
        })
    }

    /// The input that decodes as this; the additional data is shorter than 256 bytes.
    pub fn encode(&self) -> Vec<u8> {
        let form = u8::from(self.key.len() == 32);
        let length = u8::try_from(self.additional_data.len()).unwrap();
        [
            &[form],
            self.key,
            &self.nonce,
            &[length],
            self.additional_data,
            self.text,
        ]
        .concat()
    }
}
