//! A credential, as a connector sees it.

use std::fmt;

/// The name of the field that names an account and is no secret.
const USERNAME: &str = "username";

/// A borrowed view of a credential: named texts, for the length of one call.
///
/// The owner (the server's credential type) wipes the texts; here they are copied only into the
/// request of a child, which is wiped as well. No `Clone`, no serialization, and `Debug` shows
/// names only.
#[derive(Default)]
pub struct Fields<'a>(Vec<(&'a str, &'a str)>);

impl<'a> Fields<'a> {
    /// No field: the other side has a credential of its own.
    #[must_use]
    pub const fn none() -> Self {
        Self(Vec::new())
    }

    /// The names, in the given order.
    pub fn names(&self) -> impl Iterator<Item = &'a str> {
        self.0.iter().map(|(name, _)| *name)
    }

    /// Whether both hold the same names and values. The comparison is not constant in time: both
    /// sides are ours, and nobody outside sees how long it takes.
    #[must_use]
    pub fn same_as(&self, other: &Fields<'_>) -> bool {
        self.0 == other.0
    }

    /// Names and values.
    pub(crate) fn expose(&self) -> impl Iterator<Item = (&'a str, &'a str)> {
        self.0.iter().copied()
    }

    /// The values that must not be kept anywhere: all but the user name.
    pub(crate) fn secrets(&self) -> impl Iterator<Item = &'a str> {
        self.expose()
            .filter(|(name, _)| *name != USERNAME)
            .map(|(_, value)| value)
    }
}

impl<'a> FromIterator<(&'a str, &'a str)> for Fields<'a> {
    /// From names and values.
    fn from_iter<I: IntoIterator<Item = (&'a str, &'a str)>>(fields: I) -> Self {
        Self(fields.into_iter().collect())
    }
}

impl fmt::Debug for Fields<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Fields ")?;
        f.debug_set().entries(self.names()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_names_only() {
        let fields = Fields::from_iter([("password", "hunter22"), ("username", "root")]);
        assert_eq!(format!("{fields:?}"), r#"Fields {"password", "username"}"#);
    }

    #[test]
    fn the_user_name_is_no_secret() {
        let fields = Fields::from_iter([("password", "hunter22"), ("username", "root")]);
        assert_eq!(fields.secrets().collect::<Vec<_>>(), ["hunter22"]);
    }
}
