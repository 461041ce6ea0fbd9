//! The private operation of several keys at once, around an engine that multiplies and raises one
//! number a lane: two lanes a job, one modulo p and one modulo q.
//!
//! ```text
//!                   job 0            job 1         ..
//!               lane 0   lane 1   lane 2   lane 3
//! modulus          p        q        p        q
//! base             c        c        c        c      in Montgomery form
//! power          c^dp     c^dq     c^dp     c^dq     m1 and m2
//! h           (m1 - m2)/q   0   (m1 - m2)/q   0      the number is m2 + h q
//! ```
//!
//! Lanes without a job hold zeros: of modulus, base and exponent.

use super::super::crt::Words;
use super::super::ifma::{Key, LIMBS, Parts};
use super::super::words::{from_limbs, negated_inverse, reduce_once, to_limbs};
use zeroize::{Zeroize, Zeroizing};

const BITS: usize = 52;
const MASK: u64 = (1 << BITS) - 1;
/// The most limbs of an engine's number.
const MOST: usize = 40;

/// The limbs of all lanes.
pub(super) type Rows<const LANES: usize, const D: usize> = [[u64; LANES]; D];

/// One operation: `c`, below the modulus of the key and as many words, becomes `c^d`.
pub(crate) struct Job<'a> {
    pub(crate) key: &'a Key,
    pub(crate) number: &'a mut [u64],
}

/// The numbers that belong to the keys of a batch. Wiped when dropped.
pub(super) struct Constants<const LANES: usize, const D: usize> {
    pub(super) n: Rows<LANES, D>,
    /// `-1/n mod 2^52`
    pub(super) k0: [u64; LANES],
    /// R, R^2 and R^3 modulo n.
    pub(super) one: Rows<LANES, D>,
    r2: Rows<LANES, D>,
    r3: Rows<LANES, D>,
    /// `q^-1 R mod p` in p's lanes.
    q_inverse: Rows<LANES, D>,
}

impl<const LANES: usize, const D: usize> Drop for Constants<LANES, D> {
    fn drop(&mut self) {
        self.k0.zeroize();
        for number in [
            &mut self.n,
            &mut self.one,
            &mut self.r2,
            &mut self.r3,
            &mut self.q_inverse,
        ] {
            number.zeroize();
        }
    }
}

impl<const LANES: usize, const D: usize> Constants<LANES, D> {
    /// Takes the parts of each job's key.
    pub(super) fn new(parts: &[Parts]) -> Self {
        let zero = [[0; LANES]; D];
        let mut constants = Self {
            n: zero,
            k0: [0; LANES],
            one: zero,
            r2: zero,
            r3: zero,
            q_inverse: zero,
        };
        for (job, parts) in parts.iter().enumerate() {
            let Parts {
                n,
                one,
                r2,
                r3,
                q_inverse,
            } = parts;
            for (from, to) in [
                (n, &mut constants.n),
                (one, &mut constants.one),
                (r2, &mut constants.r2),
                (r3, &mut constants.r3),
                (q_inverse, &mut constants.q_inverse),
            ] {
                set(to, 2 * job, &from[0]);
                set(to, 2 * job + 1, &from[1]);
            }
        }
        for lane in 0..2 * parts.len() {
            constants.k0[lane] = negated_inverse(constants.n[0][lane]) & MASK;
        }
        constants
    }

    /// Goes over from the keys' own R to `2^(52 limbs) R`, which is that of this engine.
    ///
    /// `r3 2^(3 * 52 limbs)` over the new R is the square of the new R; the others follow from it.
    pub(super) fn enlarge(
        &mut self,
        limbs: usize,
        multiply: impl Fn(&Rows<LANES, D>, &Rows<LANES, D>) -> Rows<LANES, D>,
    ) {
        self.r2 = multiply(&self.r3, &power_of_two(3 * limbs));
        self.r3 = multiply(&self.r2, &self.r2);
        self.one = multiply(&self.r2, &power_of_two(0));
        let factor = multiply(&self.r2, &power_of_two(limbs));
        self.q_inverse = multiply(&self.q_inverse, &factor);
    }
}

/// `2^(52 limb)` in all lanes.
fn power_of_two<const LANES: usize, const D: usize>(limb: usize) -> Rows<LANES, D> {
    let mut rows = [[0; LANES]; D];
    rows[limb] = [1; LANES];
    rows
}

/// Writes the limbs of a lane; those beyond D are zero.
fn set<const LANES: usize, const D: usize>(
    rows: &mut Rows<LANES, D>,
    lane: usize,
    limbs: &[u64; LIMBS],
) {
    debug_assert!(limbs[D.min(LIMBS)..].iter().all(|limb| *limb == 0));
    for (row, limb) in rows.iter_mut().zip(limbs) {
        debug_assert!(*limb <= MASK);
        row[lane] = *limb;
    }
}

/// The sum, whose limbs are below 2^52 again; it fits.
fn sum<const LANES: usize, const D: usize>(
    a: &Rows<LANES, D>,
    b: &Rows<LANES, D>,
) -> Rows<LANES, D> {
    let mut sum = [[0; LANES]; D];
    let mut carry = [0; LANES];
    for ((to, a), b) in sum.iter_mut().zip(a).zip(b) {
        for lane in 0..LANES {
            let limb = a[lane] + b[lane] + carry[lane];
            (to[lane], carry[lane]) = (limb & MASK, limb >> BITS);
        }
    }
    debug_assert_eq!(carry, [0; LANES]);
    sum
}

/// The words of the number in a lane, which is below 2n, reduced.
fn reduced<const LANES: usize, const D: usize>(
    rows: &Rows<LANES, D>,
    lane: usize,
    n: &Words,
) -> Zeroizing<Words> {
    let mut limbs = Zeroizing::new([0; D]);
    for (limb, row) in limbs.iter_mut().zip(rows) {
        *limb = row[lane];
    }
    let mut words = Zeroizing::new([0; _]);
    from_limbs::<BITS>(&limbs[..], &mut words[..]);
    reduce_once(&mut words[..], n);
    words
}

/// Runs the jobs, of which there are at most half as many as lanes. `multiply` takes numbers below
/// 12n, and returns one below 3n, and at most n if the other factor is 1; `raise` takes the base and
/// the exponents, which have no more bits than the last argument says.
pub(super) fn run<const LANES: usize, const D: usize>(
    jobs: &mut [Job<'_>],
    constants: &Constants<LANES, D>,
    multiply: impl Fn(&Rows<LANES, D>, &Rows<LANES, D>) -> Rows<LANES, D>,
    raise: impl Fn(&Rows<LANES, D>, &[&[u64]; LANES], usize) -> Rows<LANES, D>,
) {
    debug_assert!(2 * jobs.len() <= LANES);
    // c = c0 + c1 R, both below R: c0 R^2 / R + c1 R^3 / R is c R, and below 12n.
    let mut low = Zeroizing::new([[0; LANES]; D]);
    let mut high = Zeroizing::new([[0; LANES]; D]);
    let mut limbs = Zeroizing::new([0; 2 * MOST]);
    for (job, Job { number, .. }) in jobs.iter().enumerate() {
        to_limbs::<BITS>(number, &mut limbs[..]);
        for j in 0..D {
            low[j][2 * job..][..2].fill(limbs[j]);
            high[j][2 * job..][..2].fill(limbs[D + j]);
        }
    }
    let low = Zeroizing::new(multiply(&low, &constants.r2));
    let high = Zeroizing::new(multiply(&high, &constants.r3));
    let base = Zeroizing::new(sum(&low, &high));

    let mut exponents: [&[u64]; LANES] = [&[]; LANES];
    let mut bits = 0;
    for (job, Job { key, .. }) in jobs.iter().enumerate() {
        let numbers = key.numbers();
        exponents[2 * job] = &numbers.dp;
        exponents[2 * job + 1] = &numbers.dq;
        bits = bits.max(numbers.bits);
    }
    let power = Zeroizing::new(raise(&base, &exponents, bits));
    let power = Zeroizing::new(multiply(&power, &power_of_two(0)));

    let mut remainders: [_; LANES] = core::array::from_fn(|_| Zeroizing::new([0; _]));
    let mut differences = Zeroizing::new([[0; LANES]; D]);
    for (job, Job { key, .. }) in jobs.iter().enumerate() {
        let numbers = key.numbers();
        let m1 = reduced(&power, 2 * job, &numbers.p);
        let m2 = reduced(&power, 2 * job + 1, &numbers.q);
        let difference = Zeroizing::new(numbers.difference(&m1, &m2));
        to_limbs::<BITS>(&difference[..], &mut limbs[..D]);
        for (row, limb) in differences.iter_mut().zip(limbs.iter()) {
            row[2 * job] = *limb;
        }
        remainders[job] = m2;
    }
    let h = Zeroizing::new(multiply(&differences, &constants.q_inverse));
    for (job, Job { key, number }) in jobs.iter_mut().enumerate() {
        let numbers = key.numbers();
        let h = reduced(&h, 2 * job, &numbers.p);
        numbers.recombine(&h, &remainders[job], number);
    }
}
