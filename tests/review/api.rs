//! A server that keeps comments as GitHub and GitLab do: enough of both for `scripts/comment`.

use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

/// What the server knows and saw.
#[derive(Default)]
pub(super) struct State {
    /// Author and body; the number of a comment is its place, from 1.
    pub(super) comments: Vec<(String, String)>,
    /// The check runs.
    pub(super) checks: Vec<Value>,
    /// The reviews of the pull request, or the approvals of the merge request.
    pub(super) reviews: Value,
    /// The versions of the merge request.
    pub(super) versions: Value,
    /// Who opened the merge request.
    pub(super) opener: String,
    /// Reviews must not be read.
    pub(super) hides_reviews: bool,
    /// Writing is forbidden, as for the token of a fork.
    pub(super) read_only: bool,
    /// Method and path of every request.
    pub(super) requests: Vec<String>,
    /// The token, as it was shown.
    pub(super) tokens: Vec<String>,
}

pub(super) struct Api {
    pub(super) url: String,
    pub(super) state: Arc<Mutex<State>>,
}

impl Api {
    /// Serves until the test ends.
    pub(super) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let state = Arc::new(Mutex::new(State::default()));
        let shared = Arc::clone(&state);
        thread::spawn(move || listener.incoming().flatten().for_each(|stream| serve(stream, &shared)));
        Self { url, state }
    }

    pub(super) fn with<T>(&self, ask: impl FnOnce(&mut State) -> T) -> T {
        ask(&mut self.state.lock().expect("no test panics while it holds the lock"))
    }

    /// Requests that write, since last asked.
    pub(super) fn writes(&self) -> Vec<String> {
        self.with(|state| std::mem::take(&mut state.requests).into_iter().filter(|request| !request.starts_with("GET")).collect())
    }
}

fn serve(stream: TcpStream, shared: &Mutex<State>) {
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    if reader.read_line(&mut line).is_err() {
        return;
    }
    let mut words = line.split_whitespace();
    let (method, path) = (words.next().unwrap_or_default().to_owned(), words.next().unwrap_or_default().to_owned());
    let (mut length, mut token) = (0, String::new());
    loop {
        let mut header = String::new();
        reader.read_line(&mut header).expect("a header");
        let Some((name, value)) = header.trim_end().split_once(':') else { break };
        match name.to_ascii_lowercase().as_str() {
            "content-length" => length = value.trim().parse().expect("a length"),
            "authorization" | "private-token" => token = value.trim().to_owned(),
            _ => {}
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).expect("the body");
    let mut state = shared.lock().expect("no test panics while it holds the lock");
    state.requests.push(format!("{method} {path}"));
    state.tokens.push(token);
    let (status, answer) = answered(&mut state, &method, &path, &body);
    let text = answer.to_string();
    let head = format!("HTTP/1.1 {status} OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", text.len());
    _ = reader.get_mut().write_all((head + &text).as_bytes());
}

/// Status and body.
fn answered(state: &mut State, method: &str, path: &str, body: &[u8]) -> (u16, Value) {
    if method == "GET" && path.ends_with("/user") {
        return (200, json!({"username": "the-bot"}));
    }
    let of_reviews = path.contains("/reviews?") || path.contains("/versions?") || path.ends_with("/approvals");
    if method == "GET" && of_reviews && state.hides_reviews {
        return (403, json!({"message": "Resource not accessible by integration"}));
    }
    if method == "GET" && path.ends_with("/approvals") {
        return (200, state.reviews.clone());
    }
    if method == "GET" && path.ends_with("/merge_requests/9") {
        return (200, json!({"iid": 9, "author": {"username": state.opener}}));
    }
    if method == "GET" && of_reviews {
        let list = if path.contains("/versions?") { &state.versions } else { &state.reviews };
        let page: usize = path.rsplit_once("page=").and_then(|(_, page)| page.parse().ok()).unwrap_or(1);
        return (200, list.as_array().into_iter().flatten().skip((page - 1) * 100).take(100).cloned().collect());
    }
    if method == "GET" {
        let page: usize = path.rsplit_once("page=").and_then(|(_, page)| page.parse().ok()).unwrap_or(1);
        let numbered = state.comments.iter().enumerate().skip((page - 1) * 100).take(100);
        let shown = numbered.map(|(at, (author, body))| {
            let user = json!({"login": author, "username": author});
            json!({"id": at + 1, "body": body, "user": user, "author": user})
        });
        return (200, shown.collect());
    }
    if state.read_only {
        return (403, json!({"message": "Resource not accessible by integration"}));
    }
    let body: Value = serde_json::from_slice(body).expect("JSON");
    if path.ends_with("/check-runs") {
        state.checks.push(body);
        return (201, json!({}));
    }
    let text = body["body"].as_str().expect("a body").replace('\n', "\r\n");
    match method {
        "POST" => state.comments.push(("the-bot".to_owned(), text)),
        _ => {
            let number: usize = path.rsplit('/').next().and_then(|id| id.parse().ok()).expect("a number");
            state.comments[number - 1].1 = text;
        }
    }
    (if method == "POST" { 201 } else { 200 }, json!({}))
}
