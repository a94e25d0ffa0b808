//! Stock `ssh-keygen -Y sign`, for keys with a passphrase and keys in tokens.

use std::{
    io::Write,
    path::PathBuf,
    process::{Command, Stdio},
};

use breakglass_format::statement::Kind;
use breakglass_statement::PublicKey;

use super::{SignError, Signer, check_made};

/// Signs through `ssh-keygen`, which asks for a passphrase or a touch on the terminal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SshKeygenSigner {
    path: PathBuf,
    public_key: PublicKey,
}

impl SshKeygenSigner {
    /// The signer of a private key file whose public half is known.
    #[must_use]
    pub const fn new(path: PathBuf, public_key: PublicKey) -> Self {
        Self { path, public_key }
    }
}

impl Signer for SshKeygenSigner {
    fn public_key(&self) -> &PublicKey {
        &self.public_key
    }

    fn sign(&mut self, kind: Kind, text: &[u8]) -> Result<String, SignError> {
        let failed = |e: std::io::Error| SignError::SshKeygen {
            detail: e.to_string(),
        };
        // Standard error stays the terminal's: prompts for passphrase and touch appear there.
        let mut child = Command::new("ssh-keygen")
            .args(["-Y", "sign", "-q", "-n", kind.namespace(), "-f"])
            .arg(&self.path)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(failed)?;
        if let Some(mut stdin) = child.stdin.take() {
            // Where ssh-keygen gave up before it read everything, its exit status says so.
            let _ = stdin.write_all(text);
        }
        let output = child.wait_with_output().map_err(failed)?;
        let not_signed = || SignError::NotSigned {
            path: self.path.clone(),
        };
        if !output.status.success() {
            return Err(not_signed());
        }
        let armoured = String::from_utf8(output.stdout).map_err(|_| not_signed())?;
        check_made(&self.public_key, kind, &armoured)?;
        Ok(armoured)
    }
}
