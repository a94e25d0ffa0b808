//! Somebody sets the wall clock back while a rotation waits for its next attempt.

use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};

use breakglass::demo::{ACCOUNT, KEY, PlayClock, Stage};
use breakglass_format::Timestamp;
use breakglass_server::{Clock, Server, config::Program};

use crate::scene::wait;

/// The play's clock, with a wall clock that somebody set back.
#[derive(Debug, Default)]
struct SetBack {
    play: PlayClock,
    back_ms: AtomicI64,
}

impl Clock for SetBack {
    fn wall(&self) -> Timestamp {
        let back = self.back_ms.load(Ordering::SeqCst);
        Timestamp::from_millis(Clock::wall(&self.play).millis() - back)
    }

    fn boot_ms(&self) -> i64 {
        self.play.boot_ms()
    }
}

#[test]
fn a_wall_clock_set_back_does_not_hold_up_a_rotation() {
    let clock = Arc::new(SetBack::default());
    let program = std::path::Path::new(env!("CARGO_BIN_EXE_breakglass"));
    let stage = Stage::build(program, clock.wall()).unwrap();
    let mut config = stage.config().unwrap();
    // The first call of the rotator comes to nothing.
    let Program { program, args, .. } = config.rotators.remove("shop").unwrap();
    let flag = stage.dir().join("called-before");
    let script = "test -e \"$0\" || { touch \"$0\"; exit 1; }; exec \"$@\"";
    let words = [flag.to_str().unwrap(), program.to_str().unwrap()];
    let shell = Program {
        program: "/bin/sh".into(),
        args: ["-c", script]
            .into_iter()
            .chain(words)
            .map(str::to_owned)
            .chain(args)
            .collect(),
        timeout_s: 60,
    };
    config.rotators.insert("shop".to_owned(), shell);
    let on_fatal = |detail: &str| panic!("{detail}");
    let server = Server::start(&config, clock.clone(), on_fatal).unwrap();
    let url = format!("http://{}", server.address());
    let actor = |who| {
        let play = Box::new(clock.play.clone());
        stage.actor(&url, who, KEY, play).unwrap()
    };
    let (mut carol, mut dave) = (actor("carol"), actor("dave"));
    clock.back_ms.store(3 * 3_600_000, Ordering::SeqCst);
    let (sealed, _) = carol
        .add_credential(ACCOUNT, &stage.first_password)
        .unwrap();
    dave.agree_import(&sealed).unwrap();
    let mut skipped = 0;
    wait("the rotation", || {
        // Two minutes are enough for any wait, and far too few for the wall clock to catch up.
        if flag.exists() && skipped < 120 {
            clock.play.skip_s(1);
            skipped += 1;
        }
        let accounts = carol.client().accounts().unwrap();
        accounts
            .iter()
            .any(|a| a.version >= 2 && a.state == "current")
    });
    drop(server);
}
