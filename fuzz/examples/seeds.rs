//! Writes the inputs that the corpora start with: each recorded connection as raw bytes and as an
//! empty list of edits, and the handshake messages of the longer one.

use premaster_fuzz::{Record, Recording, Role, Setting};
use std::fs;
use std::io;
use std::path::PathBuf;

/// How `Setting` is chosen by an input's first four bytes, and `Bytes` by those after the pieces:
/// the lower half of the numbers is the first variant.
const FIRST: [u8; 4] = [0; 4];
const SECOND: [u8; 4] = [0xff; 4];

/// Everything at once.
const PIECES: [u8; 4] = [0; 4];

const CHANGE_CIPHER_SPEC: u8 = 20;

fn main() -> io::Result<()> {
    for (setting, setting_name, selector) in [
        (Setting::Plain, "plain", FIRST),
        (Setting::Mutual, "mutual", SECOND),
    ] {
        for (role, target) in [(Role::Client, "client"), (Role::Server, "server")] {
            let records = Recording::of(setting).sent_to(role);
            let start = [selector, PIECES].concat();
            let raw = [&start[..], &FIRST, &Record::join(&records)].concat();
            write(target, &format!("{setting_name}-raw"), &raw)?;
            let edited = [&start[..], &SECOND].concat();
            write(target, &format!("{setting_name}-edited"), &edited)?;
        }
    }
    for (role, sender) in [(Role::Client, "server"), (Role::Server, "client")] {
        let records = Recording::of(Setting::Mutual).sent_to(role);
        for (number, message) in messages(&records).iter().enumerate() {
            write("message", &format!("{sender}-{number}"), message)?;
        }
    }
    write("message", "alert", &[0xff, 2, 40])
}

/// The handshake messages before the keys change, as the target takes them: type and body.
fn messages(records: &[Record]) -> Vec<Vec<u8>> {
    records
        .iter()
        .take_while(|record| record.typ != CHANGE_CIPHER_SPEC)
        .map(|record| [&record.content[..1], &record.content[4..]].concat())
        .collect()
}

fn write(target: &str, name: &str, input: &[u8]) -> io::Result<()> {
    let corpus = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("corpus");
    fs::create_dir_all(corpus.join(target))?;
    fs::write(corpus.join(target).join(name), input)
}
