//! The options for a server's session resumption, and its ticket keys.

use super::reload::load_again_on_signal;
use clap::{Args, ValueEnum};
use premaster::session::{TicketKey, TicketKeySet};
use premaster::{ServerConfigBuilder, Tickets};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use zeroize::Zeroizing;

#[derive(Args)]
pub struct SessionArguments {
    /// Give session tickets to the clients that support them
    #[arg(long, value_enum, value_name = "SWITCH", default_value_t = Switch::On)]
    tickets: Switch,

    /// Keep the sessions of other clients in memory, to resume by session ID
    #[arg(long, value_enum, value_name = "SWITCH", default_value_t = Switch::On)]
    session_cache: Switch,

    /// Ticket keys that several servers share: one to three of 48 random
    /// bytes
    /// [default: keys that the server creates and rotates itself]
    ///
    /// `openssl rand -out FILE 48` makes a file with one key. The first key
    /// is the current one, which encrypts and decrypts tickets; the previous
    /// and the next key, which follow it, only decrypt. The server reads the
    /// file again at SIGHUP. Anyone who has a key can decrypt the
    /// connections whose tickets it encrypted.
    #[arg(long, value_name = "FILE", verbatim_doc_comment)]
    ticket_key: Option<PathBuf>,

    /// Send a new ticket each time a client resumes by ticket
    #[arg(long)]
    renew_ticket: bool,

    /// Resume sessions also for clients without the extended master secret,
    /// against the advice of RFC 7627: for old devices that are slow at full
    /// handshakes
    #[arg(long, verbatim_doc_comment)]
    resume_without_ems: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Switch {
    On,
    Off,
}

/// How long a ticket key encrypts, and then how much longer it decrypts.
const TICKET_KEY_PERIOD: Duration = Duration::from_secs(2 * 60 * 60);

impl SessionArguments {
    /// Sets the builder up. With a key file, a thread stays behind that waits for SIGHUP.
    pub fn apply(&self, mut builder: ServerConfigBuilder) -> io::Result<ServerConfigBuilder> {
        if self.session_cache == Switch::Off {
            builder = builder.session_store(None);
        }
        if self.renew_ticket {
            builder = builder.renew_tickets();
        }
        if self.resume_without_ems {
            builder = builder.resume_without_extended_master_secret();
        }
        Ok(builder.tickets(self.tickets()?))
    }

    fn tickets(&self) -> io::Result<Option<Arc<Tickets>>> {
        match (self.tickets, &self.ticket_key) {
            (Switch::Off, None) => Ok(None),
            (Switch::Off, Some(_)) => Err(io::Error::other("cannot be used with --tickets off")),
            (Switch::On, None) => Ok(Some(Arc::new(Tickets::rotating(TICKET_KEY_PERIOD)))),
            (Switch::On, Some(file)) => shared_tickets(file).map(Some),
        }
    }
}

fn shared_tickets(file: &Path) -> io::Result<Arc<Tickets>> {
    let keys = read_keys(file)
        .map_err(|error| io::Error::new(error.kind(), format!("{}: {error}", file.display())))?;
    let tickets = Arc::new(Tickets::shared(keys));
    let replaced = Arc::clone(&tickets);
    load_again_on_signal(file, move |file| {
        replaced.replace(read_keys(file)?);
        Ok(())
    })?;
    Ok(tickets)
}

/// Reads the current, the previous and the next key, as many as there are.
fn read_keys(file: &Path) -> io::Result<TicketKeySet> {
    let bytes = Zeroizing::new(fs::read(file)?);
    let key = TicketKey::from_bytes;
    match bytes.as_chunks() {
        ([current], []) => Ok(TicketKeySet::new(key(current))),
        ([current, previous], []) => Ok(TicketKeySet::new(key(current)).previous(key(previous))),
        ([current, previous, next], []) => {
            Ok(TicketKeySet::new(key(current)).previous(key(previous)).next(key(next)))
        }
        _ => Err(io::Error::other(
            "a file of ticket keys must have 48, 96 or 144 bytes",
        )),
    }
}
