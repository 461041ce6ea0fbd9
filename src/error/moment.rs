//! The moment of a handshake at which the peer ended it, and what is worth checking then.

use super::text::{Excerpt, ProtocolList, SuiteList};
use super::withheld::CertificateWithheld;
use crate::enums::{AlertDescription as Alert, HandshakeType};
use core::fmt;

/// The moment of a handshake at which the peer ended it: what this side had sent, what it awaited,
/// and what it had told the peer that the peer may have refused.
#[derive(Clone, PartialEq, Eq)]
pub struct Moment(Box<Details>);

/// What a [`Moment`] is made of.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Details {
    pub(crate) peer: Peer,
    pub(crate) sent: Option<HandshakeType>,
    pub(crate) awaited: &'static str,
    /// True if not one byte of the peer's has arrived.
    pub(crate) silent: bool,
    pub(crate) told: Option<Told>,
}

/// The role of the peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Peer {
    Client,
    Server,
}

impl fmt::Display for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Client => "client",
            Self::Server => "server",
        })
    }
}

/// What this side had told a peer that then ended the handshake.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Told {
    /// A client's offer, to which there was no ServerHello. Its version is TLS 1.2.
    Offer {
        /// The cipher suites.
        suites: SuiteList,
        /// The name or IP address of the server.
        server_name: Excerpt,
        /// The application protocols.
        protocols: ProtocolList,
    },
    /// The certificate chain that this side presented.
    Certificate {
        /// The subject of the leaf.
        subject: Excerpt,
        /// The number of certificates in the chain.
        certificates: usize,
        /// True if this side, a server, had asked the client for a certificate.
        requested: bool,
    },
    /// A client's answer to a request for its certificate: it sent none.
    NoCertificate {
        /// Why none was sent.
        reason: CertificateWithheld,
        /// The names of the CAs that the server lists: as many as fit.
        authorities: Excerpt,
        /// The subjects of the configured certificates: as many as fit.
        configured: Excerpt,
    },
}

impl fmt::Display for Told {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Offer {
                suites,
                server_name,
                protocols,
            } => {
                write!(f, "offered: TLS 1.2, {suites}, to the server {server_name}")?;
                if protocols.total() > 0 {
                    write!(f, ", for {protocols}")?;
                }
                Ok(())
            }
            Self::Certificate {
                subject,
                certificates,
                requested,
            } => {
                write!(
                    f,
                    "certificate shown: {subject}, {certificates} in its chain"
                )?;
                if *requested {
                    f.write_str("; certificate of the client: requested")?;
                }
                Ok(())
            }
            Self::NoCertificate {
                reason,
                authorities,
                configured,
            } => write!(
                f,
                "it had asked for a certificate and got none: {reason}; CAs of the server: \
                 {authorities}; certificates of the client: {configured}"
            ),
        }
    }
}

impl Moment {
    pub(crate) fn new(details: Details) -> Self {
        Self(Box::new(details))
    }

    /// Returns the last handshake message that this side had sent, if it had sent one.
    #[must_use]
    pub fn sent(&self) -> Option<HandshakeType> {
        self.0.sent
    }

    /// Returns the message that this side awaited, by its name in RFC 5246, such as
    /// `client_key_exchange`; or what the caller had to answer.
    #[must_use]
    pub fn awaited(&self) -> &'static str {
        self.0.awaited
    }

    /// Returns true if not one byte of the peer's had arrived.
    #[must_use]
    pub fn peer_was_silent(&self) -> bool {
        self.0.silent
    }

    /// Returns what this side had told the peer that the peer may have refused, or `None`: there was
    /// nothing yet, or the peer had accepted it.
    #[must_use]
    pub fn told(&self) -> Option<&Told> {
        self.0.told.as_ref()
    }

    /// The setting that would send this side's certificate, if that was asked for in vain.
    pub(super) fn setting(&self) -> Option<&'static str> {
        match self.told() {
            Some(Told::NoCertificate { reason, .. }) => reason.setting(),
            Some(Told::Offer { .. } | Told::Certificate { .. }) | None => None,
        }
    }

    pub(super) fn peer(&self) -> Peer {
        self.0.peer
    }

    /// What often makes a peer send this alert, or hang up without one, at this moment. None of it
    /// is known to be the cause.
    pub(super) fn causes(&self, alert: Option<Alert>) -> &'static [&'static str] {
        match (self.0.peer, self.told()) {
            (Peer::Server, Some(Told::Offer { protocols, .. })) => {
                causes_at_hello(alert, protocols.total() > 0)
            }
            (Peer::Server, Some(Told::Certificate { .. })) => causes_at_clients_certificate(alert),
            (Peer::Client, Some(Told::Certificate { requested, .. })) => {
                causes_at_servers_certificate(alert, *requested)
            }
            (Peer::Server, None) if self.sent() == Some(HandshakeType::FINISHED) => {
                causes_at_finished(alert)
            }
            // The reason is known, or nothing is.
            (Peer::Server, Some(Told::NoCertificate { .. }) | None) | (Peer::Client, _) => &[],
        }
    }

    /// Everything that is told after what the peer did.
    fn write(&self, alert: Option<Alert>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.sent() {
            Some(sent) => write!(f, "; {sent} was sent, ")?,
            None => f.write_str("; ")?,
        }
        write!(f, "{} was awaited", self.awaited())?;
        if let Some(told) = self.told() {
            write!(f, "; {told}")?;
        }
        for (index, cause) in self.causes(alert).iter().enumerate() {
            let separator = if index == 0 {
                "; worth checking: "
            } else {
                "; "
            };
            write!(f, "{separator}{cause}")?;
        }
        Ok(())
    }
}

/// A server refused the offer.
fn causes_at_hello(alert: Option<Alert>, has_protocols: bool) -> &'static [&'static str] {
    const SUITES: &str = "whether the server has one of these suites (many have only those with ECDHE or CBC; the preset legacy_cbc offers CBC)";
    const KEY: &str = "whether its certificate has an RSA key";
    const VERSION: &str = "whether the server supports TLS 1.2";
    match alert {
        None => &[VERSION, SUITES, KEY],
        Some(Alert::HANDSHAKE_FAILURE | Alert::INSUFFICIENT_SECURITY) => &[SUITES, KEY],
        Some(Alert::PROTOCOL_VERSION) => &[VERSION],
        Some(Alert::UNRECOGNIZED_NAME) => &["whether the server has a certificate for this name"],
        Some(Alert::NO_APPLICATION_PROTOCOL) if has_protocols => {
            &["whether the server supports one of these application protocols"]
        }
        Some(Alert::NO_APPLICATION_PROTOCOL) => {
            &["whether the server requires an application protocol (alpn_protocols offers one)"]
        }
        Some(Alert::INAPPROPRIATE_FALLBACK) => {
            &["whether the server supports TLS 1.3, so that no fallback is needed"]
        }
        Some(_) => &[],
    }
}

/// A server refused the client's certificate, or what came with it.
fn causes_at_clients_certificate(alert: Option<Alert>) -> &'static [&'static str] {
    match alert {
        Some(Alert::UNKNOWN_CA) => {
            &["whether the server has the root of this certificate, and the chain the CAs below it"]
        }
        Some(Alert::CERTIFICATE_EXPIRED) => {
            &["the validity of this certificate", "the server's clock"]
        }
        Some(Alert::ACCESS_DENIED) => {
            &["whether the server gives this certificate's holder access"]
        }
        Some(
            Alert::BAD_CERTIFICATE
            | Alert::UNSUPPORTED_CERTIFICATE
            | Alert::CERTIFICATE_UNKNOWN
            | Alert::HANDSHAKE_FAILURE,
        )
        | None => {
            &["whether the server accepts this certificate: its CA, validity, key and purpose"]
        }
        Some(_) => causes_at_finished(alert),
    }
}

/// A client refused the server's flight.
fn causes_at_servers_certificate(alert: Option<Alert>, requested: bool) -> &'static [&'static str] {
    const ACCEPTED: &str =
        "whether the client accepts this certificate: its CA, names, validity and key";
    const HAS_ONE: &str = "whether the client has a certificate to send";
    match alert {
        Some(Alert::UNKNOWN_CA) => {
            &["whether the client has the root of this certificate, and the chain the CAs below it"]
        }
        Some(Alert::CERTIFICATE_EXPIRED) => {
            &["the validity of this certificate", "the client's clock"]
        }
        Some(Alert::HANDSHAKE_FAILURE) | None if requested => &[ACCEPTED, HAS_ONE],
        Some(
            Alert::BAD_CERTIFICATE | Alert::UNSUPPORTED_CERTIFICATE | Alert::CERTIFICATE_UNKNOWN,
        )
        | None => &[ACCEPTED],
        Some(_) => &[],
    }
}

/// A server could not read what the client had encrypted.
fn causes_at_finished(alert: Option<Alert>) -> &'static [&'static str] {
    match alert {
        Some(Alert::DECRYPT_ERROR | Alert::BAD_RECORD_MAC) => {
            &["whether the server's private key belongs to the certificate that it sent"]
        }
        _ => &[],
    }
}

impl fmt::Debug for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Moment")
            .field("sent", &self.sent())
            .field("awaited", &self.awaited())
            .field("peer_was_silent", &self.peer_was_silent())
            .field("told", &self.told())
            .finish()
    }
}

/// The text of [`Error::HungUp`](super::Error::HungUp).
pub(super) struct HungUpText<'a>(pub(super) &'a Moment);

impl fmt::Display for HungUpText<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let peer = self.0.peer();
        match (self.0.peer_was_silent(), peer) {
            (true, Peer::Client) => {
                return f.write_str("the client closed the transport without sending a byte");
            }
            (true, Peer::Server) => {
                f.write_str("the server closed the transport without sending a byte")?;
            }
            (false, _) => write!(f, "the {peer} closed the transport during the handshake")?,
        }
        self.0.write(None, f)
    }
}

/// The text of [`Error::AlertReceived`](super::Error::AlertReceived).
pub(super) struct AlertText<'a>(pub(super) Alert, pub(super) Option<&'a Moment>);

impl fmt::Display for AlertText<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(alert, moment) = self;
        let Some(moment) = moment else {
            return write!(f, "the peer sent the alert {alert}");
        };
        write!(f, "the {} sent the alert {alert}", moment.peer())?;
        moment.write(Some(*alert), f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::enums::CipherSuite;
    use crate::error::Error;

    fn offer(protocols: &[&'static [u8]]) -> Told {
        Told::Offer {
            suites: SuiteList::new(&[CipherSuite::TLS_RSA_WITH_AES_128_GCM_SHA256]),
            server_name: Excerpt::new("bmc.example"),
            protocols: ProtocolList::new(protocols.iter().copied()),
        }
    }

    fn certificate(requested: bool) -> Told {
        Told::Certificate {
            subject: Excerpt::new("CN=bmc"),
            certificates: 2,
            requested,
        }
    }

    fn moment(peer: Peer, sent: HandshakeType, told: Option<Told>) -> Moment {
        Moment::new(Details {
            peer,
            sent: Some(sent),
            awaited: "a message",
            silent: false,
            told,
        })
    }

    fn worth_checking(moment: &Moment, alert: Option<Alert>) -> &'static [&'static str] {
        let moment = moment.clone();
        match alert {
            None => Error::HungUp(moment),
            Some(alert) => Error::AlertReceived {
                alert,
                moment: Some(moment),
            },
        }
        .worth_checking()
    }

    /// An alert, or none from a peer that hangs up, and a word of each cause in order.
    type Suggestion = (Option<Alert>, &'static [&'static str]);

    #[track_caller]
    fn assert_suggests(moment: &Moment, rows: &[Suggestion]) {
        for (alert, words) in rows {
            let causes = worth_checking(moment, *alert);
            assert_eq!(causes.len(), words.len(), "{alert:?} {causes:?}");
            for (cause, word) in causes.iter().zip(*words) {
                assert!(cause.contains(word), "{alert:?} {causes:?}");
            }
        }
    }

    #[test]
    fn a_server_may_have_refused_the_offer() {
        let rows: [Suggestion; 7] = [
            (None, &["TLS 1.2", "ECDHE or CBC", "RSA key"]),
            (Some(Alert::HANDSHAKE_FAILURE), &["ECDHE or CBC", "RSA key"]),
            (
                Some(Alert::INSUFFICIENT_SECURITY),
                &["ECDHE or CBC", "RSA key"],
            ),
            (Some(Alert::PROTOCOL_VERSION), &["TLS 1.2"]),
            (Some(Alert::UNRECOGNIZED_NAME), &["for this name"]),
            (Some(Alert::INAPPROPRIATE_FALLBACK), &["TLS 1.3"]),
            (Some(Alert::INTERNAL_ERROR), &[]),
        ];
        let at_hello = |protocols: &[&'static [u8]]| {
            let told = Some(offer(protocols));
            moment(Peer::Server, HandshakeType::CLIENT_HELLO, told)
        };
        assert_suggests(&at_hello(&[]), &rows);
        let alert = Some(Alert::NO_APPLICATION_PROTOCOL);
        assert_suggests(&at_hello(&[]), &[(alert, &["alpn_protocols"])]);
        assert_suggests(&at_hello(&[b"h2"]), &[(alert, &["supports one of these"])]);
    }

    #[test]
    fn a_server_may_have_refused_the_clients_flight() {
        let with_certificate = Some(certificate(false));
        assert_suggests(
            &moment(Peer::Server, HandshakeType::FINISHED, with_certificate),
            &[
                (None, &["the server accepts this certificate"]),
                (
                    Some(Alert::BAD_CERTIFICATE),
                    &["the server accepts this certificate"],
                ),
                (Some(Alert::UNKNOWN_CA), &["the server has the root"]),
                (
                    Some(Alert::CERTIFICATE_EXPIRED),
                    &["validity", "the server's clock"],
                ),
                (Some(Alert::ACCESS_DENIED), &["access"]),
                (Some(Alert::BAD_RECORD_MAC), &["private key belongs"]),
                (Some(Alert::INTERNAL_ERROR), &[]),
            ],
        );
        assert_suggests(
            &moment(Peer::Server, HandshakeType::FINISHED, None),
            &[
                (Some(Alert::DECRYPT_ERROR), &["private key belongs"]),
                (None, &[]),
            ],
        );
        assert_suggests(
            &moment(Peer::Server, HandshakeType::CLIENT_HELLO, None),
            &[(Some(Alert::DECRYPT_ERROR), &[]), (None, &[])],
        );
    }

    #[test]
    fn a_client_may_have_refused_the_servers_flight() {
        let at_flight = |requested| {
            let told = Some(certificate(requested));
            moment(Peer::Client, HandshakeType::SERVER_HELLO_DONE, told)
        };
        let rows: [Suggestion; 4] = [
            (Some(Alert::UNKNOWN_CA), &["the client has the root"]),
            (
                Some(Alert::CERTIFICATE_EXPIRED),
                &["validity", "the client's clock"],
            ),
            (
                Some(Alert::CERTIFICATE_UNKNOWN),
                &["the client accepts this certificate"],
            ),
            (Some(Alert::CLOSE_NOTIFY), &[]),
        ];
        for requested in [false, true] {
            assert_suggests(&at_flight(requested), &rows);
        }
        let failure = Some(Alert::HANDSHAKE_FAILURE);
        assert_suggests(
            &at_flight(false),
            &[
                (failure, &[]),
                (None, &["the client accepts this certificate"]),
            ],
        );
        let both: &'static [&'static str] = &["the client accepts this certificate", "to send"];
        assert_suggests(&at_flight(true), &[(failure, both), (None, both)]);
    }

    #[test]
    fn the_text_tells_what_was_sent_awaited_and_told() {
        let at_hello = moment(
            Peer::Server,
            HandshakeType::CLIENT_HELLO,
            Some(offer(&[b"h2"])),
        );
        let refused = Error::AlertReceived {
            alert: Alert::PROTOCOL_VERSION,
            moment: Some(at_hello),
        };
        let requested = certificate(true);
        let at_flight = moment(
            Peer::Client,
            HandshakeType::SERVER_HELLO_DONE,
            Some(requested),
        );
        for (error, text) in [
            (
                refused,
                "the server sent the alert protocol_version; client_hello was sent, a message was \
                 awaited; offered: TLS 1.2, TLS_RSA_WITH_AES_128_GCM_SHA256, to the server \
                 bmc.example, for h2; worth checking: whether the server supports TLS 1.2",
            ),
            (
                Error::HungUp(at_flight),
                "the client closed the transport during the handshake; server_hello_done was sent, \
                 a message was awaited; certificate shown: CN=bmc, 2 in its chain; certificate of \
                 the client: requested; worth checking: whether the client accepts this \
                 certificate: its CA, names, validity and key; whether the client has a \
                 certificate to send",
            ),
        ] {
            assert_eq!(error.to_string(), text);
        }
    }
}
