//! What is said to a PostgreSQL server.

use tokio_postgres::Client;

use super::link::{Broken, Work};

/// SQLSTATE `invalid_password`: the server looked at the password and does not let it in.
pub(super) const INVALID_PASSWORD: &str = "28P01";

/// The SCRAM-SHA-256 verifier of a password, with a salt of its own.
pub(super) fn verifier(password: &str) -> String {
    postgres_protocol::password::scram_sha_256(password.as_bytes())
}

/// A password that nobody has. The salt of a fresh verifier is random, and so is all of it.
pub(super) fn made_up_password() -> String {
    verifier("breakglass")
}

/// A session in which nothing is done.
pub(super) fn nothing(_: &mut Client) -> Work<'_, ()> {
    Box::pin(async { Ok(()) })
}

/// Another password for a role.
pub(super) struct Change {
    pub(super) role: String,
    pub(super) verifier: String,
}

/// What a change came to.
pub(super) struct Changed {
    /// How many sessions were ended, or why none could be.
    pub(super) sessions: Result<i64, String>,
}

impl Change {
    /// Sets the verifier, then ends the sessions that the old password opened. That they cannot be
    /// ended does not undo the change: it is told.
    pub(super) async fn run(self, client: &mut Client) -> Result<Changed, Broken> {
        let role = "SELECT 1 FROM pg_catalog.pg_roles WHERE rolname = $1 AND rolcanlogin";
        let known = client.query_opt(role, &[&self.role]).await;
        if known.map_err(|e| Broken::of(&e, false))?.is_none() {
            return Err(Broken::NoRole);
        }
        let alter = format!(
            "ALTER ROLE {} PASSWORD {}",
            identifier(&self.role),
            literal(&self.verifier)
        );
        let altered = client.batch_execute(&alter).await;
        altered.map_err(|e| Broken::of(&e, true))?;
        let end = "SELECT count(*) FILTER (WHERE pg_catalog.pg_terminate_backend(pid)) \
                   FROM pg_catalog.pg_stat_activity \
                   WHERE usename = $1 AND pid <> pg_catalog.pg_backend_pid()";
        let sessions = match client.query_one(end, &[&self.role]).await {
            Ok(row) => row.try_get::<_, i64>(0).map_err(|e| e.to_string()),
            Err(error) => Err(Broken::of(&error, false).to_string()),
        };
        Ok(Changed { sessions })
    }
}

/// An identifier, quoted.
fn identifier(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// A string literal. A verifier has neither quotes nor backslashes; were it not so, they would be
/// quoted.
fn literal(text: &str) -> String {
    format!("E'{}'", text.replace('\\', "\\\\").replace('\'', "''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_escapes_from_a_name_or_a_text() {
        assert_eq!(
            identifier(r#"a"; DROP ROLE b; --"#),
            r#""a""; DROP ROLE b; --""#
        );
        assert_eq!(
            literal(r"a'; DROP ROLE b; \'"),
            r"E'a''; DROP ROLE b; \\'''"
        );
    }

    #[test]
    fn a_verifier_is_not_the_password_and_never_the_same_twice() {
        let (first, second) = (verifier("hunter22"), verifier("hunter22"));
        assert!(first.starts_with("SCRAM-SHA-256$4096:"), "{first}");
        assert!(!first.contains("hunter22"));
        assert_ne!(first, second);
        assert_ne!(made_up_password(), made_up_password());
    }
}
