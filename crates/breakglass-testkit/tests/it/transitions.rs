//! What every command comes to at every stage of an emergency, as one table.

use std::fmt::Write as _;

use breakglass_core::Command;
use breakglass_format::vocabulary::RunState;
use breakglass_testkit::{
    Given, Wish,
    harness::types,
    people::{
        ALICE, BOB, CAROL, DAVE, ERIN, FRANK, GRACE, HEIDI, MALLORY, SHOP, account, line, successor,
    },
    script::bless,
    stages::STAGES,
    statements::outage,
    worker::claim_rotation,
};

/// What is tried: `None` where the stage has nothing to try it on.
type Try = (&'static str, fn(&mut Given) -> Option<Command>);

const TRIES: &[Try] = &[
    ("alice declares", |g| Some(g.declare(ALICE, outage()))),
    ("frank notes", |g| {
        let incident = g.whole().incidents().last()?.id;
        Some(g.note(FRANK, incident, "Seen."))
    }),
    ("alice requests", |g| {
        g.whole().incidents().last()?;
        Some(g.ask(ALICE, &Wish::credential(SHOP)))
    }),
    ("mallory requests", |g| {
        g.whole().incidents().last()?;
        Some(g.ask(MALLORY, &Wish::credential(SHOP)))
    }),
    ("frank requests", |g| {
        g.whole().incidents().last()?;
        Some(g.ask(FRANK, &Wish::credential(SHOP)))
    }),
    ("alice extends by 1h", |g| {
        let grant = g.whole().grants().last()?.id;
        let wish = Wish::credential(SHOP).extending(grant).for_s(3600);
        Some(g.ask(ALICE, &wish))
    }),
    ("alice approves", |g| {
        let request = g.whole().requests().last()?.id;
        Some(g.approve(ALICE, request))
    }),
    ("bob approves", |g| {
        let request = g.whole().requests().last()?.id;
        Some(g.approve(BOB, request))
    }),
    ("carol approves", |g| {
        let request = g.whole().requests().last()?.id;
        Some(g.approve(CAROL, request))
    }),
    ("dave denies", |g| {
        let request = g.whole().requests().last()?.id;
        Some(g.deny(DAVE, request))
    }),
    ("alice withdraws", |g| {
        let request = g.whole().requests().last()?.id;
        Some(g.withdraw(ALICE, request))
    }),
    ("alice checks out", |g| {
        let grant = g.whole().grants().last()?.id;
        Some(g.checkout(ALICE, grant))
    }),
    ("mallory checks out", |g| {
        let grant = g.whole().grants().last()?.id;
        Some(g.checkout(MALLORY, grant))
    }),
    ("alice plans", |g| {
        let grant = g.whole().grants().last()?.id;
        Some(g.plan(ALICE, grant))
    }),
    ("the connector plans", |g| {
        let plan = g.plan(ALICE, g.whole().grants().last()?.id);
        g.submit(&plan).ok()?;
        Some(g.planned())
    }),
    ("alice runs", |g| {
        let grant = g.whole().grants().last()?.id;
        Some(g.order(ALICE, grant))
    }),
    ("alice records", |g| {
        let grant = g.whole().grants().last()?.id;
        Some(g.document(ALICE, grant, "By hand."))
    }),
    ("alice cancels", |g| {
        let run = g.whole().runs().last()?.id;
        Some(g.cancel(ALICE, run))
    }),
    ("alice returns", |g| {
        let grant = g.whole().grants().last()?.id;
        Some(g.give_back(ALICE, grant))
    }),
    ("bob revokes", |g| {
        let grant = g.whole().grants().last()?.id;
        Some(g.revoke(BOB, grant))
    }),
    ("erin resolves", |g| {
        let incident = g.whole().incidents().last()?.id;
        Some(g.resolve(ERIN, incident))
    }),
    ("mallory resolves", |g| {
        let incident = g.whole().incidents().last()?.id;
        Some(g.resolve(MALLORY, incident))
    }),
    ("grace imports", |g| Some(g.add_credential(GRACE, SHOP))),
    ("heidi rotates", |g| Some(g.order_rotation(HEIDI, SHOP))),
    ("erin opens a session", |g| Some(g.open_session(ERIN, 3600))),
    ("alice enrols again", |g| Some(g.enroll(ALICE))),
    ("publish, nothing touched", |g| {
        let mut next = successor(&g.authority());
        next.title = line("renamed");
        Some(g.publish(next, true))
    }),
    ("publish, account touched", |g| {
        let mut next = successor(&g.authority());
        next.accounts[0].system = line("elsewhere");
        Some(g.publish(next, true))
    }),
    ("tick", |_| Some(Command::Tick)),
    ("tick, a day later", |g| {
        g.sleep_s(25 * 3600);
        Some(Command::Tick)
    }),
    ("worker claims the rotation", |g| {
        let cause = g.whole().account(&account(SHOP))?.rotation.as_ref()?.cause;
        Some(claim_rotation(&account(SHOP), cause))
    }),
    ("worker stages", |g| {
        let cause = g.whole().account(&account(SHOP))?.rotation.as_ref()?.cause;
        Some(g.stage(&account(SHOP), cause))
    }),
    ("worker proves the rotation", |g| {
        let cause = g.whole().account(&account(SHOP))?.rotation.as_ref()?.cause;
        Some(g.rotated(&account(SHOP), cause))
    }),
    ("worker reports its failure", |g| {
        let cause = g.whole().account(&account(SHOP))?.rotation.as_ref()?.cause;
        Some(g.rotation_failed(&account(SHOP), cause, None))
    }),
    ("worker claims the dispatch", |g| {
        let run = g.whole().runs().last()?.id;
        Some(g.claim_run(run))
    }),
    ("worker reports it done", |g| {
        let run = g.whole().runs().last()?.id;
        Some(g.run_report(run, RunState::Verified))
    }),
    ("worker reports it failed", |g| {
        let run = g.whole().runs().last()?.id;
        Some(g.run_report(run, RunState::Failed))
    }),
];

fn table() -> String {
    let mut table = String::from(
        "# What every command comes to at every stage (crates/breakglass-testkit/src/stages.rs):\n\
         # the events, or the refusal after a \"!\". Written by the test `transitions`;\n\
         # BREAKGLASS_BLESS=1 writes it again.\n",
    );
    for (stage, make) in STAGES {
        let world = make();
        let _ = writeln!(table, "\n[{stage}]");
        for (what, attempt) in TRIES {
            let mut given = world.clone();
            let Some(command) = attempt(&mut given) else {
                continue;
            };
            let came_to = match given.submit(&command) {
                Ok(made) if made.is_empty() => "nothing".to_owned(),
                Ok(made) => types(&made).join(" "),
                Err(refusal) => format!("! {}", refusal.code.as_str()),
            };
            let _ = writeln!(table, "{what:<28}{came_to}");
        }
    }
    table
}

#[test]
fn every_transition_is_as_it_was() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/testdata/transitions.txt");
    bless(path, &table());
}
