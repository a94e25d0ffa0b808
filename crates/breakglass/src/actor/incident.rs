//! Incidents: declare, note, probe, resolve.

use breakglass_format::{
    Prose,
    act::{Command, Declare, NoArgs, Note, Object, Resolve},
};

use super::{Actor, ActorError, Outcome, submit::object};

impl Actor {
    /// Declares an incident.
    ///
    /// # Errors
    ///
    /// See [`ActorError`].
    pub fn declare(&mut self, declare: Declare) -> Result<Outcome, ActorError> {
        self.act(Command::Declare(declare), Object::default(), &[])
    }

    /// Writes a note into an incident's record.
    ///
    /// # Errors
    ///
    /// See [`ActorError`].
    pub fn note(&mut self, incident: &str, text: Prose) -> Result<Outcome, ActorError> {
        let id = self.incident_id(incident)?;
        self.act(Command::Note(Note { text }), object(id), &[])
    }

    /// Has the control plane probed now.
    ///
    /// # Errors
    ///
    /// See [`ActorError`].
    pub fn probe(&mut self, incident: &str) -> Result<Outcome, ActorError> {
        let id = self.incident_id(incident)?;
        self.act(Command::Probe(NoArgs {}), object(id), &[])
    }

    /// Resolves an incident: ends its grants and starts the clocks. Takes the enrolled key.
    ///
    /// # Errors
    ///
    /// See [`ActorError`].
    pub fn resolve(&mut self, incident: &str, summary: Prose) -> Result<Outcome, ActorError> {
        let id = self.incident_id(incident)?;
        self.act(Command::Resolve(Resolve { summary }), object(id), &[])
    }
}
