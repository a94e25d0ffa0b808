//! Where one is reached.

use breakglass_format::{
    Line,
    act::{Command, NoArgs, Object},
    contact::Contact,
};

use super::{Actor, ActorError, Outcome};

impl Actor {
    /// Says where the signer is reached from now on. The log gets a salted commitment; the address
    /// goes to the server beside it.
    ///
    /// # Errors
    ///
    /// See [`ActorError`].
    pub fn set_contact(&mut self, mail: Line) -> Result<Outcome, ActorError> {
        let salt = self.nonce()?;
        let contact = Contact { mail, salt }.to_bytes()?;
        let command = Command::SetContact(NoArgs {});
        self.act(command, Object::default(), &[contact])
    }
}
