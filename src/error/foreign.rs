//! Protocols other than TLS, by their first bytes.

use core::fmt;

/// Declares the protocols as a table: documentation, the first five bytes, name, and text.
macro_rules! protocols {
    ($($(#[doc = $doc:literal])* $bytes:pat => $protocol:ident: $words:literal;)+) => {
        /// A protocol other than TLS, as the peer's first bytes look.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[non_exhaustive]
        pub enum ForeignProtocol {
            $($(#[doc = $doc])* $protocol,)+
        }

        impl ForeignProtocol {
            /// All protocols.
            pub const ALL: &'static [Self] = &[$(Self::$protocol),+];

            /// Returns the protocol that begins with these bytes, which stand where the header of a
            /// record is expected.
            pub(crate) fn of(header: &[u8; 5]) -> Option<Self> {
                match header {
                    $($bytes => Some(Self::$protocol),)+
                    _ => None,
                }
            }
        }

        impl fmt::Display for ForeignProtocol {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(match self {
                    $(Self::$protocol => $words,)+
                })
            }
        }
    };
}

protocols! {
    /// A request of HTTP/1 or the preface of HTTP/2.
    b"GET /" | b"HEAD " | b"POST " | b"PUT /" | b"PATCH" | b"DELET" | b"OPTIO" | b"CONNE"
    | b"TRACE" | b"PRI *" => HttpRequest:
        "an HTTP request (does the client use http:// instead of https://?)";
    /// A response of HTTP/1.
    b"HTTP/" => HttpResponse: "an HTTP response (is the port one for http:// without TLS?)";
    /// The greeting of an SMTP or FTP server.
    [b'2', b'2', b'0', b' ' | b'-', _] => Greeting220:
        "the greeting of an SMTP or FTP server (does its TLS begin after STARTTLS or AUTH TLS?)";
    /// The first command of an SMTP client.
    b"EHLO " | b"HELO " => SmtpCommand:
        "the command of an SMTP client (does its TLS begin after STARTTLS?)";
    /// The greeting of an IMAP server.
    b"* OK " | b"* PRE" | b"* BYE" => Imap:
        "the greeting of an IMAP server (does its TLS begin after STARTTLS?)";
    /// The greeting of a POP3 server.
    [b'+', b'O', b'K', ..] => Pop3:
        "the greeting of a POP3 server (does its TLS begin after STLS?)";
    /// The banner of an SSH client or server.
    b"SSH-2" | b"SSH-1" => Ssh: "an SSH banner";
    /// A message of LDAP.
    [0x30, 0x05..=0x7f, 0x02, 0x01, _] | [0x30, 0x84, 0, 0, _] => Ldap:
        "an LDAP message (does its TLS begin after StartTLS?)";
    /// The connection request of RDP, in a TPKT header.
    [3, 0, 0, 11..=255, 6..=250] => Rdp:
        "an RDP connection request (its TLS begins after an answer)";
    /// A request of a PostgreSQL client.
    [0, 0, 0, 8, 4] | [0, 0, 0, 9..=255, 0] => PostgreSql:
        "a PostgreSQL request (its TLS begins after an answer)";
    /// The greeting of a MySQL or MariaDB server.
    [1..=255, 0, 0, 0, 10] => MySql:
        "the greeting of a MySQL server (its TLS begins after an answer)";
    /// A header of the PROXY protocol, which a load balancer puts in front of the client's bytes.
    b"PROXY" | b"\r\n\r\n\0" => Proxy:
        "a header of the PROXY protocol (a load balancer sends it; remove it before TLS)";
    /// An XMPP stream.
    b"<?xml" | b"<stre" => Xmpp: "an XMPP stream (does its TLS begin after starttls?)";
    /// The negotiation of Telnet options.
    [0xff, 0xfb..=0xfe, _, 0xff, 0xfb..=0xfe] => Telnet: "Telnet negotiation";
    /// A record of DTLS.
    [20..=26, 0xfe, 0xfd | 0xff, _, _] => Dtls: "a DTLS record";
    /// A ClientHello in the format of SSL 2.0, which RFC 6176 prohibits.
    [0x80..=0xff, _, 1, 3, 0..=4] | [0x80..=0xff, _, 1, 0, 2] => Ssl2Hello:
        "a client_hello in the format of SSL 2.0, which RFC 6176 prohibits; no setting accepts it";
    /// Bytes that are all zero.
    [0, 0, 0, 0, 0] => Zeros: "zero bytes";
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What each protocol begins with, from its specification.
    const FIRST_BYTES: &[(ForeignProtocol, &[&[u8]])] = &[
        (
            ForeignProtocol::HttpRequest,
            &[
                b"GET / HTTP/1.1\r\n",
                b"HEAD /index.html HTTP/1.0\r\n",
                b"POST /ocpp HTTP/1.1\r\n",
                b"PUT /x HTTP/1.1\r\n",
                b"PATCH /x HTTP/1.1\r\n",
                b"DELETE /x HTTP/1.1\r\n",
                b"OPTIONS * HTTP/1.1\r\n",
                b"CONNECT bmc:443 HTTP/1.1\r\n",
                b"TRACE / HTTP/1.1\r\n",
                b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
            ],
        ),
        (
            ForeignProtocol::HttpResponse,
            &[b"HTTP/1.1 400 Bad Request\r\n"],
        ),
        (
            ForeignProtocol::Greeting220,
            &[b"220 mail.example ESMTP\r\n", b"220-FTP server\r\n"],
        ),
        (
            ForeignProtocol::SmtpCommand,
            &[b"EHLO client.example\r\n", b"HELO client.example\r\n"],
        ),
        (
            ForeignProtocol::Imap,
            &[b"* OK IMAP4rev1 ready\r\n", b"* PREAUTH\r\n", b"* BYE\r\n"],
        ),
        (ForeignProtocol::Pop3, &[b"+OK POP3 ready\r\n"]),
        (
            ForeignProtocol::Ssh,
            &[b"SSH-2.0-OpenSSH_9.9\r\n", b"SSH-1.99-x\r\n"],
        ),
        // RFC 4511: a BindRequest, short and with a length of four bytes; a StartTLS request.
        (
            ForeignProtocol::Ldap,
            &[
                b"\x30\x0c\x02\x01\x01\x60\x07\x02\x01\x03\x04\x00\x80\x00",
                b"\x30\x84\x00\x00\x00\x10\x02\x01\x01",
                b"\x30\x1d\x02\x01\x01\x77\x18",
            ],
        ),
        // [MS-RDPBCGR] 4.1.1: without and with a cookie.
        (
            ForeignProtocol::Rdp,
            &[
                b"\x03\x00\x00\x13\x0e\xe0\x00\x00",
                b"\x03\x00\x00\x2c\x27\xe0\x00\x00",
            ],
        ),
        // SSLRequest, and StartupMessage of protocol 3.0.
        (
            ForeignProtocol::PostgreSql,
            &[
                b"\x00\x00\x00\x08\x04\xd2\x16\x2f",
                b"\x00\x00\x00\x21\x00\x03\x00\x00",
            ],
        ),
        (ForeignProtocol::MySql, &[b"\x4a\x00\x00\x00\x0a8.0.36\x00"]),
        // Version 1 and version 2.
        (
            ForeignProtocol::Proxy,
            &[
                b"PROXY TCP4 192.0.2.1 192.0.2.2 1 443\r\n",
                b"\r\n\r\n\x00\r\nQUIT\n",
            ],
        ),
        (
            ForeignProtocol::Xmpp,
            &[b"<?xml version='1.0'?>", b"<stream:stream"],
        ),
        // IAC DO TERMINAL-TYPE, IAC WILL ECHO.
        (
            ForeignProtocol::Telnet,
            &[b"\xff\xfd\x18\xff\xfd", b"\xff\xfb\x01\xff\xfb\x03"],
        ),
        (
            ForeignProtocol::Dtls,
            &[b"\x16\xfe\xff\x00\x00", b"\x16\xfe\xfd\x00\x00"],
        ),
        // RFC 5246 appendix E.2, of TLS 1.0 and of SSL 2.0 itself.
        (
            ForeignProtocol::Ssl2Hello,
            &[
                b"\x80\x2e\x01\x03\x01\x00\x15\x00\x00\x00\x10",
                b"\x80\x2e\x01\x00\x02\x00\x15",
            ],
        ),
        (ForeignProtocol::Zeros, &[&[0; 16]]),
    ];

    #[test]
    fn each_protocol_is_told_by_its_first_five_bytes() {
        let told: Vec<_> = FIRST_BYTES.iter().map(|(protocol, _)| *protocol).collect();
        assert_eq!(told, ForeignProtocol::ALL);
        for (protocol, beginnings) in FIRST_BYTES {
            for bytes in *beginnings {
                let header = bytes.first_chunk().unwrap();
                assert_eq!(ForeignProtocol::of(header), Some(*protocol), "{bytes:02x?}");
            }
        }
    }

    #[test]
    fn no_record_of_tls_is_taken_for_another_protocol() {
        for typ in 0..=255 {
            for minor in 0..=4 {
                for length in [0, 1, 10, 512, 16384_u16] {
                    let [high, low] = length.to_be_bytes();
                    let header = [typ, 3, minor, high, low];
                    assert_eq!(ForeignProtocol::of(&header), None, "{header:02x?}");
                }
            }
        }
        for unknown in [b"hello", b"\x01\x02\x03\x04\x05", &[0xff; 5]] {
            assert_eq!(ForeignProtocol::of(unknown), None);
        }
    }
}
