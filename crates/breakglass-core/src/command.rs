//! What may be asked of the rules, and what they answer with.

use std::sync::Arc;

use breakglass_format::{
    AccountId, CommandId, Digest, Entry, Event, EventId, IncidentId, Line, Name, RunId, Timestamp,
    authority::Authority,
    error_class::ErrorClass,
    event::{AccountRef, Delivery, RootSignature},
    statement::{Kind, Signer},
    vocabulary::{EffectKind, Occasion, RunState, StorageFault, Verdict},
};
use breakglass_statement::{
    Signed, Verified, VerifiedAct, VerifiedApproval, VerifiedCheckout, VerifiedDenial,
    VerifiedEnroll, VerifiedRequest, VerifiedSession, VerifiedSuspend,
};

use crate::{
    notice::Due,
    recovery::{BeginEpoch, Recovery},
};

/// A command: a verified statement with what the server had to prepare for it, or a report of the
/// server's own hands.
#[derive(Debug, Clone)]
pub enum Command {
    /// A person proves to hold a key.
    Enroll(Box<VerifiedEnroll>),
    /// A person wants a key, or somebody, to count no longer.
    Suspend(Box<VerifiedSuspend>),
    /// A person certifies a session key.
    OpenSession(Box<VerifiedSession>),
    /// A person asks for access.
    Request(Box<VerifiedRequest>),
    /// A person says yes.
    Approve(Box<VerifiedApproval>),
    /// A person says no.
    Deny(Box<VerifiedDenial>),
    /// A person wants the credential handed out.
    Checkout(Box<VerifiedCheckout>, Handout),
    /// A person does something else.
    Act(Box<VerifiedAct>, Prepared),
    /// The connector planned what an act asked for.
    Planned(Box<PlanReport>),
    /// The root persons publish an authority.
    Publish(Publication),
    /// Time passed.
    Tick,
    /// A hand is about to do something outside.
    Claim(Claim),
    /// A new credential lies sealed.
    Stage(Stage),
    /// A rotation came out one way or the other.
    RotationReport(RotationReport),
    /// A run went on.
    RunReport(RunReport),
    /// The control plane was probed, without anybody asking.
    Probed(ProbeReport),
    /// People were told, or could not be.
    Notified(Due, Vec<Delivery>),
    /// The wall clock stepped by so many milliseconds.
    ClockStep(i64),
    /// A statement of this person names a state of the log that this log never had.
    ForeignHead {
        /// Who signed it.
        signer: Signer,
        /// SHA-256 of it.
        statement: Digest,
        /// What kind it was.
        kind: Kind,
    },
    /// So many calls were turned away since then, before anybody was known to have made them.
    TurnedAway {
        /// How many.
        count: i64,
        /// Since when.
        since: Timestamp,
    },
    /// Where the log lies has a fault, or has it no longer.
    StorageReport {
        /// What is the matter.
        fault: StorageFault,
        /// Whether it is so now.
        present: bool,
        /// One line for people.
        detail: Line,
    },
    /// The log was put back from copies.
    Recovered(Recovery),
    /// The log goes on under another origin and key.
    BeginEpoch(Box<BeginEpoch>),
    /// A sink began or ceased to work.
    SinkReport {
        /// Which sink.
        sink: Name,
        /// Whether it works now.
        working: bool,
        /// One line for people.
        detail: Line,
    },
}

/// The envelope that a checkout will be answered with, made before the entry and released after it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Handout {
    /// SHA-256 of the envelope.
    pub envelope: Digest,
    /// Version of the credential inside.
    pub version: i64,
}

/// What the server prepared for an act outside the writer.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Prepared {
    /// Nothing was needed.
    #[default]
    Nothing,
    /// `add_credential`: the imported credential, sealed under the server's key.
    Sealed {
        /// SHA-256 of the sealed object.
        sealed: Digest,
        /// The version inside it.
        version: i64,
    },
    /// `probe`: what the probes saw.
    Probed(Observation),
}

/// What the probes of the control plane saw.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Observation {
    /// What they say.
    pub verdict: Verdict,
    /// One line for people: each probe, and what it saw.
    pub detail: Line,
    /// Every sample, as a blob.
    pub evidence: Option<Digest>,
}

/// A probe that nobody asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProbeReport {
    /// The incident.
    pub incident: IncidentId,
    /// What for.
    pub occasion: Occasion,
    /// What was seen.
    pub observation: Observation,
}

/// What a connector planned.
#[derive(Debug, Clone)]
pub struct PlanReport {
    /// The act that asked for it.
    pub act: VerifiedAct,
    /// The event that says that the credential was used for it.
    pub access: EventId,
    /// The plan's hash.
    pub plan: Digest,
    /// The plan, as a blob.
    pub document: Digest,
    /// One line for people.
    pub summary: Line,
}

/// A verified version of the authority, to be published.
#[derive(Debug, Clone)]
pub struct Publication {
    /// The document.
    pub authority: Arc<Authority>,
    /// SHA-256 of its bytes.
    pub digest: Digest,
    /// Whether every root person of the version before signed.
    pub all_roots: bool,
    /// Who signed.
    pub signatures: Vec<RootSignature>,
}

/// A hand is about to do something outside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    /// What.
    pub effect: EffectKind,
    /// The account.
    pub account: AccountId,
    /// The event that calls for it.
    pub cause: EventId,
    /// The run, for a dispatch.
    pub run: Option<RunId>,
    /// The plan that will be dispatched, as a blob.
    pub document: Option<Digest>,
}

/// A new credential lies sealed, and the target does not know it yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stage {
    /// The account.
    pub account: AccountId,
    /// The event that calls for the rotation.
    pub cause: EventId,
    /// SHA-256 of the sealed object.
    pub sealed: Digest,
    /// The version inside it.
    pub version: i64,
}

/// What came of a rotation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RotationReport {
    /// The account.
    pub account: AccountId,
    /// The event that called for it.
    pub cause: EventId,
    /// The staged version it was about; 0 where it failed before anything was staged.
    pub version: i64,
    /// The version that was current when the attempt looked, and that the target was to unlearn.
    pub replaced: i64,
    /// What came of it.
    pub outcome: RotationOutcome,
}

/// One way or the other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RotationOutcome {
    /// The target takes the new one and refuses the old one.
    Rotated {
        /// What was sent, answered and seen, as a blob.
        evidence: Digest,
    },
    /// It does not, yet.
    Failed {
        /// The class of the failure.
        class: ErrorClass,
        /// One line for people.
        detail: Line,
        /// After how many seconds to try again, in engine time; `None`: not before a person looked.
        retry_after_s: Option<i64>,
    },
}

/// What came of a run's next step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunReport {
    /// The run.
    pub run: RunId,
    /// Where it stands now.
    pub state: RunState,
    /// The class of a failure.
    pub class: Option<ErrorClass>,
    /// One line for people.
    pub detail: Line,
    /// What the plane calls it.
    pub handle: Line,
    /// What was sent, answered and seen, as a blob.
    pub evidence: Option<Digest>,
}

/// Who caused an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Author {
    /// A person, by a statement.
    Person {
        /// Who, with which key.
        signer: Signer,
        /// SHA-256 of the statement.
        statement: Digest,
        /// SHA-256 of its armoured signature.
        signature: Digest,
    },
    /// A person, by the server's word only: somebody whose command was refused.
    Named(Signer),
    /// A part of the server: `engine`, `worker` …
    System(&'static str),
}

/// An event to be recorded, with the id that later events of the same batch may name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Draft {
    /// Its id.
    pub id: EventId,
    /// The fact.
    pub event: Event,
    /// Who caused it.
    pub author: Author,
}

impl Draft {
    /// The `actor`: the break-glass account once one is in play, else the principal, else the part
    /// of the server.
    #[must_use]
    pub fn actor(&self) -> Line {
        let text = match (self.event.account(), &self.author) {
            (Some(account), _) => account.name.to_string(),
            (None, Author::Person { signer, .. } | Author::Named(signer)) => {
                signer.principal.to_string()
            }
            (None, Author::System(part)) => format!("system:{part}"),
        };
        Line::lossy(&text)
    }
}

impl Draft {
    /// The entry it becomes: engine time, wall clock and command id are the engine's to give.
    #[must_use]
    pub fn into_entry(
        self,
        created_at: Timestamp,
        wall: Timestamp,
        command_id: Option<CommandId>,
    ) -> Entry {
        let actor = self.actor();
        let (signer, statement, signature) = match self.author {
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
            command_id: command_id.into(),
            correlation_id: self.event.incident_id().into(),
            created_at,
            event: self.event,
            event_id: self.id,
            person: signer.as_ref().map(|s| s.person.clone()).into(),
            principal: signer.map(|s| s.principal).into(),
            signature: signature.into(),
            statement: statement.into(),
            wall,
        }
    }
}

/// What `decide` is given besides the world and the command.
pub struct Context<'a> {
    /// Engine time.
    pub now: Timestamp,
    /// The wall clock, which may step: a grant ends when either reaches its end.
    pub wall: Timestamp,
    /// Ten fresh random bytes at each call.
    pub random: &'a mut dyn FnMut() -> [u8; 10],
}

impl std::fmt::Debug for Context<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Context")
            .field("now", &self.now)
            .finish_non_exhaustive()
    }
}

impl Context<'_> {
    /// The later of engine time and wall clock: what the end of access is judged by.
    #[must_use]
    pub fn latest(&self) -> Timestamp {
        self.now.max(self.wall)
    }

    /// A fresh event id.
    pub fn event_id(&mut self) -> EventId {
        EventId::new(self.now, (self.random)())
    }

    /// A draft with a fresh id.
    pub fn draft(&mut self, author: &Author, event: impl Into<Event>) -> Draft {
        Draft {
            id: self.event_id(),
            event: event.into(),
            author: author.clone(),
        }
    }
}

/// The account of an event, from its object in the authority.
pub(crate) fn account_ref(account: &breakglass_format::authority::Account) -> AccountRef {
    AccountRef {
        id: account.id.clone(),
        name: account.name.clone(),
    }
}

impl Author {
    /// The person behind a verified statement.
    #[must_use]
    pub fn of<S: Signed>(verified: &Verified<S>) -> Self {
        Self::Person {
            signer: verified.signer().clone(),
            statement: verified.digest(),
            signature: verified.signature_digest(),
        }
    }
}

/// A name from a literal of ours.
pub(crate) fn name(literal: &'static str) -> Name {
    #[expect(
        clippy::expect_used,
        reason = "only called with literals that are names"
    )]
    literal.parse().expect("the literal is a name")
}
