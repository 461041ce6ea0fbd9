//! Finished ([RFC 5246 section 7.4.9](https://www.rfc-editor.org/rfc/rfc5246#section-7.4.9)).

use super::HandshakeBody;
use crate::codec::{Reader, Writer};
use crate::enums::HandshakeType;
use crate::error::DecodeError;

/// The length of verify_data in bytes, for every cipher suite of this crate.
pub(crate) const VERIFY_DATA: usize = 12;

/// The proof that the sender saw the same handshake messages and has the same master secret.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Finished {
    pub(crate) verify_data: [u8; VERIFY_DATA],
}

impl HandshakeBody<'_> for Finished {
    const TYPE: HandshakeType = HandshakeType::FINISHED;
    const NAME: &'static str = "finished";
    const LONGEST: usize = VERIFY_DATA;

    fn encode_body(&self, out: &mut Writer) {
        out.extend_from_slice(&self.verify_data);
    }

    fn decode_body(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            verify_data: reader.array()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::testing::round_trips;

    #[test]
    fn finished_round_trips() {
        round_trips(
            &Finished {
                verify_data: [7; VERIFY_DATA],
            },
            &mut Vec::new(),
        );
    }
}
