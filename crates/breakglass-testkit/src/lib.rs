//! Tests of the whole system: a test server, a settable clock, faulty store and connectors.
