//! The `postgres` rotator: the password of a PostgreSQL role.
//!
//! It logs in as a role of its own that may do nothing but that (`docs/procedures/postgresql.md`),
//! and sets a SCRAM-SHA-256 verifier that is computed here: the new password is in no statement,
//! no log of the server and no `pg_stat_activity`. Then it ends the sessions that were opened with
//! the old password, because PostgreSQL asks for a password only at the login.
//!
//! A login proves a password only where the server looks at it. Where `pg_hba.conf` lets anybody
//! in, a password that was made up a moment ago is let in as well; that is tried, and is a failure.

mod link;
mod sql;

use std::{path::PathBuf, time::Duration};

use breakglass_format::{Line, error_class::ErrorClass, event::AccountRef};
use zeroize::Zeroizing;

pub use link::Tls;

use self::link::{Broken, Link, Login};
use crate::{
    Failure, Fields, Record,
    rotate::{Proof, Rotator, Verdict},
};

/// Where a server is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Address {
    /// A host and a port.
    Tcp {
        /// Name or address.
        host: String,
        /// Usually 5432.
        port: u16,
    },
    /// The folder of a socket on this machine, and the port that its name carries.
    Socket {
        /// The folder.
        folder: PathBuf,
        /// Usually 5432.
        port: u16,
    },
}

/// A PostgreSQL server, and the role that changes passwords there.
pub struct PostgresRotator {
    /// Where it is.
    pub address: Address,
    /// A database that both the rotator's role and the accounts may connect to.
    pub database: String,
    /// The rotator's own role.
    pub user: String,
    /// Its password.
    pub password: Zeroizing<String>,
    /// Whom to believe; none: not encrypted.
    pub tls: Option<Tls>,
    /// How long one call may take.
    pub timeout: Duration,
}

impl std::fmt::Debug for PostgresRotator {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PostgresRotator")
            .field("address", &self.address)
            .field("user", &self.user)
            .finish_non_exhaustive()
    }
}

impl PostgresRotator {
    fn link(&self) -> Link<'_> {
        Link {
            address: &self.address,
            database: &self.database,
            tls: self.tls.as_ref(),
            timeout: self.timeout,
        }
    }

    /// What a login as an account comes to; nothing is done in the session.
    fn try_login(&self, user: &str, password: &str) -> Result<Verdict, Broken> {
        let login = Login { user, password };
        match self.link().run(&login, sql::nothing) {
            Ok(()) => Ok(Verdict::Accepted),
            Err(Broken::Server { code, .. }) if code == sql::INVALID_PASSWORD => {
                Ok(Verdict::Refused)
            }
            Err(other) => Err(other),
        }
    }

    fn failure(op: &str, broken: &Broken, record: Record) -> Failure {
        let class = broken.class();
        let detail = broken.to_string();
        Failure {
            class,
            detail: Line::lossy(&format!("{op}: {detail}")),
            record: record.text("class", class.as_str()).text("detail", &detail),
        }
    }

    fn record(&self, op: &str) -> Record {
        Record::new()
            .text("op", op)
            .text("target", self.describe().as_str())
    }
}

impl Rotator for PostgresRotator {
    fn describe(&self) -> Line {
        Line::lossy(&match &self.address {
            Address::Tcp { host, port } => format!("postgresql {host}:{port}"),
            Address::Socket { folder, port } => {
                format!("postgresql {}:{port}", folder.display())
            }
        })
    }

    fn prove(
        &self,
        _account: &AccountRef,
        credential: &Fields<'_>,
        _expect: Verdict,
    ) -> Result<Proof, Failure> {
        let record = self.record("prove");
        let (user, password) = of(credential, "prove", &record)?;
        let seen = self.try_login(user, password);
        let seen = seen.map_err(|e| Self::failure("prove", &e, record.clone()))?;
        if seen == Verdict::Accepted {
            // A server that does not look at passwords proves nothing.
            let made_up = sql::made_up_password();
            let anybody = self.try_login(user, &made_up);
            match anybody.map_err(|e| Self::failure("prove", &e, record.clone()))? {
                Verdict::Refused => {}
                Verdict::Accepted => {
                    return Err(Self::failure("prove", &Broken::AnyPassword, record));
                }
            }
        }
        let record = record.text("role", user).text("seen", seen.as_str());
        Ok(Proof { seen, record })
    }

    fn change(
        &self,
        _account: &AccountRef,
        _current: &Fields<'_>,
        new: &Fields<'_>,
    ) -> Result<Record, Failure> {
        let record = self.record("change");
        let (role, password) = of(new, "change", &record)?;
        let login = Login {
            user: &self.user,
            password: &self.password,
        };
        let change = sql::Change {
            role: role.to_owned(),
            verifier: sql::verifier(password),
        };
        let changed = self
            .link()
            .run(&login, move |client| Box::pin(change.run(client)));
        let changed = changed.map_err(|e| Self::failure("change", &e, record.clone()))?;
        let record = record.text("role", role).text("changed", "yes");
        Ok(match changed.sessions {
            Ok(ended) => record.number("sessions_ended", ended),
            Err(why) => record.text("sessions_not_ended", &why),
        })
    }
}

/// The user name and the password of a credential.
fn of<'a>(
    credential: &Fields<'a>,
    op: &str,
    record: &Record,
) -> Result<(&'a str, &'a str), Failure> {
    let field = |wanted: &str| {
        let mut fields = credential.expose();
        fields.find(|(name, _)| *name == wanted).map(|(_, v)| v)
    };
    match (field("username"), field("password")) {
        (Some(user), Some(password)) => Ok((user, password)),
        (None, _) | (_, None) => Err(Failure {
            class: ErrorClass::Permanent,
            detail: Line::lossy(&format!("{op}: the credential lacks username or password")),
            record: record.clone(),
        }),
    }
}
