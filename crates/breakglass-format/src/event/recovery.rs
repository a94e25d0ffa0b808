//! What a log says that lost something, or goes on under another name.

use serde::{Deserialize, Serialize};

use super::{AccountRef, RootSignature};
use crate::{Digest, Line};

data! {
    /// Data of `LOG_RECOVERED`.
    LogRecovered {
        /// Accounts whose sealed credential was in no copy: they have none until people add one.
        lost: Vec<AccountRef>,
        /// How many of the entries before this one came from copies.
        recovered: i64,
    }

    /// Data of `EPOCH_BEGUN`.
    EpochBegun {
        /// SHA-256 of the epoch statement.
        digest: Digest,
        /// Accounts whose sealed credential was in no copy: they have none until people add one.
        lost: Vec<AccountRef>,
        /// 1, 2, 3 …
        number: i64,
        /// The log's origin from here on.
        origin: Line,
        /// How many of the entries before this one came from copies.
        recovered: i64,
        /// Who signed it.
        signatures: Vec<RootSignature>,
        /// The log's verifier key from here on.
        vkey: Line,
    }
}
