//! Whom the client believes when it speaks TLS: as the server does, the certificates of a file, or
//! the system's.

pub use breakglass_server::outbound::{TrustError as TlsError, trust as config};
