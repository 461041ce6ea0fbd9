//! The encoding of the pre-master secret ([RFC 8017 section 7.2](https://www.rfc-editor.org/rfc/rfc8017#section-7.2)):
//! the client's padding, and the server's check and choice of
//! [RFC 5246 section 7.4.7.1](https://www.rfc-editor.org/rfc/rfc5246#section-7.4.7.1), in constant
//! time.

use super::pre_master_secret::{PRE_MASTER_SECRET as SECRET, PreMasterSecret};
use super::rng::RandomSource;
use crate::enums::ProtocolVersion;
use crate::error::LocalError;
use subtle::{Choice, ConditionallySelectable, ConstantTimeEq, ConstantTimeLess};
use zeroize::Zeroizing;

/// How often the padding is drawn at most until it has no zeros. Each of up to a thousand bytes is
/// zero once in 256 draws, so a third draw is rare, and sixteen mean that the generator is broken.
const MAX_DRAWS: usize = 16;

/// `EM = 0x00 || 0x02 || PS || 0x00 || M`, as long as the modulus, PS being random bytes that are
/// not zero. The modulus has at least 256 bytes.
pub(crate) fn encode_pre_master_secret(
    pre_master_secret: &PreMasterSecret,
    length: usize,
    random: &dyn RandomSource,
) -> Result<Zeroizing<Vec<u8>>, LocalError> {
    // "mLen <= k - 11": at least eight bytes of PS.
    let padding = length.checked_sub(3 + SECRET).filter(|length| *length >= 8);
    let too_short = LocalError::Internal("a modulus is too short for the pre-master secret");
    let mut padding = Zeroizing::new(vec![0; padding.ok_or(too_short)?]);
    let mut draw = Zeroizing::new(vec![0; padding.len()]);
    for _ in 0..MAX_DRAWS {
        let missing = padding.iter().filter(|byte| **byte == 0).count();
        if missing == 0 {
            let mut encoded_message = Zeroizing::new(Vec::with_capacity(length));
            encoded_message.extend_from_slice(&[0, 2]);
            encoded_message.extend_from_slice(&padding);
            encoded_message.push(0);
            encoded_message.extend_from_slice(&pre_master_secret.0);
            return Ok(encoded_message);
        }
        // Bytes that are not zero stay, so that fewer are missing each time.
        draw.truncate(missing);
        random.fill(&mut draw)?;
        for (byte, drawn) in padding.iter_mut().filter(|byte| **byte == 0).zip(draw.iter()) {
            *byte = *drawn;
        }
    }
    Err(LocalError::RandomUnavailable)
}

/// Selects the pre-master secret with which the handshake continues: that in `encoded_message`, or
/// `fallback`, which was drawn at random before the decryption.
///
/// "a TLS server MUST NOT generate an alert if processing an RSA-encrypted premaster secret message
/// fails, or the version number is not as expected. Instead, it MUST continue the handshake with a
/// randomly generated premaster secret."
///
/// The version is checked like the padding, the second of the two constructions of that section;
/// the first would overwrite it unseen.
///
/// `encoded_message` is as long as the modulus. It is good if it reads
/// `00 02 PS 00 client_version random[46]`, PS filling the space with non-zero bytes, and if the
/// decryption itself was (`decrypted`). All positions are fixed by the two lengths, which are
/// public, so every byte is looked at once, in order, and no branch or index depends on one.
pub(crate) fn select_pre_master_secret(
    encoded_message: &[u8],
    decrypted: Choice,
    client_version: ProtocolVersion,
    fallback: &PreMasterSecret,
) -> PreMasterSecret {
    let mut selected = fallback.clone();
    let (Some((padding, secret)), true) = (
        encoded_message.split_last_chunk::<SECRET>(),
        // 00 02, at least eight bytes of PS, 00: fewer and there is no message of this form.
        encoded_message.len() >= 2 + 8 + 1 + SECRET,
    ) else {
        return selected;
    };

    let last = padding.len() - 1;
    let mut good = decrypted;
    for (index, byte) in padding.iter().enumerate() {
        good &= match index {
            0 => byte.ct_eq(&0),
            1 => byte.ct_eq(&2),
            _ if index == last => byte.ct_eq(&0),
            _ => !byte.ct_eq(&0),
        };
    }
    for (byte, wanted) in secret.iter().zip(client_version.to_bytes()) {
        good &= byte.ct_eq(&wanted);
    }

    for (chosen, byte) in selected.0.iter_mut().zip(secret) {
        chosen.conditional_assign(byte, good);
    }
    selected
}

/// Returns true if `left` is less than `right`; both are big-endian and equally long.
pub(crate) fn less_than(left: &[u8], right: &[u8]) -> Choice {
    let mut less = Choice::from(0);
    let mut equal_so_far = Choice::from(1);
    for (left, right) in left.iter().zip(right) {
        less |= equal_so_far & left.ct_lt(right);
        equal_so_far &= left.ct_eq(right);
    }
    less
}

#[cfg(test)]
mod tests {
    use super::*;

    const VERSION: ProtocolVersion = ProtocolVersion::TLS_1_2;

    fn encoded_message(length: usize) -> Vec<u8> {
        let mut em = vec![0xff; length - SECRET - 1];
        em[0] = 0;
        em[1] = 2;
        em.push(0);
        em.extend_from_slice(&[3, 3]);
        em.extend((2..48).map(|byte| byte as u8));
        em
    }

    fn select(em: &[u8], decrypted: u8) -> PreMasterSecret {
        select_pre_master_secret(
            em,
            decrypted.into(),
            VERSION,
            &PreMasterSecret([0xee; SECRET]),
        )
    }

    #[test]
    fn a_good_message_is_chosen_at_every_length() {
        for length in [59, 128, 255, 256, 257, 384, 512] {
            let em = encoded_message(length);
            assert_eq!(select(&em, 1).0[..], em[length - SECRET..]);
        }
    }

    #[test]
    fn any_flaw_chooses_the_fallback_whole() {
        let good = encoded_message(256);
        let assert_fallback = |em: &[u8], decrypted| {
            assert_eq!(select(em, decrypted).0, [0xee; SECRET]);
        };
        assert_fallback(&good, 0);
        // Padding that is wrong at any one place.
        for index in 0..256 - SECRET {
            let mut em = good.clone();
            em[index] = match index {
                0 => 1,
                1 => 1,
                207 => 1,
                _ => 0,
            };
            assert_fallback(&em, 1);
        }
        // A version that is not the one the client offered.
        for (index, value) in [(208, 2), (209, 2), (209, 4)] {
            let mut em = good.clone();
            em[index] = value;
            assert_fallback(&em, 1);
        }
        // A message one byte longer and one byte shorter than 48.
        let mut shorter = good.clone();
        shorter[208] = 0;
        assert_fallback(&shorter, 1);
        let mut longer = good.clone();
        longer.copy_within(208.., 207);
        longer[206] = 0;
        assert_fallback(&longer, 1);
        // No room for eight bytes of padding, or for anything.
        assert_fallback(&encoded_message(58), 1);
        assert_fallback(&[], 1);
    }

    #[test]
    fn the_padding_has_no_zeros_and_is_chosen_again() {
        /// Gives zeros for a while, then numbers.
        struct Zeros(std::sync::Mutex<usize>);
        impl RandomSource for Zeros {
            fn fill(&self, out: &mut [u8]) -> Result<(), LocalError> {
                let mut left = self.0.lock().unwrap();
                for byte in out {
                    *byte = u8::from(*left == 0);
                    *left = left.saturating_sub(1);
                }
                Ok(())
            }
        }
        let secret = PreMasterSecret(*encoded_message(59).last_chunk().unwrap());
        let encode = |zeros: usize| encode_pre_master_secret(&secret, 256, &Zeros(zeros.into()));
        for zeros in [0, 1, 205, 300, 14 * 205] {
            let encoded = encode(zeros).unwrap();
            assert_eq!(encoded.len(), 256);
            assert_eq!(select(&encoded, 1).0, secret.0);
        }
        assert_eq!(encode(17 * 205), Err(LocalError::RandomUnavailable));
        // Eight bytes of padding are the least.
        let encode = |length| encode_pre_master_secret(&secret, length, &Zeros(0.into()));
        assert_eq!(select(&encode(59).unwrap(), 1).0, secret.0);
        for length in [0, 50, 51, 58] {
            assert!(matches!(encode(length), Err(LocalError::Internal(_))));
        }
    }

    #[test]
    fn less_than_compares_like_numbers() {
        for (left, right, expected) in [
            ([0, 0], [0, 1], true),
            ([0, 255], [1, 0], true),
            ([1, 0], [0, 255], false),
            ([7, 7], [7, 7], false),
            ([7, 8], [7, 7], false),
        ] {
            assert_eq!(bool::from(less_than(&left, &right)), expected);
        }
    }
}
