//! Every parser of what people and servers send, on true documents with a few bytes changed: what
//! is accepted is spelled as it was written, and nothing panics.
//!
//! The corpus is the golden files: entries of every type, a statement of every kind with its
//! signature, an authority. `BREAKGLASS_MUTATIONS` makes the run longer.

use std::{
    fs,
    path::{Path, PathBuf},
};

use breakglass_format::{
    Entry, Principal,
    act::Act,
    authority::Authority,
    contact::Contact,
    statement::{Approval, Checkout, Denial, Enroll, Request, Session, Statement, Suspend},
};
use breakglass_statement::{
    AuthoritySet, PublicKey, SshSig, allowed_signers, verify_act, verify_approval, verify_checkout,
    verify_denial, verify_enroll, verify_request, verify_session, verify_suspend,
};

use crate::random::Random;

/// Mutations of each document.
const EACH: u64 = 4_000;

fn each() -> u64 {
    let wanted = std::env::var("BREAKGLASS_MUTATIONS").ok();
    wanted.and_then(|n| n.parse().ok()).unwrap_or(EACH)
}

fn files(folder: &str, extension: &str) -> Vec<(PathBuf, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("..")
        .join(folder);
    let all = fs::read_dir(folder).unwrap().map(|f| f.unwrap().path());
    let wanted = all.filter(|p| p.extension().is_some_and(|e| e == extension));
    let mut found: Vec<_> = wanted.map(|p| (p.clone(), fs::read(p).unwrap())).collect();
    found.sort();
    assert!(!found.is_empty());
    found
}

/// A document with one to three things wrong: a byte changed, put in or left out, a piece repeated,
/// a piece of another document put in.
fn mutated(bytes: &[u8], other: &[u8], random: &mut Random) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    for _ in 0..=random.below(3) {
        let at = random.below(bytes.len() + 1);
        let odd = *random
            .pick(&[0, b'"', b'\\', b'{', b'}', b',', 0x7f, 0xc3, 0xff])
            .as_ref()
            .unwrap();
        match random.below(7) {
            0 if at < bytes.len() => bytes[at] ^= 1 << random.below(8),
            1 if at < bytes.len() => bytes[at] = odd,
            2 if at < bytes.len() => {
                bytes.remove(at);
            }
            3 => bytes.insert(at, odd),
            4 => bytes.truncate(at),
            5 => {
                let to = at + random.below(bytes.len() + 1 - at).min(40);
                let piece = bytes[at..to].to_vec();
                bytes.splice(at..at, piece);
            }
            _ => {
                let from = random.below(other.len() + 1);
                let to = from + random.below(other.len() + 1 - from).min(40);
                bytes.splice(at..at, other[from..to].iter().copied());
            }
        }
    }
    bytes
}

/// Runs something on mutations of every document of a corpus.
fn run(corpus: &[(PathBuf, Vec<u8>)], parse: impl Fn(&Path, &[u8])) {
    let mut random = Random::new(7);
    for (path, bytes) in corpus {
        parse(path, bytes);
        for _ in 0..each() {
            let (_, other) = &corpus[random.below(corpus.len())];
            parse(path, &mutated(bytes, other, &mut random));
        }
    }
}

#[test]
fn a_changed_entry_is_refused_or_spelled_as_it_was_written() {
    run(
        &files("breakglass-format/testdata/v1", "json"),
        |path, bytes| {
            if let Ok(entry) = Entry::from_bytes(bytes) {
                assert_eq!(entry.to_bytes().unwrap(), bytes, "{}", path.display());
            }
        },
    );
}

fn one_spelling<S: Statement>(bytes: &[u8]) {
    if let Ok(statement) = S::from_bytes(bytes) {
        assert_eq!(statement.to_bytes().unwrap(), bytes);
    }
}

#[test]
fn a_changed_statement_is_refused_or_spelled_as_it_was_written() {
    run(
        &files("breakglass-statement/testdata/v1", "json"),
        |_, bytes| {
            one_spelling::<Request>(bytes);
            one_spelling::<Approval>(bytes);
            one_spelling::<Denial>(bytes);
            one_spelling::<Checkout>(bytes);
            one_spelling::<Session>(bytes);
            one_spelling::<Enroll>(bytes);
            one_spelling::<Suspend>(bytes);
            one_spelling::<Act>(bytes);
            if let Ok(authority) = Authority::from_bytes(bytes) {
                assert_eq!(authority.to_bytes().unwrap(), bytes);
            }
            if let Ok(contact) = Contact::from_bytes(bytes) {
                assert_eq!(contact.to_bytes().unwrap(), bytes);
            }
        },
    );
}

#[test]
fn a_changed_signature_or_key_is_refused_or_spelled_as_it_was_written() {
    let mut corpus = files("breakglass-statement/testdata/v1", "sig");
    corpus.extend(files("breakglass-statement/testdata/openssh", "pub"));
    run(&corpus, |_, bytes| {
        let text = String::from_utf8_lossy(bytes);
        if let Ok(signature) = SshSig::from_armoured(&text) {
            assert_eq!(signature.to_armoured(), text);
        }
        if let Ok(key) = PublicKey::from_line(&text) {
            // A comment and the last line end are not kept.
            assert!(text.starts_with(&key.line()), "{text}");
        }
        let _ = SshSig::from_bytes(bytes);
        let _ = PublicKey::from_wire(bytes);
    });
}

fn genesis(document: &[u8]) -> Option<AuthoritySet> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../breakglass-statement/testdata/v1");
    let signatures: Vec<(Principal, String)> = ["carol", "dave", "erin"]
        .map(|who| {
            let path = folder.join(format!("authority.json.{who}.sig"));
            (who.parse().unwrap(), fs::read_to_string(path).unwrap())
        })
        .to_vec();
    AuthoritySet::genesis(document, &signatures, None).ok()
}

/// Nobody's signature holds for anything but what they signed.
#[test]
fn no_changed_statement_verifies() {
    let corpus = files("breakglass-statement/testdata/v1", "json");
    let document = corpus.iter().find(|(p, _)| p.ends_with("authority.json"));
    let set = genesis(&document.unwrap().1).unwrap();
    let request = corpus.iter().find(|(p, _)| p.ends_with("request.json"));
    let request = request.unwrap().1.clone();
    let mut random = Random::new(11);
    for (path, bytes) in corpus
        .iter()
        .filter(|(p, _)| !p.ends_with("authority.json"))
    {
        let armoured = fs::read_to_string(path.with_extension("json.sig")).unwrap();
        for _ in 0..each() / 8 {
            let changed = mutated(bytes, &request, &mut random);
            if changed == *bytes {
                continue;
            }
            let verified = [
                verify_request(&changed, &armoured, &set).is_ok(),
                verify_approval(&changed, &armoured, &request, &set).is_ok(),
                verify_denial(&changed, &armoured, &request, &set).is_ok(),
                verify_checkout(&changed, &armoured, &set).is_ok(),
                verify_session(&changed, &armoured, &set).is_ok(),
                verify_enroll(&changed, &armoured, &set).is_ok(),
                verify_suspend(&changed, &armoured, &set).is_ok(),
                verify_act(&changed, &armoured, None, &set).is_ok(),
            ];
            let text = String::from_utf8_lossy(&changed);
            assert!(!verified.contains(&true), "{}: {text}", path.display());
        }
    }
}

#[test]
fn no_changed_authority_is_one() {
    let corpus = files("breakglass-statement/testdata/v1", "json");
    let (_, bytes) = corpus
        .iter()
        .find(|(p, _)| p.ends_with("authority.json"))
        .unwrap();
    let set = genesis(bytes).unwrap();
    assert!(!allowed_signers(&set, &[(1, set.current().authority().issued_at)]).is_empty());
    let mut random = Random::new(13);
    for _ in 0..each() / 4 {
        let changed = mutated(bytes, bytes, &mut random);
        assert!(changed == *bytes || genesis(&changed).is_none());
    }
}
