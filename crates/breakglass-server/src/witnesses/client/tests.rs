use std::{
    cell::RefCell,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{TcpListener, TcpStream},
};

use breakglass_tlog::{Checkpoint, CosignerKey, KeyName, SigningKey};

use super::*;

fn name(name: &str) -> KeyName {
    KeyName::new(name).unwrap()
}

fn head(size: u64) -> SignedCheckpoint {
    let tree = Checkpoint::new(name("log.example"), size, Hash::from_bytes([7; 32])).unwrap();
    let key = SigningKey::from_seed(name("log.example"), &[9; 32]);
    let mut signed = SignedCheckpoint::sign(tree, &key).unwrap();
    let other = CosignerKey::from_seed(name("other.example"), &[8; 32]);
    let line = other.cosign(signed.checkpoint(), 1).unwrap();
    signed.add_signature(line, other.verifier()).unwrap();
    signed
}

fn agent() -> ureq::Agent {
    crate::outbound::client(None, Duration::from_secs(20)).unwrap()
}

/// Reads a question and answers it: status and header lines, an empty line, the body.
fn answer_one(stream: TcpStream, answer: &str) -> String {
    let mut stream = BufReader::new(stream);
    let mut length = 0;
    let mut line = String::new();
    while line != "\r\n" {
        line.clear();
        stream.read_line(&mut line).unwrap();
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length: ") {
            length = value.trim_end().parse().unwrap();
        }
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body).unwrap();
    let (head, told) = answer.split_once("\n\n").unwrap();
    let answer = format!(
        "HTTP/1.1 {}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{told}",
        head.replace('\n', "\r\n"),
        told.len()
    );
    stream.get_mut().write_all(answer.as_bytes()).unwrap();
    String::from_utf8(body).unwrap()
}

/// Asks about ten entries of a log of twelve, from this size, somebody who gives these answers one
/// after another; what came of it, and the first line of each question.
fn play(accepted: Option<u64>, answers: &[&'static str]) -> (Outcome, Vec<String>) {
    let answers = answers.to_vec();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let server = std::thread::spawn(move || {
        let questions = answers.iter().map(|answer| {
            let (stream, _) = listener.accept().unwrap();
            answer_one(stream, answer)
        });
        questions.collect::<Vec<String>>()
    });
    let head = head(10);
    let proofs = RefCell::new(Vec::new());
    let outcome = Client::new(&url, agent()).unwrap().ask(Asked {
        head: &head,
        accepted,
        proof: &|old, new| {
            proofs.borrow_mut().push((old, new));
            Ok(vec![Hash::from_bytes([1; 32])])
        },
        log_size: &|| 12,
    });
    let bodies = server.join().unwrap();
    for body in &bodies {
        assert!(!body.contains("other.example"), "only the log's own lines");
    }
    for (old, new) in proofs.into_inner() {
        assert!(
            old > 0 && new == 10,
            "from nothing there is nothing to prove"
        );
    }
    let first = |body: &String| body.lines().next().unwrap().to_owned();
    (outcome, bodies.iter().map(first).collect())
}

const SIZE_7: &str = "409 Conflict\nContent-Type: text/x.tlog.size\n\n7\n";

#[test]
fn a_witness_of_which_nothing_is_known_says_where_it_is() {
    let (outcome, asked) = play(None, &[SIZE_7, "200 OK\n\n— w.example AAAAAAA=\n"]);
    assert!(matches!(outcome, Outcome::Cosigned(lines) if lines.len() == 1));
    assert_eq!(asked, ["old 0", "old 7"]);
}

#[test]
fn what_was_accepted_last_is_where_it_is_asked_from() {
    let (outcome, asked) = play(Some(7), &["422 Unprocessable\n\nno\n"]);
    assert_eq!(
        (outcome, asked),
        (Outcome::Forked, vec!["old 7".to_owned()])
    );
    let (_, asked) = play(Some(99), &["422 Unprocessable\n\nno\n"]);
    assert_eq!(asked, ["old 10"], "never beyond what it is asked about");
}

#[test]
fn a_witness_that_saw_more_than_the_log_has_shows_a_rollback() {
    let beyond = "409 Conflict\nContent-Type: text/x.tlog.size\n\n13\n";
    assert_eq!(play(None, &[beyond]).0, Outcome::RolledBack { size: 13 });
    // The log itself has grown meanwhile, and somebody asked about that.
    let grown = "409 Conflict\nContent-Type: text/x.tlog.size\n\n12\n";
    assert!(matches!(play(None, &[grown]).0, Outcome::Away(_)));
}

#[test]
fn what_says_later_is_asked_three_times_more_and_then_left() {
    let later = "503 Service Unavailable\n\n";
    let (outcome, asked) = play(Some(7), &[later, later, later, later]);
    assert!(matches!(outcome, Outcome::Away(_)));
    assert_eq!(asked.len(), 4);
    let (outcome, asked) = play(Some(7), &[later, "409 Conflict\n\n"]);
    assert_eq!((outcome, asked.len()), (Outcome::Forked, 2));
}

#[test]
fn nobody_is_asked_for_ever() {
    const SIZE_6: &str = "409 Conflict\nContent-Type: text/x.tlog.size\n\n6\n";
    let (outcome, asked) = play(None, &[SIZE_7, SIZE_6, SIZE_7]);
    assert!(matches!(outcome, Outcome::Unusable(_)));
    assert_eq!(asked, ["old 0", "old 7", "old 6"]);
    let (outcome, _) = play(None, &["404 Not Found\n\n"]);
    assert!(matches!(outcome, Outcome::Unusable(_)));
    // A redirect is not followed.
    let (outcome, _) = play(None, &["307 Temporary\nLocation: http://127.0.0.1:1/\n\n"]);
    assert!(matches!(outcome, Outcome::Unusable(_)));
}

#[test]
fn a_witness_beyond_this_machine_is_spoken_to_over_tls_only() {
    let make = |url: &str| Client::new(url, agent());
    for good in [
        "https://w.example",
        "https://w.example/prefix/",
        "http://127.0.0.1:7380",
        "http://localhost",
    ] {
        assert!(make(good).is_ok(), "{good}");
    }
    for bad in [
        "http://w.example",
        "http://127.0.0.1.w.example/",
        "ftp://w.example",
        "https://",
        "https://me:secret@w.example",
        "https://w.example/?a=b",
        "w.example",
    ] {
        assert!(make(bad).is_err(), "{bad}");
    }
}
