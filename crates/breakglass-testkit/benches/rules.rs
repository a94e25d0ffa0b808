//! The rules in a house with a history: 10,000 incidents closed, 500 open.
//!
//! `cargo xtask bench` runs it; what was measured is in `docs/benches.md`. Nothing here fails when
//! it is slow.
#![expect(
    clippy::unwrap_used,
    reason = "a benchmark is a test: what does not work ends it"
)]

use std::{hint::black_box, time::Duration};

use breakglass_core::{Command, Context, decide, next_deadline, plan};
use breakglass_testkit::{
    Given, Wish,
    aftermath::review,
    people::{ALICE, BOB, CAROL, ERIN, FRANK, GRACE, MALLORY, OSCAR, READER, SHOP},
    statements::outage,
};
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};

/// Incidents that were closed, and incidents that go on.
const HOUSES: [(u32, u32); 2] = [(0, 1), (10_000, 500)];

/// Somebody does something, and a second passes.
fn done(given: &mut Given, act: impl FnOnce(&mut Given) -> Command) {
    let command = act(given);
    given.must(&command);
    given.sleep_s(1);
}

/// From the declaration to an active grant.
fn granted(given: &mut Given, account: &'static str) {
    done(given, |g| g.declare(ALICE, outage()));
    done(given, |g| g.ask(ALICE, &Wish::credential(account)));
    for hand in [BOB, CAROL] {
        done(given, |g| g.approve(hand, g.request()));
    }
}

/// A whole incident.
fn closed(given: &mut Given) {
    granted(given, SHOP);
    done(given, |g| g.checkout(ALICE, g.grant()));
    done(given, |g| {
        g.document(ALICE, g.grant(), "Restarted the shop.")
    });
    done(given, |g| g.give_back(ALICE, g.grant()));
    given.work();
    done(given, |g| g.resolve(ERIN, g.incident()));
    done(given, |g| g.file_report(ERIN));
    done(given, |g| {
        let review = review(g, &[]);
        g.complete_review(FRANK, review)
    });
    done(given, |g| g.review_access(GRACE, SHOP, g.incident()));
    done(given, |g| g.decide_cab(OSCAR, false, &[]));
    done(given, |g| g.close(ERIN));
}

/// An incident that goes on, or whose aftermath does.
fn open(given: &mut Given, number: u32) {
    match number % 3 {
        0 => {
            granted(given, READER);
            done(given, |g| g.checkout(ALICE, g.grant()));
        }
        1 => {
            done(given, |g| g.declare(ALICE, outage()));
            // Nobody has more than sixteen requests waiting.
            if number < 3 * 14 {
                done(given, |g| g.ask(MALLORY, &Wish::credential(READER)));
            }
        }
        _ => {
            done(given, |g| g.declare(ALICE, outage()));
            done(given, |g| g.resolve(ERIN, g.incident()));
        }
    }
}

fn house(closed_ones: u32, open_ones: u32) -> Given {
    let mut given = Given::ready();
    for _ in 0..closed_ones {
        closed(&mut given);
    }
    for number in 0..open_ones {
        open(&mut given, number);
    }
    given
}

/// Every step of an emergency, each in the world as it is then.
fn decisions(criterion: &mut Criterion, given: &Given, name: &str) {
    let mut group = criterion.benchmark_group("decide");
    let mut given = given.clone();
    let mut measure = |given: &mut Given, what: &str, command: Command| {
        let (world, now, wall) = (given.world(), given.now(), given.wall());
        group.bench_function(BenchmarkId::new(what, name), |b| {
            b.iter(|| {
                let mut random = || [7; 10];
                let random = &mut random;
                let mut cx = Context { now, wall, random };
                black_box(decide(world, &command, &mut cx).unwrap())
            });
        });
        given.must(&command);
        given.sleep_s(1);
    };
    let declare = given.declare(ALICE, outage());
    measure(&mut given, "declare", declare);
    let ask = given.ask(ALICE, &Wish::credential(SHOP));
    measure(&mut given, "request", ask);
    for (what, hand) in [("approve", BOB), ("approve and grant", CAROL)] {
        let approve = given.approve(hand, given.request());
        measure(&mut given, what, approve);
    }
    let checkout = given.checkout(ALICE, given.grant());
    measure(&mut given, "checkout", checkout);
    measure(&mut given, "tick", Command::Tick);
    let give_back = given.give_back(ALICE, given.grant());
    measure(&mut given, "return", give_back);
    let claim = given.claim_of(SHOP);
    measure(&mut given, "claim", claim);
    let (account, cause) = given.waiting(SHOP);
    let stage = given.stage(&account, cause);
    measure(&mut given, "stage", stage);
    let rotated = given.rotated(&account, cause);
    measure(&mut given, "rotated", rotated);
    let resolve = given.resolve(ERIN, given.incident());
    measure(&mut given, "resolve", resolve);
    let report = given.file_report(ERIN);
    measure(&mut given, "report", report);
    group.finish();
}

/// What the engine and the worker ask again and again.
fn looks(criterion: &mut Criterion, given: &Given, name: &str) {
    let mut group = criterion.benchmark_group("look");
    let (world, now) = (given.world(), given.now());
    group.bench_function(BenchmarkId::new("next deadline", name), |b| {
        b.iter(|| black_box(next_deadline(world, now)));
    });
    group.bench_function(BenchmarkId::new("plan", name), |b| {
        b.iter(|| black_box(plan(world, now)));
    });
    group.bench_function(BenchmarkId::new("copy of the world", name), |b| {
        b.iter(|| black_box(world.clone()));
    });
    group.finish();
}

/// The world, built again from the bytes of the entries.
fn replay(criterion: &mut Criterion, given: &Given, name: &str) {
    let mut group = criterion.benchmark_group("replay");
    group.throughput(Throughput::Elements(given.log().len() as u64));
    group
        .sample_size(10)
        .measurement_time(Duration::from_secs(30));
    group.bench_function(BenchmarkId::new("entries", name), |b| {
        b.iter(|| black_box(given.replayed()));
    });
    group.finish();
}

fn rules(criterion: &mut Criterion) {
    for (closed_ones, open_ones) in HOUSES {
        let name = format!("{closed_ones} closed, {open_ones} open");
        let given = house(closed_ones, open_ones);
        decisions(criterion, &given, &name);
        looks(criterion, &given, &name);
        replay(criterion, &given, &name);
    }
}

criterion_group! {
    name = benches;
    config = Criterion::default()
        .without_plots()
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_secs(1));
    targets = rules
}
criterion_main!(benches);
