//! The reply to a CertificateRequest: which of the client's certificates is sent, or why none is
//! ([RFC 5246 sections 7.4.4](https://www.rfc-editor.org/rfc/rfc5246#section-7.4.4) and
//! [7.4.6](https://www.rfc-editor.org/rfc/rfc5246#section-7.4.6)).

use crate::config::{CertifiedKey, ClientConfig, SIGNATURE_SCHEMES, comparable_name};
use crate::enums::{ClientCertificateType, SignatureScheme};
use crate::error::{CertificateWithheld, Excerpt};
use crate::handshake::session_info::{CertificateAnswer, RequestedCertificate};
use crate::message::certificate::CertificateRequest;
use crate::verify::NameText;
use std::sync::Arc;

/// The most names of CAs that are kept for the caller to read.
const MAX_SHOWN: usize = 8;

/// The reply to a CertificateRequest.
#[derive(Debug)]
pub(super) enum ClientCertificate {
    NotRequested,
    /// "If no suitable certificate is available, the client MUST send a certificate message
    /// containing no certificates."
    NoneSuitable(Box<RequestedCertificate>),
    Suitable(
        Box<RequestedCertificate>,
        Arc<CertifiedKey>,
        SignatureScheme,
    ),
}

impl ClientCertificate {
    /// Chooses the reply.
    pub(super) fn choose(config: &ClientConfig, request: &CertificateRequest<'_>) -> Self {
        let requested = |answer| Box::new(requested(config, request, answer));
        match choose(config, request) {
            Ok((certified, scheme, Listed(true))) => {
                let answer = CertificateAnswer::Sent(certified.clone());
                Self::Suitable(requested(answer), certified, scheme)
            }
            Ok((certified, scheme, Listed(false))) => {
                let answer = CertificateAnswer::SentRegardless(certified.clone());
                Self::Suitable(requested(answer), certified, scheme)
            }
            Err(reason) => Self::NoneSuitable(requested(CertificateAnswer::Withheld(reason))),
        }
    }

    /// The certificate that is sent, and the algorithm with which its key signs.
    pub(super) fn signing(&self) -> Option<(Arc<CertifiedKey>, SignatureScheme)> {
        match self {
            Self::NotRequested | Self::NoneSuitable(_) => None,
            Self::Suitable(_, certified, scheme) => Some((certified.clone(), *scheme)),
        }
    }

    /// What was requested, for the caller to read.
    pub(super) fn into_requested(self) -> Option<Box<RequestedCertificate>> {
        match self {
            Self::NotRequested => None,
            Self::NoneSuitable(requested) | Self::Suitable(requested, ..) => Some(requested),
        }
    }
}

/// True if one of the CAs that the server lists issued the certificate.
struct Listed(bool);

/// The first configured certificate that one of the server's CAs issued, if the server accepts RSA
/// signatures with an algorithm that this client can use.
///
/// "If the certificate_authorities list in the certificate request message was non-empty, one of
/// the certificates in the certificate chain SHOULD be issued by one of the listed CAs." Among
/// several, a certificate whose chain is signed with the server's algorithms is preferred, as RFC
/// 5246 requires. If there is only another one, the server decides about it, as in
/// [RFC 8446 section 4.4.2.2](https://www.rfc-editor.org/rfc/rfc8446#section-4.4.2.2).
fn choose(
    config: &ClientConfig,
    request: &CertificateRequest<'_>,
) -> Result<(Arc<CertifiedKey>, SignatureScheme, Listed), CertificateWithheld> {
    if config.certificates.is_empty() {
        return Err(CertificateWithheld::NoneConfigured);
    }
    if !request.certificate_types.contains(&ClientCertificateType::RSA_SIGN) {
        return Err(CertificateWithheld::CertificateType);
    }
    let scheme = choose_scheme(config, &request.supported_signature_algorithms)?;

    let mut authorities: Vec<_> =
        request.certificate_authorities.iter().map(|name| comparable_name(name)).collect();
    authorities.sort_unstable();
    let preferred = |candidates: &[&Arc<CertifiedKey>]| {
        let is_signed =
            |own: &&&Arc<CertifiedKey>| own.is_signed_with(&request.supported_signature_algorithms);
        candidates.iter().find(is_signed).or(candidates.first()).map(|own| Arc::clone(own))
    };
    let all: Vec<_> = config.certificates.iter().collect();
    let issued = all.iter().copied().filter(|own| own.is_issued_by(&authorities));
    if let Some(certified) = preferred(&issued.collect::<Vec<_>>()) {
        return Ok((certified, scheme, Listed(true)));
    }
    preferred(&all)
        .filter(|_| config.ignore_requested_authorities)
        .map(|certified| (certified, scheme, Listed(false)))
        .ok_or(CertificateWithheld::Authority)
}

/// The algorithm for CertificateVerify.
fn choose_scheme(
    config: &ClientConfig,
    listed: &[SignatureScheme],
) -> Result<SignatureScheme, CertificateWithheld> {
    let sha1 = SignatureScheme::RSA_PKCS1_SHA1;
    let mut own = SIGNATURE_SCHEMES.iter().chain(config.sign_with_sha1.then_some(&sha1));
    own.find(|scheme| listed.contains(scheme)).copied().ok_or(if listed.contains(&sha1) {
        CertificateWithheld::Sha1
    } else {
        CertificateWithheld::SignatureAlgorithm
    })
}

/// What the caller can read about the request.
fn requested(
    config: &ClientConfig,
    request: &CertificateRequest<'_>,
    answer: CertificateAnswer,
) -> RequestedCertificate {
    let authorities = &request.certificate_authorities;
    let shown = authorities.iter().take(MAX_SHOWN).map(|name| Excerpt::new(NameText(name)));
    let configured = config.certificates.iter().map(|own| own.subject().clone());
    RequestedCertificate {
        authorities: shown.collect(),
        total_authorities: authorities.len(),
        configured: configured.take(MAX_SHOWN).collect(),
        total_configured: config.certificates.len(),
        answer,
    }
}
