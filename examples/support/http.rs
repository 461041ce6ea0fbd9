//! The part of HTTP/1.0 that one request and one response need.

use std::io::{self, BufRead, Read};

/// The longest header of a request or response that is read, in bytes.
pub const MAX_HEAD: u64 = 16 * 1024;

/// How a header ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Head {
    /// With its empty line.
    Complete,
    /// The peer closed before that.
    Closed,
    /// It is longer than [`MAX_HEAD`].
    TooLong,
}

/// Reads a header up to and including its empty line; lines end in `\r\n` or `\n`.
pub fn read_head(reader: &mut impl BufRead) -> io::Result<Head> {
    let mut reader = reader.take(MAX_HEAD);
    let mut line = Vec::new();
    // An empty first line is not the end of the header.
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

/// The header of a response with a plain text of `length` bytes.
pub fn ok(length: u64) -> String {
    format!(
        "HTTP/1.0 200 OK\r\n\
         Content-Type: text/plain\r\n\
         Content-Length: {length}\r\n\
         Connection: close\r\n\r\n"
    )
}
