//! The one door: which events a command makes, or why not.

use breakglass_format::{
    Timestamp,
    act::{Act, Command as ActCommand},
    authority::Person,
    limits,
    statement::{AuthorityRef, Kind, Signer},
    vocabulary::Privilege,
};
use breakglass_statement::{Signed, Verified, VerifiedAct};

use crate::{
    command::{Author, Command, Context, Draft, Prepared},
    refusal::{Code, Refusal},
    world::{Version, World},
};

/// Events of one tick at most: they become durable together, and a transaction is bounded.
const TICK_MAX: usize = 1_024;

/// Decides a command. Nothing in the world changes; what comes back is what would be recorded.
pub fn decide(
    world: &World,
    command: &Command,
    cx: &mut Context<'_>,
) -> Result<Vec<Draft>, Refusal> {
    match command {
        Command::Enroll(enroll) => world.decide_enroll(enroll, cx),
        Command::Suspend(suspend) => world.decide_suspend(suspend, cx),
        Command::OpenSession(session) => world.decide_session(session, cx),
        Command::Request(request) => world.decide_request(request, cx),
        Command::Approve(approval) => world.decide_approval(approval, cx),
        Command::Deny(denial) => world.decide_denial(denial, cx),
        Command::Checkout(checkout, handout) => world.decide_checkout(checkout, *handout, cx),
        Command::Act(act, prepared) => world.decide_act(act, prepared, cx),
        Command::Planned(report) => world.decide_planned(report, cx),
        Command::Publish(publication) => world.decide_publication(publication, cx),
        Command::Tick => Ok(world.decide_tick(cx)),
        Command::Claim(claim) => world.decide_claim(claim, cx),
        Command::Stage(stage) => world.decide_stage(stage, cx),
        Command::RotationReport(report) => world.decide_rotation_report(report, cx),
        Command::RunReport(report) => world.decide_run_report(report, cx),
        Command::Probed(report) => world.decide_probed(report, cx),
        Command::Notified(due, deliveries) => world.decide_notified(due, deliveries, cx),
        Command::ClockStep(step_ms) => {
            let event = breakglass_format::event::ClockStepped { step_ms: *step_ms };
            Ok(vec![cx.draft(&Author::System("clock"), event)])
        }
        Command::ForeignHead { statement, .. } => {
            Err(Code::ForeignLog.with("statement", statement))
        }
        Command::TurnedAway { count, since } => {
            let event = breakglass_format::event::RefusalsSummarised {
                count: *count,
                since: *since,
            };
            Ok(vec![cx.draft(&Author::System("http"), event)])
        }
        Command::StorageReport {
            fault,
            present,
            detail,
        } => Ok(world.decide_storage(*fault, *present, detail, cx)),
        Command::BeginEpoch(begin) => world.decide_epoch(begin, cx),
        Command::Recovered(recovery) => Ok(world.decide_recovered(recovery, cx)),
        Command::SinkReport {
            sink,
            working,
            detail,
        } => {
            let event = breakglass_format::event::SinkChanged {
                detail: detail.clone(),
                sink: sink.clone(),
                working: *working,
            };
            Ok(vec![cx.draft(&Author::System("sink"), event)])
        }
    }
}

/// Who stands behind a statement that the common checks let through.
pub(crate) struct Standing<'a> {
    /// The authority in force.
    pub(crate) version: &'a Version,
    /// The person, as the authority in force has them.
    pub(crate) person: &'a Person,
    /// The person, as the authority that the statement names has them.
    pub(crate) named: &'a Person,
}

/// What every statement is judged by before its own rules.
pub(crate) struct Claims<'a> {
    pub(crate) kind: Kind,
    pub(crate) signer: &'a Signer,
    /// The enrolled key: the signer's, or the one behind the session.
    pub(crate) enrolled_key: &'a breakglass_format::Fingerprint,
    pub(crate) named: &'a AuthorityRef,
    pub(crate) stated: Timestamp,
    pub(crate) statement: breakglass_format::Digest,
}

impl<'a> Claims<'a> {
    /// What a statement of an enrolled key claims.
    pub(crate) fn of<S: Signed>(verified: &'a Verified<S>) -> Self {
        Self {
            kind: S::KIND,
            signer: verified.signer(),
            enrolled_key: &verified.signer().key,
            named: verified.authority(),
            stated: verified.stated_at(),
            statement: verified.digest(),
        }
    }
}

impl World {
    /// The checks that every statement passes: accepted only once, its time near ours, its key
    /// enrolled and valid now under the authority named *and* the current one.
    pub(crate) fn standing(
        &self,
        claims: &Claims<'_>,
        now: Timestamp,
    ) -> Result<Standing<'_>, Refusal> {
        if self.accepted.contains_key(&claims.statement) {
            return Err(Code::Replayed.into());
        }
        if claims.stated.since_ms(now).abs() > limits::STATEMENT_SKEW_S * 1000 {
            return Err(Refusal::times(Code::ClockSkew, claims.stated, now));
        }
        let version = self.authority().ok_or(Code::StaleAuthority)?;
        let named = self
            .authority_version(claims.named.version)
            .ok_or(Code::StaleAuthority)?;
        if !self.is_enrolled(&claims.signer.person, claims.enrolled_key) {
            return Err(Code::KeyNotEnrolled.with("key", claims.enrolled_key));
        }
        let named = self.key_counts(named, claims, now)?;
        let person = self.key_counts(version, claims, now)?;
        Ok(Standing {
            version,
            person,
            named,
        })
    }

    fn key_counts<'a>(
        &self,
        version: &'a Version,
        claims: &Claims<'_>,
        now: Timestamp,
    ) -> Result<&'a Person, Refusal> {
        let signer = claims.signer;
        let person = version.authority.person(&signer.person);
        let person = person.ok_or_else(|| Code::PersonUnknown.with("person", &signer.person))?;
        if person.principal != signer.principal {
            return Err(Code::PersonUnknown.with("principal", &signer.principal));
        }
        let number = version.authority.version;
        let listed = person.key(claims.enrolled_key);
        let suspended = listed.and_then(|k| self.suspended(&person.person, k, number));
        if let Some(since) = suspended {
            return Err(Code::KeySuspended
                .with("key", claims.enrolled_key)
                .and("since", since));
        }
        if listed.is_none_or(|k| !k.counts(claims.kind, now)) {
            return Err(Code::KeyNotValid
                .with("key", claims.enrolled_key)
                .and("authority", number));
        }
        Ok(person)
    }

    fn decide_act(
        &self,
        act: &VerifiedAct,
        prepared: &Prepared,
        cx: &mut Context<'_>,
    ) -> Result<Vec<Draft>, Refusal> {
        let text = act.statement();
        let claims = Claims {
            enrolled_key: act.enrolled_key(),
            ..Claims::of(act)
        };
        if let Some(session) = text.session.0
            && self
                .sessions
                .get(&session)
                .is_none_or(|until| cx.latest() >= *until)
        {
            return Err(Code::SessionUnknown.with("session", session));
        }
        // A session's enrolled key must be able to certify sessions; the acts themselves are then
        // within the short list, which verification has checked.
        let standing = if act.by_session() {
            self.standing(
                &Claims {
                    kind: Kind::Session,
                    ..claims
                },
                cx.now,
            )?
        } else {
            self.standing(&claims, cx.now)?
        };
        self.check_head(text)?;
        let author = Author::of(act);
        match &text.command {
            ActCommand::Declare(args) => self.decide_declare(args, &standing, &author, cx),
            ActCommand::Note(args) => self.decide_note(&text.object, args, &author, cx),
            ActCommand::SetContact(_) => self.decide_set_contact(text, &author, cx),
            ActCommand::Probe(_) => self.decide_probe(&text.object, prepared, &author, cx),
            ActCommand::Record(args) => self.decide_record(&text.object, args, &author, cx),
            ActCommand::Withdraw(_) => {
                self.decide_withdraw(&text.object, &text.signer, &author, cx)
            }
            ActCommand::Return(_) => self.decide_return(&text.object, &text.signer, &author, cx),
            ActCommand::Revoke(args) => {
                self.decide_revoke(&text.object, args, &standing, &author, cx)
            }
            ActCommand::Cancel(args) => {
                self.decide_cancel(&text.object, args, &standing, &author, cx)
            }
            ActCommand::Plan(args) => {
                self.decide_plan(&text.object, args, &text.signer, &author, cx)
            }
            ActCommand::Run(args) => self.decide_run(&text.object, args, &text.signer, &author, cx),
            ActCommand::Resolve(args) => {
                self.decide_resolve(&text.object, args, &standing, &author, cx)
            }
            ActCommand::AddCredential(args) => {
                self.decide_add_credential(text, args, prepared, &standing, &author, cx)
            }
            ActCommand::Rotate(args) => self.decide_rotate(text, args, &standing, &author, cx),
            ActCommand::AttestRotation(args) => {
                self.decide_attest(text, args, &standing, &author, cx)
            }
            ActCommand::Transfer(_)
            | ActCommand::NotifyCab(_)
            | ActCommand::FileReport(_)
            | ActCommand::CompleteReview(_)
            | ActCommand::DecideCab(_)
            | ActCommand::ReviewAccess(_)
            | ActCommand::UpdateProcedure(_)
            | ActCommand::Waive(_)
            | ActCommand::Close(_) => self.decide_aftermath(text, &standing, &author, cx),
        }
    }

    /// An act that names the last event its signer saw is refused where there is a later one.
    fn check_head(&self, act: &Act) -> Result<(), Refusal> {
        let Some(seen) = act.object.head.0 else {
            return Ok(());
        };
        let incident = act
            .object
            .id
            .as_str()
            .parse()
            .ok()
            .and_then(|id| self.incident(&id));
        match incident {
            Some(incident) if incident.head != seen => Err(Code::StaleObject
                .with("seen", seen)
                .and("last", incident.head)),
            _ => Ok(()),
        }
    }

    /// What became true because time passed: grants over, requests lapsed, clocks run out.
    fn decide_tick(&self, cx: &mut Context<'_>) -> Vec<Draft> {
        let mut drafts = self.expire_grants(cx);
        drafts.extend(self.lapse_requests(cx));
        drafts.extend(self.overdue_obligations(cx));
        drafts.extend(self.rotations_by_age(cx));
        // Each is an event by itself: what is left out is due still, and is told by the next tick.
        drafts.truncate(TICK_MAX);
        drafts
    }
}

impl Standing<'_> {
    /// Refuses a person without a privilege, under the authority named or the current one.
    pub(crate) fn require(&self, privilege: Privilege) -> Result<(), Refusal> {
        if self.person.may(privilege) && self.named.may(privilege) {
            Ok(())
        } else {
            Err(Code::needs(privilege))
        }
    }
}
