//! `enroll.v1@breakglass`: proof that a person holds a key.

use std::collections::BTreeSet;

use breakglass_format::statement::{AuthorityRef, Enroll, Kind};
use thiserror::Error;

use crate::{
    authority_set::AuthoritySet,
    chain::VerifiedAuthority,
    verified::{StatementError, Verified, check_instance, open, signed},
};

/// A verified enrolment.
pub type VerifiedEnroll = Verified<Enroll>;

/// What in an enrolment makes no sense, whatever the rules.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum EnrollError {
    /// It speaks for another key than the one that signs: that proves nothing.
    #[error("enrolment is signed with another key than the one it enrols")]
    OtherKey,
    /// It speaks for another person than the one who signs.
    #[error("enrolment is signed by another person than the one it enrols")]
    OtherPerson,
    /// It names an instance or a version, which it has none of.
    #[error("enrolment names an instance or an authority version; it binds the genesis alone")]
    NotEmpty,
    /// The list of what the key will sign is empty or names a kind twice.
    #[error("enrolment has an empty list of namespaces, or one of them twice")]
    Namespaces,
    /// The authority lists the key for more than its holder said it would sign.
    #[error("authority lists the key for {namespace}, the enrolment does not")]
    NotCovered {
        /// The first such kind.
        namespace: &'static str,
    },
}

signed!(Enroll, ());

/// Verifies an enrolment. It names no version of the authority: the latest that lists the key is
/// the one that says whose it is.
pub fn verify_enroll(
    bytes: &[u8],
    armoured: &str,
    authorities: &AuthoritySet,
) -> Result<VerifiedEnroll, StatementError> {
    let enroll = open::<Enroll>(bytes, armoured)?;
    let statement = &enroll.opened.statement;
    check_instance(statement.genesis, authorities)?;
    let lists = |v: &&VerifiedAuthority| v.document().holder(&statement.signer.key).is_some();
    let version = authorities.versions().rev().find(lists);
    let version = version.unwrap_or_else(|| authorities.current());
    enroll.check_signer(version)?;
    check(statement)?;
    check_covers(statement, version)?;
    Ok(Verified::new(enroll.opened, ()))
}

fn check(enroll: &Enroll) -> Result<(), EnrollError> {
    if enroll.signer.key != enroll.fingerprint {
        return Err(EnrollError::OtherKey);
    }
    if enroll.signer.person != enroll.person {
        return Err(EnrollError::OtherPerson);
    }
    if enroll.instance.0.is_some() || enroll.authority != AuthorityRef::default() {
        return Err(EnrollError::NotEmpty);
    }
    let different: BTreeSet<&Kind> = enroll.namespaces.iter().collect();
    if different.is_empty() || different.len() != enroll.namespaces.len() {
        return Err(EnrollError::Namespaces);
    }
    Ok(())
}

fn check_covers(enroll: &Enroll, version: &VerifiedAuthority) -> Result<(), EnrollError> {
    let person = version.authority().person(&enroll.person);
    let key = person.and_then(|p| p.key(&enroll.fingerprint));
    let mut listed = key.into_iter().flat_map(|k| &k.namespaces);
    match listed.find(|kind| !enroll.namespaces.contains(kind)) {
        None => Ok(()),
        Some(kind) => Err(EnrollError::NotCovered {
            namespace: kind.namespace(),
        }),
    }
}
