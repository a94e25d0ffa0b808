//! What changes the outside world: rotators, deploy connectors. One file per target.
