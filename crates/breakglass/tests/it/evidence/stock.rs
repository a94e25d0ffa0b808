//! Every signature in the folder, checked by stock `ssh-keygen -Y verify` and nothing of ours.

use std::{
    collections::BTreeMap,
    io::Write as _,
    path::Path,
    process::{Command, Stdio},
};

use breakglass_verify::Folder;
use serde_json::Value;

use super::played;
use crate::ssh::available;

/// What one `ssh-keygen -Y verify` is asked.
struct Question<'a> {
    allowed: &'a Path,
    principal: &'a str,
    namespace: &'a str,
    at: String,
    text: &'a [u8],
    signature: &'a [u8],
}

impl Question<'_> {
    fn holds(&self) -> bool {
        let dir = tempfile::tempdir().unwrap();
        let signature = dir.path().join("sig");
        std::fs::write(&signature, self.signature).unwrap();
        let mut child = Command::new("ssh-keygen")
            .args(["-Y", "verify", "-I", self.principal, "-n", self.namespace])
            .arg(format!("-Overify-time={}", self.at))
            .arg("-f")
            .arg(self.allowed)
            .arg("-s")
            .arg(&signature)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(self.text).unwrap();
        child.wait().unwrap().success()
    }
}

/// `2026-01-06T10:00:00.000Z` as ssh-keygen takes it, in UTC.
fn ssh_time(stated: &str) -> String {
    let digits: String = stated.chars().filter(char::is_ascii_digit).collect();
    format!("{}Z", digits.get(..14).unwrap())
}

/// A statement as the folder has it: who says it, when, in which namespace.
struct Said {
    principal: String,
    namespace: String,
    at: String,
    session: Option<String>,
}

fn said(path: &str, text: &[u8]) -> Said {
    let value: Value = serde_json::from_slice(text).unwrap();
    let word = |v: &Value| v.as_str().unwrap_or_default().to_owned();
    let by = ["signer", "approver", "requester"];
    let signer = by.iter().find_map(|name| value.get(name)).unwrap();
    let at = ["issued_at", "signed_at"].iter().find_map(|n| value.get(n));
    let namespace = word(&value["_type"]);
    let kind = path.rsplit('/').next().unwrap();
    let kind = namespace.split('.').next().filter(|k| kind.contains(k));
    assert!(kind.is_some(), "{path} is a {namespace}");
    Said {
        principal: word(&signer["principal"]),
        at: ssh_time(at.unwrap().as_str().unwrap()),
        session: Some(word(&value["session"])).filter(|s| !s.is_empty()),
        namespace,
    }
}

#[test]
fn stock_ssh_keygen_accepts_every_signature_in_the_folder() {
    let name = "evidence::stock::stock_ssh_keygen_accepts_every_signature_in_the_folder";
    if !available(name, &["ssh-keygen"]) {
        return;
    }
    let played = played();
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("evidence");
    played.folder().write(&out).unwrap();
    let folder = Folder::read(&out).unwrap();
    let allowed = out.join("allowed_signers");
    let mut verified: BTreeMap<String, u32> = BTreeMap::new();
    for (path, text) in folder.iter() {
        let Some(signature) = folder.get(&format!("{path}.sig")) else {
            continue;
        };
        let said = said(path, text);
        // A session's key is no enrolled key: the session statement says whose it is.
        let by_session = said
            .session
            .as_ref()
            .map(|digest| certified(&folder, digest));
        let of_session = dir.path().join("session_signers");
        let allowed = match &by_session {
            Some(line) => {
                std::fs::write(&of_session, line).unwrap();
                &of_session
            }
            None => &allowed,
        };
        let mut question = Question {
            allowed,
            principal: &said.principal,
            namespace: &said.namespace,
            at: said.at.clone(),
            text,
            signature,
        };
        assert!(question.holds(), "{path}");
        question.namespace = "other.v1@breakglass";
        assert!(!question.holds(), "{path} in another namespace");
        *verified.entry(said.namespace).or_default() += 1;
    }
    let kinds: Vec<&str> = verified.keys().map(String::as_str).collect();
    let expected = [
        "act", "approval", "checkout", "denial", "enroll", "request", "session",
    ];
    let expected = expected.map(|k| format!("{k}.v1@breakglass"));
    assert_eq!(kinds, expected, "{verified:?}");
    authority_signatures(&folder, &allowed);
}

/// The session key that a session statement in the folder certifies, as an allowed signer.
fn certified(folder: &Folder, digest: &str) -> String {
    let hex = digest.strip_prefix("sha256:").unwrap();
    let text = folder.get(&format!("acts/{hex}.session.json")).unwrap();
    let session: Value = serde_json::from_slice(text).unwrap();
    let word = |v: &Value| v.as_str().unwrap().to_owned();
    format!(
        "{} namespaces=\"act.v1@breakglass\",valid-after=\"{}\",valid-before=\"{}\" {}\n",
        word(&session["signer"]["principal"]),
        ssh_time(&word(&session["issued_at"])),
        ssh_time(&word(&session["not_after"])),
        word(&session["session_key"]),
    )
}

/// The authority's own signatures, one file per root person.
fn authority_signatures(folder: &Folder, allowed: &Path) {
    let text = folder.get("authority/1.json").unwrap();
    let document: Value = serde_json::from_slice(text).unwrap();
    for principal in ["erin", "frank"] {
        let signature = folder.get(&format!("authority/1.{principal}.sig")).unwrap();
        let question = Question {
            allowed,
            principal,
            namespace: "authority.v1@breakglass",
            at: ssh_time(document["issued_at"].as_str().unwrap()),
            text,
            signature,
        };
        assert!(question.holds(), "{principal}");
        let other = Question {
            principal: "alice",
            ..question
        };
        assert!(!other.holds(), "{principal} is not alice");
    }
}
