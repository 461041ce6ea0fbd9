//! Why a text is not a server name.

use super::text::Excerpt;

/// Why a text is not the name of a server, and what to leave out.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{name:?} is not a server name: {fault}")]
pub struct ServerNameError {
    name: Excerpt,
    fault: ServerNameFault,
}

impl ServerNameError {
    pub(crate) fn new(name: &str, fault: ServerNameFault) -> Self {
        Self {
            name: Excerpt::new(name),
            fault,
        }
    }

    /// Returns the text, cut to 96 bytes.
    #[must_use]
    pub fn name(&self) -> &Excerpt {
        &self.name
    }

    /// Returns what is wrong with it.
    #[must_use]
    pub fn fault(&self) -> ServerNameFault {
        self.fault
    }
}

errors! {
    /// What keeps a text from being a server name.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub enum ServerNameFault {
        /// The text is empty.
        #[error("it is empty")]
        Empty,
        /// It has a space or a control character.
        #[error("leave out the spaces and line ends")]
        Space,
        /// It is a URL, or has a path.
        #[error("leave out \"https://\" and everything from the next slash on")]
        Url,
        /// It has user information in front of the host.
        #[error("leave out the user and the @")]
        User,
        /// It is an IPv6 address in brackets, as in a URL.
        #[error("leave out the brackets, and a port behind them")]
        Brackets,
        /// It is an IPv6 address with a zone.
        #[error("leave out the % and the zone behind it")]
        Zone,
        /// It has a port.
        #[error("leave out the colon and the port")]
        Port,
        /// It ends with a dot.
        #[error("leave out the dot at the end")]
        TrailingDot,
        /// It has a wildcard.
        #[error("the * is for certificates; name one server")]
        Wildcard,
        /// It has letters outside of ASCII.
        #[error("write it in ASCII, with the labels that begin with xn--")]
        NotAscii,
        /// It is neither a DNS name nor an IP address.
        #[error(
            "it is neither a DNS name (letters, digits, hyphens and dots) nor an IP address"
        )]
        Invalid,
    }
}
