//! The end of a handshake, from its keys on, as it is in both roles
//! ([RFC 5246 sections 7.1](https://www.rfc-editor.org/rfc/rfc5246#section-7.1) and
//! [7.4.9](https://www.rfc-editor.org/rfc/rfc5246#section-7.4.9)).
//!
//! [`KeysReady`] awaits the peer's ChangeCipherSpec, and [`Finish`] its Finished. This side sends
//! its own two before them, or once the peer's Finished is verified.

use super::action::{Action, Actions};
use super::agreed::Agreed;
use super::established::{Established, Own};
use super::incoming::Incoming;
use super::renegotiation::Renewal;
use super::session_info::{RequestedCertificate, SessionInfo};
use super::verified::FinishedVerified;
use crate::config::CertifiedKey;
use crate::crypto::cipher::Cipher;
use crate::crypto::hash::HashValue;
use crate::crypto::rng::RandomSource;
use crate::error::{Error, LocalError};
use crate::keys::{MasterSecret, Side, Transcript, VerifyData};
use crate::message::HandshakeBody;
use crate::message::finished::Finished;
use crate::resumption::Session;
use std::sync::Arc;

/// The keys are derived; the peer does not use its keys yet.
#[derive(Debug)]
pub(super) struct KeysReady {
    peer_write_key: Cipher,
    pub(super) finish: Finish,
}

impl KeysReady {
    /// Sends this side's ChangeCipherSpec and Finished, the first of the two: a client's in a full
    /// handshake, a server's when a session is resumed.
    pub(super) fn finish_first(
        side: Side,
        agreed: Agreed,
        mut transcript: Transcript,
        session: Session,
        random: &dyn RandomSource,
        actions: &mut Actions,
    ) -> Result<Self, LocalError> {
        let (own_write_key, peer_write_key) = traffic_keys(side, &agreed, &session, random)?;
        actions.push(Action::ChangeWriteKey(own_write_key));
        let (verify_data, message) = finished(side, &session.master_secret, &transcript.current())?;
        actions.send(message, &mut transcript);
        Ok(Self {
            peer_write_key,
            finish: Finish {
                side,
                agreed,
                transcript,
                session,
                own: OwnFinished::Sent(verify_data),
            },
        })
    }

    /// Delays this side's ChangeCipherSpec and Finished until the peer's Finished is verified.
    pub(super) fn finish_second(
        side: Side,
        agreed: Agreed,
        transcript: Transcript,
        session: Session,
        random: &dyn RandomSource,
    ) -> Result<Self, LocalError> {
        let (own_write_key, peer_write_key) = traffic_keys(side, &agreed, &session, random)?;
        Ok(Self {
            peer_write_key,
            finish: Finish {
                side,
                agreed,
                transcript,
                session,
                own: OwnFinished::Due(own_write_key),
            },
        })
    }

    /// Takes the peer's ChangeCipherSpec: from here on the peer's records are protected.
    fn change_read_key(
        self,
        incoming: Incoming<'_>,
        actions: &mut Actions,
    ) -> Result<Finish, Error> {
        let _aligned = incoming.expect_change_cipher_spec()?;
        let limit = self.finish.agreed.limits.received();
        actions.push(Action::ChangeReadKey(self.peer_write_key, limit));
        Ok(self.finish)
    }
}

/// The peer uses its keys; its Finished is due.
#[derive(Debug)]
pub(super) struct Finish {
    side: Side,
    pub(super) agreed: Agreed,
    pub(super) transcript: Transcript,
    pub(super) session: Session,
    own: OwnFinished,
}

/// This side's own Finished.
#[derive(Debug)]
enum OwnFinished {
    /// It is sent, and was the first of the two.
    Sent(VerifyData),
    /// It will be sent after the peer's, protected with this key.
    Due(Cipher),
}

impl Finish {
    /// Takes and verifies the peer's Finished.
    fn verify(&mut self, incoming: Incoming<'_>) -> Result<FinishedVerified, Error> {
        let (message, finished) = incoming.expect::<Finished>()?;
        let verified = FinishedVerified::check(
            &finished,
            self.side.peer(),
            &self.session.master_secret,
            &self.transcript.current(),
        )?;
        self.transcript.add(message.bytes);
        Ok(verified)
    }

    /// Sends this side's ChangeCipherSpec and Finished, unless they are sent already, and completes
    /// the handshake.
    fn complete(
        self,
        verified: FinishedVerified,
        role: RoleResult,
        actions: &mut Actions,
    ) -> Result<Box<Established>, LocalError> {
        let Self {
            side,
            agreed,
            transcript,
            session,
            own,
        } = self;
        let own_finished = match own {
            OwnFinished::Sent(verify_data) => Own::First(verify_data),
            OwnFinished::Due(write_key) => {
                actions.push(Action::ChangeWriteKey(write_key));
                let transcript = transcript.finish();
                let (verify_data, message) = finished(side, &session.master_secret, &transcript)?;
                actions.push(Action::SendHandshake(message));
                Own::Second(verify_data)
            }
        };
        let established = Established::new(
            verified,
            own_finished,
            &session,
            agreed.randoms,
            role.own_certificate,
            agreed.encrypt_then_mac,
            role.renewal,
        );
        actions.push(Action::Complete(Box::new(SessionInfo {
            cipher_suite: session.suite.id,
            server_name: session.server_name,
            peer_certificates: session.peer_certificates,
            waivers: session.waivers,
            verified_by_caller: role.verified_by_caller,
            ocsp_response: role.ocsp_response,
            requested_certificate: role.requested_certificate,
            resumption: agreed.resumption,
            randoms: agreed.randoms,
            extended_master_secret: session.extended_master_secret,
            encrypt_then_mac: agreed.encrypt_then_mac,
            secure_renegotiation: agreed.secure_renegotiation,
            renegotiations: role.renegotiations,
            alpn_protocol: agreed.alpn_protocol,
            max_plaintext_sent: agreed.limits.sent(),
            max_plaintext_received: agreed.limits.received(),
        })));
        Ok(Box::new(established))
    }
}

/// What a role does at the end of its handshake besides: it makes the session resumable.
pub(super) trait Completion {
    /// Stores the session or hands it to the peer, in front of this side's Finished if that is due.
    fn make_resumable(
        self,
        finish: &mut Finish,
        actions: &mut Actions,
    ) -> Result<RoleResult, LocalError>;
}

/// What only one of the two roles knows at the end of its handshake.
#[derive(Debug)]
pub(super) struct RoleResult {
    /// On a client, the OCSP response that the server sent.
    pub(super) ocsp_response: Option<Box<[u8]>>,
    /// True if the caller accepted the peer's chain without verification.
    pub(super) verified_by_caller: bool,
    /// On a client, what the server asked of its certificates.
    pub(super) requested_certificate: Option<Box<RequestedCertificate>>,
    /// On a server, the certificate that it sent.
    pub(super) own_certificate: Option<Arc<CertifiedKey>>,
    /// The handshakes on this connection before this one.
    pub(super) renegotiations: u8,
    /// On a client, what another handshake would need, if there may be one.
    pub(super) renewal: Option<Renewal>,
}

/// The peer has sent all its unprotected messages.
#[derive(Debug)]
pub(super) struct ExpectChangeCipherSpec<C> {
    pub(super) keys: KeysReady,
    pub(super) completion: C,
}

impl<C> ExpectChangeCipherSpec<C> {
    pub(super) fn handle(
        self,
        incoming: Incoming<'_>,
        actions: &mut Actions,
    ) -> Result<Box<ExpectFinished<C>>, Error> {
        Ok(Box::new(ExpectFinished {
            finish: self.keys.change_read_key(incoming, actions)?,
            completion: self.completion,
        }))
    }
}

/// The peer uses its keys.
#[derive(Debug)]
pub(super) struct ExpectFinished<C> {
    pub(super) finish: Finish,
    pub(super) completion: C,
}

impl<C: Completion> ExpectFinished<C> {
    pub(super) fn handle(
        self,
        incoming: Incoming<'_>,
        actions: &mut Actions,
    ) -> Result<Box<Established>, Error> {
        let Self {
            mut finish,
            completion,
        } = self;
        let verified = finish.verify(incoming)?;
        let role = completion.make_resumable(&mut finish, actions)?;
        Ok(finish.complete(verified, role, actions)?)
    }
}

/// This side's write key and the peer's.
fn traffic_keys(
    side: Side,
    agreed: &Agreed,
    session: &Session,
    random: &dyn RandomSource,
) -> Result<(Cipher, Cipher), LocalError> {
    let keys = agreed.traffic_keys(&session.master_secret, random)?;
    Ok(match side {
        Side::Client => (keys.client_write, keys.server_write),
        Side::Server => (keys.server_write, keys.client_write),
    })
}

/// A side's Finished, given the hash of the messages before it.
fn finished(
    side: Side,
    master_secret: &MasterSecret,
    transcript: &HashValue,
) -> Result<(VerifyData, Vec<u8>), LocalError> {
    let verify_data = master_secret.verify_data(side, transcript);
    let message = Finished {
        verify_data: verify_data.0,
    };
    Ok((verify_data, message.encode()?))
}
