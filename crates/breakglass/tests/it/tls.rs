//! The real program over TLS, with a certificate of the installation's own.

use std::{
    io::{BufRead as _, BufReader},
    path::Path,
    process::{Command, Stdio},
};

use breakglass::{
    clock::{Clock as _, SystemClock},
    demo::Stage,
};

fn openssl(dir: &Path) -> bool {
    let made = Command::new("openssl")
        .current_dir(dir)
        .args([
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:P-256",
            "-nodes",
        ])
        .args([
            "-keyout",
            "tls.key",
            "-out",
            "tls.crt",
            "-days",
            "2",
            "-subj",
            "/CN=localhost",
        ])
        .args(["-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"])
        .args(["-addext", "basicConstraints=critical,CA:FALSE"])
        .output();
    made.is_ok_and(|made| made.status.success())
}

/// The verdict of `breakglass --home alice status` against a server.
fn status(stage: &Stage, url: &str, ca_file: Option<&Path>) -> (bool, String) {
    stage.configure_people(url).unwrap();
    let home = stage.home("alice");
    if let Some(ca) = ca_file {
        let path = home.join("client.toml");
        let text = std::fs::read_to_string(&path).unwrap();
        std::fs::write(
            &path,
            format!("ca_file = {:?}\n{text}", ca.display().to_string()),
        )
        .unwrap();
    }
    let run = Command::new(env!("CARGO_BIN_EXE_breakglass"))
        .args(["--home", home.to_str().unwrap(), "--json", "status"])
        .output()
        .unwrap();
    let said = [run.stdout, run.stderr].concat();
    (
        run.status.success(),
        String::from_utf8_lossy(&said).into_owned(),
    )
}

#[test]
fn only_the_certificate_that_is_trusted_is_talked_to() {
    let stage = Stage::build(env!("CARGO_BIN_EXE_breakglass").as_ref(), SystemClock.now()).unwrap();
    let server = stage.dir().join("server");
    let test = "tls::only_the_certificate_that_is_trusted_is_talked_to";
    if !crate::ssh::available(test, &["openssl"]) {
        return;
    }
    assert!(openssl(&server));
    use std::os::unix::fs::PermissionsExt as _;
    let owner = std::fs::Permissions::from_mode(0o600);
    std::fs::set_permissions(server.join("tls.key"), owner).unwrap();
    let config = stage.write_config().unwrap();
    let text = std::fs::read_to_string(&config).unwrap();
    let tls = "[tls]\ncertificate_file = \"tls.crt\"\nkey_file = \"tls.key\"\n";
    std::fs::write(&config, format!("{text}{tls}")).unwrap();
    let mut child = Command::new(env!("CARGO_BIN_EXE_breakglass"))
        .args(["serve", "--config"])
        .arg(&config)
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    let listening = lines.next().unwrap().unwrap();
    let port = listening.rsplit_once(':').unwrap().1.to_owned();
    let url = format!("https://localhost:{port}");
    let (trusted, said) = status(&stage, &url, Some(&server.join("tls.crt")));
    let (untrusted, refused) = status(&stage, &url, None);
    let (plain, _) = status(&stage, &format!("http://127.0.0.1:{port}"), None);
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(trusted, "{said}");
    assert!(
        !untrusted,
        "a certificate that nobody vouched for was trusted: {refused}"
    );
    assert!(!plain, "the TLS port spoke plain HTTP");
}
