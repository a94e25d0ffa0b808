//! The shop: a second process of this program, and a few words of HTTP to look at it.

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{SocketAddr, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

use super::DemoError;

/// How long the shop may take to answer.
const TIMEOUT: Duration = Duration::from_secs(5);

/// The running shop. It ends when this is dropped, because its standard input ends.
#[derive(Debug)]
pub struct Shop {
    child: Child,
    port: u16,
}

/// What the shop answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The page.
    pub body: String,
}

impl Shop {
    /// Makes a broken shop in a folder, with one account, and opens it.
    pub fn open(
        program: &Path,
        dir: &Path,
        account: &str,
        password: &str,
    ) -> Result<Self, DemoError> {
        let shop = |e: std::io::Error| DemoError::Shop(e.to_string());
        let mut init = Command::new(program)
            .args(["demo-target", "init", "--dir"])
            .arg(dir)
            .stdin(Stdio::piped())
            .spawn()
            .map_err(shop)?;
        let first = serde_json::json!({"account": account, "password": password}).to_string();
        if let Some(mut stdin) = init.stdin.take() {
            stdin.write_all(first.as_bytes()).map_err(shop)?;
        }
        if !init.wait().map_err(shop)?.success() {
            return Err(DemoError::Shop("it could not be made".to_owned()));
        }
        let mut child = Command::new(program)
            .args(["demo-target", "serve", "--dir"])
            .arg(dir)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(shop)?;
        let mut line = String::new();
        if let Some(stdout) = child.stdout.take() {
            BufReader::new(stdout).read_line(&mut line).map_err(shop)?;
        }
        let port = line.trim().parse();
        let port = port.map_err(|_| DemoError::Shop(format!("it said {line:?} for its port")))?;
        Ok(Self { child, port })
    }

    /// Its URL.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// What a customer sees.
    pub fn visit(&self) -> Result<Answer, DemoError> {
        self.call("GET / HTTP/1.1", "")
    }

    /// Whether a password opens the account.
    pub fn lets_in(&self, account: &str, password: &str) -> Result<bool, DemoError> {
        let body = serde_json::json!({"account": account, "password": password}).to_string();
        Ok(self.call("POST /login HTTP/1.1", &body)?.status == 200)
    }

    fn call(&self, request: &str, body: &str) -> Result<Answer, DemoError> {
        let shop = |e: std::io::Error| DemoError::Shop(e.to_string());
        let address = SocketAddr::from(([127, 0, 0, 1], self.port));
        let mut stream = TcpStream::connect_timeout(&address, TIMEOUT).map_err(shop)?;
        stream.set_read_timeout(Some(TIMEOUT)).map_err(shop)?;
        let head = format!(
            "{request}\r\nHost: {address}\r\nContent-Type: application/json\r\n\
             Content-Length: {}\r\nConnection: close\r\n\r\n",
            body.len()
        );
        stream.write_all(head.as_bytes()).map_err(shop)?;
        stream.write_all(body.as_bytes()).map_err(shop)?;
        let mut answer = String::new();
        stream
            .take(64 * 1024)
            .read_to_string(&mut answer)
            .map_err(shop)?;
        let status = answer.split(' ').nth(1).and_then(|s| s.parse().ok());
        let body = answer
            .split_once("\r\n\r\n")
            .map(|(_, body)| body.trim().to_owned());
        match (status, body) {
            (Some(status), Some(body)) => Ok(Answer { status, body }),
            _ => Err(DemoError::Shop("it does not speak HTTP".to_owned())),
        }
    }
}

impl Drop for Shop {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        // It ends by itself when its input does; if not, it is ended by its id.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// This program, for its second processes.
pub(super) fn this_program() -> Result<PathBuf, DemoError> {
    std::env::current_exe()
        .map_err(|e| DemoError::Shop(format!("this program does not know where it lies: {e}")))
}
