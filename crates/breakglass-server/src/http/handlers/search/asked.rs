//! What somebody looks for, as it stands in the URL, and as the read model is asked for it.

use breakglass_format::{Event, Timestamp};
use breakglass_store::history::{Phrase, Term};
use serde::{Deserialize, Serialize};

use super::{
    super::{evidence::PAGE, read::incident_id},
    text::phrases,
};
use crate::{
    history::terms::{ACCOUNT, BY, INCIDENT, OBJECT, PERSON, TYPE, term},
    http::{app::App, problem::ApiError},
};

/// Entries in one answer, unless asked for otherwise.
const LIMIT: u64 = 50;

/// The query of a search. What is not known is refused, so that a slip does not find everything.
#[derive(Debug, Clone, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Asked {
    person: Option<String>,
    by: Option<String>,
    account: Option<String>,
    pub(super) incident: Option<String>,
    #[serde(rename = "type")]
    types: Option<String>,
    since: Option<String>,
    until: Option<String>,
    text: Option<String>,
    order: Option<String>,
    limit: Option<u64>,
    pub(super) cursor: Option<String>,
}

/// What somebody looks for.
#[derive(Debug)]
pub(super) struct Wanted {
    /// One term of each.
    pub(super) all: Vec<Vec<Term>>,
    pub(super) phrases: Vec<Phrase>,
    pub(super) since: Option<Timestamp>,
    pub(super) until: Option<Timestamp>,
    pub(super) newest_first: bool,
}

impl Asked {
    /// How many entries are wanted in one answer.
    pub(super) fn limit(&self) -> Result<u64, ApiError> {
        match self.limit {
            Some(0) => Err(ApiError::search(
                "limit is 0",
                "leave it out, or say 1 to 256",
            )),
            limit => Ok(limit.unwrap_or(LIMIT).min(PAGE)),
        }
    }

    /// What is looked for, whichever page of it.
    pub(super) fn without_page(&self) -> Self {
        Self {
            limit: None,
            cursor: None,
            ..self.clone()
        }
    }

    fn types(&self) -> Result<Option<Vec<Term>>, ApiError> {
        let Some(types) = given("type", &self.types)? else {
            return Ok(None);
        };
        let known = |word: &str| {
            let same = |known: &&&str| known.eq_ignore_ascii_case(word);
            let known = Event::TYPES.iter().find(same).ok_or_else(|| {
                let word: String = word.chars().take(64).collect();
                let hint = "one or more of those in docs/spec/entry.md, with commas between them";
                ApiError::search(format!("there is no event type {word:?}"), hint)
            })?;
            Ok(term(TYPE, known))
        };
        let types: Result<Vec<Term>, ApiError> = types.split(',').map(known).collect();
        types.map(Some)
    }

    fn newest_first(&self) -> Result<bool, ApiError> {
        match self.order.as_deref() {
            None | Some("newest") => Ok(true),
            Some("oldest") => Ok(false),
            Some(_) => Err(ApiError::search(
                "order is neither newest nor oldest",
                "it says which come first: newest, which is the default, or oldest",
            )),
        }
    }

    fn phrases(&self) -> Result<Vec<Phrase>, ApiError> {
        let Some(text) = &self.text else {
            return Ok(Vec::new());
        };
        let hint =
            "words that an entry says; \"in quotes\" in a row; a beginning with a * after it";
        phrases(text).map_err(|e| ApiError::search(e.to_string(), hint))
    }
}

/// A value that was given, which must say something.
fn given<'a>(name: &str, value: &'a Option<String>) -> Result<Option<&'a str>, ApiError> {
    match value.as_deref() {
        Some(value) if value.trim().is_empty() => {
            let hint = "leave it out, or say what to look for";
            Err(ApiError::search(format!("{name} is empty"), hint))
        }
        value => Ok(value),
    }
}

fn time(name: &str, value: &Option<String>) -> Result<Option<Timestamp>, ApiError> {
    let Some(text) = given(name, value)? else {
        return Ok(None);
    };
    let time = text.parse().map_err(|e| {
        let hint = "an instant of the form 2026-01-06T10:00:00.000Z";
        ApiError::search(format!("{name}: {e}"), hint)
    });
    time.map(Some)
}

impl App {
    /// What the read model is to be asked.
    pub(super) async fn wanted(&self, asked: &Asked) -> Result<Wanted, ApiError> {
        let (since, until) = (time("since", &asked.since)?, time("until", &asked.until)?);
        if since
            .zip(until)
            .is_some_and(|(since, until)| since >= until)
        {
            let hint = "entries are found that were recorded from since on and before until";
            return Err(ApiError::search("since is not before until", hint));
        }
        let mut all: Vec<Vec<Term>> = asked.types()?.into_iter().collect();
        for (name, value, kind) in [("person", &asked.person, PERSON), ("by", &asked.by, BY)] {
            if let Some(text) = given(name, value)? {
                all.push(self.person_terms(text, kind).await?);
            }
        }
        if let Some(text) = given("account", &asked.account)? {
            all.push(self.account_terms(text).await?);
        }
        if let Some(text) = given("incident", &asked.incident)? {
            all.push(self.incident_terms(text)?);
        }
        Ok(Wanted {
            all,
            phrases: asked.phrases()?,
            since,
            until,
            newest_first: asked.newest_first()?,
        })
    }

    /// Everybody who is or was called so: who looks into what happened looks for those who left.
    async fn person_terms(&self, text: &str, kind: &'static str) -> Result<Vec<Term>, ApiError> {
        let published = self.published();
        let authority = published.world.authority().map(|v| &v.authority);
        let people = authority.iter().flat_map(|a| &a.people);
        let now = people.filter(|p| p.principal.as_str() == text || p.person.as_str() == text);
        let now = now.map(|p| p.person.to_string());
        let ids = self.called(text, "per_", now.collect()).await?;
        let terms: Vec<Term> = ids.into_iter().map(|id| term(kind, id)).collect();
        match terms.is_empty() {
            true => Err(ApiError::unknown("person", text)),
            false => Ok(terms),
        }
    }

    /// Every account that is or was called so, and what was refused under that name.
    async fn account_terms(&self, text: &str) -> Result<Vec<Term>, ApiError> {
        let published = self.published();
        let authority = published.world.authority().map(|v| &v.authority);
        let accounts: Vec<_> = authority.iter().flat_map(|a| &a.accounts).collect();
        let now = accounts
            .iter()
            .filter(|a| a.name.as_str() == text || a.id.as_str() == text);
        let now = now.map(|a| a.id.to_string());
        let ids = self.called(text, "acc_", now.collect()).await?;
        if ids.is_empty() {
            return Err(ApiError::unknown("account", text));
        }
        let named = accounts
            .iter()
            .filter(|a| ids.iter().any(|id| a.id.as_str() == id));
        let names = named.map(|a| term(OBJECT, &a.name));
        let mut terms: Vec<Term> = names.collect();
        terms.extend(
            ids.iter()
                .flat_map(|id| [term(ACCOUNT, id), term(OBJECT, id)]),
        );
        terms.push(term(OBJECT, text));
        Ok(terms)
    }

    /// An incident's own entries, and what was refused about it.
    fn incident_terms(&self, text: &str) -> Result<Vec<Term>, ApiError> {
        let published = self.published();
        let world = &published.world;
        let found = incident_id(world, text).and_then(|id| world.incident(&id));
        let found = found.ok_or_else(|| ApiError::unknown("incident", text))?;
        let of = [term(INCIDENT, found.id), term(OBJECT, found.id)];
        Ok([&of[..], &[term(OBJECT, found.reference)]].concat())
    }

    /// The ids of a kind that have a name now, or ever had it.
    async fn called(
        &self,
        name: &str,
        kind: &'static str,
        now: Vec<String>,
    ) -> Result<Vec<String>, ApiError> {
        let text = name.to_owned();
        let read = self.shelf.read(move |history| history.called(&text));
        let ever = read.await.map_err(|e| ApiError::history(&e))?;
        let mut ids: Vec<String> = ever.into_iter().filter(|id| id.starts_with(kind)).collect();
        ids.extend(now);
        ids.sort_unstable();
        ids.dedup();
        Ok(ids)
    }
}
