//! From `authority.toml` to a verified genesis, with the compiled program.

use std::path::Path;

use breakglass::{entropy::SystemEntropy, signer::generate::generate_to_file};

use crate::usage::breakglass;

fn written(dir: &Path) {
    let mut people = String::new();
    for principal in ["alice", "bo"] {
        let path = dir.join(principal);
        let key = generate_to_file(&mut SystemEntropy, principal, &path).unwrap();
        let line = key.public_key.line();
        people.push_str(&format!(
            "[[person]]\nprincipal = \"{principal}\"\nname = \"{principal}\"\n\
             key = [{{ public_key = \"{line}\" }}]\n"
        ));
    }
    let text = format!(
        "title = \"Example\"\n[log]\norigin = \"breakglass.example/log\"\nvkey = \"breakglass.example/log+84451a32+AQOhB7/zzhC+HXDdGOdLwJln5NYwm6UNXx3chmQSVTG4\"\n\
         [roots]\nthreshold = 2\npersons = [\"alice\", \"bo\"]\n\
         [clocks]\nresolve = \"24h\"\nrotation = \"1h\"\n{people}"
    );
    std::fs::write(dir.join("authority.toml"), text).unwrap();
}

fn run(dir: &Path, args: &[&str]) -> (i32, String, String) {
    let output = breakglass(&dir.join("home"), args);
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (
        output.status.code().unwrap(),
        text(output.stdout).trim_end().to_owned(),
        text(output.stderr),
    )
}

#[test]
fn a_genesis_counts_when_every_root_person_signed_it() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    written(dir);
    let at = |name: &str| dir.join(name).to_str().unwrap().to_owned();
    let (toml, document) = (at("authority.toml"), at("authority-1.json"));
    let (code, digest, said) = run(dir, &["authority", "compile", &toml]);
    assert_eq!(code, 0, "{said}");
    assert!(digest.starts_with("sha256:"), "{digest}");
    assert!(said.contains("have the privilege reviewer"), "{said}");

    let (code, _, said) = run(dir, &["authority", "compile", &toml]);
    assert_eq!(code, 2, "somebody may have signed it: {said}");
    assert!(said.contains("exists"), "{said}");

    let (code, _, said) = run(
        dir,
        &["authority", "sign", &document, "--key", &at("alice")],
    );
    assert_eq!(code, 2, "nobody agreed, and there is nobody to ask: {said}");
    let sign = |key: &str| {
        let key = at(key);
        run(
            dir,
            &["authority", "sign", &document, "--key", &key, "--yes"],
        )
    };
    assert_eq!(sign("alice").0, 0);
    let (code, _, said) = run(
        dir,
        &["authority", "verify", &document, "--genesis", &digest],
    );
    assert_eq!(code, 4, "{said}");
    assert!(said.contains("1 of its 2 root persons"), "{said}");
    assert!(said.contains("authority-1.json.bo.sig"), "{said}");
    assert_eq!(sign("bo").0, 0);
    let (code, shown, said) = run(
        dir,
        &["authority", "verify", &document, "--genesis", &digest],
    );
    assert_eq!((code, shown), (0, digest), "{said}");
    let (code, _, said) = run(dir, &["authority", "verify", &document]);
    assert_eq!(code, 7, "{said}");
    assert!(said.contains("--genesis sha256:"), "{said}");

    let other = format!("sha256:{}", "ab".repeat(32));
    let (code, _, said) = run(
        dir,
        &["authority", "verify", &document, "--genesis", &other],
    );
    assert_eq!(code, 4, "{said}");
}

#[test]
fn one_key_for_two_people_and_a_private_key_are_named_for_what_they_are() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    written(dir);
    let path = dir.join("authority.toml");
    let compile = |text: &str| {
        std::fs::write(&path, text).unwrap();
        run(dir, &["authority", "compile", path.to_str().unwrap()]).2
    };
    let text = std::fs::read_to_string(&path).unwrap();
    let mut keys = text.lines().filter(|l| l.starts_with("key = "));
    let (first, second) = (keys.next().unwrap(), keys.next().unwrap());
    let said = compile(&text.replace(second, first));
    assert!(said.contains("both alice and bo"), "{said}");
    let said = compile(&text.replace(second, "key = [{ public_key_file = \"bo\" }]"));
    assert!(
        said.contains("PRIVATE key") && said.contains("bo:"),
        "{said}"
    );
}

#[test]
fn what_would_fail_in_an_emergency_is_not_compiled() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    written(dir);
    let path = dir.join("authority.toml");
    let text = std::fs::read_to_string(&path).unwrap();
    let group = "[[account]]\nname = \"root\"\nsystem = \"db\"\non_server_loss = \"stays\"\n\
                 [[entitlement]]\nname = \"db\"\naccounts = [\"root\"]\n\
                 requesters = [\"oncall\"]\napprovers = [\"security\"]\n";
    let node = "[[node]]\nname = \"one\"\nkem = \"...\"\n";
    for (wrong, says) in [
        (
            text.replace("AQOhB7", "AQOhB8"),
            "vkey of [log] is not a key",
        ),
        (format!("{text}{node}"), "kem of the node one is not a key"),
        (format!("{text}{group}"), "nobody is in the group oncall"),
    ] {
        std::fs::write(&path, wrong).unwrap();
        let (code, _, said) = run(dir, &["authority", "compile", path.to_str().unwrap()]);
        assert_eq!(code, 2, "{said}");
        assert!(said.contains(says), "{said}");
    }
}
