//! What keeps secrets in memory where they are: no core dumps, no peeking by other processes of the
//! same user.

use rustix::process::{DumpableBehavior, Resource, Rlimit, set_dumpable_behavior, setrlimit};

/// Forbids core dumps and tracing of this process. Best effort: a system that does not know how
/// leaves things as they were.
pub fn keep_secrets_in() {
    let none = Rlimit {
        current: Some(0),
        maximum: Some(0),
    };
    let _ = setrlimit(Resource::Core, none);
    let _ = set_dumpable_behavior(DumpableBehavior::NotDumpable);
}
