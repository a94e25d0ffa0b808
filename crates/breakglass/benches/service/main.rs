//! What a call takes at a real server over loopback, beside what this machine's disk takes for one
//! durable append of 4 KiB, measured in between.
//!
//! `cargo xtask bench` runs it; what was measured is in `docs/benches.md`. Nothing here fails when
//! it is slow. `BREAKGLASS_BENCH_ENTRIES` makes the log longer that the server is started on at
//! the end.
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a benchmark is a test that prints: what does not work ends it"
)]

mod house;
mod measure;
mod searching;

use breakglass_api::wire::{Accepted, Submission};

use crate::{
    house::{House, Poster, post_all},
    measure::{Disk, Times, timed},
};

/// Calls whose time is taken one by one, and emergencies.
const CALLS: usize = 500;
const EMERGENCIES: usize = 30;
/// Clients that call at the same time, and calls of each.
const CLIENTS: usize = 64;
const CALLS_OF_EACH: usize = 100;
/// Entries of the log that the server is started on, at least.
const ENTRIES: u64 = 20_000;

fn main() {
    // `cargo test --benches` would start it as well, with other arguments.
    if !std::env::args().any(|word| word == "--bench") {
        return;
    }
    let mut house = House::open();
    let mut disk = Disk::new(house.dir());
    println!("\n{:<44} {:>9} {:>9} {:>9}", "", "median", "p95", "p99");
    let raw = acknowledged(&mut house, &mut disk);
    emergencies(&mut house, &raw);
    together(&house, &raw);
    searching::searching(start(house));
}

/// One call after the other, each beside one append of the disk.
fn acknowledged(house: &mut House, disk: &mut Disk) -> Times {
    let (incident, client) = (house.declare(), house.client());
    let mut poster = Poster::of(house);
    let (mut raw, mut calls) = (Times::default(), Times::default());
    for _ in 0..CALLS {
        let note = poster.note(&incident);
        raw.push(timed(|| disk.append()).0);
        let (time, accepted) = timed(|| client.post::<_, Accepted>("/v1/acts", &note));
        accepted.unwrap();
        calls.push(time);
    }
    raw.print("append of 4 KiB and fdatasync");
    calls.print("acknowledged call (a note)");
    let (call, alone) = (calls.median_ms(), raw.median_ms());
    println!(
        "    {:.2} ms on top of the append (to be 5 at most), {:.1} times it\n",
        call - alone,
        call / alone
    );
    raw
}

/// From the request to the credential, clients' work included.
fn emergencies(house: &mut House, raw: &Times) {
    let mut steps: [Times; 5] = std::array::from_fn(|_| Times::default());
    for _ in 0..EMERGENCIES {
        let times = house.emergency();
        let whole = times.iter().sum();
        for (step, time) in steps.iter_mut().zip(times.into_iter().chain([whole])) {
            step.push(time);
        }
    }
    let names = ["request", "first approval", "second approval", "checkout"];
    for (name, step) in names.iter().zip(&steps) {
        step.print(&format!("  {name}, client's work included"));
    }
    let whole = steps.last().unwrap();
    whole.print("request, two approvals, checkout");
    println!(
        "    to be 100 ms at most, aimed at 20; {:.1} times the append\n",
        whole.median_ms() / raw.median_ms()
    );
}

/// Many at a time: what shares a transaction.
fn together(house: &House, raw: &Times) {
    let incident = house.declared();
    let size = house.log_size();
    let batches: Vec<Vec<Submission>> = (0..CLIENTS)
        .map(|_| {
            let mut poster = Poster::of(house);
            (0..CALLS_OF_EACH).map(|_| poster.note(&incident)).collect()
        })
        .collect();
    let (whole, times) = timed(|| {
        std::thread::scope(|scope| {
            let clients: Vec<_> = batches
                .iter()
                .map(|batch| {
                    let client = house.client();
                    scope.spawn(move || post_all(&client, batch))
                })
                .collect();
            let times = clients.into_iter().map(|client| client.join().unwrap());
            times.fold(Times::default(), Times::and)
        })
    });
    let made = house.log_size() - size;
    let rate = made as f64 / whole.as_secs_f64();
    times.print(&format!("acknowledged call, {CLIENTS} clients"));
    println!(
        "    {rate:.0} entries/s, clients on the same machine; appends alone would be {:.0}/s\n",
        1000.0 / raw.median_ms()
    );
}

/// A start on a log of some length: from the snapshot that the end of the server left behind, and
/// without one: every entry and blob read and checked, the world rebuilt.
fn start(house: House) -> House {
    let wanted = std::env::var("BREAKGLASS_BENCH_ENTRIES");
    let wanted = wanted.ok().and_then(|n| n.parse().ok()).unwrap_or(ENTRIES);
    house.fill(wanted, CLIENTS);
    let entries = house.log_size();
    let (resumed, house) = house.restart(true);
    let (whole, house) = house.restart(false);
    println!(
        "start on {entries} entries: {:.2} s from a snapshot; {:.2} s without, {:.0} entries/s",
        resumed.as_secs_f64(),
        whole.as_secs_f64(),
        entries as f64 / whole.as_secs_f64(),
    );
    house
}
