//! A property model: people, workers, clocks and attackers do whatever comes to their minds, and
//! after every step the named invariants hold.
//!
//! Every run is the same: the seeds are numbers from 0. `BREAKGLASS_STEPS` makes it longer or
//! shorter (`cargo xtask test` asks for a million), `BREAKGLASS_SEED` plays one seed alone; a
//! failure names the seed and shows the last steps.

mod afterwards;
mod invariants;
mod passing;
mod roots;
mod steps;

use std::{
    collections::VecDeque,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::atomic::{AtomicU64, Ordering},
};

use breakglass_testkit::Given;

use crate::{derive_agrees::derive_agrees, random::Random};
use invariants::{INVARIANTS, Watch};
use steps::Players;

/// Steps of one episode: enough for several incidents, few enough that the world stays small.
const EPISODE: u64 = 250;
/// Steps under plain `cargo test`.
const STEPS: u64 = 200_000;

#[test]
fn whatever_people_do_the_invariants_hold() {
    let number = |name| {
        std::env::var(name)
            .ok()
            .and_then(|v: String| v.parse::<u64>().ok())
    };
    let ready = Given::ready().forgetting_refusals();
    if let Some(seed) = number("BREAKGLASS_SEED") {
        told(play(seed, &ready, &mut Tally::default()));
        return;
    }
    let seeds = number("BREAKGLASS_STEPS")
        .unwrap_or(STEPS)
        .div_ceil(EPISODE);
    told(play_all(seeds, &ready)).check();
}

fn told<T>(held: Result<T, String>) -> T {
    held.unwrap_or_else(|broken| panic!("{broken}"))
}

/// Plays every seed, on all cores. Which core plays which seed changes nothing about a play; what
/// is told of several failures is the one with the smallest seed that came up.
fn play_all(seeds: u64, ready: &Given) -> Result<Tally, String> {
    let next = AtomicU64::new(0);
    let player = || {
        let mut tally = Tally::default();
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= seeds {
                return Ok(tally);
            }
            if let Err(broken) = play(seed, ready, &mut tally) {
                // The others play to the end what they have begun.
                next.store(seeds, Ordering::Relaxed);
                return Err((seed, broken));
            }
        }
    };
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let played: Vec<_> = std::thread::scope(|scope| {
        let players: Vec<_> = (0..cores).map(|_| scope.spawn(player)).collect();
        players.into_iter().map(|p| p.join().unwrap()).collect()
    });
    let mut all = Tally::default();
    let mut broken = Vec::new();
    for player in played {
        match player {
            Ok(tally) => all.add(&tally),
            Err(failure) => broken.push(failure),
        }
    }
    match broken.into_iter().min() {
        Some((_, broken)) => Err(broken),
        None => Ok(all),
    }
}

/// An episode; one that panics names its seed as well.
fn play(seed: u64, ready: &Given, tally: &mut Tally) -> Result<(), String> {
    let played = catch_unwind(AssertUnwindSafe(|| episode(seed, ready, tally)));
    played.unwrap_or_else(|_| Err(format!("BREAKGLASS_SEED={seed} panics, see above")))
}

fn episode(seed: u64, ready: &Given, tally: &mut Tally) -> Result<(), String> {
    let mut random = Random::new(seed);
    let mut given = ready.clone();
    let mut watch = Watch::new(&given);
    let mut players = Players::new(&given);
    let mut last: VecDeque<String> = VecDeque::new();
    for step in 0..EPISODE {
        let story = players.step(&mut given, &mut random);
        last.push_back(story);
        if last.len() > 12 {
            last.pop_front();
        }
        let news = watch.take_news(&given);
        for (name, invariant) in INVARIANTS {
            invariant(&watch, &given, &news)
                .map_err(|broken| report(seed, step, name, &broken, &last))?;
        }
        watch.learn(&news);
        players.learn(&news);
        let name = "the_working_secret_is_known";
        players
            .the_working_secret_is_known(&given)
            .map_err(|broken| report(seed, step, name, &broken, &last))?;
        tally.count(&news);
    }
    let at_the_end = |name: &str, held: Result<(), String>| {
        held.map_err(|broken| report(seed, EPISODE, name, &broken, &last))
    };
    at_the_end(
        "world_after_replay_equals_world_before",
        invariants::world_after_replay_equals_world_before(&given),
    )?;
    at_the_end("derive_agrees", derive_agrees(&given))
}

fn report(seed: u64, step: u64, name: &str, broken: &str, last: &VecDeque<String>) -> String {
    let story: Vec<&str> = last.iter().map(String::as_str).collect();
    format!(
        "{name}: {broken}\nBREAKGLASS_SEED={seed}, step {step}, after\n  {}",
        story.join("\n  ")
    )
}

/// That the model reaches what it is about.
#[derive(Debug, Default)]
struct Tally {
    seen: std::collections::BTreeMap<&'static str, u64>,
}

impl Tally {
    fn count(&mut self, news: &[breakglass_format::entry::Recorded]) {
        for recorded in news {
            *self
                .seen
                .entry(recorded.entry.event.event_type())
                .or_default() += 1;
        }
    }

    fn add(&mut self, other: &Self) {
        for (kind, count) in &other.seen {
            *self.seen.entry(kind).or_default() += count;
        }
    }

    /// Every kind of event must have come up, so that no invariant holds for want of trying.
    fn check(&self) {
        const NOT_HERE: &[&str] = &[
            // Once, before the model begins.
            "LOG_STARTED",
            // Takes what root persons sign together.
            "EPOCH_BEGUN",
            // The engine's own business, not the rules'.
            "COMMAND_REFUSED",
            "REFUSALS_SUMMARISED",
            "SINK_CHANGED",
            "STORAGE_CHANGED",
        ];
        let missing: Vec<_> = breakglass_format::Event::TYPES
            .iter()
            .filter(|t| !NOT_HERE.contains(t) && !self.seen.contains_key(*t))
            .collect();
        assert!(
            missing.is_empty(),
            "never seen: {missing:?}; {:?}",
            self.seen
        );
    }
}
