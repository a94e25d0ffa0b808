//! The engine by itself, without sockets and without anybody's statements: what the log takes, and
//! nothing else. For `cargo xtask bench log` only.

use std::{path::Path, sync::Arc};

use breakglass_core::Command;
use breakglass_format::{Digest, Line, Name};
use breakglass_store::{Reserve, SqliteLedger};
use breakglass_tlog::SigningKey;

use super::{Engine, EngineHandle, Wiring, bootstrap};
use crate::{clock::SystemClock, genesis::Genesis};

/// Bytes of its reserve, as a server has by default.
const RESERVE: u64 = 16 << 20;

/// An engine over a new log.
#[derive(Debug)]
pub struct LoneEngine {
    handle: EngineHandle,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl LoneEngine {
    /// Begins a log in a folder with the genesis in another.
    ///
    /// # Errors
    /// What went wrong, in words: a benchmark ends with it.
    pub fn begin(dir: &Path, genesis: &Path, pin: Digest, key: SigningKey) -> Result<Self, String> {
        let path = dir.join("log.db");
        let ledger = SqliteLedger::create(&path, &key).map_err(|e| e.to_string())?;
        let genesis = Genesis::read(genesis).map_err(|e| e.to_string())?;
        let opened =
            bootstrap(ledger, &genesis, pin, &SystemClock, &key).map_err(|e| e.to_string())?;
        let authorities = opened.authorities.clone().ok_or("no authority")?;
        let wiring = Wiring {
            clock: Arc::new(SystemClock),
            log_key: key,
            read_only: None,
            on_fatal: Box::new(panic_in_a_benchmark),
        };
        let disk = Box::new(Reserve::beside(&path, RESERVE));
        let (handle, thread) =
            Engine::start(opened, authorities, wiring, disk).map_err(|e| e.to_string())?;
        Ok(Self {
            handle,
            thread: Some(thread),
        })
    }

    /// Records one entry with this text in it, and gives the entry and its receipt.
    ///
    /// # Errors
    /// Why not, in words.
    pub async fn record(&self, who: &Name, text: &Line) -> Result<(Vec<u8>, String), String> {
        let report = Command::SinkReport {
            sink: who.clone(),
            working: true,
            detail: text.clone(),
        };
        let outcome = self.handle.submit(report, Vec::new(), None).await;
        let mut entries = outcome.map_err(|e| e.to_string())?.entries;
        let proven = entries.pop().ok_or("nothing was recorded")?;
        Ok((proven.bytes, proven.proof))
    }
}

#[expect(
    clippy::panic,
    reason = "a benchmark whose log fails has nothing to measure"
)]
fn panic_in_a_benchmark(detail: &str) {
    panic!("{detail}");
}

impl Drop for LoneEngine {
    fn drop(&mut self) {
        self.handle.stop();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
