from rag.entities import Entities


def test_a_turn_in_which_nobody_is_named_has_no_person() -> None:
    heard = Entities()
    heard.hear("What sank the boats?", "Rust.")
    assert heard.person("m") == ""
    assert heard.thing(plural=True) == "the boats"


def test_the_fullest_form_of_a_name_is_kept() -> None:
    heard = Entities()
    heard.hear("Where does Ruiz live?", "Ana Ruiz lives in Lima.")
    assert heard.person("f") == "Ana Ruiz"


def test_a_pronoun_once_used_tells_the_next() -> None:
    heard = Entities()
    heard.hear("Did Ana Ruiz hire Luis Mora?", "Yes.")
    assert heard.person("f") == "Ana Ruiz"
    assert heard.person("m") == "Luis Mora"
    assert heard.person("f") == "Ana Ruiz"


def test_the_answer_to_who_comes_first() -> None:
    heard = Entities()
    heard.hear("Who runs the harbour?", "Luis Mora runs it.")
    assert (heard.person("m"), heard.topic()) == ("Luis Mora", "Luis Mora")
    assert heard.thing(plural=False) == "the harbour"


def test_what_is_old_fades() -> None:
    heard = Entities()
    heard.hear("Who is Ana Ruiz?", "An engineer.")
    heard.hear("Who is Luis Mora?", "A baker.")
    assert heard.person("m") == "Luis Mora"


def test_nothing_heard() -> None:
    assert (Entities().person("f"), Entities().thing(plural=False), Entities().topic()) == ("",) * 3
