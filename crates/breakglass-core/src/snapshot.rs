//! The world in bytes, so that a start need not read the whole log.
//!
//! The bytes are for the same rules only ([`RULES`]): nobody else reads them, and they have no
//! version of their own. Whoever keeps them sees to it that they come back as they were; what is
//! wrong with them otherwise is found when the world is rebuilt from the entries behind the start.

use std::{fmt, marker::PhantomData};

use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{MapAccess, Visitor},
};
use thiserror::Error;

use crate::{
    table::{Row, Table},
    world::World,
};

/// The version of the rules: another one may make another world of the same entries.
pub const RULES: &str = env!("BREAKGLASS_RULES");

/// Why bytes are not a world, or a world cannot be written.
#[derive(Debug, Error)]
pub enum SnapshotError {
    /// The world cannot be written.
    #[error("the world cannot be written: {0}")]
    Write(String),
    /// The bytes are not those of a world.
    #[error("these are not the bytes of a world: {0}")]
    Read(String),
}

impl World {
    /// The world as CBOR.
    ///
    /// # Errors
    /// [`SnapshotError::Write`]
    pub fn to_snapshot(&self) -> Result<Vec<u8>, SnapshotError> {
        let mut bytes = Vec::new();
        ciborium::into_writer(self, &mut bytes)
            .map_err(|error| SnapshotError::Write(error.to_string()))?;
        Ok(bytes)
    }

    /// The world in the bytes of [`World::to_snapshot`].
    ///
    /// # Errors
    /// [`SnapshotError::Read`]
    pub fn from_snapshot(bytes: &[u8]) -> Result<Self, SnapshotError> {
        let mut rest = bytes;
        let world = ciborium::from_reader(&mut rest)
            .map_err(|error| SnapshotError::Read(error.to_string()))?;
        match rest.len() {
            0 => Ok(world),
            more => Err(SnapshotError::Read(format!("{more} bytes follow it"))),
        }
    }
}

/// Only the rows: the other orders follow from them.
impl<R: Row + Serialize> Serialize for Table<R>
where
    R::Id: Serialize,
{
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.iter())
    }
}

impl<'de, R: Row + Deserialize<'de>> Deserialize<'de> for Table<R>
where
    R::Id: Deserialize<'de>,
    R::Orders: Default,
{
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Rows(PhantomData))
    }
}

/// What is shared is written once for each holder, and no longer shared when it is read.
pub(crate) mod shared {
    use std::sync::Arc;

    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub(crate) fn serialize<T: Serialize, S: Serializer>(
        value: &Arc<T>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        T::serialize(value, serializer)
    }

    pub(crate) fn deserialize<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Arc<T>, D::Error> {
        T::deserialize(deserializer).map(Arc::new)
    }
}

struct Rows<R>(PhantomData<R>);

impl<'de, R: Row + Deserialize<'de>> Visitor<'de> for Rows<R>
where
    R::Id: Deserialize<'de>,
    R::Orders: Default,
{
    type Value = Table<R>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("rows by id")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut rows: A) -> Result<Table<R>, A::Error> {
        let mut table = Table::new();
        while let Some((id, row)) = rows.next_entry()? {
            table.insert_mut(id, row);
        }
        Ok(table)
    }
}
