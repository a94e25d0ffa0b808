//! Sentences about credentials: put into custody, rotated, or not yet.

use super::{Scene, Sentence, list};
use crate::{
    event::{
        CredentialAdded, CredentialRotated, CredentialRotationFailed, CredentialStaged,
        RotationAttested, RotationOrdered,
    },
    render::timeline::quote::quote,
};

pub(super) fn added(d: &CredentialAdded, scene: &Scene<'_>) -> Sentence {
    let known = if d.known_to.is_empty() {
        "known to nobody".to_owned()
    } else {
        format!(
            "known to {}",
            list(d.known_to.iter().map(|id| scene.names.person(id)))
        )
    };
    let (account, version) = (&d.account.name, d.version);
    format!("a credential of {account} (version {version}) was put into custody, {known}").into()
}

pub(super) fn ordered(d: &RotationOrdered, scene: &Scene<'_>) -> Sentence {
    let (who, account) = (&scene.who, &d.account.name);
    let reason = quote(&d.reason);
    format!("{who}, as the second of two, ordered the credential of {account} rotated: {reason}")
        .into()
}

pub(super) fn staged(d: &CredentialStaged) -> Sentence {
    let (account, version) = (&d.account.name, d.version);
    format!("a new credential of {account} (version {version}) lies sealed; its target has not been told yet").into()
}

pub(super) fn attested(d: &RotationAttested) -> Sentence {
    let people = d.attested_by.iter().map(|m| m.principal.as_str());
    let people: Vec<&str> = people.collect();
    Sentence {
        says: format!(
            "{} ATTEST that {} was rotated by hand: the target takes version {} and refuses the \
             one before",
            people.join(" and "),
            d.account.name,
            d.version
        ),
        details: vec![format!("how: {}", quote(&d.how))],
    }
}

pub(super) fn rotated(d: &CredentialRotated, scene: &Scene<'_>) -> Sentence {
    let new = if d.new_accepted {
        "accepts"
    } else {
        "was NOT shown to accept"
    };
    let old = if d.old_refused {
        "refuses"
    } else {
        "was NOT shown to refuse"
    };
    let (account, version) = (&d.account.name, d.version);
    let says = format!(
        "the credential of {account} was rotated to version {version}: its target {new} the new one and {old} the old one (version {})",
        d.replaced
    );
    let incidents = list(d.incidents.iter().map(|id| scene.names.incident(*id)));
    let called = (!incidents.is_empty()).then(|| format!("called for by its use in {incidents}"));
    Sentence {
        says,
        details: called.into_iter().collect(),
    }
}

pub(super) fn failed(d: &CredentialRotationFailed, scene: &Scene<'_>) -> Sentence {
    let next = match d.retry_at.0 {
        Some(at) => format!("next try at {}", scene.time(at)),
        None => "a person has to look".to_owned(),
    };
    format!(
        "rotating the credential of {} to version {} FAILED at attempt {} ({}): {}; {next}",
        d.account.name,
        d.version,
        d.attempt,
        d.class,
        quote(&d.detail),
    )
    .into()
}
