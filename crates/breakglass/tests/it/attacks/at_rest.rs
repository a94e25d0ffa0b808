//! Somebody copies the disk, or looks at the processes.

use std::path::{Path, PathBuf};

use breakglass_server::config::Program;

use crate::scene::{Scene, Secrets, contains, password};

/// Writes down its arguments and environment, then becomes the program in its arguments.
const TELL: &str = r#"{ printf '%s\n' "$@"; env; } >> "$0"; exec "$@""#;

/// Has a program's arguments and environment written down wherever it is started.
fn watched(program: &mut Program, seen: &Path) {
    let real = program.program.display().to_string();
    let mut args = vec![
        "-c".to_owned(),
        TELL.to_owned(),
        seen.display().to_string(),
        real,
    ];
    args.append(&mut program.args);
    program.program = "/bin/sh".into();
    program.args = args;
}

/// Every file below a folder.
fn files(dir: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut waiting = vec![dir.to_owned()];
    while let Some(dir) = waiting.pop() {
        for entry in std::fs::read_dir(dir).unwrap() {
            let entry = entry.unwrap();
            match entry.file_type().unwrap() {
                kind if kind.is_dir() => waiting.push(entry.path()),
                kind if kind.is_file() => found.push(entry.path()),
                _ => {}
            }
        }
    }
    found
}

#[test]
fn no_password_lies_in_clear_on_the_disk_or_in_a_process_list() {
    let scene = Scene::set_with(|stage, config| {
        let seen = stage.dir().join("seen");
        watched(config.rotators.get_mut("shop").unwrap(), &seen);
        watched(config.connectors.get_mut("shop").unwrap(), &seen);
    });
    let mut cast = scene.cast();
    cast.take_custody(&scene);
    let mut passwords = vec![scene.first_password()];
    for (grant, next_version) in [("G-1", 3), ("G-2", 4)] {
        assert_eq!(cast.grant(), grant);
        passwords.push(password(&cast.checkout(grant).credential));
        cast.roll_back(grant);
        cast.give_back(grant, next_version);
    }
    passwords.sort_unstable();
    passwords.dedup();
    assert_eq!(passwords.len(), 3, "every rotation makes a new one");
    let secrets = Secrets::of(passwords);
    // The whole stage: the server's log, its JSONL file and marks, the shop, everybody's homes.
    let (mut names, mut entries) = (Vec::new(), 0);
    for path in files(scene.stage.dir()) {
        let bytes = std::fs::read(&path).unwrap();
        assert!(!secrets.are_in(&bytes), "{}", path.display());
        entries += usize::from(contains(&bytes, b"BREAK_GLASS_ACCESS"));
        names.push(path.file_name().unwrap().to_string_lossy().into_owned());
    }
    assert!(
        entries >= 2,
        "the log and its copy were looked at: {names:?}"
    );
    let seen = std::fs::read_to_string(scene.stage.dir().join("seen")).unwrap();
    for word in ["rotator", "connector", "demo-target"] {
        assert!(seen.contains(word), "{word} was never started: {seen}");
    }
    // Nor do children inherit what the test's own environment holds beyond what they need.
    assert!(!secrets.are_in(seen.as_bytes()));
}
