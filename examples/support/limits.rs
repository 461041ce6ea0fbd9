//! How many peers a server bears, and for how long.

use clap::Args;
use std::time::Duration;

/// How many peers a server bears, and for how long.
pub struct Limits {
    /// How long a handshake may take as a whole.
    pub handshake: Duration,
    /// How long an honest peer may keep a handshake waiting in all; one that has waited for longer
    /// is cut where there is no room for the next.
    pub chance: Duration,
    /// How long a read or write of a conversation may take.
    pub idle: Duration,
    /// The most handshakes under way.
    pub handshakes: usize,
    /// The most handshakes under way, and the most conversations, of one address.
    pub per_address: usize,
    /// How many threads go on with handshakes. They wait for no peer, so one for each core is enough
    /// unless the key is elsewhere.
    pub workers: usize,
}

/// The options of a server.
#[derive(Args)]
pub struct LimitArguments {
    /// How long a handshake may take, from the first byte to the last
    #[arg(long, value_name = "SECONDS", value_parser = seconds, default_value = "10", help_heading = "Limits")]
    handshake_timeout: Duration,

    /// How long a peer may keep its handshake waiting before it can be cut
    /// to make room for others
    #[arg(long, value_name = "SECONDS", value_parser = seconds, default_value = "0.5", verbatim_doc_comment, help_heading = "Limits")]
    handshake_chance: Duration,

    /// How long a peer may do nothing after its handshake
    #[arg(long, value_name = "SECONDS", value_parser = seconds, default_value = "30", help_heading = "Limits")]
    idle_timeout: Duration,

    /// The most handshakes under way; the next waits until one is complete
    /// or is cut
    #[arg(long, value_name = "N", default_value_t = 384, value_parser = clap::value_parser!(u16).range(1..), verbatim_doc_comment, help_heading = "Limits")]
    handshakes: u16,

    /// The most connections at one time after their handshakes; the next
    /// waits until one ends
    #[arg(long, value_name = "N", default_value_t = 256, value_parser = clap::value_parser!(u16).range(1..), verbatim_doc_comment, help_heading = "Limits")]
    pub connections: u16,

    /// How many of either one address may have
    #[arg(long, value_name = "N", default_value_t = 64, value_parser = clap::value_parser!(u16).range(1..), help_heading = "Limits")]
    per_address: u16,
}

impl LimitArguments {
    pub fn limits(&self, workers: usize) -> Limits {
        Limits {
            handshake: self.handshake_timeout,
            chance: self.handshake_chance,
            idle: self.idle_timeout,
            handshakes: self.handshakes.into(),
            per_address: self.per_address.into(),
            workers,
        }
    }
}

fn seconds(text: &str) -> Result<Duration, String> {
    let seconds = text.parse().map_err(|_| "not a number of seconds")?;
    match Duration::try_from_secs_f64(seconds) {
        // Sockets have no timeout of zero, and the clock an end.
        Ok(time) if (1..=86_400_000).contains(&time.as_millis()) => Ok(time),
        _ => Err("too short or too long".to_owned()),
    }
}
