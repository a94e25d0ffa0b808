//! Worlds at every stage of an emergency, each made from the one before.

use crate::{
    harness::Given,
    people::{ALICE, BOB, CAROL, ERIN, EVERYBODY, GRACE, HEIDI, READER, SHOP},
    statements::outage,
    wish::Wish,
};

/// A stage: what it is called, and how to get there.
pub type Stage = (&'static str, fn() -> Given);

/// The stages of one emergency on the exclusive account, in the order of its course.
pub const STAGES: &[Stage] = &[
    ("begun", Given::begun),
    ("imported", Given::imported),
    ("ready", Given::ready),
    ("declared", Given::declared),
    ("requested", Given::requested),
    ("approved once", Given::approved_once),
    ("denied", Given::denied),
    ("lapsed", Given::lapsed),
    ("withdrawn", Given::withdrawn),
    ("granted", Given::granted),
    ("checked out", Given::checked_out),
    ("ordered", Given::ordered),
    ("dispatched", Given::dispatched),
    ("verified", Given::verified),
    ("over", Given::over),
    ("returned unused", Given::returned_unused),
    ("rotating", Given::rotating),
    ("rotation failed", Given::rotation_failing),
    ("rotated", Given::rotated_after_use),
    ("resolved", Given::resolved),
    ("overdue", Given::overdue),
    ("settled", Given::settled),
    ("closed", Given::closed),
];

impl Given {
    /// The genesis is in force and every key enrolled; no credential is in custody.
    #[must_use]
    pub fn begun() -> Self {
        let mut given = Self::new();
        let genesis = given.publish((*crate::people::genesis()).clone(), true);
        given.must(&genesis);
        for hand in EVERYBODY {
            for key in [*hand, hand.touching()] {
                let enroll = given.enroll(key);
                given.must(&enroll);
            }
        }
        given.sleep_s(60);
        given
    }

    /// Two people have put a credential for an account into custody.
    #[must_use]
    pub fn importing(mut self, account: &str) -> Self {
        for hand in [GRACE, HEIDI] {
            let add = self.add_credential(hand, account);
            self.must(&add);
        }
        self
    }

    /// The credential of the exclusive account was typed in, and is not rotated yet.
    #[must_use]
    pub fn imported() -> Self {
        Self::begun().importing(SHOP)
    }

    /// The exclusive and the shared account have credentials that nobody knows.
    #[must_use]
    pub fn ready() -> Self {
        let mut given = Self::imported().importing(READER);
        given.work();
        given.sleep_s(60);
        given
    }

    /// A production outage, led by erin.
    #[must_use]
    pub fn declared() -> Self {
        let mut given = Self::ready();
        let declare = given.declare(ALICE, outage());
        given.must(&declare);
        given.sleep_s(60);
        given
    }

    /// Alice asks for the credential of the exclusive account for four hours.
    #[must_use]
    pub fn requested() -> Self {
        Self::declared().asked(&Wish::credential(SHOP))
    }

    /// Alice asks for something.
    #[must_use]
    pub fn asked(mut self, wish: &Wish) -> Self {
        let ask = self.ask(ALICE, wish);
        self.must(&ask);
        self.sleep_s(60);
        self
    }

    /// Bob, of security, says yes.
    #[must_use]
    pub fn approved_once() -> Self {
        Self::requested().approved_by(BOB)
    }

    /// Somebody says yes to the last request.
    #[must_use]
    pub fn approved_by(mut self, hand: crate::Hand) -> Self {
        let request = self.request();
        let approve = self.approve(hand, request);
        self.must(&approve);
        self.sleep_s(60);
        self
    }

    /// Bob said no.
    #[must_use]
    pub fn denied() -> Self {
        let mut given = Self::requested();
        let deny = given.deny(BOB, given.request());
        given.must(&deny);
        given
    }

    /// Nobody answered.
    #[must_use]
    pub fn lapsed() -> Self {
        let mut given = Self::requested();
        given.pass_s(3600);
        given
    }

    /// Alice took it back.
    #[must_use]
    pub fn withdrawn() -> Self {
        let mut given = Self::requested();
        let withdraw = given.withdraw(ALICE, given.request());
        given.must(&withdraw);
        given
    }

    /// Bob and carol said yes; the grant runs since a minute.
    #[must_use]
    pub fn granted() -> Self {
        Self::approved_once().approved_by(CAROL)
    }

    /// Alice has the credential.
    #[must_use]
    pub fn checked_out() -> Self {
        let mut given = Self::granted();
        let checkout = given.checkout(ALICE, given.grant());
        given.must(&checkout);
        given.sleep_s(60);
        given
    }

    /// Alice ordered a run; nothing was sent yet.
    #[must_use]
    pub fn ordered() -> Self {
        let mut given = Self::granted();
        let order = given.order(ALICE, given.grant());
        given.must(&order);
        given
    }

    /// The dispatch of the run was claimed.
    #[must_use]
    pub fn dispatched() -> Self {
        let mut given = Self::ordered();
        let claim = given.claim_run(given.run());
        given.must(&claim);
        given
    }

    /// The run is done.
    #[must_use]
    pub fn verified() -> Self {
        let mut given = Self::dispatched();
        given.work();
        given
    }

    /// The grant was used, and its time was over this moment.
    #[must_use]
    pub fn over() -> Self {
        let mut given = Self::checked_out();
        let grant = given.world().grant(&given.grant());
        let end = grant.map_or(given.now(), |g| g.not_after);
        given.pass_s(end.since_ms(given.now()) / 1000);
        given
    }

    /// The grant was returned without any use of it.
    #[must_use]
    pub fn returned_unused() -> Self {
        let mut given = Self::granted();
        let give_back = given.give_back(ALICE, given.grant());
        given.must(&give_back);
        given
    }

    /// The rotation after use was claimed, and the next credential lies sealed.
    #[must_use]
    pub fn rotating() -> Self {
        let mut given = Self::over();
        let (account, cause) = given.waiting(SHOP);
        let claim = given.claim_of(SHOP);
        given.must(&claim);
        let stage = given.stage(&account, cause);
        given.must(&stage);
        given
    }

    /// The rotation failed in a way that a person has to look at.
    #[must_use]
    pub fn rotation_failing() -> Self {
        let mut given = Self::rotating();
        let (account, cause) = given.waiting(SHOP);
        let failed = given.rotation_failed(&account, cause, None);
        given.must(&failed);
        given
    }

    /// The rotation after use is proven.
    #[must_use]
    pub fn rotated_after_use() -> Self {
        let mut given = Self::over();
        given.work();
        given
    }

    /// Erin resolved the incident while alice had the credential.
    #[must_use]
    pub fn resolved() -> Self {
        let mut given = Self::checked_out();
        let resolve = given.resolve(ERIN, given.incident());
        given.must(&resolve);
        given
    }

    /// More than an hour after the resolution nothing was rotated.
    #[must_use]
    pub fn overdue() -> Self {
        let mut given = Self::resolved();
        given.pass_s(3601);
        given
    }
}
