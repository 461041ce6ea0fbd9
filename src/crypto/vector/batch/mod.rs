//! Private operations in batches with AVX-512 IFMA: one number a lane, each with its own modulus and
//! exponent, so that the jobs may be those of different keys of one size.
//!
//! | Jobs | Lanes | Keys to 2048 and 3072 bits | Keys to 4096 bits |
//! |---|---|---|---|
//! | three or four | eight | `rows` | `blocks` |
//! | two | four | `blocks` | `blocks` |
//! | one | | [`ifma::private`] | [`ifma::private`] |

mod blocks;
mod operation;
mod power;
mod rows;

use super::ifma::{self, Parts};
use operation::Constants;

pub(super) use operation::Job;

/// An engine of blocks: its module, the limbs and blocks of its numbers, and the limbs by which its R
/// is longer than that of the keys.
macro_rules! by_blocks {
    ($jobs:ident, $parts:ident, $width:ident, $limbs:literal, $blocks:literal, $longer:literal) => {{
        use blocks::$width::{Modulus, multiply, raise};
        let mut constants = Constants::<_, $limbs>::new($parts);
        let modulus = Modulus::<$blocks>::new(&constants.n, &constants.k0);
        if $longer > 0 {
            constants.enlarge($longer, |a, b| multiply(&modulus, a, b));
        }
        let raised = |base: &_, exponents: &[&[u64]; _], bits| {
            raise(&modulus, &constants.one, base, exponents, bits)
        };
        operation::run($jobs, &constants, |a, b| multiply(&modulus, a, b), raised);
    }};
}

/// An engine of rows: limbs, panels and their limbs, bits of a window and the limbs of a share.
macro_rules! by_rows {
    ($jobs:ident, $parts:ident, $limbs:literal, $panel:literal, $panels:literal, $window:literal, $share:literal) => {{
        let constants = Constants::<_, $limbs>::new($parts);
        let modulus = rows::Modulus::<$panel, $panels>::new(&constants.n, &constants.k0);
        let raised = |base: &_, exponents: &[&[u64]; _], bits| {
            let one = &constants.one;
            power::raise::<_, _, $window, $share, _>(&modulus, one, base, exponents, bits)
        };
        operation::run(
            $jobs,
            &constants,
            |a, b| power::product(&modulus, a, b),
            raised,
        );
    }};
}

/// The engine for some jobs of one size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Width {
    /// One job, whose limbs are spread over the lanes.
    One,
    /// Two jobs on four lanes.
    Two,
    /// Three or four jobs on eight lanes.
    Four,
}

impl Width {
    /// The most jobs that run at once.
    const MOST: usize = 4;

    /// Chooses the engine on which so many jobs take the least time. Three would take longer as two
    /// and one; eight lanes for two jobs, or four for one, longer than the engine for just those.
    fn of(jobs: usize) -> Self {
        match jobs {
            0 | 1 => Self::One,
            2 => Self::Two,
            _ => Self::Four,
        }
    }
}

/// Runs jobs of whatever keys and sizes: those of one size in fours, and what is left of them.
#[target_feature(enable = "avx512f,avx512dq,avx512bw,avx512vl,avx512ifma,bmi2")]
pub(super) fn run(jobs: &mut [Job<'_>]) {
    jobs.sort_by_key(|job| job.key.limbs());
    for same_size in jobs.chunk_by_mut(|one, next| one.key.limbs() == next.key.limbs()) {
        for jobs in same_size.chunks_mut(Width::MOST) {
            run_at_once(jobs);
        }
    }
}

/// Runs up to four jobs of one size.
#[target_feature(enable = "avx512f,avx512dq,avx512bw,avx512vl,avx512ifma,bmi2")]
fn run_at_once(jobs: &mut [Job<'_>]) {
    let width = Width::of(jobs.len());
    if width == Width::One {
        for Job { key, number } in jobs {
            ifma::private(key, number);
        }
        return;
    }
    let parts: Vec<Parts> = jobs.iter().map(|job| job.key.parts()).collect();
    let parts = &parts[..];
    match (width, jobs.first().map_or(0, |job| job.key.limbs())) {
        (Width::Two, 20) => by_blocks!(jobs, parts, ymm, 20, 5, 0),
        (Width::Two, 30) => by_blocks!(jobs, parts, ymm, 32, 8, 2),
        (Width::Two, _) => by_blocks!(jobs, parts, ymm, 40, 10, 0),
        (_, 20) => by_rows!(jobs, parts, 20, 20, 1, 4, 5),
        (_, 30) => by_rows!(jobs, parts, 30, 15, 2, 5, 6),
        _ => by_blocks!(jobs, parts, zmm, 40, 10, 0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn jobs_go_in_fours_and_the_rest_to_the_engine_for_it() {
        let chunks = |jobs: usize| {
            let jobs = vec![(); jobs];
            jobs.chunks(Width::MOST).map(|chunk| Width::of(chunk.len())).collect::<Vec<_>>()
        };
        use Width::{Four, One, Two};
        assert_eq!(chunks(1), [One]);
        assert_eq!(chunks(2), [Two]);
        assert_eq!(chunks(3), [Four]);
        assert_eq!(chunks(4), [Four]);
        assert_eq!(chunks(5), [Four, One]);
        assert_eq!(chunks(6), [Four, Two]);
        assert_eq!(chunks(7), [Four, Four]);
        assert_eq!(chunks(8), [Four, Four]);
    }
}
