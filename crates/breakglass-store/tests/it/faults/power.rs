//! The power goes under a real file system while a real process writes.
//!
//! The process works on the ext4 of the kernel, on a loop device, on a file that is a [`Device`] of
//! ours (`power/fuse.rs`): what the kernel did not flush is lost, by the sector. At which write or
//! flush the power goes, and what is left, comes from a seed; the kernel writes a little otherwise
//! each time, so the same seed is the same cut only nearly. What is left is mounted afresh, and
//! must be a sound file system with a ledger that `judge.rs` finds nothing wrong with.
//!
//! It takes root, `/dev/fuse` and loop devices, so that it is not part of every run: the feature
//! `power-cuts` makes tests of it.

mod device;
mod fuse;
mod mounted;

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use self::device::{Device, Flushes};
use self::fuse::Served;
use self::mounted::{Mounted, alone};
use super::appender::{REFUSED, UNKNOWN, VARIABLE};
use super::image;
use super::judge::{Acknowledged, acknowledged, judge};
use super::strace::{ARGUMENTS, Start};
use crate::fixture::Numbers;

/// Says how often the power goes.
const CUTS_VARIABLE: &str = "BREAKGLASS_POWER_CUTS";
const CUTS: u64 = 30;
/// How often it goes where entries are to be lost.
const LOSSES: u64 = 6;
/// What the device can hold, as `mkfs.ext4` has it.
const CAPACITY: &str = "32M";
/// Where the process works, below the root of the file system.
const PLACE: &str = "place";

/// How the process syncs.
#[derive(Debug, Clone, Copy)]
enum Syncs {
    /// As it does.
    Does,
    /// Not at all: its calls say that they have.
    Not,
}

/// A disk before the process starts.
struct Before {
    image: Vec<u8>,
    /// The size of the log.
    size: Option<u64>,
    /// How often the process has something written or flushed.
    operations: usize,
}

/// What became of it.
struct After {
    device: Device,
    /// How often the process had something written or flushed.
    operations: usize,
    /// Whether the power went before the process had ended.
    early: bool,
    acknowledged: Vec<Acknowledged>,
}

impl Before {
    fn new(start: &Start) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let [file, mount] = ["disk", "mount"].map(|name| dir.path().join(name));
        let mut mkfs = Command::new("mkfs.ext4");
        // Nothing is left for the kernel to prepare while the process works.
        mkfs.args(["-q", "-b", "4096", "-E"])
            .arg("lazy_itable_init=0,lazy_journal_init=0")
            .arg(&file)
            .arg(CAPACITY);
        succeeds(&mut mkfs);
        fs::create_dir(&mount).unwrap();
        let mounted = Mounted::ext4(&file, &mount);
        let place = mounted.path().join(PLACE);
        fs::create_dir(&place).unwrap();
        fs::set_permissions(&place, fs::Permissions::from_mode(0o700)).unwrap();
        image::copy(start.place().path(), &place);
        drop(mounted);
        let mut before = Self {
            image: fs::read(file).unwrap(),
            size: start.size,
            operations: 0,
        };
        let numbers = Numbers(0);
        let undisturbed = before.live(None, Flushes::Does, Syncs::Does, numbers);
        before.operations = undisturbed.operations;
        assert!(before.operations > 0);
        before
    }

    /// Has the process work on it, and the power go at that operation or when it has ended.
    fn live(&self, end: Option<usize>, flushes: Flushes, syncs: Syncs, numbers: Numbers) -> After {
        let dir = tempfile::tempdir().unwrap();
        let [file, mount] = ["disk", "mount"].map(|name| dir.path().join(name));
        fs::create_dir(&mount).unwrap();
        let served = Served::new(&file, Device::new(&self.image, flushes, numbers));
        let mounted = Mounted::ext4(served.path(), &mount);
        let first = served.device().operations();
        if let Some(end) = end {
            served.device().ends_after(end);
        }
        let output = work(&mounted.path().join(PLACE), syncs);
        let early = !served.device().powered();
        served.device().cut();
        drop(mounted);
        let device = served.end();
        match output.status.code() {
            Some(0) => {}
            Some(UNKNOWN | REFUSED) if early => {}
            _ => panic!("{output:?}"),
        }
        After {
            operations: device.operations() - first,
            device,
            early,
            acknowledged: acknowledged(&String::from_utf8_lossy(&output.stdout)),
        }
    }

    /// Says what does not hold afterwards.
    fn judge(&self, after: &After) -> Result<(), String> {
        let dir = tempfile::tempdir().unwrap();
        let [file, mount] = ["disk", "mount"].map(|name| dir.path().join(name));
        fs::write(&file, after.device.durable()).unwrap();
        fs::create_dir(&mount).unwrap();
        let mounted = Mounted::ext4(&file, &mount);
        let place = mounted.path().join(PLACE);
        let judged = judge(&place, self.size, &after.acknowledged);
        drop(mounted);
        // Else the device has lost what it should not have.
        succeeds(Command::new("e2fsck").arg("-fn").arg(&file));
        judged
    }
}

/// Has the process work there.
fn work(place: &Path, syncs: Syncs) -> Output {
    let program = std::env::current_exe().unwrap();
    let mut command = match syncs {
        Syncs::Does => Command::new(program),
        Syncs::Not => {
            let mut strace = Command::new("strace");
            strace.args(["-f", "-o", "/dev/null", "-e", "trace=fsync,fdatasync"]);
            strace.args(["-e", "inject=fsync,fdatasync:retval=0"]);
            strace.arg(program);
            strace
        }
    };
    let command = command.args(ARGUMENTS).env(VARIABLE, place);
    command.stdin(Stdio::null()).output().unwrap()
}

fn succeeds(command: &mut Command) {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{command:?}: {output:?}");
}

fn disks() -> [Before; 2] {
    [Start::nothing(), Start::crashed()].map(|start| Before::new(&start))
}

/// How often the power goes.
fn cuts() -> u64 {
    let cuts = std::env::var(CUTS_VARIABLE);
    cuts.map_or(CUTS, |cuts| cuts.parse().unwrap())
}

#[cfg_attr(feature = "power-cuts", test)]
fn when_the_power_of_a_real_file_system_goes_nothing_acknowledged_is_lost() {
    if !alone("when_the_power_of_a_real_file_system_goes_nothing_acknowledged_is_lost") {
        return;
    }
    let disks = disks();
    let (mut early, mut between) = (0, 0);
    for seed in 0..cuts() {
        let before = &disks[usize::from(seed % 2 == 1)];
        let mut numbers = Numbers(seed);
        let end = numbers.below(before.operations + 1);
        let after = before.live(Some(end), Flushes::Does, Syncs::Does, numbers);
        if let Err(what) = before.judge(&after) {
            panic!("seed {seed}, cut at {end} of {}: {what}", before.operations);
        }
        early += u64::from(after.early);
        between += u64::from(after.early && !after.acknowledged.is_empty());
    }
    let operations = disks.map(|disk| disk.operations);
    println!(
        "{} cuts, {early} before the process had ended, {between} of them after it had \
         acknowledged something; it writes and flushes {operations:?} times",
        cuts()
    );
    // Of fewer, all may come first.
    assert!(between > cuts() / 2 || cuts() < CUTS);
}

/// How often entries were lost that had been acknowledged, when the power went as the process had
/// ended.
fn losses(flushes: Flushes, syncs: Syncs) -> u64 {
    let disks = disks();
    let lost = (0..LOSSES).filter(|seed| {
        let before = &disks[usize::from(seed % 2 == 1)];
        let after = before.live(None, flushes, syncs, Numbers(*seed));
        let judged = before.judge(&after);
        println!("{flushes:?}, {syncs:?}, seed {seed}: {judged:?}");
        judged.is_err()
    });
    u64::try_from(lost.count()).unwrap()
}

/// If they did not, the test above would show nothing.
#[cfg_attr(feature = "power-cuts", test)]
fn on_a_device_that_lies_a_real_file_system_loses_entries() {
    if alone("on_a_device_that_lies_a_real_file_system_loses_entries") {
        assert!(losses(Flushes::Lies, Syncs::Does) > LOSSES / 2);
    }
}

/// Likewise.
#[cfg_attr(feature = "power-cuts", test)]
fn a_process_that_acknowledges_what_it_did_not_sync_loses_entries() {
    if alone("a_process_that_acknowledges_what_it_did_not_sync_loses_entries") {
        assert_eq!(losses(Flushes::Does, Syncs::Not), LOSSES);
    }
}
