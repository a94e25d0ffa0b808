//! Writes and checks the evidence folder, offline, with its own short re-derivation of the rules.
