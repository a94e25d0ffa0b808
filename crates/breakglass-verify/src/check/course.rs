//! The entries in log order: laid out, rendered, judged by the rules, and forgotten.

use std::collections::BTreeSet;

use breakglass_format::{
    Digest, Timestamp, entry::EntryError, event::EventError, render::timeline,
};
use breakglass_statement::AuthoritySet;

use super::{
    bundle::{Bundle, Read},
    expected::Expected,
    plans::Plans,
    stop::Stop,
    text::Text,
};
use crate::{
    Finding, FolderError, Level,
    derive::{At, Fold},
    layout::{self, Builder, Fault},
    table::Table,
};

/// What is known after the entries so far.
pub(super) struct Course<'a> {
    table: &'a Table<'a>,
    builder: Builder,
    expected: Expected<'a>,
    siem: Text<'a>,
    timeline: Text<'a>,
    lines: timeline::Text,
    /// How long the text of the last bundle was.
    room: usize,
    /// Without authorities nothing is judged.
    fold: Option<Fold<'a>>,
    plans: Plans,
    /// Statements whose signatures do not hold.
    invalid: BTreeSet<Digest>,
    verified: u64,
    statements: Vec<Finding>,
    heads: Vec<Finding>,
    last: Option<Timestamp>,
}

/// What all entries come to.
pub(super) struct Ended<'a> {
    pub(super) expected: Expected<'a>,
    pub(super) faults: Vec<Fault>,
    pub(super) fold: Option<Fold<'a>>,
    /// How many statements verify.
    pub(super) verified: u64,
    /// What is wrong with the others.
    pub(super) statements: Vec<Finding>,
    /// What is wrong with the heads that people signed.
    pub(super) heads: Vec<Finding>,
    /// What is wrong with plans.
    pub(super) plans: Vec<Finding>,
    /// When the last entry was written.
    pub(super) last: Option<Timestamp>,
}

impl<'a> Course<'a> {
    /// Before the first of so many entries.
    pub(super) fn begin(
        table: &'a Table<'a>,
        size: u64,
        authorities: Option<&'a AuthoritySet>,
    ) -> Result<Self, FolderError> {
        Ok(Self {
            table,
            builder: Builder::default(),
            expected: Expected::beside(table, size),
            siem: Text::beside(table.place(), layout::SIEM)?,
            timeline: Text::beside(table.place(), layout::TIMELINE)?,
            lines: timeline::Text::new(),
            room: 0,
            fold: authorities.map(Fold::new),
            plans: Plans::default(),
            invalid: BTreeSet::new(),
            verified: 0,
            statements: Vec::new(),
            heads: Vec::new(),
            last: None,
        })
    }

    /// Takes in the entries of the next bundle.
    pub(super) fn take(&mut self, bundle: &Bundle) -> Result<(), Stop> {
        let mut text = String::with_capacity(self.room);
        for read in &bundle.read {
            self.entry(read)?;
            self.lines.push(&read.recorded, &mut text);
        }
        let (lines, count) = &bundle.lines;
        self.siem.push(lines, *count)?;
        self.room = text.len();
        let count = text.bytes().filter(|byte| *byte == b'\n').count();
        let count = u64::try_from(count).unwrap_or(u64::MAX);
        self.timeline.push(text.as_bytes(), count)?;
        match &bundle.malformed {
            None => Ok(()),
            Some((index, error)) => Err(malformed(*index, error).into()),
        }
    }

    fn entry(&mut self, read: &Read) -> Result<(), FolderError> {
        let at = &read.recorded;
        let loaded = read.said.as_ref().map(|said| &said.loaded);
        let path = self.builder.entry(at, loaded, &mut self.expected)?;
        if let Some(error) = &read.unrendered {
            self.builder.unrendered(at.index, error.clone());
        }
        if let Some(path) = path {
            self.statement(&path, read);
        }
        let digest = at.entry.statement.0;
        let invalid = digest.is_some_and(|digest| self.invalid.contains(&digest));
        let said = read.said.as_ref().filter(|_| !invalid);
        let said = said.and_then(|said| said.verified.as_ref()?.as_ref().ok());
        if let Some(fold) = &mut self.fold {
            let recorded = at;
            fold.step(At { recorded, said });
        }
        self.plans.step(at, self.table)?;
        self.last = Some(at.entry.created_at);
        Ok(())
    }

    /// What came of the signature of a statement that no entry before named.
    fn statement(&mut self, path: &str, read: &Read) {
        let index = read.recorded.index;
        let Some(said) = &read.said else { return };
        match &said.verified {
            Some(Ok(_)) => self.verified += 1,
            Some(Err(detail)) => {
                self.invalid.extend(read.recorded.entry.statement.0);
                let finding = Finding::tampered("statement_invalid", detail.as_str());
                self.statements.push(finding.at_path(path).at_entry(index));
            }
            None => {}
        }
        let head = said.head.clone();
        self.heads.extend(head.map(|head| head.at_path(path)));
    }

    /// After the last entry.
    pub(super) fn end(mut self) -> Result<Ended<'a>, FolderError> {
        let laid = self.builder.end(&mut self.expected)?;
        self.expected.text(layout::SIEM, self.siem.end()?);
        self.expected.text(layout::TIMELINE, self.timeline.end()?);
        Ok(Ended {
            expected: self.expected,
            faults: laid.faults,
            fold: self.fold,
            verified: self.verified,
            statements: self.statements,
            heads: self.heads,
            plans: self.plans.end(&laid.sealed).collect(),
            last: self.last,
        })
    }
}

/// What an entry that cannot be read means.
fn malformed(index: u64, error: &EntryError) -> Finding {
    let finding = match error {
        EntryError::Event(EventError::Unknown { .. }) => {
            Finding::new(Level::CannotTell, "newer_version", error.to_string())
        }
        EntryError::Event(EventError::Shape(_)) | EntryError::Canonical(_) => {
            Finding::tampered("entry_malformed", error.to_string())
        }
    };
    finding.at_entry(index)
}
