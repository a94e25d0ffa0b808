//! What of a credential a rotation renews, and what may stay as it is.

/// The field that a rotation renews.
pub const RENEWED: &str = "password";

/// Fields that are no secret: a rotation leaves them as they are.
pub const PLAIN: [&str; 6] = ["database", "domain", "host", "port", "realm", "username"];

/// Whether a field is worth nothing to whoever knew it, once the credential was rotated.
///
/// A list of what is harmless, not of what is secret: of a name that nobody thought of we do not
/// know what it holds.
#[must_use]
pub fn is_rotatable(field: &str) -> bool {
    field == RENEWED || PLAIN.contains(&field)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_be_secret_is_not_left_as_it_is() {
        for field in ["password", "username", "host"] {
            assert!(is_rotatable(field), "{field}");
        }
        for field in [
            "private_key",
            "totp_seed",
            "uri",
            "token",
            "api_key",
            "Username",
            "",
        ] {
            assert!(!is_rotatable(field), "{field}");
        }
    }
}
