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
};

/// What came of the signatures.
pub(super) struct Verified {
    pub(super) verified: Statements,
    pub(super) findings: Vec<Finding>,
}

/// Verifies statements in log order, so that a session comes before the acts it certifies.
pub(super) fn verify(placed: &[Placed], authorities: &AuthoritySet) -> Verified {
    let mut sessions: BTreeMap<Digest, VerifiedSession> = BTreeMap::new();
    let mut out = Verified {
        verified: BTreeMap::new(),
        findings: Vec::new(),
    };
    for placed in placed {
        match one(placed, &sessions, authorities) {
            Ok(statement) => {
                if let Statement::Session(session) = &statement {
                    sessions.insert(placed.digest, session.clone());
                }
                out.verified.insert(placed.digest, statement);
            }
            Err(detail) => {
                let finding = Finding::tampered("statement_invalid", detail);
                out.findings
                    .push(finding.at_path(&placed.path).at_entry(placed.index));
            }
        }
    }
    out
}

fn one(
    placed: &Placed,
    sessions: &BTreeMap<Digest, VerifiedSession>,
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
        Kind::Act => act(bytes, armoured, sessions, authorities),
        // The chain verifies those, and no entry is caused by one.
        Kind::Authority => return Err("an authority is not a statement of a person".to_owned()),
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
    bytes: &[u8],
    armoured: &str,
    sessions: &BTreeMap<Digest, VerifiedSession>,
    authorities: &AuthoritySet,
) -> Result<Statement, StatementError> {
    let named = Act::from_bytes(bytes)?.session.0;
    let session = named.and_then(|digest| sessions.get(&digest));
    verify_act(bytes, armoured, session, authorities).map(Statement::Act)
}
