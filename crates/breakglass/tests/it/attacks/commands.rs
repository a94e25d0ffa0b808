//! Every command that an act can carry, with arguments that could take effect.

use breakglass_format::{
    Blank, Line,
    act::{
        Action, AddCredential, AttestRotation, Because, Command, CompleteReview, DecideCab,
        Declare, FileReport, NoArgs, Note, NotifyCab, Record, Resolve, ReviewAccess, Transfer,
        UpdateProcedure, Waive,
    },
    vocabulary::{AccessDecision, CabDecision, Obligation},
};

use crate::scene::declaration;

/// The ids that the commands are about.
#[derive(Debug, Default)]
pub(crate) struct Objects {
    pub(crate) incident: String,
    pub(crate) request: String,
    pub(crate) grant: String,
    pub(crate) run: String,
    pub(crate) account: String,
}

/// One of each. A new command does not compile before it stands here.
pub(crate) fn every(objects: &Objects) -> Vec<(Command, String)> {
    let because = || Because {
        reason: "because".parse().unwrap(),
    };
    let mut all = vec![
        Command::Declare(Declare { ..declaration() }),
        Command::Note(Note {
            text: "seen".parse().unwrap(),
        }),
        Command::Record(Record {
            action: "rollback".parse().unwrap(),
            description: "done by hand".parse().unwrap(),
            target: "shop".parse().unwrap(),
        }),
        Command::Probe(NoArgs {}),
        Command::SetContact(NoArgs {}),
        Command::Withdraw(NoArgs {}),
        Command::Plan(action()),
        Command::Run(action()),
        Command::Resolve(Resolve {
            summary: "over".parse().unwrap(),
        }),
        Command::AddCredential(AddCredential {
            fields: vec!["password".parse().unwrap()],
        }),
        Command::Rotate(because()),
        Command::AttestRotation(AttestRotation {
            how: "by hand".parse().unwrap(),
            version: 2,
        }),
    ];
    all.extend(afterwards());
    // The end of access last: from then on the server's own hands write to the log.
    all.extend([
        Command::Cancel(because()),
        Command::Return(NoArgs {}),
        Command::Revoke(because()),
    ]);
    let with_object = all.into_iter().map(|command| {
        let object = match &command {
            Command::Declare(_) | Command::SetContact(_) => "",
            Command::Note(_)
            | Command::Probe(_)
            | Command::Resolve(_)
            | Command::Transfer(_)
            | Command::NotifyCab(_)
            | Command::FileReport(_)
            | Command::CompleteReview(_)
            | Command::DecideCab(_)
            | Command::UpdateProcedure(_)
            | Command::Waive(_)
            | Command::Close(_) => &objects.incident,
            Command::Withdraw(_) => &objects.request,
            Command::Record(_)
            | Command::Return(_)
            | Command::Revoke(_)
            | Command::Plan(_)
            | Command::Run(_) => &objects.grant,
            Command::Cancel(_) => &objects.run,
            Command::AddCredential(_)
            | Command::Rotate(_)
            | Command::AttestRotation(_)
            | Command::ReviewAccess(_) => &objects.account,
        };
        let object = object.to_owned();
        (command, object)
    });
    with_object.collect()
}

/// Those that follow an incident.
fn afterwards() -> [Command; 9] {
    let text = || "said".parse().unwrap();
    let line = || "said".parse().unwrap();
    [
        Command::Transfer(Transfer {
            reason: text(),
            to: "bob".parse().unwrap(),
        }),
        Command::NotifyCab(NotifyCab {
            channel: line(),
            text: text(),
        }),
        Command::FileReport(FileReport { summary: text() }),
        Command::CompleteReview(CompleteReview {
            follow_ups: Vec::new(),
            gaps: Vec::new(),
            root_cause: text(),
            verdicts: Vec::new(),
        }),
        Command::DecideCab(DecideCab {
            decision: CabDecision::Accepted,
            proxy: false,
            remark: text(),
        }),
        Command::ReviewAccess(ReviewAccess {
            decision: AccessDecision::Keep,
            entitled: Vec::new(),
            incident: Blank::NONE,
            remark: text(),
        }),
        Command::UpdateProcedure(UpdateProcedure {
            reference: line(),
            summary: text(),
        }),
        Command::Waive(Waive {
            account_gone: false,
            obligation: Obligation::CabReview,
            reason: text(),
            subject: Line::default(),
        }),
        Command::Close(NoArgs {}),
    ]
}

fn action() -> Action {
    Action {
        action: "rollback".parse().unwrap(),
        artifact: "2.4.0".parse().unwrap(),
        plan: Blank::NONE,
        target: "shop".parse().unwrap(),
    }
}
