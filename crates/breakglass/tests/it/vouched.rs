//! Witnesses, as clients and auditors ask for them: a client with a policy of its own, an export
//! with what they cosigned, and what each check makes of it.

use std::path::{Path, PathBuf};

use breakglass_tlog::{
    Checkpoint, CosignerKey, KeyName, MemoryTiles, SignedCheckpoint, VerifierKey, root,
};
use breakglass_verify::Folder;
use serde_json::Value;

use crate::{
    course::Ended,
    proxy::Proxy,
    scene::{Scene, insist},
    usage::breakglass,
    witness::Witness,
    witnessed::{configure, cosigned, line, log_key, policy, two},
};

/// A server whose log two witnesses cosign, either of which is enough for it.
struct House {
    scene: Scene,
    servers: PathBuf,
    witnesses: [Witness; 2],
}

impl House {
    fn open() -> Self {
        let (mut witnesses, mut servers) = (None, None);
        let scene = Scene::set_with(|stage, config| {
            let both = two(stage);
            let lines =
                line("w1", &both[0]) + &line("w2", &both[1]) + "group g all w1 w2\nquorum g\n";
            servers = Some(configure(stage, config, &lines));
            witnesses = Some(both);
        });
        let house = Self {
            scene,
            servers: servers.unwrap(),
            witnesses: witnesses.unwrap(),
        };
        house.cosigned();
        house
    }

    /// Waits until all of the log is cosigned.
    fn cosigned(&self) -> SignedCheckpoint {
        cosigned(&self.scene, &policy(&self.servers))
    }

    /// A policy of a client's own: both witnesses and one that never signs, of which so many.
    fn policy(&self, of: &str) -> PathBuf {
        let stranger = CosignerKey::from_seed(KeyName::new("w3.example").unwrap(), &[3; 32]);
        let [w1, w2] = [&self.witnesses[0].key, &self.witnesses[1].key];
        let w3 = stranger.verifier();
        let key = |name: &str, key: &VerifierKey| format!("witness {name} {key}\n");
        let text = key("ours", w1) + &key("theirs", w2) + &key("nobody", w3);
        let path = self.scene.stage.dir().join(format!("client-{of}.policy"));
        let text = format!("{text}group g {of} ours theirs nobody\nquorum g\n");
        std::fs::write(&path, text).unwrap();
        path
    }

    fn types(&self, who: &str, args: &[&str]) -> Ended {
        let output = breakglass(&self.scene.stage.home(who), args);
        Ended {
            code: output.status.code().unwrap(),
            out: String::from_utf8(output.stdout).unwrap(),
            said: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// Writes into somebody's `client.toml` whom to ask for.
    fn insist(&self, who: &str, policy: &Path, more: &str) {
        insist(&self.scene.stage, who, policy, more);
    }

    /// A folder of the auditor's.
    fn dir(&self, name: &str) -> String {
        let path = self.scene.stage.dir().join(name);
        path.to_str().unwrap().to_owned()
    }

    /// The auditor exports.
    fn export(&self, dir: &str, more: &[&str]) -> Ended {
        let ended = self.types("frank", &[&["log", "export", dir], more].concat());
        assert_eq!(ended.code, 0, "{}", ended.said);
        ended
    }

    /// What a check of a folder ends with.
    fn verify(&self, dir: &str, more: &[&str]) -> Ended {
        let genesis = self.scene.stage.genesis.to_string();
        let args = ["verify", dir, "--genesis", &genesis];
        self.types("bob", &[&args[..], more].concat())
    }
}

const WARNING: &str = "warning: not witnessed: ";

#[test]
fn where_witnesses_vouch_for_the_log_nothing_is_said_and_else_it_is() {
    let house = House::open();
    house.insist("frank", &house.policy("2"), "require = true");
    for args in [
        &["log", "checkpoint"][..],
        &["status"],
        &["incident", "list"],
    ] {
        // Nobody waits for witnesses, and the session of before may be new to them.
        house.cosigned();
        let ended = house.types("frank", args);
        assert_eq!(ended.code, 0, "{args:?}: {}", ended.said);
        assert!(!ended.said.contains(WARNING), "{args:?}: {}", ended.said);
    }
    house.insist("frank", &house.policy("all"), "");
    for args in [
        &["log", "checkpoint"][..],
        &["status"],
        &["incident", "list"],
    ] {
        let ended = house.types("frank", args);
        assert_eq!(ended.code, 0, "{args:?}: {}", ended.said);
        let told = "those who cosigned it are not enough for the policy";
        assert!(ended.said.contains(WARNING), "{args:?}: {}", ended.said);
        assert!(ended.said.contains(told), "{args:?}: {}", ended.said);
    }
    let missing = house.scene.stage.dir().join("no.policy");
    house.insist("frank", &missing, "");
    let ended = house.types("frank", &["status", "--json"]);
    let told: Value = serde_json::from_str(ended.said.lines().last().unwrap()).unwrap();
    assert!(
        told["warning"].as_str().unwrap().contains("no.policy"),
        "{told}"
    );
}

#[test]
fn without_witnesses_a_look_back_is_refused_where_asked_for_and_an_emergency_never() {
    let house = House::open();
    let unmet = house.policy("all");
    for who in ["alice", "bob", "frank"] {
        house.insist(who, &unmet, "require = true");
    }
    let declare = [
        "incident",
        "declare",
        "--scenario",
        "production-outage",
        "--service",
        "shop",
    ];
    let how = [
        "--title",
        "checkout is broken",
        "--why",
        "every payment fails",
    ];
    for (who, args) in [
        ("alice", [&declare[..], &how].concat()),
        ("alice", vec!["incident", "note", "on it"]),
        ("bob", vec!["status"]),
        ("bob", vec!["pending"]),
        ("bob", vec!["incident", "show", "INC-1"]),
        ("alice", vec!["incident", "list"]),
        ("alice", vec!["grant", "list"]),
    ] {
        let ended = house.types(who, &args);
        assert_eq!(ended.code, 0, "{args:?}: {}", ended.said);
        assert!(!ended.out.is_empty() || args == ["pending"] || args == ["grant", "list"]);
        assert!(ended.said.contains(WARNING), "{args:?}: {}", ended.said);
    }
    let dir = house.dir("never");
    for args in [
        &["log", "checkpoint"][..],
        &["log", "search"],
        &["log", "prove", "0"],
        &["log", "export", &dir],
        &["verify", &house.scene.url],
        &["incident", "timeline", "INC-1"],
        &["report", "show", "INC-1"],
        &["review", "show", "INC-1"],
        &["access-review", "list"],
    ] {
        let ended = house.types("frank", &[args, &["--json"]].concat());
        assert_eq!(ended.code, 4, "{args:?}: {ended:?}");
        assert_eq!(ended.out, "", "{args:?}");
        let told: Value = serde_json::from_str(ended.said.lines().last().unwrap()).unwrap();
        assert_eq!(told["code"], "not_witnessed", "{args:?}");
    }
    assert!(!Path::new(&dir).exists());
}

#[test]
fn an_export_takes_along_what_witnesses_cosigned_and_a_check_says_how_much_that_is() {
    let house = House::open();
    let (met, unmet) = (house.policy("2"), house.policy("all"));
    let (met, unmet) = (met.to_str().unwrap(), unmet.to_str().unwrap());
    let (dir, plain) = (house.dir("evidence"), house.dir("plain"));
    let seen = house.cosigned();
    // Everything else is the same: the second of the two is of the log of the first, once nothing
    // happens in between.
    let read = |dir: &str| Folder::read(Path::new(dir)).unwrap();
    let cosigned = loop {
        house.export(&plain, &[]);
        house.export(&dir, &["--policy", met]);
        let (mut with, without) = (read(&dir), read(&plain));
        let cosigned = with.remove("log/cosigned").unwrap();
        if with.get("log/checkpoint") == without.get("log/checkpoint") {
            assert_eq!(with, without);
            break cosigned;
        }
    };
    let size = seen.checkpoint().size();
    let ended = house.verify(&dir, &["--policy", met]);
    assert_eq!(ended.code, 0, "{ended:?}");
    assert!(ended.out.contains("cosigned: the first "), "{ended:?}");
    assert!(ended.out.contains(" entries, by ours ("), "{ended:?}");
    let json = house.verify(&dir, &["--policy", met, "--json"]).out;
    let json: Value = serde_json::from_str(&json).unwrap();
    assert!(
        json["cosigned"]["entries"].as_u64().unwrap() >= size,
        "{json}"
    );
    assert_eq!(
        json["cosigned"]["by"].as_array().unwrap().len(),
        2,
        "{json}"
    );
    // Whoever asks for nobody is told of nobody, and misses nobody.
    for dir in [&dir, &plain] {
        let ended = house.verify(dir, &[]);
        assert_eq!(ended.code, 0, "{ended:?}");
        assert!(!ended.out.contains("cosigned"), "{ended:?}");
    }
    for (dir, policy) in [(&dir, unmet), (&plain, met)] {
        let ended = house.verify(dir, &["--policy", policy]);
        assert_eq!(ended.code, 7, "{ended:?}");
        assert!(ended.out.contains("not_cosigned"), "{ended:?}");
    }
    // It may have come another way.
    let other = house.dir("other.checkpoint");
    std::fs::write(&other, seen.to_text()).unwrap();
    let ended = house.verify(&plain, &["--policy", met, "--against", &other]);
    assert_eq!(ended.code, 0, "{ended:?}");
    assert!(
        ended.out.contains(&format!("the first {size} of")),
        "{ended:?}"
    );
    // A policy that is not met takes nothing along, and nothing away.
    let ended = house.export(&dir, &["--policy", unmet]);
    assert!(
        ended.said.contains("not enough for the policy"),
        "{ended:?}"
    );
    house.export(&dir, &[]);
    assert_eq!(read(&dir).get("log/cosigned"), Some(&cosigned[..]));
    let all = house.cosigned().checkpoint().size();
    house.export(&dir, &["--policy", met]);
    let ended = house.verify(&dir, &["--policy", met]);
    assert!(
        ended.out.contains(&format!("the first {all} of")),
        "{ended:?}"
    );
}

#[test]
fn what_somebody_made_of_the_cosigned_checkpoint_is_told() {
    let house = House::open();
    let met = house.policy("2");
    let met = met.to_str().unwrap();
    let dir = house.dir("evidence");
    house.export(&dir, &["--policy", met]);
    let path = Path::new(&dir).join("log/cosigned");
    let note = std::fs::read_to_string(&path).unwrap();
    let told = |text: &str, more: &[&str], code: i32, finding: &str| {
        std::fs::write(&path, text).unwrap();
        let ended = house.verify(&dir, more);
        assert_eq!(ended.code, code, "{finding}: {ended:?}");
        assert!(ended.out.contains(finding), "{finding}: {ended:?}");
    };
    let policy = ["--policy", met];
    // The line of a witness, moved under another time.
    let line = note
        .lines()
        .find(|l| l.starts_with("— w1.example"))
        .unwrap();
    let at = line.len() - 20;
    let other = if &line[at..=at] == "A" { "B" } else { "A" };
    let altered = format!("{}{other}{}", &line[..at], &line[at + 1..]);
    let altered = note.replace(line, &altered);
    told(&altered, &policy, 4, "cosignature_invalid");
    told(&altered, &[], 0, "ok");
    told(
        &note.replace(line, "— w9.example AAAAAAAA"),
        &policy,
        7,
        "not_cosigned",
    );
    told("nothing of the kind\n", &[], 4, "cosigned_invalid");
    // The log's own key under another history, and under one that is longer.
    let log = log_key(&house.scene.stage);
    let forged = |size: u64| {
        let mut tiles = MemoryTiles::new();
        for _ in 0..size {
            tiles.push_entry(b"what never happened");
        }
        let tree = root(&tiles, size).unwrap();
        let tree = Checkpoint::new(log.verifier().name().clone(), size, tree).unwrap();
        SignedCheckpoint::sign(tree, &log).unwrap().to_text()
    };
    told(&forged(2), &[], 5, "forked");
    told(&forged(10_000), &[], 7, "other_checkpoint_newer");
    told(&note, &policy, 0, "cosigned: ");
}

#[test]
fn the_proof_of_an_entry_is_held_against_a_policy_as_well() {
    let house = House::open();
    let (met, unmet) = (house.policy("2"), house.policy("all"));
    let out = house.dir("proof");
    let ended = house.types("frank", &["log", "prove", "0", "--out", &out]);
    assert_eq!(ended.code, 0, "{ended:?}");
    let proof = format!("{out}/0.tlog-proof");
    let check = |policy: &Path| {
        let policy = policy.to_str().unwrap();
        house.types("frank", &["verify", &proof, "--policy", policy])
    };
    let ended = check(&met);
    assert_eq!(ended.code, 0, "{ended:?}");
    assert!(ended.said.contains("cosigned by ours, theirs"), "{ended:?}");
    assert_eq!(check(&unmet).code, 7);
}

#[test]
fn another_history_that_was_cosigned_is_a_fork_to_whoever_asks() {
    let house = House::open();
    let proxy = Proxy::before(&house.scene.url);
    house.insist("frank", &house.policy("2"), "");
    let config = house.scene.stage.home("frank").join("client.toml");
    let text = std::fs::read_to_string(&config).unwrap();
    std::fs::write(&config, text.replace(&house.scene.url, &proxy.url)).unwrap();
    let ended = house.types("frank", &["log", "checkpoint"]);
    assert_eq!(ended.code, 0, "{ended:?}");
    // The witnesses are left as they are: the log's own key contradicts itself.
    let mut tiles = MemoryTiles::new();
    tiles.push_entry(b"what never happened");
    let log = log_key(&house.scene.stage);
    let tree = root(&tiles, 1).unwrap();
    let tree = Checkpoint::new(log.verifier().name().clone(), 1, tree).unwrap();
    let forged = SignedCheckpoint::sign(tree, &log).unwrap().to_text();
    proxy.meddle(
        move |asked, body| match asked.contains("/v1/log/cosigned") {
            true => Some(forged.clone().into_bytes()),
            false => Some(body),
        },
    );
    let ended = house.types("frank", &["log", "checkpoint"]);
    assert_eq!(ended.code, 5, "{ended:?}");
    assert!(
        ended.said.contains("both signed checkpoints are kept"),
        "{ended:?}"
    );
    let ended = house.types("frank", &["status"]);
    assert_eq!(ended.code, 0, "{ended:?}");
    assert!(
        ended.said.contains("warning: not witnessed: the log"),
        "{ended:?}"
    );
}
