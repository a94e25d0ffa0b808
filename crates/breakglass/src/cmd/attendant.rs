//! Notices, on the terminal.

use crate::{
    actor::{Attendant, Notice},
    output::Output,
};

/// Tells the person at the terminal.
#[derive(Debug)]
pub(super) struct Terminal {
    output: Output,
}

impl Terminal {
    pub(super) const fn new(output: Output) -> Self {
        Self { output }
    }
}

impl Attendant for Terminal {
    fn notice(&mut self, notice: &Notice) {
        match notice {
            Notice::Touch { key, kind } => {
                let what = kind.word();
                self.output
                    .warn(&format!("touch your key {key} to sign the {what}"));
            }
            Notice::ClocksDiffer { own, server, used } => {
                let whose = if used == own {
                    "this machine's"
                } else {
                    "the server's"
                };
                self.output.warn(&format!(
                    "warning: this machine says {own}, the server {server}; signing with {whose} time"
                ));
            }
            Notice::SessionBegun => self.output.say("a session begins, for 8 hours"),
            Notice::SessionRenewed => {
                self.output.say("the session was over; a new one begins");
            }
            Notice::PostedAgain { kind } => {
                let what = kind.word();
                self.output.say(&format!(
                    "the answer was lost, posting the same {what} again"
                ));
            }
        }
    }
}
