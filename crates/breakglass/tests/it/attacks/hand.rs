//! A hand that signs whatever it likes and posts it past the client's own checks.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use breakglass::{
    actor::Actor,
    demo::KEY,
    entropy::{SystemEntropy, random},
    signer::{KeyFileSigner, Signer, generate_ed25519, key_file, open_file},
};
use breakglass_api::{
    Client, ClientError, Problem,
    wire::{Accepted, RequestTerms, Signed, Submission},
};
use breakglass_format::{
    Blank, Digest, GrantId, Line, Nonce, PersonId, Prose, Timestamp,
    act::{Act, Command, Object},
    statement::{
        self, Approval, AuthorityRef, Checkout, ControlPlane, Denial, Enroll, Kem, Kind, LogHead,
        Purpose, Release, Request, Requester, Session, Statement, Suspend, SuspendTarget,
    },
    vocabulary::{Origin, PurposeKind},
};
use breakglass_seal::{KEM_ALGORITHM, OneTimeKey};
use breakglass_statement::digest;

use crate::scene::Scene;

/// Somebody's name, and a key that may or may not be theirs.
pub(crate) struct Hand {
    pub(crate) key: Box<dyn Signer>,
    pub(crate) name: statement::Signer,
    pub(crate) instance: Digest,
    pub(crate) authority: AuthorityRef,
    pub(crate) now: Timestamp,
    client: Client,
    session: Option<Signed>,
}

impl Hand {
    /// A person with their enrolled key.
    pub(crate) fn enrolled(scene: &Scene, actor: &Actor) -> Self {
        let principal = actor.identity().principal.as_str();
        Self::with_file(scene, actor, principal, KEY)
    }

    /// A person's name with a key file of anybody's.
    pub(crate) fn with_file(scene: &Scene, actor: &Actor, whose: &str, file: &str) -> Self {
        let key = open_file(&scene.stage.home(whose).join(file)).unwrap();
        Self::with(scene, actor, key, None)
    }

    /// A person's name with a key that nobody knows.
    pub(crate) fn stranger(scene: &Scene, actor: &Actor) -> Self {
        Self::with(scene, actor, Box::new(new_key()), None)
    }

    /// A person's session, as a thief of its file has it: the key and its certificate.
    pub(crate) fn session(scene: &Scene, actor: &Actor) -> Self {
        let session = actor.session().unwrap();
        let parsed = key_file::parse(session.key_file().as_bytes()).unwrap();
        let key_file::Parsed::Plain(key) = parsed else {
            panic!("a session key has no passphrase");
        };
        let key = KeyFileSigner::new(key).unwrap();
        Self::with(
            scene,
            actor,
            Box::new(key),
            Some(session.certificate.clone()),
        )
    }

    fn with(scene: &Scene, actor: &Actor, key: Box<dyn Signer>, session: Option<Signed>) -> Self {
        let identity = actor.identity();
        Self {
            name: statement::Signer {
                key: key.fingerprint(),
                person: identity.person.clone(),
                principal: identity.principal.clone(),
            },
            key,
            instance: scene.stage.genesis,
            authority: actor.trust().authorities().current_ref(),
            now: scene.now(),
            client: actor.client().clone(),
            session,
        }
    }

    /// The certificate of the session, where there is one.
    pub(crate) fn certificate(&self) -> Option<&Signed> {
        self.session.as_ref()
    }

    /// An act.
    pub(crate) fn act(&self, command: Command, object: &str) -> Act {
        let session = self
            .session
            .as_ref()
            .map(|s| digest(s.statement.as_bytes()));
        Act {
            kind: Kind::Act,
            authority: self.authority.clone(),
            command,
            documents: Vec::new(),
            instance: self.instance,
            issued_at: self.now,
            nonce: nonce(),
            object: Object {
                head: Blank::NONE,
                id: object.parse().unwrap(),
            },
            session: Blank(session),
            signer: self.name.clone(),
        }
    }

    /// A checkout to a one-time key of one's own.
    pub(crate) fn checkout(&self, grant: GrantId) -> Checkout {
        Checkout {
            kind: Kind::Checkout,
            authority: self.authority.clone(),
            grant,
            instance: self.instance,
            issued_at: self.now,
            kem: kem(),
            nonce: nonce(),
            signer: self.name.clone(),
        }
    }

    /// A request of exactly what the terms say.
    pub(crate) fn request(&self, terms: RequestTerms) -> Request {
        let own: [u8; 16] = random(&mut SystemEntropy).unwrap();
        let nonce = format!("{}{}", terms.nonce, breakglass_format::id::hex(&own));
        Request {
            kind: Kind::Request,
            account: terms.account,
            approve_by: self.now.plus_s(3_600),
            authority: terms.authority,
            control_plane: ControlPlane::default(),
            drill: false,
            duration_s: 4 * 3_600,
            extends: Blank::NONE,
            incident: terms.incident,
            instance: self.instance,
            issued_at: self.now,
            justification: "roll back".parse().unwrap(),
            log: terms.log,
            nonce: nonce.parse().unwrap(),
            on_server_loss: Prose::new(terms.on_server_loss).unwrap(),
            origin: Origin::Online,
            purpose: Purpose {
                action: "credential_access".parse().unwrap(),
                artifact: Line::default(),
                kind: PurposeKind::Credential,
                plan: Blank::NONE,
                target: Line::default(),
            },
            recording: "none".parse().unwrap(),
            requester: Requester {
                kem: kem(),
                key: self.name.key.clone(),
                person: self.name.person.clone(),
                principal: self.name.principal.clone(),
            },
            uses: 0,
            warnings: terms.warnings,
        }
    }

    /// Yes.
    pub(crate) fn approval(&self, request: Request, log: LogHead) -> Approval {
        Approval {
            kind: Kind::Approval,
            approver: self.name.clone(),
            duration_s: request.duration_s,
            log,
            release: Release::default(),
            request,
            signed_at: self.now,
        }
    }

    /// No.
    pub(crate) fn denial(&self, request: Request, log: LogHead) -> Denial {
        Denial {
            kind: Kind::Denial,
            approver: self.name.clone(),
            duration_s: 0,
            log,
            reason: "not tonight".parse().unwrap(),
            release: Release::default(),
            request,
            signed_at: self.now,
        }
    }

    /// A session for a new key; the key comes with it.
    pub(crate) fn new_session(&self, seconds: i64) -> (Session, KeyFileSigner) {
        let key = new_key();
        let session = Session {
            kind: Kind::Session,
            authority: self.authority.clone(),
            instance: self.instance,
            issued_at: self.now,
            nonce: nonce(),
            not_after: self.now.plus_s(seconds),
            session_key: key.public_key().line().parse().unwrap(),
            signer: self.name.clone(),
        };
        (session, key)
    }

    /// Proof that one holds this hand's key.
    pub(crate) fn enrolment(&self) -> Enroll {
        Enroll {
            kind: Kind::Enroll,
            authority: AuthorityRef::default(),
            fingerprint: self.name.key.clone(),
            genesis: self.instance,
            instance: Blank::NONE,
            issued_at: self.now,
            namespaces: vec![Kind::Approval, Kind::Checkout],
            nonce: nonce(),
            person: self.name.person.clone(),
            signer: self.name.clone(),
        }
    }

    /// A suspension of somebody with every key.
    pub(crate) fn suspension(&self, person: &PersonId) -> Suspend {
        Suspend {
            kind: Kind::Suspend,
            authority: self.authority.clone(),
            instance: self.instance,
            issued_at: self.now,
            nonce: nonce(),
            reason: "to be rid of them".parse().unwrap(),
            signer: self.name.clone(),
            target: SuspendTarget {
                key: Blank::NONE,
                person: person.clone(),
            },
        }
    }

    /// Signs a statement in the namespace of its kind.
    pub(crate) fn sign<S: Statement>(&mut self, statement: &S) -> Submission {
        self.sign_as(S::KIND, statement)
    }

    /// Signs a statement in any namespace.
    pub(crate) fn sign_as<S: Statement>(&mut self, kind: Kind, statement: &S) -> Submission {
        let bytes = statement.to_bytes().unwrap();
        Submission {
            signature: self.key.sign(kind, &bytes).unwrap(),
            statement: String::from_utf8(bytes).unwrap(),
            session: self.session.clone().filter(|_| S::KIND == Kind::Act),
            attachments: Vec::new(),
        }
    }

    /// Signs and posts where statements of this kind belong.
    pub(crate) fn post<S: Statement>(&mut self, statement: &S) -> Result<Accepted, Box<Problem>> {
        let submission = self.sign(statement);
        self.send(path(S::KIND), &submission)
    }

    /// The code that a statement is refused with.
    #[track_caller]
    pub(crate) fn refused<S: Statement>(&mut self, statement: &S) -> String {
        match self.post(statement) {
            Ok(accepted) => panic!("what must be refused was accepted: {accepted:?}"),
            Err(problem) => problem.code,
        }
    }

    /// Posts anything anywhere.
    pub(crate) fn send(&self, path: &str, body: &Submission) -> Result<Accepted, Box<Problem>> {
        match self.client.post(path, body) {
            Ok(accepted) => Ok(accepted),
            Err(ClientError::Refused(problem)) => Err(problem),
            Err(error) => panic!("{path}: {error}"),
        }
    }
}

/// Where statements of a kind are posted.
pub(crate) fn path(kind: Kind) -> &'static str {
    match kind {
        Kind::Authority | Kind::Epoch => "/v1/authority",
        Kind::Enroll => "/v1/enrolments",
        Kind::Request => "/v1/requests",
        Kind::Approval => "/v1/approvals",
        Kind::Denial => "/v1/denials",
        Kind::Checkout => "/v1/checkouts",
        Kind::Session => "/v1/sessions",
        Kind::Suspend => "/v1/suspensions",
        Kind::Act => "/v1/acts",
    }
}

/// A key that nobody knows.
pub(crate) fn new_key() -> KeyFileSigner {
    let made = generate_ed25519(&mut SystemEntropy, "thief").unwrap();
    KeyFileSigner::new(made.private_key).unwrap()
}

/// A nonce that was never used.
pub(crate) fn nonce() -> Nonce {
    Nonce::from_bytes(random::<32>(&mut SystemEntropy).unwrap())
}

fn kem() -> Kem {
    let key = OneTimeKey::generate(&mut SystemEntropy).unwrap();
    Kem {
        alg: KEM_ALGORITHM.parse().unwrap(),
        pk: key.public_key().to_string().parse().unwrap(),
    }
}

/// Bytes as attachments travel.
pub(crate) fn attachment(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}
