//! What proves to a BMC who asks, from files that only their owner can read.

use anyhow::{Context, Result, ensure};
use applications::private::check_is_private;
use base64ct::{Base64, Encoding};
use clap::Args;
use hyper::header::{AUTHORIZATION, HeaderName, HeaderValue};
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

#[derive(Args)]
pub struct CredentialArguments {
    /// Authenticate as this user (HTTP Basic)
    #[arg(long, value_name = "NAME", requires = "password_file")]
    user: Option<String>,

    /// A file whose first line is the user's password, with mode 0600
    #[arg(long, value_name = "FILE", requires = "user")]
    password_file: Option<PathBuf>,

    /// A file whose first line is the token of a Redfish session
    /// (X-Auth-Token), with mode 0600
    #[arg(
        long,
        value_name = "FILE",
        conflicts_with = "user",
        verbatim_doc_comment
    )]
    token_file: Option<PathBuf>,
}

/// The longest file with a secret, in bytes.
const MAX_SECRET: u64 = 4096;

impl CredentialArguments {
    /// The header that goes with every request but the first, for the service root, which a BMC
    /// gives to anybody (DSP0266).
    pub fn header(&self) -> Result<Option<(HeaderName, HeaderValue)>> {
        let (name, value) = match (&self.user, &self.password_file, &self.token_file) {
            (Some(user), Some(file), _) => {
                // RFC 7617 section 2.
                ensure!(!user.contains(':'), "--user must not contain a colon");
                let password = read_secret(file)?;
                let pair = Zeroizing::new(format!("{user}:{}", *password));
                let encoded = Zeroizing::new(Base64::encode_string(pair.as_bytes()));
                (AUTHORIZATION, Zeroizing::new(format!("Basic {}", *encoded)))
            }
            (_, _, Some(file)) => (HeaderName::from_static("x-auth-token"), read_secret(file)?),
            _ => return Ok(None),
        };
        let mut value =
            HeaderValue::from_str(&value).context("the secret has characters that HTTP forbids")?;
        // hyper then prints it nowhere.
        value.set_sensitive(true);
        Ok(Some((name, value)))
    }
}

/// The first line of a file that nobody else can read.
fn read_secret(path: &Path) -> Result<Zeroizing<String>> {
    let shown = || path.display().to_string();
    let file = File::open(path).with_context(shown)?;
    check_is_private(&file.metadata()?).with_context(shown)?;
    let mut text = Zeroizing::new(String::new());
    file.take(MAX_SECRET).read_to_string(&mut text).with_context(shown)?;
    let line = text.lines().next().unwrap_or("");
    ensure!(!line.is_empty(), "{}: the first line is empty", shown());
    Ok(Zeroizing::new(line.to_owned()))
}
