//! The one binary.

use std::process::ExitCode;

fn main() -> ExitCode {
    breakglass::cmd::main()
}
