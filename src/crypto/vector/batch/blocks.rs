//! Numbers side by side, one to a 64-bit lane, each modulo its own n: four with registers of 256 bits,
//! eight with those of 512.
//!
//! A number of B blocks of four limbs of 52 bits; a register has the same limb of all lanes. Products
//! are made block of columns by block of columns, from the lowest:
//!
//! ```text
//! block c of columns, sum[0..8]:   sum[0..4] are columns 4c .. 4c + 3, sum[4..8] what overhangs
//!   + a[i] b[c - i]                of all blocks i, each product of blocks 16 products of limbs; a
//!                                  square takes those with i < c - i once, and doubles them
//!   + q[i] n[c - i]                of the blocks of q that are known
//!   c < B:   the four limbs q[c] make four columns zero, one after the other
//!   c >= B:  the four columns are limbs of the result
//! ```
//!
//! Bounds: R = 2^(208 B) is above 2^16 n. A product is below ab/R + n, hence below 2n if a and b are
//! below 12n, and nothing is ever subtracted. A column sums at most 16 B halves below 2^52, and
//! carries: it stays below 2^60. Limbs are below 2^52.
//!
//! A macro, since the types and names of the instructions differ with the width and the source does
//! not.

macro_rules! blocks {
    (
    $lanes:literal, $register:ident, $zero:ident, $all:ident, $add:ident, $and:ident, $shift:ident,
    $low:ident, $high:ident, $load:ident, $store:ident, $equal:ident, $select:ident, $at_least:ident
) => {
        use super::super::operation::Rows;
        use crate::crypto::vector::words::digit;
        use core::arch::x86_64::*;
        use safe_unaligned_simd::x86_64::{$load, $store};
        use zeroize::Zeroize;

        const LANES: usize = $lanes;
        const MASK: i64 = (1 << 52) - 1;
        /// The bits of a window of the exponent.
        const WINDOW: usize = 5;

        type Block = [$register; 4];
        type Number<const B: usize> = [Block; B];
        /// Four columns, and what overhangs them.
        type Columns = [$register; 8];

        /// What a product needs of n.
        pub(in super::super) struct Modulus<const B: usize> {
            n: Number<B>,
            /// `-1/n mod 2^52`
            k0: $register,
        }

        impl<const B: usize> Drop for Modulus<B> {
            fn drop(&mut self) {
                self.n.zeroize();
                self.k0.zeroize();
            }
        }

        impl<const B: usize> Modulus<B> {
            /// Takes n, odd or zero in each lane, and `-1/n mod 2^52`.
            #[target_feature(enable = "avx512f,avx512dq,avx512bw,avx512vl,avx512ifma,bmi2")]
            pub(in super::super) fn new<const D: usize>(
                n: &Rows<LANES, D>,
                k0: &[u64; LANES],
            ) -> Self {
                Self {
                    n: load(n),
                    k0: $load(k0),
                }
            }
        }

        #[target_feature(enable = "avx512f,avx512dq,avx512bw,avx512vl,avx512ifma,bmi2")]
        fn load<const B: usize, const D: usize>(rows: &Rows<LANES, D>) -> Number<B> {
            const { assert!(4 * B == D) };
            let mut number = [[$zero(); 4]; B];
            for (register, row) in number.as_flattened_mut().iter_mut().zip(rows) {
                *register = $load(row);
            }
            number
        }

        #[target_feature(enable = "avx512f,avx512dq,avx512bw,avx512vl,avx512ifma,bmi2")]
        fn store<const B: usize, const D: usize>(number: &Number<B>) -> Rows<LANES, D> {
            const { assert!(4 * B == D) };
            let mut rows = [[0; LANES]; D];
            for (register, row) in number.as_flattened().iter().zip(&mut rows) {
                $store(row, *register);
            }
            rows
        }

        /// Adds the product of two blocks.
        #[target_feature(enable = "avx512f,avx512dq,avx512bw,avx512vl,avx512ifma,bmi2")]
        #[inline]
        fn multiply_add(sum: &mut Columns, a: Block, b: Block) {
            for i in 0..4 {
                for j in 0..4 {
                    sum[i + j] = $low(sum[i + j], a[i], b[j]);
                }
                for j in 0..4 {
                    sum[i + j + 1] = $high(sum[i + j + 1], a[i], b[j]);
                }
            }
        }

        /// Adds the products of different limbs of a block, once each.
        #[target_feature(enable = "avx512f,avx512dq,avx512bw,avx512vl,avx512ifma,bmi2")]
        #[inline]
        fn add_cross_products(sum: &mut Columns, a: Block) {
            for i in 0..4 {
                for j in i + 1..4 {
                    sum[i + j] = $low(sum[i + j], a[i], a[j]);
                    sum[i + j + 1] = $high(sum[i + j + 1], a[i], a[j]);
                }
            }
        }

        /// `ab/R mod n`; if `SQUARE`, b is not looked at.
        #[target_feature(enable = "avx512f,avx512dq,avx512bw,avx512vl,avx512ifma,bmi2")]
        #[inline]
        fn product<const B: usize, const SQUARE: bool>(
            result: &mut Number<B>,
            a: &Number<B>,
            b: &Number<B>,
            modulus: &Modulus<B>,
        ) {
            let zero = $zero();
            let Modulus { n, k0 } = modulus;
            let lowest = n[0];
            let mut q = [[zero; 4]; B];
            let mut sum = [zero; 8];
            for c in 0..2 * B {
                let from = (c + 1).saturating_sub(B);
                let mut own = [zero; 8];
                if SQUARE {
                    for i in from..c.div_ceil(2) {
                        multiply_add(&mut own, a[i], a[c - i]);
                    }
                    if c % 2 == 0 {
                        add_cross_products(&mut own, a[c / 2]);
                    }
                    for j in 0..8 {
                        sum[j] = $add(sum[j], $add(own[j], own[j]));
                    }
                    if c % 2 == 0 {
                        let block = a[c / 2];
                        for i in 0..4 {
                            sum[2 * i] = $low(sum[2 * i], block[i], block[i]);
                            sum[2 * i + 1] = $high(sum[2 * i + 1], block[i], block[i]);
                        }
                    }
                } else {
                    for i in from..(c + 1).min(B) {
                        multiply_add(&mut own, a[i], b[c - i]);
                    }
                    for j in 0..8 {
                        sum[j] = $add(sum[j], own[j]);
                    }
                }
                for i in from..c.min(B) {
                    multiply_add(&mut sum, q[i], n[c - i]);
                }
                if c < B {
                    for t in 0..4 {
                        let limb = $low(zero, sum[t], *k0);
                        q[c][t] = limb;
                        let cleared = $low(sum[t], lowest[0], limb);
                        sum[t + 1] = $high(sum[t + 1], lowest[0], limb);
                        for j in 1..4 {
                            sum[t + j] = $low(sum[t + j], lowest[j], limb);
                            sum[t + j + 1] = $high(sum[t + j + 1], lowest[j], limb);
                        }
                        sum[t + 1] = $add(sum[t + 1], $shift::<52>(cleared));
                    }
                } else {
                    for t in 0..4 {
                        debug_assert_eq!($at_least(sum[t], $all(1 << 60)), 0);
                        sum[t + 1] = $add(sum[t + 1], $shift::<52>(sum[t]));
                        result[c - B][t] = $and(sum[t], $all(MASK));
                    }
                }
                for j in 0..4 {
                    sum[j] = sum[j + 4];
                    sum[j + 4] = zero;
                }
            }
        }

        /// The powers of the base that a window can ask for. Wiped when dropped.
        struct Table<const B: usize>(Vec<Number<B>>);

        impl<const B: usize> Drop for Table<B> {
            fn drop(&mut self) {
                self.0.zeroize();
            }
        }

        impl<const B: usize> Table<B> {
            /// Writes the power that each lane asks for, having read all.
            #[target_feature(enable = "avx512f,avx512dq,avx512bw,avx512vl,avx512ifma,bmi2")]
            #[inline]
            fn get(&self, wanted: $register, power: &mut Number<B>) {
                let mut at = $zero();
                *power = [[$zero(); 4]; B];
                for entry in &self.0 {
                    let hit = $equal(at, wanted);
                    at = $add(at, $all(1));
                    for (to, from) in power.as_flattened_mut().iter_mut().zip(entry.as_flattened())
                    {
                        *to = $select(*to, hit, *from);
                    }
                }
            }
        }

        /// What is left of a computation in memory. Wiped when dropped.
        struct Scratch<const B: usize> {
            power: Number<B>,
            factor: Number<B>,
            result: Number<B>,
        }

        impl<const B: usize> Drop for Scratch<B> {
            fn drop(&mut self) {
                self.power.zeroize();
                self.factor.zeroize();
                self.result.zeroize();
            }
        }

        /// The base to the powers of the exponents, of `bits` bits at most: base and result in Montgomery
        /// form, as is `one`.
        #[target_feature(enable = "avx512f,avx512dq,avx512bw,avx512vl,avx512ifma,bmi2")]
        pub(in super::super) fn raise<const B: usize, const D: usize>(
            modulus: &Modulus<B>,
            one: &Rows<LANES, D>,
            base: &Rows<LANES, D>,
            exponents: &[&[u64]; LANES],
            bits: usize,
        ) -> Rows<LANES, D> {
            let mut table = Table(vec![[[$zero(); 4]; B]; 1 << WINDOW]);
            let mut scratch = Scratch {
                power: load(base),
                factor: load(one),
                result: load(one),
            };
            let Scratch {
                power,
                factor,
                result,
            } = &mut scratch;
            table.0[0] = *factor;
            table.0[1] = *power;
            for i in 2..1 << WINDOW {
                let (known, next) = table.0.split_at_mut(i);
                product::<B, false>(&mut next[0], &known[i - 1], power, modulus);
            }

            let wanted = |window: usize| {
                $load(&exponents.map(|exponent| digit(exponent, WINDOW * window, WINDOW)))
            };
            let windows = bits.div_ceil(WINDOW);
            debug_assert!(windows > 0);
            table.get(wanted(windows - 1), power);
            for window in (0..windows - 1).rev() {
                for _ in 0..WINDOW {
                    product::<B, true>(result, power, power, modulus);
                    *power = *result;
                }
                table.get(wanted(window), factor);
                product::<B, false>(result, power, factor, modulus);
                *power = *result;
            }
            store(power)
        }

        /// The product of two numbers below 12n, below 2n.
        #[target_feature(enable = "avx512f,avx512dq,avx512bw,avx512vl,avx512ifma,bmi2")]
        pub(in super::super) fn multiply<const B: usize, const D: usize>(
            modulus: &Modulus<B>,
            a: &Rows<LANES, D>,
            b: &Rows<LANES, D>,
        ) -> Rows<LANES, D> {
            let mut scratch = Scratch {
                power: load(a),
                factor: load(b),
                result: load(a),
            };
            let Scratch {
                power,
                factor,
                result,
            } = &mut scratch;
            product::<B, false>(result, power, factor, modulus);
            store(result)
        }
    };
}

/// Four lanes.
pub(super) mod ymm {
    blocks! {
        4, __m256i, _mm256_setzero_si256, _mm256_set1_epi64x, _mm256_add_epi64, _mm256_and_si256,
        _mm256_srli_epi64, _mm256_madd52lo_epu64, _mm256_madd52hi_epu64, _mm256_loadu_si256,
        _mm256_storeu_si256, _mm256_cmpeq_epi64_mask, _mm256_mask_mov_epi64, _mm256_cmpge_epu64_mask
    }
}

/// Eight lanes.
pub(super) mod zmm {
    blocks! {
        8, __m512i, _mm512_setzero_si512, _mm512_set1_epi64, _mm512_add_epi64, _mm512_and_si512,
        _mm512_srli_epi64, _mm512_madd52lo_epu64, _mm512_madd52hi_epu64, _mm512_loadu_si512,
        _mm512_storeu_si512, _mm512_cmpeq_epi64_mask, _mm512_mask_mov_epi64, _mm512_cmpge_epu64_mask
    }
}
