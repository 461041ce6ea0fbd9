//! Everything that needs no program but this one, as one crate: it is linked once.

mod allocations;

mod budgets;
mod buffers;
mod captured;
mod certificates;
mod client_auth;
mod configuration;
mod deadlines;
mod debug;
mod errors;
mod exporter;

mod extensions;
mod files;
mod flights;
mod forger;
mod half_close;
mod halves;
mod handshake;
mod hellos;
#[cfg(feature = "ocsp")]
mod hostile;
mod key_transport;
mod message_lengths;
mod moments;
mod no_alloc;
mod own_certificates;
mod pauses;
mod peek;
mod pki;
mod private_keys;
mod profiles;
mod renegotiation;
mod resumption;
mod roots;
mod server_names;
mod stream;
mod stream_halves;
mod suites;
mod tampering;
