//! `client.toml`: which installation, whose key.

use std::path::{Path, PathBuf};

use breakglass_format::{Digest, Fingerprint, Principal};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::{StateError, file};
use crate::signer::KeyPlace;

/// The configuration of one person at one installation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClientConfig {
    /// The servers, tried in turn: `https://host:port`; `http` for loopback only.
    pub servers: Vec<String>,
    /// Certificates (PEM) that the servers' certificates lead to; without it the system's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca_file: Option<PathBuf>,
    /// The name that statements are signed under.
    pub principal: Principal,
    /// SHA-256 of the genesis authority, from paper or voice.
    pub genesis: Digest,
    /// Where the key is.
    pub key: KeyConfig,
    /// Who has to vouch for the log that is shown; without it nobody.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub witness: Option<WitnessConfig>,
}

/// Who has to vouch for the log, and what becomes of a command when nobody does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WitnessConfig {
    /// A C2SP policy; from the folder of `client.toml` on, where it is no whole path.
    pub policy_file: PathBuf,
    /// For so many seconds they may be silent about what is new in the log.
    #[serde(default = "WitnessConfig::patience_s")]
    pub stale_after_s: i64,
    /// Whether what only looks at the record is refused without them. Nothing else ever is.
    #[serde(default)]
    pub require: bool,
}

impl WitnessConfig {
    /// An hour.
    const fn patience_s() -> i64 {
        3600
    }

    /// The same with the whole path of the policy, given that of `client.toml`.
    #[must_use]
    pub fn in_dir(mut self, config_file: &Path) -> Self {
        let dir = config_file.parent().unwrap_or(config_file);
        self.policy_file = dir.join(self.policy_file);
        self
    }
}

/// Where the key is: exactly one of the two.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
pub enum KeyConfig {
    /// In the ssh-agent: its fingerprint.
    Agent(Fingerprint),
    /// A private key file.
    File(PathBuf),
}

impl KeyConfig {
    /// As the signer takes it.
    #[must_use]
    pub fn place(&self) -> KeyPlace {
        match self {
            Self::Agent(fingerprint) => KeyPlace::Agent(fingerprint.clone()),
            Self::File(path) => KeyPlace::File(path.clone()),
        }
    }
}

/// Why there is no configuration to go by.
#[derive(Debug, Error)]
pub enum ConfigError {
    /// Nobody joined from here.
    #[error("{} does not exist", .path.display())]
    Missing {
        /// The file.
        path: PathBuf,
    },
    /// The file has a mistake.
    #[error("{}: {detail}", .path.display())]
    Mistake {
        /// The file.
        path: PathBuf,
        /// What is wrong with it, with its line.
        detail: String,
    },
    /// A key that must be there is not.
    #[error("{} says no {key}", .path.display())]
    Lacks {
        /// The file.
        path: PathBuf,
        /// The key.
        key: String,
    },
    /// A server's address is not one.
    #[error("not a server address: {url:?} ({rule})")]
    Server {
        /// The address.
        url: String,
        /// What it should be.
        rule: &'static str,
    },
    /// The file system.
    #[error(transparent)]
    State(#[from] StateError),
}

impl ClientConfig {
    /// Reads `client.toml`.
    ///
    /// # Errors
    ///
    /// It is missing or has a mistake; unknown keys are mistakes.
    pub fn load(path: &Path) -> Result<Self, ConfigError> {
        let content = file::read(path)?.ok_or_else(|| ConfigError::Missing {
            path: path.to_owned(),
        })?;
        let mistake = |detail: String| ConfigError::Mistake {
            path: path.to_owned(),
            detail,
        };
        let text = std::str::from_utf8(&content).map_err(|e| mistake(e.to_string()))?;
        let config: Self = toml::from_str(text).map_err(|e| {
            let missing = e.message().strip_prefix("missing field `");
            let missing = missing.and_then(|rest| rest.strip_suffix('`'));
            match (missing, e.span().is_none_or(|s| s.start == 0)) {
                (Some(key), true) => ConfigError::Lacks {
                    path: path.to_owned(),
                    key: key.to_owned(),
                },
                _ => mistake(e.to_string()),
            }
        })?;
        config.check_servers()?;
        Ok(config)
    }

    /// Writes `client.toml`.
    ///
    /// # Errors
    ///
    /// An address is not one, or the file cannot be written.
    pub fn save(&self, path: &Path) -> Result<(), ConfigError> {
        self.check_servers()?;
        let text = toml::to_string(self).map_err(|e| ConfigError::Mistake {
            path: path.to_owned(),
            detail: e.to_string(),
        })?;
        Ok(file::write_atomic(path, text.as_bytes())?)
    }

    /// Refuses addresses that are none.
    ///
    /// # Errors
    ///
    /// There is no server, or one is neither `https` nor on loopback.
    pub fn check_servers(&self) -> Result<(), ConfigError> {
        if self.servers.is_empty() {
            return Err(ConfigError::Server {
                url: String::new(),
                rule: "at least one server is needed",
            });
        }
        self.servers.iter().try_for_each(|url| check_server(url))
    }
}

/// `https://host[:port]`, or `http` on loopback.
fn check_server(url: &str) -> Result<(), ConfigError> {
    let refuse = |rule| {
        Err(ConfigError::Server {
            url: url.to_owned(),
            rule,
        })
    };
    let (plain, rest) = match (url.strip_prefix("https://"), url.strip_prefix("http://")) {
        (Some(rest), _) => (false, rest),
        (None, Some(rest)) => (true, rest),
        (None, None) => return refuse("it begins with https://"),
    };
    let of_authority = |c: char| c.is_ascii_alphanumeric() || ".-:[]".contains(c);
    if rest.is_empty() || !rest.chars().all(of_authority) {
        return refuse("host and port follow, and nothing else");
    }
    if plain && !is_loopback(rest) {
        return refuse("http is for loopback only; others could read and alter what is shown");
    }
    Ok(())
}

fn is_loopback(authority: &str) -> bool {
    let host = match authority.strip_prefix('[') {
        Some(rest) => rest.split(']').next(),
        None => authority.split(':').next(),
    };
    let host = host.unwrap_or_default();
    let ip: Result<std::net::IpAddr, _> = host.parse();
    host == "localhost" || ip.is_ok_and(|ip| ip.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    const GENESIS: &str = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    fn written(text: &str) -> Result<ClientConfig, ConfigError> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("client.toml");
        std::fs::write(&path, text).unwrap();
        ClientConfig::load(&path)
    }

    fn text(server: &str, more: &str) -> String {
        format!(
            "servers = [\"{server}\"]\nprincipal = \"alice\"\ngenesis = \"{GENESIS}\"\n{more}\n\
             [key]\nfile = \"/k\"\n"
        )
    }

    #[test]
    fn a_configuration_survives_the_round_trip() {
        let config = written(&text("https://a.example:8443", "ca_file = \"/ca.pem\"")).unwrap();
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("client.toml");
        config.save(&path).unwrap();
        assert_eq!(ClientConfig::load(&path).unwrap(), config);
        assert_eq!(config.key.place(), KeyPlace::File("/k".into()));
    }

    #[test]
    fn witnesses_are_waited_for_an_hour_and_required_by_who_says_so() {
        let of = |more: &str| {
            let text = text("https://a.example", "") + "[witness]\n" + more;
            written(&text).map(|config| config.witness.unwrap())
        };
        let short = of("policy_file = \"w.policy\"\n").unwrap();
        assert_eq!((short.stale_after_s, short.require), (3600, false));
        let whole = short.in_dir(Path::new("/etc/bg/client.toml"));
        assert_eq!(whole.policy_file, Path::new("/etc/bg/w.policy"));
        let absolute = of("policy_file = \"/w\"\nrequire = true\nstale_after_s = 60").unwrap();
        let absolute = absolute.in_dir(Path::new("/etc/bg/client.toml"));
        assert_eq!(absolute.policy_file, Path::new("/w"));
        assert_eq!((absolute.stale_after_s, absolute.require), (60, true));
        assert!(of("").is_err());
        assert!(of("policy_file = \"w\"\nrequired = true").is_err());
    }

    #[test]
    fn unknown_keys_are_refused() {
        let error = written(&text("https://a.example", "insecure = true")).unwrap_err();
        assert!(error.to_string().contains("insecure"), "{error}");
    }

    #[test]
    fn plain_http_is_for_loopback_only() {
        for good in [
            "http://127.0.0.1:1",
            "http://[::1]:1",
            "http://localhost",
            "https://b.example",
        ] {
            assert!(written(&text(good, "")).is_ok(), "{good}");
        }
        for wrong in [
            "http://b.example",
            "http://localhost.example",
            "http://127.0.0.1@b.example",
            "ftp://b.example",
            "https://",
            "https://b.example/path",
        ] {
            let refused = written(&text(wrong, ""));
            assert!(
                matches!(refused, Err(ConfigError::Server { .. })),
                "{wrong}"
            );
        }
    }
}
