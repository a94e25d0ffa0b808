//! Running libFuzzer on the parsers of `breakglass-fuzz`. What it finds on its way lies in
//! `target/fuzz/corpus/PARSER` and is used again by the next run; input that ends a parser lies in
//! `target/fuzz/found/PARSER`.
//!
//! The instrumentation is LLVM's and needs no nightly compiler. There is no address sanitizer: no
//! crate of ours has unsafe code.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use crate::cargo::Workspace;
use crate::error::Error;

const PACKAGE: &str = "breakglass-fuzz";
/// Longest input, bytes: above every limit that a parser has of its own but that of documents.
const INPUT_BYTES_MAX: u32 = 131_072;
/// Coverage counters, a table of places for them, and what comparisons compare with.
const INSTRUMENTED: &str = "-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
     -Cllvm-args=-sanitizer-coverage-inline-8bit-counters \
     -Cllvm-args=-sanitizer-coverage-pc-table -Cllvm-args=-sanitizer-coverage-trace-compares \
     -Ccodegen-units=1";

/// Which parsers, all of them where none is named, and for how long each.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Wish {
    seconds: u32,
    parsers: Vec<String>,
}

impl Wish {
    pub(crate) fn parse(words: &[String]) -> Option<Self> {
        let mut wish = Self {
            seconds: 60,
            parsers: Vec::new(),
        };
        let mut words = words.iter();
        while let Some(word) = words.next() {
            match word.as_str() {
                "--seconds" => wish.seconds = words.next()?.parse().ok().filter(|n| *n > 0)?,
                word if word.starts_with('-') => return None,
                word => wish.parsers.push(word.to_owned()),
            }
        }
        Some(wish)
    }
}

/// Builds the fuzzer and runs it on one parser after the other, all of them even where one fails.
pub(crate) fn run(workspace: &Workspace, wish: &Wish) -> Result<ExitCode, Error> {
    let home = workspace.target.join("fuzz");
    let corpus = home.join("corpus");
    if !built(workspace, &home, &corpus)? {
        return Ok(ExitCode::FAILURE);
    }
    let known = names(&corpus)?;
    let parsers = if wish.parsers.is_empty() {
        &known
    } else {
        &wish.parsers
    };
    if let Some(unknown) = parsers.iter().find(|name| !known.contains(name)) {
        eprintln!("there is no parser {unknown}: {}", known.join(", "));
        return Ok(ExitCode::from(2));
    }
    let mut failed = Vec::new();
    for parser in parsers {
        println!("fuzz {parser}, {} s", wish.seconds);
        if !fuzzed(&home, &corpus, parser, wish.seconds)? {
            failed.push(parser.as_str());
        }
    }
    if failed.is_empty() {
        println!("{} parsers, nothing found", parsers.len());
        return Ok(ExitCode::SUCCESS);
    }
    let found = home.join("found");
    println!("found in {}: see {}", failed.join(", "), found.display());
    Ok(ExitCode::FAILURE)
}

/// Builds the fuzzer, and writes the true documents where it looks for them.
fn built(workspace: &Workspace, home: &Path, corpus: &Path) -> Result<bool, Error> {
    let mut write = workspace.cargo();
    write.args(["run", "--quiet", "--locked", "--package", PACKAGE]);
    write.args(["--bin", "corpus", "--"]).arg(corpus);
    let mut build = workspace.cargo();
    build.args(["build", "--locked", "--package", PACKAGE, "--bin", "fuzz"]);
    // With a target named, build scripts and macros are not instrumented.
    build.args(["--features", "libfuzzer", "--target", "host-tuple"]);
    build.arg("--target-dir").arg(home);
    build.env("RUSTFLAGS", INSTRUMENTED);
    Ok(succeeds(&mut write, "cargo run")? && succeeds(&mut build, "cargo build")?)
}

fn succeeds(command: &mut Command, name: &str) -> Result<bool, Error> {
    let status = command.status().map_err(Error::spawn(name))?;
    Ok(status.success())
}

/// The names of the folders of documents.
fn names(corpus: &Path) -> Result<Vec<String>, Error> {
    let folders = fs::read_dir(corpus).map_err(Error::file(corpus))?;
    let mut names: Vec<String> = folders
        .filter_map(|folder| folder.ok()?.file_name().into_string().ok())
        .collect();
    names.sort();
    Ok(names)
}

/// Runs libFuzzer, which says a lot: into a file, of which the end is shown where something is found.
fn fuzzed(home: &Path, corpus: &Path, parser: &str, seconds: u32) -> Result<bool, Error> {
    let found = home.join("found").join(parser);
    fs::create_dir_all(&found).map_err(Error::file(&found))?;
    let said = home.join(format!("{parser}.log"));
    let log = File::create(&said).map_err(Error::file(&said))?;
    let mut fuzzer = Command::new(program(home)?);
    fuzzer.arg(corpus.join(parser));
    fuzzer.arg(format!("-artifact_prefix={}/", found.display()));
    fuzzer.arg(format!("-max_total_time={seconds}"));
    fuzzer.arg(format!("-max_len={INPUT_BYTES_MAX}"));
    fuzzer.args(["-timeout=10", "-print_final_stats=1"]);
    fuzzer.env("BREAKGLASS_FUZZ", parser).stderr(log);
    let fine = succeeds(&mut fuzzer, "the fuzzer")?;
    let said = fs::read(&said).map_err(Error::file(&said))?;
    let said = String::from_utf8_lossy(&said);
    let (counted, others) = said
        .lines()
        .partition::<Vec<_>, _>(|l| l.starts_with("stat::"));
    let shown = if fine {
        counted.as_slice()
    } else {
        tail(&others)
    };
    for line in shown {
        println!("  {}", line.trim_start_matches("stat::"));
    }
    Ok(fine)
}

/// The last lines.
fn tail<'a, 'b>(lines: &'a [&'b str]) -> &'a [&'b str] {
    lines
        .get(lines.len().saturating_sub(40)..)
        .unwrap_or_default()
}

/// Where cargo put the fuzzer: below a folder named after this machine's kind.
fn program(home: &Path) -> Result<PathBuf, Error> {
    let folders = fs::read_dir(home).map_err(Error::file(home))?;
    let places = folders.filter_map(|folder| Some(folder.ok()?.path().join("debug/fuzz")));
    let mut places = places.filter(|path| path.is_file());
    let missing = || std::io::Error::other("has no fuzzer that was built");
    places.next().ok_or_else(|| Error::file(home)(missing()))
}

#[cfg(test)]
mod tests {
    use super::Wish;

    fn parse(line: &str) -> Option<Wish> {
        let words: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
        Wish::parse(&words)
    }

    #[test]
    fn a_wish_names_parsers_and_a_time() {
        let wish = parse("entry --seconds 5 note").unwrap();
        assert_eq!((wish.seconds, wish.parsers.len()), (5, 2));
        assert_eq!(parse("").unwrap().seconds, 60);
        for wrong in ["--seconds", "--seconds 0", "--seconds soon", "--frobnicate"] {
            assert_eq!(parse(wrong), None, "{wrong}");
        }
    }
}
