//! `breakglass pending`.

use breakglass_api::view::RequestView;

use super::{Context, request::rows};
use crate::{
    hint::Failure,
    output::{Screen, table::fitted},
};

pub(super) fn run(cx: &Context) -> Result<(), Failure> {
    let client = cx.client()?;
    let requests = client.requests(true)?;
    if cx.output().is_json() {
        cx.output().json(&requests);
        return Ok(());
    }
    if requests.is_empty() {
        cx.output().say("nothing waits for an approval");
    }
    let screen = cx.screen(&client);
    for line in lines(&requests, screen) {
        cx.output().data(&line);
    }
    Ok(())
}

fn lines(requests: &[RequestView], screen: Screen) -> Vec<String> {
    let heading = [
        "request",
        "incident",
        "account",
        "requester",
        "for",
        "approved",
        "lapses",
    ];
    fitted(heading, &rows(requests, screen), screen.columns())
}

#[cfg(test)]
mod tests {
    use breakglass_format::Timestamp;

    use super::*;

    #[test]
    fn what_waits_is_read_at_80_columns_and_by_programs_to_the_letter() {
        let now = Timestamp::from_millis(1_000_000_000_000);
        let request = RequestView {
            id: String::new(),
            reference: "R-12".to_owned(),
            incident: "INC-7".to_owned(),
            account: "prod-db-root".to_owned(),
            requester: "alice@example.org".to_owned(),
            state: "pending".to_owned(),
            approve_by: now.plus_s(56 * 60),
            duration_s: 4 * 3600,
            approved_by: vec!["bob@example.org".to_owned()],
            set_aside: Vec::new(),
            needs: 2,
            groups_missing: Vec::new(),
            may_approve: Vec::new(),
            grant: None,
            control_plane: None,
        };
        let requests = [request];
        let shown = lines(&requests, Screen::Terminal { columns: 80, now });
        assert!(shown.iter().all(|l| l.chars().count() <= 80), "{shown:?}");
        let row = shown.last().unwrap();
        assert!(
            row.starts_with("R-12") && row.ends_with("in 56 min"),
            "{row}"
        );
        assert!(row.contains("1 of 2: bob"), "{row}");
        let plain = lines(&requests, Screen::Plain);
        let row = plain.last().unwrap();
        assert!(row.contains("1 of 2: bob@example.org"), "{row}");
        assert!(row.ends_with(&requests[0].approve_by.to_string()), "{row}");
    }
}
