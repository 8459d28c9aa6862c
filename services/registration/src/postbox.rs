//! For tests: a mail server that keeps what it is sent.

use std::io::{BufRead, BufReader, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use mailin::response::{INTERNAL_ERROR, NO_MAILBOX, OK};
use mailin::{Action, Handler, Response, SessionBuilder};

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Received {
    pub to: Vec<String>,
    /// Head and body.
    pub text: String,
}

impl Received {
    pub fn header(&self, name: &str) -> Option<&str> {
        let head = self.text.split("\r\n\r\n").next().unwrap_or_default();
        head.lines().find_map(|line| {
            let (found, value) = line.split_once(": ")?;
            found.eq_ignore_ascii_case(name).then_some(value)
        })
    }

    /// The path and query of the first link in the body that leads there.
    pub fn link(&self, path: &str) -> String {
        let (_, body) = self.text.split_once("\r\n\r\n").expect("a body");
        let mut words = body.split_whitespace();
        let url = words.find(|word| word.starts_with(&format!("http://molar.test{path}")));
        let url = url.unwrap_or_else(|| panic!("no link to {path} in {body}"));
        url.trim_start_matches("http://molar.test").to_owned()
    }
}

/// How the server treats the next mails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mood {
    Takes,
    /// 550 to every recipient.
    Refuses,
    /// 451 to every recipient.
    Stumbles,
}

#[derive(Clone)]
pub struct Postbox {
    address: SocketAddr,
    mood: Arc<Mutex<Mood>>,
    received: Arc<Mutex<Vec<Received>>>,
}

impl Postbox {
    pub fn open() -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
        let postbox = Self {
            address: listener.local_addr().expect("an address"),
            mood: Arc::new(Mutex::new(Mood::Takes)),
            received: Arc::default(),
        };
        let all = postbox.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let one = Conversation {
                    postbox: all.clone(),
                    mail: Received::default(),
                };
                std::thread::spawn(move || one.hold(stream));
            }
        });
        postbox
    }

    pub fn url(&self) -> String {
        format!("smtp://{}", self.address)
    }

    pub fn set(&self, mood: Mood) {
        *self.mood.lock().unwrap() = mood;
    }

    pub fn received(&self) -> Vec<Received> {
        self.received.lock().unwrap().clone()
    }

    fn mood(&self) -> Mood {
        *self.mood.lock().unwrap()
    }
}

struct Conversation {
    postbox: Postbox,
    mail: Received,
}

impl Conversation {
    fn hold(self, stream: TcpStream) {
        let mut out = stream.try_clone().expect("a stream");
        let here = IpAddr::V4(Ipv4Addr::LOCALHOST);
        let mut session = SessionBuilder::new("postbox.test").build(here, self);
        let mut answer = |response: &Response| {
            let sent = response.write_to(&mut out).and_then(|()| out.flush());
            sent.is_ok()
        };
        answer(&session.greeting());
        let mut lines = BufReader::new(stream);
        let mut line = Vec::new();
        while lines
            .read_until(b'\n', &mut line)
            .is_ok_and(|length| length > 0)
        {
            let response = session.process(&line);
            line.clear();
            let goes_on = match response.action {
                Action::NoReply => true,
                Action::Reply => answer(&response),
                Action::Close | Action::UpgradeTls => {
                    answer(&response);
                    false
                }
            };
            if !goes_on {
                return;
            }
        }
    }
}

impl Handler for Conversation {
    fn rcpt(&mut self, to: &str) -> Response {
        match self.postbox.mood() {
            Mood::Refuses => return NO_MAILBOX,
            Mood::Stumbles => return INTERNAL_ERROR,
            Mood::Takes => self.mail.to.push(to.to_owned()),
        }
        OK
    }

    fn data(&mut self, piece: &[u8]) -> std::io::Result<()> {
        self.mail.text.push_str(&String::from_utf8_lossy(piece));
        Ok(())
    }

    fn data_end(&mut self) -> Response {
        let mail = std::mem::take(&mut self.mail);
        self.postbox.received.lock().unwrap().push(mail);
        OK
    }
}
