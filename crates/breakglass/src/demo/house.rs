//! Everything the play needs, made on the spot in a folder of its own: keys and people, the
//! authority, the shop, the server.

use std::{
    collections::BTreeMap,
    io::{IsTerminal as _, Read as _},
    path::{Path, PathBuf},
    sync::Arc,
};

use breakglass_api::Client;
use breakglass_format::{
    Blank, Digest, Nonce, Timestamp,
    statement::{AuthorityRef, Enroll, Kind, Signer as Signs, Statement as _},
};
use breakglass_seal::{Credential, FileSlot, OneTimeKey, ServerKey, generate_password, names};
use breakglass_server::{Config, Server};
use breakglass_statement::digest;
use breakglass_tlog::{KeyName, SigningKey};

use super::{
    DemoError,
    authority::{self, ACCOUNT, Holder, ORIGIN, ROLES, parse},
    clock::PlayClock,
    narrator::Narrator,
    shop::{Shop, this_program},
};
use crate::{
    actor::{Actor, Parts, Silent},
    entropy::{SystemEntropy, random},
    signer::{Signer, generate::generate_to_file, open_file},
    state::{ClientConfig, Home, config::KeyConfig, file},
};

/// File name of a person's key.
const KEY: &str = "id_ed25519";
/// File name of a second key of the same person.
pub(super) const SECOND_KEY: &str = "id_second";

/// The whole stage. Dropped, it leaves nothing behind.
#[derive(Debug)]
pub(super) struct House {
    dir: PathBuf,
    pub(super) clock: PlayClock,
    pub(super) shop: Shop,
    pub(super) first_password: Option<Credential>,
    server: Option<Server>,
    pub(super) genesis: Digest,
    pub(super) url: String,
}

impl House {
    /// Makes keys, people and documents, opens the shop, starts the server.
    pub(super) fn build(narrator: &mut Narrator) -> Result<Self, DemoError> {
        narrator.scene("Setting the stage: six people with keys of their own, a shop, a server");
        let dir = temporary()?;
        let clock = PlayClock::default();
        let now = breakglass_server::Clock::wall(&clock);
        let genesis = Documents { dir: &dir, now }.make()?;
        let password = generate_password(
            breakglass_seal::PasswordLength::default(),
            &mut SystemEntropy,
        )
        .map_err(make)?;
        let program = this_program()?;
        let shop = Shop::open(&program, &dir.join("shop"), ACCOUNT, password.expose())?;
        let config = config(&dir, &program, &shop, genesis)?;
        let on_fatal = |_: &str| std::process::abort();
        let server = Server::start(&config, Arc::new(clock.clone()), on_fatal)?;
        let url = format!("http://{}", server.address());
        let credential = Credential::builder()
            .field(names::USERNAME, ACCOUNT.to_owned())
            .and_then(|b| b.field(names::PASSWORD, password))
            .and_then(breakglass_seal::CredentialBuilder::build)
            .map_err(make)?;
        let house = Self {
            dir,
            clock,
            shop,
            first_password: Some(credential),
            server: Some(server),
            genesis,
            url,
        };
        house.configure_people()?;
        for role in &ROLES {
            narrator.line(&format!("{:<6} {}", role.principal, role.does));
        }
        narrator.line(&format!("server {} (its log is new)", house.url));
        narrator.line(&format!("shop   {}", house.shop.url()));
        Ok(house)
    }

    /// The folder that everything lies in.
    pub(super) fn dir(&self) -> &Path {
        &self.dir
    }

    /// A person's own folder: configuration, state, session, key.
    pub(super) fn home(&self, principal: &str) -> PathBuf {
        self.dir.join("people").join(principal)
    }

    /// A person at the keyboard, with the usual key.
    pub(super) fn actor(&self, principal: &'static str) -> Result<Actor, DemoError> {
        self.actor_with_key(principal, KEY)
    }

    /// A person at the keyboard, with another key of theirs.
    pub(super) fn actor_with_key(
        &self,
        principal: &'static str,
        key: &str,
    ) -> Result<Actor, DemoError> {
        let home = if key == KEY {
            self.home(principal)
        } else {
            self.home(principal).join(key)
        };
        let signer = open_file(&self.home(principal).join(key)).map_err(make)?;
        let parts = Parts {
            client: Client::new(vec![self.url.clone()], None),
            signer,
            home: Home::under(&home),
            genesis: self.genesis,
            clock: Box::new(self.clock.clone()),
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

    /// Time passes, for the server and for everybody.
    pub(super) fn skip_s(&self, seconds: i64) {
        self.clock.skip_s(seconds);
        if let Some(server) = &self.server {
            server.wake();
        }
    }

    fn configure_people(&self) -> Result<(), DemoError> {
        for role in &ROLES {
            let home = self.home(role.principal);
            let config = ClientConfig {
                servers: vec![self.url.clone()],
                ca_file: None,
                principal: parse(role.principal)?,
                genesis: self.genesis,
                key: KeyConfig::File(home.join(KEY)),
            };
            config
                .save(&Home::under(&home).config_file())
                .map_err(make)?;
        }
        Ok(())
    }

    /// Stays up until somebody ends it: Enter or end of input.
    pub(super) fn stay_up(
        &mut self,
        narrator: &mut Narrator,
        evidence: &Path,
    ) -> Result<(), DemoError> {
        narrator.scene("The house stays open. In another terminal:");
        let program = this_program()?;
        let me = program.display();
        let home = |who: &str| format!("--home {}", self.home(who).display());
        for command in [
            format!("{me} {} incident timeline INC-1", home("frank")),
            format!("{me} {} account list", home("carol")),
            format!(
                "{me} {} incident declare --scenario production-outage --severity sev2 \
                 --title 'again' --why 'trying it myself' --service shop --commander erin",
                home("alice")
            ),
            format!(
                "{me} {} request {ACCOUNT} --incident INC-2 --why 'trying it myself'",
                home("alice")
            ),
            format!("{me} {} approve R-2", home("bob")),
            format!(
                "{me} verify {} --genesis {}",
                evidence.display(),
                self.genesis
            ),
        ] {
            narrator.line(&command);
        }
        narrator.line("");
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

impl Drop for House {
    fn drop(&mut self) {
        if let Some(server) = self.server.take() {
            server.stop();
        }
        // What cannot be removed is only a temporary folder; the next clean-up takes it.
        let _ = std::fs::remove_dir_all(&self.dir);
    }
}

pub(super) fn make(error: impl std::fmt::Display) -> DemoError {
    DemoError::Make(error.to_string())
}

/// A new folder that nobody else may enter.
fn temporary() -> Result<PathBuf, DemoError> {
    let suffix = random::<8>(&mut SystemEntropy).map_err(make)?;
    let name = format!("breakglass-demo-{}", breakglass_format::id::hex(&suffix));
    let dir = std::env::temp_dir().join(name);
    file::make_dir(&dir).map_err(make)?;
    Ok(dir)
}

fn config(dir: &Path, program: &Path, shop: &Shop, genesis: Digest) -> Result<Config, DemoError> {
    let server = dir.join("server");
    let adapter = |mode: &str| breakglass_server::config::Program {
        program: program.to_owned(),
        args: ["demo-target", mode, "--url"]
            .into_iter()
            .map(str::to_owned)
            .chain([shop.url()])
            .collect(),
        timeout_s: 20,
    };
    Ok(Config {
        data_dir: server.join("data"),
        listen: "127.0.0.1:0".parse().map_err(make)?,
        genesis,
        log_key_file: server.join("log.key"),
        server_key_file: server.join("server.key"),
        node_key_file: server.join("node.key"),
        tls: None,
        danger_plain_http: false,
        genesis_dir: Some(server.join("genesis")),
        rotators: BTreeMap::from([("shop".to_owned(), adapter("rotator"))]),
        connectors: BTreeMap::from([("shop".to_owned(), adapter("connector"))]),
        limits: breakglass_server::config::Limits {
            statements_per_minute: 10_000,
            ..Default::default()
        },
    })
}

/// Keys and signed documents, made in a folder.
struct Documents<'a> {
    dir: &'a Path,
    now: Timestamp,
}

impl Documents<'_> {
    /// Makes everything and returns the genesis digest.
    fn make(&self) -> Result<Digest, DemoError> {
        let mut keys = self.people_keys()?;
        let (vkey, node) = self.server_keys()?;
        let holders: Vec<Holder<'_>> = keys
            .iter()
            .map(|(principal, signer)| Holder {
                principal,
                key: signer.public_key(),
            })
            .collect();
        let document = authority::write(&holders, &vkey, &node, self.now)?;
        document.check().map_err(make)?;
        let bytes = document.to_bytes().map_err(make)?;
        let genesis = digest(&bytes);
        let dir = self.dir.join("server").join("genesis");
        self.write(&dir.join("authority.json"), &bytes)?;
        drop(holders);
        for (principal, signer) in &mut keys {
            let principal = *principal;
            if ["erin", "frank"].contains(&principal) {
                let armoured = signer.sign(Kind::Authority, &bytes).map_err(make)?;
                let name = format!("authority.{principal}.sig");
                self.write(&dir.join(name), armoured.as_bytes())?;
            }
            self.enroll(&dir, &document, principal, &mut **signer, genesis)?;
        }
        Ok(genesis)
    }

    fn people_keys(&self) -> Result<Vec<(&'static str, Box<dyn Signer>)>, DemoError> {
        let mut keys: Vec<(&'static str, Box<dyn Signer>)> = Vec::new();
        let second = ROLES
            .iter()
            .filter(|r| r.principal == "bob")
            .map(|r| (r, SECOND_KEY));
        for (role, key) in ROLES.iter().map(|r| (r, KEY)).chain(second) {
            let path = self.dir.join("people").join(role.principal).join(key);
            let comment = format!("{}@demo", role.principal);
            generate_to_file(&mut SystemEntropy, &comment, &path).map_err(make)?;
            keys.push((role.principal, open_file(&path).map_err(make)?));
        }
        Ok(keys)
    }

    /// The log key, the server key and the node key; the public halves come back.
    fn server_keys(&self) -> Result<(String, String), DemoError> {
        let dir = self.dir.join("server");
        let seed = zeroize::Zeroizing::new(random::<32>(&mut SystemEntropy).map_err(make)?);
        let log = SigningKey::from_seed(KeyName::new(ORIGIN).map_err(make)?, &seed);
        self.write(&dir.join("log.key"), log.to_text().as_bytes())?;
        let server = ServerKey::generate(&mut SystemEntropy).map_err(make)?;
        self.write(&dir.join("server.key"), &FileSlot::format(&server))?;
        let node = OneTimeKey::generate(&mut SystemEntropy).map_err(make)?;
        self.write(&dir.join("node.key"), &node.to_file())?;
        Ok((log.verifier().to_string(), node.public_key().to_string()))
    }

    fn enroll(
        &self,
        dir: &Path,
        document: &breakglass_format::authority::Authority,
        principal: &str,
        signer: &mut dyn Signer,
        genesis: Digest,
    ) -> Result<(), DemoError> {
        let fingerprint = signer.fingerprint();
        let person = document
            .people
            .iter()
            .find(|p| p.principal.as_str() == principal);
        let key = person.and_then(|p| p.key(&fingerprint).map(|key| (p, key)));
        let (person, key) = key.ok_or_else(|| make("a key is in nobody's hands"))?;
        let nonce = random::<32>(&mut SystemEntropy).map_err(make)?;
        let enroll = Enroll {
            kind: Kind::Enroll,
            authority: AuthorityRef::default(),
            fingerprint: fingerprint.clone(),
            genesis,
            instance: Blank::NONE,
            issued_at: self.now,
            namespaces: key.namespaces.clone(),
            nonce: Nonce::from_bytes(nonce),
            person: person.person.clone(),
            signer: Signs {
                key: fingerprint.clone(),
                person: person.person.clone(),
                principal: person.principal.clone(),
            },
        };
        let bytes = enroll.to_bytes().map_err(make)?;
        let armoured = signer.sign(Kind::Enroll, &bytes).map_err(make)?;
        let short: String = fingerprint
            .as_str()
            .bytes()
            .filter(u8::is_ascii_alphanumeric)
            .map(char::from)
            .collect();
        let name = format!("{principal}.{short}.json");
        self.write(&dir.join("enroll").join(&name), &bytes)?;
        self.write(
            &dir.join("enroll").join(format!("{name}.sig")),
            armoured.as_bytes(),
        )
    }

    fn write(&self, path: &Path, content: &[u8]) -> Result<(), DemoError> {
        file::create_new(path, content).map_err(make)
    }
}
