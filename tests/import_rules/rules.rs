//! The rules: which rooms and which crates a room may name.

pub struct Room {
    /// A module below `src/`. One in a room, such as `crypto::cipher`, is a room of its own.
    pub name: &'static str,
    /// The rooms, or modules or items of rooms, whose code it may name besides its own. A room that
    /// is named here does not bring the rooms in it.
    pub rooms: &'static [&'static str],
    /// The crates, or parts of crates, that it may name. `core` is open to all but for
    /// `core::arch`.
    pub crates: &'static [&'static str],
    /// What its tests may name besides.
    pub tests: &'static [&'static str],
}

/// The rooms from the ground up: a room names only those before it.
pub const ROOMS: &[Room] = &[
    Room {
        name: "enums",
        rooms: &[],
        crates: &[],
        tests: &[],
    },
    Room {
        name: "waiver",
        rooms: &[],
        crates: &[],
        tests: &["verify"],
    },
    Room {
        name: "error",
        rooms: &["enums", "waiver"],
        crates: &["pki_types::UnixTime", "thiserror", "time::OffsetDateTime"],
        // That the settings exist which errors name.
        tests: &[
            "anyhow",
            "config",
            "std::collections",
            "std::error",
            "std::io",
            "verify",
        ],
    },
    Room {
        name: "codec",
        rooms: &["error"],
        crates: &[],
        tests: &[],
    },
    Room {
        name: "message",
        rooms: &["codec", "enums", "error"],
        crates: &["pki_types::CertificateDer", "std::borrow"],
        tests: &[],
    },
    // Bytes and numbers, and nothing of TLS.
    Room {
        name: "crypto::vector",
        rooms: &[],
        crates: &["core::arch", "safe_unaligned_simd", "subtle", "zeroize"],
        tests: &["aes_gcm", "crypto_bigint", "rand_chacha", "sha1::block_api"],
    },
    Room {
        name: "crypto::cipher",
        rooms: &[
            "crypto::rng",
            "crypto::suite",
            "crypto::vector",
            "enums",
            "error",
        ],
        crates: &[
            "aes_gcm",
            "cbc",
            "ccm",
            "sha1::block_api",
            "sha2::block_api",
            "subtle",
            "zeroize",
        ],
        tests: &["crypto::vectors", "hmac", "serde_json", "sha1", "sha2"],
    },
    Room {
        name: "pem",
        rooms: &["error"],
        crates: &["base64ct", "pki_types", "zeroize"],
        tests: &[],
    },
    Room {
        name: "crypto",
        rooms: &["crypto::cipher", "crypto::vector", "enums", "error", "pem"],
        crates: &[
            "crypto_bigint",
            "getrandom",
            "hmac",
            "p256",
            "p384",
            "pkcs8",
            "pki_types",
            "rand_core",
            "rsa",
            "sha1",
            "sha2",
            "std::sync",
            "subtle",
            "zeroize",
        ],
        tests: &[
            "rand_chacha",
            "serde_json",
            "std::fs",
            "std::is_x86_feature_detected",
        ],
    },
    // What any reader of a handshake needs, so that it knows no configuration.
    Room {
        name: "keys",
        rooms: &[
            "codec",
            "crypto",
            "crypto::cipher",
            "enums",
            "error",
            "message",
        ],
        crates: &["zeroize"],
        tests: &[],
    },
    Room {
        name: "record",
        rooms: &["codec", "crypto::cipher", "enums", "error"],
        crates: &[],
        tests: &["crypto::rng", "crypto::suite"],
    },
    Room {
        name: "verify",
        rooms: &["crypto", "enums", "error", "pem", "waiver"],
        crates: &[
            "pki_types",
            "rustls_native_certs",
            "std::collections",
            "std::sync",
            "webpki",
            "webpki_roots",
            "x509_parser",
        ],
        tests: &["rsa", "sha2", "x509_cert"],
    },
    Room {
        name: "resumption",
        rooms: &["codec", "crypto", "enums", "error", "keys", "waiver"],
        crates: &[
            "lru",
            "pki_types",
            "std::collections::hash_map::RandomState",
            "std::hash",
            "std::sync",
            "zeroize",
        ],
        tests: &["std::panic", "std::thread"],
    },
    Room {
        name: "config",
        rooms: &[
            "crypto",
            "enums",
            "error",
            "message",
            "pem",
            "resumption",
            "verify",
        ],
        crates: &[
            "pki_types",
            "rand_core",
            "std::collections::BTreeMap",
            "std::sync",
        ],
        tests: &[],
    },
    Room {
        name: "pending",
        rooms: &["crypto", "enums", "error", "resumption", "verify"],
        crates: &[
            "pki_types",
            "rand_core",
            "std::collections",
            "std::sync",
            "zeroize",
        ],
        tests: &[],
    },
    Room {
        name: "handshake",
        rooms: &[
            "config",
            "crypto",
            "crypto::cipher",
            "enums",
            "error",
            "keys",
            "message",
            "pending",
            "resumption",
            "verify",
            "waiver",
        ],
        crates: &["pki_types", "std::sync", "subtle", "zeroize"],
        tests: &[],
    },
    Room {
        name: "connection",
        rooms: &[
            "config",
            "enums",
            "error",
            "handshake",
            "keys",
            "message",
            "pending",
            "record",
            // A session that is in use, which it ends where the connection fails.
            "resumption::SessionInUse",
        ],
        crates: &["pki_types::DnsName", "pki_types::ServerName", "std::sync"],
        tests: &["pki_types::UnixTime", "rand_chacha", "verify"],
    },
    Room {
        name: "stream::buffers",
        rooms: &["connection", "error"],
        crates: &[],
        tests: &[],
    },
    Room {
        name: "stream::pump",
        rooms: &[
            "connection",
            "error",
            "pending",
            "stream::buffers",
            // Which `connection` passes on.
            "record::MAX_PLAINTEXT",
        ],
        crates: &[],
        tests: &[],
    },
    Room {
        name: "stream::parts",
        rooms: &["connection", "stream::pump"],
        crates: &[],
        tests: &[],
    },
    Room {
        name: "stream::deadline",
        rooms: &[],
        crates: &["std::io", "std::net", "std::os", "std::time"],
        tests: &[],
    },
    Room {
        name: "stream::errors",
        rooms: &["error", "stream::buffers"],
        crates: &["std::io"],
        tests: &["enums"],
    },
    Room {
        name: "stream::blocking",
        rooms: &[
            "config",
            "connection",
            "error",
            "pending",
            "stream::deadline",
            "stream::errors",
            "stream::parts",
            "stream::pump",
        ],
        crates: &["pki_types::ServerName", "std::io", "std::sync", "std::time"],
        tests: &[],
    },
    Room {
        name: "stream::half_pumps",
        rooms: &["connection", "error", "stream::buffers", "stream::pump"],
        crates: &[],
        tests: &[],
    },
    Room {
        name: "stream::halves",
        rooms: &[
            "connection",
            "stream::blocking",
            "stream::errors",
            "stream::half_pumps",
        ],
        crates: &["std::io", "std::sync"],
        tests: &[],
    },
    Room {
        name: "stream::tokio",
        rooms: &[
            "config",
            "connection",
            "crypto::key_id::KeyId",
            "crypto::private_key::PrivateKey",
            "error",
            "pending",
            "resumption",
            "stream::errors",
            "stream::half_pumps",
            "stream::parts",
            "stream::pump",
        ],
        crates: &[
            "pki_types",
            "std::collections",
            "std::hash",
            "std::io",
            "std::sync",
            "std::task::Wake",
            "std::thread::available_parallelism",
            "std::thread::panicking",
            "tokio",
        ],
        tests: &[],
    },
    // Passes on what is in it.
    Room {
        name: "stream",
        rooms: &[
            "stream::blocking",
            "stream::deadline",
            "stream::halves",
            "stream::parts",
        ],
        crates: &[],
        tests: &[],
    },
    Room {
        name: "fuzzing",
        rooms: &[
            "codec",
            "crypto::cipher",
            "crypto::pkcs1",
            "crypto::pre_master_secret",
            "crypto::rng",
            "crypto::suite",
            "crypto::vector",
            "enums",
            "error",
            "message",
            "resumption",
            "verify",
            "waiver",
        ],
        crates: &["pki_types", "subtle"],
        tests: &[],
    },
];

/// The layers inside of rooms, from the ground up. A module uses those in the layers before its
/// own, and nothing of its own layer but itself; the room's `mod.rs` is above them all.
pub const LAYERS: &[(&str, &[&[&str]])] = &[
    (
        "handshake",
        &[
            &["hello", "incoming", "key_log", "session_info", "verified"],
            &["action", "renegotiation"],
            &["established"],
            &["limits", "step"],
            &["agreed"],
            &["finish"],
            &["client", "server"],
        ],
    ),
    ("pem", &[&["der", "text"], &["item"], &["pkcs7"]]),
    (
        "verify",
        &[
            &["der", "oid", "search_error"],
            &["extension", "name"],
            &["certificate"],
            &["certificate_policies", "constraints"],
            &["end_point", "form", "mended", "roots"],
            &["link"],
            &["chain"],
            &["server_name", "signatures"],
            &["revocation"],
            &["load", "settings"],
            &["path_rules", "presented", "purpose"],
            &["path", "warning"],
            &["diagnosis", "differential", "ocsp"],
            &["judgement"],
            &["policy"],
        ],
    ),
];

/// State machines, each one directory: a state names the next one, and the flow names them all, so
/// that the files of a machine count as one where circles are looked for.
pub const STATE_MACHINES: &[&str] = &["handshake/client", "handshake/server"];

/// The one file where the word `unsafe` may stand, and the most lines that it may have.
pub const UNSAFE_FILE: &str = "crypto/vector/boundary.rs";
pub const UNSAFE_LINES: usize = 60;

/// The most lines that a file may have without its tests.
pub const MOST_LINES: usize = 500;

/// The most lines that a file of kernels may have without its tests.
pub const MOST_LINES_OF_KERNELS: usize = 400;

/// Macros that write to a terminal, read a file or look at the environment.
pub const OUTSIDE_MACROS: &[&str] = &[
    "dbg",
    "env",
    "eprint",
    "eprintln",
    "include",
    "option_env",
    "print",
    "println",
];
