//! What a guest cannot take, however it tries.

use std::time::Duration;

use dubbo_k8s_watcher::sandbox::Stopped;

use crate::prison::{PODS, Prison, tight};

#[tokio::test]
async fn one_that_loops_is_stopped() {
    let Some(mut prison) = Prison::open().await else { return };
    prison.confines = tight();
    let served = prison.run(&["spin"]).await;
    assert_eq!(served.stopped(), &Stopped::Computed(Duration::from_millis(50)));
    assert_eq!(served.stopped().to_string(), "it computed for more than 0.05 s without waiting");
}

#[tokio::test]
async fn one_that_allocates_without_end_is_stopped() {
    let Some(mut prison) = Prison::open().await else { return };
    prison.confines.memory = 16 << 20;
    let served = prison.run(&["hoard"]).await;
    assert!(served.errors.contains("memory allocation"), "its own last words: {served:?}");
    assert_eq!(served.stopped(), &Stopped::Memory(16 << 20));
    assert_eq!(served.stopped().to_string(), "it asked for more than 16 MiB of memory");
}

#[tokio::test]
async fn one_that_traps_is_stopped() {
    let Some(prison) = Prison::open().await else { return };
    let served = prison.run(&["trap"]).await;
    assert!(served.stopped().to_string().contains("unreachable"), "{served:?}");
    let served = prison.run(&["recurse"]).await;
    assert!(matches!(served.stopped(), Stopped::Trapped(_)), "{served:?}");
    let served = prison.run(&["random", "100000000"]).await;
    assert!(matches!(served.stopped(), Stopped::Trapped(_)), "{served:?}");
}

#[tokio::test]
async fn one_that_waits_for_ever_is_stopped_when_its_time_is_over() {
    let Some(mut prison) = Prison::open().await else { return };
    prison.confines.timeout = Some(Duration::from_millis(300));
    let served = prison.run(&["ask", "GET", &format!("{PODS}?watch=1")]).await;
    assert_eq!(served.stopped(), &Stopped::Late(Duration::from_millis(300)));
}

#[tokio::test]
async fn one_that_asks_too_much_at_a_time_is_refused_the_rest() {
    let Some(prison) = Prison::open().await else { return };
    let watch = format!("{PODS}?watch=1");
    let served = prison.run(&["ask-many", "40", &watch]).await;
    let refused = "{\"ErrorCode::ConnectionLimitReached\": 24}";
    assert_eq!(served.output(), format!("answered 16, refused {refused}\n"));
}

#[tokio::test]
async fn one_that_holds_too_many_handles_is_stopped() {
    let Some(mut prison) = Prison::open().await else { return };
    prison.confines.handles = 100;
    let served = prison.run(&["hold-handles"]).await;
    assert_eq!(served.stopped(), &Stopped::Handles(100));
}

#[tokio::test]
async fn the_end_that_it_chooses_is_passed_on() {
    let Some(prison) = Prison::open().await else { return };
    assert_eq!(prison.run(&["fail"]).await.ended, Ok(1));
    // WASI 0.2 knows good and bad, and no numbers.
    assert_eq!(prison.run(&["exit", "7"]).await.ended, Ok(1));
    assert_eq!(prison.run(&["exit", "0"]).await.ended, Ok(0));
}

#[tokio::test]
async fn much_output_passes_through_a_small_pipe_whole() {
    let Some(prison) = Prison::open().await else { return };
    let served = prison.run(&["write", "1048576"]).await;
    assert_eq!(served.output().len(), 1 << 20);
}
