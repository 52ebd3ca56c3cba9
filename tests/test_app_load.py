"""The page under load, with rude neighbours: nobody's answer is lost or another's."""

import json
import re
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest
from gradio_client import Client
from gradio_client.exceptions import AppError

from corpus_samples import save_classifier, texts

N_USERS = N_REQUESTS = 20


@contextmanager
def serving(*arguments):
    """The command in a process of its own; yields its address and what it says meanwhile."""
    command = [sys.executable, "-m", "explainable_bert", "app", *map(str, arguments), "--port", "0"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        said = []
        for line in process.stderr:
            said.append(line)
            if found := re.search(r"the page is at (http\S+)", line):
                break
        else:
            raise AssertionError("".join(said))
        reader = threading.Thread(target=lambda: said.extend(process.stderr), daemon=True)
        reader.start()
        try:
            yield found[1], said
        finally:
            process.kill()
            reader.join()


@pytest.fixture(scope="module")
def model(stock_folder, tokenizer, tmp_path_factory):
    return save_classifier(stock_folder, tokenizer, tmp_path_factory.mktemp("load") / "model")


@pytest.fixture(scope="module")
def served(model):
    with serving(model, "--queue-size", "64") as (address, said):
        yield address, said


def explain(client, text):
    return client.predict(text, "model", "built-in", "as predicted", "word", api_name="/explain")


def test_twenty_users_get_their_own_answers(served):
    """Each asks twenty times, one question after the other; each answer is of the text that was asked about."""
    address, said = served
    clients = [Client(address, verbose=False) for _ in range(N_USERS)]

    def ask(user):
        asked = texts(N_REQUESTS, seed=user)
        return [(text, explain(clients[user], text)) for text in asked]

    with ThreadPoolExecutor(N_USERS) as pool:
        answers = [pair for of_user in pool.map(ask, range(N_USERS)) for pair in of_user]
    assert len(answers) == N_USERS * N_REQUESTS
    assert all(answer["text"] == text for text, answer in answers)
    by_text = {}
    for text, answer in answers:
        scores = by_text.setdefault(text, answer["attribution"]["scores"])
        assert answer["attribution"]["scores"] == pytest.approx(scores, abs=1e-5)
    # Nobody's words are in the log.
    assert not any(text in "".join(said) for text, _ in answers)


def test_slow_and_vanishing_clients_stop_nobody(served):
    address, _ = served
    host, _, port = address.removeprefix("http://").rstrip("/").partition(":")
    slow = [socket.create_connection((host, int(port))) for _ in range(50)]
    for connection in slow:  # a request that never comes to its end
        connection.sendall(b"POST /gradio_api/upload HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\nsome")
    for count in range(300):  # a storm of those who leave at once
        with socket.create_connection((host, int(port))) as leaving:
            leaving.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"[: 5 + count % 25])
    client = Client(address, verbose=False)
    for text in texts(10, seed=99):
        assert explain(client, text)["text"] == text
    with urllib.request.urlopen(address + "healthz", timeout=20) as answer:
        assert json.load(answer)["status"] == "ok"
    for connection in slow:
        connection.close()


def test_more_than_the_queue_holds_is_refused_in_words(model):
    with serving(model, "--queue-size", "1", "--max-concurrency", "1") as (address, _):
        client = Client(address, verbose=False)
        long = " ".join(texts(20, seed=1))
        jobs = [
            client.submit(long, "model", "occlusion", "as predicted", "word", api_name="/explain") for _ in range(12)
        ]
        errors = [job.exception(timeout=120) for job in jobs]
        assert all(job.result()["text"] == long for job, error in zip(jobs, errors, strict=True) if error is None)
        refused = [str(error) for error in errors if error is not None]
        assert 0 < len(refused) < len(jobs)
        assert all(re.search("queue", said, re.IGNORECASE) for said in refused), refused


def test_a_question_that_takes_too_long_is_stopped(model):
    with serving(model, "--time-limit", "1") as (address, _):
        client, long = Client(address, verbose=False), " ".join(texts(1_200, seed=1))
        started = time.monotonic()
        with pytest.raises(AppError, match="question: stopped after 1 s; accepted: fewer or shorter texts"):
            client.predict(long, "model", "kernel-shap", "as predicted", "word", api_name="/explain")
        assert explain(client, "good film")["text"] == "good film"
        assert time.monotonic() - started < 60  # and not the hours that it would have taken


@pytest.mark.parametrize("arguments", [["--host", "0.0.0.0"], ["--share"], ["--host", "::"]])
def test_other_machines_are_let_in_by_choice_only(model, arguments):
    command = [sys.executable, "-m", "explainable_bert", "app", model, "--port", "0", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 1
    assert re.search(
        r"^error: auth: none given, and --(share|host \S+) lets other machines in; accepted: ", done.stderr
    )


def test_no_file_of_the_machine_is_given_away(served, tmp_path):
    address, _ = served
    (tmp_path / "secret.txt").write_text("swordfish")
    paths = (
        f"gradio_api/file={tmp_path / 'secret.txt'}",
        "gradio_api/file=/etc/passwd",
        "gradio_api/file=../../../../etc/passwd",
        "gradio_api/file=%2e%2e%2f%2e%2e%2f%2e%2e%2f%2e%2e%2fetc%2fpasswd",
        "static/../../../../../../etc/passwd",
        "assets/..%2f..%2f..%2f..%2f..%2fetc%2fpasswd",
        "gradio_api/file=.",
        "gradio_api/file=/tmp/",
    )
    for path in paths:
        code, content = answered(address + path)
        assert code in (200, 403, 404), path
        # What is answered with 200 is the page itself.
        assert code != 200 or b"<!doctype html>" in content.lower(), path
        assert not any(secret in content for secret in (b"root:", b"swordfish", b"Index of")), path


def test_a_visitor_cannot_name_a_file_for_the_page_to_read(served, tmp_path):
    """Where the page takes an uploaded table, a path that was not uploaded is refused."""
    address, _ = served
    (tmp_path / "secret.csv").write_text("text\nswordfish\n")
    config = json.load(urllib.request.urlopen(address + "config", timeout=20))
    taking = [
        event
        for event in config["dependencies"]
        for component in config["components"]
        if component["type"] == "file" and component["id"] in event["inputs"]
    ]
    assert taking
    for event in taking:
        data = [
            {"path": str(tmp_path / "secret.csv"), "meta": {"_type": "gradio.FileData"}} if place == 0 else None
            for place in range(len(event["inputs"]))
        ]
        asked = json.dumps({"data": data, "fn_index": event["id"], "session_hash": "abcdef"}).encode()
        code, said = answered(address + "gradio_api/queue/join", asked)
        if code == 200:
            code, said = answered(address + "gradio_api/queue/data?session_hash=abcdef")
        assert b"swordfish" not in said
        assert code in (400, 403, 404, 422) or b'"success":false' in said, said


def answered(address, posted=None):
    """The status and the content of an answer."""
    request = urllib.request.Request(address, posted, {"Content-Type": "application/json"} if posted else {})
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.status, answer.read(100_000)
    except urllib.error.HTTPError as error:
        return error.code, error.read()
