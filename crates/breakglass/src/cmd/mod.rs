//! The command line: one file per verb, each parses, calls the actor and renders.

mod access_review;
mod account;
mod action;
mod approve;
mod attendant;
mod authority;
mod cab;
mod checkout;
mod contact;
mod context;
mod deny;
mod document;
mod extend;
mod grant;
mod incident;
mod init;
mod input;
mod join;
mod key;
mod log;
mod login;
mod manual;
mod mistyped;
mod pending;
mod readiness;
mod report;
mod request;
mod return_grant;
mod review;
mod revoke;
mod serve;
mod server_keys;
mod status;
mod verify;
mod waive;
mod whoami;
mod withdraw;
mod witness;
mod witnessed;

use std::{path::PathBuf, process::ExitCode};

use clap::{Parser, Subcommand};

pub use context::Context;

use crate::{
    hint::{Code, Failure},
    output::Output,
};

/// Break-glass access, with other people's signatures and a log nobody can change.
#[derive(Debug, Parser)]
#[command(
    name = "breakglass",
    version,
    propagate_version = true,
    max_term_width = 100
)]
pub struct Cli {
    /// Keep configuration, state and session in this directory instead of the XDG ones.
    #[arg(long, global = true, value_name = "DIR")]
    home: Option<PathBuf>,
    /// Print data as JSON, and errors as one JSON object on standard error.
    #[arg(long, global = true)]
    json: bool,
    /// Sign with the server's time where it differs from this machine's.
    #[arg(long, global = true)]
    server_time: bool,
    /// What to do.
    #[command(subcommand)]
    verb: Verb,
}

/// The verbs.
#[derive(Debug, Subcommand)]
enum Verb {
    /// What a person does at an installation.
    #[command(flatten)]
    Personal(Box<Personal>),
    /// The log: checkpoint, proofs, search, export, recovery.
    #[command(subcommand)]
    Log(log::Verb),
    /// Check an evidence folder, or the proof of one entry, offline.
    Verify(Box<verify::Args>),
    /// Play an emergency on this machine, everything real.
    Demo(crate::demo::Args),
    /// Begin a new installation: asks five questions, makes the keys, writes both files.
    Init(init::Args),
    /// Make the three keys of a new server.
    ServerKeys(server_keys::Args),
    /// Run the server.
    Serve(serve::Args),
    /// Run a witness: check that other people's logs only grow, and say so.
    Witness(witness::Args),
    /// Write the manual pages into a folder.
    Man(manual::ManArgs),
    /// Print a script that completes what you type in your shell.
    Completions(manual::CompletionsArgs),
    /// Print the API's description (OpenAPI 3.1).
    #[command(hide = true)]
    Openapi,
    /// The system that the demonstration breaks and repairs.
    #[command(hide = true, subcommand)]
    DemoTarget(crate::demo_target::Mode),
}

/// The verbs of a person at an installation.
#[derive(Debug, Subcommand)]
enum Personal {
    /// Begin a session: your key certifies a key of this client's for some hours.
    Login(login::Args),
    /// Show who you are to the server.
    Whoami,
    /// Show how the installation is.
    Status,
    /// Join an installation: pin it, pick a key, prove that you hold it.
    Join(join::Args),
    /// The authority: who may do what.
    #[command(subcommand)]
    Authority(authority::Verb),
    /// Where you are reached when something waits for you.
    #[command(subcommand)]
    Contact(contact::Verb),
    /// Keys: whose count, and how one ceases to.
    #[command(subcommand)]
    Key(key::Verb),
    /// Show whether an emergency could be handled now.
    Readiness(readiness::Args),
    /// Incidents: declare, look, note, resolve.
    #[command(subcommand)]
    Incident(incident::Verb),
    /// Ask for access to an account.
    Request(Box<request::Args>),
    /// List the requests that wait for approvals.
    Pending,
    /// Say yes to a request.
    Approve(approve::Args),
    /// Say no to a request.
    Deny(deny::Args),
    /// Take back your own request.
    Withdraw(withdraw::Args),
    /// Ask for more time under your own grant.
    Extend(extend::Args),
    /// Have the credential of your grant handed out.
    Checkout(checkout::Args),
    /// Give back your grant.
    Return(return_grant::Args),
    /// End somebody's grant.
    Revoke(revoke::Args),
    /// Look at grants.
    #[command(subcommand)]
    Grant(grant::Verb),
    /// Act under a grant: plan, run, record.
    #[command(subcommand)]
    Action(action::Verb),
    /// Accounts and their credentials.
    #[command(subcommand)]
    Account(account::Verb),
    /// The incident report.
    #[command(subcommand)]
    Report(report::Verb),
    /// The post-incident review, and what comes of it.
    #[command(subcommand)]
    Review(review::Verb),
    /// The change advisory board: told, and what it decided.
    #[command(subcommand)]
    Cab(cab::Verb),
    /// Whether accounts, and who may ask for them, stay as they are.
    #[command(subcommand)]
    AccessReview(access_review::Verb),
    /// Let a duty go. Takes two people.
    Waive(waive::Args),
}

/// Runs the program with the arguments of the process.
#[must_use]
pub fn main() -> ExitCode {
    crate::hygiene::keep_secrets_in();
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return mistyped::answer(&error),
    };
    let output = Output::new(cli.json);
    let ended = match run(cli, output) {
        Ok(status) => status,
        Err(failure) => {
            output.failure(&failure);
            failure.exit_code()
        }
    };
    if crate::output::data_lost() {
        let lost = Failure::of(
            Code::DataLost,
            "the data could not be written to standard output",
        )
        .hint("is there room where the output goes? What was done is done: breakglass status");
        output.failure(&lost);
        return lost.exit_code();
    }
    ended
}

fn run(cli: Cli, output: Output) -> Result<ExitCode, Failure> {
    let context = || Context::new(cli.home.as_deref(), cli.server_time, output);
    match cli.verb {
        Verb::Verify(args) => {
            verify::run(&args, cli.home.as_deref(), output).map(|()| ExitCode::SUCCESS)
        }
        Verb::Demo(args) => crate::demo::main(&args).map(|()| ExitCode::SUCCESS),
        Verb::Init(args) => init::run(&args, output).map(|()| ExitCode::SUCCESS),
        Verb::ServerKeys(args) => server_keys::run(&args, output).map(|()| ExitCode::SUCCESS),
        Verb::Serve(args) => serve::run(&args, output).map(|()| ExitCode::SUCCESS),
        Verb::Witness(args) => witness::run(args, output).map(|()| ExitCode::SUCCESS),
        Verb::Man(args) => manual::man(&args, output).map(|()| ExitCode::SUCCESS),
        Verb::Completions(args) => {
            manual::completions(&args, output);
            Ok(ExitCode::SUCCESS)
        }
        Verb::DemoTarget(mode) => Ok(crate::demo_target::main(mode)),
        Verb::Openapi => {
            output.data(&breakglass_server::openapi());
            Ok(ExitCode::SUCCESS)
        }
        Verb::Personal(verb) => run_as_person(*verb, &context()?).map(|()| ExitCode::SUCCESS),
        Verb::Log(verb) => log::run(&verb, output, context).map(|()| ExitCode::SUCCESS),
    }
}

impl Personal {
    /// Whether it only looks at the record, and is needed by nobody in an emergency.
    const fn only_looks_back(&self) -> bool {
        match self {
            Self::Incident(verb) => matches!(verb, incident::Verb::Timeline { .. }),
            Self::Report(verb) => matches!(verb, report::Verb::Show { .. }),
            Self::Review(verb) => matches!(verb, review::Verb::Show { .. }),
            Self::AccessReview(verb) => matches!(verb, access_review::Verb::List),
            Self::Login(_)
            | Self::Whoami
            | Self::Status
            | Self::Join(_)
            | Self::Authority(_)
            | Self::Contact(_)
            | Self::Key(_)
            | Self::Readiness(_)
            | Self::Request(_)
            | Self::Pending
            | Self::Approve(_)
            | Self::Deny(_)
            | Self::Withdraw(_)
            | Self::Extend(_)
            | Self::Checkout(_)
            | Self::Return(_)
            | Self::Revoke(_)
            | Self::Grant(_)
            | Self::Action(_)
            | Self::Account(_)
            | Self::Cab(_)
            | Self::Waive(_) => false,
        }
    }
}

fn run_as_person(verb: Personal, cx: &Context) -> Result<(), Failure> {
    if verb.only_looks_back() {
        witnessed::before(cx)?;
        return perform(verb, cx);
    }
    perform(verb, cx)?;
    witnessed::after(cx);
    Ok(())
}

fn perform(verb: Personal, cx: &Context) -> Result<(), Failure> {
    match verb {
        Personal::Login(args) => login::run(&args, cx),
        Personal::Whoami => whoami::run(cx),
        Personal::Status => status::run(cx),
        Personal::Join(args) => join::run(&args, cx),
        Personal::Authority(verb) => authority::run(&verb, cx),
        Personal::Contact(verb) => contact::run(verb, cx),
        Personal::Key(verb) => key::run(verb, cx),
        Personal::Readiness(args) => readiness::run(&args, cx),
        Personal::Incident(verb) => incident::run(verb, cx),
        Personal::Request(args) => request::run(*args, cx),
        Personal::Pending => pending::run(cx),
        Personal::Approve(args) => approve::run(&args, cx),
        Personal::Deny(args) => deny::run(&args, cx),
        Personal::Withdraw(args) => withdraw::run(&args, cx),
        Personal::Extend(args) => extend::run(&args, cx),
        Personal::Checkout(args) => checkout::run(&args, cx),
        Personal::Return(args) => return_grant::run(&args, cx),
        Personal::Revoke(args) => revoke::run(&args, cx),
        Personal::Grant(verb) => grant::run(&verb, cx),
        Personal::Action(verb) => action::run(verb, cx),
        Personal::Account(verb) => account::run(&verb, cx),
        Personal::Report(verb) => report::run(verb, cx),
        Personal::Review(verb) => review::run(verb, cx),
        Personal::Cab(verb) => cab::run(verb, cx),
        Personal::AccessReview(verb) => access_review::run(verb, cx),
        Personal::Waive(args) => waive::run(args, cx),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    #[test]
    fn the_command_line_makes_sense_to_its_parser() {
        super::Cli::command().debug_assert();
    }
}
