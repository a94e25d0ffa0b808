//! `breakglass server-keys`.

use std::path::PathBuf;

use serde_json::json;

use crate::{
    hint::{Code, Failure},
    output::Output,
    server_keys::{self, ServerKeysError},
};

/// What to make, and where.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The folder of the server's configuration.
    dir: PathBuf,
    /// The log's name, for ever: host and path, as in breakglass.example.org/log.
    #[arg(long)]
    origin: String,
}

pub(super) fn run(args: &Args, output: Output) -> Result<(), Failure> {
    let made = server_keys::make(&args.dir, &args.origin).map_err(not_made)?;
    if output.is_json() {
        output.json(&json!({"origin": args.origin, "vkey": made.vkey, "kem": made.kem}));
        return Ok(());
    }
    output.data(&format!(
        "log = {{ origin = \"{}\", vkey = \"{}\" }}",
        args.origin, made.vkey
    ));
    output.data(&format!(
        "node = [{{ name = \"one\", kem = \"{}\" }}]",
        made.kem
    ));
    output.say("log.key, server.key and node.key are made; these lines belong into authority.toml");
    output.say("keep copies of the three files where the database's backups are not");
    Ok(())
}

pub(super) fn not_made(error: ServerKeysError) -> Failure {
    let message = error.to_string();
    match error {
        ServerKeysError::Origin(_) => Failure::usage(message)
            .hint("--origin is host and path, as in breakglass.example.org/log"),
        ServerKeysError::Exists { .. } => Failure::of(Code::FileExists, message)
            .hint("a log whose key is gone can only be read: name another folder"),
        ServerKeysError::Entropy(_) => Failure::of(Code::Internal, message),
        ServerKeysError::File(error) => error.into(),
    }
}
