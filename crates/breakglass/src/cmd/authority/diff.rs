//! `breakglass authority diff`: what one version of the authority changes of another, in words.

use std::{collections::BTreeMap, path::Path};

use breakglass_format::authority::{Authority, Person};
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::read;
use crate::{cmd::Context, hint::Failure, output::line};

/// What a document says of one thing: field by field.
type Fields = Map<String, Value>;

pub(super) fn run(old: &Path, new: &Path, cx: &Context) -> Result<(), Failure> {
    let parse = |path: &Path| {
        let bytes = read(path)?;
        Authority::from_bytes(&bytes).map_err(|e| Failure::malformed(path, e))
    };
    let changes = changes(&parse(old)?, &parse(new)?);
    if cx.output().is_json() {
        cx.output().json(&changes);
        return Ok(());
    }
    for change in &changes {
        cx.output().data(change);
    }
    if changes.is_empty() {
        cx.output().say("nothing changes");
    }
    Ok(())
}

/// What the second document changes of the first: `+` is new, `-` is gone, `~` is otherwise.
pub(super) fn changes(old: &Authority, new: &Authority) -> Vec<String> {
    let (before, after) = (things(old), things(new));
    let mut out = Vec::new();
    for (name, fields) in &before {
        match after.get(name) {
            None => out.push(format!("- {}", line(name))),
            Some(now) => out.extend(changed(name, fields, now)),
        }
    }
    for (name, fields) in after.iter().filter(|(name, _)| !before.contains_key(*name)) {
        let said = fields.iter().filter(|(_, value)| !is_empty(value));
        let said: Vec<String> = said.map(|(f, v)| format!("{f} {}", shown(v))).collect();
        out.push(format!("+ {}: {}", line(name), line(&said.join("; "))));
    }
    out
}

fn changed(name: &str, before: &Fields, now: &Fields) -> Vec<String> {
    let fields = before.iter().filter_map(|(field, old)| {
        let new = now.get(field).unwrap_or(&Value::Null);
        (old != new).then(|| (field, difference(old, new)))
    });
    let said =
        |(field, what): (&String, String)| format!("~ {}: {field}: {}", line(name), line(&what));
    fields.map(said).collect()
}

/// Lists by what came and went; everything else by what it was and is.
fn difference(old: &Value, new: &Value) -> String {
    if let (Value::Array(old), Value::Array(new)) = (old, new) {
        let gone = old.iter().filter(|v| !new.contains(v));
        let came = new.iter().filter(|v| !old.contains(v));
        let gone = gone.map(|v| format!("-{}", shown(v)));
        let all: Vec<String> = came.map(|v| format!("+{}", shown(v))).chain(gone).collect();
        if !all.is_empty() {
            return all.join(" ");
        }
    }
    format!("{} -> {}", shown(old), shown(new))
}

fn shown(value: &Value) -> String {
    match value {
        Value::String(text) if text.is_empty() => "nothing".to_owned(),
        // Namespaces by their word.
        Value::String(text) => text.trim_end_matches(".v1@breakglass").to_owned(),
        Value::Array(all) if all.is_empty() => "nothing".to_owned(),
        Value::Array(all) => {
            let all: Vec<String> = all.iter().map(shown).collect();
            all.join(", ")
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => value.to_string(),
    }
}

fn is_empty(value: &Value) -> bool {
    matches!(value, Value::String(s) if s.is_empty())
        || matches!(value, Value::Array(a) if a.is_empty())
}

fn fields(of: &impl Serialize, without: &[&str]) -> Fields {
    let Ok(Value::Object(mut fields)) = serde_json::to_value(of) else {
        return Fields::new();
    };
    for field in without {
        fields.remove(*field);
    }
    fields
}

/// Everything that a document speaks of, by a name that stays.
fn things(authority: &Authority) -> BTreeMap<String, Fields> {
    let mut all = BTreeMap::new();
    let principal = |person: &Person| person.principal.to_string();
    let called = |id| authority.person(id).map_or_else(String::new, principal);
    let roots: Vec<String> = authority.roots.persons.iter().map(called).collect();
    let house = json!({
        "title": authority.title,
        "origin": authority.log.origin,
        "log key": authority.log.vkey,
        "root persons": roots,
        "root threshold": authority.roots.threshold,
    });
    all.insert("installation".to_owned(), fields(&house, &[]));
    all.insert("clocks".to_owned(), fields(&authority.clocks, &[]));
    for person in &authority.people {
        let name = format!("person {}", person.principal);
        all.insert(name, fields(person, &["keys", "principal"]));
        for key in &person.keys {
            let name = format!("key {} of {}", key.fingerprint, person.principal);
            all.insert(name, fields(key, &["fingerprint", "public_key"]));
        }
    }
    for account in &authority.accounts {
        all.insert(
            format!("account {}", account.name),
            fields(account, &["name"]),
        );
    }
    for entitlement in &authority.entitlements {
        let mut of = fields(entitlement, &["name"]);
        let accounts = entitlement.accounts.iter();
        let names = accounts.filter_map(|id| authority.account(id));
        let names: Vec<String> = names.map(|a| a.name.to_string()).collect();
        of.insert("accounts".to_owned(), json!(names));
        all.insert(format!("entitlement {}", entitlement.name), of);
    }
    for scenario in &authority.scenarios {
        all.insert(
            format!("scenario {}", scenario.name),
            fields(scenario, &["name"]),
        );
    }
    for machine in &authority.machines {
        all.insert(
            format!("machine {}", machine.name),
            fields(machine, &["name"]),
        );
    }
    for node in &authority.nodes {
        all.insert(format!("node {}", node.name), fields(node, &["name"]));
    }
    all
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use breakglass_format::{Timestamp, vocabulary::Privilege};

    use super::changes;
    use crate::cmd::authority::compile::{
        compile,
        tests::{keys, text},
    };

    #[test]
    fn what_changes_is_said_thing_by_thing() {
        let old = compile(&text(&keys()), Path::new(""), None, Timestamp::EPOCH).unwrap();
        assert_eq!(changes(&old, &old), Vec::<String>::new());
        let mut new = old.clone();
        new.title = "Renamed".parse().unwrap();
        let gone = new.people.remove(0);
        new.people[0].privileges.push(Privilege::Waive);
        new.entitlements[0].approvals = 3;
        let said = changes(&old, &new);
        let expected = [
            format!("- person {}", gone.principal),
            format!("~ person {}: privileges: +waive", new.people[0].principal),
            format!(
                "~ entitlement {}: approvals: 2 -> 3",
                new.entitlements[0].name
            ),
        ];
        for line in expected {
            assert!(said.contains(&line), "{line}: {said:?}");
        }
        assert!(said.iter().any(|s| s.ends_with("-> Renamed")), "{said:?}");
        let back = changes(&new, &old);
        let came = format!("+ person {}: ", gone.principal);
        assert!(back.iter().any(|s| s.starts_with(&came)), "{back:?}");
    }
}
