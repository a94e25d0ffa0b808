//! The beginning of an epoch, killed at every step that outlives the process.

use std::{fs, os::unix::fs::PermissionsExt as _, path::Path};

use breakglass::demo::KEY;

use super::{House, start};
use crate::{
    recover::{STEPS, killed_at},
    ssh::available,
};

#[test]
fn killed_at_any_step_the_same_command_again_begins_the_epoch_once() {
    let name = "epoch::killed::killed_at_any_step_the_same_command_again_begins_the_epoch_once";
    if !available(name, &["strace"]) {
        return;
    }
    let house = House::that_lost_its_end();
    let epoch = house.signed();
    let (path, config) = house.with_the_new_key();
    let kept = house.stage.dir().join("kept");
    copy(&config.data_dir, &kept);
    let mut killed = 0;
    // Each kind until it has no such step.
    let mut steps = STEPS.into_iter();
    let (mut step, mut when) = (steps.next(), 0);
    while let Some(kind) = step {
        when += 1;
        fs::remove_dir_all(&config.data_dir).unwrap();
        copy(&kept, &config.data_dir);
        let run = killed_at(kind, when)
            .args(["log", "epoch", "begin"])
            .arg(&epoch)
            .arg("--config")
            .arg(&path)
            .output()
            .unwrap();
        if run.status.code() == Some(0) {
            (step, when) = (steps.next(), 0);
            continue;
        }
        let step = format!("{kind} {when}");
        killed += 1;
        let again = house.begin(&epoch);
        let says = String::from_utf8_lossy(&again.stderr).into_owned();
        let begun = says.contains("has begun already");
        assert!(again.status.code() == Some(0) || begun, "{step}: {says}");
        let server = start(&config, &house.clock);
        assert_eq!(server.read_only(), None, "step {step}");
        let url = format!("http://{}", server.address());
        let clock = Box::new(house.clock.clone());
        house.stage.actor(&url, "dave", KEY, clock).unwrap();
        server.stop();
    }
    assert!(killed > 10, "{killed} steps");
}

/// A data folder, without its sockets and locks.
fn copy(from: &Path, to: &Path) {
    fs::create_dir(to).unwrap();
    fs::set_permissions(to, fs::Permissions::from_mode(0o700)).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() {
            fs::copy(&path, to.join(path.file_name().unwrap())).unwrap();
        }
    }
}
