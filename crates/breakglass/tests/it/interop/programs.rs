//! The programs, and other people's witnesses, each a process of its own.

use std::{
    io::{BufRead as _, BufReader},
    net::{TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    sync::mpsc,
};

use breakglass::signer::open_file;
use breakglass_tlog::{CosignerKey, KeyName, VerifierKey};

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

/// Somebody else's witness.
pub(super) struct Foreign {
    _program: Running,
    pub(super) url: String,
    pub(super) key: VerifierKey,
    /// The one that litewitness asks for every signature.
    _agent: Option<RunningAgent>,
}

/// Starts a witness of that name for a log, with what it keeps in a folder.
pub(super) type Start = fn(&str, &Path, &VerifierKey) -> Foreign;

/// The one from torchwood, with the ssh-agent that holds its key.
pub(super) fn litewitness(name: &str, dir: &Path, log: &VerifierKey) -> Foreign {
    std::fs::create_dir_all(dir).unwrap();
    let key = new_key(dir, "ed25519", "");
    let agent = RunningAgent::start();
    agent.add(&key);
    let key = open_file(&key).unwrap().fingerprint().to_string();
    let database = dir.join("litewitness.db");
    let (child, url, said) = listening(|address| {
        let mut command = program("litewitness");
        command.args(["-name", name, "-key", &key, "-listen", address]);
        command.arg("-db").arg(&database);
        command.arg("-ssh-agent").arg(&agent.socket);
        command
    });
    let key = said.iter().find_map(|line| {
        let (_, key) = line.split_once("vkey=")?;
        VerifierKey::parse(key).ok()
    });
    let (database, log) = (database.to_str().unwrap(), log.to_string());
    run("addlog", &["-db", database, "-key", &log]);
    Foreign {
        _program: child,
        url,
        key: key.expect("it says its key"),
        _agent: Some(agent),
    }
}

/// The one of transparency.dev. It also knows logs of others, and asks none of them for anything:
/// what is to be cosigned is brought.
pub(super) fn omniwitness(name: &str, dir: &Path, log: &VerifierKey) -> Foreign {
    std::fs::create_dir_all(dir).unwrap();
    let key = CosignerKey::from_seed(KeyName::new(name).unwrap(), &[9; 32]);
    let (secret, logs) = (dir.join("key"), dir.join("logs.yaml"));
    std::fs::write(&secret, key.to_text().as_bytes()).unwrap();
    let known = format!("Logs:\n  - Origin: {}\n    PublicKey: {log}\n", log.name());
    std::fs::write(&logs, known).unwrap();
    let (child, url, _) = listening(|address| {
        let mut command = program("omniwitness");
        command.args(["-listen", address, "-metrics_listen", ""]);
        command.arg("-private_key_path").arg(&secret);
        command.arg("-additional_logs").arg(&logs);
        command.arg("-db_file").arg(dir.join("omniwitness.db"));
        command
    });
    Foreign {
        _program: child,
        url,
        key: key.verifier().clone(),
        _agent: None,
    }
}

/// Starts one on a port that was free just now, and again where it is no longer; with what it says
/// on standard error.
///
/// They cannot be given port 0, because they would not say which one they got.
fn listening(command: impl Fn(&str) -> Command) -> (Running, String, mpsc::Receiver<String>) {
    let started = (0..PORTS).find_map(|_| {
        let free = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = free.local_addr().unwrap().to_string();
        drop(free);
        let (child, said) = heard(command(&address));
        answers(child, &format!("http://{address}")).map(|(child, url)| (child, url, said))
    });
    started.expect("it listens")
}

/// Starts it; its lines on standard error.
fn heard(mut command: Command) -> (Child, mpsc::Receiver<String>) {
    let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
    let lines = BufReader::new(child.stderr.take().unwrap()).lines();
    let (tell, told) = mpsc::channel();
    // Whatever it says must not fill the pipe.
    std::thread::spawn(move || {
        for line in lines.map_while(Result::ok) {
            // Whoever listened may have heard enough.
            let _ = tell.send(line);
        }
    });
    (child, told)
}

/// Waits until it takes connections; `None`: it ended before.
fn answers(mut child: Child, url: &str) -> Option<(Running, String)> {
    let mut ended = false;
    wait("the foreign witness", || {
        ended = child.try_wait().unwrap().is_some();
        ended || TcpStream::connect(address(url)).is_ok()
    });
    (!ended).then(|| (Running(child), url.to_owned()))
}
