//! The timeline: one line per entry, as a person reads it.
