//! What the configuration names outside: rotators, connectors, probes, ways to reach people.

use std::{collections::BTreeMap, path::Path, sync::Arc, time::Duration};

use breakglass_connectors::{
    command::Command as Program,
    deploy::{Connector, command::CommandConnector},
    probe::{self, Probe, command::CommandProbe, http::HttpProbe},
    rotate::{
        Rotator,
        command::CommandRotator,
        postgres::{Address, PostgresRotator, Tls},
    },
};
use breakglass_sinks::notify::{
    smtp::{Protection, Server, Smtp},
    webhook::Webhook,
};
use breakglass_statement::AuthoritySet;
use rustls::pki_types::ServerName;
use zeroize::Zeroizing;

use crate::{
    config::{self, Config, Hook, Mail, Notify, Postgres},
    custody::read_secret,
    outbound,
    start::StartError,
    worker::Ways,
};

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

/// Longest wait for each answer of whoever takes notices.
const TELLING: Duration = Duration::from_secs(8);

/// The ways to reach people.
pub(crate) fn ways(config: &Notify) -> Result<Ways, StartError> {
    let mail = config.smtp.as_ref().map(|mail| smtp(mail, config));
    let hook = config.webhook.as_ref().map(webhook);
    Ok(Ways {
        mail: mail.transpose()?.map(|smtp| (smtp, config.mail.clone())),
        webhook: hook.transpose()?,
    })
}

fn notify(detail: &impl std::fmt::Display) -> StartError {
    StartError::Target {
        name: "notify".to_owned(),
        detail: detail.to_string(),
    }
}

fn smtp(mail: &Mail, config: &Notify) -> Result<Smtp, StartError> {
    if let Some((principal, _)) = config.mail.iter().find(|(_, a)| !Smtp::is_address(a)) {
        return Err(notify(&format!("the address of {principal} is none")));
    }
    let local = mail.host == "localhost"
        || mail
            .host
            .parse()
            .is_ok_and(|a: std::net::IpAddr| a.is_loopback());
    let plain = mail.danger_no_tls || (local && mail.ca_file.is_none());
    let protection = match (mail.implicit_tls, plain) {
        (true, _) => Protection::Implicit,
        (false, true) => Protection::None,
        (false, false) => Protection::StartTls,
    };
    let roots = match protection {
        Protection::None => Vec::new(),
        Protection::StartTls | Protection::Implicit => {
            outbound::roots(mail.ca_file.as_deref()).map_err(|e| notify(&e))?
        }
    };
    let server = Server {
        host: &mail.host,
        port: mail
            .port
            .unwrap_or(if mail.implicit_tls { 465 } else { 587 }),
        protection,
        roots,
        timeout: TELLING,
    };
    let user = match (&mail.user, &mail.password_file) {
        (Some(user), Some(file)) => Some((user.clone(), secret(file)?)),
        (None, None) => None,
        (Some(_), None) | (None, Some(_)) => {
            return Err(notify(&"user and password_file go together"));
        }
    };
    Smtp::new(&mail.from, server, user).map_err(|e| notify(&e))
}

fn webhook(hook: &Hook) -> Result<Webhook, StartError> {
    let client = outbound::client(hook.ca_file.as_deref(), TELLING).map_err(|e| notify(&e))?;
    let secret = secret(&hook.secret_file)?;
    if hook.url.starts_with("http://") && !outbound::is_on_this_machine(&hook.url) {
        return Err(notify(
            &"the webhook is not https:// and not on this machine",
        ));
    }
    Webhook::new(&hook.url, &secret, client).map_err(|e| notify(&e))
}

fn secret(file: &Path) -> Result<String, StartError> {
    let bytes = read_secret(file)?;
    let text = std::str::from_utf8(&bytes).map_err(|_| notify(&"a secret file holds no text"))?;
    Ok(text.trim_end().to_owned())
}

pub(crate) fn rotators(config: &Config) -> Result<BTreeMap<String, Arc<dyn Rotator>>, StartError> {
    let programs = config.rotators.iter().map(|(name, p)| {
        let rotator: Arc<dyn Rotator> = Arc::new(CommandRotator::new(program(name, p)?));
        Ok((name.clone(), rotator))
    });
    let postgres = config.postgres.iter().map(|(name, p)| {
        let rotator: Arc<dyn Rotator> = Arc::new(postgres(name, p)?);
        Ok((name.clone(), rotator))
    });
    programs.chain(postgres).collect()
}

/// What the authority in force names and the configuration has no section for, by what breaks
/// without it.
pub(crate) fn unconfigured(config: &Config, authorities: &AuthoritySet) -> Vec<String> {
    let rotates = |n: &str| config.rotators.contains_key(n) || config.postgres.contains_key(n);
    let deploys = |n: &str| config.connectors.contains_key(n);
    let authority = authorities.current().authority();
    let mut lines = Vec::new();
    for account in &authority.accounts {
        if let Some(name) = account.rotator.0.as_ref().filter(|n| !rotates(n.as_str())) {
            lines.push(format!(
                "{} is rotated by {name}, and there is no [rotators.{name}] and no [postgres.{name}]",
                account.name
            ));
        }
        if let Some(name) = account
            .connector
            .0
            .as_ref()
            .filter(|n| !deploys(n.as_str()))
        {
            lines.push(format!(
                "{} is acted with by {name}, and there is no [connectors.{name}]",
                account.name
            ));
        }
    }
    lines
}

pub(crate) fn probes(config: &Config) -> Result<Vec<Arc<dyn Probe>>, StartError> {
    let made = config.control_plane.iter().map(|p| {
        let name = p.name.as_str();
        let limit = probe::SAMPLE_MAX;
        let made: Arc<dyn Probe> = match &p.asks {
            config::Asks::Url {
                url,
                contains,
                ca_file,
            } => {
                let unusable = |detail: String| StartError::Probe {
                    name: name.to_owned(),
                    detail,
                };
                let client = outbound::client(ca_file.as_deref(), limit);
                let client = client.map_err(|e| unusable(e.to_string()))?;
                let probe = HttpProbe::new(name, url, contains.clone(), client);
                Arc::new(probe.map_err(|e| unusable(e.to_string()))?)
            }
            config::Asks::Program { program, args } => {
                let command = Program::new(program, args.clone(), limit);
                let command = command.map_err(|source| StartError::Program {
                    name: name.to_owned(),
                    source,
                })?;
                Arc::new(CommandProbe::new(name, command))
            }
        };
        Ok(made)
    });
    made.collect()
}

pub(crate) fn connectors(
    config: &Config,
) -> Result<BTreeMap<String, Arc<dyn Connector>>, StartError> {
    let made = config.connectors.iter().map(|(name, p)| {
        let connector: Arc<dyn Connector> = Arc::new(CommandConnector::new(program(name, p)?));
        Ok((name.clone(), connector))
    });
    made.collect()
}

fn program(name: &str, program: &config::Program) -> Result<Program, StartError> {
    let timeout = Duration::from_secs(program.timeout_s);
    Program::new(program.program.clone(), program.args.clone(), timeout).map_err(|source| {
        StartError::Program {
            name: name.to_owned(),
            source,
        }
    })
}
