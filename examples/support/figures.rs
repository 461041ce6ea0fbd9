//! Figures of what a server did in a period.

use super::report::Milliseconds;
use std::collections::BTreeMap;
use std::fmt::{self, Display, Formatter};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Figures that many threads add to.
#[derive(Default)]
pub struct Tally(Mutex<Figures>);

impl Tally {
    /// Where to add.
    pub fn add(&self) -> MutexGuard<'_, Figures> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the figures since the last call.
    pub fn take(&self) -> Figures {
        std::mem::take(&mut self.add())
    }
}

#[derive(Default)]
pub struct Figures {
    /// Handshakes that were completed.
    pub handshakes: u64,
    /// Connections that failed, in the handshake or later.
    pub failures: u64,
    /// The number of batches, by the number of their jobs.
    batches: BTreeMap<usize, u64>,
    queued: Durations,
    /// How long the decryption of all batches took.
    decrypting: Duration,
    answered: Durations,
}

impl Figures {
    /// Adds a batch, with the time that each of its jobs waited and that all took.
    pub fn batch(&mut self, queued: &[Duration], took: Duration) {
        self.decrypting += took;
        *self.batches.entry(queued.len()).or_default() += 1;
        for queued in queued {
            self.queued.record(*queued);
        }
    }

    /// Adds a handshake, and how long it was paused, if it was.
    pub fn handshake(&mut self, paused: Option<Duration>) {
        self.handshakes += 1;
        if let Some(took) = paused {
            self.answered.record(took);
        }
    }

    /// Adds the figures of another period.
    pub fn add(&mut self, other: &Self) {
        self.handshakes += other.handshakes;
        self.failures += other.failures;
        for (size, count) in &other.batches {
            *self.batches.entry(*size).or_default() += count;
        }
        self.queued.add(&other.queued);
        self.decrypting += other.decrypting;
        self.answered.add(&other.answered);
    }

    /// Returns true if there is nothing for a row.
    pub fn is_empty(&self) -> bool {
        self.handshakes == 0
    }

    fn batch_count(&self) -> u64 {
        self.batches.values().sum()
    }

    fn jobs_a_batch(&self) -> f64 {
        self.queued.count() as f64 / self.batch_count() as f64
    }

    /// What the decryption of one job took, its share of a batch.
    fn decryption(&self) -> Duration {
        let jobs = u32::try_from(self.queued.count()).unwrap_or(u32::MAX);
        self.decrypting.checked_div(jobs).unwrap_or_default()
    }

    /// A row under [`COMPARISON`]: the largest size of a batch, and the figures of a period.
    pub fn compared(&self, most: usize, period: Duration) -> String {
        format!(
            "{most:18} {:22.0} {:15.1} {:>20}",
            self.handshakes as f64 / period.as_secs_f64(),
            self.jobs_a_batch(),
            Milliseconds(self.decryption()),
        )
    }

    /// The heading of the rows.
    pub fn heading(&self) -> String {
        let lines = HEADING.map(|[always, of_batches]| {
            if self.batches.is_empty() {
                always.to_owned()
            } else {
                [always, of_batches].concat()
            }
        });
        lines.join("\n")
    }

    /// A row under the heading: the time since the start, and the figures of a period.
    pub fn row(&self, at: Duration, period: Duration) -> String {
        let rate = |count: u64| count as f64 / period.as_secs_f64();
        let mut row = format!("{:5.1} s {:9.0}", at.as_secs_f64(), rate(self.handshakes));
        if let Some((most, _)) = self.batches.last_key_value() {
            row += &format!(
                " {:7.0} {:5.1} {most:3} {:>10} {:>10} {:>10} {:>10}",
                rate(self.batch_count()),
                self.jobs_a_batch(),
                Milliseconds(self.queued.quantile(0.5)),
                Milliseconds(self.queued.quantile(0.99)),
                Milliseconds(self.answered.quantile(0.5)),
                Milliseconds(self.answered.quantile(0.99)),
            );
        }
        row
    }

    /// A summary of the figures of a period.
    pub fn summary(&self, period: Duration) -> String {
        let seconds = period.as_secs_f64();
        let mut text = format!(
            "handshakes: {} in {seconds:.1} s, {:.0} per second; {} connections failed",
            self.handshakes,
            self.handshakes as f64 / seconds,
            self.failures,
        );
        if self.batches.is_empty() {
            return text;
        }
        let (batches, jobs) = (self.batch_count(), self.jobs_a_batch());
        text += &format!("\nbatches: {batches}, {jobs:.1} jobs in each");
        let largest = self.batches.values().max().copied().unwrap_or_default();
        for (size, count) in &self.batches {
            let bar = "#".repeat((count * BAR).div_ceil(largest) as usize);
            text += &format!("\n  of {size:3} {count:8}  {bar}");
        }
        text += &format!("\nwaiting for the batch: {}", self.queued);
        let decryption = Milliseconds(self.decryption());
        text += &format!("\ndecryption: {decryption} for each, its share of a batch");
        text += &format!("\nwaiting for the answer: {}", self.answered);
        text
    }
}

/// The heading of a comparison of sizes.
pub const COMPARISON: &str =
    "batches of at most  handshakes per second  jobs per batch  decryption for each";

/// Each line in two parts: for all servers, and for those with batches.
const HEADING: [[&str; 2]; 2] = [
    [
        "       handshakes",
        " batches jobs each        wait for batch       wait for answer",
    ],
    [
        "   time     per s",
        "   per s  mean max     median       99 %     median       99 %",
    ],
];

/// How long the longest bar of a histogram is.
const BAR: u64 = 50;

/// How long something took each time: quantiles, to a sixteenth, without keeping them all.
#[derive(Default)]
pub struct Durations {
    /// How many were in each bucket.
    buckets: BTreeMap<u64, u64>,
    longest: Duration,
}

impl Durations {
    pub fn record(&mut self, duration: Duration) {
        *self.buckets.entry(bucket(duration)).or_default() += 1;
        self.longest = self.longest.max(duration);
    }

    pub fn add(&mut self, other: &Self) {
        for (bucket, count) in &other.buckets {
            *self.buckets.entry(*bucket).or_default() += count;
        }
        self.longest = self.longest.max(other.longest);
    }

    pub fn count(&self) -> u64 {
        self.buckets.values().sum()
    }

    /// The duration that this part of them did not exceed.
    pub fn quantile(&self, part: f64) -> Duration {
        let wanted = part * self.count() as f64;
        let mut count = 0;
        for (bucket, of_bucket) in &self.buckets {
            count += of_bucket;
            if count as f64 >= wanted {
                return end_of_bucket(*bucket).min(self.longest);
            }
        }
        self.longest
    }
}

/// Which bucket a time falls into: of sixteen for each power of two, in microseconds.
fn bucket(duration: Duration) -> u64 {
    let micros = u64::try_from(duration.as_micros()).unwrap_or(u64::MAX);
    let shift = micros.max(1).ilog2().saturating_sub(4);
    16 * u64::from(shift) + (micros >> shift)
}

/// The first duration that is too long for the bucket.
fn end_of_bucket(bucket: u64) -> Duration {
    let shift = (bucket / 16).saturating_sub(1);
    Duration::from_micros((bucket - 16 * shift + 1) << shift)
}

impl Display for Durations {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "median {}, 99 % {}, longest {}",
            Milliseconds(self.quantile(0.5)),
            Milliseconds(self.quantile(0.99)),
            Milliseconds(self.longest),
        )
    }
}
