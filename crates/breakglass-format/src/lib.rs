//! The shapes that last: canonical JSON, ids, time, limits, events and statements as data, pure renderings.
