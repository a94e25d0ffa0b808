//! What the world keeps by id, and in the few other orders in which the rules look for it.
//!
//! A rule that looks for what is pending, active or due must not look at everything that ever was:
//! what it takes would grow with the history. The orders are kept here and nowhere else, so that
//! no `apply` can forget one.

use std::ops::{Deref, DerefMut};

use breakglass_format::Timestamp;
use rpds::RedBlackTreeSetSync;

use crate::world::Map;

/// A set with shared structure.
pub(crate) type Set<T> = RedBlackTreeSetSync<T>;

/// What a table keeps.
pub(crate) trait Row: Clone {
    /// By what it is kept.
    type Id: Ord + Clone;
    /// By what else it is looked for.
    type Keys: Clone + PartialEq;
    /// The other orders.
    type Orders: Orders<Self::Id, Self::Keys>;

    /// By what else this one is looked for.
    fn keys(&self) -> Self::Keys;
}

/// The other orders of a table.
pub(crate) trait Orders<Id, Keys> {
    /// A row is there now.
    fn enter(&mut self, id: &Id, keys: &Keys);
    /// A row is no longer there.
    fn leave(&mut self, id: &Id, keys: &Keys);
}

/// A row with the keys that the orders know it by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Kept<R, K> {
    row: R,
    keys: K,
}

/// Rows by id, and the other orders, always in step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Table<R: Row> {
    rows: Map<R::Id, Kept<R, R::Keys>>,
    orders: R::Orders,
}

impl<R: Row> Table<R>
where
    R::Orders: Default,
{
    pub(crate) fn new() -> Self {
        Self {
            rows: Map::new_sync(),
            orders: R::Orders::default(),
        }
    }
}

impl<R: Row> Table<R> {
    /// The other orders.
    pub(crate) const fn orders(&self) -> &R::Orders {
        &self.orders
    }

    pub(crate) fn get(&self, id: &R::Id) -> Option<&R> {
        self.rows.get(id).map(|kept| &kept.row)
    }

    /// These rows, in this order.
    pub(crate) fn all<'a>(
        &'a self,
        ids: impl Iterator<Item = &'a R::Id>,
    ) -> impl Iterator<Item = &'a R> {
        ids.filter_map(|id| self.get(id))
    }

    /// Every row, by id.
    pub(crate) fn iter(&self) -> impl DoubleEndedIterator<Item = (&R::Id, &R)> {
        self.rows.iter().map(|(id, kept)| (id, &kept.row))
    }

    /// Every row, by id.
    pub(crate) fn values(&self) -> impl DoubleEndedIterator<Item = &R> {
        self.rows.values().map(|kept| &kept.row)
    }

    pub(crate) fn insert_mut(&mut self, id: R::Id, row: R) {
        self.remove_mut(&id);
        let keys = row.keys();
        self.orders.enter(&id, &keys);
        self.rows.insert_mut(id, Kept { row, keys });
    }

    pub(crate) fn remove_mut(&mut self, id: &R::Id) -> Option<R> {
        let kept = self.rows.get(id)?.clone();
        self.orders.leave(id, &kept.keys);
        self.rows.remove_mut(id);
        Some(kept.row)
    }

    /// A row to be changed. The orders follow when it is let go of.
    pub(crate) fn get_mut(&mut self, id: &R::Id) -> Option<Changing<'_, R>> {
        let kept = self.rows.get_mut(id)?;
        Some(Changing {
            id: id.clone(),
            kept,
            orders: &mut self.orders,
        })
    }
}

/// A row that somebody changes.
pub(crate) struct Changing<'a, R: Row> {
    id: R::Id,
    kept: &'a mut Kept<R, R::Keys>,
    orders: &'a mut R::Orders,
}

impl<R: Row> Deref for Changing<'_, R> {
    type Target = R;

    fn deref(&self) -> &R {
        &self.kept.row
    }
}

impl<R: Row> DerefMut for Changing<'_, R> {
    fn deref_mut(&mut self) -> &mut R {
        &mut self.kept.row
    }
}

impl<R: Row> Drop for Changing<'_, R> {
    fn drop(&mut self) {
        let keys = self.kept.row.keys();
        if keys != self.kept.keys {
            self.orders.leave(&self.id, &self.kept.keys);
            self.orders.enter(&self.id, &keys);
            self.kept.keys = keys;
        }
    }
}

/// Ids by what several rows have in common.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Groups<K: Ord, Id: Ord>(Map<K, Set<Id>>);

impl<K: Ord + Clone, Id: Ord + Clone> Default for Groups<K, Id> {
    fn default() -> Self {
        Self(Map::new_sync())
    }
}

impl<K: Ord + Clone, Id: Ord + Clone> Groups<K, Id> {
    /// The ids of a group, in order.
    pub(crate) fn of(&self, key: &K) -> impl DoubleEndedIterator<Item = &Id> {
        self.0.get(key).into_iter().flat_map(Set::iter)
    }

    /// How many there are in a group.
    pub(crate) fn count(&self, key: &K) -> usize {
        self.0.get(key).map_or(0, Set::size)
    }

    pub(crate) fn add(&mut self, key: &K, id: &Id) {
        if let Some(group) = self.0.get_mut(key) {
            group.insert_mut(id.clone());
        } else {
            self.0
                .insert_mut(key.clone(), [id.clone()].into_iter().collect());
        }
    }

    pub(crate) fn remove(&mut self, key: &K, id: &Id) {
        let Some(group) = self.0.get_mut(key) else {
            return;
        };
        group.remove_mut(id);
        if group.is_empty() {
            self.0.remove_mut(key);
        }
    }
}

/// Ids by a time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Times<Id: Ord>(Set<(Timestamp, Id)>);

impl<Id: Ord + Clone> Default for Times<Id> {
    fn default() -> Self {
        Self(Set::new_sync())
    }
}

impl<Id: Ord + Clone> Times<Id> {
    /// Every time with its id, the earliest first.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (Timestamp, &Id)> {
        self.0.iter().map(|(at, id)| (*at, id))
    }

    /// The earliest time.
    pub(crate) fn first(&self) -> Option<Timestamp> {
        self.0.first().map(|(at, _)| *at)
    }

    /// The ids whose time has come, in the order of the ids.
    pub(crate) fn until(&self, now: Timestamp) -> Vec<&Id> {
        let come = self.iter().take_while(|(at, _)| *at <= now);
        let mut ids: Vec<&Id> = come.map(|(_, id)| id).collect();
        ids.sort();
        ids
    }

    pub(crate) fn add(&mut self, at: Option<Timestamp>, id: &Id) {
        if let Some(at) = at {
            self.0.insert_mut((at, id.clone()));
        }
    }

    pub(crate) fn remove(&mut self, at: Option<Timestamp>, id: &Id) {
        if let Some(at) = at {
            self.0.remove_mut(&(at, id.clone()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A row with a time, which stands in one order while it has one.
    #[derive(Debug, Clone, PartialEq, Eq)]
    struct Thing {
        group: u8,
        at: Option<Timestamp>,
    }

    #[derive(Debug, Clone, Default, PartialEq, Eq)]
    struct Things {
        groups: Groups<u8, u32>,
        times: Times<u32>,
    }

    impl Row for Thing {
        type Id = u32;
        type Keys = (u8, Option<Timestamp>);
        type Orders = Things;

        fn keys(&self) -> Self::Keys {
            (self.group, self.at)
        }
    }

    impl Orders<u32, (u8, Option<Timestamp>)> for Things {
        fn enter(&mut self, id: &u32, (group, at): &(u8, Option<Timestamp>)) {
            self.groups.add(group, id);
            self.times.add(*at, id);
        }

        fn leave(&mut self, id: &u32, (group, at): &(u8, Option<Timestamp>)) {
            self.groups.remove(group, id);
            self.times.remove(*at, id);
        }
    }

    #[test]
    fn the_orders_are_those_of_the_rows_whatever_happens_to_them() {
        let mut table: Table<Thing> = Table::new();
        let mut seed = 7_u32;
        for step in 0..4_000 {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let (id, what) = ((seed >> 8) % 40, (seed >> 20) % 4);
            let at = Timestamp::from_millis(i64::from(seed >> 27));
            match what {
                0 => table.insert_mut(
                    id,
                    Thing {
                        group: (seed >> 16) as u8 % 5,
                        at: Some(at),
                    },
                ),
                1 => {
                    if let Some(mut thing) = table.get_mut(&id) {
                        thing.at = None;
                        thing.group = 1;
                    }
                }
                2 => {
                    if let Some(mut thing) = table.get_mut(&id) {
                        thing.at = Some(at);
                    }
                }
                _ => drop(table.remove_mut(&id)),
            }
            let mut anew: Table<Thing> = Table::new();
            for (id, thing) in table.iter() {
                anew.insert_mut(*id, thing.clone());
            }
            assert_eq!(table, anew, "after step {step}");
        }
        let due = table.orders().times.until(Timestamp::from_millis(20));
        assert!(due.is_sorted() && !due.is_empty());
        let sizes: usize = (0..5)
            .map(|group| table.orders().groups.count(&group))
            .sum();
        assert_eq!(sizes, table.iter().count());
    }
}
