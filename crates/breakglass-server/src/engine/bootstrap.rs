//! A new log begins: its start, the genesis authority and the enrolments, in one transaction.

use breakglass_core::{Command, World};
use breakglass_format::{Digest, Entry};
use breakglass_statement::AuthoritySet;
use breakglass_store::{Append, Batch, Blob, Ledger as _, SqliteLedger};
use breakglass_tlog::SigningKey;
use thiserror::Error;

use super::{
    batch::Draught,
    public,
    state::{Memory, Opened},
};
use crate::{
    clock::Clock,
    entropy::random,
    genesis::{Genesis, GenesisError, authority_blobs, log_started, publication},
};

/// Why a new log could not begin.
#[derive(Debug, Error)]
pub enum BootstrapError {
    /// What it was to begin with does not hold.
    #[error(transparent)]
    Genesis(#[from] GenesisError),
    /// The store did not take it.
    #[error("the log did not take the entries: {0}")]
    Store(String),
}

/// Writes the first entries of an empty ledger.
pub(crate) fn bootstrap(
    mut ledger: SqliteLedger,
    genesis: &Genesis,
    pin: Digest,
    clock: &dyn Clock,
    key: &SigningKey,
) -> Result<Opened, BootstrapError> {
    let (authorities, enrolments) = genesis.verify(pin)?;
    let refused = |rejection: super::Rejection| {
        if let super::Rejection::Refused(refusal) = rejection {
            GenesisError::Refused(refusal)
        } else {
            GenesisError::TooLarge(rejection.to_string())
        }
    };
    let now = clock.wall();
    let mut draught = Draught::new(World::new(), 0, now, now);
    let id = random().map_err(|e| BootstrapError::Store(e.to_string()))?;
    let start = log_started(authorities.current(), now, id);
    draught.record(vec![start], None, None).map_err(refused)?;
    let blobs = authority_blobs(authorities.current());
    draught
        .decide(&ledger, &publication(authorities.current()), blobs, None)
        .map_err(refused)?;
    for enrolment in enrolments {
        let blobs = vec![
            public(enrolment.bytes().to_vec()),
            public(enrolment.armoured().as_bytes().to_vec()),
        ];
        let command = Command::Enroll(Box::new(enrolment));
        draught
            .decide(&ledger, &command, blobs, None)
            .map_err(refused)?;
    }
    append(&mut ledger, &draught, key)?;
    Ok(opened(ledger, draught.world, authorities, draught.noted))
}

/// Records what one command comes to in a log that nobody else works on, and gives its entries.
pub(crate) fn record(
    mut opened: Opened,
    command: &Command,
    blobs: Vec<Blob>,
    clock: &dyn Clock,
    key: &SigningKey,
) -> Result<(Opened, Vec<Entry>), super::Rejection> {
    let size = opened.ledger.head().size();
    let (world, wall) = (opened.world.clone(), clock.wall());
    let mut draught = Draught::new(world, size, wall, wall);
    draught.decide(&opened.ledger, command, blobs, None)?;
    append(&mut opened.ledger, &draught, key)
        .map_err(|e| super::Rejection::NotTaken(e.to_string()))?;
    let entries = draught.entries.into_iter().map(|(_, entry)| entry);
    let entries = entries.collect();
    opened.world = draught.world;
    Ok((opened, entries))
}

fn append(
    ledger: &mut SqliteLedger,
    draught: &Draught,
    key: &SigningKey,
) -> Result<(), BootstrapError> {
    let batch = Batch {
        entries: draught
            .entries
            .iter()
            .map(|(bytes, _)| bytes.clone())
            .collect(),
        blobs: draught.blobs.clone(),
    };
    let expected = ledger.head().clone();
    match ledger.append(&expected, &batch, key) {
        Ok(Append::Committed { .. }) => Ok(()),
        Ok(Append::Conflict(head)) => Err(BootstrapError::Store(format!(
            "it has {} entries already",
            head.size()
        ))),
        Ok(Append::Unknown(error)) => Err(BootstrapError::Store(error.to_string())),
        Err(error) => Err(BootstrapError::Store(error.to_string())),
    }
}

const fn opened(
    ledger: SqliteLedger,
    world: World,
    authorities: AuthoritySet,
    memory: Memory,
) -> Opened {
    Opened {
        ledger,
        world,
        authorities: Some(authorities),
        memory,
        taken: None,
        missing: None,
    }
}
