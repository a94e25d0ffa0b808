//! The empty form: a field that a mode does not use is `""`, never missing.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

/// A value whose empty form is the empty string.
///
/// Statements and entries have no optional fields: absence has one spelling, so two
/// programs can never disagree on whether a field was there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Blank<T>(pub Option<T>);

impl<T> Blank<T> {
    /// The empty form.
    pub const NONE: Self = Self(None);

    /// The value, where there is one.
    pub fn as_ref(&self) -> Option<&T> {
        self.0.as_ref()
    }
}

impl<T> Default for Blank<T> {
    fn default() -> Self {
        Self(None)
    }
}

impl<T> From<Option<T>> for Blank<T> {
    fn from(value: Option<T>) -> Self {
        Self(value)
    }
}

impl<T> From<T> for Blank<T> {
    fn from(value: T) -> Self {
        Self(Some(value))
    }
}

impl<T: Serialize> Serialize for Blank<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match &self.0 {
            Some(value) => value.serialize(serializer),
            None => serializer.serialize_str(""),
        }
    }
}

impl<'de, T: serde::de::DeserializeOwned> Deserialize<'de> for Blank<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        if text.is_empty() {
            return Ok(Self(None));
        }
        let value = T::deserialize(serde::de::value::StringDeserializer::new(text));
        value
            .map(|v| Self(Some(v)))
            .map_err(|e: serde::de::value::Error| D::Error::custom(e))
    }
}
