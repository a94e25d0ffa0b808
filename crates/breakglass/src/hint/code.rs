//! The codes of what this program finds wrong by itself. Codes that a server sends pass through as
//! they are; where both find the same thing, both say the same code.

/// Declares the closed list: variant, spelling, exit status, title.
macro_rules! codes {
    ($($variant:ident = $code:literal, $exit:literal, $title:literal;)+) => {
        /// What went wrong here. Each code has one exit status, for ever.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Code {
            $(#[doc = $title] $variant),+
        }

        impl Code {
            /// Every code.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The stable spelling.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $code),+ }
            }

            /// The exit status it ends with.
            #[must_use]
            pub const fn exit(self) -> u8 {
                match self { $(Self::$variant => $exit),+ }
            }

            /// What happened, without its particulars.
            #[must_use]
            pub const fn title(self) -> &'static str {
                match self { $(Self::$variant => $title),+ }
            }
        }
    };
}

codes!(
    NotJoined = "not_joined", 1, "nobody joined an installation from here";
    OtherInstallation = "other_installation", 1, "this directory is of another installation";
    NoAgent = "no_agent", 1, "no ssh-agent is running";
    AgentFailed = "agent_failed", 1, "the ssh-agent did not sign";
    KeyNotInAgent = "key_not_in_agent", 1, "the ssh-agent does not hold the key";
    KeyFileUnusable = "key_file_unusable", 1, "the key file cannot be used";
    KeyFileExposed = "key_file_exposed", 1, "others can read the private key";
    NotSigned = "not_signed", 1, "there is no signature";
    KeyNotListed = "key_not_listed", 1, "the authority does not list the key";
    NotAgreed = "not_agreed", 1, "nothing was signed";
    NoHome = "no_home", 1, "nothing says where files go";
    StateUnusable = "state_unusable", 1, "a file cannot be kept or read back";
    OwnRequest = "own_request", 1, "nobody approves their own request";
    RequestNotPending = "request_not_pending", 1, "the request is no longer pending";
    RequestLapsed = "request_lapsed", 1, "the request has lapsed";
    RequestNotGranted = "request_not_granted", 1, "the request was not granted";
    RequestPending = "request_pending", 1, "the request still waits for approvals";
    NotYours = "not_yours", 1, "it is somebody else's";
    DurationOutOfRange = "duration_out_of_range", 1, "not a time that can be approved";
    NoEntitlement = "no_entitlement", 1, "nobody entitles this person to ask";
    NoCredential = "no_credential", 1, "no credential is in custody";
    AccountBusy = "account_busy", 1, "somebody holds the account";
    DurationTooLong = "duration_too_long", 1, "longer than the entitlement allows";
    DurationTooShort = "duration_too_short", 1, "shorter than access can be";
    ActionNotPermitted = "action_not_permitted", 1, "the scenario does not permit this action";
    HalfDone = "half_done", 1, "the first part was done, the rest was not";
    ProposalUnknown = "proposal_unknown", 1, "nobody proposes this";
    ProposalDiffers = "proposal_differs", 1, "somebody proposes this with another reason";
    AnotherPersonNeeded = "another_person_needed", 1, "this takes another person";
    ProgramFailed = "program_failed", 1, "the program did not succeed";
    NoNode = "no_node", 1, "the authority names no node that can be sealed to";
    NotFound = "not_found", 1, "there is no such thing";
    LogGrowing = "log_growing", 1, "the log grew faster than it could be read";
    Contended = "contended", 1, "another process was faster";
    NotReady = "not_ready", 1, "an emergency could not be handled now";
    NotServed = "not_served", 1, "the server did not start";
    NotRecovered = "not_recovered", 1, "the log was not recovered";
    DemoFailed = "demo_failed", 1, "the demonstration was not played to its end";
    DataLost = "data_lost", 1, "the data could not be written";
    Internal = "internal", 1, "this machine could not do its part";
    Usage = "usage", 2, "the command line cannot be used like this";
    NothingMeant = "nothing_meant", 2, "there is nothing that could be meant";
    Ambiguous = "ambiguous", 2, "several could be meant";
    AccountUnknown = "account_unknown", 2, "there is no such account";
    ScenarioUnknown = "scenario_unknown", 2, "the authority knows no such scenario";
    TextUnusable = "text_unusable", 2, "a text cannot stand in a statement";
    ConsentNeeded = "consent_needed", 2, "there is nobody to ask";
    DestinationNeeded = "destination_needed", 2, "nothing says where the credential goes";
    FieldUnknown = "field_unknown", 1, "the credential has no such field";
    ProgramUnknown = "program_unknown", 2, "there is no such program";
    FileMissing = "file_missing", 2, "there is no such file";
    FileExists = "file_exists", 2, "the file exists already";
    FileMalformed = "file_malformed", 2, "the file does not hold what it should";
    ConfigMalformed = "config_malformed", 2, "the configuration has a mistake";
    Unreachable = "unreachable", 3, "no server could be reached";
    ForeignAnswer = "foreign_answer", 3, "the answer is not this API's";
    OtherInstance = "other_instance", 4, "the server is of another installation than the pinned one";
    AuthorityUnproven = "authority_unproven", 4, "the authority does not hold";
    AuthorityRolledBack = "authority_rolled_back", 4, "the server shows an older authority than was seen";
    NotProven = "not_proven", 4, "the log does not prove what the server says";
    NotWitnessed = "not_witnessed", 4, "witnesses do not vouch for what the server shows";
    StatementForged = "statement_forged", 4, "what the server shows was not signed like this";
    EnvelopeDiffers = "envelope_differs", 4, "the envelope is not the one that the log names";
    Tampered = "tampered", 4, "the evidence does not hold";
    Forked = "forked", 5, "the log is forked or rolled back";
    Stale = "stale", 6, "the evidence is older than was asked for";
    CannotTell = "cannot_tell", 7, "nothing here is wrong, and something is missing";
    DutiesOverdue = "duties_overdue", 8, "the evidence holds, and duties are overdue";
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_of_this_program_is_documented_with_its_exit_status() {
        let page = include_str!("../../../../docs/cli.md");
        for code in Code::ALL {
            let row = format!("| `{}` | {} |", code.as_str(), code.exit());
            assert!(page.contains(&row), "docs/cli.md has no row {row}");
        }
        let mut spelled: Vec<&str> = Code::ALL.iter().map(|c| c.as_str()).collect();
        spelled.sort_unstable();
        spelled.dedup();
        assert_eq!(spelled.len(), Code::ALL.len(), "a code stands twice");
    }
}
