//! Every bound on what people, programs and files may hand us, in one place.
//!
//! All sizes are bytes of the canonical (or raw) form, all counts are elements.

/// An entry of the log; the entry bundle of C2SP tlog-tiles carries a 16-bit length.
pub const ENTRY_BYTES_MAX: usize = 65_535;
/// A `request` statement: small, because every approval carries it verbatim.
pub const REQUEST_BYTES_MAX: usize = 8 * 1024;
/// Every other statement but the authority document.
pub const STATEMENT_BYTES_MAX: usize = 16 * 1024;
/// The authority document.
pub const AUTHORITY_BYTES_MAX: usize = 1024 * 1024;
/// An armoured signature.
pub const SIGNATURE_BYTES_MAX: usize = 8 * 1024;
/// A blob that lies in the same transaction as the entry that names it.
pub const BLOB_BYTES_MAX: usize = 64 * 1024;
/// Nesting of canonical JSON.
pub const DEPTH_MAX: usize = 24;
/// Members of one object or elements of one array of canonical JSON.
pub const ELEMENTS_MAX: usize = 10_000;
/// A key of a canonical object.
pub const KEY_BYTES_MAX: usize = 64;
/// One line of text: a title, a target, a reason.
pub const LINE_BYTES_MAX: usize = 512;
/// Multi-line text inside a statement or event; longer prose is a blob.
pub const PROSE_BYTES_MAX: usize = 4 * 1024;
/// A name (principal, account, group, role …).
pub const NAME_BYTES_MAX: usize = 64;
/// How far a statement's own time may lie from engine time, in seconds.
pub const STATEMENT_SKEW_S: i64 = 300;
/// How long a request may wait for its approvals, in seconds.
pub const APPROVE_WITHIN_S: i64 = 3_600;
/// How long a session certificate may live, in seconds.
pub const SESSION_S: i64 = 8 * 3_600;
