//! What is done with a connection: data both ways, an end, or a handshake that fails.

use crate::peer::Tls;
use premaster::Error;
use premaster_testing::program::{Ended, Program};
use premaster_testing::rng;
use rand_chacha::ChaCha12Rng;
use rand_chacha::rand_core::Rng;
use std::io::{self, Read, Write};
use std::net::Shutdown;

/// As much as fits into one record.
const PIECE: usize = 1 << 14;

/// A mebibyte.
pub const LONG: usize = 64;

/// One record.
pub const SHORT: usize = 1;

/// Who sends our data back.
#[derive(Clone, Copy, Debug)]
pub enum Echo {
    Program,
    /// The program passes it on through its standard output and input.
    Us,
}

/// Sends this many pieces and gets each back before the next: two sides that both write more than
/// the transport holds would wait for each other without end.
#[track_caller]
pub fn echo(stream: &mut Tls, program: &mut Program, echo: Echo, pieces: usize) {
    let mut rng = rng(3);
    let mut back = vec![0; PIECE];
    for number in 0..pieces {
        let piece = piece(&mut rng);
        moved(stream.write_all(&piece), program, number);
        if let Echo::Us = echo {
            assert!(program.read(PIECE) == piece, "piece {number} differs there");
            program.write(&piece);
        }
        moved(stream.read_exact(&mut back), program, number);
        assert!(back == piece, "piece {number} differs here");
    }
}

#[track_caller]
fn moved(result: io::Result<()>, program: &mut Program, number: usize) {
    if let Err(error) = result {
        panic!(
            "piece {number}: {error}; the program's {}",
            program.printed()
        );
    }
}

/// Sends one piece, one way: the program has it on its standard output.
#[track_caller]
pub fn deliver(stream: &mut Tls, program: &mut Program) {
    let piece = piece(&mut rng(3));
    stream.write_all(&piece).unwrap();
    assert!(program.read(PIECE) == piece, "the piece differs there");
}

/// A line each way. Answers with what the program has printed before, if it has no other output than
/// the one that it joins to the connection.
#[track_caller]
pub fn greet(stream: &mut Tls, program: &mut Program, echo: Echo) -> String {
    stream.write_all(GREETING.as_bytes()).unwrap();
    let mut printed = String::new();
    if let Echo::Us = echo {
        printed = read_up_to_greeting(program);
        program.write(GREETING.as_bytes());
    }
    let mut back = [0; GREETING.len()];
    stream.read_exact(&mut back).unwrap();
    assert_eq!(back, GREETING.as_bytes());
    printed
}

/// Begins with no letter that is a command to a program.
const GREETING: &str = "0123456789\n";

#[track_caller]
fn read_up_to_greeting(program: &mut Program) -> String {
    /// More than any program prints of a connection.
    const LINES: usize = 1000;

    let mut printed = String::new();
    for _ in 0..LINES {
        let line = program.read_line() + "\n";
        if line == GREETING {
            return printed;
        }
        printed += &line;
    }
    panic!("no greeting in {printed}");
}

/// A line of digits: never a command to a program, and whole for one that waits for a newline.
fn piece(rng: &mut ChaCha12Rng) -> Vec<u8> {
    let mut piece: Vec<u8> = (1..PIECE).map(|_| b'0' + (rng.next_u32() % 10) as u8).collect();
    piece.push(b'\n');
    piece
}

/// The peer says that it sends nothing more.
#[track_caller]
pub fn expect_close(stream: &mut Tls) {
    assert_eq!(stream.read(&mut [0]).unwrap(), 0);
}

/// Ends our direction of the transport, for which OpenSSL waits half a second before it ends. What
/// was sent still arrives, which it might not if the transport were closed with bytes unread.
pub fn hang_up(stream: &Tls) {
    // A program that has ended already needs no telling.
    let _ = stream.transport().shutdown(Shutdown::Write);
}

/// The peer hangs up without a word.
#[track_caller]
pub fn expect_truncation(stream: &mut Tls) {
    let error = stream.read(&mut [0]).unwrap_err();
    assert_eq!(error_of(&error), Error::Truncated);
}

/// The program ends, and content.
#[track_caller]
pub fn expect_success(program: Program) -> Ended {
    let ended = program.wait();
    assert!(ended.status.success(), "{ended:?}");
    ended
}

/// Why the handshake fails.
pub fn expect_failure(stream: &mut Tls) -> Error {
    error_of(&stream.complete_handshake().unwrap_err())
}

/// The connection's error; a transport that fails fails the test.
#[track_caller]
fn error_of(error: &io::Error) -> Error {
    error
        .get_ref()
        .and_then(|inner| inner.downcast_ref())
        .cloned()
        .unwrap_or_else(|| panic!("{error}"))
}
