//! The one server that is asked: a BMC, and which links lead to it.

use anyhow::{Context, Result, bail, ensure};
use hyper::Uri;
use hyper::http::uri::{Authority, PathAndQuery, Scheme};
use premaster::pki_types::ServerName;
use std::str::FromStr;

/// The scheme, host and port of a BMC ([RFC 6454](https://www.rfc-editor.org/rfc/rfc6454)).
#[derive(Clone, Debug)]
pub struct Origin {
    authority: Authority,
}

/// The port of `https`.
const DEFAULT_PORT: u16 = 443;

/// How much of a link is shown in an error, in characters.
const SHOWN: usize = 100;

impl FromStr for Origin {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> Result<Self> {
        let uri: Uri = text.parse()?;
        ensure!(
            uri.scheme() == Some(&Scheme::HTTPS),
            "it must begin with https://"
        );
        ensure!(
            matches!(uri.path(), "" | "/") && uri.query().is_none(),
            "it must have no path: the service root is always /redfish/v1/"
        );
        let authority = uri.authority().context("it names no host")?.clone();
        ensure!(
            !authority.as_str().contains('@'),
            "the user is given by --user"
        );
        Ok(Self { authority })
    }
}

impl Origin {
    /// The host without the brackets that an IPv6 address has in a URL.
    pub fn host(&self) -> &str {
        let host = self.authority.host();
        host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host)
    }

    pub fn port(&self) -> u16 {
        self.authority.port_u16().unwrap_or(DEFAULT_PORT)
    }

    /// What the certificate must be for.
    pub fn name(&self) -> Result<ServerName<'static>> {
        Ok(premaster::server_name(self.host())?)
    }

    /// The address of something that the BMC has at this path.
    pub fn uri(&self, path: &PathAndQuery) -> Result<Uri> {
        Ok(Uri::builder()
            .scheme(Scheme::HTTPS)
            .authority(self.authority.clone())
            .path_and_query(path.clone())
            .build()?)
    }

    /// Returns true if the address is the BMC's.
    pub fn has(&self, uri: &Uri) -> bool {
        let port = uri.port_u16().unwrap_or(DEFAULT_PORT);
        uri.scheme() == Some(&Scheme::HTTPS)
            && uri.authority().is_some_and(|authority| !authority.as_str().contains('@'))
            && uri.host().is_some_and(|host| host.eq_ignore_ascii_case(self.authority.host()))
            && port == self.port()
    }

    /// The path that a link leads to. A BMC's document can be wrong, or come from whoever has taken
    /// the BMC, so a link is followed only to the BMC itself: nobody else gets the credentials, and
    /// nobody else is asked from here.
    pub fn follow(&self, link: &str) -> Result<PathAndQuery> {
        let shown = || -> String {
            let start: String = link.chars().take(SHOWN).collect();
            start.escape_debug().to_string()
        };
        // A fragment names a part of the document.
        let whole = link.split('#').next().unwrap_or(link);
        // Two slashes are followed by another host (RFC 3986 section 4.2).
        if whole.starts_with('/') && !whole.starts_with("//") {
            return whole.parse().with_context(|| format!("not a path: {}", shown()));
        }
        let uri: Uri = whole.parse().with_context(|| format!("not a link: {}", shown()))?;
        if !self.has(&uri) {
            bail!(
                "the link leads away from the BMC, and is not followed: {}",
                shown()
            );
        }
        uri.path_and_query().cloned().with_context(|| format!("no path: {}", shown()))
    }
}
