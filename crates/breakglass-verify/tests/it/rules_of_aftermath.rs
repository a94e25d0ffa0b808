//! What a server can write against the rules of what follows an incident: a true aftermath, one
//! thing changed, the finding it must give.

use breakglass_format::{
    IncidentId,
    act::{Command, PersonDecision},
    event::{AccessReviewed, Clock},
    vocabulary::{AccessDecision, Obligation, Privilege},
};

use crate::{
    after::{DAY, closed, settled, to_lead},
    people::{person, read},
    rules_of_authority::{ALL, publish, somebody},
    scribe::{Scribe, broken},
    steps::HOUR,
    story::{self, Told},
};

/// A step taken under the incident of a stage.
pub(crate) type Step = fn(&mut Scribe, IncidentId);

fn after(stage: fn() -> Told, step: Step) -> Scribe {
    let Told {
        mut log, incident, ..
    } = stage();
    step(&mut log, incident);
    log
}

#[test]
fn a_true_aftermath_has_no_findings() {
    let mut told = closed();
    assert_eq!(told.log.verdict().findings, []);
    let incident = told.incident;
    let derived = told.log.verdict().derived;
    assert!(derived.incidents[&incident].closed_at.is_some());
    let cause = told.late("alice");
    told.log.reopen(incident, cause, |_| {});
    let review = told.log.review(&["nobody knew the cache"]);
    told.log.complete_review("dave", incident, review, |_| {});
    told.log.update_procedure("dave", incident, |_| {});
    told.log.close("erin", incident);
    assert_eq!(told.log.verdict().findings, []);
    let people = ["alice", "erin"];
    told.log.review_access_with("dave", None, &people, |_| {});
    assert_eq!(told.log.verdict().findings, []);
}

#[test]
fn every_step_after_an_incident_is_of_somebody_who_may() {
    let steps: [(Step, &[&str]); 8] = [
        (
            |log, i| log.notify_cab("dave", i, |_| {}),
            &["not_privileged"],
        ),
        (
            |log, i| log.file_report("dave", i, |_| {}),
            &["not_privileged"],
        ),
        (
            |log, i| {
                let review = log.review(&[]);
                log.complete_review("erin", i, review, |_| {});
            },
            &["not_privileged"],
        ),
        (
            |log, i| log.decide_cab("dave", i, false, |_| {}),
            &["not_privileged"],
        ),
        (
            |log, i| log.decide_cab("erin", i, true, |_| {}),
            &["not_privileged"],
        ),
        (
            |log, i| log.review_access("erin", i, |_| {}),
            &["not_privileged"],
        ),
        (
            |log, i| log.update_procedure("erin", i, |_| {}),
            &["not_privileged"],
        ),
        (
            |log, i| log.transfer("dave", ["alice", "erin"], i, |_| {}),
            &["needs_two_people"],
        ),
    ];
    for (step, expected) in steps {
        broken(&after(story::whole, step), expected);
    }
    broken(
        &after(settled, |log, i| log.close("dave", i)),
        &["closed_by_stranger"],
    );
}

#[test]
fn deputies_and_members_of_the_board_may_what_is_theirs() {
    let steps: [Step; 6] = [
        |log, i| log.notify_cab("erin", i, |_| {}),
        |log, i| log.notify_cab("carol", i, |_| {}),
        |log, i| log.file_report("bob", i, |_| {}),
        |log, i| log.decide_cab("bob", i, true, |_| {}),
        |log, i| log.review_access("bob", i, |_| {}),
        |log, i| log.update_procedure("carol", i, |_| {}),
    ];
    for step in steps {
        assert_eq!(after(story::whole, step).verdict().findings, []);
    }
}

#[test]
fn what_follows_an_incident_comes_after_its_end() {
    let steps: [Step; 6] = [
        |log, i| log.file_report("alice", i, |_| {}),
        |log, i| {
            let review = log.review(&[]);
            log.complete_review("dave", i, review, |_| {});
        },
        |log, i| log.decide_cab("erin", i, false, |_| {}),
        |log, i| log.review_access("dave", i, |_| {}),
        |log, i| log.update_procedure("alice", i, |_| {}),
        |log, i| log.notify_cab("alice", i, |_| {}),
    ];
    for (n, step) in steps.into_iter().enumerate() {
        let early = after(story::returned, step);
        if n == 5 {
            assert_eq!(early.verdict().findings, [], "the board is told before it");
        } else {
            broken(&early, &["incident_not_resolved"]);
        }
        broken(&after(closed, step), &["incident_closed"]);
    }
    let early = after(story::returned, |log, i| log.close("alice", i));
    broken(&early, &["closed_too_early", "incident_not_resolved"]);
    broken(
        &after(closed, |log, i| log.close("alice", i)),
        &["incident_closed"],
    );
    let led = |log: &mut Scribe, i| log.transfer("alice", ["alice", "erin"], i, |_| {});
    broken(&after(closed, led), &["incident_closed"]);
}

#[test]
fn whoever_took_part_does_not_review() {
    let mut told = story::whole();
    told.late("dave");
    let review = told.log.review(&[]);
    told.log
        .complete_review("dave", told.incident, review, |_| {});
    broken(&told.log, &["judged_by_participant"]);
}

/// An incident in which dave, who reviews, may command as well.
fn reviewer_commands() -> Told {
    let mut told = story::returned();
    story::rotation(&mut told.log, |_| {});
    publish(&mut told.log, &ALL, |next| {
        let dave = somebody(next, "dave");
        dave.privileges.push(Privilege::Command);
        let erin = somebody(next, "erin");
        erin.privileges.push(Privilege::Reviewer);
    });
    told
}

#[test]
fn whoever_resolved_in_the_commanders_place_does_not_review() {
    let resolved = |by: &str, owner: &str| {
        let mut told = reviewer_commands();
        told.log.resolve(by, told.incident, |d| {
            let review = |c: &&mut Clock| c.obligation == Obligation::PostIncidentReview;
            let clock = d.clocks.iter_mut().find(review);
            clock.unwrap().owner = person(owner);
        });
        told
    };
    assert_eq!(resolved("alice", "dave").log.verdict().findings, []);
    broken(&resolved("dave", "dave").log, &["clock_wrong"]);
    let mut told = resolved("dave", "erin");
    assert_eq!(told.log.verdict().findings, []);
    let review = told.log.review(&[]);
    told.log
        .complete_review("dave", told.incident, review, |_| {});
    broken(&told.log, &["judged_by_participant"]);
}

#[test]
fn two_who_handed_over_command_do_not_review() {
    let handed = |[first, second]: [&str; 2]| {
        let mut told = reviewer_commands();
        let (log, incident) = (&mut told.log, told.incident);
        log.proposes(first, incident, &Command::Transfer(to_lead("bob")));
        log.transfer(second, ["alice", "bob"], incident, |_| {});
        log.resolve("bob", incident, |d| {
            for clock in &mut d.clocks {
                let judged = [Obligation::PostIncidentReview, Obligation::CabReview];
                let judged = judged.contains(&clock.obligation);
                clock.owner = person(if judged { "erin" } else { "bob" });
            }
        });
        told
    };
    for both in [["dave", "bob"], ["bob", "dave"]] {
        let mut told = handed(both);
        assert_eq!(told.log.verdict().findings, []);
        let review = told.log.review(&[]);
        told.log
            .complete_review("dave", told.incident, review, |_| {});
        broken(&told.log, &["judged_by_participant"]);
    }
}

#[test]
fn reports_and_reviews_are_counted() {
    let twice: Step = |log, i| {
        log.file_report("alice", i, |_| {});
        log.file_report("alice", i, |_| {});
        for _ in 0..2 {
            let review = log.review(&[]);
            log.complete_review("dave", i, review, |_| {});
        }
    };
    assert_eq!(after(story::whole, twice).verdict().findings, []);
    let steps: [Step; 2] = [
        |log, i| log.file_report("alice", i, |d| d.version = 2),
        |log, i| {
            let review = log.review(&[]);
            log.complete_review("dave", i, review, |d| d.version = 0);
        },
    ];
    for step in steps {
        broken(&after(story::whole, step), &["version_out_of_order"]);
    }
}

#[test]
fn a_review_gives_one_verdict_on_everything() {
    let steps: [Step; 3] = [
        |log, i| {
            let mut review = log.review(&[]);
            review.verdicts.pop();
            log.complete_review("dave", i, review, |_| {});
        },
        |log, i| {
            let mut review = log.review(&[]);
            review.verdicts[1].subject = read("G-1/2");
            log.complete_review("dave", i, review, |_| {});
        },
        |log, i| {
            let mut review = log.review(&[]);
            review.verdicts.push(review.verdicts[0].clone());
            log.complete_review("dave", i, review, |_| {});
        },
    ];
    for step in steps {
        broken(&after(story::whole, step), &["review_incomplete"]);
    }
}

#[test]
fn whoever_records_for_the_board_brings_the_minutes() {
    let none: Step = |log, i| log.decide_cab_with("alice", i, true, None, |_| {});
    broken(&after(story::whole, none), &["minutes_missing"]);
    let other: Step = |log, i| {
        let paper = log.blob(b"other minutes");
        log.decide_cab("alice", i, true, |d| d.document = paper.into());
    };
    broken(
        &after(story::whole, other),
        &["event_differs_from_statement"],
    );
}

#[test]
fn access_is_reviewed_where_there_was_any_by_somebody_who_had_none() {
    let own: Step = |log, i| log.review_access("alice", i, |_| {});
    broken(&after(story::whole, own), &["not_privileged", "own_access"]);
    // Nobody used the account under this one.
    let (mut log, incident) = story::declared();
    log.resolve("alice", incident, |_| {});
    log.review_access("dave", incident, |_| {});
    broken(&log, &["account_not_used"]);
    // After an incident nobody's right to ask is decided on.
    let told = story::whole();
    let (mut log, incident) = (told.log, told.incident);
    log.review_access_with("dave", Some(incident), &["erin"], |_| {});
    broken(&log, &["review_incomplete"]);
}

/// A quarterly review by this person, with a decision on these people.
fn quarterly(by: &str, people: &[&str], change: impl FnOnce(&mut AccessReviewed)) -> Scribe {
    let mut log = story::founded();
    log.wait(DAY);
    log.review_access_with(by, None, people, change);
    log
}

#[test]
fn a_quarterly_review_decides_on_everybody_who_may_ask() {
    let both = ["alice", "erin"];
    assert_eq!(quarterly("dave", &both, |_| {}).verdict().findings, []);
    assert_eq!(quarterly("bob", &both, |_| {}).verdict().findings, []);
    let wrong: [&[&str]; 4] = [
        &["alice"],
        &[],
        &["alice", "erin", "erin"],
        &["alice", "bob", "erin"],
    ];
    for people in wrong {
        broken(&quarterly("dave", people, |_| {}), &["review_incomplete"]);
    }
    let own = quarterly("erin", &both, |_| {});
    broken(&own, &["not_privileged", "own_access"]);
    let decided = |d: &mut AccessReviewed| {
        d.entitled[1] = PersonDecision {
            decision: AccessDecision::Remove,
            person: person("erin"),
        };
    };
    let changed = quarterly("dave", &both, decided);
    broken(&changed, &["event_differs_from_statement"]);
}

#[test]
fn a_quarterly_review_starts_the_clock_of_the_next() {
    let both = ["alice", "erin"];
    let wrong: [fn(&mut AccessReviewed); 6] = [
        |d| d.clocks.clear(),
        |d| d.clocks.push(d.clocks[0].clone()),
        |d| d.clocks[0].owner = person("dave"),
        |d| d.clocks[0].subject = read("acc_other"),
        |d| d.clocks[0].due_at = d.clocks[0].due_at.plus_s(HOUR),
        |d| {
            d.clocks[0].length_s += HOUR;
            d.clocks[0].due_at = d.clocks[0].due_at.plus_s(HOUR);
        },
    ];
    for change in wrong {
        broken(&quarterly("dave", &both, change), &["clock_wrong"]);
    }
    let extra: Step = |log, i| {
        let clock = log.quarterly_clock();
        log.review_access("dave", i, |d| d.clocks.push(clock));
    };
    broken(&after(story::whole, extra), &["clock_wrong"]);
}

/// One of the clocks of a resolution, changed.
fn clock_at(n: usize, change: impl Fn(&mut Clock)) -> Scribe {
    let Told {
        mut log, incident, ..
    } = story::returned();
    story::rotation(&mut log, |_| {});
    log.resolve("alice", incident, |d| change(&mut d.clocks[n]));
    log
}

#[test]
fn every_clock_of_a_resolution_is_there_as_long_as_it_must_be_and_of_its_owner() {
    for n in 0..5 {
        let longer = clock_at(n, |c| {
            c.length_s += 1;
            c.due_at = c.due_at.plus_s(1);
        });
        broken(&longer, &["clock_wrong"]);
        broken(
            &clock_at(n, |c| c.due_at = c.due_at.plus_s(1)),
            &["clock_wrong"],
        );
        broken(&clock_at(n, |c| c.owner = person("bob")), &["clock_wrong"]);
        let mut missing = story::returned();
        story::rotation(&mut missing.log, |_| {});
        let (log, incident) = (&mut missing.log, missing.incident);
        log.resolve("alice", incident, |d| drop(d.clocks.remove(n)));
        broken(&missing.log, &["clock_missing"]);
    }
    let elsewhere = clock_at(1, |c| c.subject = read("acc_other"));
    broken(&elsewhere, &["clock_wrong"]);
}

#[test]
fn gaps_start_the_clock_of_the_procedure_and_nothing_else_does() {
    let found: Step = |log, i| {
        let review = log.review(&["nobody knew the cache"]);
        log.complete_review("dave", i, review, |_| {});
    };
    assert_eq!(after(story::whole, found).verdict().findings, []);
    let without: Step = |log, i| {
        let review = log.review(&["nobody knew the cache"]);
        log.complete_review("dave", i, review, |d| d.clocks.clear());
    };
    broken(&after(story::whole, without), &["clock_missing"]);
    let surplus: Step = |log, i| {
        let mut clock = log.clock(Obligation::ProcedureUpdate, "", 7 * DAY);
        clock.due_at = clock.due_at.plus_s(1);
        let review = log.review(&[]);
        log.complete_review("dave", i, review, |d| d.clocks.push(clock));
    };
    broken(&after(story::whole, surplus), &["clock_missing"]);
    let owned: Step = |log, i| {
        let review = log.review(&["nobody knew the cache"]);
        log.complete_review("dave", i, review, |d| d.clocks[0].owner = person("dave"));
    };
    broken(&after(story::whole, owned), &["clock_wrong"]);
    // Found again, it is to be mended again.
    let again: Step = |log, i| {
        for _ in 0..2 {
            let review = log.review(&["nobody knew the cache"]);
            log.complete_review("dave", i, review, |_| {});
        }
        log.update_procedure("alice", i, |_| {});
        let review = log.review(&["nor the queue"]);
        log.complete_review("dave", i, review, |_| {});
        log.close("alice", i);
    };
    broken(&after(settled, again), &["closed_too_early"]);
}
