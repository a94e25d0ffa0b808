//! `breakglass.toml`: the process, not the people. What people may do is the authority document.
//!
//! Unknown keys are refused; what can hurt has `danger` in its name; secrets come from files.

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    path::{Path, PathBuf},
};

use breakglass_format::Digest;
use serde::Deserialize;
use thiserror::Error;

/// The whole configuration.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Where the database, the high-water mark and the JSONL file lie.
    pub data_dir: PathBuf,
    /// Address to listen on.
    pub listen: SocketAddr,
    /// Loopback address on which Prometheus finds the metrics; without it there are none.
    #[serde(default)]
    pub metrics_listen: Option<SocketAddr>,
    /// Where the high-water mark is kept: the last signed checkpoint, by which a restored backup
    /// is recognised. Best on another disk than the data; beside it where this is not given.
    #[serde(default)]
    pub high_water_file: Option<PathBuf>,
    /// Entries after which the world is written to a snapshot, from which the next start goes on;
    /// 0 for never. A shorter log is simply read.
    #[serde(default = "snapshot_every")]
    pub snapshot_every: u64,
    /// Mebibytes kept free beside the log for when the disk is full: they still take what ends
    /// access. 0: none, and a full disk ends the server.
    #[serde(default = "default_disk_reserve_mib")]
    pub disk_reserve_mib: u64,
    /// Kibibytes of the log that are read again each second and held against their hashes, pass
    /// after pass; 0: none.
    #[serde(default = "default_scrub_kib_per_s")]
    pub scrub_kib_per_s: u64,
    /// The genesis pin: `sha256:…`. The server refuses to start on another genesis.
    pub genesis: Digest,
    /// The log's signing key.
    pub log_key_file: PathBuf,
    /// The server key, which seals credentials at rest.
    pub server_key_file: PathBuf,
    /// The node key, which credentials are sealed to on their way in.
    pub node_key_file: PathBuf,
    /// TLS; without it only loopback is served.
    #[serde(default)]
    pub tls: Option<Tls>,
    /// Serve without TLS on an address that is not loopback. Everybody between a person and this
    /// server reads along.
    #[serde(default)]
    pub danger_plain_http: bool,
    /// The first authority and the enrolments that go with it; only read while the log is new.
    #[serde(default)]
    pub genesis_dir: Option<PathBuf>,
    /// Rotators by the name that accounts refer to them by.
    #[serde(default)]
    pub rotators: BTreeMap<String, Program>,
    /// PostgreSQL servers whose roles' passwords are rotated, by the name that accounts refer to
    /// them by, as to a rotator.
    #[serde(default)]
    pub postgres: BTreeMap<String, Postgres>,
    /// Deploy connectors by the name that accounts refer to them by.
    #[serde(default)]
    pub connectors: BTreeMap<String, Program>,
    /// What is asked whether the control plane is up, for scenarios that need it verified
    /// unavailable. Each is a part of it: the whole is up if all are.
    #[serde(default)]
    pub control_plane: Vec<ProbeConfig>,
    /// How people are told that something waits for them; without it nobody is.
    #[serde(default)]
    pub notify: Notify,
    /// What of the log is served to whom.
    #[serde(default)]
    pub log: Log,
    /// Other people's witnesses, who are asked to cosign the log; without it nobody is.
    #[serde(default)]
    pub witness: Option<WitnessConfig>,
    /// Bounds on what callers may do.
    #[serde(default)]
    pub limits: Limits,
}

const fn snapshot_every() -> u64 {
    10_000
}

/// What of the log is served to whom.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Log {
    /// What anybody may have who reaches the address, without a session.
    pub public: Public,
}

/// How much of the log is for anybody; each has what is before it. Entries never are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Public {
    /// Not even the checkpoint: it takes a session, whoever's.
    Nothing,
    /// The checkpoint, and the proof that it continues another one.
    #[default]
    Checkpoint,
    /// The tiles of hashes as well, out of which anybody makes any proof.
    Tiles,
}

/// Who is asked to cosign the log.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WitnessConfig {
    /// A C2SP policy: the witnesses with their URLs, and how many of them are enough.
    pub policy_file: PathBuf,
    /// How long one call may take, in seconds.
    #[serde(default = "default_witness_timeout_s")]
    pub timeout_s: u64,
    /// Certificates to believe in place of the system's.
    #[serde(default)]
    pub ca_file: Option<PathBuf>,
}

const fn default_witness_timeout_s() -> u64 {
    5
}

/// How people are told.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Notify {
    /// The mail server.
    pub smtp: Option<Mail>,
    /// Everybody's address, by principal.
    pub mail: BTreeMap<String, String>,
    /// A chat, a pager, a ticket system.
    pub webhook: Option<Hook>,
}

/// A mail server that takes mail from us.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mail {
    /// Name or address.
    pub host: String,
    /// Port; 587 with STARTTLS, 465 with TLS from the beginning.
    #[serde(default)]
    pub port: Option<u16>,
    /// The address that mail is from.
    pub from: String,
    /// The user, where the server wants one.
    #[serde(default)]
    pub user: Option<String>,
    /// A file with the user's password.
    #[serde(default)]
    pub password_file: Option<PathBuf>,
    /// Encrypted from the beginning, in place of STARTTLS.
    #[serde(default)]
    pub implicit_tls: bool,
    /// Certificates to believe in place of the system's.
    #[serde(default)]
    pub ca_file: Option<PathBuf>,
    /// Not encrypted although the server is not on this machine: everybody on the way reads along,
    /// the password as well.
    #[serde(default)]
    pub danger_no_tls: bool,
}

/// A receiver of notices.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Hook {
    /// `https://…`, or `http://` on this machine.
    pub url: String,
    /// A file with the secret that messages are signed with: `whsec_` and base64.
    pub secret_file: PathBuf,
    /// Certificates to believe in place of the system's.
    #[serde(default)]
    pub ca_file: Option<PathBuf>,
}

/// A probe of a part of the control plane.
#[derive(Debug, Clone, Deserialize)]
#[serde(try_from = "RawProbe")]
pub struct ProbeConfig {
    /// What people call it.
    pub name: String,
    /// How it asks.
    pub asks: Asks,
}

/// How a probe asks.
#[derive(Debug, Clone)]
pub enum Asks {
    /// Gets a URL.
    Url {
        /// `http://` or `https://`, without a user name or password.
        url: String,
        /// An answer without this text is not up.
        contains: Option<String>,
        /// Certificates to believe in place of the system's.
        ca_file: Option<PathBuf>,
    },
    /// Calls a program that speaks the command protocol.
    Program {
        /// Absolute path.
        program: PathBuf,
        /// Fixed arguments. Never a secret.
        args: Vec<String>,
    },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawProbe {
    name: String,
    url: Option<String>,
    contains: Option<String>,
    ca_file: Option<PathBuf>,
    program: Option<PathBuf>,
    #[serde(default)]
    args: Vec<String>,
}

impl TryFrom<RawProbe> for ProbeConfig {
    type Error = String;

    fn try_from(raw: RawProbe) -> Result<Self, String> {
        let asks = match (raw.url, raw.program) {
            (Some(url), None) if raw.args.is_empty() => Asks::Url {
                url,
                contains: raw.contains,
                ca_file: raw.ca_file,
            },
            (None, Some(program)) if raw.contains.is_none() && raw.ca_file.is_none() => {
                Asks::Program {
                    program,
                    args: raw.args,
                }
            }
            _ => {
                let name = raw.name;
                return Err(format!(
                    "the probe {name} has either a url (with contains, ca_file) or a program (with args)"
                ));
            }
        };
        Ok(Self {
            name: raw.name,
            asks,
        })
    }
}

/// Certificate and key, PEM.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tls {
    /// The certificate chain.
    pub certificate_file: PathBuf,
    /// The private key.
    pub key_file: PathBuf,
}

/// A program that speaks the command protocol (`docs/spec/command-protocol.md`).
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Program {
    /// Absolute path.
    pub program: PathBuf,
    /// Fixed arguments. Never a secret: arguments are seen by everybody on the machine.
    #[serde(default)]
    pub args: Vec<String>,
    /// How long one call may take, in seconds.
    #[serde(default = "default_timeout_s")]
    pub timeout_s: u64,
}

/// A PostgreSQL server, and the role that changes passwords there.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Postgres {
    /// Host name or address; or, beginning with `/`, the folder of its socket.
    pub host: String,
    /// Its port.
    #[serde(default = "default_postgres_port")]
    pub port: u16,
    /// A database that both roles may connect to.
    #[serde(default = "default_database")]
    pub database: String,
    /// The rotator's own role.
    pub user: String,
    /// A file with its password.
    pub password_file: PathBuf,
    /// Certificates to believe in place of the system's.
    #[serde(default)]
    pub ca_file: Option<PathBuf>,
    /// The name in its certificate, where that is another than `host`.
    #[serde(default)]
    pub tls_name: Option<String>,
    /// Speak to it without TLS although it is not on this machine. Everybody on the way learns
    /// which role gets another password when, and can answer in the server's place.
    #[serde(default)]
    pub danger_no_tls: bool,
    /// How long one call may take, in seconds.
    #[serde(default = "default_timeout_s")]
    pub timeout_s: u64,
}

impl Postgres {
    /// Whether it is reached without leaving this machine.
    #[must_use]
    pub fn is_local(&self) -> bool {
        let address: Option<std::net::IpAddr> = self.host.parse().ok();
        self.host.starts_with('/')
            || self.host == "localhost"
            || address.is_some_and(|a| a.is_loopback())
    }
}

const fn default_disk_reserve_mib() -> u64 {
    16
}

const fn default_scrub_kib_per_s() -> u64 {
    1024
}

const fn default_postgres_port() -> u16 {
    5432
}

fn default_database() -> String {
    "postgres".to_owned()
}

const fn default_timeout_s() -> u64 {
    30
}

/// Bounds on what callers may do.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// Connections open at a time.
    pub connections: usize,
    /// Statements posted per minute and address.
    pub statements_per_minute: u32,
    /// Questions per minute and reading session; of callers without one, per address.
    pub reads_per_minute: u32,
    /// Seconds until a request must have arrived.
    pub read_timeout_s: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 512,
            statements_per_minute: 240,
            reads_per_minute: 3_000,
            read_timeout_s: 15,
        }
    }
}

/// Why a configuration is refused.
#[derive(Debug, Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("configuration {path} cannot be read")]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// Not of the form, or an unknown key.
    #[error("configuration {path}: {detail}")]
    Parse {
        /// The file.
        path: PathBuf,
        /// What the parser says.
        detail: String,
    },
    /// A key that must be there is not.
    #[error("configuration {path} says no {key}")]
    Missing {
        /// The file.
        path: PathBuf,
        /// The key.
        key: String,
    },
    /// Plain HTTP beyond loopback.
    #[error("{listen} is not loopback and there is no [tls]")]
    PlainHttp {
        /// The address.
        listen: SocketAddr,
    },
    /// Metrics for everybody on the network.
    #[error("metrics_listen {listen} is not loopback: metrics have no TLS and ask for no session")]
    MetricsBeyondLoopback {
        /// The address.
        listen: SocketAddr,
    },
    /// Two rotators have one name.
    #[error("{name} is both under [rotators] and under [postgres]: accounts name one of them")]
    RotatorTwice {
        /// The name.
        name: String,
    },
    /// A program is not named by an absolute path.
    #[error("the program of {name} is not an absolute path")]
    RelativeProgram {
        /// Rotator or connector.
        name: String,
    },
}

/// What is missing from the file as a whole stands on no line of it.
fn unread(path: &Path, error: &toml::de::Error) -> ConfigError {
    let path = path.to_owned();
    let missing = error.message().strip_prefix("missing field `");
    let missing = missing.and_then(|rest| rest.strip_suffix('`'));
    match (missing, error.span().is_none_or(|s| s.start == 0)) {
        (Some(key), true) => ConfigError::Missing {
            path,
            key: key.to_owned(),
        },
        _ => ConfigError::Parse {
            path,
            detail: error.to_string(),
        },
    }
}

impl Config {
    /// Reads and checks a configuration file; relative paths are meant from its folder.
    pub fn load(path: &Path) -> Result<Self, ConfigError> {
        let text = std::fs::read_to_string(path).map_err(|source| ConfigError::Read {
            path: path.to_owned(),
            source,
        })?;
        let mut config: Self = toml::from_str(&text).map_err(|e| unread(path, &e))?;
        let base = path.parent().unwrap_or(Path::new("."));
        config.resolve_paths(base);
        config.check()?;
        Ok(config)
    }

    fn resolve_paths(&mut self, base: &Path) {
        let paths = [
            &mut self.data_dir,
            &mut self.log_key_file,
            &mut self.server_key_file,
            &mut self.node_key_file,
        ];
        let tls = self
            .tls
            .iter_mut()
            .flat_map(|t| [&mut t.certificate_file, &mut t.key_file]);
        let probes = self
            .control_plane
            .iter_mut()
            .filter_map(|p| match &mut p.asks {
                Asks::Url { ca_file, .. } => ca_file.as_mut(),
                Asks::Program { .. } => None,
            });
        let notify = &mut self.notify;
        let mail = notify.smtp.iter_mut();
        let mail = mail.flat_map(|m| [m.password_file.as_mut(), m.ca_file.as_mut()]);
        let hook = notify.webhook.iter_mut();
        let hook = hook.flat_map(|h| [Some(&mut h.secret_file), h.ca_file.as_mut()]);
        let witness = self.witness.iter_mut();
        let witness = witness.flat_map(|w| [Some(&mut w.policy_file), w.ca_file.as_mut()]);
        let notify: Vec<&mut PathBuf> = mail.chain(hook).flatten().collect();
        let targets = self
            .postgres
            .values_mut()
            .flat_map(|p| [Some(&mut p.password_file), p.ca_file.as_mut()])
            .flatten();
        for path in paths
            .into_iter()
            .chain(probes)
            .chain(targets)
            .chain(notify)
            .chain(witness.flatten())
            .chain(self.genesis_dir.as_mut())
            .chain(self.high_water_file.as_mut())
            .chain(tls)
        {
            if path.is_relative() {
                *path = base.join(&*path);
            }
        }
    }

    /// The rules between the keys.
    pub fn check(&self) -> Result<(), ConfigError> {
        if self.tls.is_none() && !self.listen.ip().is_loopback() && !self.danger_plain_http {
            return Err(ConfigError::PlainHttp {
                listen: self.listen,
            });
        }
        if let Some(listen) = self.metrics_listen.filter(|a| !a.ip().is_loopback()) {
            return Err(ConfigError::MetricsBeyondLoopback { listen });
        }
        for (name, program) in self.rotators.iter().chain(&self.connectors) {
            if !program.program.is_absolute() {
                return Err(ConfigError::RelativeProgram { name: name.clone() });
            }
        }
        if let Some(name) = self
            .postgres
            .keys()
            .find(|n| self.rotators.contains_key(*n))
        {
            return Err(ConfigError::RotatorTwice { name: name.clone() });
        }
        for probe in &self.control_plane {
            if let Asks::Program { program, .. } = &probe.asks
                && !program.is_absolute()
            {
                let name = probe.name.clone();
                return Err(ConfigError::RelativeProgram { name });
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_that_is_missing_is_named_and_stands_on_no_line() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("breakglass.toml");
        std::fs::write(&path, "listen = \"127.0.0.1:1\"\n").unwrap();
        let said = Config::load(&path).unwrap_err();
        assert!(
            matches!(&said, ConfigError::Missing { key, .. } if key == "data_dir"),
            "{said}"
        );
        std::fs::write(&path, "frob = 1\n").unwrap();
        let said = Config::load(&path).unwrap_err();
        assert!(matches!(said, ConfigError::Parse { .. }), "{said}");
    }
}
