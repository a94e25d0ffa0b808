//! What is the matter with where the log lies, as far as it is on record.

use breakglass_format::{Line, event::StorageChanged, vocabulary::StorageFault};
use serde::{Deserialize, Serialize};

use crate::{
    command::{Author, Context, Draft},
    world::World,
};

/// The faults that have begun and not ended.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Faults {
    disk_full: bool,
    damaged: bool,
}

impl Faults {
    fn of(&mut self, fault: StorageFault) -> &mut bool {
        match fault {
            StorageFault::DiskFull => &mut self.disk_full,
            StorageFault::Damaged => &mut self.damaged,
        }
    }
}

impl World {
    /// Whether that fault of the storage has begun and not ended.
    #[must_use]
    pub fn has_storage_fault(&self, fault: StorageFault) -> bool {
        let mut faults = self.faults;
        *faults.of(fault)
    }

    /// Nothing, where it is on record already: a server that starts again and again on a full
    /// disk does not fill it by saying so.
    pub(crate) fn decide_storage(
        &self,
        fault: StorageFault,
        present: bool,
        detail: &Line,
        cx: &mut Context<'_>,
    ) -> Vec<Draft> {
        if self.has_storage_fault(fault) == present {
            return Vec::new();
        }
        let event = StorageChanged {
            detail: detail.clone(),
            fault,
            present,
        };
        vec![cx.draft(&Author::System("store"), event)]
    }

    pub(crate) fn apply_storage(&mut self, event: &StorageChanged) {
        *self.faults.of(event.fault) = event.present;
    }
}
