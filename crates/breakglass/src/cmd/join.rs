//! `breakglass join`.

use std::path::{Path, PathBuf};

use breakglass_api::ClientError;
use breakglass_format::{Digest, Fingerprint};
use breakglass_statement::PublicKey;
use serde_json::json;

use super::{Context, context};
use crate::{
    actor::{ActorError, identify},
    entropy::SystemEntropy,
    hint::{Code, Failure},
    output::{line, prompt},
    signer::{self, Agent, generate::generate_to_file},
    state::{ClientConfig, config::KeyConfig},
    trust::Trust,
};

/// The server's code for a key that was enrolled before.
const ALREADY_ENROLLED: &str = "already_enrolled";

/// Options of `join`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// A server, https://host:port; repeatable, tried in turn.
    #[arg(required = true, value_name = "URL")]
    servers: Vec<String>,
    /// SHA-256 of the genesis authority, from paper or voice, never from the server.
    #[arg(long, value_name = "sha256:…")]
    genesis: Digest,
    /// Certificates (PEM) that the server's certificate leads to.
    #[arg(long, value_name = "FILE")]
    ca_file: Option<PathBuf>,
    /// Which key is yours.
    #[command(flatten)]
    key: Key,
}

/// Which key: one of three, else the agent's only suitable one.
#[derive(Debug, clap::Args)]
#[group(multiple = false)]
struct Key {
    /// A private key file.
    #[arg(long = "key", value_name = "FILE")]
    file: Option<PathBuf>,
    /// A key in the ssh-agent, by its fingerprint.
    #[arg(long, value_name = "SHA256:…")]
    agent: Option<Fingerprint>,
    /// Make a new key file.
    #[arg(long)]
    new_key: bool,
}

pub(super) fn run(args: &Args, cx: &Context) -> Result<(), Failure> {
    let path = cx.home().config_file();
    refuse_another(&path, args.genesis)?;
    let probe = ClientConfig {
        servers: args.servers.clone(),
        ca_file: args.ca_file.as_deref().map(absolute).transpose()?,
        // Both are replaced below, once the authority said whose key it is.
        principal: "nobody".parse().map_err(ActorError::from)?,
        genesis: args.genesis,
        key: KeyConfig::File(PathBuf::new()),
        // Who joins once more keeps what they wrote down.
        witness: ClientConfig::load(&path).ok().and_then(|c| c.witness),
    };
    probe.check_servers()?;
    let client = context::connect(&probe)?;
    let trust = Trust::establish(&client, cx.home().pins(args.genesis), args.genesis)?;
    cx.output().say(&format!(
        "pinned {}: authority version {}, verified from {}",
        line(trust.authority().title.as_str()),
        trust.authority().version,
        args.genesis
    ));
    let (key, public_key) = pick(&args.key, &trust, cx)?;
    let identity = identify(trust.authority(), &public_key.fingerprint())
        .map_err(|e| Failure::from(e).hint(to_be_listed(&public_key)))?;
    let config = ClientConfig {
        principal: identity.principal.clone(),
        key,
        ..probe
    };
    config.save(&path)?;
    enroll(&config, cx)
}

/// One directory is for one installation.
fn refuse_another(path: &Path, genesis: Digest) -> Result<(), Failure> {
    match ClientConfig::load(path) {
        Ok(config) if config.genesis != genesis => {
            let message = format!("{} is of another installation", path.display());
            Err(Failure::of(Code::OtherInstallation, message)
                .hint("join from another directory: --home DIR"))
        }
        _ => Ok(()),
    }
}

fn enroll(config: &ClientConfig, cx: &Context) -> Result<(), Failure> {
    let mut actor = cx.actor_of(config)?;
    let principal = config.principal.to_string();
    let enrolled = actor.enroll();
    cx.tell_of_crossing(actor.trust());
    let outcome = match enrolled {
        Err(ActorError::Client(ClientError::Refused(problem)))
            if problem.code == ALREADY_ENROLLED =>
        {
            let known = json!({"principal": principal, "repeated": true});
            cx.output().answer(&principal, &known);
            cx.output().say("this key was enrolled before");
            return Ok(());
        }
        other => other?,
    };
    let sentence = format!(
        "joined as {principal} with the key {}",
        actor.identity().key
    );
    cx.output().outcome(&outcome, &principal, &sentence);
    Ok(())
}

fn to_be_listed(key: &PublicKey) -> String {
    format!(
        "have the root persons publish an authority that lists this key, then join again:\n{}",
        key.line()
    )
}

fn pick(key: &Key, trust: &Trust, cx: &Context) -> Result<(KeyConfig, PublicKey), Failure> {
    if key.new_key {
        return make(cx);
    }
    if let Some(file) = &key.file {
        let file = absolute(file)?;
        let public_key = signer::open_file(&file)?.public_key().clone();
        return Ok((KeyConfig::File(file), public_key));
    }
    let identities = Agent::from_environment()
        .and_then(|agent| agent.identities())
        .map_err(signer::SignError::from)?;
    let wanted = |public_key: &PublicKey| match &key.agent {
        Some(fingerprint) => public_key.fingerprint() == *fingerprint,
        None => identify(trust.authority(), &public_key.fingerprint()).is_ok(),
    };
    let mut found = identities.into_iter().filter(|i| wanted(&i.public_key));
    match (found.next(), found.next()) {
        (Some(identity), None) => {
            let fingerprint = identity.public_key.fingerprint();
            Ok((KeyConfig::Agent(fingerprint), identity.public_key))
        }
        (None, _) => Err(Failure::of(
            Code::KeyNotInAgent,
            "the ssh-agent holds no key that the authority lists",
        )
        .hint("name one: --key FILE or --agent SHA256:…, or make one: --new-key")),
        (Some(_), Some(_)) => Err(Failure::of(
            Code::Ambiguous,
            "the ssh-agent holds several keys of yours",
        )
        .hint("name one: --agent SHA256:…")),
    }
}

/// A new key file, or the one that was made when the authority did not list it yet.
fn make(cx: &Context) -> Result<(KeyConfig, PublicKey), Failure> {
    let path = cx.home().new_key_file();
    if path.exists() {
        let public_key = signer::open_file(&path)?.public_key().clone();
        cx.output()
            .say(&format!("using the key made before: {}", path.display()));
        return Ok((KeyConfig::File(path), public_key));
    }
    let made =
        generate_to_file(&mut SystemEntropy, "breakglass", &path).map_err(ActorError::from)?;
    cx.output().say(&format!(
        "made a key without passphrase: {}",
        path.display()
    ));
    if prompt::is_interactive() {
        cx.output().say("give it one: ssh-keygen -p -f that file");
    }
    Ok((KeyConfig::File(path), made.public_key))
}

fn absolute(path: &Path) -> Result<PathBuf, Failure> {
    std::path::absolute(path).map_err(|e| Failure::usage(format!("{}: {e}", path.display())))
}
