//! `breakglass checkout`: the credential, to a child process, a file, a pipe, or, last, the screen.

mod child;
mod file;

use std::{ffi::OsString, path::PathBuf};

use breakglass_seal::Credential;
use serde_json::{Map, Value};
use zeroize::Zeroizing;

use super::Context;
use crate::{
    actor::{Actor, CheckedOut},
    hint::{Code, Failure},
    output::{Output, line, prompt},
};

/// Options of `checkout`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The grant; your only active one if not given.
    #[arg(value_name = "G-1")]
    grant: Option<String>,
    /// Only this field of the credential, to standard output or the file.
    #[arg(long, value_name = "NAME", conflicts_with = "exec")]
    field: Option<String>,
    /// Write it to a new file that only you can read.
    #[arg(long, value_name = "PATH", conflicts_with_all = ["exec", "show"])]
    file: Option<PathBuf>,
    /// Show it on the screen.
    #[arg(long, conflicts_with = "exec")]
    show: bool,
    /// Run the command after `--` with the credential in its environment.
    #[arg(long, requires = "command")]
    exec: bool,
    /// The command and its arguments.
    #[arg(last = true, requires = "exec", value_name = "CMD")]
    command: Vec<OsString>,
}

/// Where the credential goes.
enum Way<'a> {
    Child(&'a [OsString]),
    File(&'a PathBuf),
    Pipe,
    Screen,
}

impl Way<'_> {
    /// What can be known to fail is found before anything is handed out.
    fn check(&self) -> Result<(), Failure> {
        match self {
            Self::File(path) => file::check(path),
            Self::Child(command) if !command.first().is_some_and(|c| child::is_there(c)) => {
                let name = command.first().map(|c| c.to_string_lossy().into_owned());
                let name = line(&name.unwrap_or_default());
                Err(
                    Failure::of(Code::ProgramUnknown, format!("there is no program {name}"))
                        .hint("nothing was handed out; write its whole path after --"),
                )
            }
            Self::Child(_) | Self::Pipe | Self::Screen => Ok(()),
        }
    }
}

pub(super) fn run(args: &Args, cx: &Context) -> Result<(), Failure> {
    // Decided before anything is handed out: every checkout is on record.
    let way = way(args)?;
    way.check()?;
    if let Way::File(path) = way {
        file::warn_of_disk(path, cx.output());
    }
    let mut actor = cx.actor()?;
    let grant = match &args.grant {
        Some(grant) => grant.clone(),
        None => actor.sole_own_grant()?.reference,
    };
    let (out, system) = hand_out(&mut actor, &grant, cx)?;
    let field = args.field.as_deref();
    match way {
        Way::Child(command) => {
            actor.arrived(&out)?;
            child::run(command, &out, &system, cx.output())
        }
        Way::File(path) => {
            file::write(path, &bytes(&out.credential, field)?, cx.output())?;
            Ok(actor.arrived(&out)?)
        }
        Way::Pipe | Way::Screen => {
            let text = bytes(&out.credential, field)?;
            actor.arrived(&out)?;
            print(&out, &text, field.is_some(), cx.output());
            Ok(())
        }
    }
}

/// Whether the command that is to be run is there at all.
pub(super) fn there_is(command: &[OsString]) -> Result<(), Failure> {
    Way::Child(command).check()
}

/// Checks out and runs a command with the credential in its environment.
pub(super) fn exec(
    actor: &mut Actor,
    grant: &str,
    command: &[OsString],
    cx: &Context,
) -> Result<(), Failure> {
    let (out, system) = hand_out(actor, grant, cx)?;
    actor.arrived(&out)?;
    child::run(command, &out, &system, cx.output())
}

/// The credential, and the system that it opens.
fn hand_out(actor: &mut Actor, grant: &str, cx: &Context) -> Result<(CheckedOut, String), Failure> {
    let out = actor.take_out(grant)?;
    let account = actor.account(out.access.account.id.as_str())?;
    let system = account.system.to_string();
    cx.output().say(&format!(
        "checked out {} under {}, version {}, on record",
        out.access.account.name,
        line(grant),
        out.access.version
    ));
    Ok((out, system))
}

fn way(args: &Args) -> Result<Way<'_>, Failure> {
    use std::io::IsTerminal;
    let to_screen = std::io::stdout().is_terminal();
    if args.exec {
        return Ok(Way::Child(&args.command));
    }
    if let Some(path) = &args.file {
        return Ok(Way::File(path));
    }
    if args.show {
        return Ok(Way::Screen);
    }
    if args.field.is_some() && !to_screen {
        return Ok(Way::Pipe);
    }
    if prompt::is_interactive() && prompt::confirm("show the credential on this screen?") {
        return Ok(Way::Screen);
    }
    Err(
        Failure::of(Code::DestinationNeeded, "where shall the credential go?").hint(
            "--exec -- CMD runs a command with it, --file PATH writes it to a file, --field NAME \
         prints one field into a pipe, --show shows it",
        ),
    )
}

/// One field as it is, or all of them as JSON.
fn bytes(credential: &Credential, field: Option<&str>) -> Result<Zeroizing<Vec<u8>>, Failure> {
    if let Some(name) = field {
        let value = credential
            .field(name)
            .ok_or_else(|| no_field(credential, name))?;
        return Ok(Zeroizing::new(value.expose().as_bytes().to_vec()));
    }
    let fields: Map<String, Value> = credential
        .fields()
        .map(|(name, value)| (name.to_owned(), Value::from(value.expose())))
        .collect();
    let mut text = Zeroizing::new(serde_json::to_vec(&fields).unwrap_or_default());
    text.push(b'\n');
    Ok(text)
}

fn no_field(credential: &Credential, name: &str) -> Failure {
    let all: Vec<&str> = credential.fields().map(|(name, _)| name).collect();
    Failure::of(
        Code::FieldUnknown,
        format!("the credential has no field {}", line(name)),
    )
    .hint(format!(
        "it has {}; the same checkout serves the next command, which spends nothing more",
        all.join(", ")
    ))
}

/// One field as it is, or all of them, as JSON or as people read them.
fn print(out: &CheckedOut, text: &[u8], one: bool, output: Output) {
    if one || output.is_json() {
        output.data(String::from_utf8_lossy(text).trim_end_matches('\n'));
        return;
    }
    for (name, value) in out.credential.fields() {
        output.data(&format!("{name}: {}", value.expose()));
    }
}
