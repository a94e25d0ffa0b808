//! Who takes part.

use breakglass_format::{Fingerprint, event::Member, statement::Signer};

use super::read;

/// A person with a key.
pub(super) struct Somebody {
    pub(super) member: Member,
    pub(super) key: Fingerprint,
}

impl Somebody {
    pub(super) fn signer(&self) -> Signer {
        let Member { person, principal } = self.member.clone();
        Signer {
            key: self.key.clone(),
            person,
            principal,
        }
    }
}

fn somebody(name: &str, key: u8) -> Somebody {
    let person = read(&format!("per_{name}"));
    let member = Member {
        person,
        principal: read(name),
    };
    Somebody {
        member,
        key: Fingerprint::from_sha256(&[key; 32]),
    }
}

pub(super) fn alice() -> Somebody {
    somebody("alice", 0xa1)
}

pub(super) fn bob() -> Somebody {
    somebody("bob", 0xb0)
}

pub(super) fn carol() -> Somebody {
    somebody("carol", 0xca)
}

pub(super) fn dave() -> Somebody {
    somebody("dave", 0xda)
}
