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
        "title = \"Example\"\n[log]\norigin = \"log.example\"\nvkey = \"log.example+0+A\"\n\
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
    assert_eq!(sign("bo").0, 0);
    let (code, shown, said) = run(
        dir,
        &["authority", "verify", &document, "--genesis", &digest],
    );
    assert_eq!((code, shown), (0, digest), "{said}");

    let other = format!("sha256:{}", "ab".repeat(32));
    let (code, _, said) = run(
        dir,
        &["authority", "verify", &document, "--genesis", &other],
    );
    assert_eq!(code, 4, "{said}");
}
