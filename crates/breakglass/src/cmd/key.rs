//! `breakglass key`.

use breakglass_api::view::{KeyView, PersonView};
use breakglass_format::{Event, Prose};
use clap::Subcommand;

use super::{Context, input};
use crate::{
    actor::Suspended,
    hint::Failure,
    output::{Screen, line, table::fitted},
};

/// Keys: whose count, and how one ceases to.
#[derive(Debug, Subcommand)]
pub(super) enum Verb {
    /// List everybody's keys, and whether they count.
    List {
        /// Those of one person.
        #[arg(value_name = "PRINCIPAL")]
        of: Option<String>,
    },
    /// Have a key, or somebody with every key, count no longer, at once.
    ///
    /// Your own takes you alone. Anybody else's takes two holders of the privilege `suspend`, a
    /// root person's the root threshold; the others run the same command within an hour. It is
    /// undone only by a version of the authority that lists the key anew. Somebody who is
    /// suspended loses their grants and requests as well.
    Suspend {
        /// `SHA256:…` for one key, a principal for somebody with every key.
        #[arg(value_name = "KEY|PRINCIPAL", value_parser = target)]
        what: Suspended,
        /// Why.
        #[arg(long, value_parser = input::prose)]
        why: Prose,
    },
}

fn target(text: &str) -> Result<Suspended, String> {
    if text.starts_with("SHA256:") {
        let key = text.parse().map(Suspended::Key);
        return key.map_err(|_| "a fingerprint is SHA256: and 43 characters".to_owned());
    }
    let person = text.parse().map(Suspended::Person);
    person.map_err(|_| "neither a fingerprint nor a principal".to_owned())
}

pub(super) fn run(verb: Verb, cx: &Context) -> Result<(), Failure> {
    match verb {
        Verb::List { of } => {
            let client = cx.client()?;
            let mut people = client.people()?;
            people.retain(|p| of.as_ref().is_none_or(|name| p.principal == *name));
            if people.is_empty() {
                let name = of.unwrap_or_default();
                return Err(Failure::usage(format!("the authority knows no {name:?}"))
                    .hint("breakglass key list shows everybody"));
            }
            list(&people, cx.screen(&client), cx);
        }
        Verb::Suspend { what, why } => suspend(&what, why, cx)?,
    }
    Ok(())
}

fn suspend(what: &Suspended, why: Prose, cx: &Context) -> Result<(), Failure> {
    let name = match what {
        Suspended::Key(key) => key.to_string(),
        Suspended::Person(principal) => principal.to_string(),
    };
    let outcome = cx.actor()?.suspend(what, why)?;
    let done = outcome
        .received()
        .iter()
        .any(|r| matches!(r.entry.event, Event::KeySuspended(_)));
    if done {
        let says = format!("suspended {name}");
        cx.output().outcome(&outcome, "suspended", &says);
        return Ok(());
    }
    let says = format!("proposed to suspend {name}; it still COUNTS");
    cx.output().outcome(&outcome, "proposed", &says);
    cx.output().say(&format!(
        "hint: somebody else who may runs within an hour: breakglass key suspend {name} --why …"
    ));
    Ok(())
}

fn list(people: &[PersonView], screen: Screen, cx: &Context) {
    if cx.output().is_json() {
        cx.output().json(&people);
        return;
    }
    let row = |person: &PersonView, key: &KeyView| {
        let mut state = line(&key.state).replace('_', " ");
        if key.recovery {
            state.push_str(", recovery");
        }
        [
            person.principal.clone(),
            key.fingerprint.clone(),
            key.key_type.clone(),
            state,
            key.used_at
                .map_or_else(|| "never".to_owned(), |at| screen.when(at)),
        ]
    };
    let keys = |p: &PersonView| p.keys.iter().map(|k| row(p, k)).collect::<Vec<_>>();
    let rows: Vec<[String; 5]> = people.iter().flat_map(keys).collect();
    for line in fitted(
        ["who", "key", "type", "state", "last used"],
        &rows,
        screen.columns(),
    ) {
        cx.output().data(&line);
    }
}
