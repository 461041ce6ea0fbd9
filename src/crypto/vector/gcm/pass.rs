//! The pass over a text, written once for registers of every width.
//!
//! A kernel's file has the vocabulary: the register `V`, its blocks (`LANES`), the registers of a
//! turn (`REGISTERS`), and what is done with registers. `one_pass!` makes `seal` and `open` from it:
//! the vocabularies differ in types and target features, which const generics cannot say.

/// A mask of the first `count` bytes of a register, at most 64.
pub(super) fn first_bytes<const WIDTH: usize>(count: usize) -> &'static [u8; WIDTH] {
    const MASK: [u8; 128] = {
        let mut mask = [0; 128];
        let mut at = 0;
        while at < 64 {
            mask[at] = 0xff;
            at += 1;
        }
        mask
    };
    &MASK[64 - count..].as_chunks().0[0]
}

macro_rules! one_pass {
    ($features:literal) => {
        use super::frame::{Frame, Message, Text};
        use super::ghash::{BLOCK, Product, reversal};
        use super::key::Key;
        use super::pass::first_bytes;
        use crate::crypto::vector::aes::Block;
        use safe_unaligned_simd::x86_64::_mm_loadu_si128 as load_block;
        use zeroize::optimization_barrier;

        /// Bytes of a register, and of a turn.
        const WIDTH: usize = BLOCK * LANES;
        const TURN: usize = WIDTH * REGISTERS;
        /// Blocks of a turn.
        const BLOCKS: usize = LANES * REGISTERS;

        /// Goes over the text and returns the tag that belongs to it.
        #[target_feature(enable = $features)]
        pub(in crate::crypto::vector) fn pass(
            key: &Key,
            message: &Message<'_>,
            text: Text<'_>,
        ) -> [u8; BLOCK] {
            let frame = Frame::new(key, message, &text);
            let mut pass = Pass::new(key, &frame);
            let sums = match text {
                Text::Seal(plaintext, out) => pass.seal(plaintext, out),
                Text::Open(text) => pass.open(text),
            };
            frame.tag(key, pass.hash, sums.fold())
        }

        /// The state of a pass.
        struct Pass<'a> {
            key: &'a Key,
            /// Shuffles the bytes of each block from GHASH's order to POLYVAL's, and of each counter from
            /// the processor's to AES's.
            reversal: V,
            /// The counters of the next register, each block reversed.
            counters: V,
            /// GHASH of what came before, until it is added to the block that comes next.
            hash: __m128i,
        }

        impl<'a> Pass<'a> {
            #[target_feature(enable = $features)]
            #[inline]
            fn new(key: &'a Key, frame: &Frame) -> Self {
                Self {
                    key,
                    reversal: broadcast(reversal()),
                    counters: add(broadcast(frame.j0), first_counters()),
                    hash: frame.hash,
                }
            }

            /// Appends the encrypted text to `out`. Returns GHASH of what came after the last turn, not
            /// reduced.
            #[target_feature(enable = $features)]
            #[inline]
            fn seal(&mut self, plaintext: &[u8], out: &mut Vec<u8>) -> Sums {
                let (turns, rest) = plaintext.as_chunks::<TURN>();
                if let Some((first, turns)) = turns.split_first() {
                    let mut states = self.counters();
                    for round_key in self.key.aes.middle() {
                        self.round(&mut states, round_key);
                    }
                    append_turn(&self.last_round(&states, first), out);
                    // GHASH of a turn's ciphertext runs beside AES of the next turn.
                    for plaintext in turns {
                        let mut states = self.counters();
                        let before = out.len() - TURN;
                        self.middle_rounds(&mut states, out[before..].as_chunks().0);
                        append_turn(&self.last_round(&states, plaintext), out);
                    }
                    let before = out.len() - TURN;
                    self.absorb_turn(out[before..].as_chunks().0);
                }
                let mut power = 1 + rest.len().div_ceil(BLOCK);
                let mut sums = Sums::new();
                let (registers, part) = rest.as_chunks::<WIDTH>();
                for plaintext in registers {
                    let ciphertext = xor(load(plaintext), self.key_stream());
                    let mut bytes = [0; WIDTH];
                    store(&mut bytes, ciphertext);
                    out.extend_from_slice(&bytes);
                    self.absorb(ciphertext, self.powers(power), &mut sums);
                    power -= LANES;
                }
                if !part.is_empty() {
                    let mut bytes = [0; WIDTH];
                    bytes[..part.len()].copy_from_slice(part);
                    let ciphertext = xor(load(&bytes), self.key_stream());
                    let ciphertext = and(ciphertext, load(first_bytes(part.len())));
                    store(&mut bytes, ciphertext);
                    out.extend_from_slice(&bytes[..part.len()]);
                    self.absorb(ciphertext, self.powers(power), &mut sums);
                }
                sums
            }

            /// Decrypts the text in place. Returns GHASH of what came after the last turn, not reduced.
            #[target_feature(enable = $features)]
            #[inline]
            fn open(&mut self, text: &mut [u8]) -> Sums {
                let (turns, rest) = text.as_chunks_mut::<TURN>();
                for text in turns {
                    let mut states = self.counters();
                    self.middle_rounds(&mut states, text.as_chunks().0);
                    let plaintext = self.last_round(&states, text);
                    store_turn(&plaintext, text);
                }
                let mut power = 1 + rest.len().div_ceil(BLOCK);
                let mut sums = Sums::new();
                let (registers, part) = rest.as_chunks_mut::<WIDTH>();
                for text in registers {
                    let ciphertext = load(text);
                    self.absorb(ciphertext, self.powers(power), &mut sums);
                    store(text, xor(ciphertext, self.key_stream()));
                    power -= LANES;
                }
                if !part.is_empty() {
                    let mut bytes = [0; WIDTH];
                    bytes[..part.len()].copy_from_slice(part);
                    let ciphertext = load(&bytes);
                    self.absorb(ciphertext, self.powers(power), &mut sums);
                    store(&mut bytes, xor(ciphertext, self.key_stream()));
                    part.copy_from_slice(&bytes[..part.len()]);
                    store(&mut bytes, zero());
                    optimization_barrier(&bytes);
                }
                sums
            }

            /// The next counters, with the first round key added.
            #[target_feature(enable = $features)]
            #[inline]
            fn counters<const N: usize>(&mut self) -> [V; N] {
                let round_key = broadcast(self.key.aes.first());
                let mut states = [zero(); N];
                for state in &mut states {
                    *state = xor(shuffle(self.counters, self.reversal), round_key);
                    self.counters = add(self.counters, counters_of_a_register());
                }
                states
            }

            #[target_feature(enable = $features)]
            #[inline]
            fn round<const N: usize>(&self, states: &mut [V; N], round_key: &Block) {
                let round_key = broadcast(load_block(round_key));
                for state in states {
                    *state = aes_round(*state, round_key);
                }
            }

            /// All rounds of a turn but the last one, and beside them GHASH of a turn of ciphertext.
            ///
            /// A round and a register's products, in turns: so both units have work. The number of
            /// rounds is not a constant on purpose: a loop of known length would be unrolled, and
            /// the compiler then does GHASH as a whole and each register's rounds one by one.
            #[target_feature(enable = $features)]
            #[inline]
            fn middle_rounds(&mut self, states: &mut [V; REGISTERS], ciphertext: &[[u8; WIDTH]]) {
                let mut sums = Sums::new();
                let round_keys = self.key.aes.middle();
                let powers = self.key.powers_of_a_turn::<{ WIDTH / 8 }>(BLOCKS);
                for ((round_key, ciphertext), powers) in
                    round_keys.iter().zip(ciphertext).zip(powers)
                {
                    self.round(states, round_key);
                    self.absorb(load(ciphertext), load(powers), &mut sums);
                }
                for round_key in &round_keys[REGISTERS..] {
                    self.round(states, round_key);
                }
                self.hash = sums.fold().reduce();
            }

            /// GHASH of a turn.
            #[target_feature(enable = $features)]
            #[inline]
            fn absorb_turn(&mut self, ciphertext: &[[u8; WIDTH]]) {
                let mut sums = Sums::new();
                let powers = self.key.powers_of_a_turn::<{ WIDTH / 8 }>(BLOCKS);
                for (ciphertext, powers) in ciphertext.iter().zip(powers) {
                    self.absorb(load(ciphertext), load(powers), &mut sums);
                }
                self.hash = sums.fold().reduce();
            }

            /// The last round, which makes the key stream, and its sum with the text.
            #[target_feature(enable = $features)]
            #[inline]
            fn last_round(&self, states: &[V; REGISTERS], text: &[u8; TURN]) -> [V; REGISTERS] {
                let round_key = broadcast(self.key.aes.last());
                let mut sums = [zero(); REGISTERS];
                for ((sum, state), text) in sums.iter_mut().zip(states).zip(text.as_chunks().0) {
                    *sum = xor(aes_last_round(*state, round_key), load::<[u8; WIDTH]>(text));
                }
                sums
            }

            /// One register of key stream.
            #[target_feature(enable = $features)]
            #[inline]
            fn key_stream(&mut self) -> V {
                let mut states = self.counters::<1>();
                for round_key in self.key.aes.middle() {
                    self.round(&mut states, round_key);
                }
                aes_last_round(states[0], broadcast(self.key.aes.last()))
            }

            /// H^`n` and the powers below it.
            #[target_feature(enable = $features)]
            #[inline]
            fn powers(&self, n: usize) -> V {
                load(self.key.powers_from::<{ WIDTH / 8 }>(n))
            }

            /// GHASH of one register of ciphertext, to be reduced with others.
            #[target_feature(enable = $features)]
            #[inline]
            fn absorb(&mut self, ciphertext: V, powers: V, sums: &mut Sums) {
                let hash = core::mem::replace(&mut self.hash, _mm_setzero_si128());
                sums.add(xor(shuffle(ciphertext, self.reversal), widen(hash)), powers);
            }
        }

        /// Sums of products, lane by lane, that are not reduced.
        struct Sums {
            low: V,
            middle: V,
            high: V,
        }

        impl Sums {
            #[target_feature(enable = $features)]
            #[inline]
            fn new() -> Self {
                Self {
                    low: zero(),
                    middle: zero(),
                    high: zero(),
                }
            }

            #[target_feature(enable = $features)]
            #[inline]
            fn add(&mut self, blocks: V, powers: V) {
                let middle = xor(
                    multiply::<0x01>(blocks, powers),
                    multiply::<0x10>(blocks, powers),
                );
                self.low = xor(self.low, multiply::<0x00>(blocks, powers));
                self.middle = xor(self.middle, middle);
                self.high = xor(self.high, multiply::<0x11>(blocks, powers));
            }

            /// Adds the lanes.
            #[target_feature(enable = $features)]
            #[inline]
            fn fold(self) -> Product {
                Product {
                    low: fold(self.low),
                    middle: fold(self.middle),
                    high: fold(self.high),
                }
            }
        }

        /// Writes a turn.
        #[target_feature(enable = $features)]
        #[inline]
        fn store_turn(registers: &[V; REGISTERS], to: &mut [u8; TURN]) {
            for (bytes, register) in to.as_chunks_mut::<WIDTH>().0.iter_mut().zip(registers) {
                store(bytes, *register);
            }
        }

        /// Appends a turn to `out`, which has room for it: nothing is filled with zeros first.
        #[target_feature(enable = $features)]
        #[inline]
        fn append_turn(registers: &[V; REGISTERS], out: &mut Vec<u8>) {
            let mut bytes = [0; TURN];
            store_turn(registers, &mut bytes);
            out.extend_from_slice(&bytes);
        }
    };
}
pub(super) use one_pass;
