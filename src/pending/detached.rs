//! The question about a certificate, detached from its connection.

use super::{PauseId, ResumedChain, VerifyCertificate};
use pki_types::{CertificateDer, ServerName};

/// The server's certificate chain, to be verified by the caller on any thread, at any time. It is
/// made by [`VerifyCertificate::detach`].
#[derive(Clone, Debug)]
pub struct CertificateQuestion {
    id: PauseId,
    chain: Vec<CertificateDer<'static>>,
    server_name: ServerName<'static>,
    ocsp_response: Option<Vec<u8>>,
    resumed: Option<ResumedChain>,
}

impl VerifyCertificate<'_> {
    /// Copies the question, so that it can be answered while the connection is elsewhere.
    #[must_use]
    pub fn detach(&self) -> CertificateQuestion {
        CertificateQuestion {
            id: self.id,
            chain: self.chain.to_vec(),
            server_name: self.server_name.clone(),
            ocsp_response: self.ocsp_response.map(<[u8]>::to_vec),
            resumed: self.resumed,
        }
    }
}

impl CertificateQuestion {
    /// Returns the question, which has the chain and makes the answer.
    #[must_use]
    pub fn question(&self) -> VerifyCertificate<'_> {
        VerifyCertificate {
            id: self.id,
            chain: &self.chain,
            server_name: &self.server_name,
            ocsp_response: self.ocsp_response.as_deref(),
            resumed: self.resumed,
        }
    }
}
