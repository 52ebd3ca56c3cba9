"""How long the web page lets people wait, alone and twenty at a time, and whether its server's memory grows.

The command `explainable-bert app` serves the page in a process of its own. A real browser asks it, then one program,
then many at once: `python benchmarks/app_latency.py`. It needs the extras `app` and `dev`, and Chromium.
"""

import argparse
import json
import os
import platform
import random
import re
import shlex
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from urllib.parse import urlencode

import numpy as np
import psutil
from gradio_client import Client
from playwright.sync_api import Locator, Page, sync_playwright
from playwright.sync_api import TimeoutError as NotShown

MODELS = ("runs/demo/models/vanilla", "runs/demo/models/explainable")
PACKAGES = ("explainable-bert", "gradio", "playwright", "torch", "transformers")
BROWSER_ARGUMENTS = ("--no-sandbox", "--disable-quic", "--disable-background-networking")
N_WORDS = 30
WORDS = (
    "a the this that and but or so it is was has with from for at by of in on we you they one some every never always "
    "often almost rather quite film story song scene actor ending plot music day house city child friend voice face "
    "warm funny dull slow bright awful lovely quiet strange honest long short old new sees makes gives takes tells "
    "loses finds keeps"
).split()
N_UNCOUNTED = 5
START_SECONDS = 180
ANSWER_SECONDS = 60
# Nobody types the next sentence sooner, and Gradio ignores what is pressed while it ends the last event.
READING_SECONDS = 0.25
_ADDRESS = re.compile(r"the page is at (http\S+)")
# The third card, of what differs, is no model's.
_BOTH_ANSWERED = """(sentence) => [...document.querySelectorAll('.xb section.card:not(.whole)')]
  .filter((card) => card.textContent.replace(/\\s+/g, ' ').includes(sentence)).length === 2"""


@dataclass(frozen=True)
class Spread:
    """Seconds that were waited; None where nothing was answered."""

    n: int
    median: float | None
    p95: float | None
    max: float | None


@dataclass(frozen=True)
class Latency:
    """From Enter to both models' cards, in this browser; `unanswered` sentences never came."""

    browser: str
    uncounted: int
    unanswered: int
    seconds: Spread


@dataclass(frozen=True)
class Memory:
    """Resident memory of the server in MiB, around so many requests of one visitor (Gradio keeps some for each)."""

    warm_up: int
    requests: int
    before_mib: float
    after_mib: float
    growth_percent: float


@dataclass(frozen=True)
class Simultaneous:
    """Users who ask at the same time; `swapped` answers are for a text or model that was not asked for."""

    users: int
    requests_each: int
    errors: dict[str, int]
    swapped: int
    seconds: Spread
    answers_per_second: float


@dataclass(frozen=True)
class Reply:
    """What came of one request; `error` is empty where it was answered."""

    seconds: float
    error: str
    swapped: bool


@dataclass(frozen=True)
class Server:
    """A page that is being served, and what its process has written so far."""

    address: str
    process: psutil.Process
    log: Path

    def resident_mib(self) -> float:
        """Resident memory of the process and of whatever it has started."""
        family = [self.process, *self.process.children(recursive=True)]
        resident: int = sum(member.memory_info().rss for member in family)
        return resident / 2**20

    def complaints(self) -> list[str]:
        """Lines written beside the address."""
        return [line for line in self.log.read_text(encoding="utf-8").splitlines() if not _ADDRESS.search(line)]


def sentences(seed: int) -> Iterator[str]:
    """Sentences of common words without end; a number in each makes it unlike all others."""
    generator = random.Random(seed)
    number = 1000
    while True:
        number += 1
        words = [*generator.choices(WORDS, k=N_WORDS - 1), str(number)]
        generator.shuffle(words)
        yield " ".join(words)


def spread(seconds: Sequence[float]) -> Spread:
    """Median, 95th percentile and maximum."""
    if not seconds:
        return Spread(0, None, None, None)
    return Spread(len(seconds), statistics.median(seconds), float(np.percentile(seconds, 95)), max(seconds))


@contextmanager
def serving(models: Sequence[str]) -> Iterator[Server]:
    """The page on a free port, until the block is left."""
    command = [sys.executable, "-m", "explainable_bert", "app", *models, "--port", "0"]
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "log"
        with log.open("w", encoding="utf-8") as written:
            process = subprocess.Popen(command, stdout=written, stderr=subprocess.STDOUT)
        try:
            yield Server(address_in(log, process), psutil.Process(process.pid), log)
        finally:
            process.kill()
            process.wait()


def address_in(log: Path, process: subprocess.Popen[bytes]) -> str:
    """The address that a starting server writes. Raises RuntimeError with the log where it does not."""
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        found = _ADDRESS.search(log.read_text(encoding="utf-8"))
        if found:
            return found[1]
        time.sleep(0.2)
    raise RuntimeError(f"the server did not start:\n{log.read_text(encoding='utf-8')}")


def connected(server: Server) -> Client:
    """A program that asks the server, as a visitor of its own."""
    return Client(server.address, verbose=False, download_files=False, analytics_enabled=False)


def measure_latency(server: Server, texts: Iterator[str], n_requests: int, chromium: str) -> Latency:
    """Ask in a browser, one sentence after another."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=BROWSER_ARGUMENTS)
        page = browser.new_page()
        opened(page, server, next(texts))
        box = page.get_by_label("Text", exact=True).first
        waited = [seconds_in_browser(page, box, next(texts)) for _ in range(N_UNCOUNTED + n_requests)][N_UNCOUNTED:]
        name = f"Chromium {browser.version}"
        browser.close()
    answered = [seconds for seconds in waited if seconds is not None]
    return Latency(name, N_UNCOUNTED, n_requests - len(answered), spread(answered))


def opened(page: Page, server: Server, sentence: str) -> None:
    """Open the page by a link that asks; once it shows the answer, all of it has been loaded."""
    page.goto(f"{server.address}?{urlencode({'text': sentence})}")
    until_answered(page, sentence)


def until_answered(page: Page, sentence: str) -> None:
    """Wait for the cards of both models to hold the sentence."""
    page.wait_for_function(_BOTH_ANSWERED, arg=sentence, timeout=ANSWER_SECONDS * 1000)


def seconds_in_browser(page: Page, box: Locator, sentence: str) -> float | None:
    """From Enter until the cards of both models hold the sentence; None where they never do."""
    page.wait_for_timeout(READING_SECONDS * 1000)
    box.fill(sentence)
    started = time.perf_counter()
    box.press("Enter")
    try:
        until_answered(page, sentence)
    except NotShown:
        return None
    return time.perf_counter() - started


def ask(client: Client, text: str, model: str) -> Reply:
    """One request for an explanation."""
    started = time.perf_counter()
    try:
        job = client.submit(text, model, "built-in", "as predicted", "word", api_name="/explain")
        found = job.result(timeout=ANSWER_SECONDS)
    except Exception as error:  # noqa: BLE001  # whatever goes wrong is an answer that a user does not get
        return Reply(time.perf_counter() - started, f"{type(error).__name__}: {error}", swapped=False)
    answered = (found["text"], found["provenance"]["model"])
    return Reply(time.perf_counter() - started, "", swapped=answered != (text, model))


def ask_all(client: Client, texts: Iterator[str], models: Sequence[str], n_requests: int) -> list[Reply]:
    """Requests one after another, of the models in turn."""
    return [ask(client, next(texts), models[number % len(models)]) for number in range(n_requests)]


def measure_memory(server: Server, texts: Iterator[str], models: Sequence[str], warm_up: int, requests: int) -> Memory:
    """Resident memory before and after many requests. Raises RuntimeError where one fails."""
    client = connected(server)
    measured = []
    for n_requests in (warm_up, requests):
        failed = [reply for reply in ask_all(client, texts, models, n_requests) if reply.error or reply.swapped]
        if failed:
            raise RuntimeError(f"memory: {len(failed)} of {n_requests} requests failed, the first with {failed[0]}")
        measured.append(server.resident_mib())
    before, after = measured
    return Memory(warm_up, requests, before, after, 100 * (after / before - 1))


def measure_users(
    server: Server, texts: Iterator[str], models: Sequence[str], users: int, requests_each: int
) -> Simultaneous:
    """Users who each ask one text after another, neighbours other models."""
    clients = [connected(server) for _ in range(users)]
    own_texts = [[next(texts) for _ in range(requests_each)] for _ in clients]

    def visit(user: int) -> list[Reply]:
        return ask_all(clients[user], iter(own_texts[user]), [models[user % len(models)]], requests_each)

    started = time.perf_counter()
    with ThreadPoolExecutor(users) as pool:
        replies = [reply for visited in pool.map(visit, range(users)) for reply in visited]
    lasted = time.perf_counter() - started
    errors = Counter(reply.error for reply in replies if reply.error)
    waited = [reply.seconds for reply in replies if not reply.error]
    swapped = sum(reply.swapped for reply in replies)
    return Simultaneous(users, requests_each, dict(errors), swapped, spread(waited), len(waited) / lasted)


def print_table(latency: Latency, memory: Memory, simultaneous: Simultaneous) -> None:
    """Print what was measured."""
    print(f"{'seconds to wait':<34} {'n':>5} {'median':>8} {'p95':>8} {'max':>8}")
    for name, waited in (
        ("one user, in the browser", latency.seconds),
        (f"{simultaneous.users} users at once, by the API", simultaneous.seconds),
    ):
        cells = " ".join(
            f"{'-' if value is None else f'{value:.3f}':>8}" for value in (waited.median, waited.p95, waited.max)
        )
        print(f"{name:<34} {waited.n:>5} {cells}")
    print(f"unanswered in the browser {latency.unanswered}; ", end="")
    print(f"users' errors {sum(simultaneous.errors.values())}, swapped answers {simultaneous.swapped}, ", end="")
    print(f"{simultaneous.answers_per_second:.1f} answers per second")
    for error, count in simultaneous.errors.items():
        print(f"  {count} x {error}")
    print(
        f"memory {memory.before_mib:.0f} MiB after {memory.warm_up} requests, {memory.after_mib:.0f} MiB after "
        f"{memory.requests} more: {memory.growth_percent:+.1f} %"
    )


def parsed() -> argparse.Namespace:
    """The command's arguments."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("models", nargs="*", default=list(MODELS), help="two model folders; default: the demo's")
    parser.add_argument("--requests", type=int, default=100, help="sentences asked in the browser")
    parser.add_argument("--users", type=int, default=20)
    parser.add_argument("--requests-each", type=int, default=20)
    parser.add_argument("--memory-warm-up", type=int, default=200)
    parser.add_argument("--memory-requests", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--chromium", default="/usr/bin/chromium")
    parser.add_argument("--output", type=Path, default=Path(__file__).parent / "results" / "app_latency.json")
    arguments = parser.parse_args()
    if len(arguments.models) != 2:
        parser.error(f"models: {len(arguments.models)} given; two are needed")
    return arguments


def main() -> None:
    """Measure and print a table; write the JSON beside this script or to --output."""
    given = parsed()
    texts = sentences(given.seed)
    with serving(given.models) as server:
        names = [offered["model"] for offered in connected(server).predict(api_name="/models")]
        latency = measure_latency(server, texts, given.requests, given.chromium)
        # Before the crowd comes: what it leaves behind would hide a growth.
        memory = measure_memory(server, texts, names, given.memory_warm_up, given.memory_requests)
        simultaneous = measure_users(server, texts, names, given.users, given.requests_each)
        complaints = server.complaints()
    print_table(latency, memory, simultaneous)
    for line in complaints:
        print(f"the server wrote: {line}")
    result = {
        "command": shlex.join(["python", "benchmarks/app_latency.py", *sys.argv[1:]]),
        "machine": f"{platform.machine()}, {os.cpu_count()} cores",
        "versions": {"python": sys.version.split()[0], **{name: version(name) for name in PACKAGES}},
        "models": given.models,
        "latency": asdict(latency),
        "simultaneous": asdict(simultaneous),
        "memory": asdict(memory),
        "server_wrote": complaints,
    }
    given.output.parent.mkdir(parents=True, exist_ok=True)
    given.output.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
