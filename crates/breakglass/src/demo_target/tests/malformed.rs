//! What arrives at the port, whatever it is.

use std::{
    io::{self, Read, Write as _},
    net::{Shutdown, TcpStream},
};

use proptest::prelude::*;

use super::Shop;
use crate::demo_target::http::{self, Method, Unread};

const POST: &str = "POST /login HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\n";

/// Hands out at most so many bytes per read.
struct Pieces<'a>(&'a [u8], usize);

impl Read for Pieces<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let size = out.len().min(self.1);
        let got = self.0.read(&mut out[..size])?;
        Ok(got)
    }
}

fn status(bytes: &[u8]) -> u16 {
    match http::read(&mut &*bytes) {
        Ok(_) => 200,
        Err(Unread::Refused(status, _)) => status,
        Err(Unread::Gone) => 0,
    }
}

#[test]
fn a_request_is_read_in_whatever_pieces_it_comes() {
    let bytes = format!("{POST}Content-Length: 2\r\n\r\n{{}}");
    for size in [2, 7, 1000] {
        let request = http::read(&mut Pieces(bytes.as_bytes(), size));
        let request = request.ok().unwrap();
        assert_eq!(
            (request.method, request.path.as_str()),
            (Method::Post, "/login")
        );
        assert_eq!(
            (request.host.as_str(), request.body.as_slice()),
            ("h", &b"{}"[..])
        );
    }
    let crumbs = http::read(&mut Pieces(bytes.as_bytes(), 1));
    assert!(matches!(crumbs, Err(Unread::Refused(408, _))));
}

#[test]
fn a_request_that_ends_early_is_none() {
    let bytes = format!("{POST}Content-Length: 2\r\n\r\n{{}}");
    assert_eq!(status(bytes.as_bytes()), 200);
    for end in 0..bytes.len() {
        assert_eq!(status(&bytes.as_bytes()[..end]), 0, "{end}");
    }
}

#[test]
fn what_can_be_read_in_two_ways_is_refused() {
    for (fields, expected) in [
        ("Content-Length: 2\r\nContent-Length: 2\r\n\r\n{}", 400),
        ("Content-Length: +2\r\n\r\n{}", 400),
        ("Content-Length: 2, 2\r\n\r\n{}", 400),
        ("Content-Length:\r\n\r\n", 400),
        ("Content-Length: 2\r\n\r\n{}GET / HTTP/1.1\r\n", 400),
        ("Content-Length: 16385\r\n\r\n", 413),
        ("Content-Length: 99999999999999999999999\r\n\r\n", 413),
        (
            "Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n{}",
            501,
        ),
        ("Content-Length : 2\r\n\r\n{}", 400),
        ("Content-Length: 2\r\n folded\r\n\r\n{}", 400),
        ("Content-Length: 2\nX: y\r\n\r\n{}", 400),
        ("Host: other\r\n\r\n", 400),
        ("X: \u{0}\r\n\r\n", 400),
        ("X: é\r\n\r\n", 400),
        ("no colon\r\n\r\n", 400),
        (": no name\r\n\r\n", 400),
    ] {
        let bytes = format!("{POST}{fields}");
        assert_eq!(status(bytes.as_bytes()), expected, "{fields:?}");
    }
}

#[test]
fn only_plain_requests_are_taken() {
    let host = "Host: h\r\n\r\n";
    for (line, expected) in [
        ("GET / HTTP/1.1", 200),
        ("GET / HTTP/1.0", 505),
        ("DELETE / HTTP/1.1", 501),
        ("get / HTTP/1.1", 501),
        ("GET  / HTTP/1.1", 400),
        ("GET / HTTP/1.1 ", 400),
        ("GET http://h/ HTTP/1.1", 400),
        ("GET /?q HTTP/1.1", 400),
        ("GET /%2e HTTP/1.1", 400),
        ("GET /\u{e9} HTTP/1.1", 400),
        ("", 400),
    ] {
        let bytes = format!("{line}\r\n{host}");
        assert_eq!(status(bytes.as_bytes()), expected, "{line:?}");
    }
    assert_eq!(status(b"GET / HTTP/1.1\r\n\r\n"), 400, "no host");
    assert_eq!(status(b"POST / HTTP/1.1\r\nHost: h\r\n\r\n"), 415);
    assert_eq!(
        status(b"GET / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\n\r\nx"),
        400
    );
    assert_eq!(status(&b"x".repeat(9000)), 431);
    let many = format!("GET / HTTP/1.1\r\n{}{host}", "a: b\r\n".repeat(64));
    assert_eq!(status(many.as_bytes()), 431);
}

#[test]
fn a_refused_peer_gets_its_answer_and_the_next_one_is_served() {
    let shop = Shop::new();
    let port = shop.running.port();
    let long = format!("{POST}Content-Length: 99999\r\n\r\n{}", "x".repeat(30_000));
    let elsewhere = format!("GET / HTTP/1.1\r\nHost: example.com:{port}\r\n\r\n");
    let wrong_json = format!(
        "POST /login HTTP/1.1\r\nHost: localhost:{port}\r\n\
        Content-Type: application/json\r\nContent-Length: 2\r\n\r\n{{}}"
    );
    for (request, expected) in [
        (long.as_str(), "HTTP/1.1 413 "),
        ("\r\n\r\n", "HTTP/1.1 400 "),
        (elsewhere.as_str(), "HTTP/1.1 421 "),
        (wrong_json.as_str(), "HTTP/1.1 400 "),
        ("GET / HT", ""),
    ] {
        let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
        stream.write_all(request.as_bytes()).unwrap();
        stream.shutdown(Shutdown::Write).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with(expected), "{answer}");
        assert_eq!(expected.is_empty(), answer.is_empty());
    }
    for path in [
        "/nothing",
        "/operations/",
        "/operations/../auth",
        "/current",
    ] {
        assert_eq!(shop.get(path).status, 404, "{path}");
    }
    assert_eq!(shop.get("/login").status, 405);
    assert_eq!(shop.post("/", &[]).status, 405);
    assert_eq!(shop.version(), "2.4.1");
}

proptest! {
    #[test]
    fn no_bytes_are_too_odd(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _ = status(&bytes);
        let request = [POST.as_bytes(), &bytes, b"\r\n\r\n"].concat();
        let _ = status(&request);
    }

    #[test]
    fn no_text_is_too_odd(text in "(GET|POST|\\PC{0,4})[ /\r\n:a-zA-Z0-9.%-]{0,200}\r\n\r\n.{0,9}") {
        let _ = status(text.as_bytes());
    }
}
