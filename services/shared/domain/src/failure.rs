//! Why something failed: the closed list of codes that is public API.

use crate::spelled_enum;

/// Whose fault decides what follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Retried with back-off; quota given back.
    Ours,
    /// Final at once, with a reason to act on.
    Theirs,
}

spelled_enum! {
    /// A reason that a team can act on, or that it can leave to us.
    pub enum FailureCode as "failure code" {
        // the upload and its check
        /// The file is not a zip or `docker save` archive, or is damaged.
        BadArchive = "bad-archive",
        /// Entries, sizes or nesting beyond what an honest archive has.
        ArchiveTooLarge = "archive-too-large",
        /// Cases are missing, unexpected, misnamed or nested.
        WrongFiles = "wrong-files",
        /// A prediction cannot be read, or has another size than its case.
        BadPrediction = "bad-prediction",
        /// The archive holds more than one runnable image.
        SeveralImages = "several-images",
        WrongArchitecture = "wrong-architecture",
        NoPredictScript = "no-predict-script",
        NoShell = "no-shell",
        ImageTooLarge = "image-too-large",
        /// The image runs as root, and the machines of its class keep root out by refusing it only.
        RootImage = "root-image",
        /// What lies in the store is not what was declared.
        UploadMismatch = "upload-mismatch",
        /// Checking the file needed more memory or time than any honest file does.
        CheckFailed = "check-failed",
        // the run of a case
        StartFailed = "start-failed",
        TimedOut = "timed-out",
        OutOfMemory = "out-of-memory",
        Silent = "silent",
        DiskFull = "disk-full",
        OutputTooLarge = "output-too-large",
        /// Nothing of the expected name in /outputs.
        NoPrediction = "no-prediction",
        /// A link, device, FIFO or folder where a file is expected.
        OutputNotAFile = "output-not-a-file",
        /// The canary, a public case, gave no readable prediction.
        CanaryFailed = "canary-failed",
        // ours
        WorkerLost = "worker-lost",
        Internal = "internal",
    }
}

impl FailureCode {
    pub const fn fault(self) -> Fault {
        match self {
            Self::WorkerLost | Self::Internal => Fault::Ours,
            Self::BadArchive
            | Self::ArchiveTooLarge
            | Self::WrongFiles
            | Self::BadPrediction
            | Self::SeveralImages
            | Self::WrongArchitecture
            | Self::NoPredictScript
            | Self::NoShell
            | Self::ImageTooLarge
            | Self::RootImage
            | Self::UploadMismatch
            | Self::CheckFailed
            | Self::StartFailed
            | Self::TimedOut
            | Self::OutOfMemory
            | Self::Silent
            | Self::DiskFull
            | Self::OutputTooLarge
            | Self::NoPrediction
            | Self::OutputNotAFile
            | Self::CanaryFailed => Fault::Theirs,
        }
    }

    /// One sentence for the team: what happened and what to do.
    pub const fn advice(self) -> &'static str {
        match self {
            Self::BadArchive => {
                "The file is damaged or not of the expected kind. Build it again and check it with `unzip -t` or `gzip -t` before uploading."
            }
            Self::ArchiveTooLarge => {
                "The archive unpacks to more than the phase allows. Leave out what is not needed."
            }
            Self::WrongFiles => {
                "The zip must hold exactly one prediction per case, named as the track says, at its top level."
            }
            Self::BadPrediction => {
                "A prediction cannot be read or does not fit its case. See the list of complaints."
            }
            Self::SeveralImages => {
                "Save one image only: `docker save IMAGE | gzip > image.tar.gz`."
            }
            Self::WrongArchitecture => {
                "The image is for another processor. Build it with `--platform linux/amd64`."
            }
            Self::NoPredictScript => {
                "The image has no /opt/algorithm/predict.sh. Copy your script there in the Dockerfile."
            }
            Self::NoShell => {
                "The image has no /bin/sh, with which the script is started. Use a base image that has one."
            }
            Self::ImageTooLarge => "The image unpacks to more than the phase allows.",
            Self::RootImage => {
                "The image runs as root, and the machines of this phase could not keep root of a container from being their own. Give it a user in the Dockerfile: `RUN useradd algorithm`, `USER algorithm`."
            }
            Self::UploadMismatch => {
                "Size or SHA-256 of the file differ from what was declared. Submit the file again."
            }
            Self::CheckFailed => {
                "Checking the file took more memory or time than any honest file needs."
            }
            Self::StartFailed => {
                "The container could not be started. Try `docker run --network none IMAGE /bin/sh /opt/algorithm/predict.sh` at home."
            }
            Self::TimedOut => {
                "The case ran longer than the phase's limit and was stopped; nothing was taken from it."
            }
            Self::OutOfMemory => {
                "The container used more memory than the phase's limit, shared memory included."
            }
            Self::Silent => "The container printed nothing for longer than the phase allows.",
            Self::DiskFull => "The container wrote more to its file system than the phase allows.",
            Self::OutputTooLarge => "The container wrote more to /outputs than the phase allows.",
            Self::NoPrediction => {
                "/outputs holds no file of the expected name after the run: check the name and the case of its letters."
            }
            Self::OutputNotAFile => {
                "The prediction must be a regular file, not a link, folder or device."
            }
            Self::CanaryFailed => {
                "The image failed on the public trial case, so no hidden case was run and no quota was spent. Its log is shown."
            }
            Self::WorkerLost => {
                "Our machine was lost three times while running this. Your quota was given back and the organizers were told."
            }
            Self::Internal => {
                "Something failed on our side. Your quota was given back and the organizers were told."
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_is_spelled_one_way_in_both_directions() {
        for code in FailureCode::ALL {
            assert_eq!(code.as_str().parse(), Ok(*code));
            assert!(
                code.as_str()
                    .chars()
                    .all(|c| c.is_ascii_lowercase() || c == '-')
            );
        }
    }

    #[test]
    fn only_our_own_failures_are_retried() {
        let ours: Vec<_> = FailureCode::ALL
            .iter()
            .filter(|c| c.fault() == Fault::Ours)
            .map(|c| c.as_str())
            .collect();
        assert_eq!(ours, ["worker-lost", "internal"]);
    }
}
