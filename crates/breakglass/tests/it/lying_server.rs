//! What the client does when answers are lost, and when they are not true.

use std::path::Path;

use breakglass::{
    actor::{Actor, ActorError, Class, DossierError, RequestWish},
    demo::{ACCOUNT, House, KEY},
    state::PinError,
    trust::TrustError,
};
use breakglass_api::ClientError;
use breakglass_format::{Line, Prose, act::Declare, vocabulary::Severity};

use crate::proxy::Proxy;

/// A server with a proxy before it.
pub(crate) struct Stand {
    house: House,
    pub(crate) proxy: Proxy,
}

impl Stand {
    pub(crate) fn open() -> Self {
        let house = House::build(Path::new(env!("CARGO_BIN_EXE_breakglass"))).unwrap();
        let proxy = Proxy::before(&house.url);
        Self { house, proxy }
    }

    /// A person who reaches the server through the proxy only.
    pub(crate) fn actor(&self, who: &'static str) -> Actor {
        let clock = Box::new(self.house.clock.clone());
        self.house
            .stage
            .actor(&self.proxy.url, who, KEY, clock)
            .unwrap()
    }

    /// Carol and Dave import the credential, Alice asks for it.
    pub(crate) fn request(&self) -> Actor {
        let credential = &self.house.stage.first_password;
        let (import, _) = self
            .actor("carol")
            .add_credential(ACCOUNT, credential)
            .unwrap();
        let mut dave = self.actor("dave");
        dave.agree_import(&import).unwrap();
        // What was typed in is rotated at once; only then is the credential at rest.
        let accounts = || dave.client().accounts().unwrap();
        while accounts().iter().any(|a| a.state != "current") {
            std::thread::yield_now();
        }
        let mut alice = self.actor("alice");
        let declared = alice.declare(declaration()).unwrap();
        let incident = declared.declared().unwrap().reference.to_string();
        let wish = RequestWish::credential(&incident, ACCOUNT, prose("roll back"));
        let requested = alice.request(&wish).unwrap();
        assert_eq!(requested.requested().unwrap().reference.to_string(), "R-1");
        alice
    }

    /// Alice holds `G-1`.
    fn granted(&self) -> Actor {
        let alice = self.request();
        self.actor("bob").approve("R-1", None).unwrap();
        let outcome = self.actor("carol").approve("R-1", None).unwrap();
        assert_eq!(outcome.granted().unwrap().reference.to_string(), "G-1");
        alice
    }

    /// Replaces text in the answers to one target.
    pub(crate) fn replace(&self, target: &'static str, from: &'static str, to: &'static str) {
        self.proxy.meddle(move |asked, body| {
            if !asked.contains(target) {
                return Some(body);
            }
            let text = String::from_utf8(body).unwrap();
            assert!(text.contains(from), "{from:?} is not in {text}");
            Some(text.replace(from, to).into_bytes())
        });
    }
}

fn prose(text: &str) -> Prose {
    Prose::new(text).unwrap()
}

fn declaration() -> Declare {
    Declare {
        commander: "erin".parse().unwrap(),
        cves: Vec::new(),
        drill: false,
        justification: prose("checkout answers 500"),
        scenario: "production-outage".parse().unwrap(),
        service: Line::new("shop").unwrap(),
        severity: Severity::Sev1,
        threat: Prose::default(),
        title: Line::new("checkout").unwrap(),
    }
}

#[test]
fn a_checkout_whose_answer_was_lost_is_answered_the_same() {
    let stand = Stand::open();
    let mut alice = stand.granted();
    stand
        .proxy
        .meddle(|asked, body| (asked != "POST /v1/checkouts").then_some(body));
    let lost = alice.checkout("G-1");
    assert!(
        matches!(
            lost,
            Err(ActorError::Client(ClientError::Unreachable { .. }))
        ),
        "{lost:?}"
    );
    stand.proxy.meddle(|_, body| Some(body));
    // Another process of the same person: what was signed and the key lie on disk.
    let out = stand.actor("alice").checkout("G-1").unwrap();
    let grant = alice.client().grant("G-1").unwrap();
    assert_eq!(grant.checkouts, 1, "one statement is one checkout");
    let again = alice.checkout("G-1").unwrap();
    assert_eq!(again.credential, out.credential);
    assert_eq!(alice.client().grant("G-1").unwrap().checkouts, 2);
}

#[test]
fn an_act_whose_answer_was_lost_takes_effect_once() {
    let stand = Stand::open();
    let mut alice = stand.actor("alice");
    let mut lose = true;
    stand.proxy.meddle(move |asked, body| {
        let lost = asked == "POST /v1/acts" && std::mem::take(&mut lose);
        (!lost).then_some(body)
    });
    let outcome = alice.declare(declaration()).unwrap();
    assert!(outcome.repeated());
    assert_eq!(alice.client().incidents().unwrap().len(), 1);
}

#[test]
fn an_altered_request_is_not_signed() {
    let stand = Stand::open();
    stand.request();
    let mut bob = stand.actor("bob");
    stand.replace(
        "GET /v1/requests/R-1",
        r#"\"duration_s\":14400"#,
        r#"\"duration_s\":86400"#,
    );
    let refused = bob.approve("R-1", None).unwrap_err();
    assert_eq!(refused.class(), Class::Tampered, "{refused}");
    stand.replace(
        "GET /v1/requests/R-1",
        r#""reference":"R-1""#,
        r#""reference":"R-2""#,
    );
    let refused = bob.approve("R-1", None).unwrap_err();
    let differs = ActorError::Dossier(DossierError::EntryDiffers {
        reference: "R-2".to_owned(),
        what: "the reference",
    });
    assert_eq!(refused.to_string(), differs.to_string());
    stand.proxy.meddle(|_, body| Some(body));
    bob.approve("R-1", None).unwrap();
}

#[test]
fn terms_that_the_authority_does_not_set_are_not_signed() {
    let stand = Stand::open();
    let mut alice = stand.request();
    let wish = RequestWish::credential("INC-1", ACCOUNT, prose("again"));
    stand.replace("GET /v1/terms", r#""approvals":2"#, r#""approvals":1"#);
    let refused = alice.request(&wish).unwrap_err();
    assert_eq!(refused.class(), Class::Tampered, "{refused}");
    assert!(refused.to_string().contains("the entitlement"), "{refused}");
}

#[test]
fn a_server_that_hides_its_consistency_is_caught() {
    let stand = Stand::open();
    let mut alice = stand.request();
    stand.proxy.meddle(|asked, body| {
        // A proof of other hashes: what a forked log could show.
        let proof = asked.contains("/v1/log/consistency");
        Some(if proof { b"[]".to_vec() } else { body })
    });
    let refused = alice.note("INC-1", prose("on it")).unwrap_err();
    assert_eq!(refused.class(), Class::Forked, "{refused}");
    let ActorError::Trust(TrustError::Pin(PinError::Fork(fork))) = refused else {
        panic!("{refused}");
    };
    for path in &fork.evidence {
        let kept = std::fs::read_to_string(path).unwrap();
        assert!(kept.starts_with("breakglass.demo/log\n"), "{kept}");
    }
}

#[test]
fn another_installation_is_not_joined() {
    let (ours, theirs) = (Stand::open(), Stand::open());
    let clock = Box::new(ours.house.clock.clone());
    let refused = ours
        .house
        .stage
        .actor(&theirs.house.url, "alice", KEY, clock);
    let error = std::error::Error::source(&refused.unwrap_err())
        .unwrap()
        .to_string();
    assert!(error.contains("pinned is"), "{error}");
}
