//! The client's certificate, if one is requested
//! ([RFC 5246 section 7.4.6](https://www.rfc-editor.org/rfc/rfc5246#section-7.4.6)).

use super::State;
use super::key_exchange::ExpectClientKeyExchange;
use crate::config::ClientAuth;
use crate::error::{Error, Incompatible};
use crate::handshake::incoming::Incoming;
use crate::message::certificate::Certificate;

/// The server requested a client certificate.
#[derive(Debug)]
pub(crate) struct ExpectCertificate(pub(super) ExpectClientKeyExchange);

impl ExpectCertificate {
    pub(super) fn handle(self, incoming: Incoming<'_>) -> Result<State, Error> {
        let (message, certificate) = incoming.expect::<Certificate<'_>>()?;
        let mut exchange = self.0;
        exchange.negotiation.transcript.add(message.bytes);
        let config = &exchange.negotiation.config;

        exchange.client = match &config.client_auth {
            // "If the client does not send any certificates, the server MAY at its discretion
            // either continue the handshake without client authentication, or respond with a fatal
            // handshake_failure alert."
            ClientAuth::Require(_) if certificate.certificate_list.is_empty() => {
                return Err(Incompatible::NoClientCertificate.into());
            }
            ClientAuth::Request(policy) | ClientAuth::Require(policy)
                if !certificate.certificate_list.is_empty() =>
            {
                let now = config.common.now();
                let presented = policy.admit(&certificate.certificate_list)?;
                Some(policy.verify_client(&presented.chain()?, now)?)
            }
            ClientAuth::None | ClientAuth::Request(_) | ClientAuth::Require(_) => None,
        };
        Ok(State::ClientKeyExchange(Box::new(exchange)))
    }
}
