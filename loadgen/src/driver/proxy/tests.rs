//! Every fault, between a client and a small echo server.

use super::*;
use std::io::ErrorKind;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::{Instant, timeout};

/// Longest wait for what must come.
const WAIT_MAX: Duration = Duration::from_secs(30);

/// What the echo server has seen.
#[derive(Debug, Default, Clone)]
struct Seen {
    bytes: usize,
    /// How its connections ended: in order, or not.
    ends: Vec<Result<(), ErrorKind>>,
}

struct World {
    proxy: Proxy,
    seen: watch::Receiver<Seen>,
}

impl World {
    async fn start() -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let target = listener.local_addr().unwrap();
        let (seen, receiver) = watch::channel(Seen::default());
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(echo(stream, seen.clone()));
            }
        });
        Self { proxy: Proxy::start(target).await.unwrap(), seen: receiver }
    }

    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.proxy.addr()).await.unwrap()
    }

    async fn wait(&self, is_seen: impl FnMut(&Seen) -> bool) -> Seen {
        let mut seen = self.seen.clone();
        let found = timeout(WAIT_MAX, seen.wait_for(is_seen)).await.expect("it comes in time");
        found.unwrap().clone()
    }

    async fn swallowed(&self, bytes: u64) {
        let began = Instant::now();
        while self.proxy.counts().swallowed < bytes {
            assert!(began.elapsed() < WAIT_MAX, "the hole swallows what is sent");
            tokio::task::yield_now().await;
        }
    }
}

async fn echo(mut stream: TcpStream, seen: watch::Sender<Seen>) {
    let mut buffer = vec![0; 4_096];
    let end = loop {
        let len = match stream.read(&mut buffer).await {
            Ok(0) => break Ok(()),
            Ok(len) => len,
            Err(error) => break Err(error.kind()),
        };
        seen.send_modify(|seen| seen.bytes += len);
        if let Err(error) = stream.write_all(&buffer[..len]).await {
            break Err(error.kind());
        }
    };
    seen.send_modify(|seen| seen.ends.push(end));
}

async fn ask(stream: &mut TcpStream, text: &str) -> io::Result<String> {
    stream.write_all(text.as_bytes()).await?;
    read(stream, text.len()).await
}

async fn read(stream: &mut TcpStream, len: usize) -> io::Result<String> {
    let mut bytes = vec![0; len];
    timeout(WAIT_MAX, stream.read_exact(&mut bytes)).await.expect("an answer or an end")?;
    Ok(String::from_utf8(bytes).unwrap())
}

/// What is left to read, and the reset that must follow.
async fn reset_after(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    let end = timeout(WAIT_MAX, stream.read_to_end(&mut bytes)).await.expect("an end");
    assert_eq!(end.expect_err("a reset").kind(), ErrorKind::ConnectionReset);
    String::from_utf8(bytes).unwrap()
}

#[tokio::test]
async fn without_a_fault_bytes_pass_in_order_and_so_does_the_end_of_one_side() {
    let world = World::start().await;
    let stream = world.connect().await;
    let sent: Vec<u8> = (0..1_000_000_u32).flat_map(u32::to_le_bytes).collect();
    let (mut reader, mut writer) = stream.into_split();
    let write = async {
        writer.write_all(&sent).await.unwrap();
        writer.shutdown().await.unwrap();
    };
    let mut received = Vec::new();
    let (_, len) = tokio::join!(write, reader.read_to_end(&mut received));
    assert_eq!(len.unwrap(), sent.len());
    assert!(received == sent, "the same bytes in the same order");
    assert_eq!(world.wait(|seen| !seen.ends.is_empty()).await.ends, [Ok(())]);
}

#[tokio::test]
async fn a_delay_holds_for_its_direction_and_does_not_add_up() {
    let delay = Duration::from_millis(200);
    for way in [Way::Requests, Way::Replies] {
        let world = World::start().await;
        let mut stream = world.connect().await;
        assert_eq!(ask(&mut stream, "at once").await.unwrap(), "at once");
        world.proxy.delay(way, delay);
        let began = Instant::now();
        for number in 10..60 {
            stream.write_all(number.to_string().as_bytes()).await.unwrap();
            if way == Way::Replies {
                // Replies are chunks of their own.
                world.wait(|seen| seen.bytes == 7 + 2 * (number - 9)).await;
            }
        }
        let expected: String = (10..60).map(|number| number.to_string()).collect();
        assert_eq!(read(&mut stream, 100).await.unwrap(), expected);
        assert!(began.elapsed() >= delay, "{way:?}");
        assert!(began.elapsed() < delay * 25, "50 delays, one after the other: {way:?}");
    }
}

#[tokio::test]
async fn bytes_stay_in_order_when_a_delay_shrinks() {
    let world = World::start().await;
    let mut stream = world.connect().await;
    world.proxy.delay(Way::Requests, Duration::from_millis(100));
    stream.write_all(b"first ").await.unwrap();
    // Lets the proxy take it under the delay. If it has not, the order must hold all the same.
    for _ in 0..1_000 {
        tokio::task::yield_now().await;
    }
    world.proxy.delay(Way::Requests, Duration::ZERO);
    assert_eq!(ask(&mut stream, "second").await.unwrap(), "first ");
    assert_eq!(read(&mut stream, 6).await.unwrap(), "second");
}

#[tokio::test]
async fn a_black_hole_keeps_connections_and_lets_nothing_through() {
    let world = World::start().await;
    let mut before = world.connect().await;
    let mut idle = world.connect().await;
    assert_eq!(ask(&mut before, "before").await.unwrap(), "before");
    assert_eq!(ask(&mut idle, "idle").await.unwrap(), "idle");
    world.proxy.black_hole(true);
    let mut within = world.connect().await;
    before.write_all(b"lost").await.unwrap();
    within.write_all(b"lost too").await.unwrap();
    world.swallowed(12).await;
    assert_eq!(world.seen.borrow().bytes, 10, "nothing has reached the server");
    assert!(world.seen.borrow().ends.is_empty());

    world.proxy.black_hole(false);
    assert_eq!(reset_after(&mut before).await, "");
    assert_eq!(reset_after(&mut within).await, "");
    assert_eq!(ask(&mut idle, "goes on").await.unwrap(), "goes on");
    assert_eq!(world.wait(|seen| seen.ends.len() == 2).await.bytes, 17);
}

#[tokio::test]
async fn a_black_hole_swallows_answers_and_ends_too() {
    let world = World::start().await;
    let mut stream = world.connect().await;
    // The request is on its way back before the hole opens, and the hole is there first.
    world.proxy.delay(Way::Replies, Duration::from_millis(500));
    stream.write_all(b"counted").await.unwrap();
    world.wait(|seen| seen.bytes == 7).await;
    world.proxy.black_hole(true);
    stream.shutdown().await.unwrap();
    world.swallowed(7).await;
    assert!(world.seen.borrow().ends.is_empty(), "the server does not hear of the end");
    world.proxy.black_hole(false);
    assert_eq!(reset_after(&mut stream).await, "");
    let ends = world.wait(|seen| !seen.ends.is_empty()).await.ends;
    assert_eq!(ends, [Err(ErrorKind::ConnectionReset)]);
}

#[tokio::test]
async fn a_cut_resets_both_sides_and_new_connections_work() {
    let world = World::start().await;
    let mut streams = [world.connect().await, world.connect().await];
    for stream in &mut streams {
        assert_eq!(ask(stream, "before").await.unwrap(), "before");
    }
    world.proxy.cut();
    for stream in &mut streams {
        assert_eq!(reset_after(stream).await, "");
    }
    let seen = world.wait(|seen| seen.ends.len() == 2).await;
    assert_eq!((seen.bytes, seen.ends), (12, vec![Err(ErrorKind::ConnectionReset); 2]));
    let mut next = world.connect().await;
    assert_eq!(ask(&mut next, "next").await.unwrap(), "next");
}

#[tokio::test]
async fn an_answer_is_cut_after_so_many_bytes_although_its_request_was_carried_out() {
    for len in [0, 3] {
        let world = World::start().await;
        let mut stream = world.connect().await;
        assert_eq!(ask(&mut stream, "before").await.unwrap(), "before");
        world.proxy.cut_after(Some(len));
        stream.write_all(b"request").await.unwrap();
        assert_eq!(reset_after(&mut stream).await, "request"[..usize::try_from(len).unwrap()]);
        assert_eq!(world.wait(|seen| !seen.ends.is_empty()).await.bytes, 13);
        let mut next = world.connect().await;
        assert_eq!(ask(&mut next, "only one cut").await.unwrap(), "only one cut");
    }
}

#[tokio::test]
async fn bytes_that_all_pass_are_not_cut_before_the_next() {
    let world = World::start().await;
    let mut stream = world.connect().await;
    world.proxy.cut_after(Some(6));
    assert_eq!(ask(&mut stream, "all").await.unwrap(), "all");
    assert_eq!(ask(&mut stream, "six").await.unwrap(), "six");
    stream.write_all(b"x").await.unwrap();
    assert_eq!(reset_after(&mut stream).await, "");
    assert_eq!(world.seen.borrow().bytes, 7);
}

#[tokio::test]
async fn refused_connections_are_reset_and_open_ones_go_on() {
    let world = World::start().await;
    let mut open = world.connect().await;
    assert_eq!(ask(&mut open, "before").await.unwrap(), "before");
    world.proxy.refuse(true);
    // A reset may be faster than the return of `connect`.
    if let Ok(mut refused) = TcpStream::connect(world.proxy.addr()).await {
        assert_eq!(reset_after(&mut refused).await, "");
    }
    assert_eq!(ask(&mut open, "goes on").await.unwrap(), "goes on");
    assert_eq!(world.proxy.counts().refused, 1);
    world.proxy.refuse(false);
    let mut next = world.connect().await;
    assert_eq!(ask(&mut next, "welcome").await.unwrap(), "welcome");
}

#[tokio::test]
async fn jitter_delays_chunks_by_different_times_and_keeps_their_order() {
    let jitter = Duration::from_millis(60);
    for way in [Way::Requests, Way::Replies] {
        let world = World::start().await;
        let mut stream = world.connect().await;
        world.proxy.jitter(way, jitter);
        let mut times = Vec::new();
        for number in 10..40 {
            let began = Instant::now();
            let text = number.to_string();
            assert_eq!(ask(&mut stream, &text).await.unwrap(), text, "{way:?}");
            times.push(began.elapsed());
        }
        let (min, max) = (times.iter().min().unwrap(), times.iter().max().unwrap());
        assert!(*max >= jitter / 4 && *min < *max, "{times:?}");
        // What is sent while the first is on its way may draw a shorter time.
        let expected: String = (10..60).map(|number| number.to_string()).collect();
        for number in 10..60 {
            stream.write_all(number.to_string().as_bytes()).await.unwrap();
            tokio::task::yield_now().await;
        }
        assert_eq!(read(&mut stream, 100).await.unwrap(), expected, "{way:?}");
        assert_eq!(world.proxy.counts().slowed, 160, "{way:?}");
    }
}

#[tokio::test]
async fn a_throttled_direction_is_slow_for_all_connections_together_until_it_is_not() {
    for way in [Way::Requests, Way::Replies] {
        let world = World::start().await;
        let mut streams = [world.connect().await, world.connect().await];
        world.proxy.throttle(way, Some(10_000));
        let began = Instant::now();
        let text = "x".repeat(1_500);
        for stream in &mut streams {
            stream.write_all(text.as_bytes()).await.unwrap();
        }
        for stream in &mut streams {
            assert_eq!(read(stream, text.len()).await.unwrap(), text, "{way:?}");
        }
        // 3,000 bytes at 10,000 a second.
        assert!(began.elapsed() >= Duration::from_millis(300), "{way:?}");
        assert_eq!(world.proxy.counts().slowed, 3_000, "{way:?}");
        world.proxy.throttle(way, Some(1));
        streams[0].write_all(text.as_bytes()).await.unwrap();
        let began = Instant::now();
        while world.proxy.counts().slowed == 3_000 {
            assert!(began.elapsed() < WAIT_MAX, "{way:?}: it is held back");
            tokio::task::yield_now().await;
        }
        world.proxy.throttle(way, None);
        assert_eq!(read(&mut streams[0], text.len()).await.unwrap(), text, "{way:?}");
    }
}

#[tokio::test]
async fn the_end_of_one_direction_leaves_the_other_one_as_it_is() {
    let world = World::start().await;
    let mut stream = world.connect().await;
    assert_eq!(ask(&mut stream, "before").await.unwrap(), "before");
    world.proxy.half_close(Way::Replies);
    assert_eq!(stream.read(&mut [0; 1]).await.unwrap(), 0, "nothing more comes");
    stream.write_all(b"goes on").await.unwrap();
    world.wait(|seen| seen.bytes == 13).await;
    world.swallowed(7).await;
    drop(stream);
    assert_eq!(world.wait(|seen| !seen.ends.is_empty()).await.ends, [Ok(())]);

    let mut stream = world.connect().await;
    world.proxy.delay(Way::Replies, Duration::from_millis(200));
    stream.write_all(b"heard").await.unwrap();
    world.wait(|seen| seen.bytes == 18).await;
    world.proxy.half_close(Way::Requests);
    world.wait(|seen| seen.ends.len() == 2).await;
    assert_eq!(read(&mut stream, 5).await.unwrap(), "heard", "its answer still comes");
    assert_eq!(world.proxy.counts().half_closed, 2);
    let mut next = world.connect().await;
    assert_eq!(ask(&mut next, "next").await.unwrap(), "next", "only those that were open");
}

#[tokio::test]
async fn a_proxy_that_is_given_another_target_carries_new_connections_there() {
    let (first, second) = (World::start().await, World::start().await);
    let mut before = first.connect().await;
    assert_eq!(ask(&mut before, "before").await.unwrap(), "before");
    first.proxy.retarget(Some(second.proxy.addr()));
    let mut after = first.connect().await;
    assert_eq!(ask(&mut after, "after").await.unwrap(), "after");
    assert_eq!(ask(&mut before, "goes on").await.unwrap(), "goes on");
    assert_eq!((first.seen.borrow().bytes, second.seen.borrow().bytes), (13, 5));
    first.proxy.retarget(None);
    if let Ok(mut refused) = TcpStream::connect(first.proxy.addr()).await {
        assert_eq!(reset_after(&mut refused).await, "");
    }
    first.proxy.cut();
    assert_eq!(reset_after(&mut before).await, "");
    assert_eq!(reset_after(&mut after).await, "");
    let counts = first.proxy.counts();
    assert_eq!((counts.reset, counts.refused), (2, 0), "nobody has asked for a refusal");
}

#[tokio::test]
async fn a_cut_that_is_taken_back_does_not_come() {
    let world = World::start().await;
    let mut stream = world.connect().await;
    world.proxy.cut_after(Some(0));
    world.proxy.cut_after(None);
    assert_eq!(ask(&mut stream, "whole").await.unwrap(), "whole");
}

#[tokio::test]
async fn a_target_that_is_gone_resets_those_who_connect() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let proxy = Proxy::start(listener.local_addr().unwrap()).await.unwrap();
    drop(listener);
    let mut stream = TcpStream::connect(proxy.addr()).await.unwrap();
    assert_eq!(reset_after(&mut stream).await, "");
    assert_eq!(proxy.counts().refused, 0, "nobody has asked for a refusal");
}

#[tokio::test]
async fn a_proxy_that_is_dropped_closes_its_port_and_its_connections() {
    let world = World::start().await;
    let mut stream = world.connect().await;
    assert_eq!(ask(&mut stream, "before").await.unwrap(), "before");
    let addr = world.proxy.addr();
    drop(world.proxy);
    assert!(read(&mut stream, 1).await.is_err());
    let error = TcpStream::connect(addr).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ConnectionRefused);
}
