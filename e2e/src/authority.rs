//! An authority of our own, that signs certificates good and bad.

use std::{
    fs,
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use anyhow::{Context as _, Result};
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, date_time_ymd};

/// What kind of certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// As it should be.
    Good,
    /// Its time is over.
    Expired,
    /// Its time is over in three days.
    EndsSoon,
    /// It vouches for itself.
    SelfSigned,
}

/// The authority.
pub struct Authority {
    /// Its certificate, as a file.
    pub file: PathBuf,
    directory: PathBuf,
    issuer: Issuer<'static, KeyPair>,
}

/// A certificate and its key, as files.
#[derive(Debug, Clone)]
pub struct Pair {
    /// The certificate.
    pub certificate: PathBuf,
    /// Its key.
    pub key: PathBuf,
}

impl Authority {
    /// A new one, which keeps its files here.
    ///
    /// # Errors
    /// Where they cannot be written.
    pub fn new(directory: &Path) -> Result<Self> {
        let mut params = CertificateParams::new(Vec::new())?;
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, "an authority for tests");
        let key = KeyPair::generate()?;
        let file = directory.join("authority.pem");
        fs::write(&file, params.self_signed(&key)?.pem()).with_context(|| file.display().to_string())?;
        Ok(Self { file, directory: directory.to_owned(), issuer: Issuer::new(params, key) })
    }

    /// A certificate for these names.
    ///
    /// # Errors
    /// Where it cannot be written.
    #[expect(clippy::disallowed_methods, reason = "a certificate ends at a time of day")]
    pub fn issue(&self, names: &[&str], kind: Kind) -> Result<Pair> {
        let mut params = CertificateParams::new(names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>())?;
        params.distinguished_name.push(DnType::CommonName, names.first().copied().unwrap_or_default());
        let now = date_time_ymd(1970, 1, 1) + SystemTime::now().duration_since(SystemTime::UNIX_EPOCH)?;
        params.not_before = now - Duration::from_hours(24 * 30);
        params.not_after = match kind {
            Kind::Good | Kind::SelfSigned => now + Duration::from_hours(24 * 60 + 12),
            Kind::Expired => now - Duration::from_hours(24),
            Kind::EndsSoon => now + Duration::from_hours(24 * 3 + 12),
        };
        let key = KeyPair::generate()?;
        let signed = if kind == Kind::SelfSigned { params.self_signed(&key)? } else { params.signed_by(&key, &self.issuer)? };
        let name = xtask::random_hex(4);
        let pair =
            Pair { certificate: self.directory.join(format!("{name}.pem")), key: self.directory.join(format!("{name}.key")) };
        fs::write(&pair.certificate, signed.pem())?;
        fs::write(&pair.key, key.serialize_pem())?;
        Ok(pair)
    }
}
