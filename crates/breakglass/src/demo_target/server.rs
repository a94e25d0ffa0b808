//! The listener: a fixed number of threads, each with one connection at a time.

use std::{
    io::{self, Read as _},
    net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream},
    num::NonZeroU64,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread,
    time::Duration,
};

use thiserror::Error;

use super::{
    app::App,
    file::FileError,
    http::{self, Method, Response, Unread},
    order::{Order, Ticket},
    state::State,
};

/// Connections at a time; more wait with the system.
const THREADS: usize = 8;
/// How long one read or write may take.
const IO_TIMEOUT: Duration = Duration::from_secs(5);
/// How long a peer may take to close after the answer, per read.
const LINGER_TIMEOUT: Duration = Duration::from_millis(500);
/// Reads of what a refused peer still sends.
const LINGER_READS: usize = 16;
/// Failures to accept, in a row, after which a thread gives up.
const ACCEPT_FAILURES_MAX: usize = 100;

/// What goes wrong on purpose.
#[derive(Debug, Default)]
pub(super) struct Faults {
    /// The change after which the connection is closed without an answer, from 1.
    pub(super) drop_answer_after_change: Option<NonZeroU64>,
    /// While this file exists, every answer is 503.
    pub(super) away: Option<PathBuf>,
}

/// Why nothing is served.
#[derive(Debug, Error)]
pub(super) enum ServerError {
    /// The folder.
    #[error(transparent)]
    File(#[from] FileError),
    /// The socket.
    #[error("cannot listen on 127.0.0.1: {0}")]
    Listen(#[source] io::Error),
    /// A thread.
    #[error("cannot start a thread: {0}")]
    Thread(#[source] io::Error),
}

/// A shop with a port, where nobody answers yet.
#[derive(Debug)]
pub(super) struct Server {
    shared: Shared,
}

/// A shop that is served until this is dropped. That does not wait for answers under way.
#[derive(Debug)]
pub(super) struct Running {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    /// One thread at a time accepts, so that the order of tickets is that of connections.
    listener: Mutex<TcpListener>,
    order: Order,
    address: SocketAddr,
    app: App,
    faults: Faults,
    changes: AtomicU64,
    over: AtomicBool,
}

impl Server {
    /// Opens a folder and takes a free port on loopback.
    pub(super) fn bind(dir: &Path, faults: Faults) -> Result<Self, ServerError> {
        let state = State::open(dir)?;
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).map_err(ServerError::Listen)?;
        let address = listener.local_addr().map_err(ServerError::Listen)?;
        Ok(Self {
            shared: Shared {
                listener: Mutex::new(listener),
                order: Order::default(),
                address,
                app: App::new(state),
                faults,
                changes: AtomicU64::new(0),
                over: AtomicBool::new(false),
            },
        })
    }

    /// Begins to answer.
    pub(super) fn start(self) -> Result<Running, ServerError> {
        let running = Running {
            shared: Arc::new(self.shared),
        };
        for _ in 0..THREADS {
            let shared = Arc::clone(&running.shared);
            thread::Builder::new()
                .spawn(move || shared.work())
                .map_err(ServerError::Thread)?;
        }
        Ok(running)
    }
}

impl Running {
    /// The port.
    pub(super) fn port(&self) -> u16 {
        self.shared.address.port()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.shared.over.store(true, Ordering::SeqCst);
        for _ in 0..THREADS {
            // Wakes a thread that waits for a connection; where it fails, none waits.
            let _ = TcpStream::connect_timeout(&self.shared.address, LINGER_TIMEOUT);
        }
    }
}

impl Shared {
    fn work(&self) {
        let mut failures = 0;
        while failures < ACCEPT_FAILURES_MAX {
            let accepted = self.accept();
            if self.over.load(Ordering::SeqCst) {
                return;
            }
            match accepted {
                Ok((stream, ticket)) => {
                    failures = 0;
                    // A peer that is gone misses its answer, and knows.
                    let _ = self.converse(stream, ticket);
                }
                Err(_) => failures += 1,
            }
        }
    }

    fn accept(&self) -> io::Result<(TcpStream, Ticket<'_>)> {
        let listener = self.listener.lock();
        let listener = listener.unwrap_or_else(PoisonError::into_inner);
        let (stream, _) = listener.accept()?;
        Ok((stream, self.order.next()))
    }

    fn converse(&self, mut stream: TcpStream, ticket: Ticket<'_>) -> io::Result<()> {
        stream.set_read_timeout(Some(IO_TIMEOUT))?;
        stream.set_write_timeout(Some(IO_TIMEOUT))?;
        let response = match http::read(&mut stream) {
            Ok(request) => self.answer(&request, &ticket),
            Err(Unread::Refused(status, detail)) => Some(Response::error(status, detail)),
            Err(Unread::Gone) => None,
        };
        drop(ticket);
        let Some(response) = response else {
            return Ok(());
        };
        response.write(&mut stream)?;
        linger(&mut stream)
    }

    /// `None`: the connection is closed without an answer.
    fn answer(&self, request: &http::Request, ticket: &Ticket<'_>) -> Option<Response> {
        if self.faults.away.as_deref().is_some_and(Path::exists) {
            return Some(Response::error(503, "the shop is away"));
        }
        if !self.is_me(&request.host) {
            return Some(Response::error(421, "that is not my name"));
        }
        if request.method == Method::Get && request.path.starts_with("/operations/") {
            ticket.wait_for_earlier();
        }
        let outcome = self.app.answer(request);
        if outcome.changed {
            let nth = self.changes.fetch_add(1, Ordering::SeqCst) + 1;
            let dropped = self.faults.drop_answer_after_change;
            if dropped.is_some_and(|at| at.get() == nth) {
                return None;
            }
        }
        Some(outcome.response)
    }

    /// A page of elsewhere whose name was made to lead to loopback (DNS rebinding) sends that
    /// name.
    fn is_me(&self, host: &str) -> bool {
        let port = self.address.port();
        host == self.address.to_string() || host == format!("localhost:{port}")
    }
}

/// Closes in order: a socket that is closed with unread bytes takes the answer back.
fn linger(stream: &mut TcpStream) -> io::Result<()> {
    stream.shutdown(Shutdown::Write)?;
    stream.set_read_timeout(Some(LINGER_TIMEOUT))?;
    let mut rest = [0; 4096];
    for _ in 0..LINGER_READS {
        if stream.read(&mut rest)? == 0 {
            break;
        }
    }
    Ok(())
}
