//! libFuzzer on one parser: the one that `BREAKGLASS_FUZZ` names. `cargo xtask fuzz` builds and
//! runs it; alone it takes libFuzzer's own arguments.
#![no_main]

use std::sync::LazyLock;

use breakglass_fuzz::{Parser, parser};

static PARSER: LazyLock<&Parser> = LazyLock::new(|| {
    let name = std::env::var("BREAKGLASS_FUZZ").unwrap_or_default();
    parser(&name).unwrap_or_else(|| panic!("BREAKGLASS_FUZZ={name} names no parser"))
});

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| (PARSER.holds)(bytes));
