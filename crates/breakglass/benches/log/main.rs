//! What the log takes: entries of about 500 bytes into the engine, acknowledged, signed and
//! provable, beside what the disk of this machine takes for one durable append of 4 KiB and what
//! PostgreSQL takes for single-row inserts at the same concurrency.
//!
//! `cargo xtask bench log` runs it; what was measured is in `docs/benches.md`. Nothing here fails
//! when it is slow.
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a benchmark is a test that prints: what does not work ends it"
)]

#[path = "../service/measure.rs"]
mod measure;
mod postgres;

use std::{
    path::PathBuf,
    sync::Arc,
    time::{Duration, Instant},
};

use breakglass_format::{Line, Name};
use breakglass_server::LoneEngine;
use breakglass_tlog::{KeyName, ProofBundle, SigningKey};

use crate::measure::{Disk, Times, timed};

/// The log's name.
const ORIGIN: &str = "bg.example/log";
/// Length of the text in an entry, so that the entry has about 500 bytes.
const TEXT: usize = 190;
/// Entries of a writer who is alone.
const ALONE: usize = 3_000;
/// Entries of those who write together, all in all.
const TOGETHER: usize = 200_000;

fn main() {
    // `cargo test --benches` would start it as well, with other arguments.
    if !std::env::args().any(|word| word == "--bench") {
        return;
    }
    let place = tempfile::tempdir().unwrap();
    let mut runtime = tokio::runtime::Builder::new_multi_thread();
    let runtime = runtime.worker_threads(2).enable_all().build().unwrap();
    println!("\n{:<44} {:>9} {:>9} {:>9}", "", "median", "p95", "p99");
    let engine = Arc::new(begin(place.path().join("engine")));
    runtime.block_on(alone(&engine, &mut Disk::new(place.path())));
    let inserts = postgres::inserts(place.path(), 64);
    let rate = runtime.block_on(together(&engine, 64));
    if let Some(inserts) = inserts {
        println!(
            "    PostgreSQL, 64 clients, a row each: {inserts:.0}/s; {:.1} times that",
            rate / inserts
        );
    }
    runtime.block_on(together(&engine, 1_024));
}

fn begin(dir: PathBuf) -> LoneEngine {
    let genesis = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let genesis = genesis.join("../breakglass-statement/testdata/v1");
    let pin = breakglass_statement::digest(&std::fs::read(genesis.join("authority.json")).unwrap());
    LoneEngine::begin(&dir, &genesis, pin, key()).unwrap()
}

fn key() -> SigningKey {
    SigningKey::from_seed(KeyName::new(ORIGIN).unwrap(), &[7; 32])
}

fn text() -> Line {
    "x".repeat(TEXT).parse().unwrap()
}

/// That a receipt proves what it is a receipt of.
fn check((entry, receipt): &(Vec<u8>, String)) {
    let bundle = ProofBundle::parse(receipt.as_bytes()).unwrap();
    bundle.verify(entry, ORIGIN, key().verifier()).unwrap();
}

/// One writer, each entry beside one append of the disk.
async fn alone(engine: &LoneEngine, disk: &mut Disk) {
    let (who, text): (Name, _) = ("alone".parse().unwrap(), text());
    let (mut raw, mut times, mut length) = (Times::default(), Times::default(), 0);
    for _ in 0..ALONE {
        raw.push(timed(|| disk.append()).0);
        let (time, recorded) = timed_async(engine.record(&who, &text)).await;
        let recorded = recorded.unwrap();
        check(&recorded);
        length = recorded.0.len();
        times.push(time);
    }
    raw.print("append of 4 KiB and fdatasync");
    times.print(&format!("entry of {length} bytes, one writer"));
    let ratio = times.median_ms() / raw.median_ms();
    println!("    {ratio:.2} times the append (to be 1.5 at most)\n");
}

/// So many writers, each of whom waits for their receipt before the next entry.
async fn together(engine: &Arc<LoneEngine>, writers: usize) -> f64 {
    let each = TOGETHER / writers;
    let work = async {
        let tasks: Vec<_> = (0..writers)
            .map(|writer| tokio::spawn(writes(engine.clone(), writer, each)))
            .collect();
        let mut all = Times::default();
        for task in tasks {
            all = all.and(task.await.unwrap());
        }
        all
    };
    let (whole, times) = timed_async(work).await;
    let rate = (each * writers) as f64 / whole.as_secs_f64();
    times.print(&format!("entry, {writers} writers"));
    println!("    {rate:.0} entries/s, each with its receipt");
    rate
}

async fn writes(engine: Arc<LoneEngine>, writer: usize, count: usize) -> Times {
    let (who, text): (Name, _) = (format!("writer{writer}").parse().unwrap(), text());
    let mut times = Times::default();
    for number in 0..count {
        let (time, recorded) = timed_async(engine.record(&who, &text)).await;
        times.push(time);
        if number + 1 == count {
            check(&recorded.unwrap());
        }
    }
    times
}

/// What something that is waited for took, and what came of it.
#[expect(
    clippy::disallowed_methods,
    reason = "a benchmark reads the clock; nothing in the product depends on it"
)]
async fn timed_async<T>(work: impl Future<Output = T>) -> (Duration, T) {
    let begun = Instant::now();
    let done = work.await;
    (begun.elapsed(), done)
}
