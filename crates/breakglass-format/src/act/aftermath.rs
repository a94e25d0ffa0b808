//! Arguments of the commands that follow an incident.

use serde::{Deserialize, Serialize};

use crate::{
    Blank, IncidentId, Line, PersonId, Principal, Prose,
    vocabulary::{AccessDecision, CabDecision, Judgement, Obligation},
};

/// Arguments of `transfer`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Transfer {
    /// Why.
    pub reason: Prose,
    /// Who leads from now on.
    pub to: Principal,
}

/// Arguments of `notify_cab`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NotifyCab {
    /// How: by telephone, in which channel.
    pub channel: Line,
    /// What the board was told.
    pub text: Prose,
}

/// Arguments of `file_report`. The report itself is the act's one document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileReport {
    /// What happened, in short.
    pub summary: Prose,
}

/// Arguments of `complete_review`. The review at length, if any, is the act's one document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CompleteReview {
    /// What is to be done.
    pub follow_ups: Vec<Line>,
    /// What the procedure lacked.
    pub gaps: Vec<Line>,
    /// Why it happened.
    pub root_cause: Prose,
    /// What the reviewer thinks of every grant and every action.
    pub verdicts: Vec<Verdict>,
}

/// What a reviewer thinks of a grant or an action.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Verdict {
    /// Why; may be empty where it was justified.
    pub remark: Line,
    /// A grant, `G-4`, or an action under it in log order, `G-4/1`.
    pub subject: Line,
    /// What the reviewer thinks.
    pub verdict: Judgement,
}

/// Arguments of `decide_cab`. The minutes, if any, are the act's one document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DecideCab {
    /// What the board decided.
    pub decision: CabDecision,
    /// The signer is no member of the board and records its decision, minutes attached.
    pub proxy: bool,
    /// In the board's words.
    pub remark: Prose,
}

/// Arguments of `review_access`; the object is the account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReviewAccess {
    /// What becomes of the account.
    pub decision: AccessDecision,
    /// Quarterly: what becomes of each person who may ask for it.
    pub entitled: Vec<PersonDecision>,
    /// The incident under which it was used; blank: the quarterly review.
    pub incident: Blank<IncidentId>,
    /// Why.
    pub remark: Prose,
}

/// What becomes of a person's right to ask for an account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PersonDecision {
    /// What becomes of it.
    pub decision: AccessDecision,
    /// Whose.
    pub person: PersonId,
}

/// Arguments of `update_procedure`. The new text may be the act's one document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UpdateProcedure {
    /// Where the new text is.
    pub reference: Line,
    /// What changed.
    pub summary: Prose,
}

/// Arguments of `waive`; the object is the incident.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Waive {
    /// The signer attests that the account is gone: what lets a rotation go.
    pub account_gone: bool,
    /// Which duty.
    pub obligation: Obligation,
    /// Why.
    pub reason: Prose,
    /// What it is about: an account id, or empty for the incident itself.
    pub subject: Line,
}
