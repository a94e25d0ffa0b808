//! A rotation done by hand: where no machine can change a credential, two people do and attest it.
//!
//! The credential that is now in custody was put there after the last use of the one before, and
//! two holders of `account` attest that the target takes it and refuses the old one. Their word is
//! all there is for it: a machine's proof is worth more, so where one rotates, it counts for
//! nothing.

use breakglass_format::{
    Timestamp,
    act::{Act, AttestRotation},
    event::{Member, RotationAttested},
    vocabulary::{Custody, Privilege},
};

use crate::{
    command::{Author, Context, Draft, account_ref},
    decide::Standing,
    incident::required,
    refusal::{Code, Refusal},
    two_person::{About, Agreement},
    world::World,
};

impl World {
    pub(crate) fn decide_attest(
        &self,
        act: &Act,
        args: &AttestRotation,
        standing: &Standing<'_>,
        author: &Author,
        cx: &mut Context<'_>,
    ) -> Result<Vec<Draft>, Refusal> {
        standing.require(Privilege::Account)?;
        required("how", args.how.as_str())?;
        let account = self.account_of(act, standing)?;
        if account.rotator.0.is_some() || account.custody != Custody::Server {
            return Err(Code::MachineRotates.with("account", &account.name));
        }
        self.no_foreign_grant(&account.id)?;
        let state = self.account(&account.id).ok_or(Code::NotCalledFor)?;
        let rotation = state.rotation.as_ref().ok_or(Code::NotCalledFor)?;
        let current = state.current.ok_or(Code::NotCalledFor)?;
        if current.version != args.version {
            return Err(Code::CredentialMoved.with("version", current.version));
        }
        if state.since < rotation.latest {
            return Err(Code::NotReplaced
                .with("since", state.since)
                .and("called_for", rotation.latest));
        }
        let proposals = Some(&state.proposals);
        match self.agree(act, proposals, Privilege::Account, standing, cx.now)? {
            Agreement::First(proposal) => {
                let (about, key) = (About::Account(account), &act.signer.key);
                Ok(vec![self.propose(&proposal, about, key, author, cx)])
            }
            Agreement::Second(first) => {
                let authority = &standing.version.authority;
                let first = authority.person(&first.by).ok_or(Code::StaleAuthority)?;
                let people = [first, standing.person].map(|p| Member {
                    person: p.person.clone(),
                    principal: p.principal.clone(),
                });
                let event = RotationAttested {
                    account: account_ref(account),
                    attested_by: people.to_vec(),
                    cause: rotation.cause,
                    how: args.how.clone(),
                    incidents: rotation.incidents.clone(),
                    sealed: current.sealed,
                    version: current.version,
                };
                Ok(vec![cx.draft(author, event)])
            }
        }
    }

    pub(crate) fn apply_attested(&mut self, d: &RotationAttested, at: Timestamp) {
        if let Some(mut state) = self.accounts.get_mut(&d.account.id) {
            state.rotation = None;
            state.rotated_at = Some(at);
            state.proposals = crate::world::Map::new_sync();
        }
        // Who typed it in still knows it: only a machine's rotation makes that untrue.
        self.spent_is_rotated(&d.account.id, at);
    }
}
