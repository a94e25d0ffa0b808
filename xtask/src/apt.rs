//! Installing the packages that are missing, without starting, upgrading or removing anything.

use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::error::Error;
use crate::packages::{self, Package};

/// Asked by Debian's `invoke-rc.d` before a maintainer script starts a service; 101 is "no".
const POLICY_FILE: &str = "/usr/sbin/policy-rc.d";
const POLICY: &str =
    "#!/bin/sh\n# Written by `cargo xtask test` while it installs packages.\nexit 101\n";

/// How this process may install packages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Access {
    Root,
    Sudo,
}

/// Who wrote the policy that is in force.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Policy {
    /// This run, or an earlier one that was interrupted: to be removed afterwards.
    Ours,
    /// The machine's owner: left alone.
    Theirs,
    /// Nobody: it could not be written, so nothing may be installed.
    Refused,
}

/// Installs what is missing where that is possible, and returns what is missing afterwards.
/// `scratch` is a folder for temporary files.
pub(crate) fn provide(scratch: &Path) -> Result<Vec<&'static Package>, Error> {
    let missing = packages::missing_now();
    if missing.is_empty() {
        return Ok(missing);
    }
    for package in &missing {
        println!("missing: {} ({})", package.name, package.why);
    }
    match access() {
        Some(access) if packages::is_on_path("apt-get", &packages::search_path()) => {
            install(access, &missing, scratch)?;
            Ok(packages::missing_now())
        }
        Some(_) => {
            println!("this machine has no apt-get: running what can be run");
            Ok(missing)
        }
        None => {
            println!("neither root nor `sudo -n`: running what can be run");
            Ok(missing)
        }
    }
}

/// The one line that installs `missing` by hand.
pub(crate) fn by_hand(missing: &[&Package]) -> String {
    let names: Vec<&str> = missing.iter().map(|package| package.name).collect();
    format!(
        "sudo apt-get install --no-install-recommends {}",
        names.join(" ")
    )
}

fn access() -> Option<Access> {
    // The owner of /proc/self is the effective user of this process.
    let root = std::fs::metadata("/proc/self").is_ok_and(|meta| meta.uid() == 0);
    if root {
        return Some(Access::Root);
    }
    let sudo = Command::new("sudo")
        .args(["-n", "true"])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    sudo.is_ok_and(|status| status.success())
        .then_some(Access::Sudo)
}

/// Runs apt-get. That it fails is not an error here: what is still missing afterwards tells.
fn install(access: Access, missing: &[&Package], scratch: &Path) -> Result<(), Error> {
    let policy = forbid_services(access, scratch)?;
    let done = policy != Policy::Refused
        && run(access, &["apt-get", "update", "--quiet"])?
        && run(access, &install_arguments(missing))?;
    if policy == Policy::Ours {
        run(access, &["rm", "-f", POLICY_FILE])?;
    }
    if !done {
        println!("the packages could not be installed: running what can be run");
    }
    Ok(())
}

fn install_arguments(missing: &[&Package]) -> Vec<&'static str> {
    let mut arguments = vec![
        "apt-get",
        "install",
        "--yes",
        "--quiet",
        "--no-install-recommends",
        "--no-upgrade",
        "--no-remove",
    ];
    arguments.extend(missing.iter().map(|package| package.name));
    arguments
}

/// Makes sure that a policy keeps services from starting.
fn forbid_services(access: Access, scratch: &Path) -> Result<Policy, Error> {
    if let Ok(present) = std::fs::read_to_string(POLICY_FILE) {
        return Ok(if present == POLICY {
            Policy::Ours
        } else {
            Policy::Theirs
        });
    }
    let draft = scratch.join("policy-rc.d");
    std::fs::write(&draft, POLICY).map_err(Error::file(&draft))?;
    let written = run(
        access,
        &[
            "install",
            "-m",
            "755",
            &draft.to_string_lossy(),
            POLICY_FILE,
        ],
    )?;
    Ok(if written {
        Policy::Ours
    } else {
        Policy::Refused
    })
}

/// Runs one command as root and says whether it succeeded.
fn run(access: Access, arguments: &[&str]) -> Result<bool, Error> {
    println!("  # {}", arguments.join(" "));
    let mut command = as_root(access);
    let status = command
        .args(arguments)
        .stdin(Stdio::null())
        .status()
        .map_err(Error::spawn(&arguments.join(" ")))?;
    Ok(status.success())
}

/// `env` sets the variable on the far side of sudo, which passes none on.
fn as_root(access: Access) -> Command {
    let mut command = match access {
        Access::Root => Command::new("env"),
        Access::Sudo => {
            let mut sudo = Command::new("sudo");
            sudo.args(["-n", "env"]);
            sudo
        }
    };
    command.arg("DEBIAN_FRONTEND=noninteractive");
    command
}

#[cfg(test)]
mod tests {
    use super::{by_hand, install_arguments};
    use crate::packages::Package;

    const ONE: Package = Package {
        name: "one",
        programs: &["one"],
        files: &[],
        why: "a test",
    };
    const TWO: Package = Package {
        name: "two",
        programs: &["two"],
        files: &[],
        why: "a test",
    };

    #[test]
    fn one_line_installs_everything_by_hand() {
        let line = "sudo apt-get install --no-install-recommends one two";
        assert_eq!(by_hand(&[&ONE, &TWO]), line);
    }

    #[test]
    fn installing_replaces_and_removes_nothing() {
        let arguments = install_arguments(&[&ONE]);
        for flag in ["--no-install-recommends", "--no-upgrade", "--no-remove"] {
            assert!(arguments.contains(&flag), "{flag}");
        }
        assert_eq!(arguments.last(), Some(&"one"));
    }
}
