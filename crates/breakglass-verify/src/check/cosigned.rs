//! How far witnesses have cosigned the log: `log/cosigned` of the folder, against the policy of
//! whoever checks.

use breakglass_statement::AuthoritySet;
use breakglass_tlog::{Policy, PolicyOpenError, SignedCheckpoint};

use super::{heads, log::Log};
use crate::{Cosigned, Cosigner, Finding, FolderError, Level, folder::COSIGNED};

/// What is wrong with it, or how far it goes.
type Judged = Result<Option<Cosigned>, Finding>;

/// Holds the cosigned checkpoint against the log, whoever cosigned it; and where a policy is given,
/// says who of its witnesses did. Where they are not enough, that is a finding.
pub(super) fn judge(
    log: &Log<'_>,
    authorities: &AuthoritySet,
    note: Option<&[u8]>,
    policy: Option<&Policy>,
) -> Result<Judged, FolderError> {
    let Some(note) = note else {
        let needed = policy.filter(|policy| policy.needs_witnesses());
        let detail = "no checkpoint of this log is here that witnesses cosigned";
        return Ok(needed.map_or(Ok(None), |_| Err(lacking(detail.to_owned()))));
    };
    let Some(signed) = heads::open_checkpoint(note, authorities) else {
        let detail = "it is no checkpoint that the key of this log signed";
        return Ok(Err(
            Finding::tampered("cosigned_invalid", detail).at_path(COSIGNED)
        ));
    };
    if let Some(finding) = heads::differs(log, &signed)? {
        return Ok(Err(finding.at_path(COSIGNED)));
    }
    Ok(policy.map(|policy| met(&signed, policy)).transpose())
}

/// Who of the witnesses of a policy cosigned, where they are enough.
fn met(signed: &SignedCheckpoint, policy: &Policy) -> Result<Cosigned, Finding> {
    let wrong = |detail: String| Finding::tampered("cosignature_invalid", detail).at_path(COSIGNED);
    // A policy that names no log is about witnesses alone.
    if !policy.logs().is_empty() {
        match policy.open(signed.to_text().as_bytes()) {
            Ok(_) => {}
            Err(error @ PolicyOpenError::UnknownLog { .. }) => {
                return Err(lacking(error.to_string()));
            }
            Err(error) => return Err(wrong(error.to_string())),
        }
    }
    let judgement = policy.judge(signed).map_err(|e| wrong(e.to_string()))?;
    let by: Vec<Cosigner> = judgement
        .cosigners
        .iter()
        .map(|cosigner| Cosigner {
            witness: cosigner.witness.name().to_string(),
            time: cosigner.time,
        })
        .collect();
    if judgement.met {
        let entries = signed.checkpoint().size();
        return Ok(Cosigned { entries, by });
    }
    let names: Vec<&str> = by
        .iter()
        .map(|cosigner| cosigner.witness.as_str())
        .collect();
    let names = match names.is_empty() {
        true => "none of the witnesses".to_owned(),
        false => names.join(", "),
    };
    Err(lacking(format!(
        "{names} cosigned it, which is not enough for the policy"
    )))
}

fn lacking(detail: String) -> Finding {
    Finding::new(Level::CannotTell, "not_cosigned", detail).at_path(COSIGNED)
}
