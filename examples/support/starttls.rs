//! The plain text in front of TLS: how a client asks for it (STARTTLS).
//!
//! Anyone on the way can write what arrives here. So it decides one thing, whether the handshake
//! begins, and all of it is forgotten: after the handshake the client asks again for what the server
//! supports. Bytes that arrive together with the go-ahead would be read by a careless client as if
//! they had come through TLS ([CVE-2011-0411], and [CVE-2021-23222] of PostgreSQL's client); here
//! they are an error.
//!
//! [CVE-2011-0411]: https://www.cve.org/CVERecord?id=CVE-2011-0411
//! [CVE-2021-23222]: https://www.cve.org/CVERecord?id=CVE-2021-23222

use clap::ValueEnum;
use std::io::{self, BufRead, BufReader, ErrorKind, Read, Write};
use std::net::{IpAddr, TcpStream};
use std::time::{Duration, Instant};

/// A protocol whose servers begin in plain text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Protocol {
    /// RFC 3207
    Smtp,
    /// RFC 9051 section 6.2.1
    Imap,
    /// RFC 2595 section 4
    Pop3,
    /// RFC 4511 section 4.14
    Ldap,
    /// SSLRequest
    Postgres,
}

/// Asks the server for TLS. When this returns, the next bytes in both directions are the handshake's.
///
/// All of it may take `patience`, however many bytes the server sends meanwhile.
pub fn ask(protocol: Protocol, socket: &TcpStream, patience: Duration) -> io::Result<()> {
    let mut dialog = Dialog(BufReader::new(Timed {
        socket,
        deadline: Instant::now() + patience,
    }));
    match protocol {
        Protocol::Smtp => dialog.smtp(),
        Protocol::Imap => dialog.imap(),
        Protocol::Pop3 => dialog.pop3(),
        Protocol::Ldap => dialog.ldap(),
        Protocol::Postgres => dialog.postgres(),
    }?;
    dialog.end()
}

/// The longest line that a server may send, in bytes. RFC 5321 section 4.5.3.1.5 has 512 for SMTP;
/// IMAP's greetings with their capabilities are longer.
const MAX_LINE: usize = 4096;

/// The most lines of one answer.
const MAX_LINES: usize = 100;

/// The longest answer of an LDAP server, in bytes: a code and a text for people.
const MAX_LDAP: usize = 4096;

/// How much of the server's words an error repeats, in characters.
const MAX_QUOTE: usize = 200;

struct Dialog<'s>(BufReader<Timed<'s>>);

impl Dialog<'_> {
    fn smtp(&mut self) -> io::Result<()> {
        self.smtp_reply("220")?;
        // RFC 5321 section 4.1.3: an address literal, where a client has no name.
        let hello = match self.0.get_ref().socket.local_addr()?.ip() {
            IpAddr::V4(address) => format!("EHLO [{address}]\r\n"),
            IpAddr::V6(address) => format!("EHLO [IPv6:{address}]\r\n"),
        };
        self.send(hello.as_bytes())?;
        let capabilities = self.smtp_reply("250")?;
        if !capabilities.iter().skip(1).any(|word| word.eq_ignore_ascii_case("STARTTLS")) {
            return Err(io::Error::other("the server does not offer STARTTLS"));
        }
        self.send(b"STARTTLS\r\n")?;
        self.smtp_reply("220")?;
        Ok(())
    }

    /// The texts of a reply's lines, which begin with this code, a hyphen between them and the text in
    /// all but the last.
    fn smtp_reply(&mut self, code: &str) -> io::Result<Vec<String>> {
        let mut texts = Vec::new();
        for _ in 0..MAX_LINES {
            let line = self.line()?;
            let rest = line.strip_prefix(code).ok_or_else(|| refused(&line))?;
            texts.push(rest.chars().skip(1).collect());
            match rest.chars().next() {
                Some('-') => {}
                Some(' ') | None => return Ok(texts),
                Some(_) => return Err(refused(&line)),
            }
        }
        Err(too_many_lines())
    }

    fn imap(&mut self) -> io::Result<()> {
        const TAG: &str = "a ";

        let greeting = self.line()?;
        if starts_with(&greeting, "* PREAUTH") {
            // RFC 9051 section 7.1.4: STARTTLS is not possible then, and who wrote the greeting is not
            // known.
            return Err(io::Error::other(
                "the server's greeting is PREAUTH, which leaves no place for STARTTLS; \
                 an attacker can send it to prevent TLS",
            ));
        }
        if !starts_with(&greeting, "* OK") {
            return Err(refused(&greeting));
        }
        self.send(b"a STARTTLS\r\n")?;
        for _ in 0..MAX_LINES {
            let line = self.line()?;
            if starts_with(&line, "* ") && !starts_with(&line, "* BYE") {
                continue;
            }
            return match line.strip_prefix(TAG) {
                Some(status) if starts_with(status, "OK") => Ok(()),
                _ => Err(refused(&line)),
            };
        }
        Err(too_many_lines())
    }

    fn pop3(&mut self) -> io::Result<()> {
        self.pop3_ok()?;
        self.send(b"STLS\r\n")?;
        self.pop3_ok()
    }

    fn pop3_ok(&mut self) -> io::Result<()> {
        let line = self.line()?;
        if line.starts_with("+OK") {
            Ok(())
        } else {
            Err(refused(&line))
        }
    }

    fn ldap(&mut self) -> io::Result<()> {
        self.send(LDAP_START_TLS)?;
        let (tag, message) = ber(&mut self.0)?;
        let response = (tag == SEQUENCE).then(|| extended_response(&message));
        let (code, text) = response
            .unwrap_or_else(|| Err(ErrorKind::InvalidData.into()))
            .map_err(|_| io::Error::other("the server's answer is not an LDAP ExtendedResponse"))?;
        match code[..] {
            // RFC 4511 section 4.1.9: success.
            [0] => Ok(()),
            [code] => Err(io::Error::other(format!(
                "the server refuses StartTLS with LDAP result code {code}: {}",
                quote(&text)
            ))),
            _ => Err(io::Error::other(
                "the server's LDAP result code is malformed",
            )),
        }
    }

    fn postgres(&mut self) -> io::Result<()> {
        self.send(POSTGRES_SSL_REQUEST)?;
        let mut answer = [0];
        self.0.read_exact(&mut answer).map_err(ended)?;
        match answer {
            [b'S'] => Ok(()),
            [b'N'] => Err(io::Error::other("the server does not offer TLS")),
            // An old server's error message would follow. It is not shown: anyone may have written it
            // (CVE-2024-10977).
            _ => Err(io::Error::other(
                "the server does not understand SSLRequest",
            )),
        }
    }

    fn send(&mut self, request: &[u8]) -> io::Result<()> {
        self.0.get_mut().write_all(request)
    }

    /// The next line, without its end.
    fn line(&mut self) -> io::Result<String> {
        let mut line = Vec::new();
        (&mut self.0).take(MAX_LINE as u64).read_until(b'\n', &mut line)?;
        if line.pop_if(|last| *last == b'\n').is_none() {
            return Err(if line.len() == MAX_LINE {
                io::Error::other(format!(
                    "the server sends a line of more than {MAX_LINE} bytes in front of TLS"
                ))
            } else {
                ended(ErrorKind::UnexpectedEof.into())
            });
        }
        line.pop_if(|last| *last == b'\r');
        Ok(String::from_utf8_lossy(&line).into_owned())
    }

    /// The server has given the go-ahead, and is not to send anything before the client's hello.
    fn end(self) -> io::Result<()> {
        let socket = self.0.get_ref().socket;
        let read = self.0.buffer().len();
        socket.set_nonblocking(true)?;
        let waiting = socket.peek(&mut [0]);
        socket.set_nonblocking(false)?;
        if read > 0 || waiting.is_ok_and(|count| count > 0) {
            return Err(io::Error::other(
                "plain text follows the server's go-ahead for TLS; someone on the way may have \
                 added it, so that it passes for the server's (CVE-2011-0411)",
            ));
        }
        Ok(())
    }
}

/// A socket with a deadline for everything.
struct Timed<'s> {
    socket: &'s TcpStream,
    deadline: Instant,
}

impl Timed<'_> {
    fn left(&self) -> io::Result<Option<Duration>> {
        match self.deadline.saturating_duration_since(Instant::now()) {
            Duration::ZERO => Err(ErrorKind::TimedOut.into()),
            left => Ok(Some(left)),
        }
    }
}

impl Read for Timed<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        self.socket.set_read_timeout(self.left()?)?;
        self.socket.read(out)
    }
}

impl Write for Timed<'_> {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        self.socket.set_write_timeout(self.left()?)?;
        self.socket.write(data)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.socket.flush()
    }
}

/// A length of eight bytes and the code 1234.5679.
const POSTGRES_SSL_REQUEST: &[u8] = &[0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f];

const SEQUENCE: u8 = 0x30;
const INTEGER: u8 = 0x02;
const ENUMERATED: u8 = 0x0a;
const OCTET_STRING: u8 = 0x04;
/// \[APPLICATION 24\], constructed.
const EXTENDED_RESPONSE: u8 = 0x78;

/// LDAPMessage 1: an ExtendedRequest with the name of StartTLS.
const LDAP_START_TLS: &[u8] = b"\x30\x1d\x02\x01\x01\x77\x18\x80\x161.3.6.1.4.1.1466.20037";

/// The result code of an LDAPMessage's contents, and the text for people.
fn extended_response(mut message: &[u8]) -> io::Result<(Vec<u8>, Vec<u8>)> {
    element(&mut message, INTEGER)?;
    let response = element(&mut message, EXTENDED_RESPONSE)?;
    let mut response = response.as_slice();
    let code = element(&mut response, ENUMERATED)?;
    element(&mut response, OCTET_STRING)?;
    let text = element(&mut response, OCTET_STRING)?;
    Ok((code, text))
}

/// The contents of the next element, which has this tag.
fn element(from: &mut impl Read, tag: u8) -> io::Result<Vec<u8>> {
    match ber(from)? {
        (found, contents) if found == tag => Ok(contents),
        _ => Err(ErrorKind::InvalidData.into()),
    }
}

/// The tag and the contents of the next element. Lengths may be longer than they need to be: some
/// servers write four bytes each time.
fn ber(from: &mut impl Read) -> io::Result<(u8, Vec<u8>)> {
    let mut head = [0; 2];
    from.read_exact(&mut head).map_err(ended)?;
    let [tag, first] = head;
    let length = if first < 0x80 {
        usize::from(first)
    } else {
        let mut length = [0; 4];
        // RFC 4511 section 5.1: only the definite form is used.
        let place = match first & 0x7f {
            count @ 1..=4 => &mut length[4 - usize::from(count)..],
            _ => {
                return Err(io::Error::other(
                    "the server's LDAP message has a malformed length",
                ));
            }
        };
        from.read_exact(place).map_err(ended)?;
        u32::from_be_bytes(length) as usize
    };
    if length > MAX_LDAP {
        return Err(io::Error::other(format!(
            "the server sends an LDAP message of more than {MAX_LDAP} bytes in front of TLS"
        )));
    }
    let mut contents = vec![0; length];
    from.read_exact(&mut contents).map_err(ended)?;
    Ok((tag, contents))
}

fn starts_with(line: &str, word: &str) -> bool {
    line.get(..word.len()).is_some_and(|start| start.eq_ignore_ascii_case(word))
}

fn refused(line: &str) -> io::Error {
    let said = quote(line.as_bytes());
    io::Error::other(format!(
        "the server does not begin TLS; without protection it said {said}"
    ))
}

fn too_many_lines() -> io::Error {
    io::Error::other(format!(
        "the server sends more than {MAX_LINES} lines in front of TLS"
    ))
}

/// The server's words, of which a terminal obeys none.
fn quote(text: &[u8]) -> String {
    let text: String = String::from_utf8_lossy(text).chars().take(MAX_QUOTE).collect();
    format!("{text:?}")
}

/// Says when the server closed.
fn ended(error: io::Error) -> io::Error {
    if error.kind() == ErrorKind::UnexpectedEof {
        io::Error::new(
            error.kind(),
            "the server closed the connection before TLS began",
        )
    } else {
        error
    }
}
