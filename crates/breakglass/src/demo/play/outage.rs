//! A production outage: an emergency rollback, with the credential itself in Alice's hands, and
//! what is refused on the way.

use breakglass_format::{GrantId, act::Declare, vocabulary::Severity};
use breakglass_seal::names;

use super::{
    ACCOUNT, ActionWish, Attacker, DemoError, KEY, Play, RequestWish, SECOND_KEY,
    aftermath::{Afterwards, Gap},
    attacks, line, name, parse, prose, step,
};

impl Play<'_> {
    pub(super) fn production_outage(&mut self) -> Result<(), DemoError> {
        let incident = self.outage()?;
        let grant = self.approvals()?;
        let password = self.checkout(grant)?;
        self.rollback(grant)?;
        self.access_ends(grant, &password)?;
        self.database(&incident)?;
        self.resolution(&incident)?;
        self.not_closed_early(&incident)?;
        self.aftermath(&Afterwards {
            incident: &incident,
            report_after_h: 3,
            report: "Release 2.4.1 broke payments; rolled back to 2.4.0",
            root_cause: "The migration of 2.4.1 drops prices in foreign currency",
            gap: Some(Gap {
                gap: "nobody had to try a migration before a release",
                follow_up: "try migrations with a copy of real prices",
                place: "runbook: releases, step 4",
                mended: "Migrations are tried with a copy of real prices first",
            }),
            access: Some("Without it nobody could have rolled the shop back"),
            board: "Accepted; the rollback was the only way",
        })?;
        self.closed(&incident)
    }

    fn outage(&mut self) -> Result<String, DemoError> {
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
        let incident = self.declared(declare)?;
        self.house.skip_s(70);
        let wish = RequestWish::credential(
            &incident,
            ACCOUNT,
            prose("Roll the shop back to 2.4.0, the last release that took payments")?,
        );
        step("alice", "request", self.alice.request(&wish))?;
        self.catch_up(true)?;
        Ok(incident)
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
        self.run_planned(grant, wish)
    }

    fn access_ends(&mut self, grant: GrantId, password: &str) -> Result<(), DemoError> {
        self.narrator
            .scene("Access ends: returned, and the password is worth nothing any more");
        self.given_back(ACCOUNT, grant)?;
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

    fn resolution(&mut self, incident: &str) -> Result<(), DemoError> {
        self.narrator.scene("Resolved");
        self.house.skip_s(600);
        let summary = prose("Rolled back to 2.4.0; payments work; the faulty migration is found")?;
        step("erin", "resolve", self.erin.resolve(incident, summary))?;
        self.catch_up(true)
    }
}
