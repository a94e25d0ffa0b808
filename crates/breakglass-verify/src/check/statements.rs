//! A statement against its signature and the authority that it names.

use std::collections::BTreeMap;

use breakglass_format::{
    Digest,
    act::Act,
    statement::{Approval, Denial, Kind, Request, Statement as _},
};
use breakglass_statement::{
    AuthoritySet, StatementError, VerifiedSession, verify_act, verify_approval, verify_checkout,
    verify_denial, verify_enroll, verify_request, verify_session, verify_suspend,
};

use crate::{derive::Statement, layout::Loaded};

/// Sessions by the digests of their statements, each with the index of the first entry that names
/// it.
pub(super) type Sessions = BTreeMap<Digest, (u64, VerifiedSession)>;

/// What statements are verified against.
#[derive(Clone, Copy)]
pub(super) struct Against<'a> {
    pub(super) authorities: &'a AuthoritySet,
    pub(super) sessions: &'a Sessions,
}

/// Verifies the statement of an entry; `None` where it is not there, or is of no known kind. An act
/// is certified by a session that comes before it in the log.
pub(super) fn verify(
    index: u64,
    loaded: &Loaded,
    against: Against<'_>,
) -> Option<Result<Statement, String>> {
    let kind = loaded.kind()?;
    let (bytes, signature) = (loaded.bytes.as_ref()?, loaded.signature.as_ref()?);
    if kind == Kind::Act && loaded.act().is_none() {
        let error = Act::from_bytes(bytes).err().map(StatementError::from);
        return error.map(|error| Err(error.to_string()));
    }
    let session = loaded.act().and_then(|act| act.session);
    let session = session.and_then(|digest| against.sessions.get(&digest));
    let before = session.filter(|(at, _)| *at < index);
    let session = before.map(|(_, session)| session);
    Some(one(kind, (bytes, signature), session, against.authorities))
}

fn one(
    kind: Kind,
    (bytes, signature): (&[u8], &[u8]),
    session: Option<&VerifiedSession>,
    authorities: &AuthoritySet,
) -> Result<Statement, String> {
    let armoured = std::str::from_utf8(signature);
    let armoured = armoured.map_err(|_| "signature is not text".to_owned())?;
    let verified = match kind {
        Kind::Request => verify_request(bytes, armoured, authorities).map(Statement::Request),
        Kind::Approval => approval(bytes, armoured, authorities),
        Kind::Denial => denial(bytes, armoured, authorities),
        Kind::Checkout => verify_checkout(bytes, armoured, authorities).map(Statement::Checkout),
        Kind::Session => verify_session(bytes, armoured, authorities).map(Statement::Session),
        Kind::Enroll => verify_enroll(bytes, armoured, authorities).map(Statement::Enroll),
        Kind::Suspend => verify_suspend(bytes, armoured, authorities).map(Statement::Suspend),
        Kind::Act => verify_act(bytes, armoured, session, authorities).map(Statement::Act),
        // The chain verifies those, and no entry is caused by one.
        Kind::Authority | Kind::Epoch => {
            return Err("what root persons sign together is no statement of one".to_owned());
        }
    };
    verified.map_err(|error| error.to_string())
}

/// An answer is verified against the request that it carries; that this is the request on file is
/// a rule like any other, and derived.
fn approval(
    bytes: &[u8],
    armoured: &str,
    authorities: &AuthoritySet,
) -> Result<Statement, StatementError> {
    let request = carried(&Approval::from_bytes(bytes)?.request)?;
    verify_approval(bytes, armoured, &request, authorities).map(Statement::Approval)
}

fn denial(
    bytes: &[u8],
    armoured: &str,
    authorities: &AuthoritySet,
) -> Result<Statement, StatementError> {
    let request = carried(&Denial::from_bytes(bytes)?.request)?;
    verify_denial(bytes, armoured, &request, authorities).map(Statement::Denial)
}

fn carried(request: &Request) -> Result<Vec<u8>, StatementError> {
    Ok(request.to_bytes()?)
}
