//! What the judgement of one peer may compute, and the memory of what it has computed.

use core::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, PoisonError};

/// One public operation with an RSA key of 2048 bits and the exponent 65537, in the unit of every
/// cost: a hundredth of it.
pub(super) const PUBLIC_OPERATION: u32 = 100;

/// A private operation with an RSA key of 2048 bits. It takes 36 public ones; the difference is for
/// what is measured less exactly.
const PRIVATE_OPERATION: u32 = 32 * PUBLIC_OPERATION;

/// What one judgement may cost: four private operations of 2048 bits.
pub(super) const BUDGET: u32 = 4 * PRIVATE_OPERATION;

/// The bytes that are read, hashed or parsed for a hundredth of a public operation.
const BYTES: usize = 64;

/// The work for one peer, over all searches in its chain, its CRLs and its OCSP response.
#[derive(Debug, Default)]
pub(in crate::verify) struct Work {
    spent: AtomicU32,
    /// The signatures that were computed, and whether they were right. Each one costs, so that the
    /// budget bounds how many there are.
    computed: Mutex<Vec<([u8; 32], bool)>>,
    /// The bytes that are parsed at each step of a search.
    chain: usize,
}

/// The work for a peer exceeds the budget.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Exhausted;

impl Work {
    /// The work for a chain of this many bytes.
    pub(in crate::verify) fn for_chain(bytes: usize) -> Self {
        Self {
            chain: bytes,
            ..Self::default()
        }
    }

    /// Charges a cost. What exceeds the budget once exceeds it always.
    pub(super) fn charge(&self, cost: u32) -> Result<(), Exhausted> {
        let within = |spent: u32| spent.checked_add(cost).filter(|sum| *sum <= BUDGET);
        let charged = self.spent.fetch_update(Ordering::Relaxed, Ordering::Relaxed, within);
        charged.map(drop).map_err(|_| {
            self.spent.store(u32::MAX, Ordering::Relaxed);
            Exhausted
        })
    }

    /// Charges for bytes that are hashed or parsed.
    pub(super) fn charge_bytes(&self, bytes: usize) -> Result<(), Exhausted> {
        self.charge(u32::try_from(bytes / BYTES).map_err(|_| Exhausted)?)
    }

    /// Charges for a step of a search, which parses the whole chain.
    pub(super) fn charge_step(&self) -> Result<(), Exhausted> {
        self.charge(STEP)?;
        self.charge_bytes(self.chain)
    }

    /// Returns true if the budget is exceeded.
    pub(super) fn is_exhausted(&self) -> bool {
        self.spent.load(Ordering::Relaxed) > BUDGET
    }

    /// Answers a question at this cost, or for nothing if it was answered before.
    pub(super) fn once(
        &self,
        question: [u8; 32],
        cost: u32,
        compute: impl FnOnce() -> bool,
    ) -> Result<bool, Exhausted> {
        let mut computed = self.computed.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, answer)) = computed.iter().find(|(asked, _)| *asked == question) {
            return Ok(*answer);
        }
        self.charge(cost)?;
        let answer = compute();
        computed.push((question, answer));
        Ok(answer)
    }
}

/// A step of a search, without the bytes that it parses.
const STEP: u32 = 10;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_budget_may_be_spent_and_not_exceeded() {
        let work = Work::default();
        assert_eq!(work.charge(BUDGET - 1), Ok(()));
        assert_eq!(work.charge(1), Ok(()));
        assert!(!work.is_exhausted());
        assert_eq!(work.charge(0), Ok(()));
        assert_eq!(work.charge(1), Err(Exhausted));
        // From then on nothing is free.
        assert_eq!(work.charge(0), Err(Exhausted));
        assert!(work.is_exhausted());
        assert_eq!(Work::default().charge(BUDGET + 1), Err(Exhausted));
        assert_eq!(Work::default().charge(u32::MAX), Err(Exhausted));
        assert_eq!(Work::default().charge_bytes(usize::MAX), Err(Exhausted));
    }

    #[test]
    fn a_question_is_computed_once() {
        let work = Work::default();
        let never = || -> bool { panic!("it was computed before") };
        for (question, answer) in [([1; 32], true), ([2; 32], false)] {
            assert_eq!(work.once(question, BUDGET / 2, || answer), Ok(answer));
            assert_eq!(work.once(question, BUDGET / 2, never), Ok(answer));
        }
        assert_eq!(work.once([3; 32], 1, never), Err(Exhausted));
        assert_eq!(work.once([1; 32], 1, never), Ok(true));
    }

    #[test]
    fn a_step_costs_by_the_bytes_of_the_chain() {
        for (bytes, cost) in [(0, STEP), (BYTES - 1, STEP), (10 * BYTES, STEP + 10)] {
            let work = Work::for_chain(bytes);
            for _ in 0..BUDGET / cost {
                work.charge_step().unwrap();
            }
            assert_eq!(work.charge_step(), Err(Exhausted), "{bytes}");
        }
    }
}
