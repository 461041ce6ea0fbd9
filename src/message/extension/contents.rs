//! The contents of the extensions that this crate uses, by number: for each a `push_` method that
//! writes it, and a method that reads it, which must read every byte.
//!
//! If a ServerHello replies to an extension with an empty one, the names of the methods for the reply
//! end in `_ack`.

use super::Extensions;
use crate::codec::LengthPrefix;
use crate::enums::{ExtensionType, MaxFragmentLength, ProtocolVersion, SignatureScheme};
use crate::error::DecodeError;
use crate::message::certificate::{OCSP, decode_signature_schemes, encode_signature_schemes};

/// The only NameType of server_name: `host_name(0)`.
const HOST_NAME: u8 = 0;

impl Extensions<'_> {
    /// Appends server_name to a ClientHello ([RFC 6066 section 3](https://www.rfc-editor.org/rfc/rfc6066#section-3)).
    pub(crate) fn push_server_name(&mut self, host_name: &str) {
        self.push(ExtensionType::SERVER_NAME, |out| {
            out.vector(LengthPrefix::U16, |out| {
                out.push(HOST_NAME);
                out.vector(LengthPrefix::U16, |out| {
                    out.extend_from_slice(host_name.as_bytes());
                });
            });
        });
    }

    /// Returns the host name in the server_name of a ClientHello, not validated.
    ///
    /// "The ServerNameList MUST NOT contain more than one name of the same name_type"; names of
    /// other types are not defined and are skipped.
    pub(crate) fn server_name(&self) -> Result<Option<&[u8]>, DecodeError> {
        let found = self.find(ExtensionType::SERVER_NAME, |reader| {
            // ServerName server_name_list<1..2^16-1>
            let mut list = reader.vector16()?;
            if list.is_empty() {
                return Err(DecodeError::EmptyVector);
            }
            let mut host_name = None;
            while !list.is_empty() {
                let typ = list.u8()?;
                let name = list.vector16()?.remainder();
                if typ != HOST_NAME {
                    continue;
                }
                // opaque HostName<1..2^16-1>
                if name.is_empty() {
                    return Err(DecodeError::EmptyVector);
                }
                if host_name.replace(name).is_some() {
                    return Err(DecodeError::DuplicateHostName);
                }
            }
            Ok(host_name)
        })?;
        Ok(found.flatten())
    }

    /// Appends the empty server_name with which a server acknowledges the name.
    pub(crate) fn push_server_name_ack(&mut self) {
        self.push_empty(ExtensionType::SERVER_NAME);
    }

    /// Returns true if a ServerHello acknowledges the name.
    pub(crate) fn server_name_ack(&self) -> Result<bool, DecodeError> {
        self.find_empty(ExtensionType::SERVER_NAME)
    }

    /// Appends max_fragment_length to either hello ([RFC 6066 section 4](https://www.rfc-editor.org/rfc/rfc6066#section-4)).
    pub(crate) fn push_max_fragment_length(&mut self, length: MaxFragmentLength) {
        self.push(ExtensionType::MAX_FRAGMENT_LENGTH, |out| out.push(length.0));
    }

    /// Returns the value of max_fragment_length, which may be undefined.
    pub(crate) fn max_fragment_length(&self) -> Result<Option<MaxFragmentLength>, DecodeError> {
        self.find(ExtensionType::MAX_FRAGMENT_LENGTH, |reader| {
            reader.u8().map(MaxFragmentLength)
        })
    }

    /// Appends status_request to a ClientHello ([RFC 6066 section 8](https://www.rfc-editor.org/rfc/rfc6066#section-8)):
    /// a request for an OCSP response from any responder, without OCSP extensions.
    pub(crate) fn push_status_request(&mut self) {
        self.push(ExtensionType::STATUS_REQUEST, |out| {
            out.push(OCSP);
            out.vector(LengthPrefix::U16, |_| {});
            out.vector(LengthPrefix::U16, |_| {});
        });
    }

    /// Returns true if the status_request of a ClientHello requests an OCSP response.
    ///
    /// "Servers that receive a client hello containing the "status_request" extension MAY return a
    /// suitable certificate status response": a server that does not support the requested
    /// type returns nothing, so a request of another type is skipped.
    pub(crate) fn asks_for_ocsp(&self) -> Result<bool, DecodeError> {
        let found = self.find(ExtensionType::STATUS_REQUEST, |reader| {
            if reader.u8()? != OCSP {
                reader.remainder();
                return Ok(false);
            }
            // ResponderID responder_id_list<0..2^16-1>
            let mut responders = reader.vector16()?;
            while !responders.is_empty() {
                // opaque ResponderID<1..2^16-1>
                if responders.vector16()?.is_empty() {
                    return Err(DecodeError::EmptyVector);
                }
            }
            // opaque Extensions<0..2^16-1>
            reader.vector16()?;
            Ok(true)
        })?;
        Ok(found == Some(true))
    }

    /// Appends the empty status_request with which a server announces CertificateStatus.
    pub(crate) fn push_status_request_ack(&mut self) {
        self.push_empty(ExtensionType::STATUS_REQUEST);
    }

    /// Returns true if a ServerHello announces CertificateStatus.
    pub(crate) fn status_request_ack(&self) -> Result<bool, DecodeError> {
        self.find_empty(ExtensionType::STATUS_REQUEST)
    }

    /// Appends signature_algorithms to a ClientHello.
    pub(crate) fn push_signature_algorithms(&mut self, schemes: &[SignatureScheme]) {
        self.push(ExtensionType::SIGNATURE_ALGORITHMS, |out| {
            encode_signature_schemes(schemes, out);
        });
    }

    pub(crate) fn signature_algorithms(&self) -> Result<Option<Vec<SignatureScheme>>, DecodeError> {
        self.find(
            ExtensionType::SIGNATURE_ALGORITHMS,
            decode_signature_schemes,
        )
    }

    /// Appends application_layer_protocol_negotiation to either hello
    /// ([RFC 7301 section 3.1](https://www.rfc-editor.org/rfc/rfc7301#section-3.1)): the client's
    /// protocols, most preferred first, or the one protocol that the server chose.
    pub(crate) fn push_alpn(&mut self, protocols: &[impl AsRef<[u8]>]) {
        self.push(
            ExtensionType::APPLICATION_LAYER_PROTOCOL_NEGOTIATION,
            |out| {
                out.vector(LengthPrefix::U16, |out| {
                    for protocol in protocols {
                        out.vector(LengthPrefix::U8, |out| {
                            out.extend_from_slice(protocol.as_ref());
                        });
                    }
                });
            },
        );
    }

    /// Returns the protocols of application_layer_protocol_negotiation in their order, at least one.
    pub(crate) fn alpn(&self) -> Result<Option<Vec<&[u8]>>, DecodeError> {
        self.find(
            ExtensionType::APPLICATION_LAYER_PROTOCOL_NEGOTIATION,
            |reader| {
                // ProtocolName protocol_name_list<2..2^16-1>
                let mut list = reader.vector16()?;
                if list.is_empty() {
                    return Err(DecodeError::EmptyVector);
                }
                let mut protocols = Vec::new();
                while !list.is_empty() {
                    // "Empty strings MUST NOT be included and byte strings MUST NOT be truncated."
                    let protocol = list.vector8()?.remainder();
                    if protocol.is_empty() {
                        return Err(DecodeError::EmptyVector);
                    }
                    protocols.push(protocol);
                }
                Ok(protocols)
            },
        )
    }

    /// Appends the empty encrypt_then_mac to either hello ([RFC 7366 section 2](https://www.rfc-editor.org/rfc/rfc7366#section-2)).
    pub(crate) fn push_encrypt_then_mac(&mut self) {
        self.push_empty(ExtensionType::ENCRYPT_THEN_MAC);
    }

    pub(crate) fn encrypt_then_mac(&self) -> Result<bool, DecodeError> {
        self.find_empty(ExtensionType::ENCRYPT_THEN_MAC)
    }

    /// Appends the empty extended_master_secret to either hello ([RFC 7627 section 5.1](https://www.rfc-editor.org/rfc/rfc7627#section-5.1)).
    pub(crate) fn push_extended_master_secret(&mut self) {
        self.push_empty(ExtensionType::EXTENDED_MASTER_SECRET);
    }

    pub(crate) fn extended_master_secret(&self) -> Result<bool, DecodeError> {
        self.find_empty(ExtensionType::EXTENDED_MASTER_SECRET)
    }

    /// Appends record_size_limit to either hello ([RFC 8449 section 4](https://www.rfc-editor.org/rfc/rfc8449#section-4)),
    /// in bytes of plaintext.
    pub(crate) fn push_record_size_limit(&mut self, limit: u16) {
        self.push(ExtensionType::RECORD_SIZE_LIMIT, |out| {
            out.extend_from_slice(&limit.to_be_bytes());
        });
    }

    /// Returns the value of record_size_limit, which may be too small.
    pub(crate) fn record_size_limit(&self) -> Result<Option<u16>, DecodeError> {
        self.find(ExtensionType::RECORD_SIZE_LIMIT, |reader| reader.u16())
    }

    /// Appends session_ticket to either hello ([RFC 5077 section 3.2](https://www.rfc-editor.org/rfc/rfc5077#section-3.2)):
    /// the client's ticket, or nothing from a client without one and a server that will send one.
    ///
    /// The content is the ticket without a length field of its own, as [appendix A](https://www.rfc-editor.org/rfc/rfc5077#appendix-A)
    /// makes clear.
    pub(crate) fn push_session_ticket(&mut self, ticket: &[u8]) {
        self.push(ExtensionType::SESSION_TICKET, |out| {
            out.extend_from_slice(ticket);
        });
    }

    /// Returns the ticket in the session_ticket of a ClientHello, empty if the client has none.
    pub(crate) fn session_ticket(&self) -> Result<Option<&[u8]>, DecodeError> {
        self.find(ExtensionType::SESSION_TICKET, |reader| {
            Ok(reader.remainder())
        })
    }

    /// Returns true if a ServerHello announces NewSessionTicket with an empty session_ticket.
    pub(crate) fn session_ticket_ack(&self) -> Result<bool, DecodeError> {
        self.find_empty(ExtensionType::SESSION_TICKET)
    }

    /// Returns the versions in the supported_versions of a ClientHello in their order, at least one
    /// ([RFC 8446 section 4.2.1](https://www.rfc-editor.org/rfc/rfc8446#section-4.2.1)).
    pub(crate) fn supported_versions(&self) -> Result<Option<Vec<ProtocolVersion>>, DecodeError> {
        self.find(ExtensionType::SUPPORTED_VERSIONS, |reader| {
            // ProtocolVersion versions<2..254>
            let versions: Vec<_> = reader.vector8()?.u16s()?.map(ProtocolVersion).collect();
            if versions.is_empty() {
                return Err(DecodeError::EmptyVector);
            }
            Ok(versions)
        })
    }

    /// Appends renegotiation_info, empty in an initial handshake
    /// ([RFC 5746 section 3.2](https://www.rfc-editor.org/rfc/rfc5746#section-3.2)).
    pub(crate) fn push_renegotiation_info(&mut self, renegotiated_connection: &[u8]) {
        self.push(ExtensionType::RENEGOTIATION_INFO, |out| {
            out.vector(LengthPrefix::U8, |out| {
                out.extend_from_slice(renegotiated_connection)
            });
        });
    }

    /// Returns the renegotiated_connection field of renegotiation_info.
    pub(crate) fn renegotiation_info(&self) -> Result<Option<&[u8]>, DecodeError> {
        self.find(ExtensionType::RENEGOTIATION_INFO, |reader| {
            Ok(reader.vector8()?.remainder())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use core::fmt::Debug;

    fn with(push: impl FnOnce(&mut Extensions<'static>)) -> Extensions<'static> {
        let mut extensions = Extensions::default();
        push(&mut extensions);
        extensions
    }

    /// Checks that reading each content as extension `typ` fails with the error beside it.
    #[track_caller]
    fn refuses<T: Debug + PartialEq>(
        typ: ExtensionType,
        read: impl Fn(&Extensions<'static>) -> Result<T, DecodeError>,
        broken: &[(&[u8], DecodeError)],
    ) {
        for (content, error) in broken {
            let extensions = with(|extensions| extensions.push_raw(typ, content));
            assert_eq!(read(&extensions), Err(*error), "{content:?}");
        }
    }

    /// Checks that an extension without content is found once it was pushed, and refused with
    /// content.
    #[track_caller]
    fn is_an_empty_one(
        typ: ExtensionType,
        push: impl Fn(&mut Extensions<'static>),
        read: impl Fn(&Extensions<'static>) -> Result<bool, DecodeError>,
    ) {
        assert_eq!(read(&Extensions::default()), Ok(false));
        let extensions = with(push);
        assert!(extensions.iter().eq([(typ, &[][..])]));
        assert_eq!(read(&extensions), Ok(true));
        refuses(typ, read, &[(&[0], DecodeError::TrailingData)]);
    }

    #[test]
    fn extensions_have_the_bytes_of_their_definitions() {
        let mut extensions = Extensions::default();
        extensions.push_server_name("plc");
        extensions.push_max_fragment_length(MaxFragmentLength::L1024);
        extensions.push_status_request();
        extensions.push_signature_algorithms(&[SignatureScheme::RSA_PKCS1_SHA256]);
        extensions.push_alpn(&["h2", "ocpp"]);
        extensions.push_record_size_limit(320);
        extensions.push_session_ticket(&[7, 8, 9]);
        extensions.push_renegotiation_info(&[]);
        assert!(extensions.iter().eq([
            (ExtensionType(0), &b"\0\x06\0\0\x03plc"[..]),
            (ExtensionType(1), &[2]),
            (ExtensionType(5), &[1, 0, 0, 0, 0]),
            (ExtensionType(13), &[0, 2, 4, 1]),
            (ExtensionType(16), b"\0\x08\x02h2\x04ocpp"),
            (ExtensionType(28), &[1, 64]),
            (ExtensionType(35), &[7, 8, 9]),
            (ExtensionType(0xff01), &[0]),
        ]));
    }

    #[test]
    fn absent_extensions_are_not_found() {
        let none = Extensions::default();
        assert_eq!(none.server_name(), Ok(None));
        assert_eq!(none.max_fragment_length(), Ok(None));
        assert_eq!(none.asks_for_ocsp(), Ok(false));
        assert_eq!(none.signature_algorithms(), Ok(None));
        assert_eq!(none.alpn(), Ok(None));
        assert_eq!(none.record_size_limit(), Ok(None));
        assert_eq!(none.session_ticket(), Ok(None));
        assert_eq!(none.renegotiation_info(), Ok(None));
    }

    #[test]
    fn extensions_without_content_are_empty() {
        is_an_empty_one(
            ExtensionType::SERVER_NAME,
            Extensions::push_server_name_ack,
            Extensions::server_name_ack,
        );
        is_an_empty_one(
            ExtensionType::STATUS_REQUEST,
            Extensions::push_status_request_ack,
            Extensions::status_request_ack,
        );
        is_an_empty_one(
            ExtensionType::EXTENDED_MASTER_SECRET,
            Extensions::push_extended_master_secret,
            Extensions::extended_master_secret,
        );
        is_an_empty_one(
            ExtensionType::SESSION_TICKET,
            |extensions| extensions.push_session_ticket(&[]),
            Extensions::session_ticket_ack,
        );
    }

    #[test]
    fn server_name_is_one_host_name() {
        let extensions = with(|extensions| extensions.push_server_name("plc.example"));
        assert_eq!(extensions.server_name(), Ok(Some(&b"plc.example"[..])));
        let other_type = with(|extensions| {
            extensions.push_raw(ExtensionType::SERVER_NAME, &[0, 4, 9, 0, 1, b'a']);
        });
        assert_eq!(other_type.server_name(), Ok(None));
        refuses(
            ExtensionType::SERVER_NAME,
            |extensions| extensions.server_name().map(|_| ()),
            &[
                (&[], DecodeError::Truncated),
                (&[0, 0], DecodeError::EmptyVector),
                (&[0, 3, 0, 0, 0], DecodeError::EmptyVector),
                (&[0, 4, 0, 0, 1, b'a', 0], DecodeError::TrailingData),
                (
                    &[0, 8, 0, 0, 1, b'a', 0, 0, 1, b'b'],
                    DecodeError::DuplicateHostName,
                ),
            ],
        );
    }

    #[test]
    fn a_fragment_length_of_no_known_meaning_survives() {
        for length in [MaxFragmentLength::L4096, MaxFragmentLength(5)] {
            let extensions = with(|extensions| extensions.push_max_fragment_length(length));
            assert_eq!(extensions.max_fragment_length(), Ok(Some(length)));
        }
        refuses(
            ExtensionType::MAX_FRAGMENT_LENGTH,
            Extensions::max_fragment_length,
            &[
                (&[], DecodeError::Truncated),
                (&[1, 1], DecodeError::TrailingData),
            ],
        );
    }

    #[test]
    fn status_request_is_read_as_far_as_its_type_is_known() {
        for (content, asks_for_ocsp) in [
            (&[1, 0, 0, 0, 0][..], true),
            (&[1, 0, 7, 0, 1, 8, 0, 2, 9, 9, 0, 1, 7], true),
            (&[2], false),
            (&[2, 0, 9], false),
        ] {
            let extensions = with(|extensions| {
                extensions.push_raw(ExtensionType::STATUS_REQUEST, content);
            });
            assert_eq!(extensions.asks_for_ocsp(), Ok(asks_for_ocsp), "{content:?}");
        }
        refuses(
            ExtensionType::STATUS_REQUEST,
            Extensions::asks_for_ocsp,
            &[
                (&[], DecodeError::Truncated),
                (&[1], DecodeError::Truncated),
                (&[1, 0, 0], DecodeError::Truncated),
                (&[1, 0, 1, 0, 0, 0], DecodeError::Truncated),
                (&[1, 0, 0, 0, 1], DecodeError::Truncated),
                (&[1, 0, 2, 0, 0, 0, 0], DecodeError::EmptyVector),
                (&[1, 0, 0, 0, 0, 0], DecodeError::TrailingData),
            ],
        );
    }

    #[test]
    fn signature_algorithms_are_whole_and_some() {
        let schemes = vec![SignatureScheme::RSA_PKCS1_SHA256, SignatureScheme(0x1a1a)];
        let extensions = with(|extensions| extensions.push_signature_algorithms(&schemes));
        assert_eq!(extensions.signature_algorithms(), Ok(Some(schemes)));
        refuses(
            ExtensionType::SIGNATURE_ALGORITHMS,
            Extensions::signature_algorithms,
            &[
                (&[0, 0], DecodeError::EmptyVector),
                (&[0, 1, 4], DecodeError::BadLength),
                (&[0, 2, 4, 1, 0], DecodeError::TrailingData),
            ],
        );
    }

    #[test]
    fn alpn_is_some_names_in_their_order() {
        let longest = [b'x'; 255];
        let protocols = [&b"ocpp2.1"[..], &longest, b"h2"];
        let extensions = with(|extensions| extensions.push_alpn(&protocols));
        assert_eq!(extensions.alpn(), Ok(Some(protocols.to_vec())));
        refuses(
            ExtensionType::APPLICATION_LAYER_PROTOCOL_NEGOTIATION,
            |extensions| extensions.alpn().map(|_| ()),
            &[
                (&[], DecodeError::Truncated),
                (&[0, 3, 3, b'h', b'2'], DecodeError::Truncated),
                (&[0, 0], DecodeError::EmptyVector),
                (&[0, 1, 0], DecodeError::EmptyVector),
                (&[0, 4, 2, b'h', b'2', 0], DecodeError::EmptyVector),
                (&[0, 3, 2, b'h', b'2', 0], DecodeError::TrailingData),
            ],
        );
    }

    #[test]
    fn a_record_size_limit_is_two_bytes() {
        for limit in [0, 64, 0xffff] {
            let extensions = with(|extensions| extensions.push_record_size_limit(limit));
            assert_eq!(extensions.record_size_limit(), Ok(Some(limit)));
        }
        refuses(
            ExtensionType::RECORD_SIZE_LIMIT,
            Extensions::record_size_limit,
            &[
                (&[64], DecodeError::Truncated),
                (&[0, 64, 0], DecodeError::TrailingData),
            ],
        );
    }

    #[test]
    fn a_session_ticket_is_the_whole_content() {
        for ticket in [&[][..], &[0], &[0, 2, 7, 8]] {
            let extensions = with(|extensions| extensions.push_session_ticket(ticket));
            assert_eq!(extensions.session_ticket(), Ok(Some(ticket)));
        }
    }

    #[test]
    fn renegotiation_info_is_one_vector() {
        let extensions = with(|extensions| extensions.push_renegotiation_info(&[]));
        assert_eq!(extensions.renegotiation_info(), Ok(Some(&[][..])));
        refuses(
            ExtensionType::RENEGOTIATION_INFO,
            |extensions| extensions.renegotiation_info().map(|_| ()),
            &[
                (&[1], DecodeError::Truncated),
                (&[0, 0], DecodeError::TrailingData),
            ],
        );
    }
}
