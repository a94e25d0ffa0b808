//! One connection to a PostgreSQL server, for one purpose, within one time limit.

use std::{
    future::Future,
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use breakglass_format::error_class::ErrorClass;
use rustls::{ClientConfig, pki_types::ServerName};
use thiserror::Error;
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::{TcpStream, UnixStream},
};
use tokio_postgres::{
    Client, Config,
    config::SslMode,
    tls::{ChannelBinding, NoTls, TlsConnect, TlsStream},
};

use super::Address;

/// Whom to believe, and for which name.
#[derive(Clone)]
pub struct Tls {
    /// The roots, the provider, the versions.
    pub config: Arc<ClientConfig>,
    /// The name that the certificate must be for.
    pub name: ServerName<'static>,
}

impl std::fmt::Debug for Tls {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Tls").field(&self.name).finish()
    }
}

/// Who logs in.
pub(super) struct Login<'a> {
    pub(super) user: &'a str,
    pub(super) password: &'a str,
}

/// Why a session came to nothing.
#[derive(Debug, Error)]
pub(super) enum Broken {
    /// Nobody is there, or the connection broke before anything was asked for.
    #[error("no connection: {0}")]
    Unreachable(String),
    /// The server says no.
    #[error("the server says {code}: {message}")]
    Server {
        /// SQLSTATE.
        code: String,
        /// Its words.
        message: String,
        /// Whether a change may be under way in spite of it.
        changing: bool,
    },
    /// The connection broke, or the time was over, while a change was under way.
    #[error("the answer was lost: {0}")]
    AnswerLost(String),
    /// There is no such role, or it may not log in.
    #[error("there is no role of this name that may log in")]
    NoRole,
    /// It lets anybody in.
    #[error("the server lets anybody in as this role, whatever the password: see pg_hba.conf")]
    AnyPassword,
}

impl Broken {
    /// What it means for the next attempt.
    pub(super) fn class(&self) -> ErrorClass {
        match self {
            Self::Unreachable(_) => ErrorClass::Transient,
            Self::AnswerLost(_) => ErrorClass::Ambiguous,
            Self::NoRole | Self::AnyPassword => ErrorClass::Permanent,
            // By the class of the SQLSTATE: connections, resources, operators, locks and rollbacks
            // pass; what the server refuses otherwise it refuses the next time as well.
            Self::Server { code, changing, .. } => match code.get(..2) {
                Some("08") if *changing => ErrorClass::Ambiguous,
                Some("57") if *changing => ErrorClass::Ambiguous,
                Some("08" | "53" | "55" | "57" | "58" | "40" | "25" | "XX") => {
                    ErrorClass::Transient
                }
                _ => ErrorClass::Permanent,
            },
        }
    }

    /// What an error of the client means, before (`false`) or while something changes.
    pub(super) fn of(error: &tokio_postgres::Error, changing: bool) -> Self {
        match error.as_db_error() {
            Some(db) => Self::Server {
                code: db.code().code().to_owned(),
                message: db.message().to_owned(),
                changing,
            },
            None if changing => Self::AnswerLost(with_source(error)),
            None => Self::Unreachable(with_source(error)),
        }
    }
}

fn with_source(error: &tokio_postgres::Error) -> String {
    match std::error::Error::source(error) {
        Some(source) => format!("{error}: {source}"),
        None => error.to_string(),
    }
}

/// Work in a session.
pub(super) type Work<'a, T> = Pin<Box<dyn Future<Output = Result<T, Broken>> + 'a>>;

/// How to get there.
pub(super) struct Link<'a> {
    pub(super) address: &'a Address,
    pub(super) database: &'a str,
    pub(super) tls: Option<&'a Tls>,
    pub(super) timeout: Duration,
}

impl Link<'_> {
    /// Logs in, does the work, and lets go. Blocks for the timeout at most.
    pub(super) fn run<T>(
        &self,
        login: &Login<'_>,
        work: impl for<'c> FnOnce(&'c mut Client) -> Work<'c, T>,
    ) -> Result<T, Broken> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|e| Broken::Unreachable(e.to_string()))?;
        runtime.block_on(async {
            let (mut client, connection) = self.within(self.log_in(login)).await?;
            let driver = tokio::spawn(connection);
            let done = match tokio::time::timeout(self.timeout, work(&mut client)).await {
                Ok(done) => done,
                Err(_) => Err(Broken::AnswerLost("no answer in time".to_owned())),
            };
            drop(client);
            driver.abort();
            done
        })
    }

    async fn within<T>(&self, work: impl Future<Output = Result<T, Broken>>) -> Result<T, Broken> {
        match tokio::time::timeout(self.timeout, work).await {
            Ok(done) => done,
            Err(_) => Err(Broken::Unreachable("no answer in time".to_owned())),
        }
    }

    async fn log_in(&self, login: &Login<'_>) -> Result<(Client, Driver), Broken> {
        let mut config = Config::new();
        config
            .user(login.user)
            .password(login.password)
            .dbname(self.database)
            .application_name("breakglass")
            .ssl_mode(match self.tls {
                Some(_) => SslMode::Require,
                None => SslMode::Disable,
            });
        let unreachable = |e: io::Error| Broken::Unreachable(e.to_string());
        match self.address {
            Address::Socket { folder, port } => {
                let path = folder.join(format!(".s.PGSQL.{port}"));
                let stream = UnixStream::connect(path).await.map_err(unreachable)?;
                begin(&config, stream, NoTls).await
            }
            Address::Tcp { host, port } => {
                let stream = TcpStream::connect((host.as_str(), *port));
                let stream = stream.await.map_err(unreachable)?;
                match self.tls {
                    Some(tls) => begin(&config, stream, Handshake(tls.clone())).await,
                    None => begin(&config, stream, NoTls).await,
                }
            }
        }
    }
}

/// What moves the bytes of a session.
type Driver = Pin<Box<dyn Future<Output = ()> + Send>>;

async fn begin<S, T>(config: &Config, stream: S, tls: T) -> Result<(Client, Driver), Broken>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    T: TlsConnect<S>,
    T::Stream: Send + 'static,
{
    let begun = config.connect_raw(stream, tls).await;
    let (client, connection) = begun.map_err(|e| Broken::of(&e, false))?;
    let driver = async {
        // What breaks here the client hears of as well.
        let _ = connection.await;
    };
    Ok((client, Box::pin(driver)))
}

/// TLS on a connection that the server agreed to encrypt.
struct Handshake(Tls);

impl TlsConnect<TcpStream> for Handshake {
    type Stream = Encrypted;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = io::Result<Encrypted>> + Send>>;

    fn connect(self, stream: TcpStream) -> Self::Future {
        Box::pin(async move {
            let connector = tokio_rustls::TlsConnector::from(self.0.config);
            let stream = connector.connect(self.0.name, stream).await?;
            Ok(Encrypted(stream))
        })
    }
}

/// A connection that TLS protects.
struct Encrypted(tokio_rustls::client::TlsStream<TcpStream>);

impl TlsStream for Encrypted {
    fn channel_binding(&self) -> ChannelBinding {
        ChannelBinding::none()
    }
}

impl AsyncRead for Encrypted {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(cx, buf)
    }
}

impl AsyncWrite for Encrypted {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}
