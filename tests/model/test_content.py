"""The content hash: what tells one unit with its drop-ins from another."""

import hashlib
import subprocess
from pathlib import Path
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sshfleet.errors import UnitFileError
from sshfleet.model.unit import UnitName, content_hash, dropin_problem, sha256_of
from sshfleet.unitfile.read import read_text

sums = st.sampled_from([sha256_of(letter) for letter in "abc"])
names = st.sampled_from(["10-x.conf", "20-y.conf", "A.conf", "a.conf"])
dropins = st.dictionaries(names, sums, max_size=3)
contents = st.tuples(sums, dropins)


@given(contents, contents)
def test_the_hash_differs_exactly_when_the_content_does(
    one: tuple[str, dict[str, str]], other: tuple[str, dict[str, str]]
) -> None:
    assert (content_hash(*one) == content_hash(*other)) == (one == other)


@given(sums, dropins, st.randoms(use_true_random=False))
def test_the_order_in_which_drop_ins_are_found_does_not_matter(
    text: str, found: dict[str, str], random: Random
) -> None:
    turned = list(found.items())
    random.shuffle(turned)
    assert content_hash(text, dict(turned)) == content_hash(text, found)


@given(st.text(max_size=30))
def test_without_drop_ins_it_is_the_sha256_of_the_bytes(text: str) -> None:
    digest = hashlib.sha256(text.encode()).hexdigest()
    assert content_hash(sha256_of(text), {}) == digest


def test_no_text_is_taken_for_a_text_with_drop_ins() -> None:
    dropin = sha256_of("[Service]\n")
    told = f"{sha256_of('[Unit]')}  -\n{dropin}  10-x.conf\n"
    assert sha256_of(told) == content_hash(sha256_of("[Unit]"), {"10-x.conf": dropin})
    with pytest.raises(UnitFileError, match="stands before the first section"):
        read_text(UnitName("web.service"), told)


def test_it_can_be_checked_by_hand(tmp_path: Path) -> None:
    folder = tmp_path / "web.service.d"
    folder.mkdir()
    (tmp_path / "web.service").write_text("[Service]\n")
    texts = {"b.conf": "", "a.conf": "[Unit]\n", "Z-9@.conf": "# é\n"}
    for name, text in texts.items():
        (folder / name).write_text(text)
    script = "LC_ALL=C sha256sum - *.conf <../web.service | sha256sum"

    said = subprocess.check_output(["sh", "-c", script], cwd=folder, text=True, env={})

    digests = {name: sha256_of(text) for name, text in texts.items()}
    assert said.split()[0] == content_hash(sha256_of("[Service]\n"), digests)


@pytest.mark.parametrize("name", ["10-x.conf", "a.b.conf", "a\\x2db:_@1.conf", "n" * 250 + ".conf"])
def test_names_of_drop_ins(name: str) -> None:
    assert dropin_problem(name) == ""


@pytest.mark.parametrize(
    "name",
    [
        "",
        "x",
        ".conf",
        "x.CONF",
        "conf",
        ".x.conf",
        "-x.conf",
        "@x.conf",
        "a b.conf",
        "é.conf",
        "a/b.conf",
        "../x.conf",
        "a\n.conf",
        "*.conf",
        "n" * 251 + ".conf",
        "x.conf\n",
        "x.conf~",
    ],
)
def test_what_is_no_name_of_a_drop_in(name: str) -> None:
    assert dropin_problem(name)
