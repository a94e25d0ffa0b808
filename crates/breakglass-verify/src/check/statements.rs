//! Every statement against its signature and the authority that it names.

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

use crate::{
    Finding,
    derive::{Statement, Statements},
    layout::Placed,
    parallel,
    watch::{Counter, Step, Watch},
};

/// Statements that a thread takes at a time.
const BATCH: usize = 8;

/// Sessions by the digests of their statements, each with its place among all of them.
type Sessions = BTreeMap<Digest, (usize, VerifiedSession)>;

/// What came of the signatures.
pub(super) struct Verified {
    pub(super) verified: Statements,
    pub(super) findings: Vec<Finding>,
}

/// Verifies statements, on all cores. An act is certified by a session that comes before it in the
/// log, so sessions and everything but acts come first; findings are in log order all the same.
pub(super) fn verify(placed: &[Placed], authorities: &AuthoritySet, watch: &Watch<'_>) -> Verified {
    let counter = Counter::begin(watch, Step::Signatures, placed.len());
    let verify = |acts: bool, sessions: &Sessions| {
        parallel::map(placed, BATCH, |place, placed| {
            let wanted = acts == (placed.kind == Kind::Act);
            wanted.then(|| {
                let verified = one((place, placed), sessions, authorities);
                counter.add(1);
                verified
            })
        })
    };
    let others = verify(false, &Sessions::new());
    let session = |(place, of): (usize, &Option<_>)| match of {
        Some(Ok(Statement::Session(session))) => Some((place, session.clone())),
        Some(_) | None => None,
    };
    let sessions = (0..).zip(&others).filter_map(session);
    let sessions = sessions.filter_map(|(place, session)| {
        let digest = placed.get(place)?.digest;
        Some((digest, (place, session)))
    });
    let sessions: Sessions = sessions.collect();
    let acts = verify(true, &sessions);
    let mut out = Verified {
        verified: BTreeMap::new(),
        findings: Vec::new(),
    };
    for (placed, (other, act)) in placed.iter().zip(others.into_iter().zip(acts)) {
        match other.or(act) {
            Some(Ok(statement)) => {
                out.verified.insert(placed.digest, statement);
            }
            Some(Err(detail)) => {
                let finding = Finding::tampered("statement_invalid", detail);
                out.findings
                    .push(finding.at_path(&placed.path).at_entry(placed.index));
            }
            // Each is an act or it is not.
            None => {}
        }
    }
    out
}

fn one(
    (place, placed): (usize, &Placed),
    sessions: &Sessions,
    authorities: &AuthoritySet,
) -> Result<Statement, String> {
    let bytes = &placed.bytes;
    let armoured = std::str::from_utf8(&placed.signature);
    let armoured = armoured.map_err(|_| "signature is not text".to_owned())?;
    let verified = match placed.kind {
        Kind::Request => verify_request(bytes, armoured, authorities).map(Statement::Request),
        Kind::Approval => approval(bytes, armoured, authorities),
        Kind::Denial => denial(bytes, armoured, authorities),
        Kind::Checkout => verify_checkout(bytes, armoured, authorities).map(Statement::Checkout),
        Kind::Session => verify_session(bytes, armoured, authorities).map(Statement::Session),
        Kind::Enroll => verify_enroll(bytes, armoured, authorities).map(Statement::Enroll),
        Kind::Suspend => verify_suspend(bytes, armoured, authorities).map(Statement::Suspend),
        Kind::Act => act((place, bytes), armoured, sessions, authorities),
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

fn act(
    (place, bytes): (usize, &[u8]),
    armoured: &str,
    sessions: &Sessions,
    authorities: &AuthoritySet,
) -> Result<Statement, StatementError> {
    let named = Act::from_bytes(bytes)?.session.0;
    let session = named.and_then(|digest| sessions.get(&digest));
    let before = session.filter(|(at, _)| *at < place);
    let session = before.map(|(_, session)| session);
    verify_act(bytes, armoured, session, authorities).map(Statement::Act)
}
