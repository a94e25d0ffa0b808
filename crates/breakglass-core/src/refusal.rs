//! Why the rules said no.
//!
//! A refusal is not a failure: it is an answer, it is recorded, and it tells the person what was
//! compared and what to do next. Codes are stable; programs branch on them.

use breakglass_format::{Name, Timestamp, time::human_s, vocabulary::Privilege};

/// One refusal. `Display` is the sentence for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// Stable code.
    pub code: Code,
    /// The values the rule compared, by name.
    pub compared: Vec<(&'static str, String)>,
}

macro_rules! codes {
    ($($(#[$doc:meta])* $variant:ident = $code:literal, $says:literal, $hint:literal;)+) => {
        /// The closed list of refusals.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Code {
            $($(#[$doc])* $variant),+
        }

        impl Code {
            /// Every code.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The stable spelling.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $code),+ }
            }

            /// What happened, as a sentence without its particulars.
            #[must_use]
            pub const fn says(self) -> &'static str {
                match self { $(Self::$variant => $says),+ }
            }

            /// What to do next.
            #[must_use]
            pub const fn hint(self) -> &'static str {
                match self { $(Self::$variant => $hint),+ }
            }
        }
    };
}

codes!(
    /// The key is in the authority, but nobody proved to hold it.
    KeyNotEnrolled = "key_not_enrolled", "this key is not enrolled", "enroll it: breakglass join";
    /// The key does not count now, under the authority named or the current one.
    KeyNotValid = "key_not_valid", "this key does not count for this kind of statement now", "use another enrolled key, or have the authority changed";
    /// The key, or its holder, was suspended.
    KeySuspended = "key_suspended", "this key, or its holder, is suspended", "the root persons let a key count again, by a version of the authority that lists it anew";
    /// Nothing is left to suspend.
    AlreadySuspended = "already_suspended", "this is suspended already", "nothing to do";
    /// The person has no such key.
    KeyUnknown = "key_unknown", "this person has no such key", "breakglass key list shows the keys";
    /// Too few would be left to change the authority.
    TooFewRoots = "too_few_roots", "fewer root persons than the threshold would be left", "have the authority changed first";
    /// Only root persons suspend a root person.
    NotARoot = "not_a_root", "a root person is suspended by root persons only", "tell the root persons";
    /// The key, or its holder's membership, is younger than 24 hours.
    TooYoung = "too_young", "a key or membership younger than 24 hours does not approve", "ask another approver; only what a version signed by every root person adds counts at once";
    /// The session is not on record, or over.
    SessionUnknown = "session_unknown", "this session is not open", "breakglass login";
    /// The statement's own time is too far from the server's.
    ClockSkew = "clock_skew", "the statement's time is more than 5 minutes from the server's", "correct the clock, or sign again with the server's time";
    /// The statement names an authority that is no longer current in what it touches.
    StaleAuthority = "stale_authority", "the authority has changed since this was signed", "fetch the current authority and sign again";
    /// It names a state of the log that this log never had.
    ForeignLog = "foreign_log", "the statement names a state of the log that this log never had", "compare the checkpoints: one of two servers shows another history";
    /// The approver did not see the request in the log.
    RequestNotSeen = "request_not_seen", "the signer had not seen the request in the log", "fetch the request again and sign again";
    /// The same bytes were accepted before.
    Replayed = "replayed", "this statement was accepted before", "make a new statement";
    /// The object moved on since the signer looked.
    StaleObject = "stale_object", "there is news that the signer had not seen", "look again, then sign again";
    /// A required text is missing.
    TextMissing = "text_missing", "a required text is missing", "fill it in";
    /// No such scenario.
    ScenarioUnknown = "scenario_unknown", "the authority knows no such scenario", "breakglass authority show lists the scenarios";
    /// There is no verdict on the control plane that counts.
    ControlPlaneUnverified = "control_plane_unverified", "this scenario needs a verdict on the control plane of the last 15 minutes", "have it probed, then make the request again: breakglass incident probe";
    /// The control plane is up.
    ControlPlaneUp = "control_plane_up", "the control plane is up: the normal way is open", "deploy the normal way; where it answers and is unusable all the same, attest that in the request: --control-plane-unusable 'because …'";
    /// The scenario has nothing to probe.
    NotProbed = "not_probed", "this scenario asks nothing of the control plane", "nothing to do";
    /// The control plane was probed a moment ago.
    JustProbed = "just_probed", "the control plane was probed a moment ago", "look at the verdict: breakglass incident show";
    /// This person changed it a moment ago.
    JustChanged = "just_changed", "this was changed a moment ago", "wait a minute, then again";
    /// No such person.
    PersonUnknown = "person_unknown", "the authority knows no such person", "check the principal";
    /// No such incident.
    IncidentUnknown = "incident_unknown", "there is no such incident", "breakglass incident list";
    /// The incident is over.
    IncidentNotOpen = "incident_not_open", "the incident is resolved", "declare a new incident";
    /// No such account.
    AccountUnknown = "account_unknown", "there is no such account", "breakglass account list";
    /// A field of the request differs from the log or the authority.
    BindingMismatch = "binding_mismatch", "the request differs from what the log or the authority says", "make the request again";
    /// No entitlement covers it.
    NoEntitlement = "no_entitlement", "no entitlement lets this person request this account in this scenario", "ask somebody who is entitled, or have the authority changed";
    /// Longer than the entitlement allows.
    DurationTooLong = "duration_too_long", "longer than the entitlement allows", "ask for less; extend later if need be";
    /// Not a usable duration.
    DurationTooShort = "duration_too_short", "shorter than a minute", "ask for at least a minute";
    /// `approve_by` is not within the entitlement's window.
    ApproveByOutOfRange = "approve_by_out_of_range", "the time to approve by lies outside the allowed window", "make the request again";
    /// A warning that holds is not in the request.
    WarningMissing = "warning_missing", "the request leaves out a warning that holds", "make the request again; the client fetches the warnings";
    /// The scenario does not permit the action.
    ActionNotPermitted = "action_not_permitted", "the scenario does not permit this action", "choose an action of the scenario";
    /// The account has no credential.
    NoCredential = "no_credential", "no credential is in custody for this account", "two holders of the account privilege add one: breakglass account add-credential";
    /// A rotation would leave a secret as it is.
    FieldNotRotated = "field_not_rotated", "the account's rotator renews the password only; a secret beside it would stay known", "import username and password alone, or keep the rest under an account without a rotator";
    /// Two people's word counts for nothing where a machine proves.
    MachineRotates = "machine_rotates", "a machine rotates this account, and proves it", "let it: breakglass account rotate";
    /// The credential in custody is the one that has to be replaced.
    NotReplaced = "not_replaced", "the credential in custody is the one that is to be replaced", "change it at the target, put the new one into custody, then attest: breakglass account add-credential";
    /// Another grant of an exclusive account is active.
    AccountBusy = "account_busy", "another grant of this account is active", "wait for its end, ask its holder to return it, or have it revoked";
    /// The grant to be extended cannot be.
    NotExtendable = "not_extendable", "the grant cannot be extended like this", "make a new request";
    /// Too many requests of this person wait.
    TooManyPending = "too_many_pending", "too many requests of this person are waiting", "withdraw those that are no longer wanted: breakglass withdraw R";
    /// No such request.
    RequestUnknown = "request_unknown", "there is no such request, or its incident is closed", "breakglass pending";
    /// The request is decided.
    RequestNotPending = "request_not_pending", "the request is no longer pending", "make a new request";
    /// The approval is over another text than the request on file.
    RequestDiffers = "request_differs", "what was signed is not the request on file", "approve the request that the server has, after reading it";
    /// The requester's own approval.
    OwnRequest = "own_request", "nobody approves their own request", "two other people must sign";
    /// The same person again.
    AlreadyApproved = "already_approved", "this person has approved already; another key does not make another person", "another person must sign";
    /// The same person's second no to the same request.
    AlreadyDenied = "already_denied", "this person has denied this request already", "another approver can deny it; the commander can revoke what is granted";
    /// Not an approver of this entitlement.
    NotAnApprover = "not_an_approver", "this person is not an approver of this request", "breakglass pending shows who is";
    /// The approval would fill no place that is still free.
    FillsNoPlace = "fills_no_place", "this approval would fill no place that is still free", "the missing approval must come from another group";
    /// A key that needs a touch is missing.
    PresenceNeeded = "presence_needed", "the approvals still missing must be made with keys that need a touch", "sign with a security key";
    /// An approval outside a browser is missing.
    SshNeeded = "ssh_needed", "the approvals still missing must be made outside a browser", "approve with the command line";
    /// Somebody else's request.
    NotRequester = "not_requester", "only the requester may do this", "ask the requester";
    /// No such grant.
    GrantUnknown = "grant_unknown", "there is no such grant", "breakglass grant list";
    /// The grant ended.
    GrantNotActive = "grant_not_active", "the grant has ended", "make a new request";
    /// Somebody else's grant.
    NotHolder = "not_holder", "only the holder of the grant may do this", "ask the holder";
    /// The grant was for an action, not for the credential.
    PurposeIsAction = "purpose_is_action", "the grant is for one action, not for the credential itself", "breakglass action run, or request the credential";
    /// The action differs from the one the approvers signed.
    PurposeDiffers = "purpose_differs", "this is not the action that was approved", "run exactly what was approved, or make a new request";
    /// No checkout is left.
    UsesExhausted = "uses_exhausted", "the approved number of checkouts and runs is used up", "make a new request";
    /// The quorum behind the grant no longer holds.
    QuorumGone = "quorum_gone", "the approvals behind this grant no longer make a quorum", "make a new request";
    /// The credential changed while the answer was made.
    CredentialMoved = "credential_moved", "the credential changed meanwhile", "check out again";
    /// A privilege or role is missing.
    NotEntitled = "not_entitled", "this person may not do this", "ask somebody who may";
    /// The same person cannot be both of two.
    AnotherPersonNeeded = "another_person_needed", "this takes two people, and this person has agreed already", "another holder of the privilege must agree";
    /// The incident goes on.
    IncidentNotResolved = "incident_not_resolved", "the incident is not resolved yet", "resolve it first: breakglass incident resolve";
    /// The incident is closed.
    IncidentClosed = "incident_closed", "the incident is closed", "document what became known as an action: that opens it again";
    /// Who took part does not judge.
    TookPart = "took_part", "this person took part in the incident, as requester, approver, operator or commander", "somebody who took no part must do it";
    /// Nobody lets their own duty go.
    OwnDuty = "own_duty", "nobody lets their own duty go", "two other holders of the privilege must do it";
    /// Nobody reviews their own access.
    OwnAccess = "own_access", "nobody reviews their own access", "another holder of the privilege must do it";
    /// A document is missing, or there are too many.
    DocumentMissing = "document_missing", "this takes exactly one document", "attach it";
    /// The verdicts are not those of the incident.
    VerdictsDiffer = "verdicts_differ", "a review gives one verdict on every grant and every action, and on nothing else", "start from the draft that the client fills from the log";
    /// The people listed are not those entitled.
    EntitledDiffer = "entitled_differ", "a quarterly review decides on everybody who may ask for the account, and on nobody else", "start from the draft that the client fills from the authority";
    /// The account was not used under the incident.
    AccountNotUsed = "account_not_used", "the account was not used under this incident", "breakglass incident show";
    /// The duty cannot be waived like this.
    NotWaivable = "not_waivable", "this duty cannot be waived like this", "an incident is resolved, not waived; a rotation is waived only where both attest that the account is gone";
    /// There is no such open duty.
    NothingToWaive = "nothing_to_waive", "there is no such open duty", "breakglass incident show lists the duties";
    /// Duties are open.
    ObligationsOpen = "obligations_open", "the incident cannot be closed while duties are open", "have them done, or waived by two people";
    /// No such run.
    RunUnknown = "run_unknown", "there is no such run", "breakglass action list";
    /// The run is over.
    RunOver = "run_over", "the run is over", "look at it: breakglass action status";
    /// The account has no connector.
    NoConnector = "no_connector", "no connector acts with this account", "use the credential itself and record what was done";
    /// A report or claim that the log does not call for.
    NotCalledFor = "not_called_for", "nothing in the log calls for this", "nothing to do";
    /// The authority cannot follow the current one.
    NotSuccessor = "not_successor", "this is not the next version of the authority", "breakglass authority compile --previous makes one from the current version";
    /// The authority names another log than the one it is to be published in.
    AnotherLog = "another_log", "the authority names another log than the one in force", "copy origin and vkey of [log] from breakglass authority show; another log takes an epoch";
    /// The key was enrolled before.
    AlreadyEnrolled = "already_enrolled", "this key is enrolled already", "nothing to do";
);

impl std::fmt::Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.code.says())?;
        for (i, (name, value)) in self.compared.iter().enumerate() {
            write!(f, "{}{name} {value}", if i == 0 { " (" } else { ", " })?;
        }
        if self.compared.is_empty() {
            Ok(())
        } else {
            f.write_str(")")
        }
    }
}

impl std::error::Error for Refusal {}

impl From<Code> for Refusal {
    fn from(code: Code) -> Self {
        Self {
            code,
            compared: Vec::new(),
        }
    }
}

impl Code {
    /// The refusal with one compared value.
    pub(crate) fn with(self, name: &'static str, value: impl std::fmt::Display) -> Refusal {
        Refusal {
            code: self,
            compared: vec![(name, value.to_string())],
        }
    }

    /// A privilege is missing.
    pub(crate) fn needs(privilege: Privilege) -> Refusal {
        Self::NotEntitled.with("needs", privilege)
    }
}

impl Refusal {
    /// Adds a compared value.
    pub(crate) fn and(mut self, name: &'static str, value: impl std::fmt::Display) -> Self {
        self.compared.push((name, value.to_string()));
        self
    }

    /// Two durations that were compared.
    pub(crate) fn durations(code: Code, asked_s: i64, limit_s: i64) -> Self {
        code.with("asked", human_s(asked_s))
            .and("limit", human_s(limit_s))
    }

    /// Two instants that were compared.
    pub(crate) fn times(code: Code, stated: Timestamp, now: Timestamp) -> Self {
        code.with("stated", stated).and("server", now)
    }

    /// The code as a [`Name`], for the entry that records the refusal.
    #[must_use]
    pub fn code_name(&self) -> Option<Name> {
        self.code.as_str().parse().ok()
    }
}
