//! Which file a statement is, and which other blobs an event names.

use breakglass_format::{
    Digest, Event, RequestId, canonical,
    entry::Recorded,
    event::{AuthorityPublished, EpochBegun, RootSignature},
    limits,
    statement::Kind,
};
use serde_json::Value;

use super::Builder;

/// Why a statement has no place.
#[derive(Debug, Clone)]
pub(super) enum Unplaced {
    /// A kind that is not known.
    Kind(String),
    /// Known, but not where it is.
    Misplaced(&'static str),
}

/// The kind that a statement says it is. Nothing else of it is looked at.
pub(super) fn kind_of(bytes: &[u8]) -> Result<Kind, Unplaced> {
    let tree = canonical::parse(bytes, limits::AUTHORITY_BYTES_MAX)
        .map_err(|_| Unplaced::Misplaced("it is not canonical"))?;
    let word = tree.get("_type").and_then(Value::as_str);
    let word = word.ok_or(Unplaced::Misplaced("it has no _type"))?;
    let known = Kind::ALL.iter().find(|kind| kind.namespace() == word);
    known
        .copied()
        .ok_or_else(|| Unplaced::Kind(word.chars().take(80).collect()))
}

/// The files of a version of the authority, with their digests.
pub(crate) fn of_authority(published: &AuthorityPublished) -> Vec<(String, Digest)> {
    let stem = format!("authority/{}", published.version);
    by_roots(&stem, published.digest, &published.signatures)
}

/// The files of an epoch, with their digests.
pub(crate) fn of_epoch(begun: &EpochBegun) -> Vec<(String, Digest)> {
    let stem = format!("epochs/{}/epoch", begun.number);
    by_roots(&stem, begun.digest, &begun.signatures)
}

fn by_roots(stem: &str, document: Digest, signatures: &[RootSignature]) -> Vec<(String, Digest)> {
    let document = (format!("{stem}.json"), document);
    let signatures = signatures.iter().map(|root| {
        let path = format!("{stem}.{}.sig", root.signer.principal);
        (path, root.signature)
    });
    std::iter::once(document).chain(signatures).collect()
}

impl Builder {
    /// The file of the statement that caused an entry.
    pub(super) fn path(&mut self, at: &Recorded, kind: Kind) -> Result<String, Unplaced> {
        let own = at.entry.event_id;
        match (kind, &at.entry.event) {
            (Kind::Request, Event::BreakGlassRequested(_)) => Ok(in_request(own, "request")),
            (Kind::Approval, Event::BreakGlassApproved(d)) => {
                let name = format!("approval.{}", d.approver.principal);
                Ok(in_request(d.request_id, &name))
            }
            (Kind::Denial, Event::BreakGlassDenied(d)) => {
                let name = format!("denial.{}", d.approver.principal);
                Ok(in_request(d.request_id, &name))
            }
            (Kind::Checkout, Event::BreakGlassAccess(d)) => {
                let request = self.of_grant.get(&d.grant_id).copied();
                let request = request.ok_or(Unplaced::Misplaced("its grant was never granted"))?;
                let n = self.checkouts.entry(request).or_default();
                *n += 1;
                Ok(in_request(request, &format!("checkout.{n}")))
            }
            // A session is named by its digest, as the acts it certifies name it.
            (Kind::Session, Event::SessionOpened(_)) => {
                let digest = at
                    .entry
                    .statement
                    .0
                    .map(|digest| digest.hex())
                    .unwrap_or_default();
                Ok(format!("acts/{digest}.session.json"))
            }
            (Kind::Act | Kind::Enroll | Kind::Suspend, _) => {
                Ok(format!("acts/{own}.{}.json", kind.word()))
            }
            (
                Kind::Authority
                | Kind::Request
                | Kind::Approval
                | Kind::Denial
                | Kind::Checkout
                | Kind::Session
                | Kind::Epoch,
                _,
            ) => Err(Unplaced::Misplaced("its kind does not fit the event")),
        }
    }

    /// Where a statement would lie, as far as the event alone tells.
    pub(super) fn unknown_path(&mut self, at: &Recorded) -> String {
        let event = &at.entry.event;
        let kinds = [
            (
                matches!(event, Event::BreakGlassRequested(_)),
                Kind::Request,
            ),
            (
                matches!(event, Event::BreakGlassApproved(_)),
                Kind::Approval,
            ),
            (matches!(event, Event::BreakGlassDenied(_)), Kind::Denial),
            (matches!(event, Event::BreakGlassAccess(_)), Kind::Checkout),
            (matches!(event, Event::KeyEnrolled(_)), Kind::Enroll),
            (matches!(event, Event::KeySuspended(_)), Kind::Suspend),
            (matches!(event, Event::SessionOpened(_)), Kind::Session),
        ];
        let kind = kinds.into_iter().find_map(|(is, kind)| is.then_some(kind));
        let kind = kind.unwrap_or(Kind::Act);
        self.path(at, kind)
            .unwrap_or_else(|_| format!("acts/{}.act.json", at.entry.event_id))
    }
}

fn in_request(request: RequestId, name: &str) -> String {
    format!("statements/{request}/{name}.json")
}
