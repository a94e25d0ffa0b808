//! A PostgreSQL server of the demonstration's own, where its program is installed.
//!
//! It listens on loopback alone, on a free port, in a folder of its own, and goes with the
//! demonstration. PostgreSQL refuses to run as root; then it runs as the user `postgres`.

use std::{
    io,
    net::TcpListener,
    os::unix::{fs::DirBuilderExt as _, fs::chown, process::CommandExt as _},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

use breakglass_seal::{PasswordLength, SecretText, generate_password};
use rustix::process::{Pid, Signal, kill_process};

use super::{DemoError, stage::make};
use crate::entropy::SystemEntropy;

/// The superuser of the new server.
const SUPERUSER: &str = "postgres";
/// The role that changes passwords there.
pub const ROTATOR: &str = "breakglass_rotator";
/// The role that people break the glass for.
pub const ROLE: &str = "shop_db_root";
/// How often it is looked whether it answers, and how many times.
const LOOK: (Duration, u32) = (Duration::from_millis(50), 600);

/// The server. Dropped, it leaves nothing behind.
#[derive(Debug)]
pub struct PostgresServer {
    dir: PathBuf,
    bin: PathBuf,
    /// The port on 127.0.0.1.
    pub port: u16,
    superuser: SecretText,
    child: Child,
}

/// Where the programs of the newest PostgreSQL server on this machine are.
#[must_use]
pub fn find() -> Option<PathBuf> {
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter();
    let mut found: Vec<(u32, PathBuf)> = versions
        .flatten()
        .flatten()
        .filter_map(|v| Some((v.file_name().to_str()?.parse().ok()?, v.path().join("bin"))))
        .collect();
    found.sort();
    let on_path = std::env::var_os("PATH").unwrap_or_default();
    let on_path = std::env::split_paths(&on_path).collect::<Vec<_>>();
    let newest_first = found.into_iter().rev().map(|(_, bin)| bin);
    newest_first.chain(on_path).find(|bin| {
        ["initdb", "postgres", "psql"]
            .iter()
            .all(|program| bin.join(program).is_file())
    })
}

impl PostgresServer {
    /// Makes a new server in a folder of its own and starts it; `None` where PostgreSQL is not
    /// installed. The user `postgres` must be able to reach the folder that it is made in.
    pub fn start(within: &Path) -> Result<Option<Self>, DemoError> {
        Self::start_with(within, &["fsync=off"])
    }

    /// The same with these settings of the server, and otherwise as it comes: durable.
    pub fn start_with(within: &Path, settings: &[&str]) -> Result<Option<Self>, DemoError> {
        let Some(bin) = find() else { return Ok(None) };
        let dir = within.join("postgres");
        let file = |source| DemoError::File {
            path: dir.clone(),
            source,
        };
        std::fs::DirBuilder::new()
            .mode(0o700)
            .create(&dir)
            .map_err(file)?;
        let user = runs_as().map_err(file)?;
        let superuser =
            generate_password(PasswordLength::default(), &mut SystemEntropy).map_err(make)?;
        let password_file = dir.join("superuser");
        std::fs::write(&password_file, superuser.expose()).map_err(file)?;
        if let Some((uid, gid)) = user {
            chown(&dir, Some(uid), Some(gid)).map_err(file)?;
            chown(&password_file, Some(uid), Some(gid)).map_err(file)?;
        }
        let data = dir.join("data");
        let mut initdb = as_user(&bin.join("initdb"), user, &dir);
        initdb
            .args(["--auth=scram-sha-256", "--encoding=UTF8", "--locale=C"])
            .args(["--no-sync", "--username", SUPERUSER, "--pwfile"])
            .arg(&password_file)
            .arg("--pgdata")
            .arg(&data);
        done(&mut initdb, "initdb")?;
        std::fs::remove_file(&password_file).map_err(file)?;
        let port = free_port().map_err(file)?;
        let child = as_user(&bin.join("postgres"), user, &dir)
            .arg("-D")
            .arg(&data)
            .args(["-c", "listen_addresses=127.0.0.1"])
            .args(["-c", "unix_socket_directories=", "-c"])
            .arg(format!("port={port}"))
            .args(settings.iter().flat_map(|setting| ["-c", setting]))
            .spawn()
            .map_err(file)?;
        let server = Self {
            dir,
            bin,
            port,
            superuser,
            child,
        };
        server.wait()?;
        Ok(Some(server))
    }

    /// Its process.
    #[must_use]
    pub fn pid(&self) -> Pid {
        Pid::from_child(&self.child)
    }

    /// The two roles: one that people break the glass for, with this password, and one that may
    /// change that password and nothing else.
    pub fn make_roles(&self, role: &SecretText, rotator: &SecretText) -> Result<(), DemoError> {
        // Both are letters and digits; no quote is among them.
        let (role, rotator) = (role.expose(), rotator.expose());
        self.sql(&format!(
            "CREATE ROLE {ROLE} LOGIN PASSWORD '{role}'; \
             CREATE ROLE {ROTATOR} LOGIN CREATEROLE PASSWORD '{rotator}'; \
             GRANT {ROLE} TO {ROTATOR} WITH ADMIN OPTION; \
             GRANT pg_signal_backend TO {ROTATOR}; \
             CREATE TABLE orders (id int, price numeric); \
             INSERT INTO orders VALUES (1, 9.99), (2, 120); \
             GRANT SELECT, UPDATE ON orders TO {ROLE}"
        ))?;
        Ok(())
    }

    /// Has the superuser say something, and gives the answer.
    pub fn sql(&self, statement: &str) -> Result<String, DemoError> {
        let mut psql = self.psql(SUPERUSER, self.superuser.expose());
        done(psql.args(["-c", statement]), "psql")
    }

    /// One of PostgreSQL's own programs, told how to reach this server as its superuser.
    #[must_use]
    pub fn program(&self, name: &str) -> Command {
        let mut program = Command::new(self.bin.join(name));
        program
            .args(["-h", "127.0.0.1", "-p"])
            .arg(self.port.to_string())
            .args(["-U", SUPERUSER])
            .env("PGPASSWORD", self.superuser.expose());
        program
    }

    /// Whether a role with this password is let in.
    pub fn lets_in(&self, role: &str, password: &str) -> Result<bool, DemoError> {
        let run = self
            .psql(role, password)
            .args(["-c", "SELECT 1"])
            .output()
            .map_err(|e| DemoError::Make(format!("psql: {e}")))?;
        let said = String::from_utf8_lossy(&run.stderr);
        match run.status.success() {
            true => Ok(true),
            false if said.contains("password authentication failed") => Ok(false),
            false => Err(DemoError::Make(format!("psql: {said}"))),
        }
    }

    /// A session that stays open until somebody ends it.
    pub fn session(&self, role: &str, password: &str) -> Result<Child, DemoError> {
        let mut psql = self.psql(role, password);
        psql.args(["-c", "SELECT pg_sleep(3600)"])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let child = psql.spawn().map_err(make)?;
        let open = format!("SELECT count(*) FROM pg_stat_activity WHERE usename = '{role}'");
        for _ in 0..LOOK.1 {
            if self.sql(&open)?.trim() == "1" {
                return Ok(child);
            }
            std::thread::sleep(LOOK.0);
        }
        Err(DemoError::Fault("the session did not begin".to_owned()))
    }

    fn psql(&self, role: &str, password: &str) -> Command {
        let mut psql = Command::new(self.bin.join("psql"));
        psql.args(["-X", "-q", "-t", "-A", "-v", "ON_ERROR_STOP=1"])
            .args(["-h", "127.0.0.1", "-p"])
            .arg(self.port.to_string())
            .args(["-U", role, "-d", "postgres"])
            .env("PGPASSWORD", password)
            .env("PGCONNECT_TIMEOUT", "10");
        psql
    }

    fn wait(&self) -> Result<(), DemoError> {
        for _ in 0..LOOK.1 {
            if self.sql("SELECT 1").is_ok() {
                return Ok(());
            }
            std::thread::sleep(LOOK.0);
        }
        Err(DemoError::Make("PostgreSQL did not start".to_owned()))
    }
}

impl Drop for PostgresServer {
    fn drop(&mut self) {
        // The fast shutdown: sessions are cut, files are closed.
        let _ = kill_process(Pid::from_child(&self.child), Signal::INT);
        let _ = self.child.wait();
        let _ = std::fs::remove_dir_all(&self.dir);
    }
}

/// Whom it must run as: for root the user `postgres`, else whoever we are.
fn runs_as() -> io::Result<Option<(u32, u32)>> {
    if !rustix::process::geteuid().is_root() {
        return Ok(None);
    }
    let users = std::fs::read_to_string("/etc/passwd")?;
    let found = users.lines().find_map(|line| {
        let fields: Vec<&str> = line.split(':').collect();
        match fields.as_slice() {
            ["postgres", _, uid, gid, ..] => Some((uid.parse().ok()?, gid.parse().ok()?)),
            _ => None,
        }
    });
    let missing = || io::Error::other("there is no user postgres");
    found.map(Some).ok_or_else(missing)
}

fn as_user(program: &Path, user: Option<(u32, u32)>, dir: &Path) -> Command {
    let mut command = Command::new(program);
    command
        .current_dir(dir)
        .env_clear()
        .env("PATH", "/usr/bin:/bin")
        .env("LC_ALL", "C")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        // Ctrl-C is for us; we end it ourselves.
        .process_group(0);
    if let Some((uid, gid)) = user {
        command.uid(uid).gid(gid);
    }
    command
}

fn done(command: &mut Command, what: &str) -> Result<String, DemoError> {
    let run = command
        .stderr(Stdio::piped())
        .output()
        .map_err(|e| DemoError::Make(format!("{what}: {e}")))?;
    if run.status.success() {
        return Ok(String::from_utf8_lossy(&run.stdout).into_owned());
    }
    let said = String::from_utf8_lossy(&run.stderr);
    Err(DemoError::Make(format!("{what}: {}", said.trim())))
}

fn free_port() -> io::Result<u16> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}
