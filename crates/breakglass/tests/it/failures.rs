//! Every error that a person can provoke: its code, its exit status, and a hint that leads on.

use std::path::Path;

use breakglass_format::Fingerprint;
use serde_json::Value;

use crate::{course::Terminal, usage::breakglass};

/// Who types what, and what must come of it: code, exit status, part of the hint. Before anything
/// has happened.
const ALONE: &str = "
alice  frobnicate                              usage               2  usage: breakglass
alice  log                                     usage               2  breakglass log
alice  request x                               usage               2  breakglass request
alice  login --for 9h                          usage               2  --for 8h
alice  approve                                 nothing_meant       2  breakglass pending
alice  return                                  nothing_meant       2  breakglass grant list
alice  incident note x                         nothing_meant       2  breakglass incident
alice  approve R-9                             not_found           1  breakglass pending
alice  approve G-1                             not_found           1  like R-1
alice  grant show G-9                          not_found           1  breakglass grant list
alice  checkout G-9 --show                     not_found           1  breakglass grant list
alice  incident show INC-9                     not_found           1  breakglass incident list
alice  action status x                         not_found           1  breakglass action list
alice  action status                           nothing_meant       2  breakglass action run
alice  account show nosuch                     account_unknown     2  breakglass account list
alice  account rotate nosuch --why x           account_unknown     2  breakglass account list
alice  request nosuch --incident INC-1 --why x account_unknown     2  breakglass account list
alice  request shop-root --incident INC-9 --why x  not_found       1  breakglass incident list
alice  checkout G-1                            destination_needed  2  --exec
alice  checkout --file {there}                 file_exists         2  new file
alice  checkout --exec -- no-such-program      program_unknown     2  whole path
alice  incident declare --scenario x --title x --why x  scenario_unknown  2  production-outage
alice  checkout --file {nowhere}/x/cred        file_missing        2  /dev/shm
alice  request nosuch --declare production-outage --title x --service x --why x  account_unknown  2  breakglass account list
alice  request shop-root --declare production-outage --title x --service x --why x  no_credential  1  add-credential shop-root
alice  request shop-root --incident INC-1 --why x --for 5s  duration_too_short  1  --for takes at least 1m
carol  account add-credential shop-root        consent_needed      2  --field password=@FILE
carol  account add-credential shop-root --out {there}  file_exists  2  --out FILE
frank  verify {there} --against {there}/stray  file_missing        2  breakglass log export
alice  log prove 0                             not_entitled        1  breakglass authority show
alice  log export {nowhere}                    not_entitled        1  breakglass authority show
frank  log export {there}                      file_exists         2  name another
frank  verify {there}                          file_missing        2  breakglass log export
frank  verify {nowhere}                        file_missing        2  breakglass log export
frank  authority compile {nowhere}             file_missing        2  check the path
bob    join {url} --genesis {wrong}            other_installation  1  --home DIR
nobody join {url} --genesis {wrong} --key {key}  other_instance    4  paper
nobody whoami                                  not_joined          1  breakglass join
nobody serve --config {nowhere}                config_malformed    2  --config FILE
";

/// While `R-1` of Alice waits.
const PENDING: &str = "
alice  approve R-1 --yes                       own_request         1  breakglass pending
bob    approve R-1                             consent_needed      2  --yes
erin   approve R-1 --yes                       not_an_approver     1  breakglass authority show
bob    approve R-1 --yes --for 5h              duration_out_of_range  1  --for
bob    request shop-root --incident INC-1 --why x  no_entitlement  1  breakglass authority show
bob    withdraw R-1                            not_requester       1  ask the requester
";

/// While Alice holds `G-1`.
const GRANTED: &str = "
dave   approve R-1 --yes                       request_not_pending 1  breakglass revoke
dave   deny R-1 --why x                        request_not_pending 1  breakglass revoke
bob    checkout G-1 --show                     not_holder          1  breakglass grant list
alice  checkout G-1 --show --field pin         field_unknown       1  password
alice  checkout G-1 --exec -- false            program_failed      1  on record
";

/// When Alice gave `G-1` back.
const RETURNED: &str = "
alice  checkout G-1 --show                     grant_not_active    1  breakglass request
erin   revoke G-1 --why x                      grant_not_active    1  nothing to take away
";

/// When `R-2` has lapsed, by a clock that went ahead of everybody's own.
const OVER: &str = "
bob    approve R-2 --yes                       request_not_pending 1  breakglass pending
erin   incident note x                         clock_skew          1  --server-time
";

/// The error that a command ends with: the last line of standard error, one JSON object.
#[track_caller]
fn error_of(home: &Path, args: &[&str]) -> Value {
    let args = [&["--json"], args].concat();
    let output = breakglass(home, &args);
    let said = String::from_utf8(output.stderr).unwrap();
    let last = said.lines().last().unwrap_or_default();
    let error: Value =
        serde_json::from_str(last).unwrap_or_else(|e| panic!("{args:?}: {e}: {said}"));
    let fields: Vec<&String> = error.as_object().unwrap().keys().collect();
    assert_eq!(fields, ["code", "detail", "exit", "hint", "title"]);
    for field in ["code", "title", "detail", "hint"] {
        assert_ne!(error[field], "", "{args:?}: {field} of {error}");
    }
    let exit = i64::from(output.status.code().unwrap());
    assert_eq!(error["exit"], exit, "{args:?}: {error}");
    error
}

#[track_caller]
fn ends(home: &Path, args: &[&str], code: &str, exit: i64, hint: &str) {
    let error = error_of(home, args);
    assert_eq!(error["code"], code, "{args:?}: {error}");
    assert_eq!(error["exit"], exit, "{args:?}: {error}");
    let said = error["hint"].as_str().unwrap();
    assert!(said.contains(hint), "{args:?}: {hint:?} is not in {error}");
}

/// Goes through a table. The exit status is the last word of one digit.
fn go_through(t: &Terminal, table: &str, spelled: &[(&str, &str)]) {
    for row in table.lines().filter(|row| !row.is_empty()) {
        let words: Vec<&str> = row.split_whitespace().collect();
        let digit = |w: &&str| w.len() == 1 && w.starts_with(|c: char| c.is_ascii_digit());
        let at = words.iter().rposition(digit).unwrap();
        let written = |word: &str| {
            let named = |(name, value): &(&str, &str)| {
                (word == format!("{{{name}}}")).then(|| (*value).to_owned())
            };
            spelled.iter().find_map(named).unwrap_or(word.to_owned())
        };
        let args: Vec<String> = words[1..at - 1].iter().map(|w| written(w)).collect();
        let args: Vec<&str> = args.iter().map(String::as_str).collect();
        let home = t.house.stage.home(words[0]);
        let exit = words[at].parse().unwrap();
        ends(
            &home,
            &args,
            words[at - 1],
            exit,
            &words[at + 1..].join(" "),
        );
    }
}

#[test]
fn each_mistake_of_one_person_has_its_code_exit_status_and_hint() {
    let t = Terminal::open();
    let (there, nowhere) = (t.file("there"), t.file("nowhere"));
    std::fs::create_dir(&there).unwrap();
    std::fs::write(format!("{there}/stray"), b"").unwrap();
    let wrong = format!("sha256:{}", "ab".repeat(32));
    let key = format!("{}/key", t.house.stage.home("bob").display());
    let spelled = [
        ("there", there.as_str()),
        ("nowhere", &nowhere),
        ("url", &t.house.url),
        ("wrong", &wrong),
        ("key", &key),
    ];
    go_through(&t, ALONE, &spelled);
}

#[test]
fn each_refusal_among_people_has_its_code_exit_status_and_hint() {
    let t = Terminal::open();
    t.log_in(&["alice", "bob", "carol", "dave", "erin", "frank"]);
    t.import();
    assert_eq!(t.ask(), "R-1");
    go_through(&t, PENDING, &[]);
    t.does("bob", &["approve", "R-1", "--yes"]);
    t.does("carol", &["approve", "R-1", "--yes"]);
    go_through(&t, GRANTED, &[]);
    t.does("alice", &["return", "G-1"]);
    go_through(&t, RETURNED, &[]);
    let again = ["--incident", "INC-1", "--why", "x"];
    t.does("alice", &[&["request", "shop-root"][..], &again].concat());
    t.house.skip_s(61 * 60);
    go_through(&t, OVER, &[]);
}

#[test]
fn a_key_that_cannot_sign_is_told_from_a_server_that_is_not_there() {
    let mut t = Terminal::open();
    let home = t.house.stage.home("bob");
    let config = home.join("client.toml");
    let written = std::fs::read_to_string(&config).unwrap();
    let with_key = |key: &str| {
        let start = written.find("[key]").unwrap();
        std::fs::write(&config, format!("{}[key]\n{key}\n", &written[..start])).unwrap();
    };
    let ends = |code, exit, hint| ends(&home, &["login"], code, exit, hint);
    with_key("file = \"/nonexistent/key\"");
    ends("key_file_unusable", 1, "ssh-keygen -l -f");
    let public = t.file("bob.pub");
    std::fs::write(&public, b"ssh-ed25519 AAAA bob").unwrap();
    with_key(&format!("file = {public:?}"));
    ends("key_file_unusable", 1, "name the private key");
    let agent = Fingerprint::from_sha256(&[1; 32]);
    with_key(&format!("agent = \"{agent}\""));
    ends("no_agent", 1, "ssh-agent");
    let without: Vec<&str> = written
        .lines()
        .filter(|l| !l.starts_with("servers"))
        .collect();
    std::fs::write(&config, without.join("\n")).unwrap();
    ends("config_malformed", 2, "add it: servers = ");
    std::fs::write(&config, format!("frob = 1\n{written}")).unwrap();
    ends("config_malformed", 2, "docs/configuration.md");
    std::fs::write(&config, &written).unwrap();
    t.house.stop_server();
    ends("unreachable", 3, "client.toml");
}

#[test]
fn what_verification_finds_ends_with_four_and_more() {
    let t = Terminal::open();
    t.log_in(&["frank"]);
    let folder = t.file("evidence");
    t.does("frank", &["log", "export", &folder]);
    let home = t.house.stage.home("frank");
    let pin = t.house.stage.genesis.to_string();
    let wrong = format!("sha256:{}", "ab".repeat(32));
    let verify = |more: &[&str], code, exit, hint| {
        let args = [&["verify", folder.as_str()], more].concat();
        ends(&home, &args, code, exit, hint);
    };
    let pinned = ["--genesis", &pin];
    t.does("frank", &["verify", &folder, "--genesis", &pin]);
    verify(&[], "cannot_tell", 7, "--genesis sha256:");
    verify(&["--genesis", &wrong], "tampered", 4, "paper");
    let large = [&pinned[..], &["--min-size", "999"]].concat();
    verify(&large, "stale", 6, "export again");
    let against = [&pinned[..], &["--against", "/nonexistent"]].concat();
    verify(&against, "file_missing", 2, "log checkpoint");
    let damaged = t.file("damaged");
    std::fs::write(&damaged, b"breakglass.example/log\n").unwrap();
    let against = [&pinned[..], &["--against", &damaged]].concat();
    verify(&against, "file_malformed", 2, "nothing was compared");
    std::fs::write(format!("{folder}/stray"), b"").unwrap();
    verify(&pinned, "tampered", 4, "auditors");
}

#[test]
fn whose_key_it_is_and_what_goes_on_is_said_without_being_asked() {
    let t = Terminal::open();
    let first = t.types("alice", &["status"]);
    assert!(first.out.contains("no incident is open"), "{first:?}");
    assert!(first.said.contains("a session begins"), "{first:?}");
    assert!(!t.types("alice", &["status"]).said.contains("session"));
    let config = t.house.stage.home("alice").join("client.toml");
    let written = std::fs::read_to_string(&config).unwrap();
    let other = written.replace("\"alice\"", "\"carol\"");
    assert_ne!(other, written);
    std::fs::write(&config, other).unwrap();
    let said = t.types("alice", &["login"]).said;
    assert!(said.contains("you sign as alice"), "{said}");
}
