//! Input that no client would send. Every answer is a problem document with a code; none is a 500.

use breakglass::demo::ACCOUNT_ID;
use breakglass_format::statement::{Kind, Statement as _};
use serde_json::{Value, json};

use super::{
    commands::{Objects, every},
    hand::{Hand, path},
    wire::{Reply, exchange, get, post, post_json},
};
use crate::scene::{Cast, Scene};

/// Paths that statements are posted to.
const PATHS: [&str; 7] = [
    "/v1/acts",
    "/v1/approvals",
    "/v1/checkouts",
    "/v1/denials",
    "/v1/enrolments",
    "/v1/requests",
    "/v1/sessions",
];

/// After an attack: as large as before, and alive.
fn unharmed(scene: &Scene, size: u64) {
    assert_eq!(scene.log_size(), size);
    assert_eq!(get(&scene.url, "/readyz", None).status, 200);
}

#[track_caller]
fn refused(reply: &Reply) -> String {
    assert!((400..500).contains(&reply.status), "{reply:?}");
    reply.problem().code
}

#[test]
fn bodies_that_are_no_submission_are_refused() {
    let scene = Scene::set();
    let size = scene.log_size();
    let deep = format!("{}1{}", "[".repeat(100_000), "]".repeat(100_000));
    let deep_statement = format!(r#"{{"signature":"","statement":{deep}}}"#);
    let long = json!({ "statement": "x".repeat(64 * 1024), "signature": "x".repeat(64 * 1024) });
    let bodies: Vec<Vec<u8>> = vec![
        Vec::new(),
        b"{".to_vec(),
        b"\xff\xfe\x00".to_vec(),
        b"{\"statement\":\"\xff\",\"signature\":\"\"}".to_vec(),
        b"{\"statement\":\"\\ud800\",\"signature\":\"\"}".to_vec(),
        b"{\"statement\":1,\"signature\":\"\"}".to_vec(),
        br#"{"statement":"{}","signature":"","extra":1}"#.to_vec(),
        br#"{"statement":"{}","signature":"","signature":""}"#.to_vec(),
        b"statement=%7B%7D&signature=".to_vec(),
        deep.into_bytes(),
        deep_statement.into_bytes(),
        serde_json::to_vec(&long).unwrap(),
    ];
    for path in PATHS {
        for body in &bodies {
            refused(&post(&scene.url, path, "application/json", body));
        }
        refused(&post(
            &scene.url,
            path,
            "text/plain",
            br#"{"statement":"{}","signature":""}"#,
        ));
    }
    unharmed(&scene, size);
}

#[test]
fn a_body_over_the_limit_is_refused_before_it_is_read() {
    let scene = Scene::set();
    let size = scene.log_size();
    let large = vec![b' '; 520 * 1024];
    assert_eq!(
        refused(&post(&scene.url, "/v1/acts", "application/json", &large)),
        "too_large"
    );
    let announced = "POST /v1/acts HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999\r\n\r\n{";
    let reply = Reply::parse(&exchange(&scene.url, announced.as_bytes())).unwrap();
    assert_eq!(refused(&reply), "too_large");
    unharmed(&scene, size);
}

/// A house with an incident, and a note on it by Alice that would be accepted.
fn noted(scene: &Scene) -> (Cast, Hand, String) {
    let mut cast = scene.cast();
    cast.declare();
    let hand = Hand::enrolled(scene, &cast.alice);
    let incident = cast.alice.client().incident("INC-1").unwrap().id;
    let (note, _) = every(&Objects::default()).remove(1);
    let bytes = hand.act(note, &incident).to_bytes().unwrap();
    (cast, hand, String::from_utf8(bytes).unwrap())
}

/// Posts a text that the enrolled key has signed as it is.
fn post_signed(scene: &Scene, hand: &mut Hand, text: &str) -> Reply {
    let signature = hand.key.sign(Kind::Act, text.as_bytes()).unwrap();
    let body = json!({ "statement": text, "signature": signature });
    post_json(&scene.url, path(Kind::Act), &body)
}

#[test]
fn a_signed_text_that_is_not_canonical_is_refused() {
    let scene = Scene::set();
    let (_cast, mut hand, good) = noted(&scene);
    let size = scene.log_size();
    let said = |text: &str| good.replace("\"seen\"", &format!("\"{text}\""));
    let deep = format!("{}1{}", "[".repeat(5_000), "]".repeat(5_000));
    let mut texts = vec![
        good.replacen(':', ": ", 1),
        format!("{good}\n"),
        format!(" {good}"),
        format!("\u{feff}{good}"),
        good.replacen('{', r#"{"a":1,"#, 1),
        good.replacen('{', r#"{"zzz":1,"#, 1),
        good.replacen("\"act.v1", "\"act.v2", 1),
        good.replacen("\"note\"", "\"own\"", 1),
        good.replacen("\"args\":{", r#""args":{"a":1,"#, 1),
        good.replacen("\"args\":{", &format!(r#""args":{{"a":{deep},"#), 1),
        good.replacen("{\"text\"", r#"{"text":"seen","text""#, 1),
        good.replacen("\"documents\":[]", "\"documents\":[1.5]", 1),
        good.replacen("\"documents\":[]", "\"documents\":null", 1),
        good.replacen("\"seen\"", "9007199254740993", 1),
        String::new(),
        "{}".to_owned(),
        "null".to_owned(),
    ];
    // Not the shortest spelling, control characters, bidirectional controls, nothing to see.
    for text in [
        "\\u0073een",
        "s\\/een",
        "\\ud83d\\ude00",
        "a\\tb",
        "a\tb",
        "a\u{0}b",
        "a\\u0000b",
        "a\u{1b}[2J",
        "a\u{7f}",
        "a\u{85}b",
        "a\u{202e}b",
        "a\u{2066}b",
        "a\u{200b}b",
        "a\u{feff}b",
        "a\u{200f}b",
        "a\\rb",
        "",
    ] {
        texts.push(said(text));
    }
    texts.push(said(&"x".repeat(4 * 1024 + 1)));
    texts.push(said(&"x".repeat(64 * 1024)));
    for text in &texts {
        assert_ne!(*text, good);
        let code = refused(&post_signed(&scene, &mut hand, text));
        let expected = if text.contains("\"text\":\"\"") {
            "text_missing"
        } else {
            "statement_invalid"
        };
        assert_eq!(
            code,
            expected,
            "{:?}",
            text.chars().take(200).collect::<String>()
        );
    }
    // One refusal of the rules is on record: the empty note.
    unharmed(&scene, size + 1);
    assert_eq!(
        post_signed(&scene, &mut hand, &said("two\\nlines")).status,
        201
    );
    assert_eq!(post_signed(&scene, &mut hand, &good).status, 201);
}

#[test]
fn attachments_that_are_not_the_documents_are_refused() {
    let scene = Scene::set();
    let mut cast = scene.cast();
    cast.declare();
    let incident = cast.alice.client().incident("INC-1").unwrap().id;
    let (note, _) = every(&Objects::default()).remove(1);
    let size = scene.log_size();
    let mut alice = Hand::enrolled(&scene, &cast.alice);
    let mut act = alice.act(note, &incident);
    act.documents = vec![breakglass_statement::digest(b"minutes")];
    let signed = alice.sign(&act);
    let large = super::hand::attachment(&vec![0; 64 * 1024 + 1]);
    let small = super::hand::attachment(b"minutes");
    let wrong = super::hand::attachment(b"seconds");
    for attached in [
        vec![],
        vec![wrong],
        vec![large],
        vec!["%".to_owned()],
        vec![small.clone(); 2],
    ] {
        let mut body = signed.clone();
        body.attachments = attached;
        let refused = alice.send("/v1/acts", &body).unwrap_err();
        assert_eq!(refused.code, "attachment_differs");
    }
    // One of two, twice: the other would be missing from the record for ever.
    act.documents.push(breakglass_statement::digest(b"seconds"));
    let mut body = alice.sign(&act);
    body.attachments = vec![small.clone(); 2];
    let refused = alice.send("/v1/acts", &body).unwrap_err();
    assert_eq!(refused.code, "attachment_differs");
    unharmed(&scene, size);
    let mut body = signed;
    body.attachments = vec![small];
    alice.send("/v1/acts", &body).unwrap();
}

#[test]
fn a_credential_that_was_sealed_to_nobody_is_refused() {
    let scene = Scene::set();
    let cast = scene.cast();
    let objects = Objects {
        account: ACCOUNT_ID.to_owned(),
        ..Objects::default()
    };
    let adds = every(&objects)
        .into_iter()
        .find(|(c, _)| c.word() == "add_credential");
    let (add, account) = adds.unwrap();
    let size = scene.log_size();
    let mut carol = Hand::enrolled(&scene, &cast.carol);
    for envelope in [vec![], vec![0; 64], vec![7; 4_096], b"{}".to_vec()] {
        let mut act = carol.act(add.clone(), &account);
        act.documents = vec![breakglass_statement::digest(&envelope)];
        let mut body = carol.sign(&act);
        body.attachments = vec![super::hand::attachment(&envelope)];
        let refused = carol.send("/v1/acts", &body).unwrap_err();
        assert_eq!(refused.code, "sealing_unusable");
        assert_eq!(refused.status, 422);
    }
    unharmed(&scene, size);
}

#[test]
fn addresses_that_make_no_sense_are_refused() {
    let scene = Scene::set();
    let frank = scene.actor("frank");
    let token = frank.session().unwrap().token();
    let size = scene.log_size();
    for path in [
        "/v1/log/entries?from=abc",
        "/v1/log/entries?from=-1",
        "/v1/log/entries?from=99999999999999999999",
        "/v1/log/entries?from=1&from=2",
        "/v1/log/proof/abc",
        "/v1/log/proof/-1",
        "/v1/log/proof/18446744073709551615",
        "/v1/log/consistency",
        "/v1/log/consistency?old=a&new=b",
        "/v1/log/consistency?old=2&new=1",
        "/v1/log/consistency?old=0&new=18446744073709551615",
        "/v1/blobs/x",
        "/v1/blobs/%ff",
        "/v1/blobs/..%2f..%2flog.db",
        "/v1/incidents/%ff",
        "/v1/incidents/%00",
        "/v1/incidents/INC-99999999999999999999",
        "/v1/incidents/INC--1",
        "/v1/requests/R-0",
        "/v1/grants/G-",
        "/v1/runs/x",
        "/v1/terms",
        "/v1/terms?account=%ff&incident=%ff",
        "/v1/nothing",
        "/../../etc/passwd",
        "//",
    ] {
        let code = refused(&get(&scene.url, path, Some(token)));
        assert!(
            ["malformed", "not_found"].contains(&code.as_str()),
            "{path}: {code}"
        );
    }
    // Far beyond the end is an empty page.
    let page = get(
        &scene.url,
        "/v1/log/entries?from=18446744073709551615",
        Some(token),
    );
    let page: Value = serde_json::from_slice(&page.body).unwrap();
    assert_eq!(page["entries"], json!([]));
    for token in ["", " ", "x", "%ff", &"A".repeat(8_000)] {
        assert_eq!(
            refused(&get(&scene.url, "/v1/whoami", Some(token))),
            "no_session"
        );
    }
    for method in ["PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "POST", "BREW"] {
        let request =
            format!("{method} /v1/status HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
        let reply = Reply::parse(&exchange(&scene.url, request.as_bytes())).unwrap();
        assert_eq!(refused(&reply), "wrong_method", "{method}");
    }
    unharmed(&scene, size);
}

#[test]
fn bytes_that_are_no_http_end_the_connection_and_nothing_else() {
    let scene = Scene::set();
    let size = scene.log_size();
    let long = format!("GET / HTTP/1.1\r\nHost: {}\r\n\r\n", "x".repeat(100_000));
    let many = format!("GET / HTTP/1.1\r\n{}\r\n", "A: b\r\n".repeat(5_000));
    let cases: [&[u8]; 12] = [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 a TLS hello",
        b"\0\0\0\0\0\0\0\0",
        b"GET\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"GET /\xff\xfe HTTP/1.1\r\nHost: x\r\n\r\n",
        b"POST /v1/acts HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
        b"POST /v1/acts HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n{}",
        b"POST /v1/acts HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"POST /v1/acts HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: x\r\n\r\n{}",
        long.as_bytes(),
        many.as_bytes(),
    ];
    for bytes in cases {
        let answer = exchange(&scene.url, bytes);
        if let Some(reply) = Reply::parse(&answer) {
            assert!((400..500).contains(&reply.status), "{bytes:?}: {reply:?}");
        }
    }
    // Garbage behind a good call does not undo the good one.
    let answer = exchange(
        &scene.url,
        b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n\x01garbage\r\n\r\n",
    );
    assert_eq!(Reply::parse(&answer).unwrap().status, 200);
    // A body that hides a second call is one body.
    let hidden = "GET /v1/status HTTP/1.1\r\nHost: x\r\n\r\n";
    let bytes = format!(
        "POST /v1/acts HTTP/1.1\r\nHost: x\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{hidden}",
        hidden.len()
    );
    let answer = exchange(&scene.url, bytes.as_bytes());
    let text = String::from_utf8(answer).unwrap();
    assert_eq!(text.matches("HTTP/1.1 ").count(), 1, "{text}");
    unharmed(&scene, size);
}
