//! The programs, and a litewitness of a process of its own.

use std::{
    io::{BufRead as _, BufReader},
    net::{TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    sync::mpsc,
};

use breakglass::signer::open_file;
use breakglass_tlog::VerifierKey;

use crate::{
    attacks::wire::address,
    scene::{Running, wait},
    ssh::{RunningAgent, new_key},
};

/// How often another port is tried where somebody was faster.
const PORTS: usize = 5;

/// One of the programs.
pub(super) fn program(name: &str) -> Command {
    let folder = std::env::var_os("BREAKGLASS_INTEROP");
    let folder = folder.expect("BREAKGLASS_INTEROP names a folder: run cargo xtask interop");
    let mut command = Command::new(PathBuf::from(folder).join(name));
    command.stdin(Stdio::null());
    for proxy in ["HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy"] {
        command.env_remove(proxy);
    }
    command
}

/// Everything that a program said.
pub(super) fn said(output: &Output) -> String {
    let both = [output.stdout.as_slice(), &output.stderr].concat();
    String::from_utf8(both).unwrap()
}

/// Runs one of the programs to a good end.
pub(super) fn run(name: &str, args: &[&str]) -> Output {
    let output = program(name).args(args).output().unwrap();
    assert!(output.status.success(), "{name}: {}", said(&output));
    output
}

/// A witness from torchwood, with the ssh-agent that holds its key.
pub(super) struct Litewitness {
    _program: Running,
    pub(super) url: String,
    pub(super) key: VerifierKey,
    /// It asks for every signature.
    _agent: RunningAgent,
}

impl Litewitness {
    /// A witness of a log, with what it keeps in a folder.
    pub(super) fn start(name: &str, dir: &Path, log: &VerifierKey) -> Self {
        std::fs::create_dir_all(dir).unwrap();
        let key = new_key(dir, "ed25519", "");
        let agent = RunningAgent::start();
        agent.add(&key);
        let key = open_file(&key).unwrap().fingerprint().to_string();
        let database = dir.join("litewitness.db");
        let command = || {
            let mut command = program("litewitness");
            command.args(["-name", name, "-key", &key, "-db"]);
            command.arg(&database).arg("-ssh-agent").arg(&agent.socket);
            command
        };
        let started = (0..PORTS).find_map(|_| listening(command()));
        let (child, url, key) = started.expect("it listens");
        let (database, log) = (database.to_str().unwrap(), log.to_string());
        run("addlog", &["-db", database, "-key", &log]);
        Self {
            _program: Running(child),
            url,
            key,
            _agent: agent,
        }
    }
}

/// Starts it on a port that was free just now; `None`: it is no longer.
///
/// It cannot be given port 0, because it would not say which one it got.
fn listening(mut command: Command) -> Option<(Child, String, VerifierKey)> {
    let free = TcpListener::bind("127.0.0.1:0").unwrap();
    let listen = free.local_addr().unwrap().to_string();
    drop(free);
    command.args(["-listen", &listen]).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let lines = BufReader::new(child.stderr.take().unwrap()).lines();
    let (tell, told) = mpsc::channel();
    // Whatever it says must not fill the pipe.
    std::thread::spawn(move || {
        for line in lines.map_while(Result::ok) {
            // Whoever listened may have heard enough.
            let _ = tell.send(line);
        }
    });
    let mut heard = Vec::new();
    let key = told.iter().find_map(|line| {
        let key = line.split_once("vkey=").map(|(_, key)| key.to_owned());
        heard.push(line);
        key
    });
    let key = key.unwrap_or_else(|| panic!("it ended: {heard:?}"));
    let url = format!("http://{listen}");
    let mut ended = false;
    wait("the foreign witness", || {
        ended = child.try_wait().unwrap().is_some();
        ended || TcpStream::connect(address(&url)).is_ok()
    });
    (!ended).then(|| (child, url, VerifierKey::parse(&key).unwrap()))
}
