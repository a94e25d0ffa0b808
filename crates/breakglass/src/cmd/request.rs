//! `breakglass request`.

use std::time::Duration;

use breakglass_api::view::RequestView;
use breakglass_format::{Digest, Line, Name, Prose, time::human_s};
use serde_json::json;

use super::{Context, input};
use crate::{
    actor::{ActionWish, Actor, RequestWish},
    hint::{Code, Failure},
    output::Screen,
};

/// How often `--wait` looks.
const LOOK_EVERY: Duration = Duration::from_secs(2);

/// Options of `request`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The account, by name.
    account: String,
    /// The incident; the only open one if not given.
    #[arg(long, value_name = "INC-1")]
    incident: Option<String>,
    /// Declare an incident of this scenario first.
    #[arg(long, value_name = "SCENARIO", conflicts_with = "incident")]
    declare: Option<Name>,
    /// What to declare it with.
    #[command(flatten)]
    declaration: input::Declaration,
    /// For how long.
    #[arg(long = "for", default_value = "4h", value_parser = input::duration, value_name = "TIME")]
    duration_s: i64,
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
    #[arg(long, value_parser = input::prose)]
    why: Prose,
    /// How many checkouts and runs together; any number if not given.
    #[arg(long, default_value_t = 0, value_parser = clap::value_parser!(i64).range(0..))]
    uses: i64,
    /// Attest that the control plane is unusable, because …
    #[arg(long, value_parser = input::prose, value_name = "BECAUSE")]
    control_plane_unusable: Option<Prose>,
    /// Wait until it is decided.
    #[arg(long)]
    wait: bool,
}

pub(super) fn run(args: Args, cx: &Context) -> Result<(), Failure> {
    let mut actor = cx.actor()?;
    let Under { incident, declared } = under(&args, &mut actor, cx)?;
    let wish = RequestWish {
        action: action(&args),
        plan: args.plan,
        duration_s: args.duration_s,
        uses: args.uses,
        attested: args.control_plane_unusable.clone().unwrap_or_default(),
        ..RequestWish::credential(&incident, &args.account, args.why.clone())
    };
    let posted = post(&mut actor, &wish, args.wait, cx);
    // The same command again would declare another incident.
    posted.map_err(|failure| match declared {
        Some(incident) => failure.hint_first(format!(
            "{incident} is declared; from now on say --incident {incident} in place of --declare"
        )),
        None => failure,
    })
}

/// The incident that a request is made under.
struct Under {
    incident: String,
    /// Its reference, where it was declared just now.
    declared: Option<String>,
}

/// Posts a wish and says what came of it.
pub(super) fn post(
    actor: &mut Actor,
    wish: &RequestWish,
    wait: bool,
    cx: &Context,
) -> Result<(), Failure> {
    let outcome = actor.request(wish)?;
    let Some(requested) = outcome.requested() else {
        return Err(Failure::of(Code::NotProven, "the log proves no request"));
    };
    let reference = requested.reference.to_string();
    let sentence = format!(
        "asked for {} for {}; {} approvals are needed before {}",
        requested.account.name,
        human_s(requested.duration_s),
        requested.needs,
        requested.approve_by
    );
    cx.output().outcome(&outcome, &reference, &sentence);
    if wait {
        return wait_for(actor, &reference, cx);
    }
    Ok(())
}

fn wait_for(actor: &Actor, reference: &str, cx: &Context) -> Result<(), Failure> {
    let mut approved = 0;
    loop {
        let view = actor.client().request(reference)?.view;
        if view.approved_by.len() > approved {
            approved = view.approved_by.len();
            let by = crate::output::line(&view.approved_by.join(", "));
            cx.output()
                .say(&format!("approved by {by}, {approved} of {}", view.needs));
        }
        match (view.state.as_str(), &view.grant) {
            ("pending", _) => std::thread::sleep(LOOK_EVERY),
            ("granted", Some(grant)) => {
                let word = crate::output::line(grant);
                cx.output().answer(&word, &json!({"grant": grant}));
                cx.output()
                    .say(&format!("granted; breakglass checkout {grant}"));
                return Ok(());
            }
            (state, _) => {
                let state = crate::output::line(state);
                return Err(Failure::of(
                    Code::RequestNotGranted,
                    format!("{reference} is {state}"),
                )
                .hint(
                    "breakglass incident timeline says by whom and why; \
                         a changed wish is a new request: breakglass request",
                ));
            }
        }
    }
}

fn under(args: &Args, actor: &mut Actor, cx: &Context) -> Result<Under, Failure> {
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
    let declare = declaration.declare(actor, scenario.clone(), args.why.clone())?;
    let outcome = actor.declare(declare)?;
    let Some(declared) = outcome.declared() else {
        return Err(Failure::of(Code::NotProven, "the log proves no incident"));
    };
    cx.output().say(&format!("declared {}", declared.reference));
    Ok(Under {
        incident: declared.incident_id.to_string(),
        declared: Some(declared.reference.to_string()),
    })
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
    match request.approved_by.as_slice() {
        [] => count,
        by => format!("{count}: {}", by.join(", ")),
    }
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
