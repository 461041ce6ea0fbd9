//! The processing of received records.

use super::{Connection, Event};
use crate::enums::{AlertDescription, AlertLevel, ContentType, ProtocolVersion};
use crate::error::{Error, Incompatible, PeerError};
use crate::handshake::{Actions, Incoming};
use crate::message::CHANGE_CIPHER_SPEC;
use crate::message::alert::Alert;
use crate::record::{RecordReader, VersionRule};

/// The most warning alerts without application data between them. This crate acts on none of them
/// except close_notify, which is not counted; each costs this side a decryption for nothing.
const MAX_WARNINGS: u8 = 4;

impl Connection {
    /// Processes complete records from the front of `incoming` until there is an event to report.
    pub(super) fn process<'b>(
        &mut self,
        incoming: &mut &'b mut [u8],
        outgoing: &mut Vec<u8>,
    ) -> Result<Event<'b>, Error> {
        loop {
            if self.close_received {
                return Ok(Event::PeerClosed);
            }
            if let Some(event) = self.handle_messages(outgoing)? {
                return Ok(event);
            }
            let Some(record) = self.reader.read(incoming)? else {
                return Ok(Event::NeedData);
            };
            self.check_not_interleaved(record.typ)?;
            match record.typ {
                ContentType::HANDSHAKE => {
                    self.check_record_version(record.version)?;
                    self.joiner.push(record.content);
                }
                ContentType::CHANGE_CIPHER_SPEC => {
                    self.handle_change_cipher_spec(record.content, outgoing)?;
                }
                ContentType::ALERT => self.handle_alert(record.content, outgoing)?,
                ContentType::APPLICATION_DATA if self.handshake.takes_application_data() => {
                    if !record.content.is_empty() {
                        // The budgets are for floods, not for the life of a connection.
                        self.warnings = 0;
                        self.handshake.application_data_received(record.content.len())?;
                        return Ok(Event::ApplicationData(record.content));
                    }
                }
                other => return Err(PeerError::UnexpectedRecord(other).into()),
            }
        }
    }

    /// Passes each complete message to the handshake, until it pauses or completes.
    fn handle_messages(&mut self, outgoing: &mut Vec<u8>) -> Result<Option<Event<'static>>, Error> {
        loop {
            if self.handshake.pending().is_some() {
                return Ok(Some(Event::Paused));
            }
            let handshake = &self.handshake;
            let Some(message) = self.joiner.next(|typ| handshake.due(typ))? else {
                return Ok(None);
            };
            let mut actions = Actions::default();
            self.handshake.handle(Incoming::Handshake(message), &mut actions)?;
            if self.apply(actions, outgoing)? {
                return Ok(Some(Event::HandshakeComplete));
            }
        }
    }

    /// Detects a server of another version by its first handshake record, whose ServerHello would
    /// only repeat it. For a TLS 1.2 server, all records are sent as TLS 1.2 from here on, also the
    /// alert that refuses its ServerHello.
    fn check_record_version(&mut self, version: ProtocolVersion) -> Result<(), Error> {
        if !self.handshake.awaits_server_hello() {
            return Ok(());
        }
        if version != ProtocolVersion::TLS_1_2 {
            return Err(Incompatible::Version { offered: version }.into());
        }
        self.output.writer()?.use_tls12();
        Ok(())
    }

    /// Refuses other records inside a handshake message. ChangeCipherSpec is checked where it is
    /// handled, by the same proof.
    fn check_not_interleaved(&self, typ: ContentType) -> Result<(), PeerError> {
        match typ {
            ContentType::HANDSHAKE | ContentType::CHANGE_CIPHER_SPEC => Ok(()),
            _ if self.joiner.aligned().is_some() => Ok(()),
            _ => Err(PeerError::InterleavedRecord(typ)),
        }
    }

    fn handle_change_cipher_spec(
        &mut self,
        content: &[u8],
        outgoing: &mut Vec<u8>,
    ) -> Result<(), Error> {
        let aligned = self.joiner.aligned().ok_or(PeerError::KeyChangeInsideMessage)?;
        match content {
            [byte] if [*byte] == CHANGE_CIPHER_SPEC => {}
            [_] => return Err(PeerError::BadChangeCipherSpec.into()),
            _ => return Err(PeerError::LongChangeCipherSpec.into()),
        }
        let mut actions = Actions::default();
        self.handshake.handle(Incoming::ChangeCipherSpec(aligned), &mut actions)?;
        self.apply(actions, outgoing)?;
        Ok(())
    }

    fn handle_alert(&mut self, content: &[u8], outgoing: &mut Vec<u8>) -> Result<(), Error> {
        let alert = Alert::decode(content).map_err(|error| error.of("alert"))?;
        match (alert.level, alert.description) {
            (AlertLevel::WARNING, AlertDescription::CLOSE_NOTIFY) => {
                self.close_received = true;
                // The key is not needed any more.
                self.reader = RecordReader::new(VersionRule::Tls12);
                if self.handshake.is_established() {
                    // "The other party MUST respond with a close_notify alert of its own and close
                    // down the connection immediately, discarding any pending writes." RFC 8446
                    // section 6.1 takes this back, because it "could cause truncation": by default
                    // the answer goes out with the caller's own close.
                    if self.close_with_peer {
                        self.handshake.stop_renegotiating();
                        self.send_close_notify(outgoing);
                    }
                    Ok(())
                } else {
                    self.send_close_notify(outgoing);
                    // A client that changes its mind is no failure of its session.
                    if !self.handshake.is_incomplete_client() {
                        self.session_in_use = None;
                    }
                    Err(self.alert_received(alert.description))
                }
            }
            (AlertLevel::WARNING, _) => {
                self.warnings += 1;
                if self.warnings > MAX_WARNINGS {
                    return Err(PeerError::TooManyWarnings.into());
                }
                Ok(())
            }
            (AlertLevel::FATAL, description) => Err(self.alert_received(description)),
            (AlertLevel(level), _) => Err(PeerError::BadAlertLevel(level).into()),
        }
    }
}
