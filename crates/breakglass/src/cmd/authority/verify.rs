//! `breakglass authority verify`.

use std::path::{Path, PathBuf};

use breakglass_api::wire::{AuthoritySubmission, RootSignature};
use breakglass_format::{Digest, authority::Authority};
use breakglass_statement::{AuthoritySet, digest};
use serde_json::{Value, json};

use super::{read, sign::signature_path};
use crate::{cmd::Context, hint::Failure, state::file, trust::verify_chain};

pub(super) fn run(files: &[PathBuf], genesis: Option<Digest>, cx: &Context) -> Result<(), Failure> {
    let mut documents: Vec<(Vec<u8>, AuthoritySubmission)> = Vec::new();
    for path in files {
        let before = documents.last().map(|(bytes, _)| bytes.as_slice());
        let bytes = read(path)?;
        let submission = gather(path, &bytes, before)?;
        documents.push((bytes, submission));
    }
    let own = documents.first().map(|(bytes, _)| digest(bytes));
    let pin = genesis
        .or(own)
        .ok_or_else(|| Failure::usage("name the documents"))?;
    let versions: Vec<AuthoritySubmission> = documents
        .into_iter()
        .map(|(_, submission)| submission)
        .collect();
    let set = verify_chain(&versions, pin)?;
    report(&set, cx);
    if genesis.is_none() {
        cx.output()
            .say("self-consistent, unanchored: compare the genesis on paper or by voice");
    }
    Ok(())
}

fn report(set: &AuthoritySet, cx: &Context) {
    let versions: Vec<Value> = set
        .versions()
        .map(|v| {
            let by: Vec<String> = v.armoured().map(|(p, _)| p.to_string()).collect();
            json!({"version": v.authority().version, "digest": v.digest(), "signed_by": by})
        })
        .collect();
    let instance = set.instance().to_string();
    let verified = json!({"instance": instance, "versions": versions});
    cx.output().answer(&instance, &verified);
    for version in set.versions() {
        let signers: Vec<String> = version.armoured().map(|(p, _)| p.to_string()).collect();
        let number = version.authority().version;
        let signers = signers.join(", ");
        cx.output().say(&format!(
            "version {number}, {}, signed by {signers}",
            version.digest()
        ));
    }
}

/// A document with the signatures that lie beside it, of root persons of itself or of the version
/// before.
pub(super) fn gather(
    path: &Path,
    bytes: &[u8],
    before: Option<&[u8]>,
) -> Result<AuthoritySubmission, Failure> {
    let mistake = |e: &dyn std::fmt::Display| Failure::malformed(path, e);
    let mut principals = Vec::new();
    for document in std::iter::once(bytes).chain(before) {
        let authority = Authority::from_bytes(document).map_err(|e| mistake(&e))?;
        let roots = authority.roots.persons.iter();
        let roots = roots.filter_map(|id| authority.person(id));
        principals.extend(roots.map(|p| p.principal.clone()));
    }
    principals.sort();
    principals.dedup();
    let mut signatures = Vec::new();
    for principal in principals {
        if let Some(content) = file::read(&signature_path(path, &principal))? {
            let signature = std::str::from_utf8(&content)
                .map_err(|e| mistake(&e))?
                .to_owned();
            let principal = principal.to_string();
            signatures.push(RootSignature {
                principal,
                signature,
            });
        }
    }
    let document = std::str::from_utf8(bytes)
        .map_err(|e| mistake(&e))?
        .to_owned();
    Ok(AuthoritySubmission {
        document,
        signatures,
    })
}
