//! The server's halves of request nonces: handed out with the terms, known again when they come
//! back. Nothing is kept of them, so that nobody fills a table or drives another's nonce out of
//! it: a half is the second it was made and a MAC of that, of who asks, and for what.
//!
//! That a half comes back twice does no harm: a statement is accepted once, by its digest.

use breakglass_format::{AccountId, IncidentId, PersonId, Timestamp};
use hkdf::hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use zeroize::Zeroizing;

/// How long a nonce may be used, in seconds.
const NONCE_S: i64 = 900;
/// Bytes of a half that say when it was made.
const TIME: usize = 4;
/// Bytes of the server's half of a nonce.
const HALF: usize = 16;

/// Whose request it is, and what for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Asking<'a> {
    pub(crate) person: &'a PersonId,
    pub(crate) account: &'a AccountId,
    pub(crate) incident: &'a IncidentId,
}

/// The maker of nonces of this process; a restart makes another.
pub(crate) struct Nonces {
    key: Zeroizing<[u8; 32]>,
}

impl std::fmt::Debug for Nonces {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Nonces").finish_non_exhaustive()
    }
}

impl Nonces {
    pub(crate) const fn new(key: Zeroizing<[u8; 32]>) -> Self {
        Self { key }
    }

    /// The half for somebody's request. There is none at a time that four bytes do not tell.
    pub(crate) fn give(&self, asking: &Asking<'_>, now: Timestamp) -> Option<[u8; HALF]> {
        let made = u32::try_from(now.millis() / 1000).ok()?.to_be_bytes();
        let tag = self.mac(asking, made)?.finalize().into_bytes();
        let mut half = [0; HALF];
        let bytes = made.iter().chain(&tag);
        for (place, byte) in half.iter_mut().zip(bytes) {
            *place = *byte;
        }
        Some(half)
    }

    /// Whether this half was made for that request, and not too long ago.
    pub(crate) fn knows(&self, half: [u8; HALF], asking: &Asking<'_>, now: Timestamp) -> bool {
        let Some((made, tag)) = half.split_first_chunk::<TIME>() else {
            return false;
        };
        let age_s = now.millis() / 1000 - i64::from(u32::from_be_bytes(*made));
        (0..NONCE_S).contains(&age_s)
            && self
                .mac(asking, *made)
                .is_some_and(|mac| mac.verify_truncated_left(tag).is_ok())
    }

    fn mac(&self, asking: &Asking<'_>, made: [u8; TIME]) -> Option<Hmac<Sha256>> {
        let mut mac = Hmac::<Sha256>::new_from_slice(&*self.key).ok()?;
        mac.update(b"breakglass/nonce/v1\0");
        mac.update(&made);
        // No id holds a zero byte: what follows cannot be cut up in two ways.
        for part in [
            asking.person.as_str(),
            asking.account.as_str(),
            &asking.incident.to_string(),
        ] {
            mac.update(part.as_bytes());
            mac.update(b"\0");
        }
        Some(mac)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_nonce_is_good_for_one_person_account_and_incident_for_a_while() {
        let nonces = Nonces::new(Zeroizing::new([7; 32]));
        let (person, account) = ("per_alice".parse().unwrap(), "acc_root".parse().unwrap());
        let incident = "01890a5d-ac96-774b-bcce-b302099a8057".parse().unwrap();
        let asking = Asking {
            person: &person,
            account: &account,
            incident: &incident,
        };
        let now = Timestamp::from_millis(1_795_469_324_399);
        let half = nonces.give(&asking, now).unwrap();
        // Nothing is kept of what was handed out: one that never saw it knows it as well.
        let nonces = Nonces::new(Zeroizing::new([7; 32]));
        assert!(nonces.knows(half, &asking, now));
        assert!(nonces.knows(half, &asking, now.plus_s(899)));
        assert!(!nonces.knows(half, &asking, now.plus_s(900)));
        assert!(!nonces.knows(half, &asking, now.plus_s(-1)));
        // Whatever is changed, it is another's.
        let (other, elsewhere) = ("per_bob".parse().unwrap(), "acc_db".parse().unwrap());
        let later = "01890a5d-ac96-774b-bcce-b302099a8058".parse().unwrap();
        for wrong in [
            Asking {
                person: &other,
                ..asking
            },
            Asking {
                account: &elsewhere,
                ..asking
            },
            Asking {
                incident: &later,
                ..asking
            },
        ] {
            assert!(!nonces.knows(half, &wrong, now), "{wrong:?}");
        }
        for bit in 0..8 * HALF {
            let mut flipped = half;
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert!(!nonces.knows(flipped, &asking, now), "bit {bit}");
        }
        assert!(!nonces.knows([0; HALF], &asking, now));
        let restarted = Nonces::new(Zeroizing::new([8; 32]));
        assert!(!restarted.knows(half, &asking, now));
    }
}
