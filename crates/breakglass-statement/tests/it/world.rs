//! An installation with people who hold keys of every type, from fixed seeds.

use breakglass_format::{
    Blank, Digest, Line, Name, Nonce, PersonId, Principal, Prose, Timestamp,
    act::{Act, Command, Note, Object, Resolve},
    authority::{
        Account, Authority, Clocks, Entitlement, Key, LogIdentity, Machine, Node, Person, Roots,
        Scenario,
    },
    statement::{
        Approval, AuthorityRef, Checkout, ControlPlane, Denial, Enroll, Kem, Kind, LogHead,
        Purpose, Release, Request, RequestAccount, RequestIncident, Requester, Session, Signer,
        Statement, Suspend, SuspendTarget,
    },
    vocabulary::{Custody, Origin, PurposeKind, Severity},
};
use breakglass_statement::{
    AuthoritySet, StatementError, VerifiedSession, verify_request, verify_session,
};

use crate::keys::{ORIGIN, TestKey};

pub(crate) const GENESIS_AT: &str = "2026-01-05T09:00:00.000Z";
pub(crate) const NOW: &str = "2026-01-06T10:00:00.000Z";
/// What the people who are no roots may sign.
pub(crate) const KINDS: &[Kind] = &[
    Kind::Enroll,
    Kind::Request,
    Kind::Approval,
    Kind::Denial,
    Kind::Checkout,
    Kind::Session,
    Kind::Suspend,
    Kind::Act,
];

pub(crate) fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

pub(crate) fn now() -> Timestamp {
    at(NOW)
}

pub(crate) fn line(text: &str) -> Line {
    Line::new(text).unwrap()
}

pub(crate) fn prose(text: &str) -> Prose {
    Prose::new(text).unwrap()
}

pub(crate) fn name(text: &str) -> Name {
    text.parse().unwrap()
}

pub(crate) fn principal(text: &str) -> Principal {
    text.parse().unwrap()
}

pub(crate) fn person_id(text: &str) -> PersonId {
    format!("per_{text}").parse().unwrap()
}

/// A person with keys.
#[derive(Clone)]
pub(crate) struct Somebody {
    pub(crate) name: &'static str,
    pub(crate) keys: Vec<TestKey>,
    pub(crate) root: bool,
}

impl Somebody {
    pub(crate) fn new(name: &'static str, keys: Vec<TestKey>, root: bool) -> Self {
        Self { name, keys, root }
    }

    pub(crate) fn key(&self) -> &TestKey {
        &self.keys[0]
    }

    pub(crate) fn signer(&self) -> Signer {
        signer(self.name, self.key())
    }

    pub(crate) fn entry(&self) -> Person {
        let mut namespaces = KINDS.to_vec();
        if self.root {
            namespaces.insert(0, Kind::Authority);
        }
        Person {
            person: person_id(self.name),
            principal: principal(self.name),
            name: line(self.name),
            groups: vec![name("oncall")],
            privileges: Vec::new(),
            keys: self
                .keys
                .iter()
                .map(|k| key_entry(k, &namespaces))
                .collect(),
        }
    }
}

pub(crate) fn signer(name: &str, key: &TestKey) -> Signer {
    Signer {
        key: key.fingerprint(),
        person: person_id(name),
        principal: principal(name),
    }
}

pub(crate) fn key_entry(key: &TestKey, namespaces: &[Kind]) -> Key {
    Key {
        fingerprint: key.fingerprint(),
        public_key: line(&key.public.line()),
        namespaces: namespaces.to_vec(),
        not_before: at("2026-01-01T00:00:00.000Z"),
        not_after: Blank::NONE,
        origins: if key.is_passkey() {
            vec![line(ORIGIN)]
        } else {
            Vec::new()
        },
    }
}

/// Alice asks; bob, erin and pia answer; carol, dave and erin are roots, two of whom are needed.
pub(crate) struct World {
    pub(crate) alice: Somebody,
    pub(crate) bob: Somebody,
    pub(crate) carol: Somebody,
    pub(crate) dave: Somebody,
    pub(crate) erin: Somebody,
    pub(crate) pia: Somebody,
    pub(crate) set: AuthoritySet,
}

pub(crate) fn people() -> [Somebody; 6] {
    [
        Somebody::new(
            "alice",
            vec![TestKey::ed25519(1), TestKey::ed25519(2)],
            false,
        ),
        Somebody::new("bob", vec![TestKey::ecdsa(3)], false),
        Somebody::new(
            "carol",
            vec![TestKey::ed25519(4), TestKey::ed25519(5)],
            true,
        ),
        Somebody::new("dave", vec![TestKey::ecdsa(6)], true),
        Somebody::new("erin", vec![TestKey::sk_ed25519(7)], true),
        Somebody::new("pia", vec![TestKey::passkey(8)], false),
    ]
}

pub(crate) fn kem(byte: u8) -> Kem {
    use base64::{Engine as _, engine::general_purpose::STANDARD};
    Kem {
        alg: line("X25519"),
        pk: line(&STANDARD.encode([byte; 32])),
    }
}

pub(crate) fn genesis_of(people: &[Somebody]) -> Authority {
    Authority {
        kind: Kind::Authority,
        accounts: vec![Account {
            id: "acc_orders_db".parse().unwrap(),
            name: name("orders-db-root"),
            system: line("orders database"),
            custody: Custody::Server,
            rotator: Blank::NONE,
            connector: Blank::NONE,
            shared: false,
            rotate_after_s: 0,
            on_server_loss: prose("The password stays valid until a person rotates it."),
        }],
        clocks: Clocks::default(),
        entitlements: vec![entitlement()],
        issued_at: at(GENESIS_AT),
        log: LogIdentity {
            origin: line("bg.example/log"),
            vkey: line("bg.example/log+00000000+AQ=="),
        },
        machines: vec![Machine {
            name: name("rotator-1"),
            public_key: line(&TestKey::ed25519(90).public.line()),
            rotates: Vec::new(),
        }],
        nodes: vec![Node {
            name: name("node-1"),
            kem: kem(9),
        }],
        people: people.iter().map(Somebody::entry).collect(),
        previous: Blank::NONE,
        roots: Roots {
            threshold: 2,
            persons: people
                .iter()
                .filter(|p| p.root)
                .map(|p| person_id(p.name))
                .collect(),
        },
        scenarios: vec![Scenario {
            name: name("outage"),
            actions: vec![name("rollback")],
            service_required: false,
            threat_required: false,
            control_plane_down: false,
            stakeholders: Vec::new(),
            cab_notice_s: 0,
            review_s: 172_800,
        }],
        title: line("Example"),
        version: 1,
    }
}

fn entitlement() -> Entitlement {
    Entitlement {
        name: name("orders-db"),
        accounts: vec!["acc_orders_db".parse().unwrap()],
        requesters: vec![name("oncall")],
        approvers: vec![name("oncall")],
        require_each: Vec::new(),
        approvals: 2,
        tiers: Vec::new(),
        min_presence_approvals: 0,
        min_ssh_approvals: 1,
        max_duration_s: 14_400,
        absolute_cap_s: 43_200,
        approve_within_s: 3_600,
        scenarios: vec![name("outage")],
    }
}

/// The next version of a document, unchanged but for what makes it the next.
pub(crate) fn next_of(set: &AuthoritySet, issued_at: &str) -> Authority {
    let current = set.current();
    Authority {
        previous: current.digest().into(),
        version: current.authority().version + 1,
        issued_at: at(issued_at),
        ..current.authority().clone()
    }
}

/// Signatures of an authority document, each under the person's first key.
pub(crate) fn root_signatures(bytes: &[u8], people: &[&Somebody]) -> Vec<(Principal, String)> {
    let namespace = Kind::Authority.namespace();
    let sign = |p: &&Somebody| (principal(p.name), p.key().sign(namespace, bytes));
    people.iter().map(sign).collect()
}

/// What is signed, and the signature.
pub(crate) fn signed<S: Statement>(statement: &S, key: &TestKey) -> (Vec<u8>, String) {
    let bytes = statement.to_bytes().unwrap();
    let armoured = key.sign(S::KIND.namespace(), &bytes);
    (bytes, armoured)
}

impl World {
    pub(crate) fn new() -> Self {
        let people = people();
        let bytes = genesis_of(&people).to_bytes().unwrap();
        let roots: Vec<&Somebody> = people.iter().filter(|p| p.root).collect();
        let set = AuthoritySet::genesis(&bytes, &root_signatures(&bytes, &roots), None).unwrap();
        let [alice, bob, carol, dave, erin, pia] = people;
        Self {
            alice,
            bob,
            carol,
            dave,
            erin,
            pia,
            set,
        }
    }

    pub(crate) fn instance(&self) -> Digest {
        self.set.instance()
    }

    pub(crate) fn named(&self) -> AuthorityRef {
        self.set.current_ref()
    }

    pub(crate) fn request(&self) -> Request {
        let signer = self.alice.signer();
        Request {
            kind: Kind::Request,
            account: RequestAccount {
                binding: Digest::from_bytes([1; 32]),
                custody: Custody::Server,
                id: "acc_orders_db".parse().unwrap(),
                name: name("orders-db-root"),
            },
            approve_by: now().plus_s(3_600),
            authority: self.named(),
            control_plane: ControlPlane::default(),
            drill: false,
            duration_s: 3_600,
            extends: Blank::NONE,
            incident: RequestIncident {
                event: Digest::from_bytes([2; 32]),
                id: "019b9275-4800-7000-8000-000000000001".parse().unwrap(),
                scenario: name("outage"),
                severity: Severity::Sev1,
            },
            instance: self.instance(),
            issued_at: now(),
            justification: prose("Orders are down; the primary must be failed over by hand."),
            log: head(12),
            nonce: Nonce::from_bytes([3; 32]),
            on_server_loss: prose("The password stays valid until a person rotates it."),
            origin: Origin::Online,
            purpose: Purpose {
                action: name("credential_access"),
                artifact: line(""),
                kind: PurposeKind::Credential,
                plan: Blank::NONE,
                target: line("prod/orders-db-1"),
            },
            recording: name("none"),
            requester: Requester {
                kem: kem(7),
                key: signer.key,
                person: signer.person,
                principal: signer.principal,
            },
            uses: 0,
            warnings: Vec::new(),
        }
    }

    pub(crate) fn approval(&self, by: &Somebody) -> Approval {
        Approval {
            kind: Kind::Approval,
            approver: by.signer(),
            duration_s: 1_800,
            log: head(13),
            release: Release {},
            request: self.request(),
            signed_at: now().plus_s(60),
        }
    }

    pub(crate) fn denial(&self, by: &Somebody) -> Denial {
        Denial {
            kind: Kind::Denial,
            approver: by.signer(),
            duration_s: 0,
            log: head(13),
            reason: prose("Use the read replica."),
            release: Release {},
            request: self.request(),
            signed_at: now().plus_s(60),
        }
    }

    pub(crate) fn checkout(&self) -> Checkout {
        Checkout {
            kind: Kind::Checkout,
            authority: self.named(),
            grant: "019b9275-4800-7000-8000-000000000002".parse().unwrap(),
            instance: self.instance(),
            issued_at: now().plus_s(120),
            kem: kem(7),
            nonce: Nonce::from_bytes([4; 32]),
            signer: self.alice.signer(),
        }
    }

    pub(crate) fn enroll(&self, who: &Somebody) -> Enroll {
        Enroll {
            kind: Kind::Enroll,
            authority: AuthorityRef::default(),
            fingerprint: who.key().fingerprint(),
            genesis: self.instance(),
            instance: Blank::NONE,
            issued_at: now(),
            namespaces: who.entry().keys[0].namespaces.clone(),
            nonce: Nonce::from_bytes([5; 32]),
            person: person_id(who.name),
            signer: who.signer(),
        }
    }

    pub(crate) fn session(&self) -> Session {
        Session {
            kind: Kind::Session,
            authority: self.named(),
            instance: self.instance(),
            issued_at: now(),
            nonce: Nonce::from_bytes([6; 32]),
            not_after: now().plus_s(8 * 3_600),
            session_key: line(&session_key().public.line()),
            signer: self.alice.signer(),
        }
    }

    /// Carol's key was stolen, says alice.
    pub(crate) fn suspend(&self) -> Suspend {
        Suspend {
            kind: Kind::Suspend,
            authority: self.named(),
            instance: self.instance(),
            issued_at: now(),
            nonce: Nonce::from_bytes([7; 32]),
            reason: prose("The laptop was stolen."),
            signer: self.alice.signer(),
            target: SuspendTarget {
                key: Some(self.carol.key().fingerprint()).into(),
                person: person_id("carol"),
            },
        }
    }

    pub(crate) fn verified_session(&self) -> VerifiedSession {
        let (bytes, armoured) = signed(&self.session(), self.alice.key());
        verify_session(&bytes, &armoured, &self.set).unwrap()
    }

    /// A note by alice's enrolled key.
    pub(crate) fn note(&self) -> Act {
        Act {
            kind: Kind::Act,
            authority: self.named(),
            command: Command::Note(Note {
                text: prose("Failover done."),
            }),
            documents: Vec::new(),
            instance: self.instance(),
            issued_at: now().plus_s(300),
            nonce: Nonce::from_bytes([8; 32]),
            object: Object {
                head: Blank::NONE,
                id: line("019b9275-4800-7000-8000-000000000001"),
            },
            session: Blank::NONE,
            signer: self.alice.signer(),
        }
    }

    /// The same note by the key of alice's session.
    pub(crate) fn session_note(&self) -> Act {
        Act {
            session: self.verified_session().digest().into(),
            signer: signer("alice", &session_key()),
            ..self.note()
        }
    }

    pub(crate) fn resolve(&self) -> Command {
        Command::Resolve(Resolve {
            summary: prose("Failed over."),
        })
    }

    /// Verifies a request by alice's key.
    pub(crate) fn verify_request(&self, request: &Request) -> Result<(), StatementError> {
        let (bytes, armoured) = signed(request, self.alice.key());
        verify_request(&bytes, &armoured, &self.set).map(drop)
    }
}

pub(crate) fn session_key() -> TestKey {
    TestKey::ed25519(20)
}

pub(crate) fn head(size: i64) -> LogHead {
    LogHead {
        root: Digest::from_bytes([9; 32]),
        size,
    }
}
