//! The chain of authority documents, as the log published it.

use std::collections::BTreeMap;

use breakglass_format::{
    Event, Principal, Timestamp,
    entry::Recorded,
    event::{AuthorityPublished, EpochBegun, RootSignature},
};
use breakglass_statement::{AuthoritySet, ChainError, EpochError, allowed_signers};

use crate::layout::{self, Blobs};

/// Why the log has no chain of authorities.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AuthorityFault {
    /// No version was ever published.
    #[error("the log publishes no authority")]
    None,
    /// A document or signature is not there, or is not text.
    #[error("authority version {version} is not whole")]
    Incomplete {
        /// The version.
        version: i64,
    },
    /// A document does not continue the chain.
    #[error("authority version {version}: {error}")]
    Chain {
        /// The version.
        version: i64,
        /// Why.
        error: ChainError,
    },
    /// An epoch is not whole.
    #[error("epoch {number} is not whole")]
    EpochIncomplete {
        /// Its number.
        number: i64,
    },
    /// An epoch is not signed as it must be, or does not follow.
    #[error("epoch {number}: {error}")]
    Epoch {
        /// Its number.
        number: i64,
        /// Why.
        error: EpochError,
    },
}

/// Verifies every version from the genesis on, and every epoch, in the order of their entries, from
/// the files of the folder.
fn chain(
    recorded: &[Recorded],
    files: &BTreeMap<String, Vec<u8>>,
) -> Result<AuthoritySet, AuthorityFault> {
    let mut set: Option<AuthoritySet> = None;
    for recorded in recorded {
        if let Some(published) = published(recorded) {
            version(&mut set, published, files)?;
        } else if let (Event::EpochBegun(begun), Some(set)) = (&recorded.entry.event, &mut set) {
            epoch(set, begun, files)?;
        }
    }
    set.ok_or(AuthorityFault::None)
}

fn version(
    set: &mut Option<AuthoritySet>,
    published: &AuthorityPublished,
    files: &BTreeMap<String, Vec<u8>>,
) -> Result<(), AuthorityFault> {
    let version = published.version;
    let stem = format!("authority/{version}");
    let (bytes, signatures) =
        parts(&stem, &published.signatures, files).ok_or(AuthorityFault::Incomplete { version })?;
    let fault = |error| AuthorityFault::Chain { version, error };
    match set {
        None => *set = Some(AuthoritySet::genesis(bytes, &signatures, None).map_err(fault)?),
        Some(set) => {
            set.succeed(bytes, &signatures).map_err(fault)?;
        }
    }
    Ok(())
}

fn epoch(
    set: &mut AuthoritySet,
    begun: &EpochBegun,
    files: &BTreeMap<String, Vec<u8>>,
) -> Result<(), AuthorityFault> {
    let number = begun.number;
    let stem = format!("epochs/{number}/epoch");
    let (bytes, signatures) =
        parts(&stem, &begun.signatures, files).ok_or(AuthorityFault::EpochIncomplete { number })?;
    let begun = set.begin_epoch(bytes, &signatures);
    begun.map_err(|error| AuthorityFault::Epoch { number, error })?;
    Ok(())
}

/// The files that the authority alone decides.
pub(crate) fn identity(
    authorities: &AuthoritySet,
    effective: &[(i64, Timestamp)],
) -> [(&'static str, Vec<u8>); 3] {
    let vkey = &authorities.log().vkey;
    [
        ("genesis", format!("{}\n", authorities.instance())),
        ("log.vkey", format!("{vkey}\n")),
        ("allowed_signers", allowed_signers(authorities, effective)),
    ]
    .map(|(path, text)| (path, text.into_bytes()))
}

/// The chain of authorities, from what lies beside the entries that publish it.
pub(crate) fn from_blobs<B: Blobs>(
    recorded: &[Recorded],
    blobs: &B,
) -> Result<Result<AuthoritySet, AuthorityFault>, B::Error> {
    let mut files = BTreeMap::new();
    for at in recorded {
        let named = if let Event::AuthorityPublished(published) = &at.entry.event {
            layout::of_authority(published)
        } else if let Event::EpochBegun(begun) = &at.entry.event {
            layout::of_epoch(begun)
        } else {
            continue;
        };
        for (path, digest) in named {
            if let Some(bytes) = blobs.blob(&digest)? {
                files.entry(path).or_insert_with(|| bytes.into_owned());
            }
        }
    }
    Ok(chain(recorded, &files))
}

/// When each version came into effect: the time of its entry.
pub(crate) fn effective(recorded: &[Recorded]) -> Vec<(i64, Timestamp)> {
    let versions = recorded
        .iter()
        .filter_map(|r| Some((published(r)?.version, r.entry.created_at)));
    versions.collect()
}

fn published(recorded: &Recorded) -> Option<&AuthorityPublished> {
    if let Event::AuthorityPublished(published) = &recorded.entry.event {
        Some(published)
    } else {
        None
    }
}

/// The bytes of a document, and its signatures with the principals they are filed under.
type Parts<'a> = (&'a [u8], Vec<(Principal, String)>);

fn parts<'a>(
    stem: &str,
    signed: &[RootSignature],
    files: &'a BTreeMap<String, Vec<u8>>,
) -> Option<Parts<'a>> {
    let bytes = files.get(&format!("{stem}.json"))?;
    let mut signatures = Vec::new();
    for root in signed {
        let principal = &root.signer.principal;
        let armoured = files.get(&format!("{stem}.{principal}.sig"))?;
        signatures.push((principal.clone(), String::from_utf8(armoured.clone()).ok()?));
    }
    Some((bytes, signatures))
}
