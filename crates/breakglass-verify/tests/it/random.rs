//! Whatever lies in a folder, there is a verdict, and it is not `ok`.

use std::sync::LazyLock;

use breakglass_verify::{Folder, Options, Outcome, check};
use proptest::{collection::vec, prelude::*};

use crate::story;

static TRUE: LazyLock<(Folder, Options)> = LazyLock::new(|| {
    let log = story::whole().log;
    (log.folder(), log.pinned())
});

fn path() -> impl Strategy<Value = String> {
    let paths: Vec<String> = TRUE.0.iter().map(|(path, _)| path.to_owned()).collect();
    prop_oneof![
        proptest::sample::select(paths),
        "[a-z0-9./]{0,30}",
        Just("log/tile/entries/000.p/1".to_owned()),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn random_files_have_a_verdict(files in vec((path(), vec(any::<u8>(), 0..200)), 0..20)) {
        let folder: Folder = files.into_iter().collect();
        prop_assert_eq!(check(&folder, &Options::default()).outcome, Outcome::Tampered);
    }

    #[test]
    fn random_bytes_in_a_true_folder_are_seen(
        path in path(),
        bytes in vec(any::<u8>(), 0..200),
    ) {
        let (folder, options) = &*TRUE;
        let mut changed = folder.clone();
        let before = changed.insert(path, bytes.clone());
        prop_assume!(before.as_ref() != Some(&bytes));
        prop_assert_eq!(check(&changed, options).outcome, Outcome::Tampered);
    }
}
