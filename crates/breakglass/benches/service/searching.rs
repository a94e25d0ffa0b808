//! What it takes to find entries in a long log, and to make the read model that says where they are.

use std::time::Duration;

use breakglass_api::{Client, ClientError, wire::LogSearch};

use crate::{
    house::House,
    measure::{Times, timed},
};

/// Pages of each search.
const PAGES: usize = 50;

/// The read model made anew, and then asked.
pub(crate) fn searching(house: House) {
    let (time, house) = house.without_history(|client| {
        // It says how far it is, after five seconds, until it is done.
        while let Err(error) = client.search(&LogSearch::default()) {
            let ClientError::Refused(problem) = error else {
                panic!("{error}");
            };
            assert_eq!(problem.code, "history_behind");
        }
    });
    let entries = house.log_size();
    println!(
        "\nread model of {entries} entries made anew: {:.2} s, {:.0} µs each",
        time.as_secs_f64(),
        time.as_secs_f64() * 1e6 / entries as f64
    );
    let auditor = house.auditor();
    let latest = auditor.client().search(&LogSearch::default()).unwrap();
    let at = latest.found.first().unwrap().at;
    let name = |text: &str| text.to_owned();
    for (what, search) in [
        ("everything", LogSearch::default()),
        (
            "a person",
            LogSearch {
                person: name("alice"),
                ..LogSearch::default()
            },
        ),
        (
            "an account, by somebody",
            LogSearch {
                account: name("shop-root"),
                by: name("carol"),
                ..LogSearch::default()
            },
        ),
        (
            "a type, of the last hour",
            LogSearch {
                types: vec![name("INCIDENT_NOTED")],
                since: Some(at.plus_s(-3600)),
                ..LogSearch::default()
            },
        ),
        (
            "words that most entries say",
            LogSearch {
                text: name("still slow"),
                ..LogSearch::default()
            },
        ),
        (
            "words that few entries say",
            LogSearch {
                text: name("\"handed out to alice\""),
                ..LogSearch::default()
            },
        ),
        (
            "words and a person that never meet",
            LogSearch {
                text: name("still slow"),
                by: name("frank"),
                ..LogSearch::default()
            },
        ),
    ] {
        pages(auditor.client(), &search).print(&format!("  a page: {what}"));
    }
}

/// The times of the first pages; of the first alone, where there is no other.
fn pages(client: &Client, search: &LogSearch) -> Times {
    let (mut search, mut times) = (search.clone(), Times::default());
    for _ in 0..PAGES {
        let (time, page): (Duration, _) = timed(|| client.search(&search).unwrap());
        times.push(time);
        search.cursor = page.next.unwrap_or_default();
    }
    times
}
