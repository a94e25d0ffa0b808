//! What attacks and evidence have in common: a real server and shop, people with their keys, the
//! course of an incident, and the search for secrets in every spelling.

mod running;
mod spellings;

use std::{path::Path, sync::Arc};

use breakglass::{
    actor::{Actor, CheckedOut, Outcome, RequestWish},
    demo::{ACCOUNT, KEY, PlayClock, Stage},
};
use breakglass_format::{Timestamp, act::Declare, vocabulary::Severity};
use breakglass_seal::{Credential, names};
use breakglass_server::{Clock, Config, Server};
use breakglass_verify::{Options, Outcome as Verdict, check};

use crate::exported::export;

pub(crate) use self::{
    running::Running,
    spellings::{Secrets, contains},
};

/// How often something that takes a moment is looked at. Every look is a call over the network.
const LOOKS: u32 = 60_000;

/// A stage with a server of this process on it, by a clock that can jump.
pub(crate) struct Scene {
    // Before the stage: the server ends before its folder goes.
    server: Server,
    pub(crate) clock: PlayClock,
    pub(crate) url: String,
    pub(crate) stage: Stage,
}

impl Scene {
    /// Everything as in the demonstration.
    pub(crate) fn set() -> Self {
        Self::set_with(|_, _| {})
    }

    /// The same with a configuration of the test's own.
    pub(crate) fn set_with(change: impl FnOnce(&Stage, &mut Config)) -> Self {
        Self::set_by(|clock| Arc::new(clock.clone()), change)
    }

    /// The same with a server that goes by a clock of its own.
    pub(crate) fn set_by(
        server_clock: impl FnOnce(&PlayClock) -> Arc<dyn Clock>,
        change: impl FnOnce(&Stage, &mut Config),
    ) -> Self {
        let clock = PlayClock::default();
        let program = std::path::Path::new(env!("CARGO_BIN_EXE_breakglass"));
        let stage = Stage::build(program, clock.wall()).unwrap();
        let mut config = stage.config().unwrap();
        change(&stage, &mut config);
        let on_fatal = |detail: &str| panic!("{detail}");
        let server = Server::start(&config, server_clock(&clock), on_fatal).unwrap();
        let url = format!("http://{}", server.address());
        stage.configure_people(&url).unwrap();
        Self {
            server,
            clock,
            url,
            stage,
        }
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.clock.wall()
    }

    /// Time passes, for the server and for everybody.
    pub(crate) fn skip_s(&self, seconds: i64) {
        self.clock.skip_s(seconds);
        self.server.wake();
    }

    /// Where the server tells its metrics, if it does.
    pub(crate) fn metrics_url(&self) -> Option<String> {
        let address = self.server.metrics_address()?;
        Some(format!("http://{address}"))
    }

    /// The server ends; its files and everybody's stay as they are.
    pub(crate) fn end(self) -> Stage {
        self.server.stop();
        self.stage
    }

    pub(crate) fn log_size(&self) -> u64 {
        self.server.log_size()
    }

    /// A person at the keyboard, logged in.
    pub(crate) fn actor(&self, principal: &'static str) -> Actor {
        self.actor_at(&self.url, principal)
    }

    /// The same, over whatever listens at a URL.
    pub(crate) fn actor_at(&self, url: &str, principal: &'static str) -> Actor {
        let clock = Box::new(self.clock.clone());
        self.stage.actor(url, principal, KEY, clock).unwrap()
    }

    /// Everybody.
    pub(crate) fn cast(&self) -> Cast {
        self.cast_at(&self.url)
    }

    /// Everybody, over whatever listens at a URL.
    pub(crate) fn cast_at(&self, url: &str) -> Cast {
        Cast {
            alice: self.actor_at(url, "alice"),
            bob: self.actor_at(url, "bob"),
            carol: self.actor_at(url, "carol"),
            dave: self.actor_at(url, "dave"),
            erin: self.actor_at(url, "erin"),
            frank: self.actor_at(url, "frank"),
        }
    }

    /// The password that somebody typed in.
    pub(crate) fn first_password(&self) -> String {
        password(&self.stage.first_password)
    }
}

/// Everybody, over a server on a stage.
pub(crate) fn cast_at(stage: &Stage, server: &Server, clock: &PlayClock) -> Cast {
    let url = format!("http://{}", server.address());
    let actor = |principal| {
        let clock = Box::new(clock.clone());
        stage.actor(&url, principal, KEY, clock).unwrap()
    };
    Cast {
        alice: actor("alice"),
        bob: actor("bob"),
        carol: actor("carol"),
        dave: actor("dave"),
        erin: actor("erin"),
        frank: actor("frank"),
    }
}

/// The evidence that the auditor exports, judged: the outcome, and the codes of what was found.
pub(crate) fn judged(cast: &Cast, clock: &PlayClock) -> (Verdict, Vec<&'static str>) {
    let frank = &cast.frank;
    let folder = export(frank.client(), frank.trust(), clock.wall()).unwrap();
    let options = Options {
        pin: Some(frank.trust().authorities().instance()),
        ..Options::default()
    };
    let verdict = check(&folder, &options);
    let codes = verdict.findings.iter().map(|finding| finding.code);
    (verdict.outcome, codes.collect())
}

/// Looks until something is so.
pub(crate) fn wait(what: &str, mut done: impl FnMut() -> bool) {
    for _ in 0..LOOKS {
        if done() {
            return;
        }
        std::thread::yield_now();
    }
    panic!("{what} did not happen");
}

/// The password of a credential.
pub(crate) fn password(credential: &Credential) -> String {
    credential
        .field(names::PASSWORD)
        .unwrap()
        .expose()
        .to_owned()
}

/// Everybody at their keyboards.
pub(crate) struct Cast {
    pub(crate) alice: Actor,
    pub(crate) bob: Actor,
    pub(crate) carol: Actor,
    pub(crate) dave: Actor,
    pub(crate) erin: Actor,
    pub(crate) frank: Actor,
}

impl Cast {
    /// The account's password comes into custody, and the machine replaces it.
    pub(crate) fn take_custody(&mut self, scene: &Scene) {
        let credential = &scene.stage.first_password;
        let (sealed, _) = self.carol.add_credential(ACCOUNT, credential).unwrap();
        self.dave.agree_import(&sealed).unwrap();
        self.wait_for_version(2);
    }

    /// Waits until a version of the credential is in force.
    pub(crate) fn wait_for_version(&self, version: i64) {
        wait("the rotation", || {
            let accounts = self.carol.client().accounts().unwrap();
            let current = |a: &breakglass_api::view::AccountView| {
                a.version >= version && a.state == "current"
            };
            accounts.iter().any(current)
        });
    }

    /// Alice declares an incident; its reference.
    pub(crate) fn declare(&mut self) -> String {
        let outcome = self.alice.declare(declaration()).unwrap();
        outcome.declared().unwrap().reference.to_string()
    }

    /// Alice asks for the credential; the request's reference.
    pub(crate) fn request(&mut self, incident: &str) -> String {
        let outcome = self.alice.request(&wish(incident)).unwrap();
        outcome.requested().unwrap().reference.to_string()
    }

    /// Bob and Carol say yes; the grant's reference.
    pub(crate) fn approve(&mut self, request: &str) -> String {
        self.bob.approve(request, None).unwrap();
        let outcome = self.carol.approve(request, None).unwrap();
        outcome.granted().unwrap().reference.to_string()
    }

    /// From the declaration to the grant.
    pub(crate) fn grant(&mut self) -> String {
        let incident = self.declare();
        let request = self.request(&incident);
        self.approve(&request)
    }

    /// Alice's checkout.
    pub(crate) fn checkout(&mut self, grant: &str) -> CheckedOut {
        self.alice.checkout(grant).unwrap()
    }

    /// Alice plans the rollback of the shop and runs it to its end.
    pub(crate) fn roll_back(&mut self, grant: &str) {
        let planned = self.alice.plan(grant, rollback()).unwrap();
        let plan = planned.planned().map(|p| p.plan);
        self.alice.run(grant, rollback(), plan).unwrap();
        wait("the rollback", || {
            let runs = self.alice.client().runs().unwrap();
            assert!(runs.iter().all(|r| r.state != "failed"), "{runs:?}");
            runs.iter().any(|r| r.state == "verified")
        });
    }

    /// Alice gives the grant back; the machine replaces the password.
    pub(crate) fn give_back(&mut self, grant: &str, next_version: i64) -> Outcome {
        let outcome = self.alice.return_grant(grant).unwrap();
        self.wait_for_version(next_version);
        outcome
    }

    /// A whole incident, from custody to resolution; every password there was.
    pub(crate) fn play(&mut self, scene: &Scene) -> Secrets {
        self.take_custody(scene);
        let grant = self.grant();
        let out = self.checkout(&grant);
        self.roll_back(&grant);
        self.give_back(&grant, 3);
        let summary = "rolled back; payments work".parse().unwrap();
        self.erin.resolve("INC-1", summary).unwrap();
        Secrets::of([scene.first_password(), password(&out.credential)])
    }
}

/// A production outage.
pub(crate) fn declaration() -> Declare {
    Declare {
        commander: "erin".parse().unwrap(),
        cves: Vec::new(),
        drill: false,
        justification: "every payment fails".parse().unwrap(),
        scenario: "production-outage".parse().unwrap(),
        service: "shop".parse().unwrap(),
        severity: Severity::Sev1,
        threat: "".parse().unwrap(),
        title: "checkout is broken".parse().unwrap(),
    }
}

/// Access to the credential itself.
pub(crate) fn wish(incident: &str) -> RequestWish {
    RequestWish::credential(incident, ACCOUNT, "roll back to 2.4.0".parse().unwrap())
}

/// What repairs the shop.
pub(crate) fn rollback() -> breakglass::actor::ActionWish {
    breakglass::actor::ActionWish {
        action: "rollback".parse().unwrap(),
        target: "shop".parse().unwrap(),
        artifact: "2.4.0".parse().unwrap(),
    }
}

/// Writes into somebody's `client.toml` which witnesses to ask for.
pub(crate) fn insist(stage: &Stage, who: &str, policy: &Path, more: &str) {
    let path = stage.home(who).join("client.toml");
    let text = std::fs::read_to_string(&path).unwrap();
    let text = text.split("\n[witness]").next().unwrap().to_owned();
    let policy = policy.display();
    let text = format!("{text}\n[witness]\npolicy_file = \"{policy}\"\n{more}\n");
    std::fs::write(&path, text).unwrap();
}
