//! As much of HTTP/1.0 as one question and one answer take.

use std::io::{self, BufRead, Read};

/// The longest head, of a request or of an answer, that is read.
pub const MAX_HEAD: u64 = 16 * 1024;

/// How a head ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Head {
    /// With its empty line.
    Complete,
    /// The peer closed before that.
    Closed,
    /// It is longer than [`MAX_HEAD`].
    TooLong,
}

/// Reads a head up to and with its empty line, the lines ending in `\r\n` or `\n`.
pub fn read_head(reader: &mut impl BufRead) -> io::Result<Head> {
    let mut reader = reader.take(MAX_HEAD);
    let mut line = Vec::new();
    // The empty line ends a line before it; alone it is none.
    let mut begun = false;
    while reader.read_until(b'\n', &mut line)? > 0 {
        if begun && matches!(line[..], [b'\n'] | [b'\r', b'\n']) {
            return Ok(Head::Complete);
        }
        begun = true;
        line.clear();
    }
    Ok(match reader.limit() {
        0 => Head::TooLong,
        _ => Head::Closed,
    })
}

/// A request for `path`, to the server of this name.
pub fn get(path: &str, host: &str) -> String {
    format!("GET {path} HTTP/1.0\r\nHost: {host}\r\n\r\n")
}

/// The head of an answer with a plain text of `length` bytes.
pub fn ok(length: u64) -> String {
    format!(
        "HTTP/1.0 200 OK\r\n\
         Content-Type: text/plain\r\n\
         Content-Length: {length}\r\n\
         Connection: close\r\n\r\n"
    )
}
