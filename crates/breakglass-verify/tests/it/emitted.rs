//! The folder of a true log, and what is said of it.

use breakglass_format::{Digest, vocabulary::Obligation};
use breakglass_tlog::{CosignerKey, KeyName, SignedCheckpoint};
use breakglass_verify::{
    Fault, Folder, Level, Options, Outcome,
    assembly::Unsound,
    check,
    check::MaxAge,
    derive::{RequestState, Status, Word, Words, word},
};

use crate::{
    bring::bring,
    derived::recorded,
    people::{log_key, person},
    scribe::{codes, sha256},
    story,
};

#[test]
fn a_true_log_is_ok_with_its_pin() {
    let log = story::whole().log;
    let verdict = log.verdict();
    assert_eq!(verdict.findings, []);
    assert_eq!((verdict.outcome, verdict.exit_code(true)), (Outcome::Ok, 0));
    assert_eq!(
        verdict.facts.entries,
        u64::try_from(log.entries.len()).unwrap()
    );
    assert_eq!(verdict.facts.authorities, 1);
    assert_eq!(
        (
            verdict.facts.requests,
            verdict.facts.approvals,
            verdict.facts.grants
        ),
        (1, 2, 1)
    );
    assert_eq!(verdict.facts.attested, 1);
}

#[test]
fn what_the_log_adds_up_to_is_derived() {
    let told = story::whole();
    let derived = told.log.verdict().derived;
    let grant = &derived.grants[&told.grant];
    assert_eq!(grant.holder, person("alice"));
    assert_eq!(grant.approvers, [person("bob"), person("carol")]);
    assert_eq!(
        (grant.used, grant.documented, grant.checkouts),
        (true, true, 1)
    );
    assert_eq!(
        derived.requests[&told.asked.id].state,
        RequestState::Granted
    );
    assert!(derived.incidents[&told.incident].resolved_at.is_some());
    let rotated = derived
        .duties
        .iter()
        .filter(|(key, _)| key.obligation == Obligation::CredentialRotation);
    let rotated: Vec<Status> = rotated.map(|(_, duty)| duty.status).collect();
    assert_eq!(rotated, [Status::Met]);
    let open = derived.duties.values().filter(|d| d.status == Status::Open);
    assert_eq!(open.count(), 4, "the report and the reviews wait");
    let words: Vec<Word> = recorded(&told.log)
        .iter()
        .map(|at| word(&at.entry))
        .collect();
    assert_eq!(words[0], Word::Asserted);
    assert_eq!(
        words[1],
        Word::Signed(
            ["bob", "carol", "erin"]
                .map(|name| name.parse().unwrap())
                .to_vec()
        )
    );
    let attested = Word::Attested("alice".parse().unwrap());
    let [a, b, c] = [&attested, &Word::Asserted, &words[1]].map(|wanted| {
        let same = |word: &&Word| std::mem::discriminant(*word) == std::mem::discriminant(wanted);
        u64::try_from(words.iter().filter(same).count()).unwrap()
    });
    assert!(words.contains(&attested));
    let counted = Words {
        attested: a,
        asserted: b,
        signed: c,
    };
    assert_eq!(derived.words, counted);
}

#[test]
fn the_layout_is_the_documented_one() {
    let told = story::whole();
    let folder = told.log.folder();
    let request = told.asked.id;
    let last = told.log.entries.len();
    for path in [
        "genesis".to_owned(),
        "log.vkey".to_owned(),
        "log/checkpoint".to_owned(),
        format!("log/tile/0/000.p/{last}"),
        format!("log/tile/entries/000.p/{last}"),
        "authority/1.json".to_owned(),
        "authority/1.bob.sig".to_owned(),
        "authority/1.carol.sig".to_owned(),
        format!("statements/{request}/request.json"),
        format!("statements/{request}/request.json.sig"),
        format!("statements/{request}/approval.bob.json"),
        format!("statements/{request}/approval.carol.json.sig"),
        format!("statements/{request}/checkout.1.json"),
        format!("blobs/{}", sha256(b"new accepted, old refused").hex()),
        format!("blobs/{}", sha256(b"the terminal, as it was").hex()),
        "allowed_signers".to_owned(),
        "siem.jsonl".to_owned(),
        "timeline.txt".to_owned(),
    ] {
        assert!(folder.get(&path).is_some(), "{path}");
    }
    let paths: Vec<&str> = folder.iter().map(|(path, _)| path).collect();
    let ending = |end: &str| {
        paths
            .iter()
            .filter(|p| p.starts_with("acts/") && p.ends_with(end))
            .count()
    };
    assert_eq!(
        (
            ending(".enroll.json"),
            ending(".session.json"),
            ending(".act.json")
        ),
        (6, 1, 6)
    );
    assert_eq!(
        paths
            .iter()
            .filter(|path| path.starts_with("blobs/"))
            .count(),
        2
    );
    let genesis = format!("{}\n", told.log.genesis);
    assert_eq!(folder.get("genesis").unwrap(), genesis.as_bytes());
    let lines = folder
        .get("siem.jsonl")
        .unwrap()
        .iter()
        .filter(|byte| **byte == b'\n')
        .count();
    assert_eq!(lines, told.log.entries.len());
}

#[test]
fn witnesses_and_sealed_blobs_do_not_change_a_byte() {
    let mut log = story::whole().log;
    let before = log.folder();
    log.blob(b"sealed 1");
    log.blob(b"sealed to the node");
    log.blob(b"envelope");
    let mut signed = SignedCheckpoint::open(
        &log.checkpoint(),
        "breakglass.example/log",
        log_key().verifier(),
    )
    .unwrap();
    let witness = CosignerKey::from_seed(KeyName::new("witness.example").unwrap(), &[5; 32]);
    let cosignature = witness.cosign(signed.checkpoint(), 1_767_700_000).unwrap();
    signed
        .add_signature(cosignature, witness.verifier())
        .unwrap();
    let dir = tempfile::tempdir().unwrap();
    bring(dir.path(), &log, &signed).unwrap();
    assert_eq!(Folder::read(dir.path()).unwrap(), before);
}

#[test]
fn a_refused_statement_has_no_place() {
    let mut log = story::whole().log;
    story::refusal(&mut log, "erin");
    let verdict = log.verdict();
    assert_eq!(verdict.findings, []);
    assert_eq!(verdict.derived.refusals, 1);
}

#[test]
fn without_a_pin_nobody_can_tell() {
    let log = story::whole().log;
    let verdict = check(&log.folder(), &Options::default());
    assert_eq!(codes(&verdict), ["unanchored"]);
    assert_eq!(verdict.exit_code(false), 7);
    let wrong = Options {
        pin: Some(sha256(b"another")),
        ..Options::default()
    };
    let verdict = check(&log.folder(), &wrong);
    assert_eq!(codes(&verdict), ["wrong_pin"]);
    assert_eq!(verdict.exit_code(false), 4);
}

#[test]
fn another_checkpoint_must_be_of_the_same_history() {
    let told = story::granted();
    let early = told.log.checkpoint();
    let log = story::whole().log;
    let against = |note: Vec<u8>| {
        let options = Options {
            against: Some(note),
            ..log.pinned()
        };
        check(&log.folder(), &options)
    };
    assert_eq!(against(early).outcome, Outcome::Ok);
    let mut other = story::granted().log;
    other.wait(1);
    story::refusal(&mut other, "erin");
    assert_eq!(codes(&against(other.checkpoint())), ["forked"]);
    assert_eq!(against(other.checkpoint()).exit_code(false), 5);
    let mut longer = log.clone();
    story::refusal(&mut longer, "erin");
    assert_eq!(
        codes(&against(longer.checkpoint())),
        ["other_checkpoint_newer"]
    );
    assert_eq!(
        codes(&against(b"no note".to_vec())),
        ["other_checkpoint_foreign"]
    );
}

#[test]
fn a_head_that_the_log_never_was_is_a_fork() {
    let (mut log, incident) = story::declared();
    log.request("alice", incident, |request| {
        request.log.root = sha256(b"another root")
    });
    let verdict = log.verdict();
    assert_eq!(codes(&verdict), ["signed_head_differs"]);
    assert_eq!(verdict.exit_code(false), 5);
}

#[test]
fn stale_only_where_somebody_asked() {
    let log = story::whole().log;
    let size = u64::try_from(log.entries.len()).unwrap();
    let now = log.now.plus_s(100);
    let with = |min_size, seconds| {
        let max_age = Some(MaxAge { now, seconds });
        check(
            &log.folder(),
            &Options {
                min_size,
                max_age,
                ..log.pinned()
            },
        )
    };
    assert_eq!(with(Some(size), 100).outcome, Outcome::Ok);
    assert_eq!(codes(&with(Some(size + 1), 100)), ["too_small"]);
    let old = with(None, 99);
    assert_eq!((codes(&old), old.exit_code(false)), (vec!["too_old"], 6));
}

#[test]
fn an_overdue_duty_is_reported_and_is_no_forgery() {
    let mut log = story::declared().0;
    log.wait(25 * 3_600);
    story::refusal(&mut log, "erin");
    let verdict = log.verdict();
    assert_eq!(codes(&verdict), ["obligation_overdue"]);
    assert_eq!(verdict.findings[0].level, Level::Overdue);
    assert_eq!((verdict.exit_code(false), verdict.exit_code(true)), (0, 8));
}

#[test]
fn an_incomplete_store_makes_no_folder_but_for_documents_which_are_named() {
    let log = story::whole().log;
    let evidence = sha256(b"new accepted, old refused");
    let without = |gone: Digest| {
        let mut log = log.clone();
        log.blobs.remove(&gone);
        log.emitted()
    };
    assert!(without(sha256(b"anything")).is_ok());
    let verdict = check(&without(evidence).unwrap(), &log.pinned());
    assert_eq!(codes(&verdict), ["missing_blob"]);
    assert_eq!(verdict.exit_code(false), 7);
    let genesis = without(log.genesis);
    assert!(
        matches!(genesis, Err(Unsound::Fault(Fault::Missing { .. }))),
        "{genesis:?}"
    );
}

/// What is said of a folder in which one file was changed.
fn said_of(path: &str, change: impl FnOnce(String) -> String) -> (Option<u64>, String) {
    let log = story::whole().log;
    let mut folder = log.folder();
    let text = String::from_utf8(folder.get(path).unwrap().to_vec()).unwrap();
    folder.insert(path, change(text).into_bytes());
    let verdict = check(&folder, &log.pinned());
    assert_eq!(codes(&verdict), ["altered_file"]);
    let finding = &verdict.findings[0];
    assert_eq!(finding.path.as_deref(), Some(path));
    (finding.index, finding.detail.clone())
}

#[test]
fn of_a_changed_line_for_the_siem_it_is_told_which_and_in_what() {
    let entries = story::whole().log.entries;
    let index = entries.iter().position(|bytes| {
        let event = breakglass_format::Entry::from_bytes(bytes).unwrap().event;
        matches!(event, breakglass_format::Event::BreakGlassRequested(_))
    });
    let index = u64::try_from(index.unwrap()).unwrap();
    let why = "The release of 09:40 is to blame.";
    // The first occurrence is in the line of the request.
    let (at, detail) = said_of("siem.jsonl", |text| text.replacen(why, "Because.", 1));
    assert_eq!(at, Some(index));
    let line = format!("line {} says of entry {index} as ", index + 1);
    assert!(detail.starts_with(&line), "{detail}");
    assert!(detail.contains("Because."), "{detail}");
    let (at, detail) = said_of("siem.jsonl", |text| {
        let lines = text.split_inclusive('\n').enumerate();
        let kept = lines.filter(|(n, _)| *n != 4);
        kept.map(|(_, line)| line).collect()
    });
    assert_eq!(at, Some(4));
    assert!(detail.contains("a line was taken out"), "{detail}");
    let (at, detail) = said_of("siem.jsonl", |text| text + "{}\n");
    assert_eq!(at, None);
    assert!(detail.starts_with("it goes on after line"), "{detail}");
}

#[test]
fn of_a_changed_file_the_first_difference_is_told() {
    let (_, detail) = said_of("timeline.txt", |text| text.replacen("alice", "dave", 1));
    assert!(detail.starts_with("line "), "{detail}");
    assert!(
        detail.contains("dave") && detail.contains("alice"),
        "{detail}"
    );
    let (_, detail) = said_of("allowed_signers", |text| text.replace('\n', "\r\n"));
    assert!(detail.contains("CR LF"), "{detail}");
    let blob = format!("blobs/{}", sha256(b"the terminal, as it was").hex());
    let (_, detail) = said_of(&blob, |text| text + "!");
    let changed = sha256(b"the terminal, as it was!").hex();
    assert!(detail.contains(&changed), "{detail}");
}
