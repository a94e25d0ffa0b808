//! Command handed over, duties waived, the incident closed, and opened again.

use breakglass_format::{
    AccountId, Entry, IncidentId,
    act::{Act, Command, Transfer, Waive},
    event::{CommandTransferred, IncidentClosed, IncidentReopened, Member, ObligationWaived},
    vocabulary::{Obligation, Privilege},
};

use crate::{
    command::{Author, Context, Draft},
    decide::Standing,
    incident::{Incident, required},
    obligation::{Status, review_clock},
    refusal::{Code, Refusal},
    two_person::{About, Agreement, agreement},
    world::{Map, World},
};

impl World {
    /// The commander hands over command; without the commander two holders of `command` do.
    pub(crate) fn decide_transfer(
        &self,
        act: &Act,
        args: &Transfer,
        standing: &Standing<'_>,
        author: &Author,
        cx: &mut Context<'_>,
    ) -> Result<Vec<Draft>, Refusal> {
        let incident = self.unclosed(act)?;
        required("reason", args.reason.as_str())?;
        let to = standing
            .version
            .authority
            .principal(&args.to)
            .filter(|to| to.person != incident.commander.person)
            .ok_or_else(|| Code::PersonUnknown.with("to", &args.to))?;
        if incident.commander.person != standing.person.person {
            standing.require(Privilege::Command)?;
            let proposals = Some(&incident.proposals);
            let agreed = self.agree(act, proposals, Privilege::Command, standing, cx.now)?;
            if let Agreement::First(proposal) = agreed {
                let about = About::Incident(incident);
                let key = &act.signer.key;
                return Ok(vec![self.propose(&proposal, about, key, author, cx)]);
            }
        }
        let event = CommandTransferred {
            from: incident.commander.clone(),
            incident_id: incident.id,
            reason: args.reason.clone(),
            to: Member {
                person: to.person.clone(),
                principal: to.principal.clone(),
            },
        };
        Ok(vec![cx.draft(author, event)])
    }

    /// Two holders of `waive` who took no part and whose duty it is not.
    pub(crate) fn decide_waive(
        &self,
        act: &Act,
        args: &Waive,
        standing: &Standing<'_>,
        author: &Author,
        cx: &mut Context<'_>,
    ) -> Result<Vec<Draft>, Refusal> {
        let incident = self.unclosed(act)?;
        required("reason", args.reason.as_str())?;
        standing.require(Privilege::Waive)?;
        if !act.documents.is_empty() {
            return Err(Code::NotWaivable.with("documents", act.documents.len()));
        }
        self.check_waivable(incident, args, cx)?;
        self.check_uninvolved(incident, args, &standing.person.person)?;
        let proposals = Some(&incident.proposals);
        match self.agree(act, proposals, Privilege::Waive, standing, cx.now)? {
            Agreement::First(proposal) => {
                let about = About::Incident(incident);
                let key = &act.signer.key;
                Ok(vec![self.propose(&proposal, about, key, author, cx)])
            }
            Agreement::Second(first) => {
                self.check_uninvolved(incident, args, &first.by)?;
                let authority = &standing.version.authority;
                let first = authority.person(&first.by).ok_or(Code::StaleAuthority)?;
                let member = |p: &breakglass_format::authority::Person| Member {
                    person: p.person.clone(),
                    principal: p.principal.clone(),
                };
                let event = ObligationWaived {
                    account_gone: args.account_gone,
                    incident_id: incident.id,
                    obligation: args.obligation,
                    reason: args.reason.clone(),
                    subject: args.subject.clone(),
                    waived_by: vec![member(first), member(standing.person)],
                };
                Ok(vec![cx.draft(author, event)])
            }
        }
    }

    /// An incident is resolved, never waived; a rotation is waived where the account is gone.
    fn check_waivable(
        &self,
        incident: &Incident,
        args: &Waive,
        cx: &Context<'_>,
    ) -> Result<(), Refusal> {
        let never = matches!(
            args.obligation,
            Obligation::IncidentResolved | Obligation::QuarterlyAccessReview
        );
        let rotation = args.obligation == Obligation::CredentialRotation;
        if never || rotation != args.account_gone {
            return Err(Code::NotWaivable
                .with("duty", args.obligation)
                .and("account_gone", args.account_gone));
        }
        let account: Option<AccountId> = args.subject.as_str().parse().ok();
        let held = account.filter(|_| args.account_gone);
        if let Some(grant) = held.and_then(|id| self.active_grant(&id)) {
            return Err(Code::AccountBusy
                .with("grant", grant.reference)
                .and("holder", &grant.holder.principal));
        }
        let open = self
            .obligations(incident, cx.now)
            .into_iter()
            .any(|(clock, status)| {
                clock.obligation == args.obligation
                    && clock.subject == args.subject
                    && matches!(status, Status::Open | Status::Overdue)
            });
        if open {
            Ok(())
        } else {
            Err(Code::NothingToWaive.with("duty", args.obligation))
        }
    }

    fn check_uninvolved(
        &self,
        incident: &Incident,
        args: &Waive,
        person: &breakglass_format::PersonId,
    ) -> Result<(), Refusal> {
        let owns = incident.clocks.iter().any(|clock| {
            clock.obligation == args.obligation
                && clock.subject == args.subject
                && clock.owner == *person
        });
        if incident.took_part.contains(person) {
            return Err(Code::TookPart.with("person", person));
        }
        if owns {
            return Err(Code::OwnDuty.with("person", person));
        }
        Ok(())
    }

    /// Closing takes every duty met or waived, and the commander or the board.
    pub(crate) fn decide_close(
        &self,
        act: &Act,
        standing: &Standing<'_>,
        author: &Author,
        cx: &mut Context<'_>,
    ) -> Result<Vec<Draft>, Refusal> {
        let incident = self.resolved(act)?;
        if incident.commander.person != standing.person.person {
            standing.require(Privilege::Cab)?;
        }
        let open: Vec<String> = self
            .obligations(incident, cx.now)
            .into_iter()
            .filter(|(_, status)| matches!(status, Status::Open | Status::Overdue))
            .map(|(clock, _)| clock.obligation.to_string())
            .collect();
        if !open.is_empty() {
            return Err(Code::ObligationsOpen.with("open", open.join(", ")));
        }
        let event = IncidentClosed {
            incident_id: incident.id,
        };
        Ok(vec![cx.draft(author, event)])
    }

    /// A fact that the review had not seen opens the incident again and calls for another review.
    pub(crate) fn reopened_by(
        &self,
        facts: &[Draft],
        by: &Author,
        incident: &IncidentId,
        cx: &mut Context<'_>,
    ) -> Option<Draft> {
        let incident = self.incident(incident)?;
        let fact = facts.first()?;
        let cause = fact.id;
        if incident.aftermath.reviewed.is_none() && incident.closed_at.is_none() {
            return None;
        }
        let authority = &self.authority()?.authority;
        let by = match by {
            Author::Person { signer, .. } | Author::Named(signer) => Some(&signer.person),
            Author::System(_) => None,
        };
        let event = IncidentReopened {
            cause,
            clocks: vec![review_clock(incident, by, authority, cx.now)],
            incident_id: incident.id,
        };
        Some(cx.draft(&Author::System("engine"), event))
    }

    /// Whoever hands command over in the commander's place acts as one: both of the two took part.
    pub(crate) fn apply_transferred(&mut self, d: &CommandTransferred, entry: &Entry) {
        let agreed = agreement(
            &Command::Transfer(Transfer {
                reason: d.reason.clone(),
                to: d.to.principal.clone(),
            }),
            &d.incident_id.to_string(),
            &[],
        );
        let incident = self.incident(&d.incident_id);
        let first = incident.and_then(|i| Some(i.proposals.get(&agreed?)?.by.clone()));
        // The commander alone needs nobody's agreement, whoever proposed the same before.
        let second = entry.person.0.as_ref().filter(|by| **by != d.from.person);
        if let Some(second) = second {
            self.takes_part(&d.incident_id, second);
            first
                .iter()
                .for_each(|first| self.takes_part(&d.incident_id, first));
        }
        self.takes_part(&d.incident_id, &d.to.person);
        if let Some(mut incident) = self.incidents.get_mut(&d.incident_id) {
            incident.commander = d.to.clone();
            incident.proposals = Map::new_sync();
        }
    }

    pub(crate) fn apply_waived(&mut self, d: &ObligationWaived, at: breakglass_format::Timestamp) {
        let agreed = agreement(
            &Command::Waive(Waive {
                account_gone: d.account_gone,
                obligation: d.obligation,
                reason: d.reason.clone(),
                subject: d.subject.clone(),
            }),
            &d.incident_id.to_string(),
            &[],
        );
        if let Some(mut incident) = self.incidents.get_mut(&d.incident_id) {
            // Only this proposal is used up; what else was proposed waits for its second person.
            if let Some(agreed) = agreed {
                incident.proposals.remove_mut(&agreed);
            }
            let waived = (d.obligation, d.subject.clone(), at);
            incident.aftermath.waived.push(waived);
        }
        // Nobody tries to reach an account that is gone; what lies sealed opens nothing.
        let account: Option<AccountId> = d.subject.as_str().parse().ok();
        if let (true, Some(mut state)) = (
            d.account_gone,
            account.and_then(|id| self.accounts.get_mut(&id)),
        ) {
            state.rotation = None;
            state.current = None;
            state.staged = None;
        }
    }

    pub(crate) fn apply_closed(&mut self, d: &IncidentClosed, at: breakglass_format::Timestamp) {
        if let Some(mut incident) = self.incidents.get_mut(&d.incident_id) {
            incident.closed_at = Some(at);
        }
        self.let_go(&d.incident_id);
    }

    pub(crate) fn apply_reopened(&mut self, d: &IncidentReopened) {
        if let Some(mut incident) = self.incidents.get_mut(&d.incident_id) {
            incident.closed_at = None;
            incident.aftermath.reviewed = None;
            incident.aftermath.start(&d.clocks);
            incident.clocks.extend(d.clocks.iter().cloned());
        }
    }
}
