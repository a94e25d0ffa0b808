//! Taking the log over: from a snapshot and what came after it, or from all of it.

use std::path::{Path, PathBuf};

use breakglass_format::Digest;
use breakglass_store::{HighWaterMark, Ledger as _, OpenError, SqliteLedger};
use breakglass_tlog::SigningKey;

use crate::{
    clock::Clock,
    config::Config,
    engine::{Opened, Replay, bootstrap},
    genesis::{Genesis, GenesisError},
    snapshot::{Kept, SnapshotFile},
    standing::no_log_is_known,
    start::StartError,
};

/// The log, replayed; a new one begins with the genesis.
pub(crate) fn open(
    config: &Config,
    clock: &dyn Clock,
    key: &SigningKey,
) -> Result<Opened, StartError> {
    let path: PathBuf = config.data_dir.join("log.db");
    if !path.exists() {
        no_log_is_known(config, key, &path)?;
        genesis(config)?.verify(config.genesis)?;
        return begin(SqliteLedger::create(&path, key)?, config, clock, key);
    }
    let snapshots = SnapshotFile::beside(&config.data_dir, key);
    let (ledger, replay) = match from_snapshot(&path, key, config.genesis, &snapshots)? {
        Some(opened) => opened,
        None => open_whole(&path, key, config.genesis)?,
    };
    if ledger.head().size() > 0 {
        return Ok(replay.finish(ledger)?);
    }
    // The process died between making the file and writing to it. Where the mark knows of more,
    // this is a replaced log, and the comparison with the mark says so.
    begin(ledger, config, clock, key)
}

/// Opens and verifies the ledger, and rebuilds the world on the way.
pub(crate) fn open_whole(
    path: &Path,
    key: &SigningKey,
    pin: Digest,
) -> Result<(SqliteLedger, Replay), OpenError> {
    let mut replay = Replay::new(pin);
    let origin = key.verifier().name().as_str();
    let ledger = SqliteLedger::open(path, origin, key.verifier(), &mut |replayed| {
        replay.next(replayed);
    })?;
    Ok((ledger, replay))
}

/// The same from a snapshot that is of this log, if there is one. The snapshot decides nothing
/// that the log does not: it is authenticated, its root is one the log had, and all of it is
/// compared with the entries once the server runs.
fn from_snapshot(
    path: &Path,
    key: &SigningKey,
    pin: Digest,
    snapshots: &SnapshotFile,
) -> Result<Option<(SqliteLedger, Replay)>, OpenError> {
    let Some(kept) = snapshots.read() else {
        return Ok(None);
    };
    let origin = key.verifier().name().as_str();
    let opening = SqliteLedger::begin(path, origin, key.verifier())?;
    let Kept { size, root, .. } = kept;
    let edge = opening.continues(size, root);
    let resumed = edge.and_then(|edge| {
        let entry = |index| opening.entry(&edge, index).ok();
        let blob = |digest: &Digest| opening.blob(digest);
        let replay = Replay::resume(pin, kept, &entry, &blob)?;
        Some((edge, replay))
    });
    let Some((edge, mut replay)) = resumed else {
        // The lock goes with it, and reading all of the log takes it anew.
        return Ok(None);
    };
    let ledger = opening.after(replay.recalls_from(), edge, &mut |replayed| {
        replay.next(replayed);
    })?;
    Ok(Some((ledger, replay)))
}

/// The first entries of an empty log.
fn begin(
    ledger: SqliteLedger,
    config: &Config,
    clock: &dyn Clock,
    key: &SigningKey,
) -> Result<Opened, StartError> {
    let mark = mark(config);
    // Before the first entry: from then on a missing mark means a restored backup.
    if matches!(
        mark.read(key.verifier().name().as_str(), key.verifier()),
        Ok(None)
    ) {
        let head = ledger.head().checkpoint();
        mark.write(head)
            .map_err(|e| StartError::Mark(e.to_string()))?;
    }
    Ok(bootstrap(
        ledger,
        &genesis(config)?,
        config.genesis,
        clock,
        key,
    )?)
}

pub(crate) fn mark(config: &Config) -> HighWaterMark {
    let beside = || config.data_dir.join("high-water.checkpoint");
    HighWaterMark::new(config.high_water_file.clone().unwrap_or_else(beside))
}

pub(crate) fn genesis(config: &Config) -> Result<Genesis, GenesisError> {
    Genesis::read(config.genesis_dir.as_deref().ok_or(GenesisError::Missing)?)
}
