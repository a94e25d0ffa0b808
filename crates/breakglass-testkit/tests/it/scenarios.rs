//! Scenario scripts: `testdata/scenarios/*.txt` at the root of the repository.

use breakglass_testkit::script::{bless, play};

#[test]
fn every_scenario_comes_to_what_it_says() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../testdata/scenarios");
    let files = std::fs::read_dir(folder).unwrap();
    let mut scripts: Vec<_> = files.map(|f| f.unwrap().path()).collect();
    scripts.sort();
    assert!(scripts.len() >= 4, "{scripts:?}");
    for path in scripts {
        let script = std::fs::read_to_string(&path).unwrap();
        bless(path.to_str().unwrap(), &play(&script));
    }
}
