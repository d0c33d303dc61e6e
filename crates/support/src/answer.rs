//! What came back, with its expectations.

use serde_json::Value;

/// What came back.
#[derive(Debug, Clone)]
pub struct Answer {
    pub asked: String,
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Answer {
    pub(crate) fn from(asked: String, response: rouille::Response) -> Answer {
        let headers =
            response.headers.iter().map(|(name, value)| (name.to_string(), value.to_string()));
        let headers = headers.collect();
        let (mut reader, _) = response.data.into_reader_and_size();
        let mut body = Vec::new();
        std::io::Read::read_to_end(&mut reader, &mut body).unwrap();
        Answer { asked, status: response.status_code, headers, body }
    }

    /// Fails the test unless the status is this one.
    #[track_caller]
    pub fn expect(self, status: u16) -> Answer {
        assert_eq!(self.status, status, "{}: {}", self.asked, self.text());
        self
    }

    /// Fails the test unless exactly these fields are named as wrong.
    #[track_caller]
    pub fn expect_faults(self, fields: &[&str]) -> Answer {
        let answer = self.expect(422);
        let json = answer.json();
        let mut named: Vec<_> = json["errors"]
            .as_array()
            .unwrap()
            .iter()
            .map(|e| e["field"].as_str().unwrap())
            .collect();
        let mut fields = fields.to_vec();
        named.sort_unstable();
        fields.sort_unstable();
        assert_eq!(named, fields, "{}", answer.asked);
        answer
    }

    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|_| panic!("{}: no JSON: {}", self.asked, self.text()))
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The value of a header, or an empty text.
    pub fn header(&self, name: &str) -> &str {
        let found = self.headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
        found.map_or("", |(_, value)| value)
    }
}

/// Asks until the answer is no 503, as a client does, twenty times at most. Where several ask at once: whoever
/// waits two seconds for a core or for another writer gets 503, and on a busy machine that is soon over.
pub fn served(ask: impl Fn() -> Answer) -> Answer {
    let mut answers = std::iter::repeat_with(ask).take(20);
    answers.find(|answer| answer.status != 503).expect("twenty times 503")
}
