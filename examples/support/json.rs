//! JSON written by hand: one object of strings and nulls on one line
//! ([RFC 8259](https://www.rfc-editor.org/rfc/rfc8259)).

use std::fmt::Write;

/// The members in the given order; `None` is `null`.
pub fn object(members: &[(&str, Option<String>)]) -> String {
    let mut out = String::from("{");
    for (index, (key, value)) in members.iter().enumerate() {
        if index > 0 {
            out.push(',');
        }
        push_string(&mut out, key);
        out.push(':');
        match value {
            Some(value) => push_string(&mut out, value),
            None => out.push_str("null"),
        }
    }
    out.push('}');
    out
}

/// "All Unicode characters may be placed within the quotation marks, except for the characters
/// that MUST be escaped: quotation mark, reverse solidus, and the control characters."
fn push_string(out: &mut String, text: &str) {
    out.push('"');
    for character in text.chars() {
        match character {
            '"' | '\\' => out.extend(['\\', character]),
            '\0'..='\u{1f}' => {
                // Writing to a string does not fail.
                let _ = write!(out, "\\u{:04x}", u32::from(character));
            }
            _ => out.push(character),
        }
    }
    out.push('"');
}
