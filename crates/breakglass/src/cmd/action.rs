//! `breakglass action`.

use breakglass_api::view::RunView;
use breakglass_format::{Digest, Line, Name, Prose, act::Record};
use clap::Subcommand;

use super::{Context, input};
use crate::{
    actor::{ActionWish, Actor},
    hint::{Code, Failure},
    output::{line, table::table},
};

/// What to do under a grant.
#[derive(Debug, Subcommand)]
pub(super) enum Verb {
    /// Have an action planned: what it would do.
    Plan(Wish),
    /// Run an action.
    Run {
        /// The action.
        #[command(flatten)]
        wish: Wish,
        /// Run exactly this plan, or nothing.
        #[arg(long, value_name = "sha256:…")]
        plan: Option<Digest>,
    },
    /// Show where a run stands.
    Status {
        /// The run; the newest if not given.
        run: Option<String>,
    },
    /// Cancel a run.
    Cancel {
        /// The run; the newest if not given.
        run: Option<String>,
        /// Why.
        #[arg(long, value_parser = input::prose)]
        why: Prose,
    },
    /// Document an action that you did by hand.
    Record {
        /// Which action.
        #[arg(long)]
        action: Name,
        /// What it was done to.
        #[arg(long, value_parser = input::line)]
        target: Line,
        /// What was done, and what came of it.
        #[arg(long, value_parser = input::prose)]
        description: Prose,
        /// The grant; your only active one if not given.
        #[arg(long, value_name = "G-1")]
        grant: Option<String>,
    },
    /// List runs, newest first.
    List,
}

/// An action.
#[derive(Debug, clap::Args)]
pub(super) struct Wish {
    /// Which action.
    action: Name,
    /// What it is done to.
    #[arg(long, value_parser = input::line)]
    target: Line,
    /// The artifact, where the action has one.
    #[arg(long, value_parser = input::line)]
    artifact: Option<Line>,
    /// The grant; your only active one if not given.
    #[arg(long, value_name = "G-1")]
    grant: Option<String>,
}

impl Wish {
    fn wish(self) -> ActionWish {
        ActionWish {
            action: self.action,
            target: self.target,
            artifact: self.artifact.unwrap_or_default(),
        }
    }
}

pub(super) fn run(verb: Verb, cx: &Context) -> Result<(), Failure> {
    match verb {
        Verb::Plan(wish) => plan(wish, cx),
        Verb::Run { wish, plan } => start(wish, plan, cx),
        Verb::Status { run } => status(run.as_deref(), cx),
        Verb::Cancel { run, why } => cancel(run, why, cx),
        Verb::Record {
            action,
            target,
            description,
            grant,
        } => {
            let record = Record {
                action,
                description,
                target,
            };
            document(record, grant.as_deref(), cx)
        }
        Verb::List => list(&cx.client()?.runs()?, cx),
    }
}

fn grant(actor: &Actor, named: Option<&str>) -> Result<String, Failure> {
    Ok(match named {
        Some(named) => named.to_owned(),
        None => actor.sole_own_grant()?.id,
    })
}

fn plan(wish: Wish, cx: &Context) -> Result<(), Failure> {
    let mut actor = cx.actor()?;
    let grant = grant(&actor, wish.grant.as_deref())?;
    let outcome = actor.plan(&grant, wish.wish())?;
    let Some(planned) = outcome.planned() else {
        return Err(Failure::of(Code::NotProven, "the log proves no plan"));
    };
    let sentence = format!(
        "planned: {}; run it: breakglass action run {} --target … --plan {}",
        line(planned.summary.as_str()),
        planned.action,
        planned.plan
    );
    cx.output()
        .outcome(&outcome, &planned.plan.to_string(), &sentence);
    Ok(())
}

fn start(wish: Wish, plan: Option<Digest>, cx: &Context) -> Result<(), Failure> {
    let mut actor = cx.actor()?;
    let grant = grant(&actor, wish.grant.as_deref())?;
    let outcome = actor.run(&grant, wish.wish(), plan)?;
    let Some(action) = outcome.action() else {
        return Err(Failure::of(Code::NotProven, "the log proves no action"));
    };
    let run = action
        .run_id
        .0
        .map_or_else(String::new, |id| id.to_string());
    let sentence = format!(
        "ordered {} on {}; breakglass action status {run}",
        action.action,
        line(action.target.as_str())
    );
    cx.output().outcome(&outcome, &run, &sentence);
    Ok(())
}

fn cancel(run: Option<String>, why: Prose, cx: &Context) -> Result<(), Failure> {
    let mut actor = cx.actor()?;
    let run = match run {
        Some(run) => run,
        None => actor.latest_run()?.id,
    };
    let outcome = actor.cancel(&run, why)?;
    cx.output()
        .outcome(&outcome, &run, &format!("cancelled {}", line(&run)));
    Ok(())
}

fn document(record: Record, named: Option<&str>, cx: &Context) -> Result<(), Failure> {
    let mut actor = cx.actor()?;
    let grant = grant(&actor, named)?;
    let action = record.action.to_string();
    let outcome = actor.record(&grant, record)?;
    cx.output()
        .outcome(&outcome, &action, &format!("documented {action}"));
    Ok(())
}

fn status(run: Option<&str>, cx: &Context) -> Result<(), Failure> {
    let client = cx.client()?;
    let view = match run {
        Some(run) => client.run(run)?,
        None => {
            let newest = client.runs()?.into_iter().next();
            newest.ok_or_else(|| {
                Failure::of(Code::NothingMeant, "there is no run")
                    .hint("order one: breakglass action run --help")
            })?
        }
    };
    if cx.output().is_json() {
        cx.output().json(&view);
        return Ok(());
    }
    let rows = [
        ("run", &view.id),
        ("state", &view.state),
        ("action", &view.action),
        ("target", &view.target),
        ("artifact", &view.artifact),
        ("grant", &view.grant),
        ("incident", &view.incident),
        ("handle", &view.handle),
    ];
    for (name, value) in rows.iter().filter(|(_, value)| !value.is_empty()) {
        cx.output().data(&format!("{name:<9} {}", line(value)));
    }
    Ok(())
}

fn list(runs: &[RunView], cx: &Context) -> Result<(), Failure> {
    if cx.output().is_json() {
        cx.output().json(&runs);
        return Ok(());
    }
    let row = |r: &RunView| {
        [
            r.id.clone(),
            r.incident.clone(),
            r.grant.clone(),
            r.action.clone(),
            r.target.clone(),
            r.state.clone(),
        ]
    };
    if runs.is_empty() {
        cx.output()
            .say("there is no run; what was done by hand stands in breakglass incident timeline");
    }
    let rows: Vec<[String; 6]> = runs.iter().map(row).collect();
    for line in table(
        ["run", "incident", "grant", "action", "target", "state"],
        &rows,
    ) {
        cx.output().data(&line);
    }
    Ok(())
}
