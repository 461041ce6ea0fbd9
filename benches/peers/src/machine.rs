//! The machine and the versions with which the figures were measured.

use crate::newer_openssl;
use crate::tier::Tier;
use openssl::asn1::Asn1Time;
use std::fs::read_to_string;

/// The day, the machine and the versions of all that is measured.
pub fn description() -> String {
    let [premaster, rsa, aes_gcm] = ["premaster", "rsa", "aes-gcm"].map(version);
    let [rustls, aws_lc_rs, ring] = ["rustls", "aws-lc-rs", "ring"].map(version);
    let purecrypto = version("purecrypto");
    let now = Asn1Time::days_from_now(0).unwrap();
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    format!(
        "{date}\n\
         {processor}, {cores} cores, {system}\n\
         premaster {premaster}, rsa {rsa}, aes-gcm {aes_gcm}; {rustc}\n\
         kernels on {tier}\n\
         {openssl}; {newer_openssl}\n\
         purecrypto {purecrypto}\n\
         rustls {rustls} with aws-lc-rs {aws_lc_rs} and with ring {ring}\n",
        date = &*now,
        processor = processor(),
        system = system(),
        rustc = env!("RUSTC_VERSION"),
        tier = Tier::here().name(),
        openssl = openssl::version::version(),
        newer_openssl = newer_openssl::version(),
    )
}

/// The version of a crate, as the lock file pins it.
fn version(name: &str) -> &'static str {
    let lock = include_str!("../Cargo.lock");
    let package = lock.split_once(&format!("name = \"{name}\"\nversion = \"")).unwrap();
    package.1.split('"').next().unwrap()
}

/// The day and the processor, as the caption of a plot.
pub fn caption() -> String {
    let now = Asn1Time::days_from_now(0).unwrap().to_string();
    let words: Vec<&str> = now.split_whitespace().collect();
    let day = match words[..] {
        [month, day, _, year, ..] => format!("{day} {month} {year}"),
        _ => now,
    };
    format!("{}, {day}, {}", processor(), Tier::here().name())
}

/// The processor's name, where the system tells it.
fn processor() -> String {
    let information = read_to_string("/proc/cpuinfo").unwrap_or_default();
    model_name(&information).unwrap_or("a processor").into()
}

fn model_name(information: &str) -> Option<&str> {
    let line = information.lines().find(|line| line.starts_with("model name"))?;
    line.split_once(": ").map(|(_, name)| name)
}

/// The operating system, its kernel where it tells that, and the architecture.
fn system() -> String {
    let kernel = read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let words = [std::env::consts::OS, kernel.trim(), std::env::consts::ARCH];
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_library_has_its_version() {
        for name in [
            "premaster",
            "rsa",
            "aes-gcm",
            "rustls",
            "aws-lc-rs",
            "ring",
            "purecrypto",
        ] {
            assert!(version(name).starts_with(|first: char| first.is_ascii_digit()));
        }
    }

    #[test]
    fn a_processor_is_named_by_its_model() {
        let information = "processor\t: 0\nmodel name\t: Some CPU @ 1 GHz\nflags\t\t: fpu\n";
        assert_eq!(model_name(information), Some("Some CPU @ 1 GHz"));
        assert_eq!(model_name("processor\t: 0\n"), None);
    }
}
