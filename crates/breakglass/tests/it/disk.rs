//! A disk that fills up under a running server: a real file system of eight mebibytes.

use std::{
    fs,
    io::{BufRead as _, BufReader, Write as _},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::Arc,
};

use breakglass::{
    actor::ActorError,
    clock::{Clock as _, SystemClock},
    demo::{KEY, Stage},
    hint::Failure,
};
use breakglass_format::Prose;
use breakglass_server::Server;
use tempfile::TempDir;

use crate::{
    attacks::wire::get,
    scene::{Cast, Running, Scene, declaration, wait},
};

/// A file system of its own, which goes with it, also when a test fails.
struct Small {
    dir: TempDir,
}

impl Small {
    /// `None` where this machine does not let us, which is then on record.
    fn mount(test: &str) -> Option<Self> {
        let dir = tempfile::tempdir().unwrap();
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", "size=8m,mode=0700", "tmpfs"])
            .arg(dir.path())
            .output();
        match mounted {
            Ok(output) if output.status.success() => Some(Self { dir }),
            Ok(output) => {
                let reason = String::from_utf8_lossy(&output.stderr);
                crate::ssh::skipped(test, reason.trim_end());
                None
            }
            Err(error) => {
                crate::ssh::skipped(test, &format!("mount: {error}"));
                None
            }
        }
    }

    fn path(&self) -> &Path {
        self.dir.path()
    }

    fn ballast(&self) -> PathBuf {
        self.path().join("ballast")
    }

    /// Something else takes all of the disk but so many bytes.
    fn fill_but(&self, left: u64) {
        let mut file = fs::File::create(self.ballast()).unwrap();
        let page = [7; 4096];
        while file.write_all(&page).is_ok() {}
        let length = file.metadata().unwrap().len();
        file.set_len(length - left).unwrap();
    }

    fn clear(&self) {
        fs::remove_file(self.ballast()).unwrap();
    }
}

impl Drop for Small {
    fn drop(&mut self) {
        // Lazily: a server that a failed test left running still has files there.
        let unmounted = Command::new("umount").arg("-l").arg(self.path()).status();
        assert!(unmounted.is_ok_and(|status| status.success()) || std::thread::panicking());
    }
}

fn code<T: std::fmt::Debug>(refused: Result<T, ActorError>) -> String {
    Failure::from(refused.unwrap_err()).code().to_owned()
}

/// What `/readyz` says, and with which status.
fn ready(url: &str) -> (u16, String) {
    let reply = get(url, "/readyz", None);
    (reply.status, String::from_utf8(reply.body).unwrap())
}

/// How often the file for the log shipper has an event.
fn told(disk: &Small, event: &str) -> usize {
    let lines = fs::read_to_string(disk.path().join("events.jsonl")).unwrap();
    let wanted = format!("\"event_type\":\"{event}\"");
    lines.lines().filter(|line| line.contains(&wanted)).count()
}

#[test]
fn a_full_disk_takes_what_ends_access_until_there_is_room_again() {
    let test = "disk::a_full_disk_takes_what_ends_access_until_there_is_room_again";
    let Some(disk) = Small::mount(test) else {
        return;
    };
    let scene = Scene::set_with(|_, config| config.data_dir = disk.path().to_owned());
    let mut cast = scene.cast();
    cast.take_custody(&scene);
    let incident = cast.declare();
    let request = cast.request(&incident);

    // While a request waits.
    fills_up(&disk, &scene, &mut cast);
    assert_eq!(code(cast.bob.approve(&request, None)), "disk_full");
    cast.bob.deny(&request, why()).unwrap();
    has_room_again(&disk, &scene);

    // While access lasts: it is taken away, and the password replaced.
    let request = cast.request(&incident);
    let grant = cast.approve(&request);
    fills_up(&disk, &scene, &mut cast);
    assert_eq!(code(cast.alice.checkout(&grant)), "disk_full");
    has_room_again(&disk, &scene);
    cast.checkout(&grant);
    fills_up(&disk, &scene, &mut cast);
    cast.bob.revoke(&grant, why()).unwrap();
    cast.wait_for_version(3);
    has_room_again(&disk, &scene);

    // While access lasts, and nobody ends it: its time does.
    let request = cast.request(&incident);
    cast.approve(&request);
    fills_up(&disk, &scene, &mut cast);
    scene.skip_s(4 * 3600 + 1);
    wait("the end of the grant", || {
        let grants = cast.carol.client().grants().unwrap();
        grants.iter().all(|grant| grant.state != "active")
    });
    has_room_again(&disk, &scene);
    scene.end();
    assert_eq!(told(&disk, "STORAGE_CHANGED"), 8);
    assert_eq!(told(&disk, "BREAK_GLASS_ENDED"), 2);
}

/// Nothing new is taken, and everybody is told.
fn fills_up(disk: &Small, scene: &Scene, cast: &mut Cast) {
    assert_eq!(ready(&scene.url).0, 200);
    disk.fill_but(400 * 1024);
    let refused = cast.alice.declare(declaration());
    assert_eq!(code(refused), "disk_full");
    let (status, says) = ready(&scene.url);
    assert_eq!(status, 503, "{says}");
    assert!(says.contains("the disk is nearly full"), "{says}");
    let status = cast.alice.client().status().unwrap();
    assert!(status.state.contains("nearly full"), "{}", status.state);
    assert!(!reserve(disk).exists());
}

fn has_room_again(disk: &Small, scene: &Scene) {
    disk.clear();
    wait("room", || ready(&scene.url).0 == 200);
    assert!(reserve(disk).exists());
}

fn reserve(disk: &Small) -> PathBuf {
    disk.path().join("log.db.reserve")
}

fn why() -> Prose {
    "enough".parse().unwrap()
}

#[test]
fn a_server_that_starts_on_a_full_disk_still_ends_access() {
    let test = "disk::a_server_that_starts_on_a_full_disk_still_ends_access";
    let Some(disk) = Small::mount(test) else {
        return;
    };
    let scene = Scene::set_with(|_, config| config.data_dir = disk.path().to_owned());
    let mut cast = scene.cast();
    cast.take_custody(&scene);
    let grant = cast.grant();
    let clock = scene.clock.clone();
    let stage = scene.end();
    disk.fill_but(8 * 1024);

    let mut config = stage.config().unwrap();
    config.data_dir = disk.path().to_owned();
    let on_fatal = |detail: &str| panic!("{detail}");
    let server = Server::start(&config, Arc::new(clock.clone()), on_fatal).unwrap();
    let url = format!("http://{}", server.address());
    wait("the server to notice", || ready(&url).0 == 503);
    let mut bob = stage
        .actor(&url, "bob", KEY, Box::new(clock.clone()))
        .unwrap();
    let refused = bob.declare(declaration());
    assert_eq!(code(refused), "disk_full");
    bob.revoke(&grant, why()).unwrap();
    server.stop();
    assert_eq!(told(&disk, "STORAGE_CHANGED"), 1);
}

/// A server of its own process, without a reserve, on a disk.
fn serve(stage: &Stage, disk: &Small) -> (Child, String) {
    let path = stage.write_config().unwrap();
    let config = fs::read_to_string(&path).unwrap();
    let data = format!(
        "data_dir = \"{}\"\ndisk_reserve_mib = 0\n",
        disk.path().display()
    );
    fs::write(&path, config.replace("data_dir = \"data\"\n", &data)).unwrap();
    let mut child = Command::new(env!("CARGO_BIN_EXE_breakglass"))
        .args(["serve", "--config"])
        .arg(path)
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    let said = lines.next().unwrap().unwrap();
    let address = said.strip_prefix("listening on ");
    let url = format!("http://{}", address.unwrap_or_else(|| panic!("{said}")));
    // Whatever else it says must not fill the pipe.
    std::thread::spawn(move || lines.for_each(drop));
    (child, url)
}

#[test]
fn a_write_that_the_disk_refuses_ends_the_server_and_loses_nothing() {
    let test = "disk::a_write_that_the_disk_refuses_ends_the_server_and_loses_nothing";
    let Some(disk) = Small::mount(test) else {
        return;
    };
    let program = Path::new(env!("CARGO_BIN_EXE_breakglass"));
    let stage = Stage::build(program, SystemClock.now()).unwrap();
    let (child, url) = serve(&stage, &disk);
    let mut server = Running(child);
    let mut alice = stage
        .actor(&url, "alice", KEY, Box::new(SystemClock))
        .unwrap();
    alice.declare(declaration()).unwrap();
    disk.fill_but(0);
    assert!(alice.declare(declaration()).is_err());
    assert_eq!(server.wait().code(), Some(70));

    disk.clear();
    let (child, url) = serve(&stage, &disk);
    let _server = Running(child);
    let mut alice = stage
        .actor(&url, "alice", KEY, Box::new(SystemClock))
        .unwrap();
    // She remembers what she saw, and finds it; what was refused is there or is not, and she asks.
    let known = alice.client().incidents().unwrap().len();
    alice.declare(declaration()).unwrap();
    assert!((1..=2).contains(&known), "{known}");
    assert_eq!(alice.client().incidents().unwrap().len(), known + 1);
}
