//! `witness`: a witness for other people's logs, until it is told to stop.

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
};

use breakglass_server::{
    Listening,
    config::{Limits, Tls},
};
use breakglass_tlog::{CosignerKey, KeyName, KeyNameError, VerifierKey};
use serde_json::json;
use tokio::sync::watch;

use super::serve::{EXIT_FATAL, describe, stop_signal};
use crate::{
    clock::SystemClock,
    hint::{Code, Failure},
    output::Output,
    witness::{
        KeepError, Witness, WitnessError, WitnessKeyError, load_or_make, parse_log_keys, router,
    },
};

/// Run a witness
///
/// It cosigns the checkpoints of the logs that it was told of, each only if it continues the last
/// one that it cosigned. It never sees an entry of a log. At the start it prints the public key
/// that the policies of others name.
///
/// Its folder is never put back from a backup: a witness that forgot can cosign a fork.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The folder with its key and what it cosigned last; made if it is missing
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    /// Address to listen on
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:7380")]
    listen: SocketAddr,
    /// What the witness is called, for ever: host and path, as in witness.example.org/w1. Needed
    /// once, to make the key
    #[arg(long, value_name = "NAME", value_parser = name)]
    name: Option<KeyName>,
    /// The file with its key [default: witness.key in the folder; made if it is missing]
    #[arg(long, value_name = "FILE")]
    key: Option<PathBuf>,
    /// The public key of a log, `<origin>+<id>+<base64>`; several times for several logs, and for
    /// several keys of one
    #[arg(long = "log", value_name = "VKEY", value_parser = log_key)]
    logs: Vec<VerifierKey>,
    /// A file of such keys, one to a line
    #[arg(long = "logs", value_name = "FILE")]
    logs_file: Option<PathBuf>,
    /// The certificate chain to serve with, PEM
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    tls_certificate: Option<PathBuf>,
    /// Its private key, PEM
    #[arg(long, value_name = "FILE", requires = "tls_certificate")]
    tls_key: Option<PathBuf>,
    /// Serve without TLS on an address that is not loopback: everybody on the way sees which log
    /// grows when, and can keep submissions away
    #[arg(long)]
    danger_plain_http: bool,
}

fn name(text: &str) -> Result<KeyName, KeyNameError> {
    KeyName::new(text)
}

fn log_key(text: &str) -> Result<VerifierKey, String> {
    let keys = parse_log_keys(text).map_err(|error| describe(&error))?;
    let mut keys = keys.into_iter();
    match (keys.next(), keys.next()) {
        (Some(key), None) => Ok(key),
        _ => Err("a log's public key is <origin>+<id>+<base64>".to_owned()),
    }
}

/// Starts, says its public key, waits for SIGINT or SIGTERM, stops.
pub(super) fn run(args: Args, output: Output) -> Result<(), Failure> {
    if args.tls_certificate.is_none() && !args.listen.ip().is_loopback() && !args.danger_plain_http
    {
        let what = format!(
            "{} is not loopback and there is no --tls-certificate",
            args.listen
        );
        return Err(Failure::usage(what).hint(
            "add --tls-certificate and --tls-key, or listen on 127.0.0.1 behind a server that \
             speaks TLS",
        ));
    }
    let logs = logs(&args)?;
    let key = key(&args, output)?;
    let witness = Witness::open(&args.data, key, logs).map_err(|e| not_kept(&e))?;
    let runtime = tokio::runtime::Runtime::new().map_err(|e| not_served(describe(&e)))?;
    runtime.block_on(serve(args, witness, output))
}

async fn serve(args: Args, witness: Witness, output: Output) -> Result<(), Failure> {
    let tls = match (args.tls_certificate, args.tls_key) {
        (Some(certificate_file), Some(key_file)) => Some(Tls {
            certificate_file,
            key_file,
        }),
        _ => None,
    };
    let listening = Listening::bind(args.listen, tls.as_ref(), &Limits::default()).await;
    let listening = listening.map_err(|e| not_served(describe(&e)))?;
    let address = listening.address();
    announce(&witness, address, output);
    // Which checkpoint is durable is not known: only reading it anew tells.
    let on_fatal = Box::new(move |error: &WitnessError| {
        output.warn(&format!("error: {error}"));
        output.say("hint: nothing that was not answered counts; start it again");
        std::process::exit(EXIT_FATAL)
    });
    let router = router(witness, Box::new(SystemClock), output, on_fatal);
    let (stop, stopped) = watch::channel(false);
    let serving = tokio::spawn(listening.serve(router, stopped));
    stop_signal().await;
    stop.send_replace(true);
    serving.await.map_err(|e| not_served(describe(&e)))
}

/// The public key, on standard output; what it knows, on standard error.
fn announce(witness: &Witness, address: SocketAddr, output: Output) {
    if output.is_json() {
        let logs: Vec<_> = witness
            .logs()
            .map(|(origin, size)| json!({"origin": origin, "size": size}))
            .collect();
        let vkey = witness.verifier().to_string();
        output.json(&json!({"listening": address.to_string(), "vkey": vkey, "logs": logs}));
        return;
    }
    output.data(&witness.verifier().to_string());
    for (origin, size) in witness.logs() {
        match size {
            None => output.say(&format!("{origin}: nothing cosigned yet")),
            Some(size) => output.say(&format!("{origin}: {size} entries cosigned")),
        }
    }
    output.say(&format!("listening on {address}"));
}

fn logs(args: &Args) -> Result<Vec<VerifierKey>, Failure> {
    let mut keys = args.logs.clone();
    if let Some(path) = &args.logs_file {
        keys.extend(from_file(path)?);
    }
    keys.sort_by_key(ToString::to_string);
    keys.dedup();
    match keys.is_empty() {
        false => Ok(keys),
        true => Err(Failure::usage("there is no log to witness")
            .hint("name the public key of a log: --log VKEY; breakglass server-keys prints ours")),
    }
}

fn from_file(path: &Path) -> Result<Vec<VerifierKey>, Failure> {
    let text = std::fs::read_to_string(path).map_err(|_| Failure::missing(path))?;
    parse_log_keys(&text).map_err(|error| Failure::malformed(path, describe(&error)))
}

fn key(args: &Args, output: Output) -> Result<CosignerKey, Failure> {
    let path = match &args.key {
        Some(path) => path.clone(),
        None => args.data.join("witness.key"),
    };
    let (key, new) = load_or_make(&path, args.name.clone()).map_err(|error| {
        let message = describe(&error);
        match error {
            WitnessKeyError::NoName { .. } => {
                Failure::usage(message).hint("name it once: --name witness.example.org/w1")
            }
            WitnessKeyError::OtherName { .. } => Failure::usage(message)
                .hint("a key has one name for ever: leave out --name, or name another --data"),
            WitnessKeyError::Exposed { .. } => Failure::of(Code::KeyFileExposed, message)
                .hint(format!("chmod 600 {}", path.display())),
            WitnessKeyError::Content { .. } => Failure::of(Code::FileMalformed, message)
                .hint("put the key back that was made when the witness was new"),
            WitnessKeyError::Entropy(_) => Failure::of(Code::Internal, message),
            WitnessKeyError::File(error) => error.into(),
        }
    })?;
    if new {
        output.say(&format!("a new key is in {}", path.display()));
    }
    Ok(key)
}

fn not_kept(error: &KeepError) -> Failure {
    let hint = match error {
        KeepError::InUse { .. } => "one process for one folder: stop the other, or name another",
        KeepError::Dir(_) | KeepError::Read { .. } => "the folder is the witness's own (chmod 700)",
        KeepError::NotOurs { .. } => {
            "nothing is cosigned while it is not known what was cosigned last: put back the file \
             and the key that belong together, or let --log name the key that signed it"
        }
    };
    not_served(describe(error)).hint(hint)
}

fn not_served(what: String) -> Failure {
    Failure::of(Code::NotServed, what).hint("is the address this machine's, and free? ss -ltnp")
}
