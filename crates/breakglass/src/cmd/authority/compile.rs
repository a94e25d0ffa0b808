//! `breakglass authority compile`.

mod parts;

use std::path::{Path, PathBuf};

use breakglass_format::{
    Blank, Digest, Fingerprint, Principal, Timestamp,
    authority::{Authority, AuthorityError, LogIdentity, Roots},
    id::IdError,
    statement::Kind,
    vocabulary::Privilege,
};
use breakglass_seal::KemPublicKey;
use breakglass_statement::{KeyError, digest};
use breakglass_tlog::VerifierKey;
use serde_json::json;
use thiserror::Error;

use super::{
    friendly::{BUILT_IN, File, Scenarios},
    read,
};
use crate::{cmd::Context, hint::Failure, state::file};

/// Why a file is not an authority.
#[derive(Debug, Error)]
pub(super) enum CompileError {
    /// Not TOML, or not of its shape; the message has line and column.
    #[error("{0}")]
    Toml(#[from] toml::de::Error),
    /// A name that is declared nowhere.
    #[error("{what} {name} is not in this file")]
    Unknown {
        /// What it should be.
        what: &'static str,
        /// The name.
        name: String,
    },
    /// A key that cannot be used.
    #[error("key of {holder}: {error}")]
    Key {
        /// Whose.
        holder: String,
        /// Why.
        error: KeyError,
    },
    /// A key is neither written down nor in a file that is there.
    #[error("{holder}: {path}: {detail}: put the line of their .pub file there")]
    KeyFile {
        /// Whose.
        holder: String,
        /// Where it should be.
        path: String,
        /// What the system said.
        detail: String,
    },
    /// What must never leave its owner's machine lies where everybody reads it.
    #[error(
        "{holder}: {path} holds a PRIVATE key: delete it here, have {holder} make a new key, and put \
         the line of its .pub file there"
    )]
    PrivateKey {
        /// Whose.
        holder: String,
        /// Where it lies.
        path: String,
    },
    /// One key for two people.
    #[error("the key {key} is given to both {one} and {other}: each has their own")]
    TwoOwners {
        /// The key.
        key: Fingerprint,
        /// One of them.
        one: Principal,
        /// The other.
        other: Principal,
    },
    /// A key has to be given in one way.
    #[error("{holder}: a key has either public_key or public_key_file")]
    KeyTwice {
        /// Whose.
        holder: String,
    },
    /// The public half of a key of the server cannot be used.
    #[error("{what} is not a key: copy the lines that breakglass server-keys printed")]
    ServerKey {
        /// Which.
        what: String,
    },
    /// A group that nobody is in can neither ask nor approve.
    #[error("nobody is in the group {group}, which the entitlement {entitlement} names")]
    EmptyGroup {
        /// The group.
        group: String,
        /// The entitlement.
        entitlement: String,
    },
    /// An id that does not follow from a name.
    #[error("{error}; give it an id of its own")]
    Id {
        /// Why.
        error: IdError,
    },
    /// A text that is too long.
    #[error(transparent)]
    Text(#[from] breakglass_format::text::TextError),
    /// The document breaks a rule.
    #[error(transparent)]
    Authority(#[from] AuthorityError),
    /// It cannot be written canonically.
    #[error(transparent)]
    Canonical(#[from] breakglass_format::canonical::CanonicalError),
}

/// The version before, where there is one.
#[derive(Debug)]
pub(super) struct Previous {
    authority: Authority,
    digest: Digest,
}

impl Previous {
    /// Reads a compiled document.
    pub(super) fn from_bytes(bytes: &[u8]) -> Result<Self, CompileError> {
        Ok(Self {
            authority: Authority::from_bytes(bytes)?,
            digest: digest(bytes),
        })
    }
}

pub(super) fn run(
    path: &Path,
    previous: Option<&Path>,
    issued_at: Timestamp,
    out: Option<&Path>,
    cx: &Context,
) -> Result<(), Failure> {
    let mistake = |path: &Path, error: CompileError| Failure::malformed(path, error);
    let before = match previous {
        Some(previous) => {
            let before = Previous::from_bytes(&read(previous)?);
            Some(before.map_err(|e| mistake(previous, e))?)
        }
        None => None,
    };
    let authority = compile_file(path, before.as_ref(), issued_at)?;
    let bytes = authority.to_bytes().map_err(|e| mistake(path, e.into()))?;
    let out = out.map_or_else(|| beside(path, authority.version), Path::to_owned);
    // Somebody may have signed what lies there.
    file::create_new(&out, &bytes)?;
    let digest = digest(&bytes).to_string();
    let version = authority.version;
    for lack in lacking(&authority) {
        cx.output().warn(&format!("warning: {lack}"));
    }
    let compiled = json!({"digest": digest, "version": version, "file": out.display().to_string()});
    cx.output().answer(&digest, &compiled);
    cx.output().say(&format!(
        "version {} written to {}; each root person signs it: breakglass authority sign {} --key \
         FILE",
        authority.version,
        out.display(),
        out.display()
    ));
    Ok(())
}

/// Compiles a file; keys that it names as files lie beside it.
pub(super) fn compile_file(
    path: &Path,
    previous: Option<&Previous>,
    issued_at: Timestamp,
) -> Result<Authority, Failure> {
    let text =
        String::from_utf8(read(path)?).map_err(|_| Failure::malformed(path, "it is not text"))?;
    let folder = path.parent().unwrap_or(Path::new(""));
    compile(&text, folder, previous, issued_at).map_err(|e| Failure::malformed(path, e))
}

pub(super) fn beside(path: &Path, version: i64) -> PathBuf {
    path.with_file_name(format!("authority-{version}.json"))
}

/// Compiles a file: names become ids, defaults are spelled out, every rule is checked.
pub(super) fn compile(
    text: &str,
    folder: &Path,
    previous: Option<&Previous>,
    issued_at: Timestamp,
) -> Result<Authority, CompileError> {
    let mut file: File = toml::from_str(text)?;
    parts::read_keys(&mut file, folder)?;
    if file.scenarios.is_empty() {
        let built_in: Scenarios = toml::from_str(BUILT_IN)?;
        file.scenarios = built_in.scenarios;
    }
    let before = previous.map(|p| &p.authority);
    let authority = Authority {
        kind: Kind::Authority,
        accounts: parts::accounts(&file)?,
        clocks: parts::clocks(&file),
        entitlements: parts::entitlements(&file)?,
        issued_at,
        log: LogIdentity {
            origin: file.log.origin.clone(),
            vkey: file.log.vkey.clone(),
        },
        machines: parts::machines(&file)?,
        nodes: parts::nodes(&file)?,
        people: parts::people(&file, before, issued_at)?,
        previous: Blank(previous.map(|p| p.digest)),
        roots: Roots {
            threshold: file.roots.threshold,
            persons: parts::roots(&file)?,
        },
        scenarios: parts::scenarios(&file),
        title: file.title.clone(),
        version: before.map_or(1, |a| a.version + 1),
    };
    parts::check_owners(&authority.people)?;
    authority.check()?;
    usable(&authority)?;
    Ok(authority)
}

/// What would only be noticed when the server starts, or in an emergency.
fn usable(authority: &Authority) -> Result<(), CompileError> {
    let log = VerifierKey::parse(authority.log.vkey.as_str()).ok();
    if log.is_none_or(|key| key.name().as_str() != authority.log.origin.as_str()) {
        let what = "vkey of [log]".to_owned();
        return Err(CompileError::ServerKey { what });
    }
    for node in &authority.nodes {
        let kem: Result<KemPublicKey, _> = node.kem.pk.as_str().parse();
        if kem.is_err() {
            let what = format!("kem of the node {}", node.name);
            return Err(CompileError::ServerKey { what });
        }
    }
    for e in &authority.entitlements {
        let mut groups = e.requesters.iter().chain(&e.approvers);
        let empty = groups.find(|g| !authority.people.iter().any(|p| p.in_group(g)));
        if let Some(group) = empty {
            return Err(CompileError::EmptyGroup {
                group: group.to_string(),
                entitlement: e.name.to_string(),
            });
        }
    }
    Ok(())
}

/// What keeps the rules and would be missed in an emergency or after it.
pub(super) fn lacking(authority: &Authority) -> Vec<String> {
    let needed = [
        (
            Privilege::Reviewer,
            1,
            "no post-incident review could be completed",
        ),
        (
            Privilege::Account,
            2,
            "no credential could be put into custody",
        ),
    ];
    let lacks = needed.iter().filter_map(|(privilege, least, so)| {
        let holders = authority.people.iter().filter(|p| p.may(*privilege));
        let have = holders.count();
        (have < *least).then(|| {
            format!("{have} of at least {least} people have the privilege {privilege}: {so}")
        })
    });
    lacks.collect()
}

#[cfg(test)]
pub(super) mod tests;
