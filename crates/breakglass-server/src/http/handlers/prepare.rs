//! What a statement needs that only the server can make, before the writer decides it: a sealed
//! envelope, an imported credential. Nothing made here leaves before the entry is durable.

use breakglass_core::{
    Command, Context, Draft, Refusal, World,
    command::{Handout, Observation, Prepared},
    decide,
};
use breakglass_format::{
    Digest, Event, IncidentId, Line,
    act::Command as ActCommand,
    vocabulary::{Occasion, Verdict},
};
use breakglass_statement::{VerifiedAct, VerifiedCheckout, verify_approval, verify_request};
use breakglass_store::{Blob, Ledger as _};

use crate::{
    custody::{CustodyError, Release},
    engine,
    http::{app::App, problem::ApiError},
};

/// Why nothing was prepared.
pub(super) enum Preparation {
    /// The rules refuse it; the writer will too, on record.
    Refused,
    /// It could not be made.
    Failed(ApiError),
}

/// A stored statement and its signature, from their blobs.
pub(super) fn pair(statement: Option<Blob>, signature: Option<Blob>) -> Option<(Vec<u8>, String)> {
    let signature = String::from_utf8(signature?.bytes).ok()?;
    Some((statement?.bytes, signature))
}

impl App {
    /// Judges the checkout on the published world, checks the stored signatures behind the grant
    /// once more, opens the credential and seals it to the one-time key.
    pub(super) async fn prepare_handout(
        &self,
        checkout: &VerifiedCheckout,
    ) -> Result<(i64, Blob), Preparation> {
        let published = self.published();
        let world = &published.world;
        let text = checkout.statement();
        let grant = world.grant(&text.grant).ok_or(Preparation::Refused)?;
        let current = world.account(&grant.account.id).and_then(|a| a.current);
        let current = current.ok_or(Preparation::Refused)?;
        let handout = Handout {
            envelope: checkout.digest(),
            version: current.version,
        };
        let command = Command::Checkout(Box::new(checkout.clone()), handout);
        self.would_accept(world, &command)
            .map_err(|_| Preparation::Refused)?;
        self.reverify(world, grant)
            .await
            .map_err(Preparation::Failed)?;
        let sealed = current.sealed;
        let bytes = self.engine.read(move |ledger| ledger.blob(&sealed)).await;
        let bytes = bytes.ok().and_then(Result::ok).flatten();
        let custody = |e| Preparation::Failed(ApiError::custody(&e).at(self.now()));
        let bytes = bytes
            .ok_or_else(|| custody(CustodyError::Missing(sealed)))?
            .bytes;
        let account = &grant.account.id;
        let credential = self
            .custody
            .open(&bytes, account, current.version)
            .map_err(custody)?;
        let release = Release {
            checkout: checkout.digest(),
            grant: grant.id,
            account,
            version: current.version,
        };
        let envelope = self
            .custody
            .hand_over(&credential, &text.kem, &release)
            .map_err(custody)?;
        Ok((current.version, engine::sealed(envelope)))
    }

    /// What the writer would record of a command, on this world.
    pub(super) fn would_accept(
        &self,
        world: &World,
        command: &Command,
    ) -> Result<Vec<Draft>, Refusal> {
        let now = self.now();
        let mut nothing = || [0; 10];
        let mut cx = Context {
            now,
            wall: self.clock.wall(),
            random: &mut nothing,
        };
        decide(world, command, &mut cx)
    }

    /// The requests and the approvals behind a grant, from their stored bytes.
    async fn reverify(
        &self,
        world: &World,
        grant: &breakglass_core::grant::Grant,
    ) -> Result<(), ApiError> {
        let authorities = self.authorities();
        for (request, approvals) in grant.rests_on(self.now()) {
            let Some(request) = world.request(&request) else {
                return Err(ApiError::not_found("request behind the grant").at(self.now()));
            };
            let asked = self.signed(request.statement, request.signature).await?;
            self.verified(verify_request(&asked.0, &asked.1, &authorities))?;
            for approval in approvals {
                let said = self.signed(approval.statement, approval.signature).await?;
                self.verified(verify_approval(&said.0, &said.1, &asked.0, &authorities))?;
            }
        }
        Ok(())
    }

    /// A stored statement and its signature.
    async fn signed(
        &self,
        statement: Digest,
        signature: Digest,
    ) -> Result<(Vec<u8>, String), ApiError> {
        let read = self.engine.read(move |ledger| {
            let blob = |digest: &Digest| ledger.blob(digest).ok().flatten();
            pair(blob(&statement), blob(&signature))
        });
        let found = read.await.map_err(|e| self.rejected(e))?;
        found.ok_or_else(|| ApiError::not_found("stored statement").at(self.now()))
    }

    /// What an act needs that only the server can make.
    pub(super) async fn prepare_act(
        &self,
        act: &VerifiedAct,
        attachments: &[Blob],
        blobs: &mut Vec<Blob>,
    ) -> Result<Prepared, ApiError> {
        match &act.statement().command {
            ActCommand::AddCredential(args) => {
                self.prepare_import(act, &args.fields, attachments, blobs)
            }
            ActCommand::Probe(_) => self.prepare_probe(act, blobs).await,
            ActCommand::SetContact(_) => self.prepare_contact(act, attachments),
            ActCommand::Declare(_)
            | ActCommand::Note(_)
            | ActCommand::Record(_)
            | ActCommand::Withdraw(_)
            | ActCommand::Return(_)
            | ActCommand::Revoke(_)
            | ActCommand::Cancel(_)
            | ActCommand::Plan(_)
            | ActCommand::Run(_)
            | ActCommand::Resolve(_)
            | ActCommand::Rotate(_)
            | ActCommand::AttestRotation(_)
            | ActCommand::Transfer(_)
            | ActCommand::NotifyCab(_)
            | ActCommand::FileReport(_)
            | ActCommand::CompleteReview(_)
            | ActCommand::DecideCab(_)
            | ActCommand::ReviewAccess(_)
            | ActCommand::UpdateProcedure(_)
            | ActCommand::Waive(_)
            | ActCommand::Close(_) => {
                blobs.extend(attachments.iter().map(|b| engine::public(b.bytes.clone())));
                Ok(Prepared::Nothing)
            }
        }
    }

    /// Asks the probes, where the rules let this person have them asked now.
    async fn prepare_probe(
        &self,
        act: &VerifiedAct,
        blobs: &mut Vec<Blob>,
    ) -> Result<Prepared, ApiError> {
        let placeholder = Prepared::Probed(Observation {
            verdict: Verdict::CannotTell,
            detail: Line::default(),
            evidence: None,
        });
        let command = Command::Act(Box::new(act.clone()), placeholder.clone());
        if self
            .would_accept(&self.published().world, &command)
            .is_err()
        {
            // The writer refuses it as well, and puts the refusal on record.
            return Ok(placeholder);
        }
        let tools = self.tools.clone();
        let asked = tokio::task::spawn_blocking(move || tools.observe()).await;
        let stopped = |_| self.rejected(crate::engine::Rejection::Stopped);
        let (observation, samples) = asked.map_err(stopped)?;
        blobs.extend(samples);
        Ok(Prepared::Probed(observation))
    }

    /// Before something is decided by it, there is a fresh verdict on the control plane.
    pub(super) async fn probe_first(&self, incident: IncidentId, occasion: Occasion) {
        let needed = self.published().world.needs_probe(&incident, self.now());
        if self.tools.read_only.is_none() && needed {
            let tools = self.tools.clone();
            // Where it comes to nothing the rules say so.
            let _ = tokio::task::spawn_blocking(move || tools.probe(incident, occasion)).await;
        }
    }

    /// Keeps a contact beside the log, where the rules let this person set it now. It becomes no
    /// blob: blobs are for ever.
    fn prepare_contact(
        &self,
        act: &VerifiedAct,
        attachments: &[Blob],
    ) -> Result<Prepared, ApiError> {
        let command = Command::Act(Box::new(act.clone()), Prepared::Nothing);
        let would = self.would_accept(&self.published().world, &command);
        if would.is_ok() && self.tools.read_only.is_none() {
            for contact in attachments {
                self.tools
                    .contacts
                    .keep(&contact.bytes)
                    .map_err(|e| ApiError::contact(&e).at(self.now()))?;
            }
        }
        Ok(Prepared::Nothing)
    }

    fn prepare_import(
        &self,
        act: &VerifiedAct,
        fields: &[breakglass_format::Name],
        attachments: &[Blob],
        blobs: &mut Vec<Blob>,
    ) -> Result<Prepared, ApiError> {
        let Ok(account) = act.statement().object.id.as_str().parse() else {
            return Ok(Prepared::Nothing);
        };
        let [envelope] = attachments else {
            let detail = "add_credential takes one attachment: the sealed credential";
            return Err(ApiError::attachment(detail).at(self.now()));
        };
        let published = self.published();
        let version = published.world.next_version(&account);
        let placeholder = Prepared::Sealed {
            sealed: act.digest(),
            version,
        };
        let command = Command::Act(Box::new(act.clone()), placeholder);
        let Ok(drafts) = self.would_accept(&published.world, &command) else {
            // The writer refuses it as well, and puts the refusal on record; the node key is not
            // used for whoever may not import. Version 0 never fits, should the world move on.
            let (sealed, version) = (act.digest(), 0);
            return Ok(Prepared::Sealed { sealed, version });
        };
        // The first of two people is told at once when the envelope does not open.
        let sealed = self
            .custody
            .import(&envelope.bytes, &account, version, fields)
            .map_err(|e| ApiError::custody(&e).at(self.now()))?;
        if !drafts
            .iter()
            .any(|d| matches!(d.event, Event::CredentialAdded(_)))
        {
            return Ok(Prepared::Nothing);
        }
        let sealed = engine::sealed(sealed);
        let prepared = Prepared::Sealed {
            sealed: sealed.digest,
            version,
        };
        blobs.push(sealed);
        Ok(prepared)
    }
}
