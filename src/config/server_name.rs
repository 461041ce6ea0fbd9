//! The name that a client connects to, from a text.

use crate::error::{ServerNameError, ServerNameFault};
use core::net::IpAddr;
use pki_types::ServerName;

/// Returns the DNS name or IP address in a text as a [`ServerName`], for
/// [`Connection::client`](crate::Connection::client) and [`Stream::client`](crate::Stream::client).
///
/// ```
/// use premaster::server_name;
///
/// assert!(server_name("bmc.example").is_ok());
/// assert!(server_name("192.0.2.7").is_ok() && server_name("2001:db8::7").is_ok());
/// assert_eq!(
///     server_name("bmc.example:443").unwrap_err().to_string(),
///     "\"bmc.example:443\" is not a server name: leave out the colon and the port",
/// );
/// ```
///
/// # Errors
///
/// [`ServerNameError`], whose text tells what to leave out: the scheme and path of a URL, a port,
/// brackets, a zone, a dot at the end.
pub fn server_name(text: &str) -> Result<ServerName<'static>, ServerNameError> {
    let refused = |fault| ServerNameError::new(text, fault);
    if let Some(fault) = fault(text) {
        return Err(refused(fault));
    }
    let name = ServerName::try_from(text).map_err(|_| refused(ServerNameFault::Invalid))?;
    Ok(name.to_owned())
}

/// What has to be left out.
fn fault(text: &str) -> Option<ServerNameFault> {
    let has_port = |text: &str| {
        let (host, port) = text.rsplit_once(':')?;
        (!host.contains(':') && port.bytes().all(|byte| byte.is_ascii_digit())).then_some(())
    };
    if text.is_empty() {
        Some(ServerNameFault::Empty)
    } else if text.contains(|c: char| c.is_whitespace() || c.is_control()) {
        Some(ServerNameFault::Space)
    } else if text.contains(['/', '?', '#']) {
        Some(ServerNameFault::Url)
    } else if text.contains('@') {
        Some(ServerNameFault::User)
    } else if text.contains(['[', ']']) {
        Some(ServerNameFault::Brackets)
    } else if is_address_with_zone(text) {
        Some(ServerNameFault::Zone)
    } else if has_port(text).is_some() {
        Some(ServerNameFault::Port)
    } else if text.ends_with('.') {
        Some(ServerNameFault::TrailingDot)
    } else if text.contains('*') {
        Some(ServerNameFault::Wildcard)
    } else if !text.is_ascii() {
        Some(ServerNameFault::NotAscii)
    } else {
        None
    }
}

/// True for an IPv6 address with a zone, such as `fe80::1%eth0`.
fn is_address_with_zone(text: &str) -> bool {
    text.split_once('%').is_some_and(|(address, _)| address.parse::<IpAddr>().is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_addresses_are_taken() {
        for text in [
            "bmc",
            "bmc.example",
            "BMC-1.example",
            "under_score.example",
            "xn--bcher-kva.example",
            "192.0.2.7",
            "2001:db8::7",
            "::1",
        ] {
            let name = server_name(text).unwrap();
            assert_eq!(name.to_str(), text);
        }
        assert!(matches!(server_name("::1"), Ok(ServerName::IpAddress(_))));
    }

    #[test]
    fn a_text_that_is_more_or_less_says_what_to_leave_out() {
        for (text, fault) in [
            ("", ServerNameFault::Empty),
            (" bmc", ServerNameFault::Space),
            ("bmc\n", ServerNameFault::Space),
            ("https://bmc", ServerNameFault::Url),
            ("https://bmc:443/index", ServerNameFault::Url),
            ("bmc/", ServerNameFault::Url),
            ("bmc?x", ServerNameFault::Url),
            ("admin@bmc", ServerNameFault::User),
            ("[::1]", ServerNameFault::Brackets),
            ("[::1]:443", ServerNameFault::Brackets),
            ("fe80::1%eth0", ServerNameFault::Zone),
            ("bmc:443", ServerNameFault::Port),
            ("192.0.2.7:443", ServerNameFault::Port),
            ("bmc:", ServerNameFault::Port),
            ("bmc.example.", ServerNameFault::TrailingDot),
            (".", ServerNameFault::TrailingDot),
            ("*.example", ServerNameFault::Wildcard),
            ("b\u{fc}cher.example", ServerNameFault::NotAscii),
            ("300.1.1.1", ServerNameFault::Invalid),
            ("-bmc", ServerNameFault::Invalid),
            ("2001:db8::g", ServerNameFault::Invalid),
            ("a..b", ServerNameFault::Invalid),
        ] {
            let error = server_name(text).unwrap_err();
            assert_eq!(error.fault(), fault, "{text}");
            assert!(error.to_string().ends_with(&fault.to_string()), "{error}");
        }
        let long = server_name(&"x".repeat(5000)).unwrap_err();
        assert_eq!(long.fault(), ServerNameFault::Invalid);
        assert!(long.name().as_str().len() <= 96);
    }
}
