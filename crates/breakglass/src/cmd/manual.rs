//! `breakglass man` and `breakglass completions`: made from the command line's own description.

use std::path::PathBuf;

use clap::CommandFactory as _;
use clap_complete::Shell;

use super::Cli;
use crate::{
    hint::{Code, Failure},
    output::Output,
    state::file,
};

/// Options of `man`.
#[derive(Debug, clap::Args)]
pub(super) struct ManArgs {
    /// The folder that the pages go to: /usr/local/share/man/man1
    dir: PathBuf,
}

/// Options of `completions`.
#[derive(Debug, clap::Args)]
pub(super) struct CompletionsArgs {
    /// For which shell.
    shell: Shell,
}

/// Writes a page for the program and one for each of its verbs.
pub(super) fn man(args: &ManArgs, output: Output) -> Result<(), Failure> {
    file::make_dir(&args.dir)?;
    clap_mangen::generate_to(Cli::command(), &args.dir).map_err(|error| {
        let says = format!("{}: {error}", args.dir.display());
        Failure::of(Code::StateUnusable, says).hint("may you write there?")
    })?;
    output.data(&args.dir.display().to_string());
    output.say("read with: man breakglass, man breakglass-request …");
    Ok(())
}

/// Prints a script that completes verbs and options.
pub(super) fn completions(args: &CompletionsArgs, output: Output) {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "breakglass", &mut script);
    output.data(String::from_utf8_lossy(&script).trim_end());
}
