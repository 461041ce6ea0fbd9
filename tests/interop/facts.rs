//! What the two sides of a connection say about it, which has to be the same.

use premaster::Connection;
use premaster::session::ChannelBinding;
use std::fmt::Write;

/// The label under which every connection exports keying material.
pub const LABEL: &str = "EXPERIMENTAL-interop";

/// How many bytes of it.
pub const EXPORTED: usize = 20;

/// The application protocol that both sides know.
pub const PROTOCOL: &str = "ocpp2.0.1";

/// What one side reports; `None` stands for what it does not report. Bytes are in lower-case
/// hexadecimal.
#[derive(Debug, PartialEq, Eq)]
pub struct Facts {
    pub resumed: bool,
    pub protocol: String,
    pub exported: String,
    pub extended_master_secret: Option<bool>,
    pub tls_unique: Option<String>,
    pub tls_server_end_point: Option<String>,
}

impl Facts {
    /// Everything about an established connection of ours. `tls-unique` is not given without the
    /// extended master secret.
    pub fn of(connection: &Connection) -> Self {
        let session = connection.session().unwrap();
        let extended_master_secret = session.extended_master_secret();
        let protocol = session.alpn_protocol().unwrap_or_default();
        let binding = |binding| connection.channel_binding(binding).unwrap();
        Self {
            resumed: session.resumption().is_resumed(),
            protocol: String::from_utf8(protocol.to_vec()).unwrap(),
            exported: hex(&exported(connection)),
            extended_master_secret: Some(extended_master_secret),
            tls_unique: extended_master_secret.then(|| hex(&binding(ChannelBinding::TlsUnique))),
            tls_server_end_point: Some(hex(&binding(ChannelBinding::TlsServerEndPoint))),
        }
    }

    /// These facts as far as the other side tells them too.
    pub fn told_by(self, other: &Self) -> Self {
        Self {
            extended_master_secret: self
                .extended_master_secret
                .filter(|_| other.extended_master_secret.is_some()),
            tls_unique: self.tls_unique.filter(|_| other.tls_unique.is_some()),
            tls_server_end_point: self
                .tls_server_end_point
                .filter(|_| other.tls_server_end_point.is_some()),
            ..self
        }
    }
}

fn exported(connection: &Connection) -> [u8; EXPORTED] {
    let mut out = [0; EXPORTED];
    let label = LABEL.as_bytes();
    if connection.session().unwrap().extended_master_secret() {
        connection.export_keying_material(label, None, &mut out)
    } else {
        connection.dangerous_export_without_extended_master_secret(label, None, &mut out)
    }
    .unwrap();
    out
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut digits, byte| {
        write!(digits, "{byte:02x}").unwrap();
        digits
    })
}

/// What a program prints behind `start`, which begins a line but for spaces.
pub fn told(output: &str, start: &str) -> Option<String> {
    output.lines().find_map(|line| line.trim_start().strip_prefix(start)).map(str::to_owned)
}

/// The same of what it always prints.
#[track_caller]
pub fn always_told(output: &str, start: &str) -> String {
    told(output, start).unwrap_or_else(|| panic!("no {start:?} in {output}"))
}
