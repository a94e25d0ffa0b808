use breakglass_tlog::{Checkpoint, CosignerKey, Hash, KeyName, SigningKey};

use super::*;

/// POSIX seconds at which the first witness cosigned.
const FIRST: u64 = 1_800_000_000;

fn name(text: &str) -> KeyName {
    KeyName::new(text).unwrap()
}

fn log() -> SigningKey {
    SigningKey::from_seed(name("log.example/1"), &[1; 32])
}

fn witness(number: u8) -> CosignerKey {
    CosignerKey::from_seed(name(&format!("w{number}.example")), &[number; 32])
}

/// A checkpoint of ten entries, cosigned by these at these times.
fn cosigned(by: &[(u8, u64)]) -> SignedCheckpoint {
    let tree = Checkpoint::new(name("log.example/1"), 10, Hash::from_bytes([7; 32])).unwrap();
    let mut signed = SignedCheckpoint::sign(tree.clone(), &log()).unwrap();
    for (number, time) in by {
        let key = witness(*number);
        let line = key.cosign(&tree, *time).unwrap();
        signed.add_signature(line, key.verifier()).unwrap();
    }
    signed
}

/// A policy of two witnesses, of which so many are enough; and an hour's patience.
fn insistence(of: &str, more: &str) -> Insistence {
    let lines = [2, 3].map(|n| format!("witness w{n} {}\n", witness(n).verifier()));
    let text = format!(
        "{more}{}{}group g {of} w2 w3\nquorum g\n",
        lines[0], lines[1]
    );
    Insistence {
        policy: Policy::parse(text.as_bytes()).unwrap(),
        stale_after_s: 3600,
    }
}

/// So many seconds after the first witness cosigned.
fn after(seconds: i64) -> Timestamp {
    Timestamp::from_millis(i64::try_from(FIRST).unwrap() * 1000).plus_s(seconds)
}

#[test]
fn a_log_that_has_not_grown_since_is_vouched_for_however_long_ago() {
    let year = after(365 * 86_400);
    let both = cosigned(&[(2, FIRST), (3, FIRST + 60)]);
    insistence("all", "").judge(&both, 10, year).unwrap();
    // What they saw may be ahead of what this server shows.
    insistence("all", "").judge(&both, 9, year).unwrap();
}

#[test]
fn what_came_since_is_waited_for_as_long_as_was_said_and_no_longer() {
    let both = cosigned(&[(2, FIRST), (3, FIRST + 60)]);
    // All are needed: the first to speak is the last to be heard of.
    let all = insistence("all", "");
    all.judge(&both, 11, after(3600)).unwrap();
    let late = all.judge(&both, 11, after(3601)).unwrap_err();
    let told = "the log has 11 entries, and witnesses vouch for 10 of them, last 1h 1s ago";
    assert_eq!(late.to_string(), told);
    // One is enough: the later of them.
    let any = insistence("any", "");
    any.judge(&both, 11, after(3660)).unwrap();
    let late = any.judge(&both, 11, after(3661));
    assert!(matches!(late, Err(NotWitnessed::Stale { .. })), "{late:?}");
}

#[test]
fn too_few_witnesses_are_told_and_so_is_another_log() {
    let one = cosigned(&[(2, FIRST)]);
    insistence("any", "").judge(&one, 10, after(0)).unwrap();
    let few = insistence("all", "").judge(&one, 10, after(0));
    assert!(
        matches!(few, Err(NotWitnessed::Unmet { size: 10, .. })),
        "{few:?}"
    );
    let ours = format!("log {}\n", log().verifier());
    insistence("any", &ours).judge(&one, 10, after(0)).unwrap();
    let other = SigningKey::from_seed(name("other.example"), &[9; 32]);
    let theirs = format!("log {}\n", other.verifier());
    let told = insistence("any", &theirs)
        .judge(&one, 10, after(0))
        .unwrap_err();
    assert!(told.to_string().contains("no log of origin"), "{told}");
}

#[test]
fn a_policy_that_cannot_be_read_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("policy");
    let config = WitnessConfig {
        policy_file: path.clone(),
        stale_after_s: 1,
        require: false,
    };
    let told = Insistence::of(&config).unwrap_err();
    assert!(matches!(told, NotWitnessed::PolicyFile { .. }), "{told}");
    std::fs::write(&path, "quorum nobody\n").unwrap();
    let told = Insistence::of(&config).unwrap_err();
    assert!(matches!(told, NotWitnessed::Policy { .. }), "{told}");
    assert!(told.to_string().contains("policy: "), "{told}");
}
