//! Every way in which a target, its answers and its proofs can fail, against a target in memory.

use std::sync::Mutex;

use breakglass_format::canonical;
use serde_json::Value;

use super::*;
use crate::rotate::Proof;

const OLD: &str = "old-secret";
const NEW: &str = "new-secret";

/// What a target accepts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Accepts {
    old: bool,
    new: bool,
}

/// When a change takes effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Applied {
    Never,
    AtOnce,
    /// So many proofs after its answer.
    Late(u32),
    /// The new one is taken and the old one stays.
    Beside,
}

/// How a proof goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Look {
    True,
    Fails(ErrorClass),
}

struct State {
    accepts: Accepts,
    applied: Applied,
    answer: Result<(), ErrorClass>,
    looks: Vec<Look>,
    under_way: Option<u32>,
    changes: u32,
    proofs_before_change: u32,
    proofs: u32,
}

struct Target(Mutex<State>);

impl Target {
    fn new(
        accepts: Accepts,
        applied: Applied,
        answer: Result<(), ErrorClass>,
        looks: &[Look],
    ) -> Self {
        Self(Mutex::new(State {
            accepts,
            applied,
            answer,
            looks: looks.to_vec(),
            under_way: None,
            changes: 0,
            proofs_before_change: 0,
            proofs: 0,
        }))
    }

    fn accepts(&self) -> Accepts {
        self.0.lock().unwrap().accepts
    }
}

fn failure(class: ErrorClass) -> Failure {
    Failure {
        class,
        detail: Line::lossy("as told"),
        record: Record::new(),
    }
}

fn password<'a>(fields: &Fields<'a>) -> &'a str {
    fields.expose().map(|(_, value)| value).next().unwrap()
}

impl Rotator for Target {
    fn describe(&self) -> Line {
        Line::lossy("memory")
    }

    fn prove(&self, _: &AccountRef, credential: &Fields<'_>, _: Verdict) -> Result<Proof, Failure> {
        let mut state = self.0.lock().unwrap();
        let look = state.looks.get(state.proofs as usize).copied();
        state.proofs += 1;
        let accepted = match password(credential) {
            OLD => state.accepts.old,
            NEW => state.accepts.new,
            other => panic!("a third credential: {other}"),
        };
        state.under_way = match state.under_way {
            Some(1) => {
                state.accepts = Accepts {
                    old: false,
                    new: true,
                };
                None
            }
            other => other.map(|left| left - 1),
        };
        match look.unwrap_or(Look::True) {
            Look::Fails(class) => Err(failure(class)),
            Look::True if accepted => Ok(Proof {
                seen: Verdict::Accepted,
                record: Record::new(),
            }),
            Look::True => Ok(Proof {
                seen: Verdict::Refused,
                record: Record::new(),
            }),
        }
    }

    fn change(
        &self,
        _: &AccountRef,
        current: &Fields<'_>,
        new: &Fields<'_>,
    ) -> Result<Record, Failure> {
        let mut state = self.0.lock().unwrap();
        assert_eq!((password(current), password(new)), (OLD, NEW));
        state.changes += 1;
        state.proofs_before_change = state.proofs;
        if !state.accepts.old {
            return Err(failure(ErrorClass::Permanent));
        }
        match state.applied {
            Applied::Never => {}
            Applied::AtOnce => {
                state.accepts = Accepts {
                    old: false,
                    new: true,
                }
            }
            Applied::Late(proofs) => state.under_way = Some(proofs),
            Applied::Beside => {
                state.accepts = Accepts {
                    old: true,
                    new: true,
                }
            }
        }
        state.answer.map(|()| Record::new()).map_err(failure)
    }
}

fn account() -> AccountRef {
    AccountRef {
        id: "acc_db".parse().unwrap(),
        name: "db-root".parse().unwrap(),
    }
}

fn run(target: &Target) -> Outcome {
    let (current, staged) = (
        Fields::from_iter([("password", OLD)]),
        Fields::from_iter([("password", NEW)]),
    );
    rotate(target, &account(), &current, &staged)
}

const CLASSES: [ErrorClass; 4] = [
    ErrorClass::Transient,
    ErrorClass::Permanent,
    ErrorClass::PolicyViolation,
    ErrorClass::Ambiguous,
];
const STARTS: [Accepts; 3] = [
    Accepts {
        old: true,
        new: false,
    },
    Accepts {
        old: false,
        new: true,
    },
    Accepts {
        old: true,
        new: true,
    },
];
const EFFECTS: [Applied; 6] = [
    Applied::Never,
    Applied::AtOnce,
    Applied::Late(1),
    Applied::Late(2),
    Applied::Late(3),
    Applied::Beside,
];
const LOOKS: [Look; 3] = [
    Look::True,
    Look::Fails(ErrorClass::Transient),
    Look::Fails(ErrorClass::Permanent),
];
/// More than a course can have.
const MAX_LOOKS: u32 = 5;

/// Every start × effect × answer × sequence of looks.
fn every_case(mut check: impl FnMut(Accepts, Applied, Result<(), ErrorClass>, &[Look])) {
    let answers: Vec<_> = std::iter::once(Ok(())).chain(CLASSES.map(Err)).collect();
    for start in STARTS {
        for applied in EFFECTS {
            for &answer in &answers {
                for number in 0..3_usize.pow(MAX_LOOKS) {
                    let looks: Vec<Look> = (0..MAX_LOOKS)
                        .map(|place| LOOKS[number / 3_usize.pow(place) % 3])
                        .collect();
                    check(start, applied, answer, &looks);
                }
            }
        }
    }
}

fn is_true(said: Accepted, accepted: bool) -> bool {
    match said {
        Accepted::Yes => accepted,
        Accepted::No => !accepted,
        Accepted::Unknown => true,
    }
}

#[test]
fn whatever_happens_one_of_two_known_secrets_works_and_the_outcome_is_true() {
    let mut cases = 0;
    every_case(|start, applied, answer, looks| {
        cases += 1;
        let case = format!("{start:?} {applied:?} {answer:?} {looks:?}");
        let target = Target::new(start, applied, answer, looks);
        let outcome = run(&target);
        let now = target.accepts();
        assert!(now.old || now.new, "{case}");
        match outcome {
            Outcome::Rotated { evidence } => {
                assert_eq!(
                    now,
                    Accepts {
                        old: false,
                        new: true
                    },
                    "{case}"
                );
                canonical::parse(&evidence, usize::MAX).unwrap();
            }
            Outcome::Failed {
                staged_accepted,
                current_accepted,
                evidence,
                class,
                ..
            } => {
                canonical::parse(&evidence, usize::MAX).unwrap();
                // A change that is still under way can make any look out of date.
                if !matches!(applied, Applied::Late(_)) {
                    assert!(is_true(staged_accepted, now.new), "{case}");
                    assert!(is_true(current_accepted, now.old), "{case}");
                }
                if class == ErrorClass::Ambiguous {
                    assert_eq!(answer, Err(ErrorClass::Ambiguous), "{case}");
                    assert_ne!(staged_accepted, Accepted::Yes, "{case}");
                }
            }
        }
    });
    assert_eq!(cases, 3 * 6 * 5 * 243);
}

#[test]
fn the_target_is_looked_at_first_and_changed_at_most_once() {
    every_case(|start, applied, answer, looks| {
        let target = Target::new(start, applied, answer, looks);
        let _ = run(&target);
        let state = target.0.into_inner().unwrap();
        let expected = u32::from(!start.new && looks[0] == Look::True);
        assert_eq!(state.changes, expected, "{start:?} {looks:?}");
        assert!(state.changes == 0 || state.proofs_before_change == 1);
        assert!(state.proofs <= MAX_LOOKS);
    });
}

#[test]
fn the_next_attempt_ends_it_whatever_happened_in_this_one() {
    every_case(|start, applied, answer, looks| {
        let target = Target::new(start, applied, answer, looks);
        let _ = run(&target);
        let mut state = target.0.into_inner().unwrap();
        if state.under_way.is_some() {
            state.accepts = Accepts {
                old: false,
                new: true,
            };
        }
        let both = state.accepts.old && state.accepts.new;
        let next = Target::new(state.accepts, Applied::AtOnce, Ok(()), &[]);
        match run(&next) {
            Outcome::Rotated { .. } => assert!(!both),
            Outcome::Failed {
                class,
                staged_accepted,
                current_accepted,
                ..
            } => {
                assert!(both);
                assert_eq!(class, ErrorClass::Transient);
                assert_eq!(staged_accepted, Accepted::Yes);
                assert_eq!(current_accepted, Accepted::Yes);
            }
        }
    });
}

#[test]
fn an_outcome_says_what_the_next_attempt_needs_to_know() {
    use Accepted::{No, Unknown, Yes};
    use ErrorClass::{Ambiguous, PolicyViolation, Transient};
    let fresh = STARTS[0];
    let down = Look::Fails(Transient);
    let cases = [
        // Unreachable at the first look: nothing was done.
        (
            Applied::AtOnce,
            Ok(()),
            vec![down],
            (Transient, Unknown, Unknown),
        ),
        // Refused by rule.
        (
            Applied::Never,
            Err(PolicyViolation),
            vec![],
            (PolicyViolation, No, Yes),
        ),
        // The answer got lost, the change did not happen: known by reading back.
        (Applied::Never, Err(Ambiguous), vec![], (Transient, No, Yes)),
        // The answer got lost, and reading back fails.
        (
            Applied::AtOnce,
            Err(Ambiguous),
            vec![Look::True, down, down],
            (Ambiguous, Unknown, Unknown),
        ),
        (
            Applied::AtOnce,
            Err(Ambiguous),
            vec![Look::True, down, Look::True, down],
            (Ambiguous, Unknown, No),
        ),
        // The target lies.
        (Applied::Never, Ok(()), vec![], (Transient, No, Yes)),
        (Applied::Beside, Ok(()), vec![], (Transient, Yes, Yes)),
        // Changed, but the last proof is missing.
        (
            Applied::AtOnce,
            Ok(()),
            vec![Look::True, Look::True, down],
            (Transient, Yes, Unknown),
        ),
    ];
    for (applied, answer, looks, expected) in cases {
        let outcome = run(&Target::new(fresh, applied, answer, &looks));
        let Outcome::Failed {
            class,
            staged_accepted,
            current_accepted,
            ..
        } = outcome
        else {
            panic!("{applied:?} {answer:?} {looks:?}: rotated");
        };
        let got = (class, staged_accepted, current_accepted);
        assert_eq!(got, expected, "{applied:?} {answer:?} {looks:?}");
    }
    // The answer got lost, or was wrong, and the change happened: rotated all the same.
    for class in CLASSES {
        let outcome = run(&Target::new(fresh, Applied::AtOnce, Err(class), &[]));
        assert!(matches!(outcome, Outcome::Rotated { .. }), "{class}");
    }
}

#[test]
fn a_target_that_refuses_both_calls_for_a_person() {
    let target = Target::new(
        Accepts {
            old: false,
            new: false,
        },
        Applied::Never,
        Ok(()),
        &[],
    );
    let Outcome::Failed {
        class,
        staged_accepted,
        current_accepted,
        ..
    } = run(&target)
    else {
        panic!("rotated");
    };
    assert_eq!(class, ErrorClass::Permanent);
    assert_eq!(
        (staged_accepted, current_accepted),
        (Accepted::No, Accepted::No)
    );
}

#[test]
fn the_same_credential_is_no_rotation() {
    let target = Target::new(STARTS[0], Applied::AtOnce, Ok(()), &[]);
    let one = Fields::from_iter([("password", OLD)]);
    let two = Fields::from_iter([("password", OLD)]);
    let outcome = rotate(&target, &account(), &one, &two);
    let class = ErrorClass::Permanent;
    assert!(matches!(outcome, Outcome::Failed { class: c, .. } if c == class));
    assert_eq!(target.0.into_inner().unwrap().changes, 0);
}

#[test]
fn the_evidence_names_every_step_in_order() {
    let target = Target::new(STARTS[0], Applied::AtOnce, Ok(()), &[]);
    let Outcome::Rotated { evidence } = run(&target) else {
        panic!("failed")
    };
    let evidence = canonical::parse(&evidence, usize::MAX).unwrap();
    let steps = evidence["steps"].as_array().unwrap().iter();
    let steps: Vec<&str> = steps.map(|step| step["step"].as_str().unwrap()).collect();
    assert_eq!(steps, ["look", "change", "new accepted", "old refused"]);
    assert_eq!(evidence["outcome"], Value::from("rotated"));
    assert_eq!(evidence["account"], Value::from("acc_db"));
}
