//! The Debian packages the tests need: the table, and which of them are missing here.

use std::ffi::{OsStr, OsString};
use std::path::Path;

/// One Debian package.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Package {
    /// Its name for `apt-get install`.
    pub(crate) name: &'static str,
    /// The programs whose presence proves that it is installed.
    pub(crate) programs: &'static [&'static str],
    /// What the tests use it for.
    pub(crate) why: &'static str,
}

/// Every package the tests may need beyond Rust, gcc, libc6-dev, git and ca-certificates.
pub(crate) const PACKAGES: &[Package] = &[
    Package {
        name: "openssh-client",
        programs: &["ssh-keygen", "ssh-agent"],
        why: "statements are signed and verified against the real ssh-keygen and ssh-agent",
    },
    Package {
        name: "openssl",
        programs: &["openssl"],
        why: "makes the certificate that the program is spoken to with over TLS",
    },
    Package {
        name: "postgresql",
        programs: &["initdb", "postgres", "psql"],
        why: "passwords of roles are rotated at a real server, which the tests start themselves",
    },
    Package {
        name: "strace",
        programs: &["strace"],
        why: "system calls of the ledger fail, and end it, one by one",
    },
];

/// Where Debian keeps daemons; a person's `PATH` often leaves these out.
const SYSTEM_FOLDERS: &[&str] = &["/usr/sbin", "/sbin"];

/// Where Debian keeps each version of PostgreSQL: `<version>/bin`.
const POSTGRESQL: &str = "/usr/lib/postgresql";

/// The `PATH` for finding programs, here and in the tests.
///
/// Asked anew for each use: an installation adds folders to it.
pub(crate) fn search_path() -> OsString {
    search_path_with(Path::new(POSTGRESQL))
}

fn search_path_with(postgresql: &Path) -> OsString {
    let mut path = std::env::var_os("PATH").unwrap_or_default();
    let versions = std::fs::read_dir(postgresql)
        .into_iter()
        .flatten()
        .flatten();
    let versions = versions.map(|version| version.path().join("bin"));
    let system = SYSTEM_FOLDERS.iter().map(std::path::PathBuf::from);
    for folder in versions.chain(system) {
        if !path.is_empty() {
            path.push(":");
        }
        path.push(folder);
    }
    path
}

/// The packages of [`PACKAGES`] that are missing on this machine at this moment.
pub(crate) fn missing_now() -> Vec<&'static Package> {
    missing(PACKAGES, &search_path())
}

/// The packages of `table` of which a program is not found on `path`.
fn missing<'a>(table: &'a [Package], path: &OsStr) -> Vec<&'a Package> {
    let absent = |program: &&str| !is_on_path(program, path);
    table
        .iter()
        .filter(|package| package.programs.iter().any(absent))
        .collect()
}

/// Whether `program` is found in one of the folders of `path`.
pub(crate) fn is_on_path(program: &str, path: &OsStr) -> bool {
    std::env::split_paths(path).any(|folder| is_program(&folder.join(program)))
}

fn is_program(file: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    file.metadata()
        .is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o111 != 0)
}

#[cfg(test)]
mod tests {
    use super::{PACKAGES, Package, is_on_path, missing, search_path, search_path_with};
    use std::ffi::OsStr;
    use std::os::unix::fs::PermissionsExt;

    const TABLE: &[Package] = &[
        Package {
            name: "there",
            programs: &["sh"],
            why: "a test",
        },
        Package {
            name: "half",
            programs: &["sh", "no-such-program"],
            why: "a test",
        },
    ];

    #[test]
    fn a_package_is_missing_when_one_of_its_programs_is() {
        let found = missing(TABLE, OsStr::new("/bin:/usr/bin"));
        assert_eq!(
            found.iter().map(|package| package.name).collect::<Vec<_>>(),
            ["half"]
        );
    }

    #[test]
    fn an_empty_path_finds_nothing() {
        assert_eq!(missing(TABLE, OsStr::new("")).len(), 2);
    }

    #[test]
    fn daemons_are_searched_for_too() {
        let path = search_path();
        assert!(path.to_string_lossy().ends_with("/usr/sbin:/sbin"));
    }

    #[test]
    fn a_server_installed_meanwhile_is_found() {
        let folder = std::env::temp_dir().join(format!("xtask-postgresql-{}", std::process::id()));
        let program = "initdb-of-a-test";
        assert!(!is_on_path(program, &search_path_with(&folder)));
        let bin = folder.join("15/bin");
        std::fs::create_dir_all(&bin).unwrap();
        std::fs::write(bin.join(program), "").unwrap();
        let mode = std::fs::Permissions::from_mode(0o755);
        std::fs::set_permissions(bin.join(program), mode).unwrap();
        let found = is_on_path(program, &search_path_with(&folder));
        std::fs::remove_dir_all(&folder).unwrap();
        assert!(found);
    }

    #[test]
    fn the_table_is_sorted_and_says_why() {
        assert!(PACKAGES.is_sorted_by(|a, b| a.name < b.name));
        for package in PACKAGES {
            assert!(
                !package.programs.is_empty() && !package.why.is_empty(),
                "{}",
                package.name
            );
        }
    }
}
