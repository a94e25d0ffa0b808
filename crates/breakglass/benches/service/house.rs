//! The installation of the demonstration, with its people, and a hand that signs in advance.

use std::{path::Path, sync::Arc, time::Duration};

use breakglass::{
    actor::{Actor, RequestWish},
    demo::{ACCOUNT, KEY, PlayClock, Stage},
    entropy::{SystemEntropy, random},
    signer::{Signer, open_file},
};
use breakglass_api::{
    Client,
    wire::{Accepted, Submission},
};
use breakglass_format::{
    Blank, Digest, Nonce,
    act::{Act, Command, Declare, Note, Object},
    statement::{self, AuthorityRef, Kind, Statement as _},
    vocabulary::Severity,
};
use breakglass_server::{Clock as _, Config, Server};

use crate::measure::{Times, timed};

/// Notes that a filling client signs before it posts them.
const AT_A_TIME: u64 = 200;

/// A server and the people before it.
pub(crate) struct House {
    alice: Actor,
    bob: Actor,
    carol: Actor,
    version: i64,
    // Before the stage: the server ends before its folder goes.
    server: Server,
    config: Config,
    clock: PlayClock,
    stage: Stage,
}

impl House {
    pub(crate) fn open() -> Self {
        let clock = PlayClock::default();
        let program = Path::new(env!("CARGO_BIN_EXE_breakglass"));
        let stage = Stage::build(program, clock.wall()).unwrap();
        let mut config = stage.config().unwrap();
        config.limits.statements_per_minute = 10_000_000;
        let server = serve(&config, &clock);
        let actor = |who| {
            let url = format!("http://{}", server.address());
            let clock = Box::new(clock.clone());
            stage.actor(&url, who, KEY, clock).unwrap()
        };
        let (alice, bob, mut carol, mut dave) =
            (actor("alice"), actor("bob"), actor("carol"), actor("dave"));
        let (sealed, _) = carol
            .add_credential(ACCOUNT, &stage.first_password)
            .unwrap();
        dave.agree_import(&sealed).unwrap();
        let house = Self {
            alice,
            bob,
            carol,
            version: 2,
            server,
            config,
            clock,
            stage,
        };
        house.wait_for_rotation();
        house
    }

    /// The folder on whose disk everything lies.
    pub(crate) fn dir(&self) -> &Path {
        self.stage.dir()
    }

    pub(crate) fn client(&self) -> Client {
        Client::new(vec![format!("http://{}", self.server.address())], None)
    }

    pub(crate) fn log_size(&self) -> u64 {
        self.server.log_size()
    }

    /// An incident; its id.
    pub(crate) fn declare(&mut self) -> String {
        let declare = Declare {
            commander: "erin".parse().unwrap(),
            cves: Vec::new(),
            drill: false,
            justification: "every payment fails".parse().unwrap(),
            scenario: "production-outage".parse().unwrap(),
            service: "shop".parse().unwrap(),
            severity: Severity::Sev1,
            threat: "".parse().unwrap(),
            title: "checkout is broken".parse().unwrap(),
        };
        let outcome = self.alice.declare(declare).unwrap();
        outcome.declared().unwrap().incident_id.to_string()
    }

    /// The id of an incident that was declared.
    pub(crate) fn declared(&self) -> String {
        let incidents = self.alice.client().incidents().unwrap();
        incidents.first().unwrap().id.clone()
    }

    /// An emergency from the request to the credential, and its end: what each of the four steps
    /// took.
    pub(crate) fn emergency(&mut self) -> [Duration; 4] {
        let incident = self.declare();
        let why = "roll back to 2.4.0".parse().unwrap();
        let wish = RequestWish::credential(&incident, ACCOUNT, why);
        let (asking, request) = timed(|| self.alice.request(&wish).unwrap());
        let request = request.requested().unwrap().reference.to_string();
        let (first, _) = timed(|| self.bob.approve(&request, None).unwrap());
        let (second, granted) = timed(|| self.carol.approve(&request, None).unwrap());
        let grant = granted.granted().unwrap().reference.to_string();
        let (checkout, _) = timed(|| self.alice.checkout(&grant).unwrap());
        self.alice.return_grant(&grant).unwrap();
        self.version += 1;
        self.wait_for_rotation();
        [asking, first, second, checkout]
    }

    fn wait_for_rotation(&self) {
        let rotated = || {
            let accounts = self.carol.client().accounts().unwrap();
            let mut accounts = accounts.iter();
            accounts.any(|a| a.version >= self.version && a.state == "current")
        };
        while !rotated() {
            std::thread::yield_now();
        }
    }

    /// Makes the log so long, at least.
    pub(crate) fn fill(&self, entries: u64, clients: usize) {
        let incident = self.declared();
        let server = &self.server;
        std::thread::scope(|scope| {
            for _ in 0..clients {
                let (mut poster, client, incident) =
                    (Poster::of(self), self.client(), incident.clone());
                let clock = self.clock.clone();
                scope.spawn(move || {
                    while server.log_size() < entries {
                        let notes = (0..AT_A_TIME).map(|_| poster.note(&incident));
                        post_all(&client, &notes.collect::<Vec<_>>());
                        // So that they are those of some hours, not of some minutes.
                        clock.skip_s(2);
                    }
                });
            }
        });
    }

    /// The server ends and is started again, from its snapshot or without it: what that took.
    pub(crate) fn restart(self, with_snapshot: bool) -> (Duration, Self) {
        let Self {
            server,
            config,
            clock,
            ..
        } = self;
        drop(server);
        if !with_snapshot {
            std::fs::remove_file(config.data_dir.join("world.snapshot")).unwrap();
        }
        let (time, server) = timed(|| serve(&config, &clock));
        assert_eq!(server.resumed_at().is_some(), with_snapshot);
        let house = Self {
            server,
            config,
            clock,
            ..self
        };
        (time, house)
    }

    /// The auditor, with a session.
    pub(crate) fn auditor(&self) -> Actor {
        let url = format!("http://{}", self.server.address());
        let clock = Box::new(self.clock.clone());
        self.stage.actor(&url, "frank", KEY, clock).unwrap()
    }

    /// The server ends, its read model goes, and it is started again: what it took from then until
    /// the auditor was answered.
    pub(crate) fn without_history(self, ask: impl FnOnce(&Client)) -> (Duration, Self) {
        let Self {
            server,
            config,
            clock,
            ..
        } = self;
        drop(server);
        for name in ["history.db", "history.db-wal", "history.db-shm"] {
            // The other two may be gone with the first.
            let _ = std::fs::remove_file(config.data_dir.join(name));
        }
        let house = Self {
            server: serve(&config, &clock),
            config,
            clock,
            ..self
        };
        let (time, ()) = timed(|| ask(house.auditor().client()));
        (time, house)
    }
}

/// Posts everything, one after the other.
pub(crate) fn post_all(client: &Client, submissions: &[Submission]) -> Times {
    let mut times = Times::default();
    for submission in submissions {
        let (time, accepted) = timed(|| client.post::<_, Accepted>("/v1/acts", submission));
        accepted.unwrap();
        times.push(time);
    }
    times
}

fn serve(config: &Config, clock: &PlayClock) -> Server {
    let on_fatal = |detail: &str| panic!("{detail}");
    Server::start(config, Arc::new(clock.clone()), on_fatal).unwrap()
}

/// Alice's key, past the client's own work.
pub(crate) struct Poster {
    key: Box<dyn Signer>,
    name: statement::Signer,
    instance: Digest,
    authority: AuthorityRef,
    clock: PlayClock,
}

impl Poster {
    pub(crate) fn of(house: &House) -> Self {
        let key = open_file(&house.stage.home("alice").join(KEY)).unwrap();
        let identity = house.alice.identity();
        Self {
            name: statement::Signer {
                key: key.fingerprint(),
                person: identity.person.clone(),
                principal: identity.principal.clone(),
            },
            key,
            instance: house.stage.genesis,
            authority: house.alice.trust().authorities().current_ref(),
            clock: house.clock.clone(),
        }
    }

    /// A note, signed.
    pub(crate) fn note(&mut self, incident: &str) -> Submission {
        let nonce = random::<32>(&mut SystemEntropy).unwrap();
        let text = "Restarted one of two; still slow.".parse().unwrap();
        let act = Act {
            kind: Kind::Act,
            authority: self.authority.clone(),
            command: Command::Note(Note { text }),
            documents: Vec::new(),
            instance: self.instance,
            issued_at: self.clock.wall(),
            nonce: Nonce::from_bytes(nonce),
            object: Object {
                head: Blank::NONE,
                id: incident.parse().unwrap(),
            },
            session: Blank::NONE,
            signer: self.name.clone(),
        };
        let bytes = act.to_bytes().unwrap();
        Submission {
            signature: self.key.sign(Kind::Act, &bytes).unwrap(),
            statement: String::from_utf8(bytes).unwrap(),
            session: None,
            attachments: Vec::new(),
        }
    }
}
