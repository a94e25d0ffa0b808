//! Every command that an act can carry, with arguments that could take effect.

use breakglass_format::{
    Blank,
    act::{Action, AddCredential, Because, Command, Declare, NoArgs, Note, Record, Resolve},
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
    let all = vec![
        Command::Declare(Declare { ..declaration() }),
        Command::Note(Note {
            text: "seen".parse().unwrap(),
        }),
        Command::Record(Record {
            action: "rollback".parse().unwrap(),
            description: "done by hand".parse().unwrap(),
            target: "shop".parse().unwrap(),
        }),
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
        Command::Cancel(because()),
        Command::Return(NoArgs {}),
        Command::Revoke(because()),
    ];
    let with_object = all.into_iter().map(|command| {
        let object = match &command {
            Command::Declare(_) => "",
            Command::Note(_) | Command::Resolve(_) => &objects.incident,
            Command::Withdraw(_) => &objects.request,
            Command::Record(_)
            | Command::Return(_)
            | Command::Revoke(_)
            | Command::Plan(_)
            | Command::Run(_) => &objects.grant,
            Command::Cancel(_) => &objects.run,
            Command::AddCredential(_) | Command::Rotate(_) => &objects.account,
        };
        let object = object.to_owned();
        (command, object)
    });
    with_object.collect()
}

fn action() -> Action {
    Action {
        action: "rollback".parse().unwrap(),
        artifact: "2.4.0".parse().unwrap(),
        plan: Blank::NONE,
        target: "shop".parse().unwrap(),
    }
}
