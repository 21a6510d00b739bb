//! TLS as browsers do it, which keeps what the other side has shown even where it is refused.

use std::{path::Path, sync::Arc, time::Duration};

use anyhow::Context as _;
use parking_lot::Mutex;
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme,
    client::{
        WebPkiServerVerifier,
        danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    },
    crypto::ring,
    pki_types::{CertificateDer, ServerName, UnixTime, pem::PemObject as _},
};
use x509_cert::{
    Certificate,
    der::Decode as _,
    ext::pkix::{SubjectAltName, name::GeneralName},
};

/// What is wrong with a certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BadCertificate {
    /// Its time is over.
    Expired,
    /// Its time has not begun.
    NotYet,
    /// It is for other names.
    OtherName(Vec<String>),
    /// It vouches for itself.
    SelfSigned,
    /// Nobody whom we trust vouches for it.
    UnknownIssuer {
        /// Who does.
        issuer: String,
        /// Whether it came alone, without those between it and its authority.
        alone: bool,
    },
    /// Something else.
    Other(String),
}

/// What a server has shown.
#[derive(Debug, Clone, Default)]
pub struct Shown {
    /// When its certificate ends, in seconds since 1970.
    pub not_after: Option<Duration>,
    /// What is wrong with it.
    pub bad: Option<BadCertificate>,
}

/// Whom we trust, and how connections are made safe.
pub struct Tls {
    verifier: Arc<WebPkiServerVerifier>,
}

impl Tls {
    /// The authorities of this machine, and those of a file.
    ///
    /// # Errors
    /// Where the file cannot be read, or there is none at all.
    pub fn new(ca_file: Option<&Path>) -> anyhow::Result<Self> {
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        if let Some(path) = ca_file {
            let bad = || format!("--ca-file {}", path.display());
            for certificate in CertificateDer::pem_file_iter(path).with_context(bad)? {
                roots.add(certificate.with_context(bad)?).with_context(bad)?;
            }
        }
        anyhow::ensure!(!roots.is_empty(), "this machine has no TLS root certificates: install the package ca-certificates");
        let provider = Arc::new(ring::default_provider());
        let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider).build()?;
        Ok(Self { verifier })
    }

    /// A configuration for one connection, and where it leaves what it was shown.
    ///
    /// # Errors
    /// Where the library has no TLS version for us.
    pub fn config(&self) -> Result<(Arc<ClientConfig>, Arc<Mutex<Shown>>), Error> {
        let shown = Arc::new(Mutex::new(Shown::default()));
        let verifier = Arc::new(Recording { inner: self.verifier.clone(), shown: shown.clone() });
        let mut config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()?
            .dangerous()
            .with_custom_certificate_verifier(verifier)
            .with_no_client_auth();
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok((Arc::new(config), shown))
    }
}

/// The library's own verifier decides; this one remembers.
#[derive(Debug)]
struct Recording {
    inner: Arc<WebPkiServerVerifier>,
    shown: Arc<Mutex<Shown>>,
}

impl ServerCertVerifier for Recording {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let verdict = self.inner.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now);
        let certificate = Certificate::from_der(end_entity).ok();
        let not_after = certificate.as_ref().map(|it| it.tbs_certificate.validity.not_after.to_unix_duration());
        let bad = verdict.as_ref().err().map(|error| what_is_bad(error, certificate.as_ref(), intermediates.is_empty()));
        *self.shown.lock() = Shown { not_after, bad };
        verdict
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.inner.verify_tls12_signature(message, cert, dss)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.inner.verify_tls13_signature(message, cert, dss)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.inner.supported_verify_schemes()
    }
}

#[expect(clippy::wildcard_enum_match_arm, reason = "the library has dozens, and adds to them")]
fn what_is_bad(error: &Error, certificate: Option<&Certificate>, alone: bool) -> BadCertificate {
    let (subject, issuer) =
        certificate.map(|it| (it.tbs_certificate.subject.to_string(), it.tbs_certificate.issuer.to_string())).unwrap_or_default();
    let vouches_for_itself = !issuer.is_empty() && subject == issuer;
    match error {
        Error::InvalidCertificate(CertificateError::Expired | CertificateError::ExpiredContext { .. }) => BadCertificate::Expired,
        Error::InvalidCertificate(CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. }) => {
            BadCertificate::NotYet
        }
        Error::InvalidCertificate(CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. }) => {
            BadCertificate::OtherName(certificate.map(names).unwrap_or_default())
        }
        _ if vouches_for_itself => BadCertificate::SelfSigned,
        Error::InvalidCertificate(CertificateError::UnknownIssuer) => BadCertificate::UnknownIssuer { issuer, alone },
        other => BadCertificate::Other(other.to_string()),
    }
}

/// The names that a certificate is for.
fn names(certificate: &Certificate) -> Vec<String> {
    let Ok(Some((_, names))) = certificate.tbs_certificate.get::<SubjectAltName>() else { return Vec::new() };
    let name = |name: GeneralName| if let GeneralName::DnsName(name) = name { Some(name.to_string()) } else { None };
    names.0.into_iter().filter_map(name).collect()
}
