//! The play: everybody at their keyboards, and what the three scenarios have in common.

use std::{path::Path, time::Duration};

use breakglass_format::{
    Digest, Event, GrantId,
    act::Declare,
    entry::Recorded,
    render::timeline::{Timeline, heading},
};
use breakglass_seal::names;

mod aftermath;
mod database;
mod failure;
mod outage;
mod patch;
mod stolen;

use super::{
    DemoError, Scenario,
    attacks::{self, Attacker},
    authority::{ACCOUNT, line, name, parse, prose},
    house::House,
    narrator::Narrator,
    stage::{KEY, SECOND_KEY},
};
use crate::{
    actor::{ActionWish, Actor, ActorError, RequestWish},
    export::{ExportWish, export},
    hint::Failure,
};

/// How often something that takes a moment is looked at, and how many times.
const LOOK: (Duration, u32) = (Duration::from_millis(50), 600);

/// Everybody at their keyboards.
pub(super) struct Play<'a> {
    house: &'a House,
    narrator: &'a mut Narrator,
    timeline: Timeline,
    /// The day that was told last.
    today: Option<String>,
    told: u64,
    next: Next,
    alice: Actor,
    bob: Actor,
    carol: Actor,
    dave: Actor,
    erin: Actor,
    frank: Actor,
    grace: Actor,
}

/// The numbers that the next references will have.
#[derive(Debug, Clone, Copy)]
pub(super) struct Next {
    pub(super) incident: u64,
    pub(super) request: u64,
    pub(super) grant: u64,
}

impl Default for Next {
    fn default() -> Self {
        Self {
            incident: 1,
            request: 1,
            grant: 1,
        }
    }
}

impl Next {
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "nothing else gives out a number"
    )]
    fn learn(&mut self, event: &Event) {
        match event {
            Event::IncidentDeclared(_) => self.incident += 1,
            Event::BreakGlassRequested(_) => self.request += 1,
            Event::BreakGlassGranted(_) => self.grant += 1,
            _ => {}
        }
    }
}

/// What a person's step came to, with who and what where it failed.
fn step<T>(
    who: &'static str,
    what: &'static str,
    result: Result<T, ActorError>,
) -> Result<T, DemoError> {
    result.map_err(|source| DemoError::Step {
        who,
        what,
        source: Box::new(source),
    })
}

impl<'a> Play<'a> {
    /// Everybody logs in.
    pub(super) fn begin(house: &'a House, narrator: &'a mut Narrator) -> Result<Self, DemoError> {
        let mut play = Self {
            narrator,
            timeline: Timeline::new(),
            today: None,
            told: 0,
            next: Next::default(),
            alice: house.actor("alice")?,
            bob: house.actor("bob")?,
            carol: house.actor("carol")?,
            dave: house.actor("dave")?,
            erin: house.actor("erin")?,
            frank: house.actor("frank")?,
            grace: house.actor("grace")?,
            house,
        };
        play.catch_up(false)?;
        Ok(play)
    }

    /// One scenario, or all three one after the other.
    pub(super) fn perform(&mut self, scenario: Scenario) -> Result<(), DemoError> {
        self.credential_comes_into_custody()?;
        self.database_comes_into_custody()?;
        self.house.skip_s(6 * 3600);
        if scenario.includes(Scenario::ProductionOutage) {
            self.production_outage()?;
            self.a_laptop_is_stolen()?;
        }
        if scenario.includes(Scenario::CriticalPatch) {
            self.critical_patch()?;
        }
        if scenario.includes(Scenario::SystemFailure) {
            self.system_failure()?;
        }
        Ok(())
    }

    /// Tells what is new in the log, every line from a proven entry.
    fn catch_up(&mut self, aloud: bool) -> Result<(), DemoError> {
        let size = step(
            "frank",
            "read",
            self.frank.client().status().map_err(Into::into),
        )?;
        for index in self.told..size.log_size {
            let proven = self.frank.client().prove(index).map_err(ActorError::from);
            let proven = step("frank", "read the log", proven)?;
            let received = self.frank.trust().log().check(&proven);
            let received = received.map_err(|e| DemoError::Fault(e.to_string()))?;
            let recorded = Recorded {
                index: received.index,
                leaf: Digest::from_bytes(*received.leaf.as_bytes()),
                entry: received.entry,
            };
            self.next.learn(&recorded.entry.event);
            // That somebody logged in is nothing that this story is about.
            let aloud = aloud && !matches!(recorded.entry.event, Event::SessionOpened(_));
            let day = heading(recorded.entry.created_at);
            if aloud && self.today.as_ref() != Some(&day) {
                self.narrator.line(&day);
                self.today = Some(day);
            }
            for said in self.timeline.push(&recorded) {
                if aloud {
                    self.narrator.line(&said);
                }
            }
        }
        self.told = size.log_size;
        Ok(())
    }

    fn wait(
        &mut self,
        what: &'static str,
        done: impl Fn(&Self) -> Result<bool, DemoError>,
    ) -> Result<(), DemoError> {
        for _ in 0..LOOK.1 {
            if done(self)? {
                return Ok(());
            }
            std::thread::sleep(LOOK.0);
        }
        Err(DemoError::Fault(format!("{what} did not happen")))
    }

    /// The version of an account's credential that is current.
    fn version(&self, account: &str) -> Result<i64, DemoError> {
        let accounts = self.carol.client().accounts().map_err(ActorError::from);
        let accounts = step("carol", "look at the account", accounts)?;
        let account = accounts.iter().find(|a| a.name == account);
        Ok(account.map_or(0, |a| a.version))
    }

    fn wait_for_rotation(&mut self, account: &'static str, version: i64) -> Result<(), DemoError> {
        self.wait("the rotation", |play| {
            let accounts = play.carol.client().accounts().map_err(ActorError::from);
            let accounts = step("carol", "look at the account", accounts)?;
            Ok(accounts
                .iter()
                .any(|a| a.name == account && a.version >= version && a.state == "current"))
        })
    }

    fn credential_comes_into_custody(&mut self) -> Result<(), DemoError> {
        self.narrator
            .scene("Beforehand: the account's password comes into custody. It takes two");
        let credential = &self.house.stage.first_password;
        let sealed = step(
            "carol",
            "seal the password",
            self.carol.add_credential(ACCOUNT, credential),
        )?;
        self.house.skip_s(40);
        step("dave", "agree", self.dave.agree_import(&sealed.0))?;
        self.wait_for_rotation(ACCOUNT, 2)?;
        self.catch_up(true)?;
        let typed = credential
            .field(names::PASSWORD)
            .map(|p| p.expose().to_owned());
        let opens = self
            .house
            .stage
            .shop
            .lets_in(ACCOUNT, typed.as_deref().unwrap_or_default())?;
        if opens {
            return Err(DemoError::Fault(
                "the typed-in password still works".to_owned(),
            ));
        }
        self.narrator
            .holds("the password that Carol typed in no longer opens the shop");
        Ok(())
    }

    /// Alice declares; gives the incident's reference.
    fn declared(&mut self, declare: Declare) -> Result<String, DemoError> {
        let outcome = step("alice", "declare", self.alice.declare(declare))?;
        self.catch_up(true)?;
        let declared = outcome.declared().map(|d| d.reference.to_string());
        declared.ok_or_else(|| DemoError::Fault("nothing was declared".to_owned()))
    }

    /// Bob of security and Carol of platform say yes.
    fn agreed(&mut self, request: &str, carol_s: Option<i64>) -> Result<GrantId, DemoError> {
        self.house.skip_s(40);
        step("bob", "approve", self.bob.approve(request, None))?;
        self.house.skip_s(50);
        let outcome = step("carol", "approve", self.carol.approve(request, carol_s))?;
        self.catch_up(true)?;
        let granted = outcome.granted().map(|g| g.grant_id);
        granted.ok_or_else(|| DemoError::Fault("two approvals made no grant".to_owned()))
    }

    /// Alice plans an action, and has exactly that plan run.
    fn run_planned(&mut self, grant: GrantId, wish: ActionWish) -> Result<(), DemoError> {
        let grant = grant.to_string();
        let outcome = step("alice", "plan", self.alice.plan(&grant, wish.clone()))?;
        let plan = outcome.planned().map(|p| p.plan);
        step("alice", "run", self.alice.run(&grant, wish, plan))?;
        self.wait("the run", |play| {
            let runs = play.alice.client().runs().map_err(ActorError::from);
            let runs = step("alice", "look at the run", runs)?;
            if let Some(failed) = runs.iter().find(|r| r.state == "failed") {
                return Err(DemoError::Fault(format!("the run {} failed", failed.id)));
            }
            Ok(runs.iter().all(|r| r.state == "verified"))
        })?;
        self.catch_up(true)?;
        let answer = self.house.stage.shop.visit()?;
        if answer.status != 200 {
            return Err(DemoError::Fault("the shop is still broken".to_owned()));
        }
        let seen = format!(
            "GET {}/ -> {} {}",
            self.house.stage.shop.url(),
            answer.status,
            answer.body
        );
        self.narrator.holds(&seen);
        Ok(())
    }

    /// Alice gives her grant back, and the credential is rotated.
    fn given_back(&mut self, account: &'static str, grant: GrantId) -> Result<(), DemoError> {
        self.house.skip_s(300);
        let version = self.version(account)?;
        let returned = self.alice.return_grant(&grant.to_string());
        step("alice", "return", returned)?;
        self.wait_for_rotation(account, version + 1)?;
        self.catch_up(true)
    }

    /// Sessions last eight hours; whoever signs under a session, or reads, opens another.
    fn everybody_is_here(&mut self) -> Result<(), DemoError> {
        step("alice", "log in", self.alice.ensure_session())?;
        step("bob", "log in", self.bob.ensure_session())?;
        step("carol", "log in", self.carol.ensure_session())?;
        step("dave", "log in", self.dave.ensure_session())?;
        step("erin", "log in", self.erin.ensure_session())?;
        step("frank", "log in", self.frank.ensure_session())?;
        step("grace", "log in", self.grace.ensure_session())?;
        self.catch_up(false)
    }

    fn told_no<T>(
        &mut self,
        attempt: &str,
        came_to: Result<T, ActorError>,
        expected: &str,
    ) -> Result<(), DemoError> {
        let Err(error) = came_to else {
            return Err(DemoError::Fault(format!("{attempt}: nobody said no")));
        };
        let failure = Failure::from(error);
        if failure.code() != expected {
            let found = format!(
                "{attempt}: refused as {}, not as {expected}",
                failure.code()
            );
            return Err(DemoError::Fault(found));
        }
        self.narrator
            .refused(attempt, failure.code(), failure.message());
        Ok(())
    }

    /// The auditor, who exports, and what comes next.
    pub(super) fn into_auditor(self) -> (Actor, Next) {
        (self.frank, self.next)
    }
}

/// What a shell checks one approval with, in the folder of the evidence: not every request was
/// approved by Bob.
const STOCK: [&str; 3] = [
    "cd \"$(ls -d statements/*/approval.bob.json | head -n 1 | xargs dirname)\" &&",
    "ssh-keygen -Y verify -f ../../allowed_signers -I bob -n approval.v1@breakglass \\",
    "  -s approval.bob.json.sig < approval.bob.json",
];

/// How to check the evidence without us, where it stays.
pub(super) fn without_us(narrator: &mut Narrator) {
    narrator.line("Without our software, in that folder:");
    for line in STOCK {
        narrator.line(&format!("  {line}"));
    }
}

/// Exports the evidence, and checks it against the pin.
pub(super) fn evidence(
    house: &House,
    auditor: &Actor,
    narrator: &mut Narrator,
    folder: &Path,
) -> Result<(), DemoError> {
    narrator.scene("The evidence: exported by the auditor, checked by anybody");
    let (client, trust) = (auditor.client(), auditor.trust());
    export(client, trust, auditor.now(), folder, ExportWish::default())
        .map_err(|e| DemoError::Fault(e.to_string()))?;
    narrator.line(&format!("log export {}", folder.display()));
    let unreadable = |e: breakglass_verify::FolderError| DemoError::Fault(e.to_string());
    let read = breakglass_verify::OnDisk::at(folder).map_err(unreadable)?;
    let options = breakglass_verify::Options {
        pin: Some(house.stage.genesis),
        ..Default::default()
    };
    let verdict = breakglass_verify::check_files(&read, &options, &|_| ()).map_err(unreadable)?;
    for finding in &verdict.findings {
        narrator.line(&format!("{finding}"));
    }
    if verdict.exit_code(false) != 0 {
        return Err(DemoError::Fault("the evidence does not verify".to_owned()));
    }
    let facts = &verdict.facts;
    narrator.holds(&format!(
        "verify --genesis {}: {} entries, {} signatures of people, every rule held",
        house.stage.genesis, facts.entries, facts.statements
    ));
    Ok(())
}
