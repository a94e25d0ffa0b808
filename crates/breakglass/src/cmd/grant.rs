//! `breakglass grant`.

use breakglass_api::view::GrantView;
use clap::Subcommand;

use super::{Context, input};
use crate::{
    hint::Failure,
    output::{Screen, line, table::fitted},
};

/// What to do with grants.
#[derive(Debug, Subcommand)]
pub(super) enum Verb {
    /// List grants, newest first.
    List {
        /// Those of closed incidents from before this one; without it, all of incidents that are
        /// not closed and the newest others.
        #[arg(long, value_name = "G-100", value_parser = input::grant_number)]
        before: Option<u64>,
    },
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
        Verb::List { before } => {
            let grants = match before {
                Some(before) => client.grants_before(*before)?,
                None => client.grants()?,
            };
            list(&grants, cx.screen(&client), cx);
        }
        Verb::Show { grant } => show(&client.grant(grant)?, cx.screen(&client), cx),
    }
    Ok(())
}

fn list(grants: &[GrantView], screen: Screen, cx: &Context) {
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
            screen.when(g.ended_at.unwrap_or(g.not_after)),
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
        "end",
        "checkouts",
    ];
    if grants.is_empty() {
        cx.output().say("there is no grant");
    }
    for line in fitted(heading, &rows, screen.columns()) {
        cx.output().data(&line);
    }
}

fn show(grant: &GrantView, screen: Screen, cx: &Context) {
    if cx.output().is_json() {
        cx.output().json(grant);
        return;
    }
    let ended = grant
        .ended_at
        .map_or_else(String::new, |at| format!(" at {}", screen.exactly(at)));
    let rows = [
        ("grant", grant.reference.clone()),
        ("state", format!("{}{ended}", grant.state)),
        ("incident", grant.incident.clone()),
        ("request", grant.request.clone()),
        ("account", grant.account.clone()),
        ("holder", grant.holder.clone()),
        ("approved by", grant.approved_by.join(", ")),
        ("from", screen.exactly(grant.not_before)),
        ("until", screen.exactly(grant.not_after)),
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
