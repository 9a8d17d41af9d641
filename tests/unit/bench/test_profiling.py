"""Folded stacks are counted for whom the time was spent."""

from __future__ import annotations

from bench.profiling import read_profile

LOOP = "thread (7): MainThread;main (gateway/__main__.py:30);serve_forever (gateway/app.py:90)"
JUDGE = "thread (8): judge_0;_worker (concurrent/futures/thread.py:81)"


def test_time_goes_to_the_innermost_room() -> None:
    profile = read_profile(
        [
            f"{JUDGE};Pipeline._prepare (gateway/pipeline.py:5);seal (gateway/trust/seal.py:9) 3",
            f"{JUDGE};Pipeline._prepare (gateway/pipeline.py:7) 1",
        ]
    )

    assert profile.samples == 4
    assert profile.rooms == {"trust": 3, "pipeline": 1}
    assert profile.within == {"Pipeline._prepare (gateway/pipeline.py)": 4, "seal (gateway/trust/seal.py)": 3}


def test_time_that_no_room_asked_for_goes_to_the_library() -> None:
    profile = read_profile(
        [
            f"{LOOP};start (aiohttp/web_protocol.py:4);write (asyncio/transports.py:2);send (libc.so.6) 2",
            f"{LOOP};_run_once (asyncio/base_events.py:4) 1",
        ]
    )

    assert profile.rooms == {"(aiohttp)": 2, "(asyncio)": 1}
    assert profile.within == {}


def test_a_function_is_told_with_the_library_it_had_called() -> None:
    profile = read_profile(
        [
            f"{JUDGE};flaws (gateway/validate/rules.py:3);0x7f (lxml/etree.so);malloc (libc.so.6) 1",
            f"{JUDGE};flaws (gateway/validate/rules.py:4);dict_get (libpython3.11.so.1.0) 1",
            f"{JUDGE};flaws (gateway/validate/rules.py:5) 1",
        ]
    )

    flaws = "flaws (gateway/validate/rules.py)"
    assert profile.own == {f"{flaws} in lxml": 1, f"{flaws} in python": 1, flaws: 1}


def test_threads_of_one_kind_are_one() -> None:
    profile = read_profile([f"{JUDGE};a (a.py:1) 2", f"{JUDGE.replace('_0', '_1')};a (a.py:1) 3"])

    assert profile.threads == {"judge": 5}


def test_waiting_for_a_lock_is_no_cpu_time() -> None:
    profile = read_profile(
        [f"{JUDGE};get (queue.py:1);pthread_cond_timedwait (libc.so.6);0x7f (libc.so.6) 9"]
    )

    assert profile.samples == 0
