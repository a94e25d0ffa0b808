//! Listening: TLS or loopback, so many connections at a time, so long for a request to arrive.

use std::{net::SocketAddr, path::PathBuf, sync::Arc, time::Duration};

use axum::{Router, extract::ConnectInfo};
use hyper::server::conn::http1;
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _};
use thiserror::Error;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, TcpStream},
    sync::{Semaphore, watch},
};
use tokio_rustls::TlsAcceptor;

use super::patient::Patient;
use crate::config::{Config, Limits, Tls};

/// Why the server cannot listen.
#[derive(Debug, Error)]
pub enum ListenError {
    /// The address cannot be had.
    #[error("cannot listen on {address}")]
    Bind {
        /// The address.
        address: SocketAddr,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// Certificate or key cannot be read.
    #[error("TLS file {path}: {detail}")]
    Pem {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        detail: String,
    },
    /// Certificate and key do not go together.
    #[error("TLS: {0}")]
    Tls(#[from] rustls::Error),
}

/// A socket that is bound, with what it takes to serve it.
pub struct Listening {
    listener: TcpListener,
    tls: Option<TlsAcceptor>,
    limits: Limits,
    address: SocketAddr,
}

/// Binds the configured address.
pub(crate) async fn listen(config: &Config) -> Result<Listening, ListenError> {
    Listening::bind(config.listen, config.tls.as_ref(), &config.limits).await
}

/// Binds the address for metrics, where one is configured. It is loopback.
pub(crate) async fn listen_for_metrics(config: &Config) -> Result<Option<Listening>, ListenError> {
    match config.metrics_listen {
        None => Ok(None),
        Some(address) => {
            let listening = Listening::bind(address, None, &config.limits).await?;
            Ok(Some(listening))
        }
    }
}

fn acceptor(tls: &Tls) -> Result<TlsAcceptor, ListenError> {
    let pem = |path: &PathBuf| {
        let path = path.clone();
        move |e: rustls::pki_types::pem::Error| ListenError::Pem {
            path,
            detail: e.to_string(),
        }
    };
    let chain: Result<Vec<_>, _> = CertificateDer::pem_file_iter(&tls.certificate_file)
        .map_err(pem(&tls.certificate_file))?
        .collect();
    let chain = chain.map_err(pem(&tls.certificate_file))?;
    crate::custody::read_secret(&tls.key_file).map_err(|e| ListenError::Pem {
        path: tls.key_file.clone(),
        detail: e.to_string(),
    })?;
    let key = PrivateKeyDer::from_pem_file(&tls.key_file).map_err(pem(&tls.key_file))?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(chain, key)?;
    Ok(TlsAcceptor::from(Arc::new(config)))
}

impl std::fmt::Debug for Listening {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Listening")
            .field("address", &self.address)
            .finish_non_exhaustive()
    }
}

impl Listening {
    /// Takes an address, with TLS or without.
    ///
    /// # Errors
    ///
    /// The address cannot be had, or certificate and key cannot be used.
    pub async fn bind(
        address: SocketAddr,
        tls: Option<&Tls>,
        limits: &Limits,
    ) -> Result<Self, ListenError> {
        let tls = tls.map(acceptor).transpose()?;
        let failed = |source| ListenError::Bind { address, source };
        let listener = TcpListener::bind(address).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        Ok(Self {
            listener,
            tls,
            limits: limits.clone(),
            address,
        })
    }

    /// The address, with the port that the system chose where none was named.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves until told to stop.
    pub async fn serve(self, router: Router, mut stop: watch::Receiver<bool>) {
        let places = Arc::new(Semaphore::new(self.limits.connections));
        let timeout = Duration::from_secs(self.limits.read_timeout_s);
        loop {
            let place = places.clone().acquire_owned().await;
            let accepted = tokio::select! {
                accepted = self.listener.accept() => accepted,
                _ = stop.changed() => return,
            };
            let (Ok(place), Ok((stream, peer))) = (place, accepted) else {
                continue;
            };
            let (router, tls, stop) = (router.clone(), self.tls.clone(), stop.clone());
            tokio::spawn(async move {
                let _place = place;
                answer(stream, peer, tls, router, timeout, stop).await;
            });
        }
    }
}

async fn answer(
    stream: TcpStream,
    peer: SocketAddr,
    tls: Option<TlsAcceptor>,
    router: Router,
    timeout: Duration,
    stop: watch::Receiver<bool>,
) {
    // Small answers should not wait for more; a socket without the option still works.
    let _ = stream.set_nodelay(true);
    let stream = Patient::new(stream, timeout);
    match tls {
        None => http(stream, peer, router, timeout, stop).await,
        Some(tls) => {
            let handshake = tokio::time::timeout(timeout, tls.accept(stream)).await;
            if let Ok(Ok(stream)) = handshake {
                http(stream, peer, router, timeout, stop).await;
            }
        }
    }
}

async fn http<S>(
    stream: S,
    peer: SocketAddr,
    router: Router,
    timeout: Duration,
    mut stop: watch::Receiver<bool>,
) where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let router = router.layer(axum::Extension(ConnectInfo(peer)));
    let service = TowerToHyperService::new(router);
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(timeout)
        .max_buf_size(64 * 1024)
        .serve_connection(TokioIo::new(stream), service);
    let mut connection = std::pin::pin!(connection);
    tokio::select! {
        // A broken connection concerns only its peer.
        _ = connection.as_mut() => {}
        _ = stop.changed() => {
            connection.as_mut().graceful_shutdown();
            let _ = tokio::time::timeout(timeout, connection).await;
        }
    }
}
