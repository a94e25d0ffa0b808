//! `breakglass grant`.

use breakglass_api::view::GrantView;
use clap::Subcommand;

use super::Context;
use crate::{
    hint::Failure,
    output::{line, table::table},
};

/// What to do with grants.
#[derive(Debug, Subcommand)]
pub(super) enum Verb {
    /// List grants, newest first.
    List,
    /// Show one grant.
    Show {
        /// The grant.
        #[arg(value_name = "G-1")]
        grant: String,
    },
}

pub(super) fn run(verb: &Verb, cx: &Context) -> Result<(), Failure> {
    let client = cx.client()?;
    match verb {
        Verb::List => list(&client.grants()?, cx),
        Verb::Show { grant } => show(&client.grant(grant)?, cx),
    }
    Ok(())
}

fn list(grants: &[GrantView], cx: &Context) {
    if cx.output().is_json() {
        cx.output().json(&grants);
        return;
    }
    let row = |g: &GrantView| {
        [
            g.reference.clone(),
            g.incident.clone(),
            g.account.clone(),
            g.holder.clone(),
            g.state.clone(),
            g.not_after.to_string(),
            g.checkouts.to_string(),
        ]
    };
    let rows: Vec<[String; 7]> = grants.iter().map(row).collect();
    let heading = [
        "grant",
        "incident",
        "account",
        "holder",
        "state",
        "until",
        "checkouts",
    ];
    for line in table(heading, &rows) {
        cx.output().data(&line);
    }
}

fn show(grant: &GrantView, cx: &Context) {
    if cx.output().is_json() {
        cx.output().json(grant);
        return;
    }
    let ended = grant
        .ended_at
        .map_or_else(String::new, |at| format!(" at {at}"));
    let rows = [
        ("grant", grant.reference.clone()),
        ("state", format!("{}{ended}", grant.state)),
        ("incident", grant.incident.clone()),
        ("request", grant.request.clone()),
        ("account", grant.account.clone()),
        ("holder", grant.holder.clone()),
        ("approved by", grant.approved_by.join(", ")),
        ("from", grant.not_before.to_string()),
        ("until", grant.not_after.to_string()),
        ("checkouts", grant.checkouts.to_string()),
        (
            "documented",
            (if grant.documented { "yes" } else { "no" }).to_owned(),
        ),
    ];
    for (name, value) in rows {
        cx.output().data(&format!("{name:<12} {}", line(&value)));
    }
}
