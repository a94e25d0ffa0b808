//! Looking for entries: each way to look against a look at every entry, pages of a log that grows,
//! texts that are no queries, and a read model that is gone, broken or a liar.

mod damage;
mod read;

use breakglass::demo::ACCOUNT;
use breakglass_api::{Client, ClientError, view::FoundView, wire::LogSearch};
use breakglass_format::{Entry, Event, Timestamp};
use serde_json::Value;

use self::read::Read;
use crate::{
    attacks::wire::get,
    course::Terminal,
    scene::{Cast, Scene},
};

fn looking() -> LogSearch {
    LogSearch {
        oldest_first: true,
        limit: 256,
        ..LogSearch::default()
    }
}

/// All that is found, page after page.
fn found(client: &Client, search: &LogSearch) -> Vec<FoundView> {
    let (mut search, mut all) = (search.clone(), Vec::new());
    loop {
        let page = client.search(&search).unwrap();
        assert!(page.found.len() as u64 <= search.limit);
        all.extend(page.found);
        match page.next {
            Some(next) => search.cursor = next,
            None => return all,
        }
    }
}

/// A played incident, another one with a refusal in it, and notes.
fn played() -> (Scene, Cast) {
    let scene = Scene::set();
    let mut cast = scene.cast();
    cast.play(&scene);
    scene.skip_s(3600);
    cast.dave.ensure_session().unwrap();
    let incident = cast.declare();
    let request = cast.request(&incident);
    assert!(cast.erin.approve(&request, None).is_err(), "erin may not");
    cast.bob
        .deny(&request, "not \"twice\": 50% AND more".parse().unwrap())
        .unwrap();
    for text in [
        "the disk is full",
        "Disk replaced; ZÜRICH is fine",
        "full of hope",
    ] {
        cast.dave.note(&incident, text.parse().unwrap()).unwrap();
    }
    (scene, cast)
}

/// A search by one thing, or several.
fn by(change: impl FnOnce(&mut LogSearch)) -> LogSearch {
    let mut search = looking();
    change(&mut search);
    search
}

/// The entries of the second incident, and what was refused about it.
fn of_second(entry: &Entry, id: &str) -> bool {
    let own = entry
        .correlation_id
        .0
        .is_some_and(|of| of.to_string() == id);
    own || refused(entry, id)
}

fn refused(entry: &Entry, about: &str) -> bool {
    matches!(&entry.event, Event::CommandRefused(d) if d.object.as_str() == about)
}

fn notes(entry: &Entry, text: &str) -> bool {
    matches!(&entry.event, Event::IncidentNoted(d) if d.text.as_str().to_lowercase().contains(text))
}

/// All that must be found is found, in this order; and the same from the other end, in small pages.
fn finds(client: &Client, search: &LogSearch, expected: &[FoundView]) {
    assert!(!expected.is_empty(), "{search:?}");
    assert_eq!(found(client, search), expected, "{search:?}");
    let mut back = search.clone();
    (back.oldest_first, back.limit) = (false, 3);
    let mut all = found(client, &back);
    all.reverse();
    assert_eq!(all, expected, "{back:?}");
}

#[test]
fn every_way_to_look_finds_what_a_look_at_every_entry_finds() {
    let (_scene, cast) = played();
    let client = cast.frank.client();
    let read = Read::all(client);
    let (alice, bob) = (read.id("alice"), read.id("bob"));
    let second = client.incident("INC-2").unwrap();
    let noon = second.declared_at;
    let account = format!("{:?}", client.accounts().unwrap()[0].id);
    let of_bob = |entry: &Entry, _: &str| {
        let principal = entry.principal.0.as_ref();
        principal.is_some_and(|p| p.as_str() == "bob")
    };
    let types = ["INCIDENT_NOTED", "BREAK_GLASS_DENIED"];
    for (search, expected) in [
        (looking(), read.that(|_, _| true)),
        (
            by(|s| s.person = "alice".to_owned()),
            read.that(|_, text| text.contains(&alice)),
        ),
        (
            by(|s| s.person = bob.trim_matches('"').to_owned()),
            read.that(|_, text| text.contains(&bob)),
        ),
        (by(|s| s.by = "bob".to_owned()), read.that(of_bob)),
        (
            by(|s| s.account = ACCOUNT.to_owned()),
            read.that(|entry, text| text.contains(&account) || refused(entry, ACCOUNT)),
        ),
        (
            by(|s| s.incident = "INC-2".to_owned()),
            read.that(|entry, _| of_second(entry, &second.id)),
        ),
        (
            by(|s| s.types = types.map(str::to_ascii_lowercase).to_vec()),
            read.that(|entry, _| types.contains(&entry.event.event_type())),
        ),
        (
            by(|s| s.since = Some(noon)),
            read.that(|entry, _| entry.created_at >= noon),
        ),
        (
            by(|s| s.until = Some(noon)),
            read.that(|entry, _| entry.created_at < noon),
        ),
        (
            by(|s| s.text = "disk".to_owned()),
            read.that(|entry, _| notes(entry, "disk")),
        ),
    ] {
        finds(client, &search, &expected);
    }
}

#[test]
fn an_entry_has_all_that_is_looked_for() {
    let (_scene, cast) = played();
    let client = cast.frank.client();
    let read = Read::all(client);
    let second = client.incident("INC-2").unwrap();
    let dave = by(|s| (s.text, s.by) = ("\"is full\"".to_owned(), "dave".to_owned()));
    finds(
        client,
        &dave,
        &read.that(|entry, _| notes(entry, "is full")),
    );
    let everything = LogSearch {
        person: "erin".to_owned(),
        by: "alice".to_owned(),
        incident: second.id.clone(),
        types: vec!["INCIDENT_DECLARED".to_owned()],
        since: Some(second.declared_at),
        until: Some(second.declared_at.plus_s(1)),
        text: "broken".to_owned(),
        ..looking()
    };
    let declared = |entry: &Entry, _: &str| {
        of_second(entry, &second.id) && matches!(entry.event, Event::IncidentDeclared(_))
    };
    finds(client, &everything, &read.that(declared));
    // One thing that is not so, and there is nothing.
    let changes: [fn(&mut LogSearch); 8] = [
        |s| s.person = "bob".to_owned(),
        |s| s.by = "erin".to_owned(),
        |s| s.account = ACCOUNT.to_owned(),
        |s| s.incident = "INC-1".to_owned(),
        |s| s.types = vec!["INCIDENT_CLOSED".to_owned()],
        |s| (s.since, s.until) = (s.until, None),
        |s| (s.since, s.until) = (None, s.since),
        |s| s.text = "broken hope".to_owned(),
    ];
    for change in changes {
        let mut search = everything.clone();
        change(&mut search);
        assert_eq!(found(client, &search), [], "{search:?}");
    }
}

#[test]
fn a_reference_finds_what_belongs_to_it() {
    let (_scene, cast) = played();
    let client = cast.frank.client();
    let text = |text: &str| LogSearch {
        text: text.to_owned(),
        ..looking()
    };
    let of_grant = found(client, &text("G-1"));
    let types: Vec<&str> = of_grant.iter().map(|f| f.event_type.as_str()).collect();
    for expected in [
        "BREAK_GLASS_GRANTED",
        "BREAK_GLASS_ACCESS",
        "BREAK_GLASS_ENDED",
    ] {
        assert!(types.contains(&expected), "{types:?}");
    }
    let denied = found(client, &text("R-2 denied"));
    assert_eq!(denied.len(), 1, "{denied:?}");
}

#[test]
fn pages_hold_still_while_the_log_grows() {
    let (_scene, mut cast) = played();
    let mut note = |nth: u32| {
        let text = format!("meanwhile {nth}").parse().unwrap();
        cast.dave.note("INC-2", text).unwrap();
    };
    let client = cast.frank.client();
    let before = found(
        client,
        &LogSearch {
            oldest_first: false,
            ..looking()
        },
    );
    let (mut newest, mut oldest) = (Vec::new(), Vec::new());
    let mut back = LogSearch {
        oldest_first: false,
        limit: 7,
        ..looking()
    };
    let mut forth = LogSearch {
        limit: 7,
        ..looking()
    };
    for nth in 0.. {
        note(nth);
        let page = client.search(&back).unwrap();
        newest.extend(page.found);
        let Some(next) = page.next else { break };
        back.cursor = next;
        let page = client.search(&forth).unwrap();
        oldest.extend(page.found);
        forth.cursor = page.next.unwrap();
    }
    // The first note was made before the first page; those after it are not in between.
    assert_eq!(newest.len(), before.len() + 1);
    assert_eq!(newest[1..], before[..]);
    oldest.extend(found(client, &forth));
    let all: Vec<u64> = oldest.iter().map(|f| f.index).collect();
    let size = client.status().unwrap().log_size;
    assert_eq!(all, (0..size).collect::<Vec<u64>>());
}

#[test]
fn a_text_of_a_search_is_words_and_no_query() {
    let (_scene, cast) = played();
    let client = cast.frank.client();
    for (typed, count) in [
        ("not twice 50 AND more", 1),
        ("\"not \"twice\": 50% AND more\"", 1),
        ("disk OR hope", 0),
        ("words:disk", 0),
        ("disk NOT full", 0),
        ("NEAR(disk full)", 0),
        ("(disk) {full}", 1),
        ("di* fu*", 1),
        ("'; DROP TABLE posting; -- disk", 0),
        ("disk - \"\" is * full", 1),
        ("disk\u{0}full", 1),
        ("disk\u{1b}[31m", 0),
        ("zürich", 1),
        ("ZURICH", 1),
    ] {
        let got = found(client, &by(|s| s.text = typed.to_owned()));
        assert_eq!(got.len(), count, "{typed:?}: {got:?}");
    }
}

/// Status and code of what is refused, which says what is wrong and what to do.
fn refusal(scene: &Scene, token: &str, query: &str) -> (u16, String) {
    let reply = get(&scene.url, &format!("/v1/log/search?{query}"), Some(token));
    let problem = reply.problem();
    assert!(!problem.hint.is_empty() && !problem.detail.is_empty());
    (reply.status, problem.code)
}

#[test]
fn what_cannot_be_looked_for_is_refused_by_name() {
    let (scene, cast) = played();
    let token = cast.frank.session().unwrap().token().to_owned();
    let (long, many) = (
        format!("text={}", "x".repeat(257)),
        format!("text={}", "a+".repeat(17)),
    );
    let now = "since=2026-01-06T10:00:00.000Z&until=2026-01-06T10:00:00.000Z";
    for query in [
        "text=",
        "text=%22%22",
        "text=%00%01",
        "text=%ff",
        "text=-+*+%22%22",
        &long,
        &many,
        "person=",
        "by=%20",
        "type=NO_SUCH_EVENT",
        "type=INCIDENT_NOTED,",
        "since=yesterday",
        "until=2026-01-06",
        now,
        "order=sideways",
        "limit=0",
    ] {
        let expected = (400, "search_invalid".to_owned());
        assert_eq!(refusal(&scene, &token, query), expected, "{query}");
    }
    for query in [
        "person=nobody",
        "person=per_nobody",
        "by=%27%20OR%201%3D1",
        "account=acc_none",
        "incident=INC-99",
        "incident=R-1",
    ] {
        let expected = (404, "not_found".to_owned());
        assert_eq!(refusal(&scene, &token, query), expected, "{query}");
    }
    for query in ["limit=many", "persn=alice", "text=a&text=b"] {
        let expected = (400, "malformed".to_owned());
        assert_eq!(refusal(&scene, &token, query), expected, "{query}");
    }
}

#[test]
fn a_cursor_is_good_for_the_search_it_was_given_for_and_no_other() {
    let (scene, cast) = played();
    let client = cast.frank.client();
    let token = cast.frank.session().unwrap().token().to_owned();
    let next = |search: &LogSearch| client.search(search).unwrap().next.unwrap();
    let cursor = next(&by(|s| (s.text, s.limit) = ("disk".to_owned(), 1)));
    let other = next(&by(|s| s.limit = 1));
    let ahead = format!("{:016x}{}", 1, &cursor[16..]);
    let zeros = "0".repeat(32);
    let this = "text=disk&order=oldest";
    for query in [
        "cursor=".to_owned(),
        "cursor=%F0%9F%94%A5".to_owned(),
        format!("cursor={zeros}"),
        format!("cursor={cursor}"),
        format!("text=disk&cursor={cursor}"),
        format!("{this}&type=INCIDENT_NOTED&cursor={cursor}"),
        format!("{this}&cursor={other}"),
        format!("{this}&cursor={ahead}"),
        format!("{this}&cursor={cursor}0"),
    ] {
        let expected = (400, "cursor_invalid".to_owned());
        assert_eq!(refusal(&scene, &token, &query), expected, "{query}");
    }
    // The page that it was given for, of whatever length.
    let path = format!("/v1/log/search?{this}&limit=9&cursor={cursor}");
    assert_eq!(get(&scene.url, &path, Some(&token)).status, 200);
}

#[test]
fn who_is_no_auditor_looks_within_an_incident_and_strangers_nowhere() {
    let (scene, cast) = played();
    let refused = |client: &Client, search: &LogSearch| match client.search(search) {
        Err(ClientError::Refused(problem)) => problem.code,
        other => panic!("{other:?}"),
    };
    let of_incident = LogSearch {
        incident: "INC-2".to_owned(),
        ..looking()
    };
    let bob = cast.bob.client();
    assert_eq!(refused(bob, &looking()), "not_entitled");
    let of_bob = LogSearch {
        person: "bob".to_owned(),
        ..looking()
    };
    assert_eq!(refused(bob, &of_bob), "not_entitled");
    assert_eq!(
        found(bob, &of_incident),
        found(cast.frank.client(), &of_incident)
    );
    let stranger = Client::new(vec![scene.url.clone()], None);
    assert_eq!(refused(&stranger, &of_incident), "no_session");
    let stolen = stranger.with_token(Some("stolen".repeat(8)));
    assert_eq!(refused(&stolen, &of_incident), "no_session");
}

#[test]
fn the_program_prints_a_line_for_each_entry_and_names_the_nearest_type() {
    let t = Terminal::open();
    t.log_in(&["alice", "bob", "carol", "dave", "erin", "frank"]);
    t.import();
    t.ask();
    t.does("dave", &["incident", "note", "the disk is full"]);
    let look = |more: &[&str]| t.does("frank", &[&["log", "search"][..], more].concat());
    let told = look(&[
        "--incident",
        "INC-1",
        "--type",
        "incident-noted",
        "disk is",
        "FULL",
    ]);
    assert_eq!(told.lines().count(), 1, "{told}");
    assert!(
        told.contains("INC-1   dave noted: \"the disk is full\"  [signed by dave]"),
        "{told}"
    );
    let json: Value = serde_json::from_str(&look(&["disk", "--json"])).unwrap();
    let index = json[0]["index"].as_u64().unwrap();
    let at: Timestamp = json[0]["at"].as_str().unwrap().parse().unwrap();
    let day: String = at.to_string().chars().take(10).collect();
    assert!(
        told.trim_start()
            .starts_with(&format!("{index}  {day} {}", at.time_of_day()))
    );
    let entry = t.does("frank", &["log", "prove", &index.to_string()]);
    assert!(entry.contains("the disk is full"), "{entry}");
    // Everything, in as many pages as it takes; some of it; with its particulars.
    let all = look(&["--all", "--oldest-first"]);
    assert!(all.lines().next().unwrap().contains("the log "), "{all}");
    let size = all.lines().count();
    assert_eq!(look(&["--limit", "3"]).lines().count(), 3);
    assert!(look(&["--all", "--long"]).lines().count() > size);
    assert!(look(&["--by", "alice", "--since", "2h", "--account", "shop-root"]).contains("R-1"));
    let none = t.types("frank", &["log", "search", "--until", "2020-01-01"]);
    assert_eq!((none.code, none.out.as_str()), (0, ""), "{none:?}");
    assert!(none.said.contains("no entry has all of this"), "{none:?}");
    // Slips.
    let slip = t.types("frank", &["log", "search", "--type", "BREAKGLASS_GRANTED"]);
    assert_eq!(slip.code, 2, "{slip:?}");
    assert!(
        slip.said.contains("the nearest: BREAK_GLASS_GRANTED, "),
        "{slip:?}"
    );
    let said = t.refuses("bob", &["log", "search", "disk"]);
    assert!(said.contains("--incident INC-1"), "{said}");
    let said = t.refuses("frank", &["log", "search", "--person", "mallory"]);
    assert!(said.contains("there is no person \"mallory\""), "{said}");
    let within = t.does("bob", &["log", "search", "--incident", "INC-1", "disk"]);
    assert_eq!(within, told);
}
