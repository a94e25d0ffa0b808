//! What happens to the server while nobody does anything: time passes, it is started again, its log
//! is put back from copies.

use breakglass_core::{Command, recovery::Recovery};
use breakglass_format::AccountId;
use breakglass_testkit::Given;

use super::steps::Players;
use crate::random::Random;

impl Players {
    pub(super) fn time(&mut self, given: &mut Given, random: &mut Random) -> String {
        match random.below(42) {
            40 => self.recover(given, random),
            0 => {
                let steps = [-7200, -3600, -60, 60, 3600, 5 * 3600];
                let step = random.pick(&steps).unwrap();
                given.step_wall_s(step);
                format!("the wall clock steps by {step} s")
            }
            1 => {
                given.restart();
                // Whatever a worker was doing is lost with the process.
                self.attempt = None;
                "the server is started again".to_owned()
            }
            2 => {
                let hours = 1 + random.below(30);
                given.pass_s(3600 * i64::try_from(hours).unwrap());
                format!("{hours} hours pass")
            }
            3..6 => {
                let ms = i64::try_from(random.below(7_200_000)).unwrap();
                given.sleep_ms(ms);
                format!("{ms} ms pass and nobody looks at the clock")
            }
            6..12 => self.wait_for_the_brink(given, random),
            _ => {
                let s = i64::try_from(random.below(300)).unwrap();
                given.pass_s(s);
                format!("{s} s pass")
            }
        }
    }

    /// The log is put back from copies, now and then without what lay sealed.
    fn recover(&mut self, given: &mut Given, random: &mut Random) -> String {
        let held = given
            .world()
            .accounts()
            .filter(|(_, a)| a.current.is_some());
        let held: Vec<AccountId> = held.map(|(id, _)| id.clone()).collect();
        let recovery = Recovery {
            recovered: 1,
            lost: held.into_iter().filter(|_| random.once_in(3)).collect(),
        };
        self.attempt = None;
        self.submit(given, "the log", &Command::Recovered(recovery))
    }

    /// To the millisecond before, at or after the next time that something is over.
    fn wait_for_the_brink(&self, given: &mut Given, random: &mut Random) -> String {
        let next = breakglass_core::next_deadline(given.world(), given.now());
        let Some(next) = next.filter(|at| at.since_ms(given.now()) < 8 * 3_600_000) else {
            return "nothing will be over soon".to_owned();
        };
        let by = random.pick(&[-1, 0, 1]).unwrap();
        given.sleep_ms((next.since_ms(given.now()) + by).max(0));
        format!("{by} ms after {next}")
    }
}
