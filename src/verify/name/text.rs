//! Distinguished names as text.

use core::fmt::{self, Write};
use x509_parser::objects::{oid_registry, oid2abbrev};
use x509_parser::prelude::FromDer;
use x509_parser::x509::{AttributeTypeAndValue, X509Name};

/// A name as text, in the order of its encoding. Characters in its values that could make it look
/// like another name are escaped, as in
/// [RFC 4514 section 2.4](https://www.rfc-editor.org/rfc/rfc4514#section-2.4), and so are those
/// that cannot be printed.
pub(in crate::verify) struct Text<'a>(pub(in crate::verify) &'a X509Name<'a>);

impl fmt::Display for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, relative) in self.0.iter_rdn().enumerate() {
            let separator = if index == 0 { "" } else { ", " };
            f.write_str(separator)?;
            for (index, attribute) in relative.iter().enumerate() {
                let separator = if index == 0 { "" } else { "+" };
                f.write_str(separator)?;
                write_attribute(f, attribute)?;
            }
        }
        Ok(())
    }
}

/// A name in DER as text.
pub(crate) struct NameText<'a>(pub(crate) &'a [u8]);

impl fmt::Display for NameText<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match X509Name::from_der(self.0) {
            Ok(([], name)) if name.iter_rdn().next().is_none() => f.write_str("an empty name"),
            Ok(([], name)) => Text(&name).fmt(f),
            Ok(_) | Err(_) => f.write_str("not a distinguished name"),
        }
    }
}

fn write_attribute(
    f: &mut fmt::Formatter<'_>,
    attribute: &AttributeTypeAndValue<'_>,
) -> fmt::Result {
    match oid2abbrev(attribute.attr_type(), oid_registry()) {
        Ok(name) => write!(f, "{name}=")?,
        Err(_) => write!(f, "{}=", attribute.attr_type())?,
    }
    match attribute.as_str() {
        Ok(text) => write_escaped(f, text),
        // Not text: print its bytes.
        Err(_) => {
            f.write_char('#')?;
            let mut bytes = attribute.as_slice().iter();
            bytes.try_for_each(|byte| write!(f, "{byte:02x}"))
        }
    }
}

fn write_escaped(f: &mut fmt::Formatter<'_>, text: &str) -> fmt::Result {
    let last = text.chars().count().saturating_sub(1);
    for (index, character) in text.chars().enumerate() {
        let at_an_end = index == 0 || index == last;
        match character {
            ',' | '+' | '"' | '\\' | '<' | '>' | ';' | '=' => write!(f, "\\{character}")?,
            ' ' if at_an_end => f.write_str("\\ ")?,
            '#' if index == 0 => f.write_str("\\#")?,
            '\'' => f.write_char(character)?,
            _ => write!(f, "{}", character.escape_debug())?,
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use x509_cert::der::asn1::{Any, SetOfVec, Utf8StringRef};
    use x509_cert::der::oid::ObjectIdentifier;
    use x509_cert::der::{Encode, Tag};

    const CN: &str = "2.5.4.3";
    const O: &str = "2.5.4.10";
    const UNKNOWN: &str = "1.3.6.1.4.1.55555.9";

    fn text(names: &[&[(&str, Any)]]) -> String {
        let name: Vec<_> = names
            .iter()
            .map(|relative| {
                let attributes =
                    relative.iter().map(|(oid, value)| x509_cert::attr::AttributeTypeAndValue {
                        oid: ObjectIdentifier::new_unwrap(oid),
                        value: value.clone(),
                    });
                SetOfVec::from_iter(attributes).unwrap()
            })
            .collect();
        let der = name.to_der().unwrap();
        let (rest, parsed) = X509Name::from_der(&der).unwrap();
        assert!(rest.is_empty());
        Text(&parsed).to_string()
    }

    fn utf8(value: &str) -> Any {
        Any::from(Utf8StringRef::new(value).unwrap())
    }

    #[test]
    fn a_name_reads_as_itself_and_as_no_other() {
        assert_eq!(text(&[]), "");
        let plain = [&[(O, utf8("Werk 7"))][..], &[(CN, utf8("plc-7"))]];
        assert_eq!(text(&plain), "O=Werk 7, CN=plc-7");
        let injected = [&[(O, utf8("x, CN=admin\u{1b}[2J\n"))][..]];
        assert_eq!(text(&injected), "O=x\\, CN\\=admin\\u{1b}[2J\\n");
        let two = [&[(CN, utf8("a")), (O, utf8("b+c"))][..]];
        assert_eq!(text(&two), "CN=a+O=b\\+c");
        let ends = [&[(CN, utf8(" M\u{fc}ller's #1 "))][..], &[(CN, utf8("#"))]];
        assert_eq!(text(&ends), "CN=\\ M\u{fc}ller's #1\\ , CN=\\#");
        let bytes = Any::new(Tag::OctetString, [0xc3, 0x28]).unwrap();
        let other = [&[(UNKNOWN, bytes)][..]];
        assert_eq!(text(&other), format!("{UNKNOWN}=#c328"));
    }
}
