//! What the applications share: parts of the examples of the library's own package, too.

#[path = "../support/acceptor.rs"]
pub mod acceptor;
#[path = "../support/cli.rs"]
pub mod cli;
#[path = "../support/client_auth.rs"]
pub mod client_auth;
#[path = "../support/gate.rs"]
pub mod gate;
#[path = "../support/http.rs"]
pub mod http;
#[path = "../support/json.rs"]
pub mod json;
#[path = "../support/limits.rs"]
pub mod limits;
#[path = "../support/private.rs"]
pub mod private;
#[path = "../support/report.rs"]
pub mod report;
#[path = "../support/session_file.rs"]
pub mod session_file;
#[path = "../support/signals.rs"]
pub mod signals;
#[path = "../support/socket.rs"]
pub mod socket;
#[path = "../support/trust.rs"]
pub mod trust;
#[path = "../support/wrap.rs"]
pub mod wrap;

pub mod client;
pub mod timed;
