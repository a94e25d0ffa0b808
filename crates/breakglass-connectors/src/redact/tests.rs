use proptest::prelude::*;

use super::*;

fn redactor(secret: &str) -> Redactor {
    Redactor::new([&Fields::from_iter([("password", secret)])])
}

fn all(redactor: &Redactor, text: &str) -> String {
    redactor.output(text.as_bytes(), false, 10_000)
}

#[test]
fn finds_a_secret_in_every_form() {
    let redactor = redactor("pä\"ss/wo?rd");
    for form in [
        "pä\"ss/wo?rd",
        "pä\\\"ss/wo?rd",
        "p\\u00e4\\\"ss/wo?rd",
        "p%C3%A4%22ss%2Fwo%3Frd",
        "70c3a42273732f776f3f7264",
        "70C3A42273732F776F3F7264",
    ] {
        assert_eq!(
            all(&redactor, &format!("<{form}>")),
            "<[redacted]>",
            "{form}"
        );
    }
}

#[test]
fn finds_a_secret_inside_longer_base64() {
    // base64 of `user:` `hunter22hunter22` and of one and two bytes more in front, each followed
    // by `!`.
    let redactor = redactor("hunter22hunter22");
    for text in [
        "dXNlcjpodW50ZXIyMmh1bnRlcjIyIQ==",
        "eHVzZXI6aHVudGVyMjJodW50ZXIyMiE=",
        "eHh1c2VyOmh1bnRlcjIyaHVudGVyMjIh",
    ] {
        assert!(all(&redactor, text).contains(MARK), "{text}");
    }
}

#[test]
fn finds_the_lines_of_a_key_and_the_password_of_a_uri() {
    let key = "-----BEGIN KEY-----\nAAAAsecretline\nBBBBsecretline\n-----END KEY-----\n";
    assert_eq!(
        all(&redactor(key), "error near BBBBsecretline."),
        "error near [redacted]."
    );
    let uri = "postgres://root:hunter22@db/x";
    assert_eq!(
        all(&redactor(uri), "auth with hunter22 failed"),
        "auth with [redacted] failed"
    );
    assert_eq!(all(&redactor(uri), "db is postgres"), "db is postgres");
}

#[test]
fn a_secret_at_the_limit_or_at_the_end_of_a_cut_capture_does_not_shine_through() {
    let redactor = redactor("hunter22");
    for limit in 0..12 {
        let text = redactor.output(b"ab hunter22 c", false, limit);
        assert!(!text.contains('h'), "{limit} {text}");
    }
    for kept in 0..11 {
        let text = redactor.output(&b"ab hunter22"[..kept], true, 100);
        assert!(!text.contains('h'), "{kept} {text}");
    }
}

#[test]
fn overlapping_secrets_leave_one_mark() {
    let fields = Fields::from_iter([("token", "abcdef"), ("password", "defghi")]);
    assert_eq!(
        all(&Redactor::new([&fields]), "xabcdefghiy"),
        "x[redacted]y"
    );
}

#[test]
fn without_secrets_nothing_changes() {
    assert_eq!(all(&Redactor::new([]), "as it is"), "as it is");
    assert_eq!(all(&redactor(""), "as it is"), "as it is");
}

proptest! {
    #[test]
    fn no_form_survives(secret in "[!-~äß€𝄞]{4,24}", before in "[A-Z ]{0,9}", after in "[A-Z ]{0,9}") {
        let redactor = redactor(&secret);
        let mut text = format!("{before}{secret}{after}");
        redactor.text(&mut text);
        prop_assert!(text.contains(MARK));
        prop_assert!(!text.replace(MARK, "").contains(&secret));
        let json = serde_json::to_string(&format!("{before}{secret}{after}")).unwrap();
        prop_assert!(all(&redactor, &json).contains(MARK));
    }
}
