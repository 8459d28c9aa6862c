use std::collections::HashSet;
use std::fmt;

use super::LabelmeFile;
use crate::label::{Label, Quoted};

/// What is odd about labels that were read and scored all the same, told to whoever wrote them.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Note {
    LabelIsNumber { label: Label },
    LabelHasSpaces { label: Label },
    OtherShapeType { shape: usize, shape_type: String },
    FewPoints { shape: usize, points: usize },
    WithoutPixel { label: Label },
    OutsideSet { label: Label },
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::LabelIsNumber { label } => write!(
                f,
                "label {label} matches no reference label: write it as text, between quotes"
            ),
            Self::LabelHasSpaces { label } => write!(
                f,
                "label {label} matches no reference label: write the digits without spaces"
            ),
            Self::OtherShapeType { shape, shape_type } => write!(
                f,
                "/shapes/{shape} is a {}, its points were taken as a polygon: write a polygon",
                Quoted(shape_type)
            ),
            Self::FewPoints { shape, points: 1 } => {
                write!(
                    f,
                    "/shapes/{shape} has one point and is a dot: write three or more"
                )
            }
            Self::FewPoints { shape, points } => {
                write!(
                    f,
                    "/shapes/{shape} has {points} points and is a line: write three or more"
                )
            }
            Self::WithoutPixel { label } => write!(
                f,
                "label {label} has no pixel inside the image and still counts as a tooth that the \
                 reference lacks: leave it out, or give its coordinates in pixels"
            ),
            Self::OutsideSet { label } => write!(
                f,
                "label {label} is none of the track's: it counts in the image metrics and against \
                 the identification, so leave it out or give it its number"
            ),
        }
    }
}

impl LabelmeFile {
    /// Each thing is told once, however many shapes show it.
    pub fn notes(&self) -> Vec<Note> {
        let mut notes = Vec::new();
        let (mut labels, mut shape_types) = (HashSet::new(), HashSet::new());
        for (index, shape) in self.shapes.iter().enumerate() {
            if labels.insert(&shape.label) {
                notes.extend(oddity(&shape.label));
            }
            if shape.shape_type != "polygon" {
                if shape_types.insert(&shape.shape_type) {
                    notes.push(Note::OtherShapeType {
                        shape: index,
                        shape_type: shape.shape_type.clone(),
                    });
                }
            } else if shape.points.len() < 3 {
                notes.push(Note::FewPoints {
                    shape: index,
                    points: shape.points.len(),
                });
            }
        }
        notes
    }
}

fn oddity(label: &Label) -> Option<Note> {
    match label {
        Label::Number(_) => Some(Note::LabelIsNumber {
            label: label.clone(),
        }),
        Label::Text(text) if text.contains(char::is_whitespace) => Some(Note::LabelHasSpaces {
            label: label.clone(),
        }),
        Label::Text(_) | Label::Value(_) => None,
    }
}

/// The labels that `is_in_set` does not know. Numbers and labels with spaces have notes of their own.
pub fn notes_outside_set(
    labels: impl IntoIterator<Item = Label>,
    is_in_set: impl Fn(i32) -> bool,
) -> Vec<Note> {
    let outside =
        |label: &Label| oddity(label).is_none() && !label.number().is_some_and(&is_in_set);
    labels
        .into_iter()
        .filter(outside)
        .map(|label| Note::OutsideSet { label })
        .collect()
}

/// What a predictions upload is refused for, because it can still be mended before it costs anything.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Complaint {
    /// JSON pointer into the file.
    pub pointer: String,
    pub note: Note,
}

impl fmt::Display for Complaint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.pointer, self.note)
    }
}

pub fn complaints_strict(file: &LabelmeFile) -> Vec<Complaint> {
    let shapes = file.shapes.iter().enumerate();
    let complaint = |(index, note)| Complaint {
        pointer: format!("/shapes/{index}/label"),
        note,
    };
    shapes
        .filter_map(|(index, shape)| Some((index, oddity(&shape.label)?)))
        .map(complaint)
        .collect()
}
