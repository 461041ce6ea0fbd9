//! Comparisons of secret numbers, with all ones for true and zero for false.
//!
//! The numbers pass [`hide`] first, so that the compiler derives nothing from where they come from.

/// A secret number. What computes with it asks [`Hidden::get`] first, so that the check of the compiled
/// code (`.ci/constant_time.py`) knows it for a secret.
#[derive(Clone, Copy)]
pub(super) struct Hidden(pub(super) u32);

impl Hidden {
    /// The number, of which the compiler then assumes nothing.
    pub(super) fn get(&self) -> u32 {
        hide(self.0)
    }
}

/// Returns the number, of which the compiler then assumes nothing.
pub(super) fn hide(number: u32) -> u32 {
    core::hint::black_box(number)
}

/// All ones if the number is zero.
pub(super) fn is_zero(number: u32) -> u32 {
    ((!number & number.wrapping_sub(1)) >> 31).wrapping_neg()
}

pub(super) fn is_equal(one: u32, other: u32) -> u32 {
    is_zero(one ^ other)
}

/// All ones if `one < other`. Both are below 2^31.
pub(super) fn is_less(one: u32, other: u32) -> u32 {
    (one.wrapping_sub(other) >> 31).wrapping_neg()
}

/// A mask for bytes.
pub(super) fn byte(mask: u32) -> u8 {
    let [.., low] = mask.to_be_bytes();
    low
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn masks_agree_with_comparisons() {
        const ALL: u32 = u32::MAX;
        for one in [0, 1, 2, 19, 255, 256, 1 << 14, 0x7fff_ffff] {
            for other in [0, 1, 2, 19, 255, 256, 1 << 14, 0x7fff_ffff] {
                assert_eq!(is_less(one, other), if one < other { ALL } else { 0 });
                assert_eq!(is_equal(one, other), if one == other { ALL } else { 0 });
            }
        }
        for number in [1, 0x8000_0000, ALL] {
            assert_eq!(is_zero(number), 0);
        }
        assert_eq!((is_zero(0), byte(ALL), byte(0)), (ALL, 255, 0));
        assert_eq!(hide(7), 7);
    }
}
