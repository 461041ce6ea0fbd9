//! Writes the inputs that the corpora start with, in place of those that are there.

use premaster_fuzz::seeds;
use std::fs;
use std::io;
use std::path::PathBuf;

fn main() -> io::Result<()> {
    let corpus = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("corpus");
    fs::remove_dir_all(&corpus)?;
    for seed in seeds() {
        let directory = corpus.join(seed.target);
        fs::create_dir_all(&directory)?;
        fs::write(directory.join(seed.name), seed.bytes)?;
    }
    Ok(())
}
