//! The whole platform as processes: played, killed, emptied, doubled and told nonsense.
//!
//! One system serves all scenarios, since RabbitMQ alone takes ten seconds to start; each scenario
//! hands in submissions of its own and leaves the system as it found it.

mod archive;
mod bad_input;
mod boards;
mod browser;
mod data;
mod exports;
mod killed;
mod leases;
mod live;
mod packs;
mod reruns;
mod rescored;
mod rights;
mod stage;
mod stopped;
mod trials;
mod twice;
mod uploads;

use std::process::ExitCode;

use molar_tests::scenario::{self, Wanted};
use molar_tests::{scenarios, skip, system};
use stage::Stage;

#[tokio::main]
async fn main() -> ExitCode {
    let all = scenarios! {
        boards {
            both_kinds_on_both_tracks_reach_their_boards_with_exact_scores,
            a_final_board_is_hidden_until_it_is_published,
        }
        browser {
            a_file_goes_up_from_the_page_and_on_after_a_reload,
            a_log_grows_on_its_page_while_it_is_written,
        }
        live {
            an_open_board_shows_a_new_score_and_keeps_what_its_reader_did,
            a_submission_is_followed_to_its_end_on_its_page,
            a_page_that_lost_its_server_comes_back_or_says_that_it_does_not,
            without_scripts_a_board_has_a_link_and_a_submission_loads_itself,
        }
        archive {
            a_published_phase_is_fetched_and_computed_again_and_a_changed_byte_is_found,
        }
        uploads {
            a_submit_that_was_stopped_and_killed_goes_on_where_it_was,
        }
        reruns {
            a_scored_container_is_run_again_and_its_board_follows_when_it_is_scored,
        }
        exports {
            a_phase_is_taken_out_in_bulk_and_what_is_there_is_not_fetched_again,
        }
        rescored {
            a_wrong_reference_is_replaced_previewed_and_published_by_two_or_dropped,
        }
        rights {
            every_role_is_a_process_of_its_own,
            the_worker_holds_no_credentials_and_refuses_them,
            no_role_reads_the_tables_of_another,
            the_workers_user_cannot_publish,
        }
        bad_input {
            a_file_that_is_not_the_declared_one_costs_nothing,
            an_upload_that_is_over_or_foreign_is_refused,
            completing_twice_is_one_submission,
            a_bad_zip_is_refused_with_its_mend_and_costs_nothing,
            a_bad_image_is_refused_with_its_mend_and_costs_nothing,
            nobody_submits_where_they_may_not,
            a_bad_challenge_file_changes_nothing,
            an_id_that_is_not_ours_is_not_found,
        }
        data {
            all_cases_of_the_challenge_are_uploaded_counted_and_checked,
        }
        twice {
            a_message_delivered_twice_counts_once,
            a_relay_killed_between_confirm_and_commit_counts_once,
        }
        trials {
            a_canary_that_cannot_be_scored_ends_the_attempt_in_seconds,
            a_trial_runs_the_public_case_alone_and_is_read_along,
        }
        packs {
            a_pack_is_published_downloaded_and_tried_from_its_own_folder,
        }
        killed {
            worker_execution_and_scoring_die_in_mid_run,
            the_broker_dies_and_comes_back_empty,
        }
        leases {
            a_worker_killed_cut_off_or_stopped_loses_its_run_to_another,
            a_killed_engine_costs_its_runs_a_retry_and_leaves_nothing,
            a_worker_that_is_asked_to_end_hands_its_run_back_uncharged,
            a_cancelled_run_is_stopped_at_once_with_the_broker_and_within_a_beat_without,
        }
        stopped {
            each_role_ends_in_order_and_loses_nothing,
            the_whole_stops_and_comes_back_with_its_data,
            the_whole_is_killed_and_comes_back_with_its_data,
        }
    };
    let Some(chosen) = Wanted::from_args().choose(all) else {
        return ExitCode::SUCCESS;
    };
    if chosen.is_empty() {
        return scenario::run(&mut (), Vec::new(), |()| ()).await;
    }
    if let Some(missing) = system::missing() {
        for one in &chosen {
            skip::skipped(missing, one.name);
        }
        // Counted as passed and as skipped, as everywhere.
        println!(
            "\ntest result: ok. {} passed; 0 failed; 0 ignored; 0 measured; 0 filtered out\n",
            chosen.len()
        );
        return ExitCode::SUCCESS;
    }
    let mut stage = match Stage::set().await {
        Ok(stage) => stage,
        Err(error) => {
            println!("the platform could not be set up: {error:#}");
            println!(
                "\ntest result: FAILED. 0 passed; {} failed; 0 ignored\n",
                chosen.len()
            );
            return ExitCode::from(101);
        }
    };
    let code = scenario::run(&mut stage, chosen, Stage::tell).await;
    match stage.strike().await {
        Ok(()) => code,
        Err(error) => {
            println!(
                "the end of the system: {error:#}\n\ntest result: FAILED. 0 passed; 1 failed; 0 ignored\n"
            );
            ExitCode::from(101)
        }
    }
}
