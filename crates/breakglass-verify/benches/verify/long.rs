//! The evidence folder of a log that is longer than memory, put together as an export is.

use std::path::Path;

use breakglass_tlog::{
    Checkpoint, Edge, EntriesPath, SignedCheckpoint, encode_entries, leaf_hash, tile::TILE_WIDTH,
};
use breakglass_verify::Assembly;

use crate::{bring::bring, one_more, people::log_key, scribe::Scribe};

/// Writes the folder of a log and so many entries after it that nobody signed.
pub(crate) fn write(mut log: Scribe, count: usize, place: &Path) {
    let assembly = Assembly::at(place, log.genesis).unwrap();
    let mut edge = Edge::empty();
    let mut bundle = std::mem::take(&mut log.entries);
    for number in 0..count {
        one_more(&mut log, number);
        bundle.append(&mut log.entries);
        if bundle.len() >= usize::from(TILE_WIDTH) {
            let rest = bundle.split_off(usize::from(TILE_WIDTH));
            full(&assembly, &mut edge, &bundle);
            bundle = rest;
        }
    }
    if !bundle.is_empty() {
        full(&assembly, &mut edge, &bundle);
    }
    let key = log_key();
    let name = key.verifier().name().clone();
    let checkpoint = Checkpoint::new(name, edge.size(), edge.root()).unwrap();
    bring(
        place,
        &log,
        &SignedCheckpoint::sign(checkpoint, &key).unwrap(),
    )
    .unwrap();
}

/// Keeps a bundle, as if it had been fetched.
fn full(assembly: &Assembly, edge: &mut Edge, bundle: &[Vec<u8>]) {
    let width = u16::try_from(bundle.len()).unwrap();
    let path = EntriesPath::new(edge.size() / u64::from(TILE_WIDTH), width).unwrap();
    let bytes = encode_entries(bundle).unwrap();
    assembly.keep_bundle(&path, &bytes).unwrap();
    for entry in bundle {
        edge.push(leaf_hash(entry));
    }
}
