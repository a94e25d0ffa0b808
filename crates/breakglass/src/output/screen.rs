//! How much room there is, and from when on times are told: on a terminal in words and within its
//! width, for everything else exact and whole.

use std::{io::IsTerminal, os::fd::AsFd};

use breakglass_format::Timestamp;

/// Where a terminal does not say how wide it is.
const USUAL_COLUMNS: usize = 80;

/// What data are shown on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Screen {
    /// A person looks at it.
    Terminal {
        /// How many characters fit on a line.
        columns: usize,
        /// By which times are told.
        now: Timestamp,
    },
    /// A pipe or a file.
    Plain,
}

impl Screen {
    /// Standard output; `now` is asked for only where a person looks.
    #[must_use]
    pub fn of_stdout(now: impl FnOnce() -> Timestamp) -> Self {
        let stdout = std::io::stdout();
        if !stdout.is_terminal() {
            return Self::Plain;
        }
        let size = rustix::termios::tcgetwinsize(stdout.as_fd());
        let columns = size.map_or(0, |size| usize::from(size.ws_col));
        Self::Terminal {
            columns: if columns == 0 { USUAL_COLUMNS } else { columns },
            now: now(),
        }
    }

    /// How wide a line may be; none where it does not matter.
    #[must_use]
    pub const fn columns(self) -> Option<usize> {
        match self {
            Self::Terminal { columns, .. } => Some(columns),
            Self::Plain => None,
        }
    }

    /// A time for a column: `in 3 h 12 min`, or exact.
    #[must_use]
    pub fn when(self, at: Timestamp) -> String {
        match self {
            Self::Terminal { now, .. } => relative(at, now),
            Self::Plain => at.to_string(),
        }
    }

    /// A time on a line of its own: exact, and in words where a person looks.
    #[must_use]
    pub fn exactly(self, at: Timestamp) -> String {
        match self {
            Self::Terminal { now, .. } => format!("{at} ({})", relative(at, now)),
            Self::Plain => at.to_string(),
        }
    }
}

/// `in 3 h 12 min`, `5 min ago`, `now`.
fn relative(at: Timestamp, now: Timestamp) -> String {
    let seconds = at.since_ms(now) / 1000;
    let length = length(seconds.unsigned_abs());
    match seconds {
        0 => "now".to_owned(),
        1.. => format!("in {length}"),
        _ => format!("{length} ago"),
    }
}

/// The two largest units of a length of time.
pub(super) fn length(seconds: u64) -> String {
    let (minutes, hours, days) = (seconds / 60, seconds / 3600, seconds / 86_400);
    let two = |large: u64, unit: &str, small: u64, below: &str| match small {
        0 => format!("{large} {unit}"),
        small => format!("{large} {unit} {small} {below}"),
    };
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{seconds} s"),
        (0, 0, minutes) => format!("{minutes} min"),
        (0 | 1, hours, minutes) => two(hours, "h", minutes % 60, "min"),
        (days, hours, _) => two(days, "d", hours % 24, "h"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_person_reads_how_long_and_a_program_when() {
        let now = Timestamp::from_millis(1_000_000_000_000);
        let screen = Screen::Terminal { columns: 80, now };
        let told = |seconds| screen.when(now.plus_s(seconds));
        assert_eq!(told(0), "now");
        assert_eq!(told(59), "in 59 s");
        assert_eq!(told(60), "in 1 min");
        assert_eq!(told(3 * 3600 + 12 * 60 + 5), "in 3 h 12 min");
        assert_eq!(told(4 * 3600), "in 4 h");
        assert_eq!(told(-25 * 3600), "25 h ago");
        assert_eq!(told(-(3 * 86_400 + 3600)), "3 d 1 h ago");
        let at = now.plus_s(120);
        assert_eq!(Screen::Plain.when(at), at.to_string());
        assert_eq!(screen.exactly(at), format!("{at} (in 2 min)"));
    }
}
