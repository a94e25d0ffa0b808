//! `breakglass demo`: one real emergency, end to end, on this machine.
//!
//! Nothing of it is acted: a server with its log, people with keys of their own, a shop that is
//! broken, a password that works or does not. Everything goes through the public API. Only the
//! clock may jump, and that clock is an argument of the server's constructor, which no flag,
//! configuration or call of a real server reaches.

mod attacks;
mod authority;
mod clock;
mod control_plane;
mod documents;
mod house;
mod interrupted;
mod narrator;
mod play;
mod postgres;
mod shop;
mod stage;

use std::{
    path::{Path, PathBuf},
    sync::PoisonError,
};

use thiserror::Error;

pub use self::{
    authority::{ACCOUNT, ACCOUNT_ID, DATABASE},
    clock::PlayClock,
    control_plane::ControlPlane,
    house::House,
    postgres::{PostgresServer, ROLE, ROTATOR, find as find_postgres},
    shop::{Answer, Shop},
    stage::{Database, KEY, SECOND_KEY, Stage},
};
use self::{narrator::Narrator, play::Play, shop::this_program};
use crate::hint::{Code, Failure};

/// Play an emergency on this machine: everything real, nothing left behind but a folder
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Which scenario to play; all three one after the other if not given
    #[arg(long, value_enum, default_value_t = Scenario::All)]
    pub scenario: Scenario,
    /// Exit when the play is over, instead of staying up for exploring
    #[arg(long)]
    pub once: bool,
    /// Export the evidence folder into this empty or new folder
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
}

/// Which scenario is played.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Scenario {
    /// Deploy a fix past the usual pipeline, and tell the board afterwards.
    CriticalPatch,
    /// Roll back a broken release.
    ProductionOutage,
    /// Deploy directly while the control plane is gone.
    SystemFailure,
    /// All three.
    All,
}

impl Scenario {
    fn includes(self, other: Self) -> bool {
        self == Self::All || self == other
    }
}

/// Why the demonstration stopped.
#[derive(Debug, Error)]
pub enum DemoError {
    /// A file or a folder.
    #[error("{}: {source}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The folder for the export is not empty.
    #[error("{} is not an empty folder", path.display())]
    NotEmpty {
        /// The folder.
        path: PathBuf,
    },
    /// The shop did not start.
    #[error("the shop did not start: {0}")]
    Shop(String),
    /// The server did not start.
    #[error("the server did not start: {0}")]
    Start(#[from] breakglass_server::StartError),
    /// Keys and documents of the people could not be made.
    #[error("people and keys could not be made: {0}")]
    Make(String),
    /// A person's step failed.
    #[error("{who} could not {what}: {source}")]
    Step {
        /// Who.
        who: &'static str,
        /// What.
        what: &'static str,
        /// Why.
        source: Box<crate::actor::ActorError>,
    },
    /// Something came out other than it must.
    #[error("the demonstration found a fault: {0}")]
    Fault(String),
}

impl From<DemoError> for Failure {
    fn from(error: DemoError) -> Self {
        let hint = match &error {
            DemoError::NotEmpty { .. } => "name an empty or a new folder: --out DIR",
            DemoError::File { .. } => "is the folder yours, and is there room? Then run it again",
            DemoError::Shop(_)
            | DemoError::Start(_)
            | DemoError::Make(_)
            | DemoError::Step { .. }
            | DemoError::Fault(_) => "run it again; if it fails again, please report it",
        };
        let mut text = error.to_string();
        let mut source = std::error::Error::source(&error);
        while let Some(cause) = source {
            // Some causes are part of what the error says already.
            let cause_text = cause.to_string();
            if !text.contains(&cause_text) {
                text = format!("{text}: {cause_text}");
            }
            source = cause.source();
        }
        Self::of(Code::DemoFailed, text).hint(hint)
    }
}

/// Plays, then stays up or exits. Exit codes: 0 played and verified, 1 not.
///
/// # Errors
///
/// It could not be played, or found a fault.
pub fn main(args: &Args) -> Result<(), Failure> {
    Ok(run(args, &mut Narrator::for_terminal())?)
}

fn run(args: &Args, narrator: &mut Narrator) -> Result<(), DemoError> {
    if let Some(out) = &args.out {
        check_empty(out)?;
    }
    narrator.scene("Setting the stage: eight people with keys of their own, a shop, a server");
    let place = stage::temporary()?;
    let file = |source| DemoError::File {
        path: place.clone(),
        source,
    };
    let companion = interrupted::Companion::default();
    interrupted::clear_away(place.clone(), companion.clone()).map_err(file)?;
    let database = if args.scenario.includes(Scenario::ProductionOutage) {
        PostgresServer::start(&place)?
    } else {
        None
    };
    let pid = database.as_ref().map(PostgresServer::pid);
    *companion.lock().unwrap_or_else(PoisonError::into_inner) = pid;
    let house = House::build_in(place, &this_program()?, database, true)?;
    house.introduce(narrator);
    let mut play = Play::begin(&house, narrator)?;
    play.perform(args.scenario)?;
    let (auditor, next) = play.into_auditor();
    let folder = args
        .out
        .clone()
        .unwrap_or_else(|| house.stage.dir().join("evidence"));
    play::evidence(&house, &auditor, narrator, &folder)?;
    if args.out.is_some() || !args.once {
        play::without_us(narrator);
    }
    if args.once {
        narrator.scene("Played to the end. Nothing keeps running.");
        return Ok(());
    }
    house.stay_up(narrator, &folder, next)
}

/// An export goes into an empty or new folder, never over something.
fn check_empty(out: &Path) -> Result<(), DemoError> {
    match std::fs::read_dir(out) {
        Ok(mut entries) => match entries.next() {
            None => Ok(()),
            Some(_) => Err(DemoError::NotEmpty {
                path: out.to_owned(),
            }),
        },
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        Err(source) => Err(DemoError::File {
            path: out.to_owned(),
            source,
        }),
    }
}
