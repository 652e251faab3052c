//! Faults of links: begun, measured and healed.

use super::fault::OnLink;
use loadgen::driver::{Proxy, ProxyCounts, Way};
use std::time::Duration;

const BOTH: [Way; 2] = [Way::Requests, Way::Replies];

/// Begins a fault.
pub(super) fn begin(link: &Proxy, deed: OnLink) {
    match deed {
        OnLink::Latency { by } => BOTH.into_iter().for_each(|way| link.delay(way, by)),
        OnLink::Jitter { by } => BOTH.into_iter().for_each(|way| link.jitter(way, by)),
        OnLink::Throttle { bytes_per_s } => {
            BOTH.into_iter().for_each(|way| link.throttle(way, Some(bytes_per_s)));
        }
        OnLink::BlackHole => link.black_hole(true),
        OnLink::HalfClose { way } => link.half_close(way),
        OnLink::Reset => link.cut(),
        OnLink::CutAnswer { after_bytes } => link.cut_after(Some(after_bytes)),
        OnLink::Refuse => {
            link.refuse(true);
            link.cut();
        }
    }
}

/// Begins once more what is over at once, since there was nothing that it could happen to.
pub(super) fn begin_again(link: &Proxy, deed: OnLink) {
    match deed {
        OnLink::Reset | OnLink::HalfClose { .. } => begin(link, deed),
        OnLink::Latency { .. }
        | OnLink::Jitter { .. }
        | OnLink::Throttle { .. }
        | OnLink::BlackHole
        | OnLink::CutAnswer { .. }
        | OnLink::Refuse => {}
    }
}

/// Ends whatever is wrong with a link.
pub(super) fn heal(link: &Proxy) {
    for way in BOTH {
        link.delay(way, Duration::ZERO);
        link.jitter(way, Duration::ZERO);
        link.throttle(way, None);
    }
    link.black_hole(false);
    link.cut_after(None);
    link.refuse(false);
}

/// What shows that a fault was there: how much of what.
pub(super) fn measure(
    deed: OnLink,
    before: &ProxyCounts,
    now: &ProxyCounts,
) -> (u64, &'static str) {
    let more = |of: fn(&ProxyCounts) -> u64| of(now).saturating_sub(of(before));
    match deed {
        OnLink::Latency { .. } | OnLink::Jitter { .. } | OnLink::Throttle { .. } => {
            (more(|it| it.slowed), "bytes late")
        }
        OnLink::BlackHole => (more(|it| it.swallowed), "bytes vanished"),
        OnLink::HalfClose { .. } => (more(|it| it.half_closed), "connections half closed"),
        OnLink::Reset | OnLink::CutAnswer { .. } => (more(|it| it.reset), "connections reset"),
        OnLink::Refuse => (more(|it| it.refused), "connections refused"),
    }
}

/// What several links have done together.
pub(super) fn sum(links: &[&Proxy]) -> ProxyCounts {
    links.iter().fold(ProxyCounts::default(), |sum, link| {
        let ProxyCounts { swallowed, slowed, reset, half_closed, refused } = link.counts();
        ProxyCounts {
            swallowed: sum.swallowed + swallowed,
            slowed: sum.slowed + slowed,
            reset: sum.reset + reset,
            half_closed: sum.half_closed + half_closed,
            refused: sum.refused + refused,
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::Ipv4Addr;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::{TcpListener, TcpStream};
    use tokio::time::timeout;

    const WAIT_MAX: Duration = Duration::from_secs(30);

    /// A stream of bytes both ways, and what a fault on it showed.
    async fn met(deed: OnLink) -> u64 {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let proxy = Proxy::start(listener.local_addr().unwrap()).await.unwrap();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                tokio::spawn(async move {
                    let (mut from, mut to) = stream.split();
                    drop(tokio::io::copy(&mut from, &mut to).await);
                });
            }
        });
        let mut stream = TcpStream::connect(proxy.addr()).await.unwrap();
        stream.write_all(b"x").await.unwrap();
        assert_eq!(stream.read_u8().await.unwrap(), b'x');
        let before = sum(&[&proxy]);
        begin(&proxy, deed);
        let meeting = async {
            loop {
                let (count, _) = measure(deed, &before, &sum(&[&proxy]));
                if count > 0 {
                    return count;
                }
                // Whatever ends here is made anew, as players do it.
                if stream.write_all(b"x").await.is_err()
                    && let Ok(next) = TcpStream::connect(proxy.addr()).await
                {
                    stream = next;
                }
                tokio::task::yield_now().await;
            }
        };
        let met = timeout(WAIT_MAX, meeting).await.expect("it meets something");
        heal(&proxy);
        let mut healed = TcpStream::connect(proxy.addr()).await.unwrap();
        healed.write_all(b"y").await.unwrap();
        assert_eq!(healed.read_u8().await.unwrap(), b'y', "{deed:?} is healed");
        met
    }

    #[tokio::test]
    async fn every_fault_of_a_link_shows_what_it_met_and_heals() {
        let by = Duration::from_millis(20);
        for deed in [
            OnLink::Latency { by },
            OnLink::Jitter { by },
            OnLink::Throttle { bytes_per_s: 100 },
            OnLink::BlackHole,
            OnLink::HalfClose { way: Way::Requests },
            OnLink::HalfClose { way: Way::Replies },
            OnLink::Reset,
            OnLink::CutAnswer { after_bytes: 0 },
            OnLink::Refuse,
        ] {
            assert!(met(deed).await > 0, "{deed:?}");
        }
    }
}
