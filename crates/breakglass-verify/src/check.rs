//! Folder to verdict: tree, hashes and signatures first, then the rules
//! (`docs/spec/evidence.md` says what is checked in which order).

mod bundle;
mod cosigned;
mod course;
mod differs;
mod epochs;
mod expected;
mod heads;
pub(crate) mod log;
mod marked;
mod plans;
mod statements;
pub(crate) mod stop;
mod text;

use std::{borrow::Cow, collections::BTreeSet};

use breakglass_format::{Digest, Timestamp};
use breakglass_statement::AuthoritySet;
use breakglass_tlog::{EntriesPath, Policy};

use crate::{
    Cosigned, Derived, Facts, Finding, Folder, FolderError, Level, Verdict,
    authority::{self, AuthorityFault},
    derive::Fold,
    files::Files,
    folder::COSIGNED,
    parallel::{Ahead, in_order},
    table::Table,
    watch::{Counter, Step, Watch},
};
pub use heads::open_checkpoint;

use bundle::Reader;
use course::{Course, Ended};
use log::{Log, Place};
use statements::Against;
use stop::Stop;

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

/// Checks an evidence folder in memory. Total: whatever the folder holds, there is a verdict.
#[must_use]
pub fn check(folder: &Folder, options: &Options) -> Verdict {
    // Of a folder in memory everything that is listed can be read, and it does not change.
    check_files(folder, options, &|_| ()).unwrap_or_else(|error| {
        let finding = Finding::tampered("missing_file", error.to_string());
        Verdict::new(vec![finding], Facts::default(), Derived::default())
    })
}

/// Checks an evidence folder wherever it lies, piece by piece, and tells how far that has come.
/// Whatever the folder holds there is a verdict, if its files can be read.
///
/// # Errors
/// [`FolderError`], where they cannot, or where they change meanwhile.
pub fn check_files(
    files: &dyn Files,
    options: &Options,
    watch: &Watch<'_>,
) -> Result<Verdict, FolderError> {
    let listing = files.listing();
    let mut checked = Checked::default();
    let place = Place {
        files,
        listing: &listing,
    };
    match checked.run(place, options, watch) {
        Ok(()) => {}
        // What comes after it would rest on what is wrong.
        Err(Stop::Finding(finding)) => checked.findings.push(*finding),
        Err(Stop::Files(error)) => return Err(error),
    }
    Ok(Verdict {
        cosigned: checked.cosigned,
        ..Verdict::new(checked.findings, checked.facts, checked.derived)
    })
}

#[derive(Default)]
struct Checked {
    findings: Vec<Finding>,
    facts: Facts,
    derived: Derived,
    cosigned: Option<Cosigned>,
}

impl Checked {
    fn run(&mut self, place: Place<'_>, options: &Options, watch: &Watch<'_>) -> Result<(), Stop> {
        let mut marked = Vec::new();
        let log = log::read(place, watch, marked::of, |more| marked.extend(more))?;
        self.facts.entries = log.checkpoint.size();
        let table = Table::of(place, watch)?;
        let authorities = authority::from_blobs(&marked, &table)?;
        let known = authorities.as_ref().ok();
        let sessions = known.map(|known| marked::sessions(&marked, &table, known));
        let sessions = sessions.transpose()?.unwrap_or_default();
        let against = known.map(|authorities| Against {
            authorities,
            sessions: &sessions,
        });
        let reader = Reader {
            log: &log,
            table: &table,
            against,
        };
        let mut ended = entries(&reader, watch)?;
        let fold = ended.fold.take();
        let effective = authority::effective(&marked);
        let last = ended.last;
        let of_rest = self.bytes(ended, (&authorities, &effective))?;
        let (Some(rest), Ok(authorities), Some(fold)) = (of_rest, &authorities, fold) else {
            return Ok(());
        };
        self.anchor(authorities, options.pin);
        self.heads(place, &log, authorities, options)?;
        self.findings.extend(epochs::check(&log, authorities)?);
        self.stale(last, options);
        self.facts.statements = rest.verified;
        self.findings.extend(rest.statements);
        self.findings.extend(rest.heads);
        let (derived, broken) = ruled(&reader, fold)?;
        self.findings.extend(broken);
        self.findings.extend(rest.plans);
        self.count(authorities, &derived);
        self.derived = derived;
        Ok(())
    }

    /// Every file is there, is what it should be, and nothing else is; the authorities are signed.
    /// What was found beyond that, where it may be told.
    fn bytes(
        &mut self,
        ended: Ended<'_>,
        (authorities, effective): (&Result<AuthoritySet, AuthorityFault>, &[(i64, Timestamp)]),
    ) -> Result<Option<Rest>, Stop> {
        if let Some(newer) = expected::newer(&ended.faults) {
            return Err(newer.into());
        }
        let mut expected = ended.expected;
        match authorities {
            Ok(authorities) => {
                for (path, bytes) in authority::identity(authorities, effective) {
                    expected.bytes(path, &bytes)?;
                }
            }
            Err(fault) => {
                self.findings
                    .push(Finding::tampered("authority_invalid", fault.to_string()));
            }
        }
        self.findings
            .extend(expected.end(&ended.faults, authorities.is_ok())?);
        let mut findings = self.findings.iter();
        let tampered = findings.any(|finding| finding.level == Level::Tampered);
        Ok((!tampered).then_some(Rest {
            verified: ended.verified,
            statements: ended.statements,
            heads: ended.heads,
            plans: ended.plans,
        }))
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
        place: Place<'_>,
        log: &Log<'_>,
        authorities: &AuthoritySet,
        options: &Options,
    ) -> Result<(), FolderError> {
        let other = options.against.as_deref();
        let finding = heads::against(log, authorities, other)?;
        // Where the folder has none, the one that was seen elsewhere may be cosigned.
        let seen = other.filter(|_| options.policy.is_some() && finding.is_none());
        self.findings.extend(finding);
        let note = match place.listing.find(COSIGNED) {
            Some(_) => Some(place.files.whole(COSIGNED)?),
            None => seen.map(Cow::Borrowed),
        };
        match cosigned::judge(log, authorities, note.as_deref(), options.policy.as_ref())? {
            Ok(cosigned) => self.cosigned = cosigned,
            Err(finding) => self.findings.push(finding),
        }
        Ok(())
    }

    fn stale(&mut self, last: Option<Timestamp>, options: &Options) {
        let size = self.facts.entries;
        if let Some(least) = options.min_size.filter(|least| size < *least) {
            let detail = format!("the log has {size} entries, {least} were asked for");
            self.findings
                .push(Finding::new(Level::Stale, "too_small", detail));
        }
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
        self.facts.signed = derived.words.signed;
        self.facts.attested = derived.words.attested;
        self.facts.asserted = derived.words.asserted;
    }
}

/// What is told only of a folder whose bytes are those of its log.
struct Rest {
    verified: u64,
    statements: Vec<Finding>,
    heads: Vec<Finding>,
    plans: Vec<Finding>,
}

/// How much a bundle takes of what may be on its way.
fn ahead<'p>(place: Place<'p>) -> Ahead<impl Fn(&EntriesPath) -> u64 + use<'p>> {
    Ahead {
        weigh: move |path: &EntriesPath| place.length(&log::in_log(path)),
        most: log::AHEAD_BYTES,
    }
}

/// Reads every entry, on all cores, and takes them in, in log order.
fn entries<'a>(reader: &Reader<'a>, watch: &Watch<'_>) -> Result<Ended<'a>, Stop> {
    let log = reader.log;
    let size = log.checkpoint.size();
    let count = usize::try_from(size).unwrap_or(usize::MAX);
    let counter = Counter::begin(watch, Step::Entries, count);
    let authorities = reader.against.map(|against| against.authorities);
    let mut course = Course::begin(reader.table, size, authorities)?;
    let work = |_: usize, path: &EntriesPath| reader.bundle(path);
    in_order(&log.bundles, ahead(reader.table.place()), work, |bundle| {
        let bundle = bundle?;
        counter.add(bundle.read.len());
        course.take(&bundle)
    })?;
    Ok(course.end()?)
}

/// What the rules come to, after a second look at the entries where they take one.
fn ruled(reader: &Reader<'_>, mut fold: Fold<'_>) -> Result<(Derived, Vec<Finding>), FolderError> {
    if let Some(mut sought) = fold.sought() {
        let ids = |_: usize, path: &EntriesPath| {
            let mut ids = Vec::new();
            reader.recorded(path, |at, _| {
                ids.push((at.entry.event_id, at.index));
                Ok(())
            })?;
            Ok::<_, FolderError>(ids)
        };
        let ahead = ahead(reader.table.place());
        in_order(&reader.log.bundles, ahead, ids, |ids| {
            let mut see = |(id, index)| sought.see(id, index);
            ids?.into_iter().for_each(&mut see);
            Ok::<(), FolderError>(())
        })?;
        fold.found(&sought);
    }
    Ok(fold.end())
}
