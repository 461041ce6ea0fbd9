//! What the back end answers to a station's calls.

use crate::message::{
    self, Call, Code, Fault, Received, optional_text, required_number, required_object,
    required_text,
};
use crate::station::Station;
use serde_json::{Value, json};
use std::time::{Duration, SystemTime};
use time::OffsetDateTime;

/// The answers to one station, over one connection.
pub struct Desk<'s> {
    station: &'s Station,
    /// How often the station is to say that it is alive.
    heartbeat: Duration,
    /// The last BootNotification was not accepted.
    rejected: bool,
}

/// What comes of a message.
#[derive(Default)]
pub struct Outcome {
    /// What to send.
    pub answer: Option<String>,
    /// What to print.
    pub note: Option<String>,
    /// Only if asked to print everything.
    pub is_routine: bool,
}

/// The most characters of fields, by the schemas of OCPP 2.0.1 part 3.
const MODEL: usize = 20;
const VENDOR: usize = 50;
const SERIAL: usize = 25;

/// Longer than any value of an enumeration, and than any time in RFC 3339's form.
const SHORT_TEXT: usize = 50;

impl<'s> Desk<'s> {
    pub fn new(station: &'s Station, heartbeat: Duration) -> Self {
        Self {
            station,
            heartbeat,
            rejected: false,
        }
    }

    /// Answers one message.
    pub fn handle(&mut self, text: &str) -> Outcome {
        let (id, action, result) = match message::read(text) {
            Received::Call(call) => {
                let result = self.answer(&call);
                (call.id, call.action, result)
            }
            Received::Unreadable(id, fault) => (id, "message".to_owned(), Err(fault)),
            // To nothing that was asked.
            Received::Answer => return Outcome::default(),
        };
        match result {
            Ok(answered) => Outcome {
                answer: Some(message::result(&id, &answered.payload)),
                is_routine: action == "Heartbeat",
                note: Some(answered.note),
            },
            Err(fault) => Outcome {
                answer: Some(fault.to_message(&id)),
                // The action is the station's own text.
                note: Some(format!(
                    "{}: refused, {}: {}",
                    action.chars().take(SHORT_TEXT).collect::<String>().escape_debug(),
                    fault.code,
                    fault.description,
                )),
                is_routine: false,
            },
        }
    }

    fn answer(&mut self, call: &Call) -> Result<Answered, Fault> {
        // Whatever else a rejected station sends is answered with this error (OCPP 2.0.1 part 2,
        // B03.FR.07).
        if self.rejected && call.action != "BootNotification" {
            let text = "the station's BootNotification was rejected";
            return Err(Fault::new(Code::SecurityError, text));
        }
        match call.action.as_str() {
            "BootNotification" => self.boot(call),
            "Heartbeat" => Ok(Answered {
                payload: json!({ "currentTime": now() }),
                note: "heartbeat".to_owned(),
            }),
            "StatusNotification" => status(call),
            _ => Err(Fault::new(
                Code::NotImplemented,
                "this back end does not know the action",
            )),
        }
    }

    /// A station that has started introduces itself (use case B01).
    fn boot(&mut self, call: &Call) -> Result<Answered, Fault> {
        let reason = required_text(&call.payload, "reason", SHORT_TEXT)?;
        let described = required_object(&call.payload, "chargingStation")?;
        let model = required_text(described, "model", MODEL)?;
        let vendor = required_text(described, "vendorName", VENDOR)?;
        let serial = optional_text(described, "serialNumber", SERIAL)?;

        // The certificate is the station's if its common name is the serial number (A00.FR.405), so
        // a station that says it has another one is not the certificate's.
        self.rejected = serial.is_some_and(|serial| serial != self.station.serial);
        let described = format!(
            "booted ({}): {} by {}",
            reason.escape_debug(),
            model.escape_debug(),
            vendor.escape_debug()
        );
        let mut payload = json!({
            "currentTime": now(),
            "interval": self.heartbeat.as_secs(),
            "status": if self.rejected { "Rejected" } else { "Accepted" },
        });
        let mut note = described;
        if self.rejected {
            payload["statusInfo"] = json!({
                "reasonCode": "SerialNumber",
                "additionalInfo": "the certificate is for another serial number",
            });
            note += &format!(
                "; rejected, because it says that its serial number is {}, and its certificate \
                 is for {}",
                serial.unwrap_or("absent").escape_debug(),
                self.station.serial.escape_debug()
            );
        }
        Ok(Answered { payload, note })
    }
}

/// The payload of a result, and what to print.
struct Answered {
    payload: Value,
    note: String,
}

/// A connector of the station has another status (use case G01).
fn status(call: &Call) -> Result<Answered, Fault> {
    required_text(&call.payload, "timestamp", SHORT_TEXT)?;
    let status = required_text(&call.payload, "connectorStatus", SHORT_TEXT)?;
    let evse = required_number(&call.payload, "evseId")?;
    let connector = required_number(&call.payload, "connectorId")?;
    Ok(Answered {
        payload: json!({}),
        note: format!(
            "EVSE {evse}, connector {connector}: {}",
            status.escape_debug()
        ),
    })
}

/// The time, as [RFC 3339](https://www.rfc-editor.org/rfc/rfc3339) writes it, to the millisecond.
fn now() -> String {
    let time = OffsetDateTime::from(SystemTime::now());
    format!(
        "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z",
        time.year(),
        u8::from(time.month()),
        time.day(),
        time.hour(),
        time.minute(),
        time.second(),
        time.millisecond()
    )
}
