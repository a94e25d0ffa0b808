//! Targets of our own, from the configuration.

use std::time::Duration;

use breakglass_connectors::rotate::postgres::{Address, PostgresRotator, Tls};
use rustls::pki_types::ServerName;
use zeroize::Zeroizing;

use crate::{config::Postgres, custody::read_secret, outbound, start::StartError};

/// The rotator of a PostgreSQL server.
pub(crate) fn postgres(name: &str, config: &Postgres) -> Result<PostgresRotator, StartError> {
    let unusable = |detail: String| StartError::Target {
        name: name.to_owned(),
        detail,
    };
    let password = read_secret(&config.password_file)?;
    let password = std::str::from_utf8(&password)
        .map_err(|_| unusable("its password file holds no text".to_owned()))?;
    let address = if config.host.starts_with('/') {
        Address::Socket {
            folder: config.host.clone().into(),
            port: config.port,
        }
    } else {
        Address::Tcp {
            host: config.host.clone(),
            port: config.port,
        }
    };
    Ok(PostgresRotator {
        tls: tls(config).map_err(unusable)?,
        address,
        database: config.database.clone(),
        user: config.user.clone(),
        password: Zeroizing::new(password.trim_end_matches('\n').to_owned()),
        timeout: Duration::from_secs(config.timeout_s),
    })
}

/// On this machine nothing is encrypted unless somebody says whom to believe; beyond it everything
/// is, unless somebody says that it need not be.
fn tls(config: &Postgres) -> Result<Option<Tls>, String> {
    let wanted = config.ca_file.is_some() || config.tls_name.is_some();
    if config.host.starts_with('/') || (!wanted && (config.is_local() || config.danger_no_tls)) {
        return Ok(None);
    }
    let name = config.tls_name.as_ref().unwrap_or(&config.host).clone();
    let name = ServerName::try_from(name).map_err(|e| e.to_string())?;
    let config = outbound::tls_client(config.ca_file.as_deref()).map_err(|e| e.to_string())?;
    Ok(Some(Tls { config, name }))
}
