//! A TLS 1.2 server and client whose private key is in a PKCS #11 token: an HSM, a smart card, or
//! software that behaves like one.
//!
//! ```text
//! export SOFTHSM2_CONF=softhsm2.conf    # directories.tokendir = /some/directory
//! softhsm2-util --init-token --free --label demo --so-pin 12345678 --pin 1234
//! softhsm2-util --import key.pem --token demo --label server --id 01 --pin 1234
//! PKCS11_PIN=1234 cargo run -p applications --example pkcs11_key -- server \
//!     --module /usr/lib/softhsm/libsofthsm2.so --token demo --key server --cert certificate.pem
//! ```
//!
//! The reusable parts are [`token`] and [`pool`]. A handshake pauses at the operation with the key; its
//! thread puts the job into a bounded queue, and one of a few threads takes it, each of which has a
//! session with the token to itself: a session of `cryptoki` may go to another thread, but two threads
//! cannot use it at once.
//!
//! ```text
//! connection --decrypt-->+                       +--> thread with a session --+
//! connection --decrypt-->+--> a bounded queue ---+--> thread with a session --+--> the token
//! connection --decrypt-->+                       +--> thread with a session --+
//! ```
//!
//! # What a key store must be able to do
//!
//! **A server** needs the raw RSA operation `c^d mod n`, with the padding still in place: the
//! mechanism `CKM_RSA_X_509`. The library removes the padding itself, in constant time
//! ([RFC 5246 section 7.4.7.1](https://www.rfc-editor.org/rfc/rfc5246#section-7.4.7.1)): whoever learns
//! from a key store if a padding was correct can decrypt recorded connections. At the start this
//! program has the token decrypt a number whose padding is wrong, and refuses a token that does not
//! return it whole. By the vendors' documentation:
//!
//! | Key store | Can a server's key be in it? |
//! |---|---|
//! | SoftHSM | Yes |
//! | kryoptic 1.5 | Yes, with `--raw-by sign`: its `C_Decrypt` fails when asked how long the result of `CKM_RSA_X_509` is |
//! | Thales Luna | Where `C_GetMechanismInfo` has `CKM_RSA_X_509` for decryption; `CKM_RSA_PKCS` decrypts nothing in the FIPS configuration (CKM_RSA_PKCS in [its SDK reference](https://thalesdocs.com/gphsm/luna/7/docs/network/Content/sdk/mechanisms/CKM_RSA_PKCS.htm)) |
//! | AWS CloudHSM | Not by decryption, which is OAEP and PKCS #1 alone; but it [signs with `CKM_RSA_X_509`](https://docs.aws.amazon.com/cloudhsm/latest/userguide/pkcs11-mechanisms.html), which is the same operation: `--raw-by sign`, not tried here |
//! | YubiHSM 2 | No: its [PKCS #11 module](https://github.com/Yubico/yubihsm-shell/tree/master/pkcs11) decrypts by OAEP and PKCS #1 alone |
//! | AWS KMS | No: [OAEP alone](https://docs.aws.amazon.com/kms/latest/developerguide/supported-algorithms.html) |
//! | Google Cloud KMS | No: [OAEP alone](https://cloud.google.com/kms/docs/encrypt-decrypt-rsa) |
//! | Azure Key Vault | No: OAEP, or [`RSA1_5`](https://learn.microsoft.com/azure/key-vault/keys/about-keys-details), which removes the padding itself |
//!
//! **A client** only signs, which all of them can: PKCS #1 version 1.5 by `CKM_RSA_PKCS`, or PSS by
//! `CKM_RSA_PKCS_PSS`, whichever the server prefers.
//!
//! The first two rows were run; the others are from documentation and source.

mod client;
mod pool;
mod server;
mod token;

use applications::cli::exit_code;
use clap::{Parser, Subcommand};
use std::process::ExitCode;

/// Serves TLS 1.2 with RSA key transport, or connects to such a server, with a
/// private key in a PKCS #11 token.
///
/// The PIN is the first line of --pin-file, or else the environment variable
/// PKCS11_PIN. It is never an argument, which every user of the machine can read.
///
/// RSA key transport has no forward secrecy: anyone who can use the key later can
/// decrypt every recorded connection. A token keeps the key from being copied, not
/// from being used.
#[derive(Parser)]
#[command(name = "pkcs11_key", verbatim_doc_comment)]
struct Arguments {
    #[command(subcommand)]
    role: Role,
}

#[derive(Subcommand)]
enum Role {
    /// Serve; the token decrypts the pre-master secrets
    ///
    /// The first line of output is `LISTENING host:port`. Then each connection is
    /// reported when it ends. A line over 80 columns continues on the next ones,
    /// indented. SIGTERM ends the server.
    #[command(
        verbatim_doc_comment,
        override_usage = "pkcs11_key server --module FILE --token LABEL --key LABEL \\\n    \
                          --cert FILE [OPTIONS]"
    )]
    Server(server::ServerArguments),
    /// Connect, with a client certificate; the token signs
    ///
    /// Prints what the server answers to an HTTP request, and then the report of
    /// the connection to standard error.
    #[command(
        verbatim_doc_comment,
        override_usage = "pkcs11_key client --module FILE --token LABEL --key LABEL \\\n    \
                          --cert FILE --connect HOST:PORT --ca FILE [OPTIONS]"
    )]
    Client(client::ClientArguments),
}

fn main() -> ExitCode {
    exit_code(match Arguments::parse().role {
        Role::Server(arguments) => server::run(&arguments),
        Role::Client(arguments) => client::run(&arguments),
    })
}
