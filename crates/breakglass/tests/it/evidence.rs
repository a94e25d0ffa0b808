//! The evidence of a played incident: what an auditor takes home, checked with stock tools and
//! with the program, whole and damaged (DESIGN 11).

mod cli;
mod continued;
mod damage;
mod receipt;
mod remote;
mod stock;
pub(crate) mod without_us;

use std::collections::BTreeSet;

use breakglass_format::{Digest, Entry, Event};
use breakglass_verify::Folder;

use crate::{
    exported::export,
    scene::{Cast, Scene, Secrets},
};

/// A house whose incident is over.
struct Played {
    scene: Scene,
    cast: Cast,
    secrets: Secrets,
}

fn played() -> Played {
    let scene = Scene::set();
    let mut cast = scene.cast();
    let secrets = cast.play(&scene);
    // Something that was refused to a request, so that every kind of statement is there.
    let incident = cast.declare();
    let request = cast.request(&incident);
    cast.bob
        .deny(&request, "not tonight".parse().unwrap())
        .unwrap();
    Played {
        scene,
        cast,
        secrets,
    }
}

impl Played {
    /// The auditor's export.
    fn folder(&self) -> Folder {
        let frank = &self.cast.frank;
        export(frank.client(), frank.trust(), frank.now()).unwrap()
    }
}

#[test]
fn two_exports_of_one_log_are_the_same_bytes() {
    let played = played();
    let (first, second) = (played.folder(), played.folder());
    assert_eq!(first, second);
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("evidence");
    first.write(&out).unwrap();
    assert_eq!(Folder::read(&out).unwrap(), first);
    let bob = &played.cast.bob;
    let refused = export(bob.client(), bob.trust(), played.scene.now());
    assert!(refused.is_err(), "Bob is no auditor");
}

#[test]
fn nothing_sealed_leaves_the_house() {
    let played = played();
    let folder = played.folder();
    let entries = played.cast.frank.client().entries(0).unwrap().entries;
    let mut sealed: BTreeSet<Digest> = BTreeSet::new();
    for text in &entries {
        let event = Entry::from_bytes(text.as_bytes()).unwrap().event;
        if let Event::BreakGlassAccess(access) = &event {
            sealed.extend(access.envelope.0);
        } else if let Event::CredentialAdded(added) = &event {
            sealed.insert(added.sealed);
        } else if let Event::CredentialStaged(staged) = &event {
            sealed.insert(staged.sealed);
        }
    }
    assert!(sealed.len() >= 4, "{sealed:?}");
    let mut kinds = BTreeSet::new();
    for (path, bytes) in folder.iter() {
        assert!(
            !sealed.contains(&breakglass_statement::digest(bytes)),
            "{path}"
        );
        assert!(!played.secrets.are_in(bytes), "{path}");
        kinds.insert(path.split('/').next().unwrap_or_default());
    }
    let expected = [
        "acts",
        "allowed_signers",
        "authority",
        "blobs",
        "genesis",
        "log",
        "log.vkey",
        "siem.jsonl",
        "statements",
        "timeline.txt",
    ];
    assert!(kinds.iter().copied().eq(expected), "{kinds:?}");
}
