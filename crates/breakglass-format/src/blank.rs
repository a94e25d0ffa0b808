//! The empty form: a field that a mode does not use is `""`, never missing.

use std::{fmt, marker::PhantomData};

use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{Visitor, value::StrDeserializer},
};

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
        deserializer.deserialize_string(Perhaps(PhantomData))
    }
}

struct Perhaps<T>(PhantomData<T>);

impl<T: serde::de::DeserializeOwned> Visitor<'_> for Perhaps<T> {
    type Value = Blank<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string")
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Blank<T>, E> {
        if text.is_empty() {
            return Ok(Blank(None));
        }
        let value = T::deserialize(StrDeserializer::new(text));
        value
            .map(|value| Blank(Some(value)))
            .map_err(|error: serde::de::value::Error| E::custom(error))
    }
}
