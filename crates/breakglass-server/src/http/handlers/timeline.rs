//! What happened in an incident, and what was refused in it.
//!
//! A refusal belongs to no incident by itself: it names what was asked about. Acts and checkouts
//! name an incident, request, grant or run. Requests and answers name their account only; those are
//! counted in where the account was asked for in this incident, or where no other was open.

use std::collections::BTreeSet;

use axum::{Json, extract::State};
use breakglass_api::view::RefusalView;
use breakglass_core::World;
use breakglass_format::{
    Entry, Event, IncidentId, Timestamp,
    entry::Recorded,
    event::{CommandRefused, Reference},
    render::timeline::{Timeline, heading},
};

use super::read::incident_id;
use crate::{
    history::{
        self,
        terms::{INCIDENT, TYPE, term},
        world_of,
    },
    http::{
        app::App,
        extract::{Path, Reading},
        problem::ApiError,
    },
};

/// The entries that say that something was refused, and those that say what people are called.
const REFUSAL: &str = "COMMAND_REFUSED";
const NAME: &str = "KEY_ENROLLED";
/// Entries read at a time.
const PAGE_ENTRIES: usize = 256;

/// The incident's part of the timeline with what was refused in it: a heading for each day, then
/// one line for each entry and indented particulars, as in `timeline.txt`.
#[utoipa::path(get, path = "/v1/incidents/{id}/timeline", params(("id" = String, Path)),
    responses((status = 200, body = Vec<String>)))]
pub(crate) async fn timeline(
    State(app): State<App>,
    _: Reading,
    Path(id): Path<String>,
) -> Result<Json<Vec<String>>, ApiError> {
    let (scope, entries) = app.story(&id).await?;
    let mut timeline = Timeline::new();
    let (mut lines, mut today) = (Vec::new(), None);
    for recorded in &entries {
        // Every entry is pushed: the later ones name what the earlier ones made.
        let said = timeline.push(recorded);
        if !scope.holds(&recorded.entry) {
            continue;
        }
        let day = heading(recorded.entry.created_at);
        if today.as_ref() != Some(&day) {
            lines.extend(today.is_some().then(String::new));
            lines.extend([day.clone(), String::new()]);
            today = Some(day);
        }
        lines.extend(said);
    }
    Ok(Json(lines))
}

/// What was refused in an incident, as far as refusals tell, oldest first.
#[utoipa::path(get, path = "/v1/incidents/{id}/refusals", params(("id" = String, Path)),
    responses((status = 200, body = Vec<RefusalView>)))]
pub(crate) async fn refusals(
    State(app): State<App>,
    _: Reading,
    Path(id): Path<String>,
) -> Result<Json<Vec<RefusalView>>, ApiError> {
    let (scope, entries) = app.story(&id).await?;
    let held = entries.iter().filter(|r| scope.holds(&r.entry));
    Ok(Json(held.filter_map(refusal).collect()))
}

fn refusal(recorded: &Recorded) -> Option<RefusalView> {
    let Event::CommandRefused(refused) = &recorded.entry.event else {
        return None;
    };
    let who = recorded.entry.principal.0.as_ref();
    Some(RefusalView {
        index: recorded.index,
        at: recorded.entry.created_at,
        who: who.map_or_else(String::new, ToString::to_string),
        command: refused.command.to_string(),
        code: refused.code.to_string(),
        object: refused.object.to_string(),
        compared: refused
            .compared
            .iter()
            .map(|c| format!("{} {}", c.name, c.value))
            .collect(),
    })
}

/// What belongs to an incident.
struct Scope {
    incident: IncidentId,
    /// Ids and references of the incident and of everything in it.
    names: BTreeSet<String>,
    /// The accounts that were asked for in it.
    accounts: BTreeSet<String>,
    /// When it was open.
    open: Open,
    /// When others were.
    others: Vec<Open>,
}

/// From the declaration to the resolution.
struct Open {
    from: Timestamp,
    to: Option<Timestamp>,
}

impl Open {
    fn at(&self, time: Timestamp) -> bool {
        self.from <= time && self.to.is_none_or(|to| time <= to)
    }
}

impl Scope {
    /// The scope of an incident, whose own entries made `world`; `all` has the others.
    fn of(world: &World, id: &IncidentId, all: &World) -> Option<Self> {
        let incident = world.incident(id)?;
        let mut names = BTreeSet::from([id.to_string(), incident.reference.to_string()]);
        let mut accounts = BTreeSet::new();
        for request in world.requests_under(id) {
            names.extend([request.id.to_string(), request.reference.to_string()]);
            accounts.insert(request.account.name.to_string());
        }
        for grant in world.grants_under(id) {
            names.extend([grant.id.to_string(), grant.reference.to_string()]);
        }
        let runs = world.runs_under(id);
        names.extend(runs.map(|r| r.id.to_string()));
        let others = all.incidents().filter(|i| i.id != *id);
        let others = others.map(|i| Open {
            from: i.declared_at,
            to: i.resolved_at,
        });
        Some(Self {
            incident: *id,
            names,
            accounts,
            open: Open {
                from: incident.declared_at,
                to: incident.resolved_at,
            },
            others: others.collect(),
        })
    }

    fn holds(&self, entry: &Entry) -> bool {
        if let Event::CommandRefused(refused) = &entry.event {
            return self.holds_refusal(refused, entry.created_at);
        }
        entry.correlation_id.0 == Some(self.incident)
    }

    fn holds_refusal(&self, refused: &CommandRefused, at: Timestamp) -> bool {
        let ours = |text: &str| self.names.contains(text);
        if ours(refused.object.as_str()) {
            return true;
        }
        let compared = || refused.compared.iter().map(|c| c.value.as_str());
        if compared().any(|text| text.parse::<Reference>().is_ok()) {
            return compared().any(ours);
        }
        let by_account = matches!(refused.command.as_str(), "request" | "approval" | "denial");
        let asked_for = self.accounts.contains(refused.object.as_str());
        let alone = || !self.others.iter().any(|open| open.at(at));
        by_account && self.open.at(at) && (asked_for || alone())
    }
}

impl App {
    /// What belongs to an incident, its entries, those that say what people are called, and those
    /// that say that something was refused since it began; in order.
    async fn story(&self, text: &str) -> Result<(Scope, Vec<Recorded>), ApiError> {
        let published = self.published();
        let unknown = || ApiError::unknown("incident", text).at(self.now());
        let id = incident_id(&published.world, text).ok_or_else(unknown)?;
        let read = self.shelf.read(move |history| {
            let own = history.having(&term(INCIDENT, id), 0)?;
            let since = own.first().copied().unwrap_or(u64::MAX);
            let names = history.having(&term(TYPE, NAME), 0)?;
            Ok((own, names, history.having(&term(TYPE, REFUSAL), since)?))
        });
        let found = read.await;
        let (own, names, refusals) = found.map_err(|e| ApiError::history(&e).at(self.now()))?;
        let own = self.entries_at(own).await?;
        let alone = world_of(&published.world, &own);
        let scope = Scope::of(&alone, &id, &published.world).ok_or_else(unknown)?;
        let mut all = own;
        all.extend(self.entries_at(names).await?);
        all.extend(self.entries_at(refusals).await?);
        all.sort_by_key(|recorded| recorded.index);
        Ok((scope, all))
    }

    /// An incident's own entries, in order.
    pub(super) async fn own_story(&self, text: &str) -> Result<Vec<Recorded>, ApiError> {
        let published = self.published();
        let unknown = || ApiError::unknown("incident", text).at(self.now());
        let id = incident_id(&published.world, text).ok_or_else(unknown)?;
        let read = self
            .shelf
            .read(move |history| history.having(&term(INCIDENT, id), 0));
        let own = read
            .await
            .map_err(|e| ApiError::history(&e).at(self.now()))?;
        if own.is_empty() {
            return Err(unknown());
        }
        self.entries_at(own).await
    }

    /// The entries at these indexes. A page at a time, so that others who read have their turn.
    pub(super) async fn entries_at(&self, indexes: Vec<u64>) -> Result<Vec<Recorded>, ApiError> {
        let mut all = Vec::new();
        for page in indexes.chunks(PAGE_ENTRIES) {
            let page = page.to_vec();
            let read = self.readers.read(move |log| {
                let entries = page.iter().map(|index| history::recorded(log, *index));
                entries.collect::<Result<Vec<_>, _>>()
            });
            all.extend(self.of_log(read.await)?.into_iter().flatten());
        }
        Ok(all)
    }
}
