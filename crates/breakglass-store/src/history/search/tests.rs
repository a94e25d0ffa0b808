use breakglass_tlog::Hash;
use tempfile::TempDir;

use super::*;
use crate::history::{History, Trace};

const STEPS: u64 = 1_000_000;

fn term(kind: &'static str, value: &str) -> Term {
    let value = value.to_owned();
    Term { kind, value }
}

fn phrase(text: &str) -> Phrase {
    Phrase {
        text: text.to_owned(),
        open: false,
    }
}

/// 600 entries: every 2nd, 3rd, 5th and 97th has something in common.
struct House {
    _dir: TempDir,
    traces: Vec<Trace>,
    searcher: Searcher,
}

impl House {
    fn build() -> Self {
        let traces = (0..600_u64).map(|index| {
            let colour = ["red", "green"][usize::from(index % 2 == 0)];
            let mut terms = vec![term("colour", colour)];
            terms.extend((index % 3 == 0).then(|| term("person", "ann")));
            terms.extend((index % 5 == 0).then(|| term("person", "ben")));
            let rare = if index % 97 == 0 {
                "Zürich, naïve"
            } else {
                ""
            };
            Trace {
                index,
                terms,
                names: Vec::new(),
                words: format!("entry {} of {rare} \"quoted\"", index % 7),
            }
        });
        let traces: Vec<Trace> = traces.collect();
        let dir = TempDir::new().unwrap();
        let mut history = History::open(&dir.path().join("history.db")).unwrap();
        let root = Hash::from_bytes([1; 32]);
        history.follow(&traces, &[], 600, root).unwrap();
        Self {
            searcher: history.searcher().unwrap(),
            traces,
            _dir: dir,
        }
    }

    fn expected(&self, search: &Search, has: impl Fn(&Trace) -> bool) -> Vec<u64> {
        let in_range = |trace: &&Trace| search.range.contains(&trace.index);
        let found = self.traces.iter().filter(in_range).filter(|t| has(t));
        let mut found: Vec<u64> = found.map(|trace| trace.index).collect();
        if search.newest_first {
            found.reverse();
        }
        found.truncate(usize::try_from(search.limit).unwrap());
        found
    }
}

fn search(all: Vec<Vec<Term>>, phrases: Vec<Phrase>) -> Search {
    Search {
        all,
        phrases,
        range: 0..u64::MAX,
        newest_first: true,
        limit: 1_000,
        steps: STEPS,
    }
}

#[test]
fn what_is_found_is_what_a_look_at_every_entry_finds() {
    let mut house = House::build();
    let [red, ann, ben] = [
        term("colour", "red"),
        term("person", "ann"),
        term("person", "ben"),
    ];
    let groups = [
        vec![],
        vec![vec![ann.clone()]],
        vec![vec![red.clone()], vec![ann.clone()]],
        vec![vec![ann.clone()], vec![ben.clone()]],
        vec![vec![ann, ben.clone()], vec![red]],
        vec![vec![ben], vec![term("person", "nobody")]],
        vec![vec![]],
    ];
    let texts = ["", "entry 3", "zurich", "NAIVE", "quoted", "3 entry"];
    for (all, text) in groups.iter().flat_map(|g| texts.map(|t| (g.clone(), t))) {
        for (newest_first, range, limit) in [
            (true, 0..600, 1_000),
            (false, 0..600, 7),
            (true, 13..400, 7),
            (false, 400..400, 7),
        ] {
            let phrases = (!text.is_empty()).then(|| phrase(text));
            let search = Search {
                range,
                newest_first,
                limit,
                ..search(all.clone(), phrases.into_iter().collect())
            };
            let has = |trace: &Trace| {
                let any = |group: &Vec<Term>| group.iter().any(|t| trace.terms.contains(t));
                let says = match text {
                    "" | "quoted" => true,
                    "entry 3" => trace.index % 7 == 3,
                    "3 entry" => false,
                    _ => trace.index.is_multiple_of(97),
                };
                all.iter().all(any) && says
            };
            let expected = house.expected(&search, has);
            assert_eq!(
                house.searcher.search(&search).unwrap(),
                expected,
                "{search:?}"
            );
        }
    }
}

#[test]
fn a_text_is_words_whatever_is_in_it() {
    let mut house = House::build();
    for (text, found) in [
        ("zurich\" OR \"entry", 0),
        ("words:zurich", 0),
        ("zurich NEAR naive", 0),
        ("zurich AND naive", 0),
        ("NOT zurich", 0),
        ("zurich*", 7),
        ("^zurich", 7),
        ("(zurich)", 7),
        ("{zurich} - + : \" ' ;--", 7),
        ("zurich\u{0}naive", 7),
        ("\u{1b}zurich\n\tnaive\u{7f}", 7),
        ("zuric", 0),
        ("\u{1f525}", 0),
        ("\"", 0),
        ("", 0),
    ] {
        let search = search(Vec::new(), vec![phrase(text)]);
        let got = house.searcher.search(&search).unwrap();
        assert_eq!(got.len(), found, "{text:?}");
    }
    let open = Phrase {
        text: "zuric".to_owned(),
        open: true,
    };
    let open = search(Vec::new(), vec![open, phrase("of")]);
    assert_eq!(house.searcher.search(&open).unwrap().len(), 7);
}

/// How SQLite goes about each query of a search.
fn plans(connection: &Connection, search: &Search) -> Vec<String> {
    let groups = search
        .all
        .iter()
        .map(|all| Group::of(connection, all, (0, 600)).unwrap());
    let groups: Vec<Group> = groups.collect();
    let query = Query {
        groups: groups.get(1..).unwrap_or_default(),
        matches: matching(&search.phrases),
        range: (0, 600),
        search,
    };
    let prepared = match (&query.matches, groups.first()) {
        (Some(_), _) => query.by_words(),
        (None, Some(group)) => query.by_term(group.terms[0]),
        (None, None) => panic!("nothing is looked for"),
    };
    let explain = format!("EXPLAIN QUERY PLAN {}", prepared.sql);
    let mut statement = connection.prepare(&explain).unwrap();
    let values = params_from_iter(&prepared.values);
    let rows = statement.query_map(values, |row| row.get(3)).unwrap();
    rows.collect::<Result<_, _>>().unwrap()
}

#[test]
fn every_filter_goes_through_an_index_and_nothing_is_sorted() {
    let house = House::build();
    let [red, ann, ben] = [
        term("colour", "red"),
        term("person", "ann"),
        term("person", "ben"),
    ];
    let searches = [
        search(vec![vec![ann.clone()]], vec![]),
        search(vec![vec![red.clone()], vec![ann.clone(), ben]], vec![]),
        search(vec![], vec![phrase("zurich")]),
        search(
            vec![vec![red], vec![ann]],
            vec![phrase("zurich"), phrase("of")],
        ),
    ];
    for both in searches {
        for newest_first in [true, false] {
            let search = Search {
                newest_first,
                ..both.clone()
            };
            let plan = plans(&house.searcher.connection, &search);
            for (nth, step) in plan.iter().enumerate() {
                // A virtual table is called a scan whatever it does: here it is asked for a match
                // within a range of rows.
                let words = step.starts_with("SCAN found VIRTUAL TABLE INDEX ");
                let words = words && step.contains("M1") && step.contains('<');
                let found = words || step.starts_with("SEARCH found USING PRIMARY KEY (term=");
                let other = step.starts_with("SEARCH other ")
                    && step.contains("PRIMARY KEY (term=? AND position=?)");
                let nested = step.starts_with("CORRELATED SCALAR SUBQUERY");
                let fits = if nth == 0 { found } else { other || nested };
                assert!(fits, "{plan:?}");
            }
        }
    }
}

#[test]
fn a_search_that_passes_over_too_much_is_given_up_and_the_next_one_is_not() {
    let mut house = House::build();
    let nowhere = vec![vec![term("colour", "red")], vec![term("colour", "green")]];
    let mut search = search(nowhere, vec![]);
    search.steps = 2_000;
    let given_up = house.searcher.search(&search).unwrap_err();
    assert!(matches!(given_up, SearchError::GivenUp), "{given_up}");
    search.steps = STEPS;
    assert_eq!(house.searcher.search(&search).unwrap(), [0; 0]);
}
