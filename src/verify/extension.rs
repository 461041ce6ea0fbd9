//! The extensions of CRLs and OCSP responses. Those of certificates are read by `x509-parser`, which
//! does not insist on DER here.

use super::der::{BOOLEAN, Element, OBJECT_IDENTIFIER, OCTET_STRING, Reader, SEQUENCE, optional};

/// An extension
/// ([RFC 5280 section 4.1](https://www.rfc-editor.org/rfc/rfc5280#section-4.1)).
pub(super) struct Extension<'a> {
    pub(super) oid: &'a [u8],
    pub(super) critical: bool,
    pub(super) value: &'a [u8],
}

impl<'a> Extension<'a> {
    /// `Extensions ::= SEQUENCE SIZE (1..MAX) OF Extension`, each of another kind.
    pub(super) fn all(list: Reader<'a>) -> Option<Vec<Self>> {
        let all: Vec<_> =
            list.map(|extension| Self::parse(extension.ok()?)).collect::<Option<_>>()?;
        let mut kinds: Vec<_> = all.iter().map(|extension| extension.oid).collect();
        kinds.sort_unstable();
        kinds.dedup();
        (!all.is_empty() && kinds.len() == all.len()).then_some(all)
    }

    /// `Extension ::= SEQUENCE { extnID, critical BOOLEAN DEFAULT FALSE, extnValue }`.
    fn parse(extension: Element<'a>) -> Option<Self> {
        let mut fields = extension.content_of(SEQUENCE)?.peekable();
        let oid = fields.next()?.ok().filter(|oid| oid.tag == OBJECT_IDENTIFIER)?;
        let critical = match optional(&mut fields, &[BOOLEAN])? {
            None => false,
            Some(critical) if *critical.content == [0xff] => true,
            // FALSE is written by some, although it is the default.
            Some(critical) if *critical.content == [0] => false,
            Some(_) => return None,
        };
        let value = fields.next()?.ok().filter(|value| value.tag == OCTET_STRING)?;
        fields.next().is_none().then_some(Self {
            oid: oid.content,
            critical,
            value: value.content,
        })
    }
}
