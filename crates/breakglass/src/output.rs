//! What goes where: data to standard output, everything else to standard error.

pub mod escape;
pub mod progress;
pub mod prompt;
pub mod screen;
pub mod table;

use std::{
    io::{ErrorKind, IsTerminal, Write},
    sync::atomic::{AtomicBool, Ordering},
};

use breakglass_format::canonical;
use serde::Serialize;
use serde_json::{Value, json};

use crate::{actor::Outcome, hint::Failure, review::Row};

pub use escape::{line, prose};
pub use progress::Bar;
pub use screen::Screen;

/// Whether data could not be written: then the program must not end as if they had been.
static LOST: AtomicBool = AtomicBool::new(false);

/// Whether some of the data did not reach standard output.
#[must_use]
pub fn data_lost() -> bool {
    let flushed = std::io::stdout().flush();
    let broken = |e: &std::io::Error| e.kind() == ErrorKind::BrokenPipe;
    LOST.load(Ordering::Relaxed) || flushed.is_err_and(|e| !broken(&e))
}

/// Standard output and standard error, as the command line uses them.
#[derive(Debug, Clone, Copy)]
pub struct Output {
    json: bool,
    colour: bool,
}

/// How a line on standard error is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tone {
    /// As it says.
    Plain,
    /// To be noticed.
    Warning,
}

impl Output {
    /// JSON or text; colour only on a terminal and where `NO_COLOR` does not forbid it.
    #[must_use]
    pub fn new(json: bool) -> Self {
        let wanted = std::env::var_os("NO_COLOR").is_none_or(|v| v.is_empty());
        Self {
            json,
            colour: wanted && std::io::stderr().is_terminal(),
        }
    }

    /// Whether data are wanted as JSON.
    #[must_use]
    pub const fn is_json(self) -> bool {
        self.json
    }

    /// A line of data.
    pub fn data(self, text: &str) {
        match writeln!(std::io::stdout(), "{text}") {
            Ok(()) => {}
            // Whoever closed the pipe has read enough.
            Err(error) if error.kind() == ErrorKind::BrokenPipe => {}
            Err(_) => LOST.store(true, Ordering::Relaxed),
        }
    }

    /// Data as JSON, on one line.
    pub fn json(self, value: &impl Serialize) {
        self.data(&serde_json::to_string(value).unwrap_or_default());
    }

    /// A line for the person at the terminal; nothing where programs read.
    pub fn say(self, text: &str) {
        if !self.json {
            self.toned(Tone::Plain, text);
        }
    }

    /// A line that must not be overlooked.
    pub fn warn(self, text: &str) {
        if self.json {
            // The key says what it is.
            let text = text.strip_prefix("warning: ").unwrap_or(text);
            complain(&json!({"warning": text}));
        } else {
            self.toned(Tone::Warning, text);
        }
    }

    /// What somebody is about to sign, line by line.
    pub fn review(self, rows: &[Row]) {
        if self.json {
            let rows: Vec<Value> = rows
                .iter()
                .map(|r| json!({"label": r.label, "text": r.text, "warning": r.tone == Tone::Warning}))
                .collect();
            complain(&json!({"review": rows}));
            return;
        }
        for row in rows {
            self.toned(row.tone, &row.to_string());
        }
    }

    /// A text that somebody is about to sign, line by line.
    pub fn document(self, lines: &[String]) {
        if self.json {
            complain(&json!({"review": lines}));
            return;
        }
        for text in lines {
            self.toned(Tone::Plain, text);
        }
    }

    /// A line in a tone; red for a warning.
    fn toned(self, tone: Tone, text: &str) {
        let mut out = std::io::stderr();
        let _ = match tone {
            Tone::Warning if self.colour => writeln!(out, "\u{1b}[1;31m{text}\u{1b}[0m"),
            Tone::Warning | Tone::Plain => writeln!(out, "{text}"),
        };
    }

    /// Why nothing came of it, and what to do: two lines, or one JSON object.
    pub fn failure(self, failure: &Failure) {
        if self.json {
            complain(&failure.to_json());
            return;
        }
        self.warn(&format!("error: {}", prose(failure.message())));
        if let Some(hint) = failure.next() {
            self.say(&format!("hint: {}", prose(hint)));
        }
    }

    /// One word of data, or the same with its particulars as JSON.
    pub fn answer(self, word: &str, value: &Value) {
        if self.json {
            self.json(value);
        } else {
            self.data(word);
        }
    }

    /// What came of a statement: its entries as JSON, or one word of data and a sentence.
    pub fn outcome(self, outcome: &Outcome, word: &str, sentence: &str) {
        if self.json {
            self.json(&entries(outcome));
            return;
        }
        self.data(word);
        let again = if outcome.repeated() { " before" } else { "" };
        let indices: Vec<String> = outcome
            .received()
            .iter()
            .map(|r| r.index.to_string())
            .collect();
        let noun = if indices.len() == 1 {
            "entry"
        } else {
            "entries"
        };
        let indices = indices.join(", ");
        self.say(&format!(
            "{sentence}; recorded{again} as {noun} {indices}, proven"
        ));
    }
}

/// A line for programs on standard error. What it says is escaped by JSON.
fn complain(value: &Value) {
    let _ = writeln!(std::io::stderr(), "{value}");
}

/// The entries of an outcome as JSON.
#[must_use]
pub fn entries(outcome: &Outcome) -> Value {
    let entries: Vec<Value> = outcome
        .received()
        .iter()
        .map(|r| {
            let entry = r.entry.to_bytes().unwrap_or_default();
            let entry = canonical::parse(&entry, entry.len()).unwrap_or(Value::Null);
            json!({"index": r.index, "leaf": r.leaf.to_string(), "entry": entry})
        })
        .collect();
    json!({"entries": entries, "repeated": outcome.repeated()})
}
