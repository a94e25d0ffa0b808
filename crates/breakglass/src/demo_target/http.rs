//! HTTP/1.1 (RFC 9112) as far as a shop needs it: one request per connection, a body with a
//! stated length, and nothing that can be read in two ways.

use std::io::{self, ErrorKind, Read, Write};

use serde_json::Value;
use zeroize::Zeroizing;

/// The longest request line with its header fields, in bytes.
const HEAD_BYTES_MAX: usize = 8 * 1024;
/// The longest body of a request, in bytes.
pub(super) const BODY_BYTES_MAX: usize = 16 * 1024;
/// The most header fields of a request.
const FIELDS_MAX: usize = 64;
/// The most reads for one request. Each has a timeout, so that a peer that sends byte by byte
/// holds a thread for a bounded time.
const READS_MAX: usize = 64;

/// What may be asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Method {
    /// Look.
    Get,
    /// Do.
    Post,
}

/// A request that was read completely.
pub(super) struct Request {
    /// What to do.
    pub(super) method: Method,
    /// To what: begins with `/`, has no query and no escapes.
    pub(super) path: String,
    /// Whom the client believes to speak to.
    pub(super) host: String,
    /// Wiped when dropped: it may hold a password.
    pub(super) body: Zeroizing<Vec<u8>>,
}

/// Why there is no request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unread {
    /// The peer is gone; nobody to answer.
    Gone,
    /// It is answered with this status and text.
    Refused(u16, &'static str),
}

const MALFORMED: Unread = Unread::Refused(400, "malformed request");

/// Reads one request.
pub(super) fn read(stream: &mut impl Read) -> Result<Request, Unread> {
    let mut incoming = Incoming::new(stream);
    let head_end = incoming.head()?;
    let head = incoming.bytes(0, head_end)?;
    let head = Head::parse(head)?;
    let end = head_end + head.body_bytes;
    incoming.until(end)?;
    if incoming.filled > end {
        return Err(Unread::Refused(400, "more than one request"));
    }
    // The exact size: a buffer that grows leaves copies of its content behind.
    let body = Zeroizing::new(incoming.bytes(head_end, end)?.to_vec());
    Ok(Request {
        method: head.method,
        path: head.path,
        host: head.host,
        body,
    })
}

struct Incoming<'a, R> {
    stream: &'a mut R,
    buffer: Zeroizing<Vec<u8>>,
    filled: usize,
    reads: usize,
}

impl<'a, R: Read> Incoming<'a, R> {
    fn new(stream: &'a mut R) -> Self {
        Self {
            stream,
            // One more than a request may have, to see that it has more.
            buffer: Zeroizing::new(vec![0; HEAD_BYTES_MAX + BODY_BYTES_MAX + 1]),
            filled: 0,
            reads: 0,
        }
    }

    /// Reads to the end of the head, and returns where that is.
    fn head(&mut self) -> Result<usize, Unread> {
        loop {
            let seen = self.bytes(0, self.filled.min(HEAD_BYTES_MAX))?;
            if let Some(at) = seen.windows(4).position(|four| four == b"\r\n\r\n") {
                return Ok(at + 4);
            }
            if self.filled >= HEAD_BYTES_MAX {
                return Err(Unread::Refused(431, "the header fields are too long"));
            }
            self.more()?;
        }
    }

    fn until(&mut self, end: usize) -> Result<(), Unread> {
        while self.filled < end {
            self.more()?;
        }
        Ok(())
    }

    fn bytes(&self, from: usize, to: usize) -> Result<&[u8], Unread> {
        self.buffer.get(from..to).ok_or(MALFORMED)
    }

    fn more(&mut self) -> Result<(), Unread> {
        self.reads += 1;
        if self.reads > READS_MAX {
            return Err(Unread::Refused(408, "the request came too slowly"));
        }
        let room = self.buffer.get_mut(self.filled..).unwrap_or_default();
        match self.stream.read(room) {
            Ok(0) => Err(Unread::Gone),
            Ok(got) => {
                self.filled += got;
                Ok(())
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => Ok(()),
            // Which of both a timeout is depends on the system.
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                Err(Unread::Refused(408, "the request came too slowly"))
            }
            Err(_) => Err(Unread::Gone),
        }
    }
}

#[derive(Debug)]
struct Head {
    method: Method,
    path: String,
    host: String,
    body_bytes: usize,
}

impl Head {
    /// Reads what ends with an empty line.
    fn parse(bytes: &[u8]) -> Result<Self, Unread> {
        let text = str::from_utf8(bytes).map_err(|_| MALFORMED)?;
        let text = text.strip_suffix("\r\n\r\n").ok_or(MALFORMED)?;
        let mut lines = text.split("\r\n");
        let (method, path) = request_line(lines.next().ok_or(MALFORMED)?)?;
        let fields = Fields::parse(lines)?;
        let body_bytes = fields.body_bytes()?;
        match method {
            Method::Get if body_bytes > 0 => return Err(Unread::Refused(400, "GET with a body")),
            Method::Post if fields.one("content-type")? != Some("application/json") => {
                return Err(Unread::Refused(415, "the body must be application/json"));
            }
            Method::Get | Method::Post => {}
        }
        Ok(Self {
            method,
            path: path.to_owned(),
            host: fields.one("host")?.ok_or(MALFORMED)?.to_owned(),
            body_bytes,
        })
    }
}

fn request_line(line: &str) -> Result<(Method, &str), Unread> {
    let mut words = line.split(' ');
    let (Some(method), Some(path), Some(version), None) =
        (words.next(), words.next(), words.next(), words.next())
    else {
        return Err(MALFORMED);
    };
    let method = match method {
        "GET" => Method::Get,
        "POST" => Method::Post,
        _ => return Err(Unread::Refused(501, "only GET and POST")),
    };
    let plain = |c: u8| c.is_ascii_graphic() && !b"?#%\\".contains(&c);
    if !path.starts_with('/') || !path.bytes().all(plain) {
        return Err(MALFORMED);
    }
    if version != "HTTP/1.1" {
        return Err(Unread::Refused(505, "only HTTP/1.1"));
    }
    Ok((method, path))
}

/// Header fields: names as they came, values trimmed.
struct Fields<'a>(Vec<(&'a str, &'a str)>);

impl<'a> Fields<'a> {
    fn parse(lines: impl Iterator<Item = &'a str>) -> Result<Self, Unread> {
        let mut fields = Vec::new();
        for line in lines {
            let (name, value) = line.split_once(':').ok_or(MALFORMED)?;
            let token = |c: u8| c.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&c);
            let text = |c: u8| c == b'\t' || c == b' ' || c.is_ascii_graphic();
            if name.is_empty() || !name.bytes().all(token) || !value.bytes().all(text) {
                return Err(MALFORMED);
            }
            if fields.len() == FIELDS_MAX {
                return Err(Unread::Refused(431, "too many header fields"));
            }
            fields.push((name, value.trim_matches([' ', '\t'])));
        }
        Ok(Self(fields))
    }

    /// The value of a field that may be there once.
    fn one(&self, name: &str) -> Result<Option<&'a str>, Unread> {
        let mut values = self.0.iter().filter(|(n, _)| n.eq_ignore_ascii_case(name));
        match (values.next(), values.next()) {
            (first, None) => Ok(first.map(|(_, value)| *value)),
            (_, Some(_)) => Err(MALFORMED),
        }
    }

    /// The length of the body (RFC 9112, 6.3), which only one field may tell.
    fn body_bytes(&self) -> Result<usize, Unread> {
        if self.one("transfer-encoding")?.is_some() {
            return Err(Unread::Refused(501, "no transfer codings"));
        }
        let Some(length) = self.one("content-length")? else {
            return Ok(0);
        };
        if length.is_empty() || !length.bytes().all(|c| c.is_ascii_digit()) {
            return Err(MALFORMED);
        }
        // Digits that are no number are a number too large.
        match length.parse() {
            Ok(length) if length <= BODY_BYTES_MAX => Ok(length),
            Ok(_) | Err(_) => Err(Unread::Refused(413, "the body is too long")),
        }
    }
}

/// An answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Response {
    /// The status.
    pub(super) status: u16,
    content_type: &'static str,
    body: Vec<u8>,
}

impl Response {
    /// With JSON.
    pub(super) fn json(status: u16, value: &Value) -> Self {
        Self {
            status,
            content_type: "application/json",
            body: format!("{value}\n").into_bytes(),
        }
    }

    /// With text for people.
    pub(super) fn text(status: u16, text: &str) -> Self {
        Self {
            status,
            content_type: "text/plain; charset=utf-8",
            body: format!("{text}\n").into_bytes(),
        }
    }

    /// With the JSON of an error.
    pub(super) fn error(status: u16, detail: &str) -> Self {
        Self::json(status, &serde_json::json!({ "error": detail }))
    }

    /// Sends it.
    pub(super) fn write(&self, stream: &mut impl Write) -> io::Result<()> {
        let mut bytes = format!(
            "HTTP/1.1 {} {}\r\nContent-Type: {}\r\nContent-Length: {}\r\n\
             Cache-Control: no-store\r\nConnection: close\r\n\r\n",
            self.status,
            reason(self.status),
            self.content_type,
            self.body.len(),
        )
        .into_bytes();
        bytes.extend_from_slice(&self.body);
        stream.write_all(&bytes)
    }
}

/// The words beside a status; they mean nothing to a program and may be missing.
const fn reason(status: u16) -> &'static str {
    match status {
        200 => "OK",
        202 => "Accepted",
        400 => "Bad Request",
        401 => "Unauthorized",
        404 => "Not Found",
        405 => "Method Not Allowed",
        408 => "Request Timeout",
        409 => "Conflict",
        413 => "Content Too Large",
        415 => "Unsupported Media Type",
        421 => "Misdirected Request",
        422 => "Unprocessable Content",
        431 => "Request Header Fields Too Large",
        500 => "Internal Server Error",
        501 => "Not Implemented",
        503 => "Service Unavailable",
        505 => "HTTP Version Not Supported",
        _ => "",
    }
}
