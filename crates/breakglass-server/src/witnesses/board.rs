//! What is known of the witnesses. No IO, no clock.

use breakglass_tlog::{NoteSignature, Policy, SignedCheckpoint};

use super::client::Outcome;

/// What the sentence of an alarm ends with once there is evidence.
const KEPT: &str = "; both signed checkpoints are kept in evidence/ of data_dir";

/// What is known.
#[derive(Debug)]
pub(super) struct Board {
    policy: Policy,
    /// As many as the policy has witnesses, in its order.
    witnesses: Vec<Standing>,
    /// The checkpoint that is asked about, with the lines that came so far.
    open: Option<SignedCheckpoint>,
    /// The last one that enough have cosigned.
    cosigned: Option<SignedCheckpoint>,
    /// Why the last round did not meet the quorum, where it did not.
    missing: Option<String>,
    /// What keeps cosignatures from being kept.
    unkept: Option<String>,
}

/// What is known of one witness.
#[derive(Debug, Clone, Default)]
struct Standing {
    /// The size that it has cosigned last, as far as we know.
    accepted: Option<u64>,
    /// Why it did not cosign when asked last.
    trouble: Option<String>,
    /// What it has shown of the log, for as long as this process lives: somebody has to look.
    alarm: Option<String>,
}

/// What metrics tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Figures {
    /// Witnesses of the policy.
    pub(crate) witnesses: u64,
    /// Those of them that cosigned the checkpoint asked about last.
    pub(crate) cosigning: u64,
    /// Entries under the last checkpoint that enough have cosigned.
    pub(crate) cosigned_entries: u64,
    /// Forks and rollbacks shown.
    pub(crate) alarms: u64,
    /// Whether the last round met the quorum.
    pub(crate) quorum_met: bool,
}

impl Board {
    pub(super) fn new(policy: Policy) -> Self {
        let witnesses = vec![Standing::default(); policy.witnesses().len()];
        Self {
            policy,
            witnesses,
            open: None,
            cosigned: None,
            missing: None,
            unkept: None,
        }
    }

    /// Goes on with what an earlier process kept, as far as it meets the policy of now.
    pub(super) fn take_up(&mut self, last: SignedCheckpoint) {
        let Ok(judgement) = self.policy.judge(&last) else {
            return;
        };
        let met = judgement.met;
        let names: Vec<_> = judgement
            .cosigners
            .iter()
            .map(|c| c.witness.name().clone())
            .collect();
        let size = last.checkpoint().size();
        for (witness, standing) in self.policy.witnesses().iter().zip(&mut self.witnesses) {
            if names.contains(witness.name()) {
                standing.accepted = Some(size);
            }
        }
        self.cosigned = met.then_some(last);
    }

    /// Whether what is kept could be read or written, or why not.
    pub(super) fn kept(&mut self, trouble: Option<String>) {
        self.unkept = trouble.map(|detail| format!("cosignatures cannot be kept: {detail}"));
    }

    /// Begins to ask about a checkpoint, or goes on; gives the places of those who have not
    /// cosigned it.
    pub(super) fn open(&mut self, head: &SignedCheckpoint) -> Vec<usize> {
        let same = |note: &&SignedCheckpoint| note.checkpoint() == head.checkpoint();
        if self.open.as_ref().filter(same).is_none() {
            let known = self.cosigned.as_ref().filter(same).cloned();
            self.open = Some(known.unwrap_or_else(|| head.clone()));
        }
        (0..self.witnesses.len())
            .filter(|place| !self.has_cosigned(*place))
            .collect()
    }

    /// Whether a witness has cosigned what is asked about.
    fn has_cosigned(&self, place: usize) -> bool {
        let key = self.policy.witnesses().get(place).map(|w| w.key());
        let (Some(key), Some(open)) = (key, &self.open) else {
            return false;
        };
        open.verify_signatures(&[key]).is_ok()
    }

    /// The size that a witness has cosigned last, as far as we know.
    pub(super) fn accepted(&self, place: usize) -> Option<u64> {
        self.witnesses.get(place)?.accepted
    }

    /// Takes an answer. Gives the checkpoint to keep, where enough have cosigned it now.
    pub(super) fn note(
        &mut self,
        place: usize,
        asked_about: &SignedCheckpoint,
        outcome: Outcome,
    ) -> Option<SignedCheckpoint> {
        let name = self.name(place);
        let size = asked_about.checkpoint().size();
        let (trouble, alarm) = match outcome {
            Outcome::Cosigned(lines) => match self.add(place, asked_about, lines) {
                Some(kept) => {
                    if let Some(standing) = self.witnesses.get_mut(place) {
                        standing.accepted = Some(size);
                        standing.trouble = None;
                    }
                    return kept;
                }
                None => ("it gave no cosignature of its own key".to_owned(), None),
            },
            Outcome::Forked => (
                "it has cosigned another tree".to_owned(),
                Some(format!(
                    "FORK: the witness {name} has cosigned another tree of this log"
                )),
            ),
            Outcome::RolledBack { size } => (
                format!("it has cosigned {size} entries"),
                Some(format!(
                    "ROLLBACK: the witness {name} has cosigned {size} entries of this log, and it \
                     has fewer"
                )),
            ),
            Outcome::Away(detail) | Outcome::Unusable(detail) => (detail, None),
        };
        if let Some(standing) = self.witnesses.get_mut(place) {
            standing.trouble = Some(trouble);
            if standing.alarm.is_none() {
                standing.alarm = alarm;
            }
        }
        None
    }

    /// Adds the witness's own line to the checkpoint, verified. `None`: there is no such line.
    /// `Some(Some(_))`: the checkpoint is to be kept.
    fn add(
        &mut self,
        place: usize,
        asked_about: &SignedCheckpoint,
        lines: Vec<NoteSignature>,
    ) -> Option<Option<SignedCheckpoint>> {
        let key = self.policy.witnesses().get(place)?.key();
        let mut alone = asked_about.clone();
        // "The client MUST ignore any cosignatures from unknown keys."
        let line = lines
            .into_iter()
            .find(|line| alone.add_signature(line.clone(), key).is_ok())?;
        let same = |note: &&mut SignedCheckpoint| note.checkpoint() == asked_about.checkpoint();
        let (open, cosigned) = (self.open.as_mut(), self.cosigned.as_mut());
        let Some(note) = open.filter(same).or_else(|| cosigned.filter(same)) else {
            return Some(None);
        };
        // It has verified, and a policy has fewer witnesses than a note has room.
        let _ = note.add_signature(line, key);
        let note = note.clone();
        let met = self.policy.judge(&note).is_ok_and(|j| j.met);
        let newer = |last: &SignedCheckpoint| last.checkpoint().size() <= note.checkpoint().size();
        if !met || !self.cosigned.as_ref().is_none_or(newer) {
            return Some(None);
        }
        self.cosigned = Some(note.clone());
        Some(Some(note))
    }

    /// Notes that the evidence of an alarm was kept.
    pub(super) fn evidence_kept(&mut self, place: usize) {
        if self.has_evidence(place) {
            return;
        }
        let alarm = self.witnesses.get_mut(place).and_then(|w| w.alarm.as_mut());
        if let Some(alarm) = alarm {
            alarm.push_str(KEPT);
        }
    }

    /// Whether the evidence of a witness's alarm was kept: once is enough, however often it is
    /// asked after that.
    pub(super) fn has_evidence(&self, place: usize) -> bool {
        let alarm = self.witnesses.get(place).and_then(|w| w.alarm.as_ref());
        alarm.is_some_and(|alarm| alarm.ends_with(KEPT))
    }

    /// Ends a round.
    pub(super) fn end(&mut self, head: &SignedCheckpoint) {
        self.missing = match self.is_met(head) {
            true => None,
            false => Some(self.why_missing()),
        };
    }

    fn why_missing(&self) -> String {
        let each = self.policy.witnesses().iter().zip(&self.witnesses);
        let troubles: Vec<String> = each
            .filter_map(|(w, s)| Some(format!("{}: {}", w.name(), s.trouble.as_ref()?)))
            .collect();
        format!(
            "too few witnesses have cosigned the newest checkpoint; {}",
            troubles.join(", ")
        )
    }

    /// Whether enough have cosigned this checkpoint.
    pub(super) fn is_met(&self, head: &SignedCheckpoint) -> bool {
        let cosigned = self.cosigned.as_ref();
        cosigned.is_some_and(|last| last.checkpoint() == head.checkpoint())
            || !self.policy.needs_witnesses()
    }

    /// Whether everybody has cosigned this checkpoint.
    pub(super) fn is_complete(&self, head: &SignedCheckpoint) -> bool {
        let open = self.open.as_ref();
        open.is_some_and(|open| open.checkpoint() == head.checkpoint())
            && (0..self.witnesses.len()).all(|place| self.has_cosigned(place))
    }

    /// A checkpoint with the lines of those who cosigned it.
    pub(super) fn with_cosignatures(&self, head: &SignedCheckpoint) -> SignedCheckpoint {
        let both = [self.open.as_ref(), self.cosigned.as_ref()];
        let same = |note: &&SignedCheckpoint| note.checkpoint() == head.checkpoint();
        both.into_iter()
            .flatten()
            .find(same)
            .unwrap_or(head)
            .clone()
    }

    /// What to prove entry `index` under: the last checkpoint that enough have cosigned, where that
    /// has the entry, else the head.
    pub(super) fn for_entry(&self, index: u64, head: &SignedCheckpoint) -> SignedCheckpoint {
        let covers = |note: &&SignedCheckpoint| {
            let size = note.checkpoint().size();
            index < size && size <= head.checkpoint().size()
        };
        match self.cosigned.as_ref().filter(covers) {
            Some(cosigned) => cosigned.clone(),
            None => self.with_cosignatures(head),
        }
    }

    /// The last checkpoint that enough have cosigned.
    pub(super) const fn cosigned(&self) -> Option<&SignedCheckpoint> {
        self.cosigned.as_ref()
    }

    /// Forks and rollbacks, one sentence each.
    pub(super) fn alarms(&self) -> Vec<String> {
        let shown = self.witnesses.iter().filter_map(|w| w.alarm.clone());
        shown.collect()
    }

    /// Why the quorum is not met, or what was met is not kept.
    pub(super) fn missing(&self) -> Option<String> {
        self.missing.clone().or_else(|| self.unkept.clone())
    }

    /// Whether all is well, how many alarms there are, and a sentence about it.
    pub(super) fn report(&self) -> (bool, usize, String) {
        let alarms = self.alarms();
        let wrong = alarms.iter().cloned().chain(self.missing());
        let wrong: Vec<String> = wrong.collect();
        match wrong.is_empty() {
            true => {
                let size = self.figures().cosigned_entries;
                let detail = format!("enough witnesses have cosigned {size} entries");
                (true, 0, detail)
            }
            false => (false, alarms.len(), wrong.join("; ")),
        }
    }

    pub(super) fn figures(&self) -> Figures {
        let count = |n: usize| u64::try_from(n).unwrap_or(u64::MAX);
        let cosigning = (0..self.witnesses.len()).filter(|place| self.has_cosigned(*place));
        let cosigned = self.cosigned.as_ref();
        Figures {
            witnesses: count(self.witnesses.len()),
            cosigning: count(cosigning.count()),
            cosigned_entries: cosigned.map_or(0, |last| last.checkpoint().size()),
            alarms: count(self.alarms().len()),
            quorum_met: self.missing.is_none()
                && (cosigned.is_some() || !self.policy.needs_witnesses()),
        }
    }

    fn name(&self, place: usize) -> String {
        let witness = self.policy.witnesses().get(place);
        witness.map_or_else(String::new, |w| w.name().to_string())
    }
}

#[cfg(test)]
mod tests;
