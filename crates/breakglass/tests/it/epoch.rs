//! A log whose end is nowhere, or whose key is in wrong hands: what is left goes on under another
//! origin and key, and everybody goes along only as far as the root persons signed.

mod killed;
mod versions;

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
    sync::Arc,
};

use breakglass::{
    demo::{KEY, PlayClock, Stage},
    export::ExportError,
};
use breakglass_format::statement::{Epoch, Statement as _};
use breakglass_server::{Clock as _, Config, Server};
use breakglass_tlog::{KeyName, SigningKey};
use breakglass_verify::{Folder, Options, Outcome, check};

use crate::{
    evidence::without_us,
    exported::{self, export},
    scene::{Cast, Scene, cast_at, insist, judged, wait},
};

const ORIGIN: &str = "log.demo.example/2";

/// A house whose log was copied early, and that then went on to a grant. Its server is stopped, the
/// copy is in place, and no other is left.
struct House {
    stage: Stage,
    clock: PlayClock,
    /// How long the log was when it was copied, and how long it became.
    size: (u64, u64),
    config: PathBuf,
    key: PathBuf,
    vkey: String,
    /// What an auditor exported before the copy, and at the end.
    exports: Vec<Folder>,
}

impl House {
    fn that_lost_its_end() -> Self {
        let scene = Scene::set();
        let mut cast = scene.cast();
        cast.take_custody(&scene);
        let clock = scene.clock.clone();
        let export = |cast: &Cast| {
            let frank = &cast.frank;
            export(frank.client(), frank.trust(), clock.wall()).unwrap()
        };
        let mut exports = vec![export(&cast)];
        let early = scene.log_size();
        let stage = scene.end();
        let data = stage.config().unwrap().data_dir;
        let backup = stage.dir().join("backup.db");
        fs::copy(data.join("log.db"), &backup).unwrap();
        let server = start(&stage.config().unwrap(), &clock);
        let mut cast = cast_at(&stage, &server, &clock);
        cast.grant();
        cast.erin.note("INC-1", "on it".parse().unwrap()).unwrap();
        exports.push(export(&cast));
        let size = (early, server.log_size());
        stage
            .configure_people(&format!("http://{}", server.address()))
            .unwrap();
        server.stop();
        fs::copy(&backup, data.join("log.db")).unwrap();
        fs::rename(data.join("events.jsonl"), stage.dir().join("shipped.jsonl")).unwrap();
        Self {
            exports,
            ..Self::with(stage, clock, size)
        }
    }

    /// One that has a new log key, and whose server is stopped.
    fn with(stage: Stage, clock: PlayClock, size: (u64, u64)) -> Self {
        let new = SigningKey::from_seed(KeyName::new(ORIGIN).unwrap(), &[9; 32]);
        let key = stage.dir().join("new-log.key");
        fs::write(&key, format!("{}\n", *new.to_text())).unwrap();
        use std::os::unix::fs::PermissionsExt as _;
        fs::set_permissions(&key, fs::Permissions::from_mode(0o600)).unwrap();
        Self {
            config: stage.write_config().unwrap(),
            vkey: new.verifier().to_string(),
            stage,
            clock,
            size,
            key,
            exports: Vec::new(),
        }
    }

    /// The configuration with the new key.
    fn with_the_new_key(&self) -> (PathBuf, Config) {
        let text = fs::read_to_string(&self.config).unwrap();
        let old = "log_key_file = \"log.key\"";
        assert!(text.contains(old), "{text}");
        let new = format!("log_key_file = \"{}\"", self.key.display());
        let path = self.config.with_file_name("new.toml");
        fs::write(&path, text.replace(old, &new)).unwrap();
        let mut config = self.stage.config().unwrap();
        config.log_key_file.clone_from(&self.key);
        (path, config)
    }

    fn plan(&self, out: &Path) -> Output {
        Command::new(env!("CARGO_BIN_EXE_breakglass"))
            .args(["log", "epoch", "plan", "--log", &self.vkey])
            .args(["--why", "The disk died, and so did the copies."])
            .arg("--config")
            .arg(&self.config)
            .arg("--out")
            .arg(out)
            .output()
            .unwrap()
    }

    fn sign(&self, principal: &str, epoch: &Path) -> Output {
        types(
            &self.stage,
            principal,
            &["log", "epoch", "sign", "--yes"],
            epoch,
        )
    }

    fn begin(&self, epoch: &Path) -> Output {
        let (config, _) = self.with_the_new_key();
        Command::new(env!("CARGO_BIN_EXE_breakglass"))
            .args(["log", "epoch", "begin"])
            .arg(epoch)
            .arg("--config")
            .arg(config)
            .output()
            .unwrap()
    }

    /// Signed by as many as it takes.
    fn signed(&self) -> PathBuf {
        let epoch = self.stage.dir().join("epoch.json");
        done(&self.plan(&epoch));
        for root in roots(&self.stage) {
            done(&self.sign(&root, &epoch));
        }
        epoch
    }
}

/// What somebody types on their own machine, about a file.
fn types(stage: &Stage, principal: &str, verb: &[&str], file: &Path) -> Output {
    Command::new(env!("CARGO_BIN_EXE_breakglass"))
        .arg("--home")
        .arg(stage.home(principal))
        .args(verb)
        .arg(file)
        .env_remove("SSH_AUTH_SOCK")
        .output()
        .unwrap()
}

/// The principals of the root persons.
fn roots(stage: &Stage) -> Vec<String> {
    let authority = fs::read(stage.dir().join("server/genesis/authority.json")).unwrap();
    let authority = breakglass_format::authority::Authority::from_bytes(&authority).unwrap();
    let people = authority.people.iter();
    let roots = people.filter(|p| authority.roots.persons.contains(&p.person));
    roots.map(|p| p.principal.to_string()).collect()
}

fn start(config: &Config, clock: &PlayClock) -> Server {
    let on_fatal = |detail: &str| panic!("{detail}");
    Server::start(config, Arc::new(clock.clone()), on_fatal).unwrap()
}

#[track_caller]
fn done(output: &Output) -> String {
    let says = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(0), "{says}");
    says + &String::from_utf8_lossy(&output.stdout)
}

#[track_caller]
fn refused(output: &Output, told: &str) {
    refused_as(output, 1, told);
}

#[track_caller]
fn refused_as(output: &Output, exit: i32, told: &str) {
    let says = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(exit), "{says}");
    assert!(says.contains(told), "{told:?} is not in {says}");
}

#[test]
fn what_is_left_goes_on_as_the_root_persons_signed_and_everybody_goes_along() {
    let house = House::that_lost_its_end();
    let (early, size) = house.size;
    let server = start(&house.stage.config().unwrap(), &house.clock);
    assert!(server.read_only().unwrap().contains("restored backup"));
    server.stop();
    let epoch = house.stage.dir().join("epoch.json");
    let told = done(&house.plan(&epoch));
    let lost = size - early;
    let says = format!("it keeps {early} entries, and gives up {lost}");
    assert!(told.contains(&says), "{told}");
    // Each sees what it means for what their own machine saw.
    let signing = roots(&house.stage).into_iter();
    let shown: String = signing
        .map(|root| done(&house.sign(&root, &epoch)))
        .collect();
    assert!(shown.contains("OF THEM ARE GIVEN UP"), "{shown}");
    let told = done(&house.begin(&epoch));
    assert!(told.contains("the epoch begins"), "{told}");

    let (_, config) = house.with_the_new_key();
    let server = start(&config, &house.clock);
    assert_eq!(server.read_only(), None);
    let mut cast = cast_at(&house.stage, &server, &house.clock);
    let crossed = cast.alice.trust().crossed().unwrap();
    assert_eq!((crossed.epoch, crossed.origin.as_str()), (1, ORIGIN));
    assert!(crossed.lost > 0 && crossed.lost <= lost);
    assert!(crossed.evidence.exists());
    let incident = cast.declare();
    wait("the rotation", || {
        cast.frank.client().accounts().unwrap()[0].state == "current"
    });
    let request = cast.request(&incident);
    cast.approve(&request);
    let (outcome, found) = judged(&cast, &house.clock);
    assert_eq!((outcome, found), (Outcome::Ok, vec!["entries_lost"]));
    // Somebody without this program comes to the same.
    let (frank, dir) = (&cast.frank, house.stage.dir().join("evidence"));
    let folder = export(frank.client(), frank.trust(), house.clock.wall()).unwrap();
    folder.write(&dir).unwrap();
    let genesis = frank.trust().authorities().instance().to_string();
    let test = "epoch::what_is_left_goes_on_as_the_root_persons_signed_and_everybody_goes_along";
    if let Some(said) = without_us::says(test, &dir, &genesis) {
        said.unwrap();
        let statement = dir.join("epochs/1/epoch.json");
        let text = fs::read_to_string(&statement).unwrap();
        fs::write(&statement, text.replace("The disk died", "The disk lied")).unwrap();
        let said = without_us::says(test, &dir, &genesis).unwrap().unwrap_err();
        assert!(said.contains("epochs/1/epoch.json"), "{said}");
    }
    // The next version of the authority has to name the log that is in force, which is shown.
    house
        .stage
        .configure_people(&format!("http://{}", server.address()))
        .unwrap();
    let root = &roots(&house.stage)[0];
    let shown = done(&types(
        &house.stage,
        root,
        &["authority"],
        Path::new("show"),
    ));
    let named = format!(
        "log = {{ origin = \"{ORIGIN}\", vkey = \"{}\" }}",
        house.vkey
    );
    assert!(shown.contains(&named), "{shown}");
    // The next time nothing is new.
    let url = format!("http://{}", server.address());
    let clock = Box::new(house.clock.clone());
    let alice = house.stage.actor(&url, "alice", KEY, clock).unwrap();
    assert_eq!(alice.trust().crossed(), None);
    server.stop();
    // And it starts again, with a snapshot and without.
    start(&config, &house.clock).stop();
}

#[test]
fn too_few_root_persons_begin_nothing() {
    let house = House::that_lost_its_end();
    let epoch = house.stage.dir().join("epoch.json");
    done(&house.plan(&epoch));
    let data = house.stage.config().unwrap().data_dir;
    let log = |data: &Path| fs::read(data.join("log.db")).unwrap();
    let before = log(&data);
    refused(&house.begin(&epoch), "root persons of version 1 signed");
    let one = roots(&house.stage).remove(0);
    done(&house.sign(&one, &epoch));
    refused(&house.begin(&epoch), "1 root persons of version 1 signed");
    // Nor does somebody who is none, nor the same person under another's name.
    let [own, other] = ["alice", roots(&house.stage)[1].as_str()]
        .map(|name| house.stage.dir().join(format!("epoch.json.{name}.sig")));
    done(&house.sign("alice", &epoch));
    refused(&house.begin(&epoch), "alice is no root person");
    refused(&house.begin(&epoch), "take this one away");
    fs::remove_file(own).unwrap();
    let mine = house.stage.dir().join(format!("epoch.json.{one}.sig"));
    fs::copy(mine, &other).unwrap();
    refused(&house.begin(&epoch), "is no root person with the key");
    assert!(before == log(&data));
}

#[test]
fn who_insists_on_witnesses_signs_an_epoch_all_the_same_since_no_server_runs() {
    let house = House::that_lost_its_end();
    let no_witness = house.stage.dir().join("no.policy");
    for root in roots(&house.stage) {
        insist(&house.stage, &root, &no_witness, "require = true");
    }
    done(&house.begin(&house.signed()));
}

#[test]
fn an_epoch_that_was_changed_after_it_was_signed_begins_nothing() {
    let house = House::that_lost_its_end();
    let epoch = house.signed();
    let text = fs::read_to_string(&epoch).unwrap();
    fs::write(&epoch, text.replace("The disk died", "The disk lied")).unwrap();
    refused(&house.begin(&epoch), "signature of");
    fs::write(&epoch, &text).unwrap();
    // Another key than the one that was signed.
    let other = SigningKey::from_seed(KeyName::new(ORIGIN).unwrap(), &[8; 32]);
    fs::write(&house.key, format!("{}\n", *other.to_text())).unwrap();
    refused(&house.begin(&epoch), "the key file holds");
}

#[test]
fn nobody_goes_along_with_another_log_without_an_epoch() {
    let house = House::that_lost_its_end();
    let epoch = house.signed();
    done(&house.begin(&epoch));
    let (_, config) = house.with_the_new_key();
    let server = start(&config, &house.clock);
    let url = format!("http://{}", server.address());
    let alice = || {
        let clock = Box::new(house.clock.clone());
        house.stage.actor(&url, "alice", KEY, clock)
    };
    assert!(alice().unwrap().trust().crossed().is_some());
    // Who saw an epoch is not shown the log without it.
    let pins = house.stage.home("alice").join("state");
    let epoch = find(&pins, "epoch.json");
    let text = fs::read_to_string(&epoch).unwrap();
    fs::write(&epoch, text.replace("\"number\":1", "\"number\":2")).unwrap();
    let error = alice().unwrap_err().to_string();
    assert!(
        error.contains("epoch 2 of the log was seen before"),
        "{error}"
    );
    // Nor one that rests on people who have left meanwhile.
    fs::remove_file(&epoch).unwrap();
    let authority = find(&pins, "authority.json");
    let text = fs::read_to_string(&authority).unwrap();
    fs::write(&authority, text.replace("\"version\":1", "\"version\":2")).unwrap();
    let error = alice().unwrap_err().to_string();
    assert!(error.contains("names authority version 1"), "{error}");
    server.stop();
}

#[test]
fn where_the_checkpoint_is_for_sessions_alone_it_is_said_all_the_same_that_another_log_goes_on() {
    let house = House::that_lost_its_end();
    done(&house.begin(&house.signed()));
    let (path, _) = house.with_the_new_key();
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, text + "\n[log]\npublic = \"nothing\"\n").unwrap();
    let server = start(&Config::load(&path).unwrap(), &house.clock);
    let url = format!("http://{}", server.address());
    house.stage.configure_people(&url).unwrap();
    let says = format!("epoch 1 of the log: it goes on as {ORIGIN}");
    // To one the session comes with the command, to another before it.
    let erin = types(&house.stage, "erin", &["login"], Path::new("--for=1h"));
    done(&erin);
    for (person, verb, what) in [
        ("alice", "grant", "list"),
        ("erin", "grant", "list"),
        ("frank", "log", "search"),
    ] {
        let asks = || done(&types(&house.stage, person, &[verb], Path::new(what)));
        let told = asks();
        assert_eq!(told.matches(&says).count(), 1, "{person}: {told}");
        // The next time nothing is new.
        let told = asks();
        assert!(!told.contains("epoch 1"), "{person}: {told}");
    }
}

#[test]
fn an_epoch_begins_once_and_an_interrupted_beginning_is_done_again() {
    let house = House::that_lost_its_end();
    let epoch = house.signed();
    let (_, config) = house.with_the_new_key();
    let file = |name: &str| config.data_dir.join(name);
    let (log, mark) = (file("log.db"), file("high-water.checkpoint"));
    let read = |path: &Path| fs::read(path).unwrap();
    let (old_log, old_mark) = (read(&log), read(&mark));
    done(&house.begin(&epoch));
    // Killed before the last step: the old log is there, beside the mark of the new one.
    fs::write(&log, &old_log).unwrap();
    done(&house.begin(&epoch));
    let aside = file("high-water.checkpoint.before-epoch-1");
    assert!(read(&aside) == old_mark, "the mark of before is gone");
    // Done, it is not done again.
    refused(&house.begin(&epoch), "the epoch has begun already");
    let server = start(&config, &house.clock);
    let mut cast = cast_at(&house.stage, &server, &house.clock);
    cast.declare();
    drop(cast);
    server.stop();
    // Not from a backup of before either: the new key would sign two histories.
    fs::write(&log, &old_log).unwrap();
    let new_mark = read(&mark);
    refused(&house.begin(&epoch), "the epoch has begun already");
    assert!(read(&log) == old_log && read(&mark) == new_mark);
    fs::remove_file(&log).unwrap();
    let shipped = file("events.jsonl");
    let (toml, _) = house.with_the_new_key();
    let again = Command::new(env!("CARGO_BIN_EXE_breakglass"))
        .args(["log", "epoch", "begin"])
        .arg(&epoch)
        .arg("--config")
        .arg(toml)
        .arg("--from")
        .arg(shipped)
        .output()
        .unwrap();
    refused(&again, "the epoch has begun already");
}

#[test]
fn an_export_goes_on_over_an_epoch_unless_it_has_what_is_lost() {
    let house = House::that_lost_its_end();
    let epoch = house.signed();
    done(&house.begin(&epoch));
    let (_, config) = house.with_the_new_key();
    let server = start(&config, &house.clock);
    let cast = cast_at(&house.stage, &server, &house.clock);
    let frank = &cast.frank;
    let resume = |before: &Folder| {
        let now = house.clock.wall();
        exported::resume(frank.client(), frank.trust(), now, before)
    };
    let [early, full] = &house.exports[..] else {
        panic!("two exports");
    };
    let (on, folder) = resume(early).unwrap();
    assert!(on.from > 0 && on.from <= house.size.0);
    assert!(folder.get("epochs/1/epoch.json").is_some());
    let options = Options {
        pin: Some(frank.trust().authorities().instance()),
        ..Options::default()
    };
    assert_eq!(check(&folder, &options).outcome, Outcome::Ok);
    // Nobody altered the other one, and nothing of it may go: it is all that there is of the end.
    let error = resume(full).unwrap_err();
    assert!(matches!(error, ExportError::GivenUp { .. }), "{error}");
    // The one that a client keeps for itself is put aside, and another begun.
    let url = format!("http://{}", server.address());
    house.stage.configure_people(&url).unwrap();
    let home = house.stage.home("frank");
    let state = home.join("state").join(house.stage.genesis.hex());
    full.write(&state.join("export")).unwrap();
    let verify = || {
        let args = ["--home", home.to_str().unwrap(), "verify", &url];
        let program = env!("CARGO_BIN_EXE_breakglass");
        done(&Command::new(program).args(args).output().unwrap())
    };
    let said = verify();
    assert!(said.contains("export.given-up-1"), "{said}");
    assert!(Folder::read(&state.join("export.given-up-1")).unwrap() == *full);
    let said = verify();
    assert!(!said.contains("given-up-1"), "{said}");
    drop(cast);
    server.stop();
}

#[test]
fn whoever_lost_the_epoch_as_well_is_told_before_another_is_planned() {
    let house = House::that_lost_its_end();
    let data = house.stage.config().unwrap().data_dir;
    fs::copy(data.join("log.db"), house.stage.dir().join("kept.db")).unwrap();
    done(&house.begin(&house.signed()));
    // The log of before the epoch again, beside the mark of the log after it.
    fs::copy(house.stage.dir().join("kept.db"), data.join("log.db")).unwrap();
    let again = house.stage.dir().join("again.json");
    refused(&house.plan(&again), &format!("of the log {ORIGIN}, which"));
    assert!(!again.exists());
    fs::remove_file(data.join("high-water.checkpoint")).unwrap();
    done(&house.plan(&again));
}

#[test]
fn nobody_signs_an_epoch_that_hides_how_long_the_log_was() {
    let house = House::that_lost_its_end();
    let epoch = house.stage.dir().join("epoch.json");
    done(&house.plan(&epoch));
    let text = fs::read_to_string(&epoch).unwrap();
    let mark = house.stage.config().unwrap().data_dir;
    let mark = fs::read_to_string(mark.join("high-water.checkpoint")).unwrap();
    let (had, kept) = (mark.lines().nth(1).unwrap(), house.size.0);
    let (true_size, shorter) = (format!("log\\n{had}\\n"), format!("log\\n{kept}\\n"));
    assert!(text.contains(&true_size), "{text}");
    fs::write(&epoch, text.replace(&true_size, &shorter)).unwrap();
    let root = roots(&house.stage).remove(0);
    let output = house.sign(&root, &epoch);
    let says = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(4), "{says}");
    assert!(says.contains("the last checkpoint in the epoch"), "{says}");
    // Nor one that keeps another history than the signer's own machine saw.
    let mut planned = Epoch::from_bytes(text.as_bytes()).unwrap();
    let pinned = find(&house.stage.home(&root).join("state"), "checkpoint");
    let seen = fs::read_to_string(&pinned).unwrap();
    planned.kept.size = seen.lines().nth(1).unwrap().parse().unwrap();
    fs::write(&epoch, planned.to_bytes().unwrap()).unwrap();
    let output = house.sign(&root, &epoch);
    let says = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(5), "{says}");
    assert!(says.contains("this machine saw other"), "{says}");
    // And none is written for a log that there was.
    let old = house.stage.config().unwrap().log_key_file;
    let old = SigningKey::parse(fs::read_to_string(old).unwrap().trim_end()).unwrap();
    let vkey = old.verifier().to_string();
    let house = House { vkey, ..house };
    // Nor over one that people may have signed.
    refused_as(&house.plan(&epoch), 2, "epoch.json exists");
    fs::remove_file(&epoch).unwrap();
    refused(&house.plan(&epoch), "is not a new one");
}

/// The entries of a JSONL file, by index.
fn lines(path: &Path) -> Vec<(u64, String)> {
    let text = fs::read_to_string(path).unwrap();
    let lines = text.lines().map(|line| {
        let line: serde_json::Value = serde_json::from_str(line).unwrap();
        let entry = line["entry"].as_str().unwrap_or_default().to_owned();
        line["log_index"].as_u64().map(|index| (index, entry))
    });
    lines.flatten().collect()
}

#[test]
fn the_shippers_file_is_of_the_new_log_and_what_was_given_up_is_kept_beside_it() {
    let house = House::that_lost_its_end();
    let epoch = house.signed();
    done(&house.begin(&epoch));
    let (_, config) = house.with_the_new_key();
    let events = config.data_dir.join("events.jsonl");
    // The file was there all along, with more than what is kept.
    let shipped = house.stage.dir().join("shipped.jsonl");
    let before = fs::read(&shipped).unwrap();
    fs::rename(&shipped, &events).unwrap();
    let server = start(&config, &house.clock);
    let cast = cast_at(&house.stage, &server, &house.clock);
    wait("the rotation", || {
        cast.frank.client().accounts().unwrap()[0].state == "current"
    });
    wait("the file", || {
        lines(&events).len() as u64 == server.log_size()
    });
    drop(cast);
    server.stop();
    let given_up = events.with_file_name("events.jsonl.given-up-1");
    assert!(fs::read(given_up).unwrap() == before);
    let written = lines(&events);
    let indices = written.iter().map(|(index, _)| *index);
    assert!(indices.eq(0..written.len() as u64), "a gap, or one twice");
    // It is a copy of the log that goes on: what is lost of that comes back from it.
    fs::remove_file(config.data_dir.join("log.db")).unwrap();
    let sources = breakglass_server::Sources {
        copies: vec![events],
        checkpoints: Vec::new(),
    };
    let recovered = breakglass_server::recover(&config, &sources, false, &house.clock).unwrap();
    assert_eq!(recovered.recovered, written.len() as u64);
    // Nothing is put aside where nothing was given up.
    let server = start(&config, &house.clock);
    server.stop();
    let second = config.data_dir.join("events.jsonl.given-up-2");
    assert!(!second.exists());
}

/// A file somewhere below a folder.
fn find(dir: &Path, name: &str) -> PathBuf {
    for entry in fs::read_dir(dir).unwrap() {
        let found = entry.unwrap().path().join(name);
        if found.exists() {
            return found;
        }
    }
    panic!("no {name}")
}
