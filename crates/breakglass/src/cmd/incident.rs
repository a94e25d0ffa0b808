//! `breakglass incident`.

use breakglass_api::view::{IncidentView, ProbedView, RefusalView};
use breakglass_format::{Name, Principal, Prose, vocabulary::Verdict};
use clap::Subcommand;

use super::{Context, account::show_proposal, approve::consent, input};
use crate::{
    actor::Actor,
    hint::{Code, Failure},
    output::{Screen, line, table::fitted},
    pack,
};

/// What to do with incidents.
#[derive(Debug, Subcommand)]
pub(super) enum Verb {
    /// Declare an incident.
    Declare {
        /// critical-patch, production-outage, system-failure, or another of the authority's.
        #[arg(long)]
        scenario: Name,
        /// What it is declared with.
        #[command(flatten)]
        declaration: input::Declaration,
        /// Why controls must be bypassed.
        #[arg(long, value_parser = input::prose)]
        why: Prose,
    },
    /// List incidents, newest first.
    List {
        /// Closed ones from before this one; without it, all that are not closed and the newest
        /// that are.
        #[arg(long, value_name = "INC-100", value_parser = input::incident_number)]
        before: Option<u64>,
    },
    /// Show an incident with its duties.
    Show {
        /// The incident.
        #[command(flatten)]
        incident: input::Named,
        /// `md`: all of it as one Markdown document that can be mailed, with what was written
        /// about it.
        #[arg(long, value_enum)]
        format: Option<Format>,
    },
    /// Write a note into its record.
    Note {
        /// The note.
        #[arg(value_parser = input::prose)]
        text: Prose,
        /// The incident; the only open one if not given.
        #[arg(long, value_name = "INC-1")]
        incident: Option<String>,
    },
    /// Have the control plane probed now, where the scenario needs it verified unavailable.
    Probe {
        /// The incident.
        #[command(flatten)]
        incident: input::Named,
    },
    /// Resolve it: ends its grants and starts the clocks.
    Resolve {
        /// The incident.
        #[command(flatten)]
        incident: input::Named,
        /// How it ended.
        #[arg(long, value_parser = input::prose)]
        summary: Prose,
        /// Do not ask about grants that are still active.
        #[arg(long)]
        yes: bool,
    },
    /// Hand over command; where somebody else leads it takes two deputies.
    Transfer {
        /// The incident.
        #[command(flatten)]
        incident: input::Named,
        /// Who leads from now on.
        #[arg(long, value_name = "PRINCIPAL")]
        to: Principal,
        /// Why; without it, agree to what another deputy proposes.
        #[arg(long, value_parser = input::prose)]
        why: Option<Prose>,
        /// Agree without being asked; for use without a terminal.
        #[arg(long)]
        yes: bool,
    },
    /// Close it, when every duty is done or waived.
    Close {
        /// The incident.
        #[command(flatten)]
        incident: input::Named,
    },
    /// Print its timeline.
    Timeline {
        /// The incident.
        #[command(flatten)]
        incident: input::Named,
    },
}

/// Other forms to show an incident in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Format {
    /// Markdown.
    Md,
}

pub(super) fn run(verb: Verb, cx: &Context) -> Result<(), Failure> {
    match verb {
        Verb::Declare {
            scenario,
            declaration,
            why,
        } => declare(scenario, declaration, why, cx),
        Verb::List { before } => list(before, cx),
        Verb::Show { incident, format } => {
            let incident = viewed(incident.as_deref(), cx)?;
            match format {
                Some(Format::Md) => pack(&incident, cx),
                None => show(&incident, cx),
            }
        }
        Verb::Note { text, incident } => note(text, incident.as_deref(), cx),
        Verb::Probe { incident } => probe(incident.as_deref(), cx),
        Verb::Resolve {
            incident,
            summary,
            yes,
        } => resolve(incident.as_deref(), summary, yes, cx),
        Verb::Transfer {
            incident,
            to,
            why,
            yes,
        } => transfer(incident.as_deref(), &to, why, yes, cx),
        Verb::Close { incident } => close(incident.as_deref(), cx),
        Verb::Timeline { incident } => timeline(&viewed(incident.as_deref(), cx)?, cx),
    }
}

fn declare(
    scenario: Name,
    declaration: input::Declaration,
    why: Prose,
    cx: &Context,
) -> Result<(), Failure> {
    let mut actor = cx.actor()?;
    let declare = declaration.declare(&actor, scenario, why)?;
    let outcome = actor.declare(declare)?;
    let Some(declared) = outcome.declared() else {
        return Err(Failure::of(Code::NotProven, "the log proves no incident"));
    };
    let reference = declared.reference.to_string();
    let sentence = format!(
        "declared {reference}, {} {}, led by {}",
        declared.severity, declared.scenario, declared.commander.principal
    );
    cx.output().outcome(&outcome, &reference, &sentence);
    Ok(())
}

fn note(text: Prose, incident: Option<&str>, cx: &Context) -> Result<(), Failure> {
    let mut actor = cx.actor()?;
    let incident = meant(&actor, incident)?;
    let outcome = actor.note(&incident.id, text)?;
    let sentence = format!("noted in {}", line(&incident.reference));
    cx.output()
        .outcome(&outcome, &line(&incident.reference), &sentence);
    Ok(())
}

fn probe(incident: Option<&str>, cx: &Context) -> Result<(), Failure> {
    let mut actor = cx.actor()?;
    let incident = meant(&actor, incident)?;
    let outcome = actor.probe(&incident.id)?;
    let Some(probed) = outcome.probed() else {
        return Err(Failure::of(Code::NotProven, "the log proves no verdict"));
    };
    let says = match probed.verdict {
        Verdict::Up => "the control plane is up",
        Verdict::Down => "the control plane is down",
        Verdict::CannotTell => "the probes cannot tell whether the control plane is up",
    };
    let sentence = format!("{says}: {}", line(probed.detail.as_str()));
    cx.output()
        .outcome(&outcome, probed.verdict.as_str(), &sentence);
    Ok(())
}

fn resolve(incident: Option<&str>, summary: Prose, yes: bool, cx: &Context) -> Result<(), Failure> {
    let mut actor = cx.actor()?;
    let incident = meant(&actor, incident)?;
    let reference = line(&incident.reference);
    let grants = actor.client().active_grants()?.into_iter();
    let active: Vec<String> = grants
        .filter(|g| g.state == "active" && g.incident == incident.reference)
        .map(|g| format!("{} ({} holds {})", g.reference, g.holder, g.account))
        .collect();
    if !active.is_empty() {
        let active = line(&active.join(", "));
        cx.output()
            .warn(&format!("resolving {reference} ends {active}"));
        consent(yes, "resolve all the same?")?;
    }
    let outcome = actor.resolve(&incident.id, summary);
    let outcome = outcome.map_err(|e| {
        let hint = "it is resolved; breakglass incident show says what is owed now";
        Failure::from(e).hint_where("incident_not_open", hint)
    })?;
    let duties = outcome.resolved().map_or(0, |r| r.clocks.len());
    let sentence = match duties {
        0 => format!("resolved {reference}"),
        1 => format!("resolved {reference}; one clock started"),
        n => format!("resolved {reference}; {n} clocks started"),
    };
    cx.output().outcome(&outcome, &reference, &sentence);
    Ok(())
}

fn transfer(
    incident: Option<&str>,
    to: &Principal,
    why: Option<Prose>,
    yes: bool,
    cx: &Context,
) -> Result<(), Failure> {
    let mut actor = cx.actor()?;
    let incident = meant(&actor, incident)?;
    let reference = line(&incident.reference);
    let proposal = actor.transfer_to_agree(&reference, to, why.as_ref());
    let outcome = match (proposal?, why) {
        (Some(proposal), why) => {
            show_proposal(&actor, &proposal, cx);
            consent(yes || why.is_some(), "agree to this?")?;
            actor.agree(&proposal, None)?
        }
        (None, Some(why)) => actor.transfer(&incident.id, to.clone(), why)?,
        (None, None) => return Err(Failure::usage("why? --why says it")),
    };
    let sentence = match outcome.proposed() {
        Some(proposed) => format!(
            "proposed that {to} leads {reference}; until {} UTC another holder of the command \
             privilege agrees: breakglass incident transfer {reference} --to {to}",
            proposed.until.time_of_day()
        ),
        None => format!("{to} leads {reference}"),
    };
    cx.output().outcome(&outcome, &reference, &sentence);
    Ok(())
}

fn close(incident: Option<&str>, cx: &Context) -> Result<(), Failure> {
    let mut actor = cx.actor()?;
    let incident = unclosed(&actor, incident)?;
    let outcome = actor.close(&incident.id)?;
    let reference = line(&incident.reference);
    cx.output()
        .outcome(&outcome, &reference, &format!("closed {reference}"));
    Ok(())
}

/// All of an incident, as one document.
fn pack(incident: &IncidentView, cx: &Context) -> Result<(), Failure> {
    let client = cx.client()?;
    let grants: Result<Vec<_>, _> = incident.grants.iter().map(|g| client.grant(g)).collect();
    let documents = client.documents(&incident.id)?;
    let timeline = client.timeline(&incident.id)?;
    let text = pack::markdown(incident, &grants?, &client.people()?, &documents, &timeline);
    cx.output().data(text.trim_end());
    Ok(())
}

/// The incident that is meant after its end: the only resolved one if none is named.
pub(super) fn unclosed(actor: &Actor, named: Option<&str>) -> Result<IncidentView, Failure> {
    Ok(match named {
        Some(named) => actor.client().incident(named)?,
        None => actor.sole_unclosed()?,
    })
}

pub(super) fn meant(actor: &Actor, named: Option<&str>) -> Result<IncidentView, Failure> {
    Ok(match named {
        Some(named) => actor.client().incident(named)?,
        None => actor.sole_incident()?,
    })
}

/// The incident that is meant, for looking at: without a key.
fn viewed(named: Option<&str>, cx: &Context) -> Result<IncidentView, Failure> {
    let client = cx.client()?;
    if let Some(named) = named {
        return Ok(client.incident(named)?);
    }
    let all = client.incidents_in("open")?;
    let mut open = all.iter();
    match (open.next(), open.next()) {
        (Some(sole), None) => Ok(sole.clone()),
        _ => {
            Err(Failure::of(Code::Ambiguous, "name the incident").hint("breakglass incident list"))
        }
    }
}

fn list(before: Option<u64>, cx: &Context) -> Result<(), Failure> {
    let client = cx.client()?;
    let incidents = match before {
        Some(before) => client.incidents_before(before)?,
        None => client.incidents()?,
    };
    let screen = cx.screen(&client);
    if cx.output().is_json() {
        cx.output().json(&incidents);
        return Ok(());
    }
    let row = |i: &IncidentView| {
        [
            i.reference.clone(),
            i.state.clone(),
            i.severity.clone(),
            i.scenario.clone(),
            screen.when(i.declared_at),
            format!("{}{}", if i.drill { "DRILL: " } else { "" }, i.title),
        ]
    };
    let rows: Vec<[String; 6]> = incidents.iter().map(row).collect();
    let heading = [
        "incident", "state", "severity", "scenario", "declared", "title",
    ];
    if incidents.is_empty() {
        cx.output().say("there is no incident");
    }
    for line in fitted(heading, &rows, screen.columns()) {
        cx.output().data(&line);
    }
    Ok(())
}

/// An incident with what was refused in it.
#[derive(serde::Serialize)]
struct Whole<'a> {
    #[serde(flatten)]
    incident: &'a IncidentView,
    refusals: &'a [RefusalView],
}

fn show(incident: &IncidentView, cx: &Context) -> Result<(), Failure> {
    let client = cx.client()?;
    let refusals = &client.refusals(&incident.id)?;
    let screen = cx.screen(&client);
    if cx.output().is_json() {
        cx.output().json(&Whole { incident, refusals });
        return Ok(());
    }
    let resolved = incident.resolved_at.map(|at| screen.exactly(at));
    let closed = incident.closed_at.map(|at| screen.exactly(at));
    let rows = [
        ("incident", incident.reference.clone()),
        ("title", incident.title.clone()),
        ("state", incident.state.clone()),
        (
            "scenario",
            format!("{}, {}", incident.scenario, incident.severity),
        ),
        ("commander", incident.commander.clone()),
        ("declared", screen.exactly(incident.declared_at)),
        ("resolved", resolved.unwrap_or_default()),
        ("closed", closed.unwrap_or_default()),
        ("control", control_plane(incident, screen)),
        ("requests", incident.requests.join(", ")),
        ("grants", incident.grants.join(", ")),
    ];
    if incident.drill {
        cx.output().data("DRILL: a practice");
    }
    for (name, value) in rows.iter().filter(|(_, value)| !value.is_empty()) {
        cx.output().data(&format!("{name:<10} {}", line(value)));
    }
    for duty in &incident.obligations {
        let subject = match duty.subject.as_str() {
            "" => String::new(),
            subject => format!(" of {}", line(subject)),
        };
        cx.output().data(&format!(
            "{:<10} {}{subject}: {}, {}, due {}",
            "duty",
            duty.clock.obligation,
            line(&duty.owner),
            line(&duty.status),
            screen.exactly(duty.clock.due_at)
        ));
    }
    for refused in refusals {
        cx.output().data(&format!(
            "{:<10} {}  {}: {} ({})",
            "refused",
            refused.at,
            line(&refused.who),
            line(&refused.command),
            line(&refused.code)
        ));
    }
    Ok(())
}

/// What the probes last said, in the server's word.
fn control_plane(incident: &IncidentView, screen: Screen) -> String {
    match &incident.control_plane {
        None => String::new(),
        Some(ProbedView {
            verdict: Some(verdict),
            at: Some(at),
            ..
        }) => format!("plane {verdict} at {}", screen.exactly(*at)),
        Some(_) => "plane not probed yet".to_owned(),
    }
}

fn timeline(incident: &IncidentView, cx: &Context) -> Result<(), Failure> {
    let lines = cx.client()?.timeline(&incident.id)?;
    if cx.output().is_json() {
        cx.output().json(&lines);
        return Ok(());
    }
    for text in lines {
        cx.output().data(&line(&text));
    }
    cx.output().say(
        "refused requests and answers are told by their account and time; not here: refusals \
         beyond ten a minute, and what no known key signed (they are in an export)",
    );
    Ok(())
}
