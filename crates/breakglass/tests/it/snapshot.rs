//! A start from a snapshot: what was done to the file changes no decision, and a snapshot hides
//! nothing that was done to the log.

use std::{path::PathBuf, sync::Arc};

use breakglass::demo::{KEY, PlayClock, Stage};
use breakglass_api::Client;
use breakglass_server::{Server, StartError};

use crate::scene::{Scene, declaration, wait};

/// A house in which something has happened, which writes snapshots of however short a log; its
/// server is stopped.
struct House {
    stage: Stage,
    clock: PlayClock,
    /// How long the log was.
    size: u64,
}

impl House {
    fn after_a_while() -> Self {
        let scene = Scene::set_with(|_, config| config.snapshot_every = 1);
        let mut cast = scene.cast();
        cast.take_custody(&scene);
        cast.grant();
        let (clock, size) = (scene.clock.clone(), scene.log_size());
        Self {
            stage: scene.end(),
            clock,
            size,
        }
    }

    fn start(&self) -> Result<Server, StartError> {
        let mut config = self.stage.config().unwrap();
        config.snapshot_every = 1;
        Server::start(&config, Arc::new(self.clock.clone()), |_| {})
    }

    fn data(&self) -> PathBuf {
        self.stage.config().unwrap().data_dir
    }

    fn snapshot(&self) -> PathBuf {
        self.data().join("world.snapshot")
    }

    /// Everything that the server knows of what is going on, as an auditor sees it.
    fn view(&self, server: &Server) -> String {
        let url = format!("http://{}", server.address());
        let clock = Box::new(self.clock.clone());
        let frank = self.stage.actor(&url, "frank", KEY, clock).unwrap();
        let client = frank.client();
        let (incidents, accounts) = (client.incidents().unwrap(), client.accounts().unwrap());
        let grants = client.grants().unwrap();
        format!("{incidents:#?}\n{accounts:#?}\n{grants:#?}")
    }
}

/// Where some bytes lie in others.
fn places(bytes: &[u8], wanted: &[u8]) -> Vec<usize> {
    let windows = bytes.windows(wanted.len()).enumerate();
    let found = windows.filter(|(_, window)| *window == wanted);
    found.map(|(at, _)| at).collect()
}

#[test]
fn a_start_goes_on_from_the_snapshot_as_if_it_had_read_everything() {
    let house = House::after_a_while();
    let server = house.start().unwrap();
    assert_eq!(server.resumed_at(), Some(house.size));
    let resumed = house.view(&server);
    // What comes later finds everything that it rests on.
    let url = format!("http://{}", server.address());
    let clock = Box::new(house.clock.clone());
    let mut alice = house.stage.actor(&url, "alice", KEY, clock).unwrap();
    alice.declare(declaration()).unwrap();
    let size = server.log_size();
    server.stop();

    let server = house.start().unwrap();
    assert_eq!(server.resumed_at(), Some(size), "a snapshot at the stop");
    let resumed_again = house.view(&server);
    server.stop();
    std::fs::remove_file(house.snapshot()).unwrap();
    let server = house.start().unwrap();
    assert_eq!(server.resumed_at(), None);
    assert_eq!(house.view(&server), resumed_again);
    assert_ne!(resumed, resumed_again);
}

#[test]
fn an_older_snapshot_and_what_came_after_it_come_to_the_same() {
    let house = House::after_a_while();
    let older = std::fs::read(house.snapshot()).unwrap();
    let server = house.start().unwrap();
    let url = format!("http://{}", server.address());
    let clock = Box::new(house.clock.clone());
    let mut alice = house.stage.actor(&url, "alice", KEY, clock).unwrap();
    alice.declare(declaration()).unwrap();
    let before = house.view(&server);
    server.stop();
    std::fs::write(house.snapshot(), older).unwrap();
    let server = house.start().unwrap();
    assert_eq!(server.resumed_at(), Some(house.size));
    assert_eq!(house.view(&server), before);
}

#[test]
fn an_edited_snapshot_counts_as_none() {
    let house = House::after_a_while();
    let good = std::fs::read(house.snapshot()).unwrap();
    let server = house.start().unwrap();
    let right = house.view(&server);
    server.stop();
    let good_again = std::fs::read(house.snapshot()).unwrap();
    assert_ne!(good, good_again, "a session was opened meanwhile");
    let head = good.windows(2).position(|w| w == b"\n\n").unwrap();
    let in_the_head = (0..head).step_by(23);
    let in_the_world = (head..good.len()).step_by(good.len() / 10);
    for at in in_the_head.chain(in_the_world) {
        let mut edited = good.clone();
        edited[at] ^= 1;
        std::fs::write(house.snapshot(), &edited).unwrap();
        let server = house.start().unwrap();
        assert_eq!(server.resumed_at(), None, "flipped at {at}");
        assert_eq!(house.view(&server), right, "flipped at {at}");
    }
    for cut in [0, head, good.len() - 1] {
        std::fs::write(house.snapshot(), &good[..cut]).unwrap();
        assert_eq!(house.start().unwrap().resumed_at(), None, "cut at {cut}");
    }
}

#[test]
fn a_snapshot_of_another_house_counts_as_none() {
    let (house, other) = (House::after_a_while(), House::after_a_while());
    std::fs::copy(other.snapshot(), house.snapshot()).unwrap();
    assert_eq!(house.start().unwrap().resumed_at(), None);
}

/// The title of an incident lies in the entry and in the statement. The entries of this short log
/// are all among those that a start reads again for the answers it repeats; the documents are not.
#[test]
fn behind_a_snapshot_what_was_altered_is_found_and_nothing_is_written_any_more() {
    let house = House::after_a_while();
    let (log, snapshot) = (house.data().join("log.db"), house.snapshot());
    let (right, kept) = (
        std::fs::read(&log).unwrap(),
        std::fs::read(&snapshot).unwrap(),
    );
    let mut behind = 0;
    for at in places(&right, b"checkout is broken") {
        let mut altered = right.clone();
        altered[at] ^= 1;
        std::fs::write(&log, altered).unwrap();
        std::fs::write(&snapshot, &kept).unwrap();
        // Where a page was rearranged, what lay there before can lie there still, and is nothing.
        if Server::check(&house.stage.config().unwrap()).is_ok() {
            continue;
        }
        match house.start() {
            Ok(server) => {
                is_found(&house, &server);
                behind += 1;
                server.stop();
                assert!(!snapshot.exists(), "it would be started from again");
                let refused = house.start().err().unwrap();
                assert!(matches!(refused, StartError::Open(_)), "{refused}");
            }
            Err(refused) => assert!(matches!(refused, StartError::Open(_)), "{refused}"),
        }
    }
    assert!(behind > 0, "nothing was left to be found behind the start");
}

/// Damage behind a start from a snapshot is told, and nobody may write any more.
fn is_found(house: &House, server: &Server) {
    assert_eq!(server.resumed_at(), Some(house.size));
    let url = format!("http://{}", server.address());
    // Each look is a question to the server, so that it has the time to find out.
    let client = Client::new(vec![url.clone()], None);
    wait("the log is found damaged", || {
        client.checkpoint().unwrap();
        server.trouble().is_some()
    });
    let trouble = server.trouble().unwrap();
    assert!(trouble.starts_with("the log is damaged: "), "{trouble}");
    let clock = Box::new(house.clock.clone());
    let refused = house.stage.actor(&url, "alice", KEY, clock).unwrap_err();
    assert!(format!("{refused:?}").contains("read-only"), "{refused:?}");
}

#[test]
fn a_snapshot_does_not_hide_that_the_log_was_put_back() {
    let house = House::after_a_while();
    let kept = std::fs::read(house.data().join("log.db")).unwrap();
    let old_snapshot = std::fs::read(house.snapshot()).unwrap();
    let server = house.start().unwrap();
    house.view(&server);
    server.stop();
    let new_snapshot = std::fs::read(house.snapshot()).unwrap();
    for snapshot in [old_snapshot, new_snapshot] {
        std::fs::write(house.data().join("log.db"), &kept).unwrap();
        std::fs::write(house.snapshot(), snapshot).unwrap();
        let server = house.start().unwrap();
        let reason = server.read_only().unwrap();
        assert!(reason.contains("restored backup"), "{reason}");
    }
}
