//! The play: a production outage, from the broken page to the closed incident.

use std::{path::Path, time::Duration};

use breakglass_format::{
    Digest, Event, GrantId,
    act::Declare,
    entry::Recorded,
    render::timeline::{Timeline, heading},
    vocabulary::Severity,
};
use breakglass_seal::names;

mod aftermath;

use super::{
    DemoError,
    attacks::{self, Attacker},
    authority::{ACCOUNT, line, name, parse, prose},
    house::House,
    narrator::Narrator,
    stage::{KEY, SECOND_KEY},
};
use crate::actor::{ActionWish, Actor, ActorError, RequestWish};

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
    alice: Actor,
    bob: Actor,
    carol: Actor,
    dave: Actor,
    erin: Actor,
    frank: Actor,
    grace: Actor,
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

    /// The whole of it.
    pub(super) fn perform(&mut self) -> Result<(), DemoError> {
        self.credential_comes_into_custody()?;
        self.house.skip_s(6 * 3600);
        self.outage()?;
        let grant = self.approvals()?;
        let password = self.checkout(grant)?;
        self.rollback(grant)?;
        self.access_ends(grant, &password)?;
        self.resolution()?;
        self.aftermath()
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

    fn wait_for_rotation(&mut self, version: i64) -> Result<(), DemoError> {
        self.wait("the rotation", |play| {
            let accounts = play.carol.client().accounts().map_err(ActorError::from);
            let accounts = step("carol", "look at the account", accounts)?;
            Ok(accounts
                .iter()
                .any(|a| a.version >= version && a.state == "current"))
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
        self.wait_for_rotation(2)?;
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

    fn outage(&mut self) -> Result<(), DemoError> {
        self.narrator.scene("The outage");
        let answer = self.house.stage.shop.visit()?;
        self.narrator.line(&format!(
            "GET {}/ -> {} {}",
            self.house.stage.shop.url(),
            answer.status,
            answer.body
        ));
        let declare = Declare {
            commander: parse("erin")?,
            cves: Vec::new(),
            drill: false,
            justification: prose("Every payment fails since release 2.4.1 went out")?,
            scenario: name("production-outage")?,
            service: line("shop")?,
            severity: Severity::Sev1,
            threat: prose("")?,
            title: line("checkout is broken")?,
        };
        step("alice", "declare", self.alice.declare(declare))?;
        self.catch_up(true)?;
        self.house.skip_s(70);
        let wish = RequestWish::credential(
            "INC-1",
            ACCOUNT,
            prose("Roll the shop back to 2.4.0, the last release that took payments")?,
        );
        step("alice", "request", self.alice.request(&wish))?;
        self.catch_up(true)
    }

    /// Two people of two groups; everything else is refused.
    fn approvals(&mut self) -> Result<GrantId, DemoError> {
        self.narrator
            .scene("Two other people's signatures, and nothing less");
        self.house.skip_s(45);
        let dossier = step("bob", "read the request", self.bob.examine("R-1"))?;
        let (request, log) = (dossier.request().clone(), dossier.log());
        let attacker = Attacker {
            house: self.house,
            client: self.bob.client(),
            now: self.bob.now(),
        };
        let own = attacker.approve("alice", KEY, request.clone(), log.clone())?;
        let mut changed = request.clone();
        changed.duration_s = 2 * 3600;
        let other = attacker.approve("bob", KEY, changed, log.clone())?;
        attacks::tell(
            self.narrator,
            "Alice approves her own request",
            &own,
            "own_request",
        )?;
        let what = "Bob's signature lands on a changed request";
        attacks::tell(self.narrator, what, &other, "request_differs")?;
        step("bob", "approve", self.bob.approve_examined(&dossier, None))?;
        self.catch_up(true)?;
        let attacker = Attacker {
            house: self.house,
            client: self.bob.client(),
            now: self.bob.now(),
        };
        let again = attacker.approve("bob", SECOND_KEY, request, log)?;
        let what = "Bob approves once more, with his second key";
        attacks::tell(self.narrator, what, &again, "already_approved")?;
        self.house.skip_s(50);
        let outcome = step("carol", "approve", self.carol.approve("R-1", None))?;
        self.catch_up(true)?;
        let granted = outcome.granted().map(|g| g.grant_id);
        granted.ok_or_else(|| DemoError::Fault("two approvals made no grant".to_owned()))
    }

    /// The password reaches Alice, and only her.
    fn checkout(&mut self, grant: GrantId) -> Result<String, DemoError> {
        self.narrator
            .scene("The password reaches Alice, sealed to a key her client made for it");
        let alice = self.alice.identity().clone();
        let victim = breakglass_format::statement::Signer {
            key: alice.key,
            person: alice.person,
            principal: alice.principal,
        };
        let authority = self.alice.trust().authorities().current_ref();
        let attacker = Attacker {
            house: self.house,
            // Alice's own reading session, as a thief of her cookie would have it.
            client: self.alice.client(),
            now: self.alice.now(),
        };
        let stolen = attacker.checkout_with_a_stolen_session(
            &victim,
            grant,
            self.house.stage.genesis,
            authority,
        )?;
        let what = "Somebody with Alice's stolen reading cookie checks out";
        attacks::tell(self.narrator, what, &stolen, "statement_invalid")?;
        let out = step("alice", "check out", self.alice.checkout("G-1"))?;
        let password = out
            .credential
            .field(names::PASSWORD)
            .map(|p| p.expose().to_owned());
        let password = password.unwrap_or_default();
        self.catch_up(true)?;
        if !self.house.stage.shop.lets_in(ACCOUNT, &password)? {
            return Err(DemoError::Fault(
                "the password does not open the shop".to_owned(),
            ));
        }
        self.narrator
            .holds("the password opens the shop (it is not shown here, and never logged)");
        Ok(password)
    }

    fn rollback(&mut self, grant: GrantId) -> Result<(), DemoError> {
        self.narrator
            .scene("The rollback, planned first, then run through the connector");
        self.house.skip_s(120);
        let wish = ActionWish {
            action: name("rollback")?,
            target: line("shop")?,
            artifact: line("2.4.0")?,
        };
        let grant = grant.to_string();
        let outcome = step("alice", "plan", self.alice.plan(&grant, wish.clone()))?;
        let plan = outcome.planned().map(|p| p.plan);
        step("alice", "run", self.alice.run(&grant, wish, plan))?;
        self.wait("the rollback", |play| {
            let runs = play.alice.client().runs().map_err(ActorError::from);
            let runs = step("alice", "look at the run", runs)?;
            if let Some(failed) = runs.iter().find(|r| r.state == "failed") {
                return Err(DemoError::Fault(format!("the run {} failed", failed.id)));
            }
            Ok(runs.iter().any(|r| r.state == "verified"))
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

    fn access_ends(&mut self, grant: GrantId, password: &str) -> Result<(), DemoError> {
        self.narrator
            .scene("Access ends: returned, and the password is worth nothing any more");
        self.house.skip_s(300);
        step(
            "alice",
            "return",
            self.alice.return_grant(&grant.to_string()),
        )?;
        self.wait_for_rotation(3)?;
        self.catch_up(true)?;
        if self.house.stage.shop.lets_in(ACCOUNT, password)? {
            return Err(DemoError::Fault("the old password still works".to_owned()));
        }
        self.narrator.refused(
            "Alice's password is tried once more, at the shop itself",
            "401",
            "the shop no longer knows it",
        );
        Ok(())
    }

    fn resolution(&mut self) -> Result<(), DemoError> {
        self.narrator.scene("Resolved");
        self.house.skip_s(600);
        let summary = prose("Rolled back to 2.4.0; payments work; the faulty migration is found")?;
        step("erin", "resolve", self.erin.resolve("INC-1", summary))?;
        self.catch_up(true)
    }

    /// The auditor, who exports.
    pub(super) fn into_auditor(self) -> Actor {
        self.frank
    }
}

/// How to check the evidence without us, where it stays.
pub(super) fn without_us(narrator: &mut Narrator) {
    narrator.line("Without our software, in that folder:");
    narrator.line("  cd statements/*/ && ssh-keygen -Y verify -f ../../allowed_signers -I bob \\");
    narrator.line("    -n approval.v1@breakglass -s approval.bob.json.sig < approval.bob.json");
}

/// Exports the evidence, and checks it against the pin.
pub(super) fn evidence(
    house: &House,
    auditor: &Actor,
    narrator: &mut Narrator,
    folder: &Path,
) -> Result<(), DemoError> {
    narrator.scene("The evidence: exported by the auditor, checked by anybody");
    let exported = crate::export::export(auditor.client(), auditor.trust(), auditor.now())
        .map_err(|e| DemoError::Fault(e.to_string()))?;
    exported
        .write(folder)
        .map_err(|e| DemoError::Fault(e.to_string()))?;
    narrator.line(&format!("log export {}", folder.display()));
    let read = breakglass_verify::Folder::read(folder);
    let read = read.map_err(|e| DemoError::Fault(e.to_string()))?;
    let options = breakglass_verify::Options {
        pin: Some(house.stage.genesis),
        ..Default::default()
    };
    let verdict = breakglass_verify::check(&read, &options);
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
