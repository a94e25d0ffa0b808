//! What people sign, ready to be submitted. Every statement has a fresh nonce and the time it is.

use std::fmt::Display;

use breakglass_core::{
    Command, World,
    command::{Handout, Observation, Prepared, Publication},
    terms,
};
use breakglass_format::{
    Blank, Digest, EventId, Fingerprint, GrantId, IncidentId, Nonce, RequestId,
    act::{
        Act, Action, AddCredential, AttestRotation, Because, Command as ActCommand, Declare,
        NoArgs, Note, Object, Record, Resolve,
    },
    authority::Authority,
    statement::{
        Approval, AuthorityRef, Checkout, ControlPlane, Denial, Enroll, Kem, Kind, LogHead,
        Release, Request, RequestAccount, RequestIncident, Requester, Session, Signer, Suspend,
        SuspendTarget, Warning,
    },
    vocabulary::{Origin, PurposeKind, Severity, Verdict},
};
use breakglass_statement::{Presence, Verified, digest};

use crate::{
    Wish,
    harness::{Given, digest_of},
    people::{Hand, account, line, name, prose},
};

/// A rollback of `shop.example`.
#[must_use]
pub fn rollback() -> Action {
    Action {
        action: name("rollback"),
        artifact: line(""),
        plan: Blank::NONE,
        target: line("shop.example"),
    }
}

/// A production outage of the shop, led by erin.
#[must_use]
pub fn outage() -> Declare {
    Declare {
        commander: "erin".parse().expect("a principal"),
        cves: Vec::new(),
        drill: false,
        justification: prose("Checkout answers 500 to every customer."),
        scenario: name("production-outage"),
        service: line("checkout"),
        severity: Severity::Sev1,
        threat: prose(""),
        title: line("Checkout is down"),
    }
}

/// The control plane is gone, under erin.
#[must_use]
pub fn failure() -> Declare {
    Declare {
        scenario: name("system-failure"),
        service: line(""),
        title: line("The control plane is gone"),
        ..outage()
    }
}

/// Statements by people.
impl Given {
    /// `probe`: somebody has the control plane asked.
    pub fn probe(&mut self, hand: Hand, incident: IncidentId) -> Command {
        self.act(hand, incident, ActCommand::Probe(NoArgs {}))
    }

    /// Proof that a person holds a key.
    ///
    /// # Panics
    ///
    /// It cannot be asserted; so with every statement here.
    pub fn enroll(&mut self, hand: Hand) -> Command {
        let enroll = Enroll {
            kind: Kind::Enroll,
            authority: AuthorityRef::default(),
            fingerprint: hand.key(),
            genesis: self.instance(),
            instance: Blank::NONE,
            issued_at: self.now(),
            namespaces: vec![Kind::Request, Kind::Approval],
            nonce: self.nonce(),
            person: hand.person(),
            signer: signer(hand),
        };
        let enroll = Verified::<Enroll>::assertion(enroll, evidence(hand)).expect("an enrolment");
        Command::Enroll(Box::new(enroll))
    }

    /// Somebody, or one of their keys, shall count no longer.
    pub fn suspend(&mut self, hand: Hand, of: Hand, key: Option<Fingerprint>) -> Command {
        let suspend = Suspend {
            kind: Kind::Suspend,
            authority: self.authority_ref(),
            instance: self.instance(),
            issued_at: self.now(),
            nonce: self.nonce(),
            reason: prose("The laptop was stolen."),
            signer: signer(hand),
            target: SuspendTarget {
                key: key.into(),
                person: of.person(),
            },
        };
        let suspend = Verified::<Suspend>::assertion(suspend, evidence(hand)).expect("a text");
        Command::Suspend(Box::new(suspend))
    }

    /// A session of so many seconds.
    pub fn open_session(&mut self, hand: Hand, s: i64) -> Command {
        let session = Session {
            kind: Kind::Session,
            authority: self.authority_ref(),
            instance: self.instance(),
            issued_at: self.now(),
            nonce: self.nonce(),
            not_after: self.now().plus_s(s),
            session_key: line(&hand.session_key().line()),
            signer: signer(hand),
        };
        let session = Verified::<Session>::assertion(session, evidence(hand)).expect("a session");
        Command::OpenSession(Box::new(session))
    }

    /// A wish, under the incident declared last.
    pub fn ask(&mut self, hand: Hand, wish: &Wish) -> Command {
        let incident = self.incident();
        self.ask_under(incident, hand, wish)
    }

    /// A wish, under this incident.
    pub fn ask_under(&mut self, incident: IncidentId, hand: Hand, wish: &Wish) -> Command {
        self.ask_with(incident, hand, wish, |_| ())
    }

    /// A wish, under this incident, changed before it is signed.
    pub fn ask_with(
        &mut self,
        incident: IncidentId,
        hand: Hand,
        wish: &Wish,
        change: impl FnOnce(&mut Request),
    ) -> Command {
        let mut request = self.write_request(incident, hand, wish);
        change(&mut request);
        let request = Verified::<Request>::assertion(request, evidence(hand)).expect("a request");
        Command::Request(Box::new(request))
    }

    /// Yes to a request on record, for as long as was asked.
    pub fn approve(&mut self, hand: Hand, request: RequestId) -> Command {
        self.approve_with(hand, request, |_| ())
    }

    /// Yes to a request on record, changed before it is signed.
    pub fn approve_with(
        &mut self,
        hand: Hand,
        request: RequestId,
        change: impl FnOnce(&mut Approval),
    ) -> Command {
        let request = self.request_text(request).expect("a request").clone();
        let mut approval = Approval {
            kind: Kind::Approval,
            approver: signer(hand),
            duration_s: request.duration_s,
            log: self.head(),
            release: Release {},
            request,
            signed_at: self.now(),
        };
        change(&mut approval);
        let approval =
            Verified::<Approval>::assertion(approval, evidence(hand)).expect("an approval");
        Command::Approve(Box::new(approval))
    }

    /// No to a request on record.
    pub fn deny(&mut self, hand: Hand, request: RequestId) -> Command {
        let denial = Denial {
            kind: Kind::Denial,
            approver: signer(hand),
            duration_s: 0,
            log: self.head(),
            reason: prose("There is another way."),
            release: Release {},
            request: self.request_text(request).expect("a request").clone(),
            signed_at: self.now(),
        };
        let denial = Verified::<Denial>::assertion(denial, evidence(hand)).expect("a denial");
        Command::Deny(Box::new(denial))
    }

    /// A checkout of the current credential.
    pub fn checkout(&mut self, hand: Hand, grant: GrantId) -> Command {
        let current = |world: &World| {
            let account = &world.grant(&grant)?.account.id;
            Some(world.account(account)?.current?.version)
        };
        let version = current(self.world()).unwrap_or(1);
        self.checkout_version(hand, grant, version)
    }

    /// A checkout that the server answers with this version.
    pub fn checkout_version(&mut self, hand: Hand, grant: GrantId, version: i64) -> Command {
        let checkout = Checkout {
            kind: Kind::Checkout,
            authority: self.authority_ref(),
            grant,
            instance: self.instance(),
            issued_at: self.now(),
            kem: kem(),
            nonce: self.nonce(),
            signer: signer(hand),
        };
        let envelope = digest(checkout.nonce.as_bytes());
        let checkout =
            Verified::<Checkout>::assertion(checkout, evidence(hand)).expect("a checkout");
        Command::Checkout(Box::new(checkout), Handout { envelope, version })
    }

    /// A version of the authority, signed by all root persons or only by enough.
    #[must_use]
    pub fn publish(&self, authority: Authority, all_roots: bool) -> Command {
        Command::Publish(Publication {
            digest: digest_of(&authority),
            authority: authority.into(),
            all_roots,
            signatures: Vec::new(),
        })
    }
}

/// Acts.
impl Given {
    /// An act.
    pub fn act(&mut self, hand: Hand, object: impl Display, command: ActCommand) -> Command {
        self.act_with(hand, object, command, |_| ())
    }

    /// An act, changed before it is signed.
    pub fn act_with(
        &mut self,
        hand: Hand,
        object: impl Display,
        command: ActCommand,
        change: impl FnOnce(&mut Act),
    ) -> Command {
        let prepared = self.prepare(&object.to_string(), &command);
        let mut signer = signer(hand);
        if hand.session().is_some() {
            signer.key = hand.session_key().fingerprint();
        }
        let documents = match command {
            ActCommand::AddCredential(_) => vec![digest(b"the import, sealed to the node")],
            ActCommand::SetContact(_) => vec![digest(self.nonce().to_string().as_bytes())],
            _ => Vec::new(),
        };
        let mut act = Act {
            kind: Kind::Act,
            authority: self.authority_ref(),
            command,
            documents,
            instance: self.instance(),
            issued_at: self.now(),
            nonce: self.nonce(),
            object: Object {
                head: Blank::NONE,
                id: line(&object.to_string()),
            },
            session: hand.session().into(),
            signer,
        };
        change(&mut act);
        let act = Verified::<Act>::assertion(act, hand.key(), evidence(hand)).expect("an act");
        Command::Act(Box::new(act), prepared)
    }

    /// An act that names the last event its signer saw.
    pub fn act_seeing(
        &mut self,
        hand: Hand,
        object: impl Display,
        seen: EventId,
        command: ActCommand,
    ) -> Command {
        self.act_with(hand, object, command, |act| {
            act.object.head = Some(seen).into();
        })
    }

    /// `declare`.
    pub fn declare(&mut self, hand: Hand, args: Declare) -> Command {
        self.act(hand, "", ActCommand::Declare(args))
    }

    /// `note`.
    pub fn note(&mut self, hand: Hand, incident: IncidentId, text: &str) -> Command {
        let args = Note { text: prose(text) };
        self.act(hand, incident, ActCommand::Note(args))
    }

    /// `record`, of a rollback.
    pub fn document(&mut self, hand: Hand, grant: GrantId, description: &str) -> Command {
        let args = Record {
            action: name("rollback"),
            description: prose(description),
            target: line("shop.example"),
        };
        self.act(hand, grant, ActCommand::Record(args))
    }

    /// `withdraw`.
    pub fn withdraw(&mut self, hand: Hand, request: RequestId) -> Command {
        self.act(hand, request, ActCommand::Withdraw(NoArgs {}))
    }

    /// `return`.
    pub fn give_back(&mut self, hand: Hand, grant: GrantId) -> Command {
        self.act(hand, grant, ActCommand::Return(NoArgs {}))
    }

    /// `revoke`.
    pub fn revoke(&mut self, hand: Hand, grant: GrantId) -> Command {
        self.act(hand, grant, ActCommand::Revoke(because("It looks wrong.")))
    }

    /// `cancel`.
    pub fn cancel(&mut self, hand: Hand, run: impl Display) -> Command {
        self.act(hand, run, ActCommand::Cancel(because("Not this one.")))
    }

    /// `plan`, of a rollback.
    pub fn plan(&mut self, hand: Hand, grant: GrantId) -> Command {
        self.act(hand, grant, ActCommand::Plan(rollback()))
    }

    /// `run`, of a rollback.
    pub fn order(&mut self, hand: Hand, grant: GrantId) -> Command {
        let mut action = rollback();
        let purpose = self.world().grant(&grant).map(|g| g.purpose.clone());
        if let Some(purpose) = purpose.filter(|p| p.kind == PurposeKind::Action) {
            action.action = purpose.action;
        }
        self.act(hand, grant, ActCommand::Run(action))
    }

    /// `resolve`.
    pub fn resolve(&mut self, hand: Hand, incident: IncidentId) -> Command {
        let args = Resolve {
            summary: prose("Rolled back; checkout answers again."),
        };
        self.act(hand, incident, ActCommand::Resolve(args))
    }

    /// `add_credential`, of a user name and a password.
    pub fn add_credential(&mut self, hand: Hand, account: &str) -> Command {
        let fields = vec![name("password"), name("username")];
        self.act(
            hand,
            account,
            ActCommand::AddCredential(AddCredential { fields }),
        )
    }

    /// `set_contact`.
    pub fn set_contact(&mut self, hand: Hand) -> Command {
        self.act(hand, "", ActCommand::SetContact(NoArgs {}))
    }

    /// `rotate`.
    pub fn order_rotation(&mut self, hand: Hand, account: &str) -> Command {
        self.act(hand, account, ActCommand::Rotate(because("To be sure.")))
    }

    /// `attest_rotation`, of the version that is current.
    pub fn attest_rotation(&mut self, hand: Hand, account: &str) -> Command {
        let id = account.parse().ok();
        let current = id.and_then(|id| self.world().account(&id)?.current);
        let args = AttestRotation {
            how: prose("Changed in the console; the old password is refused."),
            version: current.map_or(0, |c| c.version),
        };
        self.act(hand, account, ActCommand::AttestRotation(args))
    }

    /// What the server prepares outside the writer.
    fn prepare(&self, object: &str, command: &ActCommand) -> Prepared {
        match command {
            ActCommand::AddCredential(_) => {
                let account = object.parse().ok();
                let version = account.map_or(1, |id| self.world().next_version(&id));
                Prepared::Sealed {
                    sealed: sealed(object, version),
                    version,
                }
            }
            ActCommand::Probe(_) => Prepared::Probed(seen(Verdict::Down)),
            _ => Prepared::Nothing,
        }
    }
}

/// Parts of statements.
impl Given {
    fn write_request(&mut self, incident: IncidentId, hand: Hand, wish: &Wish) -> Request {
        let id = account(wish.account);
        let person = hand.person();
        let warnings = terms(self.world(), &person, &id, &incident).map(|t| t.warnings);
        let warnings = warnings.unwrap_or_default().into_iter().map(|(w, _)| w);
        let warnings: Vec<Warning> = warnings.collect();
        let authority = self.authority();
        let object = authority.account(&id);
        let on_record = self.world().incident(&incident);
        Request {
            kind: Kind::Request,
            account: RequestAccount {
                binding: object.map_or(digest(b""), terms::binding),
                custody: object.map_or(breakglass_format::vocabulary::Custody::Server, |a| {
                    a.custody
                }),
                name: object.map_or(name("unknown"), |a| a.name.clone()),
                id,
            },
            approve_by: self.now().plus_s(3600),
            authority: self.authority_ref(),
            control_plane: self.control_plane(incident, wish),
            drill: on_record.is_some_and(|i| i.drill),
            duration_s: wish.duration_s,
            extends: wish.extends.into(),
            incident: RequestIncident {
                event: on_record.map_or(digest(b""), |i| i.leaf),
                id: incident,
                scenario: on_record.map_or(name("unknown"), |i| i.scenario.clone()),
                severity: on_record.map_or(Severity::Sev1, |i| i.severity),
            },
            instance: self.instance(),
            issued_at: self.now(),
            justification: prose("Checkout is down."),
            log: self.head(),
            nonce: self.nonce(),
            on_server_loss: object.map_or(prose(""), |a| a.on_server_loss.clone()),
            origin: Origin::Online,
            purpose: wish.purpose.clone(),
            recording: name("none"),
            requester: Requester {
                kem: kem(),
                key: hand.key(),
                person,
                principal: hand.principal(),
            },
            uses: wish.uses,
            warnings,
        }
    }

    /// The latest verdict, where the scenario asks for one.
    fn control_plane(&self, incident: IncidentId, wish: &Wish) -> ControlPlane {
        let on_record = self.world().incident(&incident);
        let asks = on_record.filter(|i| self.world().asks_for_probes(i));
        ControlPlane {
            attested: prose(wish.attested),
            probe: asks.and_then(|i| i.probed()).map(|p| p.event).into(),
        }
    }

    fn instance(&self) -> Digest {
        self.world().instance().expect("the log has begun")
    }

    fn authority_ref(&self) -> AuthorityRef {
        let version = self.world().authority().expect("an authority");
        AuthorityRef {
            digest: version.digest.into(),
            version: version.authority.version,
        }
    }

    fn head(&self) -> LogHead {
        LogHead {
            root: digest(b"root"),
            size: i64::try_from(self.world().size()).unwrap_or(i64::MAX),
        }
    }

    fn nonce(&mut self) -> Nonce {
        Nonce::from_bytes(*digest(&self.random()).as_bytes())
    }
}

/// What the probes see.
#[must_use]
pub fn seen(verdict: Verdict) -> Observation {
    Observation {
        verdict,
        detail: line("as the probes say"),
        evidence: Some(digest(b"samples")),
    }
}

/// A reason.
#[must_use]
pub fn because(reason: &str) -> Because {
    Because {
        reason: prose(reason),
    }
}

/// The digest of the sealed object that holds this version of an account's credential.
#[must_use]
pub fn sealed(account: &str, version: i64) -> Digest {
    digest(format!("{account} version {version}").as_bytes())
}

fn signer(hand: Hand) -> Signer {
    Signer {
        key: hand.key(),
        person: hand.person(),
        principal: hand.principal(),
    }
}

fn evidence(hand: Hand) -> Presence {
    Presence {
        user_present: hand.touches(),
        user_verified: false,
        browser: hand
            .is_in_browser()
            .then(|| "https://breakglass.example".to_owned()),
        counter: 0,
    }
}

fn kem() -> Kem {
    Kem {
        alg: line("X25519"),
        pk: line("QkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkI="),
    }
}
