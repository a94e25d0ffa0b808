//! Development commands: `cargo xtask test` runs everything that has to hold, `cargo xtask tidy`
//! the checks of the house alone, `cargo xtask bench` the benchmarks, `cargo xtask fuzz` the parsers,
//! `cargo xtask interop` other people's programs against ours.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a development command speaks to the person in front of it"
)]

mod apt;
mod bench;
mod cargo;
mod clock;
mod error;
mod fuzz;
mod interop;
mod packages;
mod test;
mod tidy;

use std::process::ExitCode;

use crate::cargo::Workspace;
use crate::error::Error;
use crate::test::Selection;

const USAGE: &str = "\
usage: cargo xtask <command>

  test                                everything: build, tidy, every test
  test [-p <package>]... [<filter>...] only these tests; what follows -- goes to the test program
  tidy                                the checks of the house
  bench [rules|service|log|verify|custody]    the benchmarks, which print and never fail for being slow
  fuzz [--seconds <n>] [<parser>...]  libFuzzer on the parsers, a minute each unless told; needs c++
  interop                             other people's witness, log and verifier against ours; needs a
                                      newer Go than Debian 12 has, and a Go module proxy

exit status of test: 0 all passed, 1 something failed, 2 wrong usage, 3 passed but not all could run";

/// What the command line asks for.
#[derive(Debug, PartialEq, Eq)]
enum Task {
    Help,
    Test(Selection),
    Tidy,
    Bench(Vec<bench::Suite>),
    Fuzz(fuzz::Wish),
    Interop,
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let Some(task) = parse(&arguments) else {
        eprintln!("{USAGE}");
        return ExitCode::from(2);
    };
    match execute(task) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("xtask: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Reads the command line; `None` is wrong usage.
fn parse(arguments: &[String]) -> Option<Task> {
    let (command, rest) = arguments.split_first()?;
    match command.as_str() {
        "help" | "-h" | "--help" => Some(Task::Help),
        "test" if rest.iter().any(|word| word == "-h" || word == "--help") => Some(Task::Help),
        "test" => Selection::parse(rest).map(Task::Test),
        "tidy" if rest.is_empty() => Some(Task::Tidy),
        "bench" => bench::Suite::parse(rest).map(Task::Bench),
        "fuzz" => fuzz::Wish::parse(rest).map(Task::Fuzz),
        "interop" if rest.is_empty() => Some(Task::Interop),
        _ => None,
    }
}

fn execute(task: Task) -> Result<ExitCode, Error> {
    match task {
        Task::Help => {
            println!("{USAGE}");
            Ok(ExitCode::SUCCESS)
        }
        Task::Test(selection) => test::run(&Workspace::load()?, &selection),
        Task::Tidy => tidy::run(&Workspace::load()?),
        Task::Bench(suites) => bench::run(&Workspace::load()?, &suites),
        Task::Fuzz(wish) => fuzz::run(&Workspace::load()?, &wish),
        Task::Interop => interop::run(&Workspace::load()?),
    }
}

#[cfg(test)]
mod tests {
    use super::{Task, parse};
    use crate::bench::Suite;
    use crate::test::Selection;

    fn words(line: &str) -> Vec<String> {
        line.split_whitespace().map(str::to_owned).collect()
    }

    #[test]
    fn commands_are_recognised() {
        assert_eq!(parse(&words("tidy")), Some(Task::Tidy));
        assert_eq!(
            parse(&words("test")),
            Some(Task::Test(Selection::default()))
        );
        assert_eq!(parse(&words("test --help")), Some(Task::Help));
        let (rules, service, log) = (Suite::Rules, Suite::Service, Suite::Log);
        let all = vec![rules, service, log, Suite::Verify, Suite::Custody];
        assert_eq!(parse(&words("bench")), Some(Task::Bench(all)));
        let one = vec![Suite::Service];
        assert_eq!(parse(&words("bench service")), Some(Task::Bench(one)));
        assert_eq!(parse(&words("interop")), Some(Task::Interop));
    }

    #[test]
    fn anything_else_is_wrong_usage() {
        for line in [
            "",
            "tidyy",
            "tidy now",
            "test -p",
            "bench all",
            "test --frobnicate",
            "interop now",
        ] {
            assert_eq!(parse(&words(line)), None, "{line:?}");
        }
    }
}
