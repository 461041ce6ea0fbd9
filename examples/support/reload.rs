//! Files that a running server reads again at SIGHUP.

use signal_hook::consts::SIGHUP;
use signal_hook::iterator::Signals;
use std::io;
use std::path::Path;
use std::thread;

/// Starts a thread that loads the file again at each SIGHUP. A file that cannot be used changes
/// nothing.
pub fn load_again_on_signal(
    file: &Path,
    load: impl Fn(&Path) -> io::Result<()> + Send + 'static,
) -> io::Result<()> {
    let file = file.to_owned();
    let mut signals = Signals::new([SIGHUP])?;
    thread::spawn(move || {
        for _ in signals.forever() {
            if let Err(error) = load(&file) {
                eprintln!(
                    "{}: {error}; the previous content stays in use",
                    file.display()
                );
            }
        }
    });
    Ok(())
}
