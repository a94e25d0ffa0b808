//! `breakglass authority sign`.

use std::path::{Path, PathBuf};

use breakglass_format::{Principal, authority::Authority, statement::Kind};
use breakglass_statement::digest;
use serde_json::json;

use super::{diff, read, show};
use crate::{
    cmd::{Context, approve::consent},
    hint::{Code, Failure},
    signer::{self, Signer},
    state::file,
};

pub(super) fn run(path: &Path, key: Option<&Path>, yes: bool, cx: &Context) -> Result<(), Failure> {
    let bytes = read(path)?;
    let authority = Authority::from_bytes(&bytes).map_err(|e| Failure::malformed(path, e))?;
    let mut signer = match key {
        Some(key) => signer::open_file(key)?,
        None => signer::open(&cx.config()?.key.place())?,
    };
    let principal = root(&authority, &*signer)?;
    cx.output().document(&show::lines(&authority));
    if let Some(changes) = changes_of(&authority, cx) {
        let heading = format!("what it changes of version {}:", authority.version - 1);
        cx.output().document(&[String::new(), heading]);
        cx.output().document(&changes);
    }
    cx.output().document(&[digest(&bytes).to_string()]);
    consent(yes, &format!("sign this authority as {principal}?"))?;
    if signer.needs_touch() {
        cx.output()
            .warn(&format!("touch your key {}", signer.fingerprint()));
    }
    let signature = signer.sign(Kind::Authority, &bytes)?;
    let out = signature_path(path, &principal);
    file::write_atomic(&out, signature.as_bytes())?;
    let out = out.display().to_string();
    cx.output()
        .answer(&out, &json!({"signature": out, "principal": principal}));
    cx.output().say(&format!("signed as {principal}"));
    Ok(())
}

/// What it changes of the version in force, where this machine knows that one.
fn changes_of(authority: &Authority, cx: &Context) -> Option<Vec<String>> {
    let (_, trust) = cx.trust().ok().filter(|_| authority.version > 1)?;
    let current = trust.authorities().current();
    let follows = authority.previous.0 == Some(current.digest());
    follows.then(|| diff::changes(current.authority(), authority))
}

/// Whose key it is, if it may sign this document. A key that only the version before lists may
/// sign too; that is judged where the chain is verified.
fn root(authority: &Authority, signer: &dyn Signer) -> Result<Principal, Failure> {
    let fingerprint = signer.fingerprint();
    let mut roots = authority
        .people
        .iter()
        .filter(|p| authority.roots.persons.contains(&p.person));
    let person = roots.find(|p| {
        let key = p.key(&fingerprint);
        key.is_some_and(|k| k.counts(Kind::Authority, authority.issued_at))
    });
    person.map(|p| p.principal.clone()).ok_or_else(|| {
        Failure::of(
            Code::KeyNotListed,
            format!("the document has no root person with the key {fingerprint}"),
        )
        .hint("name the key: --key FILE")
    })
}

/// `FILE.PRINCIPAL.sig`, beside the document.
pub(in crate::cmd) fn signature_path(path: &Path, principal: &Principal) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".{principal}.sig"));
    PathBuf::from(name)
}
