use super::*;
use crate::checkpoint::Checkpoint;
use crate::cosignature::CosignerKey;
use crate::hash::leaf_hash;
use crate::note::{KeyError, KeyName, SigningKey, tests::ml_dsa_line};

const ORIGIN: &str = "breakglass.example/log";
const WITNESS_VKEY: &str =
    "witness.example/w1+e75f6532+BAOhB7/zzhC+HXDdGOdLwJln5NYwm6UNXx3chmQSVTG4";

fn key_name(name: &str) -> KeyName {
    KeyName::new(name).unwrap()
}

fn log_key(seed: u8) -> SigningKey {
    SigningKey::from_seed(key_name(ORIGIN), &[seed; 32])
}

fn witness(number: u8) -> CosignerKey {
    let name = key_name(&format!("w{number}.example"));
    CosignerKey::from_seed(name, &[100 + number; 32])
}

/// A log and four witnesses `w1` to `w4`, before lines of a test's own.
fn house(lines: &str) -> String {
    let mut file = format!("log {}\n", log_key(1).verifier());
    for number in 1..=4 {
        file += &format!("witness w{number} {}\n", witness(number).verifier());
    }
    file + lines
}

fn signed(by: &[u8]) -> SignedCheckpoint {
    let tree = Checkpoint::new(key_name(ORIGIN), 1, leaf_hash(b"a")).unwrap();
    let mut signed = SignedCheckpoint::sign(tree.clone(), &log_key(1)).unwrap();
    for number in by {
        let key = witness(*number);
        let time = 1_700_000_000 + u64::from(*number);
        let line = key.cosign(&tree, time).unwrap();
        signed.add_signature(line, key.verifier()).unwrap();
    }
    signed
}

fn met(policy: &str, by: &[u8]) -> bool {
    let policy = Policy::parse(policy.as_bytes()).unwrap();
    let again = Policy::parse(&policy.to_bytes()).unwrap();
    assert_eq!(again, policy, "written and read, it is the same");
    policy.judge(&signed(by)).unwrap().met
}

fn error(policy: &str) -> LineError {
    match Policy::parse(policy.as_bytes()) {
        Err(PolicyError::Line { source, .. }) => source,
        other => panic!("{other:?}"),
    }
}

#[test]
fn any_all_and_so_many_mean_what_they_say() {
    let any = house("group g any w1 w2 w3\nquorum g\n");
    assert!(!met(&any, &[]) && !met(&any, &[4]) && met(&any, &[3]));
    let all = house("group g all w1 w2 w3\nquorum g\n");
    assert!(!met(&all, &[1, 2, 4]) && met(&all, &[3, 1, 2]));
    let two = house("group g 2 w1 w2 w3\nquorum g\n");
    assert!(!met(&two, &[1, 4]) && met(&two, &[1, 3]) && met(&two, &[1, 2, 3]));
    let one = house("quorum w2\n");
    assert!(!met(&one, &[1]) && met(&one, &[2]));
    assert!(met(&house("quorum none\n"), &[]));
}

#[test]
fn a_group_of_groups_needs_its_groups() {
    let file = house("group x 2 w1 w2 w3\ngroup y any w4\ngroup both all x y\nquorum both\n");
    assert!(met(&file, &[1, 3, 4]));
    assert!(!met(&file, &[1, 2, 3]) && !met(&file, &[1, 4]));
}

#[test]
fn white_space_comments_and_the_order_of_kinds_mean_nothing() {
    let file = format!(
        "\t # a comment\n\n \t\n#quorum w9\nwitness \t w1   {}\t \nquorum w1\nlog {} https://log.example\n",
        witness(1).verifier(),
        log_key(1).verifier()
    );
    let policy = Policy::parse(file.as_bytes()).unwrap();
    assert_eq!(policy.logs()[0].url(), Some("https://log.example"));
    assert_eq!(policy.witnesses()[0].url(), None);
    assert!(policy.judge(&signed(&[1])).unwrap().met);
}

#[test]
fn a_judgement_names_who_cosigned_and_when() {
    let file = house("group g 2 w1 w2\nquorum g\n");
    let policy = Policy::parse(file.as_bytes()).unwrap();
    let checkpoint = signed(&[4, 1]);
    let judgement = policy.judge(&checkpoint).unwrap();
    assert!(!judgement.met);
    let cosigners = judgement.cosigners.iter();
    let told: Vec<_> = cosigners
        .map(|c| (c.witness.name().to_string(), c.time))
        .collect();
    let cosigned = |name: &str, time| (name.to_owned(), time);
    assert_eq!(
        told,
        [cosigned("w1", 1_700_000_001), cosigned("w4", 1_700_000_004)]
    );
}

#[test]
fn the_wrong_line_of_a_known_witness_voids_the_note() {
    let file = house("quorum w1\n");
    let policy = Policy::parse(file.as_bytes()).unwrap();
    let other = Checkpoint::new(key_name(ORIGIN), 1, leaf_hash(b"b")).unwrap();
    let line = witness(1).cosign(&other, 1).unwrap().line();
    let note = format!("{}{line}\n", signed(&[]).to_text());
    assert!(matches!(
        policy.open(note.as_bytes()),
        Err(PolicyOpenError::Verify(
            NoteVerifyError::BadSignature { .. }
        ))
    ));
}

#[test]
fn a_line_of_a_type_that_is_not_ours_neither_counts_nor_voids() {
    let policy = |quorum: &str| {
        let file = house(&format!("group g all w1 w2\nquorum {quorum}\n"));
        Policy::parse(file.as_bytes()).unwrap()
    };
    // A witness that signs with a key of each type, and one that has only the new one.
    let lines = ["w1.example", "w2.example"].map(ml_dsa_line).concat();
    let note = signed(&[1]).to_text() + &lines;
    let one = policy("w1");
    let (checkpoint, judgement) = one.open(note.as_bytes()).unwrap();
    assert!(judgement.met);
    assert_eq!(judgement.cosigners.len(), 1);
    assert_eq!(checkpoint.to_text(), note, "every line is carried");
    let both = policy("g");
    assert!(!both.open(note.as_bytes()).unwrap().1.met);
}

#[test]
fn any_key_of_the_log_will_do_and_no_other_log() {
    let file = format!(
        "log {}\nlog {}\nquorum none\n",
        log_key(2).verifier(),
        log_key(1).verifier()
    );
    let policy = Policy::parse(file.as_bytes()).unwrap();
    let (opened, judgement) = policy.open(signed(&[]).to_text().as_bytes()).unwrap();
    assert_eq!(opened.checkpoint().size(), 1);
    assert!(judgement.met && !policy.needs_witnesses());

    let only_other = format!("log {}\nquorum none\n", log_key(2).verifier());
    let policy = Policy::parse(only_other.as_bytes()).unwrap();
    assert_eq!(
        policy.open(signed(&[]).to_text().as_bytes()).unwrap_err(),
        PolicyOpenError::Verify(NoteVerifyError::NoKnownSignature)
    );
    let nobody = Policy::parse(b"quorum none\n").unwrap();
    assert!(matches!(
        nobody.open(signed(&[]).to_text().as_bytes()),
        Err(PolicyOpenError::UnknownLog { .. })
    ));
}

#[test]
fn the_cosignature_vector_meets_its_policy() {
    // The log's key is another one than in the vector: a policy has no key in two lines.
    let file = format!("witness w {WITNESS_VKEY} https://w.example/prefix\nquorum w\n");
    let policy = Policy::parse(file.as_bytes()).unwrap();
    let root = crate::hash::Hash::from_base64("NmQuc8JUCrEh46a/lUWwokmCzYMOsT080Z3jzmwCHsE=");
    let tree = Checkpoint::new(key_name(ORIGIN), 3, root.unwrap()).unwrap();
    let mut signed = SignedCheckpoint::sign(tree, &log_key(1)).unwrap();
    let line = "— witness.example/w1 519lMgAAAABlU/EA2btIX+5wtFi4V86XDuIhNoiG/x/KQ2L6Q5XLPV0J6rJeN7iNQOhhfGlv64+bc7lzW7lE9f/u99cWHJTtjGQiCA==";
    let line = crate::note::NoteSignature::parse_line(line).unwrap();
    let key = VerifierKey::parse(WITNESS_VKEY).unwrap();
    signed.add_signature(line, &key).unwrap();
    let judgement = policy.judge(&signed).unwrap();
    assert!(judgement.met);
    assert_eq!(judgement.cosigners[0].time, 1_700_000_000);
}

#[test]
fn what_is_wrong_with_a_line_is_told() {
    let shape = |file: &str| matches!(error(file), LineError::Shape { .. });
    assert!(shape("log\n") && shape("log a b c\n") && shape("witness w\n"));
    assert!(shape("quorum\n") && shape("quorum a b\n") && shape("group g\n"));
    assert_eq!(error("qourum none\n"), LineError::Word);
    assert_eq!(error("quorum none # not a comment\n"), {
        let expected = "quorum <name>|none";
        LineError::Shape { expected }
    });
    let control = |code| LineError::ControlCharacter { code };
    assert_eq!(error("quorum none\r\n"), control(b'\r'));
    assert_eq!(error("# \u{7f}\n"), control(0x7f));
    let undefined = |file: &str| matches!(error(file), LineError::Undefined { .. });
    assert!(undefined("quorum w1\n"));
    assert!(undefined(&house("group g any w5\n")));
    assert!(undefined(&house("group g any none\n")));
    assert!(undefined(&house("group g any g\n")));
    let taken = |file: &str| matches!(error(file), LineError::NameTaken { .. });
    assert!(taken(&house("group w1 any w2\n")));
    assert!(taken(&house("group none any w2\n")));
    assert!(taken(&format!("witness none {WITNESS_VKEY}\n")));
    let twice = |file: &str| matches!(error(file), LineError::MemberTwice { .. });
    assert!(twice(&house("group g any w1 w1\n")));
    assert!(twice(&house("group g any w1\ngroup h any w1\n")));
    for needed in ["0", "3", "01", "-1", "most", "18446744073709551616"] {
        assert_eq!(
            error(&house(&format!("group g {needed} w1 w2\n"))),
            LineError::Threshold { members: 2 },
            "{needed}"
        );
    }
    assert_eq!(
        error(&house("group g all\n")),
        LineError::Threshold { members: 0 }
    );
    assert_eq!(error("quorum none\nquorum none\n"), LineError::SecondQuorum);
}

#[test]
fn keys_of_another_kind_twice_or_broken_are_refused() {
    let log = log_key(1).verifier().to_string();
    let key = witness(1).verifier().to_string();
    assert_eq!(
        error(&format!("log {key}\n")),
        LineError::KeyKind { got: 0x04 }
    );
    assert_eq!(
        error(&format!("witness w {log}\n")),
        LineError::KeyKind { got: 0x01 }
    );
    let twice = [
        format!("log {log}\nlog {log}\n"),
        format!("witness a {key}\nwitness b {key}\n"),
        // The same public key under another name, and as a log's.
        format!(
            "witness a {key}\nwitness b {}\n",
            CosignerKey::from_seed(key_name("other.example"), &[101; 32]).verifier()
        ),
        format!(
            "witness a {key}\nlog {}\n",
            SigningKey::from_seed(key_name(ORIGIN), &[101; 32]).verifier()
        ),
    ];
    for file in twice {
        assert_eq!(error(&file), LineError::DuplicateKey, "{file}");
    }
    assert!(matches!(
        error("log breakglass.example/log+00000000+AQ==\n"),
        LineError::Key(KeyError::Length { .. })
    ));
}

#[test]
fn a_policy_has_one_quorum_and_ends_with_a_newline() {
    for file in [String::new(), "# nothing\n".to_owned(), house("")] {
        assert_eq!(
            Policy::parse(file.as_bytes()),
            Err(PolicyError::NoQuorum),
            "{file}"
        );
    }
    assert_eq!(
        Policy::parse(b"quorum none"),
        Err(PolicyError::NoFinalNewline)
    );
    let long = vec![b'#'; MAX_POLICY_LEN + 1];
    assert!(matches!(
        Policy::parse(&long),
        Err(PolicyError::TooLong { .. })
    ));
}

#[test]
fn names_are_octets() {
    // A Kelvin sign is not a K, and what is no UTF-8 is a name as well.
    let key = |number| witness(number).verifier().to_string();
    let mut file = format!("witness K {}\nwitness \u{212a} {}\n", key(1), key(2)).into_bytes();
    file.extend(b"witness \xff ");
    file.extend(format!("{}\ngroup g all K \u{212a} ", key(3)).into_bytes());
    file.extend(b"\xff\nquorum g\n");
    let policy = Policy::parse(&file).unwrap();
    assert_eq!(policy.witnesses()[2].name().as_bytes(), b"\xff");
    assert_eq!(Policy::parse(&policy.to_bytes()), Ok(policy.clone()));
    assert!(policy.judge(&signed(&[1, 2, 3])).unwrap().met);
    assert!(!policy.judge(&signed(&[1, 3])).unwrap().met);
}

#[test]
fn thirty_two_of_everything_fit_and_sixty_five_do_not() {
    let file = |count: u8| {
        let mut file = String::new();
        for number in 0..count {
            let log = SigningKey::from_seed(key_name("log.example"), &[number; 32]);
            let name = key_name("w.example");
            let witness = CosignerKey::from_seed(name, &[100 + number; 32]);
            file += &format!("log {}\n", log.verifier());
            file += &format!("witness w{number} {}\n", witness.verifier());
            file += &format!("group g{number} any w{number}\n");
        }
        file + "quorum none\n"
    };
    let policy = Policy::parse(file(32).as_bytes()).unwrap();
    assert_eq!((policy.logs().len(), policy.witnesses().len()), (32, 32));
    assert!(Policy::parse(file(64).as_bytes()).is_ok());
    assert_eq!(error(&file(65)), LineError::TooMany);
}
