//! Ctrl-C is how people end something that stays up: then, too, nothing is left behind.

use std::path::PathBuf;

use tokio::signal::unix::{SignalKind, signal};

/// Exit status after SIGINT, as a shell would give it.
const EXIT_INTERRUPTED: i32 = 130;

/// Removes the folder and ends the process when it is interrupted, terminated or hung up.
pub(super) fn clear_away(dir: PathBuf) -> std::io::Result<()> {
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
