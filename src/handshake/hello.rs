//! What both roles do alike to make a hello and to read the peer's.

use crate::config::{Common, EncryptThenMac, ExtendedMasterSecret, SecureRenegotiation};
use crate::crypto::suite::Suite;
use crate::error::{Error, Incompatible, LocalError, PeerError};
use crate::message::HandshakeBody;
use crate::message::extension::Extensions;

/// Generates a hello's random, or a session ID.
pub(super) fn draw(common: &Common) -> Result<[u8; 32], LocalError> {
    let mut random = [0; 32];
    common.random().fill(&mut random)?;
    Ok(random)
}

/// Returns true if a hello's extensions show that the peer supports secure renegotiation.
///
/// For a ServerHello: "The client MUST then verify that the length of the "renegotiated_connection"
/// field is zero, and if it is not, MUST abort the handshake (by sending a fatal handshake_failure
/// alert)" ([RFC 5746 section 3.4](https://www.rfc-editor.org/rfc/rfc5746#section-3.4)). For a
/// ClientHello: "The server MUST then verify that the length of the "renegotiated_connection" field
/// is zero, and if it is not, MUST abort the handshake"
/// ([section 3.6](https://www.rfc-editor.org/rfc/rfc5746#section-3.6)).
pub(super) fn read_renegotiation_info<'a, Hello: HandshakeBody<'a>>(
    extensions: &Extensions<'_>,
) -> Result<bool, Error> {
    let info = extensions.renegotiation_info();
    match info.map_err(|error| error.of(Hello::NAME))? {
        None => Ok(false),
        Some([]) => Ok(true),
        Some(_) => Err(PeerError::RenegotiationInfoNotEmpty.into()),
    }
}

/// Refuses a peer without support for secure renegotiation, if that is required.
pub(super) fn check_secure_renegotiation(
    policy: SecureRenegotiation,
    supported: bool,
) -> Result<(), Incompatible> {
    match policy {
        SecureRenegotiation::Required if !supported => Err(Incompatible::NoSecureRenegotiation),
        SecureRenegotiation::Required | SecureRenegotiation::Optional => Ok(()),
    }
}

/// Returns true if the extended master secret is used, given the peer's support for it.
///
/// "If a server receives a ClientHello without the extension, it SHOULD abort the handshake if it
/// does not wish to interoperate with legacy clients." "If a client receives a ServerHello without
/// the extension, it SHOULD abort the handshake if it does not wish to interoperate with legacy
/// servers." ([RFC 7627 section 5.2](https://www.rfc-editor.org/rfc/rfc7627#section-5.2))
pub(super) fn agree_extended_master_secret(
    policy: ExtendedMasterSecret,
    supported: bool,
) -> Result<bool, Incompatible> {
    match policy {
        ExtendedMasterSecret::Off => Ok(false),
        ExtendedMasterSecret::Required if !supported => Err(Incompatible::NoExtendedMasterSecret),
        ExtendedMasterSecret::Required | ExtendedMasterSecret::Optional => Ok(supported),
    }
}

/// Returns true if the records are encrypted first and authenticated then, given the suite of this
/// handshake, full or not, and the peer's support.
///
/// "If a server receives an encrypt-then-MAC request extension from a client and then selects a
/// stream or Authenticated Encryption with Associated Data (AEAD) ciphersuite, it MUST NOT send an
/// encrypt-then-MAC response extension back to the client"
/// ([RFC 7366 section 3](https://www.rfc-editor.org/rfc/rfc7366#section-3)).
pub(super) fn agree_encrypt_then_mac(
    policy: EncryptThenMac,
    suite: &Suite,
    supported: bool,
) -> Result<bool, Incompatible> {
    match policy {
        _ if !suite.is_cbc() => Ok(false),
        EncryptThenMac::Off => Ok(false),
        EncryptThenMac::Required if !supported => {
            Err(Incompatible::NoEncryptThenMac { suite: suite.id })
        }
        EncryptThenMac::Required | EncryptThenMac::Optional => Ok(supported),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::enums::CipherSuite;
    use crate::message::hello::ServerHello;

    #[test]
    fn renegotiation_info_is_empty() {
        let mut extensions = Extensions::new();
        let read =
            |extensions: &Extensions<'_>| read_renegotiation_info::<ServerHello<'_>>(extensions);
        assert_eq!(read(&extensions), Ok(false));
        extensions.push_renegotiation_info(&[]);
        assert_eq!(read(&extensions), Ok(true));
        let mut filled = Extensions::new();
        filled.push_raw(crate::enums::ExtensionType::RENEGOTIATION_INFO, &[1, 7]);
        let refused = PeerError::RenegotiationInfoNotEmpty;
        assert_eq!(read(&filled), Err(refused.into()));
    }

    #[test]
    fn only_what_is_required_must_be_supported() {
        let refused = Err(Incompatible::NoSecureRenegotiation);
        for (policy, supported, checked) in [
            (SecureRenegotiation::Required, true, Ok(())),
            (SecureRenegotiation::Required, false, refused),
            (SecureRenegotiation::Optional, true, Ok(())),
            (SecureRenegotiation::Optional, false, Ok(())),
        ] {
            assert_eq!(check_secure_renegotiation(policy, supported), checked);
        }
        let refused = Err(Incompatible::NoExtendedMasterSecret);
        for (policy, supported, agreed) in [
            (ExtendedMasterSecret::Off, true, Ok(false)),
            (ExtendedMasterSecret::Off, false, Ok(false)),
            (ExtendedMasterSecret::Optional, true, Ok(true)),
            (ExtendedMasterSecret::Optional, false, Ok(false)),
            (ExtendedMasterSecret::Required, true, Ok(true)),
            (ExtendedMasterSecret::Required, false, refused),
        ] {
            assert_eq!(agree_extended_master_secret(policy, supported), agreed);
        }
        let suite = CipherSuite::TLS_RSA_WITH_AES_128_CBC_SHA;
        let refused = Err(Incompatible::NoEncryptThenMac { suite });
        let cbc = Suite::of(suite).unwrap();
        let gcm = Suite::of(CipherSuite::TLS_RSA_WITH_AES_128_GCM_SHA256).unwrap();
        for (policy, supported, agreed) in [
            (EncryptThenMac::Off, true, Ok(false)),
            (EncryptThenMac::Off, false, Ok(false)),
            (EncryptThenMac::Optional, true, Ok(true)),
            (EncryptThenMac::Optional, false, Ok(false)),
            (EncryptThenMac::Required, true, Ok(true)),
            (EncryptThenMac::Required, false, refused),
        ] {
            assert_eq!(agree_encrypt_then_mac(policy, cbc, supported), agreed);
            assert_eq!(agree_encrypt_then_mac(policy, gcm, supported), Ok(false));
        }
    }
}
