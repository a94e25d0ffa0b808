//! How long the procedure's clocks run.

use serde::{Deserialize, Serialize};

use super::{Authority, AuthorityError, rule};

/// Lengths in seconds of clocks that do not depend on the scenario.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Clocks {
    /// From the last grant's end (or declaration) until the incident is resolved.
    pub resolve_s: i64,
    /// From resolution until every used credential is rotated. At most 3,600.
    pub rotation_s: i64,
    /// From resolution until the incident report is filed. At most 24 hours.
    pub report_s: i64,
    /// From resolution until the access to each used account is reviewed. At most 7 days.
    pub access_review_s: i64,
    /// From a review that found gaps until the procedure is updated. At most 7 days.
    pub procedure_s: i64,
    /// From resolution until the change advisory board has decided. At most 7 days.
    pub cab_review_s: i64,
    /// From one review of an account to the next. At most 92 days.
    pub quarterly_s: i64,
}

impl Default for Clocks {
    /// The procedure's own lengths.
    fn default() -> Self {
        const HOUR: i64 = 3_600;
        const DAY: i64 = 24 * HOUR;
        Self {
            resolve_s: DAY,
            rotation_s: HOUR,
            report_s: DAY,
            access_review_s: 7 * DAY,
            procedure_s: 7 * DAY,
            cab_review_s: 7 * DAY,
            quarterly_s: 92 * DAY,
        }
    }
}

/// The procedure's own limits: an authority may be stricter, never laxer.
pub(super) fn check(authority: &Authority) -> Result<(), AuthorityError> {
    const HOUR: i64 = 3_600;
    const DAY: i64 = 24 * HOUR;
    let clocks = &authority.clocks;
    let reviews = authority.scenarios.iter().map(|s| s.review_s);
    let all = reviews.chain([
        clocks.resolve_s,
        clocks.rotation_s,
        clocks.report_s,
        clocks.access_review_s,
        clocks.procedure_s,
        clocks.cab_review_s,
        clocks.quarterly_s,
    ]);
    let told = authority.scenarios.iter().all(|s| s.cab_notice_s >= 0);
    rule(
        told && all.into_iter().all(|s| s > 0),
        "clocks are longer than nothing",
        None,
    )?;
    for scenario in &authority.scenarios {
        let at = Some(scenario.name.as_str());
        rule(
            scenario.review_s <= 2 * DAY,
            "a post-incident review is due within 48 hours",
            at,
        )?;
        rule(
            scenario.cab_notice_s <= DAY,
            "the board is told within 24 hours",
            at,
        )?;
    }
    for (length, limit, what) in [
        (
            clocks.rotation_s,
            HOUR,
            "rotation is due within one hour of resolution",
        ),
        (
            clocks.report_s,
            DAY,
            "an incident report is due within 24 hours",
        ),
        (
            clocks.access_review_s,
            7 * DAY,
            "an access review is due within 7 days",
        ),
        (
            clocks.procedure_s,
            7 * DAY,
            "an update of the procedure is due within 7 days",
        ),
        (
            clocks.cab_review_s,
            7 * DAY,
            "the board decides within 7 days",
        ),
        (
            clocks.quarterly_s,
            92 * DAY,
            "accounts are reviewed every 92 days at least",
        ),
    ] {
        rule(length <= limit, what, None)?;
    }
    Ok(())
}
