//! A property model: people, workers, clocks and attackers do whatever comes to their minds, and
//! after every step the named invariants hold.
//!
//! Every run is the same: the seeds are numbers from 0. `BREAKGLASS_STEPS` makes it longer,
//! `BREAKGLASS_SEED` plays one seed alone; a failure names the seed and shows the last steps.

mod afterwards;
mod invariants;
mod random;
mod steps;

use std::collections::VecDeque;

use breakglass_testkit::Given;

use crate::derive_agrees::derive_agrees;
use invariants::{INVARIANTS, Watch};
use random::Random;
use steps::Players;

/// Steps of one episode: enough for several incidents, few enough that the world stays small.
const EPISODE: u64 = 250;
/// Steps of a normal run.
const STEPS: u64 = 100_000;

#[test]
fn whatever_people_do_the_invariants_hold() {
    let number = |name| {
        std::env::var(name)
            .ok()
            .and_then(|v: String| v.parse::<u64>().ok())
    };
    let ready = Given::ready().forgetting_refusals();
    let mut tally = Tally::default();
    match number("BREAKGLASS_SEED") {
        Some(seed) => episode(seed, &ready, &mut tally),
        None => {
            for seed in 0..number("BREAKGLASS_STEPS")
                .unwrap_or(STEPS)
                .div_ceil(EPISODE)
            {
                episode(seed, &ready, &mut tally);
            }
            tally.check();
        }
    }
}

fn episode(seed: u64, ready: &Given, tally: &mut Tally) {
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
            if let Err(broken) = invariant(&watch, &given, &news) {
                panic!("{}", report(seed, step, name, &broken, &last));
            }
        }
        watch.learn(&news);
        players.learn(&news);
        if let Err(broken) = players.the_working_secret_is_known(&given) {
            let name = "the_working_secret_is_known";
            panic!("{}", report(seed, step, name, &broken, &last));
        }
        tally.count(&news);
    }
    let at_the_end = |name: &str, held: Result<(), String>| {
        if let Err(broken) = held {
            panic!("{}", report(seed, EPISODE, name, &broken, &last));
        }
    };
    at_the_end(
        "world_after_replay_equals_world_before",
        invariants::world_after_replay_equals_world_before(&given),
    );
    at_the_end("derive_agrees", derive_agrees(&given));
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

    /// Every kind of event must have come up, so that no invariant holds for want of trying.
    fn check(&self) {
        const NOT_HERE: &[&str] = &[
            // Once, before the model begins.
            "LOG_STARTED",
            // The engine's own business, not the rules'.
            "COMMAND_REFUSED",
            "REFUSALS_SUMMARISED",
            "SINK_CHANGED",
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
