//! One fault at one call, for every call that writes.

use std::collections::BTreeMap;
use std::os::unix::process::ExitStatusExt as _;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::appender::{REFUSED, UNKNOWN, sizes};
use super::calls::Call;
use super::effects::{Effect, Step};
use super::judge::judge;
use super::strace::{Fault, Run, Start, Watch, What, run};
use super::{everything, strace_is_there};

/// How many faults a run of the tests injects at least.
const POINTS: usize = 300;
/// How calls fail.
const ERRORS: &[&str] = &["EIO", "ENOSPC"];
/// How they fail besides when nothing is to be left out.
const MORE_ERRORS: &[&str] = &["EDQUOT", "EROFS", "EFBIG"];

/// The process undisturbed, and where to disturb it.
struct Plan {
    start: Start,
    sound: Run,
}

impl Plan {
    fn new(start: Start) -> Self {
        let sound = run(&start, Watch::All, None);
        assert!(sound.status.success(), "{:?}", sound.status);
        let said: Vec<u64> = sound.acknowledged.iter().map(|ack| ack.size).collect();
        assert_eq!(said, sizes(start.size));
        Self { start, sound }
    }

    /// The calls of the thread that appends, each with its place among all and its count, which
    /// strace keeps by name and thread.
    fn counted(&self) -> Vec<(usize, usize, &Call)> {
        let thread = self.sound.steps.iter().find(|step| step.effect.stores());
        let thread = thread.unwrap().thread;
        let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
        let all = self.sound.calls.iter().enumerate();
        all.filter(|(_, call)| call.thread == thread)
            .map(|(place, call)| {
                let count = counts.entry(&call.name).or_default();
                *count += 1;
                (place, *count, call)
            })
            .collect()
    }

    /// How often the other threads make a call of that name: what is to happen to one that is not
    /// later than that would happen to theirs.
    fn elsewhere(&self, name: &str) -> usize {
        let thread = self.sound.steps.iter().find(|step| step.effect.stores());
        let thread = thread.map(|step| step.thread);
        let calls = self.sound.calls.iter();
        calls
            .filter(|call| Some(call.thread) != thread && call.name == name)
            .count()
    }

    /// The places of calls that write to the disk.
    fn writes(&self) -> Vec<usize> {
        let stores = self.sound.steps.iter().filter(|step| step.effect.stores());
        stores.map(|step| step.place).collect()
    }

    /// Every fault, with the place of the call it is at.
    fn faults(&self) -> Vec<(usize, Fault)> {
        let (counted, writes) = (self.counted(), self.writes());
        let errors: Vec<&str> = match everything() {
            false => ERRORS.to_vec(),
            true => [ERRORS, MORE_ERRORS].concat(),
        };
        let first = writes[0];
        let mut faults = Vec::new();
        let mut after = false;
        for (place, count, call) in counted {
            let writes = writes.contains(&place);
            let mut add = |what| {
                let name = call.name.clone();
                faults.push((place, Fault { name, count, what }));
            };
            if writes {
                errors.iter().for_each(|error| add(What::Fails(error)));
            }
            // Before a call that writes, and after it; or before whatever it is.
            let more = everything() && place > first && count > self.elsewhere(&call.name);
            if writes || after || more {
                add(What::Kill);
            }
            after = writes;
        }
        faults
    }

    /// Injects one fault and says what does not hold.
    fn inject(&self, place: usize, fault: &Fault) -> Result<(), String> {
        let run = run(&self.start, Watch::Contents, Some(fault));
        let until = |steps: &[Step]| -> Vec<(String, Effect)> {
            let steps = steps.iter().filter(|step| step.effect.stores());
            steps
                .map(|step| (step.call.clone(), without_contents(&step.effect)))
                .collect()
        };
        let expected = self.sound.steps.partition_point(|step| step.place < place);
        let expected = until(&self.sound.steps[..expected]);
        let got = until(&run.steps);
        if got.get(..expected.len()) != Some(expected.as_slice()) {
            return Err(format!(
                "another run: {:?}, {:?}, {:?}",
                got.last(),
                run.status,
                run.calls.len()
            ));
        }
        match fault.what {
            What::Kill => killed(&run, got.len() - expected.len())?,
            What::Fails(_) => self.ended(place, &run)?,
        }
        judge(run.place.path(), self.start.size, &run.acknowledged)
    }

    /// The process ended by itself and wrote nothing to the ledger after the call that failed.
    fn ended(&self, place: usize, run: &Run) -> Result<(), String> {
        let failed = run.steps.iter().position(|step| step.injected);
        let failed = failed.ok_or("nothing was injected")?;
        let status = run.status.code();
        if self.nothing_hangs_on(place) {
            return match status {
                Some(0) => Ok(()),
                _ => Err(format!("ended with {status:?} over a trifle")),
            };
        }
        match status {
            Some(UNKNOWN | REFUSED) => {}
            Some(0) if self.closes(place) => {}
            _ => return Err(format!("went on, and ended with {status:?}")),
        }
        let ledger = |step: &&Step| step.effect.stores() && touches_ledger(&step.effect);
        match run.steps[failed + 1..].iter().find(ledger) {
            Some(step) if touches_ledger(&run.steps[failed].effect) => {
                Err(format!("went on: {} {:?}", step.call, step.effect))
            }
            Some(_) | None => Ok(()),
        }
    }

    /// Whether it is part of the closing of the ledger, which is tried and not relied upon.
    fn closes(&self, place: usize) -> bool {
        let mut said = self.sound.steps.iter().rev();
        let last = said.find(|step| step.effect == Effect::Says);
        last.is_some_and(|last| last.place < place)
    }

    /// Whether it syncs a directory in which no name has changed since the last time: SQLite does,
    /// once it has written to a file of its own, and we have done it before.
    fn nothing_hangs_on(&self, place: usize) -> bool {
        let before = self
            .sound
            .steps
            .iter()
            .take_while(|step| step.place < place);
        let mut names = before.filter_map(|step| match &step.effect {
            Effect::Open { name, creates } => (*creates && in_data(name)).then_some(true),
            Effect::Rename { to: name, .. } | Effect::Unlink(name) => in_data(name).then_some(true),
            Effect::Sync(name) => (name == "data").then_some(false),
            Effect::Mkdir(_)
            | Effect::Write { .. }
            | Effect::Truncate { .. }
            | Effect::Attributes(_)
            | Effect::Says => None,
        });
        let changed = names.by_ref().last().unwrap_or(true);
        let at = self.sound.steps.iter().find(|step| step.place == place);
        !changed && at.is_some_and(|step| step.effect == Effect::Sync("data".to_owned()))
    }
}

fn in_data(name: &str) -> bool {
    name.starts_with("data/")
}

/// The same effect of any bytes: they are not in every trace.
fn without_contents(effect: &Effect) -> Effect {
    match effect {
        Effect::Write { name, offset, .. } => Effect::Write {
            name: name.clone(),
            offset: *offset,
            bytes: Vec::new(),
        },
        Effect::Open { .. }
        | Effect::Mkdir(_)
        | Effect::Truncate { .. }
        | Effect::Sync(_)
        | Effect::Rename { .. }
        | Effect::Unlink(_)
        | Effect::Attributes(_)
        | Effect::Says => effect.clone(),
    }
}

/// Nothing happened after the call the signal came with.
fn killed(run: &Run, further: usize) -> Result<(), String> {
    let undone = run.steps.last().is_some_and(|step| !step.done);
    if run.status.signal() != Some(9) {
        return Err(format!("not killed: {:?}", run.status));
    }
    match further == 0 || (further == 1 && undone) {
        true => Ok(()),
        false => Err(format!("{further} writes after the end")),
    }
}

fn touches_ledger(effect: &Effect) -> bool {
    // One that is not finished has no name yet that anybody would open.
    let of = |name: &str| name.starts_with("data/ledger.db") && !name.contains(".new");
    match effect {
        Effect::Open { name, .. } | Effect::Write { name, .. } | Effect::Truncate { name, .. } => {
            of(name)
        }
        Effect::Sync(name) | Effect::Unlink(name) | Effect::Mkdir(name) => of(name),
        Effect::Rename { from, .. } => of(from),
        Effect::Attributes(_) | Effect::Says => false,
    }
}

/// Injects every fault, two at a time, and gives how many there were and what did not hold.
fn sweep(plan: &Plan) -> (usize, Vec<String>) {
    let faults = plan.faults();
    let next = AtomicUsize::new(0);
    let hand = || {
        let mut wrong = Vec::new();
        while let Some((place, fault)) = faults.get(next.fetch_add(1, Ordering::Relaxed)) {
            if let Err(what) = plan.inject(*place, fault) {
                let steps = &plan.sound.steps;
                let step = steps.iter().find(|step| step.place == *place);
                let effect = step.map(|step| without_contents(&step.effect));
                wrong.push(format!("{fault:?}: {effect:?}: {what}"));
            }
        }
        wrong
    };
    let wrong = std::thread::scope(|scope| {
        let hands = [scope.spawn(hand), scope.spawn(hand)];
        hands
            .into_iter()
            .flat_map(|one| one.join().unwrap())
            .collect()
    });
    (faults.len(), wrong)
}

#[test]
fn a_fault_at_any_write_loses_nothing_acknowledged_and_ends_the_process() {
    if !strace_is_there(
        "sweep::a_fault_at_any_write_loses_nothing_acknowledged_and_ends_the_process",
    ) {
        return;
    }
    let mut points = 0;
    for start in [Start::nothing(), Start::crashed()] {
        let (injected, wrong) = sweep(&Plan::new(start));
        assert!(
            wrong.is_empty(),
            "{} of {injected}:\n{}",
            wrong.len(),
            wrong.join("\n")
        );
        points += injected;
    }
    println!("{points} faults");
    assert!(points >= POINTS, "only {points} faults");
}
