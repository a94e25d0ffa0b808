//! The shop's control plane: the normal way to deploy, as far as anybody can ask it how it is. A
//! pager that takes every page is made of the same.
//!
//! It answers, until it is gone: then nothing listens at its address any more.

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread::JoinHandle,
};

use super::DemoError;

const ANSWER: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nConnection: close\r\n\r\nup\n";

/// A control plane that answers until it is taken away.
#[derive(Debug)]
pub struct ControlPlane {
    address: SocketAddr,
    gone: Arc<AtomicBool>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl ControlPlane {
    /// Listens on a free port of this machine.
    pub fn open() -> Result<Self, DemoError> {
        let failed = |e: std::io::Error| DemoError::Make(format!("the control plane: {e}"));
        let listener = TcpListener::bind("127.0.0.1:0").map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let gone = Arc::new(AtomicBool::new(false));
        let seen = gone.clone();
        let thread = std::thread::spawn(move || {
            for stream in listener.incoming() {
                if seen.load(Ordering::SeqCst) {
                    return;
                }
                if let Ok(stream) = stream {
                    // Whoever hangs up got what they came for.
                    let _ = answer(&stream);
                }
            }
        });
        Ok(Self {
            address,
            gone,
            thread: Mutex::new(Some(thread)),
        })
    }

    /// Where it answers how it is.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}/healthz", self.address)
    }

    /// Takes it away: connections are refused from now on.
    pub fn take_away(&self) {
        let thread = self
            .thread
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        if let Some(thread) = thread {
            self.gone.store(true, Ordering::SeqCst);
            // Wakes it, so that it sees that it is gone.
            let _ = TcpStream::connect(self.address);
            let _ = thread.join();
        }
    }
}

impl Drop for ControlPlane {
    fn drop(&mut self) {
        self.take_away();
    }
}

fn answer(stream: &TcpStream) -> std::io::Result<()> {
    stream.set_read_timeout(Some(std::time::Duration::from_secs(2)))?;
    let mut reader = BufReader::new(stream);
    let mut body = 0;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        let (name, value) = line.split_once(':').unwrap_or((line.trim(), ""));
        if name.eq_ignore_ascii_case("content-length") {
            body = value.trim().parse().unwrap_or(0);
        }
        if line.trim().is_empty() {
            break;
        }
    }
    std::io::copy(&mut reader.take(body), &mut std::io::sink())?;
    let mut stream = stream;
    stream.write_all(ANSWER)
}
