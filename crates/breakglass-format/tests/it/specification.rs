//! The specification names every event, statement and field there is, and no other.

use std::collections::BTreeMap;

use breakglass_format::{act, error_class::ErrorClass, event::Event, statement::Kind, vocabulary};

const DATA: &str = concat!(
    include_str!("../../src/event/data.rs"),
    include_str!("../../src/event/aftermath.rs"),
    include_str!("../../src/event/control_plane.rs"),
    include_str!("../../src/event/notice.rs"),
    include_str!("../../src/event/people.rs"),
    include_str!("../../src/event/recovery.rs"),
);
const ENTRY: &str = include_str!("../../src/entry.rs");
const STATEMENT: &str = include_str!("../../src/statement.rs");
const ACT: &str = concat!(
    include_str!("../../src/act.rs"),
    include_str!("../../src/act/aftermath.rs"),
);
const AUTHORITY: &str = concat!(
    include_str!("../../src/authority.rs"),
    include_str!("../../src/authority/clocks.rs"),
);

const ENTRY_PAGE: &str = include_str!("../../../../docs/spec/entry.md");
const STATEMENTS_PAGE: &str = include_str!("../../../../docs/spec/statements.md");
const AUTHORITY_PAGE: &str = include_str!("../../../../docs/spec/authority.md");

/// The keys of a type as they are spelled in JSON, in canonical order.
type Fields = BTreeMap<String, Vec<String>>;

/// The types with named fields in a source file. Everything is written one field to a line.
fn types(source: &str) -> Fields {
    let mut types = Fields::new();
    let mut open: Option<(String, Vec<String>)> = None;
    let mut renamed = None;
    for line in source.lines().map(str::trim) {
        let line = line.strip_prefix("pub ").unwrap_or(line);
        let header = line
            .strip_suffix(" {")
            .map(|l| l.strip_prefix("struct ").unwrap_or(l));
        if let Some(name) =
            header.filter(|name| *name != "Self" && name.chars().all(char::is_alphanumeric))
        {
            open = Some((name.to_owned(), Vec::new()));
            renamed = None; // of a variant of an enum
        } else if let Some(name) = line.strip_prefix("#[serde(rename = \"") {
            renamed = name.split('"').next().map(str::to_owned);
        } else if line == "}" || line == "})+};" {
            types.extend(open.take().filter(|(_, fields)| !fields.is_empty()));
        } else if let Some((field, _)) = line.split_once(": ")
            && line.ends_with(',')
            && field.chars().all(|c| c.is_ascii_lowercase() || c == '_')
            && let Some((_, fields)) = &mut open
        {
            fields.push(renamed.take().unwrap_or_else(|| field.to_owned()));
        }
    }
    types.values_mut().for_each(|fields| fields.sort());
    types
}

/// The first column of the tables of a page, by the heading above them.
fn sections(page: &str) -> Fields {
    let mut sections = Fields::new();
    let mut heading = String::new();
    for line in page.lines() {
        if line.starts_with('#') {
            heading = line.trim_start_matches('#').trim().replace('`', "");
        } else if let Some((field, _)) = line.strip_prefix("| `").and_then(|l| l.split_once("` |"))
        {
            sections
                .entry(heading.clone())
                .or_default()
                .push(field.to_owned());
        }
    }
    sections
}

#[track_caller]
fn described(sections: &Fields, heading: &str, fields: &[String]) {
    let written = sections
        .get(heading)
        .unwrap_or_else(|| panic!("no table under {heading:?}"));
    assert_eq!(
        written, fields,
        "the table under {heading:?}, in canonical order"
    );
}

/// `BreakGlassAccess` of `BREAK_GLASS_ACCESS`.
fn type_name(event_type: &str) -> String {
    let capital = |word: &str| word[..1].to_owned() + &word[1..].to_lowercase();
    event_type.split('_').map(capital).collect()
}

#[test]
fn every_event_type_and_field_is_described() {
    let (mut types, sections) = (types(DATA), sections(ENTRY_PAGE));
    for event_type in Event::TYPES {
        let fields = types.remove(&type_name(event_type)).unwrap();
        described(&sections, event_type, &fields);
    }
    for (name, fields) in types {
        described(&sections, &name, &fields);
    }
    described(&sections, "Envelope", &self::types(ENTRY)["Raw"]);
}

#[test]
fn every_statement_and_field_is_described() {
    let (mut types, sections) = (types(STATEMENT), sections(STATEMENTS_PAGE));
    types.extend(self::types(ACT));
    // The stored form of an act is `RawAct`; `Act` has command and arguments in one.
    let raw = types.remove("RawAct").unwrap();
    types.insert("Act".to_owned(), raw);
    for kind in Kind::ALL.iter().filter(|kind| **kind != Kind::Authority) {
        let mut name = kind.word().to_owned();
        name[..1].make_ascii_uppercase();
        described(&sections, kind.namespace(), &types.remove(&name).unwrap());
    }
    for (name, fields) in types {
        described(&sections, &name, &fields);
    }
}

#[test]
fn every_command_is_described_with_whether_a_session_may_sign_it() {
    let sections = sections(STATEMENTS_PAGE);
    let text = || "x".parse().unwrap();
    let because = || act::Because {
        reason: "x".parse().unwrap(),
    };
    let action = || act::Action {
        action: "a".parse().unwrap(),
        artifact: text(),
        plan: None.into(),
        target: text(),
    };
    let record = act::Record {
        action: "a".parse().unwrap(),
        description: "x".parse().unwrap(),
        target: text(),
    };
    let declare = act::Declare {
        commander: "alice".parse().unwrap(),
        cves: Vec::new(),
        drill: false,
        justification: "x".parse().unwrap(),
        scenario: "s".parse().unwrap(),
        service: text(),
        severity: vocabulary::Severity::Sev1,
        threat: "x".parse().unwrap(),
        title: text(),
    };
    let mut commands = vec![
        act::Command::AddCredential(act::AddCredential { fields: Vec::new() }),
        act::Command::AttestRotation(act::AttestRotation {
            how: "x".parse().unwrap(),
            version: 2,
        }),
        act::Command::Cancel(because()),
        act::Command::Declare(declare),
        act::Command::Note(act::Note {
            text: "x".parse().unwrap(),
        }),
        act::Command::Plan(action()),
        act::Command::Record(record),
        act::Command::Resolve(act::Resolve {
            summary: "x".parse().unwrap(),
        }),
        act::Command::Probe(act::NoArgs {}),
        act::Command::SetContact(act::NoArgs {}),
        act::Command::Return(act::NoArgs {}),
        act::Command::Revoke(because()),
        act::Command::Rotate(because()),
        act::Command::Run(action()),
        act::Command::Withdraw(act::NoArgs {}),
    ];
    commands.extend(aftermath());
    commands.sort_by_key(act::Command::word);
    let words: Vec<String> = commands.iter().map(|c| c.word().to_owned()).collect();
    assert_eq!(sections["Commands"], words);
    for command in &commands {
        let table = STATEMENTS_PAGE.split_once("\n### Commands\n").unwrap().1;
        let row = table
            .lines()
            .find(|l| l.starts_with(&format!("| `{}` |", command.word())));
        let session = if command.session_may_sign() {
            "| yes |"
        } else {
            "| no |"
        };
        assert!(row.unwrap().ends_with(session), "{row:?}");
    }
}

/// The commands that follow an incident.
fn aftermath() -> [act::Command; 9] {
    use breakglass_format::vocabulary::{AccessDecision, CabDecision, Obligation};
    let (line, prose) = (|| "x".parse().unwrap(), || "x".parse().unwrap());
    [
        act::Command::Close(act::NoArgs {}),
        act::Command::CompleteReview(act::CompleteReview {
            follow_ups: Vec::new(),
            gaps: Vec::new(),
            root_cause: prose(),
            verdicts: Vec::new(),
        }),
        act::Command::DecideCab(act::DecideCab {
            decision: CabDecision::Accepted,
            proxy: false,
            remark: prose(),
        }),
        act::Command::FileReport(act::FileReport { summary: prose() }),
        act::Command::NotifyCab(act::NotifyCab {
            channel: line(),
            text: prose(),
        }),
        act::Command::ReviewAccess(act::ReviewAccess {
            decision: AccessDecision::Keep,
            entitled: Vec::new(),
            incident: None.into(),
            remark: prose(),
        }),
        act::Command::Transfer(act::Transfer {
            reason: prose(),
            to: "bob".parse().unwrap(),
        }),
        act::Command::UpdateProcedure(act::UpdateProcedure {
            reference: line(),
            summary: prose(),
        }),
        act::Command::Waive(act::Waive {
            account_gone: false,
            obligation: Obligation::CabReview,
            reason: prose(),
            subject: line(),
        }),
    ]
}

#[test]
fn the_authority_is_described_to_the_last_field() {
    let (mut types, sections) = (types(AUTHORITY), sections(AUTHORITY_PAGE));
    types.remove("Rule"); // an error, not a part of the document
    described(&sections, "Document", &types.remove("Authority").unwrap());
    for (name, fields) in types {
        described(&sections, &name, &fields);
    }
}

/// Every rule that the parser of the authority knows stands in the page, word for word.
#[test]
fn every_rule_of_the_authority_is_written_down() {
    let literals = AUTHORITY.split('"').skip(1).step_by(2);
    let rules: Vec<&str> = literals
        .filter(|text| text.split(' ').count() > 3 && !text.contains('{'))
        .collect();
    assert!(rules.len() >= 25, "{rules:?}");
    for rule in rules {
        let listed = AUTHORITY_PAGE
            .lines()
            .any(|line| line == format!("- {rule}"));
        assert!(listed, "{rule}");
    }
}

fn words<T: Copy>(all: &[T], spell: fn(T) -> &'static str) -> Vec<String> {
    all.iter().map(|word| spell(*word).to_owned()).collect()
}

#[test]
fn every_word_of_the_aftermath_is_written_down() {
    use vocabulary::{AccessDecision, CabDecision, Judgement};
    let entry = sections(ENTRY_PAGE);
    let decisions = words(AccessDecision::ALL, AccessDecision::as_str);
    described(&entry, "AccessDecision", &decisions);
    described(
        &entry,
        "CabDecision",
        &words(CabDecision::ALL, CabDecision::as_str),
    );
    described(
        &entry,
        "Judgement",
        &words(Judgement::ALL, Judgement::as_str),
    );
}

#[test]
fn every_word_of_the_closed_lists_is_written_down() {
    use vocabulary::{
        ActionMode, Custody, EffectKind, EndReason, Obligation, Origin, Privilege, PurposeKind,
        RunState, Severity,
    };
    let (entry, statements, authority) = (
        sections(ENTRY_PAGE),
        sections(STATEMENTS_PAGE),
        sections(AUTHORITY_PAGE),
    );
    let classes = [
        ErrorClass::Transient,
        ErrorClass::Permanent,
        ErrorClass::PolicyViolation,
        ErrorClass::Ambiguous,
    ];
    described(&entry, "ErrorClass", &words(&classes, ErrorClass::as_str));
    for (section, heading, words) in [
        (
            &entry,
            "ActionMode",
            words(ActionMode::ALL, ActionMode::as_str),
        ),
        (
            &entry,
            "EffectKind",
            words(EffectKind::ALL, EffectKind::as_str),
        ),
        (
            &entry,
            "EndReason",
            words(EndReason::ALL, EndReason::as_str),
        ),
        (
            &entry,
            "Obligation",
            words(Obligation::ALL, Obligation::as_str),
        ),
        (&entry, "RunState", words(RunState::ALL, RunState::as_str)),
        (&entry, "Severity", words(Severity::ALL, Severity::as_str)),
        (&statements, "Origin", words(Origin::ALL, Origin::as_str)),
        (
            &statements,
            "PurposeKind",
            words(PurposeKind::ALL, PurposeKind::as_str),
        ),
        (&authority, "Custody", words(Custody::ALL, Custody::as_str)),
        (
            &authority,
            "Privilege",
            words(Privilege::ALL, Privilege::as_str),
        ),
    ] {
        described(section, heading, &words);
    }
}
