//! What organizers ask a team that wants a place in a track, and whether its answers will do.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::is_slug;
use crate::spelled_enum;

spelled_enum! {
    /// How a question is answered.
    pub enum QuestionKind as "kind of question" {
        Text = "text",
        Choice = "choice",
    }
}

const QUESTIONS_MAX: usize = 30;
const TEXT_MAX: usize = 500;
const CHOICES_MAX: usize = 30;
const CHOICE_MAX: usize = 200;
/// Of an answer in words.
pub const ANSWER_MAX: usize = 2000;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Question {
    pub id: String,
    pub text: String,
    #[serde(default)]
    pub required: bool,
    #[serde(default = "text")]
    pub kind: QuestionKind,
    /// Of a choice: what one can choose.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub choices: Vec<String>,
}

fn text() -> QuestionKind {
    QuestionKind::Text
}

/// An answer beside its question as it was asked then.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    pub id: String,
    pub question: String,
    pub answer: String,
}

/// What is wrong with a list of questions, each with its place in the list.
pub fn complaints(questions: &[Question]) -> Vec<(String, String)> {
    let mut found = Vec::new();
    if questions.len() > QUESTIONS_MAX {
        found.push((String::new(), format!("are more than {QUESTIONS_MAX}")));
    }
    let mut seen = BTreeSet::new();
    for (n, question) in questions.iter().enumerate() {
        let mut say = |field: &str, detail: String| found.push((format!("{n}/{field}"), detail));
        if !is_slug(&question.id) {
            let id = &question.id;
            say(
                "id",
                format!("`{id}` is no slug: 1 to 64 of a-z, 0-9 and -, not starting with -"),
            );
        } else if !seen.insert(&question.id) {
            say("id", format!("`{}` is used twice", question.id));
        }
        if !is_line(&question.text, TEXT_MAX) {
            say(
                "text",
                format!("must be one line of 1 to {TEXT_MAX} characters"),
            );
        }
        if let Some(detail) = question.wrong_choices() {
            say("choices", detail);
        }
    }
    found
}

fn is_line(text: &str, max: usize) -> bool {
    let is_short = (1..=max).contains(&text.trim().chars().count());
    is_short && !text.chars().any(char::is_control)
}

impl Question {
    fn wrong_choices(&self) -> Option<String> {
        let different: BTreeSet<_> = self.choices.iter().collect();
        match (self.kind, self.choices.len()) {
            (QuestionKind::Text, 0) => None,
            (QuestionKind::Text, _) => Some("are for a question of the kind `choice`".to_owned()),
            (QuestionKind::Choice, 2..=CHOICES_MAX) if different.len() < self.choices.len() => {
                Some("name one choice twice".to_owned())
            }
            (QuestionKind::Choice, 2..=CHOICES_MAX) => {
                let is_good = self
                    .choices
                    .iter()
                    .all(|choice| is_line(choice, CHOICE_MAX));
                (!is_good).then(|| format!("must be lines of 1 to {CHOICE_MAX} characters"))
            }
            (QuestionKind::Choice, _) => Some(format!("must be 2 to {CHOICES_MAX}")),
        }
    }

    /// What is wrong with a trimmed answer.
    fn complaint(&self, answer: &str) -> Option<String> {
        let length = answer.chars().count();
        match self.kind {
            _ if answer.is_empty() => self
                .required
                .then(|| format!("the organizers ask for an answer: {}", self.text)),
            QuestionKind::Choice => (!self.choices.iter().any(|choice| choice == answer))
                .then(|| format!("must be one of: {}", self.choices.join("; "))),
            QuestionKind::Text if length > ANSWER_MAX => Some(format!(
                "must have at most {ANSWER_MAX} characters, has {length}"
            )),
            QuestionKind::Text => {
                let is_odd = |c: char| c.is_control() && !matches!(c, '\n' | '\r' | '\t');
                answer
                    .chars()
                    .any(is_odd)
                    .then(|| "must have no control characters".to_owned())
            }
        }
    }
}

/// Answers in the order of the questions, those left empty left out; or everything that is wrong, by
/// the question's id.
pub fn answered(
    questions: &[Question],
    given: &BTreeMap<String, String>,
) -> Result<Vec<Answer>, Vec<(String, String)>> {
    let mut wrong = Vec::new();
    let mut answers = Vec::new();
    for question in questions {
        let answer = given.get(&question.id).map_or("", |text| text.trim());
        match question.complaint(answer) {
            Some(detail) => wrong.push((question.id.clone(), detail)),
            None if answer.is_empty() => {}
            None => answers.push(Answer {
                id: question.id.clone(),
                question: question.text.clone(),
                answer: answer.to_owned(),
            }),
        }
    }
    for id in given.keys() {
        if !questions.iter().any(|question| question.id == *id) {
            wrong.push((id.clone(), "the track has no such question".to_owned()));
        }
    }
    if wrong.is_empty() {
        Ok(answers)
    } else {
        Err(wrong)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn questions() -> Vec<Question> {
        let question = |id: &str, kind, required, choices: &[&str]| Question {
            id: id.to_owned(),
            text: format!("What about {id}?"),
            required,
            kind,
            choices: choices.iter().map(|&choice| choice.to_owned()).collect(),
        };
        vec![
            question("lab", QuestionKind::Text, true, &[]),
            question("data", QuestionKind::Choice, true, &["public", "private"]),
            question("remarks", QuestionKind::Text, false, &[]),
        ]
    }

    fn given(answers: &[(&str, &str)]) -> BTreeMap<String, String> {
        let pairs = answers.iter();
        pairs
            .map(|(id, answer)| ((*id).to_owned(), (*answer).to_owned()))
            .collect()
    }

    #[test]
    fn answers_are_kept_beside_their_questions() {
        let all = given(&[
            ("data", "public"),
            ("lab", " Ours\nand theirs "),
            ("remarks", " "),
        ]);
        let answers = answered(&questions(), &all).unwrap();
        let told: Vec<_> = answers
            .iter()
            .map(|a| (a.question.as_str(), a.answer.as_str()))
            .collect();
        assert_eq!(
            told,
            [
                ("What about lab?", "Ours\nand theirs"),
                ("What about data?", "public")
            ]
        );
    }

    #[test]
    fn every_answer_that_will_not_do_is_told_at_once() {
        let long = "x".repeat(ANSWER_MAX + 1);
        let bad = given(&[("data", "secret"), ("remarks", &long), ("age", "7")]);
        let wrong = answered(&questions(), &bad).unwrap_err();
        let wrong: Vec<String> = wrong
            .iter()
            .map(|(id, what)| format!("{id}: {what}"))
            .collect();
        assert_eq!(
            wrong,
            [
                "lab: the organizers ask for an answer: What about lab?",
                "data: must be one of: public; private",
                "remarks: must have at most 2000 characters, has 2001",
                "age: the track has no such question",
            ]
        );
        assert!(
            answered(
                &questions(),
                &given(&[("lab", "a\u{7}"), ("data", "public")])
            )
            .is_err()
        );
    }

    #[test]
    fn questions_that_nobody_could_answer_are_refused() {
        assert_eq!(complaints(&questions()), []);
        let mut bad = questions();
        bad[0].id = "Lab".into();
        bad[1].choices = vec!["one".into()];
        bad[2].id = "data".into();
        bad[2].text = " ".into();
        bad[2].choices = vec!["a".into(), "b".into()];
        let places: Vec<_> = complaints(&bad).into_iter().map(|(at, _)| at).collect();
        assert_eq!(places, ["0/id", "1/choices", "2/id", "2/text", "2/choices"]);
    }
}
