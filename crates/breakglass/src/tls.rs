//! Whom the client believes when it speaks TLS: the certificates of a file, or the system's.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use thiserror::Error;
use ureq::tls::{Certificate, PemItem, RootCerts, TlsConfig, parse_pem};

use crate::state::{StateError, file};

/// Where systems keep the certificates they trust.
const SYSTEM_FILES: [&str; 4] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
];

/// Why there is nobody to believe.
#[derive(Debug, Error)]
pub enum TlsError {
    /// The file cannot be read.
    #[error(transparent)]
    State(#[from] StateError),
    /// The file holds no certificate, or one that cannot be read.
    #[error("{} holds no certificate in PEM form that can be read", .path.display())]
    NoCertificate {
        /// The file.
        path: PathBuf,
    },
}

/// The TLS configuration for the servers: with a file its certificates and no others, else the
/// system's. `None` where there are neither; then only loopback servers can be spoken to.
///
/// # Errors
///
/// The file cannot be read or holds no certificate.
pub fn config(ca_file: Option<&Path>) -> Result<Option<TlsConfig>, TlsError> {
    let system = || {
        let mut files = SYSTEM_FILES.iter().map(Path::new);
        files.find(|path| path.is_file())
    };
    let Some(path) = ca_file.or_else(system) else {
        return Ok(None);
    };
    let certificates = read(path)?;
    let provider = rustls::crypto::ring::default_provider();
    Ok(Some(
        TlsConfig::builder()
            .root_certs(RootCerts::Specific(Arc::new(certificates)))
            .unversioned_rustls_crypto_provider(Arc::new(provider))
            .build(),
    ))
}

fn read(path: &Path) -> Result<Vec<Certificate<'static>>, TlsError> {
    let none = || TlsError::NoCertificate {
        path: path.to_owned(),
    };
    let content = file::read(path)?.ok_or_else(none)?;
    let mut certificates = Vec::new();
    for item in parse_pem(&content) {
        if let PemItem::Certificate(certificate) = item.map_err(|_| none())? {
            certificates.push(certificate);
        }
    }
    if certificates.is_empty() {
        return Err(none());
    }
    Ok(certificates)
}
