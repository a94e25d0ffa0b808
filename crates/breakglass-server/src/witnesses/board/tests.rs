use breakglass_tlog::{Checkpoint, CosignerKey, Hash, KeyName, SigningKey};

use super::*;

fn name(name: &str) -> KeyName {
    KeyName::new(name).unwrap()
}

fn witness(number: u8) -> CosignerKey {
    CosignerKey::from_seed(name(&format!("w{number}.example")), &[number; 32])
}

/// Three witnesses, of which two are enough.
fn board() -> Board {
    let mut file = String::new();
    for number in 1..=3 {
        let key = witness(number).verifier().to_string();
        file += &format!("witness w{number} {key} https://w{number}.example\n");
    }
    file += "group g 2 w1 w2 w3\nquorum g\n";
    Board::new(Policy::parse(file.as_bytes()).unwrap())
}

fn head(size: u64) -> SignedCheckpoint {
    let byte = u8::try_from(size).unwrap();
    let tree = Checkpoint::new(name("log.example"), size, Hash::from_bytes([byte; 32])).unwrap();
    SignedCheckpoint::sign(tree, &SigningKey::from_seed(name("log.example"), &[9; 32])).unwrap()
}

/// What the witness of this place answers.
fn cosigned(place: usize, head: &SignedCheckpoint) -> Outcome {
    let key = witness(u8::try_from(place).unwrap() + 1);
    Outcome::Cosigned(vec![key.cosign(head.checkpoint(), 7).unwrap()])
}

#[test]
fn the_quorum_is_met_by_lines_under_one_checkpoint_only() {
    let mut board = board();
    let (five, six) = (head(5), head(6));
    assert_eq!(board.open(&five), [0, 1, 2]);
    assert_eq!(board.note(0, &five, cosigned(0, &five)), None);
    assert_eq!(board.open(&six), [0, 1, 2]);
    assert_eq!(board.note(1, &six, cosigned(1, &six)), None);
    board.end(&six);
    assert!(!board.is_met(&six) && board.missing().is_some());
    let kept = board.note(2, &six, cosigned(2, &six)).unwrap();
    assert!(board.is_met(&six) && !board.is_met(&five));
    assert_eq!(board.cosigned(), Some(&kept));
    board.end(&six);
    assert_eq!(board.missing(), None);
    assert_eq!(board.open(&six), [0], "who has not cosigned is asked again");
    assert!(board.note(0, &six, cosigned(0, &six)).is_some());
    assert!(board.is_complete(&six));
}

#[test]
fn an_answer_that_comes_late_still_says_how_far_the_witness_is() {
    let mut board = board();
    let (five, six) = (head(5), head(6));
    board.open(&five);
    board.open(&six);
    assert_eq!(board.note(0, &five, cosigned(0, &five)), None);
    assert_eq!(board.accepted(0), Some(5));
    assert_eq!(board.figures().cosigning, 0);
}

#[test]
fn what_met_the_quorum_stays_while_the_log_grows_and_takes_late_lines() {
    let mut board = board();
    let (five, six) = (head(5), head(6));
    board.open(&five);
    board.note(0, &five, cosigned(0, &five));
    board.note(1, &five, cosigned(1, &five));
    board.open(&six);
    let kept = board.note(2, &five, cosigned(2, &five)).unwrap();
    assert_eq!(kept.note().signatures().len(), 4);
    assert_eq!(board.with_cosignatures(&five), kept);
    assert_eq!(board.with_cosignatures(&six), six);
    assert_eq!(board.figures().cosigned_entries, 5);
}

#[test]
fn an_entry_is_proven_under_what_was_cosigned_where_that_has_it() {
    let mut board = board();
    let (five, six) = (head(5), head(6));
    board.open(&five);
    board.note(0, &five, cosigned(0, &five));
    let kept = board.note(1, &five, cosigned(1, &five)).unwrap();
    board.open(&six);
    assert_eq!(board.for_entry(4, &six), kept);
    assert_eq!(board.for_entry(5, &six), six);
    assert_eq!(
        board.for_entry(0, &head(4)),
        head(4),
        "never beyond the log"
    );
}

#[test]
fn the_line_of_another_or_for_another_checkpoint_counts_for_nobody() {
    let mut board = board();
    let (five, six) = (head(5), head(6));
    board.open(&five);
    for outcome in [
        cosigned(1, &five),
        cosigned(0, &six),
        Outcome::Cosigned(Vec::new()),
    ] {
        assert_eq!(board.note(0, &five, outcome), None);
        assert_eq!(board.open(&five), [0, 1, 2]);
        assert_eq!(board.accepted(0), None);
    }
    board.end(&five);
    assert!(
        board
            .missing()
            .unwrap()
            .contains("no cosignature of its own")
    );
    // Beside a good line, others mean nothing.
    let (Outcome::Cosigned(mut lines), Outcome::Cosigned(own)) =
        (cosigned(1, &five), cosigned(0, &five))
    else {
        unreachable!()
    };
    lines.extend(own);
    board.note(0, &five, Outcome::Cosigned(lines));
    assert_eq!(board.open(&five), [1, 2]);
}

#[test]
fn an_alarm_stays_and_makes_all_that_is_well_not_well() {
    let mut board = board();
    let five = head(5);
    board.open(&five);
    for place in 0..2 {
        board.note(place, &five, cosigned(place, &five));
    }
    board.note(2, &five, Outcome::Away("no connection".to_owned()));
    board.end(&five);
    assert!(board.report().0, "one away of three is no trouble");
    board.note(2, &five, Outcome::RolledBack { size: 12 });
    board.evidence_kept(2);
    board.evidence_kept(2);
    let (working, alarms, detail) = board.report();
    assert!(!working && alarms == 1, "{detail}");
    assert!(detail.contains("ROLLBACK: the witness w3 has cosigned 12 entries"));
    assert_eq!(detail.matches("are kept").count(), 1);
    board.note(2, &five, cosigned(2, &five));
    assert_eq!(
        board.alarms().len(),
        1,
        "it was shown once and is not taken back"
    );
}

#[test]
fn what_cannot_be_kept_is_told_until_it_can_be() {
    let mut board = board();
    board.kept(Some("no space".to_owned()));
    assert!(board.missing().unwrap().ends_with("no space"));
    assert!(!board.report().0);
    board.kept(None);
    assert!(board.report().0);
}

#[test]
fn what_was_kept_is_gone_on_with_as_far_as_it_meets_the_policy() {
    let mut first = board();
    let five = head(5);
    first.open(&five);
    first.note(0, &five, cosigned(0, &five));
    let one = first.with_cosignatures(&five);
    let both = first.note(1, &five, cosigned(1, &five)).unwrap();
    let mut next = board();
    next.take_up(both.clone());
    assert_eq!(next.cosigned(), Some(&both));
    assert_eq!((next.accepted(0), next.accepted(2)), (Some(5), None));
    assert_eq!(next.open(&five), [2]);
    let mut next = board();
    next.take_up(one);
    assert_eq!(next.cosigned(), None);
    assert_eq!(next.accepted(0), Some(5));
}
