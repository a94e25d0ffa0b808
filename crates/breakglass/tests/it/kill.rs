//! kill -9 at random moments of the three scenarios.
//!
//! One log, one shop, a real PostgreSQL where it is installed, many deaths of the server. Afterwards: nothing that was acknowledged is
//! missing, the evidence verifies (so no grant without its approvals), the credential works, and
//! the JSONL file has every event once.

use std::{
    collections::HashSet,
    io::{BufRead as _, BufReader},
    process::{Command, Stdio},
    sync::mpsc,
    time::Duration,
};

use breakglass::{
    actor::{ActionWish, Actor, Outcome, RequestWish},
    clock::{Clock as _, SystemClock},
    demo::{ACCOUNT, DATABASE, KEY, ROLE, Stage},
};
use breakglass_api::{Client, Received};
use breakglass_format::{act::Declare, vocabulary::Severity};
use breakglass_seal::names;

use crate::scene::Running;

/// How often the server dies.
const KILLS: usize = 200;
/// The latest moment of a death, after the server began to listen.
const LATEST_MS: u64 = 1_500;

type Anything = Box<dyn std::error::Error>;

/// A server of its own process.
struct Serving {
    program: Running,
    url: String,
}

impl Serving {
    fn start(stage: &Stage) -> Self {
        let config = stage.write_config().unwrap();
        let mut child = Command::new(env!("CARGO_BIN_EXE_breakglass"))
            .args(["serve", "--config"])
            .arg(config)
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let listening = lines.next().and_then(Result::ok).unwrap_or_default();
        let address = listening.strip_prefix("listening on ");
        let address = address.unwrap_or_else(|| panic!("the server said: {listening}"));
        let url = format!("http://{address}");
        // Whatever else it says must not fill the pipe.
        std::thread::spawn(move || lines.for_each(drop));
        Self {
            program: Running(child),
            url,
        }
    }

    fn kill(&mut self) {
        self.program.kill();
    }

    /// Asks it to stop, so that what is in the log reaches the file.
    fn stop(self) {
        self.program.stop();
    }
}

/// A scenario, and what is done in it.
#[derive(Clone, Copy)]
struct Scenario {
    name: &'static str,
    action: &'static str,
    release: &'static str,
}

const SCENARIOS: [Scenario; 3] = [
    Scenario {
        name: "production-outage",
        action: "rollback",
        release: "2.4.0",
    },
    Scenario {
        name: "critical-patch",
        action: "deployment_override",
        release: "2.4.2",
    },
    Scenario {
        name: "system-failure",
        action: "direct_deployment",
        release: "2.4.3",
    },
];

/// The people, who remember what they were told.
struct People<'a> {
    stage: &'a Stage,
    url: &'a str,
    acknowledged: &'a mut Vec<Received>,
}

impl People<'_> {
    fn actor(&self, principal: &'static str) -> Result<Actor, Anything> {
        Ok(self
            .stage
            .actor(self.url, principal, KEY, Box::new(SystemClock))?)
    }

    fn told(&mut self, outcome: &Outcome) {
        self.acknowledged.extend(outcome.received().iter().cloned());
    }

    /// The whole incident, from wherever the last death left the accounts.
    fn incident(&mut self, scenario: Scenario) -> Result<(), Anything> {
        let (mut alice, mut bob) = (self.actor("alice")?, self.actor("bob")?);
        let (mut carol, mut erin) = (self.actor("carol")?, self.actor("erin")?);
        self.credential(&mut carol)?;
        self.clear(&mut alice)?;
        let declared = alice.declare(declaration(scenario))?;
        self.told(&declared);
        let incident = declared.declared().unwrap().reference.to_string();
        let mut cast = (&mut alice, &mut bob, &mut carol);
        let (grant, password) = self.access(&incident, ACCOUNT, &mut cast)?;
        assert!(
            self.stage.shop.lets_in(ACCOUNT, &password)?,
            "what was handed out must work"
        );
        self.run(&mut alice, &grant, scenario)?;
        let returned = alice.return_grant(&grant)?;
        self.told(&returned);
        rotated(carol.client())?;
        assert!(
            !self.stage.shop.lets_in(ACCOUNT, &password)?,
            "after rotation it must not"
        );
        self.database(&incident, (&mut alice, &mut bob, &mut carol))?;
        let resolved = erin.resolve(&incident, "it works again".parse()?)?;
        self.told(&resolved);
        Ok(())
    }

    /// Alice asks, Bob and Carol approve, she checks out.
    fn access(
        &mut self,
        incident: &str,
        account: &str,
        (alice, bob, carol): &mut (&mut Actor, &mut Actor, &mut Actor),
    ) -> Result<(String, String), Anything> {
        let wish = RequestWish::credential(incident, account, "mend it".parse()?);
        let requested = alice.request(&wish)?;
        self.told(&requested);
        let request = requested.requested().unwrap().reference.to_string();
        let approved = bob.approve(&request, None)?;
        self.told(&approved);
        let approved = carol.approve(&request, None)?;
        self.told(&approved);
        let grant = approved.granted().unwrap().reference.to_string();
        let out = alice.checkout(&grant)?;
        self.acknowledged.extend(out.received.iter().cloned());
        let password = out.credential.field(names::PASSWORD).unwrap();
        Ok((grant, password.expose().to_owned()))
    }

    /// The same at PostgreSQL.
    fn database(
        &mut self,
        incident: &str,
        mut cast: (&mut Actor, &mut Actor, &mut Actor),
    ) -> Result<(), Anything> {
        let Some(database) = &self.stage.database else {
            return Ok(());
        };
        let (grant, password) = self.access(incident, DATABASE, &mut cast)?;
        assert!(database.server.lets_in(ROLE, &password)?);
        let returned = cast.0.return_grant(&grant)?;
        self.told(&returned);
        rotated(cast.0.client())?;
        assert!(!database.server.lets_in(ROLE, &password)?);
        Ok(())
    }

    /// Two people put the passwords into custody, where nobody has yet.
    fn credential(&mut self, carol: &mut Actor) -> Result<(), Anything> {
        let accounts = carol.client().accounts()?;
        for account in accounts.iter().filter(|a| a.version == 0) {
            let password = match (&self.stage.database, account.name.as_str()) {
                (Some(database), DATABASE) => &database.first_password,
                _ => &self.stage.first_password,
            };
            let mut dave = self.actor("dave")?;
            let (import, proposed) = carol.add_credential(&account.name, password)?;
            self.told(&proposed);
            let agreed = dave.agree_import(&import)?;
            self.told(&agreed);
        }
        rotated(carol.client())
    }

    /// Gives back what a death left open.
    fn clear(&mut self, alice: &mut Actor) -> Result<(), Anything> {
        for grant in alice
            .client()
            .grants()?
            .iter()
            .filter(|g| g.state == "active")
        {
            let returned = alice.return_grant(&grant.reference)?;
            self.told(&returned);
        }
        rotated(alice.client())
    }

    fn run(&mut self, alice: &mut Actor, grant: &str, scenario: Scenario) -> Result<(), Anything> {
        let wish = ActionWish {
            action: scenario.action.parse()?,
            target: "shop".parse()?,
            artifact: scenario.release.parse()?,
        };
        let planned = alice.plan(grant, wish.clone())?;
        self.told(&planned);
        let run = alice.run(grant, wish, planned.planned().map(|p| p.plan))?;
        self.told(&run);
        let id = run.action().and_then(|a| a.run_id.0).unwrap().to_string();
        for _ in 0..100_000 {
            match alice.client().run(&id)?.state.as_str() {
                "verified" => return Ok(()),
                state @ ("failed" | "unverified" | "cancelled") => {
                    return Err(format!("the run is {state}").into());
                }
                _ => std::thread::yield_now(),
            }
        }
        Err("the run does not end".into())
    }
}

/// Waits until the account's credential is current: a rotation that was interrupted is finished.
fn rotated(client: &Client) -> Result<(), Anything> {
    for _ in 0..100_000 {
        let accounts = client.accounts()?;
        if accounts.iter().all(|a| a.state == "current") {
            return Ok(());
        }
        let stuck = accounts
            .iter()
            .find(|a| a.state == "rotation needs a person");
        assert!(stuck.is_none(), "the rotation is stuck: {accounts:?}");
        std::thread::yield_now();
    }
    Err("the rotation does not end".into())
}

fn declaration(scenario: Scenario) -> Declare {
    Declare {
        commander: "erin".parse().unwrap(),
        cves: Vec::new(),
        drill: false,
        justification: "payments fail".parse().unwrap(),
        scenario: scenario.name.parse().unwrap(),
        service: "shop".parse().unwrap(),
        severity: Severity::Sev1,
        threat: "somebody is in".parse().unwrap(),
        title: "checkout is broken".parse().unwrap(),
    }
}

/// A small generator with a seed that is printed, so that a failure can be run again.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, below: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        (self.0 >> 33) % below
    }
}

/// Plays until the server dies under it, or to the end.
fn play_until_death(
    stage: &Stage,
    scenario: Scenario,
    acknowledged: &mut Vec<Received>,
    after: Duration,
) -> bool {
    let mut serving = Serving::start(stage);
    let url = serving.url.clone();
    let (done, finished) = mpsc::channel::<()>();
    std::thread::scope(|scope| {
        let serving = &mut serving;
        scope.spawn(move || {
            // The moment comes, or the incident is over first; then it dies in idleness.
            let _ = finished.recv_timeout(after);
            serving.kill();
        });
        let mut people = People {
            stage,
            url: &url,
            acknowledged,
        };
        let played = people.incident(scenario);
        let _ = done.send(());
        played.is_ok()
    })
}

#[test]
fn killed_at_random_moments_nothing_acknowledged_is_lost() {
    let program = env!("CARGO_BIN_EXE_breakglass").as_ref();
    let stage = Stage::build_with_database(program, SystemClock.now()).unwrap();
    if stage.database.is_none() {
        crate::ssh::skipped(
            "kill: PostgreSQL as a target",
            "PostgreSQL is not installed",
        );
    }
    // For the scenario that needs it gone; the others do not look.
    stage.control_plane.take_away();
    let seed = std::env::var("BREAKGLASS_SEED")
        .ok()
        .and_then(|s| s.parse().ok());
    let seed = seed.unwrap_or_else(|| u64::from(std::process::id()));
    println!("BREAKGLASS_SEED={seed}");
    let mut dice = Dice(seed);
    let mut acknowledged = Vec::new();
    let mut completed = 0;
    for scenario in SCENARIOS.iter().cycle().take(KILLS) {
        let after = Duration::from_millis(dice.roll(LATEST_MS));
        completed += u32::from(play_until_death(
            &stage,
            *scenario,
            &mut acknowledged,
            after,
        ));
    }
    println!(
        "{} acknowledged, {completed} incidents to the end",
        acknowledged.len()
    );
    let serving = Serving::start(&stage);
    let url = serving.url.clone();
    withdraw_all(&stage, &url);
    let mut people = People {
        stage: &stage,
        url: &url,
        acknowledged: &mut acknowledged,
    };
    for scenario in SCENARIOS {
        people.incident(scenario).unwrap();
    }
    check_evidence(&stage, &url, &acknowledged);
    serving.stop();
    check_jsonl(&stage, &acknowledged);
}

/// What died between the request and its answers waits still, and nobody may have too much waiting.
fn withdraw_all(stage: &Stage, url: &str) {
    let mut alice = stage
        .actor(url, "alice", KEY, Box::new(SystemClock))
        .unwrap();
    for request in alice.client().requests(true).unwrap() {
        alice.withdraw(&request.reference).unwrap();
    }
}

/// Everything acknowledged is in the log, and the record holds by its own rules.
fn check_evidence(stage: &Stage, url: &str, acknowledged: &[Received]) {
    let frank = stage
        .actor(url, "frank", KEY, Box::new(SystemClock))
        .unwrap();
    let folder = crate::exported::export(frank.client(), frank.trust(), frank.now()).unwrap();
    let options = breakglass_verify::Options {
        pin: Some(stage.genesis),
        ..Default::default()
    };
    let verdict = breakglass_verify::check(&folder, &options);
    assert_eq!(verdict.exit_code(false), 0, "{:?}", verdict.findings);
    for received in acknowledged {
        let proven = frank.client().prove(received.index).unwrap();
        assert_eq!(proven.entry.as_bytes(), received.entry.to_bytes().unwrap());
    }
}

/// Every event once, in order.
fn check_jsonl(stage: &Stage, acknowledged: &[Received]) {
    let path = stage.dir().join("server/data/events.jsonl");
    let text = std::fs::read_to_string(path).unwrap();
    let mut ids = HashSet::new();
    let mut next = 0;
    for line in text.lines() {
        let event: serde_json::Value = serde_json::from_str(line).unwrap();
        let Some(index) = event["log_index"].as_u64() else {
            continue;
        };
        assert_eq!(index, next, "in order, without gap or duplicate");
        next += 1;
        assert!(ids.insert(event["event_id"].as_str().unwrap().to_owned()));
    }
    let last = acknowledged.iter().map(|r| r.index).max().unwrap();
    assert!(next > last);
}
