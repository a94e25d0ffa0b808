//! What tells the outside world: SIEM sinks. One file per target.
