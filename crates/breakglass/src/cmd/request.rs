//! `breakglass request`.

use std::{ffi::OsString, time::Duration};

use breakglass_api::view::RequestView;
use breakglass_format::{
    Digest, Line, Name, Prose,
    statement::{Request, Statement as _},
    time::human_s,
    vocabulary::PurposeKind,
};
use serde_json::json;

use super::{Context, checkout, input};
use crate::{
    actor::{ActionWish, Actor, ActorError, RequestWish},
    hint::{Code, Failure},
    output::{Screen, entries, line, prompt},
};

/// How often `--wait` looks.
const LOOK_EVERY: Duration = Duration::from_secs(2);

/// Options of `request`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The account, by name.
    #[arg(required_unless_present = "again")]
    account: Option<String>,
    /// Ask once more for what this request of yours asked for; what else is given here is changed.
    #[arg(long, value_name = "R-1", conflicts_with_all = ["account", "incident", "declare", "action"])]
    again: Option<String>,
    /// The incident; the only open one if not given.
    #[arg(long, value_name = "INC-1")]
    incident: Option<String>,
    /// Declare an incident of this scenario first.
    #[arg(long, value_name = "SCENARIO", conflicts_with = "incident")]
    declare: Option<Name>,
    /// What to declare it with.
    #[command(flatten)]
    declaration: input::Declaration,
    /// Declare without being asked, though one like it was declared minutes ago.
    #[arg(long, requires = "declare")]
    yes: bool,
    /// For how long; 4h if not given.
    #[arg(long = "for", value_parser = input::duration, value_name = "TIME")]
    duration_s: Option<i64>,
    /// Access for one action instead of the credential itself.
    #[arg(long, requires = "target")]
    action: Option<Name>,
    /// What the action is done to.
    #[arg(long, requires = "action", value_parser = input::line)]
    target: Option<Line>,
    /// The artifact of the action.
    #[arg(long, requires = "action", value_parser = input::line)]
    artifact: Option<Line>,
    /// Hash of the plan that was shown.
    #[arg(long, requires = "action", value_name = "sha256:…")]
    plan: Option<Digest>,
    /// Why.
    #[arg(long, value_parser = input::prose, required_unless_present = "again")]
    why: Option<Prose>,
    /// How many checkouts and runs together; any number if not given.
    #[arg(long, value_parser = clap::value_parser!(i64).range(0..))]
    uses: Option<i64>,
    /// Attest that the control plane is unusable, because …
    #[arg(long, value_parser = input::prose, value_name = "BECAUSE")]
    control_plane_unusable: Option<Prose>,
    /// Wait until it is decided.
    #[arg(long)]
    wait: bool,
    /// Once it is granted, run the command after `--` with the credential in its environment.
    #[arg(long, requires_all = ["wait", "command"], conflicts_with = "action")]
    exec: bool,
    /// The command and its arguments.
    #[arg(last = true, requires = "exec", value_name = "CMD")]
    command: Vec<OsString>,
}

/// An open incident of the same scenario that is younger than this may be the same one, in seconds.
const MINUTES_AGO_S: i64 = 15 * 60;

/// How long access is asked for, unless somebody says otherwise, in seconds.
const FOUR_HOURS_S: i64 = 4 * 3600;

pub(super) fn run(args: Args, cx: &Context) -> Result<(), Failure> {
    // What can be known to fail is found before anybody is woken up.
    let then = args.exec.then_some(args.command.as_slice());
    then.map(checkout::there_is).transpose()?;
    let mut actor = cx.actor()?;
    let (wish, declared) = match &args.again {
        Some(reference) => (once_more(reference, &args, &actor)?, None),
        None => wish(&args, &mut actor, cx)?,
    };
    let posted = post(&mut actor, &wish, args.wait, cx);
    let posted = match (posted, then) {
        (Ok(Some(grant)), Some(command)) => checkout::exec(&mut actor, &grant, command, cx),
        (posted, _) => posted.map(drop),
    };
    // The same command again would declare another incident.
    posted.map_err(|failure| match declared {
        Some(incident) => failure.half_way().hint_first(format!(
            "{incident} is declared; from now on say --incident {incident} in place of --declare"
        )),
        None => failure,
    })
}

/// What the options say; under an incident that is declared for it, once nothing speaks against.
fn wish(
    args: &Args,
    actor: &mut Actor,
    cx: &Context,
) -> Result<(RequestWish, Option<String>), Failure> {
    let (account, why) = (args.account.as_deref(), args.why.clone());
    let mut wish = RequestWish {
        action: action(args),
        plan: args.plan,
        duration_s: args.duration_s.unwrap_or(FOUR_HOURS_S),
        uses: args.uses.unwrap_or(0),
        attested: args.control_plane_unusable.clone().unwrap_or_default(),
        ..RequestWish::credential("", account.unwrap_or_default(), why.unwrap_or_default())
    };
    let Under { incident, declared } = under(args, &wish, actor, cx)?;
    wish.incident = incident;
    Ok((wish, declared))
}

/// What an earlier request asked for, as its signer wrote it, with what is given here in place of
/// it. What holds of log and authority is fetched anew, and so are the warnings: the approvers of
/// the new one see that the old one was denied.
fn once_more(reference: &str, args: &Args, actor: &Actor) -> Result<RequestWish, Failure> {
    let dossier = actor.client().request(reference)?;
    if dossier.view.state == "pending" {
        let text = format!("{} still waits", line(&dossier.view.reference));
        return Err(Failure::of(Code::RequestPending, text)
            .hint("call its approvers; to ask for something else: breakglass withdraw"));
    }
    let unreadable = |_| Failure::of(Code::ForeignAnswer, "the server's request is none");
    let request = Request::from_bytes(dossier.request.statement.as_bytes()).map_err(unreadable)?;
    if request.requester.person != actor.identity().person {
        let whose = format!("{reference} is {}'s request", request.requester.principal);
        return Err(Failure::of(Code::NotYours, whose)
            .hint("ask for yourself: breakglass request ACCOUNT --why '…'"));
    }
    let purpose = request.purpose;
    let action = (purpose.kind == PurposeKind::Action).then_some(ActionWish {
        action: purpose.action,
        target: purpose.target,
        artifact: purpose.artifact,
    });
    Ok(RequestWish {
        action,
        plan: args.plan.or(purpose.plan.0),
        duration_s: args.duration_s.unwrap_or(request.duration_s),
        uses: args.uses.unwrap_or(request.uses),
        extends: request.extends.0,
        attested: args
            .control_plane_unusable
            .clone()
            .unwrap_or(request.control_plane.attested),
        ..RequestWish::credential(
            &request.incident.id.to_string(),
            request.account.name.as_str(),
            args.why.clone().unwrap_or(request.justification),
        )
    })
}

/// The incident that a request is made under.
struct Under {
    incident: String,
    /// Its reference, where it was declared just now.
    declared: Option<String>,
}

/// Posts a wish and says what came of it; the grant, where it was waited for.
pub(super) fn post(
    actor: &mut Actor,
    wish: &RequestWish,
    wait: bool,
    cx: &Context,
) -> Result<Option<String>, Failure> {
    let outcome = actor.request(wish).map_err(|e| held(e, actor, wish))?;
    let Some(requested) = outcome.requested() else {
        return Err(Failure::of(Code::NotProven, "the log proves no request"));
    };
    let reference = requested.reference.to_string();
    let incident = requested.incident_id.to_string();
    let shown = actor.client().incident(&incident);
    let incident = shown.map_or(incident, |i| i.reference);
    let sentence = format!(
        "asked for {} for {} under {}; {} approvals are needed before {}",
        requested.account.name,
        human_s(requested.duration_s),
        line(&incident),
        requested.needs,
        requested.approve_by
    );
    if cx.output().is_json() {
        let mut value = entries(&outcome);
        if let Some(object) = value.as_object_mut() {
            object.insert("incident".to_owned(), incident.into());
            object.insert("request".to_owned(), reference.clone().into());
        }
        cx.output().json(&value);
    } else {
        cx.output().outcome(&outcome, &reference, &sentence);
    }
    if wait {
        return wait_for(actor, &reference, cx).map(Some);
    }
    Ok(None)
}

/// Whoever asks for what they hold themselves has nobody to ask for it back.
fn held(error: ActorError, actor: &Actor, wish: &RequestWish) -> Failure {
    let grants = actor.client().active_grants().unwrap_or_default();
    let own = grants.into_iter().find(|g| {
        g.holder == actor.identity().principal.as_str()
            && (g.account == wish.account || g.account_id == wish.account)
    });
    let failure = Failure::from(error);
    match own {
        Some(grant) => {
            let grant = line(&grant.reference);
            let hint = format!(
                "you hold it yourself: breakglass checkout {grant}; for longer: breakglass extend \
                 {grant} --why '…'"
            );
            failure.hint_where("account_busy", &hint)
        }
        None => failure,
    }
}

fn wait_for(actor: &Actor, reference: &str, cx: &Context) -> Result<String, Failure> {
    let mut approved = 0;
    loop {
        let view = actor.client().request(reference)?.view;
        if view.approved_by.len() != approved {
            approved = view.approved_by.len();
            let by = line(&view.approved_by.join(", "));
            cx.output()
                .say(&format!("approved by {by}, {approved} of {}", view.needs));
        }
        match (view.state.as_str(), &view.grant) {
            ("pending", _) => std::thread::sleep(LOOK_EVERY),
            ("granted", Some(grant)) => {
                let word = line(grant);
                cx.output().answer(&word, &json!({"grant": grant}));
                cx.output()
                    .say(&format!("granted; breakglass checkout {grant}"));
                return Ok(grant.clone());
            }
            (state, _) => {
                let state = line(state);
                return Err(Failure::of(
                    Code::RequestNotGranted,
                    format!("{reference} is {state}"),
                )
                .hint(format!(
                    "breakglass incident timeline says by whom and why; \
                         once more: breakglass request --again {reference}"
                )));
            }
        }
    }
}

fn under(
    args: &Args,
    wish: &RequestWish,
    actor: &mut Actor,
    cx: &Context,
) -> Result<Under, Failure> {
    let there = |incident| Under {
        incident,
        declared: None,
    };
    if let Some(incident) = &args.incident {
        return Ok(there(incident.clone()));
    }
    let Some(scenario) = &args.declare else {
        return Ok(there(actor.sole_incident()?.reference));
    };
    let declaration = args.declaration.clone();
    let declare = declaration.declare(
        actor,
        scenario.clone(),
        args.why.clone().unwrap_or_default(),
    )?;
    // A declaration wakes people up and stays for ever: not for a request that must be refused.
    let foreseen = actor.foresee(scenario, wish);
    foreseen.map_err(|e| held(e, actor, wish))?;
    twice(args, scenario, declare.drill, actor, cx)?;
    let outcome = actor.declare(declare)?;
    let Some(declared) = outcome.declared() else {
        return Err(Failure::of(Code::NotProven, "the log proves no incident"));
    };
    cx.output().say(&format!(
        "declared {}, led by {}",
        declared.reference, declared.commander.principal
    ));
    Ok(Under {
        incident: declared.incident_id.to_string(),
        declared: Some(declared.reference.to_string()),
    })
}

/// Somebody may have declared the same a moment ago; whoever types this is asked, or told where
/// there is nobody to ask.
fn twice(
    args: &Args,
    scenario: &Name,
    drill: bool,
    actor: &Actor,
    cx: &Context,
) -> Result<(), Failure> {
    let now = actor.client().status()?.time;
    let open = actor.client().incidents_in("open")?;
    let like_it = open.iter().find(|i| {
        i.scenario == scenario.as_str()
            && i.drill == drill
            && now.since_ms(i.declared_at) < MINUTES_AGO_S * 1000
    });
    let Some(before) = like_it.filter(|_| !args.yes) else {
        return Ok(());
    };
    let reference = line(&before.reference);
    cx.output().warn(&format!(
        "{reference}, {scenario}, was declared {} ago and is open: {}",
        human_s(now.since_ms(before.declared_at).max(0) / 1000),
        line(&before.title)
    ));
    if !prompt::is_interactive() || prompt::confirm("declare another incident?") {
        return Ok(());
    }
    let nothing = Failure::of(
        Code::NotAgreed,
        "nothing was declared and nothing asked for",
    );
    Err(nothing.hint(format!(
        "say --incident {reference} in place of --declare to ask under that one"
    )))
}

fn action(args: &Args) -> Option<ActionWish> {
    Some(ActionWish {
        action: args.action.clone()?,
        target: args.target.clone().unwrap_or_default(),
        artifact: args.artifact.clone().unwrap_or_default(),
    })
}

/// How many said yes of how many that must, and who.
fn approved(request: &RequestView) -> String {
    let count = format!("{} of {}", request.approved_by.len(), request.needs);
    match approvers(request).as_str() {
        "" => count,
        by => format!("{count}: {by}"),
    }
}

/// Who said yes, and whose yes counts no more.
pub(super) fn approvers(request: &RequestView) -> String {
    let counts = request.approved_by.iter().cloned();
    let aside = request.set_aside.iter();
    let aside = aside.map(|who| format!("{who} (suspended, does not count)"));
    counts.chain(aside).collect::<Vec<_>>().join(", ")
}

/// Requests as rows of a table.
pub(super) fn rows(requests: &[RequestView], screen: Screen) -> Vec<[String; 7]> {
    let row = |r: &RequestView| {
        [
            r.reference.clone(),
            r.incident.clone(),
            r.account.clone(),
            r.requester.clone(),
            human_s(r.duration_s),
            approved(r),
            screen.when(r.approve_by),
        ]
    };
    requests.iter().map(row).collect()
}
