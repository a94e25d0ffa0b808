//! `breakglass init`: a new installation, from five answers.

mod text;

use std::{collections::BTreeSet, path::PathBuf};

use breakglass_format::{Line, Name, Principal};
use serde_json::json;

use super::server_keys::not_made;
use crate::{
    hint::Failure,
    output::{Output, prompt},
    server_keys,
    state::file,
};

/// What the installation is, as far as five answers tell. What is not given is asked.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The folder, which is made: the server's keys and configuration, the authority to be written.
    dir: PathBuf,
    /// Under which name the server will be reached: breakglass.example.org
    #[arg(long)]
    host: Option<String>,
    /// Who may, together, change who may do what: at least two, better three.
    #[arg(long, value_delimiter = ',', value_name = "PRINCIPAL,PRINCIPAL,…")]
    roots: Option<Vec<String>>,
    /// Who asks for access in an emergency.
    #[arg(long, value_delimiter = ',', value_name = "PRINCIPAL,…")]
    on_call: Option<Vec<String>>,
    /// Who approves: at least two others, better three.
    #[arg(long, value_delimiter = ',', value_name = "PRINCIPAL,PRINCIPAL,…")]
    approvers: Option<Vec<String>>,
    /// The first break-glass account.
    #[arg(long, value_name = "NAME")]
    account: Option<String>,
}

/// The five answers.
#[derive(Debug)]
struct Answers {
    host: Line,
    roots: Vec<Principal>,
    on_call: Vec<Principal>,
    approvers: Vec<Principal>,
    account: Name,
}

impl Answers {
    /// Everybody, once.
    fn everybody(&self) -> BTreeSet<&Principal> {
        let all = self.roots.iter().chain(&self.on_call);
        all.chain(&self.approvers).collect()
    }
}

pub(super) fn run(args: &Args, output: Output) -> Result<(), Failure> {
    let answers = ask(args)?;
    let origin = format!("{}/log", answers.host);
    let dir = &args.dir;
    if dir.join("authority.toml").exists() {
        return Err(Failure::of(
            crate::hint::Code::FileExists,
            format!("{} holds an installation already", dir.display()),
        )
        .hint("name another folder"));
    }
    file::make_dir(dir)?;
    file::make_dir(&dir.join("people"))?;
    file::make_dir(&dir.join("genesis"))?;
    let made = server_keys::make(dir, &origin).map_err(not_made)?;
    let authority = text::authority(&answers, &origin, &made.vkey, &made.kem);
    file::create_new(&dir.join("authority.toml"), authority.as_bytes())?;
    let server = text::server(&answers);
    file::create_new(&dir.join("breakglass.toml"), server.as_bytes())?;
    if !answers
        .everybody()
        .into_iter()
        .any(|p| text::judges(p, &answers))
    {
        output.warn(
            "everybody named asks or approves: nobody is left who could review afterwards; add \
             somebody with the privileges reviewer and cab to authority.toml",
        );
    }
    report(&answers, &args.dir, output);
    Ok(())
}

fn report(answers: &Answers, dir: &std::path::Path, output: Output) {
    let shown = dir.display();
    let people: Vec<String> = answers
        .everybody()
        .into_iter()
        .map(ToString::to_string)
        .collect();
    if output.is_json() {
        output.json(&json!({"dir": shown.to_string(), "people": people}));
        return;
    }
    output.data(&shown.to_string());
    for line in [
        "made: log.key, server.key, node.key; authority.toml; breakglass.toml; people/, genesis/"
            .to_owned(),
        "next:".to_owned(),
        "  1. copy the three keys to where the database's backups are not".to_owned(),
        format!(
            "  2. put everybody's SSH public key into {shown}/people: {}",
            people
                .iter()
                .map(|p| format!("{p}.pub"))
                .collect::<Vec<_>>()
                .join(", ")
        ),
        format!("  3. read {shown}/authority.toml, and change what is not so"),
        format!(
            "  4. breakglass authority compile {shown}/authority.toml --out {shown}/genesis/authority.json"
        ),
        "  5. every root person: breakglass authority sign authority.json --key FILE".to_owned(),
        "docs/procedures/install.md goes on from there".to_owned(),
    ] {
        output.say(&line);
    }
}

fn ask(args: &Args) -> Result<Answers, Failure> {
    let host = answer(
        args.host.clone(),
        "--host",
        "Under which name will the server be reached (breakglass.example.org)?",
        |text| {
            let fine = |c: char| c.is_ascii_alphanumeric() || "-.".contains(c);
            let host = Line::new(text).ok();
            host.filter(|_| !text.is_empty() && text.chars().all(fine))
                .ok_or_else(|| "a host name".to_owned())
        },
    )?;
    let joined = |all: &Option<Vec<String>>| all.as_ref().map(|all| all.join(","));
    let roots = answer(
        joined(&args.roots),
        "--roots",
        "Who may, together, change who may do what? At least two, better three (erin,frank,grace)",
        |text| people(text, 2),
    )?;
    let on_call = answer(
        joined(&args.on_call),
        "--on-call",
        "Who asks for access in an emergency (alice,bob)?",
        |text| people(text, 1),
    )?;
    let approvers = answer(
        joined(&args.approvers),
        "--approvers",
        "Who approves? At least two, better three (carol,dave,erin)",
        |text| enough_for(&on_call, people(text, 2)?),
    )?;
    let account = answer(
        args.account.clone(),
        "--account",
        "What is the first break-glass account called (prod-db-root)?",
        |text| {
            text.parse()
                .map_err(|_| "lower-case letters, digits, dots and dashes".to_owned())
        },
    )?;
    Ok(Answers {
        host,
        roots,
        on_call,
        approvers,
        account,
    })
}

/// What was given, or what is asked until it makes sense.
fn answer<T>(
    given: Option<String>,
    option: &str,
    question: &str,
    read: impl Fn(&str) -> Result<T, String>,
) -> Result<T, Failure> {
    if let Some(given) = given {
        return read(given.trim())
            .map_err(|what| Failure::usage(format!("{option} {given:?}: it takes {what}")));
    }
    if !prompt::is_interactive() {
        return Err(Failure::usage(format!("{option} is missing"))
            .hint("without a terminal every answer is an option: breakglass init --help"));
    }
    loop {
        let Some(text) = prompt::line(question) else {
            return Err(Failure::usage(format!("{option} is missing")));
        };
        match read(text.trim()) {
            Ok(value) => return Ok(value),
            Err(what) => Output::new(false).say(&format!("it takes {what}")),
        }
    }
}

/// Approvers that whoever is on call finds two others among.
fn enough_for(on_call: &[Principal], approvers: Vec<Principal>) -> Result<Vec<Principal>, String> {
    let lonely = |requester: &&Principal| {
        let others = approvers.iter().filter(|a| a != requester);
        others.count() < 2
    };
    match on_call.iter().find(lonely) {
        Some(requester) => Err(format!(
            "two approvers other than {requester}, who asks: nobody approves their own request"
        )),
        None => Ok(approvers),
    }
}

fn people(text: &str, least: usize) -> Result<Vec<Principal>, String> {
    let each = text.split(',').map(str::trim).filter(|p| !p.is_empty());
    let all: Result<Vec<Principal>, _> = each.map(str::parse).collect();
    let all = all.map_err(|_| "names of lower-case letters, digits, dots and dashes".to_owned())?;
    let different: BTreeSet<&Principal> = all.iter().collect();
    if different.len() < least || different.len() != all.len() {
        return Err(format!(
            "at least {least} different people, with commas between"
        ));
    }
    Ok(all)
}
