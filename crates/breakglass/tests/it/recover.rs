//! A log that lost its end: what puts it back, what does not, and what follows for people.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
    sync::Arc,
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use breakglass::{
    actor::RequestWish,
    demo::{ACCOUNT, KEY, PlayClock, Stage},
};
use breakglass_api::Client;
use breakglass_server::{Config, NotRecovered, Recovered, Server, Sources, recover};
use breakglass_verify::Outcome;

use crate::{
    exported::export,
    scene::{Scene, cast_at, judged, wait, wish},
    ssh::available,
};

/// A house whose log was copied when nothing but a credential was in it, and that then went on to a
/// grant that was used, and a request that waits. Its server is stopped.
struct House {
    stage: Stage,
    clock: PlayClock,
    /// The log as it was copied.
    backup: PathBuf,
    /// Its mark of then.
    early_mark: PathBuf,
    /// How long it was, and how long the log became.
    size: (u64, u64),
    grant: String,
}

impl House {
    fn after_a_while() -> Self {
        let scene = Scene::set();
        let mut cast = scene.cast();
        cast.take_custody(&scene);
        let (clock, early) = (scene.clock.clone(), scene.log_size());
        let stage = scene.end();
        let data = stage.config().unwrap().data_dir;
        let backup = stage.dir().join("backup.db");
        fs::copy(data.join("log.db"), &backup).unwrap();
        let early_mark = stage.dir().join("early.checkpoint");
        fs::copy(data.join("high-water.checkpoint"), &early_mark).unwrap();
        let server = Self::serve(&stage, &clock);
        let mut cast = cast_at(&stage, &server, &clock);
        let incident = cast.declare();
        let request = cast.request(&incident);
        let grant = cast.approve(&request);
        cast.checkout(&grant);
        let extends = cast.alice.grant_id(&grant).unwrap();
        let longer = RequestWish {
            extends: Some(extends),
            ..wish(&incident)
        };
        cast.alice.request(&longer).unwrap();
        let size = (early, server.log_size());
        server.stop();
        Self {
            stage,
            clock,
            backup,
            early_mark,
            size,
            grant,
        }
    }

    /// Somebody types that the log is to be put back from the shipper's file.
    fn types_recover(&self, mut program: Command, config: &Path) -> Output {
        program.args(["log", "recover", "--config"]).arg(config);
        program.arg("--from").arg(self.events()).output().unwrap()
    }

    fn serve(stage: &Stage, clock: &PlayClock) -> Server {
        let config = stage.config().unwrap();
        let on_fatal = |detail: &str| panic!("{detail}");
        Server::start(&config, Arc::new(clock.clone()), on_fatal).unwrap()
    }

    fn start(&self) -> Server {
        Self::serve(&self.stage, &self.clock)
    }

    fn config(&self) -> Config {
        self.stage.config().unwrap()
    }

    fn data(&self, name: &str) -> PathBuf {
        self.config().data_dir.join(name)
    }

    /// The backup is put where the log was.
    fn restore(&self) {
        fs::copy(&self.backup, self.data("log.db")).unwrap();
    }

    fn recover(&self, from: &[PathBuf]) -> Result<Recovered, NotRecovered> {
        self.recover_with(from, &[])
    }

    fn recover_with(
        &self,
        from: &[PathBuf],
        checkpoints: &[PathBuf],
    ) -> Result<Recovered, NotRecovered> {
        let sources = Sources {
            copies: from.to_vec(),
            checkpoints: checkpoints.to_vec(),
        };
        recover(&self.config(), &sources, false, &self.clock)
    }

    fn events(&self) -> PathBuf {
        self.data("events.jsonl")
    }

    /// A file with only some of the lines that were written.
    fn some_lines(&self, name: &str, keep: impl Fn(usize, &str) -> Option<String>) -> PathBuf {
        let all = fs::read_to_string(self.events()).unwrap();
        let lines = all.lines().enumerate();
        let kept: String = lines
            .filter_map(|(at, line)| keep(at, line))
            .map(|line| line + "\n")
            .collect();
        let path = self.stage.dir().join(name);
        fs::write(&path, kept).unwrap();
        path
    }

    fn log(&self) -> Vec<u8> {
        fs::read(self.data("log.db")).unwrap()
    }
}

fn account_state(client: &Client) -> String {
    client.accounts().unwrap()[0].state.clone()
}

#[test]
fn a_log_put_back_from_the_shippers_file_is_the_log_that_was_signed_and_nothing_stays_open() {
    let house = House::after_a_while();
    let (early, size) = house.size;
    house.restore();
    let before = house.log();
    let server = house.start();
    assert!(server.read_only().unwrap().contains("restored backup"));
    server.stop();

    let config = house.stage.write_config().unwrap();
    let program = Command::new(env!("CARGO_BIN_EXE_breakglass"));
    let run = house.types_recover(program, &config);
    let says = String::from_utf8(run.stderr).unwrap();
    assert_eq!(run.status.code(), Some(0), "{says}");
    for told in [
        format!("put back: {} entries after the {early}", size - early),
        format!("ended: {}", house.grant),
        "void: 1 request that waited".to_owned(),
        "next: breakglass serve --check".to_owned(),
    ] {
        assert!(says.contains(&told), "{told:?} is not in {says}");
    }
    assert_eq!(fs::read(house.data("log.db.replaced-1")).unwrap(), before);

    let server = house.start();
    assert_eq!(server.read_only(), None);
    // Everybody goes on where they were: no client has to forget what it saw.
    let cast = cast_at(&house.stage, &server, &house.clock);
    let proven = cast.frank.client().prove(size).unwrap();
    assert!(proven.entry.contains("LOG_RECOVERED"), "{}", proven.entry);
    let grants = cast.frank.client().grants().unwrap();
    assert_eq!(grants[0].state, "recovered");
    wait("the rotation", || {
        account_state(cast.frank.client()) == "current"
    });
    let (outcome, found) = judged(&cast, &house.clock);
    assert_eq!(outcome, Outcome::Ok, "{found:?}");
    server.stop();
}

#[test]
fn a_log_that_is_gone_comes_back_from_copies_without_what_lay_sealed() {
    let house = House::after_a_while();
    let (_, size) = house.size;
    fs::remove_file(house.data("log.db")).unwrap();
    let recovered = house.recover(&[house.events()]).unwrap();
    assert_eq!((recovered.had, recovered.recovered), (0, size));
    assert_eq!(recovered.kept, None);
    assert_eq!(recovered.lost.len(), 1);
    let server = house.start();
    assert_eq!(server.read_only(), None);
    let mut cast = cast_at(&house.stage, &server, &house.clock);
    assert_eq!(account_state(cast.frank.client()), "none");
    let incident = cast.declare();
    let refused = cast.alice.request(&wish(&incident)).unwrap_err();
    assert!(refused.to_string().contains("no credential"), "{refused}");
    // What the target takes was in no copy. People set another there, and add it.
    let (import, _) = cast
        .carol
        .add_credential(ACCOUNT, &house.stage.first_password)
        .unwrap();
    cast.dave.agree_import(&import).unwrap();
    assert_ne!(account_state(cast.frank.client()), "none");
    // What the shipper's file never had is named, and is no reason to keep the rest from auditors.
    let (outcome, found) = judged(&cast, &house.clock);
    assert_eq!(outcome, Outcome::CannotTell, "{found:?}");
    assert_eq!(found, vec!["missing_blob"; recovered.missing.len()]);
    server.stop();
}

/// What is refused leaves everything as it was.
fn refused(house: &House, from: &[PathBuf], checkpoints: &[PathBuf]) -> String {
    let files = |house: &House| {
        let data = house.config().data_dir;
        let mut all: Vec<(PathBuf, Vec<u8>)> = fs::read_dir(data)
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .filter(|path| path.is_file())
            .map(|path| (path.clone(), fs::read(&path).unwrap()))
            .collect();
        all.sort();
        all
    };
    let before = files(house);
    let error = house.recover_with(from, checkpoints).unwrap_err();
    assert!(before == files(house), "{error} changed something");
    error.to_string()
}

#[test]
fn what_is_whole_needs_no_recovery_and_a_server_that_runs_is_left_alone() {
    let house = House::after_a_while();
    let said = refused(&house, &[house.events()], &[]);
    assert!(said.contains("nothing is missing"), "{said}");
    house.restore();
    let server = house.start();
    let error = house.recover(&[house.events()]).unwrap_err();
    assert!(matches!(error, NotRecovered::Open(_)), "{error}");
    server.stop();
}

#[test]
fn copies_that_end_too_early_say_what_is_missing_and_more_of_them_help() {
    let house = House::after_a_while();
    let (early, size) = house.size;
    house.restore();
    // The last entries were only ever in the file that the shipper took away.
    let index = |line: &str| {
        let line: serde_json::Value = serde_json::from_str(line).unwrap();
        line["log_index"].as_u64()
    };
    let first = house.some_lines("events.1", |_, line| {
        let kept = index(line).is_none_or(|index| index < size - 3);
        kept.then(|| line.to_owned())
    });
    let last = house.some_lines("events.2", |_, line| {
        let kept = index(line).is_some_and(|index| index >= size - 5);
        kept.then(|| line.to_owned())
    });
    let said = refused(&house, std::slice::from_ref(&first), &[]);
    let missing = format!("entries {} to {} are in none", size - 3, size - 1);
    assert!(said.contains(&missing), "{said}");
    let recovered = house.recover(&[first, last]).unwrap();
    assert_eq!((recovered.had, recovered.recovered), (early, size - early));
    house.start().stop();
}

#[test]
fn a_forged_copy_is_not_the_log_that_was_signed() {
    let house = House::after_a_while();
    let (_, size) = house.size;
    house.restore();
    let forge = |line: &str| {
        let mut line: serde_json::Value = serde_json::from_str(line).unwrap();
        if line["log_index"].as_u64() == Some(size - 1) {
            let entry = STANDARD.decode(line["entry"].as_str().unwrap()).unwrap();
            let entry = String::from_utf8(entry).unwrap();
            let forged = entry.replace("roll back to 2.4.0", "roll back to 2.4.1");
            assert_ne!(entry, forged);
            line["entry"] = STANDARD.encode(forged).into();
        }
        Some(line.to_string())
    };
    let forged = house.some_lines("forged.jsonl", |_, line| forge(line));
    let said = refused(&house, std::slice::from_ref(&forged), &[]);
    assert!(said.contains("do not give the tree"), "{said}");
    // Beside the true one it is known for what it is, whichever comes first.
    for from in [[forged.clone(), house.events()], [house.events(), forged]] {
        let said = refused(&house, &from, &[]);
        assert!(said.contains("are not the same"), "{said}");
    }
}

#[test]
fn a_log_of_another_history_is_not_taken_for_the_beginning_of_this_one() {
    let house = House::after_a_while();
    // Somebody put the backup back, with its own mark and nothing beside it that knows better, and
    // let it go on.
    house.restore();
    let (mark, kept) = (
        house.data("high-water.checkpoint"),
        house.stage.dir().join("mark"),
    );
    fs::copy(&mark, &kept).unwrap();
    let events = house.stage.dir().join("kept.jsonl");
    fs::rename(house.events(), &events).unwrap();
    fs::copy(&house.early_mark, &mark).unwrap();
    let server = house.start();
    // Whoever logs in writes an entry.
    let url = format!("http://{}", server.address());
    let clock = Box::new(house.clock.clone());
    drop(house.stage.actor(&url, "alice", KEY, clock));
    assert!(server.log_size() > house.size.0);
    server.stop();
    let said = refused(&house, &[events], &[kept]);
    assert!(said.contains("do not give the tree"), "{said}");
}

#[test]
fn without_the_mark_somebody_has_to_say_how_long_the_log_was() {
    let house = House::after_a_while();
    let (early, size) = house.size;
    let mark = house.data("high-water.checkpoint");
    let seen = house.stage.dir().join("seen");
    fs::copy(&mark, &seen).unwrap();
    house.restore();
    fs::remove_file(&mark).unwrap();
    let said = refused(&house, &[house.events()], &[]);
    let longest = format!("the longest checkpoint in the copies is of {size} entries");
    assert!(said.contains(&longest), "{said}");
    let nonsense = house.stage.dir().join("nonsense");
    fs::write(&nonsense, "a checkpoint\n").unwrap();
    let said = refused(&house, &[house.events()], &[nonsense]);
    assert!(said.contains("is not a checkpoint of this log"), "{said}");

    let recovered = house.recover_with(&[house.events()], &[seen]).unwrap();
    assert_eq!((recovered.had, recovered.recovered), (early, size - early));
    let server = house.start();
    assert_eq!(server.read_only(), None);
    server.stop();
}

#[test]
fn where_only_the_mark_is_gone_the_log_goes_on_with_everything_ended() {
    let house = House::after_a_while();
    let (_, size) = house.size;
    let mark = house.data("high-water.checkpoint");
    let seen = house.stage.dir().join("seen");
    fs::rename(&mark, &seen).unwrap();
    let recovered = house.recover_with(&[house.events()], &[seen]).unwrap();
    assert_eq!((recovered.had, recovered.recovered), (size, 0));
    assert_eq!(recovered.ended, std::slice::from_ref(&house.grant));
    let server = house.start();
    assert_eq!(server.read_only(), None);
    let cast = cast_at(&house.stage, &server, &house.clock);
    let (outcome, found) = judged(&cast, &house.clock);
    assert_eq!(outcome, Outcome::Ok, "{found:?}");
    server.stop();
}

#[test]
fn entries_that_nothing_known_covers_are_not_given_up_in_silence() {
    let house = House::after_a_while();
    let (early, size) = house.size;
    house.restore();
    let mark = house.data("high-water.checkpoint");
    let seen = house.stage.dir().join("seen");
    fs::copy(&mark, &seen).unwrap();
    // The mark was written before the last entries, and the copies have no later checkpoint.
    fs::copy(&house.early_mark, &mark).unwrap();
    let events = house.some_lines("events.1", |_, line| {
        (!line.contains("LOG_CHECKPOINT")).then(|| line.to_owned())
    });
    let said = refused(&house, std::slice::from_ref(&events), &[]);
    let told = format!("the copies go on to {size} entries");
    assert!(said.contains(&told), "{said}");
    // Whoever saw more says so.
    let copies = std::slice::from_ref(&events);
    let recovered = house.recover_with(copies, &[seen]).unwrap();
    assert_eq!((recovered.had, recovered.recovered), (early, size - early));
    // Or nobody did, and that is said.
    house.restore();
    fs::copy(&house.early_mark, &mark).unwrap();
    let sources = Sources {
        copies: vec![events],
        checkpoints: Vec::new(),
    };
    let recovered = recover(&house.config(), &sources, true, &house.clock).unwrap();
    assert_eq!((recovered.had, recovered.recovered), (early, 0));
    let server = house.start();
    assert_eq!(server.read_only(), None);
    server.stop();
}

/// The same log without what lies sealed in it.
fn without_what_lies_sealed(house: &House) {
    use breakglass_store::{Append, Batch, Ledger as _, SqliteLedger, Visibility};
    use breakglass_tlog::SigningKey;
    let config = house.config();
    let key = fs::read_to_string(&config.log_key_file).unwrap();
    let key = SigningKey::parse(key.trim_end()).unwrap();
    let (from, to) = (house.data("log.db"), house.data("other.db"));
    let origin = key.verifier().name().as_str();
    let old = SqliteLedger::open(&from, origin, key.verifier(), &mut |_| {}).unwrap();
    let mut new = SqliteLedger::create(&to, &key).unwrap();
    let blobs = old.blob_digests().unwrap().into_iter();
    let blobs = blobs.map(|digest| old.blob(&digest).unwrap().unwrap());
    let batch = Batch {
        entries: old.entries(0..old.head().size()).unwrap(),
        blobs: blobs
            .filter(|blob| blob.visibility == Visibility::Public)
            .collect(),
    };
    let head = new.head().clone();
    let done = new.append(&head, &batch, &key).unwrap();
    assert!(matches!(done, Append::Committed { .. }));
    drop((old, new));
    fs::rename(to, from).unwrap();
}

#[test]
fn a_credential_that_a_recovery_did_not_lose_is_missed_when_it_is_gone() {
    let house = House::after_a_while();
    let mark = house.data("high-water.checkpoint");
    let seen = house.stage.dir().join("seen");
    fs::rename(&mark, &seen).unwrap();
    let recovered = house.recover_with(&[house.events()], &[seen]).unwrap();
    assert_eq!(recovered.lost, Vec::<String>::new());
    without_what_lies_sealed(&house);
    let server = house.start();
    let says = server.read_only().unwrap().to_owned();
    assert!(says.contains("the credential of the account"), "{says}");
    server.stop();
}

#[test]
fn the_folder_of_an_export_puts_a_log_back_as_well() {
    let house = House::after_a_while();
    let server = house.start();
    let cast = cast_at(&house.stage, &server, &house.clock);
    use breakglass_server::Clock as _;
    let frank = &cast.frank;
    let folder = export(frank.client(), frank.trust(), house.clock.wall()).unwrap();
    let dir = house.stage.dir().join("evidence");
    folder.write(&dir).unwrap();
    drop(cast);
    server.stop();
    let copies = house.some_lines("tail.jsonl", |_, line| Some(line.to_owned()));
    fs::remove_file(house.events()).unwrap();
    house.restore();
    // What came after the export is in the shipper's file alone.
    let recovered = house.recover(&[dir, copies]).unwrap();
    assert_eq!(recovered.missing, []);
    assert_eq!(recovered.lost, Vec::<String>::new());
    house.start().stop();
}

/// What a process does to files that outlives it, one kind at a time: strace counts each by itself.
pub(crate) const STEPS: [&str; 6] = [
    "fsync",
    "fdatasync",
    "rename",
    "renameat2",
    "linkat",
    "ftruncate",
];

/// A program of which the n-th step of a kind is its last.
pub(crate) fn killed_at(step: &str, when: u32) -> Command {
    let mut command = Command::new("strace");
    command.args(["-f", "-o", "/dev/null"]);
    command.args(["-e", &format!("trace={step}")]);
    command.args(["-e", &format!("inject={step}:signal=KILL:when={when}")]);
    command.arg(env!("CARGO_BIN_EXE_breakglass"));
    command
}

#[test]
fn killed_at_any_step_the_same_command_again_puts_the_log_back() {
    let name = "recover::killed_at_any_step_the_same_command_again_puts_the_log_back";
    if !available(name, &["strace"]) {
        return;
    }
    let house = House::after_a_while();
    let config = house.stage.write_config().unwrap();
    let (early, size) = house.size;
    let mark = fs::read(house.data("high-water.checkpoint")).unwrap();
    let events = house.some_lines("kept.jsonl", |_, line| Some(line.to_owned()));
    let mut killed = 0;
    // Each kind until it has no such step.
    let mut steps = STEPS.into_iter();
    let (mut step, mut when) = (steps.next(), 0);
    while let Some(kind) = step {
        when += 1;
        house.restore();
        fs::write(house.data("high-water.checkpoint"), &mark).unwrap();
        let run = house.types_recover(killed_at(kind, when), &config);
        if run.status.code() == Some(0) {
            fs::copy(&events, house.events()).unwrap();
            (step, when) = (steps.next(), 0);
            continue;
        }
        let step = format!("{kind} {when}");
        killed += 1;
        match house.recover(&[house.events()]) {
            Ok(recovered) => {
                assert_eq!((recovered.had, recovered.recovered), (early, size - early));
            }
            // It had its name already, and what follows was in it.
            Err(NotRecovered::Whole { size: now }) => assert!(now > size, "step {step}"),
            Err(error) => panic!("step {step}: {error}"),
        }
        let server = house.start();
        assert_eq!(server.read_only(), None, "step {step}");
        let log_size = server.log_size();
        assert!(log_size > size, "step {step}: {log_size}");
        server.stop();
        fs::copy(&events, house.events()).unwrap();
    }
    assert!(killed > 10, "{killed} steps");
}
