//! What was done to the server's files while it was down is told at the next start: it does not
//! start, or it only reads, or it answers as if nothing had happened. Never wrongly.

use std::{
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::Command,
};

use breakglass::demo::{ACCOUNT, House, KEY, PlayClock, Stage};
use breakglass_server::{Server, StartError};

use crate::{attacks::wire::get, scene::wait};

/// A stage with a log of some entries, and no server.
fn after_a_while() -> (Stage, PathBuf, String) {
    let House { stage, .. } = settled();
    let data = stage.dir().join("server/data");
    let answers = answers(&stage).unwrap();
    (stage, data, answers)
}

/// A house where two people have put a password into custody; its server is stopped.
fn settled() -> House {
    let mut house = House::build(env!("CARGO_BIN_EXE_breakglass").as_ref()).unwrap();
    let (mut carol, mut dave) = (house.actor("carol").unwrap(), house.actor("dave").unwrap());
    let (import, _) = carol
        .add_credential(ACCOUNT, &house.stage.first_password)
        .unwrap();
    dave.agree_import(&import).unwrap();
    while carol
        .client()
        .accounts()
        .unwrap()
        .iter()
        .any(|a| a.state != "current")
    {
        std::thread::yield_now();
    }
    house.stop_server();
    house
}

/// Starts the server on the stage's files and asks it for everything an auditor may have.
fn answers(stage: &Stage) -> Result<String, StartError> {
    let clock = PlayClock::default();
    let server = Server::start(
        &stage.config().unwrap(),
        std::sync::Arc::new(clock.clone()),
        |_| {},
    )?;
    if let Some(reason) = server.read_only() {
        return Ok(format!("read-only: {reason}"));
    }
    let url = format!("http://{}", server.address());
    let asked = stage.actor(&url, "frank", KEY, Box::new(clock));
    let Ok(frank) = asked else {
        return Ok("read-only: nobody can log in".to_owned());
    };
    // The session that this very question opened is the last entry; what is before it must not
    // change.
    let size = frank.client().status().unwrap().log_size - 1;
    let mut all = String::new();
    for index in 0..size.min(ENTRIES) {
        match frank.client().prove(index) {
            Ok(proven) => all.push_str(&proven.entry),
            Err(error) => return Ok(format!("read-only: {error}")),
        }
    }
    Ok(all)
}

/// Entries of the log before the first question.
const ENTRIES: u64 = 14;

fn put_back(data: &Path, kept: &[(PathBuf, Vec<u8>)]) {
    let _ = std::fs::remove_dir_all(data);
    std::fs::create_dir(data).unwrap();
    use std::os::unix::fs::PermissionsExt as _;
    let owner = |mode| std::fs::Permissions::from_mode(mode);
    std::fs::set_permissions(data, owner(0o700)).unwrap();
    for (path, bytes) in kept {
        std::fs::write(path, bytes).unwrap();
        std::fs::set_permissions(path, owner(0o600)).unwrap();
    }
}

fn keep(data: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let files = std::fs::read_dir(data).unwrap().map(|f| f.unwrap().path());
    files
        .map(|path| (path.clone(), std::fs::read(&path).unwrap()))
        .collect()
}

#[test]
fn a_flipped_bit_is_never_answered_from() {
    let (stage, data, right) = after_a_while();
    let kept = keep(&data);
    let db = kept
        .iter()
        .position(|(p, _)| p.ends_with("log.db"))
        .unwrap();
    let mut dice: u64 = 7;
    let mut told = 0;
    for _ in 0..200 {
        dice = dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        let mut damaged = kept.clone();
        let at = usize::try_from(dice >> 20).unwrap() % damaged[db].1.len();
        damaged[db].1[at] ^= 1 << (dice % 8);
        put_back(&data, &damaged);
        match answers(&stage) {
            Err(_) => told += 1,
            Ok(said) if said.starts_with("read-only") => told += 1,
            Ok(said) => assert_eq!(said, right, "a flip at {at} changed an answer"),
        }
    }
    assert!(told > 0, "no flip was noticed at all");
}

#[test]
fn a_restored_backup_only_reads_and_says_so() {
    let (stage, data, _) = after_a_while();
    let backup = keep(&data);
    answers(&stage).unwrap();
    let mark = std::fs::read(data.join("high-water.checkpoint")).unwrap();
    put_back(&data, &backup);
    std::fs::write(data.join("high-water.checkpoint"), mark).unwrap();
    let said = answers(&stage).unwrap();
    assert!(said.contains("restored backup"), "{said}");
}

#[test]
fn a_log_that_is_gone_is_not_begun_anew() {
    let (stage, data, _) = after_a_while();
    for name in ["log.db", "log.db-wal"] {
        let _ = std::fs::remove_file(data.join(name));
    }
    // The mark knows of it; without it what witnesses cosigned does; without that the file.
    let mark = std::fs::read(data.join("high-water.checkpoint")).unwrap();
    for (knows, next) in [
        ("high-water.checkpoint", Some("cosigned.checkpoint")),
        ("cosigned.checkpoint", None),
        ("events.jsonl", None),
    ] {
        let told = answers(&stage).unwrap_err();
        assert!(matches!(told, StartError::LogGone { .. }), "{told}");
        assert!(told.to_string().contains(knows), "{told}");
        let checked = Server::check(&stage.config().unwrap()).unwrap_err();
        assert_eq!(checked.to_string(), told.to_string());
        std::fs::remove_file(data.join(knows)).unwrap();
        if let Some(next) = next {
            std::fs::write(data.join(next), &mark).unwrap();
        }
    }
    let checked = Server::check(&stage.config().unwrap()).unwrap();
    assert_eq!(checked.entries, 0, "nothing knows of it");
}

#[test]
fn a_backup_with_its_own_mark_is_told_by_the_file_that_follows_the_log() {
    let (stage, data, _) = after_a_while();
    let backup = keep(&data);
    answers(&stage).unwrap();
    let events = std::fs::read(data.join("events.jsonl")).unwrap();
    put_back(&data, &backup);
    let earlier = std::fs::read(data.join("events.jsonl")).unwrap();
    assert!(earlier.len() < events.len());
    std::fs::write(data.join("events.jsonl"), &events).unwrap();
    let said = answers(&stage).unwrap();
    assert!(said.contains("events.jsonl has"), "{said}");
    assert!(said.contains("restored backup"), "{said}");
    assert_eq!(std::fs::read(data.join("events.jsonl")).unwrap(), events);
    // One that says something else of an entry is of another history.
    let text = String::from_utf8(earlier).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    let last = lines
        .iter()
        .rposition(|line| line.contains("leaf_hash"))
        .unwrap();
    let (before, after) = lines[last].split_once("\"leaf_hash\":\"sha256:").unwrap();
    let other = format!(
        "{before}\"leaf_hash\":\"sha256:{}{}",
        "0".repeat(8),
        &after[8..]
    );
    let other = [&lines[..last], &[other.as_str()]].concat().join("\n") + "\n";
    std::fs::write(data.join("events.jsonl"), other).unwrap();
    let said = answers(&stage).unwrap();
    assert!(said.contains("is not the one"), "{said}");
}

#[test]
fn a_check_finds_another_server_key_and_writes_nothing() {
    let (stage, data, _) = after_a_while();
    let config = stage.config().unwrap();
    let before = keep(&data);
    let found = Server::check(&config).unwrap();
    assert!(found.entries > ENTRIES && found.read_only.is_none());
    assert!(found.unconfigured.is_empty(), "{found:?}");
    let mut lacking = config.clone();
    lacking.rotators.clear();
    lacking.postgres.clear();
    lacking.connectors.clear();
    let found = Server::check(&lacking).unwrap().unconfigured;
    assert!(found[0].contains("shop-root is rotated by"), "{found:?}");
    assert!(found[1].contains("no [connectors."), "{found:?}");
    let other = breakglass_seal::ServerKey::generate(&mut breakglass::entropy::SystemEntropy);
    let other = breakglass_seal::FileSlot::format(&other.unwrap());
    std::fs::write(&config.server_key_file, &*other).unwrap();
    assert!(matches!(Server::check(&config), Err(StartError::Key(_))));
    let files = |kept: &[(PathBuf, Vec<u8>)]| -> Vec<(PathBuf, Vec<u8>)> {
        let mut files: Vec<_> = kept
            .iter()
            .filter(|(path, _)| path.ends_with("log.db"))
            .cloned()
            .collect();
        files.sort();
        files
    };
    assert!(
        files(&before) == files(&keep(&data)),
        "the check changed the database"
    );
}

#[test]
fn a_check_finds_a_folder_that_a_start_would_refuse() {
    let House { stage, .. } = settled();
    let mut config = stage.config().unwrap();
    let _ = std::fs::remove_dir_all(&config.data_dir);
    assert_eq!(Server::check(&config).unwrap().entries, 0);
    assert!(!config.data_dir.exists(), "a check makes nothing");
    std::fs::create_dir(&config.data_dir).unwrap();
    let open = std::fs::Permissions::from_mode(0o755);
    std::fs::set_permissions(&config.data_dir, open).unwrap();
    let found = Server::check(&config).unwrap_err();
    assert!(found.to_string().contains("has mode 0755"), "{found}");
    config.data_dir = config.data_dir.join("no/such");
    let found = Server::check(&config).unwrap_err();
    assert!(found.to_string().contains("cannot write to"), "{found}");
}

#[test]
fn a_missing_mark_counts_as_behind() {
    let (stage, data, _) = after_a_while();
    std::fs::remove_file(data.join("high-water.checkpoint")).unwrap();
    assert!(answers(&stage).unwrap().contains("mark is missing"));
}

#[test]
fn another_genesis_is_refused_by_the_program() {
    let (stage, _, _) = after_a_while();
    let config = stage.write_config().unwrap();
    let text = std::fs::read_to_string(&config).unwrap();
    let genesis = stage.genesis.to_string();
    std::fs::write(
        &config,
        text.replace(&genesis, &format!("sha256:{}", "0".repeat(64))),
    )
    .unwrap();
    let run = Command::new(env!("CARGO_BIN_EXE_breakglass"))
        .args(["serve", "--check", "--config"])
        .arg(&config)
        .output()
        .unwrap();
    assert!(!run.status.success());
    let said = String::from_utf8_lossy(&run.stderr).into_owned();
    assert!(
        said.starts_with("error: ") && said.contains("compare genesis"),
        "{said}"
    );
    assert_eq!(said.matches("pinned is").count(), 1, "{said}");
}

/// A number that the server tells of itself.
fn metric(url: &str, name: &str) -> u64 {
    let told = String::from_utf8(get(url, "/metrics", None).body).unwrap();
    let line = format!("\nbreakglass_{name} ");
    let (_, value) = told.split_once(&line).unwrap();
    value.lines().next().unwrap().parse().unwrap()
}

/// Changes a byte of entry 0 wherever it lies in the database, which has old copies of pages too.
fn rot(database: &Path) {
    use std::os::unix::fs::FileExt as _;
    let bytes = std::fs::read(database).unwrap();
    let wanted = b"\"event_type\":\"LOG_STARTED\"";
    let file = std::fs::File::options().write(true).open(database).unwrap();
    for (at, found) in bytes.windows(wanted.len()).enumerate() {
        if found == wanted {
            file.write_all_at(b"X", at as u64).unwrap();
        }
    }
}

#[test]
fn what_rots_under_a_running_server_is_found_and_told() {
    let House { stage, .. } = settled();
    let mut config = stage.config().unwrap();
    config.metrics_listen = Some("127.0.0.1:0".parse().unwrap());
    let clock = PlayClock::default();
    let on_fatal = |detail: &str| panic!("{detail}");
    let server = Server::start(&config, std::sync::Arc::new(clock.clone()), on_fatal).unwrap();
    let url = format!("http://{}", server.address());
    let metrics = format!("http://{}", server.metrics_address().unwrap());
    wait("a pass", || metric(&metrics, "scrub_passes_total") == 1);
    let size = server.log_size();
    assert_eq!(metric(&metrics, "scrubbed_entries_total"), size);
    assert_eq!(metric(&metrics, "scrub_damaged"), 0);
    assert_eq!(get(&url, "/readyz", None).status, 200);

    rot(&config.data_dir.join("log.db"));
    clock.skip_s(3_601);
    wait("another pass", || {
        metric(&metrics, "scrub_passes_total") == 2
    });
    assert_eq!(metric(&metrics, "scrub_damaged"), 1);
    let ready = get(&url, "/readyz", None);
    let says = String::from_utf8(ready.body).unwrap();
    assert_eq!(
        (ready.status, says.as_str()),
        (503, "something stored is damaged\n")
    );
    server.stop();
    let told = std::fs::read_to_string(config.data_dir.join("events.jsonl")).unwrap();
    let told: Vec<&str> = told
        .lines()
        .filter(|line| line.contains("\"event_type\":\"STORAGE_CHANGED\""))
        .collect();
    assert_eq!(told.len(), 1);
    assert!(told[0].contains("\"detail\":\"entry 0\""), "{}", told[0]);
    // And the next start tells it, as any.
    assert!(answers(&stage).is_err());
}

#[test]
fn what_rotted_is_put_back_from_the_file_for_the_log_shipper() {
    let (stage, data, right) = after_a_while();
    let config = stage.write_config().unwrap();
    let repair = |from: &Path| {
        Command::new(env!("CARGO_BIN_EXE_breakglass"))
            .args(["serve", "--config"])
            .arg(&config)
            .arg("--repair-from")
            .arg(from)
            .output()
            .unwrap()
    };
    rot(&data.join("log.db"));
    assert!(answers(&stage).is_err());
    // A file in which that very entry is another one helps nobody.
    let events = data.join("events.jsonl");
    let lines = std::fs::read_to_string(&events).unwrap();
    let other = stage.dir().join("other.jsonl");
    let (first, second) = (lines.lines().next().unwrap(), lines.lines().nth(1).unwrap());
    let forged = second.replace("\"log_index\":1,", "\"log_index\":0,");
    assert!(forged != second && first.contains("\"log_index\":0,"));
    std::fs::write(&other, forged + "\n").unwrap();
    let refused = repair(&other);
    let says = String::from_utf8(refused.stderr).unwrap();
    assert_eq!(refused.status.code(), Some(1), "{says}");
    assert!(says.contains("no copy fits entry 0"), "{says}");

    let repaired = repair(&events);
    let says = String::from_utf8(repaired.stderr).unwrap();
    assert_eq!(repaired.status.code(), Some(0), "{says}");
    assert!(says.contains("put back: entry 0"), "{says}");
    assert_eq!(answers(&stage).unwrap(), right);
}
