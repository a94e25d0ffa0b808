//! A target that is away for an hour after the resolution: its breach is on record, and the
//! rotation is done when it is back.

use std::{os::unix::fs::PermissionsExt as _, path::PathBuf};

use breakglass::demo::{ACCOUNT, Stage};
use breakglass_seal::names;
use breakglass_server::{Config, config::Program};

use crate::scene::{Scene, wait};

/// Puts a program before the shop's rotator that says "away" while a file is there.
fn with_a_switch(stage: &Stage, config: &mut Config) {
    let Program { program, args, .. } = config.rotators.remove("shop").unwrap();
    let switch = switch(stage);
    let path = stage.dir().join("rotator.sh");
    let script = format!(
        "#!/bin/sh\nif [ -e '{}' ]; then cat >/dev/null\n\
         echo '{{\"error\":{{\"class\":\"transient\",\"detail\":\"away\"}}}}'; exit 0; fi\n\
         exec '{}' \"$@\"\n",
        switch.display(),
        program.display()
    );
    std::fs::write(&path, script).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    let switched = Program {
        program: path,
        args,
        timeout_s: 20,
    };
    config.rotators.insert("shop".to_owned(), switched);
}

fn switch(stage: &Stage) -> PathBuf {
    stage.dir().join("away")
}

#[test]
fn a_target_that_is_away_for_an_hour_is_late_on_record_and_rotated_when_it_is_back() {
    let scene = Scene::set_with(with_a_switch);
    let mut cast = scene.cast();
    cast.take_custody(&scene);
    let incident = cast.declare();
    let request = cast.request(&incident);
    cast.approve(&request);
    let out = cast.alice.checkout("G-1").unwrap();
    let password = out.credential.field(names::PASSWORD).unwrap();
    let password = password.expose().to_owned();
    std::fs::write(switch(&scene.stage), "").unwrap();
    cast.alice.return_grant("G-1").unwrap();
    cast.erin
        .resolve("INC-1", "it works again".parse().unwrap())
        .unwrap();
    let says = |what: &str| {
        let lines = scene.actor("frank").client().timeline("INC-1").unwrap();
        lines.join("\n").contains(what)
    };
    // Minute by minute, as a clock goes: each try is due a minute after the last at most.
    for _ in 0..61 {
        scene.skip_s(60);
    }
    wait("the breach", || says("OVERDUE since"));
    assert!(
        scene.stage.shop.lets_in(ACCOUNT, &password).unwrap(),
        "nobody could change it"
    );
    let views = scene.actor("frank").client().accounts().unwrap();
    let shop = views.iter().find(|a| a.name == ACCOUNT).unwrap();
    let failure = shop.failure.as_deref().unwrap();
    assert!(
        failure.starts_with("transient: ") && failure.ends_with("away"),
        "{failure}"
    );
    assert!(shop.retry_at.is_some(), "{shop:?}");
    std::fs::remove_file(switch(&scene.stage)).unwrap();
    scene.skip_s(61);
    wait("the rotation", || {
        scene.skip_s(1);
        says("was rotated to version 3")
    });
    assert!(!scene.stage.shop.lets_in(ACCOUNT, &password).unwrap());
    let duties = scene
        .actor("frank")
        .client()
        .incident("INC-1")
        .unwrap()
        .obligations;
    let rotation = duties
        .iter()
        .find(|d| d.clock.obligation.as_str() == "credential_rotation");
    assert_eq!(rotation.unwrap().status, "met late");
}
