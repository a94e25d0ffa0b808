//! Something between a client and its server that alters or loses answers.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    sync::{Arc, Mutex},
};

/// What becomes of an answer to `POST /v1/…` or `GET /v1/…`: its body, another one, or none, in
/// which case the connection breaks after the server did what it was asked.
pub(crate) type Meddle = Box<dyn FnMut(&str, Vec<u8>) -> Option<Vec<u8>> + Send>;

/// A proxy on a free port. Its threads end with the test process.
pub(crate) struct Proxy {
    pub(crate) url: String,
    meddle: Arc<Mutex<Meddle>>,
}

impl Proxy {
    /// In front of a server, altering nothing yet.
    pub(crate) fn before(server: &str) -> Self {
        let upstream = server.strip_prefix("http://").unwrap().to_owned();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let honest: Meddle = Box::new(|_, body| Some(body));
        let meddle = Arc::new(Mutex::new(honest));
        let shared = Arc::clone(&meddle);
        std::thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let (upstream, meddle) = (upstream.clone(), Arc::clone(&shared));
                std::thread::spawn(move || serve(client, &upstream, &meddle));
            }
        });
        Self { url, meddle }
    }

    /// From now on does this to answers.
    pub(crate) fn meddle(
        &self,
        meddle: impl FnMut(&str, Vec<u8>) -> Option<Vec<u8>> + Send + 'static,
    ) {
        *self.meddle.lock().unwrap() = Box::new(meddle);
    }
}

/// One request per connection; the client opens the next one by itself.
fn serve(mut client: TcpStream, upstream: &str, meddle: &Mutex<Meddle>) -> Option<()> {
    let (head, body) = message(&client)?;
    let line = head.lines().next()?.to_owned();
    let target = line.rsplit_once(' ')?.0.to_owned();
    let mut server = TcpStream::connect(upstream).ok()?;
    server.write_all(head.as_bytes()).ok()?;
    server.write_all(&body).ok()?;
    let (head, body) = message(&server)?;
    let body = (meddle.lock().ok()?)(&target, body)?;
    let kept = head.lines().take_while(|l| !l.is_empty()).filter(|l| {
        let name = l.split(':').next().unwrap_or_default();
        !["content-length", "connection"].contains(&name.to_ascii_lowercase().as_str())
    });
    let mut answer: String = kept.map(|l| format!("{l}\r\n")).collect();
    answer.push_str(&format!(
        "content-length: {}\r\nconnection: close\r\n\r\n",
        body.len()
    ));
    client.write_all(answer.as_bytes()).ok()?;
    client.write_all(&body).ok()
}

/// Head with its empty line, and body by its content-length.
fn message(stream: &TcpStream) -> Option<(String, Vec<u8>)> {
    let mut reader = BufReader::new(stream);
    let (mut head, mut length) = (String::new(), 0);
    loop {
        let start = head.len();
        if reader.read_line(&mut head).ok()? == 0 {
            return None;
        }
        let line = head[start..].trim_end().to_ascii_lowercase();
        if let Some(value) = line.strip_prefix("content-length:") {
            length = value.trim().parse().ok()?;
        }
        if line.is_empty() {
            break;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some((head, body))
}
