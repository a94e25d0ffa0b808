//! Writes the true documents of every parser into `FOLDER/PARSER/`, for a fuzzer to begin from.
#![expect(
    clippy::print_stderr,
    reason = "a development command speaks to the person in front of it"
)]

use std::{fs, io, path::Path, process::ExitCode};

use breakglass_fuzz::PARSERS;

fn main() -> ExitCode {
    let Some(folder) = std::env::args_os().nth(1) else {
        eprintln!("usage: corpus FOLDER");
        return ExitCode::from(2);
    };
    match write(Path::new(&folder)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("corpus: {}: {error}", Path::new(&folder).display());
            ExitCode::FAILURE
        }
    }
}

fn write(folder: &Path) -> io::Result<()> {
    for parser in PARSERS {
        let own = folder.join(parser.name);
        fs::create_dir_all(&own)?;
        for (number, document) in (parser.corpus)().iter().enumerate() {
            fs::write(own.join(format!("true-{number}")), document)?;
        }
    }
    Ok(())
}
