//! Every way in which a run can go wrong, with a crash after every step, against a plane in memory.

use std::sync::Mutex;

use breakglass_format::{Timestamp, canonical};

use super::*;
use crate::deploy::{Operation, Plan, Verification, plan::tests::parts};

/// What a fault does to a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    None,
    /// The plane did it and the answer got lost.
    AnswerLost,
    /// It never arrived, and nobody knows.
    RequestLost,
    Fails(ErrorClass),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Search {
    Works,
    CannotTell,
    Fails(ErrorClass),
}

/// A plane that, unlike a good one, does a run as often as it is told to.
struct State {
    dispatch: Vec<Fault>,
    find: Vec<Search>,
    polls: Vec<Result<Progress, ErrorClass>>,
    verify: Vec<Result<bool, ErrorClass>>,
    cancel: Result<Cancellation, ErrorClass>,
    runs: u32,
    calls: Vec<&'static str>,
}

struct Plane(Mutex<State>);

impl Plane {
    fn new() -> Self {
        Self(Mutex::new(State {
            dispatch: Vec::new(),
            find: Vec::new(),
            polls: Vec::new(),
            verify: Vec::new(),
            cancel: Ok(Cancellation::Asked),
            runs: 0,
            calls: Vec::new(),
        }))
    }

    fn with(self, set: impl FnOnce(&mut State)) -> Self {
        set(&mut self.0.lock().unwrap());
        self
    }

    fn calls(&self) -> Vec<&'static str> {
        std::mem::take(&mut self.0.lock().unwrap().calls)
    }

    fn runs(&self) -> u32 {
        self.0.lock().unwrap().runs
    }
}

fn next<T>(list: &mut Vec<T>, otherwise: T) -> T {
    if list.is_empty() {
        otherwise
    } else {
        list.remove(0)
    }
}

fn fail<T>(class: ErrorClass) -> Result<T, Failure> {
    Err(Failure {
        class,
        detail: text("as told"),
        record: Record::new(),
    })
}

fn reply<T>(value: T) -> Result<Reply<T>, Failure> {
    Ok(Reply {
        value,
        record: Record::new(),
    })
}

impl Connector for Plane {
    fn describe(&self) -> Line {
        text("memory")
    }

    fn plan(&self, _: &Operation, _: &Fields<'_>) -> Result<Reply<Plan>, Failure> {
        reply(Plan::new(parts()).unwrap())
    }

    fn dispatch(&self, _: &Run<'_>, _: &Fields<'_>) -> Result<Reply<Dispatch>, Failure> {
        let mut state = self.0.lock().unwrap();
        state.calls.push("dispatch");
        let fault = next(&mut state.dispatch, Fault::None);
        if matches!(fault, Fault::None | Fault::AnswerLost) {
            state.runs += 1;
        }
        match fault {
            Fault::None => reply(Dispatch::Accepted {
                handle: text("job 1"),
            }),
            Fault::AnswerLost | Fault::RequestLost => fail(ErrorClass::Ambiguous),
            Fault::Fails(class) => fail(class),
        }
    }

    fn find(&self, _: &Run<'_>, _: &Fields<'_>) -> Result<Reply<Found>, Failure> {
        let mut state = self.0.lock().unwrap();
        state.calls.push("find");
        match next(&mut state.find, Search::Works) {
            Search::Works if state.runs > 0 => reply(Found::Present {
                handle: text("job 1"),
            }),
            Search::Works => reply(Found::Absent),
            Search::CannotTell => reply(Found::CannotTell {
                detail: text("no search"),
            }),
            Search::Fails(class) => fail(class),
        }
    }

    fn poll(&self, _: &Run<'_>, handle: &Line, _: &Fields<'_>) -> Result<Reply<Progress>, Failure> {
        assert_eq!(handle.as_str(), "job 1");
        let mut state = self.0.lock().unwrap();
        state.calls.push("poll");
        match next(
            &mut state.polls,
            Ok(Progress::Succeeded {
                detail: text("done"),
            }),
        ) {
            Ok(progress) => reply(progress),
            Err(class) => fail(class),
        }
    }

    fn cancel(
        &self,
        _: &Run<'_>,
        _: &Line,
        _: &Fields<'_>,
    ) -> Result<Reply<Cancellation>, Failure> {
        let mut state = self.0.lock().unwrap();
        state.calls.push("cancel");
        match state.cancel {
            Ok(cancellation) => reply(cancellation),
            Err(class) => fail(class),
        }
    }

    fn verify(&self, _: &Run<'_>, _: &Fields<'_>) -> Result<Reply<Verification>, Failure> {
        let mut state = self.0.lock().unwrap();
        state.calls.push("verify");
        match next(&mut state.verify, Ok(true)) {
            Ok(matches) => reply(Verification {
                matches,
                observed: text("v41"),
            }),
            Err(class) => fail(class),
        }
    }
}

/// What a server remembers of a run.
struct Memory {
    claim: Claim,
    state: Option<RunState>,
    class: Option<ErrorClass>,
    handle: Line,
    cancel: Cancel,
    without_credential: bool,
}

impl Memory {
    fn new() -> Self {
        Self {
            claim: Claim::Fresh,
            state: None,
            class: None,
            handle: Line::default(),
            cancel: Cancel::No,
            without_credential: false,
        }
    }

    /// One step. With `crash`, its outcome is lost, as if the server died before recording it.
    fn step(&mut self, plane: &Plane, crash: bool, last_verification: bool) -> StepOutcome {
        let plan = Plan::new(parts()).unwrap();
        let facts = RunFacts {
            run: Run {
                id: breakglass_format::RunId::new(Timestamp::EPOCH, [1; 10]),
                incident_id: breakglass_format::IncidentId::new(Timestamp::EPOCH, [2; 10]),
                plan: &plan,
            },
            claim: self.claim,
            state: self.state,
            handle: &self.handle,
            cancel: self.cancel,
            last_verification,
            without_credential: self.without_credential,
        };
        let outcome = step(plane, &facts, &Fields::none());
        self.claim = Claim::Used;
        if crash {
            return outcome;
        }
        match &outcome {
            StepOutcome::Record(progressed) => {
                self.state = Some(progressed.state);
                self.class = progressed.class;
                self.handle = progressed.handle.clone();
                canonical::parse(&progressed.evidence, usize::MAX).unwrap();
            }
            StepOutcome::Again {
                claim, evidence, ..
            } => {
                self.claim = *claim;
                canonical::parse(evidence, usize::MAX).unwrap();
            }
            StepOutcome::Nothing => {}
        }
        outcome
    }

    /// Steps until the run is over, with a crash after one of the steps.
    fn live(&mut self, plane: &Plane, crash_after: Option<usize>) -> RunState {
        for number in 0..20 {
            self.step(plane, crash_after == Some(number), number > 15);
            if let Some(state) = self.state.filter(|state| state.is_final()) {
                let next = self.step(plane, false, true);
                assert_eq!(next, StepOutcome::Nothing);
                return state;
            }
        }
        panic!("the run does not end: {:?}", plane.calls());
    }
}

const CLASSES: [ErrorClass; 4] = [
    ErrorClass::Transient,
    ErrorClass::Permanent,
    ErrorClass::PolicyViolation,
    ErrorClass::Ambiguous,
];

#[test]
fn a_good_run_is_dispatched_polled_and_verified() {
    let plane = Plane::new().with(|state| {
        let running = || {
            Ok(Progress::Running {
                detail: text("1 of 2"),
            })
        };
        state.polls = vec![running(), running()];
    });
    let mut memory = Memory::new();
    let states: Vec<_> = (0..5)
        .map(|_| match memory.step(&plane, false, false) {
            StepOutcome::Record(progressed) => Some(progressed.state),
            StepOutcome::Again { .. } | StepOutcome::Nothing => None,
        })
        .collect();
    let expected = [
        Some(RunState::Dispatched),
        Some(RunState::Running),
        None,
        Some(RunState::Verified),
        None,
    ];
    assert_eq!(states, expected);
    assert_eq!(
        plane.calls(),
        ["dispatch", "poll", "poll", "poll", "verify"]
    );
}

#[test]
fn without_its_credential_nothing_is_sent_and_what_is_not_told_is_the_end() {
    let dispatched = |claim, state: Option<RunState>| Memory {
        claim,
        state,
        handle: text(if state.is_some() { "job 1" } else { "" }),
        without_credential: true,
        ..Memory::new()
    };
    for claim in [Claim::Fresh, Claim::Used] {
        let plane = Plane::new();
        let mut memory = dispatched(claim, None);
        assert_eq!(memory.live(&plane, None), RunState::Failed);
        assert_eq!(
            (memory.class, plane.runs()),
            (Some(ErrorClass::Permanent), 0)
        );
    }
    // A connector that has a credential of its own is asked to the end.
    let plane = Plane::new().with(|state| state.runs = 1);
    let mut memory = dispatched(Claim::Used, Some(RunState::Running));
    assert_eq!(memory.live(&plane, None), RunState::Verified);
    for class in CLASSES {
        let plane = Plane::new().with(|state| {
            state.polls = vec![Err(class); 20];
            state.cancel = Err(class);
        });
        let mut memory = dispatched(Claim::Used, Some(RunState::Running));
        memory.cancel = Cancel::Wanted;
        assert_eq!(memory.live(&plane, None), RunState::Failed);
        assert_eq!(memory.class, Some(ErrorClass::Ambiguous));
    }
}

#[test]
fn whatever_happens_the_plane_gets_a_run_at_most_once_and_the_end_is_true() {
    let faults = [Fault::None, Fault::AnswerLost, Fault::RequestLost]
        .into_iter()
        .chain([
            Fault::Fails(ErrorClass::Transient),
            Fault::Fails(ErrorClass::Permanent),
            Fault::Fails(ErrorClass::PolicyViolation),
        ]);
    let searches = [Search::Works, Search::CannotTell]
        .into_iter()
        .chain(CLASSES.map(Search::Fails));
    let searches: Vec<Search> = searches.collect();
    let polls: Vec<_> = std::iter::once(None).chain(CLASSES.map(Some)).collect();
    let verifies: Vec<_> = [Ok(true), Ok(false)]
        .into_iter()
        .chain(CLASSES.map(Err))
        .collect();
    let crashes: Vec<_> = std::iter::once(None).chain((0..6).map(Some)).collect();
    for fault in faults {
        for &search in &searches {
            for &poll in &polls {
                for &verify in &verifies {
                    for &crash in &crashes {
                        let case = format!("{fault:?} {search:?} {poll:?} {verify:?} {crash:?}");
                        let plane = Plane::new().with(|state| {
                            state.dispatch = vec![fault];
                            state.find = vec![search];
                            state.polls = poll.map(Err).into_iter().collect();
                            // The same twice: the verdict must not depend on a crash.
                            state.verify = vec![verify, verify];
                        });
                        let end = Memory::new().live(&plane, crash);
                        assert!(plane.runs() <= 1, "{case}");
                        match end {
                            RunState::Failed => assert_eq!(plane.runs(), 0, "{case}"),
                            RunState::Unverified => assert_ne!(verify, Ok(true), "{case}"),
                            RunState::Verified => {
                                assert_eq!(plane.runs(), 1, "{case}");
                                assert!(
                                    matches!(verify, Ok(true) | Err(ErrorClass::Transient)),
                                    "{case}"
                                );
                            }
                            RunState::Dispatched
                            | RunState::Ambiguous
                            | RunState::Running
                            | RunState::Cancelling
                            | RunState::Cancelled => panic!("{case}: {end}"),
                        }
                    }
                }
            }
        }
    }
}

#[test]
fn after_a_crash_the_plane_is_asked_first() {
    for applied in [Fault::None, Fault::RequestLost] {
        let plane = Plane::new().with(|state| state.dispatch = vec![applied]);
        let mut memory = Memory::new();
        memory.step(&plane, true, false);
        plane.calls();
        memory.step(&plane, false, false);
        let expected: &[_] = if applied == Fault::None {
            &["find"]
        } else {
            &["find", "dispatch"]
        };
        assert_eq!(plane.calls(), expected);
        assert_eq!(memory.state, Some(RunState::Dispatched));
    }
}

#[test]
fn a_plane_that_cannot_tell_never_gets_it_again() {
    let plane = Plane::new().with(|state| {
        state.dispatch = vec![Fault::AnswerLost];
        state.find = vec![Search::CannotTell; 3];
    });
    let mut memory = Memory::new();
    for _ in 0..4 {
        memory.step(&plane, false, false);
    }
    assert_eq!(plane.calls(), ["dispatch", "find", "find", "find"]);
    assert_eq!((memory.state, plane.runs()), (Some(RunState::Ambiguous), 1));
}

#[test]
fn a_dispatch_that_did_not_happen_is_made_again_without_a_search() {
    let plane = Plane::new().with(|state| {
        state.dispatch = vec![Fault::Fails(ErrorClass::Transient)];
        state.find = vec![Search::CannotTell];
    });
    let mut memory = Memory::new();
    memory.step(&plane, false, false);
    memory.step(&plane, false, false);
    assert_eq!(plane.calls(), ["dispatch", "dispatch"]);
    assert_eq!(memory.state, Some(RunState::Dispatched));
}

#[test]
fn a_plane_that_forgets_a_run_leaves_it_open() {
    let plane = Plane::new().with(|state| state.polls = vec![Err(ErrorClass::Permanent); 2]);
    let mut memory = Memory::new();
    memory.step(&plane, false, false);
    memory.step(&plane, false, false);
    let got = (memory.state, memory.class, memory.handle.as_str());
    assert_eq!(
        got,
        (
            Some(RunState::Ambiguous),
            Some(ErrorClass::Permanent),
            "job 1"
        )
    );
    assert!(matches!(
        memory.step(&plane, false, false),
        StepOutcome::Again { .. }
    ));
    assert_eq!(memory.live(&plane, None), RunState::Verified);
}

#[test]
fn a_wish_to_cancel_is_kept_at_every_stage() {
    // Nothing was sent.
    let plane = Plane::new();
    let mut memory = Memory {
        cancel: Cancel::Wanted,
        ..Memory::new()
    };
    assert_eq!(memory.live(&plane, None), RunState::Cancelled);
    assert_eq!(plane.calls(), [""; 0]);

    // It was claimed before a crash, and the plane does not have it.
    let plane = Plane::new();
    let mut memory = Memory {
        cancel: Cancel::Wanted,
        claim: Claim::Used,
        ..Memory::new()
    };
    assert_eq!(memory.live(&plane, None), RunState::Cancelled);
    assert_eq!(plane.calls(), ["find"]);

    // It runs: ask, and look.
    for (answer, end, calls) in [
        (
            Ok(Cancellation::Cancelled),
            RunState::Cancelled,
            vec!["cancel"],
        ),
        (
            Ok(Cancellation::Asked),
            RunState::Verified,
            vec!["cancel", "poll", "verify"],
        ),
        (
            Ok(Cancellation::TooLate),
            RunState::Verified,
            vec!["cancel", "poll", "verify"],
        ),
    ] {
        let plane = Plane::new().with(|state| state.cancel = answer);
        let mut memory = Memory::new();
        memory.step(&plane, false, false);
        memory.cancel = Cancel::Wanted;
        plane.calls();
        assert_eq!(memory.live(&plane, None), end);
        assert_eq!(plane.calls(), calls);
    }

    // The plane cannot cancel: what it does is followed all the same, and nothing is recorded
    // twice.
    let plane = Plane::new().with(|state| {
        state.cancel = Err(ErrorClass::Permanent);
        state.polls = vec![Ok(Progress::Running {
            detail: text("1 of 2"),
        })];
    });
    let mut memory = Memory::new();
    memory.step(&plane, false, false);
    memory.cancel = Cancel::Wanted;
    memory.state = Some(RunState::Cancelling);
    let outcome = memory.step(&plane, false, false);
    assert!(matches!(outcome, StepOutcome::Again { .. }));
    assert_eq!(memory.live(&plane, None), RunState::Verified);
    let calls = ["dispatch", "cancel", "poll", "cancel", "poll", "verify"];
    assert_eq!(plane.calls(), calls);
}

#[test]
fn what_the_plane_says_of_a_failure_is_recorded() {
    let failed = Progress::Failed {
        class: ErrorClass::PolicyViolation,
        detail: text("frozen"),
    };
    let plane = Plane::new().with(|state| state.polls = vec![Ok(failed)]);
    let mut memory = Memory::new();
    assert_eq!(memory.live(&plane, None), RunState::Failed);
    assert_eq!(memory.class, Some(ErrorClass::PolicyViolation));
}
