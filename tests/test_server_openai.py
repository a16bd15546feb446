"""OpenAI's interface, asked by OpenAI's own client, unchanged."""

from __future__ import annotations

import json
import re
import threading
import time

import httpx
import openai
import pytest
from openai.types.chat.chat_completion_message import Annotation
from page_fake import TEXT, FakeBot
from server_fake import FakeLibrary, served

from rag import errors
from rag.server.completions import Message, Part, conversation

ASKED = [{"role": "user", "content": "Who lit the lamp on which page?"}]
ANSWER = FakeBot().answer("Who lit the lamp?")


@pytest.fixture(scope="module")
def api():
    with served(FakeLibrary(), max_question_chars=200) as url:
        yield url


@pytest.fixture
def client(api):
    return openai.OpenAI(base_url=f"{api}/v1", api_key="none", max_retries=0)


def body(url: str, **more) -> httpx.Response:
    asked = {"model": "rag", "messages": ASKED, **more}
    return httpx.post(f"{url}/v1/chat/completions", json=asked)


def test_the_one_model_is_listed(client):
    assert [model.id for model in client.models.list()] == ["rag"]
    assert client.models.retrieve("rag").object == "model"
    with pytest.raises(openai.NotFoundError, match="no model 'gpt'"):
        client.models.retrieve("gpt")


def test_an_answer_comes_with_its_citations_as_annotations(client, api):
    done = client.chat.completions.create(model="rag", messages=ASKED)
    (choice,) = done.choices
    content = choice.message.content
    assert (done.object, choice.finish_reason, choice.message.role) == (
        "chat.completion", "stop", "assistant",
    )  # fmt: skip
    assert content == ANSWER.text
    assert abs(done.created - time.time()) < 60
    # "[7]" is no citation: only markers that resolve are annotated
    assert len(choice.message.annotations) == len(ANSWER.citations) == 2
    for one, citation in zip(choice.message.annotations, ANSWER.citations, strict=True):
        Annotation.model_validate(one.model_dump(), strict=True)  # the client's own type takes it
        cited = one.url_citation
        assert content[cited.start_index : cited.end_index] == f"[{citation.marker}]"
        assert cited.title == "The Lamp on Gull Rock, p. 14"
        quote = one.file_citation
        assert (quote["document"], quote["page"]) == (citation.document, "14")
        assert TEXT[quote["start"] : quote["end"]] == quote["quote"] == citation.quote
        assert cited.url.startswith(f"{api}/api/documents/")
        assert httpx.get(cited.url).json()["text"] == citation.quote
    words = len(ASKED[0]["content"].split()), len(content.split())
    assert (done.usage.prompt_tokens, done.usage.completion_tokens) == words
    assert done.usage.total_tokens == sum(words)
    assert done.rag == {"abstained": False, "confidence": ANSWER.confidence}


def test_an_abstention_is_said_in_words_and_marked(client):
    asked = [{"role": "user", "content": "Who walked on the moon?"}]
    done = client.chat.completions.create(model="rag", messages=asked)
    assert done.choices[0].message.content == "The documents do not say who walked on the moon."
    assert done.choices[0].message.annotations == []
    assert done.rag["abstained"] is True


def test_a_stream_holds_the_checked_answer_and_nothing_of_the_draft(client):
    stream = client.chat.completions.create(
        model="rag", messages=ASKED, stream=True, stream_options={"include_usage": True}
    )
    chunks = list(stream)
    assert chunks[0].choices[0].delta.role == "assistant"
    assert len({chunk.id for chunk in chunks}) == len({chunk.created for chunk in chunks}) == 1
    text = "".join(c.choices[0].delta.content or "" for c in chunks if c.choices)
    assert text == ANSWER.text
    assert len([c for c in chunks if c.choices and c.choices[0].delta.content]) > 5
    (annotated,) = [
        c for c in chunks if c.choices and "annotations" in c.choices[0].delta.to_dict()
    ]
    marked = annotated.choices[0].delta.annotations
    assert [a["file_citation"]["quote"] for a in marked] == [c.quote for c in ANSWER.citations]
    assert [a["index"] for a in marked] == [0, 1]
    assert chunks[-2].choices[0].finish_reason == "stop"
    assert chunks[-2].rag["confidence"] == ANSWER.confidence
    assert chunks[-1].choices == []
    assert chunks[-1].usage.completion_tokens == len(ANSWER.text.split())


def test_the_helper_of_the_client_puts_the_stream_together(client):
    with client.chat.completions.stream(model="rag", messages=ASKED) as stream:
        done = stream.get_final_completion()
    assert done.choices[0].message.content == ANSWER.text
    assert len(done.choices[0].message.annotations) == 2


def test_a_stream_opens_at_once_and_says_that_it_works():
    with served(FakeLibrary(delay=0.3), keep_alive=0.05) as url:
        asked = {"model": "rag", "messages": ASKED, "stream": True}
        started = time.monotonic()
        with httpx.stream("POST", f"{url}/v1/chat/completions", json=asked, timeout=30) as response:
            lines = response.iter_lines()
            first = json.loads(next(lines).removeprefix("data: "))
            early = time.monotonic() - started
            rest = "\n".join(lines)
        whole = time.monotonic() - started
        client = openai.OpenAI(base_url=f"{url}/v1", api_key="none")
        chunks = client.chat.completions.create(model="rag", messages=ASKED, stream=True)
        assert "".join(c.choices[0].delta.content or "" for c in chunks) == ANSWER.text
    assert first["choices"][0]["delta"] == {"role": "assistant", "content": ""}
    assert early < whole / 3
    assert ": still working\n" in rest
    assert rest.rstrip().endswith("data: [DONE]")
    draft = FakeBot().answer("Who lit the lamp?").draft
    assert draft[-30:] not in rest


def test_history_comes_from_the_messages():
    bot = FakeLibrary()
    with served(bot) as url:
        client = openai.OpenAI(base_url=f"{url}/v1", api_key="none")
        client.chat.completions.create(
            model="rag",
            messages=[
                {"role": "system", "content": "Answer in rhyme."},
                {"role": "user", "content": "Who lit it?"},
                {"role": "assistant", "content": "Marta did. [1]"},
                {"role": "user", "content": [{"type": "text", "text": "And when?"}]},
            ],
        )
    assert bot.histories == [[("Who lit it?", "Marta did.")]]


def test_only_answered_turns_are_history():
    said = [
        Message(role="assistant", content="Hello!"),
        Message(role="user", content="first"),
        Message(role="user", content="again"),
        Message(role="assistant", content=[Part(type="text", text="An answer [2], in two.")]),
        Message(role="tool", content="42"),
        Message(role="user", content="last"),
    ]
    assert conversation(said) == ("last", [("again", "An answer, in two.")])


def test_parameters_that_steer_a_model_are_passed_over(client):
    done = client.chat.completions.create(
        model="rag",
        messages=ASKED,
        temperature=0.3,
        top_p=0.5,
        max_tokens=1,
        seed=7,
        stop=["Marta"],
        user="someone",
        n=1,
        response_format={"type": "text"},
        tools=[{"type": "function", "function": {"name": "f", "parameters": {}}}],
        tool_choice="auto",
        extra_body={"no_such_parameter": {"a": 1}},
    )
    assert done.choices[0].message.content == ANSWER.text


@pytest.mark.parametrize(
    ("wrong", "param"),
    [
        ({"messages": []}, "messages"),
        ({"messages": "hello"}, "messages"),
        ({"messages": [{"role": "assistant", "content": "hi"}]}, "messages"),
        ({"messages": [{"role": "wizard", "content": "hi"}]}, "messages.0.role"),
        (
            {"messages": [{"role": "user", "content": [{"type": "image_url"}]}]},
            "messages.0.content",
        ),
        ({"n": 2}, "n"),
        ({"temperature": 9}, "temperature"),
        ({"stream": "yes"}, "stream"),
        ({"response_format": {"type": "json_object"}}, "response_format.type"),
        ({"tool_choice": "required"}, "tool_choice"),
    ],
)
def test_a_bad_parameter_is_named_in_openais_shape(api, client, wrong, param):
    response = body(api, **wrong)
    assert response.status_code == 400
    error = response.json()["error"]
    assert set(error) == {"message", "type", "param", "code"}
    assert (error["type"], error["param"]) == ("invalid_request_error", param)
    with pytest.raises(openai.BadRequestError) as caught:
        client.chat.completions.create(**{"model": "rag", "messages": ASKED, **wrong})
    assert caught.value.param == param


def test_errors_are_the_clients_own(client, api):
    with pytest.raises(openai.BadRequestError, match="empty") as caught:
        client.chat.completions.create(model="rag", messages=[{"role": "user", "content": " "}])
    assert caught.value.code == "question_error"
    with pytest.raises(openai.NotFoundError, match="no model") as missing:
        client.chat.completions.create(model="gpt-4o", messages=ASKED)
    assert (missing.value.code, missing.value.param) == ("model_not_found", "model")
    with pytest.raises(openai.InternalServerError) as broken:
        client.chat.completions.create(model="rag", messages=[{"role": "user", "content": "boom"}])
    assert "secret" not in str(broken.value)
    assert httpx.get(f"{api}/v1/embeddings").json()["error"]["type"] == "not_found_error"
    assert httpx.get(f"{api}/v1/chat/completions").status_code == 405
    headers = {"content-type": "application/json"}
    refused = httpx.post(f"{api}/v1/chat/completions", content=b"{", headers=headers)
    assert (refused.status_code, "error" in refused.json()) == (400, True)


def test_an_error_in_a_stream_reaches_the_client():
    class Broken(FakeLibrary):
        def stream(self, question, history=(), *, stop=None):
            yield from list(super().stream(question, history, stop=stop))[:3]
            raise errors.ModelDamaged("The model is damaged.", hint="Get it again.")

    with served(Broken()) as url:
        client = openai.OpenAI(base_url=f"{url}/v1", api_key="none", max_retries=0)
        stream = client.chat.completions.create(model="rag", messages=ASKED, stream=True)
        with pytest.raises(openai.APIError, match=r"damaged\. Get it again"):
            list(stream)


def test_the_key_is_the_clients_key():
    with served(FakeLibrary(), api_key="correct horse") as url:
        wrong = openai.OpenAI(base_url=f"{url}/v1", api_key="wrong horse", max_retries=0)
        with pytest.raises(openai.AuthenticationError, match="Bearer KEY"):
            wrong.models.list()
        right = openai.OpenAI(base_url=f"{url}/v1", api_key="correct horse", max_retries=0)
        done = right.chat.completions.create(model="rag", messages=ASKED)
        assert done.choices[0].message.content == ANSWER.text


def test_a_full_queue_is_tried_again_by_the_client():
    with served(FakeLibrary(delay=0.15), max_running=1, max_waiting=0) as url:
        answers: list[str] = []

        def ask() -> None:
            client = openai.OpenAI(base_url=f"{url}/v1", api_key="none", max_retries=5)
            done = client.chat.completions.create(model="rag", messages=ASKED)
            answers.append(done.choices[0].message.content)

        threads = [threading.Thread(target=ask) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        counted = httpx.get(f"{url}/metrics").text
    assert answers == [ANSWER.text] * 2
    assert re.search(r'route="/v1/chat/completions",status="503"} [1-9]', counted)


def test_a_client_that_leaves_a_stream_stops_the_draft():
    bot = FakeLibrary(delay=0.2)
    with served(bot) as url:
        client = openai.OpenAI(base_url=f"{url}/v1", api_key="none")
        with client.chat.completions.create(model="rag", messages=ASKED, stream=True) as stream:
            assert next(iter(stream)).choices[0].delta.role == "assistant"
        deadline = time.monotonic() + 10
        while not bot.stopped and time.monotonic() < deadline:
            time.sleep(0.05)
    assert bot.stopped == 1


def test_a_document_deleted_meanwhile_is_named_by_its_id():
    class Forgetful(FakeLibrary):
        def document(self, id):
            raise KeyError(id)

    with served(Forgetful()) as url:
        done = body(url).json()
    titles = [a["url_citation"]["title"] for a in done["choices"][0]["message"]["annotations"]]
    assert titles == ["doc-0, p. 14"] * 2
