//! A read model that is gone, broken or a liar.

use std::{path::Path, sync::Arc};

use breakglass::{
    actor::Actor,
    demo::{KEY, PlayClock, Stage},
};
use breakglass_api::{view::FoundView, wire::LogSearch};
use breakglass_server::Server;
use breakglass_store::{
    History,
    history::{Term, Trace},
};

use super::{found, looking, played, read::Read};
use crate::scene::{Scene, wait};

/// What frank finds on a server that is started on a stage whose own has ended.
fn found_by_another(
    stage: &Stage,
    clock: &PlayClock,
    searches: &[LogSearch],
) -> Vec<Vec<FoundView>> {
    let config = stage.config().unwrap();
    let server = Server::start(&config, Arc::new(clock.clone()), |_| {}).unwrap();
    let url = format!("http://{}", server.address());
    let frank: Actor = stage
        .actor(&url, "frank", KEY, Box::new(clock.clone()))
        .unwrap();
    searches
        .iter()
        .map(|search| found(frank.client(), search))
        .collect()
}

fn remove_history(data: &Path) {
    for name in ["history.db", "history.db-wal", "history.db-shm"] {
        let _ = std::fs::remove_file(data.join(name));
    }
}

#[test]
fn a_read_model_that_is_gone_or_broken_is_made_anew_and_finds_the_same() {
    let (scene, cast) = played();
    let noon = cast.frank.client().incident("INC-2").unwrap().declared_at;
    let searches = [
        LogSearch {
            person: "alice".to_owned(),
            until: Some(noon),
            ..looking()
        },
        LogSearch {
            text: "disk full".to_owned(),
            ..looking()
        },
        LogSearch {
            incident: "INC-2".to_owned(),
            ..looking()
        },
    ];
    let client = cast.frank.client();
    let before: Vec<_> = searches
        .iter()
        .map(|search| found(client, search))
        .collect();
    assert!(before.iter().all(|found| !found.is_empty()));
    let (clock, stage) = (scene.clock.clone(), scene.end());
    let data = stage.config().unwrap().data_dir;
    assert_eq!(found_by_another(&stage, &clock, &searches), before);
    remove_history(&data);
    assert_eq!(found_by_another(&stage, &clock, &searches), before);
    remove_history(&data);
    std::fs::write(data.join("history.db"), "no database").unwrap();
    assert_eq!(found_by_another(&stage, &clock, &searches), before);
    // A page in the middle is another one's: the tables no longer fit together.
    let path = data.join("history.db");
    let mut bytes = std::fs::read(&path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle..middle + 4096].fill(0x5a);
    std::fs::write(&path, bytes).unwrap();
    assert_eq!(found_by_another(&stage, &clock, &searches), before);
}

#[test]
fn what_a_read_model_says_wrongly_is_not_shown() {
    let (scene, cast) = played();
    let client = cast.frank.client();
    let mut by_alice = looking();
    by_alice.person = "alice".to_owned();
    let indexes = |found: &[FoundView]| found.iter().map(|f| f.index).collect::<Vec<u64>>();
    let expected = indexes(&found(client, &by_alice));
    let alice = Read::all(client).people["alice"].clone();
    let text = client.checkpoint().unwrap();
    let signed = cast
        .frank
        .trust()
        .see_checkpoint(client, &text, scene.now());
    let signed = signed.unwrap();
    let (size, root) = (signed.checkpoint().size(), signed.checkpoint().root());
    let (clock, stage) = (scene.clock.clone(), scene.end());
    let data = stage.config().unwrap().data_dir;
    // One that says of every entry that alice is named in it.
    let traces = (0..size).map(|index| Trace {
        index,
        terms: vec![Term {
            kind: "person",
            value: alice.clone(),
        }],
        names: Vec::new(),
        words: String::new(),
    });
    let mut liar = History::anew(&data.join("history.db")).unwrap();
    liar.follow(&traces.collect::<Vec<_>>(), &[], size, root)
        .unwrap();
    drop(liar);
    let got = found_by_another(&stage, &clock, &[by_alice]).remove(0);
    let got = indexes(&got);
    // What was recorded since, another session, is followed as ever.
    assert_eq!(got[..expected.len()], expected[..]);
    assert!(size > expected.len() as u64, "not all entries name alice");
    assert_eq!(got.len(), expected.len());
}

#[test]
fn a_read_model_that_rots_under_a_running_server_is_made_anew() {
    let (scene, mut cast) = played();
    let search = LogSearch {
        text: "disk full".to_owned(),
        ..looking()
    };
    let before = found(cast.frank.client(), &search);
    assert!(!before.is_empty());
    let data = scene.stage.config().unwrap().data_dir;
    for (name, from) in [("history.db", 4096), ("history.db-wal", 32)] {
        let file = std::fs::OpenOptions::new()
            .write(true)
            .open(data.join(name));
        let file = file.unwrap();
        let len = file.metadata().unwrap().len();
        let garbage = vec![0x5a; usize::try_from(len.saturating_sub(from)).unwrap()];
        std::os::unix::fs::FileExt::write_all_at(&file, &garbage, from).unwrap();
    }
    // What comes next is written between what has rotted.
    let text = "another disk is full".parse().unwrap();
    cast.dave.note("INC-2", text).unwrap();
    wait("another read model", || {
        let client = cast.frank.client();
        let page = client.search(&search).map(|page| page.found);
        page.is_ok_and(|found| found.len() == before.len() + 1)
    });
    assert_eq!(
        found(cast.frank.client(), &search)[..before.len()],
        before[..]
    );
    let told = cast.frank.client().timeline("INC-2").unwrap();
    assert!(
        told.iter().any(|line| line.contains("another disk")),
        "{told:?}"
    );
}

#[test]
fn what_happens_after_a_restart_is_found_by_names_from_before_it() {
    let scene = Scene::set();
    let mut cast = scene.cast();
    cast.take_custody(&scene);
    let incident = cast.declare();
    cast.request(&incident);
    let (clock, stage) = (scene.clock.clone(), scene.end());
    let config = stage.config().unwrap();
    let server = Server::start(&config, Arc::new(clock.clone()), |_| {}).unwrap();
    let url = format!("http://{}", server.address());
    let actor = |who| {
        let actor = stage.actor(&url, who, KEY, Box::new(clock.clone()));
        actor.unwrap()
    };
    let (mut bob, frank) = (actor("bob"), actor("frank"));
    // The denial names its request by an id; that this is R-1 stands in an entry of before.
    bob.deny("R-1", "not tonight".parse().unwrap()).unwrap();
    let mut search = looking();
    search.text = "R-1 denied".to_owned();
    let found = found(frank.client(), &search);
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(
        found[0].lines[0].contains("INC-1   R-1: bob DENIED"),
        "{found:?}"
    );
}
