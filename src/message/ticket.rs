//! NewSessionTicket ([RFC 5077 section 3.3](https://www.rfc-editor.org/rfc/rfc5077#section-3.3)).

use super::HandshakeBody;
use crate::codec::{LengthPrefix, Reader, Writer};
use crate::enums::HandshakeType;
use crate::error::DecodeError;

/// A session ticket, which the client stores and sends back to resume the session.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct NewSessionTicket<'a> {
    /// How many seconds the server intends to accept the ticket; 0 if unspecified.
    pub(crate) ticket_lifetime_hint: u32,
    /// Empty if the server acknowledged the extension but then issues no ticket.
    pub(crate) ticket: &'a [u8],
}

impl<'a> HandshakeBody<'a> for NewSessionTicket<'a> {
    const TYPE: HandshakeType = HandshakeType::NEW_SESSION_TICKET;
    const NAME: &'static str = "new_session_ticket";
    /// The lifetime and the ticket.
    const LONGEST: usize = 4 + (2 + 0xffff);

    fn encode_body(&self, out: &mut Writer) {
        out.extend_from_slice(&self.ticket_lifetime_hint.to_be_bytes());
        out.vector(LengthPrefix::U16, |out| {
            out.extend_from_slice(self.ticket);
        });
    }

    fn decode_body(reader: &mut Reader<'a>) -> Result<Self, DecodeError> {
        Ok(Self {
            ticket_lifetime_hint: reader.array().map(u32::from_be_bytes)?,
            // opaque ticket<0..2^16-1>
            ticket: reader.vector16()?.remainder(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::HandshakeMessage;
    use crate::message::testing::round_trips;

    #[test]
    fn tickets_round_trip_and_may_be_empty() {
        for (ticket, encoded) in [
            (&[][..], &[4, 0, 0, 6, 0, 1, 0x51, 0x80, 0, 0][..]),
            (&[5, 6], &[4, 0, 0, 8, 0, 1, 0x51, 0x80, 0, 2, 5, 6]),
        ] {
            let message = NewSessionTicket {
                ticket_lifetime_hint: 86_400,
                ticket,
            };
            assert_eq!(message.encode().unwrap(), encoded);
            round_trips(&message, &mut Vec::new());
        }
    }

    #[test]
    fn a_ticket_fills_its_message() {
        for (bytes, error) in [
            (&[4, 0, 0, 3, 0, 0, 0][..], DecodeError::Truncated),
            (&[4, 0, 0, 6, 0, 0, 0, 0, 0, 1], DecodeError::Truncated),
            (
                &[4, 0, 0, 7, 0, 0, 0, 0, 0, 0, 9],
                DecodeError::TrailingData,
            ),
        ] {
            let message = HandshakeMessage {
                typ: HandshakeType::NEW_SESSION_TICKET,
                bytes,
            };
            assert_eq!(
                message.decode::<NewSessionTicket<'_>>(),
                Err(error.of("new_session_ticket"))
            );
        }
    }
}
