//! The works of OpenSSL, done by the version that a program is linked with, or by a program that is
//! linked with another.
//!
//! One program cannot hold two versions of OpenSSL. The other program is told its work by its
//! arguments. It does the work once for each line that it reads, and answers with the nanoseconds of
//! the client and of the server.

use crate::certificates::{Credentials, KeyLength};
use crate::common::Cipher;
use crate::contender::{Batch, Contender, Taken};
use crate::openssl_pair::{OpenSslLink, OpenSslPair};
use std::io::{BufRead, Write};
use std::time::Duration;

/// One kind of work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OpenSslWork {
    Full(KeyLength, Cipher),
    BySessionId(Cipher),
    ByTicket(Cipher),
    Records(Cipher, Batch),
}

impl OpenSslWork {
    /// Prepares this program's version for the work.
    pub fn contender(self, credentials: &Credentials) -> Box<dyn Contender> {
        match self {
            Self::Full(_, cipher) => Box::new(OpenSslPair::full(credentials, cipher)),
            Self::BySessionId(cipher) => Box::new(OpenSslPair::by_session_id(credentials, cipher)),
            Self::ByTicket(cipher) => Box::new(OpenSslPair::by_ticket(credentials, cipher)),
            Self::Records(cipher, batch) => Box::new(OpenSslLink::new(credentials, cipher, batch)),
        }
    }

    /// The length of the server's key.
    pub fn key_length(self) -> KeyLength {
        match self {
            Self::Full(length, _) => length,
            _ => KeyLength::Rsa2048,
        }
    }

    /// The work as arguments of the other program.
    pub fn arguments(self) -> Vec<String> {
        let (kind, cipher, numbers) = match self {
            Self::Full(length, cipher) => ("full", cipher, vec![length.bits()]),
            Self::BySessionId(cipher) => ("session-id", cipher, vec![]),
            Self::ByTicket(cipher) => ("ticket", cipher, vec![]),
            Self::Records(cipher, Batch { records, length }) => {
                ("records", cipher, vec![records, length])
            }
        };
        let numbers = numbers.iter().map(usize::to_string);
        [kind.into(), cipher.name().into()].into_iter().chain(numbers).collect()
    }

    /// The work with these arguments.
    pub fn from_arguments(arguments: &[String]) -> Option<Self> {
        let (kind, rest) = arguments.split_first()?;
        let (cipher, numbers) = rest.split_first()?;
        let mut ciphers = Cipher::AEAD.into_iter().chain(Cipher::CBC);
        let cipher = ciphers.find(|each| each.name() == cipher)?;
        let numbers: Vec<usize> =
            numbers.iter().map(|number| number.parse().ok()).collect::<Option<_>>()?;
        Some(match (kind.as_str(), numbers[..].as_ref()) {
            ("full", [bits]) => {
                let length = KeyLength::ALL.into_iter().find(|length| length.bits() == *bits)?;
                Self::Full(length, cipher)
            }
            ("session-id", []) => Self::BySessionId(cipher),
            ("ticket", []) => Self::ByTicket(cipher),
            ("records", &[records, length]) => Self::Records(cipher, Batch { records, length }),
            _ => return None,
        })
    }
}

/// Takes turns: answers each line of `input` by what the work took.
pub fn take_turns(
    mut contender: Box<dyn Contender>,
    input: impl BufRead,
    mut output: impl Write,
) -> std::io::Result<()> {
    for line in input.lines() {
        line?;
        let taken = contender.run();
        let [client, server] = [taken.client, taken.server].map(|side| side.as_nanos());
        writeln!(output, "{client} {server}")?;
        output.flush()?;
    }
    Ok(())
}

/// Reads an answer of [`take_turns`].
pub fn parse_taken(answer: &str) -> Option<Taken> {
    let (client, server) = answer.trim_end().split_once(' ')?;
    Some(Taken {
        client: Duration::from_nanos(client.parse().ok()?),
        server: Duration::from_nanos(server.parse().ok()?),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_work_is_the_one_of_its_arguments() {
        let batch = Batch {
            records: 4,
            length: 16384,
        };
        for cipher in Cipher::AEAD.into_iter().chain(Cipher::CBC) {
            for work in [
                OpenSslWork::Full(KeyLength::Rsa3072, cipher),
                OpenSslWork::BySessionId(cipher),
                OpenSslWork::ByTicket(cipher),
                OpenSslWork::Records(cipher, batch),
            ] {
                assert_eq!(OpenSslWork::from_arguments(&work.arguments()), Some(work));
            }
        }
    }

    #[test]
    fn other_arguments_are_no_work() {
        for arguments in [
            "",
            "full",
            "full AES-128",
            "full AES-128 1024",
            "ticket AES-512",
        ] {
            let arguments: Vec<String> = arguments.split(' ').map(Into::into).collect();
            assert_eq!(OpenSslWork::from_arguments(&arguments), None);
        }
    }

    #[test]
    fn each_line_is_answered_by_what_the_work_took() {
        struct Counts(u64);
        impl Contender for Counts {
            fn run(&mut self) -> Taken {
                self.0 += 1;
                Taken {
                    client: Duration::from_nanos(self.0),
                    server: Duration::from_micros(self.0),
                }
            }
        }
        let mut output = Vec::new();
        take_turns(Box::new(Counts(0)), &b"\n\n"[..], &mut output).unwrap();
        assert_eq!(output, b"1 1000\n2 2000\n");
        let taken = parse_taken("2 2000\n").unwrap();
        assert_eq!(
            (taken.client.as_nanos(), taken.server.as_nanos()),
            (2, 2000)
        );
    }
}
