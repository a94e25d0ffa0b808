//! The one HTTP client of the server, and whom it believes when it speaks TLS.
//!
//! Every outbound call is configured by whoever runs the server, follows no redirect, uses no
//! proxy, and ends in time.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use thiserror::Error;
use ureq::tls::{Certificate, PemItem, RootCerts, TlsConfig, parse_pem};

/// Where systems keep the certificates they trust.
const SYSTEM_FILES: [&str; 4] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
];
/// A file of certificates longer than this is none.
const FILE_BYTES_MAX: u64 = 4 * 1024 * 1024;

/// Why there is nobody to believe.
#[derive(Debug, Error)]
pub enum TrustError {
    /// The file cannot be read.
    #[error("{} cannot be read: {source}", .path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The file holds no certificate, or one that cannot be read.
    #[error("{} holds no certificate in PEM form that can be read", .path.display())]
    NoCertificate {
        /// The file.
        path: PathBuf,
    },
}

/// Whom to believe: with a file its certificates and no others, else the system's. `None` where
/// there are neither; then nothing is spoken to over TLS.
///
/// # Errors
///
/// The file cannot be read or holds no certificate.
pub fn trust(ca_file: Option<&Path>) -> Result<Option<TlsConfig>, TrustError> {
    let system = || {
        let mut files = SYSTEM_FILES.iter().map(Path::new);
        files.find(|path| path.is_file())
    };
    let Some(path) = ca_file.or_else(system) else {
        return Ok(None);
    };
    Ok(Some(believing(read(path)?)))
}

fn believing(certificates: Vec<Certificate<'static>>) -> TlsConfig {
    let provider = rustls::crypto::ring::default_provider();
    TlsConfig::builder()
        .root_certs(RootCerts::Specific(Arc::new(certificates)))
        .unversioned_rustls_crypto_provider(Arc::new(provider))
        .build()
}

/// The certificates to believe, DER.
///
/// # Errors
///
/// See [`trust`]; there is nobody to believe at all.
pub(crate) fn roots(ca_file: Option<&Path>) -> Result<Vec<Vec<u8>>, TrustError> {
    let system = || SYSTEM_FILES.iter().map(Path::new).find(|p| p.is_file());
    let none = || TrustError::NoCertificate {
        path: SYSTEM_FILES[0].into(),
    };
    let path = ca_file.or_else(system).ok_or_else(none)?;
    Ok(read(path)?.into_iter().map(|c| c.der().to_vec()).collect())
}

/// The same, for protocols that begin in clear and are encrypted then.
///
/// # Errors
///
/// See [`trust`]; there is nobody to believe at all.
pub(crate) fn tls_client(ca_file: Option<&Path>) -> Result<Arc<rustls::ClientConfig>, TrustError> {
    let mut believed = rustls::RootCertStore::empty();
    let ders = roots(ca_file)?.into_iter().map(Into::into);
    believed.add_parsable_certificates(ders);
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|_| TrustError::NoCertificate {
            path: SYSTEM_FILES[0].into(),
        })?
        .with_root_certificates(believed)
        .with_no_client_auth();
    Ok(Arc::new(config))
}

/// A client whose calls end after this time.
///
/// # Errors
///
/// See [`trust`].
pub fn client(ca_file: Option<&Path>, timeout: Duration) -> Result<ureq::Agent, TrustError> {
    let config = ureq::Agent::config_builder()
        .http_status_as_error(false)
        .max_redirects(0)
        .max_redirects_will_error(false)
        .proxy(None)
        .timeout_global(Some(timeout))
        // Who believes nobody finds that every certificate is unknown.
        .tls_config(trust(ca_file)?.unwrap_or_else(|| believing(Vec::new())));
    Ok(config.build().into())
}

/// Whether a URL leads to this machine, where nobody reads along.
pub(crate) fn is_on_this_machine(url: &str) -> bool {
    [
        "http://127.0.0.1:",
        "http://127.0.0.1/",
        "http://localhost:",
        "http://localhost/",
        "http://[::1]",
    ]
    .iter()
    .any(|beginning| url.starts_with(beginning))
}

fn read(path: &Path) -> Result<Vec<Certificate<'static>>, TrustError> {
    use std::io::Read as _;
    let cannot = |source| TrustError::Read {
        path: path.to_owned(),
        source,
    };
    let none = || TrustError::NoCertificate {
        path: path.to_owned(),
    };
    let mut content = Vec::new();
    let file = std::fs::File::open(path).map_err(cannot)?;
    file.take(FILE_BYTES_MAX)
        .read_to_end(&mut content)
        .map_err(cannot)?;
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_speaks_no_tls_or_is_not_believed_is_an_error() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("https://{}/", listener.local_addr().unwrap());
        let server = std::thread::spawn(move || {
            use std::io::Write as _;
            let (mut stream, _) = listener.accept().unwrap();
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n");
        });
        let client = client(None, Duration::from_secs(4)).unwrap();
        assert!(client.get(&url).call().is_err());
        server.join().unwrap();
    }

    #[test]
    fn a_file_that_holds_no_certificate_is_named() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let error = trust(Some(file.path())).unwrap_err();
        assert!(matches!(error, TrustError::NoCertificate { .. }), "{error}");
        let missing = trust(Some(Path::new("/nowhere/ca.pem"))).unwrap_err();
        assert!(matches!(missing, TrustError::Read { .. }), "{missing}");
    }
}
