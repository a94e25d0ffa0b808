//! Whoever only looks at the log: connections and threads of their own, so that no flood of
//! questions stands between the engine and what people sign.

use std::sync::{Arc, Mutex, PoisonError, mpsc};

use breakglass_store::{SqliteReader, View};
use tokio::sync::oneshot;

use crate::engine::{EngineHandle, Rejection};

/// Threads that read.
pub(crate) const READERS: usize = 2;
/// Questions that wait at most; more are turned away with "busy", none is dropped.
const QUEUE: usize = 1024;

type Question = Box<dyn FnOnce(&SqliteReader) + Send>;

/// What a reading thread is asked to do.
enum Job {
    Read(Question),
    Stop,
}

/// A hand-hold on the readers.
#[derive(Debug, Clone)]
pub(crate) struct Readers {
    jobs: mpsc::SyncSender<Job>,
    engine: EngineHandle,
}

/// The reading threads, to be ended before the engine, which closes the ledger.
#[derive(Debug)]
pub(crate) struct Threads {
    jobs: mpsc::SyncSender<Job>,
    threads: Vec<std::thread::JoinHandle<()>>,
}

impl Readers {
    /// Starts a thread for each connection.
    pub(crate) fn start(
        engine: &EngineHandle,
        connections: Vec<SqliteReader>,
    ) -> std::io::Result<(Self, Threads)> {
        let (jobs, queue) = mpsc::sync_channel(QUEUE);
        let queue = Arc::new(Mutex::new(queue));
        let mut threads = Vec::new();
        for connection in connections {
            let queue = queue.clone();
            let thread = std::thread::Builder::new().name("reader".to_owned());
            threads.push(thread.spawn(move || serve(&connection, &queue))?);
        }
        let readers = Self {
            jobs: jobs.clone(),
            engine: engine.clone(),
        };
        Ok((readers, Threads { jobs, threads }))
    }

    /// Reads from the log as far as it is published when the reading begins: at least as far as
    /// whoever asks has seen it.
    pub(crate) async fn read<T: Send + 'static>(
        &self,
        read: impl FnOnce(&View<'_>) -> T + Send + 'static,
    ) -> Result<T, Rejection> {
        let (reply, answer) = oneshot::channel();
        let engine = self.engine.clone();
        let job = Job::Read(Box::new(move |reader| {
            let published = engine.published();
            // Whoever asked may have gone; then nobody needs the answer.
            let _ = reply.send(read(&reader.at(&published.snapshot)));
        }));
        self.jobs.try_send(job).map_err(|error| match error {
            mpsc::TrySendError::Full(_) => Rejection::Busy,
            mpsc::TrySendError::Disconnected(_) => Rejection::Stopped,
        })?;
        answer.await.map_err(|_| Rejection::Stopped)
    }
}

impl Threads {
    /// Ends them, after what waits already.
    pub(crate) fn stop(&mut self) {
        for _ in &self.threads {
            let _ = self.jobs.send(Job::Stop);
        }
        for thread in self.threads.drain(..) {
            // A thread that panicked has nothing left to be waited for.
            let _ = thread.join();
        }
    }
}

fn serve(connection: &SqliteReader, queue: &Mutex<mpsc::Receiver<Job>>) {
    loop {
        let next = queue.lock().unwrap_or_else(PoisonError::into_inner).recv();
        match next {
            Ok(Job::Read(read)) => read(connection),
            Ok(Job::Stop) | Err(_) => return,
        }
    }
}
