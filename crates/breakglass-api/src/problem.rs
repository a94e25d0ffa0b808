//! Problem documents (RFC 9457) with stable codes.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What went wrong, for people and for programs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Problem {
    /// A URI for the kind of problem: `urn:breakglass:problem:<code>`.
    #[serde(rename = "type")]
    pub kind: String,
    /// The kind of problem in words.
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// Stable code; programs branch on this.
    pub code: String,
    /// What happened this time.
    pub detail: String,
    /// What to do next.
    pub hint: String,
    /// The server's time in milliseconds since 1970, so that a client whose clock is off can say so.
    pub server_time_ms: i64,
}

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.detail)
    }
}
