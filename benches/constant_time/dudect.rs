//! The measurement of one case, and its statistics.

use rand_chacha::ChaCha12Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use std::time::Instant;

/// A |t| above which a difference is certain, as dudect has it.
pub const CERTAIN: f64 = 10.0;

/// How many inputs are prepared before they are measured, so that preparing them does not disturb.
const BATCH: usize = 64;

/// The shares of the samples that the tests look at: all, and those that are not among the slowest,
/// since interruptions hide small differences.
const CROPS: usize = 20;

/// One of the two classes of a case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    A,
    B,
}

/// Prepares inputs of these classes and returns how long the operation takes with each.
type Timing = dyn FnMut(&[Class], &mut ChaCha12Rng) -> Vec<f64>;

/// An operation on two classes of input.
pub struct Case {
    pub name: String,
    /// How much longer than a microsecond an operation takes, roughly.
    pub effort: usize,
    /// For one that depends on its input by intention, how many samples show it.
    pub leaks_from: Option<usize>,
    time: Box<Timing>,
}

impl Case {
    /// `prepare` makes an input of a class, and `operate` is measured with it.
    pub fn new<I: 'static, O>(
        name: impl Into<String>,
        effort: usize,
        mut prepare: impl FnMut(Class, &mut ChaCha12Rng) -> I + 'static,
        mut operate: impl FnMut(&mut I) -> O + 'static,
    ) -> Self {
        let time = move |classes: &[Class], rng: &mut ChaCha12Rng| {
            let mut inputs: Vec<I> = classes.iter().map(|class| prepare(*class, rng)).collect();
            let mut time = |input| {
                let start = Instant::now();
                std::hint::black_box(operate(std::hint::black_box(input)));
                start.elapsed().as_secs_f64()
            };
            inputs.iter_mut().map(&mut time).collect()
        };
        Self {
            name: name.into(),
            effort,
            leaks_from: None,
            time: Box::new(time),
        }
    }

    /// A case that has to be found with as many samples.
    pub fn leaking(self, from: usize) -> Self {
        Self {
            leaks_from: Some(from),
            ..self
        }
    }

    /// Returns the largest |t| of all crops.
    pub fn measure(mut self, samples: usize) -> f64 {
        let mut rng = ChaCha12Rng::seed_from_u64(1);
        // The first batch warms up.
        let mut batch = |rng: &mut ChaCha12Rng| {
            let random = |_| {
                if rng.next_u32().is_multiple_of(2) {
                    Class::A
                } else {
                    Class::B
                }
            };
            let classes: Vec<Class> = (0..BATCH).map(random).collect();
            let times = (self.time)(&classes, rng);
            classes.into_iter().zip(times)
        };
        batch(&mut rng).for_each(drop);
        let mut times = Vec::with_capacity(samples + BATCH);
        while times.len() < samples {
            times.extend(batch(&mut rng));
        }
        largest_t(&times)
    }
}

fn largest_t(times: &[(Class, f64)]) -> f64 {
    let mut sorted: Vec<f64> = times.iter().map(|(_, time)| *time).collect();
    sorted.sort_unstable_by(f64::total_cmp);
    (0..CROPS).map(|crop| welch(times, limit(&sorted, crop)).abs()).fold(0.0, f64::max)
}

/// The longest time of a crop: no limit, then ever shorter ones, as dudect spaces them.
fn limit(sorted: &[f64], crop: usize) -> f64 {
    if crop == 0 {
        return f64::INFINITY;
    }
    let share = 1.0 - 0.5_f64.powf(10.0 * crop as f64 / CROPS as f64);
    let index = (share * sorted.len() as f64) as usize;
    sorted.get(index).copied().unwrap_or(f64::INFINITY)
}

/// Welch's t of the times of both classes up to a limit; zero where there are too few.
fn welch(times: &[(Class, f64)], limit: f64) -> f64 {
    let [a, b] = [Class::A, Class::B].map(|class| {
        let mut moments = Moments::default();
        times
            .iter()
            .filter(|(of, time)| *of == class && *time <= limit)
            .for_each(|(_, time)| moments.add(*time));
        moments
    });
    if a.count < 100.0 || b.count < 100.0 {
        return 0.0;
    }
    let error = (a.variance() / a.count + b.variance() / b.count).sqrt();
    if error > 0.0 {
        (a.mean - b.mean) / error
    } else {
        0.0
    }
}

/// Mean and variance, one sample after another (Welford).
#[derive(Default)]
struct Moments {
    count: f64,
    mean: f64,
    squares: f64,
}

impl Moments {
    fn add(&mut self, sample: f64) {
        self.count += 1.0;
        let difference = sample - self.mean;
        self.mean += difference / self.count;
        self.squares += difference * (sample - self.mean);
    }

    fn variance(&self) -> f64 {
        self.squares / (self.count - 1.0)
    }
}
