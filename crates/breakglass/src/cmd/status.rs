//! `breakglass status`: how the installation is, and, for somebody with a session, what goes on.

use breakglass_api::{
    Client,
    view::{GrantView, IncidentView, ReadinessView, RequestView, WhoamiView},
    wire::Status,
};
use breakglass_format::{Timestamp, time::human_s};
use serde::Serialize;

use super::Context;
use crate::{
    actor::ActorError,
    hint::Failure,
    output::{Screen, line},
};

/// From here on two clocks differ.
const APART_S: i64 = 5;

/// What goes on, as somebody with a session may see it.
#[derive(Debug, Serialize)]
struct Board {
    me: WhoamiView,
    /// Incidents that are not closed, newest first.
    incidents: Vec<IncidentView>,
    pending: Vec<RequestView>,
    grants: Vec<GrantView>,
    readiness: ReadinessView,
}

#[derive(Serialize)]
struct Whole<'a> {
    #[serde(flatten)]
    status: &'a Status,
    #[serde(skip_serializing_if = "Option::is_none")]
    board: Option<&'a Board>,
}

pub(super) fn run(cx: &Context) -> Result<(), Failure> {
    let config = cx.config()?;
    let client = cx.anybody()?;
    let status = client.status()?;
    if status.instance != config.genesis {
        let (pinned, got) = (config.genesis, status.instance);
        return Err(Failure::from(ActorError::ForeignInstance { pinned, got }));
    }
    cx.look(&client);
    // A session begins by itself where the server knows none any more; where it cannot, what
    // anybody may see is shown all the same.
    let client = match client.whoami() {
        Ok(_) => client,
        Err(_) => cx.client().unwrap_or(client),
    };
    let board = board(&client);
    if cx.output().is_json() {
        let board = board.as_ref();
        cx.output().json(&Whole {
            status: &status,
            board,
        });
        return Ok(());
    }
    let rows = [
        ("installation", line(&status.title)),
        ("state", line(&status.state)),
        ("log", format!("{} entries", status.log_size)),
        (
            "server time",
            format!("{} ({})", status.time, clocks(cx.now(), status.time)),
        ),
        ("software", line(&status.software)),
    ];
    for (name, value) in rows {
        cx.output().data(&format!("{name:<13} {value}"));
    }
    match board {
        Some(board) => {
            let screen = cx.screen(&client);
            for text in lines(&board, screen) {
                cx.output().data(&text);
            }
        }
        None => cx.output().say("hint: breakglass login shows what goes on"),
    }
    Ok(())
}

fn board(client: &Client) -> Option<Board> {
    let me = client.whoami().ok()?;
    let mut incidents = client.incidents_in("open").ok()?;
    incidents.extend(client.incidents_in("resolved").ok()?);
    Some(Board {
        me,
        incidents,
        pending: client.requests(true).ok()?,
        grants: client.active_grants().ok()?,
        readiness: client.readiness().ok()?,
    })
}

/// Whether this machine's clock will do for signing.
fn clocks(own: Timestamp, server: Timestamp) -> String {
    let apart_s = own.since_ms(server) / 1000;
    if apart_s.abs() < APART_S {
        return "this machine agrees".to_owned();
    }
    let way = if apart_s > 0 { "ahead" } else { "behind" };
    format!("this machine is {} {way}", human_s(apart_s.abs()))
}

/// What goes on, incident by incident: who holds what, what waits, what is owed next.
fn lines(board: &Board, screen: Screen) -> Vec<String> {
    let mut out = vec![String::new()];
    if board.incidents.is_empty() {
        out.push("no incident is open".to_owned());
    }
    for incident in &board.incidents {
        out.extend(of_incident(incident, board, screen));
    }
    out.push(String::new());
    let fails = |l: &&breakglass_api::view::LackView| l.severity == "fails";
    let fails = board.readiness.lacks.iter().filter(fails).count();
    out.push(match (fails, board.readiness.lacks.len()) {
        (0, 0) => "ready for an emergency".to_owned(),
        (0, warnings) => {
            format!("ready for an emergency; {warnings} warnings: breakglass readiness")
        }
        (fails, _) => format!("NOT READY, to be mended: {fails}; see breakglass readiness"),
    });
    out
}

fn of_incident(incident: &IncidentView, board: &Board, screen: Screen) -> Vec<String> {
    let drill = if incident.drill { "DRILL: " } else { "" };
    let mut out = vec![format!(
        "{}  {} {}, {}: {drill}{}",
        incident.reference,
        incident.severity,
        incident.scenario,
        incident.state,
        line(&incident.title)
    )];
    let mut below = vec![format!("led by {}", line(&incident.commander))];
    let ours = |reference: &str| *reference == incident.reference;
    for grant in board.grants.iter().filter(|g| ours(&g.incident)) {
        let end = screen.when(grant.not_after);
        let (holder, account) = (line(&grant.holder), line(&grant.account));
        let until = format!("{} {holder} holds {account}, ends {end}", grant.reference);
        below.push(match grant.holder == board.me.principal {
            true => format!("{until}  <- you: breakglass return {}", grant.reference),
            false => until,
        });
    }
    for request in board.pending.iter().filter(|r| ours(&r.incident)) {
        below.push(waits(request, &board.me.principal, screen));
    }
    let open =
        |o: &&breakglass_api::view::ObligationView| matches!(o.status.as_str(), "open" | "overdue");
    let mut owed: Vec<_> = incident.obligations.iter().filter(open).collect();
    owed.sort_by_key(|o| o.clock.due_at);
    for duty in owed {
        let late = if duty.status == "overdue" {
            "OVERDUE, "
        } else {
            ""
        };
        let of = match duty.subject.as_str() {
            "" => String::new(),
            subject => format!(" of {}", line(subject)),
        };
        let mine = if duty.clock.owner.as_str() == board.me.person {
            "  <- yours"
        } else {
            ""
        };
        below.push(format!(
            "{late}{}{of}: {}, due {}{mine}",
            duty.clock.obligation.as_str().replace('_', " "),
            line(&duty.owner),
            screen.when(duty.clock.due_at)
        ));
    }
    out.extend(below.into_iter().map(|text| format!("       {text}")));
    out
}

fn waits(request: &RequestView, me: &str, screen: Screen) -> String {
    let approved = i64::try_from(request.approved_by.len()).unwrap_or(i64::MAX);
    let missing = request.needs.saturating_sub(approved);
    let text = format!(
        "{} {} asks for {}, {missing} of {} approvals missing, lapses {}",
        request.reference,
        line(&request.requester),
        line(&request.account),
        request.needs,
        screen.when(request.approve_by)
    );
    if request.may_approve.iter().any(|p| p == me) {
        return format!("{text}  <- you: breakglass approve {}", request.reference);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_is_off_is_told_with_its_direction() {
        let server = Timestamp::from_millis(1_000_000_000_000);
        assert_eq!(clocks(server.plus_s(4), server), "this machine agrees");
        assert_eq!(
            clocks(server.plus_s(600), server),
            "this machine is 10m ahead"
        );
        assert_eq!(
            clocks(server.plus_s(-90), server),
            "this machine is 1m 30s behind"
        );
    }
}
