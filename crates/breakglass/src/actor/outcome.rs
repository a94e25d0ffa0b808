//! What came of a statement: the entries that the log proves.

use breakglass_api::Received;
use breakglass_format::{Digest, Event, entry::Recorded, event};

/// The entries that a statement made, in log order, each proven.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    received: Vec<Received>,
    repeated: bool,
}

impl Outcome {
    pub(super) const fn new(received: Vec<Received>, repeated: bool) -> Self {
        Self { received, repeated }
    }

    /// The entries.
    #[must_use]
    pub fn received(&self) -> &[Received] {
        &self.received
    }

    /// Whether the statement had taken effect before.
    #[must_use]
    pub const fn repeated(&self) -> bool {
        self.repeated
    }

    /// The events.
    pub fn events(&self) -> impl Iterator<Item = &Event> {
        self.received.iter().map(|r| &r.entry.event)
    }

    /// The entries as renderings take them.
    pub fn recorded(&self) -> impl Iterator<Item = Recorded> {
        self.received.iter().map(|r| Recorded {
            index: r.index,
            leaf: Digest::from_bytes(*r.leaf.as_bytes()),
            entry: r.entry.clone(),
        })
    }

    fn find<'a, T: 'a>(&'a self, pick: impl FnMut(&'a Event) -> Option<&'a T>) -> Option<&'a T> {
        self.events().find_map(pick)
    }
}

macro_rules! finders {
    ($($(#[$doc:meta])* $name:ident => $variant:ident),+ $(,)?) => {
        impl Outcome {
            $($(#[$doc])*
            #[must_use]
            pub fn $name(&self) -> Option<&event::$variant> {
                self.find(|event| if let Event::$variant(data) = event { Some(data) } else { None })
            })+
        }
    };
}

finders!(
    /// The incident that was declared.
    declared => IncidentDeclared,
    /// The request that was made.
    requested => BreakGlassRequested,
    /// The approval.
    approved => BreakGlassApproved,
    /// The denial.
    denied => BreakGlassDenied,
    /// The grant that began.
    granted => BreakGlassGranted,
    /// The grant's new end.
    extended => BreakGlassExtended,
    /// The credential that was handed out, or used.
    access => BreakGlassAccess,
    /// The action.
    action => BreakGlassAction,
    /// The plan.
    planned => ActionPlanned,
    /// What became of a run.
    progressed => RunProgressed,
    /// The grant that ended.
    ended => BreakGlassEnded,
    /// What waits for a second person.
    proposed => ActProposed,
    /// The credential that was stored.
    added => CredentialAdded,
    /// The rotation that was ordered.
    rotation_ordered => RotationOrdered,
    /// The verdict on the control plane.
    probed => ControlPlaneProbed,
    /// The incident that was resolved.
    resolved => IncidentResolved,
    /// The key that was enrolled.
    enrolled => KeyEnrolled,
);
