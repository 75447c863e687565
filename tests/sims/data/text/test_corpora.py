"""Corpora: found in a folder, told apart by content, split without overlap; errors where text is missing."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from hptheory.errors import MissingExtraError, UnknownNameError
from sims.data.text import find_corpus, train_tokenizer
from sims.data.text.errors import CorpusError
from sims.data.text.hub import published_texts


def wikitext_folder(root: Path, text: str = " = Title = \n one two\n") -> Path:
    (root / "wikitext-2").mkdir(parents=True)
    for part in ("train", "valid"):
        (root / "wikitext-2" / f"wiki.{part}.tokens").write_text(f"{text} {part}\n", encoding="utf-8")
    return root


def novel_folder(root: Path, count: int) -> Path:
    root.mkdir(parents=True)
    for index in range(count):
        (root / f"novel_{index:03}.txt").write_text(f"novel {index}\n" * 30, encoding="utf-8")
    return root


def test_wikitext_in_its_public_layout_is_read_as_it_is(tmp_path: Path) -> None:
    corpus = find_corpus("wikitext-2", wikitext_folder(tmp_path))
    assert "".join(corpus.train()) == " = Title = \n one two\n train\n"
    assert "".join(corpus.validation()) == " = Title = \n one two\n valid\n"
    assert not corpus.separated


def test_law_the_fingerprint_depends_on_the_text_alone(tmp_path: Path) -> None:
    here, there = (find_corpus("wikitext-2", wikitext_folder(tmp_path / name)) for name in ("a", "b"))
    other = find_corpus("wikitext-2", wikitext_folder(tmp_path / "c", "other"))
    assert here.fingerprint == there.fingerprint != other.fingerprint


def test_law_the_parts_share_no_document(tmp_path: Path) -> None:
    corpus = find_corpus(f"folder:{novel_folder(tmp_path / 'texts', 45)}")
    train, validation = list(corpus.train()), list(corpus.validation())
    assert len(train) == 43
    assert [text.split("\n")[0] for text in validation] == ["novel 19", "novel 39"]
    assert not set(train) & set(validation)
    assert corpus.separated


def test_few_files_are_one_text_whose_end_is_held_out(tmp_path: Path) -> None:
    folder = novel_folder(tmp_path / "texts", 3)
    corpus = find_corpus(f"folder:{folder}")
    whole = "\n".join(path.read_text(encoding="utf-8") for path in sorted(folder.iterdir()))
    train, validation = "".join(corpus.train()), "".join(corpus.validation())
    assert train + validation == whole
    assert 0 < len(validation) <= len(whole) / 20


@pytest.mark.parametrize(
    ("text", "held_out"),
    [
        ("a b\n" * 100, "a b\n" * 4),  # the line after the last twentieth's start
        ("ab cd " * 100, "cd " + "ab cd " * 4),
        ("line\n" * 100 + "ab cd " * 100, "ab cd " * 9),
        ("ab cd " * 100 + "\n", "cd " + "ab cd " * 4 + "\n"),
        ("x" * 100, "x" * 5),
    ],
)
def test_a_text_is_cut_at_the_next_line_or_word_or_letter(tmp_path: Path, text: str, held_out: str) -> None:
    path = tmp_path / "text.txt"
    path.write_text(text, encoding="utf-8")
    corpus = find_corpus(f"folder:{path}")
    assert "".join(corpus.validation()) == held_out
    assert "".join(corpus.train()) + held_out == text


def test_law_a_line_in_pieces_has_the_tokens_of_the_whole(tmp_path: Path) -> None:
    text = "".join(find_corpus("pydoc").validation()).replace("\n", " ")  # with runs of spaces
    path = tmp_path / "text.txt"
    path.write_text(text, encoding="utf-8")
    pieces = list(find_corpus(f"folder:{path}").train())
    assert len(pieces) > 10
    assert max(map(len, pieces)) < 1_200
    whole = train_tokenizer(["".join(pieces)], 400)
    assert train_tokenizer(pieces, 400).to_str() == whole.to_str()
    encoded = [token for piece in pieces for token in whole.encode(piece).ids]
    assert encoded == whole.encode("".join(pieces)).ids


def test_the_novels_lie_in_the_data_folder(tmp_path: Path) -> None:
    novel_folder(tmp_path / "english_novels", 20)
    assert len(list(find_corpus("novels", tmp_path).train())) == 19


@pytest.mark.parametrize(
    ("name", "words"),
    [("novels", "HPTHEORY_DATA"), ("folder:nowhere", "folder of"), ("folder:short.txt", "too short")],
)
def test_missing_text_is_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, words: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("short.txt").write_text("no line end", encoding="utf-8")
    with pytest.raises(CorpusError, match=words):
        find_corpus(name, None)


def test_a_named_folder_without_the_text_is_no_reason_to_download(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match=r"there is no .*wikitext-103/wiki\.train\.tokens"):
        find_corpus("wikitext-103", wikitext_folder(tmp_path))
    (tmp_path / "wikitext-2" / "wiki.valid.tokens").unlink()
    with pytest.raises(CorpusError, match=r"there is no .*wiki\.valid\.tokens"):
        find_corpus("wikitext-2", tmp_path)


def test_a_file_that_is_no_text_is_named(tmp_path: Path) -> None:
    (tmp_path / "photo.txt").write_bytes(b"\xff\xfe\xfa")
    with pytest.raises(CorpusError, match=r"photo\.txt is not UTF-8"):
        find_corpus(f"folder:{tmp_path}")


def test_wikitext_that_is_no_text_is_named(tmp_path: Path) -> None:
    folder = wikitext_folder(tmp_path)
    (folder / "wikitext-2" / "wiki.valid.tokens").write_bytes(b"caf\xe9\n")
    with pytest.raises(CorpusError, match=r"wiki\.valid\.tokens is not UTF-8"):
        list(find_corpus("wikitext-2", folder).validation())


def test_an_unknown_corpus_names_its_neighbours() -> None:
    with pytest.raises(UnknownNameError, match="wikitext-2"):
        find_corpus("wikitex-2")


def test_a_home_out_of_reach_says_what_would_serve_instead(monkeypatch: pytest.MonkeyPatch) -> None:
    class Unreachable:
        @staticmethod
        def load_dataset(*args: object, **kwargs: object) -> None:
            raise ConnectionError("no route")

    monkeypatch.setitem(sys.modules, "datasets", Unreachable)
    monkeypatch.setattr("sims.data.text.hub.find_spec", lambda name: object())
    with pytest.raises(CorpusError, match="--data-dir"):
        next(published_texts("Salesforce/wikitext", "wikitext-2-v1", "train", streaming=False))


def test_published_rows_come_as_texts(monkeypatch: pytest.MonkeyPatch) -> None:
    class Home:
        @staticmethod
        def load_dataset(path: str, name: str, *, split: str, streaming: bool) -> list[dict[str, str]]:
            return [{"text": f"{path} {name} {split} {number}"} for number in range(2_003)]

    monkeypatch.setitem(sys.modules, "datasets", Home)
    monkeypatch.setattr("sims.data.text.hub.find_spec", lambda name: object())
    corpus = find_corpus("fineweb", None)
    train, validation = list(corpus.train()), list(corpus.validation())
    assert (len(train), len(validation)) == (3, 2_000)
    assert not set(train) & set(validation)


def test_without_the_package_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sims.data.text.hub.find_spec", lambda name: None)
    with pytest.raises(MissingExtraError, match=r"hptheory\[text\]"):
        next(published_texts("a", "b", "train", streaming=False))
