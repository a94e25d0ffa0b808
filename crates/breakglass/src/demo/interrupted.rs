//! Ctrl-C is how people end something that stays up: then, too, nothing is left behind.

use std::{
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
};

use rustix::process::{Pid, Signal, kill_process};

use tokio::signal::unix::{SignalKind, signal};

/// Exit status after SIGINT, as a shell would give it.
const EXIT_INTERRUPTED: i32 = 130;

/// A process that must not outlive us, once there is one.
pub(super) type Companion = Arc<Mutex<Option<Pid>>>;

/// Removes the folder and ends the process, and its companion, when it is interrupted, terminated
/// or hung up.
pub(super) fn clear_away(dir: PathBuf, companion: Companion) -> std::io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let watch = move || {
        runtime.block_on(async {
            let kinds = (
                SignalKind::interrupt(),
                SignalKind::terminate(),
                SignalKind::hangup(),
            );
            let signals = (signal(kinds.0), signal(kinds.1), signal(kinds.2));
            let (Ok(mut interrupt), Ok(mut terminate), Ok(mut hangup)) = signals else {
                return;
            };
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
                _ = hangup.recv() => {}
            }
            let companion = companion.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(companion) = *companion {
                // The fast shutdown; it may have gone by itself.
                let _ = kill_process(companion, Signal::INT);
            }
            // What is being written at this moment can make the first try fail.
            while std::fs::remove_dir_all(&dir).is_err() && dir.exists() {
                std::thread::yield_now();
            }
            std::process::exit(EXIT_INTERRUPTED);
        });
    };
    std::thread::Builder::new()
        .name("interrupted".to_owned())
        .spawn(watch)
        .map(|_| ())
}
