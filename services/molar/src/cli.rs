//! The command line of the one binary.

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::client::{
    account, apply, ask, board, cases, complaints, correct, export, ledger, logs, report, rerun,
    session, status, submit, team,
};
use crate::up::UpArgs;
use crate::{admin, archive, audit, backup, migrate, pack, phantom, rehearse, roles, score};

const BEGIN: &str = "\
To take part, in this order (`molar help COMMAND` says more):
  molar register --url https://… --email YOU --name NAME
  molar confirm LINK (from the mail)
  molar login --url https://… --email YOU
  molar team create NAME
  molar team sign --name NAME --affiliation LAB
  molar team participate TRACK
  molar try IMAGE.tar.gz --case FILE
  molar submit FILE --phase CHALLENGE/TRACK/PHASE --wait
  molar board CHALLENGE/TRACK/PHASE";

/// The platform on which a segmentation challenge is run.
#[derive(Debug, Parser)]
#[command(name = "molar", version, propagate_version = true, after_help = BEGIN)]
pub struct Line {
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Debug, Subcommand)]
#[expect(clippy::large_enum_variant, reason = "made once, on start")]
pub enum Command {
    /// Make an account. The password is read from MOLAR_PASSWORD or asked for.
    Register(session::Register),
    /// Log in and remember a token.
    Login(session::Login),
    /// End the session and forget its token.
    Logout(session::Logout),
    /// Confirm your address by the link that was mailed to it.
    Confirm(account::Confirm),
    /// Change the password, or replace a forgotten one.
    Password(account::Password),
    /// Tokens for programs: make, list, revoke.
    Token(account::Token),
    /// Who you are logged in as.
    Whoami(session::Whoami),
    /// Teams, invitations, the agreement, places in tracks.
    Team(team::Args),
    /// Hand in a zip of predictions or a container.
    Submit(submit::Args),
    /// Score predictions at home, as the platform would.
    Score(score::Args),
    /// Try a container at home: check, run and score it as the platform would.
    Try(rehearse::Args),
    /// Where your submissions stand.
    Status(status::Args),
    /// What your container wrote on its public case, also while it runs.
    Logs(logs::Args),
    /// A phase's leaderboard.
    Board(board::Args),
    /// A finished phase as one file: fetch it, and compute it anew from its scores.
    Archive(archive::Args),
    /// Ask the organizers something.
    Ask(ask::Ask),
    /// What you and your teams have asked, with the answers.
    Questions(ask::Questions),
    /// Organizers: who signed the agreement, and who was given which file.
    Ledger(ledger::Args),
    /// Organizers: create or change a challenge from its file.
    Apply(apply::Args),
    /// Organizers: upload the images and references of a split.
    UploadCases(cases::Args),
    /// Organizers: what is wrong with the data of a challenge; non-zero if it keeps a phase closed.
    Complaints(complaints::Args),
    /// Organizers: make and publish what participants begin with.
    Pack(pack::Args),
    /// Organizers: replace wrong references by a new version of a split's set.
    Correct(correct::Args),
    /// Finalists: hand in the report of the method, a PDF.
    Report(report::Args),
    /// Organizers: run a container again that has ended.
    Rerun(rerun::Args),
    /// Organizers: take predictions, outputs, series of runs and scores of a phase out in bulk.
    Export(export::Args),
    /// Draw phantom cases (images and references) to try things with.
    Phantom(phantom::Args),
    Up(UpArgs),
    /// Run one role.
    #[command(subcommand)]
    Serve(roles::Serve),
    /// Run containers for the platform on this machine.
    Worker(molar_worker::Config),
    /// Make the login roles and bring the schema up to date.
    Migrate(migrate::Args),
    /// What is only possible on the database's host.
    Admin(admin::Args),
    /// Write the database and every object into a folder, with their hashes.
    Backup(backup::BackupArgs),
    /// Bring a backup back into an empty database and store, and check it.
    Restore(backup::RestoreArgs),
    /// The audit log: verify, export, erase.
    Audit(audit::Args),
    /// Print the OpenAPI document of the whole API.
    Openapi,
    /// Check an uploaded file; started by the role `submission` for each upload.
    #[command(hide = true)]
    Check,
    /// Read a prediction as the scorer would; started by a worker for what an image wrote for its canary.
    #[command(hide = true)]
    ReadPrediction(molar_worker::ReadPrediction),
}

pub async fn run(command: Command) -> anyhow::Result<ExitCode> {
    match command {
        Command::Register(args) => session::register(args).await?,
        Command::Login(args) => session::login(args).await?,
        Command::Logout(args) => session::logout(args).await?,
        Command::Confirm(args) => account::confirm(args).await?,
        Command::Password(args) => account::password(args).await?,
        Command::Token(args) => account::token(args).await?,
        Command::Whoami(args) => session::whoami(args).await?,
        Command::Team(args) => team::run(args).await?,
        Command::Submit(args) => submit::run(args).await?,
        Command::Score(args) => return tokio::task::block_in_place(|| score::run(&args)),
        Command::Try(args) => return Box::pin(rehearse::run(args)).await,
        Command::Status(args) => status::run(args).await?,
        Command::Logs(args) => logs::run(args).await?,
        Command::Board(args) => board::run(args).await?,
        Command::Archive(args) => return archive::run(args).await,
        Command::Ask(args) => ask::ask(args).await?,
        Command::Questions(args) => ask::questions(args).await?,
        Command::Ledger(args) => ledger::run(args).await?,
        Command::Apply(args) => apply::run(args).await?,
        Command::UploadCases(args) => cases::run(args).await?,
        Command::Complaints(args) => return complaints::run(args).await,
        Command::Pack(args) => Box::pin(pack::run(args)).await?,
        Command::Correct(args) => correct::run(args).await?,
        Command::Report(args) => report::run(args).await?,
        Command::Rerun(args) => rerun::run(args).await?,
        Command::Export(args) => Box::pin(export::run(args)).await?,
        Command::Phantom(args) => tokio::task::block_in_place(|| phantom::run(args))?,
        Command::Up(args) => return Box::pin(crate::demo::up(args)).await,
        Command::Serve(role) => Box::pin(roles::serve(role)).await?,
        Command::Worker(config) => Box::pin(molar_worker::serve(config)).await?,
        Command::Migrate(args) => migrate::run(args).await?,
        Command::Admin(args) => admin::run(args).await?,
        Command::Backup(args) => backup::backup(args).await?,
        Command::Restore(args) => backup::restore(args).await?,
        Command::Audit(args) => audit::run(args).await?,
        Command::Openapi => println!("{}", roles::openapi()?),
        Command::Check => return Ok(tokio::task::block_in_place(molar_submission::check_main)),
        Command::ReadPrediction(args) => {
            return Ok(tokio::task::block_in_place(|| {
                molar_worker::read_prediction_main(&args)
            }));
        }
    }
    Ok(ExitCode::SUCCESS)
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    #[test]
    fn the_command_line_is_well_formed() {
        super::Line::command().debug_assert();
    }
}
