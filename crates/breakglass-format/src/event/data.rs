//! The data of every event, version 1.

use serde::{Deserialize, Serialize};

use crate::{
    AccountId, Blank, Digest, EventId, Fingerprint, GrantId, IncidentId, Line, Name, PersonId,
    Principal, Prose, RequestId, RunId, Timestamp,
    error_class::ErrorClass,
    event::Reference,
    statement::{ControlPlane, Purpose, Warning},
    vocabulary::{
        ActionMode, EffectKind, EndReason, Obligation, Origin, RunState, Severity, StorageFault,
    },
};

data! {
    /// A person in an event.
    Member {
        /// The human being.
        person: PersonId,
        /// The name at the time.
        principal: Principal,
    }

    /// An account in an event.
    AccountRef {
        /// What it is.
        id: AccountId,
        /// What it was called.
        name: Name,
    }

    /// A clock that an event starts. It never moves afterwards.
    Clock {
        /// When the duty must be done.
        due_at: Timestamp,
        /// Its length, in seconds.
        length_s: i64,
        /// Which duty.
        obligation: Obligation,
        /// Whose duty.
        owner: PersonId,
        /// What it is about: an account id, or empty for the incident itself.
        subject: Line,
    }

    /// Data of `LOG_STARTED`.
    LogStarted {
        /// SHA-256 of the genesis authority: the instance.
        genesis: Digest,
        /// The log's origin.
        origin: Line,
        /// Name and version of the program.
        software: Line,
        /// The log's verifier key.
        vkey: Line,
    }

    /// Data of `INCIDENT_DECLARED`.
    IncidentDeclared {
        /// The authority in force.
        authority_version: i64,
        /// The clocks it starts.
        clocks: Vec<Clock>,
        /// Who leads.
        commander: Member,
        /// CVE identifiers.
        cves: Vec<Line>,
        /// A practice.
        drill: bool,
        /// Its id.
        incident_id: IncidentId,
        /// Why controls must be bypassed.
        justification: Prose,
        /// What people type: `INC-7`.
        reference: Reference,
        /// Which scenario.
        scenario: Name,
        /// The affected service.
        service: Line,
        /// How bad.
        severity: Severity,
        /// The documented threat.
        threat: Prose,
        /// What people call it.
        title: Line,
    }

    /// Data of `INCIDENT_NOTED`.
    IncidentNoted {
        /// The incident.
        incident_id: IncidentId,
        /// The note.
        text: Prose,
    }

    /// Data of `BREAK_GLASS_REQUESTED`. The request is named by this event's id.
    BreakGlassRequested {
        /// The account.
        account: AccountRef,
        /// The action asked for.
        action: Name,
        /// When it lapses.
        approve_by: Timestamp,
        /// The authority in force.
        authority_version: i64,
        /// The probe that the requester saw, and what they attest.
        control_plane: ControlPlane,
        /// A practice.
        drill: bool,
        /// How long access is wanted, in seconds.
        duration_s: i64,
        /// Under which entitlement.
        entitlement: Name,
        /// The grant it prolongs.
        extends: Blank<GrantId>,
        /// The incident.
        incident_id: IncidentId,
        /// Why.
        justification: Prose,
        /// How many approvals it needs.
        needs: i64,
        /// Made online or offline.
        origin: Origin,
        /// What it is for.
        purpose: Purpose,
        /// What people type: `R-12`.
        reference: Reference,
        /// Who asks.
        requester: Member,
        /// How many checkouts and runs together; 0 = any number.
        uses: i64,
        /// What the approvers sign as well.
        warnings: Vec<Warning>,
    }

    /// Data of `BREAK_GLASS_APPROVED`.
    BreakGlassApproved {
        /// Who said yes.
        approver: Member,
        /// The authority in force.
        authority_version: i64,
        /// Whether it was made in a browser.
        browser: bool,
        /// For how long, in seconds.
        duration_s: i64,
        /// The incident.
        incident_id: IncidentId,
        /// The key.
        key: Fingerprint,
        /// How many approvals are still missing.
        missing: i64,
        /// Whether the key needed a touch.
        presence: bool,
        /// The request.
        request_id: RequestId,
    }

    /// Data of `BREAK_GLASS_DENIED`.
    BreakGlassDenied {
        /// Who said no.
        approver: Member,
        /// Whether it ended the request. The same person's second denial for the same account and
        /// incident is recorded and ends nothing.
        ends: bool,
        /// The incident.
        incident_id: IncidentId,
        /// Why not.
        reason: Prose,
        /// The request.
        request_id: RequestId,
    }

    /// Data of `BREAK_GLASS_LAPSED`.
    BreakGlassLapsed {
        /// The incident.
        incident_id: IncidentId,
        /// The request.
        request_id: RequestId,
    }

    /// Data of `BREAK_GLASS_WITHDRAWN`.
    BreakGlassWithdrawn {
        /// The incident.
        incident_id: IncidentId,
        /// The request.
        request_id: RequestId,
    }

    /// Data of `BREAK_GLASS_VOIDED`.
    BreakGlassVoided {
        /// The authority in force, which voided it where the entry has no statement.
        authority_version: i64,
        /// The incident.
        incident_id: IncidentId,
        /// What the authority touched, or what happened.
        reason: Line,
        /// The request.
        request_id: RequestId,
    }

    /// Data of `BREAK_GLASS_GRANTED`.
    BreakGlassGranted {
        /// The account.
        account: AccountRef,
        /// The action it is for.
        action: Name,
        /// The events of the approvals it rests on.
        approvals: Vec<EventId>,
        /// The authority in force.
        authority_version: i64,
        /// No extension reaches beyond this.
        cap: Timestamp,
        /// A practice.
        drill: bool,
        /// Its id.
        grant_id: GrantId,
        /// Who holds it.
        holder: Member,
        /// The incident.
        incident_id: IncidentId,
        /// Why.
        justification: Prose,
        /// When it ends.
        not_after: Timestamp,
        /// When it began.
        not_before: Timestamp,
        /// What it is for.
        purpose: Purpose,
        /// What people type: `G-4`.
        reference: Reference,
        /// The request it consumes.
        request_id: RequestId,
        /// How many checkouts and runs together; 0 = any number.
        uses: i64,
    }

    /// Data of `BREAK_GLASS_EXTENDED`.
    BreakGlassExtended {
        /// The events of the approvals it rests on.
        approvals: Vec<EventId>,
        /// The grant.
        grant_id: GrantId,
        /// The incident.
        incident_id: IncidentId,
        /// Its new end.
        not_after: Timestamp,
        /// The request it consumes.
        request_id: RequestId,
    }

    /// Data of `BREAK_GLASS_ACCESS`.
    BreakGlassAccess {
        /// The account.
        account: AccountRef,
        /// `credential_access`, or the action it was used for.
        action: Name,
        /// Whether a person could see the credential.
        disclosed: bool,
        /// SHA-256 of the envelope it was handed out in; blank where it was not handed out.
        envelope: Blank<Digest>,
        /// The grant.
        grant_id: GrantId,
        /// The incident.
        incident_id: IncidentId,
        /// Why.
        justification: Prose,
        /// The run that used it; blank where a person took it, or where it was used to plan.
        run_id: Blank<RunId>,
        /// Which version of the credential.
        version: i64,
    }

    /// Data of `BREAK_GLASS_ACTION`.
    BreakGlassAction {
        /// The account.
        account: AccountRef,
        /// Which action.
        action: Name,
        /// The artifact.
        artifact: Line,
        /// What was done, in the person's words; empty for a run.
        description: Prose,
        /// The grant.
        grant_id: GrantId,
        /// The incident.
        incident_id: IncidentId,
        /// Why.
        justification: Prose,
        /// Run by us, or recorded by hand.
        mode: ActionMode,
        /// Hash of the plan the person saw; blank: none was asked for.
        plan: Blank<Digest>,
        /// The run; blank for an action recorded by hand.
        run_id: Blank<RunId>,
        /// What it was done to.
        target: Line,
    }

    /// Data of `BREAK_GLASS_ENDED`.
    BreakGlassEnded {
        /// The account.
        account: AccountRef,
        /// The clocks it starts.
        clocks: Vec<Clock>,
        /// Whether any action was documented under it.
        documented: bool,
        /// When its time would have been over.
        due_at: Timestamp,
        /// The grant.
        grant_id: GrantId,
        /// The incident.
        incident_id: IncidentId,
        /// Why it ended.
        reason: EndReason,
        /// What the person who ended it said.
        remark: Prose,
        /// Whether the credential was used under it, disclosed or not.
        used: bool,
    }

    /// Data of `ACTION_PLANNED`.
    ActionPlanned {
        /// The event that says that the credential was used for it.
        access: EventId,
        /// Which action.
        action: Name,
        /// The artifact.
        artifact: Line,
        /// The plan, as a blob.
        document: Digest,
        /// The grant.
        grant_id: GrantId,
        /// The incident.
        incident_id: IncidentId,
        /// The plan's hash: operation, targets, artifact, inverse and blast radius.
        plan: Digest,
        /// One line for people.
        summary: Line,
        /// What it will be done to.
        target: Line,
    }

    /// Data of `RUN_PROGRESSED`.
    RunProgressed {
        /// The class of a failure; blank where it did not fail.
        class: Blank<ErrorClass>,
        /// One line for people.
        detail: Line,
        /// What was sent, answered and seen, as a blob.
        evidence: Blank<Digest>,
        /// The grant.
        grant_id: GrantId,
        /// What the plane calls it.
        handle: Line,
        /// The incident.
        incident_id: IncidentId,
        /// The run.
        run_id: RunId,
        /// Where it stands.
        state: RunState,
    }

    /// Data of `EFFECT_CLAIMED`.
    EffectClaimed {
        /// The account.
        account: AccountRef,
        /// 1, 2, 3 …
        attempt: i64,
        /// The event that calls for it.
        cause: EventId,
        /// The plan that is about to be dispatched, as a blob; blank for a rotation.
        document: Blank<Digest>,
        /// What is about to be done.
        effect: EffectKind,
        /// The run; blank for a rotation.
        run_id: Blank<RunId>,
    }

    /// Data of `ACT_PROPOSED`.
    ActProposed {
        /// What people call the account, the incident or the person it is about.
        about: Line,
        /// The account it is about; blank where it is about an incident or a person.
        account: Blank<AccountId>,
        /// SHA-256 of command, object, arguments and documents: what the second person repeats.
        agreement: Digest,
        /// The command.
        command: Name,
        /// The incident it is about; blank where it is about an account or a person.
        incident_id: Blank<IncidentId>,
        /// The enrolled key that signed, which must still count when the second person agrees.
        key: Fingerprint,
        /// Until when the second person may agree.
        until: Timestamp,
    }

    /// Data of `CREDENTIAL_ADDED`.
    CredentialAdded {
        /// The account.
        account: AccountRef,
        /// Who has seen it.
        known_to: Vec<PersonId>,
        /// SHA-256 of the sealed object.
        sealed: Digest,
        /// Its version.
        version: i64,
    }

    /// Data of `ROTATION_ORDERED`.
    RotationOrdered {
        /// The account.
        account: AccountRef,
        /// Why.
        reason: Prose,
    }

    /// Data of `CREDENTIAL_STAGED`.
    CredentialStaged {
        /// The account.
        account: AccountRef,
        /// The event that calls for the rotation.
        cause: EventId,
        /// SHA-256 of the sealed object.
        sealed: Digest,
        /// Its version.
        version: i64,
    }

    /// Data of `CREDENTIAL_ROTATED`.
    CredentialRotated {
        /// The account.
        account: AccountRef,
        /// The event that called for the rotation.
        cause: EventId,
        /// What was sent, answered and seen, as a blob.
        evidence: Digest,
        /// Incidents whose use of the account called for it.
        incidents: Vec<IncidentId>,
        /// The target accepted the new credential.
        new_accepted: bool,
        /// The target refused the old credential.
        old_refused: bool,
        /// The version of the old credential.
        replaced: i64,
        /// SHA-256 of the sealed object that is now current.
        sealed: Digest,
        /// Its version.
        version: i64,
    }

    /// Data of `ROTATION_ATTESTED`.
    RotationAttested {
        /// The account.
        account: AccountRef,
        /// The two people, whose word it is.
        attested_by: Vec<Member>,
        /// The event that called for the rotation.
        cause: EventId,
        /// What was done, and how it was tried.
        how: Prose,
        /// Incidents whose use of the account called for it.
        incidents: Vec<IncidentId>,
        /// SHA-256 of the sealed object that is current.
        sealed: Digest,
        /// Its version.
        version: i64,
    }

    /// Data of `CREDENTIAL_ROTATION_FAILED`.
    CredentialRotationFailed {
        /// The account.
        account: AccountRef,
        /// Which attempt it was.
        attempt: i64,
        /// The event that calls for the rotation.
        cause: EventId,
        /// The class of the failure.
        class: ErrorClass,
        /// One line for people.
        detail: Line,
        /// When it will be tried again; blank: not before a person looked.
        retry_at: Blank<Timestamp>,
        /// The staged version.
        version: i64,
    }

    /// Data of `INCIDENT_RESOLVED`.
    IncidentResolved {
        /// The clocks it starts.
        clocks: Vec<Clock>,
        /// The incident.
        incident_id: IncidentId,
        /// How it ended.
        summary: Prose,
    }

    /// Data of `OBLIGATION_OVERDUE`.
    ObligationOverdue {
        /// When it was due.
        due_at: Timestamp,
        /// The incident; blank for the quarterly review of an account.
        incident_id: Blank<IncidentId>,
        /// Which duty.
        obligation: Obligation,
        /// Whose.
        owner: PersonId,
        /// What it is about.
        subject: Line,
    }

    /// A compared value of a refusal.
    Compared {
        /// What was compared.
        name: Name,
        /// Its value.
        value: Line,
    }

    /// Data of `COMMAND_REFUSED`.
    CommandRefused {
        /// Stable code of the refusal.
        code: Name,
        /// What was asked for: `approval`, `act.resolve` …
        command: Name,
        /// The values the rule compared; never the body.
        compared: Vec<Compared>,
        /// The id it was about.
        object: Line,
    }

    /// Data of `REFUSALS_SUMMARISED`.
    RefusalsSummarised {
        /// How many were not written one by one.
        count: i64,
        /// Since when.
        since: Timestamp,
    }

    /// Data of `CLOCK_STEPPED`.
    ClockStepped {
        /// By how much, in milliseconds; negative: back.
        step_ms: i64,
    }

    /// Data of `SINK_CHANGED`.
    SinkChanged {
        /// One line for people.
        detail: Line,
        /// Which sink.
        sink: Name,
        /// Whether it works now.
        working: bool,
    }

    /// Data of `STORAGE_CHANGED`.
    StorageChanged {
        /// One line for people.
        detail: Line,
        /// What is the matter.
        fault: StorageFault,
        /// Whether it is so now.
        present: bool,
    }
}
