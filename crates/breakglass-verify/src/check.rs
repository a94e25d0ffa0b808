//! Folder to verdict: tree, hashes and signatures first, then the rules
//! (`docs/spec/evidence.md` says what is checked in which order).

mod compare;
mod cosigned;
mod differs;
mod heads;
mod index;
pub(crate) mod log;
mod plans;
mod statements;

use std::collections::BTreeSet;

use breakglass_format::{
    Digest, Timestamp,
    entry::{EntryError, Recorded},
    event::EventError,
};
use breakglass_statement::AuthoritySet;
use breakglass_tlog::Policy;

use crate::{
    Cosigned, Derived, Facts, Finding, Folder, Level, Record, Verdict, authority,
    derive::{Word, derive_watched},
    emit,
    folder::COSIGNED,
    layout::{self, Layout},
    record,
    watch::{Counter, Step, Watch},
};
use index::Index;
use log::Log;

/// What the person who asks knows or wants besides the folder.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// SHA-256 of the genesis authority, from paper or from a voice one knows. Without it the
    /// answer is at best *self-consistent, unanchored*.
    pub pin: Option<Digest>,
    /// Another signed checkpoint of the log, as a note; the folder must agree with it.
    pub against: Option<Vec<u8>>,
    /// Whose cosignatures are enough, for whoever checks; none: nobody's are looked at.
    pub policy: Option<Policy>,
    /// Fewer entries than this are stale.
    pub min_size: Option<u64>,
    /// A last entry older than this is stale.
    pub max_age: Option<MaxAge>,
}

/// How old the last entry may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MaxAge {
    /// The time it is now; nothing here reads a clock.
    pub now: Timestamp,
    /// In seconds.
    pub seconds: i64,
}

/// Checks an evidence folder. Total: whatever the folder holds, there is a verdict.
#[must_use]
pub fn check(folder: &Folder, options: &Options) -> Verdict {
    check_watched(folder, options, &|_| ())
}

/// [`check()`], which tells how far it has come.
#[must_use]
pub fn check_watched(folder: &Folder, options: &Options, watch: &Watch<'_>) -> Verdict {
    let mut checked = Checked::default();
    // A step that cannot go on has said why among the findings.
    let _ = checked.run(folder, options, watch);
    Verdict {
        cosigned: checked.cosigned,
        ..Verdict::new(checked.findings, checked.facts, checked.derived)
    }
}

#[derive(Default)]
struct Checked {
    findings: Vec<Finding>,
    facts: Facts,
    derived: Derived,
    cosigned: Option<Cosigned>,
}

impl Checked {
    fn run(&mut self, folder: &Folder, options: &Options, watch: &Watch<'_>) -> Option<()> {
        let log = log::read(folder, watch)
            .map_err(|finding| self.findings.push(finding))
            .ok()?;
        self.facts.entries = log.checkpoint.size();
        let recorded = self.entries(&log, watch)?;
        let (layout, authorities) = self.bytes(folder, &log, &recorded, watch)?;
        self.anchor(&authorities, options.pin);
        self.heads(folder, &log, &authorities, options);
        self.stale(&recorded, options);
        let statements = statements::verify(&layout.statements, &authorities, watch);
        self.facts.statements = u64::try_from(statements.verified.len()).unwrap_or(u64::MAX);
        self.findings.extend(statements.findings);
        self.findings.extend(heads::signed(
            &log,
            &layout.statements,
            &statements.verified,
        ));
        let record = Record {
            entries: &recorded,
            statements: &statements.verified,
            authorities: &authorities,
        };
        let (derived, broken) = derive_watched(&record, watch);
        self.findings.extend(broken);
        self.findings.extend(plans::check(&recorded, &layout.files));
        self.count(&authorities, &derived);
        self.derived = derived;
        Some(())
    }

    /// Entries out of bytes that are known to be those of the log.
    fn entries(&mut self, log: &Log<'_>, watch: &Watch<'_>) -> Option<Vec<Recorded>> {
        let counter = Counter::begin(watch, Step::Entries, log.entries.len());
        let (index, error) = match record::recorded(&log.entries, log.tree.leaves(), &counter) {
            Ok(recorded) => return Some(recorded),
            Err(failed) => failed,
        };
        let finding = match &error {
            EntryError::Event(EventError::Unknown { .. }) => {
                Finding::new(Level::CannotTell, "newer_version", error.to_string())
            }
            EntryError::Event(EventError::Shape(_)) | EntryError::Canonical(_) => {
                Finding::tampered("entry_malformed", error.to_string())
            }
        };
        self.findings.push(finding.at_entry(index));
        None
    }

    /// Every file is there, is what it should be, and nothing else is; the authorities are signed.
    fn bytes(
        &mut self,
        folder: &Folder,
        log: &Log<'_>,
        recorded: &[Recorded],
        watch: &Watch<'_>,
    ) -> Option<(Layout, AuthoritySet)> {
        let index = Index::of(folder);
        let siem = folder.get(layout::SIEM).unwrap_or_default();
        let blob = |digest: &Digest| index.get(digest).map(<[u8]>::to_vec);
        let counter = Counter::begin(watch, Step::Files, recorded.len());
        let mut layout = layout::layout(recorded, &log.entries, &blob, siem, &counter);
        if let Some(newer) = compare::newer(&layout.faults) {
            self.findings.push(newer);
            return None;
        }
        let authorities = authority::chain(recorded, &layout.files);
        let effective = authority::effective(recorded);
        match &authorities {
            Ok(authorities) => layout.files.extend(emit::identity(authorities, &effective)),
            Err(fault) => {
                self.findings
                    .push(Finding::tampered("authority_invalid", fault.to_string()));
            }
        }
        self.findings.extend(compare::files(
            folder,
            (&layout, &log.files),
            authorities.is_ok(),
        ));
        let tampered = self
            .findings
            .iter()
            .any(|finding| finding.level == Level::Tampered);
        authorities
            .ok()
            .filter(|_| !tampered)
            .map(|authorities| (layout, authorities))
    }

    fn anchor(&mut self, authorities: &AuthoritySet, pin: Option<Digest>) {
        let instance = authorities.instance();
        let finding = match pin {
            Some(pin) if pin == instance => return,
            Some(pin) => {
                let detail = format!("the genesis is {instance}, pinned is {pin}");
                Finding::tampered("wrong_pin", detail)
            }
            None => {
                let detail = format!("self-consistent, unanchored: compare {instance}");
                Finding::new(Level::CannotTell, "unanchored", detail)
            }
        };
        self.findings.push(finding.at_path("genesis"));
    }

    /// What the log showed elsewhere, and how much of it witnesses saw.
    fn heads(
        &mut self,
        folder: &Folder,
        log: &Log<'_>,
        authorities: &AuthoritySet,
        options: &Options,
    ) {
        let other = options.against.as_deref();
        let finding = heads::against(log, authorities, other);
        // Where the folder has none, the one that was seen elsewhere may be cosigned.
        let seen = other.filter(|_| options.policy.is_some() && finding.is_none());
        self.findings.extend(finding);
        let note = folder.get(COSIGNED).or(seen);
        match cosigned::judge(log, authorities, note, options.policy.as_ref()) {
            Ok(cosigned) => self.cosigned = cosigned,
            Err(finding) => self.findings.push(finding),
        }
    }

    fn stale(&mut self, recorded: &[Recorded], options: &Options) {
        let size = self.facts.entries;
        if let Some(least) = options.min_size.filter(|least| size < *least) {
            let detail = format!("the log has {size} entries, {least} were asked for");
            self.findings
                .push(Finding::new(Level::Stale, "too_small", detail));
        }
        let last = recorded.last().map(|recorded| recorded.entry.created_at);
        if let (Some(age), Some(last)) = (options.max_age, last) {
            let old = age.now.since_ms(last) > age.seconds.saturating_mul(1000);
            if old {
                let detail = format!("the last entry is of {last}");
                self.findings
                    .push(Finding::new(Level::Stale, "too_old", detail));
            }
        }
    }

    fn count(&mut self, authorities: &AuthoritySet, derived: &Derived) {
        let number = |count: usize| u64::try_from(count).unwrap_or(u64::MAX);
        let approvals: BTreeSet<_> = derived
            .requests
            .values()
            .flat_map(|r| &r.approvals)
            .collect();
        self.facts.authorities = number(authorities.versions().count());
        self.facts.requests = number(derived.requests.len());
        self.facts.approvals = number(approvals.len());
        self.facts.grants = number(derived.grants.len());
        for fact in &derived.facts {
            let counter = match fact.word {
                Word::Signed(_) => &mut self.facts.signed,
                Word::Attested(_) => &mut self.facts.attested,
                Word::Asserted => &mut self.facts.asserted,
            };
            *counter += 1;
        }
    }
}
