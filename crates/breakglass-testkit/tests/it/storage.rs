//! Where the log lies: its faults are on record when they begin and when they end.

use breakglass_core::Command;
use breakglass_format::{Line, vocabulary::StorageFault};
use breakglass_testkit::{Given, harness::types};

fn report(fault: StorageFault, present: bool) -> Command {
    Command::StorageReport {
        fault,
        present,
        detail: Line::default(),
    }
}

#[test]
fn a_fault_of_the_storage_is_said_when_it_begins_and_when_it_ends() {
    let mut given = Given::ready();
    let (full, damaged) = (StorageFault::DiskFull, StorageFault::Damaged);
    assert_eq!(types(&given.must(&report(full, false))), [""; 0]);
    assert_eq!(types(&given.must(&report(full, true))), ["STORAGE_CHANGED"]);
    assert_eq!(types(&given.must(&report(full, true))), [""; 0]);
    // One says nothing of the other, and neither is forgotten by a restart.
    assert_eq!(
        types(&given.must(&report(damaged, true))),
        ["STORAGE_CHANGED"]
    );
    given.restart();
    assert!(given.world().has_storage_fault(full) && given.world().has_storage_fault(damaged));
    assert_eq!(types(&given.must(&report(damaged, true))), [""; 0]);
    assert_eq!(
        types(&given.must(&report(full, false))),
        ["STORAGE_CHANGED"]
    );
    assert!(!given.world().has_storage_fault(full) && given.world().has_storage_fault(damaged));
}

#[test]
fn a_full_disk_changes_no_rule() {
    let mut given = Given::granted();
    given.must(&report(StorageFault::DiskFull, true));
    // What is taken meanwhile is the engine's to say; the rules judge it as ever.
    given.sleep_ms(4 * 3_600_000);
    assert_eq!(types(&given.tick()), ["BREAK_GLASS_ENDED"]);
}
