//! What to do next. A hint is a command that works, or the one thing that is missing.

use breakglass_api::{ClientError, Problem};

use crate::{
    actor::{ActorError, Class, DossierError, ForeseenError, LookupError, ProposalError},
    signer::{AgentError, KeyFileError, SignError, generate::GenerateError},
    state::{PinError, StateError},
    trust::TrustError,
};

/// What to do after a server refused: its own hint, unless this program has a command for it.
pub(super) fn after_refusal(problem: &Problem) -> String {
    command_for(&problem.code).map_or_else(|| problem.hint.clone(), str::to_owned)
}

/// The command of this program that leads on from what the rules refuse, by its code.
fn command_for(code: &str) -> Option<&'static str> {
    Some(match code {
        "no_session" => "breakglass login",
        "clock_skew" => "correct the clock, or sign with the server's time: --server-time",
        "key_not_enrolled" => {
            "enrol it: breakglass join URL --genesis sha256:…, as you did the first time"
        }
        "not_an_approver" | "fills_no_place" => {
            "breakglass authority show lists under entitlement who approves; ask one of them"
        }
        "text_missing" => {
            "say what the field in brackets asks for: --service NAME, --threat TEXT, --title, --why"
        }
        "own_request" => "two other people approve it: breakglass pending",
        "grant_not_active" | "request_not_pending" | "uses_exhausted" | "quorum_gone" => {
            "ask anew: breakglass request ACCOUNT --why '…'"
        }
        "no_credential" => {
            "two holders of the account privilege add one: \
             breakglass account add-credential ACCOUNT --username NAME"
        }
        "not_holder" => "breakglass grant list shows who holds which",
        "account_busy" => {
            "breakglass grant list shows who holds it; ask for it back, or end it: \
             breakglass revoke G-… --why '…'"
        }
        "incident_not_open" => "breakglass incident declare --help",
        "not_entitled" => {
            "breakglass authority show lists who has which privilege; ask one of them"
        }
        "no_entitlement" => {
            "breakglass authority show lists under entitlement who may ask for which account"
        }
        "duration_too_short" => "--for takes at least 1m",
        "duration_too_long" => "ask for less, and prolong it later: breakglass extend",
        "person_unknown" => "breakglass authority show lists the people",
        "malformed" => {
            "this program and the server may be of different versions: breakglass status"
        }
        "disk_full" => {
            "have room made on the server's disk (docs/procedures/restore.md); deny, withdraw, \
             return, revoke and resolve are taken meanwhile"
        }
        "log_unavailable" => {
            "nothing happened; breakglass status says what state the log is in, \
             docs/procedures/restore.md what to do"
        }
        _ => return None,
    })
}

/// What to do after anything else.
pub(super) fn after(error: &ActorError) -> Option<String> {
    let hint = match error {
        ActorError::Client(error) => return after_call(error),
        ActorError::Trust(error) => return after_distrust(error),
        ActorError::Sign(error) => return after_signing(error),
        ActorError::State(error) | ActorError::Generate(GenerateError::State(error)) => {
            return Some(after_state(error));
        }
        ActorError::SessionKey(_) => "begin a new session: breakglass login",
        ActorError::KeyNotListed { .. } => {
            "have the root persons publish an authority that lists the key \
             (docs/procedures/change-the-authority.md), or join with another: breakglass join --help"
        }
        ActorError::ForeignInstance { .. } => {
            "do not sign anything: the address leads elsewhere; compare the digest on paper with \
             genesis in client.toml"
        }
        ActorError::Lookup(error) => return Some(after_lookup(error)),
        ActorError::Text { .. } | ActorError::Id(_) => "say it otherwise; nothing was signed",
        ActorError::Dossier(error) => return Some(after_dossier(error)),
        ActorError::Foreseen(error) => return Some(after_foreseen(error)),
        ActorError::Proposal(error) => return Some(after_proposal(error)),
        ActorError::NoNode | ActorError::NodeKey(_) => {
            "the root persons add a node to the authority: docs/procedures/change-the-authority.md"
        }
        ActorError::Entropy(_)
        | ActorError::Generate(_)
        | ActorError::Canonical(_)
        | ActorError::Seal(_)
        | ActorError::NotRecorded { .. }
        | ActorError::Terms(_)
        | ActorError::Statement(_)
        | ActorError::NoEnvelope
        | ActorError::EnvelopeDiffers { .. }
        | ActorError::EnvelopeParse(_)
        | ActorError::EnvelopeOpen(_) => return distrust(error.class()),
    };
    Some(hint.to_owned())
}

fn after_call(error: &ClientError) -> Option<String> {
    match error {
        ClientError::Unreachable { detail, .. } if detail.contains("CaUsedAsEndEntity") => Some(
            "the server shows the certificate of an authority, not one of a server: make it with \
             -addext basicConstraints=critical,CA:FALSE (docs/procedures/install.md)"
                .to_owned(),
        ),
        ClientError::Unreachable { detail, .. } if detail.contains("peer certificate") => Some(
            "this machine does not believe the server's certificate: is the name in the address \
             the one it was made for, and an authority of your own in ca_file of client.toml \
             (join --ca-file)?"
                .to_owned(),
        ),
        ClientError::Unreachable { url, detail } if speaks_tls(url, detail) => {
            Some("that port speaks TLS: use https:// in the address".to_owned())
        }
        ClientError::Unreachable { .. } => Some(
            "is the server up, and the address in client.toml right? Where something was posted \
             it may have happened: the same command again is safe"
                .to_owned(),
        ),
        ClientError::Refused(problem) => Some(after_refusal(problem)),
        ClientError::Foreign { .. } => Some(
            "something else answers there: compare address and port with servers in client.toml"
                .to_owned(),
        ),
        ClientError::Receipt(_) => distrust(Class::Tampered),
    }
}

/// A TLS server answers plain HTTP with an alert, which is no HTTP.
fn speaks_tls(url: &str, detail: &str) -> bool {
    url.starts_with("http://") && (detail.contains("http parse") || detail.contains("protocol:"))
}

fn after_distrust(error: &TrustError) -> Option<String> {
    match error {
        TrustError::Client(error) => after_call(error),
        TrustError::Pin(PinError::Fork(_) | PinError::AuthorityFork { .. }) => {
            distrust(Class::Forked)
        }
        TrustError::Pin(PinError::State(error)) => Some(after_state(error)),
        TrustError::Contended => Some("the same command again".to_owned()),
        TrustError::Chain(breakglass_statement::ChainError::Pin { .. }) => Some(
            "do not go on: the server is of another installation, or the digest was mistyped; \
             compare it with the paper, character by character"
                .to_owned(),
        ),
        TrustError::Pin(
            PinError::AuthorityRollback { .. }
            | PinError::EpochGone { .. }
            | PinError::EpochOfThePast { .. },
        )
        | TrustError::NoAuthority
        | TrustError::Epoch(_)
        | TrustError::Chain(_)
        | TrustError::Principal { .. }
        | TrustError::LogKey(_)
        | TrustError::Checkpoint(_)
        | TrustError::Hash(_) => distrust(Class::Tampered),
    }
}

fn after_signing(error: &SignError) -> Option<String> {
    let hint = match error {
        SignError::Agent(AgentError::NoAgent) => "start one: eval \"$(ssh-agent)\" && ssh-add",
        SignError::Agent(AgentError::Io { .. }) => {
            "SSH_AUTH_SOCK leads to no agent; start one: eval \"$(ssh-agent)\" && ssh-add"
        }
        SignError::Agent(AgentError::NoSuchKey { .. }) => {
            "add it: ssh-add FILE; what the agent holds: ssh-add -l"
        }
        SignError::Agent(
            AgentError::Answer { .. } | AgentError::Wire(_) | AgentError::TooLong { .. },
        ) => "is the agent locked (ssh-add -X), or the token unplugged?",
        SignError::KeyFile(KeyFileError::Exposed { path, .. }) => {
            return Some(format!("chmod 600 {}", path.display()));
        }
        SignError::KeyFile(KeyFileError::Public { path }) => {
            return Some(format!(
                "name the private key: {}",
                path.with_extension("").display()
            ));
        }
        SignError::KeyFile(_) => {
            "--key, or else key in client.toml, names the private key file; what it holds: \
             ssh-keygen -l -f FILE"
        }
        SignError::SshKeygen { .. } => "install OpenSSH's ssh-keygen, or add the key to an agent",
        SignError::NotSigned { .. } => "was the passphrase right, and the token touched? Once more",
        SignError::Malformed(_) | SignError::WrongKey { .. } => {
            "use the key that client.toml names: ssh-add -l shows what the agent holds"
        }
    };
    Some(hint.to_owned())
}

fn after_state(error: &StateError) -> String {
    match error {
        StateError::Io { path, .. } => {
            format!("is it yours, and is there room? ls -ld {}", path.display())
        }
        StateError::Damaged { path, .. } => {
            format!(
                "it remembers what this machine saw, so never delete it: keep {} for the auditors, \
                 put back a copy of it, or join again into another --home",
                path.display()
            )
        }
        StateError::Exists { .. } => "name a new file, or move the old one away".to_owned(),
        StateError::NoHome => "name a directory: --home DIR".to_owned(),
    }
}

fn after_lookup(error: &LookupError) -> String {
    let hint = match error {
        LookupError::None { what } => match *what {
            "incident" => {
                "none is open: breakglass incident list; declare one: \
                           breakglass incident declare --help"
            }
            "request" => "none waits: breakglass pending",
            "grant" => "none is active: breakglass grant list",
            "run" => "breakglass action list",
            _ => "name it",
        },
        LookupError::Several { what, choices } => {
            let example = choices.first().map_or("", String::as_str);
            return format!("name one {what}, as in: {example}");
        }
        LookupError::NotAnId { .. } => {
            "this program and the server may be of different versions: breakglass status"
        }
        LookupError::Account { .. } => "breakglass account list",
    };
    hint.to_owned()
}

fn after_foreseen(error: &ForeseenError) -> String {
    let code = match error {
        ForeseenError::NoEntitlement { .. } => "no_entitlement",
        ForeseenError::NoCredential { account } => {
            return format!(
                "two holders of the account privilege add one: \
                 breakglass account add-credential {account} --username NAME"
            );
        }
        ForeseenError::Busy { .. } => "account_busy",
        ForeseenError::TooLong { .. } => "duration_too_long",
        ForeseenError::TooShort { .. } => "duration_too_short",
        ForeseenError::ActionNotPermitted { .. } => {
            return "name one of those, or ask for the credential itself: without --action"
                .to_owned();
        }
    };
    command_for(code).unwrap_or_default().to_owned()
}

fn after_dossier(error: &DossierError) -> String {
    let hint = match error {
        DossierError::EntryDiffers { .. } | DossierError::Unbound { .. } => {
            return distrust(Class::Tampered).unwrap_or_default();
        }
        DossierError::Own { .. } => {
            "other people approve it: breakglass pending shows how many are missing; \
             to take it back: breakglass withdraw"
        }
        DossierError::NotPending { state, .. } if state == "granted" => {
            "it is granted; breakglass grant list shows who holds it; to end it: \
             breakglass revoke G-… --why '…'"
        }
        DossierError::NotPending { .. } => {
            "it is decided; what still waits: breakglass pending; what came of it: \
             breakglass grant list"
        }
        DossierError::Lapsed { .. } => {
            "the requester asks anew: breakglass request ACCOUNT --why '…'"
        }
        DossierError::Duration { .. } => {
            "--for takes between a minute and the time that was asked for"
        }
    };
    hint.to_owned()
}

fn after_proposal(error: &ProposalError) -> String {
    match error {
        ProposalError::None { what } => {
            format!("propose it yourself: {} --why '…'", what.command)
        }
        ProposalError::NoSuchFile { account } => format!(
            "a proposal lapses after 15 minutes; the first person seals the credential again: \
             breakglass account add-credential {account}"
        ),
        ProposalError::Own { until } => format!(
            "another holder of the privilege agrees before {until}: \
             breakglass authority show lists them"
        ),
        ProposalError::Differs { what, .. } => {
            format!("see what is proposed, and agree to it: {}", what.command)
        }
        ProposalError::Several { what, .. } => format!(
            "name the one you agree to by its reason: {} --why 'that reason'",
            what.command
        ),
        ProposalError::EntryDiffers { .. } => distrust(Class::Tampered).unwrap_or_default(),
    }
}

/// What to do where what a server shows cannot be true.
fn distrust(class: Class) -> Option<String> {
    match class {
        Class::Tampered => Some(
            "do not act on what this server shows; ask another server, and tell the auditors"
                .to_owned(),
        ),
        Class::Forked => {
            Some("do not act on what this server shows; hand both files to the auditors".to_owned())
        }
        Class::Refused | Class::Usage | Class::Unreachable => None,
    }
}
