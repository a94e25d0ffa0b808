//! What every verb is given: where files are, whom to ask, how to answer.

use std::{cell::Cell, path::Path};

use breakglass_api::{Client, ClientError};

use super::attendant::Terminal;
use crate::{
    actor::{Actor, NO_SESSION, Parts},
    clock::{Clock, SystemClock},
    entropy::SystemEntropy,
    hint::Failure,
    output::{Output, Screen, line},
    signer,
    state::{ClientConfig, Home},
    tls,
    trust::{Trust, TrustError},
};

/// What every verb is given.
#[derive(Debug)]
pub struct Context {
    home: Home,
    server_time: bool,
    output: Output,
    /// The one server that is asked, of those of the configuration.
    server: Option<String>,
    told_of_crossing: Cell<bool>,
}

impl Context {
    /// From the global options.
    ///
    /// # Errors
    ///
    /// Nothing says where files go.
    pub fn new(home: Option<&Path>, server_time: bool, output: Output) -> Result<Self, Failure> {
        let home = match home {
            Some(dir) => Home::under(dir),
            None => Home::from_environment(std::env::var_os::<&'static str>)?,
        };
        Ok(Self {
            home,
            server_time,
            output,
            server: None,
            told_of_crossing: Cell::new(false),
        })
    }

    /// The same, asking only the server with this address. It must be one of the configuration:
    /// a session's token is shown to nobody else.
    #[must_use]
    pub fn at_server(self, url: &str) -> Self {
        let server = Some(url.trim_end_matches('/').to_owned());
        Self { server, ..self }
    }

    /// Where files are.
    #[must_use]
    pub const fn home(&self) -> &Home {
        &self.home
    }

    /// Where answers go.
    #[must_use]
    pub const fn output(&self) -> Output {
        self.output
    }

    /// The configuration.
    ///
    /// # Errors
    ///
    /// It is missing or has a mistake.
    pub fn config(&self) -> Result<ClientConfig, Failure> {
        let mut config = ClientConfig::load(&self.home.config_file())?;
        let Some(server) = &self.server else {
            return Ok(config);
        };
        let known = |url: &String| url.trim_end_matches('/') == server;
        config.servers.retain(known);
        if config.servers.is_empty() {
            let message = format!("{server} is no server of the installation joined from here");
            return Err(Failure::usage(message).hint(
                "name one that client.toml lists, or the directory that you joined from: \
                 --home DIR",
            ));
        }
        Ok(config)
    }

    /// A client for what anybody may ask; with the session's token where there is one.
    ///
    /// # Errors
    ///
    /// There is no configuration.
    pub fn anybody(&self) -> Result<Client, Failure> {
        let config = self.config()?;
        let session = self.home.session().load()?;
        let session = session.filter(|s| s.is_of(config.genesis, &config.principal));
        let token = session.map(|s| s.token().to_owned());
        Ok(connect(&config)?.with_token(token))
    }

    /// A client for what people with a session may read; where the server no longer knows the
    /// session, a new one begins.
    ///
    /// # Errors
    ///
    /// There is no configuration, or a session cannot begin.
    pub fn client(&self) -> Result<Client, Failure> {
        Ok(self.client_and_trust()?.0)
    }

    /// Such a client, and the installation where it is believed.
    fn client_and_trust(&self) -> Result<(Client, Option<Trust>), Failure> {
        let client = self.anybody()?;
        match client.whoami() {
            Err(ClientError::Refused(problem)) if problem.code == NO_SESSION => {
                let actor = self.actor()?;
                Ok((actor.client().clone(), Some(actor.trust().clone())))
            }
            Ok(_) | Err(_) => {
                let trust = self.look(&client);
                Ok((client, trust))
            }
        }
    }

    /// Looks whether the log goes on from what was seen here before. Where it does not, that is
    /// said before anything else, and both checkpoints are kept; nobody in an emergency is kept
    /// from what they came for by it. Gives the installation where it is believed.
    pub fn look(&self, client: &Client) -> Option<Trust> {
        let genesis = self.config().ok()?.genesis;
        match Trust::establish(client, self.home.pins(genesis), genesis) {
            Ok(trust) => {
                self.look_at_log(client, &trust);
                Some(trust)
            }
            Err(error) => {
                self.alarm(&error);
                None
            }
        }
    }

    fn look_at_log(&self, client: &Client, trust: &Trust) {
        let seen = client.checkpoint().map_err(TrustError::from);
        let seen = seen.and_then(|text| trust.see_checkpoint(client, &text, self.now()));
        // Some servers show their checkpoint to sessions alone, so that only now it may be known.
        self.tell_of_crossing(trust);
        if let Err(error) = seen {
            self.alarm(&error);
        }
    }

    /// What a server shows that cannot be true. That it cannot be asked is for the command to say.
    fn alarm(&self, error: &TrustError) {
        if matches!(error, TrustError::Client(_)) {
            return;
        }
        self.output.warn(&format!("WARNING: {error}"));
        self.output.warn(
            "WARNING: do not rely on what this server shows; ask another one, and tell the auditors",
        );
    }

    /// The verified installation, with a client for what anybody may ask.
    ///
    /// # Errors
    ///
    /// There is no configuration, or the installation is not believed.
    pub fn trust(&self) -> Result<(Client, Trust), Failure> {
        self.trusting(self.anybody()?)
    }

    /// The verified installation, with a client for what people with a session may read.
    ///
    /// # Errors
    ///
    /// As [`Self::trust`], or a session cannot begin.
    pub fn reading(&self) -> Result<(Client, Trust), Failure> {
        match self.client_and_trust()? {
            (client, Some(trust)) => Ok((client, trust)),
            (client, None) => self.trusting(client),
        }
    }

    fn trusting(&self, client: Client) -> Result<(Client, Trust), Failure> {
        let genesis = self.config()?.genesis;
        let trust = Trust::establish(&client, self.home.pins(genesis), genesis)?;
        self.tell_of_crossing(&trust);
        Ok((client, trust))
    }

    /// That the log goes on under another origin is said before anything else, and once.
    pub(super) fn tell_of_crossing(&self, trust: &Trust) {
        let Some(crossed) = trust.crossed() else {
            return;
        };
        if self.told_of_crossing.replace(true) {
            return;
        }
        let (epoch, origin) = (crossed.epoch, line(&crossed.origin));
        let signed_by = crossed.signed_by.join(", ");
        self.output.warn(&format!(
            "warning: epoch {epoch} of the log: it goes on as {origin}, which {signed_by} signed: {}",
            line(&crossed.reason)
        ));
        let kept = crossed.evidence.display();
        let lost = match crossed.lost {
            0 => "it has everything that was seen here before".to_owned(),
            lost => format!("{lost} ENTRIES THAT WERE SEEN HERE ARE LOST: ask those who signed"),
        };
        self.output.warn(&format!(
            "warning: {lost}; the last checkpoint of before is kept: {kept}"
        ));
    }

    /// The person of the configuration.
    ///
    /// # Errors
    ///
    /// The key cannot be reached, or the installation is not believed.
    pub fn actor(&self) -> Result<Actor, Failure> {
        let mut actor = self.actor_of(&self.config()?)?;
        actor.ensure_session()?;
        self.look_at_log(actor.client(), actor.trust());
        Ok(actor)
    }

    /// The person of a configuration that may not be saved yet.
    ///
    /// # Errors
    ///
    /// The key cannot be reached, or the installation is not believed.
    pub fn actor_of(&self, config: &ClientConfig) -> Result<Actor, Failure> {
        let signer = signer::open(&config.key.place())?;
        let actor = Actor::open(Parts {
            client: connect(config)?,
            signer,
            home: self.home.clone(),
            genesis: config.genesis,
            clock: Box::new(SystemClock),
            entropy: Box::new(SystemEntropy),
            attendant: Box::new(Terminal::new(self.output)),
            server_time: self.server_time,
        })?;
        self.tell_of_crossing(actor.trust());
        let owner = &actor.identity().principal;
        if *owner != config.principal {
            self.output.warn(&format!(
                "warning: client.toml says {}, and its key is {owner}'s: you sign as {owner}",
                config.principal
            ));
        }
        Ok(actor)
    }

    /// What data are shown on. Times are told by the server's clock, by which they count; where it
    /// does not say, by this machine's.
    #[must_use]
    pub fn screen(&self, client: &Client) -> Screen {
        Screen::of_stdout(|| client.status().map_or_else(|_| self.now(), |s| s.time))
    }

    /// The time by this machine's clock.
    #[must_use]
    pub fn now(&self) -> breakglass_format::Timestamp {
        SystemClock.now()
    }
}

/// A client of a configuration's servers, without a session.
pub(super) fn connect(config: &ClientConfig) -> Result<Client, Failure> {
    let tls = tls::config(config.ca_file.as_deref())?;
    Ok(Client::new(config.servers.clone(), tls))
}
