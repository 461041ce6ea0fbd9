//! The proof that the client holds the key of its certificate
//! ([RFC 5246 section 7.4.8](https://www.rfc-editor.org/rfc/rfc5246#section-7.4.8)).

use super::State;
use super::finish::KeyExchanged;
use crate::error::{Error, PeerError};
use crate::handshake::incoming::Incoming;
use crate::message::key_exchange::CertificateVerify;
use crate::verify::VerifiedPeer;

/// The client presented a certificate and must prove that it has the private key.
#[derive(Debug)]
pub(crate) struct ExpectCertificateVerify {
    pub(super) exchanged: KeyExchanged,
    pub(super) client: VerifiedPeer,
}

impl ExpectCertificateVerify {
    pub(super) fn handle(mut self, incoming: Incoming<'_>) -> Result<State, Error> {
        let (message, verify) = incoming.expect::<CertificateVerify<'_>>()?;
        // "The hash and signature algorithms used in the signature MUST be one of those present in
        // the supported_signature_algorithms field of the CertificateRequest message."
        let negotiation = &mut self.exchanged.negotiation;
        let offered = |scheme| scheme == verify.algorithm;
        if !negotiation.client_signature_algorithms().any(offered) {
            return Err(PeerError::UnofferedSignatureScheme(verify.algorithm).into());
        }
        let signed = negotiation.transcript.take_messages()?;
        let key = &self.client.key;
        if !key.verifies(verify.algorithm, &signed, verify.signature) {
            return Err(PeerError::BadCertificateVerify.into());
        }
        negotiation.transcript.add(message.bytes);
        self.exchanged.expect_change_cipher_spec(Some(self.client))
    }
}
