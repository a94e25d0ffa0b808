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
    /// Read the configuration, open and verify the log, and exit
    #[arg(long)]
    check: bool,
}

/// Exit status 70: the log may or may not have been written; start again to find out.
const EXIT_FATAL: i32 = 70;

/// Starts, waits for SIGINT or SIGTERM, stops.
#[must_use]
pub(super) fn run(args: &Args, output: Output) -> ExitCode {
    let started = Config::load(&args.config)
        .map_err(|e| describe(&e))
        .and_then(|config| start(&config).map_err(|e| describe(&e)));
    let server = match started {
        Ok(server) => server,
        Err(error) => {
            let hint = "nothing was served; see docs/procedures/ for what to do";
            output.warn(&format!("error: {error}"));
            output.say(&format!("hint: {hint}"));
            return ExitCode::FAILURE;
        }
    };
    if let Some(reason) = server.read_only() {
        output.warn(&format!(
            "read-only: {reason}; nothing will be granted or released"
        ));
    }
    output.say(&format!("listening on {}", server.address()));
    if !args.check {
        wait_for_signal();
    }
    server.stop();
    ExitCode::SUCCESS
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
