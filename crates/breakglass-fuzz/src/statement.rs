//! What people sign: statements, authorities, signatures, keys.

use std::{fs, sync::LazyLock};

use breakglass_format::{
    Principal,
    act::Act,
    authority::Authority,
    contact::Contact,
    statement::{
        Approval, Checkout, Denial, Enroll, Request, Session, Statement as Wording, Suspend,
    },
};
use breakglass_statement::{
    AuthoritySet, PublicKey, SshSig, verify_act, verify_approval, verify_checkout, verify_denial,
    verify_enroll, verify_request, verify_session, verify_suspend,
};

use crate::{
    Parser,
    corpus::{files, folder},
};

const STATEMENTS: &str = "breakglass-statement/testdata/v1";
const OPENSSH: &str = "breakglass-statement/testdata/openssh";

/// A statement is spelled in one way, whatever it is taken for.
pub(crate) const STATEMENT: Parser = Parser {
    name: "statement",
    holds: |bytes| {
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
    corpus: || files(STATEMENTS, "json"),
};

fn one_spelling<S: Wording>(bytes: &[u8]) {
    if let Ok(statement) = S::from_bytes(bytes) {
        assert_eq!(statement.to_bytes().unwrap(), bytes);
    }
}

/// Nobody's signature holds for anything but what they signed.
pub(crate) const SIGNED: Parser = Parser {
    name: "signed",
    holds: |bytes| {
        if TRUE.contains(&bytes.to_vec()) {
            return;
        }
        let (request, set) = (&*REQUEST, genesis());
        for armoured in &*SIGNATURES {
            let verified = [
                verify_request(bytes, armoured, set).is_ok(),
                verify_approval(bytes, armoured, request, set).is_ok(),
                verify_denial(bytes, armoured, request, set).is_ok(),
                verify_checkout(bytes, armoured, set).is_ok(),
                verify_session(bytes, armoured, set).is_ok(),
                verify_enroll(bytes, armoured, set).is_ok(),
                verify_suspend(bytes, armoured, set).is_ok(),
                verify_act(bytes, armoured, None, set).is_ok(),
            ];
            let text = String::from_utf8_lossy(bytes);
            assert!(!verified.contains(&true), "nobody signed {text}");
        }
        assert!(verified_authority(bytes).is_none(), "nobody signed that");
    },
    corpus: || TRUE.clone(),
};

static TRUE: LazyLock<Vec<Vec<u8>>> = LazyLock::new(|| files(STATEMENTS, "json"));

static REQUEST: LazyLock<Vec<u8>> = LazyLock::new(|| read("request.json"));

static SIGNATURES: LazyLock<Vec<String>> = LazyLock::new(|| {
    let all = files(STATEMENTS, "sig");
    all.into_iter()
        .map(|bytes| String::from_utf8(bytes).unwrap())
        .collect()
});

static GENESIS: LazyLock<AuthoritySet> =
    LazyLock::new(|| verified_authority(&read("authority.json")).expect("the golden authority"));

/// The golden authority, verified.
pub(crate) fn genesis() -> &'static AuthoritySet {
    &GENESIS
}

fn read(name: &str) -> Vec<u8> {
    fs::read(folder(STATEMENTS).join(name)).unwrap()
}

fn verified_authority(document: &[u8]) -> Option<AuthoritySet> {
    static SIGNED: LazyLock<Vec<(Principal, String)>> = LazyLock::new(|| {
        let by = |who: &str| {
            let bytes = read(&format!("authority.json.{who}.sig"));
            (who.parse().unwrap(), String::from_utf8(bytes).unwrap())
        };
        ["carol", "dave", "erin"].map(by).to_vec()
    });
    AuthoritySet::genesis(document, &SIGNED, None).ok()
}

/// A signature and a key are spelled in one way.
pub(crate) const SIGNATURE: Parser = Parser {
    name: "signature",
    holds: |bytes| {
        let text = String::from_utf8_lossy(bytes);
        if let Ok(signature) = SshSig::from_armoured(&text) {
            assert_eq!(signature.to_armoured(), text);
        }
        if let Ok(key) = PublicKey::from_line(&text) {
            // A comment and the last line end are not kept.
            assert!(text.starts_with(&key.line()), "{text}");
        }
        let _ = SshSig::from_bytes(bytes);
        if let Ok(key) = PublicKey::from_wire(bytes) {
            assert_eq!(key.wire(), bytes);
        }
    },
    corpus: || {
        let mut all = files(STATEMENTS, "sig");
        all.extend(files(OPENSSH, "sig"));
        all.extend(files(OPENSSH, "pub"));
        all
    },
};
