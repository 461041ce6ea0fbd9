//! The key exchange. Nothing that the client can observe shows if the decryption succeeded
//! ([RFC 5246 section 7.4.7.1](https://www.rfc-editor.org/rfc/rfc5246#section-7.4.7.1)).

use super::State;
use super::certificate_verify::ExpectCertificateVerify;
use super::finish::{KeyExchanged, NewHandle};
use super::negotiation::Negotiation;
use crate::crypto::pkcs1::select_pre_master_secret;
use crate::crypto::pre_master_secret::{PRE_MASTER_SECRET, PreMasterSecret};
use crate::crypto::private_key::RawDecryption;
use crate::error::{Error, LocalError};
use crate::handshake::incoming::Incoming;
use crate::message::key_exchange::ClientKeyExchange;
#[cfg(feature = "tokio")]
use crate::pending::Work;
use crate::pending::{DecryptPreMasterSecret, PauseId, Pending};
use crate::verify::VerifiedPeer;
use std::sync::Arc;
use subtle::Choice;

/// The client's certificate, if one was requested, is accepted.
#[derive(Debug)]
pub(crate) struct ExpectClientKeyExchange {
    pub(super) negotiation: Negotiation,
    pub(super) handle: NewHandle,
    pub(super) client: Option<VerifiedPeer>,
}

impl ExpectClientKeyExchange {
    pub(super) fn handle(mut self, incoming: Incoming<'_>) -> Result<State, Error> {
        let (message, key_exchange) = incoming.expect::<ClientKeyExchange<'_>>()?;
        self.negotiation.transcript.add(message.bytes);
        let encrypted = key_exchange.encrypted_pre_master_secret;
        ExpectPreMasterSecret::new(self, encrypted)?.decrypt_or_pause()
    }
}

/// The random pre-master secret with which the handshake goes on if the decryption fails.
#[derive(Debug)]
struct Fallback {
    /// Boxed: a value that moves leaves a copy of its bytes behind.
    secret: Box<PreMasterSecret>,
    /// Set if the ciphertext to be decrypted is the one that the client sent.
    admitted: Choice,
}

/// The certificate's key, in the configuration or with the caller, must decrypt the pre-master
/// secret.
#[derive(Debug)]
pub(crate) struct ExpectPreMasterSecret {
    pub(super) exchange: ExpectClientKeyExchange,
    fallback: Fallback,
    job: DecryptPreMasterSecret,
}

impl ExpectPreMasterSecret {
    fn new(exchange: ExpectClientKeyExchange, encrypted: &[u8]) -> Result<Self, LocalError> {
        let negotiation = &exchange.negotiation;
        let certificate = &negotiation.selected.certificate;
        let (ciphertext, admitted) = certificate.public_key.admit(encrypted);
        // Generated before every decryption, so that its result decides nothing here: "Generate a
        // string R of 46 random bytes" comes first.
        let mut secret = Box::new(PreMasterSecret([0; PRE_MASTER_SECRET]));
        negotiation.config.common.random().fill(&mut secret.0)?;
        let job = DecryptPreMasterSecret {
            id: PauseId::next(),
            key_id: certificate.key_id(),
            ciphertext: Arc::new(ciphertext),
        };
        Ok(Self {
            exchange,
            fallback: Fallback { secret, admitted },
            job,
        })
    }

    /// Decrypts at once, or pauses if the configuration offloads decryption.
    fn decrypt_or_pause(self) -> Result<State, Error> {
        let negotiation = &self.exchange.negotiation;
        let config = &negotiation.config;
        if config.offload_decryption {
            return Ok(State::PreMasterSecret(Box::new(self)));
        }
        let certificate = &negotiation.selected.certificate;
        let raw = certificate.decrypt(&self.job.ciphertext, config.common.random())?;
        self.on_decryption(&raw)
    }

    pub(super) fn pending(&self) -> Pending<'_> {
        Pending::DecryptPreMasterSecret(self.job.clone())
    }

    /// The decryption with the configuration's own key, if it has one.
    #[cfg(feature = "tokio")]
    pub(super) fn work(&self) -> Option<Work> {
        let negotiation = &self.exchange.negotiation;
        let certificate = Arc::clone(&negotiation.selected.certificate);
        certificate.key()?;
        let config = Arc::clone(&negotiation.config);
        let job = self.job.clone();
        Some(Box::new(move || {
            match certificate.decrypt(&job.ciphertext, config.common.random()) {
                Ok(raw) => job.answer_with(raw),
                Err(_) => job.answer(None),
            }
        }))
    }

    /// Goes on with the decrypted pre-master secret or with the fallback, without revealing which.
    pub(super) fn on_decryption(self, raw: &RawDecryption) -> Result<State, Error> {
        let Self {
            exchange, fallback, ..
        } = self;
        let negotiation = exchange.negotiation;
        // The caller's result may have any length; that of a key that failed is empty.
        let length = negotiation.selected.certificate.public_key.length();
        let whole = Choice::from(u8::from(raw.0.len() == length));
        let pre_master_secret = select_pre_master_secret(
            &raw.0,
            fallback.admitted & whole,
            negotiation.client_version,
            &fallback.secret,
        );
        let exchanged = KeyExchanged {
            master_secret: negotiation.agreed.master_secret(
                &pre_master_secret,
                &negotiation.transcript,
                &negotiation.config.common.environment,
            ),
            negotiation,
            handle: exchange.handle,
        };
        match exchange.client {
            None => exchanged.expect_change_cipher_spec(None),
            Some(client) => Ok(State::CertificateVerify(Box::new(
                ExpectCertificateVerify { exchanged, client },
            ))),
        }
    }
}
