//! `breakglass access-review`.

use breakglass_api::view::AccountView;
use breakglass_format::{
    IncidentId, PersonId, Principal, Prose,
    act::{PersonDecision, ReviewAccess},
    vocabulary::AccessDecision,
};
use clap::Subcommand;

use super::{Context, input};
use crate::{
    actor::Actor,
    hint::Failure,
    output::{line, table::fitted},
};

/// What becomes of accounts and of those who may ask for them.
#[derive(Debug, Subcommand)]
pub(super) enum Verb {
    /// List accounts by when they are to be reviewed, with who may ask for them.
    List,
    /// Decide: after an incident on the account that was used, every quarter on the account and
    /// everybody who may ask for it.
    Decide {
        /// The account, by name.
        account: String,
        /// The incident under which it was used; without it, the quarterly review.
        #[arg(long, value_name = "INC-1")]
        incident: Option<String>,
        /// What becomes of the account: keep, change or remove.
        #[arg(long)]
        decision: AccessDecision,
        /// What becomes of one person's right to ask, PRINCIPAL=keep; repeatable. Of those who are
        /// not named, the right is kept only with --keep-others.
        #[arg(long = "person", value_name = "PRINCIPAL=DECISION", value_parser = of_person,
            conflicts_with = "incident")]
        people: Vec<(Principal, AccessDecision)>,
        /// Keep the right of everybody who is not named.
        #[arg(long, conflicts_with = "incident")]
        keep_others: bool,
        /// Why.
        #[arg(long, value_parser = input::prose)]
        why: Prose,
    },
}

fn of_person(text: &str) -> Result<(Principal, AccessDecision), String> {
    let (person, decision) = text
        .split_once('=')
        .ok_or_else(|| "not of the form alice=keep".to_owned())?;
    let principal = person.parse().map_err(|e| format!("{e}"))?;
    let decision: Result<AccessDecision, _> = decision.parse();
    Ok((principal, decision.map_err(|e| e.to_string())?))
}

pub(super) fn run(verb: Verb, cx: &Context) -> Result<(), Failure> {
    match verb {
        Verb::List => list(cx),
        Verb::Decide {
            account,
            incident,
            decision,
            people,
            keep_others,
            why,
        } => {
            let mut actor = cx.actor()?;
            let incident: Option<IncidentId> =
                incident.map(|i| actor.incident_id(&i)).transpose()?;
            let entitled = match incident {
                Some(_) => Vec::new(),
                None => decisions(&mut actor, &account, &people, keep_others)?,
            };
            let review = ReviewAccess {
                decision,
                entitled,
                incident: incident.into(),
                remark: why,
            };
            let outcome = actor.review_access(&account, review)?;
            let sentence = format!("reviewed the access to {}", line(&account));
            cx.output().outcome(&outcome, &line(&account), &sentence);
            Ok(())
        }
    }
}

/// A decision on everybody who may ask for the account, by the verified authority.
fn decisions(
    actor: &mut Actor,
    account: &str,
    named: &[(Principal, AccessDecision)],
    keep_others: bool,
) -> Result<Vec<PersonDecision>, Failure> {
    let entitled = actor.entitled(account)?;
    let (mut decided, mut left): (Vec<PersonDecision>, Vec<String>) = (Vec::new(), Vec::new());
    for (person, principal) in &entitled {
        let said = named.iter().find(|(p, _)| p == principal).map(|(_, d)| *d);
        match said.or(keep_others.then_some(AccessDecision::Keep)) {
            Some(decision) => decided.push(PersonDecision {
                decision,
                person: PersonId::clone(person),
            }),
            None => left.push(principal.to_string()),
        }
    }
    if let Some((stranger, _)) = named
        .iter()
        .find(|(p, _)| !entitled.iter().any(|e| e.1 == *p))
    {
        return Err(
            Failure::usage(format!("{stranger} may not ask for {account}"))
                .hint("breakglass access-review list says who may"),
        );
    }
    if left.is_empty() {
        return Ok(decided);
    }
    let left = left.join(", ");
    Err(Failure::usage(format!("nothing is decided on {left}"))
        .hint("--person NAME=keep for each, or --keep-others"))
}

fn list(cx: &Context) -> Result<(), Failure> {
    let client = cx.client()?;
    let mut accounts = client.accounts()?;
    accounts.sort_by_key(|a| a.review_due);
    if cx.output().is_json() {
        cx.output().json(&accounts);
        return Ok(());
    }
    let screen = cx.screen(&client);
    let row = |a: &AccountView| {
        [
            a.name.clone(),
            a.review_due
                .map_or_else(|| "never".to_owned(), |at| screen.when(at)),
            a.entitled.join(", "),
        ]
    };
    let rows: Vec<[String; 3]> = accounts.iter().map(row).collect();
    for line in fitted(
        ["account", "review", "who may ask"],
        &rows,
        screen.columns(),
    ) {
        cx.output().data(&line);
    }
    Ok(())
}
