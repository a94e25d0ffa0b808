//! The Merkle log: RFC 6962 hashing, C2SP tiles, notes, checkpoints and proofs. Bytes in, bytes out.
