//! Is the control plane up?
//!
//! Each probe is asked several times; what all of them saw becomes one verdict, and every sample
//! is kept as evidence. A wrong *down* must not talk people into a bypass and a wrong *up* must
//! not lock them out, so whatever is not clear is *cannot tell*.

pub mod command;
pub mod http;

use std::{
    fmt::Debug,
    time::{Duration, Instant},
};

use breakglass_format::{Line, vocabulary::Verdict};

use crate::Record;

/// How often each probe is asked.
const SAMPLES: usize = 3;
/// The pause between two samples of a probe.
const PAUSE: Duration = Duration::from_millis(250);
/// Longest time that one sample may take, so that all of them are there within 15 seconds.
pub const SAMPLE_MAX: Duration = Duration::from_secs(4);

/// Something that can be asked whether a part of the control plane is up.
pub trait Probe: Debug + Send + Sync {
    /// What people call it.
    fn name(&self) -> &str;

    /// Asks once. Blocks for [`SAMPLE_MAX`] at most.
    fn sample(&self) -> Sample;
}

/// What one sample saw.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Saw {
    /// It answers as it should, or asks who we are: somebody is there.
    Up,
    /// It does not answer, or says that it cannot work.
    Down,
    /// Neither: the fault may be ours.
    Unclear,
}

impl Saw {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Up => "up",
            Self::Down => "down",
            Self::Unclear => "unclear",
        }
    }
}

/// One sample.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sample {
    /// What it saw.
    pub saw: Saw,
    /// In a few words.
    pub detail: String,
}

/// What all the probes came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Observed {
    /// One word.
    pub verdict: Verdict,
    /// One line for people.
    pub detail: Line,
    /// Every sample.
    pub evidence: Vec<u8>,
}

/// Asks every probe, all at once. Blocks for less than 15 seconds.
#[must_use]
pub fn ask(probes: &[&dyn Probe]) -> Observed {
    let answers: Vec<(String, Vec<(Sample, Duration)>)> = std::thread::scope(|scope| {
        let asked: Vec<_> = probes
            .iter()
            .map(|probe| (probe.name().to_owned(), scope.spawn(|| samples(*probe))))
            .collect();
        let answered = |(name, thread): (String, std::thread::ScopedJoinHandle<'_, _>)| {
            // A probe that panicked saw nothing.
            (name, thread.join().unwrap_or_default())
        };
        asked.into_iter().map(answered).collect()
    });
    let saw: Vec<Vec<Saw>> = answers
        .iter()
        .map(|(_, samples)| samples.iter().map(|(s, _)| s.saw).collect())
        .collect();
    let said: Vec<String> = answers
        .iter()
        .map(|(name, samples)| format!("{name}: {}", in_words(samples)))
        .collect();
    let detail = if said.is_empty() {
        "no probe is configured".to_owned()
    } else {
        said.join("; ")
    };
    Observed {
        verdict: judge(&saw),
        detail: Line::lossy(&detail),
        evidence: record(&answers).to_bytes(),
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "how long an answer took is evidence; no rule depends on it"
)]
fn samples(probe: &dyn Probe) -> Vec<(Sample, Duration)> {
    let one = |number| {
        if number > 0 {
            std::thread::sleep(PAUSE);
        }
        let begun = Instant::now();
        (probe.sample(), begun.elapsed())
    };
    (0..SAMPLES).map(one).collect()
}

/// One verdict from all that was seen: a part that every sample found gone makes the whole *down*;
/// *up* takes every sample of every part; anything else is not clear.
#[must_use]
pub fn judge(saw: &[Vec<Saw>]) -> Verdict {
    let all =
        |samples: &Vec<Saw>, what: Saw| !samples.is_empty() && samples.iter().all(|s| *s == what);
    if saw.iter().any(|samples| all(samples, Saw::Down)) {
        Verdict::Down
    } else if !saw.is_empty() && saw.iter().all(|samples| all(samples, Saw::Up)) {
        Verdict::Up
    } else {
        Verdict::CannotTell
    }
}

/// `503 (3 of 3)`, or each different answer with its number.
fn in_words(samples: &[(Sample, Duration)]) -> String {
    let mut counted: Vec<(&str, usize)> = Vec::new();
    for (sample, _) in samples {
        match counted.iter_mut().find(|(d, _)| *d == sample.detail) {
            Some((_, n)) => *n += 1,
            None => counted.push((&sample.detail, 1)),
        }
    }
    if counted.is_empty() {
        return "no sample".to_owned();
    }
    let words: Vec<String> = counted
        .iter()
        .map(|(detail, n)| format!("{detail} ({n} of {})", samples.len()))
        .collect();
    words.join(", ")
}

fn record(answers: &[(String, Vec<(Sample, Duration)>)]) -> Record {
    let probes = answers.iter().map(|(name, samples)| {
        let samples = samples.iter().map(|(sample, took)| {
            Record::new()
                .text("saw", sample.saw.as_str())
                .text("detail", &sample.detail)
                .number(
                    "took_ms",
                    i64::try_from(took.as_millis()).unwrap_or(i64::MAX),
                )
        });
        Record::new()
            .text("probe", name)
            .records("samples", samples.collect())
    });
    Record::new().records("probes", probes.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug)]
    struct Says(Saw, &'static str);

    impl Probe for Says {
        fn name(&self) -> &'static str {
            "deploy-api"
        }

        fn sample(&self) -> Sample {
            Sample {
                saw: self.0,
                detail: self.1.to_owned(),
            }
        }
    }

    #[test]
    fn up_takes_every_sample_and_down_every_sample_of_one_part() {
        use Saw::{Down, Unclear, Up};
        let cases: &[(&[&[Saw]], Verdict)] = &[
            (&[], Verdict::CannotTell),
            (&[&[]], Verdict::CannotTell),
            (&[&[Up, Up, Up]], Verdict::Up),
            (&[&[Down, Down, Down]], Verdict::Down),
            (&[&[Up, Down, Down]], Verdict::CannotTell),
            (&[&[Up, Up, Unclear]], Verdict::CannotTell),
            (&[&[Up, Up, Up], &[Down, Down, Down]], Verdict::Down),
            (
                &[&[Up, Up, Up], &[Unclear, Unclear, Unclear]],
                Verdict::CannotTell,
            ),
            (&[&[Up, Up, Up], &[Down, Up, Down]], Verdict::CannotTell),
            (&[&[Unclear], &[Down]], Verdict::Down),
        ];
        for (saw, verdict) in cases {
            let saw: Vec<Vec<Saw>> = saw.iter().map(|s| s.to_vec()).collect();
            assert_eq!(judge(&saw), *verdict, "{saw:?}");
        }
    }

    #[test]
    fn each_sample_is_kept_and_the_line_counts_them() {
        let probe = Says(Saw::Down, "503");
        let observed = ask(&[&probe]);
        assert_eq!(observed.verdict, Verdict::Down);
        assert_eq!(observed.detail.as_str(), "deploy-api: 503 (3 of 3)");
        let evidence = String::from_utf8(observed.evidence).unwrap();
        assert_eq!(
            evidence.matches(r#""detail":"503""#).count(),
            3,
            "{evidence}"
        );
        let nothing = ask(&[]);
        assert_eq!(nothing.verdict, Verdict::CannotTell);
        assert_eq!(nothing.detail.as_str(), "no probe is configured");
    }
}
