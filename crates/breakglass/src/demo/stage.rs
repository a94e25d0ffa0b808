//! Everything an installation needs but the server itself, made on the spot in a folder of its
//! own: keys and people, the authority, a broken shop, the server's configuration.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use breakglass_api::Client;
use breakglass_format::{Digest, Timestamp};
use breakglass_seal::{
    Credential, CredentialBuilder, PasswordLength, SecretText, generate_password, names,
};
use breakglass_server::{
    Config,
    config::{Asks, Hook, Notify, Postgres, ProbeConfig},
};

use super::{
    DemoError,
    authority::{ACCOUNT, ROLES, parse},
    control_plane::ControlPlane,
    documents::Documents,
    postgres::{PostgresServer, ROLE, ROTATOR},
    shop::Shop,
};
use crate::{
    actor::{Actor, Parts, Silent},
    clock::Clock,
    entropy::{SystemEntropy, random},
    signer::open_file,
    state::{ClientConfig, Home, config::KeyConfig, file},
};

/// What the probe of the control plane is called.
const PROBE: &str = "deploy-api";
/// File name of a person's key.
pub const KEY: &str = "id_ed25519";
/// File name of a second key of the same person.
pub const SECOND_KEY: &str = "id_second";

/// The stage. Dropped, it leaves nothing behind.
#[derive(Debug)]
pub struct Stage {
    dir: PathBuf,
    /// The broken shop.
    pub shop: Shop,
    /// The normal way to deploy.
    pub control_plane: ControlPlane,
    /// What everybody is paged by, where somebody wanted one.
    pub pager: Option<Pager>,
    /// The database, where PostgreSQL is installed and somebody wanted one.
    pub database: Option<Database>,
    /// The password that the shop was made with, before breakglass knows it.
    pub first_password: Credential,
    /// SHA-256 of the genesis authority.
    pub genesis: Digest,
    program: PathBuf,
}

impl Stage {
    /// Makes everything. `program` is this program, for its second processes; `now` is when the
    /// documents are signed.
    pub fn build(program: &Path, now: Timestamp) -> Result<Self, DemoError> {
        Self::build_in(temporary()?, program, now, None)
    }

    /// The same with a database, where PostgreSQL is installed.
    pub fn build_with_database(program: &Path, now: Timestamp) -> Result<Self, DemoError> {
        let dir = temporary()?;
        let database = PostgresServer::start(&dir)?;
        Self::build_in(dir, program, now, database)
    }

    /// The same, in a folder that [`temporary`] made, with a database or without.
    pub fn build_in(
        dir: PathBuf,
        program: &Path,
        now: Timestamp,
        database: Option<PostgresServer>,
    ) -> Result<Self, DemoError> {
        let genesis = Documents {
            dir: &dir,
            now,
            database: database.is_some(),
        }
        .make()?;
        let database = database
            .map(|server| Database::set(server, &dir))
            .transpose()?;
        let password =
            generate_password(PasswordLength::default(), &mut SystemEntropy).map_err(make)?;
        let shop = Shop::open(program, &dir.join("shop"), ACCOUNT, password.expose())?;
        let first_password = credential(ACCOUNT, password)?;
        Ok(Self {
            dir,
            shop,
            control_plane: ControlPlane::open()?,
            pager: None,
            database,
            first_password,
            genesis,
            program: program.to_owned(),
        })
    }

    /// The folder that everything lies in.
    #[must_use]
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// A person's own folder: configuration, state, session, key.
    #[must_use]
    pub fn home(&self, principal: &str) -> PathBuf {
        self.dir.join("people").join(principal)
    }

    /// A person at the keyboard of a server, with one of their keys, logged in.
    pub fn actor(
        &self,
        url: &str,
        principal: &'static str,
        key: &str,
        clock: Box<dyn Clock>,
    ) -> Result<Actor, DemoError> {
        let home = self.home(principal);
        let signer = open_file(&home.join(key)).map_err(make)?;
        let parts = Parts {
            client: Client::new(vec![url.to_owned()], None),
            signer,
            home: Home::under(&if key == KEY {
                home
            } else {
                home.join("second")
            }),
            genesis: self.genesis,
            clock,
            entropy: Box::new(SystemEntropy),
            attendant: Box::new(Silent),
            server_time: false,
        };
        let step = |source| DemoError::Step {
            who: principal,
            what: "log in",
            source: Box::new(source),
        };
        let mut actor = Actor::open(parts).map_err(step)?;
        actor.login(8 * 3600).map_err(step)?;
        Ok(actor)
    }

    /// Writes everybody's `client.toml`, for the command line.
    pub fn configure_people(&self, url: &str) -> Result<(), DemoError> {
        for role in &ROLES {
            let home = self.home(role.principal);
            let config = ClientConfig {
                servers: vec![url.to_owned()],
                ca_file: None,
                principal: parse(role.principal)?,
                genesis: self.genesis,
                key: KeyConfig::File(home.join(KEY)),
                witness: None,
            };
            config
                .save(&Home::under(&home).config_file())
                .map_err(make)?;
        }
        Ok(())
    }

    /// The server's configuration: loopback, a free port, rotator and connector of the shop.
    pub fn config(&self) -> Result<Config, DemoError> {
        let server = self.dir.join("server");
        Ok(Config {
            data_dir: server.join("data"),
            high_water_file: None,
            snapshot_every: 10_000,
            disk_reserve_mib: 1,
            scrub_kib_per_s: 1024,
            metrics_listen: None,
            listen: "127.0.0.1:0".parse().map_err(make)?,
            genesis: self.genesis,
            log_key_file: server.join("log.key"),
            server_key_file: server.join("server.key"),
            node_key_file: server.join("node.key"),
            tls: None,
            danger_plain_http: false,
            genesis_dir: Some(server.join("genesis")),
            rotators: BTreeMap::from([("shop".to_owned(), self.adapter("rotator"))]),
            postgres: self.database.iter().map(Database::target).collect(),
            connectors: BTreeMap::from([("shop".to_owned(), self.adapter("connector"))]),
            control_plane: vec![ProbeConfig {
                name: PROBE.to_owned(),
                asks: Asks::Url {
                    url: self.control_plane.url(),
                    contains: Some("up".to_owned()),
                    ca_file: None,
                },
            }],
            notify: Notify {
                webhook: self.pager.as_ref().map(Pager::hook),
                ..Notify::default()
            },
            log: breakglass_server::config::Log::default(),
            witness: None,
            limits: breakglass_server::config::Limits {
                statements_per_minute: 100_000,
                reads_per_minute: 10_000_000,
                ..Default::default()
            },
        })
    }

    /// The same as a file, for `serve --config`.
    pub fn write_config(&self) -> Result<PathBuf, DemoError> {
        let program = self.program.display().to_string();
        let adapter = |mode: &str| {
            let args = ["demo-target", mode, "--url", &self.shop.url()]
                .map(quoted)
                .join(", ");
            format!(
                "program = {}\nargs = [{args}]\ntimeout_s = 20\n",
                quoted(&program)
            )
        };
        let database: String = self.database.iter().map(Database::lines).collect();
        let text = format!(
            "data_dir = \"data\"\nlisten = \"127.0.0.1:0\"\ngenesis = \"{}\"\n\
             log_key_file = \"log.key\"\nserver_key_file = \"server.key\"\n\
             node_key_file = \"node.key\"\ngenesis_dir = \"genesis\"\n\
             [[control_plane]]\nname = \"{PROBE}\"\nurl = \"{}\"\n\
             [limits]\nstatements_per_minute = 100000\nreads_per_minute = 10000000\n\
             {database}[rotators.shop]\n{}[connectors.shop]\n{}",
            self.genesis,
            self.control_plane.url(),
            adapter("rotator"),
            adapter("connector"),
        );
        let path = self.dir.join("server").join("breakglass.toml");
        file::write_atomic(&path, text.as_bytes()).map_err(make)?;
        Ok(path)
    }

    fn adapter(&self, mode: &str) -> breakglass_server::config::Program {
        let args = ["demo-target", mode, "--url"]
            .into_iter()
            .map(str::to_owned);
        breakglass_server::config::Program {
            program: self.program.clone(),
            args: args.chain([self.shop.url()]).collect(),
            timeout_s: 20,
        }
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        // Its files are in there: it ends first.
        self.database = None;
        // What cannot be removed is only a temporary folder; the next clean-up takes it.
        let _ = std::fs::remove_dir_all(&self.dir);
    }
}

/// A receiver of notices, and the secret that they are signed with.
#[derive(Debug)]
pub struct Pager {
    receiver: ControlPlane,
    secret_file: PathBuf,
}

impl Pager {
    /// A pager for the people of a stage.
    pub(super) fn open(stage: &Stage) -> Result<Self, DemoError> {
        let key = random::<32>(&mut SystemEntropy).map_err(make)?;
        let secret_file = stage.dir.join("server").join("pager.secret");
        let secret = format!("whsec_{}\n", STANDARD.encode(key));
        file::write_atomic(&secret_file, secret.as_bytes()).map_err(make)?;
        Ok(Self {
            receiver: ControlPlane::open()?,
            secret_file,
        })
    }

    fn hook(&self) -> Hook {
        Hook {
            url: self.receiver.url(),
            secret_file: self.secret_file.clone(),
            ca_file: None,
        }
    }
}

/// A PostgreSQL server with the role that people break the glass for.
#[derive(Debug)]
pub struct Database {
    /// The server.
    pub server: PostgresServer,
    /// The password that the role was made with, before breakglass knows it.
    pub first_password: Credential,
    password_file: PathBuf,
}

impl Database {
    fn set(server: PostgresServer, dir: &Path) -> Result<Self, DemoError> {
        let password =
            || generate_password(PasswordLength::default(), &mut SystemEntropy).map_err(make);
        let (role, rotator) = (password()?, password()?);
        server.make_roles(&role, &rotator)?;
        let password_file = dir.join("server").join("db.password");
        file::write_atomic(&password_file, rotator.expose().as_bytes()).map_err(make)?;
        Ok(Self {
            server,
            first_password: credential(ROLE, role)?,
            password_file,
        })
    }

    /// What the server's configuration says of it.
    fn target(&self) -> (String, Postgres) {
        let target = Postgres {
            host: "127.0.0.1".to_owned(),
            port: self.server.port,
            database: "postgres".to_owned(),
            user: ROTATOR.to_owned(),
            password_file: self.password_file.clone(),
            ca_file: None,
            tls_name: None,
            danger_no_tls: false,
            timeout_s: 20,
        };
        ("db".to_owned(), target)
    }

    /// The same as lines of a file.
    fn lines(&self) -> String {
        let password_file = quoted(&self.password_file.display().to_string());
        format!(
            "[postgres.db]\nhost = \"127.0.0.1\"\nport = {}\nuser = \"{ROTATOR}\"\n\
             password_file = {password_file}\ntimeout_s = 20\n",
            self.server.port
        )
    }
}

/// A string as TOML writes it.
fn quoted(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}

fn credential(user: &str, password: SecretText) -> Result<Credential, DemoError> {
    Credential::builder()
        .field(names::USERNAME, user.to_owned())
        .and_then(|b| b.field(names::PASSWORD, password))
        .and_then(CredentialBuilder::build)
        .map_err(make)
}

pub(super) fn make(error: impl std::fmt::Display) -> DemoError {
    DemoError::Make(error.to_string())
}

/// A new folder whose content nobody else sees, in the folder for temporary files, which must
/// exist. Others may pass through it to what is theirs: the database runs as a user of its own.
pub(super) fn temporary() -> Result<PathBuf, DemoError> {
    use std::os::unix::fs::DirBuilderExt as _;
    let suffix = random::<8>(&mut SystemEntropy).map_err(make)?;
    let name = format!("breakglass-demo-{}", breakglass_format::id::hex(&suffix));
    let dir = std::env::temp_dir().join(name);
    let made = std::fs::DirBuilder::new().mode(0o711).create(&dir);
    made.map_err(|source| DemoError::File {
        path: dir.clone(),
        source,
    })?;
    Ok(dir)
}
