//! The plaintext's length in a decrypted text of MAC-then-encrypt, and its MAC: both are secret
//! until the MAC is verified.
//!
//! What is read and computed here depends on the length of the record alone, so that neither time
//! nor memory accesses tell where padding or MAC were wrong
//! ([RFC 5246 section 6.2.3.2](https://www.rfc-editor.org/rfc/rfc5246#section-6.2.3.2)).

use super::mac::{Tag, number};
use super::mask::{Hidden, byte, hide, is_equal, is_less, is_zero};
use crate::crypto::cipher::contract::CipherError;
use crate::crypto::suite::MacAlgorithm;
use zeroize::Zeroizing;

/// The longest padding, its length byte included.
pub(super) const LONGEST_PADDING: usize = 256;

/// A text's length without its padding, and whether the padding was right.
pub(super) struct Unpadded {
    /// Secret. "if the pad appears to be incorrect, the implementation might assume a zero-length
    /// pad".
    pub(super) length: Hidden,
    /// All ones if the padding is right; secret.
    pub(super) is_right: Hidden,
}

/// "Each uint8 in the padding data vector MUST be filled with the padding length value. The
/// receiver MUST check this padding".
///
/// At least `kept` bytes are not padding, and the text is longer.
#[inline(never)]
pub(super) fn unpad(text: &[u8], kept: usize) -> Result<Unpadded, CipherError> {
    let (length, kept) = (number(text.len())?, number(kept)?);
    let padding_length = hide(u32::from(*text.last().ok_or(CipherError)?));
    let room = length.checked_sub(kept).ok_or(CipherError)?;
    let mut wrong = !is_less(padding_length, room);
    for (distance, byte) in (0..).zip(text.iter().rev().take(LONGEST_PADDING)) {
        wrong |= is_less(distance, padding_length + 1) & (u32::from(*byte) ^ padding_length);
    }
    let is_right = is_zero(wrong);
    Ok(Unpadded {
        length: Hidden(length - 1 - (padding_length & is_right)),
        is_right: Hidden(is_right),
    })
}

/// Copies the MAC that begins at `start`, a secret place in a window that holds all places where it
/// can be.
pub(super) fn copy_mac(
    algorithm: MacAlgorithm,
    window: &[u8],
    start: &Hidden,
) -> Result<Tag, CipherError> {
    Ok(match algorithm {
        MacAlgorithm::HmacSha1 => Tag::from_bytes(&*copy::<20>(window, start)?),
        MacAlgorithm::HmacSha256 => Tag::from_bytes(&*copy::<32>(window, start)?),
    })
}

/// Collects the bytes in rows as long as the MAC, each in its column, and turns them until the
/// first is in front.
#[inline(never)]
fn copy<const LENGTH: usize>(
    window: &[u8],
    start: &Hidden,
) -> Result<Zeroizing<[u8; LENGTH]>, CipherError> {
    let start = start.get();
    let end = start + number(LENGTH)?;
    let mut mac = Zeroizing::new([0; LENGTH]);
    let (mut position, mut offset) = (0, 0);
    for row in window.chunks(LENGTH) {
        for ((to, from), column) in mac.iter_mut().zip(row).zip(0..) {
            let is_inside = !is_less(position, start) & is_less(position, end);
            *to |= from & byte(is_inside);
            offset |= column & is_equal(position, start);
            position += 1;
        }
    }
    for (bit, turn) in [1, 2, 4, 8, 16].into_iter().enumerate() {
        let mut turned = mac.clone();
        turned.rotate_left(turn);
        let is_turned = (offset >> bit & 1_u32).wrapping_neg();
        for (to, from) in mac.iter_mut().zip(turned.iter()) {
            *to ^= (*to ^ from) & byte(is_turned);
        }
    }
    Ok(mac)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mac_is_copied_from_every_place() {
        let window: Vec<u8> = (0..=255).chain(0..32).collect();
        for start in 0..256_u32 {
            let at = usize::try_from(start).unwrap();
            let start = &Hidden(start);
            let sha1 = &window[..256 + 20 - 1];
            assert_eq!(copy::<20>(sha1, start).unwrap()[..], window[at..][..20]);
            assert_eq!(
                copy::<32>(&window[..256 + 32 - 1], start).unwrap()[..],
                window[at..][..32]
            );
        }
    }

    /// Every padding of every length byte, in texts that have room for it and in texts that have not.
    #[test]
    fn padding_is_right_if_all_of_it_repeats_its_length() {
        for length in [32, 48, 256, 272, 304] {
            for padding_length in 0..=255_u8 {
                let padding = usize::from(padding_length) + 1;
                let mut text = vec![0xee; length];
                let padded = padding.min(length);
                text[length - padded..].fill(padding_length);
                let fits = padding + 20 <= length;
                let unpadded = unpad(&text, 20).unwrap();
                assert_eq!(unpadded.is_right.0, if fits { u32::MAX } else { 0 });
                let rest = length - if fits { padding } else { 1 };
                assert_eq!(unpadded.length.0, u32::try_from(rest).unwrap());
                for at in length - padded..length - 1 {
                    text[at] ^= 0x80;
                    let unpadded = unpad(&text, 20).unwrap();
                    assert_eq!(unpadded.is_right.0, 0, "{length} {padding_length} {at}");
                    assert_eq!(unpadded.length.0, u32::try_from(length - 1).unwrap());
                    text[at] ^= 0x80;
                }
            }
        }
    }
}
