//! `breakglass account`.

use std::path::{Path, PathBuf};

use breakglass_api::view::AccountView;
use breakglass_format::{Prose, Timestamp};
use breakglass_seal::{Credential, CredentialError, names};
use clap::Subcommand;

use super::{Context, approve::consent, input};
use crate::{
    actor::{Actor, CredentialImport, Outcome, Proposal},
    hint::{Code, Failure},
    output::{line, prompt, table::fitted},
    review,
    state::file,
};

/// What to do with accounts.
#[derive(Debug, Subcommand)]
pub(super) enum Verb {
    /// List accounts.
    List,
    /// Show one account.
    Show {
        /// The account, by name.
        account: String,
    },
    /// Put a credential into custody. Takes two people: one seals it, a second agrees.
    AddCredential(AddCredential),
    /// Rotate an account's credential now. Takes two people: one proposes with --why, a second is
    /// shown the proposal and agrees.
    Rotate {
        /// The account, by name.
        account: String,
        /// Why; without it, agree to what another person proposes.
        #[arg(long, value_parser = input::prose)]
        why: Option<Prose>,
        /// Agree without being asked; for use without a terminal.
        #[arg(long)]
        yes: bool,
    },
    /// Attest that you rotated a credential by hand, where no machine does: that the target takes
    /// the one in custody and refuses the one before. Takes two people, whose word it is.
    Attest {
        /// The account, by name.
        account: String,
        /// What was done, and how it was tried; without it, attest what another person does.
        #[arg(long, value_parser = input::prose)]
        how: Option<Prose>,
        /// Agree without being asked; for use without a terminal.
        #[arg(long)]
        yes: bool,
    },
}

/// Options of `account add-credential`.
#[derive(Debug, clap::Args)]
pub(super) struct AddCredential {
    /// The account, by name.
    account: String,
    /// The field `username`.
    #[arg(long, value_name = "NAME", conflicts_with = "agree")]
    username: Option<String>,
    /// A field: NAME asks for its value without showing it, NAME=@FILE reads it; repeatable.
    #[arg(long = "field", value_name = "NAME[=@FILE]", conflicts_with = "agree")]
    fields: Vec<String>,
    /// Where the sealed credential goes, for the second person.
    #[arg(long, value_name = "FILE", conflicts_with = "agree")]
    out: Option<PathBuf>,
    /// Agree, as the second person, to a credential that the first person sealed.
    #[arg(long, value_name = "FILE")]
    agree: Option<PathBuf>,
    /// Agree without being asked; for use without a terminal.
    #[arg(long, requires = "agree")]
    yes: bool,
}

pub(super) fn run(verb: &Verb, cx: &Context) -> Result<(), Failure> {
    match verb {
        Verb::List => list(cx),
        Verb::Show { account } => show(account, cx),
        Verb::AddCredential(args) => match &args.agree {
            Some(path) => agree(&args.account, path, args.yes, cx),
            None => add(args, cx),
        },
        Verb::Attest { account, how, yes } => attest(account, how.clone(), *yes, cx),
        Verb::Rotate { account, why, yes } => rotate(account, why.clone(), *yes, cx),
    }
}

fn list(cx: &Context) -> Result<(), Failure> {
    let client = cx.client()?;
    let accounts = client.accounts()?;
    let screen = cx.screen(&client);
    if cx.output().is_json() {
        cx.output().json(&accounts);
        return Ok(());
    }
    let row = |a: &AccountView| {
        [
            a.name.clone(),
            a.system.clone(),
            a.custody.clone(),
            a.state.clone(),
            a.rotated_at
                .map_or_else(|| "never".to_owned(), |at| screen.when(at)),
            a.grant.clone().unwrap_or_default(),
        ]
    };
    let rows: Vec<[String; 6]> = accounts.iter().map(row).collect();
    let heading = [
        "account",
        "system",
        "custody",
        "credential",
        "rotated",
        "grant",
    ];
    for line in fitted(heading, &rows, screen.columns()) {
        cx.output().data(&line);
    }
    Ok(())
}

fn show(account: &str, cx: &Context) -> Result<(), Failure> {
    let client = cx.client()?;
    let accounts = client.accounts()?;
    let found = accounts
        .iter()
        .find(|a| a.name == account || a.id == account);
    let view = found.ok_or_else(|| {
        Failure::of(
            Code::AccountUnknown,
            format!("there is no account {}", line(account)),
        )
        .hint("breakglass account list")
    })?;
    if cx.output().is_json() {
        cx.output().json(view);
        return Ok(());
    }
    let rotated = view
        .rotated_at
        .map_or_else(|| "never".to_owned(), |at| cx.screen(&client).exactly(at));
    let retry_at = view.retry_at.map(|at| cx.screen(&client).exactly(at));
    let rows = [
        ("account", view.name.clone()),
        ("id", view.id.clone()),
        ("system", view.system.clone()),
        ("custody", view.custody.clone()),
        (
            "credential",
            format!("{}, version {}", view.state, view.version),
        ),
        ("failed", view.failure.clone().unwrap_or_default()),
        ("next try", retry_at.unwrap_or_default()),
        ("rotated", rotated),
        ("known to", view.known_to.join(", ")),
        ("grant", view.grant.clone().unwrap_or_default()),
    ];
    for (name, value) in rows.iter().filter(|(_, value)| !value.is_empty()) {
        cx.output().data(&format!("{name:<11} {}", line(value)));
    }
    Ok(())
}

fn add(args: &AddCredential, cx: &Context) -> Result<(), Failure> {
    let mut actor = cx.actor()?;
    // Both are known to be there before anybody types a secret.
    let name = actor.account(&args.account)?.name.to_string();
    let out = args
        .out
        .clone()
        .unwrap_or_else(|| format!("{name}.credential.json").into());
    // Nobody types a secret for nothing, either.
    if out.symlink_metadata().is_ok() {
        let text = format!("{} exists already", out.display());
        return Err(Failure::of(Code::FileExists, text).hint(
            "nothing was asked; where it is of an earlier credential remove it, or name another: \
             --out FILE",
        ));
    }
    let credential = credential(args)?;
    let import = actor.seal_import(&args.account, &credential)?;
    let text = serde_json::to_vec_pretty(&import).unwrap_or_default();
    file::create_new(&out, &text)?;
    let outcome = actor.agree_import(&import)?;
    let until = outcome.proposed().map(|p| utc(p.until));
    let sentence = format!("sealed a credential for {name} to the server, and proposed it");
    cx.output()
        .outcome(&outcome, &out.display().to_string(), &sentence);
    cx.output().say(&format!(
        "until {} another holder of the account privilege agrees with that file: breakglass \
         account add-credential {name} --agree {}",
        until.unwrap_or_default(),
        out.display()
    ));
    Ok(())
}

fn agree(account: &str, path: &Path, yes: bool, cx: &Context) -> Result<(), Failure> {
    let mistake = |what: String| Failure::malformed(path, what);
    let content = file::read(path)?.ok_or_else(|| Failure::missing(path))?;
    let import: CredentialImport =
        serde_json::from_slice(&content).map_err(|e| mistake(e.to_string()))?;
    let mut actor = cx.actor()?;
    let named = actor.account(account)?;
    if named.id != import.account {
        return Err(mistake(format!("it is for the account {}", import.account)));
    }
    let name = named.name.to_string();
    let proposal = actor.import_to_agree(&import)?;
    show_proposal(&actor, &proposal, cx);
    consent(yes, "agree to this credential?")?;
    let outcome = actor.agree(&proposal, Some(&import))?;
    let sentence = match outcome.added() {
        Some(added) => format!("{name} has a credential, version {}", added.version),
        None => format!("proposed a credential for {name}; another person must agree"),
    };
    cx.output().outcome(&outcome, &name, &sentence);
    Ok(())
}

/// What the first person signed, computed from those very bytes.
pub(super) fn show_proposal(actor: &Actor, proposal: &Proposal, cx: &Context) {
    let mut rows = review::of_proposal(proposal, actor.trust().authority());
    rows.push(review::signing(actor.identity()));
    cx.output().review(&rows);
}

fn rotate(account: &str, why: Option<Prose>, yes: bool, cx: &Context) -> Result<(), Failure> {
    let mut actor = cx.actor()?;
    let outcome = match (actor.rotation_to_agree(account, why.as_ref())?, why) {
        (Some(proposal), why) => {
            show_proposal(&actor, &proposal, cx);
            // Whoever says the same reason to the letter has said what they agree to.
            consent(yes || why.is_some(), "agree to this rotation?")?;
            actor.agree(&proposal, None)?
        }
        (None, Some(why)) => actor.rotate(account, why)?,
        (None, None) => return Err(Failure::usage("why? --why says it")),
    };
    let sentence = rotation_sentence(&outcome, account);
    cx.output().outcome(&outcome, &line(account), &sentence);
    Ok(())
}

fn attest(account: &str, how: Option<Prose>, yes: bool, cx: &Context) -> Result<(), Failure> {
    let mut actor = cx.actor()?;
    let outcome = match (actor.attestation_to_agree(account, how.as_ref())?, how) {
        (Some(proposal), how) => {
            show_proposal(&actor, &proposal, cx);
            consent(yes || how.is_some(), "attest this?")?;
            actor.agree(&proposal, None)?
        }
        (None, Some(how)) => {
            let accounts = actor.client().accounts()?;
            let view = accounts
                .iter()
                .find(|a| a.name == account || a.id == account);
            let version = view.map_or(0, |a| a.version);
            actor.attest_rotation(account, version, how)?
        }
        (None, None) => return Err(Failure::usage("how was it done? --how says it")),
    };
    let account = line(account);
    let sentence = match outcome.proposed() {
        Some(proposed) => format!(
            "attested the rotation of {account}; it counts when, until {}, another holder of the \
             account privilege attests it too: breakglass account attest {account}",
            utc(proposed.until)
        ),
        None => format!("the rotation of {account} is attested by two"),
    };
    cx.output().outcome(&outcome, &account, &sentence);
    Ok(())
}

fn rotation_sentence(outcome: &Outcome, account: &str) -> String {
    let account = line(account);
    match outcome.proposed() {
        Some(proposed) => format!(
            "proposed to rotate {account}; until {} another holder of the account privilege \
             agrees: breakglass account rotate {account}",
            utc(proposed.until)
        ),
        None => format!("{account} is going to be rotated"),
    }
}

/// `16:04 UTC`, for what lies minutes away.
fn utc(at: Timestamp) -> String {
    format!("{} UTC", at.time_of_day())
}

fn credential(args: &AddCredential) -> Result<Credential, Failure> {
    let refused = |e: CredentialError| {
        Failure::usage(e.to_string()).hint("breakglass account add-credential --help")
    };
    let mut builder = Credential::builder();
    if let Some(username) = &args.username {
        builder = builder
            .field(names::USERNAME, username.clone())
            .map_err(refused)?;
    }
    let asked = vec![names::PASSWORD.to_owned()];
    let fields = if args.fields.is_empty() {
        &asked
    } else {
        &args.fields
    };
    for field in fields {
        let (name, value) = match field.split_once("=@") {
            Some((name, path)) => (name, from_file(Path::new(path))?),
            None if field.contains('=') => {
                return Err(
                    Failure::usage("a secret does not belong on the command line")
                        .hint("--field NAME asks for it, --field NAME=@FILE reads it"),
                );
            }
            None => (field.as_str(), typed(field)?),
        };
        builder = builder.field(name, value).map_err(refused)?;
    }
    builder.build().map_err(refused)
}

/// The content of a file, without its last line break.
fn from_file(path: &Path) -> Result<String, Failure> {
    let content = file::read(path)?;
    let content = content.ok_or_else(|| Failure::missing(path))?;
    let text =
        std::str::from_utf8(&content).map_err(|_| Failure::malformed(path, "it is not text"))?;
    Ok(text.strip_suffix('\n').unwrap_or(text).to_owned())
}

fn typed(name: &str) -> Result<String, Failure> {
    let unasked = |what: String| {
        Failure::of(Code::ConsentNeeded, what).hint(format!("--field {name}=@FILE reads it"))
    };
    let mut value =
        prompt::secret(name).map_err(|e| unasked(format!("cannot ask for {name}: {e}")))?;
    if value.is_empty() && !prompt::is_interactive() {
        return Err(unasked(format!(
            "there is no terminal to ask for {name}, and nothing came by a pipe"
        )));
    }
    if prompt::is_interactive() {
        confirmed(name, &value)?;
    }
    // Handed over, not copied: what is left to wipe is empty.
    Ok(std::mem::take(&mut *value))
}

/// What nobody sees is typed twice: a slip of it would be found in the next emergency.
fn confirmed(name: &str, value: &str) -> Result<(), Failure> {
    let again = prompt::secret(&format!("{name}, once more"));
    if again.is_ok_and(|again| *again == value) {
        return Ok(());
    }
    Err(Failure::usage(format!("the two entries of {name} differ"))
        .hint("nothing was sealed; the same command again"))
}
