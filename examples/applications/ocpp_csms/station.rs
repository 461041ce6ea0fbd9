//! Who a station is: by its certificate, and by the URL that it connects to.

use anyhow::{Context, Result, ensure};
use premaster::SessionInfo;
use std::collections::HashMap;
use x509_parser::prelude::{FromDer, X509Certificate};

/// A station, as admitted.
pub struct Station {
    /// The name by which the operator knows it: the last segment of the URL's path (OCPP 2.0.1 part
    /// 4, section 3.1.1).
    pub identity: String,
    /// Its maker's number, which is the common name in its certificate (part 2, A00.FR.405).
    pub serial: String,
}

/// The most characters of an identity, which is an identifierString (part 4, section 3.1.1).
const MAX_IDENTITY: usize = 48;

/// The stations that may connect: their serial numbers, by identity.
pub struct Register(Option<HashMap<String, String>>);

impl Register {
    /// Every station's identity is its serial number.
    pub fn by_serial() -> Self {
        Self(None)
    }

    /// Reads stations from a text: each line has an identity and, behind spaces, a serial number.
    /// Empty lines, and those that begin with `#`, are skipped.
    pub fn parse(text: &str) -> Result<Self> {
        let mut stations = HashMap::new();
        for (index, line) in text.lines().enumerate() {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let number = index + 1;
            let (identity, serial) = line
                .split_once(char::is_whitespace)
                .with_context(|| format!("line {number} has no serial number"))?;
            ensure!(
                is_identity(identity),
                "line {number}: not an identity of 1 to {MAX_IDENTITY} letters, digits and \
                 *-_=:+|@."
            );
            let former = stations.insert(identity.to_owned(), serial.trim().to_owned());
            ensure!(former.is_none(), "line {number}: {identity} is there twice");
        }
        Ok(Self(Some(stations)))
    }

    fn serial<'s>(&'s self, identity: &'s str) -> Option<&'s str> {
        match &self.0 {
            None => Some(identity),
            Some(stations) => stations.get(identity).map(String::as_str),
        }
    }
}

/// What a certificate says about its holder.
pub struct Holder {
    common_name: String,
}

impl Holder {
    /// The holder of the peer's certificate, which the handshake has verified. `organization` is the
    /// operator's, if it is to be checked.
    pub fn of(session: &SessionInfo, organization: Option<&str>) -> Result<Self, String> {
        let certificate = session.peer_certificate().ok_or("there is no certificate")?;
        let common_name = certificate
            .common_name()
            .ok_or("the subject of the certificate does not have one common name")?;
        if let Some(expected) = organization {
            let (_, parsed) = X509Certificate::from_der(certificate.der())
                .map_err(|_| "the certificate cannot be read")?;
            // The certificate must belong to the charging station operator or an organization that
            // the operator trusts, by the O in its subject (A00.FR.404).
            let mut organizations = parsed.subject().iter_organization();
            if !organizations.any(|name| name.as_str() == Ok(expected)) {
                let subject = certificate.subject();
                return Err(format!(
                    "the certificate of {} is not from the organization {expected}",
                    subject.escape_debug()
                ));
            }
        }
        Ok(Self { common_name })
    }
}

/// Why a station is refused, by the HTTP status that tells it.
#[derive(Debug)]
pub enum Refusal {
    /// 404: there is no such station.
    Unknown(String),
    /// 403: the certificate is not that station's.
    NotItsCertificate(String),
}

/// Finds the station of a request's path, and checks that the certificate is its own.
pub fn identify(
    path: &str,
    prefix: &str,
    register: &Register,
    holder: &Holder,
) -> Result<Station, Refusal> {
    let unknown = |text: String| Refusal::Unknown(text);
    let shown: String = path.chars().take(2 * MAX_IDENTITY).collect();
    let identity = path.strip_prefix(prefix).and_then(percent_decoded);
    let identity = identity
        .filter(|identity| is_identity(identity))
        .ok_or_else(|| unknown(format!("unknown path: {}", shown.escape_debug())))?;
    let serial = register
        .serial(&identity)
        .ok_or_else(|| unknown(format!("unknown station: {identity}")))?
        .to_owned();
    // "The CSMS SHALL verify that the certificate belongs to this Charging Station by checking that
    // the CN (commonName) RDN in the subject field of the certificate contains the unique serial
    // number of the Charging Station" (A00.FR.405).
    if holder.common_name != serial {
        return Err(Refusal::NotItsCertificate(format!(
            "station {identity} has the serial number {serial}, and the certificate is for {}",
            holder.common_name.escape_debug()
        )));
    }
    Ok(Station { identity, serial })
}

/// The characters of an identifierString.
fn is_identity(text: &str) -> bool {
    (1..=MAX_IDENTITY).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"*-_=:+|@.".contains(&byte))
}

/// The text in which `%` and two hexadecimal digits stand for a byte
/// ([RFC 3986 section 2.1](https://www.rfc-editor.org/rfc/rfc3986#section-2.1)).
fn percent_decoded(text: &str) -> Option<String> {
    let mut bytes = text.bytes();
    let mut decoded = Vec::with_capacity(text.len());
    while let Some(byte) = bytes.next() {
        decoded.push(match byte {
            b'%' => {
                let mut digit = || char::from(bytes.next()?).to_digit(16);
                let value = digit()? << 4 | digit()?;
                u8::try_from(value).ok()?
            }
            _ => byte,
        });
    }
    String::from_utf8(decoded).ok()
}
