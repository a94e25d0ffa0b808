//! The stage with a server on it, in this process, by a clock that can jump.

use std::{
    io::{IsTerminal as _, Read as _},
    path::{Path, PathBuf},
    sync::Arc,
};

use breakglass_server::{Clock as _, Server};

use super::{
    DemoError,
    authority::{ACCOUNT, ROLES},
    clock::PlayClock,
    narrator::Narrator,
    play::Next,
    postgres::PostgresServer,
    shop::this_program,
    stage::{KEY, Pager, Stage, temporary},
};
use crate::actor::Actor;

/// A stage with a running server. Dropped, it leaves nothing behind.
#[derive(Debug)]
pub struct House {
    // Before the stage: the server ends, by its own drop, before its folder goes.
    server: Option<Server>,
    /// The clock of the server and of everybody.
    pub clock: PlayClock,
    /// Where the server listens.
    pub url: String,
    /// Keys, people, documents, the shop.
    pub stage: Stage,
}

impl House {
    /// Makes the stage and starts the server.
    pub fn build(program: &Path) -> Result<Self, DemoError> {
        Self::build_in(temporary()?, program, None, false)
    }

    /// The same, in a folder that was made for it; with a database, and paging people, or without.
    pub fn build_in(
        dir: PathBuf,
        program: &Path,
        database: Option<PostgresServer>,
        paged: bool,
    ) -> Result<Self, DemoError> {
        let clock = PlayClock::default();
        let mut stage = Stage::build_in(dir, program, clock.wall(), database)?;
        if paged {
            stage.pager = Some(Pager::open(&stage)?);
        }
        let on_fatal = |_: &str| std::process::abort();
        let server = Server::start(&stage.config()?, Arc::new(clock.clone()), on_fatal)?;
        let url = format!("http://{}", server.address());
        stage.configure_people(&url)?;
        Ok(Self {
            server: Some(server),
            clock,
            url,
            stage,
        })
    }

    /// Who there is and what listens where.
    pub(super) fn introduce(&self, narrator: &mut Narrator) {
        for role in &ROLES {
            narrator.line(&format!("{:<6} {}", role.principal, role.does));
        }
        narrator.line(&format!("server {} (its log is new)", self.url));
        narrator.line(&format!("shop   {}", self.stage.shop.url()));
        narrator.line(&match &self.stage.database {
            Some(database) => format!("db     PostgreSQL on 127.0.0.1:{}", database.server.port),
            None => "db     none: PostgreSQL is not installed here, or has no part".to_owned(),
        });
    }

    /// A person at the keyboard, with the usual key.
    pub fn actor(&self, principal: &'static str) -> Result<Actor, DemoError> {
        self.actor_with(principal, KEY)
    }

    /// A person at the keyboard, with one of their keys.
    pub fn actor_with(&self, principal: &'static str, key: &str) -> Result<Actor, DemoError> {
        self.stage
            .actor(&self.url, principal, key, Box::new(self.clock.clone()))
    }

    /// Time passes, for the server and for everybody.
    pub fn skip_s(&self, seconds: i64) {
        self.clock.skip_s(seconds);
        if let Some(server) = &self.server {
            server.wake();
        }
    }

    /// Stops the server; the stage stays.
    pub fn stop_server(&mut self) {
        if let Some(server) = self.server.take() {
            server.stop();
        }
    }

    /// Number of entries in the log.
    #[must_use]
    pub fn log_size(&self) -> u64 {
        self.server.as_ref().map_or(0, Server::log_size)
    }

    /// Stays up until somebody ends it: Enter or end of input.
    pub(super) fn stay_up(
        &self,
        narrator: &mut Narrator,
        evidence: &Path,
        next: Next,
    ) -> Result<(), DemoError> {
        narrator.scene("The house stays open. In another terminal:");
        let program = this_program()?;
        let me = program.display();
        let home = |who: &str| format!("--server-time --home {}", self.stage.home(who).display());
        let verify = format!(
            "{me} verify {} --genesis {}",
            evidence.display(),
            self.stage.genesis
        );
        let Next {
            incident,
            request,
            grant,
        } = next;
        for command in [
            format!("{me} {} incident timeline INC-1", home("frank")),
            format!("{me} {} account list", home("carol")),
            format!(
                "{me} {} incident declare --scenario production-outage --severity sev2 \
                 --title 'again' --why 'trying it myself' --service shop --commander erin",
                home("alice")
            ),
            format!(
                "{me} {} request {ACCOUNT} --incident INC-{incident} --why 'trying it myself'",
                home("alice")
            ),
            format!("{me} {} approve R-{request}", home("bob")),
            format!("{me} {} approve R-{request}", home("carol")),
            format!("{me} {} checkout G-{grant} --show", home("alice")),
            format!("{me} {} return G-{grant}", home("alice")),
            verify,
        ] {
            narrator.line(&command);
        }
        narrator.line("");
        narrator.line("(The play skipped some days; --server-time signs by the house's clock.)");
        narrator.line("Enter ends it; everything but the --out folder is then removed.");
        let mut input = std::io::stdin();
        if input.is_terminal() {
            let mut line = String::new();
            let _ = input.read_line(&mut line);
        } else {
            let _ = input.read_to_end(&mut Vec::new());
        }
        Ok(())
    }
}
