//! The messages of OCPP 2.0.1 over WebSocket: JSON arrays, each a call, a result or an error
//! (OCPP 2.0.1 part 4, section 4.2).

use serde_json::{Map, Value, json};
use std::fmt::{self, Display, Formatter};

/// MessageTypeId.
const CALL: u64 = 2;
const CALL_RESULT: u64 = 3;
const CALL_ERROR: u64 = 4;

/// The most characters of a message ID (part 4, section 4.1.4).
const MAX_ID: usize = 36;

/// The ID of an error about a message whose own ID cannot be read (part 4, section 4.2.3).
const UNREADABLE: &str = "-1";

/// A request of the station.
pub struct Call {
    pub id: String,
    pub action: String,
    pub payload: Map<String, Value>,
}

/// Why a call is not answered with a result: a CALLERROR.
#[derive(Debug)]
pub struct Fault {
    pub code: Code,
    pub description: String,
}

/// The error codes of part 4, section 4.3, as far as this back end sends them.
#[derive(Clone, Copy, Debug)]
pub enum Code {
    /// The action is not known.
    NotImplemented,
    /// A required field is absent.
    OccurrenceConstraintViolation,
    /// A field's value is not allowed.
    PropertyConstraintViolation,
    /// The message cannot be read as a call.
    RpcFrameworkError,
    /// The type of the message is not known.
    MessageTypeNotSupported,
    /// The station may not send this now.
    SecurityError,
    /// A field has another type.
    TypeConstraintViolation,
}

impl Display for Code {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{self:?}")
    }
}

impl Fault {
    pub fn new(code: Code, description: impl Into<String>) -> Self {
        Self {
            code,
            description: description.into(),
        }
    }

    /// The message that tells the station.
    pub fn to_message(&self, id: &str) -> String {
        json!([CALL_ERROR, id, self.code.to_string(), self.description, {}]).to_string()
    }
}

/// What a station's message is.
pub enum Received {
    Call(Call),
    /// An answer, although this back end asks for nothing.
    Answer,
    /// Neither; the message that tells the station is about this ID.
    Unreadable(String, Fault),
}

/// Reads a message of the station.
pub fn read(text: &str) -> Received {
    let framework = |text: &str| Fault::new(Code::RpcFrameworkError, text);
    let unreadable = |text| Received::Unreadable(UNREADABLE.to_owned(), framework(text));
    let Ok(Value::Array(parts)) = serde_json::from_str(text) else {
        return unreadable("the message is not a JSON array");
    };
    let Some(kind) = parts.first().and_then(Value::as_u64) else {
        return unreadable("the message does not begin with its type");
    };
    let id = match parts.get(1).and_then(Value::as_str) {
        Some(id) if (1..=MAX_ID).contains(&id.chars().count()) => id.to_owned(),
        _ => return unreadable("the message has no ID of 1 to 36 characters"),
    };
    match kind {
        CALL => {}
        CALL_RESULT | CALL_ERROR => return Received::Answer,
        _ => {
            let fault = Fault::new(Code::MessageTypeNotSupported, "the type must be 2, 3 or 4");
            return Received::Unreadable(id, fault);
        }
    }
    match <[Value; 4]>::try_from(parts) {
        Ok([_, _, Value::String(action), Value::Object(payload)]) => Received::Call(Call {
            id,
            action,
            payload,
        }),
        _ => {
            let text = "a call is a type, an ID, an action and an object, and nothing else";
            Received::Unreadable(id, framework(text))
        }
    }
}

/// The message with the result of a call.
pub fn result(id: &str, payload: &Value) -> String {
    json!([CALL_RESULT, id, payload]).to_string()
}

/// A field that is text of 1 to `max` characters, and must be there.
pub fn required_text<'p>(
    payload: &'p Map<String, Value>,
    field: &str,
    max: usize,
) -> Result<&'p str, Fault> {
    optional_text(payload, field, max)?.ok_or_else(|| absent(field))
}

/// A field that is text of 1 to `max` characters, and may be absent.
pub fn optional_text<'p>(
    payload: &'p Map<String, Value>,
    field: &str,
    max: usize,
) -> Result<Option<&'p str>, Fault> {
    match payload.get(field) {
        None => Ok(None),
        Some(Value::String(text)) if (1..=max).contains(&text.chars().count()) => Ok(Some(text)),
        Some(Value::String(_)) => Err(Fault::new(
            Code::PropertyConstraintViolation,
            format!("{field} must have 1 to {max} characters"),
        )),
        Some(_) => Err(other_type(field, "text")),
    }
}

/// A field that is a number from 0 up, and must be there.
pub fn required_number(payload: &Map<String, Value>, field: &str) -> Result<u64, Fault> {
    let value = payload.get(field).ok_or_else(|| absent(field))?;
    value.as_u64().ok_or_else(|| other_type(field, "a number from 0 up"))
}

/// A field that is an object, and must be there.
pub fn required_object<'p>(
    payload: &'p Map<String, Value>,
    field: &str,
) -> Result<&'p Map<String, Value>, Fault> {
    let value = payload.get(field).ok_or_else(|| absent(field))?;
    value.as_object().ok_or_else(|| other_type(field, "an object"))
}

fn absent(field: &str) -> Fault {
    let text = format!("{field} is missing");
    Fault::new(Code::OccurrenceConstraintViolation, text)
}

fn other_type(field: &str, expected: &str) -> Fault {
    let text = format!("{field} must be {expected}");
    Fault::new(Code::TypeConstraintViolation, text)
}
