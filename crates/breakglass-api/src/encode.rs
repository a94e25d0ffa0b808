//! Values in a URL.

use crate::wire::LogSearch;

/// Percent-encodes a path segment or query value.
pub(crate) fn encode(text: &str) -> String {
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_' | b'~');
    text.bytes()
        .map(|b| {
            if plain(b) {
                char::from(b).to_string()
            } else {
                format!("%{b:02X}")
            }
        })
        .collect()
}

impl LogSearch {
    /// The query that asks for it.
    pub(crate) fn query(&self) -> String {
        let time = |at: Option<breakglass_format::Timestamp>| at.map(|at| at.to_string());
        let order = if self.oldest_first { "oldest" } else { "" };
        let limit = (self.limit > 0).then(|| self.limit.to_string());
        let pairs = [
            ("person", self.person.clone()),
            ("by", self.by.clone()),
            ("account", self.account.clone()),
            ("incident", self.incident.clone()),
            ("type", self.types.join(",")),
            ("since", time(self.since).unwrap_or_default()),
            ("until", time(self.until).unwrap_or_default()),
            ("text", self.text.clone()),
            ("order", order.to_owned()),
            ("limit", limit.unwrap_or_default()),
            ("cursor", self.cursor.clone()),
        ];
        let given = pairs.iter().filter(|(_, value)| !value.is_empty());
        let given: Vec<String> = given
            .map(|(name, value)| format!("{name}={}", encode(value)))
            .collect();
        given.join("&")
    }
}
