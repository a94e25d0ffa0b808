//! The log of a server, as an auditor who joined it: exported, and then checked like any folder.

use std::path::Path;

use super::{Args, checkpoint, judge, of_folder};
use crate::{
    cmd::{
        Context,
        log::export::{Bring, Brought, bring, tell},
        witnessed,
    },
    hint::Failure,
    output::Output,
};

/// The address, where a server was named and not a file.
pub(super) fn url(path: &Path) -> Option<&str> {
    let text = path.to_str()?;
    let is_url = ["https://", "http://"].iter().any(|s| text.starts_with(s));
    is_url.then_some(text)
}

/// Exports, or continues the export of last time, and checks it. Nobody has to say which
/// installation it is: this client pinned its genesis when it joined.
pub(super) fn run(
    url: &str,
    args: &Args,
    home: Option<&Path>,
    output: Output,
) -> Result<(), Failure> {
    of_folder(args)?;
    // Before much is fetched.
    args.against.as_deref().map(checkpoint).transpose()?;
    let cx = Context::new(home, false, output)?.at_server(url);
    let genesis = cx.config()?.genesis;
    let own = cx.home().export(genesis);
    let dir = args.keep.as_deref().unwrap_or(&own);
    witnessed::before(&cx)?;
    let policy = args.policy.as_deref();
    let Brought { export, taken, .. } = bring(
        dir,
        Bring {
            policy,
            aside: args.keep.is_none(),
            ..Bring::default()
        },
        &cx,
    )?;
    tell(&export, &cx);
    let new = export.size.saturating_sub(export.from);
    output.say(&format!(
        "{new} new entries of {}, {} files written to {}",
        export.size,
        export.written,
        dir.display()
    ));
    // What lies on the disk is what can be handed on, so that is what is checked.
    let folder = super::folder(dir)?;
    let judged = judge(&folder, args.genesis.or(Some(genesis)), args, output);
    drop(taken);
    judged
}
