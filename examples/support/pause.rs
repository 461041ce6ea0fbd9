//! A server's handshake with its pause.

use premaster::private_key::DecryptPreMasterSecret;
use premaster::{Answer, Pending, Stream};
use std::io::{self, Read, Write};

/// Completes the handshake. If it pauses for the pre-master secret, `decrypt` answers.
pub fn complete_handshake<S: Read + Write>(
    stream: &mut Stream<S>,
    mut decrypt: impl FnMut(DecryptPreMasterSecret) -> io::Result<Answer>,
) -> io::Result<()> {
    loop {
        let result = stream.complete_handshake();
        let Some(Pending::DecryptPreMasterSecret(job)) = stream.pending() else {
            return result;
        };
        stream.resume(decrypt(job)?)?;
    }
}
