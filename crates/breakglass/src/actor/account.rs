//! Credentials on their way in, and rotation ordered by people. Both take two of them.

use breakglass_format::{
    AccountId, Digest, Name, Prose,
    act::{AddCredential, AttestRotation, Because, Command},
};
use breakglass_seal::{Credential, KemPublicKey, ReleaseContext, ReleaseEnvelope, seal_release};
use breakglass_statement::digest;
use serde::{Deserialize, Serialize};

use super::{Actor, ActorError, Outcome, submit::object};

/// The text whose SHA-256 stands for the checkout in the context of an import.
pub const IMPORT_CONTEXT: &str = "breakglass/import/v1";
/// What stands for the grant.
const IMPORT_GRANT: &str = "import";

/// SHA-256 of [`IMPORT_CONTEXT`].
#[must_use]
pub fn import_context_digest() -> Digest {
    digest(IMPORT_CONTEXT.as_bytes())
}

/// A credential sealed to the node: what the first person hands to the second, who agrees to
/// exactly these bytes. It holds nothing that the node alone could not open.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CredentialImport {
    /// The account it is for.
    pub account: AccountId,
    /// The names of its fields.
    pub fields: Vec<Name>,
    /// The envelope, standard base64.
    envelope: String,
}

impl CredentialImport {
    /// SHA-256 of the envelope: what both people sign.
    ///
    /// # Errors
    ///
    /// The envelope is none.
    pub fn digest(&self) -> Result<Digest, ActorError> {
        Ok(digest(&self.envelope_bytes()?))
    }

    pub(super) fn envelope_bytes(&self) -> Result<Vec<u8>, ActorError> {
        Ok(ReleaseEnvelope::from_base64(&self.envelope)?.to_bytes())
    }
}

impl Actor {
    /// Seals a credential for an account to the node of the verified authority.
    ///
    /// # Errors
    ///
    /// There is no such account or no node.
    pub fn seal_import(
        &mut self,
        account: &str,
        credential: &Credential,
    ) -> Result<CredentialImport, ActorError> {
        let id = self.account(account)?.id.clone();
        let node = self.trust.authority().nodes.first();
        let node: KemPublicKey = node.ok_or(ActorError::NoNode)?.kem.pk.as_str().parse()?;
        let imported = import_context_digest();
        let context = ReleaseContext {
            instance: self.genesis.as_bytes(),
            checkout: imported.as_bytes(),
            grant: IMPORT_GRANT,
            account: id.as_str(),
            version: 0,
        };
        let envelope = seal_release(&node, &context, credential, &mut *self.entropy)?;
        let fields: Result<Vec<Name>, _> =
            credential.fields().map(|(name, _)| name.parse()).collect();
        Ok(CredentialImport {
            account: id,
            fields: fields?,
            envelope: envelope.to_base64(),
        })
    }

    /// Agrees to a credential that was sealed: the first person proposes it, a second person
    /// agrees to the same bytes within 15 minutes. Takes the enrolled key.
    ///
    /// # Errors
    ///
    /// See [`ActorError`].
    pub fn agree_import(&mut self, import: &CredentialImport) -> Result<Outcome, ActorError> {
        let envelope = import.envelope_bytes()?;
        let command = Command::AddCredential(AddCredential {
            fields: import.fields.clone(),
        });
        self.act(command, object(&import.account), &[envelope])
    }

    /// Seals a credential and proposes it, as the first of two people.
    ///
    /// # Errors
    ///
    /// See [`ActorError`].
    pub fn add_credential(
        &mut self,
        account: &str,
        credential: &Credential,
    ) -> Result<(CredentialImport, Outcome), ActorError> {
        let import = self.seal_import(account, credential)?;
        let outcome = self.agree_import(&import)?;
        Ok((import, outcome))
    }

    /// Orders a rotation, as the first of two people, or agrees to it with the same reason. Takes
    /// the enrolled key.
    ///
    /// # Errors
    ///
    /// See [`ActorError`].
    pub fn rotate(&mut self, account: &str, reason: Prose) -> Result<Outcome, ActorError> {
        let id = self.account(account)?.id.clone();
        self.act(Command::Rotate(Because { reason }), object(id), &[])
    }

    /// Attests, as the first of two people, that the target takes the credential in custody and
    /// refuses the one before. Takes the enrolled key.
    ///
    /// # Errors
    ///
    /// See [`ActorError`].
    pub fn attest_rotation(
        &mut self,
        account: &str,
        version: i64,
        how: Prose,
    ) -> Result<Outcome, ActorError> {
        let id = self.account(account)?.id.clone();
        let attest = AttestRotation { how, version };
        self.act(Command::AttestRotation(attest), object(id), &[])
    }
}
