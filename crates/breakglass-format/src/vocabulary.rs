//! Closed lists of words, each with its one spelling (`docs/glossary.md`).

use std::fmt;

use serde::{Deserialize, Serialize};

macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $word:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum $name {
            $($(#[$vdoc])* #[serde(rename = $word)] $variant),+
        }

        impl $name {
            /// Every value, in the order of the list.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The spelling.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl std::str::FromStr for $name {
            type Err = UnknownWord;
            fn from_str(text: &str) -> Result<Self, UnknownWord> {
                Self::ALL.iter().copied().find(|w| w.as_str() == text).ok_or(UnknownWord {
                    list: &[$($word),+],
                })
            }
        }
    };
}

/// A word that is not in its closed list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UnknownWord {
    /// The words there are.
    pub list: &'static [&'static str],
}

impl fmt::Display for UnknownWord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "expected one of {}", self.list.join(", "))
    }
}

impl std::error::Error for UnknownWord {}

words!(
    /// How bad it is.
    Severity {
        /// Everybody is affected.
        Sev1 = "sev1",
        /// Many are affected.
        Sev2 = "sev2",
        /// Some are affected.
        Sev3 = "sev3",
        /// Nobody is affected yet.
        Sev4 = "sev4",
    }
);

words!(
    /// How a credential is kept.
    Custody {
        /// Sealed under the server's key; the running server can open it after it logged the
        /// checkout.
        Server = "server",
        /// k of n custodians can open it; the server cannot.
        Quorum = "quorum",
        /// In an external vault.
        External = "external",
        /// Minted per grant.
        Issued = "issued",
    }
);

words!(
    /// What a request is for.
    PurposeKind {
        /// The credential itself.
        Credential = "credential",
        /// One named action on one target.
        Action = "action",
    }
);

words!(
    /// Where a request was made.
    Origin {
        /// Against a running server.
        Online = "online",
        /// With the emergency kit, to be reconciled.
        Offline = "offline",
    }
);

words!(
    /// Why a grant ended.
    EndReason {
        /// Its time was over.
        Expired = "expired",
        /// The holder returned it.
        Returned = "returned",
        /// Somebody entitled to took it away.
        Revoked = "revoked",
        /// The incident was resolved.
        Resolved = "resolved",
        /// Its holder was suspended.
        Suspended = "suspended",
        /// The log was put back from copies.
        Recovered = "recovered",
    }
);

words!(
    /// How an action comes to be on record.
    ActionMode {
        /// Through a connector of ours, with the credential.
        Run = "run",
        /// Documented by the person who did it.
        Recorded = "recorded",
    }
);

words!(
    /// Where a run stands.
    RunState {
        /// The plane accepted it.
        Dispatched = "dispatched",
        /// It may or may not have happened; being looked up, never repeated blindly.
        Ambiguous = "ambiguous",
        /// The plane works on it.
        Running = "running",
        /// Somebody wants it cancelled; the plane is asked.
        Cancelling = "cancelling",
        /// The plane says it is done and our own check of the target agrees.
        Verified = "verified",
        /// The plane says it is done; our own check could not confirm it.
        Unverified = "unverified",
        /// It did not happen, or not wholly.
        Failed = "failed",
        /// It was cancelled before it took effect.
        Cancelled = "cancelled",
    }
);

impl RunState {
    /// Whether nothing more will come of the run.
    #[must_use]
    pub const fn is_final(self) -> bool {
        matches!(
            self,
            Self::Verified | Self::Unverified | Self::Failed | Self::Cancelled
        )
    }
}

words!(
    /// A duty with a deadline.
    Obligation {
        /// The incident is resolved.
        IncidentResolved = "incident_resolved",
        /// A used credential is rotated, the new one proven, the old one refused.
        CredentialRotation = "credential_rotation",
        /// The change advisory board is told.
        CabNotified = "cab_notified",
        /// The incident report is filed.
        IncidentReport = "incident_report",
        /// The post-incident review is complete.
        PostIncidentReview = "post_incident_review",
        /// Whether a used account stays as it is, is decided.
        AccessReview = "access_review",
        /// The procedure is mended where the review found gaps.
        ProcedureUpdate = "procedure_update",
        /// The change advisory board has decided.
        CabReview = "cab_review",
        /// Every quarter: whether an account and those who may ask for it stay as they are, is
        /// decided.
        QuarterlyAccessReview = "quarterly_access_review",
    }
);

words!(
    /// What a reviewer thinks of a grant or an action.
    Judgement {
        /// It had to be.
        Justified = "justified",
        /// It could have been done otherwise.
        Questionable = "questionable",
        /// It should not have been done.
        Unjustified = "unjustified",
    }
);

words!(
    /// What the change advisory board decided.
    CabDecision {
        /// It stands.
        Accepted = "accepted",
        /// It stands if something else is done.
        AcceptedWithConditions = "accepted_with_conditions",
        /// It is to be undone.
        Rejected = "rejected",
    }
);

words!(
    /// What becomes of an account, or of a person's right to ask for it.
    AccessDecision {
        /// It stays as it is.
        Keep = "keep",
        /// It is to be changed.
        Change = "change",
        /// It is to be removed.
        Remove = "remove",
    }
);

words!(
    /// What the probes say of the control plane.
    Verdict {
        /// It answers as it should: the normal way is open.
        Up = "up",
        /// It does not answer, or says that it cannot work.
        Down = "down",
        /// The probes contradict each other, could not ask, or were not answered in time.
        CannotTell = "cannot_tell",
    }
);

words!(
    /// What is the matter with where the log lies.
    StorageFault {
        /// Its disk is nearly full: only what ends access is taken.
        DiskFull = "disk_full",
        /// Something stored is not what was stored.
        Damaged = "damaged",
    }
);

words!(
    /// What people are told.
    Notice {
        /// An incident began: its stakeholders.
        IncidentDeclared = "incident_declared",
        /// A patch goes round the board: its members.
        CabNotice = "cab_notice",
        /// A request waits for approvals: whoever may give one, tier by tier.
        RequestWaiting = "request_waiting",
        /// Nobody answered in time: who asked.
        RequestLapsed = "request_lapsed",
        /// A quorum was reached although somebody had said no: who leads.
        GrantedOverDenial = "granted_over_denial",
        /// Access ends soon: its holder, who leads, who approved.
        GrantEnding = "grant_ending",
        /// Access ended and nothing says what it was used for: its holder.
        GrantUndocumented = "grant_undocumented",
        /// A duty's time passes: its owner, then who leads, then the board.
        DutyDue = "duty_due",
        /// A rotation was given up until a person looks: whoever may.
        RotationGivenUp = "rotation_given_up",
        /// Somebody is reached elsewhere from now on: that person, where they were reached before.
        ContactChanged = "contact_changed",
        /// Somebody has another key from now on, which none of their keys vouched for: that
        /// person.
        KeyEnrolled = "key_enrolled",
        /// A key, or all of somebody's keys, count no longer: that person.
        KeySuspended = "key_suspended",
    }
);

words!(
    /// What the control plane was probed for.
    Occasion {
        /// The incident was declared.
        Declaration = "declaration",
        /// Somebody asks for access.
        Request = "request",
        /// A request waits for approvals.
        Pending = "pending",
        /// Somebody approves.
        Activation = "activation",
        /// A run is about to be handed to the execution plane.
        Dispatch = "dispatch",
        /// A person wanted to know.
        Asked = "asked",
    }
);

words!(
    /// What our hands do in the world.
    EffectKind {
        /// Change a credential at its target.
        Rotate = "rotate",
        /// Hand a run to its execution plane.
        Dispatch = "dispatch",
    }
);

words!(
    /// What a person may do beyond requesting and approving.
    Privilege {
        /// Act for a commander: resolve, take over.
        Command = "command",
        /// Add and rotate credentials.
        Account = "account",
        /// End anybody's grant.
        Revoke = "revoke",
        /// Waive an obligation.
        Waive = "waive",
        /// Suspend somebody else or a key of theirs, together with another holder.
        Suspend = "suspend",
        /// Sit on the change advisory board.
        Cab = "cab",
        /// Complete post-incident reviews.
        Reviewer = "reviewer",
        /// Read everything, export the log.
        Auditor = "auditor",
        /// Run the server: recover the log, quarantine, sinks.
        Operator = "operator",
    }
);
