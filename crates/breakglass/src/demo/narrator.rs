//! What the audience reads: at a readable pace on a terminal, at once where nobody watches.

use std::{
    io::{self, IsTerminal as _, Write as _},
    time::Duration,
};

/// Between two lines, on a terminal.
const LINE_PAUSE: Duration = Duration::from_millis(350);
/// Before a new scene, on a terminal.
const SCENE_PAUSE: Duration = Duration::from_millis(900);

/// Tells the story on standard output.
#[derive(Debug)]
pub(super) struct Narrator {
    paced: bool,
    colour: bool,
}

impl Narrator {
    /// Paced and coloured on a terminal, plain everywhere else.
    pub(super) fn for_terminal() -> Self {
        let terminal = io::stdout().is_terminal();
        let plain = std::env::var_os("NO_COLOR").is_some_and(|v| !v.is_empty());
        Self {
            paced: terminal,
            colour: terminal && !plain,
        }
    }

    fn write(&mut self, text: &str) {
        let mut out = io::stdout().lock();
        // Nobody left to tell: the play goes on, its exit status still says how it ended.
        let _ = writeln!(out, "{text}");
        let _ = out.flush();
    }

    fn pause(&self, how_long: Duration) {
        if self.paced {
            std::thread::sleep(how_long);
        }
    }

    fn paint(&self, code: &str, text: &str) -> String {
        if self.colour {
            format!("\x1b[{code}m{text}\x1b[0m")
        } else {
            text.to_owned()
        }
    }

    /// A new scene.
    pub(super) fn scene(&mut self, title: &str) {
        self.pause(SCENE_PAUSE);
        let title = self.paint("1", title);
        self.write("");
        self.write(&title);
    }

    /// A line of the story.
    pub(super) fn line(&mut self, text: &str) {
        self.pause(LINE_PAUSE);
        self.write(&if text.is_empty() {
            String::new()
        } else {
            format!("  {text}")
        });
    }

    /// Something that must have been refused, and was.
    pub(super) fn refused(&mut self, attempt: &str, code: &str, detail: &str) {
        self.pause(LINE_PAUSE);
        let code = self.paint("31", &format!("refused: {code}"));
        self.write(&format!("  {attempt}"));
        self.write(&format!("      {code}: {detail}"));
    }

    /// Something that was checked and holds.
    pub(super) fn holds(&mut self, what: &str) {
        self.pause(LINE_PAUSE);
        let mark = self.paint("32", "ok");
        self.write(&format!("  {mark}  {what}"));
    }
}
