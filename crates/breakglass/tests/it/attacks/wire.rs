//! HTTP by hand: whatever bytes an attacker likes, and what came back.

use std::{
    io::{Read as _, Write as _},
    net::{SocketAddr, TcpStream},
    time::Duration,
};

use breakglass_api::Problem;

/// How long an answer may take before the test fails.
const PATIENCE: Duration = Duration::from_secs(20);

/// An answer.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
}

impl Reply {
    /// The first answer in what a connection gave.
    pub(crate) fn parse(bytes: &[u8]) -> Option<Self> {
        let end = bytes.windows(4).position(|w| w == b"\r\n\r\n")?;
        let head = String::from_utf8_lossy(&bytes[..end]).to_ascii_lowercase();
        let mut body = bytes[end + 4..].to_vec();
        let length = head
            .lines()
            .find_map(|l| l.strip_prefix("content-length: "));
        body.truncate(length.map_or(usize::MAX, |l| l.parse().unwrap()));
        Some(Self {
            status: head.split(' ').nth(1)?.parse().ok()?,
            head,
            body,
        })
    }

    /// The problem document, which every refusal is.
    #[track_caller]
    pub(crate) fn problem(&self) -> Problem {
        let text = String::from_utf8_lossy(&self.body);
        assert!(
            self.head.contains("content-type: application/problem+json"),
            "{} {text}",
            self.head
        );
        let problem: Problem = serde_json::from_slice(&self.body).unwrap();
        assert_eq!(problem.status, self.status, "{text}");
        assert!(
            !problem.code.is_empty() && !problem.hint.is_empty(),
            "{text}"
        );
        assert_eq!(
            problem.kind,
            format!("urn:breakglass:problem:{}", problem.code)
        );
        problem
    }
}

/// Where a URL points.
pub(crate) fn address(url: &str) -> SocketAddr {
    url.strip_prefix("http://").unwrap().parse().unwrap()
}

/// A connection.
pub(crate) fn connect(url: &str) -> TcpStream {
    let stream = TcpStream::connect(address(url)).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.set_write_timeout(Some(PATIENCE)).unwrap();
    stream
}

/// Sends bytes and reads until the server closes the connection.
pub(crate) fn exchange(url: &str, bytes: &[u8]) -> Vec<u8> {
    let mut stream = connect(url);
    // A server that has heard enough may close before everything is sent.
    let _ = stream.write_all(bytes);
    drain(&mut stream)
}

/// Everything until the end of a connection, however it ends.
pub(crate) fn drain(stream: &mut TcpStream) -> Vec<u8> {
    let mut all = Vec::new();
    let mut piece = [0; 4096];
    while let Ok(n) = stream.read(&mut piece) {
        if n == 0 {
            break;
        }
        all.extend(&piece[..n]);
    }
    all
}

/// A GET, with a reading session or without.
pub(crate) fn get(url: &str, path: &str, token: Option<&str>) -> Reply {
    let bearer = token.map_or(String::new(), |t| format!("Authorization: Bearer {t}\r\n"));
    let request = format!("GET {path} HTTP/1.1\r\nHost: x\r\n{bearer}Connection: close\r\n\r\n");
    Reply::parse(&exchange(url, request.as_bytes())).unwrap()
}

/// A POST of anything.
pub(crate) fn post(url: &str, path: &str, kind: &str, body: &[u8]) -> Reply {
    let mut request = format!(
        "POST {path} HTTP/1.1\r\nHost: x\r\nContent-Type: {kind}\r\nContent-Length: {}\r\n\
         Connection: close\r\n\r\n",
        body.len()
    )
    .into_bytes();
    request.extend(body);
    Reply::parse(&exchange(url, &request)).unwrap()
}

/// A POST of a JSON body.
pub(crate) fn post_json(url: &str, path: &str, body: &serde_json::Value) -> Reply {
    post(
        url,
        path,
        "application/json",
        &serde_json::to_vec(body).unwrap(),
    )
}
