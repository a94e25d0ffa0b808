//! `breakglass readiness`.

use breakglass_api::view::LackView;

use super::Context;
use crate::{
    hint::{Code, Failure},
    output::line,
};

/// Options of `readiness`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// End with status 1 for warnings too.
    #[arg(long)]
    strict: bool,
}

pub(super) fn run(args: &Args, cx: &Context) -> Result<(), Failure> {
    let view = cx.client()?.readiness()?;
    let fails = |lack: &&LackView| lack.severity == "fails";
    let failing = view.lacks.iter().filter(fails).count();
    let warning = view.lacks.len() - failing;
    if cx.output().is_json() {
        cx.output().json(&view);
    } else {
        for lack in &view.lacks {
            let word = if fails(&lack) { "FAILS" } else { "warns" };
            let (about, says) = (line(&lack.about), line(&lack.says));
            cx.output().data(&format!("{word}  {about}: {says}"));
        }
        if view.lacks.is_empty() {
            cx.output().data("ready");
        }
    }
    if failing > 0 || args.strict && warning > 0 {
        let says = format!("an emergency would fail on {failing} of these; {warning} are warnings");
        let hint = "mend them, then again: breakglass readiness";
        return Err(Failure::of(Code::NotReady, says).hint(hint));
    }
    if warning > 0 {
        let says = format!("ready; to be mended before it matters: {warning}");
        cx.output().say(&says);
    }
    Ok(())
}
