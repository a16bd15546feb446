import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from endpoint_server import DONE, Behaviour, event, refuse, says, served, streams

from rag.cli.rows import answer_row
from rag.completions import EndpointGenerator
from rag.errors import QuestionError, SourceEmpty, SourceMissing
from rag.generator import Generator
from rag.index import Index
from rag.pipeline import Models, Pipeline, build
from rag.prompts import ABSTENTION
from rag.settings import GeneratorSettings, ModelSettings, Settings
from rag.types import Event
from tests.fakes import ScriptedGenerator, WordEmbedder

BRIDGE = (
    "The Bridge of Arta\n\n"
    "The stone bridge at Arta was built by Ana Ruiz in 1931. It cost 40 million drachmas, which "
    "the province borrowed from a bank in Athens and paid back over twenty years.\n\n"
    "The harbour lies two miles below the bridge. Twelve boats sank there in the storm of 1954, "
    "and the fishermen have told the story ever since to anyone who would listen to them.\n"
)


def open_pipeline(folder: Path, draft: str | Generator, **settings: object) -> Pipeline:
    """Join the real stages around a fake embedder and generator."""
    source = folder / "bridge.txt"
    source.write_text(BRIDGE, encoding="utf-8")
    embedder = WordEmbedder.of(BRIDGE)
    chosen = Settings(**settings)  # type: ignore[arg-type]
    build(source, folder / "index", chosen, embedder=embedder)
    index = Index.open(folder / "index", embedder.identity)
    generator = ScriptedGenerator(draft) if isinstance(draft, str) else draft
    return Pipeline(chosen, Models(embedder, generator), index)


ALWAYS = {"reader": {"min_answerable": 0.0}}
NEVER = {"reader": {"min_answerable": 1.0}}


def test_a_supported_draft_is_shown_with_its_exact_span(tmp_path: Path) -> None:
    with open_pipeline(tmp_path, "Ana Ruiz built the bridge.", **ALWAYS) as bot:
        answer = bot.ask("Who built the stone bridge at Arta?")
        (citation,) = answer.citations
        assert answer.text == "Ana Ruiz built the bridge. [1]"
        assert citation.quote == "The stone bridge at Arta was built by Ana Ruiz in 1931."
        assert bot.document(citation.document).text[citation.start : citation.end] == citation.quote
        assert (answer.abstained, answer.rejected) == (False, 0)
        assert answer.draft == "Ana Ruiz built the bridge."


def test_a_search_is_ordered_by_the_reader_and_others_follow(tmp_path: Path) -> None:
    question = "Who built the stone bridge at Arta?"
    with open_pipeline(tmp_path, "", retriever={"top_k": 2}) as bot:
        first, second = bot.search(question)
        assert first.score > second.score
        assert "built by Ana Ruiz" in first.text + second.text
        (*two, other) = bot.search(question, more=5)
        assert two == [first, second]
        assert "Twelve boats" in other.text
        with pytest.raises(QuestionError):
            bot.search("  ")


def test_an_invented_draft_gives_way_to_the_quote(tmp_path: Path) -> None:
    with open_pipeline(tmp_path, "Pedro Lopez built it in 1850.", **ALWAYS) as bot:
        answer = bot.ask("Who built the stone bridge at Arta?")
    assert answer.text == "The stone bridge at Arta was built by Ana Ruiz in 1931. [1]"
    assert answer.rejected == 1
    assert answer.draft == "Pedro Lopez built it in 1850."


def test_a_drafted_abstention_gives_way_to_the_quote(tmp_path: Path) -> None:
    with open_pipeline(tmp_path, ABSTENTION, **ALWAYS) as bot:
        answer = bot.ask("Who built the stone bridge at Arta?")
    assert answer.text == "The stone bridge at Arta was built by Ana Ruiz in 1931. [1]"
    assert (answer.draft, answer.rejected) == (ABSTENTION, 1)


@pytest.mark.parametrize(("adapted", "turns"), [(True, 2), (False, 8)])
def test_an_adapted_generator_is_given_no_examples(
    tmp_path: Path, adapted: bool, turns: int
) -> None:
    generator = ScriptedGenerator("Ana Ruiz built it.")
    generator.adapted = adapted  # type: ignore[attr-defined]
    with open_pipeline(tmp_path, generator, **ALWAYS) as bot:
        bot.ask("Who built the stone bridge at Arta?")
    assert len(generator.sent[-1]) == turns


def test_an_abstention_says_so_and_quotes_the_nearest(tmp_path: Path) -> None:
    with open_pipeline(tmp_path, "unused", **NEVER) as bot:
        answer = bot.ask("Who painted the bridge at Corfu?")
    assert answer.abstained
    assert answer.text.startswith("The documents don't say. They do not mention “Corfu”.")
    assert answer.draft == ""
    for citation in answer.citations:
        assert BRIDGE[citation.start : citation.end] == citation.quote


def test_the_stream_names_its_stages_and_ends_with_the_answer(tmp_path: Path) -> None:
    with open_pipeline(tmp_path, "Ana Ruiz built it.", **ALWAYS) as bot:
        events = list(bot.stream("Who built the stone bridge at Arta?"))
        answer = bot.ask("Who built the stone bridge at Arta?")
    assert [e.text for e in events if e.kind == "stage"] == ["search", "read", "write", "verify"]
    assert "".join(e.text for e in events if e.kind == "token") == "Ana Ruiz built it."
    assert events[-1].answer is not None
    assert events[-1].answer.text == answer.text
    assert set(answer.timings) == {"search", "read", "write", "verify", "total"}


def test_stopping_leaves_the_checked_part(tmp_path: Path) -> None:
    stop = threading.Event()
    seen: list[Event] = []
    with open_pipeline(tmp_path, "Ana Ruiz built the bridge.", **ALWAYS) as bot:
        for event in bot.stream("Who built the stone bridge at Arta?", stop=stop):
            seen.append(event)
            if event.kind == "token":
                stop.set()
    assert [e.text for e in seen if e.kind == "token"] == ["Ana"]
    assert seen[-1].answer is not None
    assert seen[-1].answer.citations


def test_a_follow_up_is_searched_with_what_it_points_back_to(tmp_path: Path) -> None:
    with open_pipeline(tmp_path, "In 1931.", **ALWAYS) as bot:
        answer = bot.ask("When was that?", history=[("Did Ana Ruiz build the bridge?", "Yes.")])
    assert answer.question == "When was that?"
    assert "1931" in answer.citations[0].quote


@pytest.mark.parametrize("question", ["", "  \n", "why " * 1000])
def test_questions_that_cannot_be_asked(tmp_path: Path, question: str) -> None:
    with open_pipeline(tmp_path, "x") as bot, pytest.raises(QuestionError):
        bot.ask(question)


def test_sources_that_are_not_there(tmp_path: Path) -> None:
    with pytest.raises(SourceMissing):
        build(tmp_path / "none", tmp_path / "i", Settings(), embedder=WordEmbedder(["a"]))
    (tmp_path / "empty").mkdir()
    with pytest.raises(SourceEmpty):
        build(tmp_path / "empty", tmp_path / "i", Settings(), embedder=WordEmbedder(["a"]))


def test_building_reports_what_was_left_out(tmp_path: Path) -> None:
    (tmp_path / "s").mkdir()
    (tmp_path / "s" / "a.txt").write_text(BRIDGE, encoding="utf-8")
    (tmp_path / "s" / "b.txt").write_bytes(b"\x00\x01\x02\x03" * 100)
    report, skipped = build(
        tmp_path / "s", tmp_path / "i", Settings(), embedder=WordEmbedder.of(BRIDGE)
    )
    assert (report.added, [Path(s.source).name for s in skipped]) == (1, ["b.txt"])


def test_small_talk_is_answered_in_kind(tmp_path: Path) -> None:
    with open_pipeline(tmp_path, "x") as bot:
        answer = bot.ask("Hello!")
        asked = bot.ask("Which documents do you have?")
    assert (answer.abstained, answer.citations, answer.passages) == (False, (), ())
    assert asked.text == "I have 1 document: “The Bridge of Arta”."


def test_an_overview_quotes_central_sentences_in_order(tmp_path: Path) -> None:
    with open_pipeline(tmp_path, "x") as bot:
        answer = bot.ask("What is this about?")
        text = bot.documents()[0].text
    assert not answer.abstained
    assert [text[c.start : c.end] for c in answer.citations] == [c.quote for c in answer.citations]
    assert [c.start for c in answer.citations] == sorted(c.start for c in answer.citations)
    assert 2 <= len(answer.citations) <= 4


def test_a_topic_the_documents_do_not_mention_is_an_abstention(tmp_path: Path) -> None:
    with open_pipeline(tmp_path, "unused", **NEVER) as bot:
        answer = bot.ask("Tell me about the volcano")
    assert answer.abstained
    assert answer.draft == ""


def test_a_name_they_do_not_mention_bounds_a_topic_too(tmp_path: Path) -> None:
    with open_pipeline(tmp_path, "unused") as bot:
        answer = bot.ask("What do the documents say about Joe Biden?")
    assert answer.abstained
    assert "They do not mention “Joe Biden”." in answer.text


def test_a_topic_is_quoted_in_document_order(tmp_path: Path) -> None:
    with open_pipeline(tmp_path, "unused", **ALWAYS) as bot:
        answer = bot.ask("anything on the bridge?")
    assert [c.start for c in answer.citations] == sorted(c.start for c in answer.citations)
    assert answer.citations
    assert answer.draft == ""


def test_a_question_of_two_parts_gets_both_answered(tmp_path: Path) -> None:
    question = "Who built the stone bridge at Arta, and how many boats sank in the storm?"
    with open_pipeline(tmp_path, "unused", **ALWAYS) as bot:
        events = list(bot.stream(question))
        text = bot.documents()[0].text
    answer = events[-1].answer
    assert answer is not None
    assert [e.kind for e in events].count("answer") == 1
    assert answer.question == question
    assert answer.text.index("Ana Ruiz") < answer.text.index("Twelve boats")
    assert [c.marker for c in answer.citations] == [1, 2]
    assert [text[c.start : c.end] for c in answer.citations] == [c.quote for c in answer.citations]


def test_the_second_part_may_point_back_to_the_first(tmp_path: Path) -> None:
    generator = ScriptedGenerator("unused")
    with open_pipeline(tmp_path, generator, **ALWAYS) as bot:
        bot.ask("Who built the stone bridge at Arta, and how much did it cost?")
    first, second = (sent[-1].content for sent in generator.sent)
    assert "how much" not in first.casefold()
    assert "how much did the stone bridge" in second.casefold() or "Arta: How much" in second


def test_two_things_asked_at_once_are_quoted(tmp_path: Path) -> None:
    generator = ScriptedGenerator("Ana Ruiz built the bridge.")
    with open_pipeline(tmp_path, generator, **ALWAYS) as bot:
        answer = bot.ask("who built the stone bridge and what year")
    assert answer.text == "The stone bridge at Arta was built by Ana Ruiz in 1931. [1]"
    assert (answer.draft, generator.sent) == ("", [])


def test_a_request_is_read_as_a_question(tmp_path: Path) -> None:
    generator = ScriptedGenerator("unused")
    with open_pipeline(tmp_path, generator, **ALWAYS) as bot:
        bot.ask("Name the boats that sank in the storm.")
        assert bot.read("Name the boats that sank.") == bot.read("Which boats sank?")
    assert "Which boats sank in the storm?" in generator.sent[0][-1].content


def test_a_misspelt_question_behind_a_greeting_is_understood(tmp_path: Path) -> None:
    with open_pipeline(tmp_path, "Ana Ruiz built the bridge.", **ALWAYS) as bot:
        answer = bot.ask("Hello! Who built the stnoe brigde at Arta?")
    assert answer.question == "Hello! Who built the stnoe brigde at Arta?"
    assert answer.text == "Ana Ruiz built the bridge. [1]"


def test_what_happened_is_an_overview_only_at_first(tmp_path: Path) -> None:
    with open_pipeline(tmp_path, "Boats sank.", **ALWAYS) as bot:
        first = bot.ask("What happened?")
        later = bot.ask("What happened?", history=[("What sank in the storm?", "Twelve boats.")])
    assert len(first.citations) >= 2
    assert "search" in later.timings
    assert "search" not in first.timings


@pytest.mark.parametrize(
    ("behaviour", "kind", "logged"),
    [
        (refuse(404, "no such model"), "ModelMissing", "no such model"),
        (refuse(500), "EndpointError", "answers 500"),
        (streams([event("Ana Ruiz built the brid")]), "EndpointUnreachable", "broke off"),
        (streams([DONE], before=3), "EndpointTimeout", "took longer than 0.5 s"),
    ],
)
def test_a_writer_that_fails_costs_no_evidence(
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    behaviour: Behaviour,
    kind: str,
    logged: str,
) -> None:
    with served(behaviour) as server:
        models = ModelSettings(generator=server.address, generator_model="m", timeout=0.5)
        generator = EndpointGenerator.open(models, GeneratorSettings())
        with open_pipeline(tmp_path, generator, **ALWAYS) as bot:
            events = list(bot.stream("Who built the stone bridge at Arta?"))
    answer = events[-1].answer
    assert answer is not None
    assert answer.text == "The stone bridge at Arta was built by Ana Ruiz in 1931. [1]"
    assert answer.citations[0].quote == "The stone bridge at Arta was built by Ana Ruiz in 1931."
    assert (answer.abstained, answer.rejected) == (False, 0)
    assert answer.notice == f"the language model failed ({kind}), so the evidence is quoted"
    assert answer.notice in caplog.text
    assert logged in caplog.text
    assert server.address in caplog.text
    assert answer_row(answer)["notice"] == answer.notice
    assert answer.draft == "".join(e.text for e in events if e.kind == "token")


def test_what_an_endpoint_writes_is_verified_like_any_draft(tmp_path: Path) -> None:
    replies = (says("Ana Ruiz", " built the bridge."), says("Pedro Lopez built it in 1850."))
    with served(*replies) as server:
        models = ModelSettings(generator=server.address, generator_model="m")
        generator = EndpointGenerator.open(models, GeneratorSettings())
        with open_pipeline(tmp_path, generator, **ALWAYS) as bot:
            bot.warm_up()
            assert server.requests == []
            good, bad = (bot.ask("Who built the stone bridge at Arta?") for _ in range(2))
    assert (good.text, good.notice) == ("Ana Ruiz built the bridge. [1]", "")
    assert bad.text == "The stone bridge at Arta was built by Ana Ruiz in 1931. [1]"
    assert (bad.rejected, bad.notice) == (1, "")
    assert "notice" not in answer_row(good)
    sent = server.requests[0].body["messages"][-1]["content"]
    assert "Who built the stone bridge at Arta?" in sent
    assert "built by Ana Ruiz in 1931" in sent
    assert "Twelve boats" not in sent


def test_a_question_that_is_not_answered_contacts_no_writer(tmp_path: Path) -> None:
    with served(says("x")) as server:
        models = ModelSettings(generator=server.address, generator_model="m")
        generator = EndpointGenerator.open(models, GeneratorSettings())
        with open_pipeline(tmp_path, generator, **NEVER) as bot:
            assert bot.ask("Who painted the bridge at Corfu?").abstained
        assert server.requests == []


def test_two_questions_do_not_wait_for_each_other_at_a_server(tmp_path: Path) -> None:
    with served(streams([event("Ana Ruiz built the bridge."), DONE], before=1.0)) as server:
        models = ModelSettings(generator=server.address, generator_model="m")
        generator = EndpointGenerator.open(models, GeneratorSettings())
        with open_pipeline(tmp_path, generator, **ALWAYS) as bot, ThreadPoolExecutor() as pool:
            asked = [pool.submit(bot.ask, "Who built the stone bridge at Arta?") for _ in range(3)]
            answers = [one.result() for one in asked]
    assert {answer.text for answer in answers} == {"Ana Ruiz built the bridge. [1]"}
    assert all(answer.timings["write"] < 2.0 for answer in answers)  # 3 s for the last in a queue
