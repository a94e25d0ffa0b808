//! `demo-target`, a hidden subcommand: the system that the demonstration breaks and repairs.
//!
//! It is a second process of this program, on loopback: a shop with two releases, of which the
//! newer one is broken. It rolls back for whoever presents the account's password, keeps of that
//! password a salted hash only, and lets the rotator change it. Beside the server there are the
//! two programs by which breakglass reaches it, a rotator and a connector; both speak
//! `docs/spec/command-protocol.md` like a program of anybody else.
//!
//! What it shows is real: processes, sockets, files, a password that works or does not. What it
//! is not is a server to be used: loopback without TLS, no limit on guesses.

mod accounts;
mod adapter;
mod app;
mod client;
mod connector;
mod file;
mod http;
mod order;
mod password;
mod rotator;
mod secret;
mod server;
mod site;
mod state;

use std::{
    io::{self, Write as _},
    num::NonZeroU64,
    path::{Path, PathBuf},
    process::ExitCode,
};

use thiserror::Error;

use self::{
    adapter::InputError,
    file::FileError,
    secret::Secret,
    server::{Faults, Server, ServerError},
    state::State,
};

/// What `demo-target` is asked to be.
#[derive(Debug, clap::Subcommand)]
pub enum Mode {
    /// Make a folder with a broken shop; standard input: {"account":…,"password":…}
    Init {
        /// The folder of the shop; must not hold one yet
        #[arg(long)]
        dir: PathBuf,
    },
    /// Serve the shop on a free port of 127.0.0.1 until standard input ends
    Serve {
        /// The folder of the shop
        #[arg(long)]
        dir: PathBuf,
        /// Where to write the port, beside standard output
        #[arg(long)]
        port_file: Option<PathBuf>,
        /// Make the Nth change, a new password or a rollback, and close without an answer
        #[arg(long, value_name = "N")]
        drop_answer_after_change: Option<NonZeroU64>,
        /// Answer 503 to everything while this file exists
        #[arg(long, value_name = "FILE")]
        away: Option<PathBuf>,
    },
    /// Change and prove the shop's password: the command protocol of a rotator
    Rotator {
        /// The shop: http://127.0.0.1:PORT
        #[arg(long)]
        url: String,
    },
    /// Roll the shop back: the command protocol of a connector
    Connector {
        /// The shop: http://127.0.0.1:PORT
        #[arg(long)]
        url: String,
    },
}

/// Why there is no shop, or no longer one.
#[derive(Debug, Error)]
enum TargetError {
    #[error(transparent)]
    Input(#[from] InputError),
    #[error(transparent)]
    File(#[from] FileError),
    #[error(transparent)]
    Server(#[from] ServerError),
}

/// Does it. Exit codes: 0 done; 1 not done, with an `error:` line, or for the two adapters the
/// answer that says so.
pub fn main(mode: Mode) -> ExitCode {
    let result = match mode {
        Mode::Init { dir } => init_from_input(&dir),
        Mode::Serve {
            dir,
            port_file,
            drop_answer_after_change,
            away,
        } => serve(
            &dir,
            port_file.as_deref(),
            Faults {
                drop_answer_after_change,
                away,
            },
        ),
        Mode::Rotator { url } => return adapter::main(&url, rotator::answer),
        Mode::Connector { url } => return adapter::main(&url, connector::answer),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Nobody to tell where even that fails.
            let _ = writeln!(io::stderr(), "error: {error}");
            ExitCode::FAILURE
        }
    }
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct FirstAccount {
    account: String,
    password: Secret,
}

fn init_from_input(dir: &Path) -> Result<(), TargetError> {
    let input = adapter::read_input(&mut io::stdin().lock())?;
    let first: FirstAccount = adapter::parse(&input)?;
    Ok(State::create(dir, &first.account, &first.password)?)
}

/// Standard input is the parent's hand: when it lets go, by intent or by dying, the shop closes.
/// Whatever is under way then is either on disk or did not happen.
fn serve(dir: &Path, port_file: Option<&Path>, faults: Faults) -> Result<(), TargetError> {
    let running = Server::bind(dir, faults)?.start()?;
    let port = format!("{}\n", running.port());
    if let Some(path) = port_file {
        file::write(path, port.as_bytes())?;
    }
    // The reader may be gone, having read the file.
    let _ = io::stdout().write_all(port.as_bytes());
    let _ = io::stdout().flush();
    let _ = io::copy(&mut io::stdin().lock(), &mut io::sink());
    Ok(())
}

#[cfg(test)]
mod tests;
