//! What must be refused, tried for real: raw statements, posted past the client's own checks.

use breakglass_api::{
    Client, ClientError, Endpoint, Problem,
    wire::{Accepted, Submission},
};
use breakglass_format::{
    Digest, GrantId, Nonce, Timestamp,
    statement::{
        Approval, AuthorityRef, Checkout, Kem, Kind, LogHead, Release, Request, Signer as Signs,
        Statement,
    },
};
use breakglass_seal::{KEM_ALGORITHM, OneTimeKey};

use super::{DemoError, authority::line, house::House, narrator::Narrator, stage::make};
use crate::{
    entropy::{SystemEntropy, random},
    signer::{Signer, generate::generate_ed25519, key_file::KeyFileSigner, open_file},
};

/// Somebody who signs whatever they like.
pub(super) struct Attacker<'a> {
    pub(super) house: &'a House,
    pub(super) client: &'a Client,
    pub(super) now: Timestamp,
}

impl Attacker<'_> {
    /// An approval of any request, by any of the house's keys.
    pub(super) fn approve(
        &self,
        principal: &str,
        key: &str,
        request: Request,
        log: LogHead,
    ) -> Result<Problem, DemoError> {
        let mut signer = open_file(&self.house.stage.home(principal).join(key)).map_err(make)?;
        let approval = Approval {
            kind: Kind::Approval,
            approver: signs(principal, &*signer)?,
            duration_s: request.duration_s,
            log,
            release: Release::default(),
            request,
            signed_at: self.now,
        };
        self.post(Endpoint::Approvals, &approval, &mut *signer)
    }

    /// A checkout in somebody's name, with that person's reading session, but not their key.
    pub(super) fn checkout_with_a_stolen_session(
        &self,
        victim: &Signs,
        grant: GrantId,
        instance: Digest,
        authority: AuthorityRef,
    ) -> Result<Problem, DemoError> {
        let mut entropy = SystemEntropy;
        let thief = generate_ed25519(&mut entropy, "thief").map_err(make)?;
        let mut thief = KeyFileSigner::new(thief.private_key).map_err(make)?;
        let kem = OneTimeKey::generate(&mut entropy).map_err(make)?;
        let checkout = Checkout {
            kind: Kind::Checkout,
            authority,
            grant,
            instance,
            issued_at: self.now,
            kem: Kem {
                alg: line(KEM_ALGORITHM)?,
                pk: line(&kem.public_key().to_string())?,
            },
            nonce: Nonce::from_bytes(random::<32>(&mut entropy).map_err(make)?),
            signer: Signs {
                key: thief.fingerprint(),
                ..victim.clone()
            },
        };
        self.post(Endpoint::Checkouts, &checkout, &mut thief)
    }

    /// Posts a statement that must be refused.
    fn post<S: Statement>(
        &self,
        endpoint: Endpoint,
        statement: &S,
        signer: &mut dyn Signer,
    ) -> Result<Problem, DemoError> {
        let bytes = statement.to_bytes().map_err(make)?;
        let signature = signer.sign(S::KIND, &bytes).map_err(make)?;
        let statement = String::from_utf8(bytes).map_err(make)?;
        let submission = Submission {
            statement,
            signature,
            session: None,
            attachments: Vec::new(),
        };
        match self
            .client
            .post::<_, Accepted>(endpoint.path(), &submission)
        {
            Err(ClientError::Refused(problem)) => Ok(*problem),
            Err(error) => Err(make(error)),
            Ok(_) => Err(DemoError::Fault(
                "what must be refused was accepted".to_owned(),
            )),
        }
    }
}

fn signs(principal: &str, signer: &dyn Signer) -> Result<Signs, DemoError> {
    Ok(Signs {
        key: signer.fingerprint(),
        person: super::authority::parse(&format!("per_{principal}"))?,
        principal: super::authority::parse(principal)?,
    })
}

/// Tells of a refusal, and insists on the reason.
pub(super) fn tell(
    narrator: &mut Narrator,
    attempt: &str,
    problem: &Problem,
    expected: &str,
) -> Result<(), DemoError> {
    if problem.code != expected {
        let found = format!("{attempt}: refused as {}, not as {expected}", problem.code);
        return Err(DemoError::Fault(found));
    }
    narrator.refused(attempt, &problem.code, &problem.detail);
    Ok(())
}
