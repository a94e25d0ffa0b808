//! The database: the same for a PostgreSQL role. What the shop cannot show, it can: a session that
//! was opened with the password is cut when access ends.

use breakglass_format::act::Record;
use breakglass_seal::names;

use super::{DemoError, Play, RequestWish, line, name, patch::reference, prose, step};
use crate::demo::{DATABASE, ROLE};

impl Play<'_> {
    pub(super) fn database_comes_into_custody(&mut self) -> Result<(), DemoError> {
        let Some(database) = &self.house.stage.database else {
            return Ok(());
        };
        let sealed = self
            .carol
            .add_credential(DATABASE, &database.first_password);
        let sealed = step("carol", "seal the password", sealed)?;
        self.house.skip_s(40);
        step("dave", "agree", self.dave.agree_import(&sealed.0))?;
        self.wait_for_rotation(DATABASE, 2)?;
        self.catch_up(true)
    }

    pub(super) fn database(&mut self, incident: &str) -> Result<(), DemoError> {
        let Some(database) = &self.house.stage.database else {
            return Ok(());
        };
        self.narrator.scene(
            "The orders of that hour: mended in PostgreSQL, by a role whose sessions end too",
        );
        let why = prose("Charge again what failed between 12:40 and 13:04")?;
        let wish = RequestWish::credential(incident, DATABASE, why);
        let asked = step("alice", "request", self.alice.request(&wish))?;
        let grant = self.agreed(&reference(&asked)?, None)?;
        let out = step(
            "alice",
            "check out",
            self.alice.checkout(&grant.to_string()),
        )?;
        let password = out.credential.field(names::PASSWORD);
        let password = password.map(|p| p.expose().to_owned()).unwrap_or_default();
        self.catch_up(true)?;
        let mut session = database.server.session(ROLE, &password)?;
        self.narrator
            .holds("the password opens a session, and Alice forgets to close it");
        let record = Record {
            action: name("rollback")?,
            description: prose("Set the 14 failed payments back to unpaid")?,
            target: line("orders")?,
        };
        let recorded = self.alice.record(&grant.to_string(), record);
        step("alice", "record what she did", recorded)?;
        self.given_back(DATABASE, grant)?;
        let cut = session.wait().is_ok_and(|status| !status.success());
        if !cut || database.server.lets_in(ROLE, &password)? {
            return Err(DemoError::Fault(
                "the old password is still good".to_owned(),
            ));
        }
        self.narrator.refused(
            "The session that was left open, and the password once more",
            "28P01",
            "PostgreSQL has ended the session, and knows the password no more",
        );
        Ok(())
    }
}
