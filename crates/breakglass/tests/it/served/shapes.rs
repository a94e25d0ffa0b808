//! A foreign implementation (golang.org/x/mod/sumdb) reads the served log and the exported one, at
//! the sizes where the shape of the tree changes. That it reads a log of no entry and of one is in
//! the store's `tests/it/foreign.rs`: a server's log has more from the first moment on.

use std::{fs, path::PathBuf, sync::Arc};

use breakglass::{
    actor::Actor,
    demo::{PlayClock, Stage},
    export::{ExportWish, export},
};
use breakglass_format::{Blank, Entry, EventId, event::SinkChanged};
use breakglass_server::{Clock as _, Config, Server, config::Public};
use breakglass_store::{Append, BATCH_ENTRIES_MAX, Batch, Ledger as _, SqliteLedger};
use breakglass_tlog::SigningKey;

use crate::{
    scene::{Scene, cast_at},
    ssh::skipped,
    tlogcheck::Auditor,
};

/// Where the shape changes, and what is usually tried. Most of the entries before each of them are
/// put into the database by hand, the last ones come over HTTP.
const SIZES: [[u64; 3]; 3] = [
    [255, 256, 257],
    [65_535, 65_536, 65_537],
    [69_999, 70_000, 70_001],
];
/// Entries that people's sessions take.
const ROOM: u64 = 20;

/// Somebody else's program, and what it was shown last.
struct Foreign {
    auditor: Auditor,
    dir: tempfile::TempDir,
    seen: Option<u64>,
}

impl Foreign {
    fn at(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// It reads the log that is served, and the export, which is continued; and each continues what
    /// it read before.
    fn reads(&mut self, frank: &Actor, url: &str, size: u64) {
        let (client, trust) = (frank.client(), frank.trust());
        let (out, old) = (self.at("out"), self.at("old"));
        let before = fs::read(out.join("log/checkpoint"));
        let wish = ExportWish::default();
        let exported = export(client, trust, frank.now(), &out, wish).unwrap();
        assert_eq!(exported.size, size);
        let shown = self.receipts(frank, size);
        let mut more = vec!["-receipts".to_owned(), text(&self.at("receipts"))];
        if let Some(seen) = self.seen.replace(size) {
            fs::write(&old, before.unwrap()).unwrap();
            let proof = self.at("consistency");
            let hashes = client.consistency(seen, size).unwrap();
            fs::write(&proof, hashes.join("\n")).unwrap();
            more.extend(["-old".to_owned(), text(&old)]);
            more.extend(["-consistency".to_owned(), text(&proof)]);
        }
        let key = trust.log().key.to_string();
        let (served, log) = (format!("{url}/log"), text(&out.join("log")));
        let token = frank.session().unwrap().token().to_owned();
        let over_http = ["-vkey", &key, "-log", &served, "-token", &token];
        let folder = ["-vkey", &key, "-log", &log];
        let more: Vec<&str> = more.iter().map(String::as_str).collect();
        for asked in [&over_http[..], &folder] {
            let said = self.auditor.audit(&[asked, &more].concat()).unwrap();
            assert!(said.contains(&format!("size {size},")), "{said}");
            assert!(said.contains(&format!("entries {size},")), "{said}");
            assert!(said.contains(&format!("receipts {shown},")), "{said}");
            let proofs = if more.len() > 2 { 2 } else { 0 };
            assert!(said.ends_with(&format!("consistent {proofs}")), "{said}");
        }
    }

    /// Receipts of some entries, each beside its entry.
    fn receipts(&self, frank: &Actor, size: u64) -> usize {
        let dir = self.at("receipts");
        let _ = fs::remove_dir_all(&dir);
        fs::create_dir_all(&dir).unwrap();
        let wanted = [0, 1, size / 2, size - 1];
        for index in wanted {
            let proven = frank.client().prove(index).unwrap();
            fs::write(dir.join(format!("{index}.entry")), proven.entry).unwrap();
            fs::write(dir.join(format!("{index}.tlog-proof")), proven.proof).unwrap();
        }
        wanted.len()
    }
}

fn text(path: &std::path::Path) -> String {
    path.to_str().unwrap().to_owned()
}

/// Entries that a server asserts, until the log has so many. No server runs.
fn fill(config: &Config, clock: &PlayClock, size: u64) {
    let key = fs::read_to_string(&config.log_key_file).unwrap();
    let key = SigningKey::parse(key.trim()).unwrap();
    let (path, verifier) = (config.data_dir.join("log.db"), key.verifier());
    let origin = verifier.name().as_str();
    let mut ledger = SqliteLedger::open(&path, origin, verifier, &mut |_| ()).unwrap();
    while ledger.head().size() < size {
        let head = ledger.head().clone();
        let count = (size - head.size()).min(BATCH_ENTRIES_MAX as u64);
        let batch = Batch {
            entries: (head.size()..head.size() + count)
                .map(|n| asserted(clock, n))
                .collect(),
            blobs: Vec::new(),
        };
        let append = ledger.append(&head, &batch, &key).unwrap();
        assert!(matches!(append, Append::Committed { .. }), "{append:?}");
    }
}

fn asserted(clock: &PlayClock, number: u64) -> Vec<u8> {
    let now = clock.wall();
    let mut random = [7; 10];
    random[2..].copy_from_slice(&number.to_be_bytes());
    let entry = Entry {
        actor: "system:engine".parse().unwrap(),
        command_id: Blank(None),
        correlation_id: Blank(None),
        created_at: now,
        event: SinkChanged {
            detail: format!("looked at for the {number}. time").parse().unwrap(),
            sink: "jsonl".parse().unwrap(),
            working: number.is_multiple_of(2),
        }
        .into(),
        event_id: EventId::new(now, random),
        person: Blank(None),
        principal: Blank(None),
        signature: Blank(None),
        statement: Blank(None),
        wall: now,
    };
    entry.to_bytes().unwrap()
}

fn start(config: &Config, clock: &PlayClock) -> Server {
    let on_fatal = |detail: &str| panic!("{detail}");
    Server::start(config, Arc::new(clock.clone()), on_fatal).unwrap()
}

fn open(stage: &Stage) -> Config {
    let mut config = stage.config().unwrap();
    config.log.public = Public::Checkpoint;
    config.limits.reads_per_minute = 1_000_000;
    config.limits.statements_per_minute = 1_000_000;
    config
}

#[test]
fn a_foreign_implementation_accepts_the_served_and_the_exported_log_where_the_shape_changes() {
    let name = "served::shapes::a_foreign_implementation_accepts_the_served_and_the_exported_log_\
        where_the_shape_changes";
    let auditor = match Auditor::build() {
        Ok(auditor) => auditor,
        Err(reason) => return skipped(name, &reason),
    };
    let mut foreign = Foreign {
        auditor,
        dir: tempfile::tempdir().unwrap(),
        seen: None,
    };
    let scene = Scene::set();
    let clock = scene.clock.clone();
    let stage = scene.end();
    let config = open(&stage);
    for sizes in SIZES {
        fill(&config, &clock, sizes[0] - ROOM);
        let server = start(&config, &clock);
        assert_eq!(server.read_only(), None);
        let url = format!("http://{}", server.address());
        let mut cast = cast_at(&stage, &server, &clock);
        let incident = cast.declare();
        for size in sizes {
            while server.log_size() < size {
                let text = format!("entry {}", server.log_size()).parse().unwrap();
                cast.alice.note(&incident, text).unwrap();
            }
            foreign.reads(&cast.frank, &url, size);
        }
        // Without the session it gets no further than the checkpoint, and says so.
        let key = cast.frank.trust().log().key.to_string();
        let served = format!("{url}/log");
        let without = ["-vkey", &key, "-log", &served];
        let said = foreign.auditor.audit(&without).unwrap_err();
        assert!(said.contains("401"), "{said}");
        drop(cast);
        server.stop();
    }
    // A damaged export is one to it as well.
    let bundle = foreign.at("out/log/tile/entries/000");
    let mut bytes = fs::read(&bundle).unwrap();
    bytes[100] ^= 1;
    fs::remove_file(&bundle).unwrap();
    fs::write(&bundle, bytes).unwrap();
    let config = stage.config().unwrap();
    let key = fs::read_to_string(&config.log_key_file).unwrap();
    let key = SigningKey::parse(key.trim())
        .unwrap()
        .verifier()
        .to_string();
    let log = text(&foreign.at("out/log"));
    let said = foreign
        .auditor
        .audit(&["-vkey", &key, "-log", &log])
        .unwrap_err();
    assert!(said.contains("is not the one in the tree"), "{said}");
}
