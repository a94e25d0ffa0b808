//! The data of events about people: what they may do, which keys speak for them, where they are
//! reached. Version 1.

use serde::{Deserialize, Serialize};

use super::{Clock, Member};
use crate::{
    Blank, Digest, EventId, Fingerprint, Prose, Timestamp,
    statement::{Kind, Signer},
};

data! {
    /// A signature under an authority document.
    RootSignature {
        /// SHA-256 of the armoured signature.
        signature: Digest,
        /// Who signed.
        signer: Signer,
    }

    /// Data of `AUTHORITY_PUBLISHED`.
    AuthorityPublished {
        /// Whether every root person of the version before (genesis: of itself) signed, so that
        /// new keys count at once.
        all_roots: bool,
        /// The clocks it starts: the quarterly review of each account that is new in it.
        clocks: Vec<Clock>,
        /// SHA-256 of the document.
        digest: Digest,
        /// SHA-256 of the version before.
        previous: Blank<Digest>,
        /// Who signed it.
        signatures: Vec<RootSignature>,
        /// Its version.
        version: i64,
    }

    /// Data of `KEY_ENROLLED`.
    KeyEnrolled {
        /// The key.
        key: Fingerprint,
        /// Whose.
        member: Member,
        /// What it will sign.
        namespaces: Vec<Kind>,
        /// Enrolled without a countersignature of an older key of the same person.
        recovery: bool,
    }

    /// Data of `KEY_SUSPENDED`.
    KeySuspended {
        /// The proposals it rests on, of the others that it took; none where it is one's own.
        agreed: Vec<EventId>,
        /// The key; blank: every key that the person has now.
        key: Blank<Fingerprint>,
        /// Whose.
        member: Member,
        /// Why.
        reason: Prose,
    }

    /// Data of `SESSION_OPENED`.
    SessionOpened {
        /// The enrolled key that certified it.
        key: Fingerprint,
        /// Whose.
        member: Member,
        /// Until when it counts.
        not_after: Timestamp,
        /// The session's key.
        session_key: Fingerprint,
    }

    /// Data of `CONTACT_SET`.
    ContactSet {
        /// SHA-256 of the contact, which is salted and lies beside the log.
        commitment: Digest,
        /// Whose.
        member: Member,
    }
}
