//! What holds for every entry: order, names, whose word it is, and that whoever signed may.

use breakglass_format::{
    Blank, CommandId, Digest, Entry, Event, Principal, limits, vocabulary::ActionMode,
};

use super::{
    At, Fold, Statement, Word,
    cause::{Takes, takes, word as word_of},
};

/// What a statement caused so far.
pub(super) struct Used {
    command: Blank<CommandId>,
    events: Vec<&'static str>,
}

/// The finding that an id is not new.
pub(super) const ID_TWICE: (&str, &str) =
    ("event_id_twice", "an entry before has the same event_id");

impl Fold<'_> {
    pub(super) fn envelope(&mut self, entry: At<'_>) {
        let (last, now) = (self.last, self.now);
        if last > now {
            self.rule(false, "clock_went_back", &format!("{now} follows {last}"));
        }
        let new = (self.index, self.findings.len());
        let new = self.event_ids.take(entry.event_id, new.0, new.1);
        self.rule(new, ID_TWICE.0, ID_TWICE.1);
        self.names(entry);
        self.out.words.count(&word(&entry));
        let takes = takes(&entry.event);
        if !matches!(takes, Takes::Anything) {
            self.rests_on(entry, &takes);
        }
    }

    /// What a person signed is there where the event takes it, and nothing else is.
    fn rests_on(&mut self, entry: At<'_>, takes: &Takes) {
        match entry.statement.0 {
            Some(digest) => self.caused(entry, digest),
            None => {
                let nobody = entry.person.0.is_none() && entry.principal.0.is_none();
                self.rule(
                    nobody,
                    "signer_differs",
                    "a person is named who signed nothing",
                );
            }
        }
        let word = entry.said.map(word_of);
        match (takes, word) {
            (Takes::Signed(words), word) => {
                let detail = format!("it takes a signed {}", words.join(" or "));
                let fits = word.is_some_and(|word| words.contains(&word));
                self.rule(fits, "not_signed", &detail);
            }
            (Takes::Perhaps(_) | Takes::Nothing, Some(word)) => {
                let fits = matches!(takes, Takes::Perhaps(words) if words.contains(&word));
                let detail = format!("no {word} causes such an event");
                self.rule(fits, "statement_misplaced", &detail);
            }
            (Takes::Perhaps(_) | Takes::Nothing, None) | (Takes::Anything, _) => {}
        }
    }

    /// `actor` follows from the rest.
    fn names(&mut self, entry: At<'_>) {
        let actor = entry.actor.as_str();
        let fits = match (entry.event.account(), &entry.principal.0) {
            (Some(account), _) => account.name.as_str() == actor,
            (None, Some(principal)) => principal.as_str() == actor,
            (None, None) => actor.starts_with("system:"),
        };
        self.rule(
            fits,
            "actor_wrong",
            "actor is neither the account, the principal nor a part of the server",
        );
    }

    /// The entry was caused by a statement: its signer is named, may sign, and signs it once.
    fn caused(&mut self, entry: At<'_>, digest: Digest) {
        let Some(statement) = entry.said else {
            self.rule(
                false,
                "statement_unverified",
                "no verified statement has this digest",
            );
            return;
        };
        let signer = statement.signer();
        let named = entry.person.0.as_ref() == Some(&signer.person)
            && entry.principal.0.as_ref() == Some(&signer.principal);
        self.rule(
            named,
            "signer_differs",
            "the entry names another person than signed",
        );
        let event_type = entry.event.event_type();
        let new = Used {
            command: entry.command_id,
            events: Vec::new(),
        };
        let first = !self.used_statements.contains_key(&digest);
        let used = self.used_statements.entry(digest).or_insert(new);
        // One statement may end several grants; everything else it causes once, in one command.
        let before = used.events.contains(&event_type);
        if !before {
            used.events.push(event_type);
        }
        let again = before
            && !matches!(
                entry.event,
                Event::BreakGlassEnded(_) | Event::BreakGlassVoided(_)
            );
        let once = !again && used.command == entry.command_id;
        self.rule(once, "statement_used_twice", "a statement is accepted once");
        if let Statement::Session(session) = statement {
            let not_after = session.statement().not_after;
            self.sessions.insert(digest, not_after);
        }
        if first {
            self.signed_well(statement, entry);
        }
    }

    /// The key counts at this time, under the authority named and the current one, was enrolled,
    /// and the signer's clock agrees with ours.
    fn signed_well(&mut self, statement: &Statement, entry: At<'_>) {
        if matches!(statement, Statement::Enroll(_)) {
            return;
        }
        let signer = statement.signer();
        let (key, kind) = statement.rests_on();
        let now = self.now;
        let counts = self.judges(statement.authority()).is_some_and(|both| {
            both.iter()
                .all(|authority| self.key_counts(authority, &signer.person, key, (kind, now)))
        });
        self.rule(
            counts,
            "key_does_not_count",
            "under the authority named or the current one",
        );
        let enrolled = self
            .enrolled
            .contains(&(signer.person.clone(), key.clone()));
        self.rule(
            enrolled,
            "key_not_enrolled",
            "nobody proved to hold the key before",
        );
        let skew_ms = limits::STATEMENT_SKEW_S * 1000;
        let near = |clock: breakglass_format::Timestamp| {
            clock.since_ms(statement.stated_at()).abs() <= skew_ms
        };
        let fresh = near(entry.created_at) || near(entry.wall);
        self.rule(
            fresh,
            "statement_not_fresh",
            "it was signed more than 300 s away from its entry",
        );
        self.session_covers(statement);
    }

    fn session_covers(&mut self, statement: &Statement) {
        let Statement::Act(act) = statement else {
            return;
        };
        let Some(digest) = act.statement().session.0 else {
            return;
        };
        let session = self.sessions.get(&digest);
        let covers = session.is_some_and(|not_after| self.now < *not_after);
        self.rule(covers, "session_over", "its session was not open");
    }
}

fn is_refusal(event: &Event) -> bool {
    matches!(
        event,
        Event::CommandRefused(_) | Event::RefusalsSummarised(_)
    )
}

/// Whose word an entry is.
#[must_use]
pub fn word(entry: &Entry) -> Word {
    let by_roots = if let Event::AuthorityPublished(published) = &entry.event {
        Some(&published.signatures)
    } else if let Event::EpochBegun(begun) = &entry.event {
        Some(&begun.signatures)
    } else {
        None
    };
    if let Some(signatures) = by_roots {
        let signers = signatures.iter().map(|root| root.signer.principal.clone());
        return Word::Signed(signers.collect());
    }
    let signer: Option<&Principal> = entry.principal.as_ref();
    let Some(signer) = signer.filter(|_| entry.statement.0.is_some() && !is_refusal(&entry.event))
    else {
        return Word::Asserted;
    };
    let attested = matches!(&entry.event, Event::RotationAttested(_))
        || matches!(&entry.event, Event::BreakGlassAction(d) if d.mode == ActionMode::Recorded);
    if attested {
        Word::Attested(signer.clone())
    } else {
        Word::Signed(vec![signer.clone()])
    }
}
