//! Mail, over SMTP.

use std::time::Duration;

use lettre::{
    Message as Mail, SmtpTransport, Transport as _,
    address::AddressError,
    message::{Mailbox, header::ContentType},
    transport::smtp::{
        authentication::Credentials,
        client::{Certificate, CertificateStore, Tls, TlsParameters},
        extension::ClientId,
    },
};

use super::{Message, NotifyError, one_line};

/// How the connection is protected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protection {
    /// It begins in clear and is encrypted before anything is said; port 587.
    StartTls,
    /// It is encrypted from the beginning; port 465.
    Implicit,
    /// Not at all.
    None,
}

/// A mail server that takes mail from us.
pub struct Smtp {
    from: Mailbox,
    transport: SmtpTransport,
    domain: String,
}

impl std::fmt::Debug for Smtp {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Smtp").finish_non_exhaustive()
    }
}

/// Where the server is, and how to speak to it.
#[derive(Debug)]
pub struct Server<'a> {
    /// Name or address.
    pub host: &'a str,
    /// Port.
    pub port: u16,
    /// How the connection is protected.
    pub protection: Protection,
    /// Certificates to believe, DER.
    pub roots: Vec<Vec<u8>>,
    /// Longest wait for each answer.
    pub timeout: Duration,
}

impl Smtp {
    /// Sends from this address through this server, as this user where there is one.
    ///
    /// # Errors
    ///
    /// The address or a certificate is none.
    pub fn new(
        from: &str,
        server: Server<'_>,
        user: Option<(String, String)>,
    ) -> Result<Self, NotifyError> {
        let from: Mailbox = from
            .parse()
            .map_err(|_: AddressError| NotifyError::Unusable("from is no address".to_owned()))?;
        let domain = from.email.domain().to_owned();
        let tls = match server.protection {
            Protection::StartTls => Tls::Required(believing(&server)?),
            Protection::Implicit => Tls::Wrapper(believing(&server)?),
            Protection::None => Tls::None,
        };
        let mut transport = SmtpTransport::builder_dangerous(server.host)
            .port(server.port)
            .tls(tls)
            .hello_name(ClientId::Domain(domain.clone()))
            .timeout(Some(server.timeout));
        if let Some((user, password)) = user {
            transport = transport.credentials(Credentials::new(user, password));
        }
        Ok(Self {
            from,
            transport: transport.build(),
            domain,
        })
    }

    /// Hands a message for one person over.
    ///
    /// # Errors
    ///
    /// It was not taken, or the address is none.
    pub fn send(&self, address: &str, message: &Message) -> Result<(), NotifyError> {
        let to: Mailbox = address
            .parse()
            .map_err(|_: AddressError| NotifyError::Unusable("no address".to_owned()))?;
        let mail = Mail::builder()
            .from(self.from.clone())
            .to(to)
            .subject(one_line(&message.subject))
            .message_id(Some(format!("<{}@{}>", message.id, self.domain)))
            .header(ContentType::TEXT_PLAIN)
            .body(message.text.clone())
            .map_err(|e| NotifyError::Unusable(e.to_string()))?;
        match self.transport.send(&mail) {
            Ok(_) => Ok(()),
            // What a server says to a refusal may repeat the address; its code does not.
            Err(error) if error.is_permanent() || error.is_transient() => {
                let code = error.status().map(|c| c.to_string());
                Err(NotifyError::Refused(code.unwrap_or_default()))
            }
            Err(error) if error.is_timeout() => {
                Err(NotifyError::Unreachable("no answer in time".to_owned()))
            }
            Err(error) if error.is_tls() => Err(NotifyError::Unreachable("TLS failed".to_owned())),
            Err(_) => Err(NotifyError::Unreachable("no connection".to_owned())),
        }
    }

    /// Whether something is an address that mail can be sent to.
    #[must_use]
    pub fn is_address(text: &str) -> bool {
        text.parse::<Mailbox>().is_ok()
    }
}

fn believing(server: &Server<'_>) -> Result<TlsParameters, NotifyError> {
    let unusable =
        |e: lettre::transport::smtp::Error| NotifyError::Unusable(format!("certificates: {e}"));
    let mut tls =
        TlsParameters::builder(server.host.to_owned()).certificate_store(CertificateStore::None);
    for root in &server.roots {
        let root = Certificate::from_der(root.clone()).map_err(unusable)?;
        tls = tls.add_root_certificate(root);
    }
    tls.build().map_err(unusable)
}
