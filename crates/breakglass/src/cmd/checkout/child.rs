//! A child process with the credential in its environment; never in its arguments.

use std::{
    ffi::{OsStr, OsString},
    path::Path,
    process::{Command, ExitStatus},
};

use breakglass_seal::names;

use crate::{
    actor::CheckedOut,
    hint::{Code, Failure},
    output::Output,
};

/// Whether a program can be found, as a shell would.
pub(super) fn is_there(program: &OsStr) -> bool {
    let path = Path::new(program);
    if path.components().count() > 1 {
        return path.is_file();
    }
    let places = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&places).any(|place| place.join(path).is_file())
}

/// Runs a command with the credential and waits for it.
pub(super) fn run(
    command: &[OsString],
    out: &CheckedOut,
    system: &str,
    output: Output,
) -> Result<(), Failure> {
    let Some((program, arguments)) = command.split_first() else {
        return Err(Failure::usage("a command is missing after --")
            .hint("breakglass checkout --exec -- CMD"));
    };
    let mut child = Command::new(program);
    child.args(arguments);
    for (field, value) in out.credential.fields() {
        for variable in variables(field, system) {
            child.env(variable, value.expose());
        }
    }
    child
        .env("BREAKGLASS_ACCOUNT", out.access.account.name.as_str())
        .env("BREAKGLASS_GRANT", out.access.grant_id.to_string())
        .env("BREAKGLASS_INCIDENT", out.access.incident_id.to_string());
    let program = program.to_string_lossy();
    let status = child.status();
    let status = status.map_err(|e| {
        let message = format!("{program} did not start: {e}");
        Failure::of(Code::ProgramFailed, message)
            .hint("the credential was handed out and not used; once more: breakglass checkout")
    })?;
    output.say("document what you did: breakglass action record --help");
    finished(&program, status)
}

fn finished(program: &str, status: ExitStatus) -> Result<(), Failure> {
    if status.success() {
        Ok(())
    } else {
        Err(Failure::of(
            Code::ProgramFailed,
            format!("{program} ended with {status}"),
        )
        .hint("its own messages stand above; the checkout is on record"))
    }
}

/// The environment variables of a field: `BREAKGLASS_<FIELD>`, and what the tools of the system
/// look for.
pub(super) fn variables(field: &str, system: &str) -> Vec<String> {
    let mut all = vec![format!("BREAKGLASS_{}", field.to_ascii_uppercase())];
    if system.to_ascii_lowercase().starts_with("postgres") {
        match field {
            names::USERNAME => all.push("PGUSER".to_owned()),
            names::PASSWORD => all.push("PGPASSWORD".to_owned()),
            "host" => all.push("PGHOST".to_owned()),
            "port" => all.push("PGPORT".to_owned()),
            "database" => all.push("PGDATABASE".to_owned()),
            _ => {}
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tools_of_a_system_find_their_own_names() {
        assert_eq!(variables("password", "ssh gw1"), ["BREAKGLASS_PASSWORD"]);
        assert_eq!(
            variables("password", "PostgreSQL at db1"),
            ["BREAKGLASS_PASSWORD", "PGPASSWORD"]
        );
        assert_eq!(
            variables("username", "postgres"),
            ["BREAKGLASS_USERNAME", "PGUSER"]
        );
        assert_eq!(variables("uri", "postgres"), ["BREAKGLASS_URI"]);
    }
}
