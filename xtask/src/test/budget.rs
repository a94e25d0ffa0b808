//! What each group of suites may take on two cores, so that a run stays within 70 minutes.

use std::time::Duration;

/// A group of suites that shares an allowance of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Budget {
    Build,
    RulesAndSystem,
    Log,
    Custody,
    Siem,
    Planes,
}

impl Budget {
    /// In the order of the report.
    pub(crate) const ALL: [Self; 6] = [
        Self::Build,
        Self::RulesAndSystem,
        Self::Log,
        Self::Custody,
        Self::Siem,
        Self::Planes,
    ];

    /// The group the tests of a package belong to.
    pub(crate) fn of_package(package: &str) -> Self {
        match package {
            "breakglass-store" | "breakglass-tlog" => Self::Log,
            "breakglass-seal" => Self::Custody,
            "breakglass-sinks" => Self::Siem,
            "breakglass-connectors" => Self::Planes,
            _ => Self::RulesAndSystem,
        }
    }

    /// Its name in the report.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Build => "build",
            Self::RulesAndSystem => "rules and system",
            Self::Log => "log",
            Self::Custody => "custody",
            Self::Siem => "siem",
            Self::Planes => "planes",
        }
    }

    /// The time its suites may take together.
    pub(crate) fn allowance(self) -> Duration {
        let minutes = match self {
            Self::Build => 15,
            Self::RulesAndSystem => 18,
            Self::Log => 10,
            Self::Custody | Self::Siem | Self::Planes => 8,
        };
        Duration::from_secs(minutes * 60)
    }
}

#[cfg(test)]
mod tests {
    use super::Budget;
    use std::time::Duration;

    #[test]
    fn all_groups_together_leave_room_in_seventy_minutes() {
        let sum: Duration = Budget::ALL.into_iter().map(Budget::allowance).sum();
        assert!(sum < Duration::from_secs(70 * 60), "{sum:?}");
    }

    #[test]
    fn packages_without_a_group_of_their_own_are_rules_and_system() {
        assert_eq!(Budget::of_package("breakglass-store"), Budget::Log);
        assert_eq!(Budget::of_package("breakglass-seal"), Budget::Custody);
        assert_eq!(Budget::of_package("breakglass-sinks"), Budget::Siem);
        assert_eq!(Budget::of_package("breakglass-connectors"), Budget::Planes);
        assert_eq!(
            Budget::of_package("breakglass-core"),
            Budget::RulesAndSystem
        );
        assert_eq!(Budget::of_package("xtask"), Budget::RulesAndSystem);
    }
}
