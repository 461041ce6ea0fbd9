//! Stapled OCSP responses, in which the issuer of a certificate tells its status
//! ([RFC 6960](https://www.rfc-editor.org/rfc/rfc6960)).
//!
//! Only the outer structure of a response is parsed before its signature is checked.

mod response;

use super::certificate::{PeerCertificate, Usage};
use super::chain::Link;
use super::form::Form;
use super::name::canonical_name;
use super::path::IssuerPath;
use super::roots::Root;
use super::signatures::{Signature, SignatureRules, SignerKey, as_dyn};
use crate::crypto::hash::SignatureHash;
use crate::error::{CertificateFault, OcspFault};
use pki_types::{TrustAnchor, UnixTime};
use response::{Basic, CertId, Outer, Responder, ResponseData, SingleResponse, Status};
use webpki::{EndEntityCert, KeyUsage, anchor_from_trusted_cert};
use x509_parser::oid_registry::{
    OID_HASH_SHA1, OID_NIST_HASH_SHA256, OID_NIST_HASH_SHA384, OID_NIST_HASH_SHA512,
};

/// id-kp-OCSPSigning, 1.3.6.1.5.5.7.3.9.
const OCSP_SIGNING: &[u8] = b"\x2b\x06\x01\x05\x05\x07\x03\x09";

/// A certificate about which a response is required.
pub(super) struct Subject<'c> {
    certificate: &'c PeerCertificate<'c>,
    issuer: Issuer<'c>,
    now: UnixTime,
}

/// The issuer of that certificate.
#[derive(Clone, Copy)]
enum Issuer<'c> {
    Intermediate(&'c Link<'c>),
    Root(Root<'c>),
}

impl<'c> Issuer<'c> {
    /// The issuer of a path's leaf; `None` for a pinned certificate.
    fn of_leaf(path: &IssuerPath<'c>) -> Option<Self> {
        match path.intermediates().first() {
            Some(intermediate) => Some(Self::Intermediate(intermediate)),
            None => path.root().map(Self::Root),
        }
    }

    fn signer(self) -> Signer<'c> {
        match self {
            Self::Intermediate(link) => Signer::of(link.certificate()),
            Self::Root(root) => Signer {
                name: root.subject_der(),
                key: root.public_key_info(),
            },
        }
    }

    /// The issuer as a trust anchor, for certificates of the responders that it authorized.
    fn as_anchor(self) -> Option<TrustAnchor<'c>> {
        match self {
            Self::Intermediate(link) => anchor_from_trusted_cert(link.form().der()).ok(),
            Self::Root(root) => Some(root.anchor.clone()),
        }
    }
}

/// The signer of a response: name and SubjectPublicKeyInfo in DER.
#[derive(Clone, Copy)]
struct Signer<'c> {
    name: &'c [u8],
    key: &'c [u8],
}

impl<'c> Subject<'c> {
    /// The leaf of a path; `None` if it is pinned and its issuer is not known.
    pub(super) fn new(path: &IssuerPath<'c>, now: UnixTime) -> Option<Self> {
        Some(Self {
            certificate: path.leaf().certificate(),
            issuer: Issuer::of_leaf(path)?,
            now,
        })
    }

    /// Accepts a response with status "good" for the certificate, and returns the time at which it
    /// expires: "OCSP clients SHALL confirm" the points of
    /// [RFC 6960 section 3.2](https://www.rfc-editor.org/rfc/rfc6960#section-3.2).
    pub(super) fn is_good_by(
        &self,
        response: &[u8],
        rules: &SignatureRules<'_>,
    ) -> Result<UnixTime, CertificateFault> {
        let basic = match Outer::read(response).ok_or(OcspFault::Malformed)? {
            Outer::Basic(basic) => Basic::read(basic).ok_or(OcspFault::Malformed)?,
            Outer::Unsuccessful => return Err(OcspFault::Unsuccessful.into()),
        };
        let signer = self.signer(&basic, rules);
        if rules.is_exhausted() {
            return Err(CertificateFault::TooMuchWork);
        }
        let signer = signer?;
        let data = ResponseData::read(basic.data).ok_or(OcspFault::Malformed)?;
        if !signer.is(&data.responder) {
            return Err(OcspFault::Responder.into());
        }
        // No extension is supported.
        if data.has_critical_extension() {
            return Err(OcspFault::Malformed.into());
        }
        self.is_good_in(&data)
    }

    /// "2. The signature on the response is valid; 3. The identity of the signer matches the
    /// intended recipient of the request; 4. The signer is currently authorized to provide a
    /// response for the certificate in question": it is the certificate's issuer, or one "issued
    /// directly by the CA" that has OCSPSigning among its purposes.
    ///
    /// The revocation status of a responder's certificate is not checked.
    fn signer<'b>(
        &self,
        basic: &Basic<'b>,
        rules: &SignatureRules<'_>,
    ) -> Result<Signer<'b>, OcspFault>
    where
        'c: 'b,
    {
        let signature = basic.signature.ok_or(OcspFault::BadSignature)?;
        let signature = Signature::over(basic.data, basic.algorithm, signature);
        let issuer = self.issuer.signer();
        if issuer.signed(&signature, rules) {
            return Ok(issuer);
        }
        let anchor = self.issuer.as_anchor();
        let certificates = basic.certificates.iter();
        let mut authorized =
            certificates.filter_map(|der| self.authorized(der, anchor.as_ref()?, rules)).peekable();
        if authorized.peek().is_none() && !basic.certificates.is_empty() {
            return Err(OcspFault::Responder);
        }
        let mut signers = authorized.filter(|signer| signer.signed(&signature, rules));
        signers.next().ok_or(OcspFault::BadSignature)
    }

    /// The responder with this certificate, if the issuer authorized it.
    fn authorized<'b>(
        &self,
        der: &'b [u8],
        issuer: &TrustAnchor<'_>,
        rules: &SignatureRules<'_>,
    ) -> Option<Signer<'b>> {
        let certificate = PeerCertificate::parse(der).ok()?;
        certificate.require_key_usage(Usage::DigitalSignature).ok()?;
        let form = Form::of(&certificate);
        let own_rules = rules.beside(form.rewritten());
        let algorithms = own_rules.algorithms();
        let issuer = core::slice::from_ref(issuer);
        let purpose = KeyUsage::required(OCSP_SIGNING);
        EndEntityCert::try_from(form.der())
            .ok()?
            .verify_for_usage(
                &as_dyn(&algorithms),
                issuer,
                &[],
                self.now,
                purpose,
                None,
                None,
            )
            .ok()?;
        rules.rely_on_all_of(&own_rules);
        Some(Signer::of(&certificate))
    }

    /// "1. The certificate identified in a received response corresponds to the certificate that
    /// was identified in the corresponding request". Every status in the response about it must be
    /// "good".
    fn is_good_in(&self, data: &ResponseData<'_>) -> Result<UnixTime, CertificateFault> {
        let issuer = self.issuer.signer();
        // Without the issuer's key bits no response can be matched to its certificate.
        let issuer_key = SignerKey::read(issuer.key).ok_or(OcspFault::OtherCertificate)?;
        let responses = data.responses.iter();
        let about_it = responses.filter(|single| self.is(&single.id, issuer_key.key()));
        let ends = about_it.map(|single| {
            let end = self.check_freshness(data, single)?;
            match single.status {
                Status::Good => Ok(end),
                Status::Revoked => Err(CertificateFault::Revoked),
                Status::Unknown => Err(OcspFault::UnknownStatus.into()),
            }
        });
        let ends: Vec<UnixTime> = ends.collect::<Result<_, _>>()?;
        Ok(ends.into_iter().min().ok_or(OcspFault::OtherCertificate)?)
    }

    /// Returns true if a response is about the certificate.
    ///
    /// "The hash shall be calculated over the DER encoding of the issuer's name field in the
    /// certificate being checked"
    /// ([RFC 6960 section 4.1.1](https://www.rfc-editor.org/rfc/rfc6960#section-4.1.1)). Some hash
    /// the name in the issuer's own certificate, which is the same name in other bytes, perhaps.
    fn is(&self, id: &CertId<'_>, issuer_key: &[u8]) -> bool {
        id.serial == self.certificate.serial()
            && hash(id).is_some_and(|hash| {
                let names = [self.certificate.issuer_der(), self.issuer.signer().name];
                let mut names = names.into_iter();
                names.any(|name| id.name_hash == hash.of(&[name]))
                    && id.key_hash == hash.of(&[issuer_key])
            })
    }

    /// "5. The time at which the status being indicated is known to be correct (thisUpdate) is
    /// sufficiently recent; 6. When available, the time at or before which newer information will
    /// be available about the status of the certificate (nextUpdate) is greater than the current
    /// time." A response without nextUpdate is refused, because nothing tells that it is recent.
    /// Returns nextUpdate.
    fn check_freshness(
        &self,
        data: &ResponseData<'_>,
        single: &SingleResponse<'_>,
    ) -> Result<UnixTime, OcspFault> {
        let next_update = single.next_update.ok_or(OcspFault::NoNextUpdate)?;
        if data.produced_at > self.now || single.this_update > self.now {
            return Err(OcspFault::NotYetValid);
        }
        if next_update <= self.now {
            return Err(OcspFault::Expired);
        }
        Ok(next_update)
    }
}

impl<'c> Signer<'c> {
    fn of(certificate: &PeerCertificate<'c>) -> Self {
        Self {
            name: certificate.subject_der(),
            key: certificate.public_key_info(),
        }
    }

    fn signed(&self, signature: &Signature, rules: &SignatureRules<'_>) -> bool {
        SignerKey::read(self.key).is_some_and(|key| rules.verify(signature, key, None).is_ok())
    }

    fn is(&self, responder: &Responder<'_>) -> bool {
        match responder {
            Responder::ByName(name) => canonical_name(self.name).is_some_and(|own| own == *name),
            // "KeyHash ::= OCTET STRING -- SHA-1 hash of responder's public key".
            Responder::ByKey(hash) => SignerKey::read(self.key)
                .is_some_and(|key| *hash == SignatureHash::Sha1.of(&[key.key()])),
        }
    }
}

impl From<OcspFault> for CertificateFault {
    fn from(fault: OcspFault) -> Self {
        Self::Ocsp(fault)
    }
}

fn hash(id: &CertId<'_>) -> Option<SignatureHash> {
    let hashes = [
        (OID_HASH_SHA1, SignatureHash::Sha1),
        (OID_NIST_HASH_SHA256, SignatureHash::Sha256),
        (OID_NIST_HASH_SHA384, SignatureHash::Sha384),
        (OID_NIST_HASH_SHA512, SignatureHash::Sha512),
    ];
    let (_, hash) = hashes.into_iter().find(|(its, _)| *its == id.hash)?;
    Some(hash)
}

#[cfg(test)]
mod tests {
    use super::response::MAX_RESPONDERS;
    use super::*;
    use crate::verify::chain::Chain;
    use crate::verify::der::sequence;
    use crate::verify::testing::{
        DAY, Key, NOW, ROOT, algorithm, at, authority, bit_string, name, public_key_info, roots,
        search, server, server_by_authority, tagged,
    };

    const GOOD: &[u8] = &[0x80, 0];
    const UNKNOWN: &[u8] = &[0x82, 0];

    fn generalized_time(seconds: u64) -> Vec<u8> {
        let since_1970 = core::time::Duration::from_secs(seconds);
        let time = x509_cert::der::asn1::GeneralizedTime::from_unix_duration(since_1970);
        x509_cert::der::Encode::to_der(&time.unwrap()).unwrap()
    }

    /// A BasicOCSPResponse of this signer about the server's certificate from the root.
    fn basic(signer: Key, serial: u8, status: &[u8], next_update: u64) -> Vec<u8> {
        let sha1 = sequence(&[b"\x06\x05\x2b\x0e\x03\x02\x1a\x05\x00"]);
        let key = public_key_info(Key::Root);
        let key = SignerKey::read(&key).unwrap().key();
        let hashed = |bytes: &[u8]| tagged(4, &SignatureHash::Sha1.of(&[bytes]));
        let id = sequence(&[&sha1, &hashed(&name(ROOT)), &hashed(key), &[2, 1, serial]]);
        let now = generalized_time(NOW - DAY);
        let next_update = tagged(0xa0, &generalized_time(next_update));
        let single = sequence(&[&id, status, &now, &next_update]);
        let responder = tagged(0xa1, &name(ROOT));
        let data = sequence(&[&responder, &now, &sequence(&[&single])]);
        sequence(&[&signer.sign(&data)])
    }

    /// A successful response with this in it.
    fn response(basic: &[u8]) -> Vec<u8> {
        let typ = b"\x06\x09\x2b\x06\x01\x05\x05\x07\x30\x01\x01";
        let bytes = sequence(&[typ, &tagged(4, basic)]);
        sequence(&[b"\x0a\x01\x00", &tagged(0xa0, &bytes)])
    }

    /// The verdict on the server's certificate from the root.
    fn judged(response: &[u8]) -> Result<UnixTime, CertificateFault> {
        let received = [server().build()];
        let (chain, roots) = (Chain::read(&received).unwrap(), roots());
        let rules = SignatureRules::default();
        let path = search(&chain, &roots).now(chain.leaf().form(), &rules);
        let subject = Subject::new(&path.unwrap(), at(NOW)).unwrap();
        subject.is_good_by(response, &rules)
    }

    #[test]
    fn only_the_issuer_says_that_a_certificate_is_good() {
        let end = NOW + DAY;
        let by =
            |signer, serial, status, end| judged(&response(&basic(signer, serial, status, end)));
        assert_eq!(by(Key::Root, 42, GOOD, end), Ok(at(end)));
        for (verdict, fault) in [
            (by(Key::Server, 42, GOOD, end), OcspFault::BadSignature),
            (by(Key::Root, 41, GOOD, end), OcspFault::OtherCertificate),
            (by(Key::Root, 42, UNKNOWN, end), OcspFault::UnknownStatus),
            (by(Key::Root, 42, GOOD, NOW), OcspFault::Expired),
            (judged(&[]), OcspFault::Malformed),
            (judged(b"\x30\x03\x0a\x01\x01"), OcspFault::Unsuccessful),
            (judged(&response(&[0x30, 0])), OcspFault::Malformed),
        ] {
            assert_eq!(verdict, Err(fault.into()));
        }
    }

    #[test]
    fn a_pinned_certificate_has_no_issuer() {
        let received = [server().build()];
        let chain = Chain::read(&received).unwrap();
        assert!(Subject::new(&IssuerPath::pinned(chain.leaf()), at(NOW)).is_none());
    }

    #[test]
    fn the_issuer_is_the_next_on_the_path() {
        let received = [server_by_authority().build(), authority().build()];
        let (chain, roots) = (Chain::read(&received).unwrap(), roots());
        let path = search(&chain, &roots).now(chain.leaf().form(), &SignatureRules::default());
        let subject = Subject::new(&path.unwrap(), at(NOW)).unwrap();
        let signer = subject.issuer.signer();
        assert_eq!(signer.name, name("CN=Authority"));
        assert_eq!(signer.key, public_key_info(Key::Authority));
        let anchor = subject.issuer.as_anchor().unwrap();
        assert_eq!(sequence(&[&anchor.subject]), signer.name);
        assert_eq!(sequence(&[&anchor.subject_public_key_info]), signer.key);
    }

    #[test]
    fn the_frame_of_a_response_is_read_before_its_signature_is_checked() {
        let certificate = sequence(&[&[5, 0]]);
        let frame = |signature: &[u8], certificates: &[u8]| {
            sequence(&[&sequence(&[]), &algorithm(), signature, certificates])
        };
        let many = tagged(0xa0, &sequence(&[&certificate.repeat(5)]));
        let whole = frame(&bit_string(&[1, 2]), &many);
        let basic = Basic::read(&whole).unwrap();
        assert_eq!(basic.signature, Some(&[1, 2][..]));
        assert_eq!(basic.data, sequence(&[]));
        assert_eq!(basic.certificates, [&*certificate; MAX_RESPONDERS]);

        let with_unused_bits = frame(&[3, 2, 4, 0xf0], &[]);
        let basic = Basic::read(&with_unused_bits).unwrap();
        assert_eq!(basic.signature, None);
        assert!(basic.certificates.is_empty());

        let trailing = [&*whole, &[0]].concat();
        let other_tag = frame(&bit_string(&[1]), &tagged(0xa1, &sequence(&[])));
        for malformed in [&trailing, &other_tag] {
            assert!(Basic::read(malformed).is_none());
        }
    }
}
