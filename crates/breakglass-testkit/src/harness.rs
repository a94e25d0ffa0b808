//! A world that is driven as the server's engine drives it, and can be built again from its log.

use std::{collections::BTreeMap, sync::Arc};

use breakglass_core::{Author, Command, Context, Draft, Refusal, World, decide, next_deadline};
use breakglass_format::{
    Digest, Entry, Event, EventId, GrantId, IncidentId, Line, RequestId, RunId, Timestamp,
    authority::Authority,
    entry::Recorded,
    event::{CommandRefused, Compared, LogStarted},
    statement::{Request, Signer},
};

use crate::people;

/// A world, its clock, and every entry that made it.
#[derive(Debug, Clone)]
pub struct Given {
    world: World,
    /// The same, but nothing of what is closed was let go.
    whole: World,
    log: Vec<Recorded>,
    bytes: Vec<Vec<u8>>,
    authorities: BTreeMap<Digest, Arc<Authority>>,
    accepted: BTreeMap<Digest, Command>,
    now: Timestamp,
    wall: Timestamp,
    last_id: u32,
    refusals_are_entries: bool,
}

impl Default for Given {
    fn default() -> Self {
        Self::new()
    }
}

impl Given {
    /// A log that has begun and holds nothing but its start.
    #[must_use]
    pub fn new() -> Self {
        let mut given = Self {
            world: World::new(),
            whole: World::remembering(),
            log: Vec::new(),
            bytes: Vec::new(),
            authorities: BTreeMap::new(),
            accepted: BTreeMap::new(),
            now: people::start(),
            wall: people::start(),
            last_id: 0,
            refusals_are_entries: true,
        };
        let genesis = people::genesis();
        let event = LogStarted {
            genesis: digest_of(&genesis),
            origin: genesis.log.origin.clone(),
            software: people::line("breakglass testkit"),
            vkey: genesis.log.vkey.clone(),
        };
        let draft = Draft {
            id: EventId::new(given.now, given.random()),
            event: event.into(),
            author: Author::System("engine"),
        };
        given.record(vec![draft], None);
        given
    }

    /// The same, but what is refused leaves no entry.
    #[must_use]
    pub fn forgetting_refusals(mut self) -> Self {
        self.refusals_are_entries = false;
        self
    }

    /// Hands a command to the rules. What they make of it is recorded and taken in; a refusal of
    /// somebody's statement is recorded as the engine records it.
    ///
    /// # Errors
    ///
    /// The rules say no.
    pub fn submit(&mut self, command: &Command) -> Result<Vec<Recorded>, Refusal> {
        match self.decide(command) {
            Ok(drafts) => {
                let authority = match command {
                    Command::Publish(publication) => Some(publication.authority.clone()),
                    _ => None,
                };
                if let Some((statement, _)) = signed(command) {
                    self.accepted.insert(statement, command.clone());
                }
                Ok(self.record(drafts, authority))
            }
            Err(refusal) => {
                self.record_refusal(command, &refusal);
                Err(refusal)
            }
        }
    }

    /// Hands over a command that the rules let through.
    ///
    /// # Panics
    ///
    /// They do not.
    pub fn must(&mut self, command: &Command) -> Vec<Recorded> {
        match self.submit(command) {
            Ok(recorded) => recorded,
            Err(refusal) => panic!("{}: {refusal} ({command:?})", refusal.code.as_str()),
        }
    }

    /// What the rules would say, without anything becoming true.
    ///
    /// # Errors
    ///
    /// The rules say no.
    pub fn decide(&mut self, command: &Command) -> Result<Vec<Draft>, Refusal> {
        let (decided, last_id) = self.decide_in(&self.world, command);
        let (remembering, _) = self.decide_in(&self.whole, command);
        assert!(
            is_alike(command, &decided, &remembering),
            "{}: {decided:?}, and nothing forgotten {remembering:?}",
            word(command)
        );
        self.last_id = last_id;
        decided
    }

    fn decide_in(&self, world: &World, command: &Command) -> (Result<Vec<Draft>, Refusal>, u32) {
        let mut last_id = self.last_id;
        let mut random = || next_random(&mut last_id);
        let mut cx = Context {
            now: self.now(),
            wall: self.wall,
            random: &mut random,
        };
        let decided = decide(world, command, &mut cx);
        (decided, last_id)
    }

    /// What became true because time passed.
    pub fn tick(&mut self) -> Vec<Recorded> {
        self.must(&Command::Tick)
    }

    /// Time passes, and the engine looks at the clock only afterwards, if at all.
    pub fn sleep_ms(&mut self, ms: i64) {
        self.now = plus_ms(self.now, ms);
        self.wall = plus_ms(self.wall, ms);
    }

    /// [`Self::sleep_ms`] in seconds.
    pub fn sleep_s(&mut self, s: i64) {
        self.sleep_ms(s.saturating_mul(1000));
    }

    /// Time passes, and the engine ticks at each deadline on the way, as the server's does.
    pub fn pass_s(&mut self, s: i64) -> Vec<Recorded> {
        let until = plus_ms(self.now, s.saturating_mul(1000));
        let mut recorded = Vec::new();
        while let Some(due) = next_deadline(&self.world, self.now()).filter(|at| *at <= until) {
            let left = due.since_ms(self.now);
            self.sleep_ms(left.max(0));
            let made = self.tick();
            assert!(left > 0 || !made.is_empty(), "{due} stays due for ever");
            recorded.extend(made);
        }
        self.sleep_ms(until.since_ms(self.now).max(0));
        recorded.extend(self.tick());
        recorded
    }

    /// Somebody sets the wall clock, and the engine records it.
    pub fn step_wall_s(&mut self, s: i64) -> Vec<Recorded> {
        self.wall = self.wall.plus_s(s);
        self.must(&Command::ClockStep(s.saturating_mul(1000)))
    }

    /// The server is started again: engine time is the later of wall clock and last entry, and the
    /// world comes from the log.
    pub fn restart(&mut self) {
        self.world = self.replayed();
        self.whole = self.remembered();
        self.now = self.wall.max(self.world.last());
    }

    /// Engine time.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.now.max(self.world.last())
    }

    /// The wall clock.
    #[must_use]
    pub const fn wall(&self) -> Timestamp {
        self.wall
    }

    /// The world as it is.
    #[must_use]
    pub const fn world(&self) -> &World {
        &self.world
    }

    /// The world as it is, and everything closed as well: what the rules do not keep, tests do.
    #[must_use]
    pub const fn whole(&self) -> &World {
        &self.whole
    }

    /// Every entry, in log order.
    #[must_use]
    pub fn log(&self) -> &[Recorded] {
        &self.log
    }

    /// Every accepted command that carries a statement, by the statement's digest.
    #[must_use]
    pub const fn accepted(&self) -> &BTreeMap<Digest, Command> {
        &self.accepted
    }

    /// The authority in force.
    ///
    /// # Panics
    ///
    /// There is none yet.
    #[must_use]
    pub fn authority(&self) -> Arc<Authority> {
        let version = self.world.authority().expect("an authority");
        Arc::clone(&version.authority)
    }

    /// The versions of the authority, in order.
    #[must_use]
    pub fn authorities(&self) -> Vec<Arc<Authority>> {
        let mut all: Vec<_> = self.authorities.values().cloned().collect();
        all.sort_by_key(|a| a.version);
        all
    }

    /// The world, built again from the bytes of entry 0 onwards.
    ///
    /// # Panics
    ///
    /// An entry cannot be read back.
    #[must_use]
    pub fn replayed(&self) -> World {
        self.replayed_into(World::new())
    }

    /// The same, but nothing of what is closed is let go.
    #[must_use]
    pub fn remembered(&self) -> World {
        self.replayed_into(World::remembering())
    }

    fn replayed_into(&self, mut world: World) -> World {
        for (index, bytes) in (0..).zip(&self.bytes) {
            let entry = Entry::from_bytes(bytes).expect("an entry reads back");
            let authority = match &entry.event {
                Event::AuthorityPublished(d) => self.authorities.get(&d.digest).cloned(),
                _ => None,
            };
            let leaf = leaf(bytes);
            world.apply(&Recorded { index, leaf, entry }, authority);
        }
        world
    }

    /// The request statement of a request on record.
    #[must_use]
    pub fn request_text(&self, id: RequestId) -> Option<&Request> {
        let entry = self.log.iter().find(|r| r.entry.event_id == id)?;
        match self.accepted.get(&entry.entry.statement.0?)? {
            Command::Request(request) => Some(request.statement()),
            _ => None,
        }
    }

    /// The incident declared last.
    ///
    /// # Panics
    ///
    /// There is none.
    #[must_use]
    pub fn incident(&self) -> IncidentId {
        self.world.incidents().next_back().expect("an incident").id
    }

    /// The request made last.
    ///
    /// # Panics
    ///
    /// There is none.
    #[must_use]
    pub fn request(&self) -> RequestId {
        let mut log = self.log.iter().rev();
        let made = log.find(|r| matches!(r.entry.event, Event::BreakGlassRequested(_)));
        made.expect("a request").entry.event_id
    }

    /// The grant given last.
    ///
    /// # Panics
    ///
    /// There is none.
    #[must_use]
    pub fn grant(&self) -> GrantId {
        self.world.grants().next_back().expect("a grant").id
    }

    /// The run ordered last.
    ///
    /// # Panics
    ///
    /// There is none.
    #[must_use]
    pub fn run(&self) -> RunId {
        self.world.runs().next_back().expect("a run").id
    }

    /// Ten bytes that never come twice and grow, so that ids sort in the order they were made.
    pub(crate) fn random(&mut self) -> [u8; 10] {
        next_random(&mut self.last_id)
    }

    /// Turns drafts into entries and takes them in: what `server/engine/batch.rs` does.
    fn record(&mut self, drafts: Vec<Draft>, authority: Option<Arc<Authority>>) -> Vec<Recorded> {
        let now = self.now();
        let mut made = Vec::new();
        for draft in drafts {
            let entry = entry(draft, now, self.wall);
            let bytes = entry.to_bytes().expect("the event fits an entry");
            let recorded = Recorded {
                index: self.log.len() as u64,
                leaf: leaf(&bytes),
                entry,
            };
            let is_authority = matches!(recorded.entry.event, Event::AuthorityPublished(_));
            let authority = authority.clone().filter(|_| is_authority);
            if let Some(authority) = &authority {
                self.authorities
                    .insert(digest_of(authority), Arc::clone(authority));
            }
            self.whole.apply(&recorded, authority.clone());
            self.world.apply(&recorded, authority);
            self.bytes.push(bytes);
            self.log.push(recorded.clone());
            made.push(recorded);
        }
        made
    }

    fn record_refusal(&mut self, command: &Command, refusal: &Refusal) {
        let (true, Some((_, signer))) = (self.refusals_are_entries, signed(command)) else {
            return;
        };
        let compared = refusal.compared.iter().map(|(name, value)| Compared {
            name: people::name(name),
            value: Line::lossy(value),
        });
        let event = CommandRefused {
            code: refusal.code_name().expect("a code is a name"),
            command: people::name(word(command)),
            compared: compared.collect(),
            object: Line::default(),
        };
        let draft = Draft {
            id: EventId::new(self.now(), self.random()),
            event: event.into(),
            author: Author::Named(signer),
        };
        self.record(vec![draft], None);
    }
}

/// Whether a world that let go of what is closed decides as one that did not. What is refused may
/// be refused for another reason: of a request that nobody has any more nobody can say how it
/// ended. And a connector that answers after everything was over is not heard.
fn is_alike(
    command: &Command,
    decided: &Result<Vec<Draft>, Refusal>,
    remembering: &Result<Vec<Draft>, Refusal>,
) -> bool {
    match (decided, remembering) {
        (Ok(ours), Ok(theirs)) => ours == theirs,
        (Err(_), Err(_)) => true,
        (Err(_), Ok(_)) => matches!(command, Command::Planned(_)),
        (Ok(_), Err(_)) => false,
    }
}

/// The types of events, in order.
#[must_use]
pub fn types(recorded: &[Recorded]) -> Vec<&'static str> {
    recorded
        .iter()
        .map(|r| r.entry.event.event_type())
        .collect()
}

/// The digest of a statement that a command carries, and who signed it.
#[must_use]
pub fn signed(command: &Command) -> Option<(Digest, Signer)> {
    match command {
        Command::Enroll(v) => Some((v.digest(), v.signer().clone())),
        Command::Suspend(v) => Some((v.digest(), v.signer().clone())),
        Command::OpenSession(v) => Some((v.digest(), v.signer().clone())),
        Command::Request(v) => Some((v.digest(), v.signer().clone())),
        Command::Approve(v) => Some((v.digest(), v.signer().clone())),
        Command::Deny(v) => Some((v.digest(), v.signer().clone())),
        Command::Checkout(v, _) => Some((v.digest(), v.signer().clone())),
        Command::Act(v, _) => Some((v.digest(), v.signer().clone())),
        Command::ForeignHead {
            statement, signer, ..
        } => Some((*statement, signer.clone())),
        Command::Planned(_)
        | Command::Publish(_)
        | Command::Tick
        | Command::Claim(_)
        | Command::Stage(_)
        | Command::RotationReport(_)
        | Command::RunReport(_)
        | Command::Probed(_)
        | Command::Notified(..)
        | Command::ClockStep(_)
        | Command::TurnedAway { .. }
        | Command::StorageReport { .. }
        | Command::Recovered(_)
        | Command::BeginEpoch(_)
        | Command::SinkReport { .. } => None,
    }
}

/// The word for a command.
#[must_use]
pub fn word(command: &Command) -> &'static str {
    match command {
        Command::Enroll(_) => "enroll",
        Command::Suspend(_) => "suspend",
        Command::OpenSession(_) => "session",
        Command::Request(_) => "request",
        Command::Approve(_) => "approval",
        Command::Deny(_) => "denial",
        Command::Checkout(..) => "checkout",
        Command::Act(act, _) => act.statement().command.word(),
        Command::Planned(_) => "planned",
        Command::Publish(_) => "publish",
        Command::Tick => "tick",
        Command::Claim(_) => "claim",
        Command::Stage(_) => "stage",
        Command::RotationReport(_) => "rotation_report",
        Command::RunReport(_) => "run_report",
        Command::Probed(_) => "probed",
        Command::Notified(..) => "notified",
        Command::ClockStep(_) => "clock_step",
        Command::ForeignHead { kind, .. } => kind.word(),
        Command::TurnedAway { .. } => "turned_away",
        Command::StorageReport { .. } => "storage_report",
        Command::Recovered(_) => "recovered",
        Command::BeginEpoch(_) => "epoch",
        Command::SinkReport { .. } => "sink_report",
    }
}

/// SHA-256 of an authority's bytes.
///
/// # Panics
///
/// It has none.
#[must_use]
pub fn digest_of(authority: &Authority) -> Digest {
    breakglass_statement::digest(&authority.to_bytes().expect("canonical"))
}

fn entry(draft: Draft, now: Timestamp, wall: Timestamp) -> Entry {
    let actor = draft.actor();
    let (signer, statement, signature) = match draft.author {
        Author::Person {
            signer,
            statement,
            signature,
        } => (Some(signer), Some(statement), Some(signature)),
        Author::Named(signer) => (Some(signer), None, None),
        Author::System(_) => (None, None, None),
    };
    Entry {
        actor,
        command_id: None.into(),
        correlation_id: draft.event.incident_id().into(),
        created_at: now,
        event: draft.event,
        event_id: draft.id,
        person: signer.as_ref().map(|s| s.person.clone()).into(),
        principal: signer.map(|s| s.principal).into(),
        signature: signature.into(),
        statement: statement.into(),
        wall,
    }
}

fn leaf(bytes: &[u8]) -> Digest {
    Digest::from_bytes(*breakglass_tlog::leaf_hash(bytes).as_bytes())
}

fn next_random(last: &mut u32) -> [u8; 10] {
    *last += 1;
    let mut random = [0; 10];
    if let Some(tail) = random.last_chunk_mut() {
        *tail = last.to_be_bytes();
    }
    random
}

fn plus_ms(at: Timestamp, ms: i64) -> Timestamp {
    Timestamp::from_millis(at.millis().saturating_add(ms))
}
