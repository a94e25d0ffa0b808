//! Every refusal is provoked once. The match is exhaustive: a code that nobody provokes does not
//! compile.

use breakglass_core::{Command, Refusal, command::Prepared, refusal::Code};
use breakglass_format::{
    IncidentId, Timestamp,
    act::{Action, Command as Act},
    authority::Authority,
    vocabulary::{Obligation, Occasion, Origin, Privilege, RunState, Verdict},
};
use breakglass_testkit::{
    Given, Wish,
    aftermath::{review, waiver},
    people::{
        ALICE, BOB, CAROL, DAVE, ERIN, FRANK, GRACE, HEIDI, MALLORY, OSCAR, PEGGY, READER, SHOP,
        TRENT, VAULT, WALTER, line, name, newcomer, person_mut, successor,
    },
    statements::{failure, outage, rollback},
};

#[test]
fn every_refusal_is_provoked() {
    for code in Code::ALL {
        let refusal = provoke(*code);
        assert_eq!(refusal.code.as_str(), code.as_str(), "{refusal}");
        assert!(refusal.code_name().is_some(), "{code:?} is not a name");
        assert!(!code.says().is_empty() && !code.hint().is_empty());
    }
}

/// The refusal of the last of some commands; the others must go through.
fn refused(mut given: Given, command: impl FnOnce(&mut Given) -> Command) -> Refusal {
    let command = command(&mut given);
    match given.submit(&command) {
        Ok(recorded) => panic!("not refused: {recorded:?}"),
        Err(refusal) => refusal,
    }
}

fn changed(given: &Given, change: impl FnOnce(&mut Authority)) -> Command {
    let mut next = successor(&given.authority());
    change(&mut next);
    given.publish(next, false)
}

/// A system failure, and what the probes say.
fn control_plane(verdict: Verdict) -> Given {
    let mut given = Given::ready();
    let declare = given.declare(ALICE, failure());
    given.must(&declare);
    let report = given.probed(given.incident(), Occasion::Declaration, verdict);
    given.must(&report);
    given
}

fn nowhere() -> IncidentId {
    IncidentId::new(Timestamp::EPOCH, [9; 10])
}

#[expect(clippy::too_many_lines, reason = "one line for each code")]
fn provoke(code: Code) -> Refusal {
    match code {
        Code::KeyNotEnrolled
        | Code::KeyNotValid
        | Code::TooYoung
        | Code::KeySuspended
        | Code::AlreadySuspended
        | Code::KeyUnknown
        | Code::TooFewRoots
        | Code::NotARoot
        | Code::SessionUnknown
        | Code::NotSuccessor
        | Code::AnotherLog
        | Code::AlreadyEnrolled => provoke_key(code),
        Code::ClockSkew
        | Code::StaleAuthority
        | Code::Replayed
        | Code::StaleObject
        | Code::ForeignLog
        | Code::PersonUnknown => provoke_statement(code),
        Code::TextMissing
        | Code::ScenarioUnknown
        | Code::ControlPlaneUnverified
        | Code::ControlPlaneUp
        | Code::NotProbed
        | Code::JustProbed
        | Code::JustChanged
        | Code::IncidentUnknown
        | Code::IncidentNotOpen
        | Code::AccountUnknown
        | Code::BindingMismatch
        | Code::NoEntitlement
        | Code::DurationTooLong
        | Code::DurationTooShort
        | Code::ApproveByOutOfRange
        | Code::WarningMissing
        | Code::ActionNotPermitted
        | Code::NoCredential
        | Code::AccountBusy
        | Code::NotExtendable
        | Code::TooManyPending => provoke_asking(code),
        Code::RequestUnknown
        | Code::RequestNotSeen
        | Code::RequestNotPending
        | Code::RequestDiffers
        | Code::OwnRequest
        | Code::AlreadyApproved
        | Code::AlreadyDenied
        | Code::NotAnApprover
        | Code::FillsNoPlace
        | Code::PresenceNeeded
        | Code::SshNeeded
        | Code::NotRequester => provoke_answering(code),
        Code::GrantUnknown
        | Code::GrantNotActive
        | Code::NotHolder
        | Code::PurposeIsAction
        | Code::PurposeDiffers
        | Code::UsesExhausted
        | Code::QuorumGone
        | Code::CredentialMoved
        | Code::NotEntitled
        | Code::AnotherPersonNeeded
        | Code::FieldNotRotated
        | Code::RunUnknown
        | Code::RunOver
        | Code::NoConnector
        | Code::NotCalledFor => provoke_using(code),
        Code::MachineRotates | Code::NotReplaced => provoke_attesting(code),
        Code::IncidentNotResolved
        | Code::IncidentClosed
        | Code::TookPart
        | Code::OwnDuty
        | Code::OwnAccess
        | Code::DocumentMissing
        | Code::VerdictsDiffer
        | Code::EntitledDiffer
        | Code::AccountNotUsed
        | Code::NotWaivable
        | Code::NothingToWaive
        | Code::ObligationsOpen => provoke_afterwards(code),
    }
}

fn provoke_key(code: Code) -> Refusal {
    match code {
        Code::KeyNotEnrolled => {
            let mut given = Given::requested();
            let publish = changed(&given, |a| a.people.push(newcomer("victor", &["security"])));
            given.must(&publish);
            refused(given, |g| {
                g.approve(breakglass_testkit::Hand::of("victor"), g.request())
            })
        }
        Code::KeyNotValid => {
            let mut given = Given::requested();
            let end = given.now().plus_s(60);
            let publish = changed(&given, |a| {
                person_mut(a, "bob").keys[0].not_after = Some(end).into();
            });
            given.must(&publish);
            given.sleep_s(60);
            refused(given, |g| g.approve(BOB, g.request()))
        }
        Code::TooYoung => {
            let mut given = Given::declared();
            let publish = changed(&given, |a| {
                person_mut(a, "erin").groups = vec![name("platform")]
            });
            given.must(&publish);
            refused(given.asked(&Wish::credential(SHOP)), |g| {
                g.approve(ERIN, g.request())
            })
        }
        Code::SessionUnknown => refused(Given::ready(), |g| {
            let session = breakglass_statement::digest(b"never opened");
            g.declare(ALICE.in_session(session), outage())
        }),
        Code::KeySuspended => {
            let mut given = Given::requested();
            let suspend = given.suspend(BOB, BOB, None);
            given.must(&suspend);
            refused(given, |g| g.approve(BOB, g.request()))
        }
        Code::AlreadySuspended => {
            let mut given = Given::ready();
            let suspend = given.suspend(BOB, BOB, None);
            given.must(&suspend);
            refused(given, |g| g.suspend(TRENT, BOB, None))
        }
        Code::KeyUnknown => refused(Given::ready(), |g| g.suspend(TRENT, BOB, Some(CAROL.key()))),
        Code::TooFewRoots => {
            let mut given = Given::ready();
            let suspend = given.suspend(GRACE, GRACE, None);
            given.must(&suspend);
            refused(given, |g| g.suspend(HEIDI, HEIDI, None))
        }
        Code::NotARoot => refused(Given::ready(), |g| g.suspend(TRENT, GRACE, None)),
        Code::NotSuccessor => refused(Given::ready(), |g| {
            let mut next = successor(&g.authority());
            next.version += 1;
            g.publish(next, true)
        }),
        Code::AnotherLog => refused(Given::ready(), |g| {
            let mut next = successor(&g.authority());
            next.log.origin = breakglass_testkit::people::line("another.example/log");
            g.publish(next, true)
        }),
        Code::AlreadyEnrolled => refused(Given::ready(), |g| {
            g.sleep_s(1);
            g.enroll(ALICE)
        }),
        other => unreachable!("{other:?}"),
    }
}

fn provoke_statement(code: Code) -> Refusal {
    match code {
        Code::ClockSkew => {
            let mut given = Given::ready();
            let declare = given.declare(ALICE, outage());
            given.sleep_ms(300_001);
            refused(given, |_| declare)
        }
        Code::StaleAuthority => {
            let mut given = Given::declared();
            let ask = given.ask(ALICE, &Wish::credential(SHOP));
            let publish = changed(&given, |a| a.title = line("renamed"));
            given.must(&publish);
            refused(given, |_| ask)
        }
        Code::Replayed => {
            let mut given = Given::ready();
            let declare = given.declare(ALICE, outage());
            given.must(&declare);
            refused(given, |_| declare)
        }
        Code::StaleObject => {
            let mut given = Given::declared();
            let (incident, seen) = (given.incident(), given.log().last().unwrap().entry.event_id);
            let note = given.note(ALICE, incident, "Customers call.");
            given.must(&note);
            let summary = breakglass_testkit::people::prose("Over.");
            let resolve = Act::Resolve(breakglass_format::act::Resolve { summary });
            refused(given, |g| g.act_seeing(ERIN, incident, seen, resolve))
        }
        Code::ForeignLog => refused(Given::requested(), |g| match g.approve(BOB, g.request()) {
            Command::Approve(approval) => Command::ForeignHead {
                signer: approval.signer().clone(),
                statement: approval.digest(),
                kind: breakglass_format::statement::Kind::Approval,
            },
            other => other,
        }),
        Code::PersonUnknown => {
            let mut args = outage();
            args.commander = "nobody".parse().unwrap();
            refused(Given::ready(), |g| g.declare(ALICE, args))
        }
        other => unreachable!("{other:?}"),
    }
}

fn provoke_asking(code: Code) -> Refusal {
    let shop = Wish::credential(SHOP);
    match code {
        Code::TextMissing => {
            let mut args = outage();
            args.service = line(" ");
            refused(Given::ready(), |g| g.declare(ALICE, args))
        }
        Code::ScenarioUnknown => {
            let mut args = outage();
            args.scenario = name("birthday");
            refused(Given::ready(), |g| g.declare(ALICE, args))
        }
        Code::ControlPlaneUnverified
        | Code::ControlPlaneUp
        | Code::NotProbed
        | Code::JustProbed => provoke_probing(code),
        Code::JustChanged => {
            let mut given = Given::ready();
            let set = given.set_contact(ALICE);
            given.must(&set);
            given.sleep_s(59);
            refused(given, |g| g.set_contact(ALICE))
        }
        Code::IncidentUnknown => refused(Given::ready(), |g| g.ask_under(nowhere(), ALICE, &shop)),
        Code::IncidentNotOpen => refused(Given::resolved(), |g| g.ask(ALICE, &shop)),
        Code::AccountUnknown => refused(Given::declared(), |g| {
            g.ask(ALICE, &Wish::credential("acc_none"))
        }),
        Code::BindingMismatch => refused(Given::declared(), |g| {
            g.ask_with(g.incident(), ALICE, &shop, |r| r.origin = Origin::Offline)
        }),
        Code::NoEntitlement => refused(Given::declared(), |g| g.ask(BOB, &shop)),
        Code::DurationTooLong => refused(Given::declared(), |g| {
            g.ask(ALICE, &shop.for_s(4 * 3600 + 1))
        }),
        Code::DurationTooShort => refused(Given::declared(), |g| g.ask(ALICE, &shop.for_s(59))),
        Code::ApproveByOutOfRange => refused(Given::declared(), |g| {
            g.ask_with(g.incident(), ALICE, &shop, |r| {
                r.approve_by = r.issued_at.plus_s(3601);
            })
        }),
        Code::WarningMissing => {
            let mut given = Given::over();
            given.sleep_s(60);
            refused(given, |g| {
                g.ask_with(g.incident(), ALICE, &shop, |r| r.warnings.clear())
            })
        }
        Code::ActionNotPermitted => refused(Given::declared(), |g| {
            g.ask_with(g.incident(), ALICE, &Wish::rollback(SHOP), |r| {
                r.purpose.action = name("deployment_override");
            })
        }),
        Code::NoCredential => refused(Given::declared(), |g| {
            g.ask(ALICE, &Wish::credential(VAULT))
        }),
        Code::AccountBusy => refused(Given::granted(), |g| g.ask(MALLORY, &shop)),
        Code::NotExtendable => refused(Given::granted(), |g| {
            let grant = g.grant();
            g.ask(ALICE, &Wish::rollback(SHOP).extending(grant))
        }),
        Code::TooManyPending => {
            let given = (0..16).fold(Given::declared(), |given, _| given.asked(&shop));
            refused(given, |g| g.ask(ALICE, &shop))
        }
        other => unreachable!("{other:?}"),
    }
}

fn provoke_probing(code: Code) -> Refusal {
    let shop = Wish::credential(SHOP);
    match code {
        Code::ControlPlaneUnverified => {
            let mut given = Given::ready();
            let declare = given.declare(ALICE, failure());
            given.must(&declare);
            refused(given, |g| g.ask(ALICE, &shop))
        }
        Code::ControlPlaneUp => {
            let given = control_plane(Verdict::Up);
            refused(given, |g| g.ask(ALICE, &shop))
        }
        Code::NotProbed => refused(Given::declared(), |g| g.probe(ALICE, g.incident())),
        Code::JustProbed => {
            let given = control_plane(Verdict::Down);
            refused(given, |g| g.probe(ALICE, g.incident()))
        }
        other => unreachable!("{other:?}"),
    }
}

fn provoke_answering(code: Code) -> Refusal {
    match code {
        Code::RequestUnknown => {
            let mut given = Given::requested();
            let approve = given.approve(BOB, given.request());
            let other = Given::declared();
            refused(other, |_| approve)
        }
        Code::RequestNotSeen => refused(Given::requested(), |g| {
            g.approve_with(BOB, g.request(), |a| a.log.size = 1)
        }),
        Code::RequestNotPending => refused(Given::granted(), |g| g.approve(DAVE, g.request())),
        Code::RequestDiffers => refused(Given::requested(), |g| {
            g.approve_with(BOB, g.request(), |a| a.request.duration_s += 1)
        }),
        Code::OwnRequest => {
            let mut given = Given::declared();
            let publish = changed(&given, |a| {
                person_mut(a, "dave").groups.push(name("oncall"))
            });
            given.must(&publish);
            let ask = given.ask(DAVE, &Wish::credential(SHOP));
            given.must(&ask);
            refused(given, |g| g.approve(DAVE, g.request()))
        }
        Code::AlreadyApproved => refused(Given::approved_once(), |g| {
            g.approve(BOB.touching(), g.request())
        }),
        Code::AlreadyDenied => {
            let mut given = Given::denied().asked(&Wish::credential(SHOP));
            let deny = given.deny(BOB, given.request());
            given.must(&deny);
            refused(given, |g| g.deny(BOB.touching(), g.request()))
        }
        Code::NotAnApprover => refused(Given::requested(), |g| g.approve(FRANK, g.request())),
        Code::FillsNoPlace => refused(Given::approved_once(), |g| g.approve(PEGGY, g.request())),
        Code::PresenceNeeded => {
            let given = Given::declared()
                .importing(VAULT)
                .asked(&Wish::credential(VAULT));
            let given = given.approved_by(BOB).approved_by(CAROL);
            refused(given, |g| g.approve(DAVE, g.request()))
        }
        Code::SshNeeded => {
            let given = Given::requested().approved_by(BOB.in_browser());
            refused(given, |g| g.approve(CAROL.in_browser(), g.request()))
        }
        Code::NotRequester => refused(Given::requested(), |g| g.withdraw(MALLORY, g.request())),
        other => unreachable!("{other:?}"),
    }
}

fn provoke_import() -> Refusal {
    refused(Given::begun(), |g| {
        let fields = vec![name("password"), name("totp_seed")];
        let add = breakglass_format::act::AddCredential { fields };
        g.act(GRACE, SHOP, Act::AddCredential(add))
    })
}

fn provoke_attesting(code: Code) -> Refusal {
    match code {
        Code::MachineRotates => refused(Given::ready(), |g| g.attest_rotation(GRACE, SHOP)),
        Code::NotReplaced => {
            let given = Given::begun().importing(VAULT);
            let mut given = given;
            given.sleep_s(60);
            for hand in [GRACE, HEIDI] {
                let order = given.order_rotation(hand, VAULT);
                given.must(&order);
            }
            refused(given, |g| g.attest_rotation(GRACE, VAULT))
        }
        other => unreachable!("{other:?}"),
    }
}

fn provoke_using(code: Code) -> Refusal {
    match code {
        Code::GrantUnknown => refused(Given::granted(), |g| {
            g.act(
                ALICE,
                nowhere(),
                Act::Return(breakglass_format::act::NoArgs {}),
            )
        }),
        Code::GrantNotActive => refused(Given::over(), |g| g.checkout(ALICE, g.grant())),
        Code::NotHolder => refused(Given::granted(), |g| g.checkout(MALLORY, g.grant())),
        Code::PurposeIsAction => {
            let given = Given::declared().asked(&Wish::rollback(SHOP));
            let given = given.approved_by(BOB).approved_by(CAROL);
            refused(given, |g| g.checkout(ALICE, g.grant()))
        }
        Code::PurposeDiffers => {
            let given = Given::declared().asked(&Wish::rollback(SHOP));
            let given = given.approved_by(BOB).approved_by(CAROL);
            let target = line("everything.example");
            let elsewhere = Act::Run(Action {
                target,
                ..rollback()
            });
            refused(given, |g| g.act(ALICE, g.grant(), elsewhere))
        }
        Code::UsesExhausted => {
            let given = Given::declared().asked(&Wish::credential(SHOP).uses(1));
            let mut given = given.approved_by(BOB).approved_by(CAROL);
            let checkout = given.checkout(ALICE, given.grant());
            given.must(&checkout);
            refused(given, |g| g.checkout(ALICE, g.grant()))
        }
        Code::QuorumGone => {
            let mut given = Given::granted();
            let publish = changed(&given, |a| person_mut(a, "carol").groups.clear());
            given.must(&publish);
            refused(given, |g| g.checkout(ALICE, g.grant()))
        }
        Code::CredentialMoved => refused(Given::granted(), |g| {
            g.checkout_version(ALICE, g.grant(), 1)
        }),
        Code::NotEntitled => refused(Given::granted(), |g| g.revoke(MALLORY, g.grant())),
        Code::AnotherPersonNeeded => {
            let mut given = Given::ready();
            let rotate = given.order_rotation(GRACE, SHOP);
            given.must(&rotate);
            refused(given, |g| g.order_rotation(GRACE.touching(), SHOP))
        }
        Code::FieldNotRotated => provoke_import(),
        Code::RunUnknown => refused(Given::granted(), |g| g.cancel(ALICE, nowhere())),
        Code::RunOver => refused(Given::verified(), |g| {
            g.run_report(g.run(), RunState::Failed)
        }),
        Code::NoConnector => {
            let given = Given::declared().asked(&Wish::credential(READER));
            let given = given.approved_by(BOB).approved_by(CAROL);
            refused(given, |g| g.order(ALICE, g.grant()))
        }
        Code::NotCalledFor => {
            let mut given = Given::ready();
            let add = given.add_credential(GRACE, SHOP);
            given.must(&add);
            refused(given, |g| match g.add_credential(HEIDI, SHOP) {
                Command::Act(act, _) => Command::Act(act, Prepared::Nothing),
                other => other,
            })
        }
        other => unreachable!("{other:?}"),
    }
}

fn provoke_afterwards(code: Code) -> Refusal {
    match code {
        Code::IncidentNotResolved => refused(Given::checked_out(), |g| g.file_report(ERIN)),
        Code::IncidentClosed => refused(Given::closed(), |g| g.file_report(ERIN)),
        Code::TookPart => {
            let mut given = Given::resolved();
            let publish = changed(&given, |a| {
                let privileges = &mut person_mut(a, "bob").privileges;
                privileges.push(Privilege::Reviewer);
            });
            given.must(&publish);
            refused(given, |g| {
                let review = review(g, &[]);
                g.complete_review(BOB, review)
            })
        }
        Code::OwnDuty => {
            let mut given = Given::resolved();
            let publish = changed(&given, |a| {
                person_mut(a, "oscar").privileges.push(Privilege::Waive);
            });
            given.must(&publish);
            refused(given, |g| g.waive(OSCAR, waiver(Obligation::CabReview)))
        }
        Code::OwnAccess => {
            let mut given = Given::ready();
            let publish = changed(&given, |a| {
                let privileges = &mut person_mut(a, "alice").privileges;
                privileges.push(Privilege::Reviewer);
            });
            given.must(&publish);
            refused(given, |g| {
                g.review_quarterly(ALICE, SHOP, &["alice", "mallory"])
            })
        }
        Code::DocumentMissing => refused(Given::resolved(), |g| g.file_report_with(ERIN, &[])),
        Code::VerdictsDiffer => refused(Given::resolved(), |g| {
            let mut review = review(g, &[]);
            review.verdicts.pop();
            g.complete_review(FRANK, review)
        }),
        Code::EntitledDiffer => refused(Given::ready(), |g| {
            g.review_quarterly(GRACE, SHOP, &["alice"])
        }),
        Code::AccountNotUsed => refused(Given::resolved(), |g| {
            let incident = g.incident();
            g.review_access(GRACE, READER, incident)
        }),
        Code::NotWaivable => refused(Given::declared(), |g| {
            g.waive(WALTER, waiver(Obligation::IncidentResolved))
        }),
        Code::NothingToWaive => refused(Given::declared(), |g| {
            g.waive(WALTER, waiver(Obligation::CabReview))
        }),
        Code::ObligationsOpen => refused(Given::resolved(), |g| g.close(ERIN)),
        other => unreachable!("{other:?}"),
    }
}
