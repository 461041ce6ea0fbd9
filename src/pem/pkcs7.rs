//! PKCS #7 bundles: SignedData that only carries certificates and CRLs
//! ([RFC 2315 section 9.1](https://www.rfc-editor.org/rfc/rfc2315#section-9.1)).
//!
//! Nothing in a bundle is signed as a whole; its certificates and CRLs are as good as single ones.

use super::der::{
    CONTEXT_0, CONTEXT_1, Element, Elements, INTEGER, OBJECT_IDENTIFIER, SEQUENCE, SET,
};
use super::item::{Encoding, Item};
use crate::error::{ConfigError, FileItem};

/// The certificates and CRLs of a bundle, in their order.
pub(super) fn unpack(der: &[u8]) -> Result<Vec<Item>, ConfigError> {
    read(der).ok_or(ConfigError::BadItem {
        position: 1,
        item: FileItem::Pkcs7,
    })
}

/// ```text
/// ContentInfo ::= SEQUENCE { contentType, content [0] SignedData }
/// SignedData ::= SEQUENCE {
///   version INTEGER, digestAlgorithms SET, contentInfo SEQUENCE,
///   certificates [0] OPTIONAL, crls [1] OPTIONAL, signerInfos SET }
/// ```
fn read(der: &[u8]) -> Option<Vec<Item>> {
    let mut content_info = Elements(Elements(der).next_of(SEQUENCE)?.contents);
    content_info.next_of(OBJECT_IDENTIFIER)?;
    let content = content_info.next_of(CONTEXT_0)?;
    let mut signed_data = Elements(Elements(content.contents).next_of(SEQUENCE)?.contents);
    signed_data.next_of(INTEGER)?;
    signed_data.next_of(SET)?;
    signed_data.next_of(SEQUENCE)?;
    let mut items = Vec::new();
    for (tag, encoding) in [
        (CONTEXT_0, Encoding::Certificate),
        (CONTEXT_1, Encoding::Crl),
    ] {
        if let Some(list) = signed_data.next_of(tag) {
            let mut elements = Elements(list.contents);
            // Other tags are those of attribute certificates and the like.
            let is_plain = |element: &Element<'_>| element.tag == SEQUENCE;
            let item = |element: Element<'_>| Item::new(encoding, element.whole.to_vec());
            items.extend(elements.by_ref().filter(is_plain).map(item));
            // An element that is cut off must not hide those after it.
            elements.0.is_empty().then_some(())?;
        }
    }
    signed_data.next_of(SET)?;
    Some(items)
}
