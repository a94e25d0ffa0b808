//! Mistakes in what was typed, for people and for programs.

use std::{ffi::OsString, process::ExitCode};

use clap::error::ErrorKind;

use crate::{hint::Failure, output::Output};

/// Whether the arguments ask for JSON, as far as can be told of some that cannot be parsed.
/// What stands behind `--` is another program's.
fn wants_json(mut arguments: impl Iterator<Item = OsString>) -> bool {
    arguments
        .by_ref()
        .take_while(|a| a != "--")
        .any(|a| a == "--json")
}

/// Says what is wrong. Help and version are answers, everything else is a mistake.
pub(super) fn answer(error: &clap::Error) -> ExitCode {
    let exit = ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2));
    let asked_for = matches!(
        error.kind(),
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion
    );
    if asked_for || !wants_json(std::env::args_os()) {
        let _ = error.print();
        return exit;
    }
    let text = error.render().to_string();
    // What it prints there is the help, which does not say what is missing.
    let incomplete = error.kind() == ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand;
    let failure = if incomplete {
        of_text(&text.replacen(first(&text), "a command is missing", 1))
    } else {
        of_text(&text)
    };
    Output::new(true).failure(&failure);
    exit
}

fn first(text: &str) -> &str {
    text.split("\n\n").next().unwrap_or(text)
}

/// What clap says begins with the mistake; beneath it stand tips and the usage.
fn of_text(text: &str) -> Failure {
    let (mistake, rest) = text.split_once("\n\n").unwrap_or((text, ""));
    let mistake = mistake.strip_prefix("error: ").unwrap_or(mistake);
    let usage = rest.lines().find_map(|l| l.strip_prefix("Usage: "));
    match usage {
        Some(usage) => Failure::usage(mistake.trim()).hint(format!("usage: {}", usage.trim())),
        None => Failure::usage(mistake.trim()).hint("breakglass --help"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_is_wanted_where_it_stands_before_another_programs_arguments() {
        let wanted = |args: &[&str]| wants_json(args.iter().map(OsString::from));
        assert!(wanted(&["breakglass", "approve", "--json"]));
        assert!(!wanted(&[
            "breakglass",
            "checkout",
            "--exec",
            "--",
            "x",
            "--json"
        ]));
    }
}
