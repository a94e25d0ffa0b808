//! A proxy that ends TLS and sees everything: it relays bytes, keeps them, and can lose answers.

use std::{
    io::{Read as _, Write as _},
    net::{Shutdown, SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc, Mutex, MutexGuard,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
    thread::JoinHandle,
};

use super::wire::address;

/// What passed through one connection.
#[derive(Debug, Default)]
struct Tape {
    up: Mutex<Vec<u8>>,
    down: Mutex<Vec<u8>>,
    /// The next answer does not reach the client.
    lost: AtomicBool,
}

/// What the proxy shares with its threads.
#[derive(Debug)]
struct Shared {
    server: SocketAddr,
    tapes: Mutex<Vec<Arc<Tape>>>,
    /// How many more answers to checkouts get lost.
    to_lose: AtomicU32,
    over: AtomicBool,
}

/// The relay. It ends when it is dropped.
#[derive(Debug)]
pub(crate) struct Relay {
    pub(crate) url: String,
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

/// A POST as it was sent.
#[derive(Debug, Clone)]
pub(crate) struct Posted {
    pub(crate) path: String,
    /// Head and body, byte for byte.
    pub(crate) bytes: Vec<u8>,
    pub(crate) body: serde_json::Value,
}

impl Relay {
    /// A proxy before a server.
    pub(crate) fn before(server: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let shared = Arc::new(Shared {
            server: address(server),
            tapes: Mutex::default(),
            to_lose: AtomicU32::new(0),
            over: AtomicBool::new(false),
        });
        let of_thread = shared.clone();
        let thread = std::thread::spawn(move || {
            for client in listener.incoming() {
                if of_thread.over.load(Ordering::SeqCst) {
                    return;
                }
                let Ok(client) = client else { continue };
                relay(&of_thread, client);
            }
        });
        Self {
            url,
            shared,
            thread: Some(thread),
        }
    }

    /// The next answers to checkouts get lost on their way back.
    pub(crate) fn lose_checkouts(&self, answers: u32) {
        self.shared.to_lose.store(answers, Ordering::SeqCst);
    }

    /// Everything that passed, both ways.
    pub(crate) fn recorded(&self) -> Vec<Vec<u8>> {
        let tapes = lock(&self.shared.tapes);
        let both = tapes.iter().flat_map(|t| [&t.up, &t.down]);
        both.map(|bytes| lock(bytes).clone()).collect()
    }

    /// Every POST that passed, in order.
    pub(crate) fn posts(&self) -> Vec<Posted> {
        let tapes = lock(&self.shared.tapes);
        tapes.iter().flat_map(|t| posts(&lock(&t.up))).collect()
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.shared.over.store(true, Ordering::SeqCst);
        // Wakes the thread, so that it sees that it is over.
        let _ = TcpStream::connect(address(&self.url));
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap()
}

fn relay(shared: &Arc<Shared>, client: TcpStream) {
    let server = TcpStream::connect(shared.server).unwrap();
    let tape = Arc::new(Tape::default());
    lock(&shared.tapes).push(tape.clone());
    let (client_back, server_back) = (client.try_clone().unwrap(), server.try_clone().unwrap());
    let (up, of_up) = (tape.clone(), shared.clone());
    std::thread::spawn(move || {
        pump(client, &server, |piece| {
            lock(&up.up).extend(piece);
            if piece.starts_with(b"POST /v1/checkouts ") {
                let left = &of_up.to_lose;
                let lose =
                    left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |n| n.checked_sub(1));
                up.lost.store(lose.is_ok(), Ordering::SeqCst);
            }
            true
        });
    });
    std::thread::spawn(move || {
        pump(server_back, &client_back, |piece| {
            lock(&tape.down).extend(piece);
            !tape.lost.load(Ordering::SeqCst)
        });
    });
}

/// Carries bytes from one side to the other, as long as whoever looks at them lets them pass.
fn pump(mut from: TcpStream, mut to: &TcpStream, mut look: impl FnMut(&[u8]) -> bool) {
    let mut piece = [0; 16 * 1024];
    while let Ok(n) = from.read(&mut piece) {
        if n == 0 || !look(&piece[..n]) || to.write_all(&piece[..n]).is_err() {
            break;
        }
    }
    let _ = to.shutdown(Shutdown::Both);
    let _ = from.shutdown(Shutdown::Both);
}

/// The POSTs in what one client sent over one connection.
fn posts(mut bytes: &[u8]) -> Vec<Posted> {
    let mut found = Vec::new();
    while let Some(end) = bytes.windows(4).position(|w| w == b"\r\n\r\n") {
        let head = String::from_utf8(bytes[..end].to_vec()).unwrap();
        let length = head.lines().find_map(|line| {
            let (name, value) = line.split_once(':')?;
            let is_length = name.eq_ignore_ascii_case("content-length");
            is_length.then(|| value.trim().parse::<usize>().unwrap())
        });
        assert!(
            !head.to_ascii_lowercase().contains("transfer-encoding"),
            "{head}"
        );
        let (start, length) = (end + 4, length.unwrap_or(0));
        let (whole, rest) = bytes.split_at(start + length);
        bytes = rest;
        if let Some(path) = head.strip_prefix("POST ") {
            found.push(Posted {
                path: path.split(' ').next().unwrap().to_owned(),
                bytes: whole.to_vec(),
                body: serde_json::from_slice(&whole[start..]).unwrap(),
            });
        }
    }
    found
}
