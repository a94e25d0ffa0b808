//! `breakglass status`.

use breakglass_format::{Timestamp, time::human_s};

use super::Context;
use crate::{actor::ActorError, hint::Failure, output::line};

/// From here on two clocks differ.
const APART_S: i64 = 5;

/// Whether this machine's clock will do for signing.
fn clocks(own: Timestamp, server: Timestamp) -> String {
    let apart_s = own.since_ms(server) / 1000;
    if apart_s.abs() < APART_S {
        return "this machine agrees".to_owned();
    }
    let way = if apart_s > 0 { "ahead" } else { "behind" };
    format!("this machine is {} {way}", human_s(apart_s.abs()))
}

pub(super) fn run(cx: &Context) -> Result<(), Failure> {
    let config = cx.config()?;
    let status = cx.anybody()?.status()?;
    if status.instance != config.genesis {
        let (pinned, got) = (config.genesis, status.instance);
        return Err(Failure::from(ActorError::ForeignInstance { pinned, got }));
    }
    if cx.output().is_json() {
        cx.output().json(&status);
        return Ok(());
    }
    let rows = [
        ("installation", line(&status.title)),
        ("state", line(&status.state)),
        ("log", format!("{} entries", status.log_size)),
        (
            "server time",
            format!("{} ({})", status.time, clocks(cx.now(), status.time)),
        ),
        ("software", line(&status.software)),
    ];
    for (name, value) in rows {
        cx.output().data(&format!("{name:<13} {value}"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_is_off_is_told_with_its_direction() {
        let server = Timestamp::from_millis(1_000_000_000_000);
        assert_eq!(clocks(server.plus_s(4), server), "this machine agrees");
        assert_eq!(
            clocks(server.plus_s(600), server),
            "this machine is 10m ahead"
        );
        assert_eq!(
            clocks(server.plus_s(-90), server),
            "this machine is 1m 30s behind"
        );
    }
}
