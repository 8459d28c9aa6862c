//! A board as tables, with all that it shows.

use molar_service::Role;
use molar_testkit::{MockClock, TeamBuilder, as_role, noon};
use serde_json::json;
use sqlx::PgPool;

use super::columns::baseline;
use super::world::{get, set};
use crate::patience::Patience;
use crate::statistics;
use crate::testing::{challenge, entry, fold, ia, later, team};

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn with_details_both_tables_have_all_that_is_told_of_entries_and_the_baselines(db: PgPool) {
    let challenge = challenge(&db, &["IA"]).await;
    team(&db, &challenge, "Ants", &ia([0.5; 5])).await;
    let guests = TeamBuilder::new(&challenge, "Guests").out_of_competition("of the institute");
    let guests = guests.insert(&db).await;
    entry(&db, &challenge, &guests, &ia([0.25; 5])).await;
    baseline(&db, &challenge, "=U-Net", json!({"IA": 0.375})).await;
    fold(&db, challenge.phase_id, later(-60)).await;
    let role = as_role(&db, Role::Leaderboard).await;
    statistics::all(&role, &MockClock::at(noon()), 20, &Patience::default())
        .await
        .unwrap();
    let table = async |form: &str| {
        let path = format!("/api/v1/boards/{}.csv?{form}", challenge.phase_id);
        get(&db, &path, None).await.1
    };
    insta::assert_snapshot!(table("details=true").await, @r"
    team,IA,IA_rank,IA_sd,IA_iqr,mean_rank,final_rank,rank_from,rank_to,is_eligible,out_reason,code_url,submissions,submitted_at,is_baseline,note
    Ants,0.5,1,0,0,1,1,1,1,true,,,1,2026-09-01T12:01:00Z,false,
    Guests,0.25,,0,0,,,,,false,of the institute,,1,2026-09-01T12:01:00Z,false,
    '=U-Net,0.375,,,,,,,,,,,,,true,by the organizers
    ");
    insta::assert_snapshot!(table("details=true&shape=long").await, @r"
    team,metric,value,rank,sd,iqr,text,is_baseline
    Ants,IA,0.5,1,0,0,,false
    Ants,mean_rank,1,,,,,false
    Ants,final_rank,1,,,,,false
    Ants,rank_from,1,,,,,false
    Ants,rank_to,1,,,,,false
    Ants,is_eligible,,,,,true,false
    Ants,out_reason,,,,,,false
    Ants,code_url,,,,,,false
    Ants,submissions,1,,,,,false
    Ants,submitted_at,,,,,2026-09-01T12:01:00Z,false
    Guests,IA,0.25,,0,0,,false
    Guests,mean_rank,,,,,,false
    Guests,final_rank,,,,,,false
    Guests,rank_from,,,,,,false
    Guests,rank_to,,,,,,false
    Guests,is_eligible,,,,,false,false
    Guests,out_reason,,,,,of the institute,false
    Guests,code_url,,,,,,false
    Guests,submissions,1,,,,,false
    Guests,submitted_at,,,,,2026-09-01T12:01:00Z,false
    '=U-Net,IA,0.375,,,,,true
    '=U-Net,note,,,,,by the organizers,true
    ");

    // Without, and where no value is shown, there is none of it.
    for form in ["", "shape=long"] {
        let told = table(form).await;
        assert!(!told.contains("U-Net") && !told.contains("is_"), "{told}");
    }
    set(&db, r#"board = '{"values": "order"}'"#).await;
    for form in ["details=true", "details=true&shape=long"] {
        let told = table(form).await;
        assert!(told.contains("is_eligible"), "{told}");
        assert!(
            !told.contains("U-Net") && !told.contains("is_baseline"),
            "{told}"
        );
        for hidden in ["rank_from", "submissions", "submitted_at", "2026-"] {
            assert!(!told.contains(hidden), "{hidden}: {told}");
        }
    }
}
