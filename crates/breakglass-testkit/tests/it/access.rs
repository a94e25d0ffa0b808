//! Who may do what to whose: every operation that posts a statement, by every role, on what is
//! alice's, on what is mallory's, on what is resolved and on what is closed, as one table.
//!
//! The operations come from the API's description, so that a new one without a row fails. What is
//! only read is in a table of its own (`breakglass/tests/it/reads.rs`).

use std::fmt::Write as _;

use breakglass_core::Command;
use breakglass_format::{
    GrantId, IncidentId, RequestId,
    act::{
        AddCredential, AttestRotation, Command as Act, DecideCab, FileReport, NoArgs, Note,
        NotifyCab, Record, Resolve, ReviewAccess, Transfer, UpdateProcedure,
    },
    vocabulary::{AccessDecision, CabDecision, Obligation},
};
use breakglass_statement::digest;
use breakglass_testkit::{
    Given, Hand, Wish,
    aftermath::{review_of, waiver},
    harness::{types, word},
    people::{
        ALICE, BOB, CAROL, DAVE, ERIN, FRANK, GRACE, MALLORY, OSCAR, READER, SHOP, TRENT, WALTER,
        line, name, newcomer, prose, successor,
    },
    script::bless,
    statements::{because, outage, rollback},
};

/// The roles, by somebody who has them. Alice and Mallory may ask; Victor is in the authority and
/// proved to hold no key.
const ROLES: [(&str, &str, Hand); 13] = [
    ("alice", "may ask", ALICE),
    ("mallory", "may ask", MALLORY),
    ("bob", "approver of security", BOB),
    ("carol", "approver of platform", CAROL),
    ("dave", "approver of both", DAVE),
    ("erin", "commander of all; command, revoke", ERIN),
    ("frank", "reviewer, auditor", FRANK),
    ("grace", "account; root person", GRACE),
    ("oscar", "cab", OSCAR),
    ("trent", "suspend", TRENT),
    ("walter", "waive", WALTER),
    (
        "victor",
        "in the authority; enrolled no key",
        Hand::of("victor"),
    ),
    ("sybil", "nobody knows her", Hand::of("sybil")),
];

/// What something is done to.
#[derive(Clone, Copy)]
struct Object {
    incident: IncidentId,
    request: RequestId,
    grant: GrantId,
}

/// A house with an incident of alice's, one of mallory's, one that is resolved, one that is closed.
struct House {
    given: Given,
    objects: [(&'static str, Object); 4],
}

/// Bob and carol approve the request made last.
fn granted(given: Given) -> Given {
    given.approved_by(BOB).approved_by(CAROL)
}

/// An incident with a grant and a request that waits.
fn incident_of(mut given: Given, hand: Hand, account: &'static str) -> (Given, Object) {
    let declare = given.declare(hand, outage());
    given.must(&declare);
    let incident = given.incident();
    let mut given = {
        let ask = given.ask_under(incident, hand, &Wish::credential(account));
        given.must(&ask);
        granted(given)
    };
    let grant = given.grant();
    let ask = given.ask_under(incident, hand, &Wish::credential(READER));
    given.must(&ask);
    let request = given.request();
    let object = Object {
        incident,
        request,
        grant,
    };
    (given, object)
}

fn last_object(given: &Given) -> Object {
    Object {
        incident: given.incident(),
        request: given.request(),
        grant: given.grant(),
    }
}

fn house() -> House {
    let given = Given::closed().importing(READER);
    let closed = last_object(&given);
    // Resolved, with everything still to be done.
    let (mut given, mut resolved) = incident_of(given, ALICE, SHOP);
    let checkout = given.checkout(ALICE, resolved.grant);
    given.must(&checkout);
    let resolve = given.resolve(ERIN, resolved.incident);
    given.must(&resolve);
    resolved.request = given.request();
    given.work();
    let (given, mallorys) = incident_of(given, MALLORY, READER);
    let (mut given, alices) = incident_of(given, ALICE, SHOP);
    let run = given.order(ALICE, alices.grant);
    given.must(&run);
    let mut next = successor(&given.authority());
    next.people
        .push(newcomer("victor", &["oncall", "security"]));
    let publish = given.publish(next, true);
    given.must(&publish);
    given.sleep_s(60);
    House {
        given,
        objects: [
            ("alice's", alices),
            ("mallory's", mallorys),
            ("resolved", resolved),
            ("closed", closed),
        ],
    }
}

/// A statement of somebody about something; `None` where the object has nothing of the kind.
type Make = Box<dyn Fn(&mut Given, Hand, usize, &Object) -> Option<Command>>;

/// The rows of an operation. A new operation has none, and fails.
fn rows(path: &str) -> Vec<Make> {
    fn one(
        make: impl Fn(&mut Given, Hand, usize, &Object) -> Option<Command> + 'static,
    ) -> Vec<Make> {
        vec![Box::new(make)]
    }
    match path {
        "/v1/requests" => {
            one(|g, hand, _, o| Some(g.ask_under(o.incident, hand, &Wish::credential(READER))))
        }
        "/v1/approvals" => one(|g, hand, _, o| Some(g.approve(hand, o.request))),
        "/v1/denials" => one(|g, hand, _, o| Some(g.deny(hand, o.request))),
        "/v1/checkouts" => one(|g, hand, _, o| Some(g.checkout(hand, o.grant))),
        "/v1/sessions" => one(|g, hand, column, _| (column == 0).then(|| g.open_session(hand, 60))),
        "/v1/enrolments" => one(|g, hand, column, _| (column == 0).then(|| g.enroll(hand))),
        // Alice, mallory, and a root person.
        "/v1/suspensions" => one(|g, hand, column, _| {
            let of = [ALICE, MALLORY, GRACE].get(column)?;
            Some(g.suspend(hand, *of, None))
        }),
        // Signed by the root threshold, not by a role: `breakglass::attacks::authority`.
        "/v1/authority" => Vec::new(),
        "/v1/acts" => acts(),
        other => panic!("nobody says who may post to {other}"),
    }
}

/// Which of an object's parts a command is about. A new command does not compile before it stands
/// here.
fn object_of(command: &Act, given: &Given, o: &Object) -> Option<String> {
    Some(match command {
        Act::Declare(_) | Act::SetContact(_) => String::new(),
        Act::Note(_)
        | Act::Probe(_)
        | Act::Resolve(_)
        | Act::Transfer(_)
        | Act::NotifyCab(_)
        | Act::FileReport(_)
        | Act::CompleteReview(_)
        | Act::DecideCab(_)
        | Act::UpdateProcedure(_)
        | Act::Waive(_)
        | Act::Close(_) => o.incident.to_string(),
        Act::Withdraw(_) => o.request.to_string(),
        Act::Record(_) | Act::Return(_) | Act::Revoke(_) | Act::Plan(_) | Act::Run(_) => {
            o.grant.to_string()
        }
        Act::Cancel(_) => {
            let mut runs = given.whole().runs_under(&o.incident);
            runs.next()?.id.to_string()
        }
        Act::AddCredential(_) | Act::Rotate(_) | Act::AttestRotation(_) | Act::ReviewAccess(_) => {
            given.whole().grant(&o.grant)?.account.id.to_string()
        }
    })
}

type Build = fn(&Given, &Object) -> Act;

/// What people do in an emergency.
const DURING: [Build; 14] = [
    |_, _| Act::Declare(outage()),
    |_, _| {
        Act::Note(Note {
            text: prose("Seen."),
        })
    },
    |_, _| Act::Probe(NoArgs {}),
    |_, _| {
        Act::Record(Record {
            action: name("rollback"),
            description: prose("By hand."),
            target: line("shop.example"),
        })
    },
    |_, _| Act::Withdraw(NoArgs {}),
    |_, _| Act::Return(NoArgs {}),
    |_, _| Act::Revoke(because("It looks wrong.")),
    |_, _| Act::Cancel(because("It looks wrong.")),
    |_, _| Act::Plan(rollback()),
    |_, _| Act::Run(rollback()),
    |_, _| {
        Act::Resolve(Resolve {
            summary: prose("Over."),
        })
    },
    |_, _| {
        Act::AddCredential(AddCredential {
            fields: ["password", "username"].map(name).to_vec(),
        })
    },
    |_, _| Act::Rotate(because("To be sure.")),
    |_, _| {
        Act::AttestRotation(AttestRotation {
            how: prose("By hand."),
            version: 2,
        })
    },
];

/// What follows it, or is nobody's emergency.
const AFTERWARDS: [Build; 10] = [
    |_, _| {
        Act::Transfer(Transfer {
            reason: prose("Tired."),
            to: "frank".parse().unwrap(),
        })
    },
    |_, _| Act::SetContact(NoArgs {}),
    |_, _| {
        Act::NotifyCab(NotifyCab {
            channel: line("telephone"),
            text: prose("Tonight."),
        })
    },
    |_, _| {
        Act::FileReport(FileReport {
            summary: prose("A bad release."),
        })
    },
    |g, o| Act::CompleteReview(review_of(g, o.incident, &[])),
    |_, _| {
        Act::DecideCab(DecideCab {
            decision: CabDecision::Accepted,
            proxy: false,
            remark: prose("It had to be."),
        })
    },
    |_, o| {
        Act::ReviewAccess(ReviewAccess {
            decision: AccessDecision::Keep,
            entitled: Vec::new(),
            incident: Some(o.incident).into(),
            remark: prose("Needed."),
        })
    },
    |_, _| {
        Act::UpdateProcedure(UpdateProcedure {
            reference: line("wiki"),
            summary: prose("Mended."),
        })
    },
    |_, _| Act::Waive(waiver(Obligation::CabReview)),
    |_, _| Act::Close(NoArgs {}),
];

fn acts() -> Vec<Make> {
    let row = |build: Build| -> Make {
        let make = move |g: &mut Given, hand: Hand, column: usize, o: &Object| {
            let command = build(g, o);
            let object = object_of(&command, g, o)?;
            if object.is_empty() && column > 0 {
                return None;
            }
            let documents = matches!(command, Act::FileReport(_));
            Some(g.act_with(hand, object, command, |act| {
                if documents {
                    act.documents = vec![digest(b"the report")];
                }
            }))
        };
        Box::new(make)
    };
    DURING.into_iter().chain(AFTERWARDS).map(row).collect()
}

/// The paths that statements are posted to, from the API's description.
fn posts() -> Vec<String> {
    let described = include_str!("../../../../docs/openapi.json");
    let described: serde_json::Value = serde_json::from_str(described).unwrap();
    let paths = described["paths"].as_object().unwrap().iter();
    let posts = paths.filter(|(_, methods)| methods.get("post").is_some());
    posts.map(|(path, _)| path.clone()).collect()
}

fn came_to(given: &Given, command: impl FnOnce(&mut Given) -> Option<Command>) -> Option<String> {
    let mut given = given.clone();
    let command = command(&mut given)?;
    Some(match given.submit(&command) {
        Ok(made) => types(&made).join(" "),
        Err(refusal) => format!("! {}", refusal.code.as_str()),
    })
}

/// Keys in order of their first appearance, each with what has it.
fn grouped<K: PartialEq, V>(each: impl Iterator<Item = (K, V)>) -> Vec<(K, Vec<V>)> {
    let mut groups: Vec<(K, Vec<V>)> = Vec::new();
    for (key, value) in each {
        match groups.iter_mut().find(|(other, _)| *other == key) {
            Some((_, values)) => values.push(value),
            None => groups.push((key, vec![value])),
        }
    }
    groups
}

/// What comes of one operation by one role: a line for each outcome, with what has it.
fn outcomes(house: &House, make: &Make, hand: Hand) -> String {
    let objects = house.objects.iter().enumerate();
    let cells = objects.filter_map(|(column, (whose, object))| {
        let cell = came_to(&house.given, |g| make(g, hand, column, object))?;
        Some((cell, *whose))
    });
    let mut lines = String::new();
    for (cell, whose) in grouped(cells) {
        let whose = whose.join(", ");
        let _ = writeln!(lines, "    {whose:<40} {cell}");
    }
    lines
}

fn table() -> String {
    let house = house();
    let mut table = String::from(
        "# Who may do what to whose: the events, or the refusal after a \"!\". Where an operation is\n\
         # about nothing in particular, it stands under \"alice's\". Written by the test `access`;\n\
         # BREAKGLASS_BLESS=1 writes it again.\n#\n",
    );
    for (role, what) in ROLES.map(|(role, what, _)| (role, what)) {
        let _ = writeln!(table, "# {role:<8} {what}");
    }
    for path in posts() {
        for make in rows(&path) {
            let sample = make(&mut house.given.clone(), ALICE, 0, &house.objects[0].1);
            let _ = writeln!(table, "\n[{}] POST {path}", word(&sample.unwrap()));
            let roles = ROLES.iter();
            let roles = roles.map(|(role, _, hand)| (outcomes(&house, &make, *hand), *role));
            for (outcomes, roles) in grouped(roles) {
                let _ = write!(table, "  {}\n{outcomes}", roles.join(" "));
            }
        }
    }
    table
}

#[test]
fn every_role_may_do_to_everything_what_it_always_might() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/testdata/access.txt");
    bless(path, &table());
}
