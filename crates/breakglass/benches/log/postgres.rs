//! What PostgreSQL takes, as it comes, durable: one row of the same size in a transaction of its
//! own, by its own load generator.

use std::path::Path;

use breakglass::demo::PostgresServer;

/// Seconds of load.
const SECONDS: &str = "8";

/// Rows a second with so many clients; `None` where PostgreSQL is not installed.
pub(crate) fn inserts(place: &Path, clients: usize) -> Option<f64> {
    // PostgreSQL's own user has to reach its folder.
    let open = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(place, open).unwrap();
    let server = PostgresServer::start_with(place, &["max_connections=200"]).unwrap()?;
    server
        .sql("CREATE TABLE entry (position bigserial PRIMARY KEY, bytes bytea NOT NULL)")
        .unwrap();
    let script = place.join("insert.sql");
    let row = "ab".repeat(500);
    std::fs::write(
        &script,
        format!("INSERT INTO entry (bytes) VALUES ('\\x{row}');\n"),
    )
    .unwrap();
    let mut pgbench = server.program("pgbench");
    pgbench
        .args([
            "--no-vacuum",
            "--protocol=prepared",
            "--jobs=2",
            "--time",
            SECONDS,
        ])
        .arg(format!("--client={clients}"))
        .arg("--file")
        .arg(&script)
        .arg("postgres");
    let run = pgbench.output().unwrap();
    let said = String::from_utf8_lossy(&run.stdout).into_owned();
    let tps = said.lines().find_map(|line| line.strip_prefix("tps = "));
    let tps = tps.and_then(|tps| tps.split(' ').next());
    assert!(
        run.status.success(),
        "{}",
        String::from_utf8_lossy(&run.stderr)
    );
    Some(tps.unwrap().parse().unwrap())
}
