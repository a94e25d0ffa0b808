//! The two files of a new installation, commented.

use breakglass_format::Principal;

use super::Answers;

/// `authority.toml`.
pub(super) fn authority(answers: &Answers, origin: &str, vkey: &str, kem: &str) -> String {
    let people: String = answers
        .everybody()
        .into_iter()
        .map(|p| person(p, answers))
        .collect();
    let roots: Vec<String> = answers
        .roots
        .iter()
        .map(|p| format!("{p:?}", p = p.as_str()))
        .collect();
    let (account, host) = (&answers.account, &answers.host);
    format!(
        r#"# Who may do what at {host}. Root persons sign it; nothing else changes it.
# Every key is explained in docs/configuration.md, section authority.toml.

title = "{host}"

# The log's name and key, and the key that credentials are sealed to on their way in: the public
# halves of log.key and node.key. They stay as they are.
log = {{ origin = "{origin}", vkey = "{vkey}" }}
node = [{{ name = "one", kem = "{kem}" }}]

# Who may change this document, and how many of them it takes. Name one more than it takes: who is
# ill does not lock everybody out.
roots = {{ threshold = 2, persons = [{roots}] }}

# As long as the procedure says, where nothing else is written:
# resolve 24h, rotation 1h, report 24h, access_review 7d, procedure 7d, cab_review 7d, quarterly 92d
# [clocks]
# report = "12h"

# Everybody. Each person's .pub file (Ed25519 or P-256, on a token or not, no RSA) goes into people/.
# Two keys are better than one: whoever loses the only one can do nothing.
#
# What privileges allow:
#   command    resolve and report for a commander; two of them take over
#   revoke     end anybody's access
#   account    put credentials into custody and have them rotated, always two together
#   suspend    have a stolen key count no longer, always two together
#   reviewer   complete post-incident reviews of what one took no part in
#   cab        sit on the change advisory board
#   waive      let a duty go, always two together
#   auditor    read and export everything
# Without a reviewer and somebody of the board no incident can be closed.
{people}
# The first account. A rotator is a program or a database of breakglass.toml that changes its
# credential; without one, people must. What happens to access if the server dies now, approvers
# read and sign each time: be exact.
[[account]]
name = "{account}"
system = "which system it opens"
# rotator = "db1"
# rotate_after = "30d"      # by itself; without it only after use
# connector = "shop"        # what deploys and rolls back with it
# shared = true             # several people may hold it at a time
on_server_loss = "The password works until somebody changes it by hand."

# Who may ask for it, and whose consent it takes.
[[entitlement]]
name = "emergency"
accounts = ["{account}"]
requesters = ["on-call"]
approvers = ["approvers"]
# approvals = 3                           # 2, unless said otherwise; never less
# require_each = ["security", "platform"] # one of each of these groups
# tiers = [["security"], ["platform"]]    # who is told at once, and who after 5 minutes
# min_presence_approvals = 1              # by a key that needs a touch
# max_duration = "4h"
# scenarios = ["critical-patch"]          # every scenario, unless said otherwise
"#,
        roots = roots.join(", "),
    )
}

/// Whoever neither asks nor approves can judge afterwards.
pub(super) fn judges(principal: &Principal, answers: &Answers) -> bool {
    !answers.on_call.contains(principal) && !answers.approvers.contains(principal)
}

fn person(principal: &Principal, answers: &Answers) -> String {
    let mut groups = Vec::new();
    let mut privileges = Vec::new();
    if answers.on_call.contains(principal) {
        groups.push("\"on-call\"");
    }
    if answers.approvers.contains(principal) {
        groups.push("\"approvers\"");
        privileges.extend(["\"account\"", "\"suspend\""]);
    }
    if answers.roots.contains(principal) {
        privileges.extend(["\"command\"", "\"revoke\"", "\"waive\""]);
    }
    if judges(principal, answers) {
        privileges.extend(["\"reviewer\"", "\"cab\"", "\"auditor\""]);
    }
    format!(
        "\n[[person]]\nprincipal = \"{principal}\"\nname = \"{principal}\"\ngroups = [{}]\n\
         privileges = [{}]\nkey = [{{ public_key_file = \"people/{principal}.pub\" }}]\n",
        groups.join(", "),
        privileges.join(", "),
    )
}

/// `breakglass.toml`.
pub(super) fn server(answers: &Answers) -> String {
    let host = &answers.host;
    format!(
        r#"# The server at {host}. Paths are relative to this file.
# Every key is explained in docs/configuration.md, section breakglass.toml.

# The log and everything beside it. Back it up; never restore it without reading docs/procedures/restore.md.
data_dir = "/var/lib/breakglass"
# How far the log has come, kept apart from it: better still on another disk.
high_water_file = "high-water.checkpoint"

listen = "0.0.0.0:8443"

# The digest that `breakglass authority compile` prints. It names the installation for ever.
genesis = "sha256:…"
genesis_dir = "genesis"

log_key_file = "log.key"
server_key_file = "server.key"
node_key_file = "node.key"

[tls]
certificate_file = "tls.pem"
key_file = "tls.key"

# What changes credentials: a PostgreSQL role (docs/procedures/postgresql.md) …
# [postgres.db1]
# host = "db1.example.org"
# user = "breakglass_rotator"

# … or a program of yours (docs/spec/command-protocol.md).
# [rotators.db1]
# program = "/usr/local/lib/breakglass/rotate-db1"

# Whom it tells what waits for them.
# [notify]
# docs/configuration.md#notices

# Other people's witnesses, who see that the log only grows, and nothing of what is in it.
# [witness]
# policy_file = "witnesses.policy"
# docs/configuration.md#witnesses
"#
    )
}
