//! How a password is kept: salt, number of rounds, and PBKDF2-HMAC-SHA256 (RFC 8018, 5.2).
//!
//! A choice for a demonstration that must not wait: a real server would take a function that
//! costs memory too.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use super::secret::Secret;

const ITERATIONS: u32 = 20_000;
const BLOCK_BYTES: usize = 64;
const SALT_BYTES: usize = 16;

type Hash = [u8; 32];

/// What is kept of a password.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PasswordHash {
    iterations: u32,
    /// Lower-case hex; the text itself is the salt.
    salt: String,
    /// Lower-case hex.
    sha256: String,
}

impl PasswordHash {
    /// Of this password, with a salt of its own.
    pub(super) fn new(password: &Secret) -> Result<Self, getrandom::Error> {
        let mut salt = [0; SALT_BYTES];
        getrandom::fill(&mut salt)?;
        let salt = hex(&salt);
        let sha256 = hash(password, &salt, ITERATIONS);
        Ok(Self {
            iterations: ITERATIONS,
            salt,
            sha256,
        })
    }

    /// Takes as long as any other, and no password matches it.
    pub(super) fn of_nothing() -> Self {
        Self {
            iterations: ITERATIONS,
            salt: String::new(),
            sha256: String::new(),
        }
    }

    /// Whether it is the hash of this password. How long that takes does not depend on where the
    /// first difference is.
    pub(super) fn matches(&self, password: &Secret) -> bool {
        let presented = hash(password, &self.salt, self.iterations);
        let pairs = presented.bytes().zip(self.sha256.bytes());
        let difference = pairs.fold(0, |all, (a, b)| all | (a ^ b));
        presented.len() == self.sha256.len() && difference == 0
    }
}

fn hash(password: &Secret, salt: &str, iterations: u32) -> String {
    let password = password.expose().as_bytes();
    hex(&pbkdf2(password, salt.as_bytes(), iterations))
}

/// The first block of the output, which is all that is needed.
fn pbkdf2(password: &[u8], salt: &[u8], iterations: u32) -> Hash {
    let hmac = Hmac::new(password);
    let mut last = hmac.of(&[salt, &1_u32.to_be_bytes()]);
    let mut out = last;
    for _ in 1..iterations {
        last = hmac.of(&[&last]);
        for (byte, more) in out.iter_mut().zip(last) {
            *byte ^= more;
        }
    }
    out
}

/// HMAC-SHA256 (RFC 2104) under one key, whose two blocks are hashed once only.
struct Hmac {
    inner: Sha256,
    outer: Sha256,
}

impl Hmac {
    fn new(key: &[u8]) -> Self {
        let mut block = Zeroizing::new([0; BLOCK_BYTES]);
        if key.len() > BLOCK_BYTES {
            fill(&mut block, &Sha256::digest(key));
        } else {
            fill(&mut block, key);
        }
        let padded = |pad: u8| {
            let block = Zeroizing::new(block.map(|byte| byte ^ pad));
            Sha256::new_with_prefix(block.as_slice())
        };
        Self {
            inner: padded(0x36),
            outer: padded(0x5c),
        }
    }

    fn of(&self, parts: &[&[u8]]) -> Hash {
        let mut inner = self.inner.clone();
        parts.iter().for_each(|part| inner.update(part));
        let mut outer = self.outer.clone();
        outer.update(inner.finalize());
        outer.finalize().into()
    }
}

fn fill(block: &mut [u8; BLOCK_BYTES], bytes: &[u8]) {
    for (place, byte) in block.iter_mut().zip(bytes) {
        *place = *byte;
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 7914, section 11, the first 32 bytes of each.
    #[test]
    fn published_vectors() {
        let one = pbkdf2(b"passwd", b"salt", 1);
        let many = pbkdf2(b"Password", b"NaCl", 80_000);
        assert_eq!(
            hex(&one),
            "55ac046e56e3089fec1691c22544b605f94185216dde0465e68b9d57c20dacbc"
        );
        assert_eq!(
            hex(&many),
            "4ddcd8f60b98be21830cee5ef22701f9641a4418d04c0414aeff08876b34ab56"
        );
    }

    /// RFC 4231, test case 6: a key longer than a block is hashed first.
    #[test]
    fn a_long_key() {
        let data = b"Test Using Larger Than Block-Size Key - Hash Key First";
        assert_eq!(
            hex(&Hmac::new(&[0xaa; 131]).of(&[data])),
            "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"
        );
    }

    #[test]
    fn equal_passwords_have_different_hashes() {
        let password = Secret::new("correct horse");
        let one = PasswordHash::new(&password).unwrap();
        let other = PasswordHash::new(&password).unwrap();
        assert_ne!(one.sha256, other.sha256);
        assert!(one.matches(&password) && other.matches(&password));
        assert!(!one.matches(&Secret::new("correct horsf")));
    }

    #[test]
    fn nothing_is_not_the_empty_password() {
        assert!(!PasswordHash::of_nothing().matches(&Secret::new("")));
    }
}
