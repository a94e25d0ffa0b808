//! `breakglass authority verify`.

use std::path::{Path, PathBuf};

use breakglass_api::wire::{AuthoritySubmission, RootSignature};
use breakglass_format::{Digest, Principal, authority::Authority};
use breakglass_statement::{AuthoritySet, ChainError, digest};
use serde_json::{Value, json};

use super::{read, sign::signature_path};
use crate::{
    cmd::Context,
    hint::{Code, Failure},
    state::file,
    trust::{TrustError, verify_chain},
};

pub(super) fn run(files: &[PathBuf], genesis: Option<Digest>, cx: &Context) -> Result<(), Failure> {
    let mut documents: Vec<(Vec<u8>, AuthoritySubmission)> = Vec::new();
    let mut unsigned = Vec::new();
    for path in files {
        let before = documents.last().map(|(bytes, _)| bytes.as_slice());
        let bytes = read(path)?;
        let submission = gather(path, &bytes, before)?;
        unsigned.extend(missing(path, &bytes, &submission));
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
    let set = verify_chain(&versions, pin).map_err(|e| unverified(e, &unsigned))?;
    report(&set, cx);
    if genesis.is_some() {
        return Ok(());
    }
    // Whoever wrote all of it could have made it so.
    let text = "the documents agree with each other, and nothing says that they are yours";
    Err(Failure::of(Code::CannotTell, text)
        .hint("add the digest from paper or from a voice you know: --genesis sha256:…"))
}

/// Nothing was shown by a server: what is wrong lies in these files.
fn unverified(error: TrustError, unsigned: &[String]) -> Failure {
    let short = matches!(
        error,
        TrustError::Chain(ChainError::NotAllRoots { .. } | ChainError::Threshold { .. })
    );
    let failure = Failure::from(error);
    if short && !unsigned.is_empty() {
        return failure.hint(format!("not there yet: {}", unsigned.join(", ")));
    }
    failure.hint("have the document compiled anew, or fetch the signatures again, and compare them")
}

/// The files that root persons of a document have not put beside it.
pub(super) fn missing(path: &Path, bytes: &[u8], gathered: &AuthoritySubmission) -> Vec<String> {
    let Ok(authority) = Authority::from_bytes(bytes) else {
        return Vec::new();
    };
    let roots = authority.roots.persons.iter();
    let roots = roots.filter_map(|id| authority.person(id));
    let signed = |p: &Principal| {
        gathered
            .signatures
            .iter()
            .any(|s| s.principal == p.as_str())
    };
    let absent = roots.filter(|p| !signed(&p.principal));
    absent
        .map(|p| signature_path(path, &p.principal).display().to_string())
        .collect()
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
