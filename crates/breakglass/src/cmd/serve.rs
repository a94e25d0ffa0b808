//! `serve`: the server, from its configuration file, until it is told to stop.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use breakglass_server::{
    Cause, Config, Damage, NotRepaired, Server, StartError, SystemClock, config::ConfigError,
    repair_from,
};
use serde_json::json;

use crate::{
    hint::{Code, Failure},
    output::Output,
};

/// Where the server is configured, for what is done on its machine
#[derive(Debug, clap::Args)]
pub(super) struct Configured {
    /// The server's configuration file
    #[arg(
        long,
        value_name = "FILE",
        default_value = "/etc/breakglass/breakglass.toml"
    )]
    config: PathBuf,
}

impl Configured {
    /// Reads it.
    pub(super) fn load(&self) -> Result<Config, Failure> {
        Config::load(&self.config).map_err(|e| misconfigured(&e))
    }
}

/// Run the server
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    server: Configured,
    /// Read configuration and keys, verify the log, and exit; nothing is written
    #[arg(long)]
    check: bool,
    /// Put back what rotted in the log, from events.jsonl or the folder of an export, and exit;
    /// only what fits the log's hashes is taken
    #[arg(long, value_name = "PATH", conflicts_with = "check")]
    repair_from: Option<PathBuf>,
}

/// Exit status 70: the log may or may not have been written; start again to find out.
pub(super) const EXIT_FATAL: i32 = 70;

/// Starts, waits for SIGINT or SIGTERM, stops.
pub(super) fn run(args: &Args, output: Output) -> Result<(), Failure> {
    let config = args.server.load()?;
    if args.check {
        return check(&config, output);
    }
    if let Some(from) = &args.repair_from {
        return repair(&config, from, output);
    }
    let server = start(&config, output).map_err(|e| not_started(&e))?;
    if let Some(reason) = server.read_only() {
        output.warn(&format!(
            "read-only: {reason}; nothing will be granted or released"
        ));
    }
    if output.is_json() {
        output.json(&json!({"listening": server.address().to_string()}));
    }
    output.say(&format!("listening on {}", server.address()));
    for line in server.unconfigured() {
        output.warn(&format!("warning: {line}"));
    }
    if config.notify.smtp.is_none() && config.notify.webhook.is_none() {
        output
            .warn("nobody is told of anything: there is no [notify.smtp] and no [notify.webhook]");
    }
    wait_for_signal();
    output.say("stopping: no new connections; what was begun is finished");
    server.stop();
    output.say("stopped; the log is closed");
    Ok(())
}

/// The configuration has a mistake. Each hint ends with what can be tried without harm.
pub(super) fn misconfigured(error: &ConfigError) -> Failure {
    let hint = match error {
        ConfigError::Read { .. } => "name the file: breakglass serve --config FILE",
        ConfigError::Missing { key, .. } => {
            return Failure::of(Code::ConfigMalformed, describe(error)).hint(format!(
                "add it: {key} = …; docs/configuration.md lists every key. \
                 Then: breakglass serve --check"
            ));
        }
        ConfigError::Parse { detail, .. } if detail.contains("socket address") => {
            "write an IP address and a port, such as 127.0.0.1:8443; a name is not looked up"
        }
        ConfigError::Parse { .. } => {
            "correct that line; docs/configuration.md lists every key. Then: breakglass serve --check"
        }
        ConfigError::PlainHttp { .. } => {
            "add [tls] with certificate_file and key_file, or listen on 127.0.0.1"
        }
        ConfigError::MetricsBeyondLoopback { .. } => {
            "metrics_listen is 127.0.0.1 and a port of its own; whatever collects from afar goes \
             through an agent on this machine"
        }
        ConfigError::RotatorTwice { .. } => "give one of them another name",
        ConfigError::RelativeProgram { .. } => "write the program's whole path, from /",
    };
    Failure::of(Code::ConfigMalformed, describe(error)).hint(hint)
}

fn not_started(error: &StartError) -> Failure {
    let hint = match error.cause() {
        Cause::LogAltered => {
            "the log was altered or damaged: keep it as it is, for the auditors, and go on with a \
             copy: docs/procedures/restore.md"
        }
        Cause::LogInUse => {
            "another breakglass runs on it: systemctl status breakglass; stop that one first"
        }
        Cause::OtherGenesis => {
            "nothing was written; compare genesis in the configuration with the paper, character \
             by character"
        }
        Cause::Tls => {
            "correct [tls]: certificate_file and key_file name PEM files that go together, the key \
             the server user's own (chmod 600); docs/procedures/install.md makes them"
        }
        Cause::Itself => return not_started_itself(error),
    };
    Failure::of(Code::NotServed, describe(error)).hint(hint)
}

fn not_started_itself(error: &StartError) -> Failure {
    let hint = match error {
        StartError::Config(error) => return misconfigured(error),
        StartError::Key(_) => {
            "docs/procedures/install.md, step 1: the three key files are the server user's own \
             (chmod 600), and restored from your copies where they are lost"
        }
        StartError::LogKey { .. } => {
            "log_key_file names another log's key: put back the one that was copied in step 1 of \
             docs/procedures/install.md"
        }
        StartError::Create(_) | StartError::Open(_) => {
            "data_dir is the server user's own (chmod 700), the folder that it lies in exists, and \
             no other server runs on it; after an epoch log_key_file is the new key. A log that is \
             damaged: docs/procedures/restore.md"
        }
        StartError::Replay(_)
        | StartError::LogGone { .. }
        | StartError::NoAuthority
        | StartError::Mark(_) => "nothing was written; docs/procedures/restore.md",
        StartError::Bootstrap(_) | StartError::Genesis(_) => {
            "docs/procedures/install.md, steps 3 to 5: what lies in genesis_dir must be signed by \
             all root persons, and have the digest that genesis names"
        }
        StartError::Program { .. } => {
            "correct the program under [rotators], [connectors] or [[control_plane]]"
        }
        StartError::Target { .. } => {
            "correct it: [notify], [witness], or [postgres] (docs/procedures/postgresql.md has a whole one)"
        }
        StartError::Probe { .. } => {
            "correct it under [[control_plane]]: url is http:// or https://, without a user name; \
             ca_file is a PEM file"
        }
        StartError::Listen(_) => {
            "is the address of listen this machine's, and free? ss -ltnp shows who has it"
        }
        StartError::Runtime(_) => "the machine gave no thread or socket: see ulimit -a",
    };
    Failure::of(Code::NotServed, describe(error)).hint(hint)
}

/// What a start would find. A log that could only be read is not in order.
fn check(config: &Config, output: Output) -> Result<(), Failure> {
    let found = Server::check(config).map_err(|e| not_started(&e))?;
    for line in &found.unconfigured {
        output.warn(&format!("warning: {line}"));
    }
    if let Some(reason) = found.read_only {
        return Err(
            Failure::of(Code::NotServed, format!("read-only: {reason}")).hint(
                "people could read and export, nothing would be granted; docs/procedures/restore.md",
            ),
        );
    }
    if output.is_json() {
        output.json(&json!({"entries": found.entries, "unconfigured": found.unconfigured}));
    }
    match found.entries {
        0 => output.say("in order; a new log would begin"),
        size => output.say(&format!(
            "in order; the log has {size} entries, all verified"
        )),
    }
    Ok(())
}

/// Puts back what rotted. What no copy fitted is named, and the log is not in order.
fn repair(config: &Config, from: &Path, output: Output) -> Result<(), Failure> {
    let repaired = repair_from(config, from).map_err(|e| not_repaired(&e))?;
    let names = |all: &[Damage]| all.iter().map(Damage::to_string).collect::<Vec<_>>();
    let (mended, left) = (names(&repaired.mended), names(&repaired.left));
    if output.is_json() {
        output.json(&json!({"mended": mended, "left": left}));
    }
    for mended in &mended {
        output.say(&format!("put back: {mended}"));
    }
    if left.is_empty() {
        output.say("nothing is damaged now; breakglass serve --check verifies all of it");
        return Ok(());
    }
    let message = format!("no copy fits {}", left.join(", "));
    Err(Failure::of(Code::NotServed, message).hint(
        "try another copy: an older events.jsonl, another export; docs/procedures/restore.md",
    ))
}

fn not_repaired(error: &NotRepaired) -> Failure {
    let hint = match error {
        NotRepaired::Config(error) => return misconfigured(error),
        NotRepaired::Key(_) => "the log key is needed to know what was signed",
        NotRepaired::Copies(_) => "name an events.jsonl, or a folder as log export writes it",
        NotRepaired::Log(_) => {
            "nothing was changed. Does a server run on it? Stop it. Else put the newest whole copy \
             of the database back: docs/procedures/restore.md"
        }
    };
    Failure::of(Code::NotServed, describe(error)).hint(hint)
}

fn start(config: &Config, output: Output) -> Result<Server, breakglass_server::StartError> {
    // An append that may or may not have happened ends the process: only opening the log anew
    // tells which, and nothing may be answered meanwhile.
    let on_fatal = move |detail: &str| {
        output.warn(&format!("error: {detail}"));
        output.say(
            "hint: nothing that was not acknowledged counts; start it again, and it reads what is on \
             the disk. Where that fails as well: docs/procedures/restore.md",
        );
        std::process::exit(EXIT_FATAL)
    };
    Server::start(config, Arc::new(SystemClock), on_fatal)
}

fn wait_for_signal() {
    let Ok(runtime) = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
    else {
        return;
    };
    runtime.block_on(stop_signal());
}

/// SIGINT or SIGTERM.
pub(super) async fn stop_signal() {
    use tokio::signal::unix::{SignalKind, signal};
    let Ok(mut terminate) = signal(SignalKind::terminate()) else {
        return;
    };
    tokio::select! {
        _ = terminate.recv() => {}
        _ = tokio::signal::ctrl_c() => {}
    }
}

/// An error with its causes, on one line.
pub(super) fn describe(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        // Some say their cause themselves.
        let said = cause.to_string();
        if !text.ends_with(&said) {
            text = format!("{text}: {said}");
        }
        source = cause.source();
    }
    text
}
