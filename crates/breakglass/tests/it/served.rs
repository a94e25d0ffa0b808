//! The log as tlog-tiles under `/log`: what is served to whom, with which headers, and as a
//! foreign implementation sees it while it grows; the exported one beside it.

mod shapes;

use std::{
    collections::BTreeSet,
    io::Read as _,
    path::Path,
    sync::atomic::{AtomicBool, Ordering},
};

use breakglass_server::config::Public;
use breakglass_tlog::{
    MemoryTiles, TileReader as _, encode_entries, entries_for_size, leaf_hash, tiles_for_size,
};

use crate::{
    attacks::wire::{Reply, exchange, get},
    scene::{Cast, Scene},
    ssh::skipped,
    tlogcheck::Auditor,
};

/// Audits at most until the log was seen to grow.
const AUDITS_MAX: usize = 100;

/// A played house, and the auditor's token.
pub(crate) struct House {
    pub(crate) scene: Scene,
    pub(crate) cast: Cast,
    pub(crate) token: String,
}

impl House {
    pub(crate) fn of(public: Public) -> Self {
        let scene = Scene::set_with(|_, config| config.log.public = public);
        let mut cast = scene.cast();
        cast.play(&scene);
        let token = cast.frank.session().unwrap().token().to_owned();
        Self { scene, cast, token }
    }

    /// What the auditor is answered.
    fn get(&self, path: &str) -> Reply {
        get(&self.scene.url, path, Some(&self.token))
    }

    /// The same with another header.
    fn get_with(&self, path: &str, header: &str) -> Reply {
        let request = format!(
            "GET {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\n{header}\r\n\
             Connection: close\r\n\r\n",
            self.token
        );
        Reply::parse(&exchange(&self.scene.url, request.as_bytes())).unwrap()
    }

    /// All entries, as the API gives them.
    fn entries(&self) -> Vec<Vec<u8>> {
        let client = self.cast.frank.client();
        let mut all: Vec<Vec<u8>> = Vec::new();
        loop {
            let page = client.entries(all.len() as u64).unwrap().entries;
            if page.is_empty() {
                return all;
            }
            all.extend(page.into_iter().map(String::into_bytes));
        }
    }

    /// Notes until the log has so many entries.
    pub(crate) fn grow(&mut self, size: u64) {
        let incident = self.cast.declare();
        while self.scene.log_size() < size {
            let text = format!("entry {}", self.scene.log_size());
            let text = text.parse().unwrap();
            self.cast.alice.note(&incident, text).unwrap();
        }
    }

    pub(crate) fn export(&self, dir: &Path) {
        let frank = &self.cast.frank;
        let folder = crate::exported::export(frank.client(), frank.trust(), frank.now());
        folder.unwrap().write(dir).unwrap();
    }
}

/// A header of an answer, in small letters.
fn header<'a>(reply: &'a Reply, name: &str) -> Option<&'a str> {
    let mut lines = reply.head.lines();
    lines.find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
}

#[test]
fn every_tile_and_bundle_of_every_width_is_served_and_nothing_beyond() {
    let house = House::of(Public::Checkpoint);
    let entries = house.entries();
    let size = entries.len() as u64;
    let tree: MemoryTiles = entries.iter().map(|entry| leaf_hash(entry)).collect();
    // A log of any size before was a log as well.
    for old in 1..=size {
        for tile in tiles_for_size(old) {
            let reply = house.get(&format!("/log/{tile}"));
            let bytes = tree.tile(tile.level(), tile.index(), tile.width());
            assert_eq!((reply.status, reply.body), (200, bytes.unwrap()), "{tile}");
        }
        for bundle in entries_for_size(old) {
            let reply = house.get(&format!("/log/{bundle}"));
            let first = usize::try_from(bundle.index() * 256).unwrap();
            let held = &entries[first..first + usize::from(bundle.width())];
            let bytes = encode_entries(held).unwrap();
            assert_eq!((reply.status, reply.body), (200, bytes), "{bundle}");
        }
    }
    let next = size + 1;
    let missing = [
        format!("tile/0/000.p/{next}"),
        format!("tile/entries/000.p/{next}"),
        "tile/0/000".to_owned(),
        "tile/entries/000".to_owned(),
        "tile/0/001.p/1".to_owned(),
        "tile/entries/001.p/1".to_owned(),
        "tile/1/000.p/1".to_owned(),
        "tile/63/000.p/1".to_owned(),
        "tile/0/x072/x057/x594/x037/x927/935.p/1".to_owned(),
        "tile/entries/x072/x057/x594/x037/x927/935.p/1".to_owned(),
        "tile/entries/x999/x999/x999/x999/x999/x999/x999/999".to_owned(),
        // Not how such a path is spelled.
        "tile/0/000.p/0".to_owned(),
        "tile/0/000.p/01".to_owned(),
        "tile/0/000.p/256".to_owned(),
        "tile/0/0.p/1".to_owned(),
        "tile/0/x000/000.p/1".to_owned(),
        "tile/00/000.p/1".to_owned(),
        "tile/64/000.p/1".to_owned(),
        "tile/-1/000.p/1".to_owned(),
        "tile/8/0/000.p/1".to_owned(),
        "tile/data/000.p/1".to_owned(),
        "tile/0/000.p/1/".to_owned(),
        "tile/0/000.P/1".to_owned(),
        "tile/0/00%30.p/1".to_owned(),
        "tile/%30/000.p/1".to_owned(),
        "tile/entries/00%30.p/1".to_owned(),
        "tile/entries/../0/000.p/1".to_owned(),
        "tile/0//000.p/1".to_owned(),
        "tile//0/000.p/1".to_owned(),
        "tile/entries/".to_owned(),
        "tile/entries".to_owned(),
        "tile/0".to_owned(),
        "tile/".to_owned(),
        "tile".to_owned(),
        "tile/%ff/000".to_owned(),
        "checkpoint/".to_owned(),
        "".to_owned(),
    ];
    for path in missing {
        let reply = house.get(&format!("/log/{path}"));
        assert_eq!(reply.status, 404, "{path}");
        assert_eq!(reply.problem().code, "not_found", "{path}");
        assert_eq!(header(&reply, "cache-control"), Some("no-store"), "{path}");
    }
}

#[test]
fn what_is_served_says_what_it_is_and_how_long_it_stays_so() {
    let house = House::of(Public::Checkpoint);
    let kind = |reply: &Reply| header(reply, "content-type").unwrap().to_owned();
    let kept = |reply: &Reply| header(reply, "cache-control").unwrap().to_owned();

    let checkpoint = house.get("/log/checkpoint");
    assert_eq!(kind(&checkpoint), "text/plain; charset=utf-8");
    assert_eq!(kept(&checkpoint), "no-store");
    assert_eq!(checkpoint.body, house.get("/v1/log/checkpoint").body);

    let private = "private, max-age=31536000, immutable";
    for path in ["/log/tile/0/000.p/3", "/log/tile/entries/000.p/3"] {
        let reply = house.get(path);
        assert_eq!(kind(&reply), "application/octet-stream", "{path}");
        assert_eq!(kept(&reply), private, "{path}");
        assert_eq!(header(&reply, "content-encoding"), None, "{path}");
    }

    // Hashes do not get smaller; entries do, for whoever can unpack them.
    let tile = house.get_with("/log/tile/0/000.p/3", "Accept-Encoding: gzip");
    assert_eq!(header(&tile, "content-encoding"), None);
    let path = "/log/tile/entries/000.p/30";
    let plain = house.get(path);
    let packed = house.get_with(path, "Accept-Encoding: br, gzip;q=0.8");
    assert_eq!(header(&packed, "content-encoding"), Some("gzip"));
    for reply in [&plain, &packed] {
        assert_eq!(header(reply, "vary"), Some("accept-encoding"));
        assert_eq!(kind(reply), "application/octet-stream");
        assert_eq!(kept(reply), private);
    }
    assert!(packed.body.len() * 2 < plain.body.len());
    let mut unpacked = Vec::new();
    flate2::read::GzDecoder::new(&packed.body[..])
        .read_to_end(&mut unpacked)
        .unwrap();
    assert_eq!(unpacked, plain.body);
    let again = house.get_with(path, "Accept-Encoding: gzip");
    assert_eq!(again.body, packed.body, "the same bytes every time");
    let refused = house.get_with(path, "Accept-Encoding: gzip;q=0");
    assert_eq!(refused.body, plain.body);
}

/// Who gets which part of the log: nobody's and a thief's answers, Bob's, and the auditor's.
fn answers(house: &House, path: &str) -> [u16; 4] {
    let bob = house.cast.bob.session().unwrap().token();
    let readers = [None, Some("stolen"), Some(bob), Some(&*house.token)];
    readers.map(|token| get(&house.scene.url, path, token).status)
}

#[test]
fn only_the_configuration_makes_parts_of_the_log_public_and_never_entries() {
    let checkpoint = ["/log/checkpoint", "/v1/log/checkpoint"];
    let proof = "/v1/log/consistency?old=1&new=2";
    let tile = "/log/tile/0/000.p/1";
    let entries = [
        "/log/tile/entries/000.p/1",
        "/v1/log/entries",
        "/v1/log/proof/0",
    ];

    let cases = [
        (Public::Nothing, [401, 401, 200, 200], [401, 401, 403, 200]),
        (Public::Checkpoint, [200; 4], [401, 401, 403, 200]),
        (Public::Tiles, [200; 4], [200; 4]),
    ];
    for (public, of_checkpoint, of_tile) in cases {
        let house = House::of(public);
        for path in checkpoint.into_iter().chain([proof]) {
            assert_eq!(answers(&house, path), of_checkpoint, "{public:?} {path}");
        }
        assert_eq!(answers(&house, tile), of_tile, "{public:?}");
        for path in entries {
            let of_entries = [401, 401, 403, 200];
            assert_eq!(answers(&house, path), of_entries, "{public:?} {path}");
        }
        let kept = house.get(tile);
        let shared = header(&kept, "cache-control")
            .unwrap()
            .starts_with("public,");
        assert_eq!(shared, public == Public::Tiles, "{}", kept.head);
        let kept = house.get("/log/tile/entries/000.p/1");
        assert!(
            kept.head.contains("cache-control: private,"),
            "{}",
            kept.head
        );
    }
}

#[test]
fn a_log_that_grows_while_it_is_read_is_the_one_of_the_checkpoint() {
    let name = "served::a_log_that_grows_while_it_is_read_is_the_one_of_the_checkpoint";
    let auditor = match Auditor::build() {
        Ok(auditor) => auditor,
        Err(reason) => return skipped(name, &reason),
    };
    let mut house = House::of(Public::Checkpoint);
    let vkey = house.cast.frank.trust().log().key.to_string();
    let served = format!("{}/log", house.scene.url);
    let token = house.token.clone();
    let asked = [
        "-growing", "-vkey", &vkey, "-log", &served, "-token", &token,
    ];
    let incident = house.cast.declare();
    let over = AtomicBool::new(false);
    let sizes = std::thread::scope(|threads| {
        let reading = threads.spawn(|| {
            let mut sizes = BTreeSet::new();
            for _ in 0..AUDITS_MAX {
                let said = auditor.audit(&asked);
                let grown = said.as_ref().map(|said| sizes.insert(said.clone()));
                if sizes.len() == 3 || grown.is_err() {
                    over.store(true, Ordering::SeqCst);
                    return said.map(|_| sizes.len());
                }
            }
            over.store(true, Ordering::SeqCst);
            Ok(sizes.len())
        });
        while !over.load(Ordering::SeqCst) {
            let text = "one more".parse().unwrap();
            house.cast.alice.note(&incident, text).unwrap();
        }
        reading.join().unwrap()
    });
    assert_eq!(
        sizes,
        Ok(3),
        "it grew between the audits, and each was in order"
    );
}
