//! One step of somebody.

use std::collections::{BTreeMap, VecDeque};

use breakglass_core::{
    Command, Effect,
    command::{Claim, RotationOutcome, RotationReport, RunReport, Stage},
};
use breakglass_format::{
    AccountId, Event, EventId, GrantId, IncidentId, RequestId, RunId,
    entry::Recorded,
    error_class::ErrorClass,
    vocabulary::{EffectKind, PurposeKind, RunState},
};
use breakglass_statement::digest;
use breakglass_testkit::{
    Given, Hand, Wish,
    harness::{signed, types, word},
    people::{
        ALICE, BOB, CAROL, DAVE, ERIN, EVERYBODY, GRACE, HEIDI, JUDY, MALLORY, PEGGY, READER, SHOP,
        TRENT, TRUDY, VAULT, line,
    },
    statements::{failure, outage, sealed},
    worker::told,
};

use crate::random::Random;

use super::{
    afterwards::{Chore, afterwards, chore, chores},
    roots::change_authority,
};

/// What the players have in their hands.
pub(super) struct Players {
    /// Signed and kept: to be sent late, or again.
    drawer: Vec<Command>,
    /// The version that each target takes.
    targets: BTreeMap<AccountId, i64>,
    /// A rotation that a worker is in the middle of: claimed, staged, not reported.
    pub(super) attempt: Option<Attempt>,
    /// Sessions that were opened.
    sessions: Vec<Hand>,
    /// What has to be done before incidents are closed.
    chores: VecDeque<(IncidentId, Chore)>,
}

impl Players {
    pub(super) fn new(given: &Given) -> Self {
        let accounts = given.world().accounts();
        let targets = accounts.filter_map(|(id, a)| Some((id.clone(), a.current?.version)));
        Self {
            drawer: Vec::new(),
            targets: targets.collect(),
            attempt: None,
            sessions: Vec::new(),
            chores: VecDeque::new(),
        }
    }

    /// What people import is what the target takes.
    pub(super) fn learn(&mut self, news: &[Recorded]) {
        for recorded in news {
            match &recorded.entry.event {
                Event::CredentialAdded(d) => {
                    self.targets.insert(d.account.id.clone(), d.version);
                }
                Event::LogRecovered(d) => {
                    for account in &d.lost {
                        self.targets.remove(&account.id);
                    }
                }
                Event::ObligationWaived(d) if d.account_gone => {
                    let gone: AccountId = d.subject.as_str().parse().unwrap();
                    self.attempt.take_if(|attempt| attempt.account == gone);
                    self.targets.remove(&gone);
                }
                _ => {}
            }
        }
    }

    /// Somebody does something; the answer says what, for whoever reads a failure.
    pub(super) fn step(&mut self, given: &mut Given, random: &mut Random) -> String {
        if !self.chores.is_empty()
            && !random.once_in(3)
            && let Some((id, next)) = self.chores.pop_front()
        {
            let (hand, command) = chore(given, id, &next);
            return self.submit(given, hand.principal().as_str(), &command);
        }
        match random.below(100) {
            0..16 => self.time(given, random),
            16..34 => self.work(given, random),
            34..36 => change_authority(given, random),
            36..41 => self.again(given, random),
            41..43 => {
                let chores = chores(given, random);
                let story = format!("everybody has {} chores", chores.len());
                self.chores.extend(chores);
                story
            }
            _ => {
                let Some((who, command)) = self.statement(given, random) else {
                    return "nobody knew what to do".to_owned();
                };
                if random.once_in(10) {
                    self.drawer.push(command.clone());
                    if random.once_in(2) {
                        return format!("{who} keeps a {} for later", word(&command));
                    }
                }
                self.submit(given, &who, &command)
            }
        }
    }

    pub(super) fn submit(&mut self, given: &mut Given, who: &str, command: &Command) -> String {
        let before = given.world().clone();
        let came_to = match given.submit(command) {
            Ok(made) => types(&made).join(" "),
            Err(refusal) => {
                assert_eq!(before, *given.world(), "a refusal changed the world");
                format!("refused {}", refusal.code.as_str())
            }
        };
        if let (Command::OpenSession(_), Some((session, _))) = (command, signed(command))
            && let Some(hand) = EVERYBODY.iter().find(|h| h.principal().as_str() == who)
        {
            self.sessions.push(hand.in_session(session));
        }
        format!("{} {who}: {} -> {came_to}", given.now(), word(command))
    }

    /// Something from the drawer: late, or for the second time.
    fn again(&mut self, given: &mut Given, random: &mut Random) -> String {
        let accepted = given.accepted();
        let command = if random.once_in(2) || accepted.is_empty() {
            random.pick(&self.drawer)
        } else {
            accepted.values().nth(random.below(accepted.len())).cloned()
        };
        match command {
            Some(command) => self.submit(given, "somebody again", &command),
            None => "the drawer is empty".to_owned(),
        }
    }

    pub(super) fn hand(&self, random: &mut Random, likely: &[Hand]) -> Hand {
        let hand = if random.once_in(6) {
            random.pick(EVERYBODY)
        } else {
            random.pick(likely)
        };
        let hand = hand.unwrap();
        match random.below(12) {
            0..3 => hand.touching(),
            3 => hand.in_browser(),
            _ => hand,
        }
    }

    /// The hand for a lesser act: now and then the key of a session.
    fn lesser(&self, random: &mut Random, likely: &[Hand]) -> Hand {
        match random.pick(&self.sessions) {
            Some(hand) if random.once_in(3) => hand,
            _ => self.hand(random, likely),
        }
    }

    fn statement(&self, given: &mut Given, random: &mut Random) -> Option<(String, Command)> {
        let scene = Scene::look(given, random);
        // Most of the time people do what is called for.
        let (hand, command) = match (scene.pending, scene.active) {
            (true, _) if random.once_in(2) => self.answer(given, random, &scene)?,
            (_, Some(_)) if random.once_in(2) => self.make_use(given, random, &scene)?,
            (false, None) if random.once_in(2) => self.ask(given, random, &scene)?,
            _ if random.once_in(60) => self.suspend(given, random),
            _ if random.once_in(8) => afterwards(self, given, random)?,
            _ => match random.below(12) {
                0..2 => self.ask(given, random, &scene)?,
                2..5 => self.answer(given, random, &scene)?,
                5..7 => self.make_use(given, random, &scene)?,
                7..9 => self.go_about(given, random, &scene)?,
                9..11 => self.keep(given, random, &scene),
                _ => self.end(given, random, &scene)?,
            },
        };
        Some((hand.principal().to_string(), command))
    }

    fn ask(
        &self,
        given: &mut Given,
        random: &mut Random,
        scene: &Scene,
    ) -> Option<(Hand, Command)> {
        let hand = self.hand(random, &[ALICE, ALICE, MALLORY, DAVE]);
        let incident = scene.incident?;
        let extends = scene.active.filter(|_| random.once_in(2));
        let Some(held) = extends.and_then(|id| given.world().grant(&id)).cloned() else {
            let mut wish = if random.once_in(4) {
                Wish::rollback(scene.account)
            } else {
                Wish::credential(scene.account)
            };
            wish = wish.for_s(random.pick(&[60, 600, 3600, 2 * 3600, 4 * 3600, 5 * 3600])?);
            if random.once_in(6) {
                wish = wish.uses(1);
            }
            let asks = given.world().incident(&incident);
            if asks.is_some_and(|i| given.world().asks_for_probes(i)) && random.once_in(4) {
                wish = wish.attesting("it answers, and publishes nothing");
            }
            return Some((hand, given.ask_under(incident, hand, &wish)));
        };
        let of = if held.account.id.as_str() == SHOP {
            SHOP
        } else {
            READER
        };
        let wish = match held.purpose.kind {
            PurposeKind::Credential => Wish::credential(of),
            PurposeKind::Action => Wish::rollback(of),
        };
        let wish = wish
            .for_s(random.pick(&[60, 3600, 4 * 3600])?)
            .extending(held.id);
        let hand = if random.once_in(8) {
            hand
        } else {
            scene.holder
        };
        Some((hand, given.ask_under(held.incident, hand, &wish)))
    }

    fn answer(
        &self,
        given: &mut Given,
        random: &mut Random,
        scene: &Scene,
    ) -> Option<(Hand, Command)> {
        let request = scene.request?;
        let asked = given.whole().request(&request)?;
        let requester = EVERYBODY
            .iter()
            .find(|h| h.person() == asked.requester.person);
        let hand = match requester {
            Some(requester) if random.once_in(8) => *requester,
            _ => self.hand(random, &[BOB, CAROL, DAVE, PEGGY, DAVE, CAROL]),
        };
        if random.once_in(16) {
            return Some((hand, given.deny(hand, request)));
        }
        let shorter = random.once_in(4);
        let approve = given.approve_with(hand, request, |a| {
            if shorter {
                a.duration_s = (a.duration_s / 2).max(60);
            }
        });
        Some((hand, approve))
    }

    fn make_use(
        &self,
        given: &mut Given,
        random: &mut Random,
        scene: &Scene,
    ) -> Option<(Hand, Command)> {
        let grant = scene.grant?;
        let hand = self.hand(random, &[scene.holder]);
        Some(match random.below(14) {
            0..6 => (hand, given.checkout(hand, grant)),
            6 => (hand, given.plan(hand, grant)),
            7..11 => (hand, given.order(hand, grant)),
            11 => {
                let hand = self.lesser(random, &[scene.holder, ERIN]);
                (hand, given.cancel(hand, scene.run?))
            }
            12 => {
                let hand = self.lesser(random, &[scene.holder]);
                (hand, given.document(hand, grant, "By hand."))
            }
            _ => {
                let hand = self.lesser(random, &[scene.holder]);
                (hand, given.give_back(hand, grant))
            }
        })
    }

    fn go_about(
        &self,
        given: &mut Given,
        random: &mut Random,
        scene: &Scene,
    ) -> Option<(Hand, Command)> {
        Some(match random.below(6) {
            0..2 => {
                let hand = self.lesser(random, &[ALICE, ALICE, MALLORY]);
                let args = if random.once_in(6) {
                    failure()
                } else {
                    outage()
                };
                (hand, given.declare(hand, args))
            }
            2 if random.once_in(2) => {
                let hand = self.lesser(random, EVERYBODY);
                (hand, given.probe(hand, scene.incident?))
            }
            2 => {
                let hand = self.lesser(random, EVERYBODY);
                (hand, given.note(hand, scene.incident?, "Still slow."))
            }
            3 if random.once_in(2) => {
                let hand = self.lesser(random, EVERYBODY);
                (hand, given.set_contact(hand))
            }
            3 => {
                let hand = random.pick(&[Hand::of("victor"), Hand::of("victor").touching()])?;
                (hand, given.enroll(hand))
            }
            _ => {
                let hand = self.hand(random, EVERYBODY);
                (hand, given.open_session(hand, 3600))
            }
        })
    }

    fn keep(&self, given: &mut Given, random: &mut Random, scene: &Scene) -> (Hand, Command) {
        let hand = self.hand(random, &[GRACE, HEIDI, JUDY]);
        // The account that no machine rotates is replaced by hand, and that is attested.
        let command = if random.once_in(4) {
            let add = random.once_in(2);
            let by = |given: &mut Given, hand| match add {
                true => given.add_credential(hand, VAULT),
                false => given.attest_rotation(hand, VAULT),
            };
            // The first of two, mostly; whatever comes of it.
            let first = by(given, GRACE);
            let _ = given.submit(&first);
            by(given, hand)
        } else if random.once_in(2) {
            given.add_credential(hand, scene.account)
        } else {
            given.order_rotation(hand, scene.account)
        };
        (hand, command)
    }

    /// Somebody is suspended, or a key of theirs, by others or by themselves.
    fn suspend(&self, given: &mut Given, random: &mut Random) -> (Hand, Command) {
        let of = self.hand(random, &[ALICE, BOB, GRACE]);
        let hand = if random.once_in(6) {
            of
        } else {
            self.hand(random, &[TRENT, TRUDY, GRACE, HEIDI])
        };
        let key = (!random.once_in(4)).then(|| of.key());
        (hand, given.suspend(hand, of, key))
    }

    fn end(
        &self,
        given: &mut Given,
        random: &mut Random,
        scene: &Scene,
    ) -> Option<(Hand, Command)> {
        Some(match random.below(3) {
            0 => {
                let hand = self.lesser(random, &[ALICE, MALLORY]);
                (hand, given.withdraw(hand, scene.request?))
            }
            1 => {
                let hand = self.lesser(random, &[ERIN, BOB]);
                (hand, given.revoke(hand, scene.grant?))
            }
            _ => {
                let hand = self.hand(random, &[ERIN]);
                (hand, given.resolve(hand, scene.incident?))
            }
        })
    }

    /// The worker, which may be slow, fail, or die between any two things it does.
    fn work(&mut self, given: &mut Given, random: &mut Random) -> String {
        if random.once_in(4)
            && let Some(due) = random.pick(&given.to_tell())
        {
            let sent = !random.once_in(3);
            return self.submit(given, "notify", &told(due, sent));
        }
        if let Some(attempt) = self.attempt.clone() {
            return self.go_on(given, random, &attempt);
        }
        let asked = |r: &Recorded| given.whole().planning(&r.entry.event_id).is_some();
        if random.once_in(6) && given.log().iter().any(asked) {
            let planned = given.planned();
            return self.submit(given, "worker", &planned);
        }
        match random.pick(&given.due()) {
            Some(Effect::Rotate { account, cause }) => self.begin(given, &account, cause),
            Some(Effect::Advance { run, .. }) => {
                let attempts = given.world().run(&run).map_or(0, |r| r.attempts);
                let command = if attempts == 0 && !random.once_in(4) {
                    given.claim_run(run)
                } else {
                    let state = random.pick(RunState::ALL).unwrap();
                    Command::RunReport(RunReport {
                        run,
                        state,
                        class: None,
                        detail: line("as the plane says"),
                        handle: line("job"),
                        evidence: None,
                    })
                };
                self.submit(given, "worker", &command)
            }
            Some(Effect::Tell(_)) => "not a hand of ours".to_owned(),
            Some(Effect::Probe { incident, occasion }) => {
                let verdict = random
                    .pick(breakglass_format::vocabulary::Verdict::ALL)
                    .unwrap();
                let report = given.probed(incident, occasion, verdict);
                self.submit(given, "probe", &report)
            }
            None => "nothing is due".to_owned(),
        }
    }

    fn begin(&mut self, given: &mut Given, account: &AccountId, cause: EventId) -> String {
        let claim = Command::Claim(Claim {
            effect: EffectKind::Rotate,
            account: account.clone(),
            cause,
            run: None,
            document: None,
        });
        let mut story = self.submit(given, "worker", &claim);
        if given
            .world()
            .account(account)
            .is_some_and(|a| a.staged.is_none())
        {
            let version = given.world().next_version(account);
            let stage = Command::Stage(Stage {
                account: account.clone(),
                cause,
                sealed: sealed(account.as_str(), version),
                version,
            });
            story = self.submit(given, "worker", &stage);
        }
        let state = given.world().account(account);
        let versions = state.and_then(|a| Some((a.staged?.version, a.current?.version)));
        self.attempt = versions.map(|(version, replaced)| Attempt {
            account: account.clone(),
            cause,
            version,
            replaced,
        });
        story
    }

    /// In the middle of a rotation: the target changes, and then or before that it may go wrong.
    fn go_on(&mut self, given: &mut Given, random: &mut Random, attempt: &Attempt) -> String {
        let Attempt {
            account,
            cause,
            version,
            replaced,
        } = attempt.clone();
        let account = &account;
        let told = self.targets.get(account) == Some(&version);
        let failed = |retry_after_s: Option<i64>| RotationOutcome::Failed {
            class: ErrorClass::Ambiguous,
            detail: line("no answer"),
            retry_after_s,
        };
        let outcome = match random.below(6) {
            0..3 if !told => {
                self.targets.insert(account.clone(), version);
                return format!("the target of {account} takes version {version} now");
            }
            0..4 if told => RotationOutcome::Rotated {
                evidence: digest(b"evidence"),
            },
            4 => failed(None),
            _ => failed(Some(30)),
        };
        self.attempt = None;
        let report = Command::RotationReport(RotationReport {
            account: account.clone(),
            cause,
            version,
            replaced,
            outcome,
        });
        self.submit(given, "worker", &report)
    }

    /// What a target takes is the current credential or the staged one: at no moment is the one
    /// that works unknown to us.
    pub(super) fn the_working_secret_is_known(&self, given: &Given) -> Result<(), String> {
        for (id, version) in &self.targets {
            let state = given.world().account(id).ok_or("no state")?;
            let mut known = [state.current, state.staged].into_iter().flatten();
            if !known.any(|credential| credential.version == *version) {
                return Err(format!("{id} takes version {version}; known is {state:?}"));
            }
        }
        Ok(())
    }
}

/// A rotation that a worker is in the middle of.
#[derive(Clone)]
pub(super) struct Attempt {
    account: AccountId,
    cause: EventId,
    version: i64,
    replaced: i64,
}

/// What people look at before they do something.
struct Scene {
    account: &'static str,
    incident: Option<IncidentId>,
    /// Whether the request waits for answers.
    pending: bool,
    request: Option<RequestId>,
    active: Option<GrantId>,
    grant: Option<GrantId>,
    holder: Hand,
    run: Option<RunId>,
}

impl Scene {
    fn look(given: &Given, random: &mut Random) -> Self {
        let world = given.whole();
        let pending = random.recent(world.requests().filter(|r| r.is_pending()).map(|r| r.id));
        let request = pending.or_else(|| random.recent(world.requests().map(|r| r.id)));
        let active = random.recent(world.grants().filter(|g| g.is_active()).map(|g| g.id));
        let grant = active.or_else(|| random.recent(world.grants().map(|g| g.id)));
        let holder = grant.and_then(|g| world.grant(&g)).map(|g| &g.holder);
        let holder = holder.and_then(|m| EVERYBODY.iter().find(|h| h.person() == m.person));
        Self {
            account: random.pick(&[SHOP, READER, SHOP]).unwrap_or(SHOP),
            incident: random.recent(world.incidents().map(|i| i.id)),
            pending: pending.is_some(),
            request,
            active,
            grant,
            holder: holder.copied().unwrap_or(ALICE),
            run: random.recent(world.runs().map(|r| r.id)),
        }
    }
}
