//! The other end: a request to the shop, straight to a loopback address. No name is looked up,
//! no proxy is asked, and no redirect is followed, whatever the environment says.

use std::{
    io::{self, Read as _, Write as _},
    net::{SocketAddr, TcpStream},
    str::FromStr,
    time::Duration,
};

use serde::de::DeserializeOwned;
use thiserror::Error;
use zeroize::Zeroizing;

use super::http::BODY_BYTES_MAX;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
/// How long one read or write may take.
const IO_TIMEOUT: Duration = Duration::from_secs(10);
/// The longest answer with its head, in bytes.
const ANSWER_BYTES_MAX: u64 = 64 * 1024;

/// Where a shop is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Client {
    address: SocketAddr,
}

/// The URL is not `http://` and a loopback address with its port.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("the URL is not http://ADDRESS:PORT with a loopback address")]
pub(super) struct UrlError;

/// Why there is no answer.
#[derive(Debug, Error)]
pub(super) enum CallError {
    /// Nothing was sent.
    #[error("the shop cannot be reached: {0}")]
    NotSent(#[source] io::Error),
    /// The request is longer than the shop reads; nothing was sent.
    #[error("the request is too long")]
    TooLong,
    /// Something was sent, and what came of it is not known.
    #[error("the shop did not answer: {0}")]
    NoAnswer(#[source] io::Error),
    /// What came back is not a whole answer.
    #[error("the shop's answer is cut or malformed")]
    Malformed,
}

/// An answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Answer {
    /// The status.
    pub(super) status: u16,
    /// The body.
    pub(super) body: Vec<u8>,
}

impl Answer {
    /// The body's JSON.
    pub(super) fn json<T: DeserializeOwned>(&self) -> Result<T, CallError> {
        serde_json::from_slice(&self.body).map_err(|_| CallError::Malformed)
    }
}

impl FromStr for Client {
    type Err = UrlError;

    fn from_str(url: &str) -> Result<Self, UrlError> {
        let rest = url.strip_prefix("http://").ok_or(UrlError)?;
        let address = rest.strip_suffix('/').unwrap_or(rest);
        let address: SocketAddr = address.parse().map_err(|_| UrlError)?;
        if address.ip().is_loopback() {
            Ok(Self { address })
        } else {
            Err(UrlError)
        }
    }
}

impl Client {
    /// Looks.
    pub(super) fn get(self, path: &str) -> Result<Answer, CallError> {
        self.call(&format!("GET {path}"), "", &[])
    }

    /// Sends an object of texts, passwords among them.
    pub(super) fn post(self, path: &str, fields: &[(&str, &str)]) -> Result<Answer, CallError> {
        let body = object(fields)?;
        let about_body = format!(
            "Content-Type: application/json\r\nContent-Length: {}\r\n",
            body.len()
        );
        self.call(&format!("POST {path}"), &about_body, &body)
    }

    fn call(self, what: &str, about_body: &str, body: &[u8]) -> Result<Answer, CallError> {
        let stream = TcpStream::connect_timeout(&self.address, CONNECT_TIMEOUT);
        let mut stream = stream.map_err(CallError::NotSent)?;
        let timeout = Some(IO_TIMEOUT);
        stream
            .set_read_timeout(timeout)
            .map_err(CallError::NotSent)?;
        stream
            .set_write_timeout(timeout)
            .map_err(CallError::NotSent)?;
        let address = self.address;
        let head =
            format!("{what} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n{about_body}\r\n");
        stream
            .write_all(head.as_bytes())
            .map_err(CallError::NoAnswer)?;
        stream.write_all(body).map_err(CallError::NoAnswer)?;
        let mut answer = Vec::new();
        let mut stream = stream.take(ANSWER_BYTES_MAX);
        stream
            .read_to_end(&mut answer)
            .map_err(CallError::NoAnswer)?;
        if answer.is_empty() {
            return Err(CallError::NoAnswer(io::ErrorKind::UnexpectedEof.into()));
        }
        read(&answer).ok_or(CallError::Malformed)
    }
}

/// JSON, in a buffer that is allocated once and wiped when dropped.
fn object(fields: &[(&str, &str)]) -> Result<Zeroizing<Vec<u8>>, CallError> {
    let mut bytes = Zeroizing::new(vec![0; BODY_BYTES_MAX]);
    let mut room = bytes.as_mut_slice();
    write_object(&mut room, fields).map_err(|_| CallError::TooLong)?;
    let left = room.len();
    bytes.truncate(BODY_BYTES_MAX - left);
    Ok(bytes)
}

fn write_object(mut out: &mut &mut [u8], fields: &[(&str, &str)]) -> io::Result<()> {
    for (i, (name, value)) in fields.iter().enumerate() {
        out.write_all(if i == 0 { b"{" } else { b"," })?;
        serde_json::to_writer(&mut out, name)?;
        out.write_all(b":")?;
        serde_json::to_writer(&mut out, value)?;
    }
    out.write_all(b"}")
}

/// An answer that says how long it is, and is.
fn read(bytes: &[u8]) -> Option<Answer> {
    let head_end = bytes.windows(4).position(|four| four == b"\r\n\r\n")?;
    let head = str::from_utf8(bytes.get(..head_end)?).ok()?;
    let body = bytes.get(head_end + 4..)?;
    let mut lines = head.split("\r\n");
    let status = lines.next()?.strip_prefix("HTTP/1.1 ")?.get(..3)?;
    let mut fields = lines.filter_map(|line| line.split_once(':'));
    let (_, length) = fields.find(|(name, _)| name.eq_ignore_ascii_case("content-length"))?;
    (length.trim().parse() == Ok(body.len())).then_some(())?;
    Some(Answer {
        status: status.parse().ok()?,
        body: body.to_vec(),
    })
}
