//! Scenarios as text: commands, and beneath each what it must come to.
//!
//! ```text
//! > alice requests shop-admin for 4h under INC-1: checkout is down
//!     10:05:00  INC-1   alice asks for shop-admin for 4h …
//! > alice approves R-1
//!     refused own_request: nobody approves their own request (request R-1)
//! ```
//!
//! A line that begins with `> ` is a command, one that begins with `#` a remark; both stand as
//! people wrote them. Indented lines are written by [`play`]. What a colon follows is text.
//!
//! | command | |
//! |---|---|
//! | `begin` | the genesis, everybody enrolled |
//! | `advance 4h` · `wall +1h` · `restart` | time, the wall clock, the server |
//! | `worker` · `worker plans` · `worker fails shop-admin [again in 30s]` | everything due is done · the connector answers · one attempt fails |
//! | `probes say down of INC-1` · `alice has INC-1 probed` | the control plane |
//! | `duties INC-1` | how its obligations stand |
//! | `alice imports A` · `alice rotates A` | one of two people |
//! | `alice declares SCENARIO sev1 of SERVICE led by erin: TITLE` · `alice notes INC-1: TEXT` | |
//! | `alice requests A for 4h under INC-1` · `alice requests rollback with A for 4h under INC-1` | |
//! | `alice attests and requests rollback with A for 4h under INC-1` | |
//! | `alice extends G-1 by 1h` · `alice withdraws R-1` | |
//! | `bob approves R-1 [for 1h]` · `bob denies R-1` | |
//! | `alice checks out G-1` · `alice plans under G-1` · `alice runs under G-1` · `alice cancels` | |
//! | `alice records under G-1: TEXT` · `alice returns G-1` · `bob revokes G-1` · `erin resolves INC-1` | |
//!
//! `bob+token` signs with the key that needs a touch, `bob@browser` in a browser.

use breakglass_core::{Command, Effect, obligation::Status, world::Named};
use breakglass_format::{
    AccountId, GrantId, IncidentId, RequestId, Timestamp,
    render::timeline::Timeline,
    time::{human_s, parse_duration_s},
    vocabulary::Occasion,
};

use crate::{
    check::comes_back_from_its_snapshot,
    harness::Given,
    people::{self, EVERYBODY, Hand, READER, SHOP, VAULT},
    statements::outage,
    wish::Wish,
};

/// Compares a file with what it should hold; with `BREAKGLASS_BLESS=1` writes it instead.
///
/// # Panics
///
/// They differ, or the file cannot be read or written.
pub fn bless(path: &str, expected: &str) {
    if std::env::var_os("BREAKGLASS_BLESS").is_some() {
        std::fs::write(path, expected).expect("the file can be written");
        return;
    }
    let found = std::fs::read_to_string(path).expect("the file can be read");
    let differs = found.lines().zip(expected.lines()).find(|(a, b)| a != b);
    assert!(
        found == expected,
        "{path} differs: {differs:?}; BREAKGLASS_BLESS=1 writes it again"
    );
}

/// Plays a script, and writes it again with what its commands came to.
///
/// # Panics
///
/// A command cannot be read, or the log it made does not give the same world again.
#[must_use]
pub fn play(script: &str) -> String {
    let mut stage = Stage {
        given: Given::begun(),
        timeline: Timeline::new(),
        told: 0,
        due: Vec::new(),
    };
    let mut out = String::new();
    for line in script.lines() {
        match line.strip_prefix("> ") {
            Some(command) => {
                out.push_str(line);
                out.push('\n');
                for answer in stage.play(command) {
                    out.push_str("    ");
                    out.push_str(&answer);
                    out.push('\n');
                }
            }
            None if line.is_empty() || line.starts_with('#') => {
                out.push_str(line);
                out.push('\n');
            }
            None => {}
        }
    }
    let given = stage.given;
    assert_eq!(*given.world(), given.replayed(), "replay differs");
    comes_back_from_its_snapshot(given.world());
    out
}

struct Stage {
    given: Given,
    timeline: Timeline,
    told: usize,
    due: Vec<Effect>,
}

impl Stage {
    fn play(&mut self, line: &str) -> Vec<String> {
        let (words, text) = line.split_once(": ").unwrap_or((line, ""));
        let words: Vec<&str> = words.split_whitespace().collect();
        let mut answers = Vec::new();
        match self.of_the_world(&words) {
            Some(said) => answers.extend(said),
            None => {
                let command = self.of_a_person(&words, text);
                let command = command.unwrap_or_else(|| panic!("no such command: {line}"));
                if let Err(refusal) = self.given.submit(&command) {
                    answers.push(format!("refused {}: {refusal}", refusal.code.as_str()));
                    // The entry says the same.
                    self.tell();
                }
            }
        }
        let told = self.tell();
        if words.first() != Some(&"begin") {
            answers.extend(told);
        }
        answers.extend(self.tell_due());
        answers
    }

    /// The entries that nobody was told of yet.
    fn tell(&mut self) -> Vec<String> {
        let news = self.given.log().get(self.told..).unwrap_or_default();
        let lines = news.iter().flat_map(|r| self.timeline.push(r)).collect();
        self.told = self.given.log().len();
        lines
    }

    fn tell_due(&mut self) -> Option<String> {
        let due = self.given.due();
        if due == self.due {
            return None;
        }
        let words: Vec<String> = due.iter().map(|e| self.effect(e)).collect();
        self.due = due;
        Some(if words.is_empty() {
            "nothing is due".to_owned()
        } else {
            format!("due: {}", words.join(", "))
        })
    }

    fn effect(&self, effect: &Effect) -> String {
        match effect {
            Effect::Rotate { account, .. } => format!("rotate {}", self.account_name(account)),
            Effect::Tell(due) => format!("tell {}", due.key.subject),
            Effect::Probe { .. } => "probe the control plane".to_owned(),
            Effect::Advance { run, .. } => match self.given.world().run(run) {
                Some(run) => format!("{} of {}", run.action, run.target),
                None => run.to_string(),
            },
        }
    }

    fn account_name(&self, id: &AccountId) -> String {
        let authority = self.given.authority();
        let account = authority.account(id);
        account.map_or(id.to_string(), |a| a.name.to_string())
    }

    fn of_the_world(&mut self, words: &[&str]) -> Option<Vec<String>> {
        let given = &mut self.given;
        match words {
            ["begin"] => {}
            ["advance", time] => drop(given.pass_s(seconds(time))),
            ["wall", step] => {
                let (sign, time) = match step.strip_prefix('-') {
                    Some(time) => (-1, time),
                    None => (1, step.trim_start_matches('+')),
                };
                given.step_wall_s(sign * seconds(time));
                given.tick();
            }
            ["restart"] => given.restart(),
            ["worker"] => drop(given.work()),
            ["worker", "plans"] => {
                let planned = given.planned();
                given.must(&planned);
            }
            ["worker", "fails", account] => fail(given, account, None),
            ["worker", "fails", account, "again", "in", time] => {
                let at = given.now().plus_s(seconds(time));
                fail(given, account, Some(at));
            }
            ["probes", "say", verdict, "of", incident] => {
                let id = incident_named(given, incident);
                let verdict = verdict.parse().expect("a verdict");
                let report = given.probed(id, Occasion::Pending, verdict);
                given.must(&report);
            }
            ["duties", incident] => {
                let id = incident_named(given, incident);
                return Some(duties(given, id));
            }
            _ => return None,
        }
        Some(Vec::new())
    }

    fn of_a_person(&mut self, words: &[&str], text: &str) -> Option<Command> {
        let (who, words) = words.split_first()?;
        let hand = hand(who)?;
        let given = &mut self.given;
        Some(match words {
            ["imports", account] => given.add_credential(hand, account_named(account)),
            ["rotates", account] => given.order_rotation(hand, account_named(account)),
            [
                "declares",
                scenario,
                severity,
                "of",
                service,
                "led",
                "by",
                commander,
            ] => {
                let mut args = outage();
                args.scenario = people::name(scenario);
                if *scenario == "critical-patch" {
                    args.threat = people::prose(text);
                }
                args.severity = severity.parse().ok()?;
                args.service = people::line(service);
                args.commander = commander.parse().ok()?;
                args.title = people::line(text);
                given.declare(hand, args)
            }
            ["notes", incident] => {
                let id = incident_named(given, incident);
                given.note(hand, id, text)
            }
            ["has", incident, "probed"] => {
                let id = incident_named(given, incident);
                given.probe(hand, id)
            }
            ["resolves", incident] => {
                let id = incident_named(given, incident);
                given.resolve(hand, id)
            }
            _ => return self.of_access(hand, words, text),
        })
    }

    fn of_access(&mut self, hand: Hand, words: &[&str], text: &str) -> Option<Command> {
        let given = &mut self.given;
        let request = |given: &Given, word: &str| request_named(given, word);
        let grant = |given: &Given, word: &str| grant_named(given, word);
        Some(match words {
            ["requests", account, "for", time, "under", incident] => {
                let wish = Wish::credential(account_named(account)).for_s(seconds(time));
                given.ask_under(incident_named(given, incident), hand, &wish)
            }
            [
                "requests",
                action,
                "with",
                account,
                "for",
                time,
                "under",
                incident,
            ] => {
                let wish = Wish::action(action, account_named(account)).for_s(seconds(time));
                given.ask_under(incident_named(given, incident), hand, &wish)
            }
            [
                "attests",
                "and",
                "requests",
                action,
                "with",
                account,
                "for",
                time,
                "under",
                incident,
            ] => {
                let wish = Wish::action(action, account_named(account)).for_s(seconds(time));
                let wish = wish.attesting("it answers, and publishes nothing");
                given.ask_under(incident_named(given, incident), hand, &wish)
            }
            ["extends", id, "by", time] => {
                let grant = grant(given, id);
                let grant = given.world().grant(&grant)?.clone();
                let account = account_named(grant.account.name.as_str());
                let wish = Wish::credential(account)
                    .extending(grant.id)
                    .for_s(seconds(time));
                given.ask_under(grant.incident, hand, &wish)
            }
            ["withdraws", id] => given.withdraw(hand, request(given, id)),
            ["approves", id] => given.approve(hand, request(given, id)),
            ["approves", id, "for", time] => {
                given.approve_with(hand, request(given, id), |a| a.duration_s = seconds(time))
            }
            ["denies", id] => given.deny(hand, request(given, id)),
            ["checks", "out", id] => given.checkout(hand, grant(given, id)),
            ["plans", "under", id] => given.plan(hand, grant(given, id)),
            ["runs", "under", id] => given.order(hand, grant(given, id)),
            ["cancels"] => given.cancel(hand, given.run()),
            ["records", "under", id] => given.document(hand, grant(given, id), text),
            ["returns", id] => given.give_back(hand, grant(given, id)),
            ["revokes", id] => given.revoke(hand, grant(given, id)),
            _ => return None,
        })
    }
}

/// One attempt at a rotation that comes to nothing.
fn fail(given: &mut Given, account: &str, retry_at: Option<Timestamp>) {
    let account = account_named(account);
    let claim = given.claim_of(account);
    given.must(&claim);
    let (id, cause) = given.waiting(account);
    if given
        .world()
        .account(&id)
        .is_some_and(|a| a.staged.is_none())
    {
        let stage = given.stage(&id, cause);
        given.must(&stage);
    }
    let failed = given.rotation_failed(&id, cause, retry_at);
    given.must(&failed);
}

fn duties(given: &Given, id: IncidentId) -> Vec<String> {
    let incident = given.world().incident(&id).expect("an incident");
    let duties = given.world().obligations(incident, given.now());
    let duties = duties.into_iter().map(|(clock, status)| {
        let status = match status {
            Status::Open => "open".to_owned(),
            Status::Met(at) => format!("met at {at}"),
            Status::MetLate(at) => format!("met late at {at}"),
            Status::Waived(at) => format!("waived at {at}"),
            Status::Overdue => "overdue".to_owned(),
        };
        let length = human_s(clock.length_s);
        let owner = clock.owner.as_str().trim_start_matches("per_");
        format!(
            "{} {}[{owner}, {length}, by {}]: {status}",
            clock.obligation, clock.subject, clock.due_at
        )
    });
    duties.collect()
}

fn hand(word: &str) -> Option<Hand> {
    let name = word.split(['+', '@']).next()?;
    let hand = EVERYBODY
        .iter()
        .find(|hand| hand.principal().as_str() == name)
        .copied()?;
    Some(match word.strip_prefix(name)? {
        "" => hand,
        "+token" => hand.touching(),
        "@browser" => hand.in_browser(),
        _ => return None,
    })
}

fn account_named(word: &str) -> &'static str {
    match word {
        "shop-admin" => SHOP,
        "db-reader" => READER,
        "vault-root" => VAULT,
        _ => panic!("no such account: {word}"),
    }
}

fn seconds(word: &str) -> i64 {
    parse_duration_s(word).expect("a duration like 4h")
}

fn named(given: &Given, word: &str) -> Named {
    let reference = word.parse().expect("a reference like R-1");
    let named = given.world().resolve_reference(reference);
    named.expect("the reference names something")
}

fn incident_named(given: &Given, word: &str) -> IncidentId {
    match named(given, word) {
        Named::Incident(id) => id,
        Named::Request(_) | Named::Grant(_) => panic!("not an incident: {word}"),
    }
}

fn request_named(given: &Given, word: &str) -> RequestId {
    match named(given, word) {
        Named::Request(id) => id,
        Named::Incident(_) | Named::Grant(_) => panic!("not a request: {word}"),
    }
}

fn grant_named(given: &Given, word: &str) -> GrantId {
    match named(given, word) {
        Named::Grant(id) => id,
        Named::Incident(_) | Named::Request(_) => panic!("not a grant: {word}"),
    }
}
