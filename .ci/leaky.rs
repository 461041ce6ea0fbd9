//! What `constant_time.py` has to find: a branch, an index and a division that follow a secret.

pub mod crypto {
    pub mod vector {
        #[inline(never)]
        pub fn branches(secret: &[u64; 4], a: &mut [u64; 4]) {
            if secret[0] & 1 == 1 {
                a.rotate_left(1);
                a[0] = a[0].wrapping_mul(a[1]);
            }
        }

        #[inline(never)]
        pub fn looks_up(secret: &[u8; 4], table: &[u64; 256]) -> u64 {
            table[usize::from(secret[0])] ^ table[usize::from(secret[1])]
        }

        #[inline(never)]
        pub fn divides(secret: &[u64; 4], modulus: u64) -> u64 {
            secret[0] % (modulus | 1)
        }

        /// Follows nothing but the lengths, and is not to be found.
        #[inline(never)]
        pub fn adds(secret: &[u64], sum: &mut [u64]) {
            for (sum, secret) in sum.iter_mut().zip(secret) {
                *sum = sum.wrapping_add(*secret);
            }
        }
    }

    pub mod cipher {
        pub mod cbc {
            pub mod hidden {
                /// An argument that is hidden is a secret.
                #[inline(never)]
                pub fn unpad(length: u32, text: &mut [u64; 4]) {
                    if core::hint::black_box(length) > 3 {
                        text.rotate_left(1);
                        text[0] = text[0].wrapping_mul(text[1]);
                    }
                }
            }
        }
    }
}
