//! What happens around the incident: the log begins, credentials are rotated, clocks run out.

use breakglass_format::{
    AccountId, EventId, Fingerprint,
    error_class::ErrorClass,
    event::{
        ActProposed, AuthorityPublished, ClockStepped, ContactSet, CredentialAdded,
        CredentialRotated, CredentialRotationFailed, CredentialStaged, Delivery, EffectClaimed,
        EpochBegun, KeyEnrolled, KeySuspended, LogRecovered, LogStarted, ObligationOverdue,
        RootSignature, RotationAttested, RotationOrdered, SessionOpened, SinkChanged,
        StakeholderNotified, StorageChanged,
    },
    statement::Kind,
    vocabulary::{EffectKind, Notice, Obligation, StorageFault},
};

use super::{
    Story, account, clock, digest, incident, none,
    people::{Somebody, alice, bob, carol},
    read,
};

pub(super) fn begins(story: &mut Story) {
    story.server(LogStarted {
        genesis: digest(30),
        origin: read("breakglass.example/log"),
        software: read("breakglass 0.1.0"),
        vkey: read("breakglass.example/log+84451a32+AQOhB7/zzhC+HXDdGOdLwJln5NYwm6UNXx3chmQSVTG4"),
    });
    let signatures = [(alice(), 31), (bob(), 32)].map(|(who, byte)| RootSignature {
        signature: digest(byte),
        signer: who.signer(),
    });
    let quarterly = story.now.plus_s(92 * 86_400);
    story.server(AuthorityPublished {
        all_roots: true,
        clocks: vec![clock(
            Obligation::QuarterlyAccessReview,
            "acc_prod_db_root",
            quarterly,
            92 * 86_400,
        )],
        digest: digest(30),
        previous: none(),
        signatures: signatures.to_vec(),
        version: 1,
    });
    story.signed(
        &alice(),
        KeyEnrolled {
            key: alice().key,
            member: alice().member,
            namespaces: vec![
                Kind::Request,
                Kind::Approval,
                Kind::Denial,
                Kind::Checkout,
                Kind::Act,
            ],
            recovery: false,
        },
    );
    story.signed(
        &bob(),
        SessionOpened {
            key: bob().key,
            member: bob().member,
            not_after: story.now.plus_s(8 * 3_600),
            session_key: Fingerprint::from_sha256(&[37; 32]),
        },
    );
    propose(story, "add_credential");
    let known_to = vec![bob().member.person];
    let added = CredentialAdded {
        account: account(),
        known_to,
        sealed: digest(34),
        version: 3,
    };
    story.signed(&carol(), added);
}

pub(super) fn a_rotation_is_attested(story: &mut Story, cause: EventId) {
    story.signed(
        &carol(),
        RotationAttested {
            account: account(),
            attested_by: vec![bob().member, carol().member],
            cause,
            how: read("Changed in the console; the old password is refused."),
            incidents: vec![incident()],
            sealed: digest(39),
            version: 5,
        },
    );
}

pub(super) fn a_key_is_stolen(story: &mut Story) {
    let agreed = propose_about(story, "carol", None, "suspend");
    story.signed(
        &bob(),
        KeySuspended {
            agreed: vec![agreed],
            key: Fingerprint::from_sha256(&[38; 32]).into(),
            member: carol().member,
            reason: read("The token was left in a taxi."),
        },
    );
}

fn propose(story: &mut Story, command: &str) {
    propose_about(story, "prod-db-root", Some(account().id), command);
}

fn propose_about(
    story: &mut Story,
    about: &str,
    account: Option<AccountId>,
    command: &str,
) -> EventId {
    let until = story.now.plus_s(86_400);
    let (agreement, command) = (digest(33), read(command));
    story.signed(
        &bob(),
        ActProposed {
            about: read(about),
            account: account.into(),
            agreement,
            command,
            incident_id: none(),
            key: bob().key,
            until,
        },
    )
}

pub(super) fn credential_is_rotated(story: &mut Story, cause: EventId) {
    let staged = CredentialStaged {
        account: account(),
        cause,
        sealed: digest(35),
        version: 4,
    };
    story.server(staged);
    let claim = EffectClaimed {
        account: account(),
        attempt: 1,
        cause,
        document: none(),
        effect: EffectKind::Rotate,
        run_id: none(),
    };
    story.server(claim);
    story.server(CredentialRotationFailed {
        account: account(),
        attempt: 1,
        cause,
        class: ErrorClass::Transient,
        detail: read("connection refused"),
        retry_at: story.now.plus_s(60).into(),
        version: 4,
    });
    story.wait(3_600);
    story.server(ObligationOverdue {
        due_at: story.now.plus_s(-35),
        incident_id: incident().into(),
        obligation: Obligation::CredentialRotation,
        owner: alice().member.person,
        subject: read("acc_prod_db_root"),
    });
    story.server(CredentialRotated {
        account: account(),
        cause,
        evidence: digest(36),
        incidents: vec![incident()],
        new_accepted: true,
        old_refused: true,
        replaced: 3,
        sealed: digest(35),
        version: 4,
    });
}

pub(super) fn goes_on(story: &mut Story) {
    story.wait(12 * 3_600);
    propose(story, "rotate");
    let reason = read("A laptop that had seen it was lost.");
    story.signed(
        &carol(),
        RotationOrdered {
            account: account(),
            reason,
        },
    );
    story.server(ClockStepped { step_ms: -6_500 });
    let (detail, sink) = (read("connection refused"), read("siem"));
    story.server(SinkChanged {
        detail,
        sink,
        working: false,
    });
}

/// And has room again.
pub(super) fn the_disk_fills_up(story: &mut Story) {
    for present in [true, false] {
        story.server(StorageChanged {
            detail: read("9 MiB are free"),
            fault: StorageFault::DiskFull,
            present,
        });
    }
}

/// From copies, without what lay sealed.
pub(super) fn the_log_is_recovered(story: &mut Story) {
    story.server(LogRecovered {
        lost: vec![account()],
        recovered: 2,
    });
}

/// Under another name, as the root persons signed.
pub(super) fn an_epoch_begins(story: &mut Story) {
    let signature = |who: &Somebody, byte| RootSignature {
        signature: digest(byte),
        signer: who.signer(),
    };
    story.server(EpochBegun {
        digest: digest(61),
        lost: vec![account()],
        number: 1,
        origin: read("log.example.com/payments/2"),
        recovered: 0,
        signatures: vec![signature(&bob(), 62), signature(&carol(), 63)],
        vkey: read("log.example.com/payments/2+00000000+AQ=="),
    });
}

/// Carol by mail, Bob not at all, and nobody of a duty.
pub(super) fn people_are_told(story: &mut Story) {
    let to = |who: &Somebody, sent: bool, channel: &str, detail: &str| Delivery {
        channel: read(channel),
        detail: read(detail),
        person: who.member.person.clone(),
        sent,
    };
    let retry_at = story.now.plus_s(60);
    let told = StakeholderNotified {
        attempt: 1,
        deliveries: vec![
            to(&carol(), true, "mail", ""),
            to(
                &bob(),
                false,
                "none",
                "no way to reach this person is configured",
            ),
        ],
        due_at: none(),
        incident_id: Some(incident()).into(),
        notice: Notice::RequestWaiting,
        retry_at: Some(retry_at).into(),
        stage: 0,
        subject: read("R-1"),
    };
    story.server(told.clone());
    let set = story.signed(
        &carol(),
        ContactSet {
            commitment: digest(38),
            member: carol().member,
        },
    );
    story.server(StakeholderNotified {
        deliveries: vec![to(&carol(), true, "mail", "")],
        incident_id: none(),
        notice: Notice::ContactChanged,
        retry_at: none(),
        subject: read(&set.to_string()),
        ..told.clone()
    });
    story.server(StakeholderNotified {
        deliveries: vec![to(&bob(), false, "mail", "421 try later")],
        due_at: Some(retry_at).into(),
        incident_id: none(),
        notice: Notice::DutyDue,
        retry_at: none(),
        stage: 100,
        subject: read("incident_report"),
        ..told
    });
}
