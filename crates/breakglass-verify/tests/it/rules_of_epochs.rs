//! Epochs against the rules: of another history, by too few, of another log, and what comes after.

use breakglass_format::{
    Nonce, Prose,
    event::{AccountRef, EpochBegun, RootSignature},
    statement::{Epoch, Kind, LogHead, Statement as _},
};
use breakglass_verify::{Options, Outcome, check};

use crate::{
    people::{identity, log_key_after, read, sign, signer},
    rules_of_authority::publish,
    scribe::{Scribe, broken, codes, sha256},
    story,
};

const ROOTS: [&str; 3] = ["bob", "carol", "erin"];

fn note(log: &Scribe) -> Prose {
    read(&String::from_utf8(log.checkpoint()).unwrap())
}

/// An epoch over everything that there is, signed by some, and its entry.
fn begun(
    log: &mut Scribe,
    by: &[&str],
    lost: Vec<AccountRef>,
    change: impl FnOnce(&mut Epoch),
) -> EpochBegun {
    log.wait(60);
    let number = log.epochs + 1;
    let mut epoch = Epoch {
        kind: Kind::Epoch,
        authority: log.authority.clone(),
        before: identity(&log_key_after(log.epochs)),
        instance: log.genesis,
        issued_at: log.now,
        kept: log.head(),
        last: note(log),
        log: identity(&log_key_after(number)),
        nonce: Nonce::from_bytes([number; 32]),
        number: number.into(),
        reason: read("The key was on the stolen laptop."),
    };
    change(&mut epoch);
    let bytes = epoch.to_bytes().unwrap();
    let signatures = by.iter().map(|name| RootSignature {
        signature: log.blob(&sign(name, Kind::Epoch, &bytes)),
        signer: signer(name),
    });
    let signatures = signatures.collect();
    EpochBegun {
        digest: log.blob(&bytes),
        lost,
        number: epoch.number,
        origin: epoch.log.origin,
        recovered: 0,
        signatures,
        vkey: epoch.log.vkey,
    }
}

/// The log goes on under another key.
pub(crate) fn begins(log: &mut Scribe) {
    let event = begun(log, &ROOTS[..2], Vec::new(), |_| {});
    log.server(event);
    log.epochs += 1;
}

fn after(by: &[&str], change: impl FnOnce(&Scribe, &mut Epoch)) -> Scribe {
    let mut log = story::founded();
    let before = log.clone();
    let event = begun(&mut log, by, Vec::new(), |epoch| change(&before, epoch));
    log.server(event);
    log.epochs += 1;
    log
}

/// Why nobody writes the folder of a log.
#[track_caller]
fn unwritten(log: &Scribe) -> String {
    log.emitted().unwrap_err().to_string()
}

#[track_caller]
fn says(log: &Scribe, outcome: Outcome, found: &[&str]) {
    let verdict = log.verdict();
    assert_eq!(codes(&verdict), found, "{:#?}", verdict.findings);
    assert_eq!(verdict.outcome, outcome);
}

#[test]
fn a_log_goes_on_over_an_epoch_and_over_another() {
    let mut log = after(&ROOTS[..2], |_, _| {});
    says(&log, Outcome::Ok, &[]);
    let folder = log.folder();
    assert!(folder.get("epochs/1/epoch.json").is_some());
    assert!(folder.get("epochs/1/epoch.carol.sig").is_some());
    let allowed = folder.get("allowed_signers").unwrap();
    assert!(String::from_utf8_lossy(allowed).contains("epoch.v1@breakglass"));
    begins(&mut log);
    says(&log, Outcome::Ok, &[]);
    // And a version of the authority that names the new log.
    let named = identity(&log_key_after(2));
    publish(&mut log, &ROOTS, |next| next.log = named);
    says(&log, Outcome::Ok, &[]);
}

#[test]
fn entries_that_an_epoch_gives_up_are_told() {
    let mut longer = story::founded();
    story::refusal(&mut longer, "erin");
    let last = note(&longer);
    let log = after(&ROOTS[..2], |_, epoch| epoch.last = last);
    says(&log, Outcome::Ok, &["entries_lost"]);
    // Whoever kept the longer checkpoint is told what became of it.
    let options = Options {
        against: Some(longer.checkpoint()),
        ..log.pinned()
    };
    let verdict = check(&log.folder(), &options);
    assert_eq!(
        codes(&verdict),
        ["other_checkpoint_given_up", "entries_lost"]
    );
    assert_eq!(verdict.outcome, Outcome::CannotTell);
    // One of before is as good as ever.
    let options = Options {
        against: Some(story::founded().checkpoint()),
        ..log.pinned()
    };
    assert_eq!(check(&log.folder(), &options).outcome, Outcome::Ok);
}

#[test]
fn what_is_kept_is_what_the_log_begins_with() {
    let other = sha256(b"another history");
    broken(
        &after(&ROOTS, |_, epoch| epoch.kept.root = other),
        &["epoch_keeps_another"],
    );
    let shorter = after(&ROOTS, |log, epoch| {
        let mut shorter = log.clone();
        shorter.entries.pop();
        epoch.kept = shorter.head();
        epoch.last = note(&shorter);
    });
    broken(&shorter, &["event_differs_from_statement"]);
    let longer = after(&ROOTS, |_, epoch| {
        epoch.kept = LogHead {
            size: 1_000,
            ..epoch.kept.clone()
        };
    });
    broken(
        &longer,
        &["epoch_keeps_another", "event_differs_from_statement"],
    );
}

#[test]
fn the_last_checkpoint_is_of_the_log_before_and_of_its_history() {
    let unsigned = after(&ROOTS, |log, epoch| {
        let mut other = log.clone();
        other.epochs = 7;
        epoch.last = note(&other);
    });
    broken(&unsigned, &["epoch_last_unsigned"]);
    let other = after(&ROOTS, |log, epoch| {
        let mut other = log.clone();
        other.entries[2] = b"something else".to_vec();
        epoch.last = note(&other);
    });
    broken(&other, &["epoch_keeps_another"]);
}

#[test]
fn an_epoch_takes_the_root_threshold_of_the_authority_in_force_and_follows() {
    let invalid = |by: &[&str], change: fn(&Scribe, &mut Epoch)| {
        let mut log = story::founded();
        let before = log.clone();
        let event = begun(&mut log, by, Vec::new(), |epoch| change(&before, epoch));
        log.server(event);
        log.epochs += 1;
        // No folder is written of it; whoever wrote one all the same is found out by the chain.
        unwritten(&log)
    };
    let said = invalid(&ROOTS[..1], |_, _| {});
    assert!(
        said.contains("1 root persons of version 1 signed"),
        "{said}"
    );
    let said = invalid(&["bob", "bob"], |_, _| {});
    assert!(
        said.contains("1 root persons of version 1 signed"),
        "{said}"
    );
    let said = invalid(&["bob", "alice"], |_, _| {});
    assert!(said.contains("alice is no root person"), "{said}");
    let said = invalid(&ROOTS, |_, epoch| epoch.number = 2);
    assert!(said.contains("epoch 2 does not follow, 1 does"), "{said}");
    let said = invalid(&ROOTS, |_, epoch| {
        epoch.before = identity(&log_key_after(5))
    });
    assert!(said.contains("gives up the log"), "{said}");
    let said = invalid(&ROOTS, |_, epoch| epoch.log = epoch.before.clone());
    assert!(said.contains("is not a new one"), "{said}");
    let said = invalid(&ROOTS, |_, epoch| epoch.instance = sha256(b"elsewhere"));
    assert!(said.contains("for the instance"), "{said}");
    let said = invalid(&ROOTS, |_, epoch| epoch.authority.version = 9);
    assert!(
        said.contains("authority version 9, which is not known"),
        "{said}"
    );
}

#[test]
fn after_an_epoch_a_version_names_the_new_log() {
    let mut log = after(&ROOTS, |_, _| {});
    let old = identity(&log_key_after(0));
    publish(&mut log, &ROOTS, |next| next.log = old);
    // The checkpoint is of the new log, and the authority says that there is none.
    unwritten(&log);
    log.epochs = 0;
    broken(&log, &["authority_names_another_log"]);
}

#[test]
fn nothing_stays_open_over_an_epoch() {
    let mut told = story::granted();
    begins(&mut told.log);
    broken(&told.log, &["grant_outlives_recovery"]);
}
