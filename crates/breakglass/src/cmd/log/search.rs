//! `breakglass log search`: entries by whom, about what, of which type, when, with which words.

use breakglass_api::{Client, view::FoundView, wire::LogSearch};
use breakglass_format::{Event, Timestamp, time::parse_duration_s};

use super::Context;
use crate::{hint::Failure, output::line};

/// Entries that are shown unless asked for otherwise.
const SHOWN: u64 = 50;
/// Entries in one answer of the server's at most.
const PAGE: u64 = 256;
/// How many types are named instead of one that there is not.
const NEAREST: usize = 3;

/// What to look for: an entry must have all of it. Without anything, the latest entries.
#[derive(Debug, Clone, clap::Args)]
pub(in crate::cmd) struct Args {
    /// Who acted or is named: a principal, also of somebody who has left, or a person id.
    #[arg(long, value_name = "PRINCIPAL")]
    person: Option<String>,
    /// Who acted.
    #[arg(long, value_name = "PRINCIPAL")]
    by: Option<String>,
    /// The account that is named, by name or id.
    #[arg(long, value_name = "ACCOUNT")]
    account: Option<String>,
    /// The incident. Who is no auditor names one.
    #[arg(long, value_name = "INC-1")]
    incident: Option<String>,
    /// The type of the event, like BREAK_GLASS_GRANTED; several, or repeated: any of them.
    #[arg(long = "type", value_name = "TYPE", value_parser = event_type, value_delimiter = ',')]
    types: Vec<String>,
    /// Recorded then or later: 2h (ago), 2026-01-06, 2026-01-06T10:00 (UTC).
    #[arg(long, value_name = "TIME", value_parser = Moment::parse)]
    since: Option<Moment>,
    /// Recorded before.
    #[arg(long, value_name = "TIME", value_parser = Moment::parse)]
    until: Option<Moment>,
    /// Words that it says or that were written in it, all of them, in any order; several in one
    /// argument: in a row; `deploy*`: words that begin so.
    text: Vec<String>,
    /// The oldest first, not the newest.
    #[arg(long)]
    oldest_first: bool,
    /// So many at most; 50 if not given.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    limit: Option<u64>,
    /// All of them.
    #[arg(long, conflicts_with = "limit")]
    all: bool,
    /// Show the particulars of each entry beneath it.
    #[arg(long)]
    long: bool,
}

pub(super) fn run(args: &Args, cx: &Context) -> Result<(), Failure> {
    let client = cx.client()?;
    let limit = match args.all {
        true => u64::MAX,
        false => args.limit.unwrap_or(SHOWN),
    };
    let (found, more) = collect(&client, args.search(&client, cx), limit)?;
    if cx.output().is_json() {
        cx.output().json(&found);
        if more {
            cx.output().warn("there are more: --limit N, or --all");
        }
        return Ok(());
    }
    for entry in &found {
        show(entry, args.long, cx);
    }
    let said = match (found.len(), more) {
        (0, _) => "no entry has all of this",
        (_, true) => "there are more: --limit N, or --all",
        (_, false) => "this is all; log prove INDEX proves an entry",
    };
    cx.output().say(said);
    Ok(())
}

/// Page after page, up to a number of entries; and whether there are more.
fn collect(
    client: &Client,
    mut search: LogSearch,
    limit: u64,
) -> Result<(Vec<FoundView>, bool), Failure> {
    let mut found: Vec<FoundView> = Vec::new();
    loop {
        search.limit = PAGE.min(limit.saturating_sub(found.len() as u64));
        let page = client.search(&search).map_err(|e| {
            let hint = "an auditor may; others look within one incident: --incident INC-1";
            Failure::from(e).hint_where("not_entitled", hint)
        })?;
        found.extend(page.found);
        let full = found.len() as u64 >= limit;
        match page.next {
            None => return Ok((found, false)),
            Some(_) if full => return Ok((found, true)),
            // A server that says the same page again would be asked for ever.
            Some(next) if next == search.cursor => return Ok((found, true)),
            Some(next) => search.cursor = next,
        }
    }
}

/// Its index, its day, and its line of the timeline, which begins with the time.
fn show(entry: &FoundView, long: bool, cx: &Context) {
    let day: String = entry.at.to_string().chars().take(10).collect();
    let mut lines = entry.lines.iter();
    let first = lines.next().map_or("", String::as_str);
    cx.output()
        .data(&format!("{:>7}  {day} {}", entry.index, line(first)));
    for particular in lines.filter(|_| long) {
        cx.output().data(&format!("{:20}{}", "", line(particular)));
    }
}

impl Args {
    fn search(&self, client: &Client, cx: &Context) -> LogSearch {
        let given = |value: &Option<String>| value.clone().unwrap_or_default();
        // By the clock that entries are recorded by; where it does not say, by this machine's.
        let now = || {
            client
                .status()
                .map_or_else(|_| cx.now(), |status| status.time)
        };
        let time = |moment: &Option<Moment>| moment.map(|moment| moment.by(now));
        LogSearch {
            person: given(&self.person),
            by: given(&self.by),
            account: given(&self.account),
            incident: given(&self.incident),
            types: self.types.clone(),
            since: time(&self.since),
            until: time(&self.until),
            text: words(&self.text),
            oldest_first: self.oldest_first,
            limit: 0,
            cursor: String::new(),
        }
    }
}

/// Several words in one argument belong together.
fn words(arguments: &[String]) -> String {
    let phrase = |argument: &String| {
        let several = argument.trim().contains(char::is_whitespace);
        match several && !argument.contains('"') {
            true => format!("\"{argument}\""),
            false => argument.clone(),
        }
    };
    let phrases: Vec<String> = arguments.iter().map(phrase).collect();
    phrases.join(" ")
}

/// A moment as people type it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Moment {
    /// So many seconds ago.
    Ago(i64),
    /// Then.
    At(Timestamp),
}

impl Moment {
    /// For clap.
    fn parse(text: &str) -> Result<Self, String> {
        if let Some(seconds) = parse_duration_s(text) {
            return Ok(Self::Ago(seconds));
        }
        let whole = text.strip_suffix('Z').unwrap_or(text).replace(' ', "T");
        // A prefix of the one spelling of an instant, down to its day.
        let missing = match whole.len() {
            10 => "T00:00:00.000Z",
            16 => ":00.000Z",
            19 => ".000Z",
            _ => "Z",
        };
        let at = format!("{whole}{missing}").parse();
        at.map(Self::At).map_err(|_| {
            "not a time like 2h (ago), 2026-01-06 or 2026-01-06T10:00 (UTC)".to_owned()
        })
    }

    fn by(self, now: impl Fn() -> Timestamp) -> Timestamp {
        match self {
            Self::Ago(seconds) => now().plus_s(-seconds),
            Self::At(at) => at,
        }
    }
}

/// Parses the type of an event. For clap.
fn event_type(text: &str) -> Result<String, String> {
    let typed = text.to_ascii_uppercase().replace('-', "_");
    if Event::TYPES.contains(&typed.as_str()) {
        return Ok(typed);
    }
    Err(format!(
        "there is no such event; the nearest: {}",
        nearest(&typed).join(", ")
    ))
}

/// The types that are spelled most like this, those that hold it first.
fn nearest(typed: &str) -> Vec<&'static str> {
    let mut types: Vec<&str> = Event::TYPES.to_vec();
    types.sort_by_key(|known| {
        let holds = !typed.is_empty() && known.contains(typed);
        (!holds, distance(known, typed))
    });
    types.truncate(NEAREST);
    types
}

/// How many letters have to be put in, left out or changed to make one of the other (Levenshtein).
fn distance(one: &str, other: &str) -> usize {
    let mut row: Vec<usize> = (0..=other.chars().count()).collect();
    for (i, a) in one.chars().enumerate() {
        let mut diagonal = i;
        let mut left = i.saturating_add(1);
        let above = row.iter().copied().skip(1).zip(other.chars());
        let costs = above.map(|(above, b)| {
            let change = diagonal.saturating_add(usize::from(a != b));
            diagonal = above;
            left = change.min(above.min(left).saturating_add(1));
            left
        });
        row = std::iter::once(i.saturating_add(1)).chain(costs).collect();
    }
    row.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_type_is_known_however_it_is_written_and_a_slip_names_the_nearest() {
        assert_eq!(
            event_type("break-glass-granted").unwrap(),
            "BREAK_GLASS_GRANTED"
        );
        let said = event_type("INCIDENT_DECLARD").unwrap_err();
        assert!(said.contains("the nearest: INCIDENT_DECLARED, "), "{said}");
        let said = event_type("granted").unwrap_err();
        assert!(
            said.contains("the nearest: BREAK_GLASS_GRANTED, "),
            "{said}"
        );
        let said = event_type("resolved").unwrap_err();
        assert!(said.contains("the nearest: INCIDENT_RESOLVED, "), "{said}");
        assert!(event_type("").is_err());
    }

    #[test]
    fn the_distance_of_two_words_is_counted_in_letters() {
        for (one, other, expected) in [
            ("", "", 0),
            ("", "abc", 3),
            ("abc", "", 3),
            ("kitten", "sitting", 3),
            ("flaw", "lawn", 2),
            ("abc", "abc", 0),
        ] {
            assert_eq!(distance(one, other), expected, "{one} {other}");
        }
    }

    #[test]
    fn a_time_may_be_cut_short_or_be_so_long_ago() {
        let at =
            |text: &str| Moment::parse(text).map(|m| m.by(|| Timestamp::from_millis(7_200_000)));
        assert_eq!(at("2h").unwrap(), Timestamp::EPOCH);
        for (typed, meant) in [
            ("2026-01-06", "2026-01-06T00:00:00.000Z"),
            ("2026-01-06T10:30", "2026-01-06T10:30:00.000Z"),
            ("2026-01-06 10:30:05", "2026-01-06T10:30:05.000Z"),
            ("2026-01-06T10:30:05Z", "2026-01-06T10:30:05.000Z"),
            ("2026-01-06T10:30:05.250Z", "2026-01-06T10:30:05.250Z"),
        ] {
            assert_eq!(at(typed).unwrap().to_string(), meant);
        }
        for wrong in [
            "",
            "yesterday",
            "2026-13-01",
            "2026-01-06T25:00",
            "10:00",
            "2w",
        ] {
            assert!(Moment::parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn words_of_one_argument_belong_together() {
        let typed = ["disk", "out of memory", "\"as is\" too"].map(str::to_owned);
        assert_eq!(words(&typed), "disk \"out of memory\" \"as is\" too");
    }
}
