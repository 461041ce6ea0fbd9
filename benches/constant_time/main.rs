//! Whether the time of an operation on a secret depends on the secret, in the manner of dudect
//! (Reparaz, Balasch and Verbauwhede, "Dude, is my code constant time?", DATE 2017).
//!
//! ```sh
//! RUSTFLAGS="--cfg fuzzing" cargo bench --manifest-path fuzz/Cargo.toml --bench constant_time
//! ```
//!
//! Each case has two classes of input, which take turns at random, and Welch's t-test compares the
//! times of both. The value of |t| grows with the number of samples where there is a difference, and
//! stays small where there is none: above 10 a difference is certain, below 4.5 none is seen. The
//! control compares byte by byte up to the first difference, and has to be found.
//!
//! Options: `--samples N` for each case (by default 100,000, and fewer where one takes long),
//! `--check` to end with status 1 if a difference is certain or the control is not found, and names:
//! cases whose name contains one of them are measured. It is a matter of a machine with nothing else
//! to do.

mod cbc;
mod control;
mod dudect;
mod gcm;
mod rsa;

use dudect::CERTAIN;
use std::process::ExitCode;

const USAGE: &str = "usage: constant_time [--check] [--samples N] [NAME]..";

/// As many samples as show that the cases run, where no measurement is asked for.
const FEW: usize = 500;

fn main() -> ExitCode {
    let Some(options) = Options::of(std::env::args().skip(1)) else {
        eprintln!("{USAGE}");
        return ExitCode::from(2);
    };
    let mut cases = control::cases();
    cases.extend(rsa::cases());
    cases.extend(gcm::cases());
    cases.extend(cbc::cases());
    println!("{:<70} {:>8} {:>8}", "case", "samples", "max |t|");
    let mut failed = false;
    for case in cases {
        if !options.names.is_empty() && !options.names.iter().any(|name| case.name.contains(name)) {
            continue;
        }
        let samples = match options.samples {
            Some(samples) => samples,
            None => 100_000 / case.effort,
        };
        let (name, leaks_from) = (case.name.clone(), case.leaks_from);
        let t = case.measure(samples);
        let (verdict, is_wrong) = match (leaks_from, t > CERTAIN) {
            (Some(_), true) => ("found, as it has to be", false),
            (Some(from), false) if samples >= from => ("NOT FOUND", true),
            (Some(_), false) => ("too few samples to find it", false),
            // A short run says nothing about the others.
            (None, true) => ("DEPENDS ON THE SECRET", options.check),
            (None, false) => ("", false),
        };
        failed |= is_wrong;
        println!("{name:<70} {samples:>8} {t:>8.2} {verdict}");
    }
    if failed && (options.check || options.is_test) {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    }
}

#[derive(Default)]
struct Options {
    check: bool,
    samples: Option<usize>,
    names: Vec<String>,
    /// `cargo test` runs the program without `--bench`, to see that it works.
    is_test: bool,
}

impl Options {
    /// `None` for invalid arguments.
    fn of(mut arguments: impl Iterator<Item = String>) -> Option<Self> {
        let mut options = Self {
            is_test: true,
            ..Self::default()
        };
        while let Some(argument) = arguments.next() {
            match argument.as_str() {
                "--bench" => options.is_test = false,
                "--check" => options.check = true,
                "--samples" => options.samples = Some(arguments.next()?.parse().ok()?),
                name if !name.starts_with('-') => options.names.push(name.into()),
                _ => return None,
            }
        }
        if options.is_test && options.samples.is_none() {
            options.samples = Some(FEW);
        }
        Some(options)
    }
}
