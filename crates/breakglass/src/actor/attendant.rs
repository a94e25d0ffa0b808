//! Who is told what happens while an actor works.

use breakglass_format::{Fingerprint, Timestamp, statement::Kind};

/// Something a person must know or do now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Notice {
    /// A key in a token waits to be touched.
    Touch {
        /// The key.
        key: Fingerprint,
        /// What it is about to sign.
        kind: Kind,
    },
    /// The server's clock and ours lie more than two minutes apart.
    ClocksDiffer {
        /// Ours.
        own: Timestamp,
        /// The server's.
        server: Timestamp,
        /// The one that is signed.
        used: Timestamp,
    },
    /// There was no session yet; one begins.
    SessionBegun,
    /// The server no longer knew the session; a new one begins.
    SessionRenewed,
    /// The answer to a statement was lost; the same statement is posted again.
    PostedAgain {
        /// What was posted.
        kind: Kind,
    },
}

/// Somebody who watches an actor work.
pub trait Attendant: Send {
    /// Is told.
    fn notice(&mut self, notice: &Notice);
}

/// Nobody watches.
#[derive(Debug, Clone, Copy, Default)]
pub struct Silent;

impl Attendant for Silent {
    fn notice(&mut self, _notice: &Notice) {}
}
