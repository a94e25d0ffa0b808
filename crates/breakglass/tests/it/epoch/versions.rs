//! Epochs and versions of the authority: which may name which.

use std::{fs, path::Path, process::Command};

use breakglass::demo::Stage;
use breakglass_format::statement::{Epoch, Statement as _};
use breakglass_server::Clock as _;
use breakglass_verify::{Options, Outcome, check};

use super::{House, ORIGIN, done, refused, roots, start, types};
use crate::{
    exported::export,
    scene::{Scene, cast_at},
};

/// Another version of the authority, which changes nothing, is signed and published.
fn another_version(stage: &Stage) {
    publish(stage, |_| ());
}

/// Another version of the authority is signed and published.
fn publish(stage: &Stage, change: impl FnOnce(&mut breakglass_format::authority::Authority)) {
    use breakglass_format::authority::Authority;
    let genesis = fs::read(stage.dir().join("server/genesis/authority.json")).unwrap();
    let mut next = Authority::from_bytes(&genesis).unwrap();
    next.version = 2;
    next.previous = breakglass_statement::digest(&genesis).into();
    change(&mut next);
    let file = stage.dir().join("authority-2.json");
    fs::write(&file, next.to_bytes().unwrap()).unwrap();
    let roots = roots(stage);
    for root in &roots {
        done(&types(stage, root, &["authority", "sign", "--yes"], &file));
    }
    done(&types(stage, &roots[0], &["authority", "publish"], &file));
    done(&types(stage, &roots[0], &["log"], Path::new("checkpoint")));
}

#[test]
fn the_next_version_of_the_authority_names_the_log_of_the_epoch_and_everybody_goes_on() {
    let house = House::that_lost_its_end();
    done(&house.begin(&house.signed()));
    let (_, config) = house.with_the_new_key();
    let server = start(&config, &house.clock);
    let url = format!("http://{}", server.address());
    house.stage.configure_people(&url).unwrap();
    publish(&house.stage, |next| {
        next.log.origin = ORIGIN.parse().unwrap();
        next.log.vkey = house.vkey.parse().unwrap();
    });
    // Somebody who saw all of it, somebody who was there before, and somebody who never was.
    let mut cast = cast_at(&house.stage, &server, &house.clock);
    cast.declare();
    let frank = &cast.frank;
    let folder = export(frank.client(), frank.trust(), house.clock.wall()).unwrap();
    let options = Options {
        pin: Some(frank.trust().authorities().instance()),
        ..Options::default()
    };
    assert_eq!(check(&folder, &options).outcome, Outcome::Ok);
    let home = house.stage.home("frank");
    fs::remove_dir_all(home.join("state")).unwrap();
    let args = ["--home", home.to_str().unwrap(), "log", "checkpoint"];
    let output = Command::new(env!("CARGO_BIN_EXE_breakglass"))
        .args(args)
        .output();
    done(&output.unwrap());
    drop(cast);
    server.stop();
    let server = start(&config, &house.clock);
    assert_eq!(server.read_only(), None);
    server.stop();
}

#[test]
fn an_epoch_by_the_root_persons_of_an_earlier_version_begins_nothing() {
    let scene = Scene::set();
    let clock = scene.clock.clone();
    let stage = scene.end();
    let config = stage.config().unwrap();
    let server = start(&config, &clock);
    let url = format!("http://{}", server.address());
    stage.configure_people(&url).unwrap();
    another_version(&stage);
    let size = server.log_size();
    server.stop();
    let house = House::with(stage, clock, (size, size));
    let epoch = house.stage.dir().join("epoch.json");
    done(&house.plan(&epoch));
    let text = fs::read_to_string(&epoch).unwrap();
    let mut planned = Epoch::from_bytes(text.as_bytes()).unwrap();
    assert_eq!(planned.authority.version, 2);
    planned.authority.version = 1;
    planned.authority.digest = planned.instance.into();
    fs::write(&epoch, planned.to_bytes().unwrap()).unwrap();
    let roots = roots(&house.stage);
    // On a machine that saw the newer one it is not even signed.
    let output = house.sign(&roots[0], &epoch);
    let says = String::from_utf8_lossy(&output.stderr);
    assert!(
        !output.status.success() && says.contains("saw version 2"),
        "{says}"
    );
    for root in &roots {
        let pins = house.stage.home(root).join("state");
        if pins.exists() {
            fs::remove_dir_all(pins).unwrap();
        }
        done(&house.sign(root, &epoch));
    }
    let log = || fs::read(config.data_dir.join("log.db")).unwrap();
    let before = log();
    refused(
        &house.begin(&epoch),
        "the authority has changed since this was signed",
    );
    assert!(log() == before);
}
