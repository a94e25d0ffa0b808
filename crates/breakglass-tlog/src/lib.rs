//! The Merkle log: RFC 6962 hashing, C2SP tiles, notes, checkpoints and proofs. Bytes in, bytes out.
//!
//! One module per document:
//!
//! | module | document |
//! |---|---|
//! | [`hash`], [`tree`] | RFC 6962 section 2.1 (SHA-256) |
//! | [`proof`] | RFC 9162 sections 2.1.3.2 and 2.1.4.2, the verification algorithms |
//! | [`tile`] | C2SP tlog-tiles |
//! | [`note`] | C2SP signed-note v1.0.0 |
//! | [`checkpoint`] | C2SP tlog-checkpoint v1.0.0 |
//! | [`cosignature`] | C2SP tlog-cosignature v1.0.1, Ed25519 |
//! | [`bundle`] | C2SP tlog-proof@v1 |
//! | [`policy`] | C2SP tlog-policy |
//! | [`witness`] | C2SP tlog-witness, its pure half |
//!
//! Nothing here reads a clock, a file, a socket or a random number generator.
//! How the breakglass log uses these documents is in `docs/spec/log.md`.

pub mod bundle;
pub mod checkpoint;
pub mod cosignature;
pub mod hash;
pub mod note;
pub mod policy;
pub mod proof;
mod text;
pub mod tile;
pub mod tree;
pub mod witness;

pub use bundle::{BundleParseError, BundleVerifyError, ProofBundle, Verified};
pub use checkpoint::{
    AddSignatureError, Checkpoint, CheckpointError, ExtendsError, OpenError, SignCheckpointError,
    SignedCheckpoint,
};
pub use cosignature::{Cosignature, CosignatureError, CosignerKey};
pub use hash::{EMPTY_ROOT, Hash, HashError, leaf_hash, node_hash};
pub use note::{
    KeyError, KeyId, KeyKind, KeyName, KeyNameError, Note, NoteParseError, NoteSignature,
    NoteTextError, NoteVerifyError, SignatureLineError, SignatureVerifyError, SigningKey,
    TooManySignatures, VerifiedSignature, VerifierKey,
};
pub use policy::{
    Cosigner, Judgement, LineError, Policy, PolicyError, PolicyLog, PolicyName, PolicyOpenError,
    PolicyWitness,
};
pub use proof::{
    ConsistencyError, FromEmptyError, InclusionError, verify_consistency, verify_from_empty,
    verify_inclusion,
};
pub use tile::{
    AppendError, EntriesError, EntriesPath, EntryTooLong, LeafTile, MemoryTiles, MissingTile,
    PathError, ProveError, Prover, ReadError, Tile, TilePath, TileReader, consistency_proof,
    encode_entries, entries_for_size, inclusion_proof, leaf_hash_at, parse_entries, push_entry,
    root, tiles_after_append, tiles_for_size,
};
pub use tree::{Edge, EdgeError, MAX_TREE_SIZE, root_of_leaves};
pub use witness::{AddCheckpoint, AddCheckpointError, Decision, Refusal, Suspicion};
