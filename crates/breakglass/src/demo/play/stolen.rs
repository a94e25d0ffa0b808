//! A laptop is stolen: the key on it counts no longer, at once.

use super::{DemoError, Play, SECOND_KEY, prose, step};
use crate::actor::Suspended;

impl Play<'_> {
    /// Bob suspends his second key with his first; whoever has the laptop is refused.
    pub(super) fn a_laptop_is_stolen(&mut self) -> Result<(), DemoError> {
        self.narrator
            .scene("Bob's laptop is stolen, with his second key on it");
        self.everybody_is_here()?;
        let mut thief = self.house.actor_with("bob", SECOND_KEY)?;
        let key = Suspended::Key(thief.identity().key.clone());
        let why = prose("The laptop was left on a train")?;
        step("bob", "suspend the key", self.bob.suspend(&key, why))?;
        self.catch_up(true)?;
        let again = thief.login(3600).map(|_| ());
        self.told_no("Whoever has the laptop logs in", again, "key_suspended")
    }
}
