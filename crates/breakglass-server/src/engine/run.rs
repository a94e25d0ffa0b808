//! The engine's thread: take jobs, decide them together, append once, answer.

use std::{
    collections::VecDeque,
    ops::Range,
    sync::{Arc, PoisonError, RwLock, mpsc},
    time::Duration,
};

use breakglass_core::{Command, Refusal, World, next_deadline};
use breakglass_format::{
    Digest, Entry, Event, Timestamp, event::AuthorityPublished, vocabulary::StorageFault,
};
use breakglass_statement::AuthoritySet;
use breakglass_store::{Append, Batch, Blob, Head, Ledger as _, SqliteLedger};
use breakglass_tlog::SigningKey;
use tokio::sync::{oneshot, watch};

use super::{
    CommandJob, EngineHandle, Job, Outcome, Proven, Published, QUEUE, Rejection, Trouble,
    batch::{self, Draught},
    refusals::{self, RefusalCap},
    room::{Disk, Room, is_taken_from_the_reserve},
    state::{Memory, Opened, authority_blobs},
};
use crate::{
    clock::{Clock, EngineTime},
    entropy::random,
};

/// Commands that share one transaction at most.
const GROUP_MAX: usize = 256;
/// The engine looks at the clock at most this often, in milliseconds: while wall clock and engine
/// time lie apart, something may be due by one and not by the other.
const PATIENCE_MS: i64 = 10;
/// The engine looks at the clock at least this often.
const LOOK: Duration = Duration::from_millis(500);

/// What the engine is given.
pub(crate) struct Wiring {
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) log_key: SigningKey,
    /// Why nothing may be appended, where nothing may.
    pub(crate) read_only: Option<String>,
    /// Called when an append may or may not have happened: the process must end.
    pub(crate) on_fatal: Box<dyn Fn(&str) + Send>,
}

impl std::fmt::Debug for Wiring {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Wiring").finish_non_exhaustive()
    }
}

/// The engine itself, on its thread.
pub(crate) struct Engine {
    ledger: SqliteLedger,
    wiring: Wiring,
    time: EngineTime,
    world: Arc<World>,
    authorities: Arc<AuthoritySet>,
    memory: Memory,
    cap: RefusalCap,
    /// How far the wall clock stepped that is not on record yet.
    step_ms: i64,
    /// Why the ledger did not take what time called for, as long as it does not.
    trouble: Trouble,
    room: Room,
    published: Arc<RwLock<Arc<Published>>>,
    size: watch::Sender<u64>,
}

/// Whom to answer, and with what once the batch is durable.
type Answer = (oneshot::Sender<Result<Outcome, Rejection>>, Decided);

/// Which entries the engine made of its own accord.
type Own = Result<Range<usize>, Rejection>;

/// What became of a command in its batch.
#[derive(Debug)]
enum Decided {
    /// These of the batch's entries are its own.
    Made(Range<usize>),
    /// It is a statement that a neighbour brought too, or that took effect before.
    Again(Digest),
    Rejected(Rejection),
}

impl Engine {
    /// Starts the engine on a thread of its own; `disk` is what the log lies on.
    pub(crate) fn start(
        opened: Opened,
        authorities: AuthoritySet,
        wiring: Wiring,
        disk: Box<dyn Disk>,
    ) -> std::io::Result<(EngineHandle, std::thread::JoinHandle<()>)> {
        let (jobs, queue) = mpsc::sync_channel(QUEUE);
        let head = opened.ledger.head().clone();
        let (size, commits) = watch::channel(head.size());
        let world = Arc::new(opened.world);
        let authorities = Arc::new(authorities);
        let published = Arc::new(RwLock::new(Arc::new(Published {
            world: world.clone(),
            authorities: authorities.clone(),
            head,
            snapshot: opened.ledger.snapshot(),
            authority_at: opened.memory.authority_at.clone(),
        })));
        let time = EngineTime::start(&*wiring.clock, world.last());
        let room = Room::new(disk);
        let handle = EngineHandle {
            jobs,
            published: published.clone(),
            size: commits,
            time: time.clone(),
            trouble: Trouble::default(),
            answers: opened.memory.answers().clone(),
            room: room.seen(),
        };
        let mut engine = Self {
            ledger: opened.ledger,
            wiring,
            time,
            world,
            authorities,
            memory: opened.memory,
            cap: RefusalCap::default(),
            step_ms: 0,
            trouble: handle.trouble.clone(),
            room,
            published,
            size,
        };
        let thread = std::thread::Builder::new()
            .name("engine".to_owned())
            .spawn(move || engine.run(&queue))?;
        Ok((handle, thread))
    }

    fn now(&self) -> Timestamp {
        self.time.now(&*self.wiring.clock).max(self.world.last())
    }

    fn run(&mut self, queue: &mpsc::Receiver<Job>) {
        loop {
            self.pass_time();
            let first = match queue.recv_timeout(self.patience()) {
                Ok(job) => job,
                Err(mpsc::RecvTimeoutError::Timeout) => continue,
                Err(mpsc::RecvTimeoutError::Disconnected) => return,
            };
            let mut commands = Vec::new();
            let mut next = Some(first);
            while let Some(job) = next {
                match job {
                    Job::Command(job) => commands.push(*job),
                    Job::Read(read) => read(&mut self.ledger),
                    Job::Repeat(statement, reply) => {
                        let _ = reply.send(self.repeat(&statement));
                    }
                    Job::Wake => {}
                    Job::Distrust(reason) => self.distrust(reason),
                    Job::Stop => {
                        self.commit_commands(commands);
                        return;
                    }
                }
                next = if commands.len() < GROUP_MAX {
                    queue.try_recv().ok()
                } else {
                    None
                };
            }
            self.commit_commands(commands);
        }
    }

    /// From here on it only reads, and says why.
    fn distrust(&mut self, reason: String) {
        self.trouble_is(Some(reason.clone()));
        self.wiring.read_only = Some(reason);
    }

    fn trouble_is(&self, trouble: Option<String>) {
        *self.trouble.lock().unwrap_or_else(PoisonError::into_inner) = trouble;
    }

    /// How long until time alone changes something, bounded so that a step of the clock is seen.
    fn patience(&self) -> Duration {
        let now = self.now();
        // A grant ends by whichever clock gets there first; a minute of refusals is ours alone.
        let latest = now.max(self.wiring.clock.wall());
        let deadline = next_deadline(&self.world, latest).map(|at| at.since_ms(latest));
        let summary = self.cap.next().map(|at| at.since_ms(now));
        let left = [deadline, summary].into_iter().flatten().min();
        let left = left.map_or(i64::MAX, |ms| ms.max(PATIENCE_MS));
        Duration::from_millis(u64::try_from(left).unwrap_or(0)).min(LOOK)
    }

    /// Records what became true because time passed.
    fn pass_time(&mut self) {
        if self.wiring.read_only.is_some() {
            return;
        }
        self.watch_disk();
        self.step_ms += self.time.stepped(&*self.wiring.clock).unwrap_or(0);
        if self.step_ms != 0 {
            let step = Command::ClockStep(self.step_ms);
            if self.commit_own(|draught, ledger| draught.decide(ledger, &step, Vec::new(), None)) {
                self.step_ms = 0;
            }
        }
        let (now, wall) = (self.now(), self.wiring.clock.wall());
        let due = next_deadline(&self.world, now).is_some_and(|at| at <= now.max(wall));
        if due {
            self.commit_own(|draught, ledger| {
                draught.decide(ledger, &Command::Tick, Vec::new(), None)
            });
        }
        self.commit_summaries(now);
    }

    /// Looks whether the disk has room, before anything is written; says whether it is full.
    fn watch_disk(&mut self) -> bool {
        let full = self.room.look();
        if full != self.world.has_storage_fault(StorageFault::DiskFull) && self.room.is_watched() {
            let report = self.room.report();
            self.commit_own(|draught, ledger| draught.decide(ledger, &report, Vec::new(), None));
        }
        full
    }

    /// Records what nobody asked for. Says whether the ledger took it: what it did not take comes
    /// up again, and meanwhile `/readyz` says so.
    fn commit_own(&mut self, decide: impl FnOnce(&mut Draught, &SqliteLedger) -> Own) -> bool {
        let mut draught = self.draught();
        let done = match decide(&mut draught, &self.ledger) {
            // Nothing was tried, so that nothing is known of the ledger.
            Ok(made) if made.is_empty() => return true,
            Ok(_) => self.commit(draught, Vec::new()),
            Err(rejection) => Err(rejection),
        };
        let trouble = done.err().map(|rejection| rejection.to_string());
        let went_well = trouble.is_none();
        self.trouble_is(trouble);
        went_well
    }

    fn commit_summaries(&mut self, now: Timestamp) {
        let closed = self.cap.close(now);
        let mut failed = false;
        let mut fresh = || {
            random().unwrap_or_else(|_| {
                failed = true;
                [0; 10]
            })
        };
        let drafts = refusals::summaries(&closed, now, &mut fresh);
        if drafts.is_empty() {
            return;
        }
        let recorded = !failed && self.commit_own(|draught, _| draught.record(drafts, None, None));
        if !recorded {
            self.cap.reopen(closed);
        }
    }

    fn draught(&self) -> Draught {
        let head = self.ledger.head().size();
        Draught::new(
            (*self.world).clone(),
            head,
            self.now(),
            self.wiring.clock.wall(),
        )
    }

    fn commit_commands(&mut self, jobs: Vec<CommandJob>) {
        if jobs.is_empty() {
            return;
        }
        // Whoever is told that it is too late reads why at once: what passed is on record first.
        self.pass_time();
        let mut waiting = VecDeque::from(jobs);
        while !waiting.is_empty() {
            if let Some(reason) = &self.wiring.read_only {
                for job in waiting {
                    let _ = job.reply.send(Err(Rejection::ReadOnly(reason.clone())));
                }
                return;
            }
            self.commit_next(&mut waiting);
        }
    }

    /// Commits as many of the commands that wait as fit into one transaction.
    fn commit_next(&mut self, waiting: &mut VecDeque<CommandJob>) {
        let full = self.watch_disk();
        let mut draught = self.draught();
        let mut answers: Vec<Answer> = Vec::new();
        while draught.has_room()
            && let Some(job) = waiting.pop_front()
        {
            let CommandJob {
                command,
                blobs,
                command_id,
                reply,
            } = job;
            let decided = match self.known(&draught, &command, command_id) {
                Some(known) => known,
                None if full && !is_taken_from_the_reserve(&command) => {
                    Decided::Rejected(Rejection::DiskFull)
                }
                None => match draught.decide(&self.ledger, &command, blobs, command_id) {
                    Ok(range) => Decided::Made(range),
                    Err(rejection) => {
                        if let Rejection::Refused(refusal) = &rejection {
                            self.refused(&mut draught, &command, refusal);
                        }
                        Decided::Rejected(rejection)
                    }
                },
            };
            answers.push((reply, decided));
        }
        // Whoever asked has been told, and nothing else hangs on these.
        let _ = self.commit(draught, answers);
    }

    /// Whether a statement took effect before, or its command id was used: in the log, or by a
    /// neighbour in the same batch.
    fn known(
        &self,
        draught: &Draught,
        command: &Command,
        command_id: Option<breakglass_format::CommandId>,
    ) -> Option<Decided> {
        let statement = batch::asked(command)?.statement;
        let memories = [&self.memory, &draught.noted];
        let used = command_id.and_then(|id| memories.iter().find_map(|m| m.commands.get(&id)));
        if used.is_some_and(|used| *used != statement) {
            return Some(Decided::Rejected(Rejection::KeyReused));
        }
        let known = |m: &&Memory| m.answers().of(&statement).is_some();
        memories
            .iter()
            .any(known)
            .then_some(Decided::Again(statement))
    }

    fn repeat(&mut self, statement: &Digest) -> Option<Result<Outcome, Rejection>> {
        let (from, to) = self.memory.answers().of(statement)?;
        let outcome = self.proven(from, to).map(|all| Outcome {
            // Entries of other commands of the same group lie between them at most.
            entries: all
                .into_iter()
                .filter(|p| p.entry.statement.0 == Some(*statement))
                .collect(),
            repeated: true,
        });
        Some(outcome)
    }

    fn refused(&mut self, draught: &mut Draught, command: &Command, refusal: &Refusal) {
        let Some(asked) = batch::asked(command) else {
            return;
        };
        if self.cap.admits(&asked.signer, self.now()) {
            // Where the refusal itself does not fit an entry the person is still told.
            let _ = draught.refuse(asked, refusal);
        }
    }

    /// One durable transaction; then, and only then, the world advances and the answers leave.
    fn commit(&mut self, draught: Draught, answers: Vec<Answer>) -> Result<(), Rejection> {
        let Draught {
            world,
            entries,
            blobs,
            first,
            ..
        } = draught;
        if !entries.is_empty() {
            if let Err(rejection) = self.append(&entries, blobs) {
                for (reply, _) in answers {
                    let _ = reply.send(Err(rejection.again()));
                }
                return Err(rejection);
            }
            for (offset, (_, entry)) in entries.iter().enumerate() {
                self.memory.note(first + offset as u64, entry);
                if let Event::AuthorityPublished(published) = &entry.event {
                    self.take_authority(published);
                }
            }
            self.advance(world);
        }
        self.answer(first, entries, answers);
        Ok(())
    }

    /// Everybody gets what became of their command, with the receipts of the whole batch made at
    /// once.
    fn answer(&mut self, first: u64, entries: Vec<(Vec<u8>, Entry)>, answers: Vec<Answer>) {
        if answers.is_empty() {
            return;
        }
        let mut recorded = self.recorded(first, entries);
        for (reply, decided) in answers {
            let outcome = match decided {
                Decided::Made(range) => own_part(&mut recorded, range),
                Decided::Again(statement) => {
                    self.repeat(&statement).unwrap_or(Err(Rejection::Stopped))
                }
                Decided::Rejected(rejection) => Err(rejection),
            };
            // Whoever asked may have gone; what was recorded stays recorded.
            let _ = reply.send(outcome);
        }
    }

    /// The entries of a batch that was just appended, proven.
    fn recorded(
        &self,
        first: u64,
        entries: Vec<(Vec<u8>, Entry)>,
    ) -> Result<Vec<Option<Proven>>, Rejection> {
        let receipts = self.ledger.receipts(first..first + entries.len() as u64)?;
        let all = (first..).zip(entries).zip(receipts);
        let all = all.map(|((index, (bytes, entry)), proof)| {
            Some(Proven {
                index,
                bytes,
                entry,
                proof,
            })
        });
        Ok(all.collect())
    }

    fn append(&mut self, entries: &[(Vec<u8>, Entry)], blobs: Vec<Blob>) -> Result<(), Rejection> {
        let expected = self.ledger.head().clone();
        let entries = entries.iter().map(|(bytes, _)| bytes.clone()).collect();
        let batch = Batch { entries, blobs };
        self.room.takes(&batch)?;
        match self.ledger.append(&expected, &batch, &self.wiring.log_key) {
            Ok(Append::Committed { .. }) => Ok(()),
            Ok(Append::Conflict(head)) => Err(self.fatal(&format!(
                "another writer moved the log to size {}",
                head.size()
            ))),
            Ok(Append::Unknown(error)) => Err(self.fatal(&error.to_string())),
            Err(error) => Err(error.into()),
        }
    }

    /// A failed write or fsync ends the process; it is never retried in place.
    fn fatal(&mut self, detail: &str) -> Rejection {
        (self.wiring.on_fatal)(detail);
        self.wiring.read_only = Some(detail.to_owned());
        Rejection::Stopped
    }

    fn advance(&mut self, world: World) {
        self.world = Arc::new(world);
        let head: Head = self.ledger.head().clone();
        let size = head.size();
        let published = Published {
            world: self.world.clone(),
            authorities: self.authorities.clone(),
            head,
            snapshot: self.ledger.snapshot(),
            authority_at: self.memory.authority_at.clone(),
        };
        *self
            .published
            .write()
            .unwrap_or_else(PoisonError::into_inner) = Arc::new(published);
        self.size.send_replace(size);
    }

    /// The authorities that statements are verified under follow the log.
    fn take_authority(&mut self, published: &AuthorityPublished) {
        if published.digest == self.authorities.current().digest() {
            return;
        }
        let mut set = (*self.authorities).clone();
        let taken = authority_blobs(&|digest| self.ledger.blob(digest), published)
            .map_err(|e| e.to_string())
            .and_then(|(document, signatures)| {
                set.succeed(&document, &signatures)
                    .map(|_| ())
                    .map_err(|e| e.to_string())
            });
        match taken {
            Ok(()) => self.authorities = Arc::new(set),
            Err(detail) => {
                self.fatal(&detail);
            }
        }
    }

    /// Entries of before, read back and proven under the present head.
    fn proven(&mut self, from: u64, to: u64) -> Result<Vec<Proven>, Rejection> {
        let entries = self.ledger.entries(from..to)?;
        let receipts = self.ledger.receipts(from..to)?;
        let mut proven = Vec::new();
        for ((index, bytes), proof) in (from..).zip(entries).zip(receipts) {
            let entry =
                Entry::from_bytes(&bytes).map_err(|e| Rejection::TooLarge(e.to_string()))?;
            proven.push(Proven {
                index,
                bytes,
                entry,
                proof,
            });
        }
        Ok(proven)
    }
}

/// What of a batch's entries came of one command.
fn own_part(
    recorded: &mut Result<Vec<Option<Proven>>, Rejection>,
    range: Range<usize>,
) -> Result<Outcome, Rejection> {
    let all = recorded.as_mut().map_err(|rejection| rejection.again())?;
    let own = all.get_mut(range).into_iter().flatten();
    Ok(Outcome {
        entries: own.filter_map(Option::take).collect(),
        repeated: false,
    })
}
