//! Keys and signed documents of an installation, made on the spot in a folder.

use std::path::Path;

use breakglass_format::{
    Blank, Digest, Nonce, Timestamp,
    statement::{AuthorityRef, Enroll, Kind, Signer as Signs, Statement as _},
};
use breakglass_statement::digest;

use super::{
    DemoError,
    authority::{self, Holder, ORIGIN, ROLES},
    stage::{KEY, SECOND_KEY, make},
};
use crate::{
    entropy::{SystemEntropy, random},
    server_keys,
    signer::{Signer, generate::generate_to_file, open_file},
    state::file,
};

/// A key, by whose it is.
type Owned = (&'static str, Box<dyn Signer>);

/// Keys and signed documents, made in a folder.
pub(super) struct Documents<'a> {
    pub(super) dir: &'a Path,
    pub(super) now: Timestamp,
    /// Whether there is a database.
    pub(super) database: bool,
}

impl Documents<'_> {
    /// Makes everything and returns the genesis digest.
    pub(super) fn make(&self) -> Result<Digest, DemoError> {
        let mut keys = self.people_keys()?;
        let server = server_keys::make(&self.dir.join("server"), ORIGIN).map_err(make)?;
        let holders: Vec<Holder<'_>> = keys
            .iter()
            .map(|(principal, signer)| Holder {
                principal,
                key: signer.public_key(),
            })
            .collect();
        let document =
            authority::write(&holders, &server.vkey, &server.kem, self.database, self.now)?;
        document.check().map_err(make)?;
        let bytes = document.to_bytes().map_err(make)?;
        let genesis = digest(&bytes);
        let dir = self.dir.join("server").join("genesis");
        self.write(&dir.join("authority.json"), &bytes)?;
        drop(holders);
        for (principal, signer) in &mut keys {
            let principal = *principal;
            if ["erin", "frank"].contains(&principal) {
                let armoured = signer.sign(Kind::Authority, &bytes).map_err(make)?;
                let name = format!("authority.{principal}.sig");
                self.write(&dir.join(name), armoured.as_bytes())?;
            }
            self.enroll(&dir, &document, principal, &mut **signer, genesis)?;
        }
        Ok(genesis)
    }

    fn people_keys(&self) -> Result<Vec<Owned>, DemoError> {
        let mut keys: Vec<Owned> = Vec::new();
        let second = ROLES
            .iter()
            .filter(|r| r.principal == "bob")
            .map(|r| (r, SECOND_KEY));
        for (role, key) in ROLES.iter().map(|r| (r, KEY)).chain(second) {
            let path = self.dir.join("people").join(role.principal).join(key);
            let comment = format!("{}@demo", role.principal);
            generate_to_file(&mut SystemEntropy, &comment, &path).map_err(make)?;
            keys.push((role.principal, open_file(&path).map_err(make)?));
        }
        Ok(keys)
    }

    fn enroll(
        &self,
        dir: &Path,
        document: &breakglass_format::authority::Authority,
        principal: &str,
        signer: &mut dyn Signer,
        genesis: Digest,
    ) -> Result<(), DemoError> {
        let fingerprint = signer.fingerprint();
        let person = document
            .people
            .iter()
            .find(|p| p.principal.as_str() == principal);
        let key = person.and_then(|p| p.key(&fingerprint).map(|key| (p, key)));
        let (person, key) = key.ok_or_else(|| make("a key is in nobody's hands"))?;
        let nonce = random::<32>(&mut SystemEntropy).map_err(make)?;
        let enroll = Enroll {
            kind: Kind::Enroll,
            authority: AuthorityRef::default(),
            fingerprint: fingerprint.clone(),
            genesis,
            instance: Blank::NONE,
            issued_at: self.now,
            namespaces: key.namespaces.clone(),
            nonce: Nonce::from_bytes(nonce),
            person: person.person.clone(),
            signer: Signs {
                key: fingerprint.clone(),
                person: person.person.clone(),
                principal: person.principal.clone(),
            },
        };
        let bytes = enroll.to_bytes().map_err(make)?;
        let armoured = signer.sign(Kind::Enroll, &bytes).map_err(make)?;
        let short: String = fingerprint
            .as_str()
            .bytes()
            .filter(u8::is_ascii_alphanumeric)
            .map(char::from)
            .collect();
        let name = format!("{principal}.{short}.json");
        self.write(&dir.join("enroll").join(&name), &bytes)?;
        self.write(
            &dir.join("enroll").join(format!("{name}.sig")),
            armoured.as_bytes(),
        )
    }

    fn write(&self, path: &Path, content: &[u8]) -> Result<(), DemoError> {
        file::create_new(path, content).map_err(make)
    }
}
