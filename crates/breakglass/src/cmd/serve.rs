//! `serve`: the server, from its configuration file, until it is told to stop.

use std::{path::PathBuf, process::ExitCode, sync::Arc};

use breakglass_server::{Config, Server, SystemClock};

use crate::output::Output;

/// Run the server
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The configuration file
    #[arg(
        long,
        value_name = "FILE",
        default_value = "/etc/breakglass/breakglass.toml"
    )]
    config: PathBuf,
    /// Read configuration and keys, verify the log, and exit; nothing is written
    #[arg(long)]
    check: bool,
}

/// Exit status 70: the log may or may not have been written; start again to find out.
const EXIT_FATAL: i32 = 70;

/// Starts, waits for SIGINT or SIGTERM, stops.
#[must_use]
pub(super) fn run(args: &Args, output: Output) -> ExitCode {
    let config = match Config::load(&args.config) {
        Ok(config) => config,
        Err(error) => return complain(&describe(&error), output),
    };
    if args.check {
        return check(&config, output);
    }
    let started = start(&config).map_err(|e| describe(&e));
    let server = match started {
        Ok(server) => server,
        Err(error) => return complain(&error, output),
    };
    if let Some(reason) = server.read_only() {
        output.warn(&format!(
            "read-only: {reason}; nothing will be granted or released"
        ));
    }
    output.say(&format!("listening on {}", server.address()));
    wait_for_signal();
    server.stop();
    ExitCode::SUCCESS
}

fn complain(error: &str, output: Output) -> ExitCode {
    output.warn(&format!("error: {error}"));
    output.say("hint: nothing was served; docs/procedures/ says what to do");
    ExitCode::FAILURE
}

/// What a start would find. A log that could only be read is not in order.
fn check(config: &Config, output: Output) -> ExitCode {
    match Server::check(config) {
        Ok((0, None)) => {
            output.say("in order; a new log would begin");
            ExitCode::SUCCESS
        }
        Ok((size, None)) => {
            output.say(&format!(
                "in order; the log has {size} entries, all verified"
            ));
            ExitCode::SUCCESS
        }
        Ok((_, Some(reason))) => complain(&format!("read-only: {reason}"), output),
        Err(error) => complain(&describe(&error), output),
    }
}

fn start(config: &Config) -> Result<Server, breakglass_server::StartError> {
    // An append that may or may not have happened ends the process: only opening the log anew
    // tells which, and nothing may be answered meanwhile.
    let on_fatal = |_: &str| std::process::exit(EXIT_FATAL);
    Server::start(config, Arc::new(SystemClock), on_fatal)
}

fn wait_for_signal() {
    let Ok(runtime) = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
    else {
        return;
    };
    runtime.block_on(async {
        use tokio::signal::unix::{SignalKind, signal};
        let Ok(mut terminate) = signal(SignalKind::terminate()) else {
            return;
        };
        tokio::select! {
            _ = terminate.recv() => {}
            _ = tokio::signal::ctrl_c() => {}
        }
    });
}

/// An error with its causes, on one line.
fn describe(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}
