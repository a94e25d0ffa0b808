//! `breakglass whoami`.

use super::Context;
use crate::{hint::Failure, output::line};

pub(super) fn run(cx: &Context) -> Result<(), Failure> {
    let who = cx.client()?.whoami()?;
    if cx.output().is_json() {
        cx.output().json(&who);
        return Ok(());
    }
    let list = |all: &[String]| match all.is_empty() {
        true => "none".to_owned(),
        false => line(&all.join(", ")),
    };
    cx.output().data(&line(&who.principal));
    cx.output()
        .say(&format!("person      {}", line(&who.person)));
    cx.output()
        .say(&format!("groups      {}", list(&who.groups)));
    cx.output()
        .say(&format!("privileges  {}", list(&who.privileges)));
    cx.output().say(&format!("reads until {}", who.not_after));
    Ok(())
}
