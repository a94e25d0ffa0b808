//! `breakglass authority`: written as TOML, compiled to canonical JSON, signed by root persons.

mod compile;
mod diff;
mod friendly;
mod plan;
mod publish;
mod show;
pub(super) mod sign;
mod verify;

use std::path::PathBuf;

use breakglass_format::{Digest, Timestamp};
use clap::Subcommand;

use super::Context;
use crate::hint::Failure;

/// What to do with the authority.
#[derive(Debug, Subcommand)]
pub(super) enum Verb {
    /// Show the authority in force, verified from the pinned genesis.
    Show,
    /// Compile authority.toml to the canonical document that is signed, and print its digest.
    Compile {
        /// The TOML file.
        file: PathBuf,
        /// The version before (canonical); without it the result is a genesis.
        #[arg(long, value_name = "FILE")]
        previous: Option<PathBuf>,
        /// When it is written; now if not given.
        #[arg(long, value_name = "TIME")]
        issued_at: Option<Timestamp>,
        /// Where the document goes; beside the TOML file if not given.
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
    },
    /// Show what authority.toml would change of the authority in force, and who has to sign it.
    Plan {
        /// The TOML file.
        file: PathBuf,
        /// Write the compiled document beside it, ready to be signed.
        #[arg(long)]
        keep: bool,
    },
    /// Show what one compiled document changes of another.
    Diff {
        /// The older document.
        old: PathBuf,
        /// The newer one.
        new: PathBuf,
    },
    /// Sign a compiled document as a root person.
    Sign {
        /// The compiled document.
        file: PathBuf,
        /// A private key file; the key of client.toml if not given.
        #[arg(long, value_name = "FILE")]
        key: Option<PathBuf>,
        /// Sign without asking; for use without a terminal.
        #[arg(long)]
        yes: bool,
    },
    /// Publish the next version, with the signatures that lie beside it.
    Publish {
        /// The compiled document; signatures are FILE.PRINCIPAL.sig.
        file: PathBuf,
    },
    /// Verify a chain of compiled documents with the signatures beside them.
    Verify {
        /// The documents, genesis first; signatures are FILE.PRINCIPAL.sig.
        #[arg(required = true)]
        files: Vec<PathBuf>,
        /// The digest that the genesis must have.
        #[arg(long, value_name = "sha256:…", value_parser = crate::cmd::input::digest)]
        genesis: Option<Digest>,
    },
}

pub(super) fn run(verb: &Verb, cx: &Context) -> Result<(), Failure> {
    match verb {
        Verb::Show => show::run(cx),
        Verb::Compile {
            file,
            previous,
            issued_at,
            out,
        } => {
            let issued_at = issued_at.unwrap_or_else(|| cx.now());
            compile::run(file, previous.as_deref(), issued_at, out.as_deref(), cx)
        }
        Verb::Plan { file, keep } => plan::run(file, *keep, cx),
        Verb::Diff { old, new } => diff::run(old, new, cx),
        Verb::Sign { file, key, yes } => sign::run(file, key.as_deref(), *yes, cx),
        Verb::Publish { file } => publish::run(file, cx),
        Verb::Verify { files, genesis } => verify::run(files, *genesis, cx),
    }
}

/// A document's bytes.
fn read(path: &std::path::Path) -> Result<Vec<u8>, Failure> {
    let content = crate::state::file::read(path)?;
    let content = content.ok_or_else(|| Failure::missing(path))?;
    Ok(content.to_vec())
}
